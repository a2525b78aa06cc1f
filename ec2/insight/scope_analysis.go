package insight

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
	"tombolo/reach"
)

func scopeAnalysisOperations() []api.Operation {
	return []api.Operation{
		api.Op("StartNetworkInsightsAccessScopeAnalysis", startScopeAnalysis, api.Params{
			Enforced: "NetworkInsightsAccessScopeId TagSpecification ClientToken"}),
		api.Op("DeleteNetworkInsightsAccessScopeAnalysis", deleteScopeAnalysis, api.Params{Enforced: "NetworkInsightsAccessScopeAnalysisId"}),
		api.Op("DescribeNetworkInsightsAccessScopeAnalyses", describeScopeAnalyses, api.Params{
			Enforced: "NetworkInsightsAccessScopeAnalysisId NetworkInsightsAccessScopeId AnalysisStartTimeBegin AnalysisStartTimeEnd Filter MaxResults NextToken"}),
		api.Op("GetNetworkInsightsAccessScopeAnalysisFindings", getFindings, api.Params{
			Enforced: "NetworkInsightsAccessScopeAnalysisId MaxResults NextToken"}),
	}
}

// startScopeAnalysis leaves the work, which may take long in a large network, to
// the time after the answer; it is done in the State that the start has made.
func startScopeAnalysis(c *api.Call, in *wire.StartNetworkInsightsAccessScopeAnalysisRequest) (*wire.StartNetworkInsightsAccessScopeAnalysisResult, error) {
	made, err := c.DoOnce(in.ClientToken, network.StartAccessScopeAnalysis{Scope: network.AccessScopeID(*in.NetworkInsightsAccessScopeId),
		Tags: c.Tags(in.TagSpecifications, "network-insights-access-scope-analysis")})
	if err != nil {
		return nil, err
	}
	id := network.AccessScopeAnalysisID(made.Created[0])
	a := c.State.AccessScopeAnalysis(id)
	if a == nil {
		return nil, api.Gone(string(id))
	}
	if s := c.State; !made.Replay {
		backend := c.Backend
		backend.Later(func(ctx context.Context) error { return finish(ctx, backend, s, a) })
	}
	return &wire.StartNetworkInsightsAccessScopeAnalysisResult{NetworkInsightsAccessScopeAnalysis: new(showScopeAnalysis(c, a))}, nil
}

// maxFindings bounds what an analysis keeps: findings are examples, as on AWS.
const maxFindings = 1000

// finish looks for what a scope describes and keeps what it found.
func finish(ctx context.Context, b api.Backend, s network.State, a *network.AccessScopeAnalysis) error {
	caller := network.Caller{Account: a.Owner, Region: a.Region}
	done := network.FinishAccessScopeAnalysis{Analysis: a.ID}
	if err := look(ctx, s, caller, a, &done); err != nil {
		return err
	}
	_, err := b.Do(ctx, caller, "", done)
	return err
}

func look(ctx context.Context, s network.State, caller network.Caller, a *network.AccessScopeAnalysis, done *network.FinishAccessScopeAnalysis) error {
	scope := s.AccessScope(a.Scope)
	if scope == nil {
		done.Message = "The Network Access Scope was deleted."
		return nil
	}
	kept, err := decode[content](scope.Content)
	if err != nil {
		return err
	}
	asked, err := kept.scope()
	if err != nil {
		return err
	}
	for range s.ENIsOf(caller) {
		done.ENIs++
	}
	x := reach.NewIndex(s)
	w := &writer{state: s, caller: caller}
	var list []finding
	for f := range asked.FindingsOf(s, caller) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if done.Findings++; done.Findings > maxFindings {
			done.Findings = maxFindings
			break
		}
		r := x.Trace(f.Witness)
		hops, _ := w.own(r.Forward.Hops)
		list = append(list, finding{w.leg(r.Forward.Header, hops, true)})
	}
	done.Result, err = encode(list)
	return err
}

// finding is what is kept of one: a path that a packet really takes.
type finding struct{ Components []wire.PathComponent }

// Resume ends what an earlier run of the program has begun: in the State as it
// is, if nothing has changed since, and else as a failure (AWS: Reachability
// Analyzer, Troubleshooting: the network was modified during the analysis).
func Resume(ctx context.Context, b api.Backend) error {
	var all error
	s := b.State()
	for a := range s.AccessScopeAnalyses() {
		switch {
		case a.Status != network.AnalysisRunning:
		case a.Generation == s.Generation:
			all = errors.Join(all, finish(ctx, b, s, a))
		default:
			_, err := b.Do(ctx, network.Caller{Account: a.Owner, Region: a.Region}, "", network.FinishAccessScopeAnalysis{Analysis: a.ID,
				Message: "The network was modified during the analysis. Start it again."})
			all = errors.Join(all, err)
		}
	}
	return all
}

func deleteScopeAnalysis(c *api.Call, in *wire.DeleteNetworkInsightsAccessScopeAnalysisRequest) (*wire.DeleteNetworkInsightsAccessScopeAnalysisResult, error) {
	if _, err := c.Do(network.DeleteAccessScopeAnalysis{Analysis: network.AccessScopeAnalysisID(*in.NetworkInsightsAccessScopeAnalysisId)}); err != nil {
		return nil, err
	}
	return &wire.DeleteNetworkInsightsAccessScopeAnalysisResult{NetworkInsightsAccessScopeAnalysisId: in.NetworkInsightsAccessScopeAnalysisId}, nil
}

func describeScopeAnalyses(c *api.Call, in *wire.DescribeNetworkInsightsAccessScopeAnalysesRequest) (*wire.DescribeNetworkInsightsAccessScopeAnalysesResult, error) {
	if in.NetworkInsightsAccessScopeId != nil {
		if _, err := one(c, scopes, in.NetworkInsightsAccessScopeId); err != nil {
			return nil, err
		}
	}
	l := scopeAnalyses
	l.Keep = func(a *network.AccessScopeAnalysis) bool {
		return (in.NetworkInsightsAccessScopeId == nil || string(a.Scope) == *in.NetworkInsightsAccessScopeId) &&
			(in.AnalysisStartTimeBegin == nil || !a.Started.Before(*in.AnalysisStartTimeBegin)) &&
			(in.AnalysisStartTimeEnd == nil || !a.Started.After(*in.AnalysisStartTimeEnd))
	}
	rows, next, err := l.Rows(c, api.Query{IDs: in.NetworkInsightsAccessScopeAnalysisIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeNetworkInsightsAccessScopeAnalysesResult{NetworkInsightsAccessScopeAnalyses: api.Each(c, rows, showScopeAnalysis), NextToken: next}, nil
}

// scopeAnalyses has no filters (AWS: DescribeNetworkInsightsAccessScopeAnalyses).
var scopeAnalyses = api.Listing[*network.AccessScopeAnalysis]{
	Kind: "nisa",
	Key:  func(a *network.AccessScopeAnalysis) string { return string(a.ID) },
	All: func(c *api.Call) iter.Seq[*network.AccessScopeAnalysis] {
		return c.State.AccessScopeAnalysesOf(c.Caller)
	},
	Get: func(c *api.Call, id string) (*network.AccessScopeAnalysis, bool) {
		a := c.State.AccessScopeAnalysis(network.AccessScopeAnalysisID(id))
		return a, a != nil && a.In(c.Caller)
	},
	Pages: api.ValidatedPages(1, 100),
}

func showScopeAnalysis(c *api.Call, a *network.AccessScopeAnalysis) wire.NetworkInsightsAccessScopeAnalysis {
	out := wire.NetworkInsightsAccessScopeAnalysis{
		NetworkInsightsAccessScopeAnalysisId: api.Text(a.ID), NetworkInsightsAccessScopeAnalysisArn: arn(a.Home, string(a.ID)),
		NetworkInsightsAccessScopeId: api.Text(a.Scope), Status: new(a.Status.String()), StatusMessage: api.Text(a.Message),
		StartDate: new(a.Started), FindingsFound: new("unknown"), Tags: c.TagSet(string(a.ID)),
	}
	if a.Status != network.AnalysisRunning {
		out.EndDate = new(a.Ended)
	}
	if a.Status == network.AnalysisSucceeded {
		out.FindingsFound, out.AnalyzedEniCount = new(strconv.FormatBool(a.Findings > 0)), api.Long(a.ENIs)
		if a.Findings == maxFindings {
			out.WarningMessage = new("There are more findings than the 1000 that are kept.")
		}
	}
	return out
}

// getFindings pages through a document, by the number of the finding.
func getFindings(c *api.Call, in *wire.GetNetworkInsightsAccessScopeAnalysisFindingsRequest) (*wire.GetNetworkInsightsAccessScopeAnalysisFindingsResult, error) {
	a, err := one(c, scopeAnalyses, in.NetworkInsightsAccessScopeAnalysisId)
	if err != nil {
		return nil, err
	}
	kept, err := decode[[]finding](a.Result)
	if err != nil {
		return nil, err
	}
	l := api.Listing[wire.AccessScopeAnalysisFinding]{
		Key: func(f wire.AccessScopeAnalysisFinding) string { return *f.FindingId },
		All: func(*api.Call) iter.Seq[wire.AccessScopeAnalysisFinding] {
			return func(yield func(wire.AccessScopeAnalysisFinding) bool) {
				for i, f := range kept {
					if !yield(wire.AccessScopeAnalysisFinding{NetworkInsightsAccessScopeAnalysisId: api.Text(a.ID), NetworkInsightsAccessScopeId: api.Text(a.Scope),
						FindingId: new(findingID(i)), FindingComponents: f.Components}) {
						return
					}
				}
			}
		},
		Pages: api.ValidatedPages(1, 1000),
	}
	rows, next, err := l.Rows(c, api.Query{MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.GetNetworkInsightsAccessScopeAnalysisFindingsResult{NetworkInsightsAccessScopeAnalysisId: api.Text(a.ID),
		AnalysisStatus: new(a.Status.String()), AnalysisFindings: rows, NextToken: next}, nil
}

// findingID sorts as the findings do.
func findingID(n int) string {
	digits := strconv.Itoa(n + 1)
	return "AnalysisFinding-" + "0000"[:max(0, 4-len(digits))] + digits
}
