// Package vpc holds the EC2 actions about the network: VPCs, subnets, routes,
// peerings, security groups, network ACLs, interfaces, and beside them zones and
// tags. A handler turns strings into types and rows into AWS's shapes; the rules
// are package network's.
package vpc
