// Package randnet makes random networks by random valid operations, for tests
// that compare two opinions about them: analyzer and packets, one flow and all
// flows. A network is small, so that every pair of its interfaces can be asked
// about, and biased: open enough that a good part of the flows is delivered and
// packets get far enough to meet what denies the rest, crooked enough that every
// cause of denial occurs.
//
// It has VPCs that overlap with each other, a default VPC with its internet
// gateway, peerings in all states, across accounts and Regions, IPv4 and IPv6,
// network ACLs, groups that name groups, routes more specific than local, to
// middleboxes and into black holes, stopped instances, second interfaces and
// secondary addresses.
//
// The same seed makes the same network. The operations are kept, and can be
// replayed in part: that is how a failure is made small.
package randnet
