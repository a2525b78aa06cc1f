package vpc

import (
	"iter"
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func gatewayOperations() []api.Operation {
	return []api.Operation{
		api.Op("DescribeInternetGateways", describeInternetGateways, api.Params{
			Enforced: "InternetGatewayId Filter MaxResults NextToken",
			Filters:  gateways.FilterNames(),
		}),
		api.Op("DescribeDhcpOptions", describeDhcpOptions, api.Params{
			Enforced: "DhcpOptionsId Filter MaxResults NextToken",
			Filters:  dhcpOptions.FilterNames(),
		}),
	}
}

var gateways = api.Listing[*network.InternetGateway]{
	Kind: "igw",
	Key:  func(g *network.InternetGateway) string { return string(g.ID) },
	All:  func(c *api.Call) iter.Seq[*network.InternetGateway] { return c.State.GatewaysOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.InternetGateway, bool) {
		g := c.State.Gateway(network.GatewayID(id))
		return g, g != nil && g.In(c.Caller)
	},
	Tags: func(c *api.Call, g *network.InternetGateway) network.Tags {
		return c.State.Tags(c.Caller, string(g.ID))
	},
	Filters: []api.Filter[*network.InternetGateway]{
		api.By("attachment.state", func(_ *api.Call, g *network.InternetGateway) []string {
			if g.VPC == "" {
				return nil
			}
			return api.One("available")
		}),
		api.By("attachment.vpc-id", func(_ *api.Call, g *network.InternetGateway) []string { return api.One(g.VPC) }),
		api.By("internet-gateway-id", func(_ *api.Call, g *network.InternetGateway) []string { return api.One(g.ID) }),
		api.By("owner-id", func(_ *api.Call, g *network.InternetGateway) []string { return api.One(g.Owner) }),
	},
	Pages: api.PlainPages(5, 1000, "InternetGatewayIds"),
}

func describeInternetGateways(c *api.Call, in *wire.DescribeInternetGatewaysRequest) (*wire.DescribeInternetGatewaysResult, error) {
	rows, next, err := gateways.Rows(c, api.Query{IDs: in.InternetGatewayIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(g *network.InternetGateway) wire.InternetGateway {
		out := wire.InternetGateway{InternetGatewayId: api.Text(g.ID), OwnerId: api.Text(g.Owner), Tags: c.TagSet(string(g.ID)), Attachments: []wire.InternetGatewayAttachment{}}
		if g.VPC != "" {
			out.Attachments = append(out.Attachments, wire.InternetGatewayAttachment{State: new("available"), VpcId: api.Text(g.VPC)})
		}
		return out
	}
	return &wire.DescribeInternetGatewaysResult{InternetGateways: api.All(rows, show), NextToken: next}, nil
}

// dhcpOptions is the Region's default set, the only one there is.
var dhcpOptions = api.Listing[*network.World]{
	Kind: "dopt",
	Key:  func(w *network.World) string { return string(w.DHCPOptions) },
	All: func(c *api.Call) iter.Seq[*network.World] {
		return slices.Values([]*network.World{c.State.World(c.Caller)})
	},
	Get: func(c *api.Call, id string) (*network.World, bool) {
		w := c.State.World(c.Caller)
		return w, string(w.DHCPOptions) == id
	},
	Tags: func(c *api.Call, w *network.World) network.Tags { return c.State.Tags(c.Caller, string(w.DHCPOptions)) },
	Filters: []api.Filter[*network.World]{
		api.By("dhcp-options-id", func(_ *api.Call, w *network.World) []string { return api.One(w.DHCPOptions) }),
		api.By("key", func(*api.Call, *network.World) []string { return []string{"domain-name", "domain-name-servers"} }),
		api.By("owner-id", func(_ *api.Call, w *network.World) []string { return api.One(w.Owner) }),
		api.By("value", func(_ *api.Call, w *network.World) []string {
			return []string{api.Domain(w.Region), "AmazonProvidedDNS"}
		}),
	},
	Pages: api.PlainPages(5, 1000, "DhcpOptionsIds"),
}

func describeDhcpOptions(c *api.Call, in *wire.DescribeDhcpOptionsRequest) (*wire.DescribeDhcpOptionsResult, error) {
	rows, next, err := dhcpOptions.Rows(c, api.Query{IDs: in.DhcpOptionsIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(w *network.World) wire.DhcpOptions {
		return wire.DhcpOptions{DhcpOptionsId: api.Text(w.DHCPOptions), OwnerId: api.Text(w.Owner), Tags: c.TagSet(string(w.DHCPOptions)),
			DhcpConfigurations: []wire.DhcpConfiguration{
				{Key: new("domain-name"), Values: []wire.AttributeValue{{Value: api.Text(api.Domain(w.Region))}}},
				{Key: new("domain-name-servers"), Values: []wire.AttributeValue{{Value: new("AmazonProvidedDNS")}}},
			}}
	}
	return &wire.DescribeDhcpOptionsResult{DhcpOptions: api.All(rows, show), NextToken: next}, nil
}
