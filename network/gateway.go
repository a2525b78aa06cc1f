package network

import (
	"iter"
	"time"
)

// InternetGateway is attached to at most one VPC. Every default VPC has one.
// No packet passes it yet; a route to it is active all the same, as on AWS.
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

// Gateway finds an internet gateway by ID; nil when there is none.
func (s State) Gateway(id GatewayID) *InternetGateway { return lookup(s.gateways, id) }

// GatewaysOf are the internet gateways of the caller's account and Region.
func (s State) GatewaysOf(c Caller) iter.Seq[*InternetGateway] {
	return those(s, s.gateways, Home{c.Account, c.Region}.World(), "igw-")
}
