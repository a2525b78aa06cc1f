package network

import (
	"iter"
	"time"
)

// InternetGateway is attached to at most one VPC, and a VPC has at most one.
// Every default VPC has one. No packet passes it yet; a route to it is active all
// the same, as on AWS.
type InternetGateway struct {
	ID GatewayID
	Home
	VPC     VPCID // "" when detached
	Created time.Time
}

func (g *InternetGateway) key() string { return string(g.ID) }

func (g *InternetGateway) links() []string {
	out := []string{g.World()}
	if g.VPC != "" {
		out = append(out, string(g.VPC))
	}
	return out
}

func (g *InternetGateway) uses() []use { return []use{{g.World(), QuotaGateways}} }

// EgressGateway is an egress-only internet gateway: it lets IPv6 traffic of its
// VPC out, and answers back in. It is made for one VPC and stays with it.
type EgressGateway struct {
	ID EgressGatewayID
	Home
	VPC     VPCID
	Created time.Time
}

func (g *EgressGateway) key() string     { return string(g.ID) }
func (g *EgressGateway) links() []string { return []string{g.World(), string(g.VPC)} }
func (g *EgressGateway) uses() []use     { return []use{{g.World(), QuotaEgressGateways}} }

// Gateway finds an internet gateway by ID; nil when there is none.
func (s State) Gateway(id GatewayID) *InternetGateway { return lookup(s.gateways, id) }

// GatewayOf is the internet gateway that is attached to a VPC; nil when none is.
func (s State) GatewayOf(id VPCID) *InternetGateway {
	return lookup(s.gateways, s.refs.first(string(id), "igw-"))
}

// GatewaysOf are the internet gateways of the caller's account and Region.
func (s State) GatewaysOf(c Caller) iter.Seq[*InternetGateway] {
	return those(s, s.gateways, Home{c.Account, c.Region}.World(), "igw-")
}

// EgressGateway finds an egress-only internet gateway by ID; nil when there is none.
func (s State) EgressGateway(id EgressGatewayID) *EgressGateway { return lookup(s.egress, id) }

// EgressGatewaysOf are those of the caller's account and Region.
func (s State) EgressGatewaysOf(c Caller) iter.Seq[*EgressGateway] {
	return those(s, s.egress, Home{c.Account, c.Region}.World(), "eigw-")
}

// CreateGateway makes an internet gateway that is attached to nothing. Created:
// the gateway.
type CreateGateway struct{ Tags Tags }

// DeleteGateway deletes an internet gateway that is attached to nothing. Routes to
// it stay and become blackholes.
type DeleteGateway struct{ Gateway GatewayID }

// AttachGateway attaches an internet gateway to a VPC that has none.
type AttachGateway struct {
	Gateway GatewayID
	VPC     VPCID
}

// DetachGateway detaches it again, if no interface of the VPC has a public address.
type DetachGateway struct {
	Gateway GatewayID
	VPC     VPCID
}

// CreateEgressGateway makes an egress-only internet gateway of a VPC. Created: the
// gateway.
type CreateEgressGateway struct {
	VPC  VPCID
	Tags Tags
}

// DeleteEgressGateway deletes one. Routes to it stay and become blackholes.
type DeleteEgressGateway struct{ Gateway EgressGatewayID }

func (e *edit) putGateway(g *InternetGateway) { put(e, &e.gateways, kindGateway, g) }

func (r CreateGateway) apply(e *edit) error {
	if err := e.room(e.home().World(), QuotaGateways); err != nil {
		return err
	}
	g := &InternetGateway{ID: GatewayID(e.newID("igw")), Home: e.home(), Created: e.op.At}
	e.putGateway(g)
	e.created(g.key())
	return e.setTags(g.key(), r.Tags)
}

// apply refuses an attached gateway (AWS: DeleteInternetGateway).
func (r DeleteGateway) apply(e *edit) error {
	g, err := e.gateway(r.Gateway)
	if err != nil {
		return err
	}
	if g.VPC != "" {
		return failWith(InUse, g.ID, g.VPC)
	}
	drop(e, &e.gateways, kindGateway, g.key())
	return nil
}

// apply joins one gateway and one VPC, neither of which may have another
// (AWS: AttachInternetGateway; Amazon VPC quotas, "You can attach only one internet
// gateway to a VPC at a time").
func (r AttachGateway) apply(e *edit) error {
	g, err := e.gateway(r.Gateway)
	if err != nil {
		return err
	}
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	if g.VPC != "" {
		return failWith(GatewayAttached, g.ID, g.VPC)
	}
	if other := e.GatewayOf(v.ID); other != nil {
		return failWith(GatewayTaken, v.ID, other.ID)
	}
	next := *g
	next.VPC = v.ID
	e.putGateway(&next)
	return nil
}

// apply refuses while an interface of the VPC has a public address (AWS:
// DetachInternetGateway).
func (r DetachGateway) apply(e *edit) error {
	g, err := e.gateway(r.Gateway)
	if err != nil {
		return err
	}
	if !WellFormed(string(r.VPC), "vpc") {
		return failWith(Malformed, r.VPC, "vpc")
	}
	if g.VPC != r.VPC {
		return failWith(GatewayNotAttached, g.ID, r.VPC)
	}
	for eni := range e.ENIsIn(g.VPC) {
		for a := range e.AddressesAt(eni.ID) {
			return failWith(MappedAddress, g.VPC, a.ID)
		}
	}
	next := *g
	next.VPC = ""
	e.putGateway(&next)
	return nil
}

// apply follows AWS: CreateEgressOnlyInternetGateway. Decision 0131.
func (r CreateEgressGateway) apply(e *edit) error {
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	if err := e.room(e.home().World(), QuotaEgressGateways); err != nil {
		return err
	}
	g := &EgressGateway{ID: EgressGatewayID(e.newID("eigw")), Home: v.Home, VPC: v.ID, Created: e.op.At}
	put(e, &e.egress, kindEgress, g)
	e.created(g.key())
	return e.setTags(g.key(), r.Tags)
}

func (r DeleteEgressGateway) apply(e *edit) error {
	g, err := visible(e, e.egress, string(r.Gateway), "eigw")
	if err != nil {
		return err
	}
	drop(e, &e.egress, kindEgress, g.key())
	return nil
}
