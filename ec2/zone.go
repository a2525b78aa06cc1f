package ec2

import "tombolo/ec2/api"

// ZoneID is the id of an availability zone, for example use1-az1 of us-east-1a.
func ZoneID(zone string) string { return api.ZoneID(zone) }
