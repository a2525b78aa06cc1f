package probe_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tombolo/internal/testnet"
	"tombolo/probe"
)

func TestMain(m *testing.M) { testnet.Main(m) }

func end(h *testnet.Host, name string, addrs ...string) testnet.End {
	e := testnet.End{Host: h, Name: name}
	for _, a := range addrs {
		e.Addrs = append(e.Addrs, netip.MustParsePrefix(a))
	}
	return e
}

// network is a client, a router and a server:
//
//	client .1 -- 10.1/24, fd01::/64 -- .254 router .254 -- 10.2/24, fd02::/64 -- .1 server
//
// The server has a second address, .2.
type network struct{ client, router, server *testnet.Host }

func newNetwork(t *testing.T) network {
	t.Helper()
	testnet.Leaks(t)
	n := network{testnet.NewHost(t), testnet.NewHost(t), testnet.NewHost(t)}
	testnet.Link(t, end(n.client, "eth0", "10.1.0.1/24", "fd01::1/64"), end(n.router, "east", "10.1.0.254/24", "fd01::fe/64"))
	testnet.Link(t, end(n.server, "eth0", "10.2.0.1/24", "10.2.0.2/24", "fd02::1/64", "fd02::2/64"), end(n.router, "west", "10.2.0.254/24", "fd02::fe/64"))
	do(t, n.router, func() error {
		return errors.Join(
			testnet.SetSysctl("net/ipv4/ip_forward", "1"),
			testnet.SetSysctl("net/ipv6/conf/all/forwarding", "1"))
	})
	do(t, n.client, func() error { return errors.Join(route("10.1.0.254"), route("fd01::fe")) })
	do(t, n.server, func() error { return errors.Join(route("10.2.0.254"), route("fd02::fe")) })
	return n
}

func do(t *testing.T, h *testnet.Host, f func() error) {
	t.Helper()
	if err := h.Do(f); err != nil {
		t.Fatal(err)
	}
}

func route(gateway string) error {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer nl.Close()
	return nl.RouteAdd(&netlink.Route{Gw: net.ParseIP(gateway)})
}

func setMTU(link string, mtu int) error {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer nl.Close()
	l, err := nl.LinkByName(link)
	if err != nil {
		return err
	}
	return nl.LinkSetMTU(l, mtu)
}

// serve runs a server in h until the test ends.
func serve(t *testing.T, h *testnet.Host, open func() (*probe.Server, error)) *probe.Server {
	t.Helper()
	s, err := testnet.In(h, open)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

type ask func(ctx context.Context, where string, o probe.Options) (probe.Result, error)

func from(t *testing.T, h *testnet.Host, f ask, where string, o probe.Options) probe.Result {
	t.Helper()
	r, err := testnet.In(h, func() (probe.Result, error) { return f(t.Context(), where, o) })
	if err != nil {
		t.Fatalf("probe %s: %v", where, err)
	}
	return r
}

func TestOrdinaryUsersProbeAsWell(t *testing.T) {
	testnet.RunAsOrdinaryUser(t, "^Test(Answered|Refused|Silence|Path)")
}

func TestAnsweredSaysUnderWhichAddressItWasSeen(t *testing.T) {
	n := newNetwork(t)
	serve(t, n.server, func() (*probe.Server, error) { return probe.ListenTCP(":7") })
	serve(t, n.server, func() (*probe.Server, error) { return probe.ListenUDP(":7") })
	serve(t, n.server, func() (*probe.Server, error) { return probe.ListenHTTP(":80", "hello") })
	asked := probe.Options{Timeout: 5 * time.Second, Payload: []byte("anybody there?")}
	for _, c := range []struct {
		name, where, client string
		f                   ask
		o                   probe.Options
		ttl                 int
	}{
		{"tcp", "10.2.0.1:7", "10.1.0.1", probe.TCP, asked, 0},
		{"tcp6", "[fd02::1]:7", "fd01::1", probe.TCP, asked, 0},
		{"udp", "10.2.0.1:7", "10.1.0.1", probe.UDP, asked, 63},
		{"udp6", "[fd02::1]:7", "fd01::1", probe.UDP, asked, 63},
		{"udp, second address", "10.2.0.2:7", "10.1.0.1", probe.UDP, asked, 63},
		{"udp6, second address", "[fd02::2]:7", "fd01::1", probe.UDP, asked, 63},
		{"http", "http://10.2.0.1/", "10.1.0.1", probe.HTTP, probe.Options{Timeout: 5 * time.Second}, 0},
		{"http6", "http://[fd02::1]:80/x", "fd01::1", probe.HTTP, probe.Options{Timeout: 5 * time.Second}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := from(t, n.client, c.f, c.where, c.o)
			if r.Verdict != probe.Answered || r.Seen.Addr() != netip.MustParseAddr(c.client) || r.RTT <= 0 || r.TTL != c.ttl {
				t.Errorf("%v", r)
			}
			want := "anybody there?"
			if strings.HasPrefix(c.name, "http") {
				want = "hello"
			}
			if string(r.Body) != want {
				t.Errorf("body %q", r.Body)
			}
		})
	}
	for _, host := range []string{"10.2.0.1", "fd02::1"} {
		if r := from(t, n.client, probe.ICMP, host, probe.Options{Timeout: 5 * time.Second}); r.Verdict != probe.Answered || r.TTL != 63 {
			t.Errorf("icmp %s: %v", host, r)
		}
	}
}

func TestRawSocketsServeWherePingSocketsAreForbidden(t *testing.T) {
	n := newNetwork(t)
	err := n.client.Do(func() error { return testnet.SetSysctl("net/ipv4/ping_group_range", "1 0") })
	if errors.Is(err, unix.EINVAL) {
		t.Skip("this user namespace has one group, so an empty range of groups can't be named: ping sockets stay allowed")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"10.2.0.1", "fd02::1"} {
		if r := from(t, n.client, probe.ICMP, host, probe.Options{Timeout: 5 * time.Second}); r.Verdict != probe.Answered || r.TTL != 63 {
			t.Errorf("raw icmp %s: %v", host, r)
		}
		if r := from(t, n.client, probe.ICMP, host, probe.Options{TTL: 1}); r.Verdict != probe.Refused || r.Refusal != "time exceeded" {
			t.Errorf("raw icmp %s with TTL 1: %v", host, r)
		}
	}
}

func TestRefusedSaysByWhomAndHow(t *testing.T) {
	n := newNetwork(t)
	for _, c := range []struct {
		name, where, how, by string
		f                    ask
		o                    probe.Options
	}{
		{"closed tcp", "10.2.0.1:9", "reset", "10.2.0.1", probe.TCP, probe.Options{}},
		{"closed tcp6", "[fd02::1]:9", "reset", "fd02::1", probe.TCP, probe.Options{}},
		{"closed http", "http://10.2.0.1:9/", "reset", "10.2.0.1", probe.HTTP, probe.Options{}},
		{"closed udp", "10.2.0.1:9", "port unreachable", "10.2.0.1", probe.UDP, probe.Options{}},
		{"closed udp6", "[fd02::1]:9", "port unreachable", "fd02::1", probe.UDP, probe.Options{}},
		{"no route tcp", "10.3.0.1:9", "net unreachable", "10.1.0.254", probe.TCP, probe.Options{}},
		{"no route udp6", "[fd03::1]:9", "no route", "fd01::fe", probe.UDP, probe.Options{}},
		{"no route icmp", "10.3.0.1", "net unreachable", "10.1.0.254", probe.ICMP, probe.Options{}},
		{"no route icmp6", "fd03::1", "no route", "fd01::fe", probe.ICMP, probe.Options{}},
		{"too many hops", "10.2.0.1", "time exceeded", "10.1.0.254", probe.ICMP, probe.Options{TTL: 1}},
		{"too many hops tcp6", "[fd02::1]:9", "time exceeded", "fd01::fe", probe.TCP, probe.Options{TTL: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Timeout = 5 * time.Second
			r := from(t, n.client, c.f, c.where, c.o)
			if r.Verdict != probe.Refused || r.Refusal != c.how || r.From != netip.MustParseAddr(c.by) {
				t.Errorf("%v, want refused: %s from %s", r, c.how, c.by)
			}
		})
	}
}

func TestSilenceIsNeitherAnAnswerNorARefusal(t *testing.T) {
	n := newNetwork(t)
	// A router that swallows packets, as a VPC does.
	do(t, n.router, func() error {
		return errors.Join(testnet.SetSysctl("net/ipv4/ip_forward", "0"), testnet.SetSysctl("net/ipv6/conf/all/forwarding", "0"))
	})
	short := probe.Options{Timeout: 100 * time.Millisecond}
	for _, c := range []struct {
		where string
		f     ask
	}{
		{"10.2.0.1:7", probe.TCP}, {"[fd02::1]:7", probe.TCP}, {"10.2.0.1:7", probe.UDP}, {"[fd02::1]:7", probe.UDP},
		{"10.2.0.1", probe.ICMP}, {"fd02::1", probe.ICMP}, {"http://10.2.0.1/", probe.HTTP},
	} {
		began := time.Now()
		if r := from(t, n.client, c.f, c.where, short); r.Verdict != probe.Silent {
			t.Errorf("%s: %v", c.where, r)
		}
		if took := time.Since(began); took < 100*time.Millisecond {
			t.Errorf("%s: silence after %v", c.where, took)
		}
	}
}

// A neighbour that does not exist makes the asking host's own kernel say "no
// route to host"; nobody refused anything.
func TestNeighbourThatDoesNotExistIsSilent(t *testing.T) {
	n := newNetwork(t)
	for _, c := range []struct {
		where string
		f     ask
	}{
		{"10.1.0.77:7", probe.TCP}, {"10.1.0.77:7", probe.UDP}, {"10.1.0.77", probe.ICMP},
		{"[fd01::77]:7", probe.TCP}, {"[fd01::77]:7", probe.UDP}, {"fd01::77", probe.ICMP},
	} {
		t.Run(c.where, func(t *testing.T) {
			t.Parallel()
			if r := from(t, n.client, c.f, c.where, probe.Options{Timeout: 6 * time.Second}); r.Verdict != probe.Silent {
				t.Errorf("%v", r)
			}
		})
	}
}

func TestPathMTUIsLearnedAndObeyed(t *testing.T) {
	n := newNetwork(t)
	serve(t, n.server, func() (*probe.Server, error) { return probe.ListenUDP(":7") })
	do(t, n.router, func() error { return setMTU("west", 1300) })
	do(t, n.server, func() error { return setMTU("eth0", 1300) })
	big := probe.Options{Timeout: 5 * time.Second, Payload: make([]byte, 1350)}
	for i := range big.Payload {
		big.Payload[i] = 'x'
	}
	for _, where := range []string{"10.2.0.1:7", "[fd02::1]:7"} {
		if r := from(t, n.client, probe.UDP, where, big); r.Verdict != probe.Answered || r.MTU != 1300 {
			t.Errorf("%s: %v, MTU %d", where, r, r.MTU)
		}
	}
}

func TestFlowsLiveAndStallAndComeBack(t *testing.T) {
	n := newNetwork(t)
	serve(t, n.server, func() (*probe.Server, error) { return probe.ListenTCP(":7") })
	serve(t, n.server, func() (*probe.Server, error) { return probe.ListenUDP(":7") })
	forwarding := func(on string) {
		do(t, n.router, func() error {
			return errors.Join(testnet.SetSysctl("net/ipv4/ip_forward", on), testnet.SetSysctl("net/ipv6/conf/all/forwarding", on))
		})
	}
	type opener func(context.Context, string, probe.Options) (*probe.Flow, error)
	for _, c := range []struct {
		where string
		open  opener
	}{
		{"10.2.0.1:7", probe.OpenTCP}, {"[fd02::1]:7", probe.OpenTCP}, {"10.2.0.1:7", probe.OpenUDP},
		{"[fd02::1]:7", probe.OpenUDP}, {"10.2.0.1", probe.OpenICMP}, {"fd02::1", probe.OpenICMP},
	} {
		f, err := testnet.In(n.client, func() (*probe.Flow, error) {
			return c.open(t.Context(), c.where, probe.Options{Timeout: 5 * time.Second})
		})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		port := f.Local().Port()
		ping := func(timeout time.Duration, want probe.Verdict) {
			t.Helper()
			r, err := f.Ping(t.Context(), timeout)
			if err != nil || r.Verdict != want {
				t.Errorf("%v: %v, %v, want %v", f, r, err, want)
			}
			if want == probe.Answered && r.Seen.IsValid() && r.Seen.Port() != port {
				t.Errorf("%v: seen as %v, not as one conversation", f, r.Seen)
			}
		}
		ping(5*time.Second, probe.Answered)
		forwarding("0")
		ping(100*time.Millisecond, probe.Silent)
		forwarding("1")
		ping(5*time.Second, probe.Answered)
	}
}

func TestFlowToAClosedPortIsNotOpened(t *testing.T) {
	n := newNetwork(t)
	_, err := testnet.In(n.client, func() (*probe.Flow, error) {
		return probe.OpenTCP(t.Context(), "10.2.0.1:9", probe.Options{})
	})
	if err == nil || !strings.Contains(err.Error(), "refused: reset from 10.2.0.1") {
		t.Error(err)
	}
}

func TestWhatCannotBeSentIsNoVerdict(t *testing.T) {
	n := newNetwork(t)
	lonely := testnet.NewHost(t)
	for _, c := range []struct {
		h     *testnet.Host
		where string
		o     probe.Options
		f     ask
	}{
		{lonely, "10.2.0.1:7", probe.Options{}, probe.TCP},
		{lonely, "[fd02::1]:7", probe.Options{}, probe.UDP},
		{n.client, "10.2.0.1:7", probe.Options{From: netip.MustParseAddrPort("192.0.2.1:0")}, probe.TCP},
	} {
		r, err := testnet.In(c.h, func() (probe.Result, error) { return c.f(t.Context(), c.where, c.o) })
		if !errors.Is(err, probe.ErrNotSent) {
			t.Errorf("%s: %v, %v", c.where, r, err)
		}
	}
	if _, err := probe.HTTP(t.Context(), "https://10.0.0.1/", probe.Options{}); err == nil || errors.Is(err, probe.ErrNotSent) {
		t.Errorf("https: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := testnet.In(n.client, func() (probe.Result, error) { return probe.TCP(ctx, "10.2.0.1:7", probe.Options{}) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
