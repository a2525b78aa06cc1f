package insight

import (
	"iter"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func analysisOperations() []api.Operation {
	return []api.Operation{
		api.Op("StartNetworkInsightsAnalysis", startAnalysis, api.Params{
			Enforced: "NetworkInsightsPathId FilterInArn FilterOutArn TagSpecification ClientToken",
			Refused: []api.Refuse{
				{Paths: "AdditionalAccount", Why: "there are no organizations here, so no account lets another look into its network"}}}),
		api.Op("DeleteNetworkInsightsAnalysis", deleteAnalysis, api.Params{Enforced: "NetworkInsightsAnalysisId"}),
		api.Op("DescribeNetworkInsightsAnalyses", describeAnalyses, api.Params{
			Enforced: "NetworkInsightsAnalysisId NetworkInsightsPathId AnalysisStartTime AnalysisEndTime Filter MaxResults NextToken",
			Filters:  analyses.FilterNames()}),
	}
}

// maxThrough is how many components an analysis may demand or shut out (AWS:
// Reachability Analyzer, Intermediate components).
const maxThrough = 25

// startAnalysis finds the answer in the State as it is and keeps both in one
// step: nothing is ever left half done. The response is AWS's, which has no
// result yet.
func startAnalysis(c *api.Call, in *wire.StartNetworkInsightsAnalysisRequest) (*wire.StartNetworkInsightsAnalysisResult, error) {
	for _, list := range [][]string{in.FilterInArns, in.FilterOutArns} {
		if len(list) > maxThrough {
			return nil, api.InvalidValue(list[maxThrough], "filterArn", "There can be no more than 25.")
		}
		for _, a := range list {
			if !strings.HasPrefix(a, "arn:") || network.Kind(a[strings.LastIndexByte(a, '/')+1:]) == "" {
				return nil, api.InvalidValue(a, "filterArn", "It must be the ARN of a resource.")
			}
		}
	}
	r := network.StartInsightsAnalysis{Path: network.InsightsPathID(*in.NetworkInsightsPathId), FilterIn: in.FilterInArns, FilterOut: in.FilterOutArns,
		Tags: c.Tags(in.TagSpecifications, "network-insights-analysis")}
	if p := c.State.InsightsPath(r.Path); p != nil && p.In(c.Caller) {
		found := ask(c.State, c.Caller, p, r.FilterIn, r.FilterOut)
		doc, err := encode(found.document)
		if err != nil {
			return nil, err
		}
		r.Found, r.Result = found.reached, doc
	}
	made, err := c.DoOnce(in.ClientToken, r)
	if err != nil {
		return nil, err
	}
	a := c.State.InsightsAnalysis(network.InsightsAnalysisID(made.Created[0]))
	if a == nil {
		return nil, api.Gone(made.Created[0])
	}
	out := analysisHead(c, a)
	out.Status = new(network.AnalysisRunning.String())
	return &wire.StartNetworkInsightsAnalysisResult{NetworkInsightsAnalysis: &out}, nil
}

func deleteAnalysis(c *api.Call, in *wire.DeleteNetworkInsightsAnalysisRequest) (*wire.DeleteNetworkInsightsAnalysisResult, error) {
	if _, err := c.Do(network.DeleteInsightsAnalysis{Analysis: network.InsightsAnalysisID(*in.NetworkInsightsAnalysisId)}); err != nil {
		return nil, err
	}
	return &wire.DeleteNetworkInsightsAnalysisResult{NetworkInsightsAnalysisId: in.NetworkInsightsAnalysisId}, nil
}

func describeAnalyses(c *api.Call, in *wire.DescribeNetworkInsightsAnalysesRequest) (*wire.DescribeNetworkInsightsAnalysesResult, error) {
	if id := in.NetworkInsightsPathId; id != nil {
		if !network.WellFormed(*id, "nip") {
			return nil, api.InvalidID(*id, "nip")
		}
		if p := c.State.InsightsPath(network.InsightsPathID(*id)); p == nil || !p.In(c.Caller) {
			return nil, api.Gone(*id)
		}
	}
	l := analyses
	l.Keep = func(a *network.InsightsAnalysis) bool {
		return (in.NetworkInsightsPathId == nil || string(a.Path) == *in.NetworkInsightsPathId) &&
			(in.AnalysisStartTime == nil || !a.Started.Before(*in.AnalysisStartTime)) &&
			(in.AnalysisEndTime == nil || !a.Started.After(*in.AnalysisEndTime))
	}
	rows, next, err := l.Rows(c, api.Query{IDs: in.NetworkInsightsAnalysisIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeNetworkInsightsAnalysesResult{NetworkInsightsAnalyses: []wire.NetworkInsightsAnalysis{}, NextToken: next}
	for _, a := range rows {
		one, err := showAnalysis(c, a)
		if err != nil {
			return nil, err
		}
		out.NetworkInsightsAnalyses = append(out.NetworkInsightsAnalyses, one)
	}
	return out, nil
}

// analyses has the filters that AWS documents (AWS: DescribeNetworkInsightsAnalyses).
var analyses = api.Listing[*network.InsightsAnalysis]{
	Kind: "nia",
	Key:  func(a *network.InsightsAnalysis) string { return string(a.ID) },
	All:  func(c *api.Call) iter.Seq[*network.InsightsAnalysis] { return c.State.InsightsAnalysesOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.InsightsAnalysis, bool) {
		a := c.State.InsightsAnalysis(network.InsightsAnalysisID(id))
		return a, a != nil && a.In(c.Caller)
	},
	Tags: func(c *api.Call, a *network.InsightsAnalysis) network.Tags {
		return c.State.Tags(c.Caller, string(a.ID))
	},
	Filters: []api.Filter[*network.InsightsAnalysis]{
		api.By("path-found", func(_ *api.Call, a *network.InsightsAnalysis) []string { return api.Yes(a.Found) }),
		api.By("status", func(*api.Call, *network.InsightsAnalysis) []string {
			return api.One(network.AnalysisSucceeded.String())
		}),
	},
	Pages: api.ValidatedPages(1, 100),
}

// analysisHead is all of an analysis but what it has found.
func analysisHead(c *api.Call, a *network.InsightsAnalysis) wire.NetworkInsightsAnalysis {
	return wire.NetworkInsightsAnalysis{
		NetworkInsightsAnalysisId: api.Text(a.ID), NetworkInsightsAnalysisArn: arn(a.Home, string(a.ID)), NetworkInsightsPathId: api.Text(a.Path),
		StartDate: new(a.Started), FilterInArns: a.FilterIn, FilterOutArns: a.FilterOut, Tags: c.TagSet(string(a.ID)),
	}
}

func showAnalysis(c *api.Call, a *network.InsightsAnalysis) (wire.NetworkInsightsAnalysis, error) {
	out := analysisHead(c, a)
	doc, err := decode[document](a.Result)
	if err != nil {
		return out, err
	}
	out.Status, out.NetworkPathFound = new(network.AnalysisSucceeded.String()), api.Bool(a.Found)
	out.ForwardPathComponents, out.ReturnPathComponents, out.Explanations = doc.Forward, doc.Return, doc.Explanations
	out.SuggestedAccounts = doc.Suggested
	return out, nil
}
