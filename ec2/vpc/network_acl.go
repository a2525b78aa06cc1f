package vpc

import (
	"iter"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func networkAclOperations() []api.Operation {
	entry := "NetworkAclId RuleNumber Protocol RuleAction Egress CidrBlock Ipv6CidrBlock Icmp PortRange"
	return []api.Operation{
		api.Op("CreateNetworkAcl", createNetworkAcl, api.Params{Enforced: "VpcId ClientToken TagSpecification"}),
		api.Void("DeleteNetworkAcl", deleteNetworkAcl, api.Params{Enforced: "NetworkAclId"}),
		api.Op("DescribeNetworkAcls", describeNetworkAcls, api.Params{
			Enforced: "NetworkAclId Filter MaxResults NextToken",
			Filters:  acls.FilterNames(),
		}),
		api.Void("CreateNetworkAclEntry", createNetworkAclEntry, api.Params{Enforced: entry}),
		api.Void("ReplaceNetworkAclEntry", replaceNetworkAclEntry, api.Params{Enforced: entry}),
		api.Void("DeleteNetworkAclEntry", deleteNetworkAclEntry, api.Params{Enforced: "NetworkAclId RuleNumber Egress"}),
		api.Op("ReplaceNetworkAclAssociation", replaceNetworkAclAssociation, api.Params{Enforced: "AssociationId NetworkAclId"}),
	}
}

func createNetworkAcl(c *api.Call, in *wire.CreateNetworkAclRequest) (*wire.CreateNetworkAclResult, error) {
	out, err := c.DoOnce(in.ClientToken, network.CreateACL{VPC: network.VPCID(*in.VpcId), Tags: c.Tags(in.TagSpecifications, "network-acl")})
	if err != nil {
		return nil, err
	}
	a := c.State.ACL(network.ACLID(out.Created[0]))
	if a == nil {
		return nil, api.Gone(out.Created[0])
	}
	return &wire.CreateNetworkAclResult{NetworkAcl: new(showACL(c, a)), ClientToken: in.ClientToken}, nil
}

func deleteNetworkAcl(c *api.Call, in *wire.DeleteNetworkAclRequest) error {
	_, err := c.Do(network.DeleteACL{ACL: network.ACLID(*in.NetworkAclId)})
	return err
}

func describeNetworkAcls(c *api.Call, in *wire.DescribeNetworkAclsRequest) (*wire.DescribeNetworkAclsResult, error) {
	rows, next, err := acls.Rows(c, api.Query{IDs: in.NetworkAclIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeNetworkAclsResult{NetworkAcls: api.Each(c, rows, showACL), NextToken: next}, nil
}

func createNetworkAclEntry(c *api.Call, in *wire.CreateNetworkAclEntryRequest) error {
	_, err := c.Do(network.CreateACLEntry{ACL: network.ACLID(*in.NetworkAclId), Entry: readEntry(c, (*wire.ReplaceNetworkAclEntryRequest)(in))})
	return err
}

func replaceNetworkAclEntry(c *api.Call, in *wire.ReplaceNetworkAclEntryRequest) error {
	_, err := c.Do(network.ReplaceACLEntry{ACL: network.ACLID(*in.NetworkAclId), Entry: readEntry(c, in)})
	return err
}

func deleteNetworkAclEntry(c *api.Call, in *wire.DeleteNetworkAclEntryRequest) error {
	_, err := c.Do(network.DeleteACLEntry{ACL: network.ACLID(*in.NetworkAclId), Number: int(*in.RuleNumber), Egress: *in.Egress})
	return err
}

func replaceNetworkAclAssociation(c *api.Call, in *wire.ReplaceNetworkAclAssociationRequest) (*wire.ReplaceNetworkAclAssociationResult, error) {
	out, err := c.Do(network.ReplaceACLAssociation{Association: network.AssociationID(*in.AssociationId), ACL: network.ACLID(*in.NetworkAclId)})
	if err != nil {
		return nil, err
	}
	return &wire.ReplaceNetworkAclAssociationResult{NewAssociationId: api.Text(out.Created[0])}, nil
}

// readEntry reads an entry; the requests to create and to replace one are alike.
func readEntry(c *api.Call, in *wire.ReplaceNetworkAclEntryRequest) network.ACLEntry {
	entry := network.ACLEntry{Number: int(*in.RuleNumber), Egress: *in.Egress, Allow: *in.RuleAction == "allow",
		Protocol: readProtocol(c, in.Protocol), Ports: network.AnyPort}
	switch {
	case in.CidrBlock != nil && in.Ipv6CidrBlock != nil:
		c.Fail(api.Combination("The parameter ipv6CidrBlock cannot be used with the parameter cidrBlock"))
	case in.Ipv6CidrBlock != nil:
		entry.CIDR = c.CIDR6("ipv6CidrBlock", in.Ipv6CidrBlock)
	default:
		api.Need(c, "cidrBlock", in.CidrBlock)
		entry.CIDR = c.CIDR4("cidrBlock", in.CidrBlock)
	}
	switch entry.Protocol {
	case network.TCP, network.UDP:
		if in.PortRange == nil || in.PortRange.From == nil || in.PortRange.To == nil {
			c.Fail(api.Missing("portRange"))
			break
		}
		entry.Ports = network.PortRange{From: int(*in.PortRange.From), To: int(*in.PortRange.To)}
	case network.ICMP, network.ICMPv6:
		// Of ICMPv6 an IPv4 block takes every type (AWS: CreateNetworkAclEntry).
		if entry.Protocol == network.ICMPv6 && in.CidrBlock != nil {
			break
		}
		if in.IcmpTypeCode == nil || in.IcmpTypeCode.Type == nil || in.IcmpTypeCode.Code == nil {
			c.Fail(api.Missing("icmpTypeCode"))
			break
		}
		entry.Ports = network.PortRange{From: int(*in.IcmpTypeCode.Type), To: int(*in.IcmpTypeCode.Code)}
	}
	return entry
}

// acls is how network ACLs are found and filtered.
var acls = api.Listing[*network.ACL]{
	Kind: "acl",
	Key:  func(a *network.ACL) string { return string(a.ID) },
	All:  func(c *api.Call) iter.Seq[*network.ACL] { return c.State.ACLsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.ACL, bool) {
		a := c.State.ACL(network.ACLID(id))
		return a, a != nil && a.In(c.Caller)
	},
	Tags: func(c *api.Call, a *network.ACL) network.Tags { return c.State.Tags(c.Caller, string(a.ID)) },
	Filters: []api.Filter[*network.ACL]{
		api.By("association.association-id", func(c *api.Call, a *network.ACL) []string {
			return ofSubnetsUnder(c, a, func(n *network.Subnet) string { return string(n.ACLAssociation) })
		}),
		api.By("association.network-acl-id", func(c *api.Call, a *network.ACL) []string {
			return ofSubnetsUnder(c, a, func(*network.Subnet) string { return string(a.ID) })
		}),
		api.By("association.subnet-id", func(c *api.Call, a *network.ACL) []string {
			return ofSubnetsUnder(c, a, func(n *network.Subnet) string { return string(n.ID) })
		}),
		api.By("default", func(_ *api.Call, a *network.ACL) []string { return api.Yes(a.Default) }),
		entryFilter("cidr", func(e wire.NetworkAclEntry) string { return api.Value(e.CidrBlock) }),
		entryFilter("egress", func(e wire.NetworkAclEntry) string { return api.Yes(*e.Egress)[0] }),
		entryFilter("icmp.code", func(e wire.NetworkAclEntry) string {
			if e.IcmpTypeCode == nil {
				return ""
			}
			return api.Number(int(*e.IcmpTypeCode.Code))
		}),
		entryFilter("icmp.type", func(e wire.NetworkAclEntry) string {
			if e.IcmpTypeCode == nil {
				return ""
			}
			return api.Number(int(*e.IcmpTypeCode.Type))
		}),
		entryFilter("ipv6-cidr", func(e wire.NetworkAclEntry) string { return api.Value(e.Ipv6CidrBlock) }),
		entryFilter("port-range.from", func(e wire.NetworkAclEntry) string {
			if e.PortRange == nil {
				return ""
			}
			return api.Number(int(*e.PortRange.From))
		}),
		entryFilter("port-range.to", func(e wire.NetworkAclEntry) string {
			if e.PortRange == nil {
				return ""
			}
			return api.Number(int(*e.PortRange.To))
		}),
		// AWS takes a name or a number here.
		api.By("entry.protocol", func(c *api.Call, a *network.ACL) []string {
			var out []string
			for _, e := range showEntries(c, a) {
				out = append(out, *e.Protocol)
				if p := readProtocol(c, e.Protocol); protocolNames[p] != "" {
					out = append(out, protocolNames[p])
				}
			}
			return out
		}),
		entryFilter("rule-action", func(e wire.NetworkAclEntry) string { return *e.RuleAction }),
		entryFilter("rule-number", func(e wire.NetworkAclEntry) string { return api.Number(int(*e.RuleNumber)) }),
		api.By("network-acl-id", func(_ *api.Call, a *network.ACL) []string { return api.One(a.ID) }),
		api.By("owner-id", func(_ *api.Call, a *network.ACL) []string { return api.One(a.Owner) }),
		api.By("vpc-id", func(_ *api.Call, a *network.ACL) []string { return api.One(a.VPC) }),
	},
	Pages: api.PlainPages(5, 1000, "NetworkAclIds"),
}

func ofSubnetsUnder(c *api.Call, a *network.ACL, get func(*network.Subnet) string) []string {
	var out []string
	for n := range c.State.SubnetsUnder(a.ID) {
		out = append(out, get(n))
	}
	return out
}

func entryFilter(name string, get func(wire.NetworkAclEntry) string) api.Filter[*network.ACL] {
	return api.By("entry."+name, func(c *api.Call, a *network.ACL) []string {
		var out []string
		for _, e := range showEntries(c, a) {
			if v := get(e); v != "" {
				out = append(out, v)
			}
		}
		return out
	})
}

// showACL is a network ACL as Describe shows it.
func showACL(c *api.Call, a *network.ACL) wire.NetworkAcl {
	out := wire.NetworkAcl{
		NetworkAclId: api.Text(a.ID), VpcId: api.Text(a.VPC), OwnerId: api.Text(a.Owner), IsDefault: new(a.Default),
		Entries: showEntries(c, a), Associations: []wire.NetworkAclAssociation{}, Tags: c.TagSet(string(a.ID)),
	}
	for n := range c.State.SubnetsUnder(a.ID) {
		out.Associations = append(out.Associations, wire.NetworkAclAssociation{
			NetworkAclAssociationId: api.Text(n.ACLAssociation), NetworkAclId: api.Text(a.ID), SubnetId: api.Text(n.ID)})
	}
	return out
}

// showEntries are egress before ingress, as AWS lists them, each direction ended by
// the entries that nobody can change; the one for IPv6 is there when the VPC has
// IPv6 (AWS: Network ACL rules).
func showEntries(c *api.Call, a *network.ACL) []wire.NetworkAclEntry {
	v := c.State.VPC(a.VPC)
	out := make([]wire.NetworkAclEntry, 0, len(a.Entries)+4)
	for _, egress := range []bool{true, false} {
		for _, e := range a.Entries {
			if e.Egress == egress {
				out = append(out, aclEntry(e))
			}
		}
		final := wire.NetworkAclEntry{RuleNumber: api.Long(network.FinalEntry), Egress: new(egress), Protocol: new("-1"), RuleAction: new("deny"), CidrBlock: new("0.0.0.0/0")}
		out = append(out, final)
		if len(v.Blocks6) > 0 {
			final.RuleNumber, final.CidrBlock, final.Ipv6CidrBlock = api.Long(network.FinalEntry6), nil, new("::/0")
			out = append(out, final)
		}
	}
	return out
}

func aclEntry(e network.ACLEntry) wire.NetworkAclEntry {
	out := wire.NetworkAclEntry{RuleNumber: api.Long(e.Number), Egress: new(e.Egress), Protocol: new(api.Number(int(e.Protocol))), RuleAction: new("deny")}
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
		out.PortRange = &wire.PortRange{From: api.Long(e.Ports.From), To: api.Long(e.Ports.To)}
	case network.ICMP, network.ICMPv6:
		out.IcmpTypeCode = &wire.IcmpTypeCode{Type: api.Long(e.Ports.From), Code: api.Long(e.Ports.To)}
	}
	return out
}
