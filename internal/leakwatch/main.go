// Command leakwatch runs a command, normally the test suite, while it captures on
// every interface of the machine itself, and fails if one packet from or to an
// address that VPCs use was seen there. An ordinary user may not capture; then
// it says so and only runs the command.
//
//	leakwatch go test ./...
package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"tombolo/internal/testnet"
)

// fabric are the ranges that the suite's VPCs use.
var fabric = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("2600:1f00::/24"),
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: leakwatch COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	watch, err := testnet.OpenWatch(fabric...)
	if err != nil && !errors.Is(err, testnet.ErrCannotWatch) {
		fmt.Fprintln(os.Stderr, "leakwatch:", err)
		os.Exit(1)
	}
	// An interrupt goes to the command's process group as well; wait for it.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var seen []testnet.Seen
	done := make(chan error, 1)
	go func() { done <- cmd.Run() }()
	for {
		select {
		case err = <-done:
		case <-time.After(time.Second):
			seen = append(seen, leaked(watch)...)
			continue
		}
		break
	}
	seen = append(seen, leaked(watch)...)
	os.Exit(verdict(watch, seen, err))
}

// leaked drains the capture often enough that its buffer never overflows.
func leaked(watch *testnet.Watch) []testnet.Seen {
	if watch == nil {
		return nil
	}
	seen, err := watch.Leaked()
	if err != nil {
		fmt.Fprintln(os.Stderr, "leakwatch:", err)
		os.Exit(1)
	}
	servers := nameservers()
	kept := seen[:0]
	for _, s := range seen {
		if !servers[s.Src] && !servers[s.Dst] {
			kept = append(kept, s)
		}
	}
	return kept
}

// nameservers may have private addresses, and are asked by the Go command when
// it downloads a module.
func nameservers() map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	text, _ := os.ReadFile("/etc/resolv.conf") // no file, no servers
	for line := range strings.Lines(string(text)) {
		if word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word == "nameserver" {
			if a, err := netip.ParseAddr(strings.TrimSpace(rest)); err == nil {
				out[a] = true
			}
		}
	}
	return out
}

func verdict(watch *testnet.Watch, seen []testnet.Seen, err error) int {
	switch {
	case watch == nil:
		fmt.Println("leakwatch: only root may capture on the machine's interfaces; nothing was watched")
	case len(seen) > 0:
		for _, s := range seen[:min(len(seen), 20)] {
			fmt.Println("leakwatch: leaked to the machine:", s)
		}
		fmt.Printf("leakwatch: %d packets from or to the fabric's addresses on the machine's own interfaces\n", len(seen))
		return 1
	default:
		fmt.Println("leakwatch: not one packet from or to the fabric's addresses on the machine's own interfaces")
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(1, exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "leakwatch:", err)
		return 1
	}
	return 0
}
