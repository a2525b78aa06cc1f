package network

import (
	"net/netip"
	"slices"
)

// reservedRoutes are the ranges that AWS keeps for its own services: a route may
// enclose one but not lie inside (AWS: Route table concepts, "you can't add routes
// to IPv4 addresses that are an exact match or a subset of …").
var reservedRoutes = []netip.Prefix{netip.MustParsePrefix("169.254.168.0/22"), netip.MustParsePrefix("fd00:ec2::/32")}

// within reports whether p equals outer or lies inside it.
func within(p, outer netip.Prefix) bool {
	return p.Bits() >= outer.Bits() && outer.Contains(p.Addr())
}

// newTable makes a route table of v with a local route for each of v's blocks.
func (e *edit) newTable(v *VPC) *RouteTable {
	t := &RouteTable{ID: RouteTableID(e.newID("rtb")), Home: v.Home, VPC: v.ID, Created: e.op.At}
	for _, block := range v.Prefixes() {
		t.Routes = append(t.Routes, localRoute(block))
	}
	e.putTable(t)
	return t
}

func localRoute(block netip.Prefix) Route {
	return Route{Dst: block, To: ToLocal{}, Origin: OriginTable}
}

func (e *edit) putTable(t *RouteTable) { put(e, &e.routeTables, kindRouteTable, t) }

// addLocalRoutes gives every table of v a local route for a new block. A block
// that equals or encloses the destination of a route there is refused (AWS: VPC
// CIDR blocks, "must not be the same or larger than a destination CIDR range in a
// route in any of the VPC route tables").
func (e *edit) addLocalRoutes(v *VPC, block netip.Prefix) error {
	for t := range e.RouteTablesIn(v.ID) {
		next := *t
		next.Routes = make([]Route, 0, len(t.Routes)+1)
		locals := 0
		for _, r := range t.Routes {
			if r.Origin == OriginTable {
				locals++
			} else if within(r.Dst, block) {
				return failWith(CIDRConflict, block.String(), t.ID)
			}
		}
		next.Routes = append(next.Routes, t.Routes[:locals]...)
		next.Routes = append(next.Routes, localRoute(block))
		next.Routes = append(next.Routes, t.Routes[locals:]...)
		e.putTable(&next)
	}
	return nil
}

// removeLocalRoutes takes the local route for a block out of every table of v.
func (e *edit) removeLocalRoutes(v *VPC, block netip.Prefix) {
	for t := range e.RouteTablesIn(v.ID) {
		next := *t
		next.Routes = slices.DeleteFunc(slices.Clone(t.Routes), func(r Route) bool {
			return r.Origin == OriginTable && r.Dst == block
		})
		e.putTable(&next)
	}
}

func (r CreateRouteTable) apply(e *edit) error {
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	if err := e.room(string(v.ID), QuotaTables); err != nil {
		return err
	}
	t := e.newTable(v)
	e.created(t.key())
	return e.setTags(t.key(), r.Tags)
}

// apply refuses the main table and one that a subnet is associated with (AWS:
// DeleteRouteTable).
func (r DeleteRouteTable) apply(e *edit) error {
	t, err := e.table(r.Table)
	if err != nil {
		return err
	}
	if e.VPC(t.VPC).MainTable == t.ID {
		return failWith(InUse, t.ID, t.VPC)
	}
	for n := range e.SubnetsWith(t.ID) {
		return failWith(InUse, t.ID, n.ID)
	}
	drop(e, &e.routeTables, kindRouteTable, t.key())
	return nil
}

// apply checks in AWS's order: the parameters, the table, the target, and only
// then whether the destination is taken. Decision 0031: the same route again is
// RouteExists too.
func (r CreateRoute) apply(e *edit) error {
	dst, t, err := e.destination(r.Table, r.Dst)
	if err != nil {
		return err
	}
	to, err := e.routeTarget(t, r.To)
	if err != nil {
		return err
	}
	if err := e.routeFits(t, dst, to); err != nil {
		return err
	}
	if _, taken := t.Route(dst); taken {
		return failWith(RouteExists, dst.String(), t.ID)
	}
	// Inside the VPC only the whole range of a subnet can be redirected. Decision 0038.
	if e.insideVPC(t.VPC, dst) && !e.wholeSubnet(t.VPC, dst) {
		return fail(RouteNotSubnet, dst.String())
	}
	if t.count(dst.Addr().Is4()) >= e.Quota(e.op.Caller, QuotaRoutes) {
		return failWith(LimitExceeded, t.ID, QuotaRoutes)
	}
	next := *t
	next.Routes = append(slices.Clone(t.Routes), Route{Dst: dst, To: to, Origin: OriginCreate})
	e.putTable(&next)
	return nil
}

// count is how many routes of one family were added to the table.
func (t *RouteTable) count(is4 bool) int {
	n := 0
	for _, r := range t.Routes {
		if r.Origin == OriginCreate && r.Dst.Addr().Is4() == is4 {
			n++
		}
	}
	return n
}

// apply keeps the route's origin and place. A local route's target may become an
// interface, and local again (AWS: ReplaceRoute; Middlebox routing).
func (r ReplaceRoute) apply(e *edit) error {
	dst, t, err := e.destination(r.Table, r.Dst)
	if err != nil {
		return err
	}
	to, replace := r.To, -1
	for i, route := range t.Routes {
		if route.Dst == dst {
			replace = i
		}
	}
	if _, local := to.(ToLocal); !local {
		if to, err = e.routeTarget(t, to); err != nil {
			return err
		}
	}
	if replace < 0 {
		return failWith(RouteUndefined, dst.String(), t.ID)
	}
	if err := e.replaceable(t, t.Routes[replace], to); err != nil {
		return err
	}
	next := *t
	next.Routes = slices.Clone(t.Routes)
	next.Routes[replace].To = to
	e.putTable(&next)
	return nil
}

func (e *edit) replaceable(t *RouteTable, old Route, to Target) error {
	_, toLocal := to.(ToLocal)
	_, toENI := to.(ToENI)
	switch {
	case old.Origin != OriginTable && toLocal:
		return fail(RouteNotLocal, old.Dst.String())
	case old.Origin == OriginTable && !toLocal && !toENI:
		return fail(RouteTargetKind, old.Dst.String())
	case old.Origin == OriginTable:
		return nil
	}
	return e.routeFits(t, old.Dst, to)
}

// apply refuses a local route, whatever its target is now.
func (r DeleteRoute) apply(e *edit) error {
	dst, t, err := e.destination(r.Table, r.Dst)
	if err != nil {
		return err
	}
	old, ok := t.Route(dst)
	if !ok {
		return failWith(RouteNotFound, dst.String(), t.ID)
	}
	if old.Origin == OriginTable {
		return failWith(LocalRoute, dst.String(), t.ID)
	}
	next := *t
	next.Routes = slices.DeleteFunc(slices.Clone(t.Routes), func(r Route) bool { return r.Dst == dst })
	e.putTable(&next)
	return nil
}

// destination is a route's destination without its host bits, which AWS clears
// (AWS: CreateRoute, "We modify the specified CIDR block to its canonical form"),
// and the table.
func (e *edit) destination(id RouteTableID, dst netip.Prefix) (netip.Prefix, *RouteTable, error) {
	if !dst.IsValid() {
		return dst, nil, fail(Missing, "destinationCidrBlock")
	}
	t, err := e.table(id)
	return dst.Masked(), t, err
}

// routeTarget is the target in its stored form, if it exists, the caller sees it
// and it belongs to the table's VPC.
func (e *edit) routeTarget(t *RouteTable, to Target) (Target, error) {
	var at VPCID
	switch target := to.(type) {
	case nil:
		return nil, fail(Missing, "target")
	case ToLocal:
		return nil, fail(NotFound, "local") // as AWS reads it: a gateway of that name
	case ToPeering:
		// Decision 0032: any peering that the caller sees will do, even one that
		// has ended; the route is a blackhole then.
		p, err := e.peering(target.Peering)
		if err != nil {
			return nil, err
		}
		if p.Other(t.VPC) != "" {
			at = t.VPC
		}
	case ToENI:
		eni, err := e.routeInterface(target)
		if err != nil {
			return nil, err
		}
		to, at = ToENI{ENI: eni.ID, Instance: target.Instance}, eni.VPC
	case ToGateway:
		g := e.Gateway(target.Gateway)
		if g == nil || !g.In(e.op.Caller) {
			return nil, fail(NotFound, target.Gateway)
		}
		at = g.VPC
	case ToEgress:
		g, err := visible(e, e.egress, string(target.Gateway), "eigw")
		if err != nil {
			return nil, err
		}
		at = g.VPC
	}
	if at != t.VPC {
		return nil, failWith(DifferentNetworks, t.ID, targetName(to))
	}
	return to, nil
}

// targetName is the ID by which the target was asked for.
func targetName(to Target) string {
	if t, ok := to.(ToENI); ok && t.Instance != "" {
		return string(t.Instance)
	}
	return to.target()
}

// routeInterface is the interface of a target; an instance stands for its
// interface if it has exactly one (AWS: CreateRoute, InstanceId).
func (e *edit) routeInterface(to ToENI) (*ENI, error) {
	if to.Instance == "" {
		return e.eni(to.ENI)
	}
	i, err := e.instance(to.Instance)
	if err != nil {
		return nil, err
	}
	enis := slices.Collect(e.ENIsAt(i.ID))
	if len(enis) != 1 {
		return nil, fail(ManyInterfaces, i.ID)
	}
	return enis[0], nil
}

// routeFits is the rule for destinations: none inside a reserved range, and inside
// the VPC's own blocks only an interface as the target (AWS: Routing for a
// middlebox appliance; Route table concepts).
func (e *edit) routeFits(t *RouteTable, dst netip.Prefix, to Target) error {
	for _, reserved := range reservedRoutes {
		if within(dst, reserved) {
			return fail(RouteReserved, dst.String())
		}
	}
	if _, ok := to.(ToEgress); ok && dst.Addr().Is4() {
		return failWith(GatewayFamily, dst.String(), to.target())
	}
	if _, ok := to.(ToENI); !ok && e.insideVPC(t.VPC, dst) {
		return fail(RouteInsideVPC, dst.String())
	}
	return nil
}

// insideVPC reports whether dst equals or lies inside one of the VPC's blocks.
func (e *edit) insideVPC(v VPCID, dst netip.Prefix) bool {
	return slices.ContainsFunc(e.VPC(v).Prefixes(), func(block netip.Prefix) bool { return within(dst, block) })
}

func (e *edit) wholeSubnet(v VPCID, dst netip.Prefix) bool {
	for n := range e.SubnetsIn(v) {
		if n.CIDR == dst || n.CIDR6() == dst {
			return true
		}
	}
	return false
}

// apply gives a subnet a table of its own. The main table may be chosen too; the
// association then survives a change of the main table (AWS: Subnet route tables).
func (r AssociateTable) apply(e *edit) error {
	t, err := e.table(r.Table)
	if err != nil {
		return err
	}
	n, err := e.subnet(r.Subnet)
	if err != nil {
		return err
	}
	if n.VPC != t.VPC {
		return failWith(DifferentNetworks, t.ID, n.ID)
	}
	if n.Table != "" {
		return failWith(AlreadyAssociated, t.ID, n.TableAssociation)
	}
	e.follow(n, t.ID)
	return nil
}

// follow puts a subnet under a table by a new association.
func (e *edit) follow(n *Subnet, table RouteTableID) {
	next := *n
	next.Table, next.TableAssociation = table, AssociationID(e.newID("rtbassoc"))
	put(e, &e.subnets, kindSubnet, &next)
	e.created(string(next.TableAssociation))
}

func (r DisassociateTable) apply(e *edit) error {
	v, n, err := e.associated(r.Association)
	if err != nil {
		return err
	}
	if v != nil {
		return fail(MainAssociation, r.Association)
	}
	next := *n
	next.Table, next.TableAssociation = "", ""
	put(e, &e.subnets, kindSubnet, &next)
	return nil
}

// associated is what a table's association is with: a VPC, whose main table it
// makes, or a subnet.
func (e *edit) associated(id AssociationID) (*VPC, *Subnet, error) {
	if !WellFormed(string(id), "rtbassoc") {
		return nil, nil, failWith(Malformed, id, "rtbassoc")
	}
	v := lookup(e.vpcs, e.refs.first(string(id), "vpc-"))
	if v != nil && v.In(e.op.Caller) {
		return v, nil, nil
	}
	n := lookup(e.subnets, e.refs.first(string(id), "subnet-"))
	if n != nil && n.In(e.op.Caller) {
		return nil, n, nil
	}
	return nil, nil, fail(NotFound, id)
}

// apply gives the subnet, or for the main association the VPC, another table; the
// association gets a new ID (AWS: ReplaceRouteTableAssociation).
func (r ReplaceTableAssociation) apply(e *edit) error {
	v, n, err := e.associated(r.Association)
	if err != nil {
		return err
	}
	t, err := e.table(r.Table)
	if err != nil {
		return err
	}
	if n != nil {
		if n.VPC != t.VPC {
			return failWith(DifferentNetworks, t.ID, n.ID)
		}
		e.follow(n, t.ID)
		return nil
	}
	if v.ID != t.VPC {
		return failWith(DifferentNetworks, t.ID, v.ID)
	}
	next := *v
	next.MainTable, next.MainAssociation = t.ID, AssociationID(e.newID("rtbassoc"))
	put(e, &e.vpcs, kindVPC, &next)
	e.created(string(next.MainAssociation))
	return nil
}
