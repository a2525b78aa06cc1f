package kernel

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"

	"tombolo/linux"
)

// epochs hands policy epochs of a family out. The flows that live may have been
// judged in any that there was, and one judged long ago must not be taken for
// judged now: before the numbers begin again, conntrack is asked which are in use.
type epochs struct {
	last int
	used []bool // nil before conntrack was asked
}

func (e *epochs) next(p *Plane, f linux.Family) (uint16, error) {
	for range 2 {
		if e.used == nil || e.last >= linux.Epochs {
			if err := e.ask(p, f); err != nil {
				return 0, err
			}
		}
		for e.last++; e.last <= linux.Epochs; e.last++ {
			if !e.used[e.last] {
				return uint16(e.last), nil
			}
		}
	}
	// Flows of every epoch are alive. They start over.
	e.used = nil
	if err := p.rt.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
		return 0, fmt.Errorf("flush conntrack: %w", err)
	}
	e.last = 0
	return e.next(p, f)
}

func (e *epochs) ask(p *Plane, f linux.Family) error {
	flows, err := retry(func() ([]*netlink.ConntrackFlow, error) {
		return p.rt.ConntrackTableList(netlink.ConntrackTable, netlink.InetFamily(family(f)))
	})
	if err != nil {
		return fmt.Errorf("list conntrack: %w", err)
	}
	e.used = make([]bool, linux.Epochs+1)
	if e.last > 0 && e.last <= linux.Epochs {
		e.used[e.last] = true // packets are being judged in it
	}
	for _, x := range flows {
		a, b := linux.EpochsOf(x.Mark)
		e.used[a], e.used[b] = true, true
	}
	e.last = 0
	return nil
}

// flowsOf matches the flows of addresses, each in its zones.
type flowsOf map[netip.Addr]map[uint16]bool

// MatchConntrackFlow reports whether a flow is one of them.
func (m flowsOf) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	return m[addrOf(f.Forward.SrcIP)][f.Zone] || m[addrOf(f.Forward.DstIP)][f.Zone]
}

// forget does many steps at once: for each the whole of conntrack is listed.
func (p *Plane) forget(steps []linux.Forget) error {
	if len(steps) == 0 {
		return nil
	}
	flows := flowsOf{}
	for _, s := range steps {
		if flows[s.Addr] == nil {
			flows[s.Addr] = map[uint16]bool{}
		}
		for _, z := range s.Zones {
			flows[s.Addr][z] = true
		}
	}
	for _, f := range families[:2] {
		_, err := retry(func() (uint, error) {
			return p.rt.ConntrackDeleteFilters(netlink.ConntrackTable, netlink.InetFamily(family(f)), flows)
		})
		if err != nil {
			return fmt.Errorf("forget flows of %d addresses: %w", len(steps), err)
		}
	}
	return nil
}
