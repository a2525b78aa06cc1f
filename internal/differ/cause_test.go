package differ_test

import (
	"net/netip"
	"slices"
	"strconv"

	"tombolo/linux"
	"tombolo/network"
	"tombolo/reach"
)

// expected is what the plane must count for a flow; maybe are causes of which it
// may count one.
type expected struct {
	cause linux.Cause
	ok    bool // something is dropped
	maybe []linux.Cause
	// crooked: whether the answer comes back the plane may see otherwise than AWS.
	crooked bool
}

// expect is what must become of a flow's packets. The analyzer was asked about one
// interface. Where the packet goes to another one's network, because both have
// the address, it says that there is no route to the one in question; what the
// packet meets there it says when it is asked about the address alone.
func (f *fabric) expect(x *reach.Index, flow reach.Flow, r reach.Result) expected {
	e, blocked := r.First()
	c, ok := cause(r)
	var lost reach.Explanation
	if i := slices.IndexFunc(r.Causes, func(x reach.Explanation) bool { return x.Way == e.Way && astray(x) }); i >= 0 {
		lost = r.Causes[i]
	}
	switch {
	case crooked(r):
		out := crookedAnswer(r, c)
		if blocked {
			out.maybe = append(out.maybe, f.lostAnswer(r, lost, c).maybe...)
		}
		return out
	case !blocked:
		return expected{}
	case slices.ContainsFunc(r.Causes, func(x reach.Explanation) bool { return x.Way == e.Way && f.circular(x) }):
		// The plane ends these where it looks routes up, before it counts what else
		// speaks against them.
		return expected{maybe: []linux.Cause{c}}
	case e.Code == reach.NoPossibleDestination && e.Gateway == "":
		return expected{cause: linux.Cause{Why: "no-such-address", At: string(e.ENI)}, ok: true}
	case e.Way == reach.Answer && (astray(lost) || f.ambiguous(r)):
		return f.lostAnswer(r, lost, c)
	case !astray(lost):
		return expected{cause: c, ok: ok}
	}
	flow.Destination = ""
	other := x.Trace(flow)
	if other.Verdict == reach.Unreachable {
		c, ok := cause(other)
		return expected{cause: c, ok: ok}
	}
	return expected{} // it arrives at somebody who is not asked to answer
}

// lostAnswer is an answer that goes to another VPC than the question came from,
// which has the same addresses. AWS's interface knows it for an answer; the plane
// knows flows between two VPCs, takes it for something new, and may drop it a gate
// earlier: see docs/differences.md. It is lost in any case.
func (f *fabric) lostAnswer(r reach.Result, astray reach.Explanation, c linux.Cause) expected {
	out := expected{maybe: []linux.Cause{c, {Why: "no-such-address", At: string(astray.DestinationVPC)}}}
	for _, h := range r.Return.Hops {
		if h.Kind == reach.SecurityGroups && h.Direction == reach.Egress {
			out.maybe = append(out.maybe, linux.Cause{Why: "sg-denied", At: string(h.ENI), Direction: "egress"})
		}
	}
	if astray.DestinationVPC == "" {
		return out
	}
	stranger := f.state.ENIWith(astray.DestinationVPC, astray.Address)
	if stranger == nil {
		return out
	}
	// It meets their ACL, and their groups, or nothing.
	out.maybe = append(out.maybe, linux.Cause{Why: "sg-denied", At: string(stranger.ID), Direction: "ingress"})
	acl := f.state.Subnet(stranger.Subnet).ACL
	for _, entry := range append(slices.Clone(f.state.ACL(acl).Entries), network.ACLEntry{}) {
		out.maybe = append(out.maybe, linux.Cause{Why: "acl-denied", At: string(acl), Direction: "ingress", Entry: entryName(entry)})
	}
	return out
}

// ambiguous is whether an answer that is lost could be to one of two peers: with
// whom the flow is known the plane then cannot tell from the address.
func (f *fabric) ambiguous(r reach.Result) bool {
	there := map[network.VPCID]bool{}
	home := f.state.ENI(r.Forward.Arrived).VPC
	for p := range f.state.PeeringsWith(home) {
		if other := f.state.VPC(p.Other(home)); other != nil && other.Contains(r.Return.Header.Destination) {
			there[other.ID] = true
		}
	}
	return len(there) > 1
}

// crooked is an answer that does not go back by the middleboxes that the request
// came by. What the plane knows of a flow it knows for each part of its way, so
// that groups may take such an answer for something new where AWS's know it, or for
// known where they don't: see docs/differences.md.
func crooked(r reach.Result) bool {
	if e, blocked := r.First(); blocked && e.Way == reach.Request {
		return false
	}
	there, back := ends(r.Forward), ends(r.Return)
	slices.Reverse(back)
	return !slices.Equal(there, back)
}

// ends are the interfaces on a way, each time that a packet leaves or reaches one.
func ends(l reach.Leg) []network.ENIID {
	var out []network.ENIID
	for _, h := range l.Hops {
		if h.Kind == reach.Interface {
			out = append(out, h.ENI)
		}
	}
	return out
}

// crookedAnswer is what may become of a crooked answer: what the analyzer says, or
// that a group on its way does not know it.
func crookedAnswer(r reach.Result, c linux.Cause) expected {
	out := expected{crooked: true, maybe: []linux.Cause{c}}
	for _, h := range r.Return.Hops {
		if h.Kind == reach.SecurityGroups {
			out.maybe = append(out.maybe, linux.Cause{Why: "sg-denied", At: string(h.ENI), Direction: h.Direction.String()})
		}
	}
	return out
}

// circular is a route that leads a middlebox's own packets back to it, or round and
// round; not one to a middlebox that has no address of the packet's family.
func (f *fabric) circular(e reach.Explanation) bool {
	if e.Code != reach.NoPossibleDestination || e.Gateway != "" {
		return false
	}
	box := f.state.ENI(e.ENI)
	return e.Address.Is4() && len(box.Addrs) > 0 || e.Address.Is6() && len(box.Addrs6) > 0
}

// astray is a packet that is delivered in a VPC, and not to whom it was meant for.
func astray(e reach.Explanation) bool {
	return (e.Code == reach.NoRouteToDestination || e.Code == reach.MoreSpecificRoute) && e.DestinationVPC != ""
}

func entryName(e network.ACLEntry) string {
	if e.Number == 0 {
		return "*"
	}
	return strconv.Itoa(e.Number)
}

// cause is what the plane must count, from the first reason that the analyzer
// gives; ok is false when nothing in the network drops a packet.
func cause(r reach.Result) (c linux.Cause, ok bool) {
	e, blocked := r.First()
	if !blocked {
		return linux.Cause{}, false
	}
	direction := e.Direction.String()
	switch e.Code {
	case reach.SecurityGroupMismatch, reach.SecurityGroupHasNoRules:
		return linux.Cause{Why: "sg-denied", At: string(e.ENI), Direction: direction}, true
	case reach.SubnetACLRestriction:
		return linux.Cause{Why: "acl-denied", At: string(e.ACL), Direction: direction, Entry: entryName(e.Entry)}, true
	case reach.NoRouteToDestination, reach.LocalRouteRestriction, reach.CannotRoute:
		return linux.Cause{Why: "no-route", At: string(e.RouteTable)}, true
	case reach.BadStateRoute:
		return linux.Cause{Why: "blackhole", At: string(e.RouteTable)}, true
	case reach.PeeringNeedsAddress:
		why := "not-in-peer-cidr"
		if e.PacketField == "source-address" {
			why = "source-not-in-vpc"
		}
		return linux.Cause{Why: why, At: string(e.Peering)}, true
	case reach.SourceDestCheck, reach.ENIAddressRestriction:
		if e.Direction == reach.Egress {
			return linux.Cause{Why: "spoofed", At: string(e.ENI), Direction: direction}, true
		}
		return linux.Cause{Why: "dest-check", At: string(e.ENI)}, true
	case reach.GatewayPrivateAddress, reach.GatewaySharedAddress, reach.GatewayNeedsPublicIP, reach.GatewayRejectsSpoofed, reach.BadStateAttachment:
		return linux.Cause{Why: "not-supported", At: string(e.Gateway)}, true
	case reach.NoPossibleDestination:
		// But for a gateway's, it is what a middlebox's own table leads back to it, or a
		// packet that goes round and round until its TTL ends: no component refuses it.
		return linux.Cause{Why: "not-supported", At: string(e.Gateway)}, e.Gateway != ""
	case reach.NoSourceOrDestination, reach.UnassociatedComponent, reach.BadState:
		return linux.Cause{Why: "no-such-address", At: string(e.VPC)}, true
	}
	return linux.Cause{Why: string(e.Code), At: e.Component}, true
}

// onward is the interface by which a middlebox hands a packet on: that to whose
// subnet the destination belongs, else its first, as the kernel's routes say.
func (f *fabric) onward(box *network.ENI, dst netip.Addr) *network.ENI {
	first := box
	for e := range f.state.ENIsAt(box.Attachment.Instance) {
		if dst.Is4() && f.state.Subnet(e.Subnet).Contains(dst) {
			return e
		}
		if e.Attachment.Device < first.Attachment.Device {
			first = e
		}
	}
	return first
}
