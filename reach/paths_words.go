package reach

import (
	"fmt"
	"net/netip"
	"strings"

	"tombolo/network"
	"tombolo/reach/space"
)

// Words is what a Set of packets allows, whoever they are between, for a person:
// "icmp echo, tcp 80 and 443-445", or "everything but tcp 22". Ports are those of
// the destination; where it matters which port a client has, that is said. ICMP
// messages that have no answer are not mentioned beside what has.
func Words(s space.Set) string {
	var boxes []space.Box
	for b := range s.All() {
		boxes = append(boxes, b)
	}
	services := space.ServicesOf(boxes...)
	if !services.Contains(space.Packet{Protocol: unassigned}) {
		return list(worthSaying(services))
	}
	// What no rule names is there, so that it is shorter to say what is not.
	but := space.EveryService().Subtract(services)
	if but.Empty() {
		return "everything"
	}
	return "everything but " + list(but)
}

// worthSaying leaves out what has no answer, if something has.
func worthSaying(s space.Services) space.Services {
	out := s
	for _, p := range []network.Protocol{network.ICMP, network.ICMPv6} {
		if all := space.ServicesOf(matched(p, network.AnyPort)); !all.Subtract(s).Empty() {
			out = out.Subtract(unanswered().Intersect(all))
		}
	}
	if out.Empty() {
		return s
	}
	return out
}

// unassigned is a protocol that only rules for all protocols cover (IANA: Assigned
// Internet Protocol Numbers).
const unassigned = 252

// list names services one protocol after the other.
func list(s space.Services) string {
	var out []string
	for protocols, boxes := range byProtocol(s) {
		out = append(out, strings.TrimSpace(protocolWord(protocols)+" "+portWords(protocols, boxes)))
	}
	if out == nil {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

// byProtocol gives the boxes of each range of protocols.
func byProtocol(s space.Services) func(func(space.Protocols, []space.Box) bool) {
	return func(yield func(space.Protocols, []space.Box) bool) {
		// Both families say the same of services: one is enough.
		var boxes []space.Box
		for b := range s.Between(anyFour, anyFour).All() {
			if len(boxes) > 0 && boxes[0].Protocol != b.Protocol {
				if !yield(boxes[0].Protocol, boxes) {
					return
				}
				boxes = nil
			}
			boxes = append(boxes, b)
		}
		if len(boxes) > 0 {
			yield(boxes[0].Protocol, boxes)
		}
	}
}

var anyFour = space.In(netip.MustParsePrefix("0.0.0.0/0"))

func protocolWord(p space.Protocols) string {
	if p.From != p.To {
		return "protocols " + p.String()
	}
	switch network.Protocol(p.From) {
	case network.TCP:
		return "tcp"
	case network.UDP:
		return "udp"
	case network.ICMP:
		return "icmp"
	case network.ICMPv6:
		return "icmpv6"
	}
	return "protocol " + p.String()
}

// portWords are the destination's ports, or the types of ICMP messages; "" is all.
func portWords(p space.Protocols, boxes []space.Box) string {
	icmp := p.From == p.To && (network.Protocol(p.From) == network.ICMP || network.Protocol(p.From) == network.ICMPv6)
	var out []string
	for i := 0; i < len(boxes); {
		to, word := boxes[i].DstPort, boxes[i].DstPort.String()
		switch {
		case to == space.AnyPort:
			word = ""
		case icmp:
			word = icmpWord(network.Protocol(p.From), to)
		}
		var clients []string
		for ; i < len(boxes) && boxes[i].DstPort == to; i++ {
			if boxes[i].SrcPort != space.AnyPort {
				clients = append(clients, boxes[i].SrcPort.String())
			}
		}
		if clients != nil {
			word = strings.TrimSpace(word + " from client ports " + strings.Join(clients, "+"))
		}
		out = append(out, word)
	}
	if len(out) == 1 {
		return out[0]
	}
	return strings.Join(out[:len(out)-1], ", ") + " and " + out[len(out)-1]
}

func icmpWord(p network.Protocol, r space.Ports) string {
	echo := uint8(echoRequest)
	if p == network.ICMPv6 {
		echo = echoRequest6
	}
	first, last := uint8(r.From>>8), uint8(r.To>>8)
	switch {
	case first == echo && last == echo:
		return "echo"
	case first == last && uint8(r.From) == 0 && uint8(r.To) == 255:
		return fmt.Sprintf("type %d", first)
	case first == last && r.From == r.To:
		return fmt.Sprintf("type %d code %d", first, uint8(r.From))
	case first == last:
		return fmt.Sprintf("type %d codes %d-%d", first, uint8(r.From), uint8(r.To))
	}
	return fmt.Sprintf("types %d-%d", first, last)
}
