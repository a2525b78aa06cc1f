// Package planes loads paths between network namespaces and says how they compare
// with a bare veth pair. Its loops run on threads pinned to one processor, ahead of
// whatever else the machine does where that is permitted, and call the kernel
// directly, so that a rate is the cost of the whole path: sender, way and receiver.
package planes

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Place is a network namespace: Do runs f on a thread inside.
type Place interface{ Do(f func() error) error }

// sample is one measurement: how many in a second, and microseconds where it is a
// question and its answer.
type sample struct{ rate, p50, p99 float64 }

const (
	port     = 9000
	patience = time.Second
	most     = 1 << 20 // times that are kept
)

// loads are the tests by the names of their rows.
var loads = []struct {
	name, unit string
	run        func(*run) (sample, error)
}{
	{"rr", "1/s", tcpRequests}, {"udp-rr", "1/s", udpRequests}, {"pps", "packets/s", packets}, {"stream", "Gbit/s", stream}, {"crr", "1/s", connections},
}

// run is one load on one path.
type run struct {
	from, to Place
	at       netip.Addr
	burst    time.Duration
	stop     atomic.Bool
}

// pinned runs f inside a place on a thread on the first processor.
func pinned(p Place, f func() error) chan error {
	done := make(chan error, 1)
	go func() {
		done <- p.Do(func() error {
			var all, one unix.CPUSet
			if err := unix.SchedGetaffinity(0, &all); err != nil {
				return err
			}
			one.Set(0)
			_ = unix.SchedSetaffinity(0, &one) // a machine that bars it is measured less exactly
			_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 10}, 0)
			defer func() {
				_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
				_ = unix.SchedSetaffinity(0, &all)
			}()
			return f()
		})
	}()
	return done
}

// both runs a server until the client has ended. ready is the server's to close.
func (r *run) both(server func(ready chan<- struct{}) error, client func() (sample, error)) (out sample, err error) {
	ready := make(chan struct{})
	served := pinned(r.to, func() error { return server(ready) })
	select {
	case <-ready:
	case err := <-served:
		return out, err
	}
	asked := pinned(r.from, func() (err error) {
		out, err = client()
		return err
	})
	err = <-asked
	r.stop.Store(true)
	return out, errors.Join(err, <-served)
}

func (r *run) socket(kind int) (int, error) {
	domain := unix.AF_INET
	if r.at.Is6() {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	tv := unix.NsecToTimeval(int64(patience))
	err = errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv), unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	if kind == unix.SOCK_STREAM {
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	}
	return fd, err
}

func address(a netip.Addr) unix.Sockaddr {
	if a.Is6() {
		return &unix.SockaddrInet6{Port: port, Addr: a.As16()}
	}
	return &unix.SockaddrInet4{Port: port, Addr: a.As4()}
}

func (r *run) listen(kind int, ready chan<- struct{}) (int, error) {
	fd, err := r.socket(kind)
	if err == nil {
		err = unix.Bind(fd, address(r.at))
	}
	// It looks now and then whether it is told to stop.
	tv := unix.NsecToTimeval(int64(50 * time.Millisecond))
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
	}
	if err == nil && kind == unix.SOCK_STREAM {
		err = unix.Listen(fd, 64)
	}
	if err == nil {
		close(ready)
	}
	return fd, err
}

func (r *run) dial(kind int) (int, error) {
	fd, err := r.socket(kind)
	for err == nil {
		if err = unix.Connect(fd, address(r.at)); err != unix.EINTR {
			break
		}
		err = nil
	}
	if err == unix.EISCONN {
		err = nil
	}
	return fd, err
}

// read and write go past the Go scheduler: 0 is the end, interrupted is a signal, by
// which the scheduler asks for its turn, and anything less an error or a time-out.
func read(fd int, b []byte) int { return transfer(unix.SYS_READ, fd, b) }

func write(fd int, b []byte) int { return transfer(unix.SYS_WRITE, fd, b) }

const interrupted = -1

//go:noinline
func transfer(call uintptr, fd int, b []byte) int {
	n, _, no := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	switch no {
	case 0:
		return int(n)
	case unix.EINTR:
		return interrupted
	}
	return -2
}

// surely repeats what a signal has interrupted.
func surely(f func(int, []byte) int, fd int, b []byte) int {
	for {
		if n := f(fd, b); n != interrupted {
			return n
		}
	}
}

// ask sends a byte and waits for one until the burst is over.
func (r *run) ask(fd int) (sample, error) {
	times := make([]float64, 0, most)
	buf := []byte{1}
	began := time.Now()
	last := began
	n := 0
	for last.Sub(began) < r.burst {
		if surely(write, fd, buf) != 1 || surely(read, fd, buf) != 1 {
			return sample{}, fmt.Errorf("no answer from %v within %v", r.at, patience)
		}
		now := time.Now()
		if len(times) < most {
			times = append(times, now.Sub(last).Seconds()*1e6)
		}
		last = now
		n++
	}
	slices.Sort(times)
	return sample{float64(n) / last.Sub(began).Seconds(), times[len(times)/2], times[len(times)*99/100]}, nil
}

// echo answers on a connected socket until it is told to stop.
func (r *run) echo(fd int) {
	buf := make([]byte, 64)
	for !r.stop.Load() {
		n := read(fd, buf)
		if n == 0 {
			return // to go on would keep the asker from its processor
		}
		if n > 0 {
			write(fd, buf[:n])
		}
	}
}

func tcpRequests(r *run) (sample, error) {
	return r.both(func(ready chan<- struct{}) error {
		l, err := r.listen(unix.SOCK_STREAM, ready)
		if err != nil {
			return err
		}
		defer unix.Close(l)
		for !r.stop.Load() {
			fd, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
			if err != nil {
				continue
			}
			tv := unix.NsecToTimeval(int64(patience))
			_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			r.echo(fd)
			_ = unix.Close(fd)
		}
		return nil
	}, func() (sample, error) {
		fd, err := r.dial(unix.SOCK_STREAM)
		if err != nil {
			return sample{}, err
		}
		defer unix.Close(fd)
		return r.ask(fd)
	})
}

func udpRequests(r *run) (sample, error) {
	return r.both(func(ready chan<- struct{}) error {
		fd, err := r.listen(unix.SOCK_DGRAM, ready)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		// The first question says whom to answer.
		buf := make([]byte, 64)
		for !r.stop.Load() {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if err != nil {
				continue
			}
			if err := errors.Join(unix.Connect(fd, from), unix.Sendto(fd, buf[:n], 0, nil)); err != nil {
				return err
			}
			break
		}
		r.echo(fd)
		return nil
	}, func() (sample, error) {
		fd, err := r.dial(unix.SOCK_DGRAM)
		if err != nil {
			return sample{}, err
		}
		defer unix.Close(fd)
		return r.ask(fd)
	})
}

// batch is how many packets one call sends.
const batch = 64

type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// packets floods with 18 bytes. What counts is what came to the receiver's socket, by
// its namespace's own count; it need not read.
func packets(r *run) (sample, error) {
	before := uint64(0)
	out, err := r.both(func(ready chan<- struct{}) error {
		var err error
		if before, err = datagrams(); err != nil {
			return err
		}
		fd, err := r.listen(unix.SOCK_DGRAM, ready)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for !r.stop.Load() {
			_ = unix.Nanosleep(&unix.Timespec{Nsec: int64(5 * time.Millisecond)}, nil)
		}
		return nil
	}, func() (sample, error) {
		fd, err := r.dial(unix.SOCK_DGRAM)
		if err != nil {
			return sample{}, err
		}
		defer unix.Close(fd)
		var payload [18]byte
		vec := unix.Iovec{Base: &payload[0], Len: uint64(len(payload))}
		var list [batch]mmsghdr
		for i := range list {
			list[i].hdr.Iov, list[i].hdr.Iovlen = &vec, 1
		}
		began := time.Now()
		for time.Since(began) < r.burst {
			syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&list[0])), batch, 0, 0, 0)
		}
		runtime.KeepAlive(&vec)
		return sample{rate: time.Since(began).Seconds()}, nil
	})
	if err != nil {
		return out, err
	}
	var after uint64
	err = r.to.Do(func() (err error) {
		after, err = datagrams()
		return err
	})
	return sample{rate: float64(after-before) / out.rate}, err
}

// datagrams are what the calling thread's namespace has received by UDP, whether
// there was room for it or not.
func datagrams() (uint64, error) {
	text, err := os.ReadFile("/proc/thread-self/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	sum := uint64(0)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i, name := range names {
			if name == "InDatagrams" || name == "RcvbufErrors" {
				n, err := strconv.ParseUint(f[i], 10, 64)
				if err != nil {
					return 0, err
				}
				sum += n
			}
		}
	}
	return sum, nil
}

// stream sends as much as goes; both ends share a processor, so that its inverse is
// the processor time that a gigabyte takes.
func stream(r *run) (sample, error) {
	got := uint64(0)
	out, err := r.both(func(ready chan<- struct{}) error {
		l, err := r.listen(unix.SOCK_STREAM, ready)
		if err != nil {
			return err
		}
		defer unix.Close(l)
		fd := -1
		for fd < 0 && !r.stop.Load() {
			fd, _, _ = unix.Accept4(l, unix.SOCK_CLOEXEC)
		}
		defer unix.Close(fd)
		buf := make([]byte, 128<<10)
		for {
			n := surely(read, fd, buf)
			if n <= 0 {
				return nil
			}
			got += uint64(n)
		}
	}, func() (sample, error) {
		fd, err := r.dial(unix.SOCK_STREAM)
		if err != nil {
			return sample{}, err
		}
		defer unix.Close(fd)
		buf := make([]byte, 128<<10)
		began := time.Now()
		for time.Since(began) < r.burst {
			write(fd, buf)
		}
		return sample{rate: time.Since(began).Seconds()}, nil
	})
	if err != nil {
		return out, err
	}
	return sample{rate: float64(got) * 8 / 1e9 / out.rate}, nil
}

// connections are opened, asked a byte, answered one and closed.
func connections(r *run) (sample, error) {
	return r.both(func(ready chan<- struct{}) error {
		l, err := r.listen(unix.SOCK_STREAM, ready)
		if err != nil {
			return err
		}
		defer unix.Close(l)
		buf := make([]byte, 1)
		for !r.stop.Load() {
			fd, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
			if err != nil {
				continue
			}
			if surely(read, fd, buf) == 1 {
				surely(write, fd, buf)
			}
			_ = unix.Close(fd)
		}
		return nil
	}, func() (sample, error) {
		buf := []byte{1}
		n := 0
		began := time.Now()
		for time.Since(began) < r.burst {
			fd, err := r.dial(unix.SOCK_STREAM)
			if err != nil {
				return sample{}, fmt.Errorf("connection %d: %w", n, err)
			}
			ok := surely(write, fd, buf) == 1 && surely(read, fd, buf) == 1
			surely(read, fd, buf) // the end: the port is free again at once
			_ = unix.Close(fd)
			if !ok {
				return sample{}, fmt.Errorf("connection %d got no answer", n)
			}
			n++
		}
		return sample{rate: float64(n) / time.Since(began).Seconds()}, nil
	})
}

// Processor is the machine's, in its own words.
func Processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// Kernel is the machine's release.
func Kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "?"
	}
	return unix.ByteSliceToString(u.Release[:])
}
