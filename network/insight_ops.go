package network

// CreateInsightsPath keeps a question. Created: the path.
type CreateInsightsPath struct {
	InsightsPathSpec
	Tags Tags
}

// DeleteInsightsPath deletes a path that has no analyses.
type DeleteInsightsPath struct{ Path InsightsPathID }

// StartInsightsAnalysis keeps the answer to a path's question. Created: the analysis.
type StartInsightsAnalysis struct {
	Path                InsightsPathID
	FilterIn, FilterOut []string
	Tags                Tags
	// What was found is not part of what is asked: a repetition with the same
	// token is the same, however the network has changed.
	Found  bool     `json:"-"`
	Result Document `json:"-"`
}

// DeleteInsightsAnalysis forgets an answer.
type DeleteInsightsAnalysis struct{ Analysis InsightsAnalysisID }

// CreateAccessScope keeps which access is looked for. Created: the scope.
type CreateAccessScope struct {
	Content Document
	Tags    Tags
}

// DeleteAccessScope deletes a scope that has no analyses.
type DeleteAccessScope struct{ Scope AccessScopeID }

// StartAccessScopeAnalysis begins to look for what a scope describes. Created: the
// analysis, which is running until FinishAccessScopeAnalysis.
type StartAccessScopeAnalysis struct {
	Scope AccessScopeID
	Tags  Tags
}

// FinishAccessScopeAnalysis says what was found, or why nothing can be said. It
// changes nothing when the analysis was deleted or has ended.
type FinishAccessScopeAnalysis struct {
	Analysis       AccessScopeAnalysisID
	Findings, ENIs int
	Result         Document
	Message        string // why it failed; "" when it did not
}

// DeleteAccessScopeAnalysis forgets an analysis, whether it has ended or not.
type DeleteAccessScopeAnalysis struct{ Analysis AccessScopeAnalysisID }

// apply refuses ends that are not there (AWS: NetworkInsightsSource.NotFound and
// NetworkInsightsDestination.NotFound); they may go later, and then the answer
// says so.
func (r CreateInsightsPath) apply(e *edit) error {
	if err := e.end(r.Source, "source"); err != nil {
		return err
	}
	if r.Destination != "" {
		if err := e.end(r.Destination, "destination"); err != nil {
			return err
		}
	}
	if r.Destination == "" && !r.AtSource.Destination.IsValid() {
		return fail(Missing, "Destination")
	}
	if err := e.room(e.home().World(), QuotaInsightsPaths); err != nil {
		return err
	}
	p := &InsightsPath{ID: InsightsPathID(e.newID("nip")), Home: e.home(), InsightsPathSpec: r.InsightsPathSpec, Created: e.op.At}
	put(e, &e.insightsPaths, kindInsightsPath, p)
	e.created(p.key())
	return e.setTags(p.key(), r.Tags)
}

// end is an error unless the caller has such an end for a path.
func (e *edit) end(id, which string) error {
	found := false
	switch Kind(id) {
	case "eni":
		row := e.ENI(ENIID(id))
		found = row != nil && row.In(e.op.Caller)
	case "i":
		row := e.Instance(InstanceID(id))
		found = row != nil && row.In(e.op.Caller)
	case "igw":
		row := e.Gateway(GatewayID(id))
		found = row != nil && row.In(e.op.Caller)
	}
	if !found {
		return failWith(EndNotFound, id, which)
	}
	return nil
}

func (r DeleteInsightsPath) apply(e *edit) error {
	p, err := visible(e, e.insightsPaths, string(r.Path), "nip")
	if err != nil {
		return err
	}
	if a := e.refs.first(p.key(), "nia-"); a != "" {
		return failWith(InUse, p.ID, a)
	}
	drop(e, &e.insightsPaths, kindInsightsPath, p.key())
	return nil
}

func (r StartInsightsAnalysis) apply(e *edit) error {
	p, err := visible(e, e.insightsPaths, string(r.Path), "nip")
	if err != nil {
		return err
	}
	if err := e.room(e.home().World(), QuotaInsightsAnalyses); err != nil {
		return err
	}
	a := &InsightsAnalysis{ID: InsightsAnalysisID(e.newID("nia")), Home: e.home(), Path: p.ID, FilterIn: r.FilterIn, FilterOut: r.FilterOut,
		Found: r.Found, Result: r.Result, Started: e.op.At}
	put(e, &e.insightsAnalyses, kindInsightsAnalysis, a)
	e.created(a.key())
	return e.setTags(a.key(), r.Tags)
}

func (r DeleteInsightsAnalysis) apply(e *edit) error {
	a, err := visible(e, e.insightsAnalyses, string(r.Analysis), "nia")
	if err != nil {
		return err
	}
	drop(e, &e.insightsAnalyses, kindInsightsAnalysis, a.key())
	return nil
}

func (r CreateAccessScope) apply(e *edit) error {
	if err := e.room(e.home().World(), QuotaAccessScopes); err != nil {
		return err
	}
	a := &AccessScope{ID: AccessScopeID(e.newID("nis")), Home: e.home(), Content: r.Content, Created: e.op.At}
	put(e, &e.accessScopes, kindAccessScope, a)
	e.created(a.key())
	return e.setTags(a.key(), r.Tags)
}

func (r DeleteAccessScope) apply(e *edit) error {
	s, err := visible(e, e.accessScopes, string(r.Scope), "nis")
	if err != nil {
		return err
	}
	if a := e.refs.first(s.key(), "nisa-"); a != "" {
		return failWith(InUse, s.ID, a)
	}
	drop(e, &e.accessScopes, kindAccessScope, s.key())
	return nil
}

func (r StartAccessScopeAnalysis) apply(e *edit) error {
	s, err := visible(e, e.accessScopes, string(r.Scope), "nis")
	if err != nil {
		return err
	}
	for _, q := range []Quota{QuotaAccessScopeAnalyses, QuotaRunningScopes} {
		if err := e.room(e.home().World(), q); err != nil {
			return err
		}
	}
	a := &AccessScopeAnalysis{ID: AccessScopeAnalysisID(e.newID("nisa")), Home: e.home(), Scope: s.ID, Status: AnalysisRunning,
		Generation: e.Generation + 1, Started: e.op.At}
	put(e, &e.scopeAnalyses, kindScopeAnalysis, a)
	e.created(a.key())
	return e.setTags(a.key(), r.Tags)
}

func (r FinishAccessScopeAnalysis) apply(e *edit) error {
	old := e.AccessScopeAnalysis(r.Analysis)
	if old == nil || old.Status != AnalysisRunning {
		return nil
	}
	next := *old
	next.Status, next.Ended = AnalysisSucceeded, e.op.At
	next.Findings, next.ENIs, next.Result, next.Message = r.Findings, r.ENIs, r.Result, r.Message
	if r.Message != "" {
		next.Status = AnalysisFailed
	}
	put(e, &e.scopeAnalyses, kindScopeAnalysis, &next)
	return nil
}

func (r DeleteAccessScopeAnalysis) apply(e *edit) error {
	a, err := visible(e, e.scopeAnalyses, string(r.Analysis), "nisa")
	if err != nil {
		return err
	}
	drop(e, &e.scopeAnalyses, kindScopeAnalysis, a.key())
	return nil
}
