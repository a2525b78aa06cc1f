package reach

import (
	"net/netip"

	"tombolo/network"
)

// Flow is one question: does a packet of this kind get from here to there, and
// its answer back?
type Flow struct {
	Source     network.ENIID
	SourceAddr netip.Addr // zero: the interface's first address of the family in question

	// Destination is the interface that shall be reached; "" is whichever the
	// network leads to DestinationAddr, which may lie outside every VPC.
	Destination     network.ENIID
	DestinationAddr netip.Addr // zero: Destination's first address of the family in question

	Protocol network.Protocol // 0 to 255
	Port     uint16           // the destination's, of TCP and UDP
	// SourcePort is 0 for a client of which nothing is known: the way must then be
	// open for every port that Linux takes one from (see Ephemeral).
	SourcePort uint16
	// ICMPType and ICMPCode are those of the request; Ping makes a Flow of an echo.
	ICMPType, ICMPCode uint8
}

// Ephemeral are the ports from which Linux clients take theirs
// (AWS: Network ACLs, Ephemeral ports).
var Ephemeral = network.PortRange{From: 32768, To: 60999}

// ICMP types that ask, and their answers (RFC 792, RFC 950, RFC 4443).
const (
	echoReply, echoRequest   = 0, 8
	timeRequest, timeReply   = 13, 14
	maskRequest, maskReply   = 17, 18
	echoRequest6, echoReply6 = 128, 129
)

// Ping is the flow of an echo request between two interfaces, in IPv4 when both
// have it, else in IPv6.
func Ping(s network.State, from, to network.ENIID) Flow {
	a, b := s.ENI(from), s.ENI(to)
	if a != nil && b != nil && (len(a.Addrs) == 0 || len(b.Addrs) == 0) {
		return Flow{Source: from, Destination: to, Protocol: network.ICMPv6, ICMPType: echoRequest6}
	}
	return Flow{Source: from, Destination: to, Protocol: network.ICMP, ICMPType: echoRequest}
}

// Header is what gates see of a packet. SourcePorts is one port, or all those
// that a client may have; of ICMP the destination's From is the type and To the
// code, as in rules.
type Header struct {
	Source, Destination netip.Addr
	Protocol            network.Protocol
	SourcePorts         network.PortRange
	DestinationPorts    network.PortRange
}

// Direction is the side of a component that a packet meets.
type Direction uint8

// The directions, seen from the interface or subnet concerned.
const (
	NoDirection Direction = iota // components without sides: routes, peerings
	Egress
	Ingress
)

func (d Direction) String() string { return [...]string{"", "egress", "ingress"}[d] }

// Way is which of the two packets of a Flow is meant.
type Way uint8

// The two packets.
const (
	_       Way = iota
	Request     // from the source to the destination
	Answer      // back
)

func (w Way) String() string { return [...]string{"", "request", "answer"}[w] }
