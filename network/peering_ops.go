package network

import (
	"net/netip"
	"time"
)

// The life of a peering (AWS: VPC peering connection lifecycle). Where an
// account acts, an op changes the status to one that lasts no time
// (initiating-request, provisioning, deleting) and the next Settle goes on from
// there, so that a response shows what AWS's shows and a later Describe the outcome.
// Decision 0034.

func (r RequestPeering) apply(e *edit) error {
	mine, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	if !WellFormed(string(r.PeerVPC), "vpc") {
		return failWith(Malformed, r.PeerVPC, "vpc")
	}
	peer := PeeringSide{VPC: r.PeerVPC, Home: e.home()}
	if r.PeerOwner != "" {
		peer.Owner = r.PeerOwner
	}
	if r.PeerRegion != "" {
		peer.Region = r.PeerRegion
	}
	// A repetition gives the live one again and makes nothing (AWS:
	// CreateVpcPeeringConnection; hashicorp/terraform-provider-aws#27750).
	for p := range e.PeeringsWith(mine.ID) {
		if p.Status.Live() && p.Requester.VPC == mine.ID && p.Accepter.VPC == peer.VPC && p.Accepter.Home == peer.Home {
			e.created(p.key())
			return e.setTags(p.key(), r.Tags)
		}
	}
	if err := e.room(e.home().World(), QuotaPeeringRequests); err != nil {
		return err
	}
	if err := e.room(string(r.VPC), QuotaPeerings); err != nil {
		return err
	}
	p := &Peering{
		ID:        PeeringID(e.newID("pcx")),
		Requester: PeeringSide{Home: mine.Home, VPC: mine.ID},
		Accepter:  peer,
		Status:    PeeringInitiating,
		Since:     e.op.At, Created: e.op.At, Expires: e.op.At.Add(peeringExpiry),
	}
	// Who doesn't own the VPC that was named never hears of the request.
	p.Accepter.Hidden = !e.fits(p)
	e.putPeering(p)
	e.created(p.key())
	return e.setTags(p.key(), r.Tags)
}

// fits reports whether the two VPCs of a peering can be joined: both exist where
// the request says, are not the same, and no block of one overlaps a block of
// the other, of either family (AWS: VPC peering limitations; Troubleshoot a VPC
// peering connection). Decision 0030: a VPC overlaps itself.
func (e *edit) fits(p *Peering) bool {
	a, b := e.VPC(p.Requester.VPC), e.VPC(p.Accepter.VPC)
	if a == nil || b == nil || a.Home != p.Requester.Home || b.Home != p.Accepter.Home {
		return false
	}
	return !overlap(a.Prefixes(), b.Prefixes())
}

func overlap(a, b []netip.Prefix) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Overlaps(y) {
				return true
			}
		}
	}
	return false
}

func (e *edit) putPeering(p *Peering) { put(e, &e.peerings, kindPeering, p) }

// moved is the peering in another status.
func (e *edit) moved(p *Peering, to PeeringStatus) *Peering {
	next := *p
	next.Status, next.Since = to, e.op.At
	return &next
}

func (r AcceptPeering) apply(e *edit) error {
	p, err := e.answerable(r.Peering, "accept")
	if err != nil {
		return err
	}
	if p.Status != PeeringPending {
		return wrongPeeringState(p, PeeringActive)
	}
	// There is at most one live peering between two VPCs, so the second of two
	// requests in opposite directions can't be accepted (AWS: VPC peering
	// limitations; hashicorp/terraform-provider-aws#44315).
	for other := range e.PeeringsWith(p.Accepter.VPC) {
		joined := other.Status == PeeringActive || other.Status == PeeringProvisioning
		if joined && other.Other(p.Accepter.VPC) == p.Requester.VPC {
			return fail(PeeringExists, other.ID)
		}
	}
	for _, vpc := range []VPCID{p.Requester.VPC, p.Accepter.VPC} {
		if err := e.room(string(vpc), QuotaPeerings); err != nil {
			return err
		}
	}
	e.putPeering(e.moved(p, PeeringProvisioning))
	return nil
}

func (r RejectPeering) apply(e *edit) error {
	p, err := e.answerable(r.Peering, "reject")
	if err != nil {
		return err
	}
	if p.Status != PeeringPending {
		return wrongPeeringState(p, PeeringRejected)
	}
	next := e.moved(p, PeeringRejected)
	next.By = e.op.Caller.Account
	e.putPeering(next)
	return nil
}

// answerable is a peering that the caller may accept or reject: its account owns
// the accepter VPC and it asks in that VPC's Region (AWS: Accept or reject a VPC
// peering connection).
func (e *edit) answerable(id PeeringID, verb string) (*Peering, error) {
	p, err := e.peering(id)
	if err != nil {
		return nil, err
	}
	if p.Accepter.Owner != e.op.Caller.Account {
		return nil, failWith(NotPermitted, id, verb)
	}
	if p.Accepter.Region != e.op.Caller.Region {
		if verb == "accept" {
			return nil, failWith(AcceptElsewhere, id, p.Accepter.Region)
		}
		return nil, failWith(RejectElsewhere, id, p.Accepter.Region)
	}
	return p, nil
}

// apply lets either owner delete an active peering, and the requester's withdraw
// a request; nothing else can be deleted (AWS: Delete a VPC peering connection).
func (r DeletePeering) apply(e *edit) error {
	p, err := e.peering(r.Peering)
	if err != nil {
		return err
	}
	withdrawn := p.Status == PeeringPending && p.Requester.Owner == e.op.Caller.Account
	if p.Status != PeeringActive && !withdrawn {
		return wrongPeeringState(p, PeeringDeleting)
	}
	next := e.moved(p, PeeringDeleting)
	next.By = e.op.Caller.Account
	e.putPeering(next)
	return nil
}

// wrongPeeringState names the state that was attempted too. Decision 0033.
func wrongPeeringState(p *Peering, to PeeringStatus) error {
	return failWith(WrongState, p.ID, p.Status.String()+" "+to.String())
}

// apply changes options of active peerings, each side's by its own account in its
// own Region (AWS: ModifyVpcPeeringConnectionOptions).
func (r SetPeeringOptions) apply(e *edit) error {
	p, err := e.peering(r.Peering)
	if err != nil {
		return err
	}
	if p.Status != PeeringActive {
		return fail(NotActive, r.Peering)
	}
	if r.RequesterRemoteDNS == nil && r.AccepterRemoteDNS == nil {
		return fail(Missing, "RequesterPeeringConnectionOptions")
	}
	next := *p
	if err := e.setSide(p, &next.Requester, r.RequesterRemoteDNS, "requester"); err != nil {
		return err
	}
	if err := e.setSide(p, &next.Accepter, r.AccepterRemoteDNS, "accepter"); err != nil {
		return err
	}
	e.putPeering(&next)
	return nil
}

func (e *edit) setSide(p *Peering, side *PeeringSide, remoteDNS *bool, name string) error {
	if remoteDNS == nil {
		return nil
	}
	if side.Owner != e.op.Caller.Account {
		return failWith(OptionsForeign, p.ID, name)
	}
	if side.Region != e.op.Caller.Region {
		return failWith(OptionsElsewhere, p.ID, name)
	}
	// Both VPCs need DNS hostnames and DNS resolution (AWS: Enable DNS
	// resolution for a VPC peering connection).
	for _, id := range []VPCID{p.Requester.VPC, p.Accepter.VPC} {
		if v := e.VPC(id); *remoteDNS && (!v.DNSHostnames || !v.DNSSupport) {
			return fail(DNSHostnamesOff, id)
		}
	}
	side.RemoteDNS = *remoteDNS
	return nil
}

// due is when the peering next changes by itself: a request expires, a side
// stops seeing it, or, the zero Time, never.
func (p *Peering) due() time.Time {
	switch p.Status {
	case PeeringActive:
		return time.Time{}
	case PeeringPending:
		return p.Expires
	case PeeringFailed, PeeringRejected, PeeringExpired, PeeringDeleted:
		return p.nextEnd()
	}
	return p.Since // initiating, provisioning and deleting last no time at all
}

func (p *Peering) settle(e *edit) {
	switch p.Status {
	case PeeringInitiating:
		if !e.fits(p) {
			e.failPeering(p)
			return
		}
		next := e.moved(p, PeeringPending)
		next.Accepter.Hidden = false
		e.putPeering(next)
	case PeeringPending:
		e.putPeering(e.moved(p, PeeringExpired))
	case PeeringProvisioning:
		e.putPeering(e.moved(p, PeeringActive))
	case PeeringDeleting:
		e.putPeering(e.moved(p, PeeringDeleted))
	default:
		e.hidePeering(p)
	}
}

// failPeering makes a request fail; only the requester sees that.
func (e *edit) failPeering(p *Peering) {
	next := e.moved(p, PeeringFailed)
	next.Accepter.Hidden = true
	e.putPeering(next)
}

// shown is how long after the peering's end AWS shows it to a side
// (AWS: VPC peering connection lifecycle).
func (p *Peering) shown(side PeeringSide) time.Duration {
	sameAccount := p.Requester.Owner == p.Accepter.Owner
	switch p.Status {
	case PeeringFailed:
		return peeringFailedShown
	case PeeringRejected, PeeringDeleted:
		if sameAccount || side.Owner == p.By {
			return peeringEndedBrief
		}
	}
	return peeringEndedShown
}

// nextEnd is when the first of the sides that still see an ended peering stops.
func (p *Peering) nextEnd() time.Time {
	var next time.Time
	for _, side := range []PeeringSide{p.Requester, p.Accepter} {
		end := p.Since.Add(p.shown(side))
		if !side.Hidden && (next.IsZero() || end.Before(next)) {
			next = end
		}
	}
	return next
}

// hidePeering hides an ended peering from the sides whose time is over, and
// forgets it when neither sees it any more.
func (e *edit) hidePeering(p *Peering) {
	next := *p
	for _, side := range []*PeeringSide{&next.Requester, &next.Accepter} {
		if !side.Hidden && !p.Since.Add(p.shown(*side)).After(e.op.At) {
			side.Hidden = true
			if next.Requester.World() != next.Accepter.World() {
				e.dropTags(side.World(), p.key())
			}
		}
	}
	if !next.Requester.Hidden || !next.Accepter.Hidden {
		e.putPeering(&next)
		return
	}
	e.dropTags(p.Requester.World(), p.key())
	e.dropTags(p.Accepter.World(), p.key())
	drop(e, &e.peerings, kindPeering, p.key())
}

// leavePeerings makes the peerings of a VPC ready for its deletion, or says
// which one forbids it: an active one does (AWS: DeleteVpc, DependencyViolation;
// hashicorp/terraform-provider-aws#3118). A request that waits ends: the
// requester's is withdrawn, the accepter's fails as one to an unknown VPC does.
// Decision 0035.
func (e *edit) leavePeerings(v *VPC) error {
	for p := range e.PeeringsWith(v.ID) {
		switch p.Status {
		case PeeringProvisioning, PeeringActive, PeeringDeleting:
			return failWith(InUse, v.ID, p.ID)
		}
		next := *p
		for _, side := range []*PeeringSide{&next.Requester, &next.Accepter} {
			if side.VPC == v.ID {
				side.Blocks = v.Prefixes()
			}
		}
		if p.Status.Live() {
			next.Since, next.By = e.op.At, v.Owner
			next.Status = PeeringDeleted
			if next.Accepter.VPC == v.ID {
				next.Status, next.Accepter.Hidden = PeeringFailed, true
			}
		}
		e.putPeering(&next)
	}
	return nil
}

// widenPeerings says whether a VPC may get another block, and makes those
// requests fail that no longer fit. An active peering forbids a block that
// overlaps the other VPC; the requester of a pending one may add none at all; the
// accepter may, but the request fails if it overlaps (AWS: VPC CIDR blocks, IPv4
// CIDR block association restrictions).
func (e *edit) widenPeerings(v *VPC, block netip.Prefix) error {
	for p := range e.PeeringsWith(v.ID) {
		other := e.VPC(p.Other(v.ID))
		if !p.Status.Live() || other == nil {
			continue
		}
		overlaps := overlap([]netip.Prefix{block}, other.Prefixes())
		switch joined := p.Status == PeeringActive || p.Status == PeeringProvisioning; {
		case joined && overlaps:
			return failWith(CIDRConflict, block.String(), p.ID)
		case !joined && p.Requester.VPC == v.ID && block.Addr().Is4():
			return failWith(CIDRConflict, block.String(), p.ID)
		case !joined && overlaps:
			e.failPeering(p)
		}
	}
	return nil
}
