package reach_test

import (
	"net/netip"
	"slices"
	"testing"

	"tombolo/internal/randnet"
	"tombolo/network"
	"tombolo/reach"
)

// plain is a second opinion: AWS's rules for one packet with one port, written
// with loops over whole States and without a thought for speed or for what is
// behind the first gate that closes. It shares nothing with Trace but the State.
type plain struct {
	network.State
	known []network.ENIID // interfaces that the request has passed
}

// parcel is a packet.
type parcel struct {
	src, dst           netip.Addr
	protocol           network.Protocol
	fromPort, toPort   int
	icmpType, icmpCode int
}

// travel is where a packet ends: at an interface, or for a reason.
func (p *plain) travel(from *network.ENI, q parcel) (*network.ENI, reach.Code) {
	if !p.alive(from) {
		return nil, p.dead(from)
	}
	var passed []network.ENIID
	for range 40 {
		if from.SourceDestCheck && !slices.Contains(from.AllAddrs(), q.src) {
			return nil, reach.SourceDestCheck
		}
		if code := p.groups(from, q, true); code != "" {
			return nil, code
		}
		to, box, code := p.next(from, q)
		crosses := !p.Subnet(from.Subnet).Contains(q.dst) && (to == nil || to.Subnet != from.Subnet)
		if crosses && !p.acl(from, q, true) {
			return nil, reach.SubnetACLRestriction
		}
		if code != "" {
			return nil, code
		}
		if box && slices.Contains(passed, to.ID) {
			return nil, reach.NoPossibleDestination
		}
		if to.Subnet != from.Subnet && !p.acl(to, q, false) {
			return nil, reach.SubnetACLRestriction
		}
		if code := p.groups(to, q, false); code != "" {
			return nil, code
		}
		passed = append(passed, from.ID, to.ID)
		if !box {
			p.known = append(p.known, passed...)
			return to, ""
		}
		from = p.outOf(to, q)
	}
	return nil, reach.NoPossibleDestination
}

func (p *plain) alive(e *network.ENI) bool {
	return e.Attachment != nil && p.Instance(e.Attachment.Instance).Runs()
}

func (p *plain) dead(e *network.ENI) reach.Code {
	if e.Attachment == nil {
		return reach.UnassociatedComponent
	}
	return reach.BadState
}

// next is who gets a packet that has left an interface's groups.
func (p *plain) next(from *network.ENI, q parcel) (to *network.ENI, box bool, code reach.Code) {
	subnet := p.Subnet(from.Subnet)
	if subnet.Contains(q.dst) {
		to, code = p.deliver(from.VPC, q.dst)
		return to, false, code
	}
	var best *network.Route
	for _, r := range p.TableOf(subnet).Routes {
		if r.Dst.Contains(q.dst) && (best == nil || r.Dst.Bits() > best.Dst.Bits()) {
			best = &r
		}
	}
	if best == nil {
		return nil, false, reach.NoRouteToDestination
	}
	switch target := best.To.(type) {
	case network.ToLocal:
		to, code = p.deliver(from.VPC, q.dst)
	case network.ToPeering:
		to, code = p.over(from, target.Peering, q)
	case network.ToENI:
		return p.byBox(from, p.ENI(target.ENI), q)
	case network.ToGateway, network.ToEgress:
		code = reach.GatewayPrivateAddress
	}
	return to, false, code
}

func (p *plain) over(from *network.ENI, id network.PeeringID, q parcel) (*network.ENI, reach.Code) {
	pcx := p.Peering(id)
	if pcx == nil || pcx.Status != network.PeeringActive {
		return nil, reach.BadStateRoute
	}
	other := pcx.Other(from.VPC)
	if !p.VPC(other).Contains(q.dst) || !p.VPC(from.VPC).Contains(q.src) {
		return nil, reach.PeeringNeedsAddress
	}
	return p.deliver(other, q.dst)
}

func (p *plain) byBox(from, box *network.ENI, q parcel) (*network.ENI, bool, reach.Code) {
	switch {
	case box == nil || !p.alive(box):
		return nil, false, reach.BadStateRoute
	case slices.Contains(box.AllAddrs(), q.dst):
		return box, false, ""
	case box.SourceDestCheck:
		return nil, false, reach.SourceDestCheck
	case box.ID == from.ID:
		return nil, false, reach.NoPossibleDestination
	}
	return box, true, ""
}

// outOf is the interface by which an instance sends on what it got.
func (p *plain) outOf(in *network.ENI, q parcel) *network.ENI {
	first := in
	for e := range p.ENIs() {
		if e.Attachment == nil || e.Attachment.Instance != in.Attachment.Instance {
			continue
		}
		if q.dst.Is4() && p.Subnet(e.Subnet).Contains(q.dst) {
			return e
		}
		if e.Attachment.Device < first.Attachment.Device {
			first = e
		}
	}
	return first
}

func (p *plain) deliver(v network.VPCID, a netip.Addr) (*network.ENI, reach.Code) {
	for e := range p.ENIs() {
		if e.VPC == v && slices.Contains(e.AllAddrs(), a) {
			if !p.alive(e) {
				return nil, p.dead(e)
			}
			return e, ""
		}
	}
	return nil, reach.NoSourceOrDestination
}

func (p *plain) groups(e *network.ENI, q parcel, egress bool) reach.Code {
	if slices.Contains(p.known, e.ID) {
		return ""
	}
	far, ruled := q.far(egress), false
	for _, id := range e.Groups {
		g := p.SecurityGroup(id)
		for _, r := range g.Rules {
			if r.Egress != egress {
				continue
			}
			ruled = true
			if q.matches(r.Protocol, r.Ports) && p.names(g, r.Peer, far) {
				return ""
			}
		}
	}
	if ruled {
		return reach.SecurityGroupMismatch
	}
	return reach.SecurityGroupHasNoRules
}

func (p *plain) names(g *network.SecurityGroup, peer network.Peer, a netip.Addr) bool {
	if cidr, ok := peer.(network.PeerCIDR); ok {
		return cidr.CIDR.Contains(a)
	}
	other := p.SecurityGroup(peer.(network.PeerGroup).Group)
	if other == nil {
		return false
	}
	joined := other.VPC == g.VPC
	for pcx := range p.Peerings() {
		joined = joined || pcx.Status == network.PeeringActive && pcx.Other(g.VPC) == other.VPC
	}
	for e := range p.ENIs() {
		if joined && slices.Contains(e.Groups, other.ID) && slices.Contains(e.AllAddrs(), a) {
			return true
		}
	}
	return false
}

func (p *plain) acl(e *network.ENI, q parcel, egress bool) bool {
	number, allow := 1<<20, false
	for _, x := range p.ACL(p.Subnet(e.Subnet).ACL).Entries {
		if x.Egress == egress && x.Number < number && x.CIDR.Contains(q.far(egress)) && q.matches(x.Protocol, x.Ports) {
			number, allow = x.Number, x.Allow
		}
	}
	return allow
}

func (q parcel) far(egress bool) netip.Addr {
	if egress {
		return q.dst
	}
	return q.src
}

func (q parcel) matches(protocol network.Protocol, ports network.PortRange) bool {
	if protocol == network.AnyProtocol {
		return true
	}
	if protocol != q.protocol {
		return false
	}
	switch protocol {
	case network.TCP, network.UDP:
		return q.toPort >= ports.From && q.toPort <= ports.To
	case network.ICMP, network.ICMPv6:
		return ports.From == -1 || q.icmpType == ports.From && (ports.To == -1 || q.icmpCode == ports.To)
	}
	return true
}

// TestASecondOpinion asks both about flows of random networks that name a source
// port, by address, as packets are sent.
func TestASecondOpinion(t *testing.T) {
	seen := map[reach.Code]int{}
	asked := 0
	each(t, 60, func(n *randnet.Net, x *reach.Index, f reach.Flow) {
		if f.Protocol == network.TCP || f.Protocol == network.UDP {
			f.SourcePort = max(f.SourcePort, 1)
		}
		resolved := x.Trace(f).Flow
		if !resolved.SourceAddr.IsValid() || !resolved.DestinationAddr.IsValid() {
			return
		}
		f = resolved
		f.Destination = ""
		r := x.Trace(f)
		if r.Destination == "" && len(r.Causes) == 0 {
			t.Error("it arrives at nobody")
		}
		q := parcel{f.SourceAddr, f.DestinationAddr, f.Protocol, int(f.SourcePort), int(f.Port), int(f.ICMPType), int(f.ICMPCode)}
		p := &plain{State: n.State}
		to, code := p.travel(n.State.ENI(f.Source), q)
		if code == "" {
			if r.Verdict == reach.Unreachable || r.Forward.Arrived != to.ID {
				t.Errorf("it gets to %s, but %v: %v", to.ID, r.Verdict, codes(r))
			}
			home, lost := p.travel(to, q.answer())
			code = lost
			if lost == "" && home.ID != f.Source {
				code = "STRAY"
			}
		}
		asked++
		seen[code]++
		first, _ := r.First()
		// An answer that is led to another's network meets that one's gates there.
		if code == "STRAY" || first.Way == reach.Answer && first.DestinationVPC != "" && first.Code != reach.PeeringNeedsAddress {
			if r.Verdict != reach.Unanswered {
				t.Errorf("its answer gets elsewhere, but %v", r.Verdict)
			}
			return
		}
		if first.Code != code && !alike(first.Code, code) {
			t.Errorf("first %s, the second opinion is %s", first.Code, code)
		}
	})
	t.Logf("%d flows: %v", asked, seen)
	for _, code := range []reach.Code{"", reach.SecurityGroupMismatch, reach.SubnetACLRestriction, reach.NoRouteToDestination,
		reach.BadStateRoute, reach.PeeringNeedsAddress, reach.BadState, reach.SourceDestCheck} {
		if seen[code] == 0 {
			t.Errorf("nothing ended with %q: the test is vacuous", code)
		}
	}
}

// alike are codes that this second opinion does not tell apart.
func alike(a, b reach.Code) bool {
	gateway := []reach.Code{reach.GatewayPrivateAddress, reach.GatewayNeedsPublicIP, reach.GatewayRejectsSpoofed, reach.GatewaySharedAddress, reach.NoPossibleDestination}
	stray := []reach.Code{reach.NoSourceOrDestination, reach.NoRouteToDestination, reach.MoreSpecificRoute, reach.BadState, reach.UnassociatedComponent}
	return slices.Contains(gateway, a) && slices.Contains(gateway, b) || slices.Contains(stray, a) && slices.Contains(stray, b)
}

func (q parcel) answer() parcel {
	q.src, q.dst, q.fromPort, q.toPort = q.dst, q.src, q.toPort, q.fromPort
	switch q.protocol {
	case network.ICMP:
		q.icmpType = 0
	case network.ICMPv6:
		q.icmpType = 129
	}
	return q
}
