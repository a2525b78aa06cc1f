package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tombolo/internal/scenario"
	"tombolo/network"
)

// dir holds the scenarios.
const dir = "../../scenarios"

func scenarios(t *testing.T) []*scenario.File {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	var all []*scenario.File
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := scenario.Parse(filepath.Base(path), string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

// scripted is an engine whose answers are given in advance.
type scripted struct {
	name  string
	state network.State
	flows []scenario.Flow
	say   scenario.Outcome
}

func (e *scripted) Name() string { return e.name }
func (e *scripted) Close() error { return nil }

func (e *scripted) Set(s network.State) error {
	e.state = s
	return nil
}

func (e *scripted) Send(f scenario.Flow) (scenario.Outcome, error) {
	e.flows = append(e.flows, f)
	return e.say, nil
}

func TestEveryScenarioCitesItsRuleAndBuildsItsNetwork(t *testing.T) {
	asked := 0
	for _, f := range scenarios(t) {
		if !strings.Contains(f.Title, "(AWS: ") && !strings.Contains(f.Title, "(RFC ") {
			t.Errorf("%s: the first line cites no source: %s", f.Name, f.Title)
		}
		r, err := scenario.Run(f, &scripted{name: "scripted", say: scenario.Outcome{Result: scenario.NoReply}})
		if err != nil {
			t.Error(err)
		}
		asked += r.Asked
	}
	if n := len(scenarios(t)); n < 60 || asked < 5*60 {
		t.Errorf("%d scenarios with %d questions are too few to be a specification", n, asked)
	}
}

// TestScenariosAreNotVacuous: a corpus in which everything is delivered, or
// nothing is, or in which a cause never shows, proves little.
func TestScenariosAreNotVacuous(t *testing.T) {
	outcomes := map[string]int{}
	all := 0
	for _, f := range scenarios(t) {
		for _, l := range f.Lines {
			if l.Want == "" {
				continue
			}
			all++
			what, cause, _ := strings.Cut(l.Want, ": ")
			what, _, _ = strings.Cut(what, " mtu ")
			outcomes[what]++
			why, rest, _ := strings.Cut(cause, " at ")
			outcomes[why]++
			for _, direction := range []string{"ingress", "egress"} {
				if strings.Contains(rest, " "+direction) {
					outcomes[why+" "+direction]++
				}
			}
		}
	}
	for _, what := range []string{"delivered", "no reply"} {
		if 4*outcomes[what] < all {
			t.Errorf("%d of %d questions end with %s: want a quarter", outcomes[what], all, what)
		}
	}
	for _, what := range []string{
		"refused", "arrived", "dropped", "answered", "silent",
		"sg-denied egress", "sg-denied ingress", "acl-denied egress", "acl-denied ingress", "no-route", "blackhole",
		"not-in-peer-cidr", "source-not-in-vpc", "no-such-address", "spoofed", "dest-check", "not-supported", scenario.Uncounted,
	} {
		if outcomes[what] == 0 {
			t.Errorf("no scenario shows %s", what)
		}
	}
}

const small = `# One VPC (AWS: How Amazon VPC works).
vpc a 10.0.0.0/16 ipv6
subnet a1 in a 10.0.1.0/24 ipv6
sg open allow any from 0.0.0.0/0
eni one in a1 10.0.1.10 10.0.1.11 ipv6 sg open
eni two in a1 10.0.1.20 ipv6 sg open

`

func play(t *testing.T, text string, say scenario.Outcome) (scenario.Report, *scripted) {
	t.Helper()
	f, err := scenario.Parse("test", small+text)
	if err != nil {
		t.Fatal(err)
	}
	e := &scripted{name: "scripted", say: say}
	r, err := scenario.Run(f, e)
	if err != nil {
		t.Fatal(err)
	}
	return r, e
}

func TestRunNoticesWhatDiffers(t *testing.T) {
	denied := scenario.Outcome{Result: scenario.NoReply, Cause: scenario.Cause{Word: "blackhole"}}
	for _, c := range []struct {
		want string
		say  scenario.Outcome
		ok   bool
	}{
		{"delivered", scenario.Outcome{Result: scenario.Delivered}, true},
		{"delivered", scenario.Outcome{Result: scenario.Refused}, false},
		{"delivered", scenario.Outcome{Result: scenario.Delivered, MTU: 1500}, false},
		{"delivered mtu 1500", scenario.Outcome{Result: scenario.Delivered, MTU: 1500}, true},
		{"no reply: blackhole for 10.0.1.20", denied, true},
		{"no reply: no-route for 10.0.1.20", denied, false},
		{"no reply", denied, false},
		// An engine that cannot tell causes agrees with any.
		{"no reply: blackhole for 10.0.1.20", scenario.Outcome{Result: scenario.NoReply}, true},
		{"refused", scenario.Outcome{Result: scenario.NoReply}, false},
	} {
		r, _ := play(t, "send one two tcp/80\n----\n"+c.want, c.say)
		if r.Asked != 1 || r.Seen[0].Differs() == c.ok || (r.Passed == 1) != c.ok {
			t.Errorf("wanted %q, got %q, differs: %v", c.want, r.Seen[0].Got, r.Seen[0].Differs())
		}
	}
}

func TestSkippedLinesAreCountedForTheEngineTheyName(t *testing.T) {
	text := "skip scripted: not now\nsend one two tcp/80\n----\ndelivered\n"
	if r, e := play(t, text, scenario.Outcome{}); r.Skipped != "not now" || len(e.flows) != 0 {
		t.Errorf("%+v", r)
	}
	text = strings.Replace(text, "scripted", "another", 1)
	if r, e := play(t, text, scenario.Outcome{}); r.Skipped != "" || len(e.flows) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestQuestionsSayWhoAsksWhom(t *testing.T) {
	_, e := play(t, `close two tcp/81
send one/2 two udp/53 size 100 ttl 3 df
send one two.ipv6 icmp
send one two tcp/81
packet one two 47 from 192.0.2.1
flow f two one tcp/22
flow f
----
delivered
no reply
refused
arrived
delivered
no reply
`, scenario.Outcome{Result: scenario.Delivered})
	if len(e.flows) != 6 {
		t.Fatalf("%d questions", len(e.flows))
	}
	f := e.flows[0]
	if f.Source.String() != "10.0.1.11" || f.To.String() != "10.0.1.20" || f.Port != 53 || f.Protocol != network.UDP ||
		f.Size != 100 || f.TTL != 3 || !f.DontFragment {
		t.Errorf("%+v", f)
	}
	if f := e.flows[1]; !f.Source.Is6() || !f.To.Is6() || f.Protocol != network.ICMPv6 || f.Patience >= e.flows[0].Patience {
		t.Errorf("%+v", f)
	}
	if f := e.flows[2]; !f.Closed || f.Target == "" {
		t.Errorf("%+v", f)
	}
	if f := e.flows[3]; f.Kind != scenario.OneWay || f.Source.String() != "192.0.2.1" || f.Protocol != 47 {
		t.Errorf("%+v", f)
	}
	if a, b := e.flows[4], e.flows[5]; a.Kind != scenario.Keep || a.Name != "f" || b.Port != a.Port {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	for _, c := range []struct{ text, why string }{
		{"vpc a 10.0.0.0/16", "first line must be a comment"},
		{"# t\nsend a b tcp/80\n", "no outcome"},
		{"# t\nsend a b tcp/80\n----\n\n", "no outcome"},
		{"# t\nsend a b tcp/80\n----\ndelivered\ndelivered\n", "too many"},
		{"# t\n----\ndelivered\n", "without questions"},
		{"# t\nsend a b tcp/80\nvpc a 10.0.0.0/16\n----\ndelivered\n", "between questions"},
	} {
		if _, err := scenario.Parse("test", c.text); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%q: %v, want %s", c.text, err, c.why)
		}
	}
	for _, c := range []struct{ line, why string }{
		{"router x", "no word of this language"},
		{"vpc b", "needs a CIDR"},
		{"vpc a 10.0.0.0/16", "already"},
		{"vpc b 10.0.0.0/16 quickly", "is no CIDR"},
		{"subnet b1 in b 10.0.1.0/24", `no vpc "b"`},
		{"subnet a2 in a 10.1.1.0/24", "outside"},
		{"route a.main 10.1.0.0/16 nowhere", "no target"},
		{"peering aa a a active", "failed"},
		{"sg x in a permit tcp/80 from 0.0.0.0/0", "allow or revoke"},
		{"sg x in a allow tcp/80 0.0.0.0/0", "from or to"},
		{"sg x in a allow frisbee from 0.0.0.0/0", "no protocol"},
		{"acl a.acl sideways 100 allow any 0.0.0.0/0", "in or out"},
		{"acl a.acl in 100 allow tcp/80 10.0.0.0/16 please", "what does"},
		{"eni three in a1 10.0.1.10", "address in use"},
		{"instance x", "of which interfaces"},
		{"send one three tcp/80\n----\ndelivered", "to whom"},
		{"send one two tcp\n----\ndelivered", "which port"},
		{"send one/3 two icmp\n----\ndelivered", "no such address"},
		{"flow f\n----\ndelivered", "never opened"},
	} {
		f, err := scenario.Parse("test", small+c.line)
		if err == nil {
			_, err = scenario.Run(f, &scripted{})
		}
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%q: %v, want %s", c.line, err, c.why)
		}
	}
}
