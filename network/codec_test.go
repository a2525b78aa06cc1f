package network

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// furnished is a State with a row of every kind, and in it every kind of target,
// peer and status.
func furnished(t testing.TB) *site {
	w := newSite(t)
	e := w.newEstate(home)
	far := w.newVPC(stranger, "10.2.0.0/16")
	w.do(SetQuota{QuotaTables, 3})
	w.do(CreateRoute{e.table, cidr("10.1.0.0/16"), ToPeering{e.peering}})
	w.do(CreateRoute{e.table, cidr("10.3.0.0/16"), ToENI{ENI: e.eni}})
	w.do(CreateRoute{e.table, cidr("10.4.0.0/16"), ToENI{Instance: e.instance}})
	w.do(AuthorizeRules{Group: e.group, Rules: []RuleSpec{
		tcp(22, "2001:db8::/32"), {Protocol: ICMP, Ports: PortRange{8, -1}, Peer: PeerCIDR{anywhere}, Description: "ping"},
	}})
	w.do(CreateACLEntry{e.acl, entry(7, "10.0.0.0/8")})
	w.do(CreateTags{[]string{string(e.vpc), string(e.rule)}, Tags{"Name": "furnished", "empty": ""}})
	w.do(RequestPeering{VPC: e.vpc, PeerVPC: far.ID, PeerOwner: stranger.Account, Tags: Tags{"side": "mine"}})
	w.State, _ = w.withToken(home, "once", CreateACL{VPC: e.vpc})
	w.do(ReportDelivery{e.flowLog, "Access error"})
	w.do(FinishAccessScopeAnalysis{Analysis: e.scopeAnalysis, Findings: 2, ENIs: 7, Result: Document(`[{"FindingId":"f"}]`)})
	w.do(CreateLaunchTemplate{Name: "web", Description: "first", By: "arn:aws:iam::123456789012:root", Data: `{"ImageId":"ami-1"}`})
	return w
}

// What is on disk must be read by every later version, so a change of a row's
// stored form has to be seen: a field may be added; none may go or change its
// meaning without a migration. The file names the fields of every kind, and what
// the numbers mean that stand for states.
func TestStoredForm(t *testing.T) {
	datadriven.RunTest(t, "testdata/stored_form", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for _, row := range []struct {
			kind string
			row  any
		}{
			{kindWorld, World{}}, {kindVPC, VPC{}}, {kindSubnet, Subnet{}}, {kindENI, ENI{}}, {kindInstance, Instance{}},
			{kindRouteTable, RouteTable{}}, {kindPeering, Peering{}}, {kindGroup, SecurityGroup{}}, {kindACL, ACL{}},
			{kindGateway, InternetGateway{}}, {kindEgress, EgressGateway{}}, {kindAddress, Address{}}, {kindDHCPOptions, DHCPOptions{}},
			{kindKeyPair, KeyPair{}}, {kindFlowLog, FlowLog{}}, {kindTemplate, LaunchTemplate{}},
			{kindInsightsPath, InsightsPath{}}, {kindInsightsAnalysis, InsightsAnalysis{}}, {kindAccessScope, AccessScope{}},
			{kindScopeAnalysis, AccessScopeAnalysis{}}, {kindTags, TagSet{}}, {kindToken, Token{}},
		} {
			fmt.Fprintf(&out, "%s\n", row.kind)
			writeShape(&out, reflect.TypeOf(row.row), "  ")
		}
		for n := PeeringInitiating; n <= PeeringDeleted; n++ {
			fmt.Fprintf(&out, "Peering.Status %d is %v\n", n, n)
		}
		for n := InstancePending; n <= InstanceTerminated; n++ {
			fmt.Fprintf(&out, "Instance.State %d is %v\n", n, n)
		}
		for n := TrafficAccept; n <= TrafficAll; n++ {
			fmt.Fprintf(&out, "FlowLog.Traffic %d is %v\n", n, n)
		}
		for n := AnalysisRunning; n <= AnalysisFailed; n++ {
			fmt.Fprintf(&out, "AccessScopeAnalysis.Status %d is %v\n", n, n)
		}
		for n := OriginTable; n <= OriginCreate; n++ {
			fmt.Fprintf(&out, "Route.Origin %d is %v\n", n, n)
		}
		return out.String()
	})
}

// writeShape writes the names and kinds of what JSON makes of a type.
func writeShape(out *strings.Builder, t reflect.Type, indent string) {
	for k := range t.NumField() {
		f := t.Field(k)
		if f.Anonymous {
			writeShape(out, f.Type, indent)
			continue
		}
		name, inner := f.Name, f.Type
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag != "" {
			name = tag
		}
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			if inner.Kind() == reflect.Slice && inner.Elem().Kind() != reflect.Uint8 {
				name += "[]"
			}
			if inner.Elem().Kind() == reflect.Uint8 {
				break
			}
			inner = inner.Elem()
		}
		switch _, text := reflect.New(inner).Interface().(interface{ UnmarshalText([]byte) error }); {
		case text:
			fmt.Fprintf(out, "%s%s text\n", indent, name)
		case inner == reflect.TypeFor[Route]():
			fmt.Fprintf(out, "%s%s\n", indent, name)
			writeShape(out, reflect.TypeFor[storedRoute](), indent+"  ")
		case inner == reflect.TypeFor[Rule]():
			fmt.Fprintf(out, "%s%s\n", indent, name)
			writeShape(out, reflect.TypeFor[storedRule](), indent+"  ")
		case inner.Kind() == reflect.Struct:
			fmt.Fprintf(out, "%s%s\n", indent, name)
			writeShape(out, inner, indent+"  ")
		default:
			fmt.Fprintf(out, "%s%s %v\n", indent, name, inner.Kind())
		}
	}
}

// Every row comes back from its stored form as it was.
func TestEveryRowSurvivesStorage(t *testing.T) {
	w := furnished(t)
	loaded := reload(t, w.State)
	want, got := allRows(w.State), allRows(loaded)
	if len(want) != len(got) {
		t.Fatalf("%d rows came back of %d", len(got), len(want))
	}
	kinds := map[string]bool{}
	for k := range want {
		kinds[want[k].kind] = true
		a, err := json.Marshal(want[k].row)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(got[k].row)
		if err != nil {
			t.Fatal(err)
		}
		if string(a) != string(b) || !reflect.DeepEqual(plain(want[k].row), plain(got[k].row)) {
			t.Errorf("%s %s came back as\n%s\nnot\n%s", want[k].kind, want[k].key, b, a)
		}
	}
	if len(kinds) != len(loaders) {
		t.Errorf("only these kinds were tried: %v", kinds)
	}
	if loaded.Generation != w.Generation {
		t.Errorf("the generation is %d, want %d", loaded.Generation, w.Generation)
	}
}

// plain is a row without the difference between no slice and an empty one, which
// JSON does not keep.
func plain(row any) any {
	v := reflect.New(reflect.TypeOf(row).Elem()).Elem()
	v.Set(reflect.ValueOf(row).Elem())
	for k := range v.NumField() {
		if f := v.Field(k); f.Kind() == reflect.Slice && f.Len() == 0 && f.CanSet() {
			f.SetZero()
		}
	}
	return v.Interface()
}

func TestTargetsAndPeersAreStoredByTheirType(t *testing.T) {
	for _, to := range []Target{
		ToLocal{}, ToPeering{"pcx-1"}, ToENI{ENI: "eni-1"}, ToENI{"eni-1", "i-1"}, ToGateway{"igw-1"},
	} {
		want := Route{Dst: cidr("10.0.0.0/8"), To: to, Origin: OriginCreate}
		var got Route
		roundTrip(t, want, &got)
		if got != want {
			t.Errorf("%+v came back as %+v", want, got)
		}
	}
	for _, peer := range []Peer{
		PeerCIDR{cidr("2001:db8::/32")}, PeerGroup{"sg-1", "123456789012", "", ""},
		PeerGroup{"sg-1", "123456789012", "vpc-1", "pcx-1"}, PeerPrefixList{"pl-1"},
	} {
		want := Rule{"sgr-1", RuleSpec{Egress: true, Protocol: TCP, Ports: PortRange{1, 2}, Peer: peer, Description: "d"}}
		var got Rule
		roundTrip(t, want, &got)
		if got != want {
			t.Errorf("%+v came back as %+v", want, got)
		}
	}
}

func roundTrip(t *testing.T, in, out any) {
	t.Helper()
	doc, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(doc, out)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A damaged row is an error, never a State that lacks something.
func TestDamagedRowsAreRefused(t *testing.T) {
	for _, tc := range []struct{ kind, doc, want string }{
		{"noodles", `{}`, "unknown kind"},
		{kindVPC, `{`, "unexpected end"},
		{kindVPC, `{"Blocks":[{"CIDR":"10.0.0.0"}]}`, "no '/'"},
		{kindRouteTable, `{"ID":"rtb-1","Routes":[{"Dst":"10.0.0.0/8","To":{}}]}`, "without a target"},
		{kindRouteTable, `{"ID":"rtb-1","Routes":[{"Dst":"10.0.0.0","To":{"local":{}}}]}`, "no '/'"},
		{kindRouteTable, `{"ID":"rtb-1","Routes":[{"Dst":7}]}`, "cannot unmarshal"},
		{kindGroup, `{"ID":"sg-1","Rules":[{"ID":"sgr-1","Peer":{}}]}`, "without a peer"},
		{kindGroup, `{"ID":"sg-1","Rules":[{"ID":7}]}`, "cannot unmarshal"},
		{kindENI, `{"ID":"eni-1","MAC":"0a:0b"}`, "17 characters"},
		{kindENI, `{"ID":"eni-1","MAC":"0a:0b:0c:0d:0e:xy"}`, "invalid byte"},
	} {
		var l Loader
		if err := l.Add(tc.kind, []byte(tc.doc)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %s: %v, want %q", tc.kind, tc.doc, err, tc.want)
		}
	}
}

func TestChangesAreWhatTheOpWrote(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	w.as(home, CreateTags{[]string{string(v.ID)}, Tags{"a": "b"}})
	changes := w.Changes()
	if len(changes) != 1 || changes[0].Kind != kindTags {
		t.Fatalf("changed %v", changes)
	}
	doc, err := changes[0].Doc()
	if err != nil || !strings.Contains(string(doc), `"a":"b"`) {
		t.Errorf("stored as %s (%v)", doc, err)
	}
	w.as(home, DeleteVPC{v.ID})
	var kinds []string
	for _, c := range w.Changes() {
		if doc, err := c.Doc(); err != nil || doc != nil || c.Row != nil {
			t.Errorf("%s %s is stored as %s (%v), want it gone", c.Kind, c.Key, doc, err)
		}
		kinds = append(kinds, c.Kind)
	}
	slices.Sort(kinds)
	if want := []string{kindACL, kindRouteTable, kindGroup, kindTags, kindVPC}; !slices.Equal(kinds, want) {
		t.Errorf("deleted %v, want %v", kinds, want)
	}
}

// Rows are shared by all States that have them: an op that keeps a row keeps the
// very pointer, which is how readers find what changed.
func TestUntouchedRowsAreTheSamePointers(t *testing.T) {
	w := furnished(t)
	before := map[string]any{}
	for _, r := range allRows(w.State) {
		before[r.kind+r.key] = r.row
	}
	w.as(home, CreateVPC{CIDR: netip.MustParsePrefix("10.7.0.0/16")})
	fresh := 0
	for _, r := range allRows(w.State) {
		if old, ok := before[r.kind+r.key]; !ok {
			fresh++
		} else if old != r.row {
			t.Errorf("%s %s was put again", r.kind, r.key)
		}
	}
	if fresh != 4 {
		t.Errorf("%d rows are new, want the VPC, its table, ACL and group", fresh)
	}
}

// FuzzLoader feeds rows to the loader as a damaged disk might: it must refuse them
// or load them, and what it loads must survive being stored again.
func FuzzLoader(f *testing.F) {
	for _, r := range allRows(furnished(f).State) {
		doc, err := Change{Kind: r.kind, Row: r.row}.Doc()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.kind, doc)
	}
	f.Add("noodles", []byte(`{}`))
	f.Add(kindENI, []byte(`{"Attachment":{}}`))
	f.Fuzz(func(t *testing.T, kind string, doc []byte) {
		var l Loader
		if err := l.Add(kind, doc); err != nil {
			return
		}
		once := l.State(1)
		_ = once.Due()
		again := reload(t, once)
		if dump(again) != dump(once) {
			t.Errorf("stored again, %s %s is\n%s\nnot\n%s", kind, doc, dump(again), dump(once))
		}
	})
}
