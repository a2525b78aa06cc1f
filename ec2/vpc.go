package ec2

import (
	"iter"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func vpcOperations() []operation {
	return []operation{
		op("CreateVpc", createVpc, params{
			enforced: "CidrBlock AmazonProvidedIpv6CidrBlock InstanceTenancy TagSpecification",
			refused: []refuse{
				{paths: "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6IpamPoolId Ipv6NetmaskLength", why: "there is no IPAM; name the block in CidrBlock"},
				{paths: "Ipv6Pool Ipv6CidrBlock Ipv6CidrBlockNetworkBorderGroup", why: "there are no address pools of your own; ask for AmazonProvidedIpv6CidrBlock"},
				{paths: "VpcEncryptionControl", why: "traffic is not encrypted between instances"},
			},
		}),
		void("DeleteVpc", deleteVpc, params{enforced: "VpcId"}),
		op("DescribeVpcs", describeVpcs, params{
			enforced: "VpcId Filter MaxResults NextToken",
			filters:  vpcs.filterNames(),
		}),
	}
}

func createVpc(c *call, in *wire.CreateVpcRequest) (*wire.CreateVpcResult, error) {
	if in.CidrBlock == nil {
		return nil, &Error{Code: "MissingParameter", Message: "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."}
	}
	out, err := c.do(network.CreateVPC{
		CIDR:    c.cidr4("cidrBlock", in.CidrBlock),
		Amazon6: value(in.AmazonProvidedIpv6CidrBlock),
		Tenancy: value(in.InstanceTenancy),
		Tags:    c.tags(in.TagSpecifications, "vpc"),
	})
	if err != nil {
		return nil, err
	}
	v := c.vpc(c.state.VPC(network.VPCID(out.Created[0])))
	v.State = new("pending") // AWS: so in this answer, and available from then on
	return &wire.CreateVpcResult{Vpc: &v}, nil
}

func deleteVpc(c *call, in *wire.DeleteVpcRequest) error {
	_, err := c.do(network.DeleteVPC{VPC: network.VPCID(*in.VpcId)})
	return err
}

func describeVpcs(c *call, in *wire.DescribeVpcsRequest) (*wire.DescribeVpcsResult, error) {
	rows, next, err := vpcs.rows(c, query{in.VpcIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeVpcsResult{Vpcs: all(rows, c.vpc), NextToken: next}, nil
}

// vpcs is how VPCs are found and filtered.
var vpcs = listing[*network.VPC]{
	kind: "vpc",
	key:  func(v *network.VPC) string { return string(v.ID) },
	all:  func(c *call) iter.Seq[*network.VPC] { return c.state.VPCsOf(c.caller) },
	get: func(c *call, id string) (*network.VPC, bool) {
		v := c.state.VPC(network.VPCID(id))
		return v, v != nil && v.In(c.caller)
	},
	tags: func(c *call, v *network.VPC) network.Tags { return c.state.Tags(c.caller, string(v.ID)) },
	filters: []filter[*network.VPC]{
		{"cidr", func(_ *call, v *network.VPC) []string { return blockCIDRs(v.Blocks[:1]) }},
		{"cidr-block", func(_ *call, v *network.VPC) []string { return blockCIDRs(v.Blocks[:1]) }},
		{"cidr-block-association.association-id", func(_ *call, v *network.VPC) []string { return blockAssociations(v.Blocks) }},
		{"cidr-block-association.cidr-block", func(_ *call, v *network.VPC) []string { return blockCIDRs(v.Blocks) }},
		{"cidr-block-association.state", func(_ *call, v *network.VPC) []string { return blockStates(v.Blocks) }},
		{"dhcp-options-id", func(_ *call, v *network.VPC) []string { return one(v.DHCPOptions) }},
		{"ipv6-cidr-block-association.association-id", func(_ *call, v *network.VPC) []string { return blockAssociations(v.Blocks6) }},
		{"ipv6-cidr-block-association.ipv6-cidr-block", func(_ *call, v *network.VPC) []string { return blockCIDRs(v.Blocks6) }},
		{"ipv6-cidr-block-association.state", func(_ *call, v *network.VPC) []string { return blockStates(v.Blocks6) }},
		{"is-default", func(_ *call, v *network.VPC) []string { return yes(v.Default) }},
		{"isDefault", func(_ *call, v *network.VPC) []string { return yes(v.Default) }},
		{"owner-id", func(_ *call, v *network.VPC) []string { return one(v.Owner) }},
		{"state", func(*call, *network.VPC) []string { return one("available") }},
		{"vpc-id", func(_ *call, v *network.VPC) []string { return one(v.ID) }},
	},
	pages: vpcPages(),
}

func vpcPages() pages { return plainPages(5, 1000, "VpcIds") }

// vpc is a VPC as Describe shows it.
func (c *call) vpc(v *network.VPC) wire.Vpc {
	out := wire.Vpc{
		VpcId:                       text(v.ID),
		OwnerId:                     text(v.Owner),
		State:                       new("available"),
		CidrBlock:                   new(v.Blocks[0].CIDR.String()),
		DhcpOptionsId:               text(v.DHCPOptions),
		InstanceTenancy:             text(v.Tenancy),
		IsDefault:                   new(v.Default),
		CidrBlockAssociationSet:     make([]wire.VpcCidrBlockAssociation, 0, len(v.Blocks)),
		Ipv6CidrBlockAssociationSet: make([]wire.VpcIpv6CidrBlockAssociation, 0, len(v.Blocks6)),
		Tags:                        c.tagSet(string(v.ID)),
	}
	for _, b := range v.Blocks {
		out.CidrBlockAssociationSet = append(out.CidrBlockAssociationSet, wire.VpcCidrBlockAssociation{
			AssociationId: text(b.Association), CidrBlock: new(b.CIDR.String()),
			CidrBlockState: &wire.VpcCidrBlockState{State: new("associated")},
		})
	}
	for _, b := range v.Blocks6 {
		out.Ipv6CidrBlockAssociationSet = append(out.Ipv6CidrBlockAssociationSet, c.vpcBlock6(b))
	}
	return out
}

func (c *call) vpcBlock6(b network.Block) wire.VpcIpv6CidrBlockAssociation {
	return wire.VpcIpv6CidrBlockAssociation{
		AssociationId: text(b.Association), Ipv6CidrBlock: new(b.CIDR.String()),
		Ipv6CidrBlockState: &wire.VpcCidrBlockState{State: new("associated")},
		NetworkBorderGroup: text(c.caller.Region), Ipv6Pool: new("Amazon"),
		Ipv6AddressAttribute: new("public"), IpSource: new("amazon"),
	}
}

// all makes the elements of an answer's list; never nil, because AWS writes an
// empty list as an empty element.
func all[R, W any](rows []R, show func(R) W) []W {
	out := make([]W, 0, len(rows))
	for _, r := range rows {
		out = append(out, show(r))
	}
	return out
}

func blockCIDRs(blocks []network.Block) []string {
	var out []string
	for _, b := range blocks {
		out = append(out, b.CIDR.String())
	}
	return out
}

func blockAssociations(blocks []network.Block) []string {
	var out []string
	for _, b := range blocks {
		out = append(out, string(b.Association))
	}
	return out
}

func blockStates(blocks []network.Block) []string {
	if len(blocks) == 0 {
		return nil
	}
	return one("associated")
}
