package insight

import (
	"testing"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// What a crash left running is ended by the next start: in the same State as if
// nothing had been, in another one with a failure that says so.
func TestAnAnalysisOutlivesACrash(t *testing.T) {
	for _, changed := range []bool{false, true} {
		s, who, _, _, _ := office(t)
		made, err := call[*wire.CreateNetworkInsightsAccessScopeResult](t, s, who, "CreateNetworkInsightsAccessScope",
			"MatchPath.1.Source.ResourceStatement.ResourceType.1", "AWS::EC2::Instance")
		if err != nil {
			t.Fatal(err)
		}
		s.lost = true
		began, err := call[*wire.StartNetworkInsightsAccessScopeAnalysisResult](t, s, who, "StartNetworkInsightsAccessScopeAnalysis",
			"NetworkInsightsAccessScopeId", *made.NetworkInsightsAccessScope.NetworkInsightsAccessScopeId)
		if err != nil {
			t.Fatal(err)
		}
		id := network.AccessScopeAnalysisID(*began.NetworkInsightsAccessScopeAnalysis.NetworkInsightsAccessScopeAnalysisId)
		want, findings := network.AnalysisSucceeded, 2
		if changed {
			if _, err := s.Do(t.Context(), who, "", network.CreateSecurityGroup{VPC: s.state.DefaultVPC(who).ID, Name: "late", Description: "late"}); err != nil {
				t.Fatal(err)
			}
			want, findings = network.AnalysisFailed, 0
		}
		if got := s.state.AccessScopeAnalysis(id); got.Status != network.AnalysisRunning {
			t.Fatalf("before: %+v", got)
		}
		if err := Resume(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if got := s.state.AccessScopeAnalysis(id); got.Status != want || got.Findings != findings || (got.Message != "") != changed {
			t.Errorf("changed %v: %+v", changed, got)
		}
	}
}
