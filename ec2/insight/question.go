package insight

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
	"tombolo/reach"
	"tombolo/reach/space"
)

// answer is what an analysis has found.
type answer struct {
	reached  bool
	document document
}

// question is a path's question about one State.
type question struct {
	state  network.State
	caller network.Caller
	path   *network.InsightsPath
	flow   reach.Flow
	ports  network.PortRange // the destination's that may be asked for
	from   network.PortRange // the source's
	exact  bool              // the source's ports were named
}

// ask answers a path's question. Where the path leaves ports open, one port that
// gets through is enough; if none does, the answer is about the port that has the
// least against it.
func ask(s network.State, caller network.Caller, p *network.InsightsPath, in, out []string) answer {
	q := &question{state: s, caller: caller, path: p, ports: network.PortRange{From: 0, To: maxPort}, from: network.PortRange{From: 0, To: maxPort}}
	if why := q.settle(); why != nil {
		return answer{document: document{Explanations: []wire.Explanation{*why}}}
	}
	r := q.best()
	w := &writer{state: s, caller: caller}
	doc, foreign := w.result(r)
	a := answer{document: doc, reached: r.Verdict == reach.Reachable && !foreign && q.gatewayed(r)}
	if a.reached {
		if more := w.through(r, in, out); len(more) > 0 {
			a.reached, a.document.Explanations = false, more
		}
	}
	return a
}

// settle finds the ends, addresses and ports; a contradiction is the answer.
func (q *question) settle() *wire.Explanation {
	w := &writer{state: q.state, caller: q.caller}
	source := q.eni(q.path.Source)
	if source == nil {
		return w.missing("source", q.path.Source)
	}
	q.flow = reach.Flow{Source: source.ID, Protocol: q.path.Protocol}
	if q.path.Destination != "" && network.Kind(q.path.Destination) != "igw" {
		goal := q.eni(q.path.Destination)
		if goal == nil {
			return w.missing("destination", q.path.Destination)
		}
		q.flow.Destination = goal.ID
	}
	at, to := q.path.AtSource, q.path.AtDestination
	var ok bool
	if q.flow.SourceAddr, ok = agree(q.path.SourceIP, at.Source, to.Source); !ok {
		return w.filtered("SOURCE_ADDRESS")
	}
	if q.flow.DestinationAddr, ok = agree(q.path.DestinationIP, at.Destination, to.Destination); !ok {
		return w.filtered("DESTINATION_ADDRESS")
	}
	if q.path.Port != nil {
		q.ports = network.PortRange{From: *q.path.Port, To: *q.path.Port}
	}
	if q.ports, ok = narrow(q.ports, at.DestinationPorts, to.DestinationPorts); !ok {
		return w.filtered("DESTINATION_PORT_RANGE")
	}
	if q.from, ok = narrow(q.from, at.SourcePorts, to.SourcePorts); !ok {
		return w.filtered("SOURCE_PORT_RANGE")
	}
	q.exact = at.SourcePorts != nil || to.SourcePorts != nil
	if q.flow.Destination == "" && !q.flow.DestinationAddr.IsValid() {
		q.flow.DestinationAddr = anywhere // the path ends at a gateway
	}
	return nil
}

// anywhere stands for the internet where a path to a gateway names no address
// (RFC 5737: it is nobody's).
var anywhere = netip.MustParseAddr("203.0.113.1")

// agree is the one address that all of some filters allow: nothing on a way
// rewrites it.
func agree(addrs ...netip.Addr) (netip.Addr, bool) {
	var one netip.Addr
	for _, a := range addrs {
		if a.IsValid() && one.IsValid() && a != one {
			return one, false
		}
		if a.IsValid() {
			one = a
		}
	}
	return one, true
}

func narrow(r network.PortRange, by ...*network.PortRange) (network.PortRange, bool) {
	for _, b := range by {
		if b != nil {
			r = network.PortRange{From: max(r.From, b.From), To: min(r.To, b.To)}
		}
	}
	return r, r.From <= r.To
}

// eni is the interface that an end stands for: an instance's first one.
func (q *question) eni(id string) *network.ENI {
	if network.Kind(id) == "eni" {
		return q.state.ENI(network.ENIID(id))
	}
	all := slices.SortedFunc(q.state.ENIsAt(network.InstanceID(id)), func(a, b *network.ENI) int {
		return cmp.Compare(a.Attachment.Device, b.Attachment.Device)
	})
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// best is the answer for the port that gets farthest.
func (q *question) best() reach.Result {
	x := reach.NewIndex(q.state)
	var best reach.Result
	for _, f := range q.flows() {
		r := x.Trace(f)
		if r.Verdict == reach.Reachable {
			return r
		}
		if best.Verdict == 0 || len(r.Independent()) < len(best.Independent()) {
			best = r
		}
	}
	return best
}

// flows are the packets to try, the likeliest first: where ports are left open,
// those at which a rule or an entry begins, and what the symbolic analysis finds.
func (q *question) flows() []reach.Flow {
	var out []reach.Flow
	add := func(port, from int) {
		f := q.flow
		f.Port, f.SourcePort = uint16(port), uint16(from)
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	sources := []int{0} // any that a client may have
	if q.exact && (q.from.From > reach.Ephemeral.From || q.from.To < reach.Ephemeral.To) {
		sources = []int{q.from.From, q.from.To}
	}
	for _, port := range q.candidates() {
		for _, from := range sources {
			add(port, from)
		}
	}
	if q.ports.From == q.ports.To && q.from.From == q.from.To {
		return out
	}
	if p, ok := reach.PathBetween(q.state, q.flow.Source, q.flow.Destination); ok {
		box := space.All
		box.Protocol = space.OnlyProtocol(uint8(q.flow.Protocol))
		box.DstPort = space.Ports{From: uint16(q.ports.From), To: uint16(q.ports.To)}
		box.SrcPort = space.Ports{From: uint16(q.from.From), To: uint16(q.from.To)}
		if q.flow.SourceAddr.IsValid() {
			box.Src = space.Only(q.flow.SourceAddr)
		}
		if q.flow.DestinationAddr.IsValid() {
			box.Dst = space.Only(q.flow.DestinationAddr)
		}
		if w, ok := p.Flows.Intersect(space.Of(box)).Witness(); ok {
			f := reach.FlowOf(q.flow.Source, q.flow.Destination, w)
			if !q.exact {
				f.SourcePort = 0 // one port that happens to work helps no client
			}
			out = append(out, f)
		}
	}
	return out
}

// maxCandidates bounds how many ports are tried one by one.
const maxCandidates = 64

// candidates are the destination's ports to try.
func (q *question) candidates() []int {
	out := []int{q.ports.From}
	if q.ports.From == q.ports.To {
		return out
	}
	add := func(p network.Protocol, ports network.PortRange) {
		at := max(ports.From, q.ports.From)
		if p == q.flow.Protocol && at <= min(ports.To, q.ports.To) && !slices.Contains(out, at) && len(out) < maxCandidates {
			out = append(out, at)
		}
	}
	for i, id := range []network.ENIID{q.flow.Destination, q.flow.Source} {
		e := q.state.ENI(id)
		if e == nil {
			continue
		}
		for _, g := range e.Groups {
			for _, r := range q.state.SecurityGroup(g).Rules {
				if r.Egress == (i == 1) {
					add(r.Protocol, r.Ports)
				}
			}
		}
		for _, entry := range q.state.ACL(q.state.Subnet(e.Subnet).ACL).Entries {
			if entry.Egress == (i == 1) && entry.Allow {
				add(entry.Protocol, entry.Ports)
			}
		}
	}
	return out
}

// gatewayed is whether a way to a gateway leads through it.
func (q *question) gatewayed(r reach.Result) bool {
	if network.Kind(q.path.Destination) != "igw" {
		return true
	}
	return slices.ContainsFunc(r.Forward.Hops, func(h reach.Hop) bool { return h.Component == q.path.Destination })
}

// ids are those of ARNs.
func idOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
