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
}

func (p *Peering) key() string { return string(p.ID) }

func (p *Peering) links() []string {
	out := []string{string(p.Requester.VPC), p.Requester.World()}
	if p.Accepter.VPC != p.Requester.VPC {
		out = append(out, string(p.Accepter.VPC))
	}
	if p.Accepter.World() != p.Requester.World() {
		out = append(out, p.Accepter.World())
	}
	return out
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

// Settle moves on everything that is due at the op's time: a provisioning
// peering becomes active, a deleting one deleted, an old request expires, what
// AWS shows for a while after its end is forgotten. State.Due says when.
type Settle struct{}
