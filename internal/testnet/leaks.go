package testnet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// settle is how long the kernel and the runtime get to finish what a test has
// closed: links vanish asynchronously, goroutines end when they are scheduled.
const settle = 5 * time.Second

// Leaks notes what exists now and fails t if, once t and all its clean-ups
// registered later have ended, there is more: open files (namespaces are open
// files, too), links in the world's own namespace, mounts, goroutines.
func Leaks(t testing.TB) {
	t.Helper()
	before := takeStock(t)
	goroutines := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(goroutines); err != nil {
			t.Error(err)
		}
		deadline := time.After(settle)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			more := takeStock(t).without(before)
			if len(more) == 0 {
				return
			}
			select {
			case <-deadline:
				t.Errorf("left behind:\n%s", strings.Join(more, "\n"))
				return
			case <-tick.C:
			}
		}
	})
}

// stock is a multiset of things that exist, by description.
type stock map[string]int

func (s stock) without(before stock) []string {
	var more []string
	for what, n := range s {
		if n > before[what] {
			more = append(more, fmt.Sprintf("%s (%d, was %d)", what, n, before[what]))
		}
	}
	slices.Sort(more)
	return more
}

func takeStock(t testing.TB) stock {
	t.Helper()
	s := stock{}
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil {
			s["open "+kind(to)]++
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		s["mount "+strings.TrimSpace(line)]++
	}
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer nl.Close()
	links, err := nl.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		s["link "+l.Attrs().Name]++
	}
	return s
}

// kind drops what differs between two otherwise equal open files: socket and
// namespace numbers, process ids.
func kind(target string) string {
	if before, _, ok := strings.Cut(target, ":["); ok {
		return before
	}
	if strings.HasPrefix(target, "/proc/") {
		return "/proc file"
	}
	return target
}
