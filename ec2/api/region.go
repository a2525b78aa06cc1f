package api

import (
	"slices"
	"strings"
	"sync"

	"tombolo/network"
)

// Region is one of AWS's Regions and what a client may see of it.
type Region struct {
	Name  network.Region
	short string // begins the ids of its zones: use1-az1
	OptIn bool   // must be opted in to; shown as opted in
	zones string // the letters of its availability zones
}

// regions are AWS's commercial Regions with the zones that a new account sees.
// Every account has all of them from the first day, as separate worlds.
var regions = []Region{
	{"af-south-1", "afs1", true, "abc"},
	{"ap-east-1", "ape1", true, "abc"},
	{"ap-northeast-1", "apne1", false, "acd"},
	{"ap-northeast-2", "apne2", false, "abcd"},
	{"ap-northeast-3", "apne3", false, "abc"},
	{"ap-south-1", "aps1", false, "abc"},
	{"ap-south-2", "aps2", true, "abc"},
	{"ap-southeast-1", "apse1", false, "abc"},
	{"ap-southeast-2", "apse2", false, "abc"},
	{"ap-southeast-3", "apse3", true, "abc"},
	{"ap-southeast-4", "apse4", true, "abc"},
	{"ap-southeast-5", "apse5", true, "abc"},
	{"ap-southeast-7", "apse7", true, "abc"},
	{"ca-central-1", "cac1", false, "abd"},
	{"ca-west-1", "caw1", true, "abc"},
	{"eu-central-1", "euc1", false, "abc"},
	{"eu-central-2", "euc2", true, "abc"},
	{"eu-north-1", "eun1", false, "abc"},
	{"eu-south-1", "eus1", true, "abc"},
	{"eu-south-2", "eus2", true, "abc"},
	{"eu-west-1", "euw1", false, "abc"},
	{"eu-west-2", "euw2", false, "abc"},
	{"eu-west-3", "euw3", false, "abc"},
	{"il-central-1", "ilc1", true, "abc"},
	{"me-central-1", "mec1", true, "abc"},
	{"me-south-1", "mes1", true, "abc"},
	{"mx-central-1", "mxc1", true, "abc"},
	{"sa-east-1", "sae1", false, "abc"},
	{"us-east-1", "use1", false, "abcdef"},
	{"us-east-2", "use2", false, "abc"},
	{"us-west-1", "usw1", false, "bc"},
	{"us-west-2", "usw2", false, "abcd"},
}

// Regions are all of them.
func Regions() []Region { return slices.Clone(regions) }

// LookupRegion finds a Region by name.
func LookupRegion(name network.Region) (Region, bool) {
	i := slices.IndexFunc(regions, func(r Region) bool { return r.Name == name })
	if i < 0 {
		return Region{}, false
	}
	return regions[i], true
}

// ZoneNames are the region's availability zones in order: us-east-1a, …
func (r Region) ZoneNames() []string {
	var out []string
	for _, letter := range r.zones {
		out = append(out, string(r.Name)+string(letter))
	}
	return out
}

// zoneID is the id of the n-th zone, from 0: AWS shuffles letters over ids
// account by account, and we have no reason to.
func (r Region) zoneID(n int) string { return r.short + "-az" + string(rune('1'+n)) }

// ZonesOf are a Region's availability zones; none for a Region that is not there.
func ZonesOf(name network.Region) []string {
	r, _ := LookupRegion(name)
	return r.ZoneNames()
}

// ZoneID is the id of a zone, for example use1-az1 of us-east-1a.
func ZoneID(zone string) string { return zoneIDs()[zone] }

// zoneIDs are by the zones' names, which no two Regions share.
var zoneIDs = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, r := range regions {
		for n, zone := range r.ZoneNames() {
			out[zone] = r.zoneID(n)
		}
	}
	return out
})

// Zone is the zone that a request names, by name or by id; "" when by neither.
func (c *Call) Zone(name, id *string) string {
	if id == nil {
		return Value(name)
	}
	if name != nil {
		c.Fail(Combination("The parameter availabilityZone cannot be used with the parameter availabilityZoneId"))
	}
	for _, z := range ZonesOf(c.Caller.Region) {
		if ZoneID(z) == *id {
			return z
		}
	}
	c.Fail(InvalidValue(*id, "availabilityZoneId", ""))
	return ""
}

// IsAccount reports whether an id has the form of an account number.
func IsAccount(id string) bool {
	return len(id) == 12 && strings.Trim(id, "0123456789") == ""
}
