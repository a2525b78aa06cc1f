package vpc

import (
	"iter"
	"net/netip"
	"time"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func describeNetworkInterfaces(c *api.Call, in *wire.DescribeNetworkInterfacesRequest) (*wire.DescribeNetworkInterfacesResult, error) {
	rows, next, err := Interfaces.Rows(c, api.Query{IDs: in.NetworkInterfaceIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeNetworkInterfacesResult{NetworkInterfaces: api.Each(c, rows, showENI), NextToken: next}, nil
}

func describeNetworkInterfaceAttribute(c *api.Call, in *wire.DescribeNetworkInterfaceAttributeRequest) (*wire.DescribeNetworkInterfaceAttributeResult, error) {
	rows, _, err := Interfaces.Rows(c, api.Query{IDs: []string{*in.NetworkInterfaceId}})
	if err != nil {
		return nil, err
	}
	eni := rows[0]
	out := &wire.DescribeNetworkInterfaceAttributeResult{NetworkInterfaceId: api.Text(eni.ID)}
	switch api.Value(in.Attribute) {
	case "description":
		out.Description = api.WrapText(eni.Description)
	case "groupSet":
		out.Groups = GroupNames(c, eni.Groups)
	case "sourceDestCheck":
		out.SourceDestCheck = api.WrapBool(eni.SourceDestCheck)
	case "attachment":
		out.Attachment = showAttachment(c, eni)
	case "associatePublicIpAddress":
		out.AssociatePublicIpAddress = api.Bool(len(eni.Addrs) > 0 && c.State.AddressFor(eni.ID, eni.Addrs[0]) != nil)
	default:
		return nil, api.Missing("attribute")
	}
	return out, nil
}

// Interfaces is how network interfaces are found and filtered.
var Interfaces = api.Listing[*network.ENI]{
	Kind: "eni",
	Key:  func(e *network.ENI) string { return string(e.ID) },
	All:  func(c *api.Call) iter.Seq[*network.ENI] { return c.State.ENIsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.ENI, bool) {
		e := c.State.ENI(network.ENIID(id))
		return e, e != nil && e.In(c.Caller)
	},
	Tags: func(c *api.Call, e *network.ENI) network.Tags { return c.State.Tags(c.Caller, string(e.ID)) },
	Filters: []api.Filter[*network.ENI]{
		ofPublic("addresses.association.owner-id", func(_ *api.Call, _ *network.ENI, a *network.Address) string { return string(a.Owner) }),
		ofPublic("addresses.association.public-ip", func(_ *api.Call, _ *network.ENI, a *network.Address) string { return a.Public.String() }),
		api.By("addresses.primary", func(_ *api.Call, e *network.ENI) []string {
			if len(e.Addrs) > 1 {
				return []string{"true", "false"}
			}
			return api.Yes(len(e.Addrs) == 1)
		}),
		api.By("addresses.private-ip-address", func(_ *api.Call, e *network.ENI) []string { return api.AddrTexts(e.Addrs) }),
		ofPublic("association.allocation-id", func(_ *api.Call, _ *network.ENI, a *network.Address) string { return string(a.ID) }),
		ofPublic("association.association-id", func(_ *api.Call, _ *network.ENI, a *network.Address) string { return string(a.Association) }),
		ofPublic("association.ip-owner-id", func(_ *api.Call, _ *network.ENI, a *network.Address) string { return string(a.Owner) }),
		ofPublic("association.public-dns-name", func(c *api.Call, e *network.ENI, a *network.Address) string { return *PublicName(c, e, a.Public) }),
		ofPublic("association.public-ip", func(_ *api.Call, _ *network.ENI, a *network.Address) string { return a.Public.String() }),
		plugged("attachment.attach-time", func(e *network.ENI, a *network.Attachment) string { return a.At.UTC().Format(time.RFC3339) }),
		plugged("attachment.attachment-id", func(e *network.ENI, a *network.Attachment) string { return string(a.ID) }),
		plugged("attachment.delete-on-termination", func(e *network.ENI, a *network.Attachment) string { return api.Yes(a.DeleteOnTermination)[0] }),
		plugged("attachment.device-index", func(e *network.ENI, a *network.Attachment) string { return api.Number(a.Device) }),
		plugged("attachment.instance-id", func(e *network.ENI, a *network.Attachment) string { return string(a.Instance) }),
		plugged("attachment.instance-owner-id", func(e *network.ENI, a *network.Attachment) string { return string(e.Owner) }),
		plugged("attachment.network-card-index", func(*network.ENI, *network.Attachment) string { return "0" }),
		plugged("attachment.status", func(*network.ENI, *network.Attachment) string { return "attached" }),
		api.By("availability-zone", func(c *api.Call, e *network.ENI) []string { return api.One(c.State.Subnet(e.Subnet).Zone) }),
		api.By("availability-zone-id", func(c *api.Call, e *network.ENI) []string {
			return api.One(api.ZoneID(c.State.Subnet(e.Subnet).Zone))
		}),
		api.By("description", func(_ *api.Call, e *network.ENI) []string { return api.One(e.Description) }),
		api.By("group-id", func(_ *api.Call, e *network.ENI) []string { return api.Texts(e.Groups) }),
		api.By("group-name", func(c *api.Call, e *network.ENI) []string { return namesOfGroups(c, e.Groups) }),
		api.By("interface-type", func(*api.Call, *network.ENI) []string { return api.One("interface") }),
		api.By("ipv6-addresses.ipv6-address", func(_ *api.Call, e *network.ENI) []string { return api.AddrTexts(e.Addrs6) }),
		api.By("mac-address", func(_ *api.Call, e *network.ENI) []string { return api.One(e.MAC.String()) }),
		api.By("network-interface-id", func(_ *api.Call, e *network.ENI) []string { return api.One(e.ID) }),
		api.By("operator.managed", func(*api.Call, *network.ENI) []string { return api.Yes(false) }),
		api.By("operator.principal", func(*api.Call, *network.ENI) []string { return nil }),
		api.By("owner-id", func(_ *api.Call, e *network.ENI) []string { return api.One(e.Owner) }),
		api.By("private-dns-name", func(c *api.Call, e *network.ENI) []string { return api.One(api.Value(PrivateName(c, e))) }),
		api.By("private-ip-address", func(_ *api.Call, e *network.ENI) []string { return api.AddrTexts(e.Addrs) }),
		api.By("requester-id", func(*api.Call, *network.ENI) []string { return nil }),
		api.By("requester-managed", func(*api.Call, *network.ENI) []string { return api.Yes(false) }),
		api.By("source-dest-check", func(_ *api.Call, e *network.ENI) []string { return api.Yes(e.SourceDestCheck) }),
		api.By("status", func(_ *api.Call, e *network.ENI) []string { return api.One(eniStatus(e)) }),
		api.By("subnet-id", func(_ *api.Call, e *network.ENI) []string { return api.One(e.Subnet) }),
		api.By("vpc-id", func(_ *api.Call, e *network.ENI) []string { return api.One(e.VPC) }),
	},
	Pages: api.PlainPages(5, 1000, "NetworkInterfaceIds"),
}

// plugged compares something of an interface's attachment, if it has one.
func plugged(name string, get func(*network.ENI, *network.Attachment) string) api.Filter[*network.ENI] {
	return api.By(name, func(_ *api.Call, e *network.ENI) []string {
		if e.Attachment == nil {
			return nil
		}
		return api.One(get(e, e.Attachment))
	})
}

func eniStatus(e *network.ENI) string {
	if e.Attachment == nil {
		return "available"
	}
	return "in-use"
}

// showENI is a network interface as Describe shows it.
func showENI(c *api.Call, e *network.ENI) wire.NetworkInterface {
	n := c.State.Subnet(e.Subnet)
	out := wire.NetworkInterface{
		NetworkInterfaceId: api.Text(e.ID), SubnetId: api.Text(e.Subnet), VpcId: api.Text(e.VPC), OwnerId: api.Text(e.Owner),
		AvailabilityZone: api.Text(n.Zone), AvailabilityZoneId: api.Text(api.ZoneID(n.Zone)),
		Description: new(e.Description), MacAddress: new(e.MAC.String()), InterfaceType: new("interface"),
		Status: api.Text(eniStatus(e)), SourceDestCheck: api.Bool(e.SourceDestCheck), RequesterManaged: api.Bool(false),
		Groups: GroupNames(c, e.Groups), Attachment: showAttachment(c, e), PrivateDnsName: PrivateName(c, e),
		PrivateIpAddresses: make([]wire.NetworkInterfacePrivateIpAddress, 0, len(e.Addrs)),
		Ipv6Addresses:      make([]wire.NetworkInterfaceIpv6Address, 0, len(e.Addrs6)),
		Operator:           &wire.OperatorResponse{Managed: api.Bool(false)},
		TagSet:             c.TagSet(string(e.ID)),
	}
	for i, a := range e.Addrs {
		shown := new(a.String())
		public := showAssociation(c, e, a)
		if i == 0 {
			out.PrivateIpAddress, out.Association = shown, public
		}
		out.PrivateIpAddresses = append(out.PrivateIpAddresses, wire.NetworkInterfacePrivateIpAddress{
			Primary: api.Bool(i == 0), PrivateIpAddress: shown, PrivateDnsName: AddrName(c, e, a), Association: public})
	}
	for _, a := range e.Addrs6 {
		out.Ipv6Addresses = append(out.Ipv6Addresses, wire.NetworkInterfaceIpv6Address{Ipv6Address: new(a.String()), IsPrimaryIpv6: api.Bool(false)})
	}
	if len(e.Addrs6) > 0 {
		out.Ipv6Address = out.Ipv6Addresses[0].Ipv6Address
	}
	return out
}

func showAttachment(c *api.Call, e *network.ENI) *wire.NetworkInterfaceAttachment {
	a := e.Attachment
	if a == nil {
		return nil
	}
	return &wire.NetworkInterfaceAttachment{AttachmentId: api.Text(a.ID), InstanceId: api.Text(a.Instance), InstanceOwnerId: api.Text(e.Owner),
		DeviceIndex: api.Long(a.Device), NetworkCardIndex: api.Long(0), Status: new("attached"), AttachTime: new(a.At), DeleteOnTermination: api.Bool(a.DeleteOnTermination)}
}

// PrivateName is the name of an interface's first address; an address has a name
// in a VPC with DNS hostnames only.
func PrivateName(c *api.Call, e *network.ENI) *string {
	if len(e.Addrs) == 0 {
		return nil
	}
	return AddrName(c, e, e.Addrs[0])
}

// AddrName is the name of one of an interface's addresses, if it has one.
func AddrName(c *api.Call, e *network.ENI, a netip.Addr) *string {
	if v := c.State.VPC(e.VPC); !v.DNSHostnames || !v.DNSSupport {
		return nil
	}
	return api.Text(api.IPName(a, e.Region))
}

// GroupNames are groups with their names.
func GroupNames(c *api.Call, list []network.GroupID) []wire.GroupIdentifier {
	return api.All(list, func(id network.GroupID) wire.GroupIdentifier {
		return wire.GroupIdentifier{GroupId: api.Text(id), GroupName: api.Text(groupName(c, id))}
	})
}

func groupName(c *api.Call, id network.GroupID) string {
	if g := c.State.SecurityGroup(id); g != nil {
		return g.Name
	}
	return ""
}

func namesOfGroups(c *api.Call, list []network.GroupID) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = groupName(c, id)
	}
	return out
}
