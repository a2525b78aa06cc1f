// Package probe asks one question of a network: does this address answer?
//
// A probe is sent with the sockets of wherever the caller runs (an instance, a
// namespace, a laptop) and ends in exactly one of three ways: answered, silent
// or refused. The difference between the last two is the point: a VPC drops
// silently, so a refusal is always the doing of the host at the other end.
// The package also holds the answering side (Server), which tells a caller
// under which address it was seen, and conversations that stay open (Flow).
// It knows nothing of VPCs and imports nothing of this module.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// DefaultTimeout is how long silence lasts before a probe calls it silence.
const DefaultTimeout = time.Second

// Verdict is how a probe ended. The zero Verdict is invalid, so that a probe
// which forgot to decide never reads as an answer.
type Verdict uint8

const (
	// Answered means that the other end replied.
	Answered Verdict = iota + 1
	// Silent means that nothing at all came back in time.
	Silent
	// Refused means that somebody said no: a TCP reset or an ICMP error.
	Refused
)

// String is the word printed to people and used in scenario files.
func (v Verdict) String() string {
	switch v {
	case Answered:
		return "answered"
	case Silent:
		return "silent"
	case Refused:
		return "refused"
	}
	return "undecided"
}

// Result is everything a probe has learned.
type Result struct {
	Verdict Verdict
	// Refusal says with what a refused probe was refused: "reset", or the name
	// of the ICMP error.
	Refusal string
	// From is who answered or refused.
	From netip.Addr
	// RTT is the time between asking and the answer; zero when silent.
	RTT time.Duration
	// Seen is the asker's address as the answering Server saw it; invalid when
	// the other end is not a Server, or was only connected to.
	Seen netip.AddrPort
	// TTL is the time-to-live (hop limit) that the answer arrived with; zero
	// where the socket does not say (TCP and HTTP).
	TTL int
	// MTU is the path MTU that a router on the way has told us to use; zero
	// when none did.
	MTU int
	// Status is the HTTP status of an answered HTTP probe.
	Status int
	// Body is what the other end said after the address line of a Server, or
	// the start of an HTTP body.
	Body []byte
}

// String is one line for people.
func (r Result) String() string {
	switch r.Verdict {
	case Answered:
		s := "answered"
		if r.From.IsValid() {
			s += " by " + r.From.String()
		}
		s += " in " + r.RTT.Round(time.Microsecond).String()
		if r.TTL > 0 {
			s += " ttl=" + strconv.Itoa(r.TTL)
		}
		if r.Status > 0 {
			s += " status=" + strconv.Itoa(r.Status)
		}
		if r.Seen.IsValid() {
			s += " seen as " + r.Seen.String()
		}
		return s
	case Refused:
		return fmt.Sprintf("refused: %s from %s", r.Refusal, r.From)
	}
	return r.Verdict.String()
}

// Options say how to ask. The zero value asks with the kernel's defaults and
// waits DefaultTimeout.
type Options struct {
	// Timeout is how long silence is awaited.
	Timeout time.Duration
	// From binds the asking socket; an unset address or port is the kernel's
	// choice.
	From netip.AddrPort
	// Payload is sent along. A TCP probe without a payload only connects; a
	// payload without a newline gets one.
	Payload []byte
	// TTL is the time-to-live (hop limit) to send with; zero is the default.
	TTL int
	// DontFragment makes a packet that is too large for the path an error of
	// the path instead of several fragments.
	DontFragment bool
	// Device binds the asking socket to an interface by name.
	Device string
}

func (o Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return DefaultTimeout
}

// ErrNotSent is returned when a probe never left: the asking host itself has no
// route, no such address, or may not open the socket. It is not a verdict on
// the network.
var ErrNotSent = errors.New("probe not sent")

func notSent(doing string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrNotSent, err)
}

// resolve turns HOST:PORT into an address. Literal addresses never touch a
// resolver, so they work where there is none.
func resolve(ctx context.Context, hostport string, o Options) (netip.AddrPort, error) {
	if ap, err := netip.ParseAddrPort(hostport); err == nil {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	host, service, err := net.SplitHostPort(hostport)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read address %q: %w", hostport, err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read port of %q: %w", hostport, err)
	}
	addr, err := resolveHost(ctx, host, o)
	return netip.AddrPortFrom(addr, uint16(port)), err
}

func resolveHost(ctx context.Context, host string, o Options) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout())
	defer cancel()
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("resolve %q: %w", host, err)
	}
	if len(all) == 0 {
		return netip.Addr{}, fmt.Errorf("resolve %q: no address", host)
	}
	return all[0].Unmap(), nil
}
