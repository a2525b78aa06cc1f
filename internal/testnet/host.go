package testnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Host is a network namespace of its own, kept alive by an open file: what an
// instance, or the fabric, is to a data plane.
type Host struct {
	file *os.File
}

// NewHost makes a host with nothing but loopback, and removes it when the test
// ends.
func NewHost(t testing.TB) *Host {
	t.Helper()
	h, err := OpenHost()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// OpenHost is NewHost for callers who close the host themselves.
func OpenHost() (*Host, error) {
	h := &Host{}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		if err := prepareNamespace(); err != nil {
			return err
		}
		var err error
		h.file, err = openNamespace()
		return err
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// openNamespace opens the calling thread's network namespace.
func openNamespace() (*os.File, error) {
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	return f, nil
}

// prepareNamespace does for a fresh namespace what a distribution's boot does.
func prepareNamespace() error {
	// One socket of our own: package-level functions of netlink cache theirs,
	// and with it the namespace that they were first used in.
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink socket: %w", err)
	}
	defer nl.Close()
	lo, err := nl.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	if err := nl.LinkSetUp(lo); err != nil {
		return fmt.Errorf("set loopback up: %w", err)
	}
	settings := map[string]string{
		// Duplicate address detection would make every new IPv6 address
		// unusable for a second; the tests own both ends.
		"net/ipv6/conf/default/accept_dad": "0",
		"net/ipv6/conf/all/accept_dad":     "0",
		"net/ipv6/conf/default/accept_ra":  "0",
	}
	for name, value := range settings {
		if err := SetSysctl(name, value); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	// Ping without a raw socket. In a user namespace only its own group ids
	// can be named, and there is just one.
	if err := SetSysctl("net/ipv4/ping_group_range", "0 2147483647"); err != nil {
		return SetSysctl("net/ipv4/ping_group_range", "0 0")
	}
	return nil
}

// SetSysctl sets a kernel parameter of the calling thread's network namespace;
// use it inside Host.Do.
func SetSysctl(name, value string) error {
	if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
		return fmt.Errorf("set %s to %s: %w", name, value, err)
	}
	return nil
}

// Close gives the host up; the kernel removes it once its last socket is
// closed.
func (h *Host) Close() error { return h.file.Close() }

// File is the open namespace. It stays the host's: do not close it.
func (h *Host) File() *os.File { return h.file }

// Do runs f on a thread inside the host. Sockets and files that f opens stay
// there for life and may be used anywhere; goroutines that f starts run outside
// of the host, and so do sockets they open.
func (h *Host) Do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(h.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return f()
	})
}

// onThread runs f on an OS thread that may change namespaces. The thread is
// taken back to where it was; one that cannot be is not used again, because a
// goroutine that ends while locked ends its thread.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := openNamespace()
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		err = f()
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// In runs f inside h and returns what it returns.
func In[T any](h *Host, f func() (T, error)) (T, error) {
	var v T
	err := h.Do(func() (err error) {
		v, err = f()
		return err
	})
	return v, err
}

// End is one end of a wire.
type End struct {
	Host  *Host
	Name  string
	Addrs []netip.Prefix
}

// Link gives two hosts a wire: a veth pair, up, with these names and addresses.
// A host may have many. It returns when packets pass.
func Link(t testing.TB, a, b End) {
	t.Helper()
	err := a.Host.Do(func() error {
		nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer nl.Close()
		veth := netlink.NewVeth(netlink.LinkAttrs{Name: a.Name})
		veth.PeerName = b.Name
		veth.PeerNamespace = netlink.NsFd(int(b.Host.file.Fd()))
		return nl.LinkAdd(veth)
	})
	if err != nil {
		t.Fatalf("link %s and %s: %v", a.Name, b.Name, err)
	}
	ends := []End{a, b}
	for _, e := range ends {
		if err := e.Host.Do(func() error { return configure(e.Name, e.Addrs) }); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), settle)
	defer cancel()
	for _, e := range ends {
		if err := e.Host.Ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// Ready waits until the host's links carry packets and its addresses may be
// used. The kernel brings a link to life some time after it was set up, and
// until then drops what is sent, without a word.
func (h *Host) Ready(ctx context.Context) error {
	nl, err := In(h, func() (*netlink.Handle, error) { return netlink.NewHandle(unix.NETLINK_ROUTE) })
	if err != nil {
		return err
	}
	defer nl.Close()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		waiting, err := notReady(nl)
		if err != nil || waiting == "" {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("await %s: %w", waiting, ctx.Err())
		case <-tick.C:
		}
	}
}

// notReady names one thing that is not ready yet: a link that is set up and does
// not run, an IPv6 address that may not be used.
func notReady(nl *netlink.Handle) (string, error) {
	links, err := nl.LinkList()
	if err != nil {
		return "", fmt.Errorf("list links: %w", err)
	}
	for _, l := range links {
		// Asking for one link by its index, instead of reading the list, makes
		// Linux 6.8 and later finish a pending change of state first; left
		// alone the kernel takes up to a second over it.
		if l, err = nl.LinkByIndex(l.Attrs().Index); err != nil {
			return "", fmt.Errorf("look at link: %w", err)
		}
		a := l.Attrs()
		if a.Flags&net.FlagUp != 0 && a.Flags&net.FlagLoopback == 0 && a.OperState != netlink.OperUp {
			return "link " + a.Name, nil
		}
	}
	addrs, err := nl.AddrList(nil, netlink.FAMILY_V6)
	if err != nil {
		return "", fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		if a.Flags&unix.IFA_F_TENTATIVE != 0 {
			return "address " + a.IPNet.String(), nil
		}
	}
	return "", nil
}

func configure(name string, addrs []netip.Prefix) error {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer nl.Close()
	link, err := nl.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	for _, p := range addrs {
		a := &netlink.Addr{IPNet: IPNet(p)}
		if p.Addr().Is6() {
			a.Flags = unix.IFA_F_NODAD
		}
		if err := nl.AddrAdd(link, a); err != nil {
			return fmt.Errorf("add %s to %s: %w", p, name, err)
		}
	}
	if err := nl.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}

// IPNet is p in the older type that netlink wants.
func IPNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
