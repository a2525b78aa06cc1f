package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// conn is an asking socket: connected to one peer, with the kernel's error
// queue switched on, so that an ICMP error can be told from a reset and from
// the asking host's own failure to resolve a neighbour.
type conn struct {
	*socket.Conn
	peer netip.AddrPort
}

// open makes the socket in the network namespace of the calling thread, which
// is why nothing here hands the work to another goroutine.
func open(peer netip.AddrPort, typ, proto int, o Options) (*conn, error) {
	family := unix.AF_INET
	if peer.Addr().Is6() {
		family = unix.AF_INET6
	}
	s, err := socket.Socket(family, typ, proto, "probe", nil)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: s, peer: peer}
	if err := c.configure(o); err != nil {
		s.Close()
		return nil, err
	}
	return c, nil
}

func (c *conn) configure(o Options) error {
	level, recvErr, recvTTL, ttl, pmtu := unix.IPPROTO_IP, unix.IP_RECVERR, unix.IP_RECVTTL, unix.IP_TTL, unix.IP_MTU_DISCOVER
	if c.peer.Addr().Is6() {
		level, recvErr, recvTTL, ttl, pmtu = unix.IPPROTO_IPV6, unix.IPV6_RECVERR, unix.IPV6_RECVHOPLIMIT, unix.IPV6_UNICAST_HOPS, unix.IPV6_MTU_DISCOVER
	}
	for _, opt := range []int{recvErr, recvTTL} {
		if err := c.SetsockoptInt(level, opt, 1); err != nil {
			return err
		}
	}
	if o.TTL > 0 {
		if err := c.SetsockoptInt(level, ttl, o.TTL); err != nil {
			return err
		}
	}
	if o.DontFragment {
		// IP_PMTUDISC_DO and IPV6_PMTUDISC_DO are the same number.
		if err := c.SetsockoptInt(level, pmtu, unix.IP_PMTUDISC_DO); err != nil {
			return err
		}
	}
	if o.Device != "" {
		if err := c.SetsockoptString(unix.SOL_SOCKET, unix.SO_BINDTODEVICE, o.Device); err != nil {
			return err
		}
	}
	if o.From.IsValid() || o.From.Port() != 0 {
		from := o.From
		if !from.Addr().IsValid() {
			from = netip.AddrPortFrom(unspecified(c.peer.Addr()), from.Port())
		}
		return c.Bind(sockaddr(from))
	}
	return nil
}

func unspecified(like netip.Addr) netip.Addr {
	if like.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

func sockaddr(ap netip.AddrPort) unix.Sockaddr {
	if ap.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	if zone := ap.Addr().Zone(); zone != "" {
		if ifi, err := net.InterfaceByName(zone); err == nil {
			sa.ZoneId = uint32(ifi.Index)
		}
	}
	return sa
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// recv waits for one message and says with which TTL it came.
func (c *conn) recv(ctx context.Context, buf []byte) (n, ttl int, err error) {
	oob := make([]byte, 128)
	n, oobn, _, _, err := c.Recvmsg(ctx, buf, oob, 0)
	if err != nil {
		return 0, 0, err
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return n, 0, nil //nolint:nilerr // the message counts, its TTL is a nicety
	}
	for _, m := range msgs {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_TTL
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_HOPLIMIT
		if (v4 || v6) && len(m.Data) >= 4 {
			ttl = int(binary.NativeEndian.Uint32(m.Data))
		}
	}
	return n, ttl, nil
}

// judge turns an error of an asking socket into a verdict. Its third way out,
// retry, is a router that asked for smaller packets: the kernel has noted the
// path MTU by then, and sending again obeys it.
func (c *conn) judge(err error, sent time.Time) (r Result, retry bool, fail error) {
	if timedOut(err) {
		return Result{Verdict: Silent}, false, nil
	}
	rtt := time.Since(sent)
	if e, ok := c.icmpError(); ok {
		switch {
		case e.tooBig:
			return Result{MTU: e.mtu}, true, nil
		case e.from == c.local():
			// The asking host's own kernel gave up on a neighbour that does not
			// answer ARP or ND. The network stayed silent.
			return Result{Verdict: Silent}, false, nil
		}
		return Result{Verdict: Refused, Refusal: e.name, From: e.from, RTT: rtt}, false, nil
	}
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
		return Result{Verdict: Refused, Refusal: "reset", From: c.peer.Addr(), RTT: rtt}, false, nil
	case errors.Is(err, unix.ETIMEDOUT), errors.Is(err, unix.EHOSTUNREACH):
		// Without an ICMP error in the queue this is a neighbour that never
		// answered, or TCP that has given up: silence, noticed early.
		return Result{Verdict: Silent}, false, nil
	}
	return Result{}, false, err
}

func (c *conn) local() netip.Addr {
	sa, err := c.Getsockname()
	if err != nil {
		return netip.Addr{}
	}
	return addrPort(sa).Addr()
}

// hangUp closes a TCP connection with a reset: neither end goes on
// retransmitting what a network that has changed meanwhile would drop.
func (c *conn) hangUp() error {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		})
	}
	return c.Close()
}

func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}
