package reach

import "tombolo/network"

// aim is where a packet that got lost should have gone, so that the causes behind
// can be named too: to the goal; without one to who has the address in a VPC that
// is peered or about to be; else to the only interface of the account that has it.
func (w *walk) aim(f *face) *face {
	if w.goal != nil || w.brief {
		return w.goal
	}
	for p := range w.x.s.PeeringsWith(f.VPC) {
		if !p.Status.Live() {
			continue
		}
		to := w.x.at(p.Other(f.VPC), w.h.Destination)
		if to != nil && (w.goal == nil || p.Status == network.PeeringActive) {
			w.goal = to
		}
	}
	if w.goal == nil {
		if owners := w.x.Owners(f.Owner, w.h.Destination); len(owners) == 1 {
			w.goal = w.x.face(owners[0])
		}
	}
	return w.goal
}

// leadsTo reports whether a route goes into the VPC v.
func (w *walk) leadsTo(f *face, r network.Route, v network.VPCID) bool {
	switch to := r.To.(type) {
	case network.ToLocal:
		return f.VPC == v
	case network.ToPeering:
		c := w.x.peering(to.Peering)
		return c != nil && c.Status == network.PeeringActive && c.Other(f.VPC) == v
	}
	return false
}

// noRoute is a table without a route to the destination, and what is nearly one.
func (w *walk) noRoute(f *face) []Explanation {
	if w.brief {
		return nil
	}
	table := f.subnet.table
	e := Explanation{Code: NoRouteToDestination, Direction: Egress, Component: string(table.ID), RouteTable: table.ID,
		Subnet: f.Subnet, VPC: f.VPC, Address: w.h.Destination, PacketField: "destination-address"}
	goal := w.aim(f)
	room := 6 // for those of both packets, as it often comes
	if w.way == Answer {
		room = 2
	}
	out := append(make([]Explanation, 0, room), e)
	local := true
	for _, r := range table.Routes {
		_, isLocal := r.To.(network.ToLocal)
		local = local && isLocal
		if goal != nil && !isLocal && w.leadsTo(f, r, goal.VPC) && r.Dst.Addr().Is4() == w.h.Destination.Is4() {
			d := e
			d.Code, d.Detail, d.Route = CannotRoute, true, r
			out = append(out, d)
		}
	}
	if local {
		d := e
		d.Code, d.Detail, d.CIDRs = LocalRouteRestriction, true, f.subnet.vpc.Prefixes()
		out = append(out, d)
	}
	out = append(out, w.apart(f, "")...)
	if goal == nil {
		out = append(out, Explanation{Code: NoSourceOrDestination, Direction: Ingress, Component: w.h.Destination.String(),
			Address: w.h.Destination, PacketField: "destination-address"})
	}
	return out
}

// astray is a packet that is delivered in a VPC, but not to its goal.
func (w *walk) astray(f *face, in *network.VPC, won network.Route) []Explanation {
	goal, table := w.goal, f.subnet.table
	if !goal.has(w.h.Destination) {
		return []Explanation{{Code: ENIAddressRestriction, Direction: Ingress, Component: string(goal.ID), ENI: goal.ID, VPC: goal.VPC,
			Address: w.h.Destination, PacketField: "destination-address"}}
	}
	e := Explanation{Code: NoRouteToDestination, Direction: Egress, Component: string(table.ID), RouteTable: table.ID, Route: won,
		Subnet: f.Subnet, VPC: f.VPC, SourceVPC: f.VPC, DestinationVPC: in.ID, Address: w.h.Destination, PacketField: "destination-address"}
	for _, r := range table.Routes {
		if r.Dst.Contains(w.h.Destination) && w.leadsTo(f, r, goal.VPC) {
			e.Code = MoreSpecificRoute
		}
	}
	out := []Explanation{e}
	if w.x.at(in.ID, w.h.Destination) == nil {
		// Nobody is there to take it for the other: what is seen is that it ends there.
		e.Detail = true
		n := w.nobody(in.ID)
		n.Subnet, n.RouteTable, n.Route = f.Subnet, table.ID, won
		out = []Explanation{n, e}
	}
	return append(out, w.apart(f, "")...)
}

// nobody is an address that nothing in a VPC has.
func (w *walk) nobody(v network.VPCID) Explanation {
	return Explanation{Code: NoSourceOrDestination, Direction: Ingress, Component: string(v), VPC: v,
		Address: w.h.Destination, PacketField: "destination-address"}
}

// apart is what is missing between the VPCs of a packet and its goal: a peering,
// or its acceptance. What is missing of the peering told has been said.
func (w *walk) apart(f *face, told network.PeeringID) []Explanation {
	goal := w.aim(f)
	if goal == nil || goal.VPC == f.VPC {
		return nil
	}
	j := w.x.joint(f.VPC, goal.VPC)
	switch {
	case j.active != nil, j.pending != nil && j.pending.ID == told:
		return nil
	case j.pending != nil:
		return []Explanation{{Code: BadState, Component: string(j.pending.ID), Peering: j.pending.ID, VPC: f.VPC, State: j.pending.Status.String()}}
	}
	return []Explanation{{Code: DisconnectedVPCs, Component: string(f.VPC), VPC: f.VPC, SourceVPC: f.VPC, DestinationVPC: goal.VPC}}
}
