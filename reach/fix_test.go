package reach_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"tombolo/internal/scenario"
	"tombolo/network"
	"tombolo/reach"
)

// fixer is an engine for scenarios that answers with what would open a flow:
// commands, or after "impossible" the obstacles.
type fixer struct{ asker }

var anID = regexp.MustCompile(`\b(eni|vpc|rtb|pcx|sg|acl|i|subnet|igw)-[0-9a-f]{17}\b`)

func (f *fixer) Send(q scenario.Flow) (scenario.Outcome, error) {
	flow := flowOf(q)
	if reach.Trace(f.state, flow).Verdict == reach.Reachable {
		return scenario.Outcome{Result: scenario.Delivered}, nil
	}
	p := reach.Fix(f.state, flow)
	var out []string
	for _, c := range p.Commands() {
		out = append(out, strings.TrimPrefix(c.String(), "aws ec2 "))
	}
	if len(p.Obstacles) > 0 {
		out = append(out, "impossible")
	}
	for _, o := range p.Obstacles {
		out = append(out, string(o.Cause.Code)+": "+o.Redesign)
	}
	text := anID.ReplaceAllStringFunc(strings.Join(out, "; "), f.nameOf)
	return scenario.Outcome{Result: scenario.NoReply, Cause: scenario.Cause{Word: text}}, nil
}

// TestFix plays the files of testdata/fix: for each question the commands that
// would open the flow, or what has to be redesigned.
func TestFix(t *testing.T) {
	for path, f := range files(t, "testdata/fix") {
		t.Run(strings.TrimSuffix(f.Name, ".txt"), func(t *testing.T) {
			r, err := scenario.Run(f, &fixer{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range r.Seen {
				if s.Got != s.Line.Want {
					t.Errorf("%s:%d: %s\n   want %s\n    got %s", f.Name, s.Line.Number, strings.Join(s.Line.Words, " "), s.Line.Want, s.Got)
				}
			}
			if *rewrite {
				write(t, path, r)
			}
		})
	}
}

// verifier is an engine that holds every plan to its word: applied, it opens the
// flow; without any one of its changes it does not; it has changes or obstacles,
// never both.
type verifier struct {
	asker
	t               *testing.T
	fixed, hopeless int
}

func (v *verifier) Send(q scenario.Flow) (scenario.Outcome, error) {
	flow := flowOf(q)
	if q.Kind == scenario.Resolve || reach.Trace(v.state, flow).Verdict == reach.Reachable {
		return scenario.Outcome{Result: scenario.Delivered}, nil
	}
	p := reach.Fix(v.state, flow)
	if (len(p.Changes) == 0) == (len(p.Obstacles) == 0) {
		v.t.Errorf("%d changes and %d obstacles", len(p.Changes), len(p.Obstacles))
	}
	for _, o := range p.Obstacles {
		if o.Redesign == "" || o.Cause.Code == "" {
			v.t.Errorf("an obstacle that says nothing: %+v", o)
		}
	}
	if _, err := json.Marshal(p); err != nil {
		v.t.Error(err)
	}
	if len(p.Obstacles) > 0 {
		v.hopeless++
		return scenario.Outcome{Result: scenario.NoReply}, nil
	}
	v.fixed++
	after, err := p.After(v.state)
	if err != nil {
		v.t.Errorf("the plan is refused: %v", err)
	}
	if r := reach.Trace(after, flow); r.Verdict != reach.Reachable {
		v.t.Errorf("after the plan it is %v: %v", r.Verdict, codes(r))
	}
	for i := range p.Changes {
		less := p
		less.Changes = append(append([]reach.Change{}, p.Changes[:i]...), p.Changes[i+1:]...)
		if after, err := less.After(v.state); err == nil && reach.Trace(after, flow).Verdict == reach.Reachable {
			v.t.Errorf("%s is not needed", p.Commands()[i])
		}
	}
	v.narrow(p, flow, after)
	return scenario.Outcome{Result: scenario.NoReply}, nil
}

// narrow is whether the plan's rules and entries are for the flow alone.
func (v *verifier) narrow(p reach.Plan, f reach.Flow, after network.State) {
	ends := reach.Trace(after, f).Flow
	for _, c := range p.Changes {
		switch r := c.Request.(type) {
		case network.AuthorizeRules:
			cidr := r.Rules[0].Peer.(network.PeerCIDR).CIDR
			if !cidr.IsSingleIP() || cidr.Addr() != ends.SourceAddr && cidr.Addr() != ends.DestinationAddr || r.Rules[0].Protocol != ends.Protocol {
				v.t.Errorf("%s opens more than %+v", reach.RuleText(r.Rules[0]), ends)
			}
		case network.CreateACLEntry:
			if e := r.Entry; !e.CIDR.IsSingleIP() || e.Protocol != ends.Protocol {
				v.t.Errorf("entry %+v opens more than %+v", e, ends)
			}
		case network.CreateRoute:
			if !r.Dst.IsSingleIP() {
				v.t.Errorf("route %v opens more than %+v", r.Dst, ends)
			}
		}
	}
}

func TestPlansKeepTheirWord(t *testing.T) {
	fixed, hopeless := 0, 0
	for _, dir := range []string{"testdata/why", "testdata/fix", "../scenarios"} {
		for _, f := range files(t, dir) {
			t.Run(strings.TrimSuffix(f.Name, ".txt"), func(t *testing.T) {
				v := &verifier{t: t}
				if _, err := scenario.Run(f, v); err != nil {
					t.Fatal(err)
				}
				fixed, hopeless = fixed+v.fixed, hopeless+v.hopeless
			})
		}
	}
	if fixed < 100 || hopeless < 20 {
		t.Errorf("%d flows fixed, %d hopeless: the test is vacuous", fixed, hopeless)
	}
	t.Logf("%d flows fixed, %d hopeless", fixed, hopeless)
}

// TestAPlanOpensWhatIsAskedAndNothingElse: everything that works after a plan and
// did not before is the flow.
func TestAPlanOpensWhatIsAskedAndNothingElse(t *testing.T) {
	s := build(t, `vpc marketing 10.0.0.0/16 ipv6
vpc finance 172.31.0.0/16 ipv6
subnet m1 in marketing 10.0.1.0/24 ipv6
subnet f1 in finance 172.31.1.0/24 ipv6
subnet f2 in finance 172.31.2.0/24
sg server in finance
eni client in m1 10.0.1.10 ipv6
eni mate in m1 10.0.1.11 ipv6
eni server in f1 172.31.1.199 ipv6 sg server
eni open in f2 172.31.2.10 sg server
acl strict in finance for f1
`)
	for _, f := range []reach.Flow{
		s.tcp("client", "server", 80),
		{Source: s.eni("client"), Destination: s.eni("server"), Protocol: network.UDP, Port: 53, SourcePort: 5353},
		{Source: s.eni("client"), Destination: s.eni("server"), Protocol: network.ICMP, ICMPType: 8},
		{Source: s.eni("client"), Destination: s.eni("server"), Protocol: network.ICMPv6, ICMPType: 128, DestinationAddr: s.ENI(s.eni("server")).Addrs6[0]},
	} {
		p := reach.Fix(s.State, f)
		if len(p.Changes) != 7 {
			t.Errorf("%d changes: %v", len(p.Changes), p.Commands())
		}
		after, err := p.After(s.State)
		if err != nil {
			t.Fatal(err)
		}
		ends := reach.Trace(after, f).Flow
		for _, d := range reach.Compare(s.State, after) {
			// The group has a member more, which the rule is for too.
			if d.Source != f.Source || !d.Closed.Empty() || d.Destination != f.Destination {
				t.Errorf("%s > %s: opened %v, closed %v", s.nameOf(string(d.Source)), s.nameOf(string(d.Destination)), d.Opened, d.Closed)
			}
			for _, b := range d.Opened.Boxes() {
				if !b.Src.Has(ends.SourceAddr) || !b.Dst.Has(ends.DestinationAddr) || b.Protocol.From != uint8(ends.Protocol) ||
					b.Protocol.To != b.Protocol.From || b.DstPort.From != b.DstPort.To {
					t.Errorf("opened %v for %+v", b, ends)
				}
			}
		}
	}
}

func TestNothingIsToBeDoneForWhatIsOpen(t *testing.T) {
	s := build(t, pair)
	p := reach.Fix(s.State, s.tcp("client", "server", 80))
	if len(p.Changes) != 0 || len(p.Obstacles) != 0 {
		t.Errorf("%+v", p)
	}
	if text := p.HCL(); text != "" {
		t.Error(text)
	}
}

// everyChange is a network whose plan has every kind of change.
const everyChange = `vpc a 10.0.0.0/16
vpc b 172.16.0.0/16 ipv6 account 999999999999 region eu-west-1
vpc c 10.1.0.0/16 ipv6
subnet a1 in a 10.0.1.0/24
subnet am in a 10.0.9.0/24
subnet a2 in a 10.0.2.0/24
subnet b1 in b 172.16.1.0/24 ipv6
subnet c1 in c 10.1.1.0/24 ipv6
table viabox in a for a1
table back in a for a2
sg quiet in a revoke any to 0.0.0.0/0
eni client in a1 10.0.1.10 sg quiet
eni server in b1 172.16.1.10 ipv6
eni six in c1 10.1.1.10 ipv6
eni box in am 10.0.9.9
eni behind in a2 10.0.2.10
route viabox 10.0.2.0/24 box
acl strict in b for b1
peering bc b c pending
route c.main b.ipv6 bc
instance box stopped
instance server stopped
`

// TestPlansAsText compares every form of some plans with testdata/plan.golden.
func TestPlansAsText(t *testing.T) {
	s := build(t, everyChange)
	v6 := s.tcp("six", "server", 443)
	v6.DestinationAddr = s.ENI(s.eni("server")).Addrs6[0]
	var b strings.Builder
	for _, f := range []reach.Flow{
		s.tcp("client", "server", 443),
		v6,
		{Source: s.eni("client"), Destination: s.eni("behind"), Protocol: network.ICMP, ICMPType: 8},
		{Source: s.eni("six"), Destination: s.eni("server"), Protocol: network.ICMP, ICMPType: 8},
		{Source: s.eni("six"), Destination: s.eni("server"), Protocol: 47, DestinationAddr: v6.DestinationAddr},
		{Source: s.eni("client"), Destination: s.eni("six"), DestinationAddr: s.ENI(s.eni("six")).Addrs6[0], Protocol: network.TCP, Port: 1},
	} {
		p := reach.Fix(s.State, f)
		for _, c := range p.Commands() {
			b.WriteString("# " + c.Why + "\n" + c.String() + "\n")
		}
		doc, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n" + p.HCL() + "\n" + string(doc) + "\n\n")
	}
	golden(t, "testdata/plan.golden", anID.ReplaceAllStringFunc(b.String(), s.nameOf))
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; see what with -rewrite and git diff. Got:\n%s", path, got)
	}
}
