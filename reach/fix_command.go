package reach

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"tombolo/network"
)

// Command is a call of the AWS CLI that makes one change.
type Command struct {
	Caller network.Caller
	Args   []string // after "aws"; "$PCX" stands for the peering that an earlier one made
	Sets   string   // the shell variable that keeps what it prints, or ""
	Why    string
}

// peeringVariable keeps the ID of the peering that a plan makes.
const peeringVariable = "PCX"

// Commands are the calls of the AWS CLI that make a plan's changes, in order.
func (p Plan) Commands() []Command {
	out := make([]Command, 0, len(p.Changes))
	for _, c := range p.Changes {
		cmd := Command{Caller: c.Caller, Args: append([]string{"ec2"}, c.args()...), Why: c.Why}
		if _, ok := c.Request.(network.RequestPeering); ok {
			cmd.Sets = peeringVariable
		}
		// Who works in several Regions must say which one is meant.
		if c.Caller.Region != p.Changes[0].Caller.Region {
			cmd.Args = append(cmd.Args, "--region", string(c.Caller.Region))
		}
		out = append(out, cmd)
	}
	return out
}

// String is the command as a line for a shell.
func (c Command) String() string {
	words := make([]string, len(c.Args))
	for i, a := range c.Args {
		words[i] = quote(a)
	}
	line := "aws " + strings.Join(words, " ")
	if c.Sets != "" {
		return c.Sets + "=$(" + line + ")"
	}
	return line
}

// quote makes one word of a shell of a.
func quote(a string) string {
	if a == "$"+peeringVariable {
		return `"` + a + `"`
	}
	if strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=") == "" {
		return a
	}
	return "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
}

// args are the words of a change for the AWS CLI. The set of requests that a plan
// holds is closed: Fix makes no others.
func (c Change) args() []string {
	switch r := c.Request.(type) {
	case network.RequestPeering:
		return requestPeeringArgs(r)
	case network.AcceptPeering:
		return []string{"accept-vpc-peering-connection", "--vpc-peering-connection-id", peeringWord(r.Peering)}
	case network.CreateRoute:
		return routeArgs("create-route", r.Table, r.Dst, r.To)
	case network.ReplaceRoute:
		return routeArgs("replace-route", r.Table, r.Dst, r.To)
	case network.AuthorizeRules:
		return authorizeArgs(r)
	case network.CreateACLEntry:
		return entryArgs(r)
	case network.SetENIAttribute:
		return []string{"modify-network-interface-attribute", "--network-interface-id", string(r.ENI), "--no-source-dest-check"}
	case network.StartInstances:
		return []string{"start-instances", "--instance-ids", string(r.Instances[0])}
	}
	panic(fmt.Sprintf("unreachable: no plan holds a %T", c.Request))
}

func requestPeeringArgs(r network.RequestPeering) []string {
	args := []string{"create-vpc-peering-connection", "--vpc-id", string(r.VPC), "--peer-vpc-id", string(r.PeerVPC)}
	if r.PeerOwner != "" {
		args = append(args, "--peer-owner-id", string(r.PeerOwner))
	}
	if r.PeerRegion != "" {
		args = append(args, "--peer-region", string(r.PeerRegion))
	}
	return append(args, "--query", "VpcPeeringConnection.VpcPeeringConnectionId", "--output", "text")
}

func peeringWord(p network.PeeringID) string {
	if p == NewPeering {
		return "$" + peeringVariable
	}
	return string(p)
}

func routeArgs(verb string, t network.RouteTableID, dst netip.Prefix, to network.Target) []string {
	flag := "--destination-cidr-block"
	if !dst.Addr().Is4() {
		flag = "--destination-ipv6-cidr-block"
	}
	return []string{verb, "--route-table-id", string(t), flag, dst.String(),
		"--vpc-peering-connection-id", peeringWord(to.(network.ToPeering).Peering)}
}

func authorizeArgs(r network.AuthorizeRules) []string {
	verb := "authorize-security-group-ingress"
	if r.Egress {
		verb = "authorize-security-group-egress"
	}
	rule := r.Rules[0]
	words := []string{"IpProtocol=" + ProtocolText(rule.Protocol)}
	if rule.Ports != network.AnyPort {
		words = append(words, fmt.Sprintf("FromPort=%d", rule.Ports.From), fmt.Sprintf("ToPort=%d", rule.Ports.To))
	}
	cidr := rule.Peer.(network.PeerCIDR).CIDR
	if cidr.Addr().Is4() {
		words = append(words, fmt.Sprintf("IpRanges=[{CidrIp=%v}]", cidr))
	} else {
		words = append(words, fmt.Sprintf("Ipv6Ranges=[{CidrIpv6=%v}]", cidr))
	}
	return []string{verb, "--group-id", string(r.Group), "--ip-permissions", strings.Join(words, ",")}
}

func entryArgs(r network.CreateACLEntry) []string {
	e := r.Entry
	args := []string{"create-network-acl-entry", "--network-acl-id", string(r.ACL), "--ingress"}
	if e.Egress {
		args[3] = "--egress"
	}
	args = append(args, "--rule-number", strconv.Itoa(e.Number), "--protocol", strconv.Itoa(int(e.Protocol)), "--rule-action", "allow")
	if e.CIDR.Addr().Is4() {
		args = append(args, "--cidr-block", e.CIDR.String())
	} else {
		args = append(args, "--ipv6-cidr-block", e.CIDR.String())
	}
	switch {
	case ported(e.Protocol):
		args = append(args, "--port-range", fmt.Sprintf("From=%d,To=%d", e.Ports.From, e.Ports.To))
	case e.Protocol == network.ICMP || e.Protocol == network.ICMPv6:
		args = append(args, "--icmp-type-code", fmt.Sprintf("Type=%d,Code=%d", e.Ports.From, e.Ports.To))
	}
	return args
}
