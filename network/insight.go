package network

import (
	"iter"
	"net/netip"
	"time"
)

// InsightsPath is a question that is asked more than once: does a packet of this
// kind get from here to there? (AWS: Reachability Analyzer, CreateNetworkInsightsPath.)
type InsightsPath struct {
	ID InsightsPathID
	Home
	InsightsPathSpec
	Created time.Time
}

// InsightsPathSpec is what can be said about a path. Source and Destination are
// IDs; Destination is "" where an address alone says where to.
type InsightsPathSpec struct {
	Source, Destination     string
	SourceIP, DestinationIP netip.Addr // zero: not given
	Protocol                Protocol
	Port                    *int // the destination's; nil: any
	AtSource, AtDestination PacketFilter
}

// PacketFilter says what packets look like at one end; what it does not say does
// not matter.
type PacketFilter struct {
	Source, Destination           netip.Addr
	SourcePorts, DestinationPorts *PortRange
}

// Document is JSON in the shape in which AWS's API has a thing. Package ec2/insight
// writes and reads it; what it says was true of one State, and decides nothing.
type Document []byte

// MarshalText gives the document itself.
func (d Document) MarshalText() ([]byte, error) { return d, nil }

// UnmarshalText takes the document as it is.
func (d *Document) UnmarshalText(text []byte) error {
	*d = append(Document{}, text...)
	return nil
}

// InsightsAnalysis is the answer to a path's question at one moment.
type InsightsAnalysis struct {
	ID InsightsAnalysisID
	Home
	Path                InsightsPathID
	FilterIn, FilterOut []string // ARNs of what the way must and must not lead through
	Found               bool
	Result              Document
	Started             time.Time
}

// AccessScope says which access is looked for in the whole network (AWS: Network
// Access Analyzer).
type AccessScope struct {
	ID AccessScopeID
	Home
	Content Document
	Created time.Time
}

// AccessScopeAnalysis is what a scope finds at one moment.
type AccessScopeAnalysis struct {
	ID AccessScopeAnalysisID
	Home
	Scope      AccessScopeID
	Status     AnalysisStatus
	Message    string // why it failed
	Findings   int
	ENIs       int // how many interfaces were looked at
	Result     Document
	Generation uint64 // of the State that it is about
	Started    time.Time
	Ended      time.Time
}

// AnalysisStatus is how far an analysis is.
type AnalysisStatus uint8

// The states of an analysis.
const (
	AnalysisRunning AnalysisStatus = iota + 1
	AnalysisSucceeded
	AnalysisFailed
)

func (s AnalysisStatus) String() string {
	return [...]string{"", "running", "succeeded", "failed"}[s]
}

func (p *InsightsPath) key() string     { return string(p.ID) }
func (p *InsightsPath) links() []string { return []string{p.World()} }
func (p *InsightsPath) uses() []use     { return []use{{p.World(), QuotaInsightsPaths}} }

func (a *InsightsAnalysis) key() string     { return string(a.ID) }
func (a *InsightsAnalysis) links() []string { return []string{a.World(), string(a.Path)} }
func (a *InsightsAnalysis) uses() []use     { return []use{{a.World(), QuotaInsightsAnalyses}} }

func (a *AccessScope) key() string     { return string(a.ID) }
func (a *AccessScope) links() []string { return []string{a.World()} }
func (a *AccessScope) uses() []use     { return []use{{a.World(), QuotaAccessScopes}} }

func (a *AccessScopeAnalysis) key() string     { return string(a.ID) }
func (a *AccessScopeAnalysis) links() []string { return []string{a.World(), string(a.Scope)} }

func (a *AccessScopeAnalysis) uses() []use {
	out := []use{{a.World(), QuotaAccessScopeAnalyses}}
	if a.Status == AnalysisRunning {
		out = append(out, use{a.World(), QuotaRunningScopes})
	}
	return out
}

// analysisKept is how long AWS keeps the result of an analysis (AWS: Reachability
// Analyzer, Delete the path).
const analysisKept = 120 * 24 * time.Hour

func (a *InsightsAnalysis) due() time.Time { return a.Started.Add(analysisKept) }
func (a *InsightsAnalysis) settle(e *edit) {
	drop(e, &e.insightsAnalyses, kindInsightsAnalysis, a.key())
}

func (a *AccessScopeAnalysis) due() time.Time { return a.Started.Add(analysisKept) }
func (a *AccessScopeAnalysis) settle(e *edit) {
	drop(e, &e.scopeAnalyses, kindScopeAnalysis, a.key())
}

// InsightsPath finds one by ID; nil when there is none.
func (s State) InsightsPath(id InsightsPathID) *InsightsPath { return lookup(s.insightsPaths, id) }

// InsightsPathsOf are those of the caller's account and Region, in order of ID.
func (s State) InsightsPathsOf(c Caller) iter.Seq[*InsightsPath] {
	return those(s, s.insightsPaths, Home{c.Account, c.Region}.World(), "nip-")
}

// InsightsAnalysis finds one by ID; nil when there is none.
func (s State) InsightsAnalysis(id InsightsAnalysisID) *InsightsAnalysis {
	return lookup(s.insightsAnalyses, id)
}

// InsightsAnalysesOf are those of the caller's account and Region, in order of ID.
func (s State) InsightsAnalysesOf(c Caller) iter.Seq[*InsightsAnalysis] {
	return those(s, s.insightsAnalyses, Home{c.Account, c.Region}.World(), "nia-")
}

// AccessScope finds one by ID; nil when there is none.
func (s State) AccessScope(id AccessScopeID) *AccessScope { return lookup(s.accessScopes, id) }

// AccessScopesOf are those of the caller's account and Region, in order of ID.
func (s State) AccessScopesOf(c Caller) iter.Seq[*AccessScope] {
	return those(s, s.accessScopes, Home{c.Account, c.Region}.World(), "nis-")
}

// AccessScopeAnalysis finds one by ID; nil when there is none.
func (s State) AccessScopeAnalysis(id AccessScopeAnalysisID) *AccessScopeAnalysis {
	return lookup(s.scopeAnalyses, id)
}

// AccessScopeAnalyses are those of all accounts, in order of ID.
func (s State) AccessScopeAnalyses() iter.Seq[*AccessScopeAnalysis] { return s.scopeAnalyses.all() }

// AccessScopeAnalysesOf are those of the caller's account and Region, in order of ID.
func (s State) AccessScopeAnalysesOf(c Caller) iter.Seq[*AccessScopeAnalysis] {
	return those(s, s.scopeAnalyses, Home{c.Account, c.Region}.World(), "nisa-")
}
