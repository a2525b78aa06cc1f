package scenario_test

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
	"tombolo/probe"
)

// talk is a conversation of a random network that is kept while it changes.
type talk struct {
	name     string
	from, to network.ENIID
	question packet
	flow     *probe.Flow
	// tracked: the groups of both ends remember it (AWS: Security group
	// connection tracking), so that their rules no longer matter to it.
	tracked bool
	boots   int // of both machines, so far
	got     probe.Result
}

// tracks reports whether an interface's groups remember a conversation that they
// have let pass: all but TCP and UDP that a rule open to the world admits, while
// all answers to the world are allowed as well.
func (o oracle) tracks(e *network.ENI, egress bool, p packet) bool {
	if p.protocol != network.TCP && p.protocol != network.UDP {
		return true
	}
	return !o.openToWorld(e, egress, p, p.to, p.to) || !o.openToWorld(e, !egress, p, 0, 65535)
}

// openToWorld reports whether rules for all addresses cover a range of ports.
func (o oracle) openToWorld(e *network.ENI, egress bool, p packet, from, to int) bool {
	for port := from; port <= to; {
		next := -1
		for _, id := range e.Groups {
			for _, r := range o.SecurityGroup(id).Rules {
				peer, ok := r.Peer.(network.PeerCIDR)
				if !ok || r.Egress != egress || peer.CIDR.Bits() != 0 || peer.CIDR.Addr().Is4() != p.src.Is4() {
					continue
				}
				if r.Protocol == network.AnyProtocol {
					return true
				}
				if r.Protocol == p.protocol && r.Ports.From <= port && port <= r.Ports.To {
					next = max(next, r.Ports.To)
				}
			}
		}
		if next < port {
			return false
		}
		port = next + 1
	}
	return true
}

// remembered is what becomes of a question and its answer when groups let both
// pass because they remember them.
func (o oracle) remembered(from *network.ENI, p packet) linux.Cause {
	p.answer = true
	return o.exchange(from, p)
}

// openTalks begins some of the conversations that are possible now.
func (e *linuxEngine) openTalks(t *testing.T, m *maze) []*talk {
	t.Helper()
	o := oracle{m.state}
	var talks []*talk
	for range 40 {
		from, to := m.state.ENI(pick(m, m.enis)), m.state.ENI(pick(m, m.enis))
		family := m.dice.IntN(2)
		p := packet{from: 40000}
		p.src, p.dst = addressesFor(from, to, family)
		k := &talk{from: from.ID, to: to.ID}
		open := probe.OpenUDP
		switch m.dice.IntN(3) {
		case 0:
			p.protocol, p.to, k.name, open = network.TCP, 80, "tcp", probe.OpenTCP
		case 1:
			p.protocol, p.to, k.name = network.UDP, 53, "udp"
		case 2:
			p.protocol, p.from, k.name, open = network.ICMP, 8, "icmp", probe.OpenICMP
			if family == 1 {
				p.protocol, p.from = network.ICMPv6, 128
			}
		}
		if from == to || !m.runs(from.ID) || o.exchange(from, p) != (linux.Cause{}) {
			continue
		}
		k.question, k.tracked = p, o.tracks(from, true, p) && o.tracks(to, false, p)
		where := netip.AddrPortFrom(p.dst, uint16(p.to)).String()
		if k.name == "icmp" {
			where = p.dst.String()
		}
		machine, _, err := e.machineOf(from.ID)
		if err != nil {
			t.Fatal(err)
		}
		k.flow, err = testnet.In(machine.host, func() (*probe.Flow, error) {
			return open(t.Context(), where, probe.Options{Timeout: 10 * time.Second})
		})
		if err != nil {
			t.Errorf("open %v: %v", k, err)
			continue
		}
		k.boots = e.boots(k)
		talks = append(talks, k)
	}
	return talks
}

// boots is how often the machines of a conversation were started.
func (e *linuxEngine) boots(k *talk) int {
	n := 0
	for _, id := range []network.ENIID{k.from, k.to} {
		n += e.state.Instance(e.state.ENI(id).Attachment.Instance).Boots
	}
	return n
}

// runs reports whether an interface's machine does.
func (s *site) runs(id network.ENIID) bool {
	return s.state.Instance(s.state.ENI(id).Attachment.Instance).Runs()
}

func (k *talk) String() string {
	return fmt.Sprintf("%s from %s %v to %s %v, tracked %v", k.name, k.from, k.question.src, k.to, k.question.dst, k.tracked)
}

// fate is what a conversation must meet in a State; sure is false where AWS does
// not say: when the rules change under one that is not tracked.
func (k *talk) fate(s network.State) (cause linux.Cause, sure bool) {
	o := oracle{s}
	from, to := s.ENI(k.from), s.ENI(k.to)
	cause = o.remembered(from, k.question)
	switch {
	case k.tracked || cause != (linux.Cause{}):
		return cause, true
	case o.tracks(from, true, k.question) && o.tracks(to, false, k.question):
		return cause, false
	}
	cause = o.exchange(from, k.question)
	return cause, cause == (linux.Cause{})
}

// alive reports whether a conversation was answered. One that should have been
// is asked again: a busy machine may just have been slow.
func (k *talk) alive(t *testing.T, shouldBe bool) bool {
	t.Helper()
	if k.got.Verdict != probe.Answered && shouldBe {
		var err error
		if k.got, err = k.flow.Ping(t.Context(), 10*time.Second); err != nil {
			t.Errorf("%v: %v", k, err)
		}
	}
	return k.got.Verdict == probe.Answered
}

// goOn asks all conversations whether they live, and gives up those that have
// ended: what TCP and conntrack make of a second life is their own.
func (e *linuxEngine) goOn(t *testing.T, talks []*talk, sum *tally) (left []*talk) {
	t.Helper()
	talks = slices.DeleteFunc(talks, func(k *talk) bool {
		// With its machine goes its namespace. A machine that was started again
		// meanwhile knows nothing of it.
		_, _, err := e.machineOf(k.from)
		_, _, err2 := e.machineOf(k.to)
		gone := err != nil || err2 != nil || k.boots != e.boots(k)
		if gone {
			_ = k.flow.Close()
		}
		return gone
	})
	var asking sync.WaitGroup
	for _, k := range talks {
		patience := 10 * time.Second
		if cause, sure := k.fate(e.state); !sure || cause != (linux.Cause{}) {
			patience = 250 * time.Millisecond
		}
		asking.Go(func() {
			var err error
			if k.got, err = k.flow.Ping(t.Context(), patience); err != nil {
				t.Errorf("%v: %v", k, err)
			}
		})
	}
	asking.Wait()
	for _, k := range talks {
		cause, sure := k.fate(e.state)
		alive := k.alive(t, sure && cause == linux.Cause{})
		switch {
		case sure && alive != (cause == linux.Cause{}):
			t.Errorf("conversation %v: %v, the oracle says %v", k, k.got, cause)
		case sure && alive && k.tracked && (oracle{e.state}).exchange(e.state.ENI(k.from), k.question) != (linux.Cause{}):
			sum.outlived++
		case sure && !alive:
			sum.cut++
		}
		if alive {
			left = append(left, k)
		} else if err := k.flow.Close(); err != nil {
			t.Error(err)
		}
	}
	return left
}
