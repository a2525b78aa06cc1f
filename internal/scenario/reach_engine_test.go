package scenario_test

import (
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

// kept is a conversation: what was let through when, so that the security groups
// of both ends know it.
type kept struct{ open bool }

func newReachEngine() *reachEngine { return &reachEngine{kept: map[string]kept{}} }

func (e *reachEngine) Name() string { return "reach" }
func (e *reachEngine) Close() error { return nil }

func (e *reachEngine) Set(s network.State) error {
	e.index = reach.NewIndex(s)
	return nil
}

// Send traces the flow and turns the verdict into what is seen.
func (e *reachEngine) Send(f scenario.Flow) (scenario.Outcome, error) {
	q := reach.Flow{Source: f.From, SourceAddr: f.Source, DestinationAddr: f.To, Protocol: f.Protocol, Port: f.Port, SourcePort: f.FromPort}
	switch f.Protocol {
	case network.ICMP:
		q.ICMPType = 8
	case network.ICMPv6:
		q.ICMPType = 128
	}
	if f.Kind == scenario.Resolve {
		return e.resolve(f), nil
	}
	r := e.index.Trace(q)
	if f.Kind == scenario.OneWay && r.Verdict != reach.Unreachable || r.Verdict == reach.Reachable {
		if f.Closed {
			return scenario.Outcome{Result: scenario.Refused}, nil
		}
		return scenario.Outcome{Result: scenario.Delivered}, nil
	}
	first, _ := r.First()
	return scenario.Outcome{Result: scenario.NoReply, Cause: e.cause(f, first)}, nil
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
