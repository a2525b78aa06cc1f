package why

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tombolo/network"
	"tombolo/reach"
	"tombolo/reach/space"
)

// Path is everything that one interface can ask of another, as a document.
type Path struct {
	Source      End      `json:"source"`
	Destination End      `json:"destination"`
	Traffic     []string `json:"traffic"` // tcp/80, udp/5000-5100, icmp/8, any…
	Flows       []string `json:"flows"`   // the same, exactly: the boxes of header space
	Witness     string   `json:"witness"` // one packet that would get an answer
}

// Paths writes what the analyzer found.
func Paths(s network.State, paths []reach.Path) []Path {
	out := []Path{}
	for _, p := range paths {
		out = append(out, Path{Source: addressed(s, p.Source, p.Witness.SourceAddr.String()),
			Destination: addressed(s, p.Destination, p.Witness.DestinationAddr.String()),
			Traffic:     Traffic(p.Flows), Flows: boxes(p.Flows), Witness: packet(p.Witness)})
	}
	return out
}

func addressed(s network.State, id network.ENIID, address string) End {
	e := theEnd(s, id)
	e.Address = address
	return e
}

func packet(f reach.Flow) string {
	text := fmt.Sprintf("%s %s → %s", protocol(f.Protocol), f.SourceAddr, f.DestinationAddr)
	if f.Port != 0 {
		text += fmt.Sprintf(" port %d", f.Port)
	}
	return text
}

func boxes(set space.Set) []string {
	out := []string{}
	for b := range set.All() {
		out = append(out, b.String())
	}
	return out
}

// Traffic says of a set of packets which protocols and ports are in it, whatever
// their addresses: each once, in order.
func Traffic(set space.Set) []string {
	nowhere := space.Only(netip.IPv4Unspecified())
	var words []string
	for b := range space.ServicesOf(set.Boxes()...).Between(nowhere, nowhere).All() {
		if w := traffic(b); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// traffic says it of one box.
func traffic(b space.Box) string {
	every := space.Ports{From: 0, To: 65535}
	text := ""
	switch {
	case b.Protocol.From == 0 && b.Protocol.To == 255:
		text = "any"
	case b.Protocol.From != b.Protocol.To:
		return fmt.Sprintf("protocols %d-%d", b.Protocol.From, b.Protocol.To)
	default:
		text = protocol(network.Protocol(b.Protocol.From))
	}
	icmp := text == "icmp"
	switch {
	case b.DstPort == every:
	case icmp && b.DstPort.From == b.DstPort.To:
		text += fmt.Sprintf("/type %d code %d", b.DstPort.From>>8, b.DstPort.From&0xff)
	case icmp && b.DstPort.From&0xff == 0 && b.DstPort.To == b.DstPort.From|0xff:
		text += fmt.Sprintf("/type %d", b.DstPort.From>>8)
	case icmp:
		text += fmt.Sprintf("/types %d-%d", b.DstPort.From>>8, b.DstPort.To>>8)
	case b.DstPort.From == b.DstPort.To:
		text += fmt.Sprintf("/%d", b.DstPort.From)
	default:
		text += fmt.Sprintf("/%d-%d", b.DstPort.From, b.DstPort.To)
	}
	if b.SrcPort != every && !icmp {
		text += fmt.Sprintf(" from ports %d-%d", b.SrcPort.From, b.SrcPort.To)
	}
	return text
}

// Difference is what a change opened and closed between two interfaces, as a
// document.
type Difference struct {
	Source      End      `json:"source"`
	Destination End      `json:"destination"`
	Opened      []string `json:"opened"`
	Closed      []string `json:"closed"`
}

// Differences writes what the analyzer found; names come from the State in which
// the interface still is.
func Differences(before, after network.State, found []reach.Difference) []Difference {
	out := []Difference{}
	for _, d := range found {
		out = append(out, Difference{Source: either(before, after, d.Source), Destination: either(before, after, d.Destination),
			Opened: list(d.Opened), Closed: list(d.Closed)})
	}
	return out
}

func list(set space.Set) []string {
	if set.Empty() {
		return []string{}
	}
	return Traffic(set)
}

func either(before, after network.State, id network.ENIID) End {
	s := after
	if s.ENI(id) == nil {
		s = before
	}
	e := theEnd(s, id)
	if row := s.ENI(id); row != nil {
		var addrs []string
		for _, a := range row.AllAddrs() {
			addrs = append(addrs, a.String())
		}
		e.Address = strings.Join(addrs, ",")
	}
	return e
}
