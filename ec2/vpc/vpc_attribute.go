package vpc

import (
	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func vpcAttributeOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateDefaultVpc", createDefaultVpc, api.Params{}),
		api.Op("DescribeVpcAttribute", describeVpcAttribute, api.Params{Enforced: "VpcId Attribute"}),
		api.Void("ModifyVpcAttribute", modifyVpcAttribute, api.Params{
			Enforced: "VpcId EnableDnsSupport EnableDnsHostnames",
			Stored:   "EnableNetworkAddressUsageMetrics", // there are no metrics
		}),
		api.Op("ModifyVpcTenancy", modifyVpcTenancy, api.Params{Enforced: "VpcId InstanceTenancy"}),
		api.Op("DescribeVpcClassicLink", describeVpcClassicLink, api.Params{Enforced: "VpcId Filter", Filters: classicLinks.FilterNames()}),
		api.Op("DescribeVpcClassicLinkDnsSupport", describeVpcClassicLinkDnsSupport, api.Params{Enforced: "VpcIds MaxResults NextToken"}),
	}
}

func createDefaultVpc(c *api.Call, _ *wire.CreateDefaultVpcRequest) (*wire.CreateDefaultVpcResult, error) {
	out, err := c.Do(network.CreateDefaultVPC{Zones: api.ZonesOf(c.Caller.Region)})
	if err != nil {
		return nil, err
	}
	v := showVPC(c, c.State.VPC(network.VPCID(out.Created[0])))
	v.State = new("pending")
	return &wire.CreateDefaultVpcResult{Vpc: &v}, nil
}

func describeVpcAttribute(c *api.Call, in *wire.DescribeVpcAttributeRequest) (*wire.DescribeVpcAttributeResult, error) {
	rows, _, err := vpcs.Rows(c, api.Query{IDs: []string{*in.VpcId}})
	if err != nil {
		return nil, err
	}
	v, out := rows[0], &wire.DescribeVpcAttributeResult{VpcId: in.VpcId}
	switch *in.Attribute {
	case "enableDnsSupport":
		out.EnableDnsSupport = api.WrapBool(v.DNSSupport)
	case "enableDnsHostnames":
		out.EnableDnsHostnames = api.WrapBool(v.DNSHostnames)
	case "enableNetworkAddressUsageMetrics":
		out.EnableNetworkAddressUsageMetrics = api.WrapBool(v.UsageMetrics)
	}
	return out, nil
}

// modifyVpcAttribute changes one attribute a call (AWS: ModifyVpcAttribute).
func modifyVpcAttribute(c *api.Call, in *wire.ModifyVpcAttributeRequest) error {
	r := network.SetVPCAttribute{VPC: network.VPCID(*in.VpcId), DNSSupport: api.Setting(in.EnableDnsSupport),
		DNSHostnames: api.Setting(in.EnableDnsHostnames), UsageMetrics: api.Setting(in.EnableNetworkAddressUsageMetrics)}
	sent := 0
	for _, v := range []*bool{r.DNSSupport, r.DNSHostnames, r.UsageMetrics} {
		if v != nil {
			sent++
		}
	}
	switch {
	case sent == 0:
		return api.Missing("attribute")
	case sent > 1:
		return api.Combination("Fields for multiple attribute types specified: enableDnsSupport, enableDnsHostnames, enableNetworkAddressUsageMetrics")
	}
	_, err := c.Do(r)
	return err
}

func modifyVpcTenancy(c *api.Call, in *wire.ModifyVpcTenancyRequest) (*wire.ModifyVpcTenancyResult, error) {
	if _, err := c.Do(network.SetVPCAttribute{VPC: network.VPCID(*in.VpcId), Tenancy: in.InstanceTenancy}); err != nil {
		return nil, err
	}
	return &wire.ModifyVpcTenancyResult{ReturnValue: new(true)}, nil
}

// classicLinks is the VPCs as older clients ask about them. AWS has retired
// ClassicLink; no VPC has it.
var classicLinks = api.Listing[*network.VPC]{
	Kind: "vpc", Key: vpcs.Key, All: vpcs.All, Get: vpcs.Get, Tags: vpcs.Tags, Pages: api.PlainPages(5, 1000, ""),
	Filters: []api.Filter[*network.VPC]{api.By("is-classic-link-enabled", func(*api.Call, *network.VPC) []string { return api.Yes(false) })},
}

func describeVpcClassicLink(c *api.Call, in *wire.DescribeVpcClassicLinkRequest) (*wire.DescribeVpcClassicLinkResult, error) {
	rows, _, err := classicLinks.Rows(c, api.Query{IDs: in.VpcIds, Filters: in.Filters})
	if err != nil {
		return nil, err
	}
	show := func(v *network.VPC) wire.VpcClassicLink {
		return wire.VpcClassicLink{VpcId: api.Text(v.ID), ClassicLinkEnabled: new(false), Tags: c.TagSet(string(v.ID))}
	}
	return &wire.DescribeVpcClassicLinkResult{Vpcs: api.All(rows, show)}, nil
}

func describeVpcClassicLinkDnsSupport(c *api.Call, in *wire.DescribeVpcClassicLinkDnsSupportRequest) (*wire.DescribeVpcClassicLinkDnsSupportResult, error) {
	rows, next, err := classicLinks.Rows(c, api.Query{IDs: in.VpcIds, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(v *network.VPC) wire.ClassicLinkDnsSupport {
		return wire.ClassicLinkDnsSupport{VpcId: api.Text(v.ID), ClassicLinkDnsSupported: new(false)}
	}
	return &wire.DescribeVpcClassicLinkDnsSupportResult{Vpcs: api.All(rows, show), NextToken: next}, nil
}
