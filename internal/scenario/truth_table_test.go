package scenario_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
	"tombolo/probe"
)

// gate is one of the eight things that stand between MarketingServer and
// FinanceServer.
type gate int

// The gates, in no particular order: which one stops a packet is the oracle's.
const (
	egressRule gate = iota
	outboundACL
	route
	peeringActive
	inboundACL
	ingressRule
	routeBack
	answerACL
	gates
)

// row is a combination of gates: bit g set means that gate g is open.
type row int

func (r row) open(g gate) bool { return r&(1<<g) != 0 }

const allOpen row = 1<<gates - 1

func (r row) String() string {
	names := [gates]string{"egress rule", "outbound ACL", "route", "peering", "inbound ACL", "ingress rule", "route back", "answer's ACLs"}
	var closed []string
	for g := range gates {
		if !r.open(g) {
			closed = append(closed, names[g])
		}
	}
	return "without " + strings.Join(closed, ", ")
}

// stops is AWS's rule: the first closed gate that the packets meet, on the way
// there and then on the way back, and how a cause names it; ok when none does.
// (AWS: Reachability Analyzer, path components: interface, security group,
// network ACL, route table, peering; network ACL, security group, interface. The
// answer meets the ACLs and the route table of the other side, but not the
// groups, which remember.)
func (r row) stops(v pair) (at gate, cause linux.Cause, delivered bool) {
	for _, g := range []gate{egressRule, outboundACL, route, peeringActive, inboundACL, ingressRule, answerACL, routeBack} {
		if !r.open(g) {
			return g, v.causes()[g], false
		}
	}
	return 0, linux.Cause{}, true
}

// pair is one copy of the lab's first half, with the gates of one row open.
type pair struct {
	row                     row
	who                     network.Caller
	marketing, finance      *network.VPC
	client, server          network.ENIID
	clientAddrs, serverAddr [2]netip.Addr // IPv4, IPv6
	clientGroup             network.GroupID
	serverGroup             network.GroupID
	peering                 network.PeeringID
}

func (v pair) causes() [gates]linux.Cause {
	return [gates]linux.Cause{
		egressRule:    {Why: "sg-denied", At: string(v.client), Direction: "egress"},
		outboundACL:   {Why: "acl-denied", At: string(v.marketing.DefaultACL), Direction: "egress", Entry: "*"},
		route:         {Why: "no-route", At: string(v.marketing.MainTable)},
		peeringActive: {Why: "blackhole", At: string(v.marketing.MainTable)},
		inboundACL:    {Why: "acl-denied", At: string(v.finance.DefaultACL), Direction: "ingress", Entry: "*"},
		ingressRule:   {Why: "sg-denied", At: string(v.server), Direction: "ingress"},
		routeBack:     {Why: "no-route", At: string(v.finance.MainTable)},
		answerACL:     {Why: "acl-denied", At: string(v.finance.DefaultACL), Direction: "egress", Entry: "*"},
	}
}

// The two sides' addresses: the same in every pair, which are apart all the same.
var (
	marketingRange = netip.MustParsePrefix("10.0.0.0/16")
	financeRange   = netip.MustParsePrefix("172.31.0.0/16")
)

// build makes the pair of a row in an account of its own.
func (s *site) build(r row) *pair {
	v := &pair{row: r, who: network.Caller{Account: network.Account(fmt.Sprintf("%012d", 100000000000+int(r))), Region: "us-east-1"}}
	zones := []string{"us-east-1a"}
	s.do(v.who, network.OpenWorld{Zones: zones})
	side := func(p netip.Prefix, subnet, addr string) (*network.VPC, network.GroupID, network.ENIID, [2]netip.Addr) {
		id := network.VPCID(s.do(v.who, network.CreateVPC{CIDR: p, Amazon6: true})[0])
		vpc := s.state.VPC(id)
		six := netip.PrefixFrom(vpc.Blocks6[0].CIDR.Addr(), 64)
		n := network.SubnetID(s.do(v.who, network.CreateSubnet{VPC: id, CIDR: netip.MustParsePrefix(subnet), CIDR6: six, Zone: zones[0], Zones: zones})[0])
		g := network.GroupID(s.do(v.who, network.CreateSecurityGroup{VPC: id, Name: "server", Description: "server"})[0])
		addr6 := six.Addr().As16()
		addr6[15] = 10
		spec := network.ENISpec{Subnet: n, Addrs: []netip.Addr{netip.MustParseAddr(addr)}, Addrs6: []netip.Addr{netip.AddrFrom16(addr6)}, Groups: []network.GroupID{g}}
		made := s.do(v.who, network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro",
			Interfaces: []network.InterfaceSpec{{New: spec}}})
		s.do(v.who, network.ReportStarted{Instance: network.InstanceID(made[1])})
		for e := range s.state.ENIsAt(network.InstanceID(made[1])) {
			return s.state.VPC(id), g, e.ID, [2]netip.Addr{e.Addrs[0], e.Addrs6[0]}
		}
		panic("unreachable: an instance has an interface")
	}
	v.marketing, v.clientGroup, v.client, v.clientAddrs = side(marketingRange, "10.0.1.0/24", "10.0.1.10")
	v.finance, v.serverGroup, v.server, v.serverAddr = side(financeRange, "172.31.1.0/24", "172.31.1.199")
	s.close(v)
	for g := range gates {
		if r.open(g) {
			s.open(v, g)
		}
	}
	return v
}

// close takes away what AWS opens by default, and makes what all gates need.
func (s *site) close(v *pair) {
	v.peering = network.PeeringID(s.do(v.who, network.RequestPeering{VPC: v.marketing.ID, PeerVPC: v.finance.ID})[0])
	for _, g := range []network.GroupID{v.clientGroup, v.serverGroup} {
		var rules []network.RuleSpec
		for _, r := range s.state.SecurityGroup(g).Rules {
			rules = append(rules, r.RuleSpec)
		}
		s.do(v.who, network.RevokeRules{Group: g, Egress: true, Rules: rules})
	}
	for _, acl := range []network.ACLID{v.marketing.DefaultACL, v.finance.DefaultACL} {
		for _, e := range s.state.ACL(acl).Entries {
			s.do(v.who, network.DeleteACLEntry{ACL: acl, Number: e.Number, Egress: e.Egress})
		}
	}
}

// open opens one gate, for IPv4 and IPv6, and for nothing but the probes.
func (s *site) open(v *pair, g gate) {
	switch g {
	case egressRule:
		s.allow(v, v.clientGroup, true, v.finance)
	case ingressRule:
		s.allow(v, v.serverGroup, false, v.marketing)
	case outboundACL:
		s.enter(v, v.marketing.DefaultACL, true, v.finance, questions)
	case inboundACL:
		s.enter(v, v.finance.DefaultACL, false, v.marketing, questions)
	case answerACL:
		s.enter(v, v.finance.DefaultACL, true, v.marketing, answers)
		s.enter(v, v.marketing.DefaultACL, false, v.finance, answers)
	case route:
		s.route(v, v.marketing.MainTable, v.finance)
	case routeBack:
		s.route(v, v.finance.MainTable, v.marketing)
	case peeringActive:
		s.do(v.who, network.AcceptPeering{Peering: v.peering})
	}
}

func (s *site) route(v *pair, t network.RouteTableID, to *network.VPC) {
	for _, p := range to.Prefixes() {
		s.do(v.who, network.CreateRoute{Table: t, Dst: p, To: network.ToPeering{Peering: v.peering}})
	}
}

// traffic is a protocol of the probes, and the ports or types of one direction.
type traffic struct {
	protocol network.Protocol
	ports    network.PortRange
	family   int // 0 is IPv4, 1 is IPv6, -1 both
}

// The probes' questions and answers (RFC 792, RFC 4443; AWS: Network ACLs,
// ephemeral ports).
var (
	questions = []traffic{
		{network.TCP, network.PortRange{From: 80, To: 80}, -1}, {network.UDP, network.PortRange{From: 53, To: 53}, -1},
		{network.ICMP, network.PortRange{From: 8, To: -1}, 0}, {network.ICMPv6, network.PortRange{From: 128, To: -1}, 1},
	}
	answers = []traffic{
		{network.TCP, network.PortRange{From: 1024, To: 65535}, -1}, {network.UDP, network.PortRange{From: 1024, To: 65535}, -1},
		{network.ICMP, network.PortRange{From: 0, To: -1}, 0}, {network.ICMPv6, network.PortRange{From: 129, To: -1}, 1},
	}
)

// each calls f for every protocol, and its prefix of every family that it has.
func each(all []traffic, with *network.VPC, f func(traffic, netip.Prefix)) {
	for _, t := range all {
		for _, p := range with.Prefixes() {
			if t.family < 0 || (t.family == 0) == p.Addr().Is4() {
				f(t, p)
			}
		}
	}
}

func (s *site) allow(v *pair, g network.GroupID, egress bool, with *network.VPC) {
	var rules []network.RuleSpec
	each(questions, with, func(t traffic, p netip.Prefix) {
		rules = append(rules, network.RuleSpec{Egress: egress, Protocol: t.protocol, Ports: t.ports, Peer: network.PeerCIDR{CIDR: p}})
	})
	s.do(v.who, network.AuthorizeRules{Group: g, Egress: egress, Rules: rules})
}

func (s *site) enter(v *pair, acl network.ACLID, egress bool, with *network.VPC, all []traffic) {
	// An ACL's list has room for the questions' entries from 100 on, and for the
	// answers' from 200 on.
	n := 100
	if all[0].ports.From != 80 {
		n = 200
	}
	each(all, with, func(t traffic, p netip.Prefix) {
		n++
		s.do(v.who, network.CreateACLEntry{ACL: acl, Entry: network.ACLEntry{
			Number: n, Egress: egress, Allow: true, Protocol: t.protocol, CIDR: p, Ports: t.ports}})
	})
}

// wave is one kind of probe, sent by all pairs at once.
type wave struct {
	name    string
	family  int
	repeats bool // what gets no answer is sent again
	send    func(context.Context, netip.Addr, probe.Options) (probe.Result, error)
}

func waves() []wave {
	var all []wave
	for family, suffix := range []string{"", "6"} {
		all = append(all,
			wave{"tcp" + suffix, family, true, func(ctx context.Context, to netip.Addr, o probe.Options) (probe.Result, error) {
				return probe.TCP(ctx, netip.AddrPortFrom(to, 80).String(), o)
			}},
			wave{"udp" + suffix, family, false, func(ctx context.Context, to netip.Addr, o probe.Options) (probe.Result, error) {
				return probe.UDP(ctx, netip.AddrPortFrom(to, 53).String(), o)
			}},
			wave{"icmp" + suffix, family, false, func(ctx context.Context, to netip.Addr, o probe.Options) (probe.Result, error) {
				return probe.ICMP(ctx, to.String(), o)
			}})
	}
	return all
}

// TestTruthTable sends TCP, UDP and ICMP, in IPv4 and IPv6, through every
// combination of the eight gates between MarketingServer and FinanceServer: 256
// rows, side by side as 512 VPCs of one fabric. What each probe sees is AWS's
// rule, each denial with its cause. Then the gate that denied is opened, and so
// on, until every one of those probes is answered: no dead probe passes for a
// closed gate.
func TestTruthTable(t *testing.T) {
	testnet.Leaks(t)
	testnet.WatchMachine(t, fabricPrefixes...)
	s := newSite(t)
	var pairs []*pair
	for r := range allOpen + 1 {
		pairs = append(pairs, s.build(r))
	}
	e, err := newLinuxEngine(linux.Auto)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var denied [gates]int
	answered := 0
	for round := range gates + 1 {
		began := time.Now()
		if err := e.Set(s.state); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			listen(t, e, pairs)
		}
		obeyed := time.Since(began)
		for _, w := range waves() {
			answered += e.surge(t, w, pairs, &denied)
		}
		t.Logf("round %d: packets obey after %v, probes took %v", round, obeyed.Round(time.Millisecond), (time.Since(began) - obeyed).Round(time.Millisecond))
		closed := 0
		for _, v := range pairs {
			if g, _, delivered := v.row.stops(*v); !delivered {
				s.open(v, g)
				v.row |= 1 << g
				closed++
			}
		}
		if closed == 0 || t.Failed() {
			break
		}
	}
	t.Logf("probes denied per gate, each with its cause: %v; answered: %d", denied, answered)
	for g, n := range denied {
		// Whatever the rows, each gate is the first closed one in some, and all
		// pairs end with six probes answered.
		if !t.Failed() && (n < len(waves()) || answered < len(waves())*len(pairs)) {
			t.Errorf("gate %d denied %d probes: too few to prove anything", g, n)
		}
	}
}

func listen(t *testing.T, e *linuxEngine, pairs []*pair) {
	t.Helper()
	for _, v := range pairs {
		m, _, err := e.machineOf(v.server)
		if err != nil {
			t.Fatal(err)
		}
		for port, p := range map[uint16]network.Protocol{80: network.TCP, 53: network.UDP} {
			if err := m.serve(p, port); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// surge sends one probe in every pair at once, and compares what each has seen
// with the oracle.
func (e *linuxEngine) surge(t *testing.T, w wave, pairs []*pair, denied *[gates]int) (answered int) {
	t.Helper()
	var problems []string
	for range tries {
		results, before, after := e.probeAll(t, w, pairs)
		var stops [gates]int
		answered, problems = 0, nil
		for i, v := range pairs {
			g, problem := v.row.check(*v, results[i], before, after)
			switch {
			case problem != "":
				problems = append(problems, fmt.Sprintf("%s %v: %s", w.name, v.row, problem))
			case results[i].Verdict == probe.Answered:
				answered++
			default:
				stops[g]++
			}
		}
		if len(problems) == 0 {
			for g, n := range stops {
				denied[g] += n
			}
			return answered
		}
	}
	for _, p := range problems[:min(len(problems), 10)] {
		t.Error(p)
	}
	return answered
}

// probeAll sends, and reads the counters before and after.
func (e *linuxEngine) probeAll(t *testing.T, w wave, pairs []*pair) (results []probe.Result, before, after map[linux.Cause]uint64) {
	t.Helper()
	before, err := e.plane.Counters()
	if err != nil {
		t.Fatal(err)
	}
	results = make([]probe.Result, len(pairs))
	var all sync.WaitGroup
	for i, v := range pairs {
		all.Go(func() {
			r, err := e.sendIn(t.Context(), w, v)
			if err != nil {
				t.Errorf("%s %v: %v", w.name, v.row, err)
			}
			results[i] = r
		})
	}
	all.Wait()
	if after, err = e.plane.Counters(); err != nil {
		t.Fatal(err)
	}
	return results, before, after
}

// check compares what a probe has seen, and what was counted for its pair
// meanwhile, with the oracle; an empty problem says that all agree.
func (r row) check(v pair, got probe.Result, before, after map[linux.Cause]uint64) (g gate, problem string) {
	var grown []linux.Cause
	for _, c := range v.causes() {
		if after[c] > before[c] {
			grown = append(grown, c)
		}
	}
	g, cause, delivered := r.stops(v)
	switch {
	case delivered && (got.Verdict != probe.Answered || len(grown) > 0):
		return g, fmt.Sprintf("%v, drops %v, want an answer", got, grown)
	case !delivered && (got.Verdict != probe.Silent || len(grown) != 1 || grown[0] != cause):
		return g, fmt.Sprintf("%v, drops %v, want %v", got, grown, cause)
	}
	return g, ""
}

// sendIn sends one probe with the patience that its expected fate deserves.
func (e *linuxEngine) sendIn(ctx context.Context, w wave, v *pair) (probe.Result, error) {
	m, _, err := e.machineOf(v.client)
	if err != nil {
		return probe.Result{}, err
	}
	o := probe.Options{Timeout: 10 * time.Second}
	if _, _, delivered := v.row.stops(*v); !delivered {
		o.Timeout = 250 * time.Millisecond
	}
	return testnet.In(m.host, func() (probe.Result, error) { return w.send(ctx, v.serverAddr[w.family], o) })
}
