package kernel_test

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
	"tombolo/probe"
)

// traced probes while a trail is traced, and tells the steps in one line each, with
// names for IDs.
func (s *server) traced(t linux.Trail, names map[string]string, ask func()) []string {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	steps, err := s.plane.Trace(ctx, t)
	if err != nil {
		s.Fatal(err)
	}
	ask()
	s.quiet()
	cancel()
	var out []string
	first := map[bool]uint32{} // the first packet each way
	for x := range steps {
		if _, ok := first[x.Answer]; !ok {
			first[x.Answer] = x.Packet
		}
		if first[x.Answer] != x.Packet {
			continue
		}
		line := fmt.Sprintf("%s: %s", x.At, x.Says)
		for id, name := range names {
			line = strings.ReplaceAll(line, id, name)
		}
		if x.Answer {
			line = "answer: " + line
		}
		if x.End != linux.GoesOn {
			line += " [" + x.End.String() + "]"
		}
		out = append(out, line)
		if x.Rule == "" && !strings.Contains(x.Says, "the network itself") {
			s.Errorf("a step has no rule: %+v", x)
		}
	}
	return out
}

// tells asserts that a probe's steps are these.
func (s *server) tells(to netip.Addr, t linux.Trail, names map[string]string, want ...string) {
	s.Helper()
	t.From, t.Source, t.Dest = s.eni, s.addr, to
	if !to.Is4() {
		t.Source = s.six
	}
	got := s.traced(t, names, func() {
		where := to.String()
		if t.Port > 0 {
			where = netip.AddrPortFrom(to, t.Port).String()
		}
		f := map[uint8]asking{1: probe.ICMP, 58: probe.ICMP, 6: probe.TCP, 17: probe.UDP}[t.Protocol]
		s.ask(f, where, probe.Options{Timeout: silence})
	})
	if !slices.Equal(got, want) {
		s.Errorf("%s tells:\n%s\nwant\n%s", to, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestAPacketTellsItsWay follows probes over a peering and through every kind of
// refusal, and leaves the ruleset as it was.
func TestAPacketTellsItsWay(t *testing.T) {
	w := newSite(t)
	av, an := w.vpc("10.0.0.0/16")
	bv, bn := w.vpc("10.1.0.0/16")
	p := w.peer(av, bv)
	ag, bg := w.group(av, "a"), w.group(bv, "b")
	w.allow(bg, network.TCP, network.PortRange{From: 80, To: 80}, "10.0.0.0/16", "::/0")
	a, b := w.server(an, "", ag), w.server(bn, "", bg)
	b.serve(80)
	names := map[string]string{string(av): "vpc-a", string(bv): "vpc-b", string(an): "subnet-a", string(bn): "subnet-b", string(p): "pcx",
		string(ag): "sg-a", string(bg): "sg-b", string(w.VPC(av).DefaultACL): "acl-a", string(w.VPC(bv).DefaultACL): "acl-b",
		string(w.VPC(av).MainTable): "rtb-a", string(w.VPC(bv).MainTable): "rtb-b", string(a.eni): "eni-a", string(b.eni): "eni-b"}
	w.obey()
	web := linux.Trail{To: b.eni, Protocol: 6, Port: 80}
	leaves := []string{"eni-a: it leaves the instance", "rtb-a: route to pcx", "sg-a: a rule lets it out; the flow is tracked", "acl-a: egress entry 100 allows"}
	enters := append(slices.Clone(leaves), "acl-b: ingress entry 100 allows", "sg-b: a rule lets it in; the flow is tracked", "eni-b: it arrives [arrives]")
	there := append(slices.Clone(enters), "answer: eni-b: it leaves the instance")
	a.tells(b.addr, web, names, leaves[0], leaves[2], leaves[3], "rtb-a: no route leads there [dropped]")
	w.routeBoth(av, bv, p)
	w.obey()
	a.tells(b.addr, web, names, append(slices.Clone(there), "answer: acl-b: egress entry 100 allows", "answer: rtb-b: no route leads there [dropped]")...)
	w.routeBoth(bv, av, p)
	w.obey()
	answer := []string{"answer: rtb-b: route to pcx", "answer: acl-b: egress entry 100 allows", "answer: acl-a: ingress entry 100 allows", "answer: eni-a: it arrives [arrives]"}
	a.tells(b.addr, web, names, append(slices.Clone(there), answer...)...)
	a.tells(b.six, web, names, leaves[0], leaves[1], leaves[2], "acl-a: egress entry 101 allows", "acl-b: ingress entry 101 allows",
		"eni-b: a rule for the world lets it in; the flow is not tracked", "eni-b: it arrives [arrives]", "answer: eni-b: it leaves the instance", answer[0],
		"answer: eni-b: a rule for the world lets it out; the flow is not tracked", "answer: acl-b: egress entry 101 allows", "answer: acl-a: ingress entry 101 allows", answer[3])
	a.tells(b.addr, linux.Trail{To: b.eni, Protocol: 17, Port: 81}, names, append(slices.Clone(enters[:5]),
		"eni-b: no rule of the security groups sg-b lets it in", "eni-b: it is dropped [dropped]")...)
	a.tells(addr("10.1.9.9"), linux.Trail{Protocol: 1}, names, append(slices.Clone(leaves), "vpc-b: nobody has this address [dropped]")...)
	a.tells(w.Subnet(an).Router(), linux.Trail{Protocol: 1}, map[string]string{string(a.eni): "eni-a", string(an): "subnet-a"}, leaves[0],
		"subnet-a: the destination is in the same subnet: no route table and no network ACL is asked", "eni-a: it is for the network itself, which does not answer [dropped]")
	for _, egress := range []bool{false, true} {
		entry := network.ACLEntry{Number: 7, Egress: egress, Protocol: network.TCP, CIDR: cidr("10.0.0.0/8"), Ports: network.PortRange{From: 0, To: 65535}}
		w.do(network.CreateACLEntry{ACL: w.VPC(bv).DefaultACL, Entry: entry})
		w.obey()
		if !egress {
			a.tells(b.addr, web, names, append(slices.Clone(leaves), "acl-b: ingress entry 7 denies", "eni-b: it is dropped [dropped]")...)
			w.do(network.DeleteACLEntry{ACL: w.VPC(bv).DefaultACL, Number: 7})
			w.obey()
		}
	}
	again := append(slices.Clone(there), answer[0], "answer: acl-b: egress entry 7 denies", "answer: eni-b: it is dropped [dropped]")
	a.tells(b.addr, web, names, again...)
	w.recording(a, func() { a.tells(b.addr, web, names, again...) })
	w.do(network.DeleteACLEntry{ACL: w.VPC(bv).DefaultACL, Number: 7, Egress: true})
	w.obey()
	w.tablesAre("arp tombolo", "ip tombolo", "ip6 tombolo")
}

// recording does something while flows are recorded.
func (w *site) recording(s *server, f func()) {
	w.Helper()
	id := w.record(string(s.eni))
	w.obey()
	f()
	w.do(network.DeleteFlowLogs{FlowLogs: []network.FlowLogID{id}})
	w.obey()
}

// tablesAre asserts which nftables tables the fabric has.
func (w *site) tablesAre(want ...string) {
	w.Helper()
	out, err := testnet.In(w.fabric, func() ([]byte, error) {
		return exec.CommandContext(w.Context(), "nft", "list", "tables").CombinedOutput()
	})
	if err != nil {
		w.Fatalf("nft list tables: %v\n%s", err, out)
	}
	got := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(out), "table ", "")), "\n")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.Errorf("tables are %v, want %v", got, want)
	}
}

// TestAFlowThatWasJudgedTellsSo: the packets after the first meet no gate.
func TestAFlowThatWasJudgedTellsSo(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.TCP, network.PortRange{From: 80, To: 80}, "10.0.0.0/16")
	a, b := w.server(n, "", g), w.server(n, "", g)
	b.serve(80)
	w.obey()
	f := a.flow(b.addr, 80)
	f.lives()
	names := map[string]string{string(a.eni): "eni-a", string(b.eni): "eni-b", string(n): "subnet"}
	got := a.traced(linux.Trail{From: a.eni, To: b.eni, Source: a.addr, Dest: b.addr, Protocol: 6, Port: 80}, names, f.lives)
	want := []string{"eni-a: it leaves the instance", "subnet: the destination is in the same subnet: no route table and no network ACL is asked",
		"eni-b: its flow was judged before, and nothing has changed since; it arrives [arrives]"}
	if len(got) < 3 || !slices.Equal(got[:3], want) {
		t.Errorf("tells:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestATraceThatWasLeftIsRemoved by the next process.
func TestATraceThatWasLeftIsRemoved(t *testing.T) {
	w := newSite(t)
	w.obey()
	out, err := testnet.In(w.fabric, func() ([]byte, error) {
		return exec.CommandContext(w.Context(), "nft", "add", "table", "ip", linux.TraceTable+"-1-1").CombinedOutput()
	})
	if err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
	w.plane.Close()
	w.open()
	w.tablesAre("arp tombolo", "ip tombolo", "ip6 tombolo")
}

// TestWhatCannotBeTraced says so.
func TestWhatCannotBeTraced(t *testing.T) {
	w := newSite(t)
	if _, err := w.plane.Trace(t.Context(), linux.Trail{From: "eni-1"}); err == nil {
		t.Error("a trace begins before anything is in force")
	}
	w.obey()
	if _, err := w.plane.Trace(t.Context(), linux.Trail{From: "eni-1"}); err == nil {
		t.Error("an interface that is not there is traced")
	}
	w.tablesAre("arp tombolo", "ip tombolo", "ip6 tombolo")
}

// TestTraceAsOrdinaryUser does it without root.
func TestTraceAsOrdinaryUser(t *testing.T) {
	testnet.RunAsOrdinaryUser(t, "^(TestAPacketTellsItsWay|TestAFlowThatWasJudgedTellsSo)$")
}
