package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// inside runs f on a thread in a network namespace. f must start nothing: what
// another thread does happens outside.
func inside(ns *os.File, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- fmt.Errorf("open network namespace: %w", err)
			return
		}
		defer home.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("enter network namespace: %w", err)
			return
		}
		err = f()
		// A thread that can't go home ends with this goroutine.
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// handle is a netlink connection into a namespace. It is made on a thread of
// inside's: the library's own way there unlocks its thread even when the way back
// is barred, which it is for an ordinary user, and whatever runs on that thread
// next would be in the fabric.
func handle(ns *os.File, protocols ...int) (*netlink.Handle, error) {
	var h *netlink.Handle
	err := inside(ns, func() (err error) {
		h, err = netlink.NewHandle(protocols...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return h, nil
}

// setting is a kernel parameter below /proc/sys.
type setting struct{ name, value string }

func (s setting) set() error {
	path := "/proc/sys/" + s.name
	if old, err := os.ReadFile(path); err == nil && len(old) > 0 && string(old[:len(old)-1]) == s.value {
		return nil
	}
	if err := os.WriteFile(path, []byte(s.value), 0); err != nil {
		return fmt.Errorf("set %s to %s: %w", s.name, s.value, err)
	}
	return nil
}

// fabricSettings are the fabric's, before it has any link.
var fabricSettings = []setting{
	{"net/ipv4/ip_forward", "1"},
	{"net/ipv6/conf/all/forwarding", "1"},
	{"net/ipv6/conf/default/forwarding", "1"},
	// Sources are checked exactly, by link and MAC address.
	{"net/ipv4/conf/all/rp_filter", "0"},
	{"net/ipv4/conf/default/rp_filter", "0"},
	// Without it every packet's source is looked up through all ip rules.
	{"net/ipv4/conf/all/accept_local", "1"},
	{"net/ipv4/conf/default/accept_local", "1"},
	{"net/ipv4/conf/all/send_redirects", "0"},
	{"net/ipv4/conf/default/send_redirects", "0"},
	{"net/ipv4/conf/all/accept_redirects", "0"},
	{"net/ipv4/conf/default/accept_redirects", "0"},
	{"net/ipv4/conf/default/proxy_arp", "1"},
	{"net/ipv6/conf/all/accept_redirects", "0"},
	{"net/ipv6/conf/default/accept_redirects", "0"},
	{"net/ipv6/conf/default/accept_ra", "0"},
	// The gateway's link-local address is the same everywhere by design, and
	// must be there at once.
	{"net/ipv6/conf/default/accept_dad", "0"},
	// Packet-too-big finds the sender by the mark of what was too big.
	{"net/ipv4/fwmark_reflect", "1"},
	{"net/ipv6/fwmark_reflect", "1"},
}

// conntrackSettings need conntrack in the namespace: they are there once a
// rule asks for it. The times are AWS's (AWS: Security group connection
// tracking, timeouts): five days, 180 and 30 seconds, and 600 for protocols
// other than TCP, UDP and ICMP.
var conntrackSettings = []setting{
	{"net/netfilter/nf_conntrack_tcp_timeout_established", "432000"},
	{"net/netfilter/nf_conntrack_udp_timeout_stream", "180"},
	{"net/netfilter/nf_conntrack_udp_timeout", "30"},
	{"net/netfilter/nf_conntrack_generic_timeout", "600"},
	// Closed connections must not fill the table, which an ordinary user can't
	// make larger.
	{"net/netfilter/nf_conntrack_tcp_timeout_time_wait", "10"},
	{"net/netfilter/nf_conntrack_tcp_timeout_close", "5"},
	// A security group does not look at sequence numbers, or checksums.
	{"net/netfilter/nf_conntrack_tcp_be_liberal", "1"},
	{"net/netfilter/nf_conntrack_tcp_loose", "1"},
	{"net/netfilter/nf_conntrack_checksum", "0"},
}

// setAll sets parameters. One that this kernel lacks changes nothing by its
// absence: what it would switch off is not there.
func setAll(ns *os.File, settings []setting) error {
	return inside(ns, func() error {
		for _, s := range settings {
			if err := s.set(); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}
