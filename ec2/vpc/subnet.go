package vpc

import (
	"iter"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func subnetOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateSubnet", createSubnet, api.Params{
			Enforced: "VpcId CidrBlock Ipv6CidrBlock AvailabilityZone AvailabilityZoneId Ipv6Native TagSpecification",
			Refused: []api.Refuse{
				{Paths: "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6IpamPoolId Ipv6NetmaskLength", Why: "there is no IPAM; name the blocks"},
				{Paths: "OutpostArn", Why: "there are no Outposts"},
			},
		}),
		api.Op("CreateDefaultSubnet", createDefaultSubnet, api.Params{Enforced: "AvailabilityZone AvailabilityZoneId Ipv6Native"}),
		api.Void("DeleteSubnet", deleteSubnet, api.Params{Enforced: "SubnetId"}),
		api.Op("DescribeSubnets", describeSubnets, api.Params{
			Enforced: "SubnetId Filter MaxResults NextToken",
			Filters:  subnets.FilterNames(),
		}),
		api.Void("ModifySubnetAttribute", modifySubnetAttribute, api.Params{
			Enforced: "SubnetId AssignIpv6AddressOnCreation PrivateDnsHostnameTypeOnLaunch EnableResourceNameDnsARecordOnLaunch EnableResourceNameDnsAAAARecordOnLaunch",
			// Public addresses are an Elastic IP's business, and there are none yet; a
			// default subnet has this set, and every Terraform configuration sends it.
			Stored: "MapPublicIpOnLaunch",
			Refused: []api.Refuse{
				{Paths: "EnableDns64", Unless: "false", Why: "there is no DNS64"},
				{Paths: "MapCustomerOwnedIpOnLaunch", Unless: "false", Why: "there are no Outposts"},
				{Paths: "CustomerOwnedIpv4Pool EnableLniAtDeviceIndex DisableLniAtDeviceIndex", Why: "there are no Outposts"},
			},
		}),
	}
}

func createSubnet(c *api.Call, in *wire.CreateSubnetRequest) (*wire.CreateSubnetResult, error) {
	out, err := c.Do(network.CreateSubnet{
		VPC:     network.VPCID(*in.VpcId),
		CIDR:    c.CIDR4("cidrBlock", in.CidrBlock),
		CIDR6:   c.CIDR6("ipv6CidrBlock", in.Ipv6CidrBlock),
		Zone:    c.Zone(in.AvailabilityZone, in.AvailabilityZoneId),
		Zones:   api.ZonesOf(c.Caller.Region),
		Native6: api.Value(in.Ipv6Native),
		Tags:    c.Tags(in.TagSpecifications, "subnet"),
	})
	if err != nil {
		return nil, err
	}
	n := showSubnet(c, c.State.Subnet(network.SubnetID(out.Created[0])))
	return &wire.CreateSubnetResult{Subnet: &n}, nil
}

func createDefaultSubnet(c *api.Call, in *wire.CreateDefaultSubnetRequest) (*wire.CreateDefaultSubnetResult, error) {
	zone := c.Zone(in.AvailabilityZone, in.AvailabilityZoneId)
	api.Need(c, "AvailabilityZone", api.Text(zone))
	out, err := c.Do(network.CreateDefaultSubnet{Zone: zone, Native6: api.Value(in.Ipv6Native)})
	if err != nil {
		return nil, err
	}
	n := showSubnet(c, c.State.Subnet(network.SubnetID(out.Created[0])))
	return &wire.CreateDefaultSubnetResult{Subnet: &n}, nil
}

func deleteSubnet(c *api.Call, in *wire.DeleteSubnetRequest) error {
	_, err := c.Do(network.DeleteSubnet{Subnet: network.SubnetID(*in.SubnetId)})
	return err
}

func describeSubnets(c *api.Call, in *wire.DescribeSubnetsRequest) (*wire.DescribeSubnetsResult, error) {
	rows, next, err := subnets.Rows(c, api.Query{IDs: in.SubnetIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeSubnetsResult{Subnets: api.Each(c, rows, showSubnet), NextToken: next}, nil
}

// modifySubnetAttribute changes one attribute a call, as AWS does.
func modifySubnetAttribute(c *api.Call, in *wire.ModifySubnetAttributeRequest) error {
	r := network.SetSubnetAttribute{
		Subnet:       network.SubnetID(*in.SubnetId),
		MapPublicIP:  api.Setting(in.MapPublicIpOnLaunch),
		Assign6:      api.Setting(in.AssignIpv6AddressOnCreation),
		DNS64:        api.Setting(in.EnableDns64),
		HostnameType: in.PrivateDnsHostnameTypeOnLaunch,
		NameA:        api.Setting(in.EnableResourceNameDnsARecordOnLaunch),
		NameAAAA:     api.Setting(in.EnableResourceNameDnsAAAARecordOnLaunch),
	}
	_, err := c.Do(r)
	return err
}

// subnets is how subnets are found and filtered.
var subnets = api.Listing[*network.Subnet]{
	Kind: "subnet",
	Key:  func(n *network.Subnet) string { return string(n.ID) },
	All:  func(c *api.Call) iter.Seq[*network.Subnet] { return c.State.SubnetsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.Subnet, bool) {
		n := c.State.Subnet(network.SubnetID(id))
		return n, n != nil && n.In(c.Caller)
	},
	Tags: func(c *api.Call, n *network.Subnet) network.Tags { return c.State.Tags(c.Caller, string(n.ID)) },
	Filters: []api.Filter[*network.Subnet]{
		api.By("availability-zone", func(_ *api.Call, n *network.Subnet) []string { return api.One(n.Zone) }),
		api.By("availabilityZone", func(_ *api.Call, n *network.Subnet) []string { return api.One(n.Zone) }),
		api.By("availability-zone-id", func(_ *api.Call, n *network.Subnet) []string { return api.One(api.ZoneID(n.Zone)) }),
		api.By("availabilityZoneId", func(_ *api.Call, n *network.Subnet) []string { return api.One(api.ZoneID(n.Zone)) }),
		api.By("available-ip-address-count", func(c *api.Call, n *network.Subnet) []string { return api.One(api.Number(c.State.FreeAddrs(n))) }),
		api.By("cidr", func(_ *api.Call, n *network.Subnet) []string { return api.One(api.Value(api.PrefixText(n.CIDR))) }),
		api.By("cidr-block", func(_ *api.Call, n *network.Subnet) []string { return api.One(api.Value(api.PrefixText(n.CIDR))) }),
		api.By("cidrBlock", func(_ *api.Call, n *network.Subnet) []string { return api.One(api.Value(api.PrefixText(n.CIDR))) }),
		api.By("customer-owned-ipv4-pool", func(*api.Call, *network.Subnet) []string { return nil }),
		api.By("default-for-az", func(_ *api.Call, n *network.Subnet) []string { return api.Yes(n.DefaultForZone) }),
		api.By("defaultForAz", func(_ *api.Call, n *network.Subnet) []string { return api.Yes(n.DefaultForZone) }),
		api.By("enable-dns64", func(_ *api.Call, n *network.Subnet) []string { return api.Yes(n.DNS64) }),
		api.By("enable-lni-at-device-index", func(*api.Call, *network.Subnet) []string { return nil }),
		api.By("ipv6-cidr-block-association.association-id", func(_ *api.Call, n *network.Subnet) []string { return blockAssociations(n.Blocks6) }),
		api.By("ipv6-cidr-block-association.ipv6-cidr-block", func(_ *api.Call, n *network.Subnet) []string { return blockCIDRs(n.Blocks6) }),
		api.By("ipv6-cidr-block-association.state", func(_ *api.Call, n *network.Subnet) []string { return blockStates(n.Blocks6) }),
		api.By("ipv6-native", func(_ *api.Call, n *network.Subnet) []string { return api.Yes(n.Native6) }),
		api.By("map-customer-owned-ip-on-launch", func(*api.Call, *network.Subnet) []string { return api.Yes(false) }),
		api.By("map-public-ip-on-launch", func(_ *api.Call, n *network.Subnet) []string { return api.Yes(n.MapPublicIP) }),
		api.By("outpost-arn", func(*api.Call, *network.Subnet) []string { return nil }),
		api.By("owner-id", func(_ *api.Call, n *network.Subnet) []string { return api.One(n.Owner) }),
		api.By("private-dns-name-options-on-launch.hostname-type", func(_ *api.Call, n *network.Subnet) []string { return api.One(n.HostnameType) }),
		api.By("private-dns-name-options-on-launch.enable-resource-name-dns-a-record", func(_ *api.Call, n *network.Subnet) []string { return api.Yes(n.NameA) }),
		api.By("private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record", func(_ *api.Call, n *network.Subnet) []string { return api.Yes(n.NameAAAA) }),
		api.By("state", func(*api.Call, *network.Subnet) []string { return api.One("available") }),
		api.By("subnet-arn", func(_ *api.Call, n *network.Subnet) []string {
			return api.One(*api.ARN(n.Home, "subnet", string(n.ID)))
		}),
		api.By("subnet-id", func(_ *api.Call, n *network.Subnet) []string { return api.One(n.ID) }),
		api.By("vpc-id", func(_ *api.Call, n *network.Subnet) []string { return api.One(n.VPC) }),
	},
	Pages: api.PlainPages(5, 1000, "SubnetIds"),
}

// showSubnet is a subnet as Describe shows it.
func showSubnet(c *api.Call, n *network.Subnet) wire.Subnet {
	out := wire.Subnet{
		SubnetId:                    api.Text(n.ID),
		SubnetArn:                   api.ARN(n.Home, "subnet", string(n.ID)),
		VpcId:                       api.Text(n.VPC),
		OwnerId:                     api.Text(n.Owner),
		State:                       new("available"),
		CidrBlock:                   api.PrefixText(n.CIDR),
		AvailableIpAddressCount:     api.Long(c.State.FreeAddrs(n)),
		AvailabilityZone:            api.Text(n.Zone),
		AvailabilityZoneId:          api.Text(api.ZoneID(n.Zone)),
		DefaultForAz:                new(n.DefaultForZone),
		MapPublicIpOnLaunch:         new(n.MapPublicIP),
		MapCustomerOwnedIpOnLaunch:  new(false),
		AssignIpv6AddressOnCreation: new(n.Assign6),
		EnableDns64:                 new(n.DNS64),
		Ipv6Native:                  new(n.Native6),
		PrivateDnsNameOptionsOnLaunch: &wire.PrivateDnsNameOptionsOnLaunch{
			HostnameType: api.Text(n.HostnameType), EnableResourceNameDnsARecord: new(n.NameA), EnableResourceNameDnsAAAARecord: new(n.NameAAAA),
		},
		Ipv6CidrBlockAssociationSet: make([]wire.SubnetIpv6CidrBlockAssociation, 0, len(n.Blocks6)),
		Tags:                        c.TagSet(string(n.ID)),
	}
	for _, b := range n.Blocks6 {
		out.Ipv6CidrBlockAssociationSet = append(out.Ipv6CidrBlockAssociationSet, subnetBlock6(b, "associated"))
	}
	return out
}

func subnetBlock6(b network.Block, state string) wire.SubnetIpv6CidrBlockAssociation {
	return wire.SubnetIpv6CidrBlockAssociation{
		AssociationId: api.Text(b.Association), Ipv6CidrBlock: new(b.CIDR.String()),
		Ipv6CidrBlockState:   &wire.SubnetCidrBlockState{State: api.Text(state)},
		Ipv6AddressAttribute: new("public"), IpSource: new("amazon"),
	}
}
