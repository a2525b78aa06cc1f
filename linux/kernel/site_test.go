package kernel_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/linux/kernel"
	"tombolo/network"
	"tombolo/probe"
)

func TestMain(m *testing.M) { testnet.Main(m) }

var home = network.Caller{Account: "123456789012", Region: "us-east-1"}

// site is a State, a fabric that obeys it, and a host for each instance.
type site struct {
	testing.TB
	network.State
	dice   uint64
	now    time.Time
	fabric *testnet.Host
	hosts  map[network.InstanceID]*testnet.Host
	plane  *kernel.Plane
	fast   linux.FastPath
}

func newSite(t testing.TB) *site { return newSiteOn(t, linux.Auto) }

// newSiteOn is a site with a certain fast path.
func newSiteOn(t testing.TB, fast linux.FastPath) *site {
	w := &site{TB: t, fast: fast, now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), fabric: testnet.NewHost(t), hosts: map[network.InstanceID]*testnet.Host{}}
	w.open()
	t.Cleanup(func() { w.plane.Close() })
	return w
}

// open takes the fabric over, as a new process would.
func (w *site) open() {
	w.Helper()
	plane, err := kernel.Open(kernel.Config{Fabric: w.fabric.File(), InstanceNS: w.namespace, FastPath: w.fast})
	if err != nil {
		w.Fatal(err)
	}
	w.plane = plane
}

// tryOpen opens another plane on the fabric and closes it.
func (w *site) tryOpen(fast linux.FastPath) error {
	plane, err := kernel.Open(kernel.Config{Fabric: w.fabric.File(), InstanceNS: w.namespace, FastPath: fast})
	if err == nil {
		plane.Close()
	}
	return err
}

func (w *site) namespace(id network.InstanceID) (*os.File, error) {
	h := w.hosts[id]
	if h == nil {
		return nil, fs.ErrNotExist
	}
	fd, err := unix.FcntlInt(h.File().Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), string(id)), nil
}

func (w *site) as(c network.Caller, r network.Request) []string {
	w.Helper()
	w.dice++
	op := network.Op{Caller: c, At: w.now, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], w.dice)
	next, err := w.Apply(op)
	if err != nil {
		w.Fatalf("%T %+v: %v", r, r, err)
	}
	w.State = next
	created := next.Outcome().Created
	if due := w.Due(); !due.IsZero() && !due.After(w.now) {
		if _, ok := r.(network.Settle); !ok {
			w.as(c, network.Settle{})
		}
	}
	return created
}

// do does an op and gives the first ID that was made.
func (w *site) do(r network.Request) string {
	w.Helper()
	if out := w.as(home, r); len(out) > 0 {
		return out[0]
	}
	return ""
}

// obey makes the kernel obey.
func (w *site) obey() {
	w.Helper()
	if err := w.plane.Reconcile(w.Context(), w.State); err != nil {
		w.Fatal(err)
	}
}

func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr   { return netip.MustParseAddr(s) }

var zones = []string{"us-east-1a"}

// vpc makes a VPC with one subnet, both with the same IPv4 block.
func (w *site) vpc(block string) (network.VPCID, network.SubnetID) {
	w.Helper()
	v := network.VPCID(w.do(network.CreateVPC{CIDR: cidr(block), Amazon6: true}))
	return v, w.subnet(v, block)
}

func (w *site) subnet(v network.VPCID, block string) network.SubnetID {
	w.Helper()
	row := w.VPC(v)
	n6 := 0
	for range w.SubnetsIn(v) {
		n6++
	}
	six := row.Blocks6[0].CIDR.Addr().As16()
	six[7] = byte(n6)
	return network.SubnetID(w.do(network.CreateSubnet{VPC: v, CIDR: cidr(block), CIDR6: netip.PrefixFrom(netip.AddrFrom16(six), 64), Zone: zones[0], Zones: zones}))
}

// server is an instance with one interface.
type server struct {
	*site
	id   network.InstanceID
	eni  network.ENIID
	addr netip.Addr
	six  netip.Addr
	host *testnet.Host
}

func (w *site) server(n network.SubnetID, address string, groups ...network.GroupID) *server {
	w.Helper()
	spec := network.ENISpec{Subnet: n, Groups: groups, Extra6: 1}
	if address != "" {
		spec.Addrs = []netip.Addr{addr(address)}
	}
	created := w.as(home, network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", MaxInterfaces: 4, MaxAddrs: 15,
		Interfaces: []network.InterfaceSpec{{New: spec, DeleteOnTermination: true}}})
	id := network.InstanceID(created[1])
	w.hosts[id] = testnet.NewHost(w)
	w.as(home, network.ReportStarted{Instance: id})
	for e := range w.ENIsAt(id) {
		return &server{w, id, e.ID, e.Addrs[0], e.Addrs6[0], w.hosts[id]}
	}
	w.Fatal("instance without an interface")
	return nil
}

// serve runs TCP and UDP servers on a port of both families.
func (s *server) serve(port int) *server {
	s.Helper()
	for _, listen := range []func(string) (*probe.Server, error){probe.ListenTCP, probe.ListenUDP} {
		srv, err := testnet.In(s.host, func() (*probe.Server, error) { return listen(fmt.Sprintf(":%d", port)) })
		if err != nil {
			s.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- srv.Run(ctx) }()
		s.Cleanup(func() { cancel(); <-done })
	}
	return s
}

const (
	patience = 3 * time.Second
	silence  = 300 * time.Millisecond
)

type asking func(context.Context, string, probe.Options) (probe.Result, error)

func (s *server) ask(f asking, where string, o probe.Options) probe.Result {
	s.Helper()
	r, err := testnet.In(s.host, func() (probe.Result, error) { return f(s.Context(), where, o) })
	if err != nil {
		s.Errorf("%s asks %s: %v", s.addr, where, err)
	}
	return r
}

// answers asserts that TCP, UDP and ICMP of both families are answered.
func (s *server) reaches(to *server, port int) {
	s.Helper()
	s.each(to, port, patience, probe.Answered)
}

// misses asserts silence for all of them.
func (s *server) misses(to *server, port int) {
	s.Helper()
	s.each(to, port, silence, probe.Silent)
}

func (s *server) each(to *server, port int, wait time.Duration, want probe.Verdict) {
	s.Helper()
	type ask struct {
		name  string
		f     asking
		where string
	}
	var asks []ask
	for _, a := range []netip.Addr{to.addr, to.six} {
		at := netip.AddrPortFrom(a, uint16(port)).String()
		asks = append(asks, ask{"tcp", probe.TCP, at}, ask{"udp", probe.UDP, at}, ask{"icmp", probe.ICMP, a.String()})
	}
	results := make([]probe.Result, len(asks))
	var all sync.WaitGroup
	for i, x := range asks {
		all.Go(func() { results[i] = s.ask(x.f, x.where, probe.Options{Timeout: wait}) })
	}
	all.Wait()
	for i, x := range asks {
		if results[i].Verdict != want {
			s.Errorf("%s from %s to %s: %v, want %v", x.name, s.addr, x.where, results[i], want)
		}
	}
}

// flow opens a TCP conversation that stays.
func (s *server) flow(to netip.Addr, port int) *flow {
	s.Helper()
	f, err := testnet.In(s.host, func() (*probe.Flow, error) {
		return probe.OpenTCP(s.Context(), netip.AddrPortFrom(to, uint16(port)).String(), probe.Options{Timeout: patience})
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { f.Close() })
	return &flow{s, f}
}

type flow struct {
	*server
	*probe.Flow
}

func (f *flow) lives() {
	f.server.Helper()
	if r, err := f.Ping(f.server.Context(), patience); err != nil || r.Verdict != probe.Answered {
		f.Errorf("flow of %s: %v %v, want an answer", f.server.addr, r, err)
	}
}

func (f *flow) stalls() {
	f.server.Helper()
	if r, err := f.Ping(f.server.Context(), silence); err != nil || r.Verdict != probe.Silent {
		f.Errorf("flow of %s: %v %v, want silence", f.server.addr, r, err)
	}
}

// dropped asserts that f makes the counter of a cause grow, and of no other.
func (w *site) dropped(c linux.Cause, f func()) {
	w.Helper()
	for x, n := range w.counted(c, f) {
		if x != c {
			w.Errorf("%d packets were dropped as %v, want %v", n, x, c)
		}
	}
}

// counted asserts that f makes the counter of a cause grow, and gives all that
// did.
func (w *site) counted(c linux.Cause, f func()) map[linux.Cause]uint64 {
	w.Helper()
	before := w.counters()
	f()
	after := w.counters()
	for x, n := range after {
		if n == before[x] {
			delete(after, x)
		} else {
			after[x] -= before[x]
		}
	}
	if after[c] == 0 {
		w.Errorf("no packet was dropped as %v", c)
	}
	return after
}

func (w *site) counters() map[linux.Cause]uint64 {
	w.Helper()
	c, err := w.plane.Counters()
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func (w *site) allow(g network.GroupID, p network.Protocol, ports network.PortRange, from ...string) {
	w.Helper()
	w.rules(g, false, p, ports, from...)
}

func (w *site) rules(g network.GroupID, egress bool, p network.Protocol, ports network.PortRange, peers ...string) {
	w.Helper()
	var rules []network.RuleSpec
	for _, x := range peers {
		rules = append(rules, network.RuleSpec{Protocol: p, Ports: ports, Peer: network.PeerCIDR{CIDR: cidr(x)}})
	}
	w.do(network.AuthorizeRules{Group: g, Egress: egress, Rules: rules})
}

func (w *site) group(v network.VPCID, name string) network.GroupID {
	w.Helper()
	return network.GroupID(w.do(network.CreateSecurityGroup{VPC: v, Name: name, Description: name}))
}

func (w *site) route(v network.VPCID, dst netip.Prefix, to network.Target) {
	w.Helper()
	w.do(network.CreateRoute{Table: w.VPC(v).MainTable, Dst: dst, To: to})
}

func (w *site) peer(a, b network.VPCID) network.PeeringID {
	w.Helper()
	id := network.PeeringID(w.do(network.RequestPeering{VPC: a, PeerVPC: b}))
	w.do(network.AcceptPeering{Peering: id})
	return id
}

// routeBoth routes both blocks of b from a.
func (w *site) routeBoth(a, b network.VPCID, p network.PeeringID) {
	w.Helper()
	for _, block := range w.VPC(b).Prefixes() {
		w.route(a, block, network.ToPeering{Peering: p})
	}
}

func addrs(list ...string) (out []netip.Addr) {
	for _, a := range list {
		out = append(out, addr(a))
	}
	return out
}
