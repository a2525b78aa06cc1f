package ec2

import (
	"slices"

	"tombolo/network"
)

// region is one of AWS's Regions and what a client may see of it.
type region struct {
	name  network.Region
	short string // begins the ids of its zones: use1-az1
	optIn bool   // must be opted in to; shown as opted in
	zones string // the letters of its availability zones
}

// regions are AWS's commercial Regions with the zones that a new account sees.
// Every account has all of them from the first day, as separate worlds.
var regions = []region{
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

func lookupRegion(name network.Region) (region, bool) {
	i := slices.IndexFunc(regions, func(r region) bool { return r.name == name })
	if i < 0 {
		return region{}, false
	}
	return regions[i], true
}

// zoneNames are the region's availability zones in order: us-east-1a, …
func (r region) zoneNames() []string {
	var out []string
	for _, letter := range r.zones {
		out = append(out, string(r.name)+string(letter))
	}
	return out
}

// zoneID is the id of the n-th zone, from 0: AWS shuffles letters over ids
// account by account, and we have no reason to.
func (r region) zoneID(n int) string { return r.short + "-az" + string(rune('1'+n)) }
