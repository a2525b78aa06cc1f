// Package worker is the program that a port session runs inside its instance, as
// AWS's agent runs ssm-session-worker: it dials from the instance's own network,
// with the instance's own names, and carries the bytes between there and its
// standard streams, which the daemon joins to the session's channel. It is the far
// end of the multiplexing too (smux, version 1), so that bytes of a client are
// never taken apart in the daemon. It knows nothing of the channel, of tokens or
// of accounts.
package worker

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the worker says on standard error, a line each.
const (
	// Ready is the first line when the session can go on.
	Ready = "ready"
	// Refused begins the line about a connection that could not be made while the
	// session goes on.
	Refused = "refused: "
	// Fatal begins the line that says why the worker ends; the rest is for the person.
	Fatal = "fatal: "
)

// The ways of carrying bytes.
const (
	// Multiplexed carries any number of connections at once (mode port).
	Multiplexed = "port"
	// Raw carries one, which is made before anything else (mode ssh).
	Raw = "ssh"
)

// dialTimeout bounds one attempt at one address: what a security group drops is
// never answered.
const dialTimeout = 30 * time.Second

// target is what to dial, and what must not be.
type target struct {
	host string
	port string
	deny []netip.Addr
}

// Run is the worker's main: port|ssh HOST PORT [--deny ADDRESS,ADDRESS…]. It
// returns the exit status when either side has ended.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	says := &lines{w: stderr}
	mode, t, err := parse(args)
	if err != nil {
		says.line(Fatal, err.Error())
		return 2
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if mode == Raw {
		err = t.carry(ctx, stdin, stdout, says)
	} else {
		err = t.serve(ctx, stdin, stdout, says)
	}
	if err != nil {
		says.line(Fatal, err.Error())
		return 1
	}
	return 0
}

func parse(args []string) (mode string, t target, err error) {
	if len(args) < 3 || args[0] != Multiplexed && args[0] != Raw {
		return "", target{}, errors.New("usage: session-worker port|ssh HOST PORT [--deny ADDRESS,…]")
	}
	t = target{host: args[1], port: args[2]}
	if n, err := strconv.ParseUint(t.port, 10, 16); err != nil || n == 0 {
		return "", target{}, fmt.Errorf("%q is no port", t.port)
	}
	flags := flag.NewFlagSet("session-worker", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	deny := flags.String("deny", "", "")
	if err := flags.Parse(args[3:]); err != nil {
		return "", target{}, err
	}
	for word := range strings.SplitSeq(*deny, ",") {
		if word == "" {
			continue
		}
		a, err := netip.ParseAddr(word)
		if err != nil {
			return "", target{}, fmt.Errorf("%q is no address", word)
		}
		t.deny = append(t.deny, a.Unmap())
	}
	return args[0], t, nil
}

// errForbidden is an address that nothing may be forwarded to.
type errForbidden netip.Addr

func (e errForbidden) Error() string {
	return fmt.Sprintf("Forwarding to IP address %s is forbidden.", netip.Addr(e))
}

// errUnreachable is why the one connection of a raw session was not made, in the
// words of AWS's agent, so that people find them when they search.
type errUnreachable struct{ error }

func (e errUnreachable) Error() string {
	return "Unable to connect to specified port: " + e.error.Error()
}

// addresses resolves the host, each time anew as the name may move. It is the
// resolved address that is compared and then dialled: between a check of the name
// and its use the name could come to mean something else.
func (t target) addresses(ctx context.Context) ([]netip.Addr, error) {
	var found []netip.Addr
	if a, err := netip.ParseAddr(t.host); err == nil {
		found = []netip.Addr{a}
	} else if found, err = net.DefaultResolver.LookupNetIP(ctx, "ip", t.host); err != nil {
		return nil, err
	}
	for i, a := range found {
		found[i] = a.Unmap()
		if slices.Contains(t.deny, found[i].WithZone("")) {
			return nil, errForbidden(found[i])
		}
	}
	return found, nil
}

// dial connects to the first of the host's addresses that answers.
func (t target) dial(ctx context.Context) (*net.TCPConn, error) {
	found, err := t.addresses(ctx)
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("%s has no address", t.host)
	for _, a := range found {
		d := net.Dialer{Timeout: dialTimeout}
		var conn net.Conn
		if conn, err = d.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), t.port)); err == nil {
			return conn.(*net.TCPConn), nil
		}
	}
	return nil, err
}

// carry joins the standard streams to one connection. The end of input half-closes
// it, as ssh does when its input ends; the end of the connection ends the worker.
func (t target) carry(ctx context.Context, stdin io.Reader, stdout io.Writer, says *lines) error {
	conn, err := t.dial(ctx)
	var forbidden errForbidden
	if errors.As(err, &forbidden) {
		return err
	}
	if err != nil {
		return errUnreachable{err}
	}
	defer conn.Close()
	says.line(Ready, "")
	go func() { // ends with standard input: the process is about to end otherwise
		_, _ = io.Copy(conn, stdin)
		_ = conn.CloseWrite()
	}()
	_, _ = io.Copy(stdout, conn) // a connection that breaks is over, as one that ends
	return nil
}

// lines writes whole lines from several goroutines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) line(kind, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
	_, _ = io.WriteString(l.w, kind+text+"\n") // nobody listens any more: nothing to do about it
}
