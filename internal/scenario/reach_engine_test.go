package scenario_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"tombolo/internal/scenario"
	"tombolo/network"
	"tombolo/reach"
)

// reachEngine answers what packets would do from the State alone, by the
// analyzer. What a conversation remembers it knows as AWS does: see Send.
type reachEngine struct {
	index *reach.Index
	kept  map[string]kept
}

// kept is a conversation: the interfaces at its ends that track it, where a rule
// that is revoked does not cut it.
type kept map[network.ENIID]bool

func newReachEngine() *reachEngine { return &reachEngine{kept: map[string]kept{}} }

func (e *reachEngine) Name() string { return "reach" }
func (e *reachEngine) Close() error { return nil }

func (e *reachEngine) Set(s network.State) error {
	e.index = reach.NewIndex(s)
	return nil
}

// Send traces the flow and turns the verdict into what is seen.
func (e *reachEngine) Send(f scenario.Flow) (scenario.Outcome, error) {
	if f.Kind == scenario.Resolve {
		return e.resolve(f), nil
	}
	q := question(f)
	r := e.index.Trace(q)
	causes := r.Causes
	if known, ok := e.kept[f.Name]; ok {
		causes = slices.DeleteFunc(causes, func(x reach.Explanation) bool { return ofGroups(x.Code) && known[x.ENI] })
	}
	if f.Kind == scenario.OneWay {
		causes = slices.DeleteFunc(causes, func(x reach.Explanation) bool { return x.Way == reach.Answer })
	}
	if f.Closed && len(causes) == 0 {
		return e.refusal(f), nil
	}
	if len(causes) > 0 {
		return scenario.Outcome{Result: scenario.NoReply, Cause: e.cause(f, causes[0])}, nil
	}
	if f.Kind == scenario.Keep && e.kept[f.Name] == nil {
		e.kept[f.Name] = kept{
			f.From:            e.tracks(f.From, f, reach.Egress),
			r.Forward.Arrived: e.tracks(r.Forward.Arrived, f, reach.Ingress),
		}
	}
	return scenario.Outcome{Result: scenario.Delivered, MTU: mtu(e.index.State(), f, r)}, nil
}

func question(f scenario.Flow) reach.Flow {
	q := reach.Flow{Source: f.From, SourceAddr: f.Source, DestinationAddr: f.To, Protocol: f.Protocol, Port: f.Port, SourcePort: f.FromPort}
	switch f.Protocol {
	case network.ICMP:
		q.ICMPType = 8
	case network.ICMPv6:
		q.ICMPType = 128
	}
	return q
}

func ofGroups(c reach.Code) bool {
	return c == reach.SecurityGroupHasNoRules || c == reach.SecurityGroupMismatch || c == reach.UnknownPeeredGroups
}

// tracks is whether the groups of an interface remember a flow. They don't when a
// rule is open to the world and everything may go back to the world (AWS:
// Security group connection tracking, Untracked connections).
func (e *reachEngine) tracks(id network.ENIID, f scenario.Flow, d reach.Direction) bool {
	if f.Protocol != network.TCP && f.Protocol != network.UDP {
		return true
	}
	open, back := false, false
	for _, g := range e.index.State().ENI(id).Groups {
		for _, r := range e.index.State().SecurityGroup(g).Rules {
			far, ok := r.Peer.(network.PeerCIDR)
			if !ok || far.CIDR.Bits() > 0 || far.CIDR.Addr().Is4() != f.To.Is4() || r.Protocol != network.AnyProtocol && r.Protocol != f.Protocol {
				continue
			}
			all := r.Protocol == network.AnyProtocol
			if r.Egress == (d == reach.Egress) {
				open = open || all || r.Ports.From <= int(f.Port) && int(f.Port) <= r.Ports.To
			} else {
				back = back || all || r.Ports == network.PortRange{From: 0, To: 65535}
			}
		}
	}
	return !open || !back
}

// refusal is what an instance says of a port where nothing listens: a TCP reset
// comes back like an answer, of UDP an ICMP error, which ACLs have to be told of.
func (e *reachEngine) refusal(f scenario.Flow) scenario.Outcome {
	if f.Protocol == network.UDP {
		q := reach.Flow{Source: f.Target, SourceAddr: f.To, Destination: f.From, DestinationAddr: f.Source, Protocol: network.ICMP, ICMPType: 3, ICMPCode: 3}
		if f.To.Is6() {
			q.Protocol, q.ICMPType, q.ICMPCode = network.ICMPv6, 1, 4
		}
		for _, x := range e.index.Trace(q).Causes {
			if !ofGroups(x.Code) { // they let errors about what they know pass
				return scenario.Outcome{Result: scenario.NoReply, Cause: e.cause(f, x)}
			}
		}
	}
	return scenario.Outcome{Result: scenario.Refused}
}

// mtu is what a router asks for: 8500 between Regions (AWS: Network MTU). TCP
// makes its segments fit.
func mtu(s network.State, f scenario.Flow, r reach.Result) int {
	header := 28
	if f.To.Is6() {
		header = 48
	}
	for _, h := range r.Forward.Hops {
		if p := s.Peering(network.PeeringID(h.Component)); p != nil && p.Requester.Region != p.Accepter.Region && f.Protocol != network.TCP && f.Size+header > 8500 {
			return 8500
		}
	}
	return 0
}

// resolve is ARP: only the subnet's own living interfaces and the router answer.
func (e *reachEngine) resolve(f scenario.Flow) scenario.Outcome {
	s := e.index.State()
	n := s.Subnet(s.ENI(f.From).Subnet)
	to := s.ENIWith(n.VPC, f.To)
	if n.Contains(f.To) && (f.To == n.Router() || to != nil && to.Attachment != nil && s.Instance(to.Attachment.Instance).Runs()) {
		return scenario.Outcome{Result: scenario.Delivered}
	}
	return scenario.Outcome{Result: scenario.NoReply}
}

// words are what the data plane counts for each code.
var words = map[reach.Code]string{
	reach.BadStateRoute: "blackhole", reach.NoRouteToDestination: "no-route", reach.PeeringNeedsAddress: "not-in-peer-cidr",
	reach.SecurityGroupHasNoRules: "sg-denied", reach.SecurityGroupMismatch: "sg-denied", reach.SubnetACLRestriction: "acl-denied",
	reach.NoSourceOrDestination: "no-such-address", reach.UnassociatedComponent: "no-such-address", reach.BadState: "no-such-address",
	reach.GatewayRejectsSpoofed: "not-supported", reach.GatewayPrivateAddress: "not-supported",
	reach.GatewaySharedAddress: "not-supported", reach.GatewayNeedsPublicIP: "not-supported", reach.NoPossibleDestination: "not-supported",
}

// cause translates the first cause into the words of the data plane's counters.
func (e *reachEngine) cause(f scenario.Flow, x reach.Explanation) scenario.Cause {
	c := scenario.Cause{Word: words[x.Code], At: x.Component, Direction: x.Direction.String()}
	switch x.Code {
	case reach.SecurityGroupHasNoRules:
		c.At = string(x.ENI)
	case reach.SubnetACLRestriction:
		if c.Rule = "*"; x.Entry.Number > 0 {
			c.Rule = strconv.Itoa(x.Entry.Number)
		}
	case reach.SourceDestCheck:
		if c.Word = "spoofed"; x.Direction == reach.Ingress {
			c.Word, c.Direction = "dest-check", ""
		}
	case reach.PeeringNeedsAddress:
		if x.PacketField == "source-address" {
			c.Word = "source-not-in-vpc"
		}
	case reach.NoSourceOrDestination, reach.UnassociatedComponent, reach.BadState:
		if e.unheard(f, x) {
			return scenario.Cause{Word: scenario.Uncounted}
		}
		c.At = string(x.VPC)
	case reach.NoPossibleDestination:
		if x.ENI != "" {
			return scenario.Cause{Word: scenario.Uncounted}
		}
	}
	switch c.Word {
	case "no-route", "blackhole", "no-such-address", "not-supported", "not-in-peer-cidr", "source-not-in-vpc":
		c.Direction = ""
	}
	return c
}

// unheard is a destination for which nothing is dropped: in IPv4 a neighbour that
// answers no ARP request is sent nothing, and a router's own address hears what
// it gets and says nothing.
func (e *reachEngine) unheard(f scenario.Flow, x reach.Explanation) bool {
	s := e.index.State()
	if n := s.Subnet(s.ENI(f.From).Subnet); f.To.Is4() && n.Contains(f.To) {
		return true
	}
	for n := range s.SubnetsIn(x.VPC) {
		if f.To.Is4() && n.Router() == f.To {
			return true
		}
	}
	return false
}

// TestReach plays every scenario on the analyzer.
func TestReach(t *testing.T) {
	for _, f := range scenarios(t) {
		t.Run(strings.TrimSuffix(f.Name, ".txt"), func(t *testing.T) {
			r, err := scenario.Run(f, newReachEngine())
			if err != nil {
				t.Fatal(err)
			}
			if r.Skipped != "" {
				t.Logf("skipped after %d questions: %s", r.Asked, r.Skipped)
			}
			for _, s := range r.Seen {
				if s.Differs() {
					t.Errorf("%s:%d: %s\n   want %s\n    got %s", f.Name, s.Line.Number, strings.Join(s.Line.Words, " "), s.Line.Want, s.Got)
				}
			}
		})
	}
}
