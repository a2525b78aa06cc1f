package testnet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// IP protocol numbers that tests speak of.
const (
	ProtoICMP   = 1
	ProtoTCP    = 6
	ProtoUDP    = 17
	ProtoICMPv6 = 58
)

// TCP flags of a Packet.
const (
	FlagFIN = 1 << iota
	FlagSYN
	FlagRST
	FlagPSH
	FlagACK
)

// Packet is an IP packet to be built: as well formed as its fields allow, and
// with a source address that nobody checks on the way out.
type Packet struct {
	Src, Dst netip.Addr
	Proto    uint8
	// SrcPort and DstPort serve TCP and UDP.
	SrcPort, DstPort uint16
	// Flags, Seq and Ack serve TCP.
	Flags    uint8
	Seq, Ack uint32
	// Type, Code and ID serve ICMP (ID: the first half of the rest-of-header
	// word, the identifier of an echo).
	Type, Code uint8
	ID         uint16
	// TTL is the time-to-live (hop limit); zero is 64.
	TTL uint8
	// DontFragment sets the flag of that name (IPv4).
	DontFragment bool
	Payload      []byte
}

// Bytes is the packet from its IP header on, with all checksums right.
func (p Packet) Bytes() []byte {
	return p.wrap(p.transport(), 0, false)
}

// Fragments is the packet in pieces of at most size bytes of IP payload, size
// being rounded down to a multiple of eight (RFC 791, RFC 8200).
func (p Packet) Fragments(size int) [][]byte {
	body, size := p.transport(), size/8*8
	var out [][]byte
	for at := 0; at < len(body); at += size {
		end := min(at+size, len(body))
		out = append(out, p.wrapFragment(body[at:end], at, end < len(body)))
	}
	return out
}

func (p Packet) transport() []byte {
	var b []byte
	sumAt := -1
	switch p.Proto {
	case ProtoTCP:
		b = make([]byte, 20)
		binary.BigEndian.PutUint32(b[4:], p.Seq)
		binary.BigEndian.PutUint32(b[8:], p.Ack)
		b[12], b[13] = 5<<4, p.Flags
		binary.BigEndian.PutUint16(b[14:], 65535)
		sumAt = 16
	case ProtoUDP:
		b = make([]byte, 8)
		binary.BigEndian.PutUint16(b[4:], uint16(8+len(p.Payload)))
		sumAt = 6
	case ProtoICMP, ProtoICMPv6:
		b = []byte{p.Type, p.Code, 0, 0, byte(p.ID >> 8), byte(p.ID), 0, 1}
		sumAt = 2
	}
	if p.Proto == ProtoTCP || p.Proto == ProtoUDP {
		binary.BigEndian.PutUint16(b[0:], p.SrcPort)
		binary.BigEndian.PutUint16(b[2:], p.DstPort)
	}
	b = append(b, p.Payload...)
	if sumAt >= 0 {
		sum := checksum(b, p.pseudoHeader(len(b)))
		if sum == 0 && p.Proto == ProtoUDP {
			sum = 0xffff // RFC 768: zero means "no checksum"
		}
		binary.BigEndian.PutUint16(b[sumAt:], sum)
	}
	return b
}

// pseudoHeader is the part of the transport checksum that covers addresses
// (RFC 768, RFC 8200 §8.1). ICMP for IPv4 has none.
func (p Packet) pseudoHeader(length int) uint32 {
	if p.Proto == ProtoICMP {
		return 0
	}
	sum := uint32(p.Proto) + uint32(length)
	for _, a := range []netip.Addr{p.Src, p.Dst} {
		b := a.AsSlice()
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	return sum
}

func checksum(b []byte, sum uint32) uint16 {
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

func (p Packet) ttl() uint8 {
	if p.TTL == 0 {
		return 64
	}
	return p.TTL
}

func (p Packet) wrap(body []byte, fragment uint16, hasExtension bool) []byte {
	if p.Dst.Is6() {
		b := make([]byte, 40, 40+len(body))
		b[0] = 6 << 4
		binary.BigEndian.PutUint16(b[4:], uint16(len(body)))
		b[6], b[7] = p.Proto, p.ttl()
		if hasExtension {
			b[6] = 44 // Fragment header
		}
		copy(b[8:], p.Src.AsSlice())
		copy(b[24:], p.Dst.AsSlice())
		return append(b, body...)
	}
	b := make([]byte, 20, 20+len(body))
	b[0] = 4<<4 | 5
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(body)))
	binary.BigEndian.PutUint16(b[4:], p.fragmentID())
	if p.DontFragment {
		fragment |= 1 << 14
	}
	binary.BigEndian.PutUint16(b[6:], fragment)
	b[8], b[9] = p.ttl(), p.Proto
	copy(b[12:], p.Src.AsSlice())
	copy(b[16:], p.Dst.AsSlice())
	binary.BigEndian.PutUint16(b[10:], checksum(b[:20], 0))
	return append(b, body...)
}

// fragmentID ties the pieces of one packet together; two packets of one test
// differ in their ports or their ID.
func (p Packet) fragmentID() uint16 {
	return p.SrcPort ^ p.DstPort<<3 ^ p.ID ^ uint16(p.Seq) | 1
}

func (p Packet) wrapFragment(piece []byte, at int, more bool) []byte {
	if p.Dst.Is4() {
		word := uint16(at / 8)
		if more {
			word |= 1 << 13
		}
		return p.wrap(piece, word, false)
	}
	ext := make([]byte, 8, 8+len(piece))
	ext[0] = p.Proto
	word := uint16(at)
	if more {
		word |= 1
	}
	binary.BigEndian.PutUint16(ext[2:], word)
	binary.BigEndian.PutUint32(ext[4:], uint32(p.fragmentID()))
	return p.wrap(append(ext, piece...), 0, true)
}

// Seen is a captured packet, read as far as tests ask.
type Seen struct {
	// Interface is the index of the link that it was seen on.
	Interface int
	// Outgoing is set for a packet that the capturing host itself sent.
	Outgoing bool
	// EtherType is 0x0800, 0x86dd, 0x0806 …
	EtherType uint16
	// Src and Dst are the IP addresses, or those of an ARP message's sender
	// and target.
	Src, Dst         netip.Addr
	Proto            uint8
	SrcPort, DstPort uint16
	// Flags are TCP's; Type and Code ICMP's.
	Flags, Type, Code uint8
	TTL               uint8
	// Fragment is set for every piece of a fragmented packet.
	Fragment bool
	// Raw is everything behind the link header.
	Raw []byte
}

// String is one line like tcpdump's.
func (s Seen) String() string {
	switch {
	case s.EtherType == 0x0806:
		return fmt.Sprintf("if%d ARP %v asks or tells %v", s.Interface, s.Src, s.Dst)
	case s.Proto == ProtoTCP || s.Proto == ProtoUDP:
		return fmt.Sprintf("if%d proto %d %v:%d > %v:%d flags %#x ttl %d len %d", s.Interface, s.Proto, s.Src, s.SrcPort, s.Dst, s.DstPort, s.Flags, s.TTL, len(s.Raw))
	case s.Proto == ProtoICMP || s.Proto == ProtoICMPv6:
		return fmt.Sprintf("if%d proto %d %v > %v type %d code %d ttl %d len %d", s.Interface, s.Proto, s.Src, s.Dst, s.Type, s.Code, s.TTL, len(s.Raw))
	}
	return fmt.Sprintf("if%d %#04x proto %d %v > %v len %d", s.Interface, s.EtherType, s.Proto, s.Src, s.Dst, len(s.Raw))
}

// parse reads what follows the link header. A packet too short for its own
// claims keeps zero fields.
func parse(etherType uint16, b []byte) Seen {
	s := Seen{EtherType: etherType, Raw: b}
	switch {
	case etherType == 0x0806 && len(b) >= 28:
		s.Src, s.Dst = netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28]))
	case etherType == 0x0800 && len(b) >= 20:
		s.Src, s.Dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		s.TTL, s.Proto = b[8], b[9]
		word := binary.BigEndian.Uint16(b[6:])
		s.Fragment = word&0x3fff != 0
		if word&0x1fff == 0 {
			s.parseTransport(b[min(len(b), int(b[0]&0xf)*4):])
		}
	case etherType == 0x86dd && len(b) >= 40:
		s.Src, s.Dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		s.Proto, s.TTL = b[6], b[7]
		body := b[40:]
		first := true
		if s.Proto == 44 && len(body) >= 8 {
			s.Fragment, s.Proto = true, body[0]
			first = binary.BigEndian.Uint16(body[2:])&0xfff8 == 0
			body = body[8:]
		}
		if first {
			s.parseTransport(body)
		}
	}
	return s
}

func (s *Seen) parseTransport(b []byte) {
	switch {
	case s.Proto == ProtoTCP && len(b) >= 14:
		s.Flags = b[13]
		fallthrough
	case s.Proto == ProtoUDP && len(b) >= 8:
		s.SrcPort, s.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case (s.Proto == ProtoICMP || s.Proto == ProtoICMPv6) && len(b) >= 2:
		s.Type, s.Code = b[0], b[1]
	}
}
