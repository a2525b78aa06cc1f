package network

import (
	"iter"
	"net/netip"
	"time"
)

// ACL is a network ACL: two ordered lists of stateless rules at a subnet's
// edge. What no entry matches is denied. Traffic inside the subnet never meets it.
type ACL struct {
	ID ACLID
	Home
	VPC     VPCID
	Default bool
	Entries []ACLEntry // ingress before egress, then by number; without the final "*" entries
	Created time.Time
}

// ACLEntry allows or denies. Number and Egress together identify it.
type ACLEntry struct {
	Number   int // 1 to 32766
	Egress   bool
	Allow    bool
	Protocol Protocol
	CIDR     netip.Prefix
	Ports    PortRange // TCP and UDP: of the destination; ICMP: From is the type, To the code, -1 is any; else -1, -1
}

func (a *ACL) key() string     { return string(a.ID) }
func (a *ACL) links() []string { return []string{a.World(), string(a.VPC)} }

func (a *ACL) uses() []use { return []use{{string(a.VPC), QuotaACLs}} }

// Has reports whether the ACL has an entry with like's number and direction.
func (a *ACL) Has(like ACLEntry) bool { return a.index(like.Number, like.Egress) >= 0 }

// ACL finds one by ID; nil when there is none.
func (s State) ACL(id ACLID) *ACL { return lookup(s.acls, id) }

// ACLs are all network ACLs of all accounts, in order of ID.
func (s State) ACLs() iter.Seq[*ACL] { return s.acls.all() }

// ACLsOf are the network ACLs of the caller's account and Region.
func (s State) ACLsOf(c Caller) iter.Seq[*ACL] {
	return those(s, s.acls, Home{c.Account, c.Region}.World(), "acl-")
}

// ACLsIn are the network ACLs of a VPC.
func (s State) ACLsIn(id VPCID) iter.Seq[*ACL] { return those(s, s.acls, string(id), "acl-") }

// SubnetsUnder are the subnets that an ACL guards.
func (s State) SubnetsUnder(id ACLID) iter.Seq[*Subnet] {
	return those(s, s.subnets, string(id), "subnet-")
}

// SubnetAssociatedAs is the subnet whose association with its ACL this is; nil
// when there is none.
func (s State) SubnetAssociatedAs(id AssociationID) *Subnet {
	return lookup(s.subnets, s.refs.first(string(id), "subnet-"))
}

// CreateACL makes a network ACL that denies everything. Created: the ACL.
type CreateACL struct {
	VPC  VPCID
	Tags Tags
}

// DeleteACL deletes a network ACL that guards no subnet and is not a default one.
type DeleteACL struct{ ACL ACLID }

// CreateACLEntry adds an entry; its number must be free in its direction.
type CreateACLEntry struct {
	ACL   ACLID
	Entry ACLEntry
}

// ReplaceACLEntry replaces the entry with the same number and direction.
type ReplaceACLEntry struct {
	ACL   ACLID
	Entry ACLEntry
}

// DeleteACLEntry removes an entry.
type DeleteACLEntry struct {
	ACL    ACLID
	Number int
	Egress bool
}

// ReplaceACLAssociation puts the subnet of an association under another ACL.
// Created: the new association.
type ReplaceACLAssociation struct {
	Association AssociationID
	ACL         ACLID
}
