package lab

import (
	"context"
	"slices"
)

// scene is one of the ten steps: how the lab plays it, and what a person who plays
// it is told to do. What must be seen of packets afterwards is in claims.
type scene struct {
	title string
	task  string
	do    func(*play, context.Context) error
	look  func(*play, context.Context) error // at what a person did, without doing anything
}

// script is the lab.
var script = []scene{
	{"Three departments, three isolated VPCs",
		"Set the lab up, look at the three VPCs and their instances, and copy FinanceServer's address, 172.31.1.199.",
		(*play).build, (*play).lookAround},
	{"MarketingServer tries FinanceServer: nothing answers",
		"Open a Session Manager shell on MarketingServer and try FinanceServer: ping 172.31.1.199, curl http://172.31.1.199/. It hangs: VPCs are isolated by default.",
		(*play).isolated, (*play).lookNothing},
	{"Marketing asks Finance for a peering, Finance accepts",
		"Create a peering connection from Marketing to Finance, and accept it. Still no packet passes: there is no route.",
		(*play).peer, (*play).lookPeered},
	{"Marketing gets a route to Finance",
		"Add the route 172.31.0.0/16 through the peering connection to Marketing's route table. The request now gets as far as FinanceServer's security group.",
		(*play).routeThere, (*play).lookThere},
	{"Finance gets a route back to Marketing",
		"Add the route 10.0.0.0/16 through the peering connection to Finance's route table. One cause is left: the security group.",
		(*play).routeBack, (*play).lookBack},
	{"FinanceServer's security group lets Marketing in",
		"Add inbound rules to FinanceServer's security group: TCP port 80, and ICMP echo request, from 10.0.0.0/16. It works at once.",
		(*play).allow, (*play).lookNothing},
	{"Finance's network ACL cuts Marketing off, and lets it in again",
		"Add an inbound entry to Finance's network ACL that denies all traffic from 10.0.0.0/16 before rule 100, check; then remove it, and check again.",
		(*play).cut, (*play).lookCut},
	{"The same for Developer",
		"Do for Developer what you did for Marketing: a peering connection with Finance, both routes (172.31.0.0/16, 192.168.0.0/20), and the inbound rules.",
		(*play).developerToo, (*play).lookDeveloper},
	{"Marketing tries Developer: peering is not transitive",
		"Try DeveloperServer from MarketingServer. Add routes through the peering connections if you like, turn off FinanceServer's source/destination check: it never works.",
		(*play).notTransitive, (*play).lookNotTransitive},
	{"The Marketing peering is deleted",
		"Delete the peering connection between Marketing and Finance. Its routes turn into blackholes, traffic stops at once, and Developer goes on.",
		(*play).unpeer, (*play).lookUnpeered},
}

// claim is what must become of one server's trying another: answers, or silence for
// a cause at one of some components.
type claim struct {
	from, to *department
	cause    string // "" means that everything is answered
	at       []string
	// left is all that is in the way when the lab plays itself, in the order in which
	// a packet meets it, as Reachability Analyzer names it: "CODE component". The
	// first is what packets show.
	left []string
}

// AWS's codes for what is in the way in the lab (AWS: Reachability Analyzer,
// Explanation codes).
const (
	noRoute   = "NO_ROUTE_TO_DESTINATION "
	onlyLocal = "VPC_LOCAL_ROUTE_CIDR_RESTRICTION "
	apart     = "DISCONNECTED_VPCS "
	noRules   = "SG_HAS_NO_RULES "
	mismatch  = "ENI_SG_RULES_MISMATCH "
	aclDenies = "SUBNET_ACL_RESTRICTION "
	outside   = "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR "
	deadRoute = "BAD_STATE_ROUTE "
	state     = "BAD_STATE "
)

// claims are what must be seen of packets when a step has been played, by the step's
// number. Of step 7 they are of the time when the network ACL denies; then step 6's
// hold again.
func (p *play) claims(step int) []claim {
	m, d, f := p.marketing, p.developer, p.finance
	group := []string{f.eni, f.group}
	// At FinanceServer, and on the way back from it.
	closed := []string{noRules + f.group, noRoute + f.table, onlyLocal + f.table}
	here := []string{noRoute + m.table, onlyLocal + m.table}
	return map[int][]claim{
		2: {{m, f, "no-route", []string{m.table}, slices.Concat(here, []string{apart + m.vpc}, closed)}},
		3: {{m, f, "no-route", []string{m.table}, slices.Concat(here, closed)}},
		4: {{m, f, "sg-denied", group, closed}},
		5: {{m, f, "sg-denied", group, closed[:1]}},
		6: {{from: m, to: f}},
		7: {{m, f, "acl-denied", []string{f.acl}, []string{aclDenies + f.acl}}},
		8: {{from: d, to: f}, {from: m, to: f}},
		9: {{m, d, "not-in-peer-cidr", []string{p.marketPeer, m.table}, []string{outside + p.marketPeer, apart + m.vpc, noRules + d.group, outside + p.developPeer}},
			{d, m, "not-in-peer-cidr", []string{p.developPeer, d.table}, []string{outside + p.developPeer, apart + d.vpc, noRules + m.group, outside + p.marketPeer}}},
		10: {{m, f, "blackhole", []string{m.table}, []string{deadRoute + m.table, state + p.marketPeer, apart + m.vpc, deadRoute + f.table}}},
	}[step]
}

// claimed checks with packets, and with the analyzer, what is claimed of a step.
func (p *play) claimed(ctx context.Context, step int) error {
	for _, c := range p.claims(step) {
		if c.cause == "" {
			p.reachable(ctx, c.from, c.to)
		} else if err := p.unreachable(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
