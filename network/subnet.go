package network

import (
	"iter"
	"net/netip"
	"time"
)

// Subnet is a range of a VPC in one availability zone.
type Subnet struct {
	ID SubnetID
	Home
	VPC              VPCID
	CIDR             netip.Prefix // the zero Prefix when IPv6 only
	Blocks6          []Block      // at most one, /64
	Zone             string
	ACL              ACLID // every subnet has exactly one
	ACLAssociation   AssociationID
	Table            RouteTableID // explicitly associated; "" follows the VPC's main table
	TableAssociation AssociationID
	DefaultForZone   bool
	MapPublicIP      bool // stored, returned; public addresses have their own issue
	Assign6          bool // new interfaces get an IPv6 address
	Native6          bool // IPv6 only
	DNS64            bool
	HostnameType     string // ip-name or resource-name
	NameA, NameAAAA  bool   // resource-name DNS records on launch
	Created          time.Time
}

func (n *Subnet) key() string { return string(n.ID) }

func (n *Subnet) links() []string {
	out := []string{n.World(), string(n.VPC), string(n.ACL), string(n.ACLAssociation)}
	if n.Table != "" {
		out = append(out, string(n.Table), string(n.TableAssociation))
	}
	for _, b := range n.Blocks6 {
		out = append(out, string(b.Association))
	}
	return out
}

func (n *Subnet) uses() []use { return []use{{string(n.VPC), QuotaSubnets}} }

// CIDR6 is the subnet's IPv6 block, or the zero Prefix.
func (n *Subnet) CIDR6() netip.Prefix {
	if len(n.Blocks6) == 0 {
		return netip.Prefix{}
	}
	return n.Blocks6[0].CIDR
}

// Contains reports whether addr is in the subnet's range of its family.
func (n *Subnet) Contains(addr netip.Addr) bool {
	if addr.Is4() {
		return n.CIDR.IsValid() && n.CIDR.Contains(addr)
	}
	return n.CIDR6().IsValid() && n.CIDR6().Contains(addr)
}

// Router is the address of the VPC's implicit router in an IPv4 subnet: the
// first after the network address (AWS: Subnet CIDR blocks, subnet sizing).
func (n *Subnet) Router() netip.Addr {
	if !n.CIDR.IsValid() {
		return netip.Addr{}
	}
	return n.CIDR.Addr().Next()
}

// Subnet finds one by ID; nil when there is none.
func (s State) Subnet(id SubnetID) *Subnet { return lookup(s.subnets, id) }

// Subnets are all subnets of all accounts, in order of ID.
func (s State) Subnets() iter.Seq[*Subnet] { return s.subnets.all() }

// SubnetsIn are the subnets of a VPC.
func (s State) SubnetsIn(id VPCID) iter.Seq[*Subnet] {
	return those(s, s.subnets, string(id), "subnet-")
}

// SubnetsOf are the subnets of the caller's account and Region.
func (s State) SubnetsOf(c Caller) iter.Seq[*Subnet] {
	return those(s, s.subnets, Home{c.Account, c.Region}.World(), "subnet-")
}

// CreateSubnet makes a subnet with the VPC's default ACL. Created: the subnet.
type CreateSubnet struct {
	VPC     VPCID
	CIDR    netip.Prefix
	CIDR6   netip.Prefix // a /64 of one of the VPC's IPv6 blocks, or zero
	Zone    string       // "" picks one of Zones
	Zones   []string     // the Region's
	Native6 bool
	Tags    Tags
}

// CreateDefaultSubnet makes a zone's default subnet again. Created: the subnet.
type CreateDefaultSubnet struct {
	Zone    string
	Native6 bool
}

// DeleteSubnet deletes a subnet without interfaces.
type DeleteSubnet struct{ Subnet SubnetID }

// SetSubnetAttribute changes those attributes that are not nil.
type SetSubnetAttribute struct {
	Subnet          SubnetID
	MapPublicIP     *bool
	Assign6         *bool
	DNS64           *bool
	HostnameType    *string
	NameA, NameAAAA *bool
}

// AssociateSubnetBlock gives a subnet its IPv6 block. Created: the association.
type AssociateSubnetBlock struct {
	Subnet SubnetID
	CIDR6  netip.Prefix
}

// DisassociateSubnetBlock takes the IPv6 block away again.
type DisassociateSubnetBlock struct{ Association AssociationID }
