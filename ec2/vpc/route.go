package vpc

import (
	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func routeOperations() []api.Operation {
	refused := []api.Refuse{
		{Paths: "DestinationPrefixListId", Why: "there are no managed prefix lists yet"},
		{Paths: "VpcEndpointId TransitGatewayId LocalGatewayId CarrierGatewayId CoreNetworkArn OdbNetworkArn NatGatewayId",
			Why: "there are no such gateways yet"},
	}
	const targets = "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock GatewayId EgressOnlyInternetGatewayId InstanceId NetworkInterfaceId VpcPeeringConnectionId"
	return []api.Operation{
		api.Op("CreateRoute", createRoute, api.Params{Enforced: targets, Refused: refused}),
		api.Void("ReplaceRoute", replaceRoute, api.Params{Enforced: targets + " LocalTarget", Refused: refused}),
		api.Void("DeleteRoute", deleteRoute, api.Params{Enforced: "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock", Refused: refused[:1]}),
	}
}

func createRoute(c *api.Call, in *wire.CreateRouteRequest) (*wire.CreateRouteResult, error) {
	_, err := c.Do(network.CreateRoute{
		Table: network.RouteTableID(*in.RouteTableId),
		Dst:   readDestination(c, in.DestinationCidrBlock, in.DestinationIpv6CidrBlock),
		To:    readTarget(c, routeTarget{gateway: in.GatewayId, egress: in.EgressOnlyInternetGatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId, peering: in.VpcPeeringConnectionId}),
	})
	if err != nil {
		return nil, err
	}
	return &wire.CreateRouteResult{Return: new(true)}, nil
}

func replaceRoute(c *api.Call, in *wire.ReplaceRouteRequest) error {
	_, err := c.Do(network.ReplaceRoute{
		Table: network.RouteTableID(*in.RouteTableId),
		Dst:   readDestination(c, in.DestinationCidrBlock, in.DestinationIpv6CidrBlock),
		To: readTarget(c, routeTarget{gateway: in.GatewayId, egress: in.EgressOnlyInternetGatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId, peering: in.VpcPeeringConnectionId,
			local: api.Value(in.LocalTarget)}),
	})
	return err
}

func deleteRoute(c *api.Call, in *wire.DeleteRouteRequest) error {
	_, err := c.Do(network.DeleteRoute{
		Table: network.RouteTableID(*in.RouteTableId),
		Dst:   readDestination(c, in.DestinationCidrBlock, in.DestinationIpv6CidrBlock),
	})
	return err
}

// routeTarget is the parameters that say where a route goes.
type routeTarget struct {
	gateway, egress, instance, eni, peering *string
	local                                   bool
}

// readTarget is the one target that a request names.
func readTarget(c *api.Call, t routeTarget) network.Target {
	var named []network.Target
	if t.gateway != nil {
		named = append(named, gatewayTarget(c, *t.gateway))
	}
	if t.egress != nil {
		named = append(named, network.ToEgress{Gateway: network.EgressGatewayID(*t.egress)})
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
		c.Fail(&api.Error{Code: code, Message: "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, vpcEndpointId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId, coreNetworkArn or instanceId"})
		return nil
	}
	return named[0]
}

// gatewayTarget is an internet gateway. Whatever else may be sent as a gateway
// id, "local" too, is to AWS the id of a gateway that is not there.
func gatewayTarget(c *api.Call, id string) network.Target {
	if !network.WellFormed(id, "igw") {
		c.Fail(&api.Error{Code: "InvalidGatewayID.NotFound", Message: "The gateway ID '" + id + "' does not exist"})
	}
	return network.ToGateway{Gateway: network.GatewayID(id)}
}
