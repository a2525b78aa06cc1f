package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// routed is two peered VPCs a and b, one more c, and a table of a's.
type routed struct {
	*site
	a, b, c *VPC
	sub     *Subnet
	ab      PeeringID
	table   RouteTableID
}

func newRouted(t testing.TB) routed {
	w := newSite(t)
	a := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	b, c := w.newVPC(home, "10.1.0.0/16"), w.newVPC(home, "10.2.0.0/16")
	r := routed{site: w, a: a, b: b, c: c, sub: w.newSubnet(home, a.ID, "10.0.1.0/24"), table: a.MainTable}
	r.ab = w.newPeering(home, a.ID, home, b.ID)
	return r
}

func (r routed) to(dst string, to Target) CreateRoute { return CreateRoute{r.table, cidr(dst), to} }

func (r routed) route(dst string) Route {
	r.Helper()
	route, ok := r.RouteTable(r.table).Route(cidr(dst))
	if !ok {
		r.Fatalf("no route to %s", dst)
	}
	return route
}

// AWS: Route table concepts; Subnet route tables.
func TestNewTableHasALocalRouteForEveryBlock(t *testing.T) {
	r := newRouted(t)
	r.do(AssociateVPCBlock{VPC: r.a.ID, CIDR: cidr("10.5.0.0/16")})
	r.do(r.to("0.0.0.0/0", ToPeering{r.ab}))
	want := []netip.Prefix{cidr("10.0.0.0/16"), r.a.Blocks6[0].CIDR, cidr("10.5.0.0/16")}
	for _, id := range []RouteTableID{r.a.MainTable, RouteTableID(r.do(CreateRouteTable{VPC: r.a.ID}))} {
		var got []netip.Prefix
		for _, route := range r.RouteTable(id).Routes {
			if route.Origin == OriginTable && route.To == (ToLocal{}) && r.RouteActive(r.a.ID, route) {
				got = append(got, route.Dst)
			}
		}
		slices.SortFunc(got, netip.Prefix.Compare)
		slices.SortFunc(want, netip.Prefix.Compare)
		if !slices.Equal(got, want) {
			t.Errorf("%s: local routes %v, want %v", id, got, want)
		}
	}
}

func TestLocalRoutesComeFirst(t *testing.T) {
	r := newRouted(t)
	r.do(r.to("10.1.0.0/16", ToPeering{r.ab}))
	r.do(AssociateVPCBlock{VPC: r.a.ID, CIDR: cidr("10.5.0.0/16")})
	routes := r.RouteTable(r.table).Routes
	for i, route := range routes {
		if local := i < len(routes)-1; local != (route.Origin == OriginTable) {
			t.Errorf("route %d of %d is %+v", i, len(routes), route)
		}
	}
	assoc := r.VPC(r.a.ID).Blocks[1].Association
	r.do(DisassociateVPCBlock{assoc})
	if _, ok := r.RouteTable(r.table).Route(cidr("10.5.0.0/16")); ok {
		t.Error("the local route outlived its block")
	}
}

// AWS: Route priority, longest prefix match.
func TestLongestPrefixWins(t *testing.T) {
	r := newRouted(t)
	r.do(r.to("0.0.0.0/0", ToPeering{r.ab}))
	r.do(r.to("10.1.0.0/16", ToPeering{r.ab}))
	r.do(r.to("10.1.2.0/24", ToPeering{r.ab}))
	r.do(r.to("10.1.2.3/32", ToPeering{r.ab}))
	r.do(r.to("::/0", ToPeering{r.ab}))
	for addr, want := range map[string]string{
		"10.1.2.3": "10.1.2.3/32", "10.1.2.4": "10.1.2.0/24", "10.1.3.4": "10.1.0.0/16",
		"8.8.8.8": "0.0.0.0/0", "10.0.9.9": "10.0.0.0/16", "2001:db8::1": "::/0",
	} {
		got, ok := r.RouteTable(r.table).Lookup(netip.MustParseAddr(addr))
		if !ok || got.Dst.String() != want {
			t.Errorf("%s takes %v (%v), want %s", addr, got.Dst, ok, want)
		}
	}
	if _, ok := r.RouteTable(r.b.MainTable).Lookup(netip.MustParseAddr("8.8.8.8")); ok {
		t.Error("a table without a default route has a route to 8.8.8.8")
	}
}

// AWS: CreateRoute, "100.68.0.18/18, we modify it to 100.68.0.0/18".
func TestRouteDestinationLosesItsHostBits(t *testing.T) {
	r := newRouted(t)
	r.do(r.to("100.68.0.18/18", ToPeering{r.ab}))
	r.route("100.68.0.0/18")
	r.refuses(r.to("100.68.9.9/18", ToPeering{r.ab}), RouteExists, "100.68.0.0/18", string(r.table))
	r.do(DeleteRoute{r.table, cidr("100.68.1.1/18")})
}

// AWS: CreateRoute, errors.
func TestCreateRouteRefuses(t *testing.T) {
	r := newRouted(t)
	bc := r.newPeering(home, r.b.ID, home, r.c.ID)
	theirs := r.newVPC(stranger, "10.9.0.0/16")
	eniA, eniB := r.newENI(home, r.sub.ID), r.newENI(home, r.newSubnet(home, r.b.ID, "10.1.1.0/24").ID)
	r.do(OpenWorld{Zones: zones})
	def := r.DefaultVPC(home)
	igw := slices.Collect(r.GatewaysOf(home))[0].ID
	r.do(r.to("10.1.0.0/16", ToPeering{r.ab}))
	const none = "0123456789abcdef0"
	tb := string(r.table)
	six := r.a.Blocks6[0].CIDR
	for _, tc := range []struct {
		name            string
		r               CreateRoute
		code            Code
		subject, detail string
	}{
		{"no destination", CreateRoute{Table: r.table, To: ToPeering{r.ab}}, Missing, "destinationCidrBlock", ""},
		{"no table", CreateRoute{"rtb-" + none, cidr("10.9.0.0/16"), ToPeering{r.ab}}, NotFound, "rtb-" + none, ""},
		{"bad table", CreateRoute{"rtb-x", cidr("10.9.0.0/16"), ToPeering{r.ab}}, Malformed, "rtb-x", "rtb"},
		{"another's table", CreateRoute{theirs.MainTable, cidr("10.8.0.0/16"), ToPeering{r.ab}}, NotFound, string(theirs.MainTable), ""},
		{"no target", r.to("10.9.0.0/16", nil), Missing, "target", ""},
		{"local", r.to("10.9.0.0/16", ToLocal{}), NotFound, "local", ""},
		{"no peering", r.to("10.9.0.0/16", ToPeering{"pcx-" + none}), NotFound, "pcx-" + none, ""},
		{"peering of other VPCs", r.to("10.9.0.0/16", ToPeering{bc}), DifferentNetworks, tb, string(bc)},
		{"no interface", r.to("10.9.0.0/16", ToENI{ENI: "eni-" + none}), NotFound, "eni-" + none, ""},
		{"interface of another VPC", r.to("10.9.0.0/16", ToENI{ENI: eniB.ID}), DifferentNetworks, tb, string(eniB.ID)},
		{"no instance", r.to("10.9.0.0/16", ToENI{Instance: "i-" + none}), NotFound, "i-" + none, ""},
		{"no gateway", r.to("10.9.0.0/16", ToGateway{"nat-" + none}), NotFound, "nat-" + none, ""},
		{"gateway of another VPC", r.to("10.9.0.0/16", ToGateway{igw}), DifferentNetworks, tb, string(igw)},
		{"taken", r.to("10.1.0.0/16", ToENI{ENI: eniA.ID}), RouteExists, "10.1.0.0/16", tb},
		{"the same again", r.to("10.1.0.0/16", ToPeering{r.ab}), RouteExists, "10.1.0.0/16", tb},
		{"target before duplicate", r.to("10.1.0.0/16", ToPeering{bc}), DifferentNetworks, tb, string(bc)},
		{"the VPC's block to a peering", r.to("10.0.0.0/16", ToPeering{r.ab}), RouteInsideVPC, "10.0.0.0/16", ""},
		{"inside the block to a peering", r.to("10.0.1.0/24", ToPeering{r.ab}), RouteInsideVPC, "10.0.1.0/24", ""},
		{"inside the IPv6 block to a peering", r.to(netip.PrefixFrom(six.Addr(), 64).String(), ToPeering{r.ab}), RouteInsideVPC, netip.PrefixFrom(six.Addr(), 64).String(), ""},
		{"the VPC's block to an interface", r.to("10.0.0.0/16", ToENI{ENI: eniA.ID}), RouteExists, "10.0.0.0/16", tb},
		{"part of a subnet", r.to("10.0.1.0/25", ToENI{ENI: eniA.ID}), RouteNotSubnet, "10.0.1.0/25", ""},
		{"more than a subnet", r.to("10.0.0.0/23", ToENI{ENI: eniA.ID}), RouteNotSubnet, "10.0.0.0/23", ""},
		{"reserved", r.to("169.254.168.0/24", ToPeering{r.ab}), RouteReserved, "169.254.168.0/24", ""},
		{"reserved, exactly", r.to("169.254.168.0/22", ToPeering{r.ab}), RouteReserved, "169.254.168.0/22", ""},
		{"reserved IPv6", r.to("fd00:ec2::254/128", ToPeering{r.ab}), RouteReserved, "fd00:ec2::254/128", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := *r.site
			w.TB = t
			w.refuses(tc.r, tc.code, tc.subject, tc.detail)
		})
	}
	r.do(CreateRoute{def.MainTable, cidr("10.9.0.0/16"), ToGateway{igw}})
	r.do(r.to("10.0.1.0/24", ToENI{ENI: eniA.ID}))
	r.do(r.to("169.254.0.0/16", ToPeering{r.ab}))
}

// AWS: CreateRoute, InstanceId: "only if exactly one network interface is attached".
func TestRouteToAnInstanceIsToItsOnlyInterface(t *testing.T) {
	r := newRouted(t)
	i := r.newInstance(home, r.sub.ID)
	eni := slices.Collect(r.ENIsAt(i))[0]
	r.do(r.to("10.9.0.0/16", ToENI{Instance: i}))
	if got := r.route("10.9.0.0/16"); got.To != (ToENI{eni.ID, i}) {
		t.Errorf("the target is %+v", got.To)
	}
	second := r.newENI(home, r.sub.ID)
	r.do(AttachENI{ENI: second.ID, Instance: i, Device: 1})
	r.refuses(r.to("10.10.0.0/16", ToENI{Instance: i}), ManyInterfaces, string(i), "")
}

// AWS: Work with route tables, state blackhole: the target can't be reached.
func TestRouteIsABlackholeWhileItsTargetDoesNotLive(t *testing.T) {
	r := newRouted(t)
	pending := PeeringID(r.do(RequestPeering{VPC: r.a.ID, PeerVPC: r.c.ID}))
	loose := r.newENI(home, r.sub.ID)
	i := r.newInstance(home, r.sub.ID)
	r.do(r.to("10.1.0.0/16", ToPeering{r.ab}))
	r.do(r.to("10.2.0.0/16", ToPeering{pending}))
	r.do(r.to("10.3.0.0/16", ToENI{ENI: loose.ID}))
	r.do(r.to("10.4.0.0/16", ToENI{Instance: i}))
	check := func(dst string, want bool) {
		t.Helper()
		if got := r.RouteActive(r.a.ID, r.route(dst)); got != want {
			t.Errorf("route to %s is active: %v, want %v", dst, got, want)
		}
	}
	check("10.1.0.0/16", true)
	check("10.2.0.0/16", false)
	check("10.3.0.0/16", false)
	check("10.4.0.0/16", true)
	r.do(AcceptPeering{pending})
	check("10.2.0.0/16", true)
	r.do(DeletePeering{r.ab})
	check("10.1.0.0/16", false)
	r.do(AttachENI{ENI: loose.ID, Instance: i, Device: 1})
	check("10.3.0.0/16", true)
	r.do(StopInstances{Instances: []InstanceID{i}})
	r.do(ReportStopped{Instance: i})
	check("10.4.0.0/16", false)
	r.do(DetachENI{Attachment: r.ENI(loose.ID).Attachment.ID})
	r.do(DeleteENI{loose.ID})
	check("10.3.0.0/16", false)
	if got, _ := r.RouteTable(r.table).Lookup(netip.MustParseAddr("10.3.0.1")); got.Dst != cidr("10.3.0.0/16") {
		t.Errorf("a blackhole lost its prefix: %+v", got)
	}
	// Decision 0032: a peering that has ended is still a target.
	r.do(r.to("10.11.0.0/16", ToPeering{r.ab}))
	check("10.11.0.0/16", false)
}

// AWS: ReplaceRoute.
func TestReplaceRouteChangesOnlyTheTarget(t *testing.T) {
	r := newRouted(t)
	ac := r.newPeering(home, r.a.ID, home, r.c.ID)
	r.do(r.to("10.1.0.0/16", ToPeering{r.ab}))
	r.do(r.to("10.2.0.0/16", ToPeering{r.ab}))
	before := r.RouteTable(r.table)
	r.do(ReplaceRoute{r.table, cidr("10.1.0.0/16"), ToPeering{ac}})
	got := r.RouteTable(r.table)
	for i, route := range got.Routes {
		want := before.Routes[i]
		if want.Dst == cidr("10.1.0.0/16") {
			want.To = ToPeering{ac}
		}
		if route != want {
			t.Errorf("route %d is %+v, want %+v", i, route, want)
		}
	}
	r.refuses(ReplaceRoute{r.table, cidr("10.7.0.0/16"), ToPeering{ac}}, RouteUndefined, "10.7.0.0/16", string(r.table))
	r.refuses(ReplaceRoute{r.table, cidr("10.1.0.0/16"), ToLocal{}}, RouteNotLocal, "10.1.0.0/16", "")
	r.refuses(ReplaceRoute{r.table, cidr("10.1.0.0/16"), ToPeering{"pcx-0123456789abcdef0"}}, NotFound, "pcx-0123456789abcdef0", "")
	r.refuses(ReplaceRoute{r.table, cidr("10.1.0.0/16"), nil}, Missing, "target", "")
}

// AWS: Routing for a middlebox appliance; ReplaceRoute, LocalTarget.
func TestLocalRouteCanGoToAnInterfaceAndBack(t *testing.T) {
	r := newRouted(t)
	eni := r.newENI(home, r.sub.ID)
	block := cidr("10.0.0.0/16")
	r.refuses(ReplaceRoute{r.table, block, ToPeering{r.ab}}, RouteTargetKind, "10.0.0.0/16", "")
	r.do(ReplaceRoute{r.table, block, ToENI{ENI: eni.ID}})
	if got := r.route("10.0.0.0/16"); got.To != (ToENI{ENI: eni.ID}) || got.Origin != OriginTable {
		t.Errorf("the local route is %+v", got)
	}
	r.refuses(DeleteRoute{r.table, block}, LocalRoute, "10.0.0.0/16", string(r.table))
	r.do(ReplaceRoute{r.table, block, ToLocal{}})
	if got := r.route("10.0.0.0/16"); got.To != (ToLocal{}) {
		t.Errorf("the local route is %+v", got)
	}
	// A route for a subnet obeys the same rule when it is replaced.
	r.do(r.to("10.0.1.0/24", ToENI{ENI: eni.ID}))
	r.refuses(ReplaceRoute{r.table, cidr("10.0.1.0/24"), ToPeering{r.ab}}, RouteInsideVPC, "10.0.1.0/24", "")
	// It stays when the subnet goes. Decision 0038.
	r.do(DeleteENI{eni.ID})
	r.do(DeleteSubnet{r.sub.ID})
	other := r.newENI(home, r.newSubnet(home, r.a.ID, "10.0.2.0/24").ID)
	r.do(ReplaceRoute{r.table, cidr("10.0.1.0/24"), ToENI{ENI: other.ID}})
	if got := r.route("10.0.1.0/24"); got.To != (ToENI{ENI: other.ID}) {
		t.Errorf("the route is %+v", got)
	}
}

// AWS: DeleteRoute.
func TestDeleteRoute(t *testing.T) {
	r := newRouted(t)
	r.do(r.to("10.1.0.0/16", ToPeering{r.ab}))
	r.do(DeleteRoute{r.table, cidr("10.1.0.0/16")})
	r.refuses(DeleteRoute{r.table, cidr("10.1.0.0/16")}, RouteNotFound, "10.1.0.0/16", string(r.table))
	r.refuses(DeleteRoute{r.table, cidr("10.0.0.0/16")}, LocalRoute, "10.0.0.0/16", string(r.table))
	r.refuses(DeleteRoute{Table: r.table}, Missing, "destinationCidrBlock", "")
}

// AWS: VPC CIDR blocks, "must not be the same or larger than a destination".
func TestBlockMayNotSwallowARoute(t *testing.T) {
	r := newRouted(t)
	r.do(r.to("10.20.0.0/16", ToPeering{r.ab}))
	r.refuses(AssociateVPCBlock{VPC: r.a.ID, CIDR: cidr("10.20.0.0/16")}, CIDRConflict, "10.20.0.0/16", string(r.table))
	r.do(AssociateVPCBlock{VPC: r.a.ID, CIDR: cidr("10.20.4.0/24")})
}

// AWS: Subnet route tables; ReplaceRouteTableAssociation.
func TestSubnetFollowsItsTableElseTheMainOne(t *testing.T) {
	r := newRouted(t)
	other := RouteTableID(r.do(CreateRouteTable{VPC: r.a.ID}))
	follows := func(want RouteTableID) {
		t.Helper()
		if got := r.TableOf(r.Subnet(r.sub.ID)).ID; got != want {
			t.Errorf("the subnet follows %s, want %s", got, want)
		}
	}
	follows(r.table)
	// Explicitly with the main table: it survives a change of the main table.
	assoc := AssociationID(r.do(AssociateTable{r.table, r.sub.ID}))
	main := AssociationID(r.do(ReplaceTableAssociation{r.a.MainAssociation, other}))
	follows(r.table)
	r.refuses(AssociateTable{other, r.sub.ID}, AlreadyAssociated, string(other), string(assoc))
	moved := AssociationID(r.do(ReplaceTableAssociation{assoc, other}))
	follows(other)
	r.refuses(DisassociateTable{assoc}, NotFound, string(assoc), "")
	r.do(DisassociateTable{moved})
	follows(other)
	r.refuses(DisassociateTable{main}, MainAssociation, string(main), "")
	r.refuses(DisassociateTable{r.a.MainAssociation}, NotFound, string(r.a.MainAssociation), "")
	r.do(ReplaceTableAssociation{main, r.table})
	follows(r.table)
}

func TestTableAndSubnetMustShareAVPC(t *testing.T) {
	r := newRouted(t)
	r.refuses(AssociateTable{r.b.MainTable, r.sub.ID}, DifferentNetworks, string(r.b.MainTable), string(r.sub.ID))
	assoc := AssociationID(r.do(AssociateTable{r.table, r.sub.ID}))
	r.refuses(ReplaceTableAssociation{assoc, r.b.MainTable}, DifferentNetworks, string(r.b.MainTable), string(r.sub.ID))
	r.refuses(ReplaceTableAssociation{r.a.MainAssociation, r.b.MainTable}, DifferentNetworks, string(r.b.MainTable), string(r.a.ID))
	r.refuses(ReplaceTableAssociation{"rtbassoc-1", r.table}, Malformed, "rtbassoc-1", "rtbassoc")
	r.refusesTo(stranger, DisassociateTable{assoc}, NotFound, string(assoc), "")
}

// AWS: DeleteRouteTable, DependencyViolation.
func TestTableInUseCannotBeDeleted(t *testing.T) {
	r := newRouted(t)
	r.refuses(DeleteRouteTable{r.table}, InUse, string(r.table), string(r.a.ID))
	other := RouteTableID(r.do(CreateRouteTable{VPC: r.a.ID, Tags: Tags{"Name": "other"}}))
	assoc := AssociationID(r.do(AssociateTable{other, r.sub.ID}))
	r.refuses(DeleteRouteTable{other}, InUse, string(other), string(r.sub.ID))
	r.do(DisassociateTable{assoc})
	r.do(DeleteRouteTable{other})
	r.refuses(DeleteRouteTable{other}, NotFound, string(other), "")
	if tags := r.Tags(home, string(other)); tags != nil {
		t.Errorf("the deleted table has tags %v", tags)
	}
}

// AWS: Amazon VPC quotas, Route tables.
func TestRouteQuotas(t *testing.T) {
	r := newRouted(t)
	r.do(OpenWorld{Zones: zones})
	for range 199 {
		r.do(CreateRouteTable{VPC: r.a.ID})
	}
	r.refuses(CreateRouteTable{VPC: r.a.ID}, LimitExceeded, string(r.a.ID), string(QuotaTables))
	for i := range 500 {
		r.do(r.to(fmt.Sprintf("100.%d.%d.0/24", i/250, i%250), ToPeering{r.ab}))
	}
	r.refuses(r.to("9.0.0.0/8", ToPeering{r.ab}), LimitExceeded, string(r.table), string(QuotaRoutes))
	r.do(r.to("2001:db8::/32", ToPeering{r.ab}))
	r.do(SetQuota{QuotaRoutes, 501})
	r.do(r.to("9.0.0.0/8", ToPeering{r.ab}))
	r.refuses(SetQuota{"noodles", 3}, InvalidValue, "noodles", "quota")
	r.refusesTo(stranger, SetQuota{QuotaRoutes, 3}, NotFound, "210987654321/us-east-1", "")
}

// AWS: Route priority: the most specific route, of the address's own family.
func TestLookupAgreesWithASortedList(t *testing.T) {
	addrs := []string{"10.0.0.1", "10.1.2.3", "10.1.2.4", "10.1.3.1", "192.0.2.1", "2001:db8::1", "2001:db8:1::1", "::1"}
	blocks := []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "192.0.2.0/24",
		"::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8::1/128"}
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		table := &RouteTable{}
		for _, b := range rapid.SliceOfNDistinct(rapid.SampledFrom(blocks), 0, len(blocks), rapid.ID).Draw(rt, "routes") {
			table.Routes = append(table.Routes, Route{Dst: cidr(b), To: ToLocal{}})
		}
		sorted := slices.SortedFunc(slices.Values(table.Routes), func(a, b Route) int { return cmp.Compare(b.Dst.Bits(), a.Dst.Bits()) })
		for _, text := range addrs {
			addr := netip.MustParseAddr(text)
			want := slices.IndexFunc(sorted, func(r Route) bool { return r.Dst.Contains(addr) })
			got, ok := table.Lookup(addr)
			if ok != (want >= 0) || ok && got != sorted[want] {
				rt.Fatalf("%s takes %v in %v", text, got.Dst, sorted)
			}
			if ok {
				found++
			}
		}
	})
	if found == 0 {
		t.Error("no address ever had a route")
	}
}
