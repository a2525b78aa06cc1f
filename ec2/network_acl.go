package ec2

import (
	"iter"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func networkAclOperations() []operation {
	entry := "NetworkAclId RuleNumber Protocol RuleAction Egress CidrBlock Ipv6CidrBlock Icmp PortRange"
	return []operation{
		op("CreateNetworkAcl", createNetworkAcl, params{enforced: "VpcId ClientToken TagSpecification"}),
		void("DeleteNetworkAcl", deleteNetworkAcl, params{enforced: "NetworkAclId"}),
		op("DescribeNetworkAcls", describeNetworkAcls, params{
			enforced: "NetworkAclId Filter MaxResults NextToken",
			filters:  acls.filterNames(),
		}),
		void("CreateNetworkAclEntry", createNetworkAclEntry, params{enforced: entry}),
		void("ReplaceNetworkAclEntry", replaceNetworkAclEntry, params{enforced: entry}),
		void("DeleteNetworkAclEntry", deleteNetworkAclEntry, params{enforced: "NetworkAclId RuleNumber Egress"}),
		op("ReplaceNetworkAclAssociation", replaceNetworkAclAssociation, params{enforced: "AssociationId NetworkAclId"}),
	}
}

func createNetworkAcl(c *call, in *wire.CreateNetworkAclRequest) (*wire.CreateNetworkAclResult, error) {
	out, err := c.doOnce(in.ClientToken, network.CreateACL{VPC: network.VPCID(*in.VpcId), Tags: c.tags(in.TagSpecifications, "network-acl")})
	if err != nil {
		return nil, err
	}
	a := c.state.ACL(network.ACLID(out.Created[0]))
	if a == nil {
		return nil, gone(out.Created[0])
	}
	return &wire.CreateNetworkAclResult{NetworkAcl: new(c.acl(a)), ClientToken: in.ClientToken}, nil
}

func deleteNetworkAcl(c *call, in *wire.DeleteNetworkAclRequest) error {
	_, err := c.do(network.DeleteACL{ACL: network.ACLID(*in.NetworkAclId)})
	return err
}

func describeNetworkAcls(c *call, in *wire.DescribeNetworkAclsRequest) (*wire.DescribeNetworkAclsResult, error) {
	rows, next, err := acls.rows(c, query{in.NetworkAclIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeNetworkAclsResult{NetworkAcls: all(rows, c.acl), NextToken: next}, nil
}

func createNetworkAclEntry(c *call, in *wire.CreateNetworkAclEntryRequest) error {
	_, err := c.do(network.CreateACLEntry{ACL: network.ACLID(*in.NetworkAclId), Entry: c.aclEntryOf((*wire.ReplaceNetworkAclEntryRequest)(in))})
	return err
}

func replaceNetworkAclEntry(c *call, in *wire.ReplaceNetworkAclEntryRequest) error {
	_, err := c.do(network.ReplaceACLEntry{ACL: network.ACLID(*in.NetworkAclId), Entry: c.aclEntryOf(in)})
	return err
}

func deleteNetworkAclEntry(c *call, in *wire.DeleteNetworkAclEntryRequest) error {
	_, err := c.do(network.DeleteACLEntry{ACL: network.ACLID(*in.NetworkAclId), Number: int(*in.RuleNumber), Egress: *in.Egress})
	return err
}

func replaceNetworkAclAssociation(c *call, in *wire.ReplaceNetworkAclAssociationRequest) (*wire.ReplaceNetworkAclAssociationResult, error) {
	out, err := c.do(network.ReplaceACLAssociation{Association: network.AssociationID(*in.AssociationId), ACL: network.ACLID(*in.NetworkAclId)})
	if err != nil {
		return nil, err
	}
	return &wire.ReplaceNetworkAclAssociationResult{NewAssociationId: text(out.Created[0])}, nil
}

// aclEntryOf reads an entry; the requests to create and to replace one are alike.
func (c *call) aclEntryOf(in *wire.ReplaceNetworkAclEntryRequest) network.ACLEntry {
	entry := network.ACLEntry{Number: int(*in.RuleNumber), Egress: *in.Egress, Allow: *in.RuleAction == "allow",
		Protocol: c.protocol(in.Protocol), Ports: network.AnyPort}
	switch {
	case in.CidrBlock != nil && in.Ipv6CidrBlock != nil:
		c.fail(combination("The parameter ipv6CidrBlock cannot be used with the parameter cidrBlock"))
	case in.Ipv6CidrBlock != nil:
		entry.CIDR = c.cidr6("ipv6CidrBlock", in.Ipv6CidrBlock)
	default:
		c.need("cidrBlock", in.CidrBlock != nil)
		entry.CIDR = c.cidr4("cidrBlock", in.CidrBlock)
	}
	switch entry.Protocol {
	case network.TCP, network.UDP:
		if in.PortRange == nil || in.PortRange.From == nil || in.PortRange.To == nil {
			c.fail(missing("portRange"))
			break
		}
		entry.Ports = network.PortRange{From: int(*in.PortRange.From), To: int(*in.PortRange.To)}
	case network.ICMP, network.ICMPv6:
		// Of ICMPv6 an IPv4 block takes every type (AWS: CreateNetworkAclEntry).
		if entry.Protocol == network.ICMPv6 && in.CidrBlock != nil {
			break
		}
		if in.IcmpTypeCode == nil || in.IcmpTypeCode.Type == nil || in.IcmpTypeCode.Code == nil {
			c.fail(missing("icmpTypeCode"))
			break
		}
		entry.Ports = network.PortRange{From: int(*in.IcmpTypeCode.Type), To: int(*in.IcmpTypeCode.Code)}
	}
	return entry
}

// acls is how network ACLs are found and filtered.
var acls = listing[*network.ACL]{
	kind: "acl",
	key:  func(a *network.ACL) string { return string(a.ID) },
	all:  func(c *call) iter.Seq[*network.ACL] { return c.state.ACLsOf(c.caller) },
	get: func(c *call, id string) (*network.ACL, bool) {
		a := c.state.ACL(network.ACLID(id))
		return a, a != nil && a.In(c.caller)
	},
	tags: func(c *call, a *network.ACL) network.Tags { return c.state.Tags(c.caller, string(a.ID)) },
	filters: []filter[*network.ACL]{
		{"association.association-id", func(c *call, a *network.ACL) []string {
			return ofSubnetsUnder(c, a, func(n *network.Subnet) string { return string(n.ACLAssociation) })
		}},
		{"association.network-acl-id", func(c *call, a *network.ACL) []string {
			return ofSubnetsUnder(c, a, func(*network.Subnet) string { return string(a.ID) })
		}},
		{"association.subnet-id", func(c *call, a *network.ACL) []string {
			return ofSubnetsUnder(c, a, func(n *network.Subnet) string { return string(n.ID) })
		}},
		{"default", func(_ *call, a *network.ACL) []string { return yes(a.Default) }},
		entryFilter("cidr", func(e wire.NetworkAclEntry) string { return value(e.CidrBlock) }),
		entryFilter("egress", func(e wire.NetworkAclEntry) string { return yes(*e.Egress)[0] }),
		entryFilter("icmp.code", func(e wire.NetworkAclEntry) string {
			if e.IcmpTypeCode == nil {
				return ""
			}
			return number(int(*e.IcmpTypeCode.Code))
		}),
		entryFilter("icmp.type", func(e wire.NetworkAclEntry) string {
			if e.IcmpTypeCode == nil {
				return ""
			}
			return number(int(*e.IcmpTypeCode.Type))
		}),
		entryFilter("ipv6-cidr", func(e wire.NetworkAclEntry) string { return value(e.Ipv6CidrBlock) }),
		entryFilter("port-range.from", func(e wire.NetworkAclEntry) string {
			if e.PortRange == nil {
				return ""
			}
			return number(int(*e.PortRange.From))
		}),
		entryFilter("port-range.to", func(e wire.NetworkAclEntry) string {
			if e.PortRange == nil {
				return ""
			}
			return number(int(*e.PortRange.To))
		}),
		// AWS takes a name or a number here.
		{"entry.protocol", func(c *call, a *network.ACL) []string {
			var out []string
			for _, e := range c.aclEntries(a) {
				out = append(out, *e.Protocol)
				if p := c.protocol(e.Protocol); protocolNames[p] != "" {
					out = append(out, protocolNames[p])
				}
			}
			return out
		}},
		entryFilter("rule-action", func(e wire.NetworkAclEntry) string { return *e.RuleAction }),
		entryFilter("rule-number", func(e wire.NetworkAclEntry) string { return number(int(*e.RuleNumber)) }),
		{"network-acl-id", func(_ *call, a *network.ACL) []string { return one(a.ID) }},
		{"owner-id", func(_ *call, a *network.ACL) []string { return one(a.Owner) }},
		{"vpc-id", func(_ *call, a *network.ACL) []string { return one(a.VPC) }},
	},
	pages: plainPages(5, 1000, "NetworkAclIds"),
}

func ofSubnetsUnder(c *call, a *network.ACL, get func(*network.Subnet) string) []string {
	var out []string
	for n := range c.state.SubnetsUnder(a.ID) {
		out = append(out, get(n))
	}
	return out
}

func entryFilter(name string, get func(wire.NetworkAclEntry) string) filter[*network.ACL] {
	return filter[*network.ACL]{"entry." + name, func(c *call, a *network.ACL) []string {
		var out []string
		for _, e := range c.aclEntries(a) {
			if v := get(e); v != "" {
				out = append(out, v)
			}
		}
		return out
	}}
}

// acl is a network ACL as Describe shows it.
func (c *call) acl(a *network.ACL) wire.NetworkAcl {
	out := wire.NetworkAcl{
		NetworkAclId: text(a.ID), VpcId: text(a.VPC), OwnerId: text(a.Owner), IsDefault: new(a.Default),
		Entries: c.aclEntries(a), Associations: []wire.NetworkAclAssociation{}, Tags: c.tagSet(string(a.ID)),
	}
	for n := range c.state.SubnetsUnder(a.ID) {
		out.Associations = append(out.Associations, wire.NetworkAclAssociation{
			NetworkAclAssociationId: text(n.ACLAssociation), NetworkAclId: text(a.ID), SubnetId: text(n.ID)})
	}
	return out
}

// aclEntries are egress before ingress, as AWS lists them, each direction ended by
// the entries that nobody can change; the one for IPv6 is there when the VPC has
// IPv6 (AWS: Network ACL rules).
func (c *call) aclEntries(a *network.ACL) []wire.NetworkAclEntry {
	v := c.state.VPC(a.VPC)
	out := make([]wire.NetworkAclEntry, 0, len(a.Entries)+4)
	for _, egress := range []bool{true, false} {
		for _, e := range a.Entries {
			if e.Egress == egress {
				out = append(out, aclEntry(e))
			}
		}
		final := wire.NetworkAclEntry{RuleNumber: long(network.FinalEntry), Egress: new(egress), Protocol: new("-1"), RuleAction: new("deny"), CidrBlock: new("0.0.0.0/0")}
		out = append(out, final)
		if len(v.Blocks6) > 0 {
			final.RuleNumber, final.CidrBlock, final.Ipv6CidrBlock = long(network.FinalEntry6), nil, new("::/0")
			out = append(out, final)
		}
	}
	return out
}

func aclEntry(e network.ACLEntry) wire.NetworkAclEntry {
	out := wire.NetworkAclEntry{RuleNumber: long(e.Number), Egress: new(e.Egress), Protocol: new(number(int(e.Protocol))), RuleAction: new("deny")}
	if e.Allow {
		out.RuleAction = new("allow")
	}
	if e.CIDR.Addr().Is4() {
		out.CidrBlock = new(e.CIDR.String())
	} else {
		out.Ipv6CidrBlock = new(e.CIDR.String())
	}
	switch e.Protocol {
	case network.TCP, network.UDP:
		out.PortRange = &wire.PortRange{From: long(e.Ports.From), To: long(e.Ports.To)}
	case network.ICMP, network.ICMPv6:
		out.IcmpTypeCode = &wire.IcmpTypeCode{Type: long(e.Ports.From), Code: long(e.Ports.To)}
	}
	return out
}
