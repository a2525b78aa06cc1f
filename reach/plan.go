package reach

import (
	"encoding/binary"
	"time"

	"tombolo/network"
)

// Plan is what would open a flow.
type Plan struct {
	Flow    Flow
	Changes []Change // to be made in this order; empty when nothing need or can be done
	// Obstacles are what no change of rules or routes can remove: then Changes is
	// empty, and these say what has to be redesigned.
	Obstacles []Obstacle
}

// Change is one request to make, on whose behalf, and why. Where it speaks of a
// peering that an earlier Change makes, the ID is NewPeering.
type Change struct {
	Caller  network.Caller
	Request network.Request
	Why     string // one sentence
}

// NewPeering stands for the ID of the peering that a Plan's RequestPeering makes.
const NewPeering network.PeeringID = "pcx-new"

// Obstacle is a reason why no change can open a flow.
type Obstacle struct {
	Cause    Explanation
	Redesign string // one sentence: what would have to be different
}

// With is the request with a real peering where NewPeering stands.
func (c Change) With(p network.PeeringID) network.Request {
	return swapPeering(c.Request, NewPeering, p)
}

// instead is the change with NewPeering where a draft's peering stands.
func (c Change) instead(of network.PeeringID) Change {
	if of != "" {
		c.Request = swapPeering(c.Request, of, NewPeering)
	}
	return c
}

func swapPeering(r network.Request, old, by network.PeeringID) network.Request {
	from, to := network.ToPeering{Peering: old}, network.ToPeering{Peering: by}
	switch r := r.(type) {
	case network.AcceptPeering:
		if r.Peering == old {
			r.Peering = by
		}
		return r
	case network.CreateRoute:
		if r.To == from {
			r.To = to
		}
		return r
	case network.ReplaceRoute:
		if r.To == from {
			r.To = to
		}
		return r
	}
	return r
}

// After is the State that a plan makes of s. It is an error of the network's if
// one of the changes is refused there.
func (p Plan) After(s network.State) (network.State, error) {
	d := draft{State: s}
	for _, c := range p.Changes {
		if err := d.make(c); err != nil {
			return s, err
		}
	}
	return d.State, nil
}

// draft is a State that changes are tried on.
type draft struct {
	network.State
	peering network.PeeringID // that NewPeering stands for
	seeds   uint64
}

// daybreak is a time before all that a State knows of: nothing but what is done
// in a draft is due then.
var daybreak = time.Unix(1, 0).UTC()

// make applies a change, and lets what follows from it by itself happen at once.
func (d *draft) make(c Change) error {
	at := daybreak
	r := c.With(d.peering)
	if accept, ok := r.(network.AcceptPeering); ok {
		if p := d.Peering(accept.Peering); p != nil {
			at = p.Created // it has not expired then
		}
	}
	if err := d.apply(c.Caller, r, at); err != nil {
		return err
	}
	if _, ok := r.(network.RequestPeering); ok {
		d.peering = network.PeeringID(d.Outcome().Created[0])
	}
	switch r.(type) {
	case network.RequestPeering, network.AcceptPeering:
		return d.apply(c.Caller, network.Settle{}, at)
	}
	return nil
}

func (d *draft) apply(who network.Caller, r network.Request, at time.Time) error {
	d.seeds++
	op := network.Op{Caller: who, At: at, Request: r}
	copy(op.Seed[:], "a draft")
	binary.BigEndian.PutUint64(op.Seed[8:], d.seeds)
	next, err := d.Apply(op)
	d.State = next
	return err
}
