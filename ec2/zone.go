package ec2

import (
	"slices"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func zoneOperations() []operation {
	return []operation{
		op("DescribeAvailabilityZones", describeAvailabilityZones, params{
			enforced: "ZoneName ZoneId Filter AllAvailabilityZones",
			filters:  zones.filterNames(),
		}),
		op("DescribeRegions", describeRegions, params{
			enforced: "RegionName Filter AllRegions",
			filters:  regionListing.filterNames(),
		}),
		op("DescribeAccountAttributes", describeAccountAttributes, params{enforced: "AttributeName"}),
	}
}

// zonesOf are a Region's availability zones; none for a Region that is not there.
func zonesOf(name network.Region) []string {
	r, _ := lookupRegion(name)
	return r.zoneNames()
}

// zoneID is the id of a zone, for example use1-az1 of us-east-1a.
func zoneID(name network.Region, zone string) string {
	r, _ := lookupRegion(name)
	n := strings.IndexByte(r.zones, zone[len(zone)-1])
	if n < 0 {
		return ""
	}
	return r.zoneID(n)
}

// zone is the zone that a request names, by name or by id; "" when by neither.
func (c *call) zone(name, id *string) string {
	if id == nil {
		return value(name)
	}
	if name != nil {
		c.fail(combination("The parameter availabilityZone cannot be used with the parameter availabilityZoneId"))
	}
	for _, z := range zonesOf(c.caller.Region) {
		if zoneID(c.caller.Region, z) == *id {
			return z
		}
	}
	c.fail(invalidValue(*id, "availabilityZoneId", ""))
	return ""
}

// place is a zone or a Region as a filter sees it.
type place struct {
	region region
	zone   string
}

var zones = listing[place]{
	key: func(p place) string { return p.zone },
	filters: []filter[place]{
		{"group-name", func(_ *call, p place) []string { return one(p.region.name + "-zg-1") }},
		{"message", func(*call, place) []string { return nil }},
		{"opt-in-status", func(*call, place) []string { return one("opt-in-not-required") }},
		{"parent-zone-id", func(*call, place) []string { return nil }},
		{"parent-zone-name", func(*call, place) []string { return nil }},
		{"region-name", func(_ *call, p place) []string { return one(p.region.name) }},
		{"state", func(*call, place) []string { return one("available") }},
		{"zone-id", func(_ *call, p place) []string { return one(zoneID(p.region.name, p.zone)) }},
		{"zone-name", func(_ *call, p place) []string { return one(p.zone) }},
		{"zone-type", func(*call, place) []string { return one("availability-zone") }},
	},
}

func describeAvailabilityZones(c *call, in *wire.DescribeAvailabilityZonesRequest) (*wire.DescribeAvailabilityZonesResult, error) {
	want, err := matches(zones.filters, nil, in.Filters)
	if err != nil {
		return nil, err
	}
	r, _ := lookupRegion(c.caller.Region)
	names := r.zoneNames()
	for _, asked := range in.ZoneNames {
		if !slices.Contains(names, asked) {
			return nil, &Error{Code: "InvalidParameterValue", Message: "Invalid availability zone: [" + asked + "]"}
		}
	}
	out := &wire.DescribeAvailabilityZonesResult{AvailabilityZones: []wire.AvailabilityZone{}}
	known := map[string]bool{}
	for _, zone := range names {
		id := zoneID(r.name, zone)
		known[id] = true
		named := len(in.ZoneNames) == 0 || slices.Contains(in.ZoneNames, zone)
		listed := len(in.ZoneIds) == 0 || slices.Contains(in.ZoneIds, id)
		if !named || !listed || !passesAll(c, place{r, zone}, want) {
			continue
		}
		out.AvailabilityZones = append(out.AvailabilityZones, wire.AvailabilityZone{
			ZoneName: text(zone), ZoneId: text(id), RegionName: text(r.name), State: new("available"),
			OptInStatus: new("opt-in-not-required"), Messages: []wire.AvailabilityZoneMessage{},
			GroupName: text(r.name + "-zg-1"), NetworkBorderGroup: text(r.name), ZoneType: new("availability-zone"),
		})
	}
	for _, asked := range in.ZoneIds {
		if !known[asked] {
			return nil, &Error{Code: "InvalidParameterValue", Message: "Invalid availability zone-id: [" + asked + "]"}
		}
	}
	return out, nil
}

var regionListing = listing[place]{
	key: func(p place) string { return string(p.region.name) },
	filters: []filter[place]{
		{"endpoint", func(_ *call, p place) []string { return one(p.region.endpoint()) }},
		{"opt-in-status", func(_ *call, p place) []string { return one(p.region.optInStatus()) }},
		{"region-name", func(_ *call, p place) []string { return one(p.region.name) }},
	},
}

func (r region) endpoint() string { return "ec2." + string(r.name) + ".amazonaws.com" }

func (r region) optInStatus() string {
	if r.optIn {
		return "opted-in"
	}
	return "opt-in-not-required"
}

func describeRegions(c *call, in *wire.DescribeRegionsRequest) (*wire.DescribeRegionsResult, error) {
	want, err := matches(regionListing.filters, nil, in.Filters)
	if err != nil {
		return nil, err
	}
	for _, asked := range in.RegionNames {
		if _, ok := lookupRegion(network.Region(asked)); !ok {
			return nil, &Error{Code: "InvalidParameterValue", Message: "Invalid region provided: [" + asked + "]"}
		}
	}
	out := &wire.DescribeRegionsResult{Regions: []wire.Region{}}
	for _, r := range regions {
		named := len(in.RegionNames) == 0 || slices.Contains(in.RegionNames, string(r.name))
		if named && passesAll(c, place{region: r}, want) {
			out.Regions = append(out.Regions, wire.Region{
				RegionName: text(r.name), Endpoint: text(r.endpoint()), OptInStatus: text(r.optInStatus()),
			})
		}
	}
	return out, nil
}

// describeAccountAttributes gives the attributes that AWS still has (AWS:
// DescribeAccountAttributes).
func describeAccountAttributes(c *call, in *wire.DescribeAccountAttributesRequest) (*wire.DescribeAccountAttributesResult, error) {
	standard := "none"
	if v := c.state.DefaultVPC(c.caller); v != nil {
		standard = string(v.ID)
	}
	attributes := []struct{ name, value string }{
		{"supported-platforms", "VPC"},
		{"default-vpc", standard},
		{"max-instances", "5000"},
		{"vpc-max-security-groups-per-interface", number(c.state.Quota(c.caller, network.QuotaGroupsPerENI))},
		{"max-elastic-ips", "5"},
		{"vpc-max-elastic-ips", "5"},
	}
	out := &wire.DescribeAccountAttributesResult{AccountAttributes: []wire.AccountAttribute{}}
	for _, a := range attributes {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, a.name) {
			out.AccountAttributes = append(out.AccountAttributes, wire.AccountAttribute{
				AttributeName: text(a.name), AttributeValues: []wire.AccountAttributeValue{{AttributeValue: text(a.value)}},
			})
		}
	}
	return out, nil
}
