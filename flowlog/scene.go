package flowlog

import (
	"net/netip"
	"time"

	"tombolo/network"
)

// Scene is what existed while packets were counted: what exists now, and what
// existed when they were last read, for what has gone meanwhile.
type Scene struct {
	Now, Before network.State
	// ZoneID is the ID of an availability zone: use1-az1 for us-east-1a.
	ZoneID func(string) string
}

func (s Scene) eni(id network.ENIID) (*network.ENI, network.State) {
	if e := s.Now.ENI(id); e != nil {
		return e, s.Now
	}
	return s.Before.ENI(id), s.Before
}

// Records are what the interfaces concerned have to say about what was counted
// from start to end. Every count is one of its sender's, and one of its receiver's
// when it came that far.
func (s Scene) Records(counts []Count, start, end time.Time) []Record {
	out := make([]Record, 0, 2*len(counts))
	for _, c := range counts {
		r := Record{Status: OK, Source: c.Source, Dest: c.Dest, Protocol: c.Protocol, SourcePort: c.SourcePort, DestPort: c.DestPort,
			Flags: shownFlags(c.Flags), Packets: c.Packets, Bytes: c.Bytes, Start: start, End: end}
		if from, in := s.eni(c.From); from != nil {
			r := r
			r.Direction, r.Action, r.Path, r.Cause = Egress, Accept, s.path(in, from, c), c.Cause
			if c.Fate == RefusedLeaving {
				r.Action = Reject
			}
			out = append(out, s.at(r, from, in))
		}
		to, in := s.eni(c.To)
		if to == nil || c.Fate != Passed && c.Fate != RefusedEntering {
			continue
		}
		r.Direction, r.Action = Ingress, Accept
		if c.Fate == RefusedEntering {
			r.Action = Reject
		}
		out = append(out, s.at(r, to, in))
	}
	return out
}

// at makes r a record of an interface.
func (s Scene) at(r Record, e *network.ENI, in network.State) Record {
	r.Interface = e
	if n := in.Subnet(e.Subnet); n != nil && s.ZoneID != nil {
		r.ZoneID = s.ZoneID(n.Zone)
	}
	return r
}

// path is the way that packets took, by where they were to go, or by the route.
func (s Scene) path(in network.State, from *network.ENI, c Count) Path {
	if to, _ := s.eni(c.To); to != nil {
		switch {
		case to.VPC == from.VPC:
			return SameVPC
		case to.Region == from.Region:
			return SameRegion
		}
		return OtherRegion
	}
	n := in.Subnet(from.Subnet)
	if n == nil {
		return 0
	}
	if n.CIDR.Contains(c.Dest) || n.CIDR6().IsValid() && n.CIDR6().Contains(c.Dest) {
		return SameVPC
	}
	switch to := longest(in.TableOf(n), c.Dest).To.(type) {
	case network.ToLocal, network.ToENI:
		return SameVPC
	case network.ToGateway, network.ToEgress:
		return ToTheGateway
	case network.ToPeering:
		if p := in.Peering(to.Peering); p != nil && p.Requester.Region != p.Accepter.Region {
			return OtherRegion
		}
		return SameRegion
	}
	return 0
}

// longest is the route with the longest prefix for an address; the zero Route when
// there is none.
func longest(t *network.RouteTable, a netip.Addr) network.Route {
	var best network.Route
	if t == nil {
		return best
	}
	for _, r := range t.Routes {
		if r.Dst.Contains(a) && (best.To == nil || r.Dst.Bits() > best.Dst.Bits()) {
			best = r
		}
	}
	return best
}
