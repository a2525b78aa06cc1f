package tfplan

import (
	"slices"
	"strconv"
)

// kind is what one type of resource does. What is made first has the lowest rank,
// and is deleted last.
type kind struct {
	rank                   int
	create, update, remove func(*work)
}

// kinds are the types that are understood (Terraform's AWS provider).
var kinds = map[string]kind{
	"aws_vpc":                             {1, createVPC, nil, deleteBy("DeleteVpc", "VpcId", "id")},
	"aws_subnet":                          {2, createSubnet, nil, deleteBy("DeleteSubnet", "SubnetId", "id")},
	"aws_network_acl":                     {3, createACL, updateACL, deleteBy("DeleteNetworkAcl", "NetworkAclId", "id")},
	"aws_security_group":                  {3, createGroup, updateGroup, deleteBy("DeleteSecurityGroup", "GroupId", "id")},
	"aws_vpc_peering_connection":          {3, createPeering, nil, deleteBy("DeleteVpcPeeringConnection", "VpcPeeringConnectionId", "id")},
	"aws_vpc_peering_connection_accepter": {4, acceptPeering, nil, nil},
	"aws_vpc_peering_connection_options":  {5, ignore, nil, nil}, // about names, not about packets
	"aws_network_interface":               {5, createInterface, nil, deleteBy("DeleteNetworkInterface", "NetworkInterfaceId", "id")},
	"aws_instance":                        {6, createInstance, nil, deleteBy("TerminateInstances", "InstanceId.1", "id")},
	"aws_route_table":                     {7, createTable, updateTable, deleteBy("DeleteRouteTable", "RouteTableId", "id")},
	"aws_route":                           {8, routeBy("CreateRoute"), routeBy("ReplaceRoute"), deleteRoute},
	"aws_route_table_association":         {8, associate, reassociate, deleteBy("DisassociateRouteTable", "AssociationId", "id")},
	"aws_security_group_rule":             {8, ruleBy("Authorize"), nil, ruleBy("Revoke")},
	"aws_vpc_security_group_ingress_rule": {8, oneRuleBy("Authorize", "Ingress"), nil, revokeOne("Ingress")},
	"aws_vpc_security_group_egress_rule":  {8, oneRuleBy("Authorize", "Egress"), nil, revokeOne("Egress")},
	"aws_network_acl_rule":                {8, entryBy("CreateNetworkAclEntry"), entryBy("ReplaceNetworkAclEntry"), deleteEntry},
}

func ignore(*work) {}

func deleteBy(action, parameter, attribute string) func(*work) {
	return func(w *work) { w.do(action, parameter, w.get(attribute)) }
}

func createVPC(w *work) {
	answer := w.do("CreateVpc", append([]string{"CidrBlock", w.get("cidr_block"), "AmazonProvidedIpv6CidrBlock", w.get("assign_generated_ipv6_cidr_block")}, w.named("vpc")...)...)
	vpc := between(answer, "vpcId")
	w.made("id", vpc)
	of := []string{"Filter.1.Name", "vpc-id", "Filter.1.Value.1", vpc}
	table := between(w.do("DescribeRouteTables", of...), "routeTableId")
	w.made("default_route_table_id", table)
	w.made("main_route_table_id", table)
	w.made("default_network_acl_id", between(w.do("DescribeNetworkAcls", of...), "networkAclId"))
	w.made("default_security_group_id", between(w.do("DescribeSecurityGroups", of...), "groupId"))
}

func createSubnet(w *work) {
	w.made("id", between(w.do("CreateSubnet", append([]string{"VpcId", w.get("vpc_id"), "CidrBlock", w.get("cidr_block"), "Ipv6CidrBlock", w.get("ipv6_cidr_block"),
		"AvailabilityZone", w.of.get("availability_zone")}, w.named("subnet")...)...), "subnetId"))
}

func createPeering(w *work) {
	id := between(w.do("CreateVpcPeeringConnection", append([]string{"VpcId", w.get("vpc_id"), "PeerVpcId", w.get("peer_vpc_id"),
		"PeerRegion", w.of.get("peer_region")}, w.named("vpc-peering-connection")...)...), "vpcPeeringConnectionId")
	w.made("id", id)
	if w.get("auto_accept") == "true" {
		w.do("AcceptVpcPeeringConnection", "VpcPeeringConnectionId", id)
	}
}

func acceptPeering(w *work) {
	id := w.get("vpc_peering_connection_id")
	if w.get("auto_accept") == "true" {
		w.do("AcceptVpcPeeringConnection", "VpcPeeringConnectionId", id)
	}
	w.made("id", id)
	w.made("vpc_peering_connection_id", id)
}

func createInterface(w *work) {
	params := append([]string{"SubnetId", w.get("subnet_id"), "PrivateIpAddress", w.of.get("private_ip")}, numbered("SecurityGroupId", w.list("security_groups"))...)
	id := between(w.do("CreateNetworkInterface", append(params, w.named("network-interface")...)...), "networkInterfaceId")
	w.made("id", id)
	if w.of.get("source_dest_check") == "false" {
		w.do("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", id, "SourceDestCheck.Value", "false")
	}
}

func createInstance(w *work) {
	params := append([]string{"ImageId", "ami-0123456789abcdef0", "MinCount", "1", "MaxCount", "1", "SubnetId", w.get("subnet_id"),
		"PrivateIpAddress", w.of.get("private_ip")}, numbered("SecurityGroupId", w.list("vpc_security_group_ids"))...)
	answer := w.do("RunInstances", append(params, w.named("instance")...)...)
	id, eni := between(answer, "instanceId"), between(answer, "networkInterfaceId")
	w.made("id", id)
	w.made("primary_network_interface_id", eni)
	if w.of.get("source_dest_check") == "false" {
		w.do("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", eni, "SourceDestCheck.Value", "false")
	}
}

func createTable(w *work) {
	table := between(w.do("CreateRouteTable", append([]string{"VpcId", w.get("vpc_id")}, w.named("route-table")...)...), "routeTableId")
	for _, r := range w.blocks(w.of, "route") {
		w.do("CreateRoute", append([]string{"RouteTableId", table}, route(r, "cidr_block", "ipv6_cidr_block")...)...)
	}
	w.made("id", table)
}

// updateTable takes the routes away that are no longer there, and makes the new.
func updateTable(w *work) {
	table := w.get("id")
	was, is := w.blocks(w.change.Change.Before, "route"), w.blocks(w.of, "route")
	for _, r := range was {
		if !slices.ContainsFunc(is, r.like) {
			w.do("DeleteRoute", "RouteTableId", table, "DestinationCidrBlock", r.get("cidr_block"), "DestinationIpv6CidrBlock", r.get("ipv6_cidr_block"))
		}
	}
	for _, r := range is {
		if !slices.ContainsFunc(was, r.like) {
			w.do("CreateRoute", append([]string{"RouteTableId", table}, route(r, "cidr_block", "ipv6_cidr_block")...)...)
		}
	}
}

// like is whether two blocks say the same.
func (o object) like(p object) bool {
	for _, pair := range [][2]object{{o, p}, {p, o}} {
		for field := range pair[0] {
			if pair[0].get(field) != pair[1].get(field) || !slices.Equal(pair[0].list(field), pair[1].list(field)) {
				return false
			}
		}
	}
	return true
}

func route(o object, four, six string) []string {
	return []string{"DestinationCidrBlock", o.get(four), "DestinationIpv6CidrBlock", o.get(six), "VpcPeeringConnectionId", o.get("vpc_peering_connection_id"),
		"GatewayId", o.get("gateway_id"), "NatGatewayId", o.get("nat_gateway_id"), "NetworkInterfaceId", o.get("network_interface_id")}
}

func routeBy(action string) func(*work) {
	return func(w *work) {
		w.do(action, "RouteTableId", w.get("route_table_id"), "DestinationCidrBlock", w.get("destination_cidr_block"),
			"DestinationIpv6CidrBlock", w.get("destination_ipv6_cidr_block"), "VpcPeeringConnectionId", w.get("vpc_peering_connection_id"),
			"GatewayId", w.get("gateway_id"), "NatGatewayId", w.get("nat_gateway_id"), "NetworkInterfaceId", w.target())
	}
}

// target is the interface of a route. The provider says that it is not known even
// where there is none.
func (w *work) target() string {
	if w.change.expressions["network_interface_id"] == nil {
		return w.of.get("network_interface_id")
	}
	return w.get("network_interface_id")
}

func deleteRoute(w *work) {
	w.do("DeleteRoute", "RouteTableId", w.get("route_table_id"), "DestinationCidrBlock", w.get("destination_cidr_block"),
		"DestinationIpv6CidrBlock", w.get("destination_ipv6_cidr_block"))
}

func associate(w *work) {
	w.made("id", between(w.do("AssociateRouteTable", "RouteTableId", w.get("route_table_id"), "SubnetId", w.get("subnet_id")), "associationId"))
}

func reassociate(w *work) {
	w.do("ReplaceRouteTableAssociation", "AssociationId", w.change.Change.Before.get("id"), "RouteTableId", w.get("route_table_id"))
}

func createACL(w *work) {
	acl := between(w.do("CreateNetworkAcl", append([]string{"VpcId", w.get("vpc_id")}, w.named("network-acl")...)...), "networkAclId")
	for _, egress := range []bool{false, true} {
		for _, e := range w.blocks(w.of, side(egress)) {
			w.inlineEntry("CreateNetworkAclEntry", acl, egress, e)
		}
	}
	w.tie(acl, w.list("subnet_ids"))
	w.made("id", acl)
}

func updateACL(w *work) {
	acl := w.get("id")
	for _, egress := range []bool{false, true} {
		was, is := w.blocks(w.change.Change.Before, side(egress)), w.blocks(w.of, side(egress))
		for _, e := range was {
			if !slices.ContainsFunc(is, e.like) {
				w.do("DeleteNetworkAclEntry", "NetworkAclId", acl, "RuleNumber", e.get("rule_no"), "Egress", strconv.FormatBool(egress))
			}
		}
		for _, e := range is {
			if !slices.ContainsFunc(was, e.like) {
				w.inlineEntry("CreateNetworkAclEntry", acl, egress, e)
			}
		}
	}
	w.tie(acl, w.list("subnet_ids"))
}

func side(egress bool) string {
	if egress {
		return "egress"
	}
	return "ingress"
}

// tie puts subnets under an ACL.
func (w *work) tie(acl string, subnets []string) {
	for _, subnet := range subnets {
		answer := w.do("DescribeNetworkAcls", "Filter.1.Name", "association.subnet-id", "Filter.1.Value.1", subnet)
		if w.err == nil && between(answer, "networkAclId") != acl {
			w.do("ReplaceNetworkAclAssociation", "AssociationId", associationOf(answer, subnet), "NetworkAclId", acl)
		}
	}
}

func (w *work) inlineEntry(action, acl string, egress bool, e object) {
	w.do(action, "NetworkAclId", acl, "RuleNumber", e.get("rule_no"), "Egress", strconv.FormatBool(egress), "RuleAction", e.get("action"),
		"Protocol", number(e.get("protocol")), "CidrBlock", e.get("cidr_block"), "Ipv6CidrBlock", e.get("ipv6_cidr_block"),
		"PortRange.From", e.get("from_port"), "PortRange.To", e.get("to_port"), "Icmp.Type", e.get("icmp_type"), "Icmp.Code", e.get("icmp_code"))
}

func entryBy(action string) func(*work) {
	return func(w *work) {
		w.do(action, "NetworkAclId", w.get("network_acl_id"), "RuleNumber", w.get("rule_number"), "Egress", w.get("egress"), "RuleAction", w.get("rule_action"),
			"Protocol", number(w.get("protocol")), "CidrBlock", w.get("cidr_block"), "Ipv6CidrBlock", w.get("ipv6_cidr_block"),
			"PortRange.From", w.get("from_port"), "PortRange.To", w.get("to_port"), "Icmp.Type", w.of.get("icmp_type"), "Icmp.Code", w.of.get("icmp_code"))
	}
}

func deleteEntry(w *work) {
	w.do("DeleteNetworkAclEntry", "NetworkAclId", w.get("network_acl_id"), "RuleNumber", w.get("rule_number"), "Egress", w.get("egress"))
}

// number is a protocol as entries of ACLs have it.
func number(protocol string) string {
	if n := map[string]string{"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58", "all": "-1"}[protocol]; n != "" {
		return n
	}
	return protocol
}
