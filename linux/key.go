package linux

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"tombolo/network"
)

// key builds a set's key the way nftables keeps it: every field padded with
// zeros to four bytes, numbers that come from packets in network order, numbers
// of the kernel's own (link indices, marks) in the machine's.
type key []byte

func (k key) own(n uint32) key      { return binary.NativeEndian.AppendUint32(k, n) }
func (k key) proto(n uint8) key     { return append(k, n, 0, 0, 0) }
func (k key) service(n uint16) key  { return append(k, byte(n>>8), byte(n), 0, 0) }
func (k key) addr(a netip.Addr) key { return append(k, a.AsSlice()...) }
func (k key) mac(m network.MAC) key { return append(append(k, m[:]...), 0, 0) }

// text is the element in nft's syntax; fields are the set's.
func (e Element) text(s Set) string {
	var out []string
	at := 0
	for _, t := range s.Fields {
		n := min((t.Bytes()+3)&^3, len(e.Lo)-at) // a single field is not padded
		lo := e.Lo[at : at+n]
		v := t.value(lo)
		if e.Hi != "" && e.Hi[at:at+n] != lo {
			v = t.span(lo, e.Hi[at:at+n])
		}
		out = append(out, v)
		at += n
	}
	text := strings.Join(out, " . ")
	if e.Note != "" {
		text += fmt.Sprintf(" comment %q", e.Note)
	}
	switch s.Data {
	case VerdictData:
		text += " : " + e.Verdict.String()
	case MarkData:
		text += fmt.Sprintf(" : %#x", e.Mark)
	case HopsData:
		text += fmt.Sprintf(" : %d", e.Mark)
	}
	return text
}

// value is the text of one encoded value.
func (t Type) value(b string) string {
	raw := []byte(b)
	switch t {
	case PortType:
		return fmt.Sprint(binary.NativeEndian.Uint32(raw))
	case MarkType:
		return fmt.Sprintf("%#x", binary.NativeEndian.Uint32(raw))
	case MACType:
		return network.MAC(raw[:6]).String()
	case Addr4Type, Addr6Type:
		a, _ := netip.AddrFromSlice(raw)
		return a.String()
	case ProtoType:
		return protocolText(raw[0])
	case ServiceType:
		return fmt.Sprint(binary.BigEndian.Uint16(raw))
	}
	return fmt.Sprint(raw[0])
}

// span is the text of an interval: a prefix where it is one.
func (t Type) span(lo, hi string) string {
	if t == Addr4Type || t == Addr6Type {
		a, _ := netip.AddrFromSlice([]byte(lo))
		b, _ := netip.AddrFromSlice([]byte(hi))
		if p, ok := (span{a, b}).prefix(); ok {
			return p.String()
		}
	}
	if t == ProtoType {
		return fmt.Sprintf("%d-%d", lo[0], hi[0])
	}
	return t.value(lo) + "-" + t.value(hi)
}

func nativeUint32(b string) uint32 { return binary.NativeEndian.Uint32([]byte(b)) }
