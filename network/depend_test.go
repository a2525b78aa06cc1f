package network

import "testing"

// What holds what, in one place (AWS: DependencyViolation on each operation's
// page): every row is a thing that can't be deleted, what holds it, and what must
// be done first.
func TestWhatHoldsWhat(t *testing.T) {
	type hold struct {
		w *site
		v *VPC
		n *Subnet
	}
	for _, tc := range []struct {
		name string
		// hold makes the holder; it gives the deletion, what it is of, what holds it,
		// and what sets it free.
		hold func(h hold) (deletion Request, of, by string, free []Request)
	}{
		{"a VPC, by a subnet", func(h hold) (Request, string, string, []Request) {
			return DeleteVPC{h.v.ID}, string(h.v.ID), string(h.n.ID), []Request{DeleteSubnet{h.n.ID}}
		}},
		{"a VPC, by a route table", func(h hold) (Request, string, string, []Request) {
			h.w.do(DeleteSubnet{h.n.ID})
			id := RouteTableID(h.w.do(CreateRouteTable{VPC: h.v.ID}))
			return DeleteVPC{h.v.ID}, string(h.v.ID), string(id), []Request{DeleteRouteTable{id}}
		}},
		{"a VPC, by a network ACL", func(h hold) (Request, string, string, []Request) {
			h.w.do(DeleteSubnet{h.n.ID})
			id := h.w.newACL(h.v.ID)
			return DeleteVPC{h.v.ID}, string(h.v.ID), string(id), []Request{DeleteACL{id}}
		}},
		{"a VPC, by a security group", func(h hold) (Request, string, string, []Request) {
			h.w.do(DeleteSubnet{h.n.ID})
			id := h.w.newGroup(home, h.v.ID, "web")
			return DeleteVPC{h.v.ID}, string(h.v.ID), string(id), []Request{DeleteSecurityGroup{id}}
		}},
		{"a VPC, by an active peering", func(h hold) (Request, string, string, []Request) {
			h.w.do(DeleteSubnet{h.n.ID})
			id := h.w.newPeering(home, h.w.newVPC(home, "10.1.0.0/16").ID, home, h.v.ID)
			return DeleteVPC{h.v.ID}, string(h.v.ID), string(id), []Request{DeletePeering{id}}
		}},
		{"a subnet, by an interface", func(h hold) (Request, string, string, []Request) {
			id := h.w.newENI(home, h.n.ID).ID
			return DeleteSubnet{h.n.ID}, string(h.n.ID), string(id), []Request{DeleteENI{id}}
		}},
		{"a main table, by its VPC", func(h hold) (Request, string, string, []Request) {
			other := RouteTableID(h.w.do(CreateRouteTable{VPC: h.v.ID}))
			return DeleteRouteTable{h.v.MainTable}, string(h.v.MainTable), string(h.v.ID),
				[]Request{ReplaceTableAssociation{h.v.MainAssociation, other}}
		}},
		{"a table, by a subnet", func(h hold) (Request, string, string, []Request) {
			id := RouteTableID(h.w.do(CreateRouteTable{VPC: h.v.ID}))
			assoc := AssociationID(h.w.do(AssociateTable{id, h.n.ID}))
			return DeleteRouteTable{id}, string(id), string(h.n.ID), []Request{DisassociateTable{assoc}}
		}},
		{"a network ACL, by a subnet", func(h hold) (Request, string, string, []Request) {
			id := h.w.newACL(h.v.ID)
			assoc := AssociationID(h.w.do(ReplaceACLAssociation{h.n.ACLAssociation, id}))
			return DeleteACL{id}, string(id), string(h.n.ID), []Request{ReplaceACLAssociation{assoc, h.v.DefaultACL}}
		}},
		{"a group, by an interface", func(h hold) (Request, string, string, []Request) {
			id := h.w.newGroup(home, h.v.ID, "web")
			eni := h.w.do(CreateENI{ENISpec: ENISpec{Subnet: h.n.ID, Groups: []GroupID{id}}})
			return DeleteSecurityGroup{id}, string(id), eni, []Request{SetENIAttribute{ENI: ENIID(eni), Groups: []GroupID{h.v.DefaultGroup}}}
		}},
		{"a group, by another's egress rule", func(h hold) (Request, string, string, []Request) {
			id, other := h.w.newGroup(home, h.v.ID, "web"), h.w.newGroup(home, h.v.ID, "db")
			h.w.do(AuthorizeRules{Group: other, Egress: true, Rules: []RuleSpec{fromGroup(id)}})
			return DeleteSecurityGroup{id}, string(id), string(other), []Request{RevokeRules{Group: other, Egress: true, Rules: []RuleSpec{fromGroup(id)}}}
		}},
		{"a block, by a subnet in it", func(h hold) (Request, string, string, []Request) {
			block := AssociationID(h.w.do(AssociateVPCBlock{VPC: h.v.ID, CIDR: cidr("10.7.0.0/16")}))
			n := h.w.newSubnet(home, h.v.ID, "10.7.1.0/24")
			return DisassociateVPCBlock{block}, string(block), string(n.ID), []Request{DeleteSubnet{n.ID}}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newSite(t)
			v := w.newVPC(home, "10.0.0.0/16")
			deletion, of, by, free := tc.hold(hold{w, v, w.newSubnet(home, v.ID, "10.0.1.0/24")})
			w.refuses(deletion, InUse, of, by)
			for _, r := range free {
				w.do(r)
			}
			w.do(deletion)
		})
	}
}

// AWS: Route tables (blackhole), Work with stale security group rules: what may be
// deleted though something still names it.
func TestWhatHoldsNothing(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	n := w.newSubnet(home, a.ID, "10.0.1.0/24")
	ab := w.newPeering(home, a.ID, home, b.ID)
	eni, far := w.newENI(home, n.ID), w.newGroup(home, b.ID, "far")
	w.do(CreateRoute{a.MainTable, cidr("10.1.0.0/16"), ToPeering{ab}})
	w.do(CreateRoute{a.MainTable, cidr("10.2.0.0/16"), ToENI{ENI: eni.ID}})
	w.do(CreateRoute{a.MainTable, cidr("10.0.1.0/24"), ToENI{ENI: eni.ID}})
	w.do(AuthorizeRules{Group: a.DefaultGroup, Rules: []RuleSpec{fromGroup(far)}})
	for _, r := range []Request{DeleteSecurityGroup{far}, DeleteENI{eni.ID}, DeletePeering{ab}, DeleteSubnet{n.ID}, DeleteVPC{b.ID}} {
		w.do(r)
	}
	if got := len(w.RouteTable(a.MainTable).Routes); got != 4 {
		t.Errorf("%d routes are left, want all 4", got)
	}
	if got := len(w.SecurityGroup(a.DefaultGroup).Rules); got != 3 {
		t.Errorf("%d rules are left, want all 3", got)
	}
	w.do(DeleteVPC{a.ID})
}

// A thing that is gone is not deleted twice: the second time it does not exist.
func TestNothingIsDeletedTwice(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	for _, tc := range []struct {
		r  Request
		id string
	}{
		{DeleteSubnet{n.ID}, string(n.ID)},
		{DeleteVPC{v.ID}, string(v.ID)},
	} {
		w.do(tc.r)
		w.refuses(tc.r, NotFound, tc.id, "")
	}
}
