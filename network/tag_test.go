package network

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

func (w *site) wantTags(id string, want Tags) {
	w.Helper()
	if got := w.Tags(home, id); !maps.Equal(got, want) {
		w.Errorf("%s has the tags %v, want %v", id, got, want)
	}
}

// AWS: CreateTags; DeleteTags.
func TestTagsAreAddedOverwrittenAndRemoved(t *testing.T) {
	w := newSite(t)
	v := w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Tags: Tags{"Name": "a", "team": "net"}})
	w.wantTags(v, Tags{"Name": "a", "team": "net"})
	w.do(CreateTags{[]string{v}, Tags{"Name": "b", "empty": "", "name": "case counts"}})
	w.wantTags(v, Tags{"Name": "b", "team": "net", "empty": "", "name": "case counts"})
	w.do(DeleteTags{[]string{v}, map[string]*string{"Name": ptr("a"), "absent": nil}})
	w.wantTags(v, Tags{"Name": "b", "team": "net", "empty": "", "name": "case counts"})
	w.do(DeleteTags{[]string{v}, map[string]*string{"Name": ptr("b"), "team": nil, "name": ptr("")}})
	w.wantTags(v, Tags{"empty": "", "name": "case counts"})
	w.do(DeleteTags{[]string{v}, map[string]*string{"empty": ptr("")}})
	w.wantTags(v, Tags{"name": "case counts"})
	w.do(DeleteTags{Resources: []string{v}})
	w.wantTags(v, nil)
	w.do(DeleteTags{Resources: []string{v}})
	generation := w.Generation
	w.do(DeleteTags{[]string{v}, map[string]*string{"Name": nil}})
	if w.Generation != generation {
		t.Error("deleting a tag that is not there is a change")
	}
}

// AWS: Tag restrictions.
func TestTagRestrictions(t *testing.T) {
	w := newSite(t)
	v := w.do(CreateVPC{CIDR: cidr("10.0.0.0/16")})
	long := strings.Repeat("ü", 128)
	value := strings.Repeat("ü", 256)
	refuses := func(tags Tags, code Code, subject, detail string) {
		t.Helper()
		w.refuses(CreateTags{[]string{v}, tags}, code, subject, detail)
		// Tags of a creation are atomic with it.
		w.refuses(CreateVPC{CIDR: cidr("10.0.0.0/16"), Tags: tags}, code, subject, detail)
	}
	refuses(Tags{"aws:cloudformation:stack-name": "x"}, ReservedTag, "aws:cloudformation:stack-name", "")
	refuses(Tags{"AWS:x": "x"}, ReservedTag, "AWS:x", "")
	refuses(Tags{"": "x"}, TagKeyLength, "", "")
	refuses(Tags{long + "k": "x"}, TagKeyLength, long+"k", "")
	refuses(Tags{"k": value + "v"}, TagValueLength, value+"v", "k")
	w.do(CreateTags{[]string{v}, Tags{long: value, "aws": "not the prefix"}})
	for i := range 48 {
		w.do(CreateTags{[]string{v}, Tags{fmt.Sprint(i): "x"}})
	}
	w.refuses(CreateTags{[]string{v}, Tags{"one more": "x"}}, LimitExceeded, v, string(QuotaTags))
	w.do(CreateTags{[]string{v}, Tags{"7": "overwritten"}})
}

// AWS: CreateTags: the error for an unknown ID is that of its kind.
func TestEverythingThatHasAnIDCanBeTagged(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	v, peer := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	i := w.newInstance(home, n.ID)
	g := w.SecurityGroup(v.DefaultGroup)
	all := []string{
		string(v.ID), string(n.ID), string(i), string(g.ID), string(g.Rules[0].ID), string(v.MainTable),
		string(v.DefaultACL), string(w.newPeering(home, v.ID, home, peer.ID)), w.do(ImportKeyPair{Name: "k"}),
		w.do(CreateFlowLogs{Resources: []string{string(v.ID)}, FlowLogSpec: everyPacket}),
		string(w.World(home).DHCPOptions),
	}
	path, scope := w.do(CreateInsightsPath{InsightsPathSpec: InsightsPathSpec{Source: string(i), Destination: string(i)}}), w.do(CreateAccessScope{})
	all = append(all, path, scope, w.do(StartInsightsAnalysis{Path: InsightsPathID(path)}), w.do(StartAccessScopeAnalysis{Scope: AccessScopeID(scope)}))
	for e := range w.ENIsAt(i) {
		all = append(all, string(e.ID))
	}
	for igw := range w.GatewaysOf(home) {
		all = append(all, string(igw.ID))
	}
	w.do(CreateTags{all, Tags{"Name": "all"}})
	for _, id := range all {
		w.wantTags(id, Tags{"Name": "all"})
		kind := Kind(id)
		none := kind + "-0123456789abcdef0"
		w.refuses(CreateTags{[]string{id, none}, Tags{"Name": "b"}}, NotFound, none, "")
		w.refuses(DeleteTags{Resources: []string{none}}, NotFound, none, "")
		w.refuses(CreateTags{[]string{kind + "-1"}, Tags{"Name": "b"}}, Malformed, kind+"-1", kind)
		w.refusesTo(stranger, CreateTags{[]string{id}, Tags{"Name": "b"}}, NotFound, id, "")
	}
	w.refuses(CreateTags{[]string{"nonsense"}, Tags{"Name": "b"}}, UnknownKind, "nonsense", "")
	got := 0
	for set := range w.TagSetsOf(home) {
		if set.Tags["Name"] == "all" {
			got++
		}
	}
	if got != len(all) {
		t.Errorf("%d tagged resources are listed, want %d", got, len(all))
	}
	for range w.TagSetsOf(stranger) {
		t.Error("another account sees tags")
	}
}

func TestTagsEndWithTheirResource(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	w.do(CreateTags{[]string{string(v.ID), string(v.MainTable), string(v.DefaultGroup),
		string(w.SecurityGroup(v.DefaultGroup).Rules[0].ID)}, Tags{"a": "b"}})
	w.do(DeleteVPC{v.ID})
	for set := range w.TagSetsOf(home) {
		t.Errorf("%s is gone and has tags %v", set.Resource, set.Tags)
	}
}
