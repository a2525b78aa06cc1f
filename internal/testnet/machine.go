package testnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// ErrCannotWatch is returned where an ordinary user may not look at the
// machine's own interfaces.
var ErrCannotWatch = errors.New("only root may capture on the machine's own interfaces")

// WatchMachine records on every interface of the machine itself, from within a
// private world, packets from or to an address of the prefixes. At the end of
// the test there must be none. Where the world is an ordinary user's it says so
// in the log and watches nothing: such a user cannot send there either.
func WatchMachine(t testing.TB, prefixes ...netip.Prefix) {
	t.Helper()
	var w *Watch
	err := onThread(func() error {
		if err := unix.Setns(machineFD, unix.CLONE_NEWNET); err != nil {
			return ErrCannotWatch
		}
		var err error
		w, err = OpenWatch(prefixes...)
		return err
	})
	if errors.Is(err, ErrCannotWatch) {
		t.Log("no leak capture:", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer w.Close()
		leaked, err := w.Leaked()
		if err != nil {
			t.Error(err)
		}
		for _, p := range leaked {
			t.Errorf("leaked to the machine: %v", p)
		}
	})
}

// Watch is a capture on every interface of the namespace it was opened in,
// those that appear later included, of packets from or to given prefixes.
type Watch struct {
	capture *Capture
}

// OpenWatch starts a watch in the calling thread's network namespace. An
// address that belongs to a network which the machine itself is attached to is
// that network's business and not counted, so that a machine which happens to
// live in 10.0.0.0/8 can be watched too.
func OpenWatch(prefixes ...netip.Prefix) (*Watch, error) {
	own, err := attachedNetworks()
	if err != nil {
		return nil, err
	}
	filter, err := touching(prefixes)
	if err != nil {
		return nil, fmt.Errorf("assemble watch filter: %w", err)
	}
	within := func(set []netip.Prefix, a netip.Addr) bool {
		return slices.ContainsFunc(set, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	c, err := openCapture(func(s Seen) bool {
		return slices.ContainsFunc([]netip.Addr{s.Src, s.Dst}, func(a netip.Addr) bool {
			return within(prefixes, a) && !within(own, a)
		})
	}, filter)
	if errors.Is(err, os.ErrPermission) {
		return nil, ErrCannotWatch
	}
	if err != nil {
		return nil, err
	}
	return &Watch{capture: c}, nil
}

func attachedNetworks() ([]netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list the machine's addresses: %w", err)
	}
	var own []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, p.Masked())
		}
	}
	return own, nil
}

// Leaked takes what was seen since the last call. A watch that lost packets is
// an error: it proves nothing.
func (w *Watch) Leaked() ([]Seen, error) { return w.capture.Packets() }

// Close ends the watch.
func (w *Watch) Close() error { return w.capture.Close() }
