package vpc

import (
	"net/netip"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func networkInterfaceOperations() []api.Operation {
	noPrefixes := "there are no prefix delegations"
	return []api.Operation{
		api.Op("CreateNetworkInterface", createNetworkInterface, api.Params{
			Enforced: "SubnetId Description PrivateIpAddress PrivateIpAddresses SecondaryPrivateIpAddressCount Ipv6Addresses Ipv6AddressCount SecurityGroupId TagSpecification ClientToken",
			Refused: []api.Refuse{
				{Paths: "Ipv4Prefix Ipv4PrefixCount Ipv6Prefix Ipv6PrefixCount", Why: noPrefixes},
				{Paths: "InterfaceType", Unless: "interface", Why: "there are no other kinds of interface"},
				{Paths: "EnablePrimaryIpv6 Ipv6Addresses.IsPrimaryIpv6", Unless: "false", Why: "there are no primary IPv6 addresses yet"},
				{Paths: "ConnectionTrackingSpecification", Why: "tracking timeouts cannot be changed yet"},
				{Paths: "Operator", Why: "there are no service providers"},
			},
		}),
		api.Void("DeleteNetworkInterface", deleteNetworkInterface, api.Params{Enforced: "NetworkInterfaceId"}),
		api.Op("DescribeNetworkInterfaces", describeNetworkInterfaces, api.Params{
			Enforced: "NetworkInterfaceId Filter MaxResults NextToken",
			Stored:   "IncludeManagedResources", // there are none
			Filters:  Interfaces.FilterNames(),
		}),
		api.Op("DescribeNetworkInterfaceAttribute", describeNetworkInterfaceAttribute, api.Params{Enforced: "NetworkInterfaceId Attribute"}),
		api.Void("ModifyNetworkInterfaceAttribute", modifyNetworkInterfaceAttribute, api.Params{
			Enforced: "NetworkInterfaceId Description SourceDestCheck SecurityGroupId Attachment.AttachmentId Attachment.DeleteOnTermination",
			Refused: []api.Refuse{
				{Paths: "EnaSrdSpecification Attachment.DefaultEnaQueueCount Attachment.EnaQueueCount", Why: "the interface is no ENA adapter"},
				{Paths: "EnablePrimaryIpv6", Unless: "false", Why: "there are no primary IPv6 addresses yet"},
				{Paths: "ConnectionTrackingSpecification", Why: "tracking timeouts cannot be changed yet"},
				{Paths: "AssociatePublicIpAddress", Unless: "false", Why: "there are no public addresses yet"},
				{Paths: "AssociatedSubnetId", Why: "an interface is in one subnet"},
			},
		}),
		api.Void("ResetNetworkInterfaceAttribute", resetNetworkInterfaceAttribute, api.Params{Enforced: "NetworkInterfaceId SourceDestCheck"}),
		api.Op("AttachNetworkInterface", attachNetworkInterface, api.Params{
			Enforced: "NetworkInterfaceId InstanceId DeviceIndex",
			Refused: []api.Refuse{
				{Paths: "NetworkCardIndex", Unless: "0", Why: "an instance has one network card"},
				{Paths: "EnaSrdSpecification EnaQueueCount", Why: "the interface is no ENA adapter"},
			},
		}),
		api.Void("DetachNetworkInterface", detachNetworkInterface, api.Params{Enforced: "AttachmentId Force"}),
		api.Op("AssignPrivateIpAddresses", assignPrivateIpAddresses, api.Params{
			Enforced: "NetworkInterfaceId PrivateIpAddress SecondaryPrivateIpAddressCount AllowReassignment",
			Refused:  []api.Refuse{{Paths: "Ipv4Prefix Ipv4PrefixCount", Why: noPrefixes}},
		}),
		api.Void("UnassignPrivateIpAddresses", unassignPrivateIpAddresses, api.Params{
			Enforced: "NetworkInterfaceId PrivateIpAddress",
			Refused:  []api.Refuse{{Paths: "Ipv4Prefix", Why: noPrefixes}},
		}),
		api.Op("AssignIpv6Addresses", assignIpv6Addresses, api.Params{
			Enforced: "NetworkInterfaceId Ipv6Addresses Ipv6AddressCount",
			Refused:  []api.Refuse{{Paths: "Ipv6Prefix Ipv6PrefixCount", Why: noPrefixes}},
		}),
		api.Op("UnassignIpv6Addresses", unassignIpv6Addresses, api.Params{
			Enforced: "NetworkInterfaceId Ipv6Addresses",
			Refused:  []api.Refuse{{Paths: "Ipv6Prefix", Why: noPrefixes}},
		}),
	}
}

func createNetworkInterface(c *api.Call, in *wire.CreateNetworkInterfaceRequest) (*wire.CreateNetworkInterfaceResult, error) {
	spec := network.ENISpec{
		Subnet: network.SubnetID(*in.SubnetId), Description: api.Value(in.Description), Groups: api.IDs[network.GroupID](in.Groups),
		Addrs: PrivateAddrs(c, in.PrivateIpAddress, in.PrivateIpAddresses), Extra: Count(c, "secondaryPrivateIpAddressCount", in.SecondaryPrivateIpAddressCount),
		Addrs6: Addrs6(c, in.Ipv6Addresses), Extra6: Count(c, "ipv6AddressCount", in.Ipv6AddressCount),
	}
	out, err := c.DoOnce(in.ClientToken, network.CreateENI{ENISpec: spec, Tags: c.Tags(in.TagSpecifications, "network-interface")})
	if err != nil {
		return nil, err
	}
	eni := c.State.ENI(network.ENIID(out.Created[0]))
	if eni == nil {
		return nil, api.Gone(out.Created[0])
	}
	shown := showENI(c, eni)
	shown.Status = new("pending") // AWS: so in this answer, and available from then on
	return &wire.CreateNetworkInterfaceResult{NetworkInterface: &shown, ClientToken: in.ClientToken}, nil
}

// PrivateAddrs are the IPv4 addresses asked for, the primary one first: it is
// named alone, or marked in the list, or the list's first.
func PrivateAddrs(c *api.Call, primary *string, list []wire.PrivateIpAddressSpecification) []netip.Addr {
	var first, rest []netip.Addr
	if primary != nil {
		first = append(first, c.Addr4("privateIpAddress", primary))
	}
	for _, spec := range list {
		a := c.Addr4("privateIpAddress", spec.PrivateIpAddress)
		switch {
		case spec.PrivateIpAddress == nil:
			c.Fail(api.Missing("privateIpAddress"))
		case api.Value(spec.Primary) && len(first) > 0 && first[0] != a:
			c.Fail(api.Combination("Only one primary private IP address can be specified."))
		case api.Value(spec.Primary) && len(first) == 0:
			first = append(first, a)
		case len(first) == 0 || first[0] != a:
			rest = append(rest, a)
		}
	}
	return append(first, rest...)
}

// Addrs6 are the IPv6 addresses asked for.
func Addrs6(c *api.Call, list []wire.InstanceIpv6Address) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		api.Need(c, "ipv6Address", a.Ipv6Address)
		out = append(out, c.Addr6("ipv6Address", a.Ipv6Address))
	}
	return out
}

// Count reads a number of addresses to choose.
func Count(c *api.Call, parameter string, n *int64) int {
	const most = 1000 // more than any interface can have; the core knows the limit
	if api.Value(n) < 0 || api.Value(n) > most {
		c.Fail(api.InvalidValue(api.Number(int(*n)), parameter, ""))
		return 0
	}
	return int(api.Value(n))
}

func deleteNetworkInterface(c *api.Call, in *wire.DeleteNetworkInterfaceRequest) error {
	_, err := c.Do(network.DeleteENI{ENI: network.ENIID(*in.NetworkInterfaceId)})
	return err
}

func modifyNetworkInterfaceAttribute(c *api.Call, in *wire.ModifyNetworkInterfaceAttributeRequest) error {
	r := network.SetENIAttribute{
		ENI: network.ENIID(*in.NetworkInterfaceId), SourceDestCheck: api.Setting(in.SourceDestCheck), Groups: api.IDs[network.GroupID](in.Groups),
	}
	if in.Description != nil {
		r.Description = new(api.Value(in.Description.Value))
	}
	if in.Attachment != nil {
		r.Attachment, r.DeleteOnTermination = network.AttachmentID(api.Value(in.Attachment.AttachmentId)), in.Attachment.DeleteOnTermination
	}
	_, err := c.Do(r)
	return err
}

// resetNetworkInterfaceAttribute: there is one attribute that can be reset, and its
// value says nothing (AWS: ResetNetworkInterfaceAttribute).
func resetNetworkInterfaceAttribute(c *api.Call, in *wire.ResetNetworkInterfaceAttributeRequest) error {
	_, err := c.Do(network.SetENIAttribute{ENI: network.ENIID(*in.NetworkInterfaceId), SourceDestCheck: new(true)})
	return err
}

func attachNetworkInterface(c *api.Call, in *wire.AttachNetworkInterfaceRequest) (*wire.AttachNetworkInterfaceResult, error) {
	out, err := c.Do(network.AttachENI{ENI: network.ENIID(*in.NetworkInterfaceId), Instance: network.InstanceID(*in.InstanceId), Device: int(*in.DeviceIndex)})
	if err != nil {
		return nil, err
	}
	return &wire.AttachNetworkInterfaceResult{AttachmentId: api.Text(out.Created[0]), NetworkCardIndex: api.Long(0)}, nil
}

func detachNetworkInterface(c *api.Call, in *wire.DetachNetworkInterfaceRequest) error {
	_, err := c.Do(network.DetachENI{Attachment: network.AttachmentID(*in.AttachmentId), Force: api.Value(in.Force)})
	return err
}

func assignPrivateIpAddresses(c *api.Call, in *wire.AssignPrivateIpAddressesRequest) (*wire.AssignPrivateIpAddressesResult, error) {
	r := network.AssignAddrs{ENI: network.ENIID(*in.NetworkInterfaceId), Count: Count(c, "secondaryPrivateIpAddressCount", in.SecondaryPrivateIpAddressCount),
		Reassign: api.Value(in.AllowReassignment)}
	for _, a := range in.PrivateIpAddresses {
		r.Addrs = append(r.Addrs, c.Addr4("privateIpAddress", &a))
	}
	out, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	assigned := api.All(out.Created, func(a string) wire.AssignedPrivateIpAddress {
		return wire.AssignedPrivateIpAddress{PrivateIpAddress: api.Text(a)}
	})
	return &wire.AssignPrivateIpAddressesResult{NetworkInterfaceId: in.NetworkInterfaceId, AssignedPrivateIpAddresses: assigned,
		AssignedIpv4Prefixes: []wire.Ipv4PrefixSpecification{}}, nil
}

func unassignPrivateIpAddresses(c *api.Call, in *wire.UnassignPrivateIpAddressesRequest) error {
	r := network.UnassignAddrs{ENI: network.ENIID(*in.NetworkInterfaceId)}
	for _, a := range in.PrivateIpAddresses {
		r.Addrs = append(r.Addrs, c.Addr4("privateIpAddress", &a))
	}
	_, err := c.Do(r)
	return err
}

func assignIpv6Addresses(c *api.Call, in *wire.AssignIpv6AddressesRequest) (*wire.AssignIpv6AddressesResult, error) {
	r := network.AssignAddrs6{ENI: network.ENIID(*in.NetworkInterfaceId), Count: Count(c, "ipv6AddressCount", in.Ipv6AddressCount)}
	for _, a := range in.Ipv6Addresses {
		r.Addrs = append(r.Addrs, c.Addr6("ipv6Address", &a))
	}
	out, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	return &wire.AssignIpv6AddressesResult{NetworkInterfaceId: in.NetworkInterfaceId, AssignedIpv6Addresses: out.Created, AssignedIpv6Prefixes: []string{}}, nil
}

func unassignIpv6Addresses(c *api.Call, in *wire.UnassignIpv6AddressesRequest) (*wire.UnassignIpv6AddressesResult, error) {
	r := network.UnassignAddrs6{ENI: network.ENIID(*in.NetworkInterfaceId)}
	for _, a := range in.Ipv6Addresses {
		r.Addrs = append(r.Addrs, c.Addr6("ipv6Address", &a))
	}
	if _, err := c.Do(r); err != nil {
		return nil, err
	}
	return &wire.UnassignIpv6AddressesResult{NetworkInterfaceId: in.NetworkInterfaceId, UnassignedIpv6Addresses: api.AddrTexts(r.Addrs), UnassignedIpv6Prefixes: []string{}}, nil
}
