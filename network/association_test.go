package network

import (
	"testing"

	"pgregory.net/rapid"
)

// AWS: Subnet route tables; Network ACLs: whatever is associated, replaced and
// taken away, a subnet has one table and one ACL, and an association that was
// replaced is dead. The model is two maps and a main table.
func TestASubnetHasOneTableAndOneACL(t *testing.T) {
	done := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := newSite(t)
		v := w.newVPC(home, "10.0.0.0/16")
		subnets := []SubnetID{w.newSubnet(home, v.ID, "10.0.1.0/24").ID, w.newSubnet(home, v.ID, "10.0.2.0/24").ID}
		tables := []RouteTableID{v.MainTable, RouteTableID(w.do(CreateRouteTable{VPC: v.ID})), RouteTableID(w.do(CreateRouteTable{VPC: v.ID}))}
		acls := []ACLID{v.DefaultACL, w.newACL(v.ID)}

		main, explicit, under := v.MainTable, map[SubnetID]RouteTableID{}, map[SubnetID]ACLID{subnets[0]: acls[0], subnets[1]: acls[0]}
		var dead []AssociationID
		for range rapid.IntRange(1, 12).Draw(rt, "ops") {
			n := w.Subnet(rapid.SampledFrom(subnets).Draw(rt, "subnet"))
			table := rapid.SampledFrom(tables).Draw(rt, "table")
			acl := rapid.SampledFrom(acls).Draw(rt, "acl")
			var r Request
			legal := true
			op := rapid.SampledFrom([]string{"associate", "replace", "disassociate", "main", "acl", "dead"}).Draw(rt, "op")
			switch op {
			case "associate":
				r, legal = AssociateTable{table, n.ID}, explicit[n.ID] == ""
			case "replace":
				r, legal = ReplaceTableAssociation{n.TableAssociation, table}, explicit[n.ID] != ""
			case "disassociate":
				r, legal = DisassociateTable{n.TableAssociation}, explicit[n.ID] != ""
			case "main":
				r = ReplaceTableAssociation{w.VPC(v.ID).MainAssociation, table}
			case "acl":
				r = ReplaceACLAssociation{n.ACLAssociation, acl}
			case "dead":
				if len(dead) == 0 {
					continue
				}
				id := rapid.SampledFrom(dead).Draw(rt, "association")
				r, legal = DisassociateTable{id}, false
				if Kind(string(id)) == "aclassoc" {
					r = ReplaceACLAssociation{id, acl}
				}
			}
			next, err := w.Apply(w.op(home, r))
			if legal != (err == nil) {
				rt.Fatalf("%s %+v: %v", op, r, err)
			}
			if err != nil {
				continue
			}
			done[op]++
			switch op {
			case "associate":
				explicit[n.ID] = table
			case "replace":
				dead, explicit[n.ID] = append(dead, n.TableAssociation), table
			case "disassociate":
				dead, explicit[n.ID] = append(dead, n.TableAssociation), ""
			case "main":
				dead, main = append(dead, w.VPC(v.ID).MainAssociation), table
			case "acl":
				dead, under[n.ID] = append(dead, n.ACLAssociation), acl
			}
			w.State = next
			w.checkAssociations(rt, v.ID, main, explicit, under)
		}
	})
	for _, op := range []string{"associate", "replace", "disassociate", "main", "acl"} {
		if done[op] == 0 {
			t.Errorf("%s was never done", op)
		}
	}
}

func (w *site) checkAssociations(rt *rapid.T, v VPCID, main RouteTableID, explicit map[SubnetID]RouteTableID, under map[SubnetID]ACLID) {
	if got := w.VPC(v).MainTable; got != main {
		rt.Fatalf("the main table is %s, want %s", got, main)
	}
	tables, acls := map[SubnetID]RouteTableID{}, map[SubnetID]ACLID{}
	for table := range w.RouteTablesIn(v) {
		for n := range w.SubnetsWith(table.ID) {
			if tables[n.ID] != "" {
				rt.Fatalf("%s has two tables", n.ID)
			}
			tables[n.ID] = table.ID
		}
	}
	for acl := range w.ACLsIn(v) {
		for n := range w.SubnetsUnder(acl.ID) {
			if acls[n.ID] != "" {
				rt.Fatalf("%s has two ACLs", n.ID)
			}
			acls[n.ID] = acl.ID
		}
	}
	for n := range w.SubnetsIn(v) {
		want := explicit[n.ID]
		if tables[n.ID] != want || acls[n.ID] != under[n.ID] {
			rt.Fatalf("%s has %q and %q, want %q and %q", n.ID, tables[n.ID], acls[n.ID], want, under[n.ID])
		}
		if want == "" {
			want = main
		}
		if got := w.TableOf(n).ID; got != want {
			rt.Fatalf("%s decides for %s, want %s", got, n.ID, want)
		}
		if got := w.SubnetAssociatedAs(n.ACLAssociation); got == nil || got.ID != n.ID {
			rt.Fatalf("the association of %s with its ACL is not found", n.ID)
		}
	}
}

// AWS: ReplaceRoute; Routing for a middlebox appliance: which target each kind of
// route can get.
func TestWhichTargetARouteCanGet(t *testing.T) {
	r := newRouted(t)
	eni, i := r.newENI(home, r.sub.ID), r.newInstance(home, r.sub.ID)
	r.do(r.to("10.0.1.0/24", ToENI{ENI: eni.ID}))
	r.do(r.to("10.1.0.0/16", ToPeering{r.ab}))
	six := subnetOf6(r.a).String()
	r.do(AssociateSubnetBlock{r.sub.ID, subnetOf6(r.a)})
	r.do(r.to(six, ToENI{ENI: eni.ID}))
	ok := Code(0)
	targets := []struct {
		name string
		to   Target
	}{{"peering", ToPeering{r.ab}}, {"interface", ToENI{ENI: eni.ID}}, {"instance", ToENI{Instance: i}}, {"local", ToLocal{}}}
	for _, tc := range []struct {
		dst  string
		want [4]Code // by target
	}{
		{"10.0.0.0/16", [4]Code{RouteTargetKind, ok, ok, ok}},
		{r.a.Blocks6[0].CIDR.String(), [4]Code{RouteTargetKind, ok, ok, ok}},
		{"10.0.1.0/24", [4]Code{RouteInsideVPC, ok, ok, RouteNotLocal}},
		{six, [4]Code{RouteInsideVPC, ok, ok, RouteNotLocal}},
		{"10.1.0.0/16", [4]Code{ok, ok, ok, RouteNotLocal}},
		{"10.9.0.0/16", [4]Code{RouteUndefined, RouteUndefined, RouteUndefined, RouteUndefined}},
	} {
		for k, target := range targets {
			_, err := r.Apply(r.op(home, ReplaceRoute{r.table, cidr(tc.dst), target.to}))
			got := ok
			if err != nil {
				got = err.(*Error).Code
			}
			if got != tc.want[k] {
				t.Errorf("%s to the %s: %v", tc.dst, target.name, err)
			}
		}
	}
}

// AWS: CreateRoute: destinations are compared by what they mean, in both families.
func TestDestinationsAreComparedByMeaning(t *testing.T) {
	for _, tc := range []struct{ made, again string }{
		{"10.1.0.0/16", "10.1.255.255/16"},
		{"0.0.0.0/0", "1.2.3.4/0"},
		{"10.1.2.3/32", "10.1.2.3/32"},
		{"2001:db8::/32", "2001:0db8:0000::1/32"},
		{"::/0", "2001:db8::/0"},
	} {
		r := newRouted(t)
		r.do(r.to(tc.made, ToPeering{r.ab}))
		r.refuses(r.to(tc.again, ToPeering{r.ab}), RouteExists, tc.made, string(r.table))
		r.do(ReplaceRoute{r.table, cidr(tc.again), ToPeering{r.ab}})
		r.do(DeleteRoute{r.table, cidr(tc.again)})
		r.refuses(DeleteRoute{r.table, cidr(tc.made)}, RouteNotFound, tc.made, string(r.table))
	}
}

// Two tables never share a route (localstack/localstack#7201, getmoto/moto#6305).
func TestTablesKeepRoutesOfTheirOwn(t *testing.T) {
	r := newRouted(t)
	other := RouteTableID(r.do(CreateRouteTable{VPC: r.a.ID}))
	r.do(r.to("10.1.0.0/16", ToPeering{r.ab}))
	r.do(CreateRoute{other, cidr("10.1.0.0/16"), ToPeering{r.ab}})
	r.do(DeleteRoute{other, cidr("10.1.0.0/16")})
	r.route("10.1.0.0/16")
	// Nor do two States: the one before still has what the next has not.
	before := r.RouteTable(r.table)
	r.do(DeleteRoute{r.table, cidr("10.1.0.0/16")})
	if _, ok := before.Route(cidr("10.1.0.0/16")); !ok {
		t.Error("the table of the State before has changed")
	}
}
