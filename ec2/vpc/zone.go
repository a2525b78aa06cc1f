package vpc

import (
	"iter"
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func zoneOperations() []api.Operation {
	return []api.Operation{
		api.Op("DescribeAvailabilityZones", describeAvailabilityZones, api.Params{
			Enforced: "ZoneName ZoneId Filter AllAvailabilityZones",
			Filters:  zones.FilterNames(),
		}),
		api.Op("DescribeRegions", describeRegions, api.Params{
			Enforced: "RegionName Filter AllRegions",
			Filters:  regionListing.FilterNames(),
		}),
		api.Op("ModifyAvailabilityZoneGroup", modifyAvailabilityZoneGroup, api.Params{Enforced: "GroupName OptInStatus"}),
		api.Op("DescribeAccountAttributes", describeAccountAttributes, api.Params{Enforced: "AttributeName"}),
	}
}

// modifyAvailabilityZoneGroup opts in to what everybody is in: there are no Local
// Zones, and nobody can opt out of Availability Zones.
func modifyAvailabilityZoneGroup(c *api.Call, in *wire.ModifyAvailabilityZoneGroupRequest) (*wire.ModifyAvailabilityZoneGroupResult, error) {
	switch {
	case *in.GroupName != string(c.Caller.Region)+"-zg-1":
		return nil, api.InvalidValue(*in.GroupName, "groupName", "There is no such zone group in this Region.")
	case *in.OptInStatus != "opted-in":
		return nil, &api.Error{Code: "OptInStatusNotSupported", Message: "The zone group " + *in.GroupName + " cannot be opted out of."}
	}
	return &wire.ModifyAvailabilityZoneGroupResult{Return: new(true)}, nil
}

// place is a zone or a Region as a filter sees it.
type place struct {
	region api.Region
	zone   string
}

var zones = api.Listing[place]{
	Key: func(p place) string { return p.zone },
	Filters: []api.Filter[place]{
		api.By("group-name", func(_ *api.Call, p place) []string { return api.One(p.region.Name + "-zg-1") }),
		api.By("message", func(*api.Call, place) []string { return nil }),
		api.By("opt-in-status", func(*api.Call, place) []string { return api.One("opt-in-not-required") }),
		api.By("parent-zone-id", func(*api.Call, place) []string { return nil }),
		api.By("parent-zone-name", func(*api.Call, place) []string { return nil }),
		api.By("region-name", func(_ *api.Call, p place) []string { return api.One(p.region.Name) }),
		api.By("state", func(*api.Call, place) []string { return api.One("available") }),
		api.By("zone-id", func(_ *api.Call, p place) []string { return api.One(api.ZoneID(p.zone)) }),
		api.By("zone-name", func(_ *api.Call, p place) []string { return api.One(p.zone) }),
		api.By("zone-type", func(*api.Call, place) []string { return api.One("availability-zone") }),
	},
}

func describeAvailabilityZones(c *api.Call, in *wire.DescribeAvailabilityZonesRequest) (*wire.DescribeAvailabilityZonesResult, error) {
	r, _ := api.LookupRegion(c.Caller.Region)
	var places []place
	var zoneIDs []string
	for _, zone := range r.ZoneNames() {
		id := api.ZoneID(zone)
		zoneIDs = append(zoneIDs, id)
		if among(in.ZoneNames, zone) && among(in.ZoneIds, id) {
			places = append(places, place{r, zone})
		}
	}
	if bad := stranger(in.ZoneNames, r.ZoneNames()); bad != "" {
		return nil, &api.Error{Code: "InvalidParameterValue", Message: "Invalid availability zone: [" + bad + "]"}
	}
	if bad := stranger(in.ZoneIds, zoneIDs); bad != "" {
		return nil, &api.Error{Code: "InvalidParameterValue", Message: "Invalid availability zone-id: [" + bad + "]"}
	}
	l := zones
	l.All = func(*api.Call) iter.Seq[place] { return slices.Values(places) }
	rows, _, err := l.Rows(c, api.Query{Filters: in.Filters})
	if err != nil {
		return nil, err
	}
	show := func(p place) wire.AvailabilityZone {
		return wire.AvailabilityZone{
			ZoneName: api.Text(p.zone), ZoneId: api.Text(api.ZoneID(p.zone)), RegionName: api.Text(r.Name), State: new("available"),
			OptInStatus: new("opt-in-not-required"), Messages: []wire.AvailabilityZoneMessage{},
			GroupName: api.Text(r.Name + "-zg-1"), NetworkBorderGroup: api.Text(r.Name), ZoneType: new("availability-zone"),
		}
	}
	return &wire.DescribeAvailabilityZonesResult{AvailabilityZones: api.All(rows, show)}, nil
}

// among reports whether a list names a thing; an empty list names all.
func among(list []string, thing string) bool { return len(list) == 0 || slices.Contains(list, thing) }

// stranger is the first of names that is not known, or "".
func stranger(names, known []string) string {
	for _, name := range names {
		if !slices.Contains(known, name) {
			return name
		}
	}
	return ""
}

var regionListing = api.Listing[place]{
	Key: func(p place) string { return string(p.region.Name) },
	Filters: []api.Filter[place]{
		api.By("endpoint", func(_ *api.Call, p place) []string { return api.One(endpoint(p.region)) }),
		api.By("opt-in-status", func(_ *api.Call, p place) []string { return api.One(optInStatus(p.region)) }),
		api.By("region-name", func(_ *api.Call, p place) []string { return api.One(p.region.Name) }),
	},
}

func endpoint(r api.Region) string { return "ec2." + string(r.Name) + ".amazonaws.com" }

func optInStatus(r api.Region) string {
	if r.OptIn {
		return "opted-in"
	}
	return "opt-in-not-required"
}

func describeRegions(c *api.Call, in *wire.DescribeRegionsRequest) (*wire.DescribeRegionsResult, error) {
	var names []string
	var places []place
	for _, r := range api.Regions() {
		names = append(names, string(r.Name))
		if among(in.RegionNames, string(r.Name)) {
			places = append(places, place{region: r})
		}
	}
	if bad := stranger(in.RegionNames, names); bad != "" {
		return nil, &api.Error{Code: "InvalidParameterValue", Message: "Invalid region provided: [" + bad + "]"}
	}
	l := regionListing
	l.All = func(*api.Call) iter.Seq[place] { return slices.Values(places) }
	rows, _, err := l.Rows(c, api.Query{Filters: in.Filters})
	if err != nil {
		return nil, err
	}
	show := func(p place) wire.Region {
		return wire.Region{RegionName: api.Text(p.region.Name), Endpoint: api.Text(endpoint(p.region)), OptInStatus: api.Text(optInStatus(p.region))}
	}
	return &wire.DescribeRegionsResult{Regions: api.All(rows, show)}, nil
}

// describeAccountAttributes gives the attributes that AWS still has (AWS:
// DescribeAccountAttributes).
func describeAccountAttributes(c *api.Call, in *wire.DescribeAccountAttributesRequest) (*wire.DescribeAccountAttributesResult, error) {
	standard := "none"
	if v := c.State.DefaultVPC(c.Caller); v != nil {
		standard = string(v.ID)
	}
	attributes := []struct{ name, value string }{
		{"supported-platforms", "VPC"},
		{"default-vpc", standard},
		{"max-instances", "5000"},
		{"vpc-max-security-groups-per-interface", api.Number(c.State.Quota(c.Caller, network.QuotaGroupsPerENI))},
		{"max-elastic-ips", "5"},
		{"vpc-max-elastic-ips", "5"},
	}
	out := &wire.DescribeAccountAttributesResult{AccountAttributes: []wire.AccountAttribute{}}
	for _, a := range attributes {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, a.name) {
			out.AccountAttributes = append(out.AccountAttributes, wire.AccountAttribute{
				AttributeName: api.Text(a.name), AttributeValues: []wire.AccountAttributeValue{{AttributeValue: api.Text(a.value)}},
			})
		}
	}
	return out, nil
}
