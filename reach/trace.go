package reach

import (
	"net/netip"

	"tombolo/network"
)

// Trace follows one flow through a State. Several questions about one State are
// answered faster by one Index.
func Trace(s network.State, f Flow) Result { return NewIndex(s).Trace(f) }

// Trace follows one flow and its answer. An echo request of ICMP between IPv6
// addresses is taken for one of ICMPv6.
func (x *Index) Trace(f Flow) Result {
	r := Result{Flow: f, Verdict: Unreachable}
	source, goal := x.face(f.Source), x.face(f.Destination)
	switch {
	case source == nil:
		return r.not(Explanation{Code: NoSourceOrDestination, Direction: Egress, Component: string(f.Source), ENI: f.Source})
	case goal == nil && f.Destination != "":
		return r.not(Explanation{Code: NoSourceOrDestination, Direction: Ingress, Component: string(f.Destination), ENI: f.Destination})
	}
	f.SourceAddr, f.DestinationAddr = addresses(f, source, goal)
	if r.Flow = f; !f.SourceAddr.IsValid() || !f.DestinationAddr.IsValid() || f.SourceAddr.Is4() != f.DestinationAddr.Is4() {
		return r.not(Explanation{Code: NoPath, Component: string(f.Source), ENI: f.Source, VPC: source.VPC})
	}
	f = f.inFamily()
	r.Flow = f
	w := &walk{x: x, way: Request, h: header(f), goal: goal, hops: make([]Hop, 0, usualHops)}
	w.from(source)
	r.Forward = w.leg()
	r.Causes = w.causes
	if w.goal != nil {
		r.Destination = w.goal.ID
	}
	if w.blocked && goal != nil {
		r.Forward.Arrived = x.elsewhere(f)
	}
	if !w.blocked {
		r.Verdict = Reachable
	}
	back, answers := answer(w.h)
	if w.goal == nil || !answers {
		return r
	}
	b := &walk{x: x, way: Answer, h: back, goal: source, known: w.passed, blocked: w.blocked, hops: make([]Hop, 0, usualHops)}
	b.from(w.goal)
	r.Return = b.leg()
	if !w.blocked && b.blocked {
		r.Verdict = Unanswered
	}
	r.Causes = x.both(r.Causes, b.causes)
	return r
}

// usualHops is how many components two instances of peered VPCs have between them.
const usualHops = 10

// none is an address that is left open.
var none netip.Addr

// inFamily makes ICMPv6 of an echo request between IPv6 addresses.
func (f Flow) inFamily() Flow {
	if f.Protocol == network.ICMP && f.ICMPType == echoRequest && !f.SourceAddr.Is4() {
		f.Protocol, f.ICMPType = network.ICMPv6, echoRequest6
	}
	return f
}

func (r Result) not(e Explanation) Result {
	e.Way, e.Protocol = Request, r.Flow.Protocol
	r.Causes = []Explanation{e}
	return r
}

func (w *walk) leg() Leg {
	l := Leg{Header: w.h, Hops: w.hops}
	if !w.blocked && w.goal != nil {
		l.Arrived = w.goal.ID
	}
	return l
}

// elsewhere is who gets what was meant for another: the owner of the same address
// in another VPC.
func (x *Index) elsewhere(f Flow) network.ENIID {
	w := &walk{x: x, way: Request, h: header(f), brief: true}
	if w.from(x.face(f.Source)); w.blocked || w.goal == nil {
		return ""
	}
	return w.goal.ID
}

// both appends the answer's causes to the request's. What both name, such as an
// instance that is stopped or a peering that is not accepted, is one cause.
func (x *Index) both(request, answer []Explanation) []Explanation {
	if len(request) == 0 {
		return answer
	}
	out := request
	for _, e := range answer {
		twice := false
		for _, r := range request {
			same := r.Code == e.Code && r.Component == e.Component
			switch e.Code {
			case BadState, UnassociatedComponent, BadStateAttachment:
				twice = twice || same
			case DisconnectedVPCs:
				twice = twice || r.Code == e.Code
			case BadStateRoute:
				// One peering that waits makes blackholes on both of its sides.
				e.Detail = e.Detail || r.Code == BadStateRoute && r.Route.To == e.Route.To && x.waits(e.Route.To)
			}
		}
		if !twice {
			out = append(out, e)
		}
	}
	return out
}

// waits reports whether a target is a peering that only has to be accepted.
func (x *Index) waits(to network.Target) bool {
	t, ok := to.(network.ToPeering)
	c := x.peering(t.Peering)
	return ok && c != nil && c.Status.Live()
}

// addresses fills in those that a flow leaves open: of the family that the other
// end has, IPv4 if both have both.
func addresses(f Flow, source, goal *face) (from, to netip.Addr) {
	from, to = f.SourceAddr.Unmap(), f.DestinationAddr.Unmap()
	four := from.Is4() || to.Is4()
	if !from.IsValid() && !to.IsValid() {
		four = len(source.Addrs) > 0 && (goal == nil || len(goal.Addrs) > 0)
	}
	if !from.IsValid() {
		from = source.first(four)
	}
	if !to.IsValid() && goal != nil {
		to = goal.first(four)
	}
	return from, to
}

func (f *face) first(four bool) netip.Addr {
	addrs := f.Addrs6
	if four {
		addrs = f.Addrs
	}
	if len(addrs) == 0 {
		return netip.Addr{}
	}
	return addrs[0]
}

// header is the request's.
func header(f Flow) Header {
	h := Header{Source: f.SourceAddr, Destination: f.DestinationAddr, Protocol: f.Protocol}
	switch {
	case ported(f.Protocol):
		h.DestinationPorts = network.PortRange{From: int(f.Port), To: int(f.Port)}
		h.SourcePorts = network.PortRange{From: int(f.SourcePort), To: int(f.SourcePort)}
		if f.SourcePort == 0 {
			h.SourcePorts = Ephemeral
		}
	case f.Protocol == network.ICMP || f.Protocol == network.ICMPv6:
		h.DestinationPorts = network.PortRange{From: int(f.ICMPType), To: int(f.ICMPCode)}
		h.SourcePorts = network.AnyPort
	default:
		h.DestinationPorts, h.SourcePorts = network.AnyPort, network.AnyPort
	}
	return h
}

// answer is the header of the answer to a packet; ok is false when there is none.
func answer(h Header) (back Header, ok bool) {
	back = h
	back.Source, back.Destination = h.Destination, h.Source
	back.SourcePorts, back.DestinationPorts = h.DestinationPorts, h.SourcePorts
	switch {
	case h.Protocol != network.ICMP && h.Protocol != network.ICMPv6:
		return back, true
	case h.Protocol == network.ICMPv6:
		back.DestinationPorts.From, ok = echoReply6, h.DestinationPorts.From == echoRequest6
	case h.DestinationPorts.From == echoRequest:
		back.DestinationPorts.From, ok = echoReply, true
	case h.DestinationPorts.From == timeRequest:
		back.DestinationPorts.From, ok = timeReply, true
	case h.DestinationPorts.From == maskRequest:
		back.DestinationPorts.From, ok = maskReply, true
	}
	back.DestinationPorts.To, back.SourcePorts = 0, network.AnyPort
	return back, ok
}
