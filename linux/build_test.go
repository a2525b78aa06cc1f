package linux

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tombolo/network"
)

// The callers and zones of the tests.
var (
	home      = network.Caller{Account: "123456789012", Region: "us-east-1"}
	elsewhere = network.Caller{Account: "123456789012", Region: "eu-west-1"}
	zones     = []string{"us-east-1a"}
)

// site is a State that a test builds op by op. Things have names of the test's
// own, so that what follows from the State can be read.
type site struct {
	rapid.TB
	network.State
	caller network.Caller
	now    time.Time
	dice   uint64
	names  map[string]string // by ID: vpc-a, eni-web
	ids    map[string]string // the other way round

	log   []network.Change // since the generation, see take
	since uint64
}

func newSite(t rapid.TB) *site {
	return &site{TB: t, caller: home, now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC),
		names: map[string]string{}, ids: map[string]string{}}
}

// try does an op, and what is due after it, as control does.
func (w *site) try(r network.Request) ([]string, error) {
	w.dice++
	op := network.Op{Caller: w.caller, At: w.now, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], w.dice)
	next, err := w.Apply(op)
	if err != nil {
		return nil, err
	}
	w.State = next
	w.log = append(w.log, next.Changes()...)
	created := next.Outcome().Created
	if due := w.Due(); !due.IsZero() && !due.After(w.now) {
		if _, settling := r.(network.Settle); !settling {
			if _, err := w.try(network.Settle{}); err != nil {
				return nil, err
			}
		}
	}
	return created, nil
}

// take is the State with all that was changed since take was called before, as
// control hands it to a plane.
func (w *site) take() network.State {
	s := w.After(w.since, w.log)
	w.since, w.log = s.Generation, nil
	return s
}

// do does an op that must succeed, and gives the first ID that was made.
func (w *site) do(r network.Request) string {
	w.Helper()
	created, err := w.try(r)
	if err != nil {
		w.Fatalf("%T %+v: %v", r, r, err)
	}
	if len(created) == 0 {
		return ""
	}
	return created[0]
}

// call gives a thing a name: its kind and what is given.
func (w *site) call(id, name string) string {
	w.Helper()
	name = network.Kind(id) + "-" + name
	if w.ids[name] != "" {
		w.Fatalf("two things are called %s", name)
	}
	w.names[id], w.ids[name] = name, id
	return id
}

// rename puts the names of things in the place of their IDs.
func (w *site) rename(s string) string {
	for id, name := range w.names {
		s = strings.ReplaceAll(s, id, name)
	}
	return s
}

func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr   { return netip.MustParseAddr(s) }

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, addr(a))
	}
	return out
}

// vpc makes a VPC whose main table, default ACL and default group have its name.
func (w *site) vpc(name, block string) network.VPCID { return w.makeVPC(name, block, false) }

func (w *site) vpc6(name, block string) network.VPCID { return w.makeVPC(name, block, true) }

func (w *site) makeVPC(name, block string, six bool) network.VPCID {
	w.Helper()
	id := network.VPCID(w.call(w.do(network.CreateVPC{CIDR: cidr(block), Amazon6: six}), name))
	v := w.VPC(id)
	w.call(string(v.MainTable), name)
	w.call(string(v.DefaultACL), name)
	w.call(string(v.DefaultGroup), name)
	return id
}

func (w *site) main(v network.VPCID) network.RouteTableID { return w.VPC(v).MainTable }

// subnet makes a subnet, with an IPv6 block where the VPC has one.
func (w *site) subnet(v network.VPCID, name, block string) network.SubnetID {
	w.Helper()
	six := netip.Prefix{}
	if row := w.VPC(v); len(row.Blocks6) > 0 {
		raw := row.Blocks6[0].CIDR.Addr().As16()
		for range w.SubnetsIn(v) {
			raw[7]++
		}
		six = netip.PrefixFrom(netip.AddrFrom16(raw), 64)
	}
	return network.SubnetID(w.call(w.do(network.CreateSubnet{VPC: v, CIDR: cidr(block), CIDR6: six, Zone: zones[0], Zones: zones}), name))
}

// server makes a running instance with one interface, both of the given name.
func (w *site) server(n network.SubnetID, name, address string, groups ...network.GroupID) network.ENIID {
	w.Helper()
	spec := network.ENISpec{Subnet: n, Addrs: []netip.Addr{addr(address)}, Groups: groups}
	if w.Subnet(n).CIDR6().IsValid() {
		six := w.Subnet(n).CIDR6().Addr().As16()
		six[15] = spec.Addrs[0].As4()[3]
		spec.Addrs6 = []netip.Addr{netip.AddrFrom16(six)}
	}
	created, err := w.try(network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro",
		Interfaces: []network.InterfaceSpec{{New: spec, DeleteOnTermination: true}}})
	if err != nil {
		w.Fatalf("run %s: %v", name, err)
	}
	id := network.InstanceID(w.call(created[1], name))
	w.do(network.ReportStarted{Instance: id})
	for e := range w.ENIsAt(id) {
		return network.ENIID(w.call(string(e.ID), name))
	}
	w.Fatalf("%s has no interface", name)
	return ""
}

func (w *site) instanceOf(e network.ENIID) network.InstanceID { return w.ENI(e).Attachment.Instance }

// peering requests a peering; accept makes it active.
func (w *site) peering(name string, a, b network.VPCID) network.PeeringID {
	w.Helper()
	return network.PeeringID(w.call(w.do(network.RequestPeering{VPC: a, PeerVPC: b, PeerRegion: w.VPC(b).Region}), name))
}

func (w *site) accept(p network.PeeringID) network.PeeringID {
	w.Helper()
	w.in(network.Caller{Account: home.Account, Region: w.Peering(p).Accepter.Region}, func() { w.do(network.AcceptPeering{Peering: p}) })
	return p
}

// in does something on behalf of another caller.
func (w *site) in(c network.Caller, f func()) {
	was := w.caller
	w.caller = c
	f()
	w.caller = was
}

func (w *site) route(t network.RouteTableID, dst string, to network.Target) {
	w.Helper()
	w.do(network.CreateRoute{Table: t, Dst: cidr(dst), To: to})
}

func via(p network.PeeringID) network.Target { return network.ToPeering{Peering: p} }

// group makes a security group with rules in the test's own words and without
// the egress rule for everything that new groups have.
func (w *site) group(v network.VPCID, name string, rules ...string) network.GroupID {
	w.Helper()
	g := network.GroupID(w.call(w.do(network.CreateSecurityGroup{VPC: v, Name: name, Description: name}), name))
	for _, r := range w.SecurityGroup(g).Rules {
		w.do(network.RevokeRules{Group: g, Egress: true, IDs: []network.RuleID{r.ID}})
	}
	w.allow(g, rules...)
	return g
}

// allow adds rules like "in tcp 80-90 10.0.0.0/8", "out all 0.0.0.0/0",
// "in icmp 8/0 sg-web".
func (w *site) allow(g network.GroupID, rules ...string) {
	w.Helper()
	for _, text := range rules {
		f := strings.Fields(text)
		r := network.RuleSpec{Protocol: protocolNamed(f[1]), Ports: network.AnyPort, Peer: w.peer(f[len(f)-1])}
		if len(f) == 4 {
			r.Ports = portsNamed(f[2])
		} else if r.Protocol == network.TCP || r.Protocol == network.UDP {
			r.Ports = network.PortRange{From: 0, To: 65535}
		}
		w.do(network.AuthorizeRules{Group: g, Egress: f[0] == "out", Rules: []network.RuleSpec{r}})
	}
}

func (w *site) peer(text string) network.Peer {
	if id, ok := w.ids[text]; ok {
		return network.PeerGroup{Group: network.GroupID(id)}
	}
	return network.PeerCIDR{CIDR: cidr(text)}
}

// acl makes a network ACL with entries like "100 in allow tcp 80 0.0.0.0/0" and
// puts subnets under it.
func (w *site) acl(v network.VPCID, name string, entries []string, subnets ...network.SubnetID) network.ACLID {
	w.Helper()
	a := network.ACLID(w.call(w.do(network.CreateACL{VPC: v}), name))
	for _, text := range entries {
		w.do(network.CreateACLEntry{ACL: a, Entry: entryNamed(text)})
	}
	for _, n := range subnets {
		w.do(network.ReplaceACLAssociation{Association: w.Subnet(n).ACLAssociation, ACL: a})
	}
	return a
}

func entryNamed(text string) network.ACLEntry {
	f := strings.Fields(text)
	e := network.ACLEntry{Egress: f[1] == "out", Allow: f[2] == "allow", Protocol: protocolNamed(f[3]),
		CIDR: cidr(f[len(f)-1]), Ports: network.AnyPort}
	_, _ = fmt.Sscan(f[0], &e.Number)
	if len(f) == 6 {
		e.Ports = portsNamed(f[4])
	} else if e.Protocol == network.TCP || e.Protocol == network.UDP {
		e.Ports = network.PortRange{From: 0, To: 65535}
	}
	return e
}

func protocolNamed(s string) network.Protocol {
	if p, ok := map[string]network.Protocol{"all": network.AnyProtocol, "icmp": network.ICMP, "tcp": network.TCP,
		"udp": network.UDP, "icmpv6": network.ICMPv6}[s]; ok {
		return p
	}
	n := 0
	if _, err := fmt.Sscan(s, &n); err != nil {
		panic("protocol " + s)
	}
	return network.Protocol(n)
}

// portsNamed reads 80, 80-90, and for ICMP type and code as 8/0 or 8/-1.
func portsNamed(s string) network.PortRange {
	var r network.PortRange
	if n, _ := fmt.Sscanf(s, "%d-%d", &r.From, &r.To); n == 2 {
		return r
	}
	if n, _ := fmt.Sscanf(s, "%d/%d", &r.From, &r.To); n == 2 {
		return r
	}
	_, _ = fmt.Sscan(s, &r.From)
	r.To = r.From
	return r
}

// compileAll is Compile with a Compiler that has compiled before.
func compileAll(c *Compiler, s network.State) *Desired {
	d := c.Compile(s, nil)
	d.SetEpoch(V4, 1)
	d.SetEpoch(V6, 1)
	return d
}

func TestTheBuilderBuildsWhatItIsTold(t *testing.T) {
	w := newSite(t)
	a, b := w.vpc6("a", "10.0.0.0/16"), w.vpc("b", "10.1.0.0/16")
	n := w.subnet(a, "a1", "10.0.1.0/24")
	g := w.group(a, "web", "in tcp 80-90 10.0.0.0/8", "in icmp 8/0 sg-a", "out all 0.0.0.0/0")
	e := w.ENI(w.server(n, "web", "10.0.1.10", g))
	p := w.Peering(w.accept(w.peering("ab", a, b)))
	acl := w.ACL(w.acl(a, "strict", []string{"100 in allow tcp 80 10.1.0.0/16", "90 out deny all 0.0.0.0/0"}, n))
	rules := w.SecurityGroup(g).Rules
	for _, check := range []struct {
		what string
		ok   bool
	}{
		{"the interface has both families", len(e.Addrs) == 1 && len(e.Addrs6) == 1 && w.Subnet(n).Contains(e.Addrs6[0])},
		{"its instance runs", w.Instance(w.instanceOf(e.ID)).State == network.InstanceRunning},
		{"three rules", len(rules) == 3 && rules[0].Ports == network.PortRange{From: 80, To: 90} && rules[2].Egress},
		{"a group reference", rules[1].Peer.(network.PeerGroup).Group == w.VPC(a).DefaultGroup},
		{"an active peering", p.Status == network.PeeringActive},
		{"an ACL over the subnet", w.Subnet(n).ACL == acl.ID && len(acl.Entries) == 2 && !acl.Entries[0].Egress && acl.Entries[0].Allow},
		{"readable names", w.rename("goto "+string(n)) == "goto subnet-a1"},
	} {
		if !check.ok {
			t.Errorf("not %s", check.what)
		}
	}
}
