package linux

import (
	"slices"
	"strings"
	"testing"

	"tombolo/network"
)

// tale is what a Narrator makes of reports, in the test's names.
func tale(w *site, n *Narrator, events []TraceEvent) []string {
	var out []string
	for _, e := range events {
		s, ok := n.Step(e)
		if !ok {
			continue
		}
		line := s.At + ": " + s.Says
		if s.Answer {
			line = "answer " + line
		}
		if s.End != GoesOn {
			line += ", " + s.End.String()
		}
		out = append(out, w.rename(line))
	}
	return out
}

// What the rules of every kind of chain stand for. That the kernel reports them so is
// for linux/kernel's tests.
func TestWhatRulesStandFor(t *testing.T) {
	w := newSite(t)
	p := twoVPCs(w)
	routesBothWays(w, w.accept(p))
	c := NewCompiler(NewBook())
	d := c.Compile(w.State, nil)
	d.SetEpoch(V4, 1)
	d.SetEpoch(V6, 1)
	web, db := network.ENIID(w.ids["eni-web"]), network.ENIID(w.ids["eni-db"])
	port := map[network.ENIID]int{}
	for i, id := range d.Ports() {
		port[id] = i
	}
	src, dst := w.ENI(web).Addrs[0], w.ENI(db).Addrs[0]
	sub, acl, group := w.ids["subnet-a1"], w.ids["acl-a"], w.ids["sg-a"]
	box := w.ids["eni-db"]
	for _, tc := range []struct {
		name string
		e    TraceEvent
		want string
	}{
		{"it came", TraceEvent{Chain: "arrive", Verdict: goTo("source")}, "eni-web: it leaves the instance"},
		{"hops", TraceEvent{Chain: "arrive", Verdict: Verdict{Kind: 9}}, ""},
		{"spoofed", TraceEvent{Chain: "spoofed", Verdict: drop}, "eni-web: the source is not the interface's own (source/destination check), dropped"},
		{"local", TraceEvent{Chain: sub, Verdict: goTo("local." + w.ids["vpc-a"])}, "rtb-a: route local: to the VPC itself"},
		{"same", TraceEvent{Chain: sub, Verdict: goTo("same." + w.ids["vpc-a"])}, "subnet-a1: the destination is in the same subnet: no route table and no network ACL is asked"},
		{"peering", TraceEvent{Chain: sub, Verdict: goTo(string(p) + ".from." + w.ids["vpc-a"])}, "rtb-a: route to " + w.rename(string(p))},
		{"lost", TraceEvent{Chain: sub, Verdict: goTo("lost.no-route.rtb-a.0")}, ""},
		{"to a middlebox", TraceEvent{Chain: sub, Verdict: goTo(viaChain(network.ENIID(box)))}, "rtb-a: route to eni-db"},
		{"by a middlebox", TraceEvent{Chain: viaChain(network.ENIID(box)), Verdict: goTo("via.x.y")}, "eni-db: by way of this middlebox"},
		{"from a middlebox", TraceEvent{Chain: uncheckedChain(network.ENIID(box)), Verdict: goTo("back.x.y")}, "eni-db: by way of this middlebox"},
		{"group", TraceEvent{Chain: "leave." + group, Verdict: goTo("tracked.leaving"), Tag: tagOf(d, "leave."+group, "@"+group)}, "sg-a: a rule lets it out; the flow is tracked"},
		{"world", TraceEvent{Chain: "enter." + group, Verdict: back, Out: port[db]}, "eni-db: a rule for the world lets it in; the flow is not tracked"},
		{"group says no", TraceEvent{Chain: "leave." + group, Verdict: toRefusedLeaving}, "eni-web: no rule of the security groups sg-a lets it out"},
		{"entry", TraceEvent{Chain: acl + ".egress", Rule: 0, Verdict: back}, "acl-a: egress entry 100 allows"},
		{"last entry", TraceEvent{Chain: acl + ".ingress", Rule: 1, Verdict: toRefusedEntering}, "acl-a: ingress entry * denies"},
		{"no ACL any more", TraceEvent{Chain: "acl-0123456789abcdef0.ingress", Rule: -1, Verdict: toRefusedEntering}, "acl-0123456789abcdef0: ingress entry * denies"},
		{"known", TraceEvent{Chain: "forward", Verdict: accept, Out: port[db]}, "eni-db: its flow was judged before, and nothing has changed since; it arrives, arrives"},
		{"known and recorded", TraceEvent{Chain: "forward", Verdict: toPassed, Out: port[db]}, "eni-web: its flow was judged before, and nothing has changed since"},
		{"first", TraceEvent{Chain: "remember.original", Verdict: accept, Out: port[db]}, "eni-db: it arrives, arrives"},
		{"counted", TraceEvent{Chain: "passed.tcp", Verdict: accept, Out: port[db]}, "eni-db: it arrives, arrives"},
		{"to be counted", TraceEvent{Chain: "passed", Verdict: goTo("passed.count")}, ""},
		{"refused", TraceEvent{Chain: "refused.entering", Verdict: drop, Out: port[db]}, "eni-db: it is dropped, dropped"},
		{"nobody", TraceEvent{Chain: "stray", Verdict: drop, Mark: lostMark(d, c.book, "no-such-address", w.ids["vpc-a"])}, "vpc-a: nobody has this address, dropped"},
		{"a cause that is not known", TraceEvent{Chain: "stray", Verdict: drop, Mark: 77}, "eni-web: it is dropped, dropped"},
		{"the router", TraceEvent{Chain: "hear", Policy: true, Verdict: drop}, "eni-web: it is for the network itself, which does not answer, dropped"},
		{"machinery", TraceEvent{Chain: "judge", Verdict: jump("edge")}, ""},
		{"answer", TraceEvent{Chain: "arrive", Verdict: goTo("source"), In: port[db], Source: dst}, "answer eni-db: it leaves the instance"},
	} {
		n := Narrate(Trail{From: web, To: db, Source: src, Dest: dst, Protocol: 6, Port: 80}, w.State, d, c.book)
		if tc.e.In == 0 {
			tc.e.In = port[web]
		}
		if got := strings.Join(tale(w, n, []TraceEvent{tc.e}), "; "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// tagOf is the tag of a chain's rule that has a word in it.
func tagOf(d *Desired, chain, word string) string {
	for _, c := range d.objects().Chains {
		if i := slices.IndexFunc(c.Rules, func(r Rule) bool { return strings.Contains(r.Text, word) }); c.Name == chain && c.Family == V4 && i >= 0 {
			return c.Rules[i].Tag
		}
	}
	return ""
}

// lostMark is a mark that packets are lost with for a cause.
func lostMark(d *Desired, b *Book, why, at string) uint32 {
	for _, e := range d.objects().Elements {
		if e.Set != lostSet {
			continue
		}
		if c, ok := b.lostCause(nativeUint32(e.Lo)); ok && c.Why == why && c.At == at {
			return nativeUint32(e.Lo)
		}
	}
	return 0
}

// A cause without words of its own is told as it is.
func TestEveryCauseIsTold(t *testing.T) {
	for _, why := range []string{"no-route", "blackhole", "not-in-peer-cidr", "source-not-in-vpc", "dest-check", "no-such-address", "not-supported"} {
		if causeWords(why) == why {
			t.Errorf("%s has no words", why)
		}
	}
	if causeWords("else") != "else" {
		t.Error("an unknown cause is not told")
	}
}

// The kernel says links and addresses once for each of its hooks; they are remembered.
func TestAPacketsLinksAreRemembered(t *testing.T) {
	w := newSite(t)
	p := twoVPCs(w)
	routesBothWays(w, w.accept(p))
	c := NewCompiler(NewBook())
	d := c.Compile(w.State, nil)
	var ports []int
	for port := range d.Ports() {
		ports = append(ports, port)
	}
	slices.Sort(ports)
	n := Narrate(Trail{Source: addr("10.0.1.10"), Dest: addr("10.1.1.10")}, w.State, d, c.book)
	got := tale(w, n, []TraceEvent{
		{Packet: 1, Chain: "arrive", Verdict: goTo("source"), In: ports[0], Source: addr("10.1.1.10")},
		{Packet: 1, Chain: "judge", Verdict: goTo("judge.reply"), Out: ports[1]},
		{Packet: 2, Chain: "refused.leaving", Verdict: drop},
		{Packet: 1, Chain: "refused.entering", Verdict: drop},
	})
	names := d.Ports()
	want := []string{"answer " + w.rename(string(names[ports[0]])) + ": it leaves the instance", ": it is dropped, dropped", "answer " + w.rename(string(names[ports[1]])) + ": it is dropped, dropped"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
