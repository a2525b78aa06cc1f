package flowlog

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"tombolo/network"
)

// mostRecords bounds what one flow log holds of an interval before it is written
// down. What is more is said to be skipped.
const mostRecords = 1 << 20

// Sum adds up what a flow log records over one interval.
type Sum struct {
	log     *network.FlowLog
	start   time.Time
	records map[key]*Record
	busy    map[network.ENIID]bool // something passed, whether this log records it or not
	skipped map[network.ENIID]bool
	most    int
}

// key is what records are added up by (AWS: Flow logs basics, aggregation interval).
type key struct {
	eni          network.ENIID
	direction    Direction
	action       Action
	source, dest netip.Addr
	protocol     uint8
	sport, dport uint16
}

// NewSum begins an interval of a flow log.
func NewSum(log *network.FlowLog, start time.Time) *Sum {
	return &Sum{log: log, start: start, records: map[key]*Record{}, busy: map[network.ENIID]bool{}, skipped: map[network.ENIID]bool{}, most: mostRecords}
}

// Start is when the interval began.
func (s *Sum) Start() time.Time { return s.start }

// covers reports whether the flow log is for an interface.
func (s *Sum) covers(e *network.ENI) bool {
	return s.log.Resource == string(e.ID) || s.log.Resource == string(e.Subnet) || s.log.Resource == string(e.VPC)
}

func (s *Sum) keeps(a Action) bool {
	return s.log.Traffic == network.TrafficAll || s.log.Traffic == network.TrafficAccept && a == Accept || s.log.Traffic == network.TrafficReject && a == Reject
}

// Add adds records, of which it keeps what the flow log is for.
func (s *Sum) Add(records []Record) {
	for _, r := range records {
		if !s.covers(r.Interface) {
			continue
		}
		s.busy[r.Interface.ID] = true
		if !s.keeps(r.Action) {
			continue
		}
		k := key{r.Interface.ID, r.Direction, r.Action, r.Source, r.Dest, r.Protocol, r.SourcePort, r.DestPort}
		old := s.records[k]
		if old == nil {
			if len(s.records) >= s.most {
				s.skipped[r.Interface.ID] = true
				continue
			}
			first := r
			s.records[k] = &first
			continue
		}
		old.Packets, old.Bytes, old.Flags = old.Packets+r.Packets, old.Bytes+r.Bytes, old.Flags|r.Flags
		if r.Start.Before(old.Start) {
			old.Start = r.Start
		}
		if r.End.After(old.End) {
			old.End, old.Path, old.Interface = r.End, r.Path, r.Interface
		}
	}
}

// Skip notes that something of an interface was not recorded.
func (s *Sum) Skip(e *network.ENI) {
	if s.covers(e) {
		s.skipped[e.ID] = true
	}
}

// Close is the records of the interval, in order of interface and time: what
// passed, NODATA for interfaces of running instances that nothing passed, and
// SKIPDATA for those of which something is missing.
func (s *Sum) Close(scene Scene, end time.Time) []Record {
	out := make([]Record, 0, len(s.records))
	for _, r := range s.records {
		if r.Start.Before(s.start) {
			r.Start = s.start // what was counted since the last reading began in this interval
		}
		if r.End.After(end) {
			r.End = end
		}
		out = append(out, *r)
	}
	for e := range scene.Now.ENIs() {
		if !s.covers(e) {
			continue
		}
		r := Record{Start: s.start, End: end}
		switch {
		case s.skipped[e.ID]:
			r.Status = SkipData
		case !s.busy[e.ID] && inUse(scene.Now, e):
			r.Status = NoData
		default:
			continue
		}
		out = append(out, scene.at(r, e, scene.Now))
	}
	slices.SortFunc(out, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Interface.ID, b.Interface.ID), a.Start.Compare(b.Start), cmp.Compare(a.Status, b.Status),
			a.Source.Compare(b.Source), a.Dest.Compare(b.Dest), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.SourcePort, b.SourcePort),
			cmp.Compare(a.DestPort, b.DestPort), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Action, b.Action))
	})
	return out
}

// inUse reports whether an interface has a running instance.
func inUse(s network.State, e *network.ENI) bool {
	if e.Attachment == nil {
		return false
	}
	i := s.Instance(e.Attachment.Instance)
	return i != nil && i.Runs()
}
