package ec2

import (
	"tombolo/ec2/wire"
	"tombolo/network"
)

func routeOperations() []operation {
	refused := []refuse{
		{paths: "DestinationPrefixListId", why: "there are no managed prefix lists yet"},
		{paths: "VpcEndpointId TransitGatewayId LocalGatewayId CarrierGatewayId CoreNetworkArn OdbNetworkArn EgressOnlyInternetGatewayId NatGatewayId",
			why: "there are no such gateways yet"},
	}
	const targets = "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock GatewayId InstanceId NetworkInterfaceId VpcPeeringConnectionId"
	return []operation{
		op("CreateRoute", createRoute, params{enforced: targets, refused: refused}),
		void("ReplaceRoute", replaceRoute, params{enforced: targets + " LocalTarget", refused: refused}),
		void("DeleteRoute", deleteRoute, params{enforced: "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock", refused: refused[:1]}),
	}
}

func createRoute(c *call, in *wire.CreateRouteRequest) (*wire.CreateRouteResult, error) {
	_, err := c.do(network.CreateRoute{
		Table: network.RouteTableID(*in.RouteTableId),
		Dst:   c.destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock),
		To:    c.target(routeTarget{gateway: in.GatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId, peering: in.VpcPeeringConnectionId}),
	})
	if err != nil {
		return nil, err
	}
	return &wire.CreateRouteResult{Return: new(true)}, nil
}

func replaceRoute(c *call, in *wire.ReplaceRouteRequest) error {
	_, err := c.do(network.ReplaceRoute{
		Table: network.RouteTableID(*in.RouteTableId),
		Dst:   c.destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock),
		To: c.target(routeTarget{gateway: in.GatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId, peering: in.VpcPeeringConnectionId,
			local: value(in.LocalTarget)}),
	})
	return err
}

func deleteRoute(c *call, in *wire.DeleteRouteRequest) error {
	_, err := c.do(network.DeleteRoute{
		Table: network.RouteTableID(*in.RouteTableId),
		Dst:   c.destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock),
	})
	return err
}

// routeTarget is the parameters that say where a route goes.
type routeTarget struct {
	gateway, instance, eni, peering *string
	local                           bool
}

// target is the one target that a request names.
func (c *call) target(t routeTarget) network.Target {
	var named []network.Target
	if t.gateway != nil {
		named = append(named, c.gatewayTarget(*t.gateway))
	}
	if t.instance != nil {
		named = append(named, network.ToENI{Instance: network.InstanceID(*t.instance)})
	}
	if t.eni != nil {
		named = append(named, network.ToENI{ENI: network.ENIID(*t.eni)})
	}
	if t.peering != nil {
		named = append(named, network.ToPeering{Peering: network.PeeringID(*t.peering)})
	}
	if t.local {
		named = append(named, network.ToLocal{})
	}
	if len(named) != 1 {
		code := "InvalidParameterCombination"
		if len(named) == 0 {
			code = "MissingParameter"
		}
		c.fail(&Error{Code: code, Message: "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, vpcEndpointId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId, coreNetworkArn or instanceId"})
		return nil
	}
	return named[0]
}

// gatewayTarget is an internet gateway. Whatever else may be sent as a gateway
// id, "local" too, is to AWS the id of a gateway that is not there.
func (c *call) gatewayTarget(id string) network.Target {
	if !network.WellFormed(id, "igw") {
		c.fail(&Error{Code: "InvalidGatewayID.NotFound", Message: "The gateway ID '" + id + "' does not exist"})
	}
	return network.ToGateway{Gateway: network.GatewayID(id)}
}
