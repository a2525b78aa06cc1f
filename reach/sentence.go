package reach

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"tombolo/network"
)

// Sentence says what the component decided, for a person.
func (h Hop) Sentence() string {
	switch h.Kind {
	case Instance:
		return "the instance is " + h.Status
	case Interface:
		switch {
		case h.Blocked && h.Status == "available":
			return "the interface is attached to nothing"
		case h.Blocked:
			return "the interface drops it"
		}
		return "the interface " + h.takes()
	case SecurityGroups:
		return h.groupSentence()
	case NetworkACL:
		return entrySentence(h.Entry)
	case RouteTable:
		return h.routeSentence()
	case Peering:
		if h.Blocked {
			return fmt.Sprintf("the peering carries only packets between the addresses of %s and %s", h.FromVPC, h.ToVPC)
		}
		return fmt.Sprintf("the peering is %s and leads to %s", h.Status, h.ToVPC)
	case Gateway:
		return "the gateway does not carry it: internet access is not supported yet"
	case VPC:
		return "the VPC does not deliver it to whom it is meant for"
	}
	return ""
}

func (h Hop) takes() string {
	if h.Direction == Egress {
		return "sends it"
	}
	return "takes it"
}

func (h Hop) groupSentence() string {
	switch {
	case h.Tracked:
		return "passes as the answer to what was let through"
	case h.Blocked:
		return "no rule allows it"
	}
	return fmt.Sprintf("rule %s allows %s", h.Rule.ID, RuleText(h.Rule.RuleSpec))
}

func (h Hop) routeSentence() string {
	switch {
	case h.Route.To == nil:
		return "no route to the destination"
	case !h.Active:
		return fmt.Sprintf("route %v to %s is a blackhole", h.Route.Dst, TargetText(h.Route.To))
	case h.Blocked:
		return fmt.Sprintf("route %v leads back", h.Route.Dst)
	}
	return fmt.Sprintf("route %v to %s", h.Route.Dst, TargetText(h.Route.To))
}

func entrySentence(e network.ACLEntry) string {
	if e.Number == 0 {
		return "entry * denies it: no other matches"
	}
	verb := "denies"
	if e.Allow {
		verb = "allows"
	}
	return fmt.Sprintf("entry %d %s %s %v", e.Number, verb, TrafficText(e.Protocol, e.Ports), e.CIDR)
}

// Sentence says why the packet does not pass, for a person.
func (e Explanation) Sentence() string {
	s := e.reason()
	if e.Way == Answer {
		return "the answer is lost: " + s
	}
	return s
}

func (e Explanation) reason() string {
	switch e.Code {
	case BadState:
		return fmt.Sprintf("%s is %s", e.Component, e.State)
	case BadStateAttachment:
		return fmt.Sprintf("%s is not attached to %s", e.Component, e.VPC)
	case BadStateRoute:
		return fmt.Sprintf("%s routes %v to %s, which is a blackhole", e.RouteTable, e.Route.Dst, TargetText(e.Route.To))
	case CannotRoute:
		return fmt.Sprintf("%s has a route %v to %s, but it does not cover %v", e.RouteTable, e.Route.Dst, TargetText(e.Route.To), e.Address)
	case MoreSpecificRoute:
		return fmt.Sprintf("%s prefers the route %v to %s for %v", e.RouteTable, e.Route.Dst, TargetText(e.Route.To), e.Address)
	case NoRouteToDestination:
		if e.Route.To != nil {
			return fmt.Sprintf("%s leads %v to %s, where another has that address", e.RouteTable, e.Address, e.DestinationVPC)
		}
		return fmt.Sprintf("%s has no route to %v", e.RouteTable, e.Address)
	case LocalRouteRestriction:
		return fmt.Sprintf("%s has only local routes, which cover %s", e.RouteTable, prefixes(e.CIDRs))
	case PeeringNeedsAddress:
		return e.peeringReason()
	case SecurityGroupHasNoRules:
		return fmt.Sprintf("the security groups of %s (%s) have no %s rules", e.ENI, ids(e.Groups), e.Direction)
	case SecurityGroupMismatch:
		return fmt.Sprintf("no %s rule of %s's security groups (%s) allows %s %s %v",
			e.Direction, e.ENI, ids(e.Groups), TrafficText(e.Protocol, e.Ports), farWord(e.Direction), e.Address)
	case UnknownPeeredGroups:
		return fmt.Sprintf("rule %s of %s names a group that no active peering leads to", e.Rule.ID, e.Group)
	case SubnetACLRestriction:
		return fmt.Sprintf("%s of %s: %s", e.ACL, e.Subnet, entrySentence(e.Entry))
	}
	return e.otherReason()
}

func (e Explanation) otherReason() string {
	switch e.Code {
	case ENIAddressRestriction:
		return fmt.Sprintf("%s does not have the address %v", e.ENI, e.Address)
	case SourceDestCheck:
		if e.Direction == Egress {
			return fmt.Sprintf("%s may not send from %v: its source/destination check is on", e.ENI, e.Address)
		}
		return fmt.Sprintf("%s takes nothing for %v: its source/destination check is on", e.ENI, e.Address)
	case NoPossibleDestination:
		if e.Gateway != "" {
			return fmt.Sprintf("internet access is not supported yet: %s carries no packet", e.Gateway)
		}
		return fmt.Sprintf("%s can send %v nowhere", e.Component, e.Address)
	case GatewayRejectsSpoofed:
		return fmt.Sprintf("%s takes nothing from %v, which is not of %s", e.Gateway, e.Address, e.VPC)
	case GatewayPrivateAddress, GatewaySharedAddress:
		return fmt.Sprintf("%s leads to the internet, which %v is not part of", e.Gateway, e.Address)
	case GatewayNeedsPublicIP:
		return fmt.Sprintf("%s carries only packets from public addresses, and %s has none", e.Gateway, e.ENI)
	case DisconnectedVPCs:
		return fmt.Sprintf("nothing connects %s and %s", e.SourceVPC, e.DestinationVPC)
	case NoPath:
		return "the two ends have no address family in common"
	case NoSourceOrDestination:
		switch {
		case e.VPC != "":
			return fmt.Sprintf("nothing in %s has the address %v", e.VPC, e.Address)
		case e.Address.IsValid():
			return fmt.Sprintf("%v is in no VPC", e.Address)
		}
		return fmt.Sprintf("%s does not exist", e.Component)
	case UnassociatedComponent:
		return fmt.Sprintf("%s is attached to no instance", e.Component)
	}
	return string(e.Code) + " at " + e.Component
}

func (e Explanation) peeringReason() string {
	if e.PacketField == "source-address" {
		return fmt.Sprintf("%s takes nothing from %v: %s has only %s", e.Peering, e.Address, e.SourceVPC, prefixes(e.CIDRs))
	}
	return fmt.Sprintf("%s leads only to %s (%s), and %v is not in it: peering is not transitive",
		e.Peering, e.DestinationVPC, prefixes(e.CIDRs), e.Address)
}

func farWord(d Direction) string {
	if d == Egress {
		return "to"
	}
	return "from"
}

func prefixes(list []netip.Prefix) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = p.String()
	}
	return strings.Join(words, ", ")
}

func ids(list []network.GroupID) string {
	words := make([]string, len(list))
	for i, id := range list {
		words[i] = string(id)
	}
	return strings.Join(words, ", ")
}

// TargetText names the target of a route as AWS lists it.
func TargetText(t network.Target) string {
	switch t := t.(type) {
	case network.ToLocal:
		return "local"
	case network.ToPeering:
		return string(t.Peering)
	case network.ToENI:
		return string(t.ENI)
	case network.ToGateway:
		return string(t.Gateway)
	case network.ToEgress:
		return string(t.Gateway)
	}
	return ""
}

// ProtocolText is the name of a protocol, or its number.
func ProtocolText(p network.Protocol) string {
	switch p {
	case network.AnyProtocol:
		return "any"
	case network.ICMP:
		return "icmp"
	case network.TCP:
		return "tcp"
	case network.UDP:
		return "udp"
	case network.ICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(int(p))
}

// TrafficText is a protocol with its ports, or with ICMP's type and code:
// tcp/80, udp/5000-5100, icmp/8, any.
func TrafficText(p network.Protocol, ports network.PortRange) string {
	s := ProtocolText(p)
	switch {
	case ported(p) && ports.From == ports.To:
		return fmt.Sprintf("%s/%d", s, ports.From)
	case ported(p):
		return fmt.Sprintf("%s/%d-%d", s, ports.From, ports.To)
	case (p == network.ICMP || p == network.ICMPv6) && ports.From >= 0:
		return fmt.Sprintf("%s/%d", s, ports.From)
	}
	return s
}

// RuleText is what a group's rule allows: "tcp/80 from 10.0.0.0/16".
func RuleText(r network.RuleSpec) string {
	d := Ingress
	if r.Egress {
		d = Egress
	}
	far := ""
	switch p := r.Peer.(type) {
	case network.PeerCIDR:
		far = p.CIDR.String()
	case network.PeerGroup:
		far = string(p.Group)
	case network.PeerPrefixList:
		far = string(p.List)
	}
	return fmt.Sprintf("%s %s %s", TrafficText(r.Protocol, r.Ports), farWord(d), far)
}
