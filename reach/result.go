package reach

import (
	"net/netip"

	"tombolo/network"
)

// Verdict is the answer to a Flow.
type Verdict uint8

// The verdicts.
const (
	_           Verdict = iota
	Reachable           // the request arrives, and so does its answer
	Unanswered          // the request arrives, its answer does not
	Unreachable         // the request does not arrive
)

func (v Verdict) String() string {
	return [...]string{"", "reachable", "unanswered", "unreachable"}[v]
}

// Result is what Trace has found.
type Result struct {
	Flow    Flow // with the addresses filled in
	Verdict Verdict
	// Destination is whom it is about: Flow.Destination, or who has the address.
	// "" when nobody is known that has it.
	Destination network.ENIID

	// Forward is the request's way and Return the answer's: as far as something is
	// known of them, past what blocks. Return is empty for packets that have no
	// answer, such as ICMP errors, and where no destination is known.
	Forward, Return Leg

	// Causes are all reasons against it in the order in which packets meet them:
	// what the first one names is where a packet is dropped today.
	Causes []Explanation
}

// Leg is the way of one packet.
type Leg struct {
	Header Header
	Hops   []Hop
	// Arrived is the interface that the packet really gets to; "" when it is
	// dropped. It can differ from Flow.Destination where addresses overlap.
	Arrived network.ENIID
}

// Kind is what kind of component a Hop is.
type Kind uint8

// The kinds of components.
const (
	_ Kind = iota
	Instance
	Interface
	SecurityGroups
	NetworkACL
	RouteTable
	Peering
	Gateway
	VPC // the implicit router of a VPC, which looks an address up
)

func (k Kind) String() string {
	return [...]string{"", "instance", "network-interface", "security-group", "network-acl", "route-table",
		"vpc-peering-connection", "internet-gateway", "vpc"}[k]
}

// Hop is one component on a packet's way and what it decided.
type Hop struct {
	Kind      Kind
	Component string // its ID; of SecurityGroups the group that decided, or the first one
	Way       Way
	Direction Direction

	ENI    network.ENIID // whose side it is
	Subnet network.SubnetID
	VPC    network.VPCID

	Blocked bool // the packet does not pass
	Beyond  bool // a packet does not come here today: something before blocks

	Group   network.GroupID  // SecurityGroups: whose Rule allows
	Rule    network.Rule     // SecurityGroups: what allows; no ID when Blocked or Tracked
	Tracked bool             // SecurityGroups: it passes as the answer to what was let through
	Entry   network.ACLEntry // NetworkACL: what decided; Number is 0 for the last one, "*"
	Route   network.Route    // RouteTable: what decided; the zero Route when none matched
	Active  bool             // RouteTable: the route is active
	Status  string           // Instance, Interface, Peering: its state in AWS's words
	FromVPC network.VPCID    // Peering: the VPC that the packet leaves
	ToVPC   network.VPCID    // Peering: the VPC that it is delivered in
	Table   network.RouteTableID
}

// Explanation is one reason why a packet does not pass. Only those fields are
// set that matter to the Code.
type Explanation struct {
	Code      Code
	Way       Way
	Direction Direction
	Component string // the ID of what decided
	// Detail marks one that says more about the cause before it and needs no
	// change of its own.
	Detail bool

	VPC, SourceVPC, DestinationVPC network.VPCID
	Subnet                         network.SubnetID
	ENI                            network.ENIID
	Instance                       network.InstanceID
	Groups                         []network.GroupID
	Group                          network.GroupID // UnknownPeeredGroups: the one with the Rule
	Rule                           network.Rule
	ACL                            network.ACLID
	Entry                          network.ACLEntry // Number 0 is the last one, "*"
	RouteTable                     network.RouteTableID
	Route                          network.Route // zero when none matched
	Peering                        network.PeeringID
	Gateway                        network.GatewayID
	Address                        netip.Addr // the one in question
	PacketField                    string     // source-address or destination-address: what Address is
	CIDRs                          []netip.Prefix
	Ports                          network.PortRange // SubnetACLRestriction: the ports that are denied
	Protocol                       network.Protocol
	State                          string // BadState: the component's, in AWS's words
}

// First is what stops packets today; ok is false when nothing does.
func (r Result) First() (e Explanation, ok bool) {
	if len(r.Causes) == 0 {
		return Explanation{}, false
	}
	return r.Causes[0], true
}

// Independent are the causes without those that only say more about another:
// each needs a change of its own.
func (r Result) Independent() []Explanation {
	var out []Explanation
	for _, e := range r.Causes {
		if !e.Detail {
			out = append(out, e)
		}
	}
	return out
}
