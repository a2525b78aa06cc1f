package insight

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/internal/scenario"
	"tombolo/network"
	"tombolo/reach"
)

// stage is a Backend without packets.
type stage struct {
	state network.State
	n     uint64
	lost  bool // what is left for later is never done: it went down
}

func (s *stage) State() network.State { return s.state }

func (s *stage) Later(work func(context.Context) error) {
	if !s.lost {
		_ = work(context.Background()) // what it keeps is looked at
	}
}

func (s *stage) Console(context.Context, network.InstanceID) ([]byte, time.Time, error) {
	return nil, time.Time{}, nil
}

func (s *stage) Do(_ context.Context, who network.Caller, token string, r network.Request) (network.State, error) {
	s.n++
	op := network.Op{Caller: who, At: time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC), Token: token, Request: r}
	copy(op.Seed[:], "insight!")
	binary.BigEndian.PutUint64(op.Seed[8:], s.n)
	next, err := s.state.Apply(op)
	if err == nil {
		s.state = next
	}
	return next, err
}

// call carries out one action for a caller, through the frame of the API.
func call[O any](t *testing.T, s *stage, who network.Caller, action string, params ...string) (O, error) {
	t.Helper()
	var none O
	form := ""
	for i := 0; i < len(params); i += 2 {
		form += "&" + params[i] + "=" + params[i+1]
	}
	form = strings.TrimPrefix(form, "&")
	f, problem := wire.ParseForm(form)
	if problem != nil {
		t.Fatalf("%s: %+v", form, problem)
	}
	c := &api.Call{Ctx: t.Context(), Backend: s, Caller: who, State: s.state, Action: action, Now: time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)}
	for _, o := range Operations() {
		if o.Name != action {
			continue
		}
		out, err := o.Run(c, f)
		if err != nil {
			return none, err
		}
		return out.(O), nil
	}
	t.Fatalf("there is no %s", action)
	return none, nil
}

// analyse asks a path once and gives the analysis.
func analyse(t *testing.T, s *stage, who network.Caller, params ...string) wire.NetworkInsightsAnalysis {
	t.Helper()
	made, err := call[*wire.CreateNetworkInsightsPathResult](t, s, who, "CreateNetworkInsightsPath", params...)
	if err != nil {
		t.Fatalf("%v: %v", params, err)
	}
	return again(t, s, who, *made.NetworkInsightsPath.NetworkInsightsPathId)
}

// again asks a path that there is.
func again(t *testing.T, s *stage, who network.Caller, path string, params ...string) wire.NetworkInsightsAnalysis {
	t.Helper()
	began, err := call[*wire.StartNetworkInsightsAnalysisResult](t, s, who, "StartNetworkInsightsAnalysis", append([]string{"NetworkInsightsPathId", path}, params...)...)
	if err != nil {
		t.Fatal(err)
	}
	if a := began.NetworkInsightsAnalysis; *a.Status != "running" || a.NetworkPathFound != nil {
		t.Errorf("it began as %+v", a)
	}
	seen, err := call[*wire.DescribeNetworkInsightsAnalysesResult](t, s, who, "DescribeNetworkInsightsAnalyses",
		"NetworkInsightsAnalysisId.1", *began.NetworkInsightsAnalysis.NetworkInsightsAnalysisId)
	if err != nil {
		t.Fatal(err)
	}
	return seen.NetworkInsightsAnalyses[0]
}

func codes(a wire.NetworkInsightsAnalysis) []string {
	out := []string{}
	for _, e := range a.Explanations {
		out = append(out, *e.ExplanationCode)
	}
	return out
}

// asker is an engine for scenarios that asks the API.
type asker struct {
	t     *testing.T
	seen  map[string]bool
	state network.State
	asked int
}

func (a *asker) Name() string                 { return "the API" }
func (a *asker) Close() error                 { return nil }
func (a *asker) Set(s network.State) error    { a.state = s; return nil }
func (a *asker) Names(func(id string) string) {}

// Send compares what the API says with what the analyzer does: the same verdict,
// the same codes in the same order.
func (a *asker) Send(f scenario.Flow) (scenario.Outcome, error) {
	q := reach.Flow{Source: f.From, SourceAddr: f.Source, Destination: f.Target, DestinationAddr: f.To, Protocol: f.Protocol, Port: f.Port, SourcePort: f.FromPort}
	home := a.state.ENI(f.From)
	if f.Protocol != network.TCP && f.Protocol != network.UDP || home == nil {
		return scenario.Outcome{Result: scenario.Delivered}, nil // AWS's paths ask for nothing else
	}
	want := reach.Trace(a.state, q)
	who := network.Caller{Account: home.Owner, Region: home.Region}
	params := []string{"Source", string(f.From), "Protocol", map[network.Protocol]string{network.TCP: "tcp", network.UDP: "udp"}[f.Protocol],
		"FilterAtSource.DestinationPortRange.FromPort", itoa(f.Port), "FilterAtSource.DestinationPortRange.ToPort", itoa(f.Port)}
	add := func(key, value string) { params = append(params, key, value) }
	if f.Target != "" && a.state.ENI(f.Target) != nil && a.state.ENI(f.Target).In(who) {
		add("Destination", string(f.Target))
	} else if f.Target != "" {
		return scenario.Outcome{Result: scenario.Delivered}, nil
	}
	if f.To.IsValid() {
		add("FilterAtSource.DestinationAddress", f.To.String())
	}
	if f.Source.IsValid() {
		add("FilterAtSource.SourceAddress", f.Source.String())
	}
	if f.FromPort != 0 {
		add("FilterAtSource.SourcePortRange.FromPort", itoa(f.FromPort))
		add("FilterAtSource.SourcePortRange.ToPort", itoa(f.FromPort))
	}
	got := analyse(a.t, &stage{state: a.state}, who, params...)
	a.asked++
	var all []string
	foreign := false
	for _, e := range want.Causes {
		if v := a.state.VPC(e.VPC); v != nil && v.Owner != home.Owner {
			foreign = true
			continue
		}
		all = append(all, string(e.Code))
	}
	for _, h := range slices.Concat(want.Forward.Hops, want.Return.Hops) {
		if v := a.state.VPC(h.VPC); v != nil && v.Owner != home.Owner {
			foreign = true
		}
	}
	found := api.Value(got.NetworkPathFound)
	if foreign {
		if found || len(got.SuggestedAccounts) != 1 || len(got.Explanations) == 0 {
			a.t.Errorf("%v leads into another account: %v %v %v", params, found, got.SuggestedAccounts, codes(got))
		}
		all = codes(got)
	}
	if found != (want.Verdict == reach.Reachable && !foreign) || !slices.Equal(codes(got), all) && len(all) > 0 {
		a.t.Errorf("%v: found %v with %v; the analyzer says %v with %v", params, found, codes(got), want.Verdict, all)
	}
	for _, code := range codes(got) {
		a.seen[code] = true
	}
	return scenario.Outcome{Result: scenario.Delivered}, nil
}

func itoa[N uint16 | int](n N) string { return api.Number(int(n)) }

// play asks the API every question of some scenarios.
func play(t *testing.T, seen map[string]bool, pattern string) (asked int) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := scenario.Parse(filepath.Base(path), string(text))
		if err != nil {
			t.Fatal(err)
		}
		a := &asker{t: t, seen: seen}
		if _, err := scenario.Run(f, a); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		asked += a.asked
	}
	return asked
}

// TestEveryCodeComesThroughTheAPI asks every question of the scenarios and the
// analyzer's own, and those that neither can ask. A code that the API cannot give
// is a promise that is not kept.
func TestEveryCodeComesThroughTheAPI(t *testing.T) {
	seen := map[string]bool{}
	asked := play(t, seen, "../../scenarios/*.txt") + play(t, seen, "../../reach/testdata/why/*.txt")
	if asked < 300 {
		t.Errorf("only %d questions were asked", asked)
	}
	t.Logf("%d questions", asked)
	odd(t, seen)
	for _, c := range reach.Codes() {
		if !seen[string(c)] {
			t.Errorf("nothing that was asked is answered with %s", c)
		}
	}
	for _, c := range []string{"COMPONENT_FILTER_RESTRICTION", "COMPONENT_FILTER_RESTRICTION_REMOVED_COMPONENT", "FILTER_AT_DESTINATION_SOURCE_ADDRESS",
		"FILTER_AT_DESTINATION_DESTINATION_ADDRESS", "FILTER_AT_DESTINATION_SOURCE_PORT_RANGE", "FILTER_AT_DESTINATION_DESTINATION_PORT_RANGE"} {
		if !seen[c] {
			t.Errorf("nothing that was asked is answered with %s", c)
		}
	}
}

// office is two instances in one VPC, and an interface that is plugged into nothing.
func office(t *testing.T) (s *stage, who network.Caller, a, b, spare string) {
	t.Helper()
	s, who = &stage{}, network.Caller{Account: "123456789012", Region: "us-east-1"}
	do := func(r network.Request) string {
		next, err := s.Do(t.Context(), who, "", r)
		if err != nil {
			t.Fatalf("%T: %v", r, err)
		}
		return append(next.Outcome().Created, "")[0]
	}
	do(network.OpenWorld{Zones: []string{"us-east-1a"}})
	v := network.VPCID(do(network.CreateVPC{CIDR: netip.MustParsePrefix("10.0.0.0/16")}))
	n := network.SubnetID(do(network.CreateSubnet{VPC: v, CIDR: netip.MustParsePrefix("10.0.1.0/24"), Zone: "us-east-1a"}))
	a, b = start(t, s, who, n), start(t, s, who, n)
	return s, who, a, b, do(network.CreateENI{ENISpec: network.ENISpec{Subnet: n}})
}

// odd asks what no scenario can.
func odd(t *testing.T, seen map[string]bool) {
	t.Helper()
	s, who, a, b, spare := office(t)
	note := func(want string, got wire.NetworkInsightsAnalysis) {
		t.Helper()
		if api.Value(got.NetworkPathFound) || !slices.Contains(codes(got), want) {
			t.Errorf("answered with %v %v, want %s", *got.NetworkPathFound, codes(got), want)
		}
		for _, c := range codes(got) {
			seen[c] = true
		}
	}
	ask := func(params ...string) wire.NetworkInsightsAnalysis {
		t.Helper()
		return analyse(t, s, who, append([]string{"Source", a, "Protocol", "tcp"}, params...)...)
	}
	note("UNASSOCIATED_COMPONENT", ask("Destination", spare, "DestinationPort", "80"))
	note("ENI_ADDRESS_RESTRICTION", ask("Destination", b, "DestinationIp", "10.0.9.9", "DestinationPort", "80"))
	note("NO_PATH", ask("Destination", b, "DestinationIp", "fd00::1", "SourceIp", "10.0.1.4", "DestinationPort", "80"))
	note("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", analyse(t, s, who, "Source", standard(t, s, who), "Protocol", "tcp", "Destination", gateway(s, who)))
	s.state = detached(t, s.state)
	note("BAD_STATE_ATTACHMENT", analyse(t, s, who, "Source", standardSource(s, who), "Protocol", "tcp", "FilterAtSource.DestinationAddress", "198.51.100.1"))
	for _, c := range []struct{ code, key, at, to string }{
		{"FILTER_AT_DESTINATION_SOURCE_ADDRESS", "SourceAddress", "10.0.1.4", "10.0.1.5"},
		{"FILTER_AT_DESTINATION_DESTINATION_ADDRESS", "DestinationAddress", "10.0.1.4", "10.0.1.5"},
	} {
		note(c.code, ask("Destination", b, "FilterAtSource."+c.key, c.at, "FilterAtDestination."+c.key, c.to))
	}
	for _, side := range []string{"Source", "Destination"} {
		at, to := "FilterAtSource."+side+"PortRange.", "FilterAtDestination."+side+"PortRange."
		note("FILTER_AT_DESTINATION_"+strings.ToUpper(side)+"_PORT_RANGE",
			ask("Destination", b, at+"FromPort", "1", at+"ToPort", "9", to+"FromPort", "10", to+"ToPort", "19"))
	}
	open := ask("Destination", b)
	if !*open.NetworkPathFound {
		t.Fatalf("two members of the default group: %v", codes(open))
	}
	instance := "arn:aws:ec2:us-east-1:123456789012:instance/"
	note("COMPONENT_FILTER_RESTRICTION", again(t, s, who, *open.NetworkInsightsPathId, "FilterInArn.1", instance+"i-0123456789abcdef0"))
	note("COMPONENT_FILTER_RESTRICTION_REMOVED_COMPONENT", again(t, s, who, *open.NetworkInsightsPathId, "FilterOutArn.1", instance+b))
	if through := again(t, s, who, *open.NetworkInsightsPathId, "FilterInArn.1", instance+b); !*through.NetworkPathFound {
		t.Errorf("through %s: %v", b, codes(through))
	}
	// An end that goes after the path was made.
	if _, err := s.Do(t.Context(), who, "", network.DeleteENI{ENI: network.ENIID(spare)}); err != nil {
		t.Fatal(err)
	}
	for p := range s.state.InsightsPathsOf(who) {
		if p.Destination == spare {
			got := again(t, s, who, string(p.ID))
			note("NO_SOURCE_OR_DESTINATION", got)
			if m := got.Explanations[0].MissingComponent; m == nil || *m != "destination" {
				t.Errorf("what is missing: %v", m)
			}
		}
	}
}

// standard is an instance in the default VPC, whose table leads to its gateway.
func standard(t *testing.T, s *stage, who network.Caller) string {
	t.Helper()
	var subnet network.SubnetID
	for n := range s.state.SubnetsOf(who) {
		if n.VPC == s.state.DefaultVPC(who).ID {
			subnet = n.ID
		}
	}
	id := network.InstanceID(start(t, s, who, subnet))
	for e := range s.state.ENIsAt(id) {
		return string(e.ID)
	}
	t.Fatal("no interface in the default VPC")
	return ""
}

// standardSource is the interface in the default VPC.
func standardSource(s *stage, who network.Caller) string {
	for e := range s.state.ENIsIn(s.state.DefaultVPC(who).ID) {
		return string(e.ID)
	}
	return ""
}

// detached is a State in which no internet gateway is attached.
func detached(t *testing.T, s network.State) network.State {
	t.Helper()
	var l network.Loader
	add := func(kind string, row any) {
		doc, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Add(kind, doc); err != nil {
			t.Fatal(err)
		}
	}
	for g := range s.GatewaysOf(network.Caller{Account: "123456789012", Region: "us-east-1"}) {
		free := *g
		free.VPC = ""
		add("internet-gateway", &free)
	}
	each(add, "vpc", s.VPCs())
	each(add, "subnet", s.Subnets())
	each(add, "eni", s.ENIs())
	each(add, "instance", s.Instances())
	each(add, "route-table", s.RouteTables())
	each(add, "security-group", s.SecurityGroups())
	each(add, "network-acl", s.ACLs())
	return l.State(s.Generation)
}

func each[V any](add func(string, any), kind string, rows iter.Seq[V]) {
	for row := range rows {
		add(kind, row)
	}
}

// start gives a running instance.
func start(t *testing.T, s *stage, who network.Caller, n network.SubnetID) string {
	t.Helper()
	made, err := s.Do(t.Context(), who, "", network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", MaxInterfaces: 4, MaxAddrs: 15,
		Interfaces: []network.InterfaceSpec{{New: network.ENISpec{Subnet: n}, DeleteOnTermination: true}}})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Outcome().Created[1]
	if _, err := s.Do(t.Context(), who, "", network.ReportStarted{Instance: network.InstanceID(id)}); err != nil {
		t.Fatal(err)
	}
	return id
}

func gateway(s *stage, who network.Caller) string {
	for g := range s.state.GatewaysOf(who) {
		return string(g.ID)
	}
	return ""
}
