package vpc

import (
	"iter"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func vpcOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateVpc", createVpc, api.Params{
			Enforced: "CidrBlock AmazonProvidedIpv6CidrBlock InstanceTenancy TagSpecification",
			Refused: []api.Refuse{
				{Paths: "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6IpamPoolId Ipv6NetmaskLength", Why: "there is no IPAM; name the block in CidrBlock"},
				{Paths: "Ipv6Pool Ipv6CidrBlock Ipv6CidrBlockNetworkBorderGroup", Why: "there are no address pools of your own; ask for AmazonProvidedIpv6CidrBlock"},
				{Paths: "VpcEncryptionControl", Why: "traffic is not encrypted between instances"},
			},
		}),
		api.Void("DeleteVpc", deleteVpc, api.Params{Enforced: "VpcId"}),
		api.Op("DescribeVpcs", describeVpcs, api.Params{
			Enforced: "VpcId Filter MaxResults NextToken",
			Filters:  vpcs.FilterNames(),
		}),
	}
}

func createVpc(c *api.Call, in *wire.CreateVpcRequest) (*wire.CreateVpcResult, error) {
	if in.CidrBlock == nil {
		return nil, &api.Error{Code: "MissingParameter", Message: "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."}
	}
	out, err := c.Do(network.CreateVPC{
		CIDR:    c.CIDR4("cidrBlock", in.CidrBlock),
		Amazon6: api.Value(in.AmazonProvidedIpv6CidrBlock),
		Tenancy: api.Value(in.InstanceTenancy),
		Tags:    c.Tags(in.TagSpecifications, "vpc"),
	})
	if err != nil {
		return nil, err
	}
	v := showVPC(c, c.State.VPC(network.VPCID(out.Created[0])))
	v.State = new("pending") // AWS: so in this answer, and available from then on
	return &wire.CreateVpcResult{Vpc: &v}, nil
}

func deleteVpc(c *api.Call, in *wire.DeleteVpcRequest) error {
	_, err := c.Do(network.DeleteVPC{VPC: network.VPCID(*in.VpcId)})
	return err
}

func describeVpcs(c *api.Call, in *wire.DescribeVpcsRequest) (*wire.DescribeVpcsResult, error) {
	rows, next, err := vpcs.Rows(c, api.Query{IDs: in.VpcIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeVpcsResult{Vpcs: api.Each(c, rows, showVPC), NextToken: next}, nil
}

// vpcs is how VPCs are found and filtered.
var vpcs = api.Listing[*network.VPC]{
	Kind: "vpc",
	Key:  func(v *network.VPC) string { return string(v.ID) },
	All:  func(c *api.Call) iter.Seq[*network.VPC] { return c.State.VPCsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.VPC, bool) {
		v := c.State.VPC(network.VPCID(id))
		return v, v != nil && v.In(c.Caller)
	},
	Tags: func(c *api.Call, v *network.VPC) network.Tags { return c.State.Tags(c.Caller, string(v.ID)) },
	Filters: []api.Filter[*network.VPC]{
		api.By("cidr", func(_ *api.Call, v *network.VPC) []string { return blockCIDRs(v.Blocks[:1]) }),
		api.By("cidr-block", func(_ *api.Call, v *network.VPC) []string { return blockCIDRs(v.Blocks[:1]) }),
		api.By("cidr-block-association.association-id", func(_ *api.Call, v *network.VPC) []string { return blockAssociations(v.Blocks) }),
		api.By("cidr-block-association.cidr-block", func(_ *api.Call, v *network.VPC) []string { return blockCIDRs(v.Blocks) }),
		api.By("cidr-block-association.state", func(_ *api.Call, v *network.VPC) []string { return blockStates(v.Blocks) }),
		api.By("dhcp-options-id", func(_ *api.Call, v *network.VPC) []string { return api.One(v.DHCPOptions) }),
		api.By("ipv6-cidr-block-association.association-id", func(_ *api.Call, v *network.VPC) []string { return blockAssociations(v.Blocks6) }),
		api.By("ipv6-cidr-block-association.ipv6-cidr-block", func(_ *api.Call, v *network.VPC) []string { return blockCIDRs(v.Blocks6) }),
		api.By("ipv6-cidr-block-association.state", func(_ *api.Call, v *network.VPC) []string { return blockStates(v.Blocks6) }),
		api.By("is-default", func(_ *api.Call, v *network.VPC) []string { return api.Yes(v.Default) }),
		api.By("isDefault", func(_ *api.Call, v *network.VPC) []string { return api.Yes(v.Default) }),
		api.By("owner-id", func(_ *api.Call, v *network.VPC) []string { return api.One(v.Owner) }),
		api.By("state", func(*api.Call, *network.VPC) []string { return api.One("available") }),
		api.By("vpc-id", func(_ *api.Call, v *network.VPC) []string { return api.One(v.ID) }),
	},
	Pages: vpcPages(),
}

func vpcPages() api.Pages { return api.PlainPages(5, 1000, "VpcIds") }

// showVPC is a VPC as Describe shows it.
func showVPC(c *api.Call, v *network.VPC) wire.Vpc {
	out := wire.Vpc{
		VpcId:                       api.Text(v.ID),
		OwnerId:                     api.Text(v.Owner),
		State:                       new("available"),
		CidrBlock:                   new(v.Blocks[0].CIDR.String()),
		DhcpOptionsId:               api.Text(v.DHCPOptions),
		InstanceTenancy:             api.Text(v.Tenancy),
		IsDefault:                   new(v.Default),
		CidrBlockAssociationSet:     make([]wire.VpcCidrBlockAssociation, 0, len(v.Blocks)),
		Ipv6CidrBlockAssociationSet: make([]wire.VpcIpv6CidrBlockAssociation, 0, len(v.Blocks6)),
		Tags:                        c.TagSet(string(v.ID)),
	}
	for _, b := range v.Blocks {
		out.CidrBlockAssociationSet = append(out.CidrBlockAssociationSet, wire.VpcCidrBlockAssociation{
			AssociationId: api.Text(b.Association), CidrBlock: new(b.CIDR.String()),
			CidrBlockState: &wire.VpcCidrBlockState{State: new("associated")},
		})
	}
	for _, b := range v.Blocks6 {
		out.Ipv6CidrBlockAssociationSet = append(out.Ipv6CidrBlockAssociationSet, showVPCBlock6(c, b))
	}
	return out
}

func showVPCBlock6(c *api.Call, b network.Block) wire.VpcIpv6CidrBlockAssociation {
	return wire.VpcIpv6CidrBlockAssociation{
		AssociationId: api.Text(b.Association), Ipv6CidrBlock: new(b.CIDR.String()),
		Ipv6CidrBlockState: &wire.VpcCidrBlockState{State: new("associated")},
		NetworkBorderGroup: api.Text(c.Caller.Region), Ipv6Pool: new("Amazon"),
		Ipv6AddressAttribute: new("public"), IpSource: new("amazon"),
	}
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
	return api.One("associated")
}
