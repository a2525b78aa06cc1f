package linux

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tombolo/flowlog"
	"tombolo/network"
)

func TestWhichFastPathsAreTried(t *testing.T) {
	for _, c := range []struct {
		ask  FastPath
		want []FastPath
	}{{"", []FastPath{EBPF, NoCache}}, {Auto, []FastPath{EBPF, NoCache}}, {EBPF, []FastPath{EBPF}}, {NoCache, []FastPath{NoCache}}} {
		if got, err := c.ask.Candidates(); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %v %v, want %v", c.ask, got, err, c.want)
		}
	}
	if _, err := FastPath("fastest").Candidates(); err == nil || !strings.Contains(err.Error(), "choose") {
		t.Errorf("an unknown fast path: %v", err)
	}
	for _, name := range FastPaths() {
		if _, err := FastPath(name).Candidates(); err != nil {
			t.Errorf("what can be asked for is refused: %v", err)
		}
	}
}

// A packet that was not stamped must not look like one of any generation.
func TestNoGenerationHasAnEmptyStamp(t *testing.T) {
	g := Generation(0)
	seen := map[uint32]bool{}
	for range 1 << 15 {
		next := g.Next()
		if next <= g || next.Stamp() == 0 || next.Stamp()&^stampMask != 0 || next.Stamp() == g.Stamp() {
			t.Fatalf("after %d comes %d, with stamp %#x", g, next, next.Stamp())
		}
		g = next
		seen[g.Stamp()] = true
	}
	if len(seen) != 1<<14-1 {
		t.Errorf("%d stamps, want all but one of 14 bits", len(seen))
	}
	if last := Generation(1<<32 - 1); last.Next().Stamp() == 0 {
		t.Error("when generations begin again, the first has no stamp")
	}
}

// cachedKey is a flow as struct counted of cache.c.
func cachedKey(f Flow) []byte {
	var b bytes.Buffer
	own := func(n uint32) { b.Write(binary.NativeEndian.AppendUint32(nil, n)) }
	own(uint32(f.In))
	own(uint32(f.Out))
	protocol := uint32(f.Protocol)
	for _, a := range []netip.Addr{f.Source, f.Dest} {
		b.Write(append(a.AsSlice(), make([]byte, 16-len(a.AsSlice()))...))
		if a.Is6() {
			protocol |= 1 << 8
		}
	}
	b.Write(binary.BigEndian.AppendUint16(nil, f.SourcePort))
	b.Write(binary.BigEndian.AppendUint16(nil, f.Port))
	own(protocol)
	return b.Bytes()
}

func TestWhatTheCacheHasCounted(t *testing.T) {
	a4, b4 := netip.MustParseAddr("10.0.1.2"), netip.MustParseAddr("10.1.0.9")
	a6, b6 := netip.MustParseAddr("2600:1f00::1"), netip.MustParseAddr("2600:1f00:0:1::9")
	for _, want := range []Flow{
		{Fate: flowlog.Passed, In: 1001, Out: 1002, Source: a4, Dest: b4, Protocol: 6, SourcePort: 40000, Port: 80, Flags: 0x10},
		{Fate: flowlog.Passed, In: 1002, Out: 1001, Source: b4, Dest: a4, Protocol: 17, SourcePort: 53, Port: 40000},
		{Fate: flowlog.Passed, In: 7, Out: 8, Source: a6, Dest: b6, Protocol: 17, SourcePort: 1, Port: 2},
	} {
		if got, ok := CachedFlow(cachedKey(want)); !ok || got != want {
			t.Errorf("%+v %v\nwant %+v", got, ok, want)
		}
	}
	for _, n := range []int{0, 47, 49} {
		if _, ok := CachedFlow(make([]byte, n)); ok {
			t.Errorf("a key of %d bytes is read", n)
		}
	}
}

// What goes nowhere, and what belongs to no flow, must not be remembered; what has a
// way must keep the stamp that it came in with.
func TestWhatMayBeRemembered(t *testing.T) {
	for _, g := range goldens {
		w := newSite(t)
		g.build(w)
		for _, c := range Compile(w.State).objects().Chains {
			if c.Family == ARP {
				continue
			}
			lost := strings.HasPrefix(c.Name, "lost.")
			for _, r := range c.Rules {
				for _, s := range r.Statements {
					set, whole := s.(SetMark)
					change, part := s.(ChangeMark)
					switch {
					case whole && (!lost || set.Value&remember != 0):
						t.Errorf("%s: chain %s: %s", g.name, c.Name, r.Text)
					case part && change.Set&remember != 0 && (lost || change.Keep != stampMask):
						t.Errorf("%s: chain %s: %s", g.name, c.Name, r.Text)
					}
				}
			}
		}
	}
}

// The next epoch begins when the policy is in force, not with it.
func TestTheEpochTurnsAfterThePolicy(t *testing.T) {
	w := newSite(t)
	goldens[slices.IndexFunc(goldens, func(g golden) bool { return g.name == "lab" })].build(w)
	c := NewCompiler(NewBook())
	have := c.Compile(w.State, nil)
	have.SetEpoch(V4, 1)
	have.SetEpoch(V6, 1)
	for g := range w.SecurityGroups() {
		w.do(network.AuthorizeRules{Group: g.ID, Rules: []network.RuleSpec{{Protocol: network.TCP, Ports: network.PortRange{From: 7, To: 7},
			Peer: network.PeerCIDR{CIDR: netip.MustParsePrefix("192.0.2.0/24")}}}})
		break
	}
	want := c.Compile(w.State, nil)
	want.SetEpoch(V4, 2)
	want.SetEpoch(V6, 1)
	for _, s := range Diff(have, want) {
		b, ok := s.(Switch)
		if !ok {
			continue
		}
		at := func(list []Element) bool {
			return slices.ContainsFunc(list, func(e Element) bool { return e.Set == EpochSet })
		}
		if !at(b.Turn.CutElements) || at(b.Turn.Elements) || at(b.Ready.Elements) || !at(b.Seal.Elements) {
			t.Errorf("the epoch does not go with the policy's turn and come after it: %+v", b.Batch)
		}
		if slices.ContainsFunc(b.Turn.Chains, Chain.seals) || !slices.ContainsFunc(b.Seal.Chains, Chain.seals) {
			t.Error("rules that hold the epoch turn with the policy")
		}
		return
	}
	t.Error("a rule changed nothing")
}
