package network

import (
	"net/netip"
	"testing"
	"time"
)

// insights is a site with an instance, a path from it to itself and a scope.
func insights(t *testing.T) (*site, InsightsPathID, AccessScopeID) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	i := w.newInstance(home, n.ID)
	path := w.do(CreateInsightsPath{InsightsPathSpec: InsightsPathSpec{Source: string(i), Destination: string(i), Protocol: TCP}})
	return w, InsightsPathID(path), AccessScopeID(w.do(CreateAccessScope{}))
}

func TestAPathNeedsItsEnds(t *testing.T) {
	w, id, _ := insights(t)
	there := w.InsightsPath(id).Source
	for _, tc := range []struct {
		spec          InsightsPathSpec
		code          Code
		subject, want string
	}{
		{InsightsPathSpec{Source: "i-0123456789abcdef0", Destination: there}, EndNotFound, "i-0123456789abcdef0", "source"},
		{InsightsPathSpec{Source: there, Destination: "eni-0123456789abcdef0"}, EndNotFound, "eni-0123456789abcdef0", "destination"},
		{InsightsPathSpec{Source: there, Destination: "vpc-0123456789abcdef0"}, EndNotFound, "vpc-0123456789abcdef0", "destination"},
		{InsightsPathSpec{Source: there}, Missing, "Destination", ""},
	} {
		w.refuses(CreateInsightsPath{InsightsPathSpec: tc.spec}, tc.code, tc.subject, tc.want)
	}
	w.refusesTo(stranger, CreateInsightsPath{InsightsPathSpec: InsightsPathSpec{Source: there, Destination: there}}, EndNotFound, there, "source")
	w.do(CreateInsightsPath{InsightsPathSpec: InsightsPathSpec{Source: there, AtSource: PacketFilter{Destination: netip.MustParseAddr("203.0.113.7")}}})
}

// A path outlives its ends, but not before its analyses.
func TestAPathIsDeletedAfterItsAnalyses(t *testing.T) {
	w, id, _ := insights(t)
	analysis := w.do(StartInsightsAnalysis{Path: id, Found: true, Result: Document(`{}`)})
	w.refuses(DeleteInsightsPath{id}, InUse, string(id), analysis)
	w.do(TerminateInstances{[]InstanceID{InstanceID(w.InsightsPath(id).Source)}})
	if a := w.InsightsAnalysis(InsightsAnalysisID(analysis)); a == nil || !a.Found || string(a.Result) != `{}` {
		t.Errorf("the analysis is %+v", a)
	}
	w.do(DeleteInsightsAnalysis{InsightsAnalysisID(analysis)})
	w.do(DeleteInsightsPath{id})
	if w.InsightsPath(id) != nil {
		t.Error("the path is still there")
	}
}

// What was found is no part of what is asked.
func TestAnAnalysisIsTheSameWithTheSameToken(t *testing.T) {
	w, id, _ := insights(t)
	first, err := w.withToken(home, "once", StartInsightsAnalysis{Path: id, Found: true, Result: Document(`{"a":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	w.State = first
	again, err := w.withToken(home, "once", StartInsightsAnalysis{Path: id, Result: Document(`{"b":2}`)})
	if err != nil || !again.Outcome().Replay || again.Outcome().Created[0] != first.Outcome().Created[0] {
		t.Errorf("the repetition: %v, %+v; the first %+v", err, again.Outcome(), first.Outcome())
	}
}

func TestAScopesAnalysisRunsAndEndsOnce(t *testing.T) {
	w, _, scope := insights(t)
	id := AccessScopeAnalysisID(w.do(StartAccessScopeAnalysis{Scope: scope}))
	if a := w.AccessScopeAnalysis(id); a.Status != AnalysisRunning || a.Generation != w.Generation {
		t.Errorf("it began as %+v at %d", a, w.Generation)
	}
	w.refuses(DeleteAccessScope{scope}, InUse, string(scope), string(id))
	w.do(FinishAccessScopeAnalysis{Analysis: id, Findings: 1, ENIs: 2, Result: Document(`[]`)})
	w.do(FinishAccessScopeAnalysis{Analysis: id, Message: "too late"})
	if a := w.AccessScopeAnalysis(id); a.Status != AnalysisSucceeded || a.Findings != 1 || a.ENIs != 2 || a.Message != "" {
		t.Errorf("it ended as %+v", a)
	}
	lost := AccessScopeAnalysisID(w.do(StartAccessScopeAnalysis{Scope: scope}))
	w.do(FinishAccessScopeAnalysis{Analysis: lost, Message: "the network was modified"})
	if a := w.AccessScopeAnalysis(lost); a.Status != AnalysisFailed {
		t.Errorf("it ended as %+v", a)
	}
	w.do(DeleteAccessScopeAnalysis{id})
	w.do(DeleteAccessScopeAnalysis{lost})
	w.do(FinishAccessScopeAnalysis{Analysis: id})
	w.do(DeleteAccessScope{scope})
}

func TestInsightsHaveQuotas(t *testing.T) {
	w, path, scope := insights(t)
	world := w.InsightsPath(path).World()
	w.do(SetQuota{QuotaInsightsAnalyses, 1})
	w.do(StartInsightsAnalysis{Path: path})
	w.refuses(StartInsightsAnalysis{Path: path}, LimitExceeded, world, string(QuotaInsightsAnalyses))
	w.do(SetQuota{QuotaInsightsPaths, 1})
	w.refuses(CreateInsightsPath{InsightsPathSpec: w.InsightsPath(path).InsightsPathSpec}, LimitExceeded, world, string(QuotaInsightsPaths))
	w.do(SetQuota{QuotaAccessScopes, 1})
	w.refuses(CreateAccessScope{}, LimitExceeded, world, string(QuotaAccessScopes))
	w.do(SetQuota{QuotaRunningScopes, 1})
	running := w.do(StartAccessScopeAnalysis{Scope: scope})
	w.refuses(StartAccessScopeAnalysis{Scope: scope}, LimitExceeded, world, string(QuotaRunningScopes))
	w.do(FinishAccessScopeAnalysis{Analysis: AccessScopeAnalysisID(running)})
	w.do(StartAccessScopeAnalysis{Scope: scope})
	w.do(SetQuota{QuotaAccessScopeAnalyses, 2})
	w.refuses(StartAccessScopeAnalysis{Scope: scope}, LimitExceeded, world, string(QuotaAccessScopeAnalyses))
}

// AWS: Reachability Analyzer deletes an analysis 120 days after it was made.
func TestAnalysesAreForgottenAfter120Days(t *testing.T) {
	w, path, scope := insights(t)
	a, b := w.do(StartInsightsAnalysis{Path: path}), w.do(StartAccessScopeAnalysis{Scope: scope})
	w.pass(120*24*time.Hour - time.Second)
	if w.InsightsAnalysis(InsightsAnalysisID(a)) == nil || w.AccessScopeAnalysis(AccessScopeAnalysisID(b)) == nil {
		t.Error("an analysis went too early")
	}
	w.pass(time.Second)
	if w.InsightsAnalysis(InsightsAnalysisID(a)) != nil || w.AccessScopeAnalysis(AccessScopeAnalysisID(b)) != nil {
		t.Error("an analysis is kept too long")
	}
}
