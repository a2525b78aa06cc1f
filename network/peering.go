package network

import (
	"iter"
	"net/netip"
	"time"
)

// PeeringStatus is where a peering connection is in its life
// (AWS: VPC peering connection lifecycle).
type PeeringStatus uint8

// The statuses, in AWS's order.
const (
	_ PeeringStatus = iota
	PeeringInitiating
	PeeringPending
	PeeringProvisioning
	PeeringActive
	PeeringFailed
	PeeringRejected
	PeeringExpired
	PeeringDeleting
	PeeringDeleted
)

func (s PeeringStatus) String() string {
	return [...]string{"", "initiating-request", "pending-acceptance", "provisioning", "active", "failed",
		"rejected", "expired", "deleting", "deleted"}[s]
}

// Live reports whether the peering counts as one of its pair: failed, rejected,
// expired and deleted ones do not.
func (s PeeringStatus) Live() bool {
	switch s {
	case PeeringInitiating, PeeringPending, PeeringProvisioning, PeeringActive:
		return true
	}
	return false
}

// Peering connects two VPCs and nothing else: it is not transitive.
type Peering struct {
	ID        PeeringID
	Requester PeeringSide
	Accepter  PeeringSide
	Status    PeeringStatus
	By        Account   // who rejected or deleted it
	Since     time.Time // of the status
	Created   time.Time
	Expires   time.Time // while pending: seven days after Created
}

// PeeringSide is one VPC of a peering, as it was named in the request. Blocks
// is its address range when it can no longer be looked up.
type PeeringSide struct {
	Home
	VPC       VPCID
	Blocks    []netip.Prefix
	RemoteDNS bool // AllowDnsResolutionFromRemoteVpc
	Hidden    bool // this side doesn't see it: it failed, or ended too long ago
}

func (p *Peering) key() string { return string(p.ID) }

func (p *Peering) links() []string {
	out := []string{string(p.Requester.VPC), string(p.Accepter.VPC)}
	for _, side := range []PeeringSide{p.Requester, p.Accepter} {
		if !side.Hidden {
			out = append(out, side.World())
		}
	}
	return out
}

func (p *Peering) uses() []use {
	switch p.Status {
	case PeeringInitiating, PeeringPending:
		return []use{{p.Requester.World(), QuotaPeeringRequests}}
	case PeeringProvisioning, PeeringActive:
		return []use{{string(p.Requester.VPC), QuotaPeerings}, {string(p.Accepter.VPC), QuotaPeerings}}
	}
	return nil
}

// In reports whether c is a side that AWS shows the peering to.
func (p *Peering) In(c Caller) bool {
	return p.Requester.In(c) && !p.Requester.Hidden || p.Accepter.In(c) && !p.Accepter.Hidden
}

// Other is the VPC across the peering from v; "" when v is neither side.
func (p *Peering) Other(v VPCID) VPCID {
	switch v {
	case p.Requester.VPC:
		return p.Accepter.VPC
	case p.Accepter.VPC:
		return p.Requester.VPC
	}
	return ""
}

// Peering finds one by ID; nil when there is none.
func (s State) Peering(id PeeringID) *Peering { return lookup(s.peerings, id) }

// Peerings are all peerings of all accounts, in order of ID.
func (s State) Peerings() iter.Seq[*Peering] { return s.peerings.all() }

// PeeringsOf are the peerings that the caller can see as either side.
func (s State) PeeringsOf(c Caller) iter.Seq[*Peering] {
	return those(s, s.peerings, Home{c.Account, c.Region}.World(), "pcx-")
}

// PeeringsWith are the peerings that name a VPC, dead ones included.
func (s State) PeeringsWith(id VPCID) iter.Seq[*Peering] {
	return those(s, s.peerings, string(id), "pcx-")
}

// ActivePeering is the active peering between two VPCs; nil when there is none.
func (s State) ActivePeering(a, b VPCID) *Peering {
	for p := range s.PeeringsWith(a) {
		if p.Status == PeeringActive && p.Other(a) == b {
			return p
		}
	}
	return nil
}

// RequestPeering asks for a peering. An overlap or an unknown peer gives a
// peering that has failed, not an error; a repetition gives the live one again.
// Created: the peering.
type RequestPeering struct {
	VPC        VPCID
	PeerVPC    VPCID
	PeerOwner  Account // "" is the caller's
	PeerRegion Region  // "" is the caller's
	Tags       Tags
}

// AcceptPeering accepts a pending peering; only the accepter's owner may, in the accepter's Region.
type AcceptPeering struct{ Peering PeeringID }

// RejectPeering rejects a pending peering; only the accepter's owner may.
type RejectPeering struct{ Peering PeeringID }

// DeletePeering deletes an active peering, or the caller's own pending request.
type DeletePeering struct{ Peering PeeringID }

// SetPeeringOptions changes those sides' options that are not nil.
type SetPeeringOptions struct {
	Peering            PeeringID
	RequesterRemoteDNS *bool
	AccepterRemoteDNS  *bool
}
