package network

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

// Doc is the stored form of the changed row, as JSON; nil when it was deleted.
func (c Change) Doc() ([]byte, error) {
	if c.Row == nil {
		return nil, nil
	}
	return json.Marshal(c.Row)
}

// Loader builds a State from stored rows. The order of rows does not matter.
type Loader struct{ e edit }

// Add takes one row in the form that Change.Doc gave.
func (l *Loader) Add(kind string, doc []byte) error {
	add, ok := loaders[kind]
	if !ok {
		return fmt.Errorf("load row: unknown kind %q", kind)
	}
	if l.e.turn == nil {
		l.e.turn = new(turn)
	}
	if err := add(&l.e, doc); err != nil {
		return fmt.Errorf("load %s row: %w", kind, err)
	}
	l.e.changes = l.e.changes[:0]
	return nil
}

// State is what the rows added so far make.
func (l *Loader) State(generation uint64) State {
	s := l.e.State
	s.Generation, s.since, s.changes = generation, generation, nil
	if l.e.turn != nil {
		l.e.turn.over, l.e.turn = true, nil // what follows must not change s
	}
	return s
}

// The kinds are the names of the tables on disk; they never change meaning.
const (
	kindWorld      = "world"
	kindVPC        = "vpc"
	kindSubnet     = "subnet"
	kindENI        = "eni"
	kindInstance   = "instance"
	kindRouteTable = "route-table"
	kindPeering    = "peering"
	kindGroup      = "security-group"
	kindACL        = "network-acl"
	kindGateway    = "internet-gateway"
	kindKeyPair    = "key-pair"
	kindFlowLog    = "flow-log"
	kindTemplate   = "launch-template"
	kindTags       = "tags"
	kindToken      = "token"

	kindEgress      = "egress-only-internet-gateway"
	kindAddress     = "address"
	kindDHCPOptions = "dhcp-options"

	kindInsightsPath     = "insights-path"
	kindInsightsAnalysis = "insights-analysis"
	kindAccessScope      = "access-scope"
	kindScopeAnalysis    = "access-scope-analysis"
)

var loaders = map[string]func(*edit, []byte) error{
	kindWorld:      func(e *edit, doc []byte) error { return load(e, &e.worlds, doc, new(World)) },
	kindVPC:        func(e *edit, doc []byte) error { return load(e, &e.vpcs, doc, new(VPC)) },
	kindSubnet:     func(e *edit, doc []byte) error { return load(e, &e.subnets, doc, new(Subnet)) },
	kindENI:        func(e *edit, doc []byte) error { return load(e, &e.enis, doc, new(ENI)) },
	kindInstance:   func(e *edit, doc []byte) error { return load(e, &e.instances, doc, new(Instance)) },
	kindRouteTable: func(e *edit, doc []byte) error { return load(e, &e.routeTables, doc, new(RouteTable)) },
	kindPeering:    func(e *edit, doc []byte) error { return load(e, &e.peerings, doc, new(Peering)) },
	kindGroup:      func(e *edit, doc []byte) error { return load(e, &e.groups, doc, new(SecurityGroup)) },
	kindACL:        func(e *edit, doc []byte) error { return load(e, &e.acls, doc, new(ACL)) },
	kindGateway:    func(e *edit, doc []byte) error { return load(e, &e.gateways, doc, new(InternetGateway)) },
	kindKeyPair:    func(e *edit, doc []byte) error { return load(e, &e.keyPairs, doc, new(KeyPair)) },
	kindFlowLog:    func(e *edit, doc []byte) error { return load(e, &e.flowLogs, doc, new(FlowLog)) },
	kindTemplate:   func(e *edit, doc []byte) error { return load(e, &e.templates, doc, new(LaunchTemplate)) },
	kindTags:       func(e *edit, doc []byte) error { return load(e, &e.tags, doc, new(TagSet)) },
	kindToken:      func(e *edit, doc []byte) error { return load(e, &e.tokens, doc, new(Token)) },

	kindEgress:      func(e *edit, doc []byte) error { return load(e, &e.egress, doc, new(EgressGateway)) },
	kindAddress:     func(e *edit, doc []byte) error { return load(e, &e.addresses, doc, new(Address)) },
	kindDHCPOptions: func(e *edit, doc []byte) error { return load(e, &e.optionSets, doc, new(DHCPOptions)) },

	kindInsightsPath:     func(e *edit, doc []byte) error { return load(e, &e.insightsPaths, doc, new(InsightsPath)) },
	kindInsightsAnalysis: func(e *edit, doc []byte) error { return load(e, &e.insightsAnalyses, doc, new(InsightsAnalysis)) },
	kindAccessScope:      func(e *edit, doc []byte) error { return load(e, &e.accessScopes, doc, new(AccessScope)) },
	kindScopeAnalysis:    func(e *edit, doc []byte) error { return load(e, &e.scopeAnalyses, doc, new(AccessScopeAnalysis)) },
}

// load reads doc into v and puts it.
func load[V row](e *edit, t *table[V], doc []byte, v V) error {
	if err := json.Unmarshal(doc, v); err != nil {
		return err
	}
	put(e, t, "", v)
	return nil
}

// The interfaces of the model are stored as an object whose one key names the
// type: {"peering":{…}}.

type storedTarget struct {
	Local   *ToLocal   `json:"local,omitempty"`
	Peering *ToPeering `json:"peering,omitempty"`
	ENI     *ToENI     `json:"eni,omitempty"`
	Gateway *ToGateway `json:"gateway,omitempty"`
	Egress  *ToEgress  `json:"egress,omitempty"`
}

type storedRoute struct {
	Dst    string
	To     storedTarget
	Origin Origin
}

// MarshalJSON gives the stored form.
func (r Route) MarshalJSON() ([]byte, error) {
	out := storedRoute{Dst: r.Dst.String(), Origin: r.Origin}
	switch to := r.To.(type) {
	case ToLocal:
		out.To.Local = &to
	case ToPeering:
		out.To.Peering = &to
	case ToENI:
		out.To.ENI = &to
	case ToGateway:
		out.To.Gateway = &to
	case ToEgress:
		out.To.Egress = &to
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads the stored form.
func (r *Route) UnmarshalJSON(doc []byte) error {
	var in storedRoute
	if err := json.Unmarshal(doc, &in); err != nil {
		return err
	}
	dst, err := netip.ParsePrefix(in.Dst)
	if err != nil {
		return err
	}
	r.Dst = dst
	r.Origin = in.Origin
	switch to := in.To; {
	case to.Local != nil:
		r.To = *to.Local
	case to.Peering != nil:
		r.To = *to.Peering
	case to.ENI != nil:
		r.To = *to.ENI
	case to.Gateway != nil:
		r.To = *to.Gateway
	case to.Egress != nil:
		r.To = *to.Egress
	default:
		return fmt.Errorf("route %s without a target", in.Dst)
	}
	return nil
}

type storedPeer struct {
	CIDR  *PeerCIDR       `json:"cidr,omitempty"`
	Group *PeerGroup      `json:"group,omitempty"`
	List  *PeerPrefixList `json:"list,omitempty"`
}

type storedRule struct {
	ID          RuleID
	Egress      bool
	Protocol    Protocol
	Ports       PortRange
	Peer        storedPeer
	Description string
}

// MarshalJSON gives the stored form.
func (r Rule) MarshalJSON() ([]byte, error) {
	out := storedRule{ID: r.ID, Egress: r.Egress, Protocol: r.Protocol, Ports: r.Ports, Description: r.Description}
	switch peer := r.Peer.(type) {
	case PeerCIDR:
		out.Peer.CIDR = &peer
	case PeerGroup:
		out.Peer.Group = &peer
	case PeerPrefixList:
		out.Peer.List = &peer
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads the stored form.
func (r *Rule) UnmarshalJSON(doc []byte) error {
	var in storedRule
	if err := json.Unmarshal(doc, &in); err != nil {
		return err
	}
	*r = Rule{ID: in.ID, RuleSpec: RuleSpec{Egress: in.Egress, Protocol: in.Protocol, Ports: in.Ports, Description: in.Description}}
	switch peer := in.Peer; {
	case peer.CIDR != nil:
		r.Peer = *peer.CIDR
	case peer.Group != nil:
		r.Peer = *peer.Group
	case peer.List != nil:
		r.Peer = *peer.List
	default:
		return fmt.Errorf("rule %s without a peer", in.ID)
	}
	return nil
}
