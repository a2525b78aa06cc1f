package reach_test

import (
	"slices"
	"strings"
	"testing"

	"tombolo/internal/scenario"
	"tombolo/network"
	"tombolo/reach"
)

// step is what a person sees at one step of the founding lab.
type step struct {
	name     string
	text     string // what is done to the network
	from, to string
	causes   []string // of TCP port 80, details left out; nothing when it works
	six      []string // the same in IPv6; nil is as in IPv4
}

// labSteps are those at which somebody asks why. Each cause is its code, the
// component, and the answer's begin with "answer".
var labSteps = []step{
	{name: "2: three isolated VPCs", from: "MarketingServer", to: "FinanceServer", causes: []string{
		"NO_ROUTE_TO_DESTINATION marketing.main", "DISCONNECTED_VPCS marketing", "SG_HAS_NO_RULES sg:server", "answer NO_ROUTE_TO_DESTINATION finance.main"}},
	{name: "2: from the other side", from: "DeveloperServer", to: "FinanceServer", causes: []string{
		"NO_ROUTE_TO_DESTINATION developer.main", "DISCONNECTED_VPCS developer", "SG_HAS_NO_RULES sg:server", "answer NO_ROUTE_TO_DESTINATION finance.main"}},
	{name: "3: a peering is asked for", text: "peering mf marketing finance pending\n", from: "MarketingServer", to: "FinanceServer", causes: []string{
		"NO_ROUTE_TO_DESTINATION marketing.main", "BAD_STATE mf", "SG_HAS_NO_RULES sg:server", "answer NO_ROUTE_TO_DESTINATION finance.main"}},
	{name: "3: and accepted", text: "peering mf active\n", from: "MarketingServer", to: "FinanceServer", causes: []string{
		"NO_ROUTE_TO_DESTINATION marketing.main", "SG_HAS_NO_RULES sg:server", "answer NO_ROUTE_TO_DESTINATION finance.main"}},
	{name: "4: Marketing's route", text: "route marketing.main 172.31.0.0/16 mf\nroute marketing.main finance.ipv6 mf\n",
		from: "MarketingServer", to: "FinanceServer", causes: []string{"SG_HAS_NO_RULES sg:server", "answer NO_ROUTE_TO_DESTINATION finance.main"}},
	{name: "5: the way back", text: "route finance.main 10.0.0.0/16 mf\nroute finance.main marketing.ipv6 mf\n",
		from: "MarketingServer", to: "FinanceServer", causes: []string{"SG_HAS_NO_RULES sg:server"}},
	{name: "6: the rules", text: "sg server allow tcp/80 from 10.0.0.0/16\nsg server allow icmp/8 from 10.0.0.0/16\nsg server allow tcp/80 from marketing.ipv6\n",
		from: "MarketingServer", to: "FinanceServer"},
	{name: "7: the ACL denies", text: "acl finance.acl in 90 deny any 10.0.0.0/16\nacl finance.acl in 91 deny any marketing.ipv6\n",
		from: "MarketingServer", to: "FinanceServer", causes: []string{"SUBNET_ACL_RESTRICTION finance.acl"}},
	{name: "7: the ACL denies the answers", text: "acl finance.acl in 90 deleted\nacl finance.acl in 91 deleted\nacl finance.acl out 90 deny tcp/1024-65535 10.0.0.0/16\n",
		from: "MarketingServer", to: "FinanceServer", causes: []string{"answer SUBNET_ACL_RESTRICTION finance.acl"}, six: []string{}},
	{name: "7: and allows again", text: "acl finance.acl out 90 deleted\n", from: "MarketingServer", to: "FinanceServer"},
	{name: "8: Developer's peering", text: "peering df developer finance active\nroute developer.main 172.31.0.0/16 df\n",
		from: "DeveloperServer", to: "FinanceServer", causes: []string{"ENI_SG_RULES_MISMATCH FinanceServer", "answer NO_ROUTE_TO_DESTINATION finance.main"},
		six: []string{"NO_ROUTE_TO_DESTINATION developer.main", "ENI_SG_RULES_MISMATCH FinanceServer", "answer NO_ROUTE_TO_DESTINATION finance.main"}},
	{name: "8: works", text: "route finance.main 192.168.0.0/20 df\nsg server allow tcp/80 from 192.168.0.0/20\nroute developer.main finance.ipv6 df\n" +
		"route finance.main developer.ipv6 df\nsg server allow tcp/80 from developer.ipv6\n", from: "DeveloperServer", to: "FinanceServer"},
	{name: "9: Marketing to Developer", from: "MarketingServer", to: "DeveloperServer", causes: []string{
		"NO_ROUTE_TO_DESTINATION marketing.main", "DISCONNECTED_VPCS marketing", "ENI_SG_RULES_MISMATCH DeveloperServer", "answer NO_ROUTE_TO_DESTINATION developer.main"}},
	{name: "9: with routes by way of Finance", text: "route marketing.main 192.168.0.0/20 mf\nroute developer.main 10.0.0.0/16 df\neni FinanceServer check off\n",
		from: "MarketingServer", to: "DeveloperServer", causes: []string{
			"PCX_REQUIRES_ADDRESS_IN_VPC_CIDR mf", "DISCONNECTED_VPCS marketing", "ENI_SG_RULES_MISMATCH DeveloperServer", "answer PCX_REQUIRES_ADDRESS_IN_VPC_CIDR df"},
		six: []string{"NO_ROUTE_TO_DESTINATION marketing.main", "DISCONNECTED_VPCS marketing", "ENI_SG_RULES_MISMATCH DeveloperServer", "answer NO_ROUTE_TO_DESTINATION developer.main"}},
	{name: "10: a peering is deleted", text: "peering mf deleted\n", from: "MarketingServer", to: "FinanceServer", causes: []string{
		"BAD_STATE_ROUTE marketing.main", "DISCONNECTED_VPCS marketing", "answer BAD_STATE_ROUTE finance.main"}},
	{name: "10: the other one goes on", from: "DeveloperServer", to: "FinanceServer"},
}

const threeDepartments = `vpc marketing 10.0.0.0/16 ipv6
vpc developer 192.168.0.0/20 ipv6
vpc finance 172.31.0.0/16 ipv6
subnet m1 in marketing 10.0.1.0/24 ipv6
subnet d1 in developer 192.168.1.0/24 ipv6
subnet f1 in finance 172.31.1.0/24 ipv6
sg server in finance
eni MarketingServer in m1 10.0.1.10 ipv6
eni DeveloperServer in d1 192.168.1.10 ipv6
eni FinanceServer in f1 172.31.1.199 ipv6 sg server
`

// independent are the causes that need a change of their own, as labSteps has them.
func independent(s site, r reach.Result) []string {
	var out []string
	for _, e := range r.Independent() {
		text := string(e.Code) + " " + s.nameOf(e.Component)
		if e.Way == reach.Answer {
			text = "answer " + text
		}
		out = append(out, text)
	}
	return out
}

// labAt plays the lab up to a step. The statements before a question are all that
// a scenario needs, so each step is built anew.
func labAt(t *testing.T, upTo int) site {
	t.Helper()
	text := threeDepartments + "send MarketingServer FinanceServer icmp\n----\nno reply\n"
	for _, st := range labSteps[:upTo+1] {
		if st.text != "" {
			text += "\n" + st.text + "send MarketingServer FinanceServer icmp\n----\nwhatever\n"
		}
	}
	f, err := scenario.Parse("lab", "# lab\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	a := &asker{}
	if _, err := scenario.Run(f, a); err != nil {
		t.Fatal(err)
	}
	return site{t, a.state, a.nameOf}
}

func TestCausesOfEveryStepOfTheLab(t *testing.T) {
	for i, st := range labSteps {
		s := labAt(t, i)
		four := reach.Trace(s.State, s.tcp(st.from, st.to, 80))
		if got := independent(s, four); !slices.Equal(got, st.causes) {
			t.Errorf("step %s:\n got %s\nwant %s", st.name, strings.Join(got, "; "), strings.Join(st.causes, "; "))
		}
		want := st.six
		if want == nil {
			want = st.causes
		}
		f := s.tcp(st.from, st.to, 80)
		f.DestinationAddr = s.ENI(s.eni(st.to)).Addrs6[0]
		if got := independent(s, reach.Trace(s.State, f)); !slices.Equal(got, want) {
			t.Errorf("step %s, IPv6:\n got %s\nwant %s", st.name, strings.Join(got, "; "), strings.Join(want, "; "))
		}
	}
}

// TestEveryStepOfTheLabCanBeOpened: the plan at each failing step works, takes no
// more changes than there are causes (a peering takes two), and is refused by
// nobody.
func TestEveryStepOfTheLabCanBeOpened(t *testing.T) {
	opened := 0
	for i, st := range labSteps {
		s := labAt(t, i)
		f := s.tcp(st.from, st.to, 80)
		p := reach.Fix(s.State, f)
		if len(st.causes) == 0 {
			if len(p.Changes)+len(p.Obstacles) > 0 {
				t.Errorf("step %s works, but %v", st.name, p)
			}
			continue
		}
		after, err := p.After(s.State)
		if err != nil || reach.Trace(after, f).Verdict != reach.Reachable {
			t.Errorf("step %s: %v after %v", st.name, err, p.Commands())
			continue
		}
		opened++
		most := len(st.causes)
		if slices.ContainsFunc(st.causes, func(c string) bool { return strings.HasPrefix(c, "DISCONNECTED") }) {
			most++ // asked for, and accepted
		}
		if len(p.Changes) > most {
			t.Errorf("step %s: %d changes for %v: %v", st.name, len(p.Changes), st.causes, p.Commands())
		}
		for _, d := range reach.Compare(s.State, after) {
			if d.Source != f.Source || d.Destination != f.Destination || !d.Closed.Empty() {
				t.Errorf("step %s: %s > %s opened %v, closed %v", st.name, s.nameOf(string(d.Source)), s.nameOf(string(d.Destination)), d.Opened, d.Closed)
			}
		}
	}
	if opened != 12 {
		t.Errorf("%d steps were opened", opened)
	}
}

// TestAskingByAddressFindsTheSameCauses: a person copies 172.31.1.199, which the
// default VPC could have too.
func TestAskingByAddressFindsTheSameCauses(t *testing.T) {
	for i, st := range labSteps {
		s := labAt(t, i)
		f := s.tcp(st.from, st.to, 80)
		byName := independent(s, reach.Trace(s.State, f))
		f.Destination, f.DestinationAddr = "", s.ENI(f.Destination).Addrs[0]
		r := reach.Trace(s.State, f)
		if byAddress := independent(s, r); !slices.Equal(byName, byAddress) {
			t.Errorf("step %s:\nby name    %v\nby address %v", st.name, byName, byAddress)
		}
		if r.Destination != s.eni(st.to) {
			t.Errorf("step %s: it is about %q", st.name, s.nameOf(string(r.Destination)))
		}
	}
}

func TestThePlanOfTheLabIsItsSteps(t *testing.T) {
	s := labAt(t, 0)
	p := reach.Fix(s.State, s.tcp("MarketingServer", "FinanceServer", 80))
	var kinds []string
	for _, c := range p.Changes {
		switch c.Request.(type) {
		case network.RequestPeering:
			kinds = append(kinds, "request")
		case network.AcceptPeering:
			kinds = append(kinds, "accept")
		case network.CreateRoute:
			kinds = append(kinds, "route")
		case network.AuthorizeRules:
			kinds = append(kinds, "rule")
		default:
			kinds = append(kinds, "?")
		}
		if c.Why == "" || c.Caller.Account == "" || c.Caller.Region == "" {
			t.Errorf("%+v", c)
		}
	}
	if want := []string{"request", "accept", "route", "rule", "route"}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}
