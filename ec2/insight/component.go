package insight

import (
	"net/netip"
	"slices"
	"strconv"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
	"tombolo/reach"
)

// writer writes what reach has found about one State in AWS's shapes, for one
// caller.
type writer struct {
	state  network.State
	caller network.Caller
}

// result writes a trace. What lies in another account is not shown: the way is
// cut where it leaves the caller's, as AWS does where no organization says
// otherwise, and foreign says so.
func (w *writer) result(r reach.Result) (doc document, foreign bool) {
	forward, out := w.own(r.Forward.Hops)
	back, _ := w.own(r.Return.Hops)
	doc.Forward, doc.Return = w.leg(r.Forward.Header, forward, out == ""), w.leg(r.Return.Header, back, out == "")
	for _, e := range r.Causes {
		if w.owns(e.VPC) {
			doc.Explanations = append(doc.Explanations, w.explanation(e))
		}
	}
	if out == "" {
		return doc, false
	}
	doc.Return, doc.Suggested = nil, []string{string(out)}
	if len(doc.Explanations) == 0 {
		last := forward[len(forward)-1]
		doc.Explanations = []wire.Explanation{{ExplanationCode: api.Text(reach.NoPossibleDestination), Component: w.component(last.Component),
			ComponentAccount: api.Text(out), ComponentRegion: api.Text(w.caller.Region)}}
	}
	return doc, true
}

// own are the hops before the first that is another account's, and whose that is.
func (w *writer) own(hops []reach.Hop) ([]reach.Hop, network.Account) {
	for i, h := range hops {
		if v := w.state.VPC(h.VPC); v != nil && v.Owner != w.caller.Account {
			return hops[:i], v.Owner
		}
	}
	return hops, ""
}

func (w *writer) owns(id network.VPCID) bool {
	v := w.state.VPC(id)
	return v == nil || v.Owner == w.caller.Account
}

// leg writes the components that a packet gets past; the first and the last say
// what it looks like (AWS: Reachability Analyzer, Getting started using the CLI).
func (w *writer) leg(h reach.Header, hops []reach.Hop, whole bool) []wire.PathComponent {
	var out []wire.PathComponent
	for _, hop := range hops {
		if hop.Blocked || hop.Beyond {
			whole = false
			break
		}
		out = append(out, w.hop(hop, len(out)+1))
	}
	if len(out) > 0 {
		out[0].OutboundHeader = packet(h)
		if whole && len(out) > 1 {
			out[len(out)-1].InboundHeader = packet(h)
		}
	}
	return out
}

func packet(h reach.Header) *wire.AnalysisPacketHeader {
	cidr := func(a netip.Addr) []string { return []string{netip.PrefixFrom(a, a.BitLen()).String()} }
	out := &wire.AnalysisPacketHeader{SourceAddresses: cidr(h.Source), DestinationAddresses: cidr(h.Destination), Protocol: new(strconv.Itoa(int(h.Protocol)))}
	if h.Protocol == network.TCP || h.Protocol == network.UDP {
		out.SourcePortRanges, out.DestinationPortRanges = ports(h.SourcePorts), ports(h.DestinationPorts)
	}
	return out
}

func ports(r network.PortRange) []wire.PortRange {
	return []wire.PortRange{{From: api.Long(r.From), To: api.Long(r.To)}}
}

func (w *writer) hop(h reach.Hop, n int) wire.PathComponent {
	out := wire.PathComponent{SequenceNumber: api.Long(n), Component: w.component(h.Component), Vpc: w.component(string(h.VPC)), Subnet: w.component(string(h.Subnet))}
	switch h.Kind {
	case reach.Instance:
		out.Vpc, out.Subnet = nil, nil
	case reach.Interface:
		if e := w.state.ENI(h.ENI); e != nil && e.Attachment != nil {
			out.AttachedTo = w.component(string(e.Attachment.Instance))
		}
	case reach.SecurityGroups:
		out.Subnet = nil
		if !h.Tracked {
			out.SecurityGroupRule = rule(h.Rule.RuleSpec)
		}
	case reach.NetworkACL:
		out.AclRule = entry(h.Entry, h.Direction)
	case reach.RouteTable:
		out.Subnet = nil
		out.RouteTableRoute = route(h.Route, h.Active)
	case reach.Peering:
		out.Vpc, out.Subnet = nil, nil
		out.SourceVpc, out.DestinationVpc = w.component(string(h.FromVPC)), w.component(string(h.ToVPC))
	}
	return out
}

// component names a resource; nil for "" and for what is none.
func (w *writer) component(id string) *wire.AnalysisComponent {
	kind := network.Kind(id)
	if _, ok := resourceTypes[kind]; !ok {
		return nil
	}
	name := w.state.Tags(w.caller, id)["Name"]
	if g := w.state.SecurityGroup(network.GroupID(id)); kind == "sg" && name == "" && g != nil {
		name = g.Name
	}
	return &wire.AnalysisComponent{Id: new(id), Arn: arn(w.home(id), id), Name: api.Text(name)}
}

// home is where a resource lives; where it is gone, that is the caller's.
func (w *writer) home(id string) network.Home {
	h := network.Home{Owner: w.caller.Account, Region: w.caller.Region}
	switch network.Kind(id) {
	case "vpc":
		if v := w.state.VPC(network.VPCID(id)); v != nil {
			return v.Home
		}
	case "pcx":
		if p := w.state.Peering(network.PeeringID(id)); p != nil {
			return p.Requester.Home
		}
	}
	return h
}

func rule(r network.RuleSpec) *wire.AnalysisSecurityGroupRule {
	out := &wire.AnalysisSecurityGroupRule{Direction: new(reach.Ingress.String()), Protocol: new(word(r.Protocol))}
	if r.Egress {
		out.Direction = new(reach.Egress.String())
	}
	if r.Ports != network.AnyPort && (r.Protocol == network.TCP || r.Protocol == network.UDP) {
		out.PortRange = &wire.PortRange{From: api.Long(r.Ports.From), To: api.Long(r.Ports.To)}
	}
	switch p := r.Peer.(type) {
	case network.PeerCIDR:
		out.Cidr = new(p.CIDR.String())
	case network.PeerGroup:
		out.SecurityGroupId = api.Text(p.Group)
	case network.PeerPrefixList:
		out.PrefixListId = api.Text(p.List)
	}
	return out
}

// word is a protocol's name; every protocol is "all".
func word(p network.Protocol) string {
	if p == network.AnyProtocol {
		return "all"
	}
	return reach.ProtocolText(p)
}

// lastEntry is the number of the entry "*" (AWS: Network ACL rules).
const lastEntry = 32767

func entry(e network.ACLEntry, d reach.Direction) *wire.AnalysisAclRule {
	out := &wire.AnalysisAclRule{Egress: api.Bool(d == reach.Egress), RuleAction: new("deny"), RuleNumber: api.Long(e.Number), Protocol: new("all")}
	if e.Allow {
		out.RuleAction = new("allow")
	}
	if e.Number == 0 {
		out.RuleNumber, out.Cidr = api.Long(lastEntry), new("0.0.0.0/0")
		return out
	}
	out.Cidr = new(e.CIDR.String())
	if e.Protocol != network.AnyProtocol {
		out.Protocol = new(strconv.Itoa(int(e.Protocol)))
	}
	if e.Protocol == network.TCP || e.Protocol == network.UDP {
		out.PortRange = &wire.PortRange{From: api.Long(e.Ports.From), To: api.Long(e.Ports.To)}
	}
	return out
}

// route writes origin and state in lower case, as AWS does here alone.
func route(r network.Route, active bool) *wire.AnalysisRouteTableRoute {
	if r.To == nil {
		return nil
	}
	out := &wire.AnalysisRouteTableRoute{DestinationCidr: new(r.Dst.String()), Origin: new("createroute"), State: new("blackhole")}
	if active {
		out.State = new("active")
	}
	switch to := r.To.(type) {
	case network.ToLocal:
		out.GatewayId, out.Origin = new("local"), new("createroutetable")
	case network.ToPeering:
		out.VpcPeeringConnectionId = api.Text(to.Peering)
	case network.ToENI:
		out.NetworkInterfaceId, out.InstanceId = api.Text(to.ENI), api.Text(to.Instance)
	case network.ToGateway:
		out.GatewayId = api.Text(to.Gateway)
	case network.ToEgress:
		out.EgressOnlyInternetGatewayId = api.Text(to.Gateway)
	}
	return out
}

// through is what is against a way that has to lead through some things and not
// through others (AWS: Reachability Analyzer, Explanation codes, search filters).
func (w *writer) through(r reach.Result, in, out []string) []wire.Explanation {
	var why []wire.Explanation
	passes := func(id string) bool {
		return slices.ContainsFunc(r.Forward.Hops, func(h reach.Hop) bool {
			return h.Component == id || string(h.VPC) == id || string(h.Subnet) == id
		})
	}
	for _, a := range out {
		if passes(idOf(a)) {
			why = append(why, wire.Explanation{ExplanationCode: new("COMPONENT_FILTER_RESTRICTION_REMOVED_COMPONENT"), Component: w.component(idOf(a))})
		}
	}
	for _, a := range in {
		if !passes(idOf(a)) {
			why = append(why, wire.Explanation{ExplanationCode: new("COMPONENT_FILTER_RESTRICTION"), Component: w.component(idOf(a))})
		}
	}
	return why
}
