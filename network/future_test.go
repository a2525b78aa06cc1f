package network

import (
	"fmt"
	"testing"
)

// Rows that grow by appending have room to spare in their slices. Two futures of
// one State must not write into it: a refused or abandoned op would otherwise show
// in a State that is being read.
func TestTwoFuturesOfAStateShareNoMemory(t *testing.T) {
	w := newSite(t)
	v := w.VPC(VPCID(w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	n := SubnetID(w.do(CreateSubnet{VPC: v.ID, CIDR: cidr("10.0.1.0/24"), CIDR6: subnetOf6(v), Zones: zones}))
	eni := w.newENI(home, n)
	peer := w.newPeering(home, v.ID, home, w.newVPC(home, "10.99.0.0/16").ID)
	g := w.newGroup(home, v.ID, "web")
	acl := ACLID(w.do(CreateACL{VPC: v.ID}))
	for name, grow := range map[string]func(k int) Request{
		"addresses":      func(int) Request { return AssignAddrs{ENI: eni.ID, Count: 1} },
		"IPv6 addresses": func(int) Request { return AssignAddrs6{ENI: eni.ID, Count: 1} },
		"IPv6 blocks":    func(int) Request { return AssociateVPCBlock{VPC: v.ID} },
		"routes": func(k int) Request {
			return CreateRoute{v.MainTable, cidr(fmt.Sprintf("192.168.%d.0/24", k)), ToPeering{peer}}
		},
		"rules": func(k int) Request { return AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(k, "10.0.0.0/8")}} },
		"entries": func(k int) Request {
			return CreateACLEntry{acl, entry(k+1, "10.0.0.0/8")}
		},
	} {
		for k := range 4 {
			here := dump(w.State)
			one, err := w.Apply(w.op(home, grow(2*k)))
			if err != nil {
				t.Fatal(name, err)
			}
			first := dump(one)
			if _, err := w.Apply(w.op(home, grow(2*k+1))); err != nil {
				t.Fatal(name, err)
			}
			if dump(one) != first || dump(w.State) != here {
				t.Errorf("%s: the second future wrote into the first", name)
			}
			w.State = one
		}
	}
}
