package network

import (
	"slices"
	"testing"
)

// everyPacket is a flow log that keeps everything.
var everyPacket = FlowLogSpec{Traffic: TrafficAll, Bucket: "records", Format: "${version}", Interval: 60}

// AWS: Flow log basics: "you can create a flow log for a VPC, a subnet, or a
// network interface", and a subnet's or VPC's is for each interface in it.
func TestAFlowLogIsForTheInterfacesInItsResource(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	n, m := w.newSubnet(home, v.ID, "10.0.1.0/24"), w.newSubnet(home, v.ID, "10.0.2.0/24")
	a, b, far := w.newENI(home, n.ID), w.newENI(home, n.ID), w.newENI(home, m.ID)
	ids := w.as(home, CreateFlowLogs{Resources: []string{string(a.ID), string(n.ID), string(v.ID)}, FlowLogSpec: everyPacket, Tags: Tags{"x": "y"}}).Created
	for _, tc := range []struct {
		eni  *ENI
		want []string
	}{{a, ids}, {b, ids[1:]}, {far, ids[2:]}} {
		var got []string
		for f := range w.FlowLogsFor(tc.eni) {
			got = append(got, string(f.ID))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s has %v, want %v", tc.eni.ID, got, tc.want)
		}
	}
	w.wantTags(ids[2], Tags{"x": "y"})
}

// AWS: CreateFlowLogs: FlowLogAlreadyExists; Amazon VPC quotas: two per resource.
func TestWhatFlowLogsAreRefused(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	far := w.newVPC(stranger, "10.1.0.0/16")
	ask := func(change func(*CreateFlowLogs)) CreateFlowLogs {
		r := CreateFlowLogs{Resources: []string{string(v.ID)}, FlowLogSpec: everyPacket}
		change(&r)
		return r
	}
	id := w.do(ask(func(*CreateFlowLogs) {}))
	w.refuses(ask(func(r *CreateFlowLogs) { r.Format, r.Interval = "${start}", 600 }), FlowLogExists, string(v.ID), id)
	w.refuses(ask(func(r *CreateFlowLogs) { r.Prefix = "/" }), FlowLogExists, string(v.ID), id)
	w.refuses(ask(func(r *CreateFlowLogs) { r.Resources = nil }), Missing, "ResourceId", "")
	w.refuses(ask(func(r *CreateFlowLogs) { r.Traffic = 0 }), Missing, "TrafficType", "")
	w.refuses(ask(func(r *CreateFlowLogs) { r.Traffic = TrafficAll + 1 }), Missing, "TrafficType", "")
	w.refuses(ask(func(r *CreateFlowLogs) { r.Bucket = "" }), Missing, "LogDestination", "")
	w.refuses(ask(func(r *CreateFlowLogs) { r.Interval = 61 }), FlowLogInterval, "MaxAggregationInterval", "")
	w.refuses(ask(func(r *CreateFlowLogs) { r.Resources = []string{"i-0123456789abcdef0"} }), Malformed, "i-0123456789abcdef0", "vpc")
	w.refuses(ask(func(r *CreateFlowLogs) { r.Resources = []string{string(far.ID)} }), NotFound, string(far.ID), "")
	w.do(ask(func(r *CreateFlowLogs) { r.Traffic = TrafficReject }))
	w.refuses(ask(func(r *CreateFlowLogs) { r.Traffic = TrafficAccept }), LimitExceeded, string(v.ID), string(QuotaFlowLogs))
	w.refuses(DeleteFlowLogs{[]FlowLogID{FlowLogID(id), "fl-0123456789abcdef0"}}, NotFound, "fl-0123456789abcdef0", "")
	w.do(DeleteFlowLogs{[]FlowLogID{FlowLogID(id)}})
	w.do(ask(func(*CreateFlowLogs) {}))
}

// A flow log ends with what it was for: an ID is never given out again, so that it
// could only ever record nothing.
func TestAFlowLogEndsWithItsResource(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	n := w.newSubnet(home, v.ID, "10.0.1.0/24")
	eni := w.newENI(home, n.ID)
	ids := w.as(home, CreateFlowLogs{Resources: []string{string(eni.ID), string(n.ID), string(v.ID)}, FlowLogSpec: everyPacket}).Created
	for k, r := range []Request{DeleteENI{eni.ID}, DeleteSubnet{n.ID}, DeleteVPC{v.ID}} {
		w.do(r)
		for at, id := range ids {
			if has := w.FlowLog(FlowLogID(id)) != nil; has != (at > k) {
				t.Errorf("after %T: %s is there: %v", r, id, has)
			}
		}
	}
}

func TestADeliveryIsReportedOnce(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	id := FlowLogID(w.do(CreateFlowLogs{Resources: []string{string(v.ID)}, FlowLogSpec: everyPacket}))
	w.do(ReportDelivery{id, "Access error"})
	before := w.Generation
	w.do(ReportDelivery{id, "Access error"})
	if w.Generation != before || w.FlowLog(id).Problem != "Access error" {
		t.Errorf("generation %d after %d, problem %q", w.Generation, before, w.FlowLog(id).Problem)
	}
	w.do(ReportDelivery{id, ""})
	if w.FlowLog(id).Problem != "" {
		t.Errorf("the problem stays: %q", w.FlowLog(id).Problem)
	}
	w.refuses(ReportDelivery{FlowLog: "fl-0123456789abcdef0"}, NotFound, "fl-0123456789abcdef0", "")
}
