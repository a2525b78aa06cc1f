package testnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { Main(m) }

func pfx(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range s {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// pair is two hosts on one wire.
func pair(t *testing.T) (a, b *Host) {
	t.Helper()
	a, b = NewHost(t), NewHost(t)
	Link(t, End{a, "eth0", pfx("10.9.0.1/24", "fd00:9::1/64")}, End{b, "eth0", pfx("10.9.0.2/24", "fd00:9::2/64")})
	return a, b
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestWorldHasNoUplink(t *testing.T) {
	ifs, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range ifs {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
			t.Errorf("the private world has an interface %s that is up", i.Name)
		}
	}
}

func TestAllAlsoAsOrdinaryUser(t *testing.T) {
	RunAsOrdinaryUser(t, "^Test(World|Spoofed|Fragments|Neighbours|Threads|Leaks)")
}

func TestSpoofedPacketIsCapturedAsSent(t *testing.T) {
	a, b := pair(t)
	for _, c := range []struct{ src, dst string }{{"192.0.2.7", "10.9.0.2"}, {"fd00:77::7", "fd00:9::2"}} {
		got := b.Capture(t, func(s Seen) bool { return s.Proto == ProtoUDP && s.Src == addr(c.src) })
		p := Packet{Src: addr(c.src), Dst: addr(c.dst), Proto: ProtoUDP, SrcPort: 7, DstPort: 9, TTL: 3, Payload: []byte("x")}
		if err := a.SendIP(p.Dst, p.Bytes()); err != nil {
			t.Fatal(err)
		}
		s, ok, err := got.Next(within(t, 2*time.Second))
		if err != nil || !ok {
			t.Fatalf("%s: not captured: %v", c.src, err)
		}
		if s.Dst != p.Dst || s.SrcPort != 7 || s.DstPort != 9 || s.TTL != 3 || s.Outgoing || s.Fragment {
			t.Errorf("captured %v", s)
		}
		// The kernel believes the checksums: a UDP socket takes the datagram.
		rest, err := got.Packets()
		if err != nil || len(rest) != 0 {
			t.Errorf("then captured %v, %v", rest, err)
		}
	}
}

// TestFragmentsAreReassembled also proves the checksums of packets: the kernel
// hands a datagram with a wrong one to nobody.
func TestFragmentsAreReassembled(t *testing.T) {
	a, b := pair(t)
	for _, c := range []struct{ src, dst string }{{"10.9.0.1", "10.9.0.2"}, {"fd00:9::1", "fd00:9::2"}} {
		l, err := In(b, func() (net.PacketConn, error) {
			return net.ListenPacket("udp", net.JoinHostPort(c.dst, "9"))
		})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p := Packet{Src: addr(c.src), Dst: addr(c.dst), Proto: ProtoUDP, SrcPort: 7, DstPort: 9, Payload: make([]byte, 4000)}
		pieces := p.Fragments(1000)
		if len(pieces) != 5 {
			t.Fatalf("%d pieces", len(pieces))
		}
		if err := a.SendIP(p.Dst, pieces...); err != nil {
			t.Fatal(err)
		}
		if err := l.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := l.ReadFrom(make([]byte, 5000))
		if err != nil || n != 4000 {
			t.Errorf("%s: received %d bytes, %v", c.dst, n, err)
		}
	}
}

func TestNeighboursResolveOnlyWhatExists(t *testing.T) {
	a, b := pair(t)
	mac, err := In(b, func() (net.HardwareAddr, error) {
		i, err := net.InterfaceByName("eth0")
		return i.HardwareAddr, err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		src, target string
		there       bool
	}{
		{"10.9.0.1", "10.9.0.2", true}, {"10.9.0.1", "10.9.0.3", false},
		{"fd00:9::1", "fd00:9::2", true}, {"fd00:9::1", "fd00:9::3", false},
	} {
		wait := 2 * time.Second
		if !c.there {
			wait = 100 * time.Millisecond
		}
		got, ok, err := a.Resolve(within(t, wait), "eth0", addr(c.src), addr(c.target))
		if err != nil || ok != c.there || ok && got.String() != mac.String() {
			t.Errorf("who has %s: %v %v %v, want %v", c.target, got, ok, err, c.there)
		}
	}
}

func TestThreadsComeHome(t *testing.T) {
	inode := func() (n uint64, err error) {
		err = onThread(func() error {
			var st unix.Stat_t
			err := unix.Stat("/proc/thread-self/ns/net", &st)
			n = st.Ino
			return err
		})
		return n, err
	}
	home, err := inode()
	if err != nil {
		t.Fatal(err)
	}
	h := NewHost(t)
	wanted := errors.New("from inside")
	for range 50 {
		if err := h.Do(func() error { return wanted }); !errors.Is(err, wanted) {
			t.Fatal(err)
		}
		if now, err := inode(); err != nil || now != home {
			t.Fatalf("a thread stayed in namespace %d, home is %d (%v)", now, home, err)
		}
	}
}

func TestLeaksAreNoticed(t *testing.T) {
	clean := &recorder{TB: t}
	Leaks(clean)
	h, err := OpenHost()
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
	clean.finish()
	if clean.failed {
		t.Error("a host that was closed counts as a leak")
	}
	leaky := &recorder{TB: t}
	before := takeStock(leaky)
	h, err = OpenHost()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if more := takeStock(leaky).without(before); len(more) == 0 {
		t.Error("an open namespace is not noticed")
	}
}

// recorder is a test that fails on paper only.
type recorder struct {
	testing.TB
	failed bool
	after  []func()
}

func (r *recorder) Cleanup(f func())      { r.after = append(r.after, f) }
func (r *recorder) Error(...any)          { r.failed = true }
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) finish() {
	for _, f := range r.after {
		f()
	}
}

// TestWatchSeesWhatTouchesThePrefixes plays the machine with two hosts: it is
// the same watch that guards the real one.
func TestWatchSeesWhatTouchesThePrefixes(t *testing.T) {
	a, b := pair(t)
	w, err := In(b, func() (*Watch, error) {
		return OpenWatch(pfx("172.31.0.0/16", "10.0.0.0/8", "fd00:55::/32", "fd00:9::/64")...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	send := func(src, dst string) {
		t.Helper()
		p := Packet{Src: addr(src), Dst: addr(dst), Proto: ProtoUDP, DstPort: 9}
		via := "10.9.0.2"
		if p.Dst.Is6() {
			via = "fd00:9::2"
		}
		if err := a.SendIP(addr(via), p.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	send("10.9.0.1", "10.9.0.2")          // the machine's own network: its own business
	send("192.0.2.1", "203.0.113.9")      // not ours
	send("172.31.1.199", "203.0.113.9")   // from the fabric
	send("192.0.2.1", "10.200.0.1")       // to the fabric, beside the machine's own network
	send("fd00:55::1", "fd00:9::2")       // from the fabric, IPv6
	send("fd00:77::1", "fd00:78::1")      // not ours
	send("192.0.2.1", "172.32.0.1")       // just outside
	send("203.0.113.9", "172.31.255.255") // just inside
	deadline := time.Now().Add(2 * time.Second)
	var leaked []Seen
	for len(leaked) < 4 && time.Now().Before(deadline) {
		more, err := w.Leaked()
		if err != nil {
			t.Fatal(err)
		}
		leaked = append(leaked, more...)
	}
	if len(leaked) != 4 {
		t.Errorf("watch saw %v", leaked)
	}
	if more, err := w.Leaked(); err != nil || len(more) != 0 {
		t.Errorf("watch then saw %v, %v", more, err)
	}
}

func TestMachineIsNotTouched(t *testing.T) {
	WatchMachine(t, pfx("10.9.0.0/24", "fd00:9::/64")...)
	a, _ := pair(t)
	p := Packet{Src: addr("10.9.0.1"), Dst: addr("10.9.0.2"), Proto: ProtoUDP, DstPort: 9}
	if err := a.SendIP(p.Dst, p.Bytes()); err != nil {
		t.Fatal(err)
	}
}
