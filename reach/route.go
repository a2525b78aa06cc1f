package reach

import (
	"net/netip"

	"tombolo/network"
)

// decision is what becomes of a packet between two interfaces.
type decision struct {
	to     *face // who gets it; nil when nobody does
	box    bool  // to only forwards it
	ok     bool
	hops   []Hop
	causes []Explanation
}

// across is the way from one interface to the next: nothing inside a subnet; else
// the ACL at its edge, the route table, and what the route leads to. Where that
// blocks, the way goes on at the goal, if there is one.
func (w *walk) across(f *face) (to *face, box bool) {
	d := w.decide(f)
	// What goes to the sender's own subnet never meets its edge, be it to a
	// neighbour, to nobody, or to a middlebox in it (AWS: Network ACL basics).
	inside := f.subnet.Contains(w.h.Destination) || d.to != nil && d.to.Subnet == f.Subnet
	if !inside {
		if w.edge(f.subnet, Egress); w.over() {
			return nil, false
		}
	}
	for _, h := range d.hops {
		w.hop(h)
	}
	if d.ok {
		if w.goal == nil && !d.box {
			w.goal = d.to
		}
		return d.to, d.box
	}
	w.block(d.causes...)
	if w.goal == nil {
		w.goal = d.to
	}
	return w.aim(f), false
}

// decide looks a destination up: the subnet itself first, then its route table by
// longest prefix (AWS: Route priority).
func (w *walk) decide(f *face) decision {
	if f.subnet.Contains(w.h.Destination) {
		return w.inside(f, f.subnet.vpc, decision{}, network.Route{})
	}
	table := f.subnet.table
	r, found := table.Lookup(w.h.Destination)
	hop := Hop{Kind: RouteTable, Component: string(table.ID), Table: table.ID, Route: r, Subnet: f.Subnet, VPC: f.VPC}
	if !found {
		return w.lost(hop, w.noRoute(f)...)
	}
	hop.Active = true
	switch to := r.To.(type) {
	case network.ToLocal:
		return w.inside(f, f.subnet.vpc, w.note(hop), r)
	case network.ToPeering:
		return w.cross(f, to.Peering, hop)
	case network.ToENI:
		return w.redirect(f, to.ENI, hop)
	case network.ToGateway:
		return w.gateway(f, to.Gateway, hop)
	case network.ToEgress:
		return w.gateway(f, network.GatewayID(to.Gateway), hop)
	}
	panic("unreachable: the set of targets is closed")
}

// note begins a decision with a hop that lets the packet pass.
func (w *walk) note(hops ...Hop) decision {
	if w.brief {
		return decision{}
	}
	return decision{hops: hops}
}

// lost is a decision whose last hop blocks.
func (w *walk) lost(hop Hop, causes ...Explanation) decision {
	if w.brief {
		return decision{}
	}
	hop.Blocked = true
	return decision{hops: []Hop{hop}, causes: causes}
}

// inside delivers in a VPC to the interface that has the address. It is the only
// table that a packet from a peering meets: no route of the VPC is asked, which
// is why peering is not transitive (AWS: VPC peering limitations).
func (w *walk) inside(f *face, v *network.VPC, d decision, won network.Route) decision {
	to := w.x.at(v.ID, w.h.Destination)
	astray := w.goal != nil && to != w.goal
	if !astray && to != nil && to.up() {
		d.to, d.ok = to, true
		return d
	}
	if !astray {
		d.to = to
	}
	if w.brief {
		return d
	}
	d.hops = append(d.hops, Hop{Kind: VPC, Component: string(v.ID), VPC: v.ID, Blocked: true})
	switch {
	case astray:
		d.causes = w.astray(f, v, won)
	case to == nil:
		d.causes = []Explanation{w.nobody(v.ID)}
	default:
		e := to.down()
		e.Direction = Ingress
		d.causes = []Explanation{e}
	}
	return d
}

// cross takes a packet over a peering: it must be active, the destination in the
// other VPC's blocks and the source in this one's (AWS: VPC peering limitations;
// decision 0075).
func (w *walk) cross(f *face, id network.PeeringID, hop Hop) decision {
	c := w.x.peering(id)
	if c == nil || c.Status != network.PeeringActive {
		hop.Active = false
		status := "deleted"
		if c != nil {
			status = c.Status.String()
		}
		causes := []Explanation{w.blackhole(f, hop.Route),
			{Code: BadState, Detail: true, Component: string(id), Peering: id, VPC: f.VPC, State: status}}
		return w.lost(hop, append(causes, w.apart(f, id)...)...)
	}
	other := c.other(f.VPC)
	over := Hop{Kind: Peering, Component: string(id), Status: c.Status.String(), VPC: f.VPC, FromVPC: f.VPC, ToVPC: other.ID}
	there, here := other.Contains(w.h.Destination), f.subnet.vpc.Contains(w.h.Source)
	if there && here {
		return w.inside(f, other, w.note(hop, over), hop.Route)
	}
	if w.brief {
		return decision{}
	}
	d := w.lost(over)
	d.hops = []Hop{hop, d.hops[0]}
	e := Explanation{Code: PeeringNeedsAddress, Component: string(id), Peering: id, SourceVPC: f.VPC, DestinationVPC: other.ID,
		VPC: f.VPC, Subnet: f.Subnet, RouteTable: hop.Table, Route: hop.Route}
	if !there {
		e.Address, e.PacketField, e.CIDRs = w.h.Destination, "destination-address", other.Prefixes()
		d.causes = append(d.causes, e)
	}
	if !here {
		e.Address, e.PacketField, e.CIDRs = w.h.Source, "source-address", f.subnet.vpc.Prefixes()
		d.causes = append(d.causes, e)
	}
	d.causes = append(d.causes, w.apart(f, "")...)
	return d
}

// redirect hands a packet to an interface whatever its destination: that takes it
// only without its source/destination check (AWS: Middlebox routing;
// Source/destination checking).
func (w *walk) redirect(f *face, id network.ENIID, hop Hop) decision {
	box := w.x.face(id)
	switch {
	case box == nil || !box.up():
		hop.Active = false
		causes := []Explanation{w.blackhole(f, hop.Route)}
		if box != nil {
			e := box.down()
			e.Detail = true
			causes = append(causes, e)
		}
		return w.lost(hop, causes...)
	case box.has(w.h.Destination):
		return w.inside(f, f.subnet.vpc, w.note(hop), hop.Route)
	case box.SourceDestCheck:
		d := w.lost(Hop{Kind: Interface, Component: string(id), Direction: Ingress, ENI: id, Subnet: box.Subnet, VPC: box.VPC, Status: "in-use"},
			checked(box, Ingress, w.h.Destination))
		d.hops = append([]Hop{hop}, d.hops...)
		return d
	case box == f, !box.first(w.h.Destination.Is4()).IsValid():
		// What a router's own table sends back to it goes nowhere, and who has no
		// address of a family takes no packets of it.
		return w.lost(hop, Explanation{Code: NoPossibleDestination, Component: string(id), ENI: id, VPC: f.VPC,
			RouteTable: hop.Table, Route: hop.Route, Address: w.h.Destination, PacketField: "destination-address"})
	}
	d := w.note(hop)
	d.to, d.box, d.ok = box, true, true
	return d
}

// The ranges that no internet gateway carries (RFC 1918, RFC 6598).
var (
	private = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")}
	shared  = netip.MustParsePrefix("100.64.0.0/10")
)

// gateway is where packets for the internet end: none passes yet, and AWS's own
// conditions say first why not. An egress-only gateway has none of them, and an
// address with a public one meets none.
func (w *walk) gateway(f *face, id network.GatewayID, hop Hop) decision {
	if !w.x.s.RouteActive(f.VPC, hop.Route) {
		hop.Active = false
		return w.lost(hop, w.blackhole(f, hop.Route),
			Explanation{Code: BadStateAttachment, Detail: true, Component: string(id), Gateway: id, VPC: f.VPC, State: "detached"})
	}
	if w.brief {
		return decision{}
	}
	e := Explanation{Direction: Egress, Component: string(id), Gateway: id, VPC: f.VPC, Subnet: f.Subnet, RouteTable: hop.Table, Route: hop.Route,
		Address: w.h.Destination, PacketField: "destination-address"}
	switch {
	case !f.subnet.vpc.Contains(w.h.Source):
		e.Code, e.Address, e.PacketField = GatewayRejectsSpoofed, w.h.Source, "source-address"
	case !w.h.Destination.Is4():
		e.Code = NoPossibleDestination
	case contains(private, w.h.Destination):
		e.Code, e.CIDRs = GatewayPrivateAddress, private
	case shared.Contains(w.h.Destination):
		e.Code, e.CIDRs = GatewaySharedAddress, []netip.Prefix{shared}
	case w.x.s.AddressFor(f.ID, w.h.Source) != nil:
		e.Code = NoPossibleDestination
	default:
		e.Code, e.ENI, e.Address, e.PacketField = GatewayNeedsPublicIP, f.ID, w.h.Source, "source-address"
	}
	d := w.lost(Hop{Kind: Gateway, Component: string(id), Direction: Egress, VPC: f.VPC, Status: "available"}, e)
	d.hops = append([]Hop{hop}, d.hops...)
	d.causes = append(d.causes, w.apart(f, "")...)
	return d
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// blackhole is a route that wins its prefix and drops.
func (w *walk) blackhole(f *face, r network.Route) Explanation {
	return Explanation{Code: BadStateRoute, Component: string(f.subnet.table.ID), RouteTable: f.subnet.table.ID, Route: r,
		VPC: f.VPC, Subnet: f.Subnet, Address: w.h.Destination, PacketField: "destination-address", State: "blackhole"}
}

// forwards is where an instance sends on what it got: to the network of one of
// its other interfaces, else by the first one, as its own routes say. The check
// must be off there too, which leave sees to.
func (x *Index) forwards(in *face, dst netip.Addr) *face {
	first := in
	for e := range x.s.ENIsAt(in.instance.ID) {
		f := x.face(e.ID)
		if dst.Is4() && f.subnet.Contains(dst) {
			return f
		}
		if f.Attachment.Device < first.Attachment.Device {
			first = f
		}
	}
	return first
}
