package network

import (
	"iter"
	"net/netip"
	"time"
)

// VPC is a private network of its own: no packet enters or leaves it but
// through what is attached to it.
type VPC struct {
	ID VPCID
	Home
	Blocks          []Block // IPv4; the first is the primary
	Blocks6         []Block // IPv6, /56 each
	MainTable       RouteTableID
	MainAssociation AssociationID
	DefaultACL      ACLID
	DefaultGroup    GroupID
	DHCPOptions     DHCPOptionsID // NoDHCPOptions when it has none
	Default         bool          // the Region's default VPC
	DNSSupport      bool
	DNSHostnames    bool
	UsageMetrics    bool   // EnableNetworkAddressUsageMetrics: stored, returned, without effect
	Tenancy         string // "default" or "dedicated": stored, returned, without effect
	Created         time.Time
}

// Block is a CIDR block associated with a VPC or a subnet.
type Block struct {
	Association AssociationID
	CIDR        netip.Prefix
}

func (v *VPC) key() string { return string(v.ID) }

func (v *VPC) links() []string {
	out := []string{v.World()}
	for _, b := range v.Blocks {
		out = append(out, string(b.Association))
	}
	for _, b := range v.Blocks6 {
		out = append(out, string(b.Association))
	}
	if v.DHCPOptions != "" && v.DHCPOptions != NoDHCPOptions {
		out = append(out, string(v.DHCPOptions))
	}
	if v.Default {
		out = append(out, defaultKey(v.World()))
	}
	for _, b := range v.Blocks6 {
		out = append(out, b.CIDR.String())
	}
	return append(out, string(v.MainAssociation))
}

func (v *VPC) uses() []use { return []use{{v.World(), QuotaVPCs}} }

// Contains reports whether addr is inside one of the VPC's blocks.
func (v *VPC) Contains(addr netip.Addr) bool {
	for _, b := range v.blocksOf(addr.Is4()) {
		if b.CIDR.Contains(addr) {
			return true
		}
	}
	return false
}

func (v *VPC) blocksOf(is4 bool) []Block {
	if is4 {
		return v.Blocks
	}
	return v.Blocks6
}

// Prefixes are the VPC's blocks of both families, IPv4 first, primary first.
func (v *VPC) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, b := range v.Blocks {
		out = append(out, b.CIDR)
	}
	for _, b := range v.Blocks6 {
		out = append(out, b.CIDR)
	}
	return out
}

// VPC finds one by ID; nil when there is none.
func (s State) VPC(id VPCID) *VPC { return lookup(s.vpcs, id) }

// VPCs are all VPCs of all accounts, in order of ID.
func (s State) VPCs() iter.Seq[*VPC] { return s.vpcs.all() }

// VPCsOf are the VPCs of the caller's account and Region.
func (s State) VPCsOf(c Caller) iter.Seq[*VPC] {
	return those(s, s.vpcs, Home{c.Account, c.Region}.World(), "vpc-")
}

// CreateVPC makes a VPC with its main route table, default network ACL and
// default security group. Created: the VPC.
type CreateVPC struct {
	CIDR    netip.Prefix // host bits are cleared; /16 to /28
	Amazon6 bool         // asks for an Amazon-provided IPv6 /56
	Tenancy string
	Tags    Tags
}

// DeleteVPC deletes an empty VPC and what was made with it.
type DeleteVPC struct{ VPC VPCID }

// SetVPCAttribute changes those attributes that are not nil.
type SetVPCAttribute struct {
	VPC          VPCID
	DNSSupport   *bool
	DNSHostnames *bool
	UsageMetrics *bool
	Tenancy      *string
}

// AssociateVPCBlock adds a secondary IPv4 block, or an Amazon-provided IPv6
// block when CIDR is the zero Prefix. Created: the association.
type AssociateVPCBlock struct {
	VPC  VPCID
	CIDR netip.Prefix
}

// DisassociateVPCBlock removes a block that no subnet lies in.
type DisassociateVPCBlock struct{ Association AssociationID }
