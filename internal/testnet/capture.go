package testnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"testing"

	"github.com/mdlayher/socket"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Capture sees every packet that passes any link of a namespace, those made
// after it began included. It runs no goroutine: packets wait in the socket
// until somebody looks.
type Capture struct {
	socket *socket.Conn
	match  func(Seen) bool
	lost   uint32
}

// Capture starts to record what match likes (nil: everything) on every link of
// the host, and stops when the test ends.
func (h *Host) Capture(t testing.TB, match func(Seen) bool) *Capture {
	t.Helper()
	c, err := h.Watch(match)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Watch is Capture for callers who close it themselves.
func (h *Host) Watch(match func(Seen) bool) (*Capture, error) {
	return In(h, func() (*Capture, error) { return openCapture(match, nil) })
}

// openCapture captures in the calling thread's namespace.
func openCapture(match func(Seen) bool, filter []bpf.RawInstruction) (*Capture, error) {
	s, err := packetSocket(0)
	if err != nil {
		return nil, err
	}
	if filter != nil {
		if err := s.SetBPF(filter); err != nil {
			s.Close()
			return nil, fmt.Errorf("set capture filter: %w", err)
		}
	}
	if match == nil {
		match = func(Seen) bool { return true }
	}
	return &Capture{socket: s, match: match}, nil
}

// packetSocket sees every packet of one link, or of all (index 0), from the
// network header on.
func packetSocket(index int) (*socket.Conn, error) {
	s, err := socket.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, int(ntohs(unix.ETH_P_ALL)), "capture", nil)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	if err := s.Bind(&unix.SockaddrLinklayer{Protocol: ntohs(unix.ETH_P_ALL), Ifindex: index}); err != nil {
		s.Close()
		return nil, fmt.Errorf("bind packet socket: %w", err)
	}
	// Root may have more than the limit, a user namespace gets the limit.
	if s.SetsockoptInt(unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20) != nil {
		_ = s.SetReadBuffer(16 << 20)
	}
	return s, nil
}

// ntohs: packet sockets keep protocol numbers in network order.
func ntohs(v uint16) uint16 { return bits.ReverseBytes16(v) }

// Packets takes what has been captured so far.
func (c *Capture) Packets() ([]Seen, error) {
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("read capture: %w", err)
	}
	var all []Seen
	var failed error
	buf := make([]byte, 1<<16)
	err = raw.Control(func(fd uintptr) {
		for {
			n, from, err := unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
			if err != nil {
				failed = err
				return
			}
			if s, ok := c.take(buf[:n], from); ok {
				all = append(all, s)
			}
		}
	})
	if err == nil && !errors.Is(failed, unix.EAGAIN) {
		err = failed
	}
	if err != nil {
		return all, fmt.Errorf("read capture: %w", err)
	}
	return all, c.checkLost()
}

// Next waits for one packet; ok is false when ctx ended first.
func (c *Capture) Next(ctx context.Context) (s Seen, ok bool, err error) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := c.socket.Recvfrom(ctx, buf, 0)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			return Seen{}, false, nil
		}
		if err != nil {
			return Seen{}, false, fmt.Errorf("read capture: %w", err)
		}
		if s, ok := c.take(buf[:n], from); ok {
			return s, true, nil
		}
	}
}

func (c *Capture) take(b []byte, from unix.Sockaddr) (Seen, bool) {
	sa, ok := from.(*unix.SockaddrLinklayer)
	if !ok {
		return Seen{}, false
	}
	s := parse(ntohs(sa.Protocol), bytes.Clone(b))
	s.Interface, s.Outgoing = sa.Ifindex, sa.Pkttype == unix.PACKET_OUTGOING
	return s, c.match(s)
}

// checkLost fails when the kernel had no room for a packet: a capture with
// holes proves nothing.
func (c *Capture) checkLost() error {
	stats, err := c.socket.GetsockoptTpacketStats(unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return fmt.Errorf("read capture statistics: %w", err)
	}
	if c.lost += stats.Drops; c.lost > 0 {
		return fmt.Errorf("capture lost %d packets", c.lost)
	}
	return nil
}

// Close stops the capture.
func (c *Capture) Close() error { return c.socket.Close() }

// touching is a filter program that keeps packets, ARP included, whose source or
// destination lies in one of the prefixes.
func touching(prefixes []netip.Prefix) ([]bpf.RawInstruction, error) {
	var v4, v6, arp []bpf.Instruction
	for _, p := range prefixes {
		if p.Addr().Is4() {
			for _, at := range []uint32{12, 16} {
				v4 = append(v4, keepIf(p, at)...)
			}
			for _, at := range []uint32{14, 24} {
				arp = append(arp, keepIf(p, at)...)
			}
			continue
		}
		for _, at := range []uint32{8, 24} {
			v6 = append(v6, keepIf(p, at)...)
		}
	}
	drop := bpf.RetConstant{Val: 0}
	v4, v6, arp = append(v4, drop), append(v6, drop), append(arp, drop)
	prog := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IP, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IPV6, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_ARP, SkipTrue: 3},
		drop,
		bpf.Jump{Skip: 2},
		bpf.Jump{Skip: uint32(1 + len(v4))},
		bpf.Jump{Skip: uint32(len(v4) + len(v6))},
	}
	prog = append(append(append(prog, v4...), v6...), arp...)
	return bpf.Assemble(prog)
}

// keepIf compares the address at an offset with a prefix, word by word, and
// keeps the packet if all agree.
func keepIf(p netip.Prefix, at uint32) []bpf.Instruction {
	addr := p.Masked().Addr().AsSlice()
	var words [][]bpf.Instruction
	for left, i := p.Bits(), 0; left > 0; left, i = left-32, i+4 {
		mask := uint32(0xffffffff)
		if left < 32 {
			mask <<= 32 - left
		}
		want := uint32(addr[i])<<24 | uint32(addr[i+1])<<16 | uint32(addr[i+2])<<8 | uint32(addr[i+3])
		words = append(words, []bpf.Instruction{
			bpf.LoadAbsolute{Off: at + uint32(i), Size: 4},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: want},
		})
	}
	var out []bpf.Instruction
	for i, w := range words {
		// To the instruction behind the final "keep".
		w[2] = bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: w[2].(bpf.JumpIf).Val, SkipTrue: uint8(3*(len(words)-i-1) + 1)}
		out = append(out, w...)
	}
	return append(out, bpf.RetConstant{Val: 1 << 16})
}
