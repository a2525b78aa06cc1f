package ec2

import (
	"iter"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func subnetOperations() []operation {
	return []operation{
		op("CreateSubnet", createSubnet, params{
			enforced: "VpcId CidrBlock Ipv6CidrBlock AvailabilityZone AvailabilityZoneId Ipv6Native TagSpecification",
			refused: []refuse{
				{paths: "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6IpamPoolId Ipv6NetmaskLength", why: "there is no IPAM; name the blocks"},
				{paths: "OutpostArn", why: "there are no Outposts"},
			},
		}),
		op("CreateDefaultSubnet", createDefaultSubnet, params{enforced: "AvailabilityZone AvailabilityZoneId Ipv6Native"}),
		void("DeleteSubnet", deleteSubnet, params{enforced: "SubnetId"}),
		op("DescribeSubnets", describeSubnets, params{
			enforced: "SubnetId Filter MaxResults NextToken",
			filters:  subnets.filterNames(),
		}),
		void("ModifySubnetAttribute", modifySubnetAttribute, params{
			enforced: "SubnetId AssignIpv6AddressOnCreation PrivateDnsHostnameTypeOnLaunch EnableResourceNameDnsARecordOnLaunch EnableResourceNameDnsAAAARecordOnLaunch",
			// Public addresses are an Elastic IP's business, and there are none yet; a
			// default subnet has this set, and every Terraform configuration sends it.
			stored: "MapPublicIpOnLaunch",
			refused: []refuse{
				{paths: "EnableDns64", unless: "false", why: "there is no DNS64"},
				{paths: "MapCustomerOwnedIpOnLaunch", unless: "false", why: "there are no Outposts"},
				{paths: "CustomerOwnedIpv4Pool EnableLniAtDeviceIndex DisableLniAtDeviceIndex", why: "there are no Outposts"},
			},
		}),
	}
}

func createSubnet(c *call, in *wire.CreateSubnetRequest) (*wire.CreateSubnetResult, error) {
	out, err := c.do(network.CreateSubnet{
		VPC:     network.VPCID(*in.VpcId),
		CIDR:    c.cidr4("cidrBlock", in.CidrBlock),
		CIDR6:   c.cidr6("ipv6CidrBlock", in.Ipv6CidrBlock),
		Zone:    c.zone(in.AvailabilityZone, in.AvailabilityZoneId),
		Zones:   zonesOf(c.caller.Region),
		Native6: value(in.Ipv6Native),
		Tags:    c.tags(in.TagSpecifications, "subnet"),
	})
	if err != nil {
		return nil, err
	}
	n := c.subnet(c.state.Subnet(network.SubnetID(out.Created[0])))
	return &wire.CreateSubnetResult{Subnet: &n}, nil
}

func createDefaultSubnet(c *call, in *wire.CreateDefaultSubnetRequest) (*wire.CreateDefaultSubnetResult, error) {
	zone := c.zone(in.AvailabilityZone, in.AvailabilityZoneId)
	c.need("AvailabilityZone", zone != "")
	out, err := c.do(network.CreateDefaultSubnet{Zone: zone, Native6: value(in.Ipv6Native)})
	if err != nil {
		return nil, err
	}
	n := c.subnet(c.state.Subnet(network.SubnetID(out.Created[0])))
	return &wire.CreateDefaultSubnetResult{Subnet: &n}, nil
}

func deleteSubnet(c *call, in *wire.DeleteSubnetRequest) error {
	_, err := c.do(network.DeleteSubnet{Subnet: network.SubnetID(*in.SubnetId)})
	return err
}

func describeSubnets(c *call, in *wire.DescribeSubnetsRequest) (*wire.DescribeSubnetsResult, error) {
	rows, next, err := subnets.rows(c, query{in.SubnetIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeSubnetsResult{Subnets: all(rows, c.subnet), NextToken: next}, nil
}

// modifySubnetAttribute changes one attribute a call, as AWS does.
func modifySubnetAttribute(c *call, in *wire.ModifySubnetAttributeRequest) error {
	r := network.SetSubnetAttribute{
		Subnet:       network.SubnetID(*in.SubnetId),
		MapPublicIP:  setting(in.MapPublicIpOnLaunch),
		Assign6:      setting(in.AssignIpv6AddressOnCreation),
		DNS64:        setting(in.EnableDns64),
		HostnameType: in.PrivateDnsHostnameTypeOnLaunch,
		NameA:        setting(in.EnableResourceNameDnsARecordOnLaunch),
		NameAAAA:     setting(in.EnableResourceNameDnsAAAARecordOnLaunch),
	}
	_, err := c.do(r)
	return err
}

// subnets is how subnets are found and filtered.
var subnets = listing[*network.Subnet]{
	kind: "subnet",
	key:  func(n *network.Subnet) string { return string(n.ID) },
	all:  func(c *call) iter.Seq[*network.Subnet] { return c.state.SubnetsOf(c.caller) },
	get: func(c *call, id string) (*network.Subnet, bool) {
		n := c.state.Subnet(network.SubnetID(id))
		return n, n != nil && n.In(c.caller)
	},
	tags: func(c *call, n *network.Subnet) network.Tags { return c.state.Tags(c.caller, string(n.ID)) },
	filters: []filter[*network.Subnet]{
		{"availability-zone", func(_ *call, n *network.Subnet) []string { return one(n.Zone) }},
		{"availabilityZone", func(_ *call, n *network.Subnet) []string { return one(n.Zone) }},
		{"availability-zone-id", func(_ *call, n *network.Subnet) []string { return one(zoneID(n.Region, n.Zone)) }},
		{"availabilityZoneId", func(_ *call, n *network.Subnet) []string { return one(zoneID(n.Region, n.Zone)) }},
		{"available-ip-address-count", func(c *call, n *network.Subnet) []string { return one(number(c.state.FreeAddrs(n))) }},
		{"cidr", func(_ *call, n *network.Subnet) []string { return one(value(prefixText(n.CIDR))) }},
		{"cidr-block", func(_ *call, n *network.Subnet) []string { return one(value(prefixText(n.CIDR))) }},
		{"cidrBlock", func(_ *call, n *network.Subnet) []string { return one(value(prefixText(n.CIDR))) }},
		{"customer-owned-ipv4-pool", func(*call, *network.Subnet) []string { return nil }},
		{"default-for-az", func(_ *call, n *network.Subnet) []string { return yes(n.DefaultForZone) }},
		{"defaultForAz", func(_ *call, n *network.Subnet) []string { return yes(n.DefaultForZone) }},
		{"enable-dns64", func(_ *call, n *network.Subnet) []string { return yes(n.DNS64) }},
		{"enable-lni-at-device-index", func(*call, *network.Subnet) []string { return nil }},
		{"ipv6-cidr-block-association.association-id", func(_ *call, n *network.Subnet) []string { return blockAssociations(n.Blocks6) }},
		{"ipv6-cidr-block-association.ipv6-cidr-block", func(_ *call, n *network.Subnet) []string { return blockCIDRs(n.Blocks6) }},
		{"ipv6-cidr-block-association.state", func(_ *call, n *network.Subnet) []string { return blockStates(n.Blocks6) }},
		{"ipv6-native", func(_ *call, n *network.Subnet) []string { return yes(n.Native6) }},
		{"map-customer-owned-ip-on-launch", func(*call, *network.Subnet) []string { return yes(false) }},
		{"map-public-ip-on-launch", func(_ *call, n *network.Subnet) []string { return yes(n.MapPublicIP) }},
		{"outpost-arn", func(*call, *network.Subnet) []string { return nil }},
		{"owner-id", func(_ *call, n *network.Subnet) []string { return one(n.Owner) }},
		{"private-dns-name-options-on-launch.hostname-type", func(_ *call, n *network.Subnet) []string { return one(n.HostnameType) }},
		{"private-dns-name-options-on-launch.enable-resource-name-dns-a-record", func(_ *call, n *network.Subnet) []string { return yes(n.NameA) }},
		{"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record", func(_ *call, n *network.Subnet) []string { return yes(n.NameAAAA) }},
		{"state", func(*call, *network.Subnet) []string { return one("available") }},
		{"subnet-arn", func(_ *call, n *network.Subnet) []string { return one(*arn(n.Home, "subnet", string(n.ID))) }},
		{"subnet-id", func(_ *call, n *network.Subnet) []string { return one(n.ID) }},
		{"vpc-id", func(_ *call, n *network.Subnet) []string { return one(n.VPC) }},
	},
	pages: plainPages(5, 1000, "SubnetIds"),
}

// subnet is a subnet as Describe shows it.
func (c *call) subnet(n *network.Subnet) wire.Subnet {
	out := wire.Subnet{
		SubnetId:                    text(n.ID),
		SubnetArn:                   arn(n.Home, "subnet", string(n.ID)),
		VpcId:                       text(n.VPC),
		OwnerId:                     text(n.Owner),
		State:                       new("available"),
		CidrBlock:                   prefixText(n.CIDR),
		AvailableIpAddressCount:     long(c.state.FreeAddrs(n)),
		AvailabilityZone:            text(n.Zone),
		AvailabilityZoneId:          text(zoneID(n.Region, n.Zone)),
		DefaultForAz:                new(n.DefaultForZone),
		MapPublicIpOnLaunch:         new(n.MapPublicIP),
		MapCustomerOwnedIpOnLaunch:  new(false),
		AssignIpv6AddressOnCreation: new(n.Assign6),
		EnableDns64:                 new(n.DNS64),
		Ipv6Native:                  new(n.Native6),
		PrivateDnsNameOptionsOnLaunch: &wire.PrivateDnsNameOptionsOnLaunch{
			HostnameType: text(n.HostnameType), EnableResourceNameDnsARecord: new(n.NameA), EnableResourceNameDnsAAAARecord: new(n.NameAAAA),
		},
		Ipv6CidrBlockAssociationSet: make([]wire.SubnetIpv6CidrBlockAssociation, 0, len(n.Blocks6)),
		Tags:                        c.tagSet(string(n.ID)),
	}
	for _, b := range n.Blocks6 {
		out.Ipv6CidrBlockAssociationSet = append(out.Ipv6CidrBlockAssociationSet, subnetBlock6(b, "associated"))
	}
	return out
}

func subnetBlock6(b network.Block, state string) wire.SubnetIpv6CidrBlockAssociation {
	return wire.SubnetIpv6CidrBlockAssociation{
		AssociationId: text(b.Association), Ipv6CidrBlock: new(b.CIDR.String()),
		Ipv6CidrBlockState:   &wire.SubnetCidrBlockState{State: text(state)},
		Ipv6AddressAttribute: new("public"), IpSource: new("amazon"),
	}
}
