package ec2

import (
	"net/netip"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func networkInterfaceOperations() []operation {
	noPrefixes := "there are no prefix delegations"
	return []operation{
		op("CreateNetworkInterface", createNetworkInterface, params{
			enforced: "SubnetId Description PrivateIpAddress PrivateIpAddresses SecondaryPrivateIpAddressCount Ipv6Addresses Ipv6AddressCount SecurityGroupId TagSpecification ClientToken",
			refused: []refuse{
				{paths: "Ipv4Prefix Ipv4PrefixCount Ipv6Prefix Ipv6PrefixCount", why: noPrefixes},
				{paths: "InterfaceType", unless: "interface", why: "there are no other kinds of interface"},
				{paths: "EnablePrimaryIpv6 Ipv6Addresses.IsPrimaryIpv6", unless: "false", why: "there are no primary IPv6 addresses yet"},
				{paths: "ConnectionTrackingSpecification", why: "tracking timeouts cannot be changed yet"},
				{paths: "Operator", why: "there are no service providers"},
			},
		}),
		void("DeleteNetworkInterface", deleteNetworkInterface, params{enforced: "NetworkInterfaceId"}),
		op("DescribeNetworkInterfaces", describeNetworkInterfaces, params{
			enforced: "NetworkInterfaceId Filter MaxResults NextToken",
			stored:   "IncludeManagedResources", // there are none
			filters:  interfaces.filterNames(),
		}),
		op("DescribeNetworkInterfaceAttribute", describeNetworkInterfaceAttribute, params{enforced: "NetworkInterfaceId Attribute"}),
		void("ModifyNetworkInterfaceAttribute", modifyNetworkInterfaceAttribute, params{
			enforced: "NetworkInterfaceId Description SourceDestCheck SecurityGroupId Attachment.AttachmentId Attachment.DeleteOnTermination",
			refused: []refuse{
				{paths: "EnaSrdSpecification Attachment.DefaultEnaQueueCount Attachment.EnaQueueCount", why: "the interface is no ENA adapter"},
				{paths: "EnablePrimaryIpv6", unless: "false", why: "there are no primary IPv6 addresses yet"},
				{paths: "ConnectionTrackingSpecification", why: "tracking timeouts cannot be changed yet"},
				{paths: "AssociatePublicIpAddress", unless: "false", why: "there are no public addresses yet"},
				{paths: "AssociatedSubnetId", why: "an interface is in one subnet"},
			},
		}),
		void("ResetNetworkInterfaceAttribute", resetNetworkInterfaceAttribute, params{enforced: "NetworkInterfaceId SourceDestCheck"}),
		op("AttachNetworkInterface", attachNetworkInterface, params{
			enforced: "NetworkInterfaceId InstanceId DeviceIndex",
			refused: []refuse{
				{paths: "NetworkCardIndex", unless: "0", why: "an instance has one network card"},
				{paths: "EnaSrdSpecification EnaQueueCount", why: "the interface is no ENA adapter"},
			},
		}),
		void("DetachNetworkInterface", detachNetworkInterface, params{enforced: "AttachmentId Force"}),
		op("AssignPrivateIpAddresses", assignPrivateIpAddresses, params{
			enforced: "NetworkInterfaceId PrivateIpAddress SecondaryPrivateIpAddressCount AllowReassignment",
			refused:  []refuse{{paths: "Ipv4Prefix Ipv4PrefixCount", why: noPrefixes}},
		}),
		void("UnassignPrivateIpAddresses", unassignPrivateIpAddresses, params{
			enforced: "NetworkInterfaceId PrivateIpAddress",
			refused:  []refuse{{paths: "Ipv4Prefix", why: noPrefixes}},
		}),
		op("AssignIpv6Addresses", assignIpv6Addresses, params{
			enforced: "NetworkInterfaceId Ipv6Addresses Ipv6AddressCount",
			refused:  []refuse{{paths: "Ipv6Prefix Ipv6PrefixCount", why: noPrefixes}},
		}),
		op("UnassignIpv6Addresses", unassignIpv6Addresses, params{
			enforced: "NetworkInterfaceId Ipv6Addresses",
			refused:  []refuse{{paths: "Ipv6Prefix", why: noPrefixes}},
		}),
	}
}

func createNetworkInterface(c *call, in *wire.CreateNetworkInterfaceRequest) (*wire.CreateNetworkInterfaceResult, error) {
	spec := network.ENISpec{
		Subnet: network.SubnetID(*in.SubnetId), Description: value(in.Description), Groups: ids[network.GroupID](in.Groups),
		Addrs: c.privateAddrs(in.PrivateIpAddress, in.PrivateIpAddresses), Extra: c.count("secondaryPrivateIpAddressCount", in.SecondaryPrivateIpAddressCount),
		Addrs6: c.addrs6(in.Ipv6Addresses), Extra6: c.count("ipv6AddressCount", in.Ipv6AddressCount),
	}
	out, err := c.doOnce(in.ClientToken, network.CreateENI{ENISpec: spec, Tags: c.tags(in.TagSpecifications, "network-interface")})
	if err != nil {
		return nil, err
	}
	eni := c.state.ENI(network.ENIID(out.Created[0]))
	if eni == nil {
		return nil, gone(out.Created[0])
	}
	shown := c.eni(eni)
	shown.Status = new("pending") // AWS: so in this answer, and available from then on
	return &wire.CreateNetworkInterfaceResult{NetworkInterface: &shown, ClientToken: in.ClientToken}, nil
}

// privateAddrs are the IPv4 addresses asked for, the primary one first: it is
// named alone, or marked in the list, or the list's first.
func (c *call) privateAddrs(primary *string, list []wire.PrivateIpAddressSpecification) []netip.Addr {
	var first, rest []netip.Addr
	if primary != nil {
		first = append(first, c.addr4("privateIpAddress", primary))
	}
	for _, spec := range list {
		a := c.addr4("privateIpAddress", spec.PrivateIpAddress)
		switch {
		case spec.PrivateIpAddress == nil:
			c.fail(missing("privateIpAddress"))
		case value(spec.Primary) && len(first) > 0 && first[0] != a:
			c.fail(combination("Only one primary private IP address can be specified."))
		case value(spec.Primary) && len(first) == 0:
			first = append(first, a)
		case len(first) == 0 || first[0] != a:
			rest = append(rest, a)
		}
	}
	return append(first, rest...)
}

func (c *call) addrs6(list []wire.InstanceIpv6Address) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		c.need("ipv6Address", a.Ipv6Address != nil)
		out = append(out, c.addr6("ipv6Address", a.Ipv6Address))
	}
	return out
}

// count reads a number of addresses to choose.
func (c *call) count(parameter string, n *int64) int {
	const most = 1000 // more than any interface can have; the core knows the limit
	if value(n) < 0 || value(n) > most {
		c.fail(invalidValue(number(int(*n)), parameter, ""))
		return 0
	}
	return int(value(n))
}

func deleteNetworkInterface(c *call, in *wire.DeleteNetworkInterfaceRequest) error {
	_, err := c.do(network.DeleteENI{ENI: network.ENIID(*in.NetworkInterfaceId)})
	return err
}

func modifyNetworkInterfaceAttribute(c *call, in *wire.ModifyNetworkInterfaceAttributeRequest) error {
	r := network.SetENIAttribute{
		ENI: network.ENIID(*in.NetworkInterfaceId), SourceDestCheck: setting(in.SourceDestCheck), Groups: ids[network.GroupID](in.Groups),
	}
	if in.Description != nil {
		r.Description = new(value(in.Description.Value))
	}
	if in.Attachment != nil {
		r.Attachment, r.DeleteOnTermination = network.AttachmentID(value(in.Attachment.AttachmentId)), in.Attachment.DeleteOnTermination
	}
	_, err := c.do(r)
	return err
}

// resetNetworkInterfaceAttribute: there is one attribute that can be reset, and its
// value says nothing (AWS: ResetNetworkInterfaceAttribute).
func resetNetworkInterfaceAttribute(c *call, in *wire.ResetNetworkInterfaceAttributeRequest) error {
	_, err := c.do(network.SetENIAttribute{ENI: network.ENIID(*in.NetworkInterfaceId), SourceDestCheck: new(true)})
	return err
}

func attachNetworkInterface(c *call, in *wire.AttachNetworkInterfaceRequest) (*wire.AttachNetworkInterfaceResult, error) {
	out, err := c.do(network.AttachENI{ENI: network.ENIID(*in.NetworkInterfaceId), Instance: network.InstanceID(*in.InstanceId), Device: int(*in.DeviceIndex)})
	if err != nil {
		return nil, err
	}
	return &wire.AttachNetworkInterfaceResult{AttachmentId: text(out.Created[0]), NetworkCardIndex: long(0)}, nil
}

func detachNetworkInterface(c *call, in *wire.DetachNetworkInterfaceRequest) error {
	_, err := c.do(network.DetachENI{Attachment: network.AttachmentID(*in.AttachmentId), Force: value(in.Force)})
	return err
}

func assignPrivateIpAddresses(c *call, in *wire.AssignPrivateIpAddressesRequest) (*wire.AssignPrivateIpAddressesResult, error) {
	r := network.AssignAddrs{ENI: network.ENIID(*in.NetworkInterfaceId), Count: c.count("secondaryPrivateIpAddressCount", in.SecondaryPrivateIpAddressCount),
		Reassign: value(in.AllowReassignment)}
	for _, a := range in.PrivateIpAddresses {
		r.Addrs = append(r.Addrs, c.addr4("privateIpAddress", &a))
	}
	out, err := c.do(r)
	if err != nil {
		return nil, err
	}
	assigned := all(out.Created, func(a string) wire.AssignedPrivateIpAddress {
		return wire.AssignedPrivateIpAddress{PrivateIpAddress: text(a)}
	})
	return &wire.AssignPrivateIpAddressesResult{NetworkInterfaceId: in.NetworkInterfaceId, AssignedPrivateIpAddresses: assigned,
		AssignedIpv4Prefixes: []wire.Ipv4PrefixSpecification{}}, nil
}

func unassignPrivateIpAddresses(c *call, in *wire.UnassignPrivateIpAddressesRequest) error {
	r := network.UnassignAddrs{ENI: network.ENIID(*in.NetworkInterfaceId)}
	for _, a := range in.PrivateIpAddresses {
		r.Addrs = append(r.Addrs, c.addr4("privateIpAddress", &a))
	}
	_, err := c.do(r)
	return err
}

func assignIpv6Addresses(c *call, in *wire.AssignIpv6AddressesRequest) (*wire.AssignIpv6AddressesResult, error) {
	r := network.AssignAddrs6{ENI: network.ENIID(*in.NetworkInterfaceId), Count: c.count("ipv6AddressCount", in.Ipv6AddressCount)}
	for _, a := range in.Ipv6Addresses {
		r.Addrs = append(r.Addrs, c.addr6("ipv6Address", &a))
	}
	out, err := c.do(r)
	if err != nil {
		return nil, err
	}
	return &wire.AssignIpv6AddressesResult{NetworkInterfaceId: in.NetworkInterfaceId, AssignedIpv6Addresses: out.Created, AssignedIpv6Prefixes: []string{}}, nil
}

func unassignIpv6Addresses(c *call, in *wire.UnassignIpv6AddressesRequest) (*wire.UnassignIpv6AddressesResult, error) {
	r := network.UnassignAddrs6{ENI: network.ENIID(*in.NetworkInterfaceId)}
	for _, a := range in.Ipv6Addresses {
		r.Addrs = append(r.Addrs, c.addr6("ipv6Address", &a))
	}
	if _, err := c.do(r); err != nil {
		return nil, err
	}
	return &wire.UnassignIpv6AddressesResult{NetworkInterfaceId: in.NetworkInterfaceId, UnassignedIpv6Addresses: addrTexts(r.Addrs), UnassignedIpv6Prefixes: []string{}}, nil
}
