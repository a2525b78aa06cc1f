package space

import (
	"fmt"
	"net/netip"
	"strconv"
)

// Packet is one point of header space: the fields that gates look at.
type Packet struct {
	Src, Dst netip.Addr
	Protocol uint8
	// SrcPort and DstPort are the ports of TCP and UDP. An ICMP message has its
	// type and code in DstPort, as ICMPPort makes it, and its identifier in
	// SrcPort: what rules look at is then one field for every protocol.
	SrcPort, DstPort uint16
}

func (p Packet) String() string {
	return fmt.Sprintf("%v > %v protocol %d ports %d > %d", p.Src, p.Dst, p.Protocol, p.SrcPort, p.DstPort)
}

// ICMPPort is the DstPort of an ICMP message.
func ICMPPort(kind, code uint8) uint16 { return uint16(kind)<<8 | uint16(code) }

// Box is the product of one range of each field.
type Box struct {
	Src, Dst         Addrs
	Protocol         Protocols
	DstPort, SrcPort Ports
}

// Addrs is a range of addresses of one family, inclusive. The zero Addrs is
// every address of the family of the Box's other range, or of both families
// when that is zero too.
type Addrs struct{ From, To netip.Addr }

// Protocols is a range of protocol numbers, inclusive.
type Protocols struct{ From, To uint8 }

// Ports is a range of ports, inclusive.
type Ports struct{ From, To uint16 }

// The ranges that exclude nothing.
var (
	AnyProtocol = Protocols{0, 255}
	AnyPort     = Ports{0, 65535}
)

// All is the Box of every packet.
var All = Box{Protocol: AnyProtocol, DstPort: AnyPort, SrcPort: AnyPort}

// In is the range of a prefix; its host bits don't matter.
func In(p netip.Prefix) Addrs {
	p = p.Masked()
	if p.Addr().Is4() {
		b := p.Addr().As4()
		for bit := p.Bits(); bit < 32; bit++ {
			b[bit/8] |= 0x80 >> (bit % 8)
		}
		return Addrs{p.Addr(), netip.AddrFrom4(b)}
	}
	b := p.Addr().As16()
	for bit := p.Bits(); bit < 128; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return Addrs{p.Addr(), netip.AddrFrom16(b)}
}

// Only is the range of one address.
func Only(a netip.Addr) Addrs { return Addrs{a, a} }

// OnlyProtocol is the range of one protocol.
func OnlyProtocol(p uint8) Protocols { return Protocols{p, p} }

// OnlyPort is the range of one port.
func OnlyPort(p uint16) Ports { return Ports{p, p} }

// Has reports whether a is in the range.
func (r Addrs) Has(a netip.Addr) bool {
	return r.From.BitLen() == a.BitLen() && r.To.BitLen() == a.BitLen() && r.From.Compare(a) <= 0 && a.Compare(r.To) <= 0
}

func (r Addrs) String() string {
	if r == (Addrs{}) {
		return "any"
	}
	if r.From == r.To {
		return r.From.String()
	}
	if p, ok := r.prefix(); ok {
		return p.String()
	}
	return r.From.String() + "-" + r.To.String()
}

// prefix is the range as a prefix, if it is one.
func (r Addrs) prefix() (netip.Prefix, bool) {
	for bits := r.From.BitLen(); bits >= 0; bits-- {
		p := netip.PrefixFrom(r.From, bits)
		if p.Masked().Addr() != r.From {
			break
		}
		if In(p) == r {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

func (r Protocols) String() string {
	switch {
	case r == AnyProtocol:
		return "any"
	case r.From == r.To:
		return strconv.Itoa(int(r.From))
	}
	return fmt.Sprintf("%d-%d", r.From, r.To)
}

func (r Ports) String() string {
	switch {
	case r == AnyPort:
		return "any"
	case r.From == r.To:
		return strconv.Itoa(int(r.From))
	}
	return fmt.Sprintf("%d-%d", r.From, r.To)
}

func (b Box) String() string {
	return fmt.Sprintf("%v > %v protocol %v ports %v > %v", b.Src, b.Dst, b.Protocol, b.SrcPort, b.DstPort)
}
