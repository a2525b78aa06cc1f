package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// seenHeader carries the asker's address in the answers of an HTTP server.
const seenHeader = "Tombolo-Seen"

// Server is the answering side. To every TCP line and every UDP datagram it
// says "ADDR:PORT payload", ADDR:PORT being the asker as seen from here; to
// every HTTP request the same in a header.
type Server struct {
	run   func(context.Context) error
	local netip.AddrPort
}

// Addr is where the server listens.
func (s *Server) Addr() netip.AddrPort { return s.local }

// Run answers until ctx ends, and returns after the last conversation did.
// It may run in any goroutine: sockets stay in the network namespace in which
// they were opened.
func (s *Server) Run(ctx context.Context) error { return s.run(ctx) }

// ListenTCP opens a server at ADDR:PORT (":PORT" for every address) in the
// network namespace of the calling thread.
func ListenTCP(address string) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on tcp %s: %w", address, err)
	}
	return &Server{local: addrPortOf(l.Addr()), run: func(ctx context.Context) error {
		return serveTCP(ctx, l)
	}}, nil
}

func addrPortOf(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	}
	return unmap(ap)
}

// unmap: a dual-stack socket reports IPv4 peers as ::ffff:a.b.c.d.
func unmap(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

func serveTCP(ctx context.Context, l net.Listener) error {
	var talks sync.WaitGroup
	defer talks.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			l.Close()
			return unlessEnded(ctx, err)
		}
		talks.Go(func() { talk(ctx, c) })
	}
}

// unlessEnded hides the errors of sockets that were closed because ctx ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func talk(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	who := unmap(c.RemoteAddr().(*net.TCPAddr).AddrPort()).String()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if _, err := fmt.Fprintf(c, "%s %s\n", who, lines.Bytes()); err != nil {
			return
		}
	}
}

// ListenUDP opens a server at ADDR:PORT (":PORT" for every address) in the
// network namespace of the calling thread. It answers from the address that
// was asked, also on a host with several.
func ListenUDP(address string) (*Server, error) {
	a, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on udp %s: %w", address, err)
	}
	c, err := net.ListenUDP("udp", a)
	if err != nil {
		return nil, fmt.Errorf("listen on udp %s: %w", address, err)
	}
	if err := wantPacketInfo(c); err != nil {
		c.Close()
		return nil, fmt.Errorf("listen on udp %s: %w", address, err)
	}
	return &Server{local: addrPortOf(c.LocalAddr()), run: func(ctx context.Context) error {
		return serveUDP(ctx, c)
	}}, nil
}

// wantPacketInfo makes the kernel say which of our addresses was asked. An IPv4
// socket takes the first option, a dual-stack one both.
func wantPacketInfo(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var err4, err6 error
	err = raw.Control(func(fd uintptr) {
		err4 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		err6 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	})
	if err != nil {
		return err
	}
	if err4 != nil && err6 != nil {
		return errors.Join(err4, err6)
	}
	return nil
}

func serveUDP(ctx context.Context, c *net.UDPConn) error {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	buf, oob := make([]byte, 1<<16), make([]byte, 256)
	for {
		n, oobn, _, who, err := c.ReadMsgUDPAddrPort(buf, oob)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			// An ICMP error about an earlier answer is not this server's end.
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			continue
		}
		head := unmap(who).String() + " "
		reply := append([]byte(head), buf[:n]...)
		if len(reply) > maxDatagram {
			reply = buf[:n]
		}
		_, _, _ = c.WriteMsgUDPAddrPort(reply, sourceOf(oob[:oobn]), who)
	}
}

// maxDatagram is the largest payload that UDP over IPv4 can carry.
const maxDatagram = 65507

// sourceOf turns the packet info of a question into that of its answer: the
// same local address, by whatever interface the routing table says.
func sourceOf(oob []byte) []byte {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range msgs {
		switch {
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= 16:
			return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: [16]byte(m.Data[:16])})
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= 12:
			return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: [4]byte(m.Data[8:12])})
		}
	}
	return nil
}

// ListenHTTP opens a server at ADDR:PORT in the network namespace of the
// calling thread. Every path answers 200 with the given body.
func ListenHTTP(address, body string) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on http %s: %w", address, err)
	}
	return &Server{local: addrPortOf(l.Addr()), run: func(ctx context.Context) error {
		return serveHTTP(ctx, l, body)
	}}, nil
}

func serveHTTP(ctx context.Context, l net.Listener, body string) error {
	srv := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if who, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
				w.Header().Set(seenHeader, unmap(who).String())
			}
			_, _ = io.WriteString(w, body)
		}),
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	return unlessEnded(ctx, srv.Serve(l))
}
