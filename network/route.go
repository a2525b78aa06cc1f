package network

import (
	"iter"
	"net/netip"
	"time"
)

// RouteTable says where packets go that leave a subnet.
type RouteTable struct {
	ID RouteTableID
	Home
	VPC     VPCID
	Routes  []Route // local routes first, in the order of the VPC's blocks; then as made
	Created time.Time
}

// Route sends what lies in Dst to To. No two routes of a table have the same Dst.
// Whether it is active or a blackhole is not stored: see State.RouteActive.
type Route struct {
	Dst    netip.Prefix
	To     Target
	Origin Origin
}

// Origin is how a route came to be.
type Origin uint8

// The origins that routes of ours can have.
const (
	_            Origin = iota
	OriginTable         // made with the table: CreateRouteTable
	OriginCreate        // CreateRoute
)

func (o Origin) String() string {
	return [...]string{"", "CreateRouteTable", "CreateRoute"}[o]
}

// Target is where a route sends a packet. The set is closed.
type Target interface{ target() string }

// The targets.
type (
	// ToLocal delivers inside the VPC.
	ToLocal struct{}
	// ToPeering crosses a peering connection.
	ToPeering struct{ Peering PeeringID }
	// ToENI hands the packet to an interface, whatever its destination. Instance
	// is set when the route was made with an instance ID.
	ToENI struct {
		ENI      ENIID
		Instance InstanceID
	}
	// ToGateway goes to an internet gateway. No packet passes one yet.
	ToGateway struct{ Gateway GatewayID }
	// ToEgress goes to an egress-only internet gateway. No packet passes one yet.
	ToEgress struct{ Gateway EgressGatewayID }
)

func (ToLocal) target() string     { return "" }
func (t ToPeering) target() string { return string(t.Peering) }
func (t ToENI) target() string     { return string(t.ENI) }
func (t ToGateway) target() string { return string(t.Gateway) }
func (t ToEgress) target() string  { return string(t.Gateway) }

func (t *RouteTable) key() string { return string(t.ID) }

func (t *RouteTable) links() []string {
	out := []string{t.World(), string(t.VPC)}
	for _, r := range t.Routes {
		if id := r.To.target(); id != "" {
			out = append(out, id)
		}
	}
	return out
}

func (t *RouteTable) uses() []use { return []use{{string(t.VPC), QuotaTables}} }

// Lookup is the table's most specific route to addr. Two routes never have the
// same prefix, so there is no tie to break (AWS: Route priority).
func (t *RouteTable) Lookup(addr netip.Addr) (best Route, ok bool) {
	for _, r := range t.Routes {
		if r.Dst.Contains(addr) && (!ok || r.Dst.Bits() > best.Dst.Bits()) {
			best, ok = r, true
		}
	}
	return best, ok
}

// Route is the table's route with exactly this destination.
func (t *RouteTable) Route(dst netip.Prefix) (Route, bool) {
	for _, r := range t.Routes {
		if r.Dst == dst {
			return r, true
		}
	}
	return Route{}, false
}

// RouteActive reports whether the target of a route in one of v's tables lives;
// otherwise the route is a blackhole: it still wins its prefix, and drops.
func (s State) RouteActive(v VPCID, r Route) bool {
	switch to := r.To.(type) {
	case ToLocal:
		return true
	case ToPeering:
		p := s.Peering(to.Peering)
		return p != nil && p.Status == PeeringActive
	case ToENI:
		e := s.ENI(to.ENI)
		if e == nil || e.Attachment == nil {
			return false
		}
		i := s.Instance(e.Attachment.Instance)
		return i != nil && i.Runs()
	case ToGateway:
		g := s.Gateway(to.Gateway)
		return g != nil && g.VPC == v
	case ToEgress:
		return s.EgressGateway(to.Gateway) != nil
	}
	panic("unreachable: the set of targets is closed")
}

// RouteTable finds one by ID; nil when there is none.
func (s State) RouteTable(id RouteTableID) *RouteTable { return lookup(s.routeTables, id) }

// RouteTables are all tables of all accounts, in order of ID.
func (s State) RouteTables() iter.Seq[*RouteTable] { return s.routeTables.all() }

// RouteTablesOf are the tables of the caller's account and Region.
func (s State) RouteTablesOf(c Caller) iter.Seq[*RouteTable] {
	return those(s, s.routeTables, Home{c.Account, c.Region}.World(), "rtb-")
}

// RouteTablesIn are the tables of a VPC.
func (s State) RouteTablesIn(id VPCID) iter.Seq[*RouteTable] {
	return those(s, s.routeTables, string(id), "rtb-")
}

// TableOf is the table that decides for a subnet: its own, else its VPC's main.
func (s State) TableOf(n *Subnet) *RouteTable {
	if n.Table != "" {
		return s.RouteTable(n.Table)
	}
	return s.RouteTable(s.VPC(n.VPC).MainTable)
}

// SubnetsWith are the subnets explicitly associated with a table.
func (s State) SubnetsWith(id RouteTableID) iter.Seq[*Subnet] {
	return those(s, s.subnets, string(id), "subnet-")
}

// CreateRouteTable makes a table with the VPC's local routes. Created: the table.
type CreateRouteTable struct {
	VPC  VPCID
	Tags Tags
}

// DeleteRouteTable deletes a table that no subnet uses and that is not main.
type DeleteRouteTable struct{ Table RouteTableID }

// CreateRoute adds a route.
type CreateRoute struct {
	Table RouteTableID
	Dst   netip.Prefix // host bits are cleared
	To    Target       // ToENI may hold only an Instance, which must have one interface
}

// ReplaceRoute changes the target of an existing route; ToLocal restores a
// local route.
type ReplaceRoute struct {
	Table RouteTableID
	Dst   netip.Prefix
	To    Target
}

// DeleteRoute removes a route.
type DeleteRoute struct {
	Table RouteTableID
	Dst   netip.Prefix
}

// AssociateTable makes a table decide for a subnet. Created: the association.
type AssociateTable struct {
	Table  RouteTableID
	Subnet SubnetID
}

// DisassociateTable returns a subnet to the main table.
type DisassociateTable struct{ Association AssociationID }

// ReplaceTableAssociation moves an association, the main one included, to
// another table. Created: the new association.
type ReplaceTableAssociation struct {
	Association AssociationID
	Table       RouteTableID
}
