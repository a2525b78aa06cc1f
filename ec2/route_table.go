package ec2

import (
	"iter"
	"net/netip"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func routeTableOperations() []operation {
	table := params{enforced: "RouteTableId"}
	return []operation{
		op("CreateRouteTable", createRouteTable, params{enforced: "VpcId ClientToken TagSpecification"}),
		void("DeleteRouteTable", deleteRouteTable, table),
		op("DescribeRouteTables", describeRouteTables, params{
			enforced: "RouteTableId Filter MaxResults NextToken",
			filters:  routeTables.filterNames(),
		}),
		op("AssociateRouteTable", associateRouteTable, params{
			enforced: "RouteTableId SubnetId",
			refused: []refuse{
				{paths: "GatewayId", why: "gateways have no route tables of their own yet"},
				{paths: "PublicIpv4Pool", why: "there are no address pools"},
			},
		}),
		void("DisassociateRouteTable", disassociateRouteTable, params{enforced: "AssociationId"}),
		op("ReplaceRouteTableAssociation", replaceRouteTableAssociation, params{enforced: "AssociationId RouteTableId"}),
	}
}

func createRouteTable(c *call, in *wire.CreateRouteTableRequest) (*wire.CreateRouteTableResult, error) {
	out, err := c.doOnce(in.ClientToken, network.CreateRouteTable{VPC: network.VPCID(*in.VpcId), Tags: c.tags(in.TagSpecifications, "route-table")})
	if err != nil {
		return nil, err
	}
	t := c.state.RouteTable(network.RouteTableID(out.Created[0]))
	if t == nil {
		return nil, gone(out.Created[0])
	}
	return &wire.CreateRouteTableResult{RouteTable: new(c.routeTable(t)), ClientToken: in.ClientToken}, nil
}

// gone answers a repetition whose first call made something that was deleted since.
func gone(id string) error { return &network.Error{Code: network.NotFound, Subject: id} }

func deleteRouteTable(c *call, in *wire.DeleteRouteTableRequest) error {
	_, err := c.do(network.DeleteRouteTable{Table: network.RouteTableID(*in.RouteTableId)})
	return err
}

func describeRouteTables(c *call, in *wire.DescribeRouteTablesRequest) (*wire.DescribeRouteTablesResult, error) {
	rows, next, err := routeTables.rows(c, query{in.RouteTableIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeRouteTablesResult{RouteTables: all(rows, c.routeTable), NextToken: next}, nil
}

func associateRouteTable(c *call, in *wire.AssociateRouteTableRequest) (*wire.AssociateRouteTableResult, error) {
	c.need("subnetId", in.SubnetId != nil)
	out, err := c.do(network.AssociateTable{Table: network.RouteTableID(*in.RouteTableId), Subnet: network.SubnetID(value(in.SubnetId))})
	if err != nil {
		return nil, err
	}
	return &wire.AssociateRouteTableResult{AssociationId: text(out.Created[0]), AssociationState: associated()}, nil
}

func associated() *wire.RouteTableAssociationState {
	return &wire.RouteTableAssociationState{State: new("associated")}
}

func disassociateRouteTable(c *call, in *wire.DisassociateRouteTableRequest) error {
	_, err := c.do(network.DisassociateTable{Association: network.AssociationID(*in.AssociationId)})
	return err
}

func replaceRouteTableAssociation(c *call, in *wire.ReplaceRouteTableAssociationRequest) (*wire.ReplaceRouteTableAssociationResult, error) {
	out, err := c.do(network.ReplaceTableAssociation{Association: network.AssociationID(*in.AssociationId), Table: network.RouteTableID(*in.RouteTableId)})
	if err != nil {
		return nil, err
	}
	return &wire.ReplaceRouteTableAssociationResult{NewAssociationId: text(out.Created[0]), AssociationState: associated()}, nil
}

// routeTables is how route tables are found and filtered.
var routeTables = listing[*network.RouteTable]{
	kind: "rtb",
	key:  func(t *network.RouteTable) string { return string(t.ID) },
	all:  func(c *call) iter.Seq[*network.RouteTable] { return c.state.RouteTablesOf(c.caller) },
	get: func(c *call, id string) (*network.RouteTable, bool) {
		t := c.state.RouteTable(network.RouteTableID(id))
		return t, t != nil && t.In(c.caller)
	},
	tags: func(c *call, t *network.RouteTable) network.Tags { return c.state.Tags(c.caller, string(t.ID)) },
	filters: []filter[*network.RouteTable]{
		{"association.gateway-id", func(*call, *network.RouteTable) []string { return nil }},
		{"association.main", func(c *call, t *network.RouteTable) []string {
			return ofAssociations(c, t, func(a wire.RouteTableAssociation) *string { return &yes(*a.Main)[0] })
		}},
		{"association.route-table-association-id", func(c *call, t *network.RouteTable) []string {
			return ofAssociations(c, t, func(a wire.RouteTableAssociation) *string { return a.RouteTableAssociationId })
		}},
		{"association.route-table-id", func(c *call, t *network.RouteTable) []string {
			return ofAssociations(c, t, func(a wire.RouteTableAssociation) *string { return a.RouteTableId })
		}},
		{"association.subnet-id", func(c *call, t *network.RouteTable) []string {
			return ofAssociations(c, t, func(a wire.RouteTableAssociation) *string { return a.SubnetId })
		}},
		{"owner-id", func(_ *call, t *network.RouteTable) []string { return one(t.Owner) }},
		{"route-table-id", func(_ *call, t *network.RouteTable) []string { return one(t.ID) }},
		routeFilter("destination-cidr-block", func(r wire.Route) *string { return r.DestinationCidrBlock }),
		routeFilter("destination-ipv6-cidr-block", func(r wire.Route) *string { return r.DestinationIpv6CidrBlock }),
		routeFilter("destination-prefix-list-id", func(wire.Route) *string { return nil }),
		routeFilter("egress-only-internet-gateway-id", func(wire.Route) *string { return nil }),
		routeFilter("gateway-id", func(r wire.Route) *string { return r.GatewayId }),
		routeFilter("instance-id", func(r wire.Route) *string { return r.InstanceId }),
		routeFilter("nat-gateway-id", func(wire.Route) *string { return nil }),
		routeFilter("network-interface-id", func(r wire.Route) *string { return r.NetworkInterfaceId }),
		routeFilter("origin", func(r wire.Route) *string { return r.Origin }),
		routeFilter("state", func(r wire.Route) *string { return r.State }),
		routeFilter("transit-gateway-id", func(wire.Route) *string { return nil }),
		routeFilter("vpc-peering-connection-id", func(r wire.Route) *string { return r.VpcPeeringConnectionId }),
		{"vpc-id", func(_ *call, t *network.RouteTable) []string { return one(t.VPC) }},
	},
	pages: plainPages(5, 100, "RouteTableIds"),
}

func ofAssociations(c *call, t *network.RouteTable, get func(wire.RouteTableAssociation) *string) []string {
	var out []string
	for _, a := range c.associations(t) {
		if v := get(a); v != nil {
			out = append(out, *v)
		}
	}
	return out
}

// routeFilter compares a member of each route.
func routeFilter(name string, get func(wire.Route) *string) filter[*network.RouteTable] {
	return filter[*network.RouteTable]{"route." + name, func(c *call, t *network.RouteTable) []string {
		var out []string
		for _, r := range t.Routes {
			if v := get(c.route(t, r)); v != nil {
				out = append(out, *v)
			}
		}
		return out
	}}
}

// routeTable is a table as Describe shows it.
func (c *call) routeTable(t *network.RouteTable) wire.RouteTable {
	return wire.RouteTable{
		RouteTableId: text(t.ID), VpcId: text(t.VPC), OwnerId: text(t.Owner),
		Routes:          all(t.Routes, func(r network.Route) wire.Route { return c.route(t, r) }),
		Associations:    c.associations(t),
		PropagatingVgws: []wire.PropagatingVgw{},
		Tags:            c.tagSet(string(t.ID)),
	}
}

// associations are the main one, which names no subnet, and the explicit ones. A
// subnet that follows the main table is not listed (AWS: DescribeRouteTables).
func (c *call) associations(t *network.RouteTable) []wire.RouteTableAssociation {
	out := []wire.RouteTableAssociation{}
	if v := c.state.VPC(t.VPC); v.MainTable == t.ID {
		out = append(out, wire.RouteTableAssociation{RouteTableAssociationId: text(v.MainAssociation), RouteTableId: text(t.ID),
			Main: new(true), AssociationState: associated()})
	}
	for n := range c.state.SubnetsWith(t.ID) {
		out = append(out, wire.RouteTableAssociation{RouteTableAssociationId: text(n.TableAssociation), RouteTableId: text(t.ID),
			SubnetId: text(n.ID), Main: new(false), AssociationState: associated()})
	}
	return out
}

// route is a route as Describe shows it.
func (c *call) route(t *network.RouteTable, r network.Route) wire.Route {
	out := wire.Route{Origin: text(r.Origin.String()), State: new("blackhole")}
	if c.state.RouteActive(r) {
		out.State = new("active")
	}
	if r.Dst.Addr().Is4() {
		out.DestinationCidrBlock = new(r.Dst.String())
	} else {
		out.DestinationIpv6CidrBlock = new(r.Dst.String())
	}
	switch to := r.To.(type) {
	case network.ToLocal:
		out.GatewayId = new("local")
	case network.ToPeering:
		out.VpcPeeringConnectionId = text(to.Peering)
	case network.ToENI:
		out.NetworkInterfaceId = text(to.ENI)
		// AWS shows the instance that the interface is plugged into now, whichever
		// of the two the route was made with.
		if eni := c.state.ENI(to.ENI); eni != nil && eni.Attachment != nil {
			out.InstanceId, out.InstanceOwnerId = text(eni.Attachment.Instance), text(eni.Owner)
		}
	case network.ToGateway:
		out.GatewayId = text(to.Gateway)
	default:
		panic("unreachable: the set of targets is closed")
	}
	return out
}

// destination is the one block that a request about a route names.
func (c *call) destination(four, six *string) netip.Prefix {
	switch {
	case four != nil && six != nil:
		c.fail(combination("The parameter destinationIpv6CidrBlock cannot be used with the parameter destinationCidrBlock"))
	case four == nil && six == nil:
		c.fail(&Error{Code: "MissingParameter", Message: "Missing required parameter: must provide one of destinationCidrBlock, destinationIpv6CidrBlock or destinationPrefixListId"})
	case six != nil:
		return c.cidr6("destinationIpv6CidrBlock", six).Masked()
	}
	return c.cidr4("destinationCidrBlock", four).Masked()
}
