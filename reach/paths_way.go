package reach

import (
	"net/netip"

	"tombolo/network"
)

// leg is the part of a way between two interfaces: with a middlebox on it, a way
// has more than one.
type leg struct{ from, to *endpoint }

// mostLegs bounds how many middleboxes a packet may pass: its TTL would end there.
const mostLegs = 16

// way appends the legs of a packet's way to an interface that has its destination
// address; ok is false when it does not get there. Nothing but the addresses
// counts here.
func (x *atlas) way(legs []leg, from, goal *endpoint, p pair) (_ []leg, ok bool) {
	for range mostLegs {
		if !from.up || from.SourceDestCheck && !from.has(p.src) {
			return legs, false
		}
		to := x.next(from, goal, p)
		if to == nil || !to.up {
			return legs, false
		}
		legs = append(legs, leg{from, to})
		if to == goal {
			return legs, true
		}
		from = x.onward(to, p.dst)
		for _, l := range legs {
			if from == nil || l.from == from {
				return legs, false // round and round
			}
		}
	}
	return legs, false
}

// next is the interface that a packet is handed to: the goal, a middlebox, or nil.
func (x *atlas) next(from, goal *endpoint, p pair) *endpoint {
	inside := func(v network.VPCID) *endpoint {
		if goal.VPC != v {
			return nil // another interface there may have the address
		}
		return goal
	}
	if from.domain.Contains(p.dst) {
		return inside(from.VPC)
	}
	r, ok := from.domain.routes.lookup(p.dst)
	if !ok {
		return nil
	}
	switch to := r.To.(type) {
	case network.ToLocal:
		return inside(from.VPC)
	case network.ToPeering:
		c := x.peering(to.Peering)
		if c == nil {
			return nil
		}
		other := c.across(from.domain.vpc)
		// What crosses is from one of the two VPCs and for the other (AWS: VPC peering
		// limitations).
		if other == nil || !other.Contains(p.dst) || !from.domain.vpc.Contains(p.src) {
			return nil
		}
		return inside(other.ID)
	case network.ToENI:
		box := x.endpoint(x.s.ENI(to.ENI))
		switch {
		case box == nil || box == from:
			return nil
		case box.has(p.dst):
			return inside(box.VPC)
		case box.SourceDestCheck, p.dst.Is6() && len(box.Addrs6) == 0, p.dst.Is4() && len(box.Addrs) == 0:
			return nil
		}
		return box
	case network.ToGateway, network.ToEgress:
		return nil // it leads out of every VPC
	}
	panic("unreachable: the set of targets is closed")
}

// bridge is an active peering with its VPCs.
type bridge struct{ a, b *network.VPC }

func (c *bridge) across(v *network.VPC) *network.VPC {
	switch v.ID {
	case c.a.ID:
		return c.b
	case c.b.ID:
		return c.a
	}
	return nil
}

// peering is nil for one that is not active.
func (x *atlas) peering(id network.PeeringID) *bridge {
	c, ok := x.bridges[id]
	if !ok {
		if p := x.s.Peering(id); p != nil && p.Status == network.PeeringActive {
			c = &bridge{x.s.VPC(p.Requester.VPC), x.s.VPC(p.Accepter.VPC)}
		}
		x.bridges[id] = c
	}
	return c
}

// onward is the interface by which a middlebox sends on what it was handed: that to
// whose subnet the destination belongs, else the first, as an instance's own
// routes say.
func (x *atlas) onward(box *endpoint, dst netip.Addr) *endpoint {
	first := box
	for e := range x.s.ENIsAt(box.Attachment.Instance) {
		p := x.endpoint(e)
		if dst.Is4() && p.domain.Contains(dst) {
			return p
		}
		if p.Attachment.Device < first.Attachment.Device {
			first = p
		}
	}
	return first
}
