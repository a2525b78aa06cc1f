package vpc

import (
	"iter"
	"net/netip"
	"time"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func peeringOperations() []api.Operation {
	id := api.Params{Enforced: "VpcPeeringConnectionId"}
	classic := "RequesterPeeringConnectionOptions.AllowEgressFromLocalClassicLinkToRemoteVpc RequesterPeeringConnectionOptions.AllowEgressFromLocalVpcToRemoteClassicLink " +
		"AccepterPeeringConnectionOptions.AllowEgressFromLocalClassicLinkToRemoteVpc AccepterPeeringConnectionOptions.AllowEgressFromLocalVpcToRemoteClassicLink"
	return []api.Operation{
		api.Op("CreateVpcPeeringConnection", createVpcPeeringConnection, api.Params{Enforced: "VpcId PeerVpcId PeerOwnerId PeerRegion TagSpecification"}),
		api.Op("AcceptVpcPeeringConnection", acceptVpcPeeringConnection, id),
		api.Op("RejectVpcPeeringConnection", rejectVpcPeeringConnection, id),
		api.Op("DeleteVpcPeeringConnection", deleteVpcPeeringConnection, id),
		api.Op("DescribeVpcPeeringConnections", describeVpcPeeringConnections, api.Params{
			Enforced: "VpcPeeringConnectionId Filter MaxResults NextToken",
			Filters:  peerings.FilterNames(),
		}),
		api.Op("ModifyVpcPeeringConnectionOptions", modifyVpcPeeringConnectionOptions, api.Params{
			Enforced: "VpcPeeringConnectionId RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc",
			Refused:  []api.Refuse{{Paths: classic, Unless: "false", Why: "AWS has retired ClassicLink"}},
		}),
	}
}

func createVpcPeeringConnection(c *api.Call, in *wire.CreateVpcPeeringConnectionRequest) (*wire.CreateVpcPeeringConnectionResult, error) {
	api.Need(c, "peerVpcId", in.PeerVpcId)
	if in.PeerOwnerId != nil && !api.IsAccount(*in.PeerOwnerId) {
		c.Fail(api.InvalidValue(*in.PeerOwnerId, "peerOwnerId", "It must be an account ID of 12 digits."))
	}
	if in.PeerRegion != nil {
		if _, ok := api.LookupRegion(network.Region(*in.PeerRegion)); !ok {
			c.Fail(api.InvalidValue(*in.PeerRegion, "peerRegion", "There is no such Region."))
		}
	}
	out, err := c.Do(network.RequestPeering{
		VPC: network.VPCID(*in.VpcId), PeerVPC: network.VPCID(api.Value(in.PeerVpcId)),
		PeerOwner: network.Account(api.Value(in.PeerOwnerId)), PeerRegion: network.Region(api.Value(in.PeerRegion)),
		Tags: c.Tags(in.TagSpecifications, "vpc-peering-connection"),
	})
	if err != nil {
		return nil, err
	}
	p := c.State.Peering(network.PeeringID(out.Created[0]))
	return &wire.CreateVpcPeeringConnectionResult{VpcPeeringConnection: new(showPeering(c, p))}, nil
}

func acceptVpcPeeringConnection(c *api.Call, in *wire.AcceptVpcPeeringConnectionRequest) (*wire.AcceptVpcPeeringConnectionResult, error) {
	if _, err := c.Do(network.AcceptPeering{Peering: network.PeeringID(*in.VpcPeeringConnectionId)}); err != nil {
		return nil, err
	}
	p := c.State.Peering(network.PeeringID(*in.VpcPeeringConnectionId))
	return &wire.AcceptVpcPeeringConnectionResult{VpcPeeringConnection: new(showPeering(c, p))}, nil
}

func rejectVpcPeeringConnection(c *api.Call, in *wire.RejectVpcPeeringConnectionRequest) (*wire.RejectVpcPeeringConnectionResult, error) {
	if _, err := c.Do(network.RejectPeering{Peering: network.PeeringID(*in.VpcPeeringConnectionId)}); err != nil {
		return nil, err
	}
	return &wire.RejectVpcPeeringConnectionResult{Return: new(true)}, nil
}

func deleteVpcPeeringConnection(c *api.Call, in *wire.DeleteVpcPeeringConnectionRequest) (*wire.DeleteVpcPeeringConnectionResult, error) {
	if _, err := c.Do(network.DeletePeering{Peering: network.PeeringID(*in.VpcPeeringConnectionId)}); err != nil {
		return nil, err
	}
	return &wire.DeleteVpcPeeringConnectionResult{Return: new(true)}, nil
}

func describeVpcPeeringConnections(c *api.Call, in *wire.DescribeVpcPeeringConnectionsRequest) (*wire.DescribeVpcPeeringConnectionsResult, error) {
	rows, next, err := peerings.Rows(c, api.Query{IDs: in.VpcPeeringConnectionIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeVpcPeeringConnectionsResult{VpcPeeringConnections: api.Each(c, rows, showPeering), NextToken: next}, nil
}

func modifyVpcPeeringConnectionOptions(c *api.Call, in *wire.ModifyVpcPeeringConnectionOptionsRequest) (*wire.ModifyVpcPeeringConnectionOptionsResult, error) {
	remoteDNS := func(o *wire.PeeringConnectionOptionsRequest) *bool {
		if o == nil {
			return nil
		}
		return o.AllowDnsResolutionFromRemoteVpc
	}
	id := network.PeeringID(*in.VpcPeeringConnectionId)
	_, err := c.Do(network.SetPeeringOptions{Peering: id,
		RequesterRemoteDNS: remoteDNS(in.RequesterPeeringConnectionOptions), AccepterRemoteDNS: remoteDNS(in.AccepterPeeringConnectionOptions)})
	if err != nil {
		return nil, err
	}
	p, out := c.State.Peering(id), &wire.ModifyVpcPeeringConnectionOptionsResult{}
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
var peerings = api.Listing[*network.Peering]{
	Kind: "pcx",
	Key:  func(p *network.Peering) string { return string(p.ID) },
	All:  func(c *api.Call) iter.Seq[*network.Peering] { return c.State.PeeringsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.Peering, bool) {
		p := c.State.Peering(network.PeeringID(id))
		return p, p != nil && p.In(c.Caller)
	},
	Tags: func(c *api.Call, p *network.Peering) network.Tags { return c.State.Tags(c.Caller, string(p.ID)) },
	Filters: []api.Filter[*network.Peering]{
		api.By("accepter-vpc-info.cidr-block", func(c *api.Call, p *network.Peering) []string { return sideCIDRs(showAccepter(c, p)) }),
		api.By("accepter-vpc-info.owner-id", func(_ *api.Call, p *network.Peering) []string { return api.One(p.Accepter.Owner) }),
		api.By("accepter-vpc-info.vpc-id", func(_ *api.Call, p *network.Peering) []string { return api.One(p.Accepter.VPC) }),
		api.By("expiration-time", func(_ *api.Call, p *network.Peering) []string {
			if e := expiration(p); e != nil {
				return api.One(e.UTC().Format("2006-01-02T15:04:05.000Z"))
			}
			return nil
		}),
		api.By("requester-vpc-info.cidr-block", func(c *api.Call, p *network.Peering) []string { return sideCIDRs(showSide(c, p.Requester)) }),
		api.By("requester-vpc-info.owner-id", func(_ *api.Call, p *network.Peering) []string { return api.One(p.Requester.Owner) }),
		api.By("requester-vpc-info.vpc-id", func(_ *api.Call, p *network.Peering) []string { return api.One(p.Requester.VPC) }),
		api.By("status-code", func(_ *api.Call, p *network.Peering) []string { return api.One(p.Status.String()) }),
		api.By("status-message", func(_ *api.Call, p *network.Peering) []string { return api.One(statusMessage(p)) }),
		api.By("vpc-peering-connection-id", func(_ *api.Call, p *network.Peering) []string { return api.One(p.ID) }),
	},
	Pages: api.PlainPages(5, 1000, "VpcPeeringConnectionIds"),
}

func sideCIDRs(info *wire.VpcPeeringConnectionVpcInfo) []string {
	var out []string
	for _, b := range info.CidrBlockSet {
		out = append(out, *b.CidrBlock)
	}
	return out
}

// showPeering is a peering connection as Describe shows it.
func showPeering(c *api.Call, p *network.Peering) wire.VpcPeeringConnection {
	return wire.VpcPeeringConnection{
		VpcPeeringConnectionId: api.Text(p.ID),
		RequesterVpcInfo:       showSide(c, p.Requester),
		AccepterVpcInfo:        showAccepter(c, p),
		ExpirationTime:         expiration(p),
		Status:                 &wire.VpcPeeringConnectionStateReason{Code: api.Text(p.Status.String()), Message: api.Text(statusMessage(p))},
		Tags:                   c.TagSet(string(p.ID)),
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

// showAccepter is the accepter's side. Its addresses are its own affair until it has
// accepted (boto/boto3#326).
func showAccepter(c *api.Call, p *network.Peering) *wire.VpcPeeringConnectionVpcInfo {
	switch p.Status {
	case network.PeeringProvisioning, network.PeeringActive, network.PeeringDeleting, network.PeeringDeleted:
		return showSide(c, p.Accepter)
	}
	return &wire.VpcPeeringConnectionVpcInfo{OwnerId: api.Text(p.Accepter.Owner), Region: api.Text(p.Accepter.Region), VpcId: api.Text(p.Accepter.VPC)}
}

func showSide(c *api.Call, side network.PeeringSide) *wire.VpcPeeringConnectionVpcInfo {
	out := &wire.VpcPeeringConnectionVpcInfo{
		OwnerId: api.Text(side.Owner), Region: api.Text(side.Region), VpcId: api.Text(side.VPC),
		PeeringOptions: &wire.VpcPeeringConnectionOptionsDescription{AllowDnsResolutionFromRemoteVpc: new(side.RemoteDNS),
			AllowEgressFromLocalClassicLinkToRemoteVpc: new(false), AllowEgressFromLocalVpcToRemoteClassicLink: new(false)},
	}
	for _, b := range sideBlocks(c, side) {
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

func sideBlocks(c *api.Call, side network.PeeringSide) []netip.Prefix {
	if v := c.State.VPC(side.VPC); v != nil && v.Home == side.Home {
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
