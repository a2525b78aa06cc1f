package testnet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// SendIP sends packets, complete from the IP header on, by the host's own
// routes and neighbours. The kernel does not look at their source addresses.
func (h *Host) SendIP(dst netip.Addr, packets ...[]byte) error {
	return h.Do(func() error {
		family, sa := unix.AF_INET, unix.Sockaddr(nil)
		if dst.Is4() {
			sa = &unix.SockaddrInet4{Addr: dst.As4()}
		} else {
			// IPPROTO_RAW implies that the header is included, in both families.
			family, sa = unix.AF_INET6, &unix.SockaddrInet6{Addr: dst.As16()}
		}
		fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return fmt.Errorf("open raw socket: %w", err)
		}
		defer unix.Close(fd)
		for _, p := range packets {
			if err := unix.Sendto(fd, p, 0, sa); err != nil {
				return fmt.Errorf("send raw packet to %v: %w", dst, err)
			}
		}
		return nil
	})
}

// SendFrame sends one frame, complete from the Ethernet header on, out of a
// link of the host.
func (h *Host) SendFrame(link string, frame []byte) error {
	return h.Do(func() error {
		ifi, err := net.InterfaceByName(link)
		if err != nil {
			return fmt.Errorf("find link %s: %w", link, err)
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open packet socket: %w", err)
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: ifi.Index, Halen: 6})
	})
}

// Frame is an Ethernet frame.
func Frame(dst, src net.HardwareAddr, etherType uint16, payload []byte) []byte {
	b := append(bytes.Clone(dst), src...)
	b = binary.BigEndian.AppendUint16(b, etherType)
	return append(b, payload...)
}

// Resolve asks on a link who has target, by ARP or neighbour discovery, as a
// host with address src would, and returns the hardware address that answers.
// No answer before ctx ends is ok == false.
func (h *Host) Resolve(ctx context.Context, link string, src, target netip.Addr) (mac net.HardwareAddr, ok bool, err error) {
	var ifi *net.Interface
	s, err := In(h, func() (*socket.Conn, error) {
		var err error
		if ifi, err = net.InterfaceByName(link); err != nil {
			return nil, fmt.Errorf("find link %s: %w", link, err)
		}
		return packetSocket(ifi.Index)
	})
	if err != nil {
		return nil, false, err
	}
	defer s.Close()
	frame, answers := whoHas(ifi.HardwareAddr, src, target)
	if err := h.SendFrame(link, frame); err != nil {
		return nil, false, err
	}
	buf := make([]byte, 2048)
	for {
		n, from, err := s.Recvfrom(ctx, buf, 0)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("await neighbour %v: %w", target, err)
		}
		sa, isLink := from.(*unix.SockaddrLinklayer)
		if !isLink || sa.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		if mac, ok := answers(parse(ntohs(sa.Protocol), bytes.Clone(buf[:n]))); ok {
			return mac, true, nil
		}
	}
}

// whoHas is the question, and a function that knows its answer.
func whoHas(mac net.HardwareAddr, src, target netip.Addr) ([]byte, func(Seen) (net.HardwareAddr, bool)) {
	if target.Is4() {
		arp := []byte{0, 1, 8, 0, 6, 4, 0, 1}
		arp = append(append(arp, mac...), src.AsSlice()...)
		arp = append(append(arp, make([]byte, 6)...), target.AsSlice()...)
		broadcast := net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		return Frame(broadcast, mac, 0x0806, arp), func(s Seen) (net.HardwareAddr, bool) {
			if s.EtherType != 0x0806 || len(s.Raw) < 28 || s.Raw[7] != 2 || s.Src != target {
				return nil, false
			}
			return net.HardwareAddr(s.Raw[8:14]), true
		}
	}
	// RFC 4861 §4.3: to the solicited-node group of the target, hop limit 255,
	// with our link-layer address as an option.
	t := target.As16()
	group := [16]byte{0: 0xff, 1: 0x02, 11: 0x01, 12: 0xff, 13: t[13], 14: t[14], 15: t[15]}
	body := append(bytes.Clone(t[:]), 1, 1)
	body = append(body, mac...)
	ns := Packet{Src: src, Dst: netip.AddrFrom16(group), Proto: ProtoICMPv6, Type: 135, TTL: 255, Payload: body}
	raw := ns.Bytes()
	// The four bytes after the checksum are reserved, not an echo's numbers.
	clear(raw[44:48])
	binary.BigEndian.PutUint16(raw[42:], 0)
	binary.BigEndian.PutUint16(raw[42:], checksum(raw[40:], ns.pseudoHeader(len(raw)-40)))
	dst := net.HardwareAddr{0x33, 0x33, 0xff, t[13], t[14], t[15]}
	return Frame(dst, mac, 0x86dd, raw), func(s Seen) (net.HardwareAddr, bool) {
		if s.Proto != ProtoICMPv6 || s.Type != 136 || len(s.Raw) < 64 || netip.AddrFrom16([16]byte(s.Raw[48:64])) != target {
			return nil, false
		}
		if len(s.Raw) >= 72 && s.Raw[64] == 2 {
			return net.HardwareAddr(s.Raw[66:72]), true
		}
		return nil, true
	}
}
