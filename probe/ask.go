package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// TCP connects to HOST:PORT. With a payload it also asks a line and waits for
// the answer, so that a path which carries the handshake alone is found out.
func TCP(ctx context.Context, hostport string, o Options) (Result, error) {
	peer, err := resolve(ctx, hostport, o)
	if err != nil {
		return Result{}, err
	}
	c, r, err := connectTCP(ctx, peer, o)
	if err != nil || r.Verdict != Answered {
		return r, err
	}
	defer func() { _ = c.hangUp() }()
	if len(o.Payload) == 0 {
		return r, nil
	}
	f := &Flow{conn: c, stream: true}
	return f.ask(ctx, bytes.TrimSuffix(o.Payload, []byte("\n")), o.timeout())
}

// connectTCP leaves the connection open when the verdict is Answered.
func connectTCP(ctx context.Context, peer netip.AddrPort, o Options) (*conn, Result, error) {
	c, err := open(peer, unix.SOCK_STREAM, unix.IPPROTO_TCP, o)
	if err != nil {
		return nil, Result{}, notSent("open TCP socket", err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout())
	defer cancel()
	sent := time.Now()
	if _, err := c.Connect(ctx, sockaddr(peer)); err != nil {
		defer c.Close()
		r, _, fail := c.judge(err, sent)
		if fail != nil {
			return nil, r, notSent("connect to "+peer.String(), fail)
		}
		return nil, r, nil
	}
	return c, Result{Verdict: Answered, From: peer.Addr(), RTT: time.Since(sent)}, nil
}

// UDP sends one datagram to HOST:PORT and waits for one back.
func UDP(ctx context.Context, hostport string, o Options) (Result, error) {
	f, err := openUDP(ctx, hostport, o)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	payload := o.Payload
	if len(payload) == 0 {
		payload = []byte("tombolo")
	}
	return f.ask(ctx, payload, o.timeout())
}

// ICMP sends one echo request to HOST and waits for its reply. It prefers the
// kernel's unprivileged ping socket (net.ipv4.ping_group_range) and falls back
// to a raw one.
func ICMP(ctx context.Context, host string, o Options) (Result, error) {
	f, err := openICMP(ctx, host, o)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	payload := o.Payload
	if len(payload) == 0 {
		payload = nonce()
	}
	return f.ask(ctx, payload, o.timeout())
}

// nonce keeps two probes of one host from taking each other's replies: a raw
// socket sees the replies to everybody.
func nonce() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, by its documentation
	return b
}

// echo is an ICMP or ICMPv6 echo request. Ping sockets overwrite the identifier
// and the checksum; for raw IPv4 the checksum is ours to make, for raw ICMPv6
// the kernel's.
func echo(peer netip.Addr, id, seq uint16, payload []byte) []byte {
	typ := byte(8)
	if peer.Is6() {
		typ = 128
	}
	b := append([]byte{typ, 0, 0, 0, 0, 0, 0, 0}, payload...)
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], seq)
	if peer.Is4() {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	return b
}

// checksum is the Internet checksum of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
