package kernel_test

import (
	"testing"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
)

// TestLab is the founding scenario: two departments and the server that one of
// them needs, gate by gate.
func TestLab(t *testing.T) {
	w := newSite(t)
	marketing, mn := w.vpc("10.0.0.0/16")
	finance, fn := w.vpc("172.31.0.0/16")
	sg := w.group(finance, "server")
	m := w.server(mn, "")
	f := w.server(fn, "172.31.1.199", sg).serve(80)
	w.obey()

	lost := func(v network.VPCID) linux.Cause { return linux.Cause{Why: "no-route", At: string(w.VPC(v).MainTable)} }
	w.dropped(lost(marketing), func() { m.misses(f, 80) })

	p := w.peer(marketing, finance)
	w.obey()
	w.dropped(lost(marketing), func() { m.misses(f, 80) })

	w.routeBoth(marketing, finance, p)
	w.obey()
	w.dropped(linux.Cause{Why: "sg-denied", At: string(f.eni), Direction: "ingress"}, func() { m.misses(f, 80) })

	w.allow(sg, network.AnyProtocol, network.AnyPort, w.VPC(marketing).Blocks[0].CIDR.String(), w.VPC(marketing).Blocks6[0].CIDR.String())
	w.obey()
	w.dropped(lost(finance), func() { m.misses(f, 80) })

	w.routeBoth(finance, marketing, p)
	w.obey()
	m.reaches(f, 80)
	flow := m.flow(f.addr, 80)
	flow.lives()

	acl := w.VPC(finance).DefaultACL
	deny := network.ACLEntry{Number: 50, Protocol: network.AnyProtocol, Ports: network.AnyPort, CIDR: cidr("10.0.0.0/8")}
	w.do(network.CreateACLEntry{ACL: acl, Entry: deny})
	w.obey()
	w.dropped(linux.Cause{Why: "acl-denied", At: string(acl), Direction: "ingress", Entry: "50"}, flow.stalls)
	w.do(network.DeleteACLEntry{ACL: acl, Number: 50})
	w.obey()
	flow.lives()
	m.reaches(f, 80)

	w.do(network.DeletePeering{Peering: p})
	w.obey()
	// The server, too, sends in vain: what it has not had acknowledged.
	w.counted(linux.Cause{Why: "blackhole", At: string(w.VPC(marketing).MainTable)}, func() { m.misses(f, 80) })
	flow.stalls()
}

func TestLabAsOrdinaryUser(t *testing.T) { testnet.RunAsOrdinaryUser(t, "^TestLab$") }
