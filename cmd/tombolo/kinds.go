package main

import (
	"strings"

	"tombolo/client"
)

// kindOf is one kind of thing that `ls` and `show` know.
type kindOf struct {
	name    string   // as typed: vpcs
	aliases []string // vpc
	prefix  string   // of its IDs
	action  string   // the describe call
	idParam string   // its parameter for IDs
	list    string   // path of the list in the answer
	inner   string   // path of a list inside each item, for instances in reservations
	id      string   // path of the ID in an item
	columns []column
}

// column is one column of a table. Wide ones are shown with -o wide only.
type column struct {
	head string
	wide bool
	of   func(*client.Node) string
}

func at(head, path string) column {
	return column{head: head, of: func(n *client.Node) string { return n.Text(path) }}
}

func wide(c column) column { c.wide = true; return c }

// list joins one field of every item of a list.
func list(head, path, field string) column {
	return column{head: head, of: func(n *client.Node) string {
		var out []string
		for _, i := range n.Items(path) {
			out = append(out, i.Text(field))
		}
		return strings.Join(out, ",")
	}}
}

var name = column{head: "NAME", of: func(n *client.Node) string { return n.Tag("Name") }}

// routesColumn counts routes and says how many are dead.
var routesColumn = column{head: "ROUTES", of: func(n *client.Node) string {
	var out []string
	for _, r := range n.Items("routeSet") {
		dst := r.Text("destinationCidrBlock") + r.Text("destinationIpv6CidrBlock")
		to := r.Text("gatewayId") + r.Text("vpcPeeringConnectionId")
		if to == "" {
			to = r.Text("networkInterfaceId")
		}
		if r.Text("state") == "blackhole" {
			to += "(blackhole)"
		}
		out = append(out, dst+"→"+to)
	}
	return strings.Join(out, " ")
}}

// kinds are all of them, in the order of `tombolo ls`.
var kinds = []kindOf{
	{name: "vpcs", aliases: []string{"vpc"}, prefix: "vpc", action: "DescribeVpcs", idParam: "VpcId", list: "vpcSet", id: "vpcId",
		columns: []column{name, at("ID", "vpcId"), at("CIDR", "cidrBlock"), list("IPV6", "ipv6CidrBlockAssociationSet", "ipv6CidrBlock"), at("STATE", "state"), wide(at("DEFAULT", "isDefault"))}},
	{name: "subnets", aliases: []string{"subnet"}, prefix: "subnet", action: "DescribeSubnets", idParam: "SubnetId", list: "subnetSet", id: "subnetId",
		columns: []column{name, at("ID", "subnetId"), at("VPC", "vpcId"), at("CIDR", "cidrBlock"), at("ZONE", "availabilityZone"), at("FREE", "availableIpAddressCount"), wide(list("IPV6", "ipv6CidrBlockAssociationSet", "ipv6CidrBlock"))}},
	{name: "instances", aliases: []string{"instance", "i"}, prefix: "i", action: "DescribeInstances", idParam: "InstanceId", list: "reservationSet", inner: "instancesSet", id: "instanceId",
		columns: []column{name, at("ID", "instanceId"), at("STATE", "instanceState.name"), at("ADDRESS", "privateIpAddress"), at("VPC", "vpcId"), wide(at("SUBNET", "subnetId")), wide(list("GROUPS", "groupSet", "groupId")), wide(at("TYPE", "instanceType"))}},
	{name: "interfaces", aliases: []string{"interface", "eni", "enis"}, prefix: "eni", action: "DescribeNetworkInterfaces", idParam: "NetworkInterfaceId", list: "networkInterfaceSet", id: "networkInterfaceId",
		columns: []column{name, at("ID", "networkInterfaceId"), at("STATUS", "status"), list("ADDRESSES", "privateIpAddressesSet", "privateIpAddress"), list("IPV6", "ipv6AddressesSet", "ipv6Address"), at("INSTANCE", "attachment.instanceId"), list("GROUPS", "groupSet", "groupId"), wide(at("SUBNET", "subnetId")), wide(at("MAC", "macAddress")), wide(at("CHECK", "sourceDestCheck"))}},
	{name: "route-tables", aliases: []string{"route-table", "rtb", "routes"}, prefix: "rtb", action: "DescribeRouteTables", idParam: "RouteTableId", list: "routeTableSet", id: "routeTableId",
		columns: []column{name, at("ID", "routeTableId"), at("VPC", "vpcId"), routesColumn}},
	{name: "peerings", aliases: []string{"peering", "pcx"}, prefix: "pcx", action: "DescribeVpcPeeringConnections", idParam: "VpcPeeringConnectionId", list: "vpcPeeringConnectionSet", id: "vpcPeeringConnectionId",
		columns: []column{name, at("ID", "vpcPeeringConnectionId"), at("STATUS", "status.code"), at("REQUESTER", "requesterVpcInfo.vpcId"), at("ACCEPTER", "accepterVpcInfo.vpcId")}},
	{name: "security-groups", aliases: []string{"security-group", "sg", "groups"}, prefix: "sg", action: "DescribeSecurityGroups", idParam: "GroupId", list: "securityGroupInfo", id: "groupId",
		columns: []column{at("NAME", "groupName"), at("ID", "groupId"), at("VPC", "vpcId"), at("DESCRIPTION", "groupDescription")}},
	{name: "network-acls", aliases: []string{"network-acl", "acl", "acls"}, prefix: "acl", action: "DescribeNetworkAcls", idParam: "NetworkAclId", list: "networkAclSet", id: "networkAclId",
		columns: []column{name, at("ID", "networkAclId"), at("VPC", "vpcId"), at("DEFAULT", "default"), list("SUBNETS", "associationSet", "subnetId")}},
}

// kindNamed finds a kind by any of its names.
func kindNamed(word string) (kindOf, bool) {
	for _, k := range kinds {
		if k.name == word {
			return k, true
		}
		for _, a := range k.aliases {
			if a == word {
				return k, true
			}
		}
	}
	return kindOf{}, false
}

// kindOfID finds the kind that an ID is of.
func kindOfID(id string) (kindOf, bool) {
	prefix, _, _ := strings.Cut(id, "-")
	for _, k := range kinds {
		if k.prefix == prefix {
			return k, true
		}
	}
	return kindOf{}, false
}
