package reach

import (
	"net/netip"

	"tombolo/network"
)

// walk is one packet on its way. It goes on past what blocks as long as it is
// known where the packet should go, so that all causes are found at once.
type walk struct {
	x    *Index
	way  Way
	h    Header
	goal *face // where it should get to; nil while that is not known

	known   []network.ENIID // interfaces that know the flow: the request passed them
	passed  []network.ENIID // interfaces that this packet has passed
	blocked bool            // a packet does not get here today
	brief   bool            // only the verdict is wanted: no hops, and the first cause is enough

	hops   []Hop
	causes []Explanation
}

// maxBoxes bounds how many middleboxes a packet may pass; a packet's TTL would
// end there too.
const maxBoxes = 16

// over is whether nothing more need be known.
func (w *walk) over() bool { return w.brief && w.blocked }

func (w *walk) hop(h Hop) {
	h.Way, h.Beyond = w.way, w.blocked
	w.hops = append(w.hops, h)
}

// block notes causes, which are the walk's from then on. The hop that they belong to must have been noted before.
func (w *walk) block(causes ...Explanation) {
	w.blocked = true
	if w.brief {
		return
	}
	for i := range causes {
		causes[i].Way, causes[i].Protocol = w.way, w.h.Protocol
	}
	if w.causes == nil {
		w.causes = causes // explanations are large, and most are the first
		return
	}
	w.causes = append(w.causes, causes...)
}

// blockHop is block for the last hop.
func (w *walk) blockHop(causes ...Explanation) {
	if !w.brief {
		w.hops[len(w.hops)-1].Blocked = true
	}
	w.block(causes...)
}

// from is the way of a packet that an instance sends: its own state, the
// source/destination check, its groups; then across the network, from middlebox
// to middlebox; then the same in reverse.
func (w *walk) from(f *face) {
	w.leaveInstance(f)
	for range maxBoxes {
		if w.over() {
			return
		}
		w.leave(f)
		if w.over() {
			return
		}
		to, box := w.across(f)
		if to == nil || w.over() {
			return
		}
		if box && w.seen(to.ID) {
			w.circles(to)
			return
		}
		w.enter(f, to)
		w.instance(to)
		if w.over() || !box || to == w.goal {
			return
		}
		f = w.x.forwards(to, w.h.Destination)
	}
	w.circles(f)
}

// circles ends the way at a middlebox that a packet only comes back to.
func (w *walk) circles(f *face) {
	w.face(f, Ingress)
	w.blockHop(Explanation{Code: NoPossibleDestination, Component: string(f.ID), ENI: f.ID, VPC: f.VPC,
		Address: w.h.Destination, PacketField: "destination-address"})
}

func (w *walk) seen(id network.ENIID) bool {
	for _, p := range w.passed {
		if p == id {
			return true
		}
	}
	return false
}

func (w *walk) instance(f *face) {
	if w.brief || f.instance == nil {
		return
	}
	w.hop(Hop{Kind: Instance, Component: string(f.instance.ID), ENI: f.ID, Subnet: f.Subnet, VPC: f.VPC, Status: f.instance.State.String()})
}

// leaveInstance is where a packet is made: by an instance that runs.
func (w *walk) leaveInstance(f *face) {
	w.instance(f)
	if f.up() {
		return
	}
	if f.instance == nil {
		w.face(f, Egress)
	}
	w.blockHop(f.down())
}

// down is why an interface carries nothing.
func (f *face) down() Explanation {
	if f.instance == nil {
		return Explanation{Code: UnassociatedComponent, Component: string(f.ID), ENI: f.ID, VPC: f.VPC, State: "available"}
	}
	return Explanation{Code: BadState, Component: string(f.instance.ID), ENI: f.ID, Instance: f.instance.ID, VPC: f.VPC, State: f.instance.State.String()}
}

// leave is an interface on the sending side: the source address must be its own
// unless the check is off (AWS: Source/destination checking), and a group must
// let it out.
func (w *walk) leave(f *face) {
	w.face(f, Egress)
	if f.SourceDestCheck && !f.has(w.h.Source) {
		w.blockHop(checked(f, Egress, w.h.Source))
		if w.over() {
			return
		}
	}
	w.judge(f, Egress)
}

func checked(f *face, d Direction, a netip.Addr) Explanation {
	field := "source-address"
	if d == Ingress {
		field = "destination-address"
	}
	return Explanation{Code: SourceDestCheck, Direction: d, Component: string(f.ID), ENI: f.ID, VPC: f.VPC, Address: a, PacketField: field}
}

func (w *walk) face(f *face, d Direction) {
	if w.brief {
		return
	}
	status := "available"
	if f.Attachment != nil {
		status = "in-use"
	}
	w.hop(Hop{Kind: Interface, Component: string(f.ID), Direction: d, ENI: f.ID, Subnet: f.Subnet, VPC: f.VPC, Status: status})
}

// judge asks an interface's groups. What they have let through once they know:
// they are stateful (AWS: Security groups, Connection tracking).
func (w *walk) judge(f *face, d Direction) {
	for _, id := range w.known {
		if id == f.ID {
			w.groups(f, d, Hop{Tracked: true})
			return
		}
	}
	g, r := w.x.pass(f, d, &w.h)
	if g != nil {
		if !w.brief {
			w.groups(f, d, Hop{Group: g.ID, Rule: *r})
		}
		return
	}
	w.groups(f, d, Hop{})
	if w.brief {
		w.blocked = true
		return
	}
	far, field := w.h.Source, "source-address"
	if d == Egress {
		far, field = w.h.Destination, "destination-address"
	}
	e := Explanation{Code: SecurityGroupMismatch, Direction: d, Component: string(f.ID), ENI: f.ID, VPC: f.VPC, Subnet: f.Subnet,
		Groups: f.Groups, Address: far, PacketField: field, Ports: w.h.DestinationPorts}
	if !f.ruled(d) {
		e.Code, e.Component = SecurityGroupHasNoRules, string(f.Groups[0])
	}
	w.blockHop(append([]Explanation{e}, w.x.stale(f, d, &w.h)...)...)
}

func (w *walk) groups(f *face, d Direction, h Hop) {
	if w.brief {
		return
	}
	h.Kind, h.Direction, h.ENI, h.Subnet, h.VPC = SecurityGroups, d, f.ID, f.Subnet, f.VPC
	h.Component = string(f.Groups[0])
	if h.Group != "" {
		h.Component = string(h.Group)
	}
	w.hop(h)
}

// edge asks the network ACL at a subnet's edge. ACLs are stateless: an answer is
// judged like any packet (AWS: Network ACLs).
func (w *walk) edge(n *subnet, d Direction) {
	entry, ports, ok := n.admit(d, &w.h)
	if !w.brief {
		w.hop(Hop{Kind: NetworkACL, Component: string(n.acl.ID), Direction: d, Subnet: n.ID, VPC: n.VPC, Entry: entry})
	}
	if ok {
		return
	}
	far, field := w.h.Source, "source-address"
	if d == Egress {
		far, field = w.h.Destination, "destination-address"
	}
	w.blockHop(Explanation{Code: SubnetACLRestriction, Direction: d, Component: string(n.acl.ID), ACL: n.acl.ID, Entry: entry,
		Subnet: n.ID, VPC: n.VPC, Address: far, PacketField: field, Ports: ports})
}

// enter is the receiving side: the ACL of another subnet, the interface, its
// groups.
func (w *walk) enter(from, to *face) {
	if from.Subnet != to.Subnet {
		if w.edge(to.subnet, Ingress); w.over() {
			return
		}
	}
	w.judge(to, Ingress)
	w.face(to, Ingress)
	w.passed = append(w.passed, from.ID, to.ID)
}
