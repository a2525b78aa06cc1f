package kernel_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
)

// volley is a flow of numbered packets. Number n left its sender between stamp n and
// stamp n+1.
type volley struct {
	to      netip.AddrPort
	stamps  []int64 // nanoseconds since base, of the packets sent
	sent    atomic.Int64
	barrier chan chan struct{} // what was sent has been judged when the inner one is closed
	arrived []bool
	got     int
}

const (
	leakPort = 9100
	// volleySize bounds a volley: a minute of packets.
	volleySize = 8 << 20
)

// send sends until done is closed or the numbers end, and catches its breath now and
// then: somebody must change the policy meanwhile.
func (v *volley) send(base time.Time, echo netip.AddrPort, done <-chan struct{}) error {
	fd, err := unix.Socket(domain(v.to.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, sockAddr(v.to)); err != nil {
		return err
	}
	ask, err := connect(echo)
	if err != nil {
		return err
	}
	defer unix.Close(ask)
	// What one processor has sent waits in one queue.
	var all, one unix.CPUSet
	_ = unix.SchedGetaffinity(0, &all)
	for i := range runtime.NumCPU() {
		if all.IsSet(i) {
			one.Zero()
			one.Set(i)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	defer func() { _ = unix.SchedSetaffinity(0, &all) }()
	buf := make([]byte, 16)
	for n := 0; n < len(v.stamps)-1; n++ {
		if n%64 == 0 {
			select {
			case <-done:
				return nil
			case judged := <-v.barrier:
				for {
					if _, err := unix.Write(ask, []byte("judged?")); err != nil {
						return err
					}
					if _, err := unix.Read(ask, make([]byte, 64)); err == nil {
						break
					}
				}
				close(judged)
			default:
				_ = unix.Nanosleep(&unix.Timespec{Nsec: 50_000}, nil)
			}
		}
		v.stamps[n] = int64(time.Since(base))
		binary.BigEndian.PutUint64(buf, uint64(n))
		if _, err := unix.Write(fd, buf); err != nil && err != unix.ECONNREFUSED {
			return err
		}
		v.stamps[n+1] = int64(time.Since(base))
		v.sent.Store(int64(n + 1))
	}
	return nil
}

// connect is a UDP socket that waits for a second.
func connect(to netip.AddrPort) (int, error) {
	fd, err := unix.Socket(domain(to.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	second := unix.Timeval{Sec: 1}
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &second)
	return fd, unix.Connect(fd, sockAddr(to))
}

// receive notes which numbers arrive.
func (v *volley) receive(fd int) error {
	buf := make([]byte, 64)
	for {
		n, err := unix.Read(fd, buf)
		if err == unix.EAGAIN {
			return nil // a second of silence: it is over
		}
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 16 {
			v.arrived[binary.BigEndian.Uint64(buf)] = true
			v.got++
		}
	}
}

func domain(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockAddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func listenUDP(h *testnet.Host, a netip.AddrPort) (int, error) {
	return testnet.In(h, func() (int, error) {
		fd, err := unix.Socket(domain(a.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return 0, err
		}
		second := unix.Timeval{Sec: 1}
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &second)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20)
		return fd, unix.Bind(fd, sockAddr(a))
	})
}

// window is a time in which no packet may set out and arrive.
type window struct{ from, to int64 }

// leaks are the packets that set out in a window and arrived.
func (v *volley) leaks(closed []window) (leaked, stopped int) {
	n, sent := 0, int(v.sent.Load())
	for _, w := range closed {
		for n < sent && v.stamps[n] <= w.from {
			n++
		}
		for ; n < sent && v.stamps[n+1] < w.to; n++ {
			if v.arrived[n] {
				leaked++
			} else {
				stopped++
			}
		}
	}
	return leaked, stopped
}

// flips are changes that cut flows at once, and their undoing.
func (w *site) flips(m, f *server) []func(open bool) {
	b := w.ENI(f.eni)
	a := w.ENI(m.eni)
	acl, table := w.Subnet(b.Subnet).ACL, w.VPC(a.VPC).MainTable
	for n := range 2 { // the quota of entries is used up
		w.do(network.DeleteACLEntry{ACL: acl, Number: 1 + n})
	}
	world := func(open bool) {
		var specs []network.RuleSpec
		for _, x := range []string{"0.0.0.0/0", "::/0"} {
			specs = append(specs, network.RuleSpec{Protocol: network.UDP, Ports: network.PortRange{From: leakPort, To: leakPort}, Peer: network.PeerCIDR{CIDR: cidr(x)}})
		}
		if open {
			w.do(network.AuthorizeRules{Group: b.Groups[0], Rules: specs})
		} else {
			w.do(network.RevokeRules{Group: b.Groups[0], Rules: specs})
		}
	}
	entries := func(open bool) {
		for i, x := range []string{"0.0.0.0/0", "::/0"} {
			if open {
				w.do(network.DeleteACLEntry{ACL: acl, Number: 1 + i})
			} else {
				w.do(network.CreateACLEntry{ACL: acl, Entry: network.ACLEntry{Number: 1 + i, Protocol: network.UDP, CIDR: cidr(x), Ports: network.PortRange{To: 65535}}})
			}
		}
	}
	var target network.Target
	for _, r := range w.RouteTable(table).Routes {
		if p, ok := r.To.(network.ToPeering); ok {
			target = p
		}
	}
	routes := func(open bool) {
		for _, block := range w.VPC(b.VPC).Prefixes() {
			if open {
				w.do(network.CreateRoute{Table: table, Dst: block, To: target})
			} else {
				w.do(network.DeleteRoute{Table: table, Dst: block})
			}
		}
	}
	return []func(bool){world, entries, routes}
}

// onSlowPath counts packets that come by ip's or ip6's prerouting in the fabric.
func (w *site) onSlowPath() (count func() uint64) {
	w.Helper()
	c, err := testnet.In(w.fabric, func() (*nftables.Conn, error) { return nftables.New(nftables.AsLasting()) })
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = c.CloseLasting() })
	t := c.AddTable(&nftables.Table{Name: "test", Family: nftables.TableFamilyINet})
	n := c.AddObj(&nftables.NamedObj{Table: t, Name: "slow", Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}})
	ch := c.AddChain(&nftables.Chain{Name: "slow", Table: t, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPrerouting,
		Priority: nftables.ChainPriorityRef(-500)})
	c.AddRule(&nftables.Rule{Table: t, Chain: ch, Exprs: []expr.Any{&expr.Objref{Type: int(nftables.ObjTypeCounter), Name: "slow"}}})
	if err := c.Flush(); err != nil {
		w.Fatal(err)
	}
	return func() uint64 {
		o, err := c.GetObject(n)
		if err != nil {
			w.Fatal(err)
		}
		return o.(*nftables.NamedObj).Obj.(*expr.Counter).Packets
	}
}

// soakFlips is how often the policy flips: enough to see a leak that is not rare,
// or, with TOMBOLO_SOAK, more than a thousand times.
func soakFlips() int {
	if os.Getenv("TOMBOLO_SOAK") != "" {
		return 1200
	}
	return 90
}

// fastPaths are the fast paths that work here. An ordinary user's has no eBPF.
func fastPaths() []linux.FastPath {
	if testnet.Rootless() {
		return []linux.FastPath{linux.NoCache}
	}
	return []linux.FastPath{linux.NoCache, linux.EBPF}
}

// eachPlane runs a test on every fast path.
func eachPlane(t *testing.T, f func(t *testing.T, p linux.FastPath)) {
	for _, p := range fastPaths() {
		t.Run(string(p), func(t *testing.T) { f(t, p) })
	}
}

// TestNoPacketPassesOnAnOldPolicy: no packet that was sent after a change of policy
// has been acknowledged passes on the old one, on any plane; and while the policy
// stays, a cache carries nearly all.
func TestNoPacketPassesOnAnOldPolicy(t *testing.T) {
	eachPlane(t, func(t *testing.T, p linux.FastPath) {
		w := newSiteOn(t, p)
		m, f := w.peered(t)
		closeAll(w, f)
		w.hammer(m, f)
	})
}

// closeAll leaves the receiver no rule but those that flips add.
func closeAll(w *site, f *server) {
	g := w.SecurityGroup(w.ENI(f.eni).Groups[0])
	var ids []network.RuleID
	for _, r := range g.Rules {
		if !r.Egress {
			ids = append(ids, r.ID)
		}
	}
	w.do(network.RevokeRules{Group: g.ID, IDs: ids})
}

func (w *site) hammer(m, f *server) {
	flips := w.flips(m, f)
	flips[0](true)
	w.obey()
	slow := w.onSlowPath()
	near := w.server(w.ENI(m.eni).Subnet, "", w.ENI(m.eni).Groups...).serve(leakPort)
	w.obey()
	base := time.Now()
	volleys := []*volley{}
	done := make(chan struct{})
	var senders, receivers sync.WaitGroup
	fail := func(err error) {
		if err != nil {
			w.Error(err)
		}
	}
	for _, a := range []netip.Addr{f.addr, f.six} {
		v := &volley{to: netip.AddrPortFrom(a, leakPort), stamps: make([]int64, volleySize), arrived: make([]bool, volleySize), barrier: make(chan chan struct{})}
		volleys = append(volleys, v)
		fd, err := listenUDP(f.host, v.to)
		if err != nil {
			w.Fatal(err)
		}
		defer unix.Close(fd)
		receivers.Go(func() { fail(v.receive(fd)) })
		senders.Go(func() {
			fail(m.host.Do(func() error { return v.send(base, netip.AddrPortFrom(near.addr, leakPort), done) }))
		})
	}
	closed := []window{}
	for n := range soakFlips() {
		flip := flips[n%len(flips)]
		flip(false)
		w.obey()
		x := window{from: int64(time.Since(base))}
		advance(volleys, 24)
		x.to = int64(time.Since(base))
		closed = append(closed, x)
		// Under load packets wait before they are judged. They shall not meet the next policy.
		for _, v := range volleys {
			judged := make(chan struct{})
			v.barrier <- judged
			<-judged
		}
		flip(true)
		w.obey()
		advance(volleys, 96)
	}
	close(done)
	senders.Wait()
	receivers.Wait()
	sent, got := 0, 0
	for _, v := range volleys {
		leaked, stopped := v.leaks(closed)
		if leaked > 0 {
			w.Errorf("%d packets of %v were sent after %d changes were acknowledged, and passed", leaked, v.to, len(closed))
		}
		if stopped < 8*len(closed) || v.got < 32*len(closed) {
			w.Errorf("%d packets stopped, %d passed in %d flips: too few to tell", stopped, v.got, len(closed))
		}
		sent, got = sent+int(v.sent.Load()), got+v.got
	}
	n := slow()
	w.Logf("%d flips, %d packets sent, %d arrived, %d took the slow path", len(closed), sent, got, n)
	kind, _ := w.plane.FastPath()
	if cached := sent - int(n); kind != linux.NoCache && cached < got/2 {
		w.Errorf("the %s cache carried %d of %d packets", kind, cached, got)
	}
}

// advance returns when so many more packets of each volley were sent.
func advance(volleys []*volley, n int64) {
	for _, v := range volleys {
		for at := v.sent.Load(); v.sent.Load() < at+n && v.sent.Load() < volleySize-2; {
			runtime.Gosched()
		}
	}
}

// TestNoPacketPassesOnAnOldPolicyForAnOrdinaryUser is the same without root.
func TestNoPacketPassesOnAnOldPolicyForAnOrdinaryUser(t *testing.T) {
	if strings.Contains(fmt.Sprint(fastPaths()), string(linux.EBPF)) {
		testnet.RunAsOrdinaryUser(t, "^TestNoPacketPassesOnAnOldPolicy$")
	}
}
