package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Flow is a conversation with a Server (or, for ICMP, with any host) that stays
// open: the same addresses and ports every time it is asked whether it is still
// alive. It shows what happens to established traffic when rules change.
//
// A TCP flow that was silent for a while needs until the kernel's next
// retransmission to come back; give Ping a generous timeout after a cut.
type Flow struct {
	conn   *conn
	stream bool   // TCP: lines in a byte stream
	echo   bool   // ICMP: echo requests
	raw    bool   // ICMP on a raw socket: IPv4 header in front, everybody's replies
	ident  uint16 // echo identifier of a raw flow; ping sockets choose their own

	mu   sync.Mutex // one question at a time
	seq  uint16
	rest []byte // stream bytes after the last whole line
}

// OpenTCP connects to a Server at HOST:PORT and keeps the connection.
// A connection that is not established is an error that says the verdict.
func OpenTCP(ctx context.Context, hostport string, o Options) (*Flow, error) {
	peer, err := resolve(ctx, hostport, o)
	if err != nil {
		return nil, err
	}
	c, r, err := connectTCP(ctx, peer, o)
	if err != nil {
		return nil, err
	}
	if r.Verdict != Answered {
		return nil, fmt.Errorf("open TCP flow to %s: %v", peer, r)
	}
	return &Flow{conn: c, stream: true}, nil
}

// OpenUDP fixes a source port towards a Server at HOST:PORT. Nothing is sent
// before the first Ping.
func OpenUDP(ctx context.Context, hostport string, o Options) (*Flow, error) {
	return openUDP(ctx, hostport, o)
}

func openUDP(ctx context.Context, hostport string, o Options) (*Flow, error) {
	peer, err := resolve(ctx, hostport, o)
	if err != nil {
		return nil, err
	}
	c, err := open(peer, unix.SOCK_DGRAM, unix.IPPROTO_UDP, o)
	if err != nil {
		return nil, notSent("open UDP socket", err)
	}
	if _, err := c.Connect(ctx, sockaddr(peer)); err != nil {
		c.Close()
		return nil, notSent("connect to "+peer.String(), err)
	}
	return &Flow{conn: c}, nil
}

// OpenICMP fixes an echo identifier towards HOST. Nothing is sent before the
// first Ping.
func OpenICMP(ctx context.Context, host string, o Options) (*Flow, error) {
	return openICMP(ctx, host, o)
}

func openICMP(ctx context.Context, host string, o Options) (*Flow, error) {
	addr, err := resolveHost(ctx, host, o)
	if err != nil {
		return nil, err
	}
	peer, proto := netip.AddrPortFrom(addr, 0), unix.IPPROTO_ICMP
	if addr.Is6() {
		proto = unix.IPPROTO_ICMPV6
	}
	f := &Flow{echo: true, ident: binary.BigEndian.Uint16(nonce())}
	f.conn, err = open(peer, unix.SOCK_DGRAM, proto, o)
	if err != nil {
		f.raw = true
		f.conn, err = open(peer, unix.SOCK_RAW, proto, o)
	}
	if err != nil {
		return nil, notSent("open ICMP socket", err)
	}
	if _, err := f.conn.Connect(ctx, sockaddr(peer)); err != nil {
		f.conn.Close()
		return nil, notSent("connect to "+addr.String(), err)
	}
	return f, nil
}

// Ping asks whether the conversation is still alive and waits at most timeout
// for the answer to this very question: late answers to earlier ones are
// skipped.
func (f *Flow) Ping(ctx context.Context, timeout time.Duration) (Result, error) {
	return f.ask(ctx, nonce8(), timeout)
}

// nonce8 is printable, because TCP flows speak in lines.
func nonce8() []byte {
	return []byte(fmt.Sprintf("%x", nonce()[:8]))
}

// Local is the flow's own end.
func (f *Flow) Local() netip.AddrPort {
	sa, err := f.conn.Getsockname()
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPort(sa)
}

// Close ends the conversation.
func (f *Flow) Close() error { return f.conn.hangUp() }

// ask sends a payload and waits for what answers it. When a router on the way
// has asked for smaller packets the question is sent again: the first time in
// fragments that fit, and then once more in a while, because the other end may
// have to learn the same about its answer.
func (f *Flow) ask(ctx context.Context, payload []byte, timeout time.Duration) (Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	mtu, began := 0, time.Now()
	for {
		sent, wait := time.Now(), timeout
		if mtu > 0 {
			wait = askAgain
		}
		r, err := f.once(ctx, payload, wait)
		if err == nil {
			r.Verdict, r.From, r.RTT, r.MTU = Answered, f.conn.peer.Addr(), time.Since(sent), mtu
			return r, nil
		}
		r, again, fail := f.conn.judge(err, sent)
		switch {
		case fail != nil:
			return r, notSent("send to "+f.conn.peer.String(), fail)
		case again:
			mtu = r.MTU
		case r.Verdict == Silent && mtu > 0 && time.Since(began) < timeout && ctx.Err() == nil:
		default:
			r.MTU = mtu
			return r, nil
		}
	}
}

// askAgain is the pause between two questions once the path MTU was learned.
const askAgain = 200 * time.Millisecond

// once sends and awaits. The time of silence begins when the question has left,
// so that a busy machine does not count its own delay as silence.
func (f *Flow) once(ctx context.Context, payload []byte, wait time.Duration) (Result, error) {
	if err := f.send(ctx, payload); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return f.await(ctx, payload)
}

func (f *Flow) send(ctx context.Context, payload []byte) error {
	switch {
	case f.echo:
		payload = echo(f.conn.peer.Addr(), f.ident, f.seq, payload)
	case f.stream:
		payload = append(bytes.Clone(payload), '\n')
	}
	for len(payload) > 0 {
		n, err := f.conn.Sendmsg(ctx, payload, nil, nil, unix.MSG_NOSIGNAL)
		if err != nil {
			return err
		}
		if !f.stream {
			return nil
		}
		payload = payload[n:]
	}
	return nil
}

// await returns the first answer to payload, and skips everything else.
func (f *Flow) await(ctx context.Context, payload []byte) (Result, error) {
	buf := make([]byte, 1<<16)
	for {
		if f.stream {
			if r, ok := f.line(payload); ok {
				return r, nil
			}
		}
		n, ttl, err := f.conn.recv(ctx, buf)
		if err != nil {
			return Result{}, err
		}
		switch {
		case f.stream && n == 0:
			return Result{}, unix.ECONNRESET
		case f.stream:
			f.rest = append(f.rest, buf[:n]...)
		case f.echo:
			if f.isReply(buf[:n], payload) {
				return Result{TTL: ttl, Body: bytes.Clone(payload)}, nil
			}
		default:
			if r, ok := answer(buf[:n], payload); ok {
				r.TTL = ttl
				return r, nil
			}
		}
	}
}

// line takes whole lines from the stream until one answers payload.
func (f *Flow) line(payload []byte) (Result, bool) {
	for {
		line, rest, ok := bytes.Cut(f.rest, []byte("\n"))
		if !ok {
			return Result{}, false
		}
		f.rest = rest
		if r, ok := answer(line, payload); ok {
			return r, true
		}
	}
}

// answer reads "ADDR:PORT payload", which is what a Server says. A datagram or
// line in any other form is some other server's answer and counts as it is.
func answer(msg, payload []byte) (Result, bool) {
	who, said, ok := bytes.Cut(msg, []byte(" "))
	if ok {
		if seen, err := netip.ParseAddrPort(string(who)); err == nil {
			return Result{Seen: seen, Body: bytes.Clone(said)}, bytes.Equal(said, payload)
		}
	}
	return Result{Body: bytes.Clone(msg)}, true
}

// isReply says whether an ICMP message is the echo reply to the flow's latest
// question.
func (f *Flow) isReply(msg, payload []byte) bool {
	reply := byte(0)
	if f.conn.peer.Addr().Is6() {
		reply = 129
	} else if f.raw && len(msg) >= 20 {
		msg = msg[min(len(msg), int(msg[0]&0xf)*4):]
	}
	if len(msg) < 8 || msg[0] != reply || binary.BigEndian.Uint16(msg[6:]) != f.seq {
		return false
	}
	if f.raw && binary.BigEndian.Uint16(msg[4:]) != f.ident {
		return false
	}
	return bytes.Equal(msg[8:], payload)
}

// String names the flow for messages.
func (f *Flow) String() string {
	kind := "udp"
	switch {
	case f.stream:
		kind = "tcp"
	case f.echo:
		kind = "icmp"
	}
	return kind + " flow from port " + strconv.Itoa(int(f.Local().Port())) + " to " + f.conn.peer.String()
}
