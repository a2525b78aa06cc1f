package ec2

import (
	"iter"
	"net/netip"
	"time"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func peeringOperations() []operation {
	id := params{enforced: "VpcPeeringConnectionId"}
	classic := "RequesterPeeringConnectionOptions.AllowEgressFromLocalClassicLinkToRemoteVpc RequesterPeeringConnectionOptions.AllowEgressFromLocalVpcToRemoteClassicLink " +
		"AccepterPeeringConnectionOptions.AllowEgressFromLocalClassicLinkToRemoteVpc AccepterPeeringConnectionOptions.AllowEgressFromLocalVpcToRemoteClassicLink"
	return []operation{
		op("CreateVpcPeeringConnection", createVpcPeeringConnection, params{enforced: "VpcId PeerVpcId PeerOwnerId PeerRegion TagSpecification"}),
		op("AcceptVpcPeeringConnection", acceptVpcPeeringConnection, id),
		op("RejectVpcPeeringConnection", rejectVpcPeeringConnection, id),
		op("DeleteVpcPeeringConnection", deleteVpcPeeringConnection, id),
		op("DescribeVpcPeeringConnections", describeVpcPeeringConnections, params{
			enforced: "VpcPeeringConnectionId Filter MaxResults NextToken",
			filters:  peerings.filterNames(),
		}),
		op("ModifyVpcPeeringConnectionOptions", modifyVpcPeeringConnectionOptions, params{
			enforced: "VpcPeeringConnectionId RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc",
			refused:  []refuse{{paths: classic, unless: "false", why: "AWS has retired ClassicLink"}},
		}),
	}
}

func createVpcPeeringConnection(c *call, in *wire.CreateVpcPeeringConnectionRequest) (*wire.CreateVpcPeeringConnectionResult, error) {
	c.need("peerVpcId", in.PeerVpcId != nil)
	if in.PeerOwnerId != nil && !isAccount(*in.PeerOwnerId) {
		c.fail(invalidValue(*in.PeerOwnerId, "peerOwnerId", "It must be an account ID of 12 digits."))
	}
	if in.PeerRegion != nil {
		if _, ok := lookupRegion(network.Region(*in.PeerRegion)); !ok {
			c.fail(invalidValue(*in.PeerRegion, "peerRegion", "There is no such Region."))
		}
	}
	out, err := c.do(network.RequestPeering{
		VPC: network.VPCID(*in.VpcId), PeerVPC: network.VPCID(value(in.PeerVpcId)),
		PeerOwner: network.Account(value(in.PeerOwnerId)), PeerRegion: network.Region(value(in.PeerRegion)),
		Tags: c.tags(in.TagSpecifications, "vpc-peering-connection"),
	})
	if err != nil {
		return nil, err
	}
	p := c.state.Peering(network.PeeringID(out.Created[0]))
	return &wire.CreateVpcPeeringConnectionResult{VpcPeeringConnection: new(c.peering(p))}, nil
}

func acceptVpcPeeringConnection(c *call, in *wire.AcceptVpcPeeringConnectionRequest) (*wire.AcceptVpcPeeringConnectionResult, error) {
	if _, err := c.do(network.AcceptPeering{Peering: network.PeeringID(*in.VpcPeeringConnectionId)}); err != nil {
		return nil, err
	}
	p := c.state.Peering(network.PeeringID(*in.VpcPeeringConnectionId))
	return &wire.AcceptVpcPeeringConnectionResult{VpcPeeringConnection: new(c.peering(p))}, nil
}

func rejectVpcPeeringConnection(c *call, in *wire.RejectVpcPeeringConnectionRequest) (*wire.RejectVpcPeeringConnectionResult, error) {
	if _, err := c.do(network.RejectPeering{Peering: network.PeeringID(*in.VpcPeeringConnectionId)}); err != nil {
		return nil, err
	}
	return &wire.RejectVpcPeeringConnectionResult{Return: new(true)}, nil
}

func deleteVpcPeeringConnection(c *call, in *wire.DeleteVpcPeeringConnectionRequest) (*wire.DeleteVpcPeeringConnectionResult, error) {
	if _, err := c.do(network.DeletePeering{Peering: network.PeeringID(*in.VpcPeeringConnectionId)}); err != nil {
		return nil, err
	}
	return &wire.DeleteVpcPeeringConnectionResult{Return: new(true)}, nil
}

func describeVpcPeeringConnections(c *call, in *wire.DescribeVpcPeeringConnectionsRequest) (*wire.DescribeVpcPeeringConnectionsResult, error) {
	rows, next, err := peerings.rows(c, query{in.VpcPeeringConnectionIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeVpcPeeringConnectionsResult{VpcPeeringConnections: all(rows, c.peering), NextToken: next}, nil
}

func modifyVpcPeeringConnectionOptions(c *call, in *wire.ModifyVpcPeeringConnectionOptionsRequest) (*wire.ModifyVpcPeeringConnectionOptionsResult, error) {
	remoteDNS := func(o *wire.PeeringConnectionOptionsRequest) *bool {
		if o == nil {
			return nil
		}
		return o.AllowDnsResolutionFromRemoteVpc
	}
	id := network.PeeringID(*in.VpcPeeringConnectionId)
	_, err := c.do(network.SetPeeringOptions{Peering: id,
		RequesterRemoteDNS: remoteDNS(in.RequesterPeeringConnectionOptions), AccepterRemoteDNS: remoteDNS(in.AccepterPeeringConnectionOptions)})
	if err != nil {
		return nil, err
	}
	p, out := c.state.Peering(id), &wire.ModifyVpcPeeringConnectionOptionsResult{}
	options := func(side network.PeeringSide) *wire.PeeringConnectionOptions {
		return &wire.PeeringConnectionOptions{AllowDnsResolutionFromRemoteVpc: new(side.RemoteDNS),
			AllowEgressFromLocalClassicLinkToRemoteVpc: new(false), AllowEgressFromLocalVpcToRemoteClassicLink: new(false)}
	}
	if in.RequesterPeeringConnectionOptions != nil {
		out.RequesterPeeringConnectionOptions = options(p.Requester)
	}
	if in.AccepterPeeringConnectionOptions != nil {
		out.AccepterPeeringConnectionOptions = options(p.Accepter)
	}
	return out, nil
}

// peerings is how peering connections are found and filtered, by either side.
var peerings = listing[*network.Peering]{
	kind: "pcx",
	key:  func(p *network.Peering) string { return string(p.ID) },
	all:  func(c *call) iter.Seq[*network.Peering] { return c.state.PeeringsOf(c.caller) },
	get: func(c *call, id string) (*network.Peering, bool) {
		p := c.state.Peering(network.PeeringID(id))
		return p, p != nil && p.In(c.caller)
	},
	tags: func(c *call, p *network.Peering) network.Tags { return c.state.Tags(c.caller, string(p.ID)) },
	filters: []filter[*network.Peering]{
		{"accepter-vpc-info.cidr-block", func(c *call, p *network.Peering) []string { return sideCIDRs(c.accepter(p)) }},
		{"accepter-vpc-info.owner-id", func(_ *call, p *network.Peering) []string { return one(p.Accepter.Owner) }},
		{"accepter-vpc-info.vpc-id", func(_ *call, p *network.Peering) []string { return one(p.Accepter.VPC) }},
		{"expiration-time", func(_ *call, p *network.Peering) []string {
			if e := expiration(p); e != nil {
				return one(e.UTC().Format("2006-01-02T15:04:05.000Z"))
			}
			return nil
		}},
		{"requester-vpc-info.cidr-block", func(c *call, p *network.Peering) []string { return sideCIDRs(c.peeringSide(p.Requester)) }},
		{"requester-vpc-info.owner-id", func(_ *call, p *network.Peering) []string { return one(p.Requester.Owner) }},
		{"requester-vpc-info.vpc-id", func(_ *call, p *network.Peering) []string { return one(p.Requester.VPC) }},
		{"status-code", func(_ *call, p *network.Peering) []string { return one(p.Status.String()) }},
		{"status-message", func(_ *call, p *network.Peering) []string { return one(statusMessage(p)) }},
		{"vpc-peering-connection-id", func(_ *call, p *network.Peering) []string { return one(p.ID) }},
	},
	pages: plainPages(5, 1000, "VpcPeeringConnectionIds"),
}

func sideCIDRs(info *wire.VpcPeeringConnectionVpcInfo) []string {
	var out []string
	for _, b := range info.CidrBlockSet {
		out = append(out, *b.CidrBlock)
	}
	return out
}

// peering is a peering connection as Describe shows it.
func (c *call) peering(p *network.Peering) wire.VpcPeeringConnection {
	return wire.VpcPeeringConnection{
		VpcPeeringConnectionId: text(p.ID),
		RequesterVpcInfo:       c.peeringSide(p.Requester),
		AccepterVpcInfo:        c.accepter(p),
		ExpirationTime:         expiration(p),
		Status:                 &wire.VpcPeeringConnectionStateReason{Code: text(p.Status.String()), Message: text(statusMessage(p))},
		Tags:                   c.tagSet(string(p.ID)),
	}
}

// expiration is shown while the request waits, and not afterwards.
func expiration(p *network.Peering) *time.Time {
	switch p.Status {
	case network.PeeringInitiating, network.PeeringPending:
		return new(p.Expires)
	}
	return nil
}

// accepter is the accepter's side. Its addresses are its own affair until it has
// accepted (boto/boto3#326).
func (c *call) accepter(p *network.Peering) *wire.VpcPeeringConnectionVpcInfo {
	switch p.Status {
	case network.PeeringProvisioning, network.PeeringActive, network.PeeringDeleting, network.PeeringDeleted:
		return c.peeringSide(p.Accepter)
	}
	return &wire.VpcPeeringConnectionVpcInfo{OwnerId: text(p.Accepter.Owner), Region: text(p.Accepter.Region), VpcId: text(p.Accepter.VPC)}
}

func (c *call) peeringSide(side network.PeeringSide) *wire.VpcPeeringConnectionVpcInfo {
	out := &wire.VpcPeeringConnectionVpcInfo{
		OwnerId: text(side.Owner), Region: text(side.Region), VpcId: text(side.VPC),
		PeeringOptions: &wire.VpcPeeringConnectionOptionsDescription{AllowDnsResolutionFromRemoteVpc: new(side.RemoteDNS),
			AllowEgressFromLocalClassicLinkToRemoteVpc: new(false), AllowEgressFromLocalVpcToRemoteClassicLink: new(false)},
	}
	for _, b := range c.sideBlocks(side) {
		if b.Addr().Is4() {
			out.CidrBlockSet = append(out.CidrBlockSet, wire.CidrBlock{CidrBlock: new(b.String())})
		} else {
			out.Ipv6CidrBlockSet = append(out.Ipv6CidrBlockSet, wire.Ipv6CidrBlock{Ipv6CidrBlock: new(b.String())})
		}
	}
	if len(out.CidrBlockSet) > 0 {
		out.CidrBlock = out.CidrBlockSet[0].CidrBlock
	}
	return out
}

func (c *call) sideBlocks(side network.PeeringSide) []netip.Prefix {
	if v := c.state.VPC(side.VPC); v != nil && v.Home == side.Home {
		return v.Prefixes()
	}
	return side.Blocks
}

// statusMessage is what AWS says beside the code; of rejected, expired and the
// two that pass at once no wording is known.
func statusMessage(p *network.Peering) string {
	switch p.Status {
	case network.PeeringInitiating:
		return "Initiating Request to " + string(p.Accepter.Owner)
	case network.PeeringPending:
		return "Pending Acceptance by " + string(p.Accepter.Owner)
	case network.PeeringProvisioning:
		return "Provisioning"
	case network.PeeringActive:
		return "Active"
	case network.PeeringFailed:
		return "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
	case network.PeeringRejected:
		return "Rejected by " + string(p.By)
	case network.PeeringExpired:
		return "Expired"
	case network.PeeringDeleting:
		return "Deleting"
	case network.PeeringDeleted:
		return "Deleted by " + string(p.By)
	}
	panic("unreachable: the set of statuses is closed")
}
