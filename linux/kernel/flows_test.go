package kernel_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"tombolo/flowlog"
	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
	"tombolo/probe"
)

// tuple is what packets of a flow and direction have in common.
type tuple struct {
	src, dst     netip.Addr
	proto        uint8
	sport, dport uint16
}

// sum is a number of packets.
type sum struct{ packets, bytes uint64 }

func (s *sum) add(packets, bytes uint64) { s.packets, s.bytes = s.packets+packets, s.bytes+bytes }

// record has flows of a VPC, a subnet or an interface recorded.
func (w *site) record(id string) network.FlowLogID {
	w.Helper()
	return network.FlowLogID(w.do(network.CreateFlowLogs{Resources: []string{id},
		FlowLogSpec: network.FlowLogSpec{Traffic: network.TrafficAll, Bucket: "records", Format: "${version}", Interval: 60}}))
}

// ledger is all that was read of flows.
type ledger struct {
	*site
	mu      sync.Mutex
	counts  []flowlog.Count
	skipped map[network.ENIID]uint64
	gaps    int
}

func (l *ledger) read() {
	l.Helper()
	r, err := l.plane.Flows()
	if err != nil {
		l.Error(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts = append(l.counts, r.Counts...)
	if l.skipped == nil {
		l.skipped = map[network.ENIID]uint64{}
	}
	for id, n := range r.Skipped {
		l.skipped[id] += n
	}
	if r.Gap {
		l.gaps++
	}
}

// by adds the counts that match up, by tuple.
func (l *ledger) by(match func(flowlog.Count) bool) map[tuple]sum {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[tuple]sum{}
	for _, c := range l.counts {
		if match(c) {
			t := tuple{c.Source, c.Dest, c.Protocol, c.SourcePort, c.DestPort}
			s := out[t]
			s.add(c.Packets, c.Bytes)
			out[t] = s
		}
	}
	return out
}

func every(flowlog.Count) bool { return true }

func fated(f flowlog.Fate) func(flowlog.Count) bool {
	return func(c flowlog.Count) bool { return c.Fate == f }
}

// eyes see what passes an instance's own interface: what it sent and what came.
type eyes struct {
	testing.TB
	capture        *testnet.Capture
	sent, received map[tuple]sum
}

func (s *server) eyes() *eyes {
	s.Helper()
	c := s.host.Capture(s, func(x testnet.Seen) bool {
		// Neighbour discovery, group membership and router solicitations end at the link.
		return (x.EtherType == 0x0800 || x.EtherType == 0x86dd) && !x.Dst.IsMulticast() && (x.Proto != 58 || x.Type < 133 || x.Type > 137)
	})
	return &eyes{s, c, map[tuple]sum{}, map[tuple]sum{}}
}

// until does something again and again until done is closed.
func until(all *sync.WaitGroup, done <-chan struct{}, do func()) {
	all.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				do()
			}
		}
	})
}

// look adds what has been seen since the last time: a capture holds little.
func (e *eyes) look() {
	e.Helper()
	list, err := e.capture.Packets()
	if err != nil {
		e.Error(err)
	}
	for _, x := range list {
		t := tuple{x.Src, x.Dst, x.Proto, x.SrcPort, x.DstPort}
		into := e.received
		if x.Outgoing {
			into = e.sent
		}
		s := into[t]
		s.add(1, uint64(len(x.Raw)))
		into[t] = s
	}
}

// same asserts that two views of the same packets agree.
func same(t testing.TB, what string, got, want map[tuple]sum) {
	t.Helper()
	all := maps.Clone(got)
	maps.Copy(all, want)
	for _, x := range slices.SortedFunc(maps.Keys(all), func(a, b tuple) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		if got[x] != want[x] {
			t.Errorf("%s, %v: counted %v, seen %v", what, x, got[x], want[x])
		}
	}
}

// shower sends UDP datagrams and gives how many, of 28 bytes of headers more.
func (s *server) shower(to netip.Addr, port, datagrams, size int) {
	s.Helper()
	err := s.host.Do(func() error {
		fd, err := unix.Socket(family(to), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for range datagrams {
			if err := unix.Sendto(fd, make([]byte, size), 0, sockaddr(to, port)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Error(err)
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockaddr(a netip.Addr, port int) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4(), Port: port}
	}
	return &unix.SockaddrInet6{Addr: a.As16(), Port: port}
}

// TestFlowsAreCountedExactly sends known numbers of packets of known sizes, and
// expects those numbers, at both interfaces.
func TestFlowsAreCountedExactly(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{From: 7000, To: 7000}, "0.0.0.0/0", "::/0")
	a, b := w.server(n, "", g), w.server(n, "", g)
	w.record(string(v))
	w.obey()
	b.serve(7000)
	a.shower(b.addr, 7000, 137, 100)
	a.shower(b.six, 7000, 41, 1000)
	a.shower(b.addr, 7001, 9, 0)
	w.quiet()
	l := &ledger{site: w}
	l.read()
	seen := 0
	for _, c := range l.counts {
		want := sum{}
		switch {
		case c.Protocol != 17:
			continue // what says that nobody waits for an answer any more
		case c.Source == a.addr && c.DestPort == 7000 && c.Fate == flowlog.Passed:
			want = sum{137, 137 * 128}
		case c.Source == a.six && c.DestPort == 7000 && c.Fate == flowlog.Passed:
			want = sum{41, 41 * 1048}
		case c.Source == a.addr && c.DestPort == 7001 && c.Fate == flowlog.RefusedEntering:
			want = sum{9, 9 * 28}
		case c.SourcePort == 7000:
			continue // the server answers each
		}
		seen++
		if c.Protocol != 17 || c.From != a.eni || c.To != b.eni || c.Flags != 0 || (sum{c.Packets, c.Bytes}) != want {
			t.Errorf("counted %+v, want %v", c, want)
		}
	}
	if seen != 3 {
		t.Errorf("counted %+v, want three flows", l.counts)
	}
	l.counts = nil
	l.read()
	if len(l.counts) > 0 {
		t.Errorf("counted again: %+v", l.counts)
	}
}

// TestEveryPacketIsCountedOnce lets traffic of all kinds run while the counts are
// read again and again, and compares with what the instances themselves saw: what
// was sent is what was counted, and what arrived is what was counted as passed.
func TestEveryPacketIsCountedOnce(t *testing.T) {
	w := newSite(t)
	av, an := w.vpc("10.0.0.0/16")
	bv, bn := w.vpc("10.1.0.0/16")
	p := w.peer(av, bv)
	w.routeBoth(av, bv, p)
	w.routeBoth(bv, av, p)
	ag, bg := w.group(av, "a"), w.group(bv, "b")
	w.allow(bg, network.TCP, network.PortRange{From: 80, To: 80}, "0.0.0.0/0", "::/0")
	w.allow(bg, network.UDP, network.PortRange{From: 80, To: 80}, "10.0.0.0/16", "::/0")
	w.allow(bg, network.ICMP, network.AnyPort, "0.0.0.0/0")
	w.allow(bg, network.ICMPv6, network.AnyPort, "::/0")
	for _, egress := range []bool{true, false} {
		w.do(network.CreateACLEntry{ACL: w.VPC(bv).DefaultACL, Entry: network.ACLEntry{Number: 9, Egress: egress, Protocol: network.UDP,
			CIDR: cidr("10.0.0.0/16"), Ports: network.PortRange{From: 500, To: 600}}})
		w.do(network.CreateACLEntry{ACL: w.VPC(av).DefaultACL, Entry: network.ACLEntry{Number: 9, Egress: egress, Protocol: network.UDP,
			CIDR: cidr("10.1.0.0/16"), Ports: network.PortRange{From: 700, To: 800}}})
	}
	a, b := w.server(an, "", ag), w.server(bn, "", bg)
	b.serve(80)
	w.record(string(a.eni))
	w.record(string(b.eni))
	w.obey()
	ea, eb := a.eyes(), b.eyes()
	l := &ledger{site: w}
	done := make(chan struct{})
	var reader, work sync.WaitGroup
	// Apart: while counts are read, a capture that nobody empties overflows.
	until(&reader, done, func() { ea.look(); eb.look() })
	until(&reader, done, l.read)
	for _, to := range []netip.Addr{b.addr, b.six} {
		for _, port := range []int{80, 81, 555, 777} {
			work.Go(func() { a.shower(to, port, 300, 64+port) })
		}
		work.Go(func() { a.shower(lost(to), 80, 300, 8) })
		work.Go(func() { a.conversation(to, 60) })
		work.Go(func() {
			for range 30 {
				a.ask(probe.ICMP, to.String(), probe.Options{Timeout: patience})
			}
		})
	}
	work.Wait()
	w.quiet()
	close(done)
	reader.Wait()
	l.read()
	ea.look()
	eb.look()
	from := func(id network.ENIID, fates ...flowlog.Fate) map[tuple]sum {
		return l.by(func(c flowlog.Count) bool { return c.From == id && (len(fates) == 0 || slices.Contains(fates, c.Fate)) })
	}
	same(t, "sent by a", from(a.eni), ea.sent)
	same(t, "sent by b", from(b.eni), eb.sent)
	same(t, "come to b", from(a.eni, flowlog.Passed), eb.received)
	same(t, "come to a", from(b.eni, flowlog.Passed), ea.received)
	for _, f := range []flowlog.Fate{flowlog.Passed, flowlog.RefusedEntering, flowlog.RefusedLeaving, flowlog.Lost} {
		if len(l.by(fated(f))) == 0 {
			t.Errorf("nothing was %v", f)
		}
	}
	if len(l.skipped) > 0 || l.gaps > 0 {
		t.Errorf("skipped %v, with %d gaps", l.skipped, l.gaps)
	}
}

// lost is an address that no route leads to.
func lost(like netip.Addr) netip.Addr {
	if like.Is4() {
		return addr("203.0.113.9")
	}
	return addr("2001:db8:ffff::9")
}

// conversation is a TCP connection with requests and answers, opened and closed.
func (s *server) conversation(to netip.Addr, requests int) {
	s.Helper()
	f, err := testnet.In(s.host, func() (*probe.Flow, error) {
		return probe.OpenTCP(s.Context(), netip.AddrPortFrom(to, 80).String(), probe.Options{Timeout: patience})
	})
	if err != nil {
		s.Error(err)
		return
	}
	for range requests {
		if r, err := f.Ping(s.Context(), patience); err != nil || r.Verdict != probe.Answered {
			s.Errorf("request: %v %v", r, err)
		}
	}
	if err := f.Close(); err != nil {
		s.Error(err)
	}
}

// quiet waits until nothing passes any more: the end of a connection takes a while.
func (w *site) quiet() {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), silence)
	defer cancel()
	<-ctx.Done()
}

// TestAReplyThatAnACLStops has AWS's signature of it: what came in was accepted,
// and the reply rejected at the same interface (AWS: Flow log records, Examples,
// Security group and network ACL rules).
func TestAReplyThatAnACLStops(t *testing.T) {
	w := newSite(t)
	v := network.VPCID(w.do(network.CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true}))
	an, bn := w.subnet(v, "10.0.1.0/24"), w.subnet(v, "10.0.2.0/24")
	acl := network.ACLID(w.do(network.CreateACL{VPC: v}))
	w.do(network.CreateACLEntry{ACL: acl, Entry: network.ACLEntry{Number: 1, Allow: true, Protocol: network.AnyProtocol, CIDR: cidr("0.0.0.0/0")}})
	w.do(network.ReplaceACLAssociation{Association: w.Subnet(bn).ACLAssociation, ACL: acl})
	g := w.group(v, "g")
	w.allow(g, network.ICMP, network.AnyPort, "0.0.0.0/0")
	a, b := w.server(an, "", g), w.server(bn, "", g)
	w.record(string(bn))
	w.obey()
	a.ask(probe.ICMP, b.addr.String(), probe.Options{Timeout: silence})
	l := &ledger{site: w}
	l.read()
	same(t, "came in", l.by(fated(flowlog.Passed)), map[tuple]sum{{a.addr, b.addr, 1, 0, 0}: {1, pingBytes}})
	same(t, "went out", l.by(fated(flowlog.RefusedLeaving)), map[tuple]sum{{b.addr, a.addr, 1, 0, 0}: {1, pingBytes}})
	if len(l.counts) != 2 {
		t.Errorf("counted %+v", l.counts)
	}
}

// fetch is a connection that both ends close in good order.
func (s *server) fetch(from netip.Addr) {
	s.Helper()
	c, err := testnet.In(s.host, func() (net.Conn, error) {
		return (&net.Dialer{Timeout: patience}).DialContext(s.Context(), "tcp", netip.AddrPortFrom(from, 80).String())
	})
	if err != nil {
		s.Fatal(err)
	}
	_, err = c.Write([]byte("hello\n"))
	if err == nil {
		_, err = c.Read(make([]byte, 512))
	}
	if err = errors.Join(err, c.Close()); err != nil {
		s.Error(err)
	}
}

// pingBytes is what probe.ICMP sends.
const pingBytes = 44

// TestTCPFlagsAreCountedApart sees every flag that flow logs have.
func TestTCPFlagsAreCountedApart(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.TCP, network.PortRange{From: 80, To: 81}, "0.0.0.0/0")
	a, b := w.server(n, "", g), w.server(n, "", g)
	b.serve(80)
	w.record(string(n))
	w.obey()
	a.fetch(b.addr)
	a.ask(probe.TCP, b.addr.String()+":81", probe.Options{Timeout: patience})
	w.quiet()
	l := &ledger{site: w}
	l.read()
	forth, back, refused := map[uint8]uint64{}, map[uint8]uint64{}, map[uint8]uint64{}
	for _, c := range l.counts {
		switch {
		case c.DestPort == 80:
			forth[c.Flags] += c.Packets
		case c.SourcePort == 80:
			back[c.Flags] += c.Packets
		case c.SourcePort == 81:
			refused[c.Flags] += c.Packets
		}
	}
	const fin, syn, rst, ack = 1, 2, 4, 16
	if forth[syn] != 1 || forth[fin|ack] != 1 || back[syn|ack] != 1 || back[fin|ack] != 1 || refused[rst|ack] != 1 || forth[ack] < 2 {
		t.Errorf("flags there %v, back %v, from a closed port %v", forth, back, refused)
	}
}

// TestTooManyFlowsAreSaid: what finds no room is counted as skipped, and no packet
// is in neither number.
func TestTooManyFlowsAreSaid(t *testing.T) {
	w := newSiteOn(t, linux.NoCache) // a cache has room of its own
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{To: 65535}, "0.0.0.0/0")
	a, b := w.server(n, "", g), w.server(n, "", g)
	w.record(string(a.eni))
	w.plane.FlowRoom(8)
	w.obey()
	for port := range 20 {
		a.shower(b.addr, 9000+port, 3, 10)
	}
	l := &ledger{site: w}
	l.read()
	counted := uint64(0)
	for _, c := range l.counts {
		if c.DestPort >= 9000 {
			counted += c.Packets
		}
	}
	if skipped := l.skipped[a.eni]; skipped == 0 || counted+skipped < 60 || counted > 24 {
		t.Errorf("counted %d, skipped %v, of 60", counted, l.skipped)
	}
	a.shower(b.addr, 9999, 3, 10)
	l = &ledger{site: w}
	l.read()
	if len(l.skipped) > 0 || l.by(every)[tuple{a.addr, b.addr, 17, l.counts[0].SourcePort, 9999}].packets == 0 && len(l.counts) < 1 {
		t.Errorf("afterwards: counted %+v, skipped %v", l.counts, l.skipped)
	}
}

// TestWhoeverListensHearsAll without any flow log, and leaves nothing behind.
func TestWhoeverListensHearsAll(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{To: 65535}, "0.0.0.0/0")
	a, b := w.server(n, "", g), w.server(n, "", g)
	w.obey()
	before := w.ruleset()
	a.shower(b.addr, 9, 5, 0)
	if err := w.plane.Listen(t.Context(), flowlog.OfEverything); err != nil {
		t.Fatal(err)
	}
	a.shower(b.addr, 10, 7, 0)
	w.ruleset() // people can look at it meanwhile
	l := &ledger{site: w}
	l.read()
	a.shower(b.addr, 11, 7, 0)
	if err := w.plane.Listen(t.Context(), flowlog.OfFlowLogs); err != nil {
		t.Fatal(err)
	}
	a.shower(b.addr, 12, 7, 0)
	l.read() // what was there when it ended
	got := map[uint16]uint64{}
	for _, c := range l.counts {
		if c.Source == a.addr && c.Protocol == 17 {
			got[c.DestPort] += c.Packets
		}
	}
	if want := (map[uint16]uint64{10: 7, 11: 7}); !maps.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
	if after := w.ruleset(); after != before {
		t.Errorf("it left something behind:\n%s\nbefore:\n%s", after, before)
	}
}

// ruleset is what nft shows, but for the numbers that count.
func (w *site) ruleset() string {
	w.Helper()
	out, err := testnet.In(w.fabric, func() ([]byte, error) {
		return exec.CommandContext(w.Context(), "nft", "-s", "list", "ruleset").CombinedOutput()
	})
	if err != nil {
		w.Fatalf("nft list ruleset: %v\n%s", err, out)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "ct mark") { // epochs
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestANewProcessSaysWhatItDoesNotKnow: it goes on counting, and does not vouch for
// what was counted before.
func TestANewProcessSaysWhatItDoesNotKnow(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{To: 65535}, "0.0.0.0/0")
	a, b := w.server(n, "", g), w.server(n, "", g)
	w.record(string(v))
	w.obey()
	l := &ledger{site: w}
	l.read()
	a.shower(b.addr, 9, 5, 0)
	w.plane.Close()
	w.open()
	w.obey()
	a.shower(b.addr, 9, 5, 0)
	l.read()
	a.shower(b.addr, 9, 5, 0)
	l.read()
	n9 := uint64(0)
	for _, c := range l.counts {
		if c.DestPort == 9 {
			n9 += c.Packets
		}
	}
	if n9 != 15 || l.gaps != 1 {
		t.Errorf("counted %d with %d gaps, want 15 with one", n9, l.gaps)
	}
}

// TestFlowsAsOrdinaryUser does it all without root.
func TestFlowsAsOrdinaryUser(t *testing.T) {
	testnet.RunAsOrdinaryUser(t, "^(TestFlowsAreCountedExactly|TestEveryPacketIsCountedOnce|TestAReplyThatAnACLStops|TestTooManyFlowsAreSaid|TestANewProcessSaysWhatItDoesNotKnow)$")
}

// Policy changes and counts are read at the same time, and no packet is lost in
// between.
func TestPolicyMayChangeWhileFlowsAreRead(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{From: 80, To: 80}, "0.0.0.0/0", "::/0")
	a, b := w.server(n, "", g), w.server(n, "", g)
	b.serve(80)
	w.record(string(v))
	w.obey()
	ea, eb := a.eyes(), b.eyes()
	l := &ledger{site: w}
	done := make(chan struct{})
	var work, reader sync.WaitGroup
	for _, to := range []netip.Addr{b.addr, b.six} {
		work.Go(func() {
			for range 20 {
				a.shower(to, 80, 50, 100)
			}
		})
	}
	// Apart: while counts are read, a capture that nobody empties overflows.
	until(&reader, done, func() { ea.look(); eb.look() })
	until(&reader, done, l.read)
	rule := network.RuleSpec{Protocol: network.TCP, Ports: network.PortRange{From: 7, To: 7}, Peer: network.PeerCIDR{CIDR: cidr("192.0.2.0/24")}}
	for range 15 {
		w.do(network.AuthorizeRules{Group: g, Rules: []network.RuleSpec{rule}})
		w.obey()
		w.do(network.RevokeRules{Group: g, Rules: []network.RuleSpec{rule}})
		w.obey()
		w.plane.Audit()
		w.obey()
	}
	work.Wait()
	w.quiet()
	close(done)
	reader.Wait()
	ea.look()
	eb.look()
	l.read()
	from := func(id network.ENIID) map[tuple]sum {
		return l.by(func(c flowlog.Count) bool { return c.From == id })
	}
	same(t, "sent by a", from(a.eni), ea.sent)
	same(t, "sent by b", from(b.eni), eb.sent)
	if len(l.skipped) > 0 || l.gaps > 0 {
		t.Errorf("skipped %v, with %d gaps", l.skipped, l.gaps)
	}
}

// An audit finds nothing wrong with recording, and disturbs no count.
func TestAnAuditLeavesCountsAlone(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{To: 65535}, "0.0.0.0/0")
	a, b := w.server(n, "", g), w.server(n, "", g)
	w.record(string(v))
	w.obey()
	l := &ledger{site: w}
	epoch := w.plane.CurrentEpoch(linux.V4)
	for range 4 {
		a.shower(b.addr, 9, 5, 0)
		w.plane.Audit()
		w.obey()
		a.shower(b.addr, 9, 5, 0)
		l.read()
	}
	sent := uint64(0)
	for _, c := range l.counts {
		if c.DestPort == 9 {
			sent += c.Packets
		}
	}
	if now := w.plane.CurrentEpoch(linux.V4); sent != 40 || now != epoch || l.gaps > 0 {
		t.Errorf("counted %d of 40, epoch %d after %d, %d gaps", sent, now, epoch, l.gaps)
	}
}

// BenchmarkFlows is the time that it takes to read many counts, of which each is a
// flow's.
func BenchmarkFlows(b *testing.B) {
	w := newSite(b)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{To: 65535}, "0.0.0.0/0")
	from, to := w.server(n, "", g), w.server(n, "", g)
	w.record(string(from.eni))
	w.obey()
	for b.Loop() {
		b.StopTimer()
		for port := range 50_000 {
			from.shower(to.addr, 1+port, 1, 0)
		}
		b.StartTimer()
		r, err := w.plane.Flows()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(r.Counts)), "counts")
	}
}
