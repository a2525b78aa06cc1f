package ec2

import (
	"iter"
	"net/netip"
	"time"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func describeNetworkInterfaces(c *call, in *wire.DescribeNetworkInterfacesRequest) (*wire.DescribeNetworkInterfacesResult, error) {
	rows, next, err := interfaces.rows(c, query{in.NetworkInterfaceIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeNetworkInterfacesResult{NetworkInterfaces: all(rows, c.eni), NextToken: next}, nil
}

func describeNetworkInterfaceAttribute(c *call, in *wire.DescribeNetworkInterfaceAttributeRequest) (*wire.DescribeNetworkInterfaceAttributeResult, error) {
	rows, _, err := interfaces.rows(c, query{ids: []string{*in.NetworkInterfaceId}})
	if err != nil {
		return nil, err
	}
	eni := rows[0]
	out := &wire.DescribeNetworkInterfaceAttributeResult{NetworkInterfaceId: text(eni.ID)}
	switch value(in.Attribute) {
	case "description":
		out.Description = wrapText(eni.Description)
	case "groupSet":
		out.Groups = c.groupNames(eni.Groups)
	case "sourceDestCheck":
		out.SourceDestCheck = wrapBool(eni.SourceDestCheck)
	case "attachment":
		out.Attachment = c.attachment(eni)
	case "associatePublicIpAddress":
		out.AssociatePublicIpAddress = new(false)
	default:
		return nil, missing("attribute")
	}
	return out, nil
}

// interfaces is how network interfaces are found and filtered.
var interfaces = listing[*network.ENI]{
	kind: "eni",
	key:  func(e *network.ENI) string { return string(e.ID) },
	all:  func(c *call) iter.Seq[*network.ENI] { return c.state.ENIsOf(c.caller) },
	get: func(c *call, id string) (*network.ENI, bool) {
		e := c.state.ENI(network.ENIID(id))
		return e, e != nil && e.In(c.caller)
	},
	tags: func(c *call, e *network.ENI) network.Tags { return c.state.Tags(c.caller, string(e.ID)) },
	filters: []filter[*network.ENI]{
		{"addresses.association.owner-id", func(*call, *network.ENI) []string { return nil }},
		{"addresses.association.public-ip", func(*call, *network.ENI) []string { return nil }},
		{"addresses.primary", func(_ *call, e *network.ENI) []string {
			if len(e.Addrs) > 1 {
				return []string{"true", "false"}
			}
			return yes(len(e.Addrs) == 1)
		}},
		{"addresses.private-ip-address", func(_ *call, e *network.ENI) []string { return addrTexts(e.Addrs) }},
		{"association.allocation-id", func(*call, *network.ENI) []string { return nil }},
		{"association.association-id", func(*call, *network.ENI) []string { return nil }},
		{"association.ip-owner-id", func(*call, *network.ENI) []string { return nil }},
		{"association.public-dns-name", func(*call, *network.ENI) []string { return nil }},
		{"association.public-ip", func(*call, *network.ENI) []string { return nil }},
		plugged("attachment.attach-time", func(e *network.ENI, a *network.Attachment) string { return a.At.UTC().Format(time.RFC3339) }),
		plugged("attachment.attachment-id", func(e *network.ENI, a *network.Attachment) string { return string(a.ID) }),
		plugged("attachment.delete-on-termination", func(e *network.ENI, a *network.Attachment) string { return yes(a.DeleteOnTermination)[0] }),
		plugged("attachment.device-index", func(e *network.ENI, a *network.Attachment) string { return number(a.Device) }),
		plugged("attachment.instance-id", func(e *network.ENI, a *network.Attachment) string { return string(a.Instance) }),
		plugged("attachment.instance-owner-id", func(e *network.ENI, a *network.Attachment) string { return string(e.Owner) }),
		plugged("attachment.network-card-index", func(*network.ENI, *network.Attachment) string { return "0" }),
		plugged("attachment.status", func(*network.ENI, *network.Attachment) string { return "attached" }),
		{"availability-zone", func(c *call, e *network.ENI) []string { return one(c.state.Subnet(e.Subnet).Zone) }},
		{"availability-zone-id", func(c *call, e *network.ENI) []string { return one(zoneID(e.Region, c.state.Subnet(e.Subnet).Zone)) }},
		{"description", func(_ *call, e *network.ENI) []string { return one(e.Description) }},
		{"group-id", func(_ *call, e *network.ENI) []string { return texts(e.Groups) }},
		{"group-name", func(c *call, e *network.ENI) []string { return c.namesOfGroups(e.Groups) }},
		{"interface-type", func(*call, *network.ENI) []string { return one("interface") }},
		{"ipv6-addresses.ipv6-address", func(_ *call, e *network.ENI) []string { return addrTexts(e.Addrs6) }},
		{"mac-address", func(_ *call, e *network.ENI) []string { return one(e.MAC.String()) }},
		{"network-interface-id", func(_ *call, e *network.ENI) []string { return one(e.ID) }},
		{"operator.managed", func(*call, *network.ENI) []string { return yes(false) }},
		{"operator.principal", func(*call, *network.ENI) []string { return nil }},
		{"owner-id", func(_ *call, e *network.ENI) []string { return one(e.Owner) }},
		{"private-dns-name", func(c *call, e *network.ENI) []string { return one(value(c.privateName(e))) }},
		{"private-ip-address", func(_ *call, e *network.ENI) []string { return addrTexts(e.Addrs) }},
		{"requester-id", func(*call, *network.ENI) []string { return nil }},
		{"requester-managed", func(*call, *network.ENI) []string { return yes(false) }},
		{"source-dest-check", func(_ *call, e *network.ENI) []string { return yes(e.SourceDestCheck) }},
		{"status", func(_ *call, e *network.ENI) []string { return one(eniStatus(e)) }},
		{"subnet-id", func(_ *call, e *network.ENI) []string { return one(e.Subnet) }},
		{"vpc-id", func(_ *call, e *network.ENI) []string { return one(e.VPC) }},
	},
	pages: plainPages(5, 1000, "NetworkInterfaceIds"),
}

// plugged compares something of an interface's attachment, if it has one.
func plugged(name string, get func(*network.ENI, *network.Attachment) string) filter[*network.ENI] {
	return filter[*network.ENI]{name, func(_ *call, e *network.ENI) []string {
		if e.Attachment == nil {
			return nil
		}
		return one(get(e, e.Attachment))
	}}
}

func eniStatus(e *network.ENI) string {
	if e.Attachment == nil {
		return "available"
	}
	return "in-use"
}

// eni is a network interface as Describe shows it.
func (c *call) eni(e *network.ENI) wire.NetworkInterface {
	n := c.state.Subnet(e.Subnet)
	out := wire.NetworkInterface{
		NetworkInterfaceId: text(e.ID), SubnetId: text(e.Subnet), VpcId: text(e.VPC), OwnerId: text(e.Owner),
		AvailabilityZone: text(n.Zone), AvailabilityZoneId: text(zoneID(e.Region, n.Zone)),
		Description: new(e.Description), MacAddress: new(e.MAC.String()), InterfaceType: new("interface"),
		Status: text(eniStatus(e)), SourceDestCheck: new(e.SourceDestCheck), RequesterManaged: new(false),
		Groups: c.groupNames(e.Groups), Attachment: c.attachment(e), PrivateDnsName: c.privateName(e),
		PrivateIpAddresses: make([]wire.NetworkInterfacePrivateIpAddress, 0, len(e.Addrs)),
		Ipv6Addresses:      make([]wire.NetworkInterfaceIpv6Address, 0, len(e.Addrs6)),
		Operator:           &wire.OperatorResponse{Managed: new(false)},
		TagSet:             c.tagSet(string(e.ID)),
	}
	for i, a := range e.Addrs {
		shown := new(a.String())
		if i == 0 {
			out.PrivateIpAddress = shown
		}
		out.PrivateIpAddresses = append(out.PrivateIpAddresses, wire.NetworkInterfacePrivateIpAddress{
			Primary: new(i == 0), PrivateIpAddress: shown, PrivateDnsName: c.addrName(e, a)})
	}
	for _, a := range e.Addrs6 {
		out.Ipv6Addresses = append(out.Ipv6Addresses, wire.NetworkInterfaceIpv6Address{Ipv6Address: new(a.String()), IsPrimaryIpv6: new(false)})
	}
	if len(e.Addrs6) > 0 {
		out.Ipv6Address = out.Ipv6Addresses[0].Ipv6Address
	}
	return out
}

func (c *call) attachment(e *network.ENI) *wire.NetworkInterfaceAttachment {
	a := e.Attachment
	if a == nil {
		return nil
	}
	return &wire.NetworkInterfaceAttachment{AttachmentId: text(a.ID), InstanceId: text(a.Instance), InstanceOwnerId: text(e.Owner),
		DeviceIndex: long(a.Device), NetworkCardIndex: long(0), Status: new("attached"), AttachTime: new(a.At), DeleteOnTermination: new(a.DeleteOnTermination)}
}

// privateName is the name of an interface's first address; an address has a name
// in a VPC with DNS hostnames only.
func (c *call) privateName(e *network.ENI) *string {
	if len(e.Addrs) == 0 {
		return nil
	}
	return c.addrName(e, e.Addrs[0])
}

func (c *call) addrName(e *network.ENI, a netip.Addr) *string {
	if v := c.state.VPC(e.VPC); !v.DNSHostnames || !v.DNSSupport {
		return nil
	}
	return text(ipName(a, e.Region))
}

// groupNames are groups with their names.
func (c *call) groupNames(list []network.GroupID) []wire.GroupIdentifier {
	return all(list, func(id network.GroupID) wire.GroupIdentifier {
		return wire.GroupIdentifier{GroupId: text(id), GroupName: text(c.groupName(id))}
	})
}

func (c *call) groupName(id network.GroupID) string {
	if g := c.state.SecurityGroup(id); g != nil {
		return g.Name
	}
	return ""
}

func (c *call) namesOfGroups(list []network.GroupID) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = c.groupName(id)
	}
	return out
}
