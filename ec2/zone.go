package ec2

import (
	"tombolo/ec2/api"
	"tombolo/network"
)

// ZoneID is the id of an availability zone, for example use1-az1 of us-east-1a.
func ZoneID(zone string) string { return api.ZoneID(zone) }

// Regions are the names of all Regions.
func Regions() []network.Region {
	var out []network.Region
	for _, r := range api.Regions() {
		out = append(out, r.Name)
	}
	return out
}
