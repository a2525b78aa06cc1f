package vpc

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func elasticIPOperations() []api.Operation {
	return []api.Operation{
		api.Op("AllocateAddress", allocateAddress, api.Params{
			Enforced: "Domain Address NetworkBorderGroup TagSpecification",
			Refused: []api.Refuse{
				{Paths: "PublicIpv4Pool", Unless: "amazon", Why: "there are no address pools of your own"},
				{Paths: "CustomerOwnedIpv4Pool", Why: "there are no Outposts"},
				{Paths: "IpamPoolId", Why: "there is no IPAM"},
			},
		}),
		api.Op("AssociateAddress", associateAddress, api.Params{
			Enforced: "AllocationId PublicIp InstanceId NetworkInterfaceId PrivateIpAddress AllowReassociation",
		}),
		api.Void("DisassociateAddress", disassociateAddress, api.Params{Enforced: "AssociationId PublicIp"}),
		api.Void("ReleaseAddress", releaseAddress, api.Params{Enforced: "AllocationId PublicIp NetworkBorderGroup"}),
		api.Op("DescribeAddresses", describeAddresses, api.Params{Enforced: "AllocationId PublicIp Filter", Filters: addresses.FilterNames()}),
		api.Op("DescribeAddressesAttribute", describeAddressesAttribute, api.Params{Enforced: "AllocationId Attribute MaxResults NextToken"}),
		api.Op("ModifyAddressAttribute", modifyAddressAttribute, api.Params{Enforced: "AllocationId DomainName"}),
		api.Op("ResetAddressAttribute", resetAddressAttribute, api.Params{Enforced: "AllocationId Attribute"}),
	}
}

func allocateAddress(c *api.Call, in *wire.AllocateAddressRequest) (*wire.AllocateAddressResult, error) {
	if api.Value(in.Domain) == "standard" {
		return nil, &api.Error{Code: "UnsupportedOperation", Message: "There are no addresses for EC2-Classic: it has been retired."}
	}
	checkBorderGroup(c, in.NetworkBorderGroup)
	out, err := c.Do(network.AllocateAddress{Public: c.Addr4("address", in.Address), Tags: c.Tags(in.TagSpecifications, "elastic-ip")})
	if err != nil {
		return nil, err
	}
	a := c.State.Address(network.AllocationID(out.Created[0]))
	return &wire.AllocateAddressResult{AllocationId: api.Text(a.ID), PublicIp: new(a.Public.String()), Domain: new("vpc"),
		PublicIpv4Pool: new("amazon"), NetworkBorderGroup: api.Text(a.Region)}, nil
}

// checkBorderGroup: a Region without Local Zones is one group of zones that
// advertises addresses.
func checkBorderGroup(c *api.Call, group *string) {
	if group != nil && *group != string(c.Caller.Region) {
		c.Fail(api.InvalidValue(*group, "NetworkBorderGroup", "The network border group does not exist in this region."))
	}
}

// associateAddress names one address and one place for it. An address can be named
// by itself here, but not where it is taken away (AWS: AssociateAddress).
func associateAddress(c *api.Call, in *wire.AssociateAddressRequest) (*wire.AssociateAddressResult, error) {
	switch {
	case in.AllocationId == nil && in.PublicIp == nil:
		return nil, &api.Error{Code: "MissingParameter", Message: "Either public IP or allocation id must be specified"}
	case in.AllocationId != nil && in.PublicIp != nil:
		return nil, api.Combination("You may specify public IP or allocation id, but not both in the same call")
	case in.InstanceId == nil && in.NetworkInterfaceId == nil:
		return nil, &api.Error{Code: "MissingParameter", Message: "Either instance ID or network interface id must be specified"}
	case in.InstanceId != nil && in.NetworkInterfaceId != nil:
		return nil, api.Combination("You may specify an instance ID or a network interface id, but not both in the same call")
	}
	r := network.AssociateAddress{Allocation: network.AllocationID(api.Value(in.AllocationId)), Private: c.Addr4("privateIpAddress", in.PrivateIpAddress),
		Keep: in.AllowReassociation != nil && !*in.AllowReassociation}
	if in.PublicIp != nil {
		a, err := addressAt(c, *in.PublicIp)
		if err != nil {
			return nil, err
		}
		r.Allocation = a.ID
	}
	if in.NetworkInterfaceId != nil {
		if *in.NetworkInterfaceId == "" {
			return nil, api.InvalidID("", "eni")
		}
		r.ENI = network.ENIID(*in.NetworkInterfaceId)
	} else if r.Instance = network.InstanceID(*in.InstanceId); r.Instance == "" {
		return nil, api.InvalidID("", "i")
	}
	out, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	return &wire.AssociateAddressResult{AssociationId: api.Text(out.Created[0])}, nil
}

// addressAt is the caller's address with this public one.
func addressAt(c *api.Call, public string) (*network.Address, error) {
	if ip, err := netip.ParseAddr(public); err == nil {
		if a := c.State.AddressAt(c.Caller, ip); a != nil {
			return a, nil
		}
	}
	return nil, &api.Error{Code: "InvalidAddress.NotFound", Message: "Address '" + public + "' not found."}
}

func disassociateAddress(c *api.Call, in *wire.DisassociateAddressRequest) error {
	switch {
	case in.AssociationId != nil && in.PublicIp != nil:
		return api.Combination("You may specify public IP or association id, but not both in the same call")
	case in.AssociationId == nil && in.PublicIp == nil:
		return &api.Error{Code: "MissingParameter", Message: "Either public IP or association id must be specified"}
	case in.PublicIp != nil:
		if _, err := addressAt(c, *in.PublicIp); err != nil {
			return err
		}
		return &api.Error{Code: "InvalidParameterValue", Message: "You must specify an association id when unmapping an address from a VPC instance"}
	}
	_, err := c.Do(network.DisassociateAddress{Association: network.AssociationID(*in.AssociationId)})
	return err
}

func releaseAddress(c *api.Call, in *wire.ReleaseAddressRequest) error {
	checkBorderGroup(c, in.NetworkBorderGroup)
	switch {
	case in.AllocationId != nil && in.PublicIp != nil:
		return api.Combination("You may specify public IP or allocation id, but not both in the same call")
	case in.AllocationId == nil && in.PublicIp == nil:
		return &api.Error{Code: "MissingParameter", Message: "Either public IP or allocation id must be specified"}
	case in.PublicIp != nil:
		if _, err := addressAt(c, *in.PublicIp); err != nil {
			return err
		}
		return &api.Error{Code: "InvalidParameterValue", Message: "You must specify an allocation id when releasing a VPC elastic IP address"}
	}
	_, err := c.Do(network.ReleaseAddress{Allocation: network.AllocationID(*in.AllocationId)})
	return err
}

// addresses is how Elastic IP addresses are found and filtered.
var addresses = api.Listing[*network.Address]{
	Kind: "eipalloc",
	Key:  func(a *network.Address) string { return string(a.ID) },
	All:  func(c *api.Call) iter.Seq[*network.Address] { return c.State.AddressesOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.Address, bool) {
		a := c.State.Address(network.AllocationID(id))
		return a, a != nil && a.In(c.Caller)
	},
	Tags: func(c *api.Call, a *network.Address) network.Tags { return c.State.Tags(c.Caller, string(a.ID)) },
	Filters: []api.Filter[*network.Address]{
		api.By("allocation-id", func(_ *api.Call, a *network.Address) []string { return api.One(a.ID) }),
		api.By("association-id", func(_ *api.Call, a *network.Address) []string { return api.One(a.Association) }),
		api.By("domain", func(*api.Call, *network.Address) []string { return api.One("vpc") }),
		api.By("instance-id", func(c *api.Call, a *network.Address) []string {
			return api.One(api.Value(showAddress(c, a).InstanceId))
		}),
		api.By("network-border-group", func(_ *api.Call, a *network.Address) []string { return api.One(a.Region) }),
		api.By("network-interface-id", func(_ *api.Call, a *network.Address) []string { return api.One(a.ENI) }),
		api.By("network-interface-owner-id", func(c *api.Call, a *network.Address) []string {
			return api.One(api.Value(showAddress(c, a).NetworkInterfaceOwnerId))
		}),
		api.By("private-ip-address", func(c *api.Call, a *network.Address) []string {
			return api.One(api.Value(showAddress(c, a).PrivateIpAddress))
		}),
		api.By("public-ip", func(_ *api.Call, a *network.Address) []string { return api.One(a.Public.String()) }),
	},
	Pages: api.PlainPages(1, 1000, ""),
}

func describeAddresses(c *api.Call, in *wire.DescribeAddressesRequest) (*wire.DescribeAddressesResult, error) {
	ids := in.AllocationIds
	for _, public := range in.PublicIps {
		a, err := addressAt(c, public)
		if err != nil {
			return nil, err
		}
		ids = append(slices.Clip(ids), string(a.ID))
	}
	rows, _, err := addresses.Rows(c, api.Query{IDs: ids, Filters: in.Filters})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeAddressesResult{Addresses: api.Each(c, rows, showAddress)}, nil
}

func showAddress(c *api.Call, a *network.Address) wire.Address {
	out := wire.Address{AllocationId: api.Text(a.ID), PublicIp: new(a.Public.String()), Domain: new("vpc"), PublicIpv4Pool: new("amazon"),
		NetworkBorderGroup: api.Text(a.Region), AssociationId: api.Text(a.Association), Tags: c.TagSet(string(a.ID))}
	if a.Association == "" {
		return out
	}
	eni := c.State.ENI(a.ENI)
	out.NetworkInterfaceId, out.NetworkInterfaceOwnerId = api.Text(eni.ID), api.Text(eni.Owner)
	out.PrivateIpAddress, out.SubnetId = new(a.Private.String()), api.Text(eni.Subnet)
	if eni.Attachment != nil {
		out.InstanceId = api.Text(eni.Attachment.Instance)
	}
	return out
}

// PublicName is the name of a public address in the VPC of the interface that has
// it, if the VPC has DNS hostnames (AWS: DNS attributes for your VPC).
func PublicName(c *api.Call, e *network.ENI, public netip.Addr) *string {
	if v := c.State.VPC(e.VPC); !v.DNSHostnames || !v.DNSSupport {
		return new("")
	}
	domain := string(e.Region) + ".compute"
	if e.Region == "us-east-1" {
		domain = "compute-1"
	}
	return new("ec2-" + strings.ReplaceAll(public.String(), ".", "-") + "." + domain + ".amazonaws.com")
}

// showAssociation is the public address of an interface's private one; nil when it
// has none.
func showAssociation(c *api.Call, e *network.ENI, private netip.Addr) *wire.NetworkInterfaceAssociation {
	a := c.State.AddressFor(e.ID, private)
	if a == nil {
		return nil
	}
	return &wire.NetworkInterfaceAssociation{AllocationId: api.Text(a.ID), AssociationId: api.Text(a.Association), IpOwnerId: api.Text(a.Owner),
		PublicIp: new(a.Public.String()), PublicDnsName: PublicName(c, e, a.Public)}
}

// ofPublic is a filter on the public addresses of an interface.
func ofPublic(name string, get func(*api.Call, *network.ENI, *network.Address) string) api.Filter[*network.ENI] {
	return api.By(name, func(c *api.Call, e *network.ENI) []string {
		var out []string
		for a := range c.State.AddressesAt(e.ID) {
			out = append(out, get(c, e, a))
		}
		return out
	})
}

func describeAddressesAttribute(c *api.Call, in *wire.DescribeAddressesAttributeRequest) (*wire.DescribeAddressesAttributeResult, error) {
	rows, next, err := addresses.Rows(c, api.Query{IDs: in.AllocationIds, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeAddressesAttributeResult{Addresses: api.All(rows, showAddressAttribute), NextToken: next}, nil
}

func showAddressAttribute(a *network.Address) wire.AddressAttribute {
	return wire.AddressAttribute{AllocationId: api.Text(a.ID), PublicIp: new(a.Public.String()), PtrRecord: api.Text(a.PTR)}
}

func modifyAddressAttribute(c *api.Call, in *wire.ModifyAddressAttributeRequest) (*wire.ModifyAddressAttributeResult, error) {
	api.Need(c, "DomainName", in.DomainName)
	name := api.Value(in.DomainName)
	if !isDomain(strings.TrimSuffix(name, ".")) {
		c.Fail(api.InvalidValue(name, "DomainName", "The domain name is not valid."))
	}
	out, err := setAddressName(c, *in.AllocationId, strings.TrimSuffix(name, ".")+".")
	return &wire.ModifyAddressAttributeResult{Address: out}, err
}

// isDomain reports whether a name could be one of a host (RFC 1123, section 2.1).
func isDomain(name string) bool {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1 && len(name) <= 253
}

func resetAddressAttribute(c *api.Call, in *wire.ResetAddressAttributeRequest) (*wire.ResetAddressAttributeResult, error) {
	out, err := setAddressName(c, *in.AllocationId, "")
	return &wire.ResetAddressAttributeResult{Address: out}, err
}

// setAddressName answers with the change as it is under way, as AWS does.
func setAddressName(c *api.Call, id, name string) (*wire.AddressAttribute, error) {
	if _, err := c.Do(network.SetAddressAttribute{Allocation: network.AllocationID(id), PTR: name}); err != nil {
		return nil, err
	}
	out := showAddressAttribute(c.State.Address(network.AllocationID(id)))
	out.PtrRecordUpdate = &wire.PtrUpdateStatus{Value: api.Text(name), Status: new("PENDING")}
	return &out, nil
}
