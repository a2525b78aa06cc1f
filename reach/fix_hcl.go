package reach

import (
	"fmt"
	"strings"

	"tombolo/network"
)

// HCL is a plan as resources of Terraform's AWS provider. What the provider can
// say only inside another resource is a comment that says where.
func (p Plan) HCL() string {
	var b strings.Builder
	for i, c := range p.Changes {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s\n", c.Why)
		if c.Caller != p.Changes[0].Caller {
			fmt.Fprintf(&b, "# by a provider for account %s in %s\n", c.Caller.Account, c.Caller.Region)
		}
		c.hcl(&b, i+1)
	}
	return b.String()
}

// block is a resource of HCL: its lines are names and values that are written as
// they stand.
func block(b *strings.Builder, kind, name string, lines ...[2]string) {
	fmt.Fprintf(b, "resource %q %q {\n", kind, name)
	widest := 0
	for _, l := range lines {
		widest = max(widest, len(l[0]))
	}
	for _, l := range lines {
		fmt.Fprintf(b, "  %-*s = %s\n", widest, l[0], l[1])
	}
	b.WriteString("}\n")
}

func quoted(s any) string { return fmt.Sprintf("%q", fmt.Sprint(s)) }

func (c Change) hcl(b *strings.Builder, n int) {
	name := fmt.Sprintf("fix_%d", n)
	switch r := c.Request.(type) {
	case network.RequestPeering:
		lines := [][2]string{{"vpc_id", quoted(r.VPC)}, {"peer_vpc_id", quoted(r.PeerVPC)}}
		if r.PeerOwner != "" {
			lines = append(lines, [2]string{"peer_owner_id", quoted(r.PeerOwner)})
		}
		if r.PeerRegion != "" {
			lines = append(lines, [2]string{"peer_region", quoted(r.PeerRegion)})
		}
		block(b, "aws_vpc_peering_connection", "fix", lines...)
	case network.AcceptPeering:
		block(b, "aws_vpc_peering_connection_accepter", name,
			[2]string{"vpc_peering_connection_id", peeringHCL(r.Peering)}, [2]string{"auto_accept", "true"})
	case network.CreateRoute:
		routeHCL(b, name, r)
	case network.ReplaceRoute:
		b.WriteString("# instead of the route that has this destination now\n")
		routeHCL(b, name, network.CreateRoute(r))
	case network.AuthorizeRules:
		ruleHCL(b, name, r)
	case network.CreateACLEntry:
		entryHCL(b, name, r)
	case network.SetENIAttribute:
		fmt.Fprintf(b, "# set source_dest_check = false where %s is made\n", r.ENI)
	case network.StartInstances:
		block(b, "aws_ec2_instance_state", name, [2]string{"instance_id", quoted(r.Instances[0])}, [2]string{"state", quoted("running")})
	default:
		panic(fmt.Sprintf("unreachable: no plan holds a %T", r))
	}
}

func peeringHCL(p network.PeeringID) string {
	if p == NewPeering {
		return "aws_vpc_peering_connection.fix.id"
	}
	return quoted(p)
}

func routeHCL(b *strings.Builder, name string, r network.CreateRoute) {
	dst := "destination_cidr_block"
	if !r.Dst.Addr().Is4() {
		dst = "destination_ipv6_cidr_block"
	}
	block(b, "aws_route", name, [2]string{"route_table_id", quoted(r.Table)}, [2]string{dst, quoted(r.Dst)},
		[2]string{"vpc_peering_connection_id", peeringHCL(r.To.(network.ToPeering).Peering)})
}

func ruleHCL(b *strings.Builder, name string, r network.AuthorizeRules) {
	kind := "aws_vpc_security_group_ingress_rule"
	if r.Egress {
		kind = "aws_vpc_security_group_egress_rule"
	}
	rule := r.Rules[0]
	lines := [][2]string{{"security_group_id", quoted(r.Group)}, {"ip_protocol", quoted(ProtocolText(rule.Protocol))}}
	if rule.Ports != network.AnyPort {
		lines = append(lines, [2]string{"from_port", fmt.Sprint(rule.Ports.From)}, [2]string{"to_port", fmt.Sprint(rule.Ports.To)})
	}
	cidr := rule.Peer.(network.PeerCIDR).CIDR
	if cidr.Addr().Is4() {
		lines = append(lines, [2]string{"cidr_ipv4", quoted(cidr)})
	} else {
		lines = append(lines, [2]string{"cidr_ipv6", quoted(cidr)})
	}
	block(b, kind, name, lines...)
}

func entryHCL(b *strings.Builder, name string, r network.CreateACLEntry) {
	e := r.Entry
	lines := [][2]string{{"network_acl_id", quoted(r.ACL)}, {"rule_number", fmt.Sprint(e.Number)}, {"egress", fmt.Sprint(e.Egress)},
		{"protocol", quoted(int(e.Protocol))}, {"rule_action", quoted("allow")}}
	if e.CIDR.Addr().Is4() {
		lines = append(lines, [2]string{"cidr_block", quoted(e.CIDR)})
	} else {
		lines = append(lines, [2]string{"ipv6_cidr_block", quoted(e.CIDR)})
	}
	switch {
	case ported(e.Protocol):
		lines = append(lines, [2]string{"from_port", fmt.Sprint(e.Ports.From)}, [2]string{"to_port", fmt.Sprint(e.Ports.To)})
	case e.Protocol == network.ICMP || e.Protocol == network.ICMPv6:
		lines = append(lines, [2]string{"icmp_type", fmt.Sprint(e.Ports.From)}, [2]string{"icmp_code", fmt.Sprint(e.Ports.To)})
	}
	block(b, "aws_network_acl_rule", name, lines...)
}
