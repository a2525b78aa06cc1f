package vpc

import (
	"iter"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func dhcpOptionsOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateDhcpOptions", createDhcpOptions, api.Params{Enforced: "DhcpConfiguration TagSpecification"}),
		api.Void("DeleteDhcpOptions", deleteDhcpOptions, api.Params{Enforced: "DhcpOptionsId"}),
		api.Void("AssociateDhcpOptions", associateDhcpOptions, api.Params{Enforced: "DhcpOptionsId VpcId"}),
		api.Op("DescribeDhcpOptions", describeDhcpOptions, api.Params{
			Enforced: "DhcpOptionsId Filter MaxResults NextToken",
			Filters:  dhcpOptions.FilterNames(),
		}),
	}
}

func createDhcpOptions(c *api.Call, in *wire.CreateDhcpOptionsRequest) (*wire.CreateDhcpOptionsResult, error) {
	r := network.CreateDHCPOptions{Tags: c.Tags(in.TagSpecifications, "dhcp-options")}
	for _, o := range in.DhcpConfigurations {
		r.Options = append(r.Options, network.DHCPOption{Key: api.Value(o.Key), Values: o.Values})
	}
	out, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	return &wire.CreateDhcpOptionsResult{DhcpOptions: new(showDhcpOptions(c, c.State.DHCPOptions(c.Caller, network.DHCPOptionsID(out.Created[0]))))}, nil
}

func deleteDhcpOptions(c *api.Call, in *wire.DeleteDhcpOptionsRequest) error {
	_, err := c.Do(network.DeleteDHCPOptions{Options: network.DHCPOptionsID(*in.DhcpOptionsId)})
	return err
}

func associateDhcpOptions(c *api.Call, in *wire.AssociateDhcpOptionsRequest) error {
	_, err := c.Do(network.AssociateDHCPOptions{Options: network.DHCPOptionsID(*in.DhcpOptionsId), VPC: network.VPCID(*in.VpcId)})
	return err
}

// dhcpOptions is how sets of DHCP options are found and filtered.
var dhcpOptions = api.Listing[*network.DHCPOptions]{
	Kind: "dopt",
	Key:  func(d *network.DHCPOptions) string { return string(d.ID) },
	All:  func(c *api.Call) iter.Seq[*network.DHCPOptions] { return c.State.DHCPOptionsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.DHCPOptions, bool) {
		d := c.State.DHCPOptions(c.Caller, network.DHCPOptionsID(id))
		return d, d != nil
	},
	Tags: func(c *api.Call, d *network.DHCPOptions) network.Tags { return c.State.Tags(c.Caller, string(d.ID)) },
	Filters: []api.Filter[*network.DHCPOptions]{
		api.By("dhcp-options-id", func(_ *api.Call, d *network.DHCPOptions) []string { return api.One(d.ID) }),
		api.By("key", func(_ *api.Call, d *network.DHCPOptions) []string {
			return ofOptions(d, func(o network.DHCPOption) []string { return api.One(o.Key) })
		}),
		api.By("owner-id", func(_ *api.Call, d *network.DHCPOptions) []string { return api.One(d.Owner) }),
		api.By("value", func(_ *api.Call, d *network.DHCPOptions) []string {
			return ofOptions(d, func(o network.DHCPOption) []string { return o.Values })
		}),
	},
	Pages: api.PlainPages(5, 1000, "DhcpOptionsIds"),
}

func ofOptions(d *network.DHCPOptions, get func(network.DHCPOption) []string) []string {
	var out []string
	for _, o := range d.Options {
		out = append(out, get(o)...)
	}
	return out
}

func describeDhcpOptions(c *api.Call, in *wire.DescribeDhcpOptionsRequest) (*wire.DescribeDhcpOptionsResult, error) {
	rows, next, err := dhcpOptions.Rows(c, api.Query{IDs: in.DhcpOptionsIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeDhcpOptionsResult{DhcpOptions: api.Each(c, rows, showDhcpOptions), NextToken: next}, nil
}

func showDhcpOptions(c *api.Call, d *network.DHCPOptions) wire.DhcpOptions {
	value := func(v string) wire.AttributeValue { return wire.AttributeValue{Value: new(v)} }
	return wire.DhcpOptions{DhcpOptionsId: api.Text(d.ID), OwnerId: api.Text(d.Owner), Tags: c.TagSet(string(d.ID)),
		DhcpConfigurations: api.All(d.Options, func(o network.DHCPOption) wire.DhcpConfiguration {
			return wire.DhcpConfiguration{Key: new(o.Key), Values: api.All(o.Values, value)}
		})}
}
