package vpc

import (
	"iter"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func gatewayOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateInternetGateway", createInternetGateway, api.Params{Enforced: "TagSpecification"}),
		api.Void("DeleteInternetGateway", deleteInternetGateway, api.Params{Enforced: "InternetGatewayId"}),
		api.Void("AttachInternetGateway", attachInternetGateway, api.Params{Enforced: "InternetGatewayId VpcId"}),
		api.Void("DetachInternetGateway", detachInternetGateway, api.Params{Enforced: "InternetGatewayId VpcId"}),
		api.Op("DescribeInternetGateways", describeInternetGateways, api.Params{
			Enforced: "InternetGatewayId Filter MaxResults NextToken",
			Filters:  gateways.FilterNames(),
		}),
		api.Op("CreateEgressOnlyInternetGateway", createEgressOnlyInternetGateway, api.Params{Enforced: "VpcId ClientToken TagSpecification"}),
		api.Op("DeleteEgressOnlyInternetGateway", deleteEgressOnlyInternetGateway, api.Params{Enforced: "EgressOnlyInternetGatewayId"}),
		api.Op("DescribeEgressOnlyInternetGateways", describeEgressOnlyInternetGateways, api.Params{
			Enforced: "EgressOnlyInternetGatewayId Filter MaxResults NextToken",
			Filters:  egressGateways.FilterNames(),
		}),
	}
}

func createInternetGateway(c *api.Call, in *wire.CreateInternetGatewayRequest) (*wire.CreateInternetGatewayResult, error) {
	out, err := c.Do(network.CreateGateway{Tags: c.Tags(in.TagSpecifications, "internet-gateway")})
	if err != nil {
		return nil, err
	}
	return &wire.CreateInternetGatewayResult{InternetGateway: new(showGateway(c, c.State.Gateway(network.GatewayID(out.Created[0]))))}, nil
}

func deleteInternetGateway(c *api.Call, in *wire.DeleteInternetGatewayRequest) error {
	_, err := c.Do(network.DeleteGateway{Gateway: network.GatewayID(*in.InternetGatewayId)})
	return err
}

func attachInternetGateway(c *api.Call, in *wire.AttachInternetGatewayRequest) error {
	_, err := c.Do(network.AttachGateway{Gateway: network.GatewayID(*in.InternetGatewayId), VPC: network.VPCID(*in.VpcId)})
	return err
}

func detachInternetGateway(c *api.Call, in *wire.DetachInternetGatewayRequest) error {
	_, err := c.Do(network.DetachGateway{Gateway: network.GatewayID(*in.InternetGatewayId), VPC: network.VPCID(*in.VpcId)})
	return err
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
	return &wire.DescribeInternetGatewaysResult{InternetGateways: api.Each(c, rows, showGateway), NextToken: next}, nil
}

// showGateway is an internet gateway as Describe shows it. An attached one is
// "available" there, an egress-only one "attached".
func showGateway(c *api.Call, g *network.InternetGateway) wire.InternetGateway {
	out := wire.InternetGateway{InternetGatewayId: api.Text(g.ID), OwnerId: api.Text(g.Owner), Tags: c.TagSet(string(g.ID)), Attachments: []wire.InternetGatewayAttachment{}}
	if g.VPC != "" {
		out.Attachments = append(out.Attachments, wire.InternetGatewayAttachment{State: new("available"), VpcId: api.Text(g.VPC)})
	}
	return out
}

func createEgressOnlyInternetGateway(c *api.Call, in *wire.CreateEgressOnlyInternetGatewayRequest) (*wire.CreateEgressOnlyInternetGatewayResult, error) {
	out, err := c.DoOnce(in.ClientToken, network.CreateEgressGateway{VPC: network.VPCID(*in.VpcId), Tags: c.Tags(in.TagSpecifications, "egress-only-internet-gateway")})
	if err != nil {
		return nil, err
	}
	g := c.State.EgressGateway(network.EgressGatewayID(out.Created[0]))
	if g == nil {
		return nil, api.Gone(out.Created[0])
	}
	return &wire.CreateEgressOnlyInternetGatewayResult{EgressOnlyInternetGateway: new(showEgressGateway(c, g)), ClientToken: in.ClientToken}, nil
}

func deleteEgressOnlyInternetGateway(c *api.Call, in *wire.DeleteEgressOnlyInternetGatewayRequest) (*wire.DeleteEgressOnlyInternetGatewayResult, error) {
	if _, err := c.Do(network.DeleteEgressGateway{Gateway: network.EgressGatewayID(*in.EgressOnlyInternetGatewayId)}); err != nil {
		return nil, err
	}
	return &wire.DeleteEgressOnlyInternetGatewayResult{ReturnCode: new(true)}, nil
}

var egressGateways = api.Listing[*network.EgressGateway]{
	Kind: "eigw",
	Key:  func(g *network.EgressGateway) string { return string(g.ID) },
	All:  func(c *api.Call) iter.Seq[*network.EgressGateway] { return c.State.EgressGatewaysOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.EgressGateway, bool) {
		g := c.State.EgressGateway(network.EgressGatewayID(id))
		return g, g != nil && g.In(c.Caller)
	},
	Tags:    func(c *api.Call, g *network.EgressGateway) network.Tags { return c.State.Tags(c.Caller, string(g.ID)) },
	Pages:   api.PlainPages(5, 255, ""),
	Lenient: true, // AWS: so in DescribeEgressOnlyInternetGateways alone
}

func describeEgressOnlyInternetGateways(c *api.Call, in *wire.DescribeEgressOnlyInternetGatewaysRequest) (*wire.DescribeEgressOnlyInternetGatewaysResult, error) {
	rows, next, err := egressGateways.Rows(c, api.Query{IDs: in.EgressOnlyInternetGatewayIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeEgressOnlyInternetGatewaysResult{EgressOnlyInternetGateways: api.Each(c, rows, showEgressGateway), NextToken: next}, nil
}

func showEgressGateway(c *api.Call, g *network.EgressGateway) wire.EgressOnlyInternetGateway {
	return wire.EgressOnlyInternetGateway{EgressOnlyInternetGatewayId: api.Text(g.ID), Tags: c.TagSet(string(g.ID)),
		Attachments: []wire.InternetGatewayAttachment{{State: new("attached"), VpcId: api.Text(g.VPC)}}}
}
