package kernel_test

import (
	"testing"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
)

// TestANewProcessTakesTheCacheOver: with another fast path or the same, established
// flows go on, nothing of the old cache carries packets any more, and a change cuts.
func TestANewProcessTakesTheCacheOver(t *testing.T) {
	if testnet.Rootless() {
		t.Skip("an ordinary user has no cache to be taken over")
	}
	w := newSiteOn(t, linux.EBPF)
	m, f := w.peered(t)
	f.serve(80)
	flows := []*flow{m.flow(f.addr, 80)}
	slow := w.onSlowPath()
	talk := func() (cached bool) {
		const pings = 20
		before := slow()
		for _, x := range flows {
			for range pings {
				x.lives()
			}
		}
		return slow()-before < pings
	}
	for _, p := range []linux.FastPath{linux.EBPF, linux.EBPF, linux.NoCache, linux.EBPF} {
		w.plane.Close()
		w.fast = p
		w.open()
		talk() // before the new process has looked at anything
		w.obey()
		if cached := talk(); cached != (p == linux.EBPF) {
			t.Errorf("fast path %s, packets cached: %v", p, cached)
		}
		if kind, why := w.plane.FastPath(); kind != p || why != nil {
			t.Errorf("the plane says fast path %s (%v), want %s", kind, why, p)
		}
	}
	w.do(network.CreateACLEntry{ACL: w.cutTCP(f), Entry: network.ACLEntry{Number: 1, Protocol: network.TCP, CIDR: cidr("0.0.0.0/0"), Ports: network.PortRange{To: 65535}}})
	w.obey()
	flows[0].stalls()
}

// cutTCP makes room for an entry in the network ACL of a server.
func (w *site) cutTCP(s *server) network.ACLID {
	acl := w.Subnet(w.ENI(s.eni).Subnet).ACL
	w.do(network.DeleteACLEntry{ACL: acl, Number: 1})
	return acl
}

// TestAFastPathThatIsBarredIsSaid: an ordinary user's plane works without, says why,
// and one that must have it does not open.
func TestAFastPathThatIsBarredIsSaid(t *testing.T) {
	if !testnet.Rootless() {
		testnet.RunAsOrdinaryUser(t, "^TestAFastPathThatIsBarredIsSaid$")
		return
	}
	w := newSite(t)
	if kind, why := w.plane.FastPath(); kind != linux.NoCache || why == nil {
		t.Errorf("fast path %s (%v), want none and a reason", kind, why)
	}
	if err := w.tryOpen(linux.EBPF); err == nil {
		t.Error("a plane with --fast-path ebpf opens where programs can't be loaded")
	}
	if err := w.tryOpen("fastest"); err == nil {
		t.Error("an unknown fast path is taken")
	}
}
