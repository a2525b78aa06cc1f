package ec2

import (
	"iter"
	"slices"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func gatewayOperations() []operation {
	return []operation{
		op("DescribeInternetGateways", describeInternetGateways, params{
			enforced: "InternetGatewayId Filter MaxResults NextToken",
			filters:  gateways.filterNames(),
		}),
		op("DescribeDhcpOptions", describeDhcpOptions, params{
			enforced: "DhcpOptionsId Filter MaxResults NextToken",
			filters:  dhcpOptions.filterNames(),
		}),
	}
}

var gateways = listing[*network.InternetGateway]{
	kind: "igw",
	key:  func(g *network.InternetGateway) string { return string(g.ID) },
	all:  func(c *call) iter.Seq[*network.InternetGateway] { return c.state.GatewaysOf(c.caller) },
	get: func(c *call, id string) (*network.InternetGateway, bool) {
		g := c.state.Gateway(network.GatewayID(id))
		return g, g != nil && g.In(c.caller)
	},
	tags: func(c *call, g *network.InternetGateway) network.Tags { return c.state.Tags(c.caller, string(g.ID)) },
	filters: []filter[*network.InternetGateway]{
		{"attachment.state", func(_ *call, g *network.InternetGateway) []string {
			if g.VPC == "" {
				return nil
			}
			return one("available")
		}},
		{"attachment.vpc-id", func(_ *call, g *network.InternetGateway) []string { return one(g.VPC) }},
		{"internet-gateway-id", func(_ *call, g *network.InternetGateway) []string { return one(g.ID) }},
		{"owner-id", func(_ *call, g *network.InternetGateway) []string { return one(g.Owner) }},
	},
	pages: plainPages(5, 1000, "InternetGatewayIds"),
}

func describeInternetGateways(c *call, in *wire.DescribeInternetGatewaysRequest) (*wire.DescribeInternetGatewaysResult, error) {
	rows, next, err := gateways.rows(c, query{in.InternetGatewayIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(g *network.InternetGateway) wire.InternetGateway {
		out := wire.InternetGateway{InternetGatewayId: text(g.ID), OwnerId: text(g.Owner), Tags: c.tagSet(string(g.ID)), Attachments: []wire.InternetGatewayAttachment{}}
		if g.VPC != "" {
			out.Attachments = append(out.Attachments, wire.InternetGatewayAttachment{State: new("available"), VpcId: text(g.VPC)})
		}
		return out
	}
	return &wire.DescribeInternetGatewaysResult{InternetGateways: all(rows, show), NextToken: next}, nil
}

// dhcpOptions is the Region's default set, the only one there is.
var dhcpOptions = listing[*network.World]{
	kind: "dopt",
	key:  func(w *network.World) string { return string(w.DHCPOptions) },
	all: func(c *call) iter.Seq[*network.World] {
		return slices.Values([]*network.World{c.state.World(c.caller)})
	},
	get: func(c *call, id string) (*network.World, bool) {
		w := c.state.World(c.caller)
		return w, string(w.DHCPOptions) == id
	},
	tags: func(c *call, w *network.World) network.Tags { return c.state.Tags(c.caller, string(w.DHCPOptions)) },
	filters: []filter[*network.World]{
		{"dhcp-options-id", func(_ *call, w *network.World) []string { return one(w.DHCPOptions) }},
		{"key", func(*call, *network.World) []string { return []string{"domain-name", "domain-name-servers"} }},
		{"owner-id", func(_ *call, w *network.World) []string { return one(w.Owner) }},
		{"value", func(_ *call, w *network.World) []string { return []string{domain(w.Region), "AmazonProvidedDNS"} }},
	},
	pages: plainPages(5, 1000, "DhcpOptionsIds"),
}

func describeDhcpOptions(c *call, in *wire.DescribeDhcpOptionsRequest) (*wire.DescribeDhcpOptionsResult, error) {
	rows, next, err := dhcpOptions.rows(c, query{in.DhcpOptionsIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(w *network.World) wire.DhcpOptions {
		return wire.DhcpOptions{DhcpOptionsId: text(w.DHCPOptions), OwnerId: text(w.Owner), Tags: c.tagSet(string(w.DHCPOptions)),
			DhcpConfigurations: []wire.DhcpConfiguration{
				{Key: new("domain-name"), Values: []wire.AttributeValue{{Value: text(domain(w.Region))}}},
				{Key: new("domain-name-servers"), Values: []wire.AttributeValue{{Value: new("AmazonProvidedDNS")}}},
			}}
	}
	return &wire.DescribeDhcpOptionsResult{DhcpOptions: all(rows, show), NextToken: next}, nil
}
