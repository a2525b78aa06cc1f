package reach

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"tombolo/network"
	"tombolo/reach/space"
)

// Scope says which access is looked for: the paths that one of Match describes and
// none of Exclude (AWS: Network Access Analyzer, Network Access Scopes).
type Scope struct{ Match, Exclude []ScopePath }

// ScopePath describes paths by their ends and by what they lead through. What it
// does not say does not matter.
type ScopePath struct {
	Source, Destination ScopeEnd
	Through             []Resources // the path leads through one of each
}

// ScopeEnd describes one end of a path.
type ScopeEnd struct {
	Headers   *Headers   // what packets look like there; nil is any
	Resources *Resources // what the end is, or is in; nil is any
}

// Headers are packet headers: of each list one value is enough, and an empty list
// allows all.
type Headers struct {
	Sources, Destinations         []netip.Prefix
	SourcePorts, DestinationPorts []network.PortRange
	Protocols                     []network.Protocol
}

// Resources are things by ID, or by ARN, which ends with it; and by type, such as
// AWS::EC2::VPC.
type Resources struct{ IDs, Types []string }

// Finding is one path that a Scope is looking for.
type Finding struct {
	Path
	// Through are the peerings and middleboxes on the request's way, in its order.
	Through []string
}

// Findings are the paths between two interfaces that the Scope describes, in order
// of their destinations' IDs, then of the sources': for each pair one, with the
// flows that Match describes and Exclude does not. They are calculated one by one
// as they are asked for.
func (sc Scope) Findings(s network.State) iter.Seq[Finding] {
	return sc.findings(s, func(*network.ENI) bool { return true })
}

// FindingsOf are the Findings between the interfaces of one account in one Region.
func (sc Scope) FindingsOf(s network.State, c network.Caller) iter.Seq[Finding] {
	return sc.findings(s, func(e *network.ENI) bool { return e.In(c) })
}

func (sc Scope) findings(s network.State, among func(*network.ENI) bool) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		x := newAtlas(s)
		for e := range s.ENIs() {
			if !among(e) {
				continue
			}
			to := x.endpoint(e)
			if !to.up || !slices.ContainsFunc(sc.Match, func(p ScopePath) bool { return p.Destination.is(x, to) }) {
				continue
			}
			for _, id := range x.neighbours(e.VPC) {
				if !among(s.ENI(id)) {
					continue
				}
				if f, ok := sc.finding(x, x.endpoint(s.ENI(id)), to); ok && !yield(f) {
					return
				}
			}
		}
	}
}

// finding is what the Scope finds between two endpoints.
func (sc Scope) finding(x *atlas, from, to *endpoint) (Finding, bool) {
	candidate := func(p ScopePath) bool { return p.Source.is(x, from) && p.Destination.is(x, to) }
	if from == to || !from.up || !slices.ContainsFunc(sc.Match, candidate) {
		return Finding{}, false
	}
	f := Finding{}
	var asked space.Set // what hosts do ask, of one pair of addresses
	for p := range pairs(from.ENI, to.ENI) {
		services := x.connections(from, to, p)
		if services.Empty() {
			continue
		}
		all := services.Between(space.Only(p.src), space.Only(p.dst))
		through := x.through(x.forward, p)
		matches := func(paths []ScopePath) (found space.Set) {
			for _, path := range paths {
				if candidate(path) && path.through(x, from, to, through) {
					found = found.Union(all.Intersect(path.Source.headers()).Intersect(path.Destination.headers()))
				}
			}
			return found
		}
		if found := matches(sc.Match).Subtract(matches(sc.Exclude)); !found.Empty() {
			f.Flows = f.Flows.Union(found)
			if asked.Empty() {
				asked = found.Intersect(x.asking[p.src.Is6()].Between(space.Only(p.src), space.Only(p.dst)))
			}
			f.Through = append(f.Through, through...)
		}
	}
	w, ok := asked.Witness()
	if !ok {
		return Finding{}, false
	}
	slices.Sort(f.Through)
	f.Through = slices.Compact(f.Through)
	f.Source, f.Destination, f.Witness = from.ID, to.ID, FlowOf(from.ID, to.ID, w)
	return f, true
}

// through are the peerings and middleboxes on a way.
func (x *atlas) through(legs []leg, p pair) []string {
	var out []string
	for i, l := range legs {
		if i > 0 {
			out = append(out, string(l.from.ID))
		}
		if l.from.domain.Contains(p.dst) {
			continue
		}
		if r, _ := l.from.domain.routes.lookup(p.dst); r.To != nil {
			if to, ok := r.To.(network.ToPeering); ok {
				out = append(out, string(to.Peering))
			}
		}
	}
	return out
}

// is whether an end can be this endpoint: the interface itself, or what it is
// plugged into, belongs to or is in.
func (e ScopeEnd) is(x *atlas, p *endpoint) bool {
	return e.Resources == nil || e.Resources.among(x.belongings(p))
}

// belongings are the interface and what it belongs to, by ID.
func (x *atlas) belongings(p *endpoint) []string {
	out := []string{string(p.ID), string(p.VPC), string(p.Subnet)}
	if p.Attachment != nil {
		out = append(out, string(p.Attachment.Instance))
	}
	for _, g := range p.Groups {
		out = append(out, string(g))
	}
	return out
}

// through is whether a way leads through one of each of the things named: what lies
// between the ends, and the gates on the way.
func (p ScopePath) through(x *atlas, from, to *endpoint, through []string) bool {
	if len(p.Through) == 0 {
		return true
	}
	all := slices.Concat(through, x.belongings(from), x.belongings(to),
		[]string{string(from.domain.ACL), string(to.domain.ACL), string(from.domain.routes.ID)})
	for _, r := range p.Through {
		if !r.among(all) {
			return false
		}
	}
	return true
}

// The types of resources that paths can have, by the beginning of their IDs
// (AWS: Network Access Analyzer, Resource statements).
var resourceTypes = []struct{ prefix, name string }{
	{"eni-", "AWS::EC2::NetworkInterface"},
	{"i-", "AWS::EC2::Instance"},
	{"subnet-", "AWS::EC2::Subnet"},
	{"vpc-", "AWS::EC2::VPC"},
	{"sg-", "AWS::EC2::SecurityGroup"},
	{"acl-", "AWS::EC2::NetworkAcl"},
	{"rtb-", "AWS::EC2::RouteTable"},
	{"pcx-", "AWS::EC2::VPCPeeringConnection"},
	{"igw-", "AWS::EC2::InternetGateway"},
}

// ResourceTypes are the types that Resources may name.
func ResourceTypes() []string {
	var out []string
	for _, t := range resourceTypes {
		out = append(out, t.name)
	}
	return out
}

// among is whether one of some things is meant.
func (r Resources) among(ids []string) bool {
	for _, id := range ids {
		if slices.ContainsFunc(r.IDs, func(name string) bool { return name[strings.LastIndexByte(name, '/')+1:] == id }) {
			return true
		}
		for _, t := range resourceTypes {
			if strings.HasPrefix(id, t.prefix) && slices.Contains(r.Types, t.name) {
				return true
			}
		}
	}
	return false
}

// headers is the Set of packets that look as described.
func (e ScopeEnd) headers() space.Set {
	h := e.Headers
	if h == nil {
		return space.Everything()
	}
	set := space.Everything()
	narrow := func(n int, at func(int, *space.Box)) {
		if n == 0 {
			return
		}
		boxes := make([]space.Box, n)
		for i := range boxes {
			boxes[i] = space.All
			at(i, &boxes[i])
		}
		set = set.Intersect(space.Of(boxes...))
	}
	ports := func(r network.PortRange) space.Ports { return space.Ports{From: uint16(r.From), To: uint16(r.To)} }
	narrow(len(h.Sources), func(i int, b *space.Box) { b.Src = space.In(h.Sources[i]) })
	narrow(len(h.Destinations), func(i int, b *space.Box) { b.Dst = space.In(h.Destinations[i]) })
	narrow(len(h.SourcePorts), func(i int, b *space.Box) { b.SrcPort = ports(h.SourcePorts[i]) })
	narrow(len(h.DestinationPorts), func(i int, b *space.Box) { b.DstPort = ports(h.DestinationPorts[i]) })
	narrow(len(h.Protocols), func(i int, b *space.Box) { b.Protocol = space.OnlyProtocol(uint8(h.Protocols[i])) })
	// Ports are of those protocols that have them.
	if len(h.SourcePorts)+len(h.DestinationPorts) > 0 {
		tcp, udp := space.All, space.All
		tcp.Protocol, udp.Protocol = space.OnlyProtocol(uint8(network.TCP)), space.OnlyProtocol(uint8(network.UDP))
		set = set.Intersect(space.Of(tcp, udp))
	}
	return set
}
