package network

import (
	"iter"
	"strings"
	"time"
)

// FlowLog says that the packets of some interfaces are recorded, and where the
// records go: those of one interface, of all in a subnet, or of all in a VPC
// (AWS: VPC Flow Logs). It can't be changed, only made and deleted.
type FlowLog struct {
	ID FlowLogID
	Home
	Resource string // the ID of a VPC, a subnet or an interface
	FlowLogSpec
	Created time.Time
	Problem string // why the last delivery failed; "" when it did not
}

// FlowLogSpec is what can be chosen about a flow log.
type FlowLogSpec struct {
	Traffic  Traffic
	Bucket   string // of S3, that the records are delivered to
	Prefix   string // of the keys, as it was given: with or without a slash at its end
	Format   string // the fields of a record, as AWS writes them: ${version} ${account-id} …
	Interval int    // over how many seconds packets are added up: 60 or 600
	Hive     bool   // keys have partitions as Hive names them
	Hourly   bool   // keys have a partition for every hour
}

// Traffic says which records a flow log keeps.
type Traffic uint8

// The kinds of traffic.
const (
	TrafficAccept Traffic = iota + 1
	TrafficReject
	TrafficAll
)

func (t Traffic) String() string { return [...]string{"", "ACCEPT", "REJECT", "ALL"}[t] }

func (f *FlowLog) key() string     { return string(f.ID) }
func (f *FlowLog) links() []string { return []string{f.World(), f.Resource} }
func (f *FlowLog) uses() []use     { return []use{{f.Resource, QuotaFlowLogs}} }

// FlowLog finds one by ID; nil when there is none.
func (s State) FlowLog(id FlowLogID) *FlowLog { return lookup(s.flowLogs, id) }

// FlowLogs are all of all accounts, in order of ID.
func (s State) FlowLogs() iter.Seq[*FlowLog] { return s.flowLogs.all() }

// FlowLogsOf are those of the caller's account and Region.
func (s State) FlowLogsOf(c Caller) iter.Seq[*FlowLog] {
	return those(s, s.flowLogs, Home{c.Account, c.Region}.World(), "fl-")
}

// FlowLogsFor are those that record an interface's packets: its own, its
// subnet's and its VPC's.
func (s State) FlowLogsFor(e *ENI) iter.Seq[*FlowLog] {
	return func(yield func(*FlowLog) bool) {
		if s.flowLogs.len() == 0 {
			return
		}
		for _, id := range []string{string(e.ID), string(e.Subnet), string(e.VPC)} {
			for f := range those(s, s.flowLogs, id, "fl-") {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// CreateFlowLogs makes one for each resource, all or none. Created: the flow logs.
type CreateFlowLogs struct {
	Resources []string
	FlowLogSpec
	Tags Tags
}

// DeleteFlowLogs deletes several, all or none.
type DeleteFlowLogs struct{ FlowLogs []FlowLogID }

// ReportDelivery says how the last delivery of a flow log's records went.
type ReportDelivery struct {
	FlowLog FlowLogID
	Problem string // "" when it went well
}

// apply refuses a second flow log of the same traffic to the same place (AWS:
// CreateFlowLogs, FlowLogAlreadyExists).
func (r CreateFlowLogs) apply(e *edit) error {
	if len(r.Resources) == 0 {
		return fail(Missing, "ResourceId")
	}
	if r.Traffic < TrafficAccept || r.Traffic > TrafficAll {
		return fail(Missing, "TrafficType")
	}
	if r.Interval != 60 && r.Interval != 600 {
		return fail(FlowLogInterval, "MaxAggregationInterval")
	}
	if r.Bucket == "" {
		return fail(Missing, "LogDestination")
	}
	for _, id := range r.Resources {
		if err := e.recordable(id); err != nil {
			return err
		}
		for old := range those(e.State, e.flowLogs, id, "fl-") {
			if old.Traffic == r.Traffic && old.Bucket == r.Bucket && strings.TrimSuffix(old.Prefix, "/") == strings.TrimSuffix(r.Prefix, "/") {
				return failWith(FlowLogExists, id, old.ID)
			}
		}
		if err := e.room(id, QuotaFlowLogs); err != nil {
			return err
		}
		f := &FlowLog{ID: FlowLogID(e.newID("fl")), Home: e.home(), Resource: id, FlowLogSpec: r.FlowLogSpec, Created: e.op.At}
		put(e, &e.flowLogs, kindFlowLog, f)
		e.created(f.key())
		if err := e.setTags(f.key(), r.Tags); err != nil {
			return err
		}
	}
	return nil
}

// recordable is an error unless id is of something that has packets. A VPC that
// is only a peer's is another account's to record (AWS: Flow log limitations).
func (e *edit) recordable(id string) error {
	var err error
	switch Kind(id) {
	case "vpc":
		_, err = e.vpc(VPCID(id))
	case "subnet":
		_, err = e.subnet(SubnetID(id))
	case "eni":
		_, err = e.eni(ENIID(id))
	default:
		err = failWith(Malformed, id, "vpc")
	}
	return err
}

func (r DeleteFlowLogs) apply(e *edit) error {
	for _, id := range r.FlowLogs {
		f, err := visible(e, e.flowLogs, string(id), "fl")
		if err != nil {
			return err
		}
		drop(e, &e.flowLogs, kindFlowLog, f.key())
	}
	return nil
}

// apply writes only what is news.
func (r ReportDelivery) apply(e *edit) error {
	f := e.FlowLog(r.FlowLog)
	if f == nil {
		return fail(NotFound, r.FlowLog)
	}
	if f.Problem == r.Problem {
		return nil
	}
	next := *f
	next.Problem = r.Problem
	put(e, &e.flowLogs, kindFlowLog, &next)
	return nil
}

// dropFlowLogs deletes those of a thing that goes.
func (e *edit) dropFlowLogs(of string) {
	if e.flowLogs.len() == 0 {
		return
	}
	for f := range those(e.State, e.flowLogs, of, "fl-") {
		drop(e, &e.flowLogs, kindFlowLog, f.key())
	}
}
