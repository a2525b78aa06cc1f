package kernel_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/internal/testnet"
	"tombolo/network"
)

// burst is how long one measurement lasts. Measurements of the two paths take
// turns, so that what else the machine does touches both.
const (
	burst  = 250 * time.Millisecond
	rounds = 9
)

// BenchmarkPath compares the peered path, with 50 rules in each group and 20
// entries in each network ACL, with a bare veth pair in the same run:
// request/response and small packets per second, as ratios; and the same path while
// flow logs record both interfaces.
func BenchmarkPath(b *testing.B) {
	w := newSite(b)
	m, f := w.peered(b)
	w2 := newSite(b)
	m2, f2 := w2.peered(b)
	w2.record(string(m2.eni))
	w2.record(string(f2.eni))
	w2.obey()
	bare, there := testnet.NewHost(b), testnet.NewHost(b)
	testnet.Link(b, testnet.End{Host: bare, Name: "eth0", Addrs: []netip.Prefix{cidr("10.9.0.1/24")}}, testnet.End{Host: there, Name: "eth0", Addrs: []netip.Prefix{cidr("10.9.0.2/24")}})
	paths := map[string][2]*testnet.Host{"bare": {bare, there}, "peered": {m.host, f.host}, "recorded": {m2.host, f2.host}}
	at := map[string]netip.Addr{"bare": addr("10.9.0.2"), "peered": f.addr, "recorded": f2.addr}
	for _, kind := range []struct {
		name string
		run  func(a, c *testnet.Host, to netip.Addr) (float64, error)
	}{{"rr", requests}, {"pps", packets}} {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				var ratios, recorded, absolute []float64
				for range rounds {
					rate := map[string]float64{}
					for name, hosts := range paths {
						r, err := kind.run(hosts[0], hosts[1], at[name])
						if err != nil {
							b.Fatal(err)
						}
						rate[name] = r
					}
					ratios = append(ratios, rate["peered"]/rate["bare"])
					recorded = append(recorded, rate["recorded"]/rate["bare"])
					absolute = append(absolute, rate["bare"])
				}
				slices.Sort(ratios)
				slices.Sort(recorded)
				slices.Sort(absolute)
				b.ReportMetric(ratios[rounds/2], "ratio")
				b.ReportMetric(recorded[rounds/2], "recorded")
				b.ReportMetric(absolute[rounds/2], "bare/s")
			}
		})
	}
}

// peered are two servers in peered VPCs with everything on the way that slows
// a first packet down.
func (w *site) peered(t testing.TB) (m, f *server) {
	av, an := w.vpc("10.0.0.0/16")
	bv, bn := w.vpc("10.1.0.0/16")
	ag, bg := w.group(av, "a"), w.group(bv, "b")
	for _, g := range []network.GroupID{ag, bg} {
		for k := range 49 {
			w.allow(g, network.TCP, network.PortRange{From: 2000 + k*10, To: 2005 + k*10}, fmt.Sprintf("172.16.%d.0/24", k))
		}
		w.allow(g, network.AnyProtocol, network.AnyPort, "10.0.0.0/8")
	}
	for _, v := range []network.VPCID{av, bv} {
		for k := range 18 {
			for _, egress := range []bool{true, false} {
				w.do(network.CreateACLEntry{ACL: w.VPC(v).DefaultACL, Entry: network.ACLEntry{Number: 1 + k, Egress: egress, Protocol: network.TCP,
					CIDR: cidr(fmt.Sprintf("172.16.%d.0/24", k)), Ports: network.PortRange{From: 1000 + k, To: 1000 + k}}})
			}
		}
	}
	p := w.peer(av, bv)
	w.routeBoth(av, bv, p)
	w.routeBoth(bv, av, p)
	m, f = w.server(an, "", ag), w.server(bn, "", bg)
	w.obey()
	return m, f
}

// on runs f on a thread of its own that is pinned to the first processor, so
// that the rate is the cost of the whole path and not of waking processors, and
// goes before whatever else the machine does, where that is permitted.
func on(h *testnet.Host, f func() error) chan error {
	done := make(chan error, 1)
	go func() {
		done <- h.Do(func() error {
			var set unix.CPUSet
			set.Set(0)
			_ = unix.SchedSetaffinity(0, &set)
			_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 10}, 0)
			defer func() {
				_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
				for i := range runtime.NumCPU() {
					set.Set(i)
				}
				_ = unix.SchedSetaffinity(0, &set)
			}()
			return f()
		})
	}()
	return done
}

func udp(bind, to netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	tv := unix.NsecToTimeval(int64(100 * time.Millisecond))
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)
	if bind.IsValid() {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: int(bind.Port())})
	}
	if err == nil && to.IsValid() {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	}
	return fd, err
}

const benchPort = 9000

// requests is how many requests of one byte are answered in a second.
func requests(a, c *testnet.Host, to netip.Addr) (float64, error) {
	ready, stop := make(chan error, 1), make(chan struct{})
	echo := on(c, func() error {
		fd, err := udp(netip.AddrPortFrom(netip.IPv4Unspecified(), benchPort), netip.AddrPort{})
		ready <- err
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		buf := make([]byte, 64)
		for {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if err == nil {
				_ = unix.Sendto(fd, buf[:n], 0, from)
				continue
			}
			select {
			case <-stop:
				return nil
			default:
			}
		}
	})
	if err := <-ready; err != nil {
		return 0, err
	}
	n := 0
	var took time.Duration
	err := <-on(a, func() error {
		fd, err := udp(netip.AddrPort{}, netip.AddrPortFrom(to, benchPort))
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		buf := []byte{1}
		began := time.Now()
		for time.Since(began) < burst {
			if _, err := unix.Write(fd, buf); err != nil {
				return err
			}
			if _, err := unix.Read(fd, buf); err == nil {
				n++
			}
		}
		took = time.Since(began)
		return nil
	})
	close(stop)
	if e := <-echo; err == nil {
		err = e
	}
	return float64(n) / took.Seconds(), err
}

// packets is how many packets of 18 bytes arrive in a second.
func packets(a, c *testnet.Host, to netip.Addr) (float64, error) {
	ready, stop := make(chan int, 1), make(chan struct{})
	sink := make(chan error, 1)
	go func() {
		sink <- c.Do(func() error {
			fd, err := udp(netip.AddrPortFrom(netip.IPv4Unspecified(), benchPort), netip.AddrPort{})
			if err != nil {
				close(ready)
				return err
			}
			defer unix.Close(fd)
			ready <- fd
			<-stop
			return nil
		})
	}()
	if _, ok := <-ready; !ok {
		return 0, <-sink
	}
	n := 0
	var took time.Duration
	err := <-on(a, func() error {
		fd, err := udp(netip.AddrPort{}, netip.AddrPortFrom(to, benchPort))
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		buf := make([]byte, 18)
		began := time.Now()
		for time.Since(began) < burst {
			for range 64 {
				// The path runs in the sender's own time, up to the receiver's
				// socket; the receiver need not read.
				if _, err := unix.Write(fd, buf); err != nil {
					return err
				}
			}
			n += 64
		}
		took = time.Since(began)
		return nil
	})
	close(stop)
	if e := <-sink; err == nil {
		err = e
	}
	return float64(n) / took.Seconds(), err
}
