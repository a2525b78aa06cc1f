package ec2

import (
	"tombolo/ec2/wire"
	"tombolo/network"
)

func vpcAttributeOperations() []operation {
	return []operation{
		op("CreateDefaultVpc", createDefaultVpc, params{}),
		op("DescribeVpcAttribute", describeVpcAttribute, params{enforced: "VpcId Attribute"}),
		void("ModifyVpcAttribute", modifyVpcAttribute, params{
			enforced: "VpcId EnableDnsSupport EnableDnsHostnames",
			stored:   "EnableNetworkAddressUsageMetrics", // there are no metrics
		}),
		op("ModifyVpcTenancy", modifyVpcTenancy, params{enforced: "VpcId InstanceTenancy"}),
		op("DescribeVpcClassicLink", describeVpcClassicLink, params{enforced: "VpcId Filter", filters: classicLinks.filterNames()}),
		op("DescribeVpcClassicLinkDnsSupport", describeVpcClassicLinkDnsSupport, params{enforced: "VpcIds MaxResults NextToken"}),
	}
}

func createDefaultVpc(c *call, _ *wire.CreateDefaultVpcRequest) (*wire.CreateDefaultVpcResult, error) {
	out, err := c.do(network.CreateDefaultVPC{Zones: zonesOf(c.caller.Region)})
	if err != nil {
		return nil, err
	}
	v := c.vpc(c.state.VPC(network.VPCID(out.Created[0])))
	v.State = new("pending")
	return &wire.CreateDefaultVpcResult{Vpc: &v}, nil
}

func describeVpcAttribute(c *call, in *wire.DescribeVpcAttributeRequest) (*wire.DescribeVpcAttributeResult, error) {
	rows, _, err := vpcs.rows(c, query{ids: []string{*in.VpcId}})
	if err != nil {
		return nil, err
	}
	v, out := rows[0], &wire.DescribeVpcAttributeResult{VpcId: in.VpcId}
	switch *in.Attribute {
	case "enableDnsSupport":
		out.EnableDnsSupport = wrapBool(v.DNSSupport)
	case "enableDnsHostnames":
		out.EnableDnsHostnames = wrapBool(v.DNSHostnames)
	case "enableNetworkAddressUsageMetrics":
		out.EnableNetworkAddressUsageMetrics = wrapBool(v.UsageMetrics)
	}
	return out, nil
}

// modifyVpcAttribute changes one attribute a call (AWS: ModifyVpcAttribute).
func modifyVpcAttribute(c *call, in *wire.ModifyVpcAttributeRequest) error {
	r := network.SetVPCAttribute{VPC: network.VPCID(*in.VpcId), DNSSupport: setting(in.EnableDnsSupport),
		DNSHostnames: setting(in.EnableDnsHostnames), UsageMetrics: setting(in.EnableNetworkAddressUsageMetrics)}
	sent := 0
	for _, v := range []*bool{r.DNSSupport, r.DNSHostnames, r.UsageMetrics} {
		if v != nil {
			sent++
		}
	}
	switch {
	case sent == 0:
		return missing("attribute")
	case sent > 1:
		return combination("Fields for multiple attribute types specified: enableDnsSupport, enableDnsHostnames, enableNetworkAddressUsageMetrics")
	}
	_, err := c.do(r)
	return err
}

func modifyVpcTenancy(c *call, in *wire.ModifyVpcTenancyRequest) (*wire.ModifyVpcTenancyResult, error) {
	if _, err := c.do(network.SetVPCAttribute{VPC: network.VPCID(*in.VpcId), Tenancy: in.InstanceTenancy}); err != nil {
		return nil, err
	}
	return &wire.ModifyVpcTenancyResult{ReturnValue: new(true)}, nil
}

// classicLinks is the VPCs as older clients ask about them. AWS has retired
// ClassicLink; no VPC has it.
var classicLinks = listing[*network.VPC]{
	kind: "vpc", key: vpcs.key, all: vpcs.all, get: vpcs.get, tags: vpcs.tags, pages: plainPages(5, 1000, ""),
	filters: []filter[*network.VPC]{{"is-classic-link-enabled", func(*call, *network.VPC) []string { return yes(false) }}},
}

func describeVpcClassicLink(c *call, in *wire.DescribeVpcClassicLinkRequest) (*wire.DescribeVpcClassicLinkResult, error) {
	rows, _, err := classicLinks.rows(c, query{ids: in.VpcIds, filters: in.Filters})
	if err != nil {
		return nil, err
	}
	show := func(v *network.VPC) wire.VpcClassicLink {
		return wire.VpcClassicLink{VpcId: text(v.ID), ClassicLinkEnabled: new(false), Tags: c.tagSet(string(v.ID))}
	}
	return &wire.DescribeVpcClassicLinkResult{Vpcs: all(rows, show)}, nil
}

func describeVpcClassicLinkDnsSupport(c *call, in *wire.DescribeVpcClassicLinkDnsSupportRequest) (*wire.DescribeVpcClassicLinkDnsSupportResult, error) {
	rows, next, err := classicLinks.rows(c, query{ids: in.VpcIds, maxResults: in.MaxResults, nextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(v *network.VPC) wire.ClassicLinkDnsSupport {
		return wire.ClassicLinkDnsSupport{VpcId: text(v.ID), ClassicLinkDnsSupported: new(false)}
	}
	return &wire.DescribeVpcClassicLinkDnsSupportResult{Vpcs: all(rows, show), NextToken: next}, nil
}
