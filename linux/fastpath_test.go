package linux

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tombolo/flowlog"
)

func TestTheFastestPathIsTriedFirst(t *testing.T) {
	for _, asked := range []FastPath{Auto, ""} {
		got, err := asked.Candidates()
		if want := []FastPath{EBPF, Netdev, NoCache}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%q tries %v, %v; want %v", asked, got, err, want)
		}
	}
}

// Who asks for one fast path gets that one or an error, never another in silence.
func TestAFastPathThatIsNamedIsTheOnlyOneTried(t *testing.T) {
	for _, name := range FastPaths() {
		got, err := FastPath(name).Candidates()
		if err != nil {
			t.Errorf("%s is offered and refused: %v", name, err)
		}
		if name != string(Auto) && !slices.Equal(got, []FastPath{FastPath(name)}) {
			t.Errorf("%s tries %v", name, got)
		}
	}
	_, err := FastPath("xdp").Candidates()
	if err == nil {
		t.Fatal("xdp is taken for a fast path")
	}
	for _, name := range append(FastPaths(), "xdp") {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not speak of %s", err, name)
		}
	}
}

// A packet without a stamp came in while nothing was remembered. It must never look
// as if it had one, and neighbouring generations must never look alike.
func TestEveryGenerationLeavesAStampOfItsOwn(t *testing.T) {
	const stamps = stampMask >> 2
	for _, from := range []Generation{0, stamps - 2, math.MaxUint32 - 2} {
		seen := map[uint32]bool{}
		g := from
		for range stamps {
			next := g.Next()
			if next == 0 || next == g {
				t.Fatalf("%d comes after %d", next, g)
			}
			s := next.Stamp()
			if s == 0 || s&^stampMask != 0 {
				t.Fatalf("generation %d stamps %#x: outside of %#x", next, s, stampMask)
			}
			if seen[s] {
				t.Fatalf("the stamp %#x comes again before all others did", s)
			}
			seen[s] = true
			g = next
		}
		if len(seen) != stamps {
			t.Errorf("from %d: %d stamps of %d", from, len(seen), stamps)
		}
	}
}

// rawFlow lays out struct counted of kernel/bpf/cache.c.
func rawFlow(f Flow) []byte {
	raw := make([]byte, 48)
	binary.NativeEndian.PutUint32(raw[0:], uint32(f.In))
	binary.NativeEndian.PutUint32(raw[4:], uint32(f.Out))
	copy(raw[8:24], f.Source.AsSlice())
	copy(raw[24:40], f.Dest.AsSlice())
	binary.BigEndian.PutUint16(raw[40:], f.SourcePort)
	binary.BigEndian.PutUint16(raw[42:], f.Port)
	p := uint32(f.Protocol)
	if f.Source.Is6() {
		p |= 1 << 8
	}
	binary.NativeEndian.PutUint32(raw[44:], p)
	return raw
}

func TestFlowsOfTheCacheAreReadAsTheyWereCounted(t *testing.T) {
	four, six := []string{"10.0.1.4", "172.31.1.199"}, []string{"2001:db8::4", "2001:db8:1::199"}
	for _, addrs := range [][]string{four, six} {
		for _, protocol := range []uint8{6, 17} {
			source, dest := netip.MustParseAddr(addrs[0]), netip.MustParseAddr(addrs[1])
			want := Flow{Fate: flowlog.Passed, In: 3, Out: 70000, Protocol: protocol, Source: source, Dest: dest, SourcePort: 40001, Port: 80}
			if protocol == 6 {
				want.Flags = 0x10 // of TCP's flags the cache carries packets with ACK alone
			}
			got, ok := CachedFlow(rawFlow(want))
			if !ok || got != want {
				t.Errorf("read %+v, %v; want %+v", got, ok, want)
			}
		}
	}
}

func TestWhatIsNoFlowOfTheCacheIsNotRead(t *testing.T) {
	whole := rawFlow(Flow{In: 1, Out: 2, Protocol: 17, Source: netip.MustParseAddr("10.0.0.1"), Dest: netip.MustParseAddr("10.0.0.2")})
	for _, n := range []int{0, 1, 47, 49} {
		raw := append(slices.Clone(whole), 0)[:n]
		if f, ok := CachedFlow(raw); ok {
			t.Errorf("%d bytes are read as %+v", n, f)
		}
	}
}
