package vpc

import (
	"iter"
	"net/netip"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func routeTableOperations() []api.Operation {
	table := api.Params{Enforced: "RouteTableId"}
	return []api.Operation{
		api.Op("CreateRouteTable", createRouteTable, api.Params{Enforced: "VpcId ClientToken TagSpecification"}),
		api.Void("DeleteRouteTable", deleteRouteTable, table),
		api.Op("DescribeRouteTables", describeRouteTables, api.Params{
			Enforced: "RouteTableId Filter MaxResults NextToken",
			Filters:  routeTables.FilterNames(),
		}),
		api.Op("AssociateRouteTable", associateRouteTable, api.Params{
			Enforced: "RouteTableId SubnetId",
			Refused: []api.Refuse{
				{Paths: "GatewayId", Why: "gateways have no route tables of their own yet"},
				{Paths: "PublicIpv4Pool", Why: "there are no address pools"},
			},
		}),
		api.Void("DisassociateRouteTable", disassociateRouteTable, api.Params{Enforced: "AssociationId"}),
		api.Op("ReplaceRouteTableAssociation", replaceRouteTableAssociation, api.Params{Enforced: "AssociationId RouteTableId"}),
	}
}

func createRouteTable(c *api.Call, in *wire.CreateRouteTableRequest) (*wire.CreateRouteTableResult, error) {
	out, err := c.DoOnce(in.ClientToken, network.CreateRouteTable{VPC: network.VPCID(*in.VpcId), Tags: c.Tags(in.TagSpecifications, "route-table")})
	if err != nil {
		return nil, err
	}
	t := c.State.RouteTable(network.RouteTableID(out.Created[0]))
	if t == nil {
		return nil, api.Gone(out.Created[0])
	}
	return &wire.CreateRouteTableResult{RouteTable: new(showRouteTable(c, t)), ClientToken: in.ClientToken}, nil
}

func deleteRouteTable(c *api.Call, in *wire.DeleteRouteTableRequest) error {
	_, err := c.Do(network.DeleteRouteTable{Table: network.RouteTableID(*in.RouteTableId)})
	return err
}

func describeRouteTables(c *api.Call, in *wire.DescribeRouteTablesRequest) (*wire.DescribeRouteTablesResult, error) {
	rows, next, err := routeTables.Rows(c, api.Query{IDs: in.RouteTableIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeRouteTablesResult{RouteTables: api.Each(c, rows, showRouteTable), NextToken: next}, nil
}

func associateRouteTable(c *api.Call, in *wire.AssociateRouteTableRequest) (*wire.AssociateRouteTableResult, error) {
	api.Need(c, "subnetId", in.SubnetId)
	out, err := c.Do(network.AssociateTable{Table: network.RouteTableID(*in.RouteTableId), Subnet: network.SubnetID(api.Value(in.SubnetId))})
	if err != nil {
		return nil, err
	}
	return &wire.AssociateRouteTableResult{AssociationId: api.Text(out.Created[0]), AssociationState: associated()}, nil
}

func associated() *wire.RouteTableAssociationState {
	return &wire.RouteTableAssociationState{State: new("associated")}
}

func disassociateRouteTable(c *api.Call, in *wire.DisassociateRouteTableRequest) error {
	_, err := c.Do(network.DisassociateTable{Association: network.AssociationID(*in.AssociationId)})
	return err
}

func replaceRouteTableAssociation(c *api.Call, in *wire.ReplaceRouteTableAssociationRequest) (*wire.ReplaceRouteTableAssociationResult, error) {
	out, err := c.Do(network.ReplaceTableAssociation{Association: network.AssociationID(*in.AssociationId), Table: network.RouteTableID(*in.RouteTableId)})
	if err != nil {
		return nil, err
	}
	return &wire.ReplaceRouteTableAssociationResult{NewAssociationId: api.Text(out.Created[0]), AssociationState: associated()}, nil
}

// routeTables is how route tables are found and filtered.
var routeTables = api.Listing[*network.RouteTable]{
	Kind: "rtb",
	Key:  func(t *network.RouteTable) string { return string(t.ID) },
	All:  func(c *api.Call) iter.Seq[*network.RouteTable] { return c.State.RouteTablesOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.RouteTable, bool) {
		t := c.State.RouteTable(network.RouteTableID(id))
		return t, t != nil && t.In(c.Caller)
	},
	Tags: func(c *api.Call, t *network.RouteTable) network.Tags { return c.State.Tags(c.Caller, string(t.ID)) },
	Filters: []api.Filter[*network.RouteTable]{
		api.By("association.gateway-id", func(*api.Call, *network.RouteTable) []string { return nil }),
		api.By("association.main", func(c *api.Call, t *network.RouteTable) []string {
			return ofAssociations(c, t, func(a wire.RouteTableAssociation) *string { return &api.Yes(*a.Main)[0] })
		}),
		api.By("association.route-table-association-id", func(c *api.Call, t *network.RouteTable) []string {
			return ofAssociations(c, t, func(a wire.RouteTableAssociation) *string { return a.RouteTableAssociationId })
		}),
		api.By("association.route-table-id", func(c *api.Call, t *network.RouteTable) []string {
			return ofAssociations(c, t, func(a wire.RouteTableAssociation) *string { return a.RouteTableId })
		}),
		api.By("association.subnet-id", func(c *api.Call, t *network.RouteTable) []string {
			return ofAssociations(c, t, func(a wire.RouteTableAssociation) *string { return a.SubnetId })
		}),
		api.By("owner-id", func(_ *api.Call, t *network.RouteTable) []string { return api.One(t.Owner) }),
		api.By("route-table-id", func(_ *api.Call, t *network.RouteTable) []string { return api.One(t.ID) }),
		routeFilter("destination-cidr-block", func(r wire.Route) *string { return r.DestinationCidrBlock }),
		routeFilter("destination-ipv6-cidr-block", func(r wire.Route) *string { return r.DestinationIpv6CidrBlock }),
		routeFilter("destination-prefix-list-id", func(wire.Route) *string { return nil }),
		routeFilter("egress-only-internet-gateway-id", func(r wire.Route) *string { return r.EgressOnlyInternetGatewayId }),
		routeFilter("gateway-id", func(r wire.Route) *string { return r.GatewayId }),
		routeFilter("instance-id", func(r wire.Route) *string { return r.InstanceId }),
		routeFilter("nat-gateway-id", func(wire.Route) *string { return nil }),
		routeFilter("network-interface-id", func(r wire.Route) *string { return r.NetworkInterfaceId }),
		routeFilter("origin", func(r wire.Route) *string { return r.Origin }),
		routeFilter("state", func(r wire.Route) *string { return r.State }),
		routeFilter("transit-gateway-id", func(wire.Route) *string { return nil }),
		routeFilter("vpc-peering-connection-id", func(r wire.Route) *string { return r.VpcPeeringConnectionId }),
		api.By("vpc-id", func(_ *api.Call, t *network.RouteTable) []string { return api.One(t.VPC) }),
	},
	Pages: api.PlainPages(5, 100, "RouteTableIds"),
}

func ofAssociations(c *api.Call, t *network.RouteTable, get func(wire.RouteTableAssociation) *string) []string {
	var out []string
	for _, a := range showAssociations(c, t) {
		if v := get(a); v != nil {
			out = append(out, *v)
		}
	}
	return out
}

// routeFilter compares a member of each route.
func routeFilter(name string, get func(wire.Route) *string) api.Filter[*network.RouteTable] {
	return api.By("route."+name, func(c *api.Call, t *network.RouteTable) []string {
		var out []string
		for _, r := range t.Routes {
			if v := get(showRoute(c, t, r)); v != nil {
				out = append(out, *v)
			}
		}
		return out
	})
}

// showRouteTable is a table as Describe shows it.
func showRouteTable(c *api.Call, t *network.RouteTable) wire.RouteTable {
	return wire.RouteTable{
		RouteTableId: api.Text(t.ID), VpcId: api.Text(t.VPC), OwnerId: api.Text(t.Owner),
		Routes:          api.All(t.Routes, func(r network.Route) wire.Route { return showRoute(c, t, r) }),
		Associations:    showAssociations(c, t),
		PropagatingVgws: []wire.PropagatingVgw{},
		Tags:            c.TagSet(string(t.ID)),
	}
}

// showAssociations are the main one, which names no subnet, and the explicit ones. A
// subnet that follows the main table is not listed (AWS: DescribeRouteTables).
func showAssociations(c *api.Call, t *network.RouteTable) []wire.RouteTableAssociation {
	out := []wire.RouteTableAssociation{}
	if v := c.State.VPC(t.VPC); v.MainTable == t.ID {
		out = append(out, wire.RouteTableAssociation{RouteTableAssociationId: api.Text(v.MainAssociation), RouteTableId: api.Text(t.ID),
			Main: new(true), AssociationState: associated()})
	}
	for n := range c.State.SubnetsWith(t.ID) {
		out = append(out, wire.RouteTableAssociation{RouteTableAssociationId: api.Text(n.TableAssociation), RouteTableId: api.Text(t.ID),
			SubnetId: api.Text(n.ID), Main: new(false), AssociationState: associated()})
	}
	return out
}

// showRoute is a route as Describe shows it.
func showRoute(c *api.Call, t *network.RouteTable, r network.Route) wire.Route {
	out := wire.Route{Origin: api.Text(r.Origin.String()), State: new("blackhole")}
	if c.State.RouteActive(t.VPC, r) {
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
		out.VpcPeeringConnectionId = api.Text(to.Peering)
	case network.ToENI:
		out.NetworkInterfaceId = api.Text(to.ENI)
		// AWS shows the instance that the interface is plugged into now, whichever
		// of the two the route was made with.
		if eni := c.State.ENI(to.ENI); eni != nil && eni.Attachment != nil {
			out.InstanceId, out.InstanceOwnerId = api.Text(eni.Attachment.Instance), api.Text(eni.Owner)
		}
	case network.ToGateway:
		out.GatewayId = api.Text(to.Gateway)
	case network.ToEgress:
		out.EgressOnlyInternetGatewayId = api.Text(to.Gateway)
	default:
		panic("unreachable: the set of targets is closed")
	}
	return out
}

// readDestination is the one block that a request about a route names.
func readDestination(c *api.Call, four, six *string) netip.Prefix {
	switch {
	case four != nil && six != nil:
		c.Fail(api.Combination("The parameter destinationIpv6CidrBlock cannot be used with the parameter destinationCidrBlock"))
	case four == nil && six == nil:
		c.Fail(&api.Error{Code: "MissingParameter", Message: "Missing required parameter: must provide one of destinationCidrBlock, destinationIpv6CidrBlock or destinationPrefixListId"})
	case six != nil:
		return c.CIDR6("destinationIpv6CidrBlock", six).Masked()
	}
	return c.CIDR4("destinationCidrBlock", four).Masked()
}
