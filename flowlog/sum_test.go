package flowlog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tombolo/network"
)

// lines are records in a short form.
func lines(t *testing.T, records []Record) string {
	t.Helper()
	f, err := ParseFormat("${srcaddr} ${dstaddr} ${dstport} ${packets} ${bytes} ${tcp-flags} ${start} ${end} ${action} ${log-status}")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range records {
		out = append(out, strings.ReplaceAll(f.Line(r), fmt.Sprint(dayOne.Unix())[:7], ""))
	}
	return strings.Join(out, "\n")
}

func at(seconds int) time.Time { return dayOne.Add(time.Duration(seconds) * time.Second) }

// AWS: Flow logs basics, Aggregation interval: packets of a flow are added up, their
// flags are joined; another action is another record.
func TestAnIntervalAddsUp(t *testing.T) {
	w := &site{T: t}
	v, n := w.vpc(home, "10.0.0.0/16")
	a, b := w.server(home, n, "10.0.0.10"), w.server(home, n, "10.0.0.20")
	s := NewSum(w.log(string(a.ID), network.TrafficAll), at(0))
	_ = v
	c := Count{Fate: Passed, From: a.ID, To: b.ID, Source: a.Addrs[0], Dest: b.Addrs[0], Protocol: 6, SourcePort: 33000, DestPort: 80, Flags: 2, Packets: 1, Bytes: 60}
	s.Add(w.scene().Records([]Count{c}, at(0), at(10)))
	c.Flags, c.Packets, c.Bytes = 16, 5, 500
	s.Add(w.scene().Records([]Count{c}, at(10), at(20)))
	c.Flags, c.Packets, c.Bytes = 17, 1, 52
	s.Add(w.scene().Records([]Count{c}, at(40), at(70)))
	c.Fate, c.Packets, c.Bytes, c.Flags = RefusedLeaving, 2, 104, 16
	s.Add(w.scene().Records([]Count{c}, at(50), at(55)))
	if got, want := lines(t, s.Close(w.scene(), at(60))), "10.0.0.10 10.0.0.20 80 7 612 3 600 660 ACCEPT OK\n10.0.0.10 10.0.0.20 80 2 104 0 650 655 REJECT OK"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// AWS: CreateFlowLogs, TrafficType; Flow log records, log-status.
func TestWhatAFlowLogKeeps(t *testing.T) {
	w := &site{T: t}
	v, n := w.vpc(home, "10.0.0.0/16")
	a, b, idle := w.server(home, n, "10.0.0.10"), w.server(home, n, "10.0.0.20"), w.server(home, n, "10.0.0.30")
	w.do(network.CreateENI{ENISpec: network.ENISpec{Subnet: n}}) // plugged in nowhere: nothing can be said of it
	counts := []Count{
		{Fate: Passed, From: a.ID, To: b.ID, Source: a.Addrs[0], Dest: b.Addrs[0], Protocol: 17, DestPort: 1, Packets: 1, Bytes: 28},
		{Fate: RefusedEntering, From: a.ID, To: b.ID, Source: a.Addrs[0], Dest: b.Addrs[0], Protocol: 17, DestPort: 2, Packets: 1, Bytes: 28},
	}
	for _, tc := range []struct {
		resource string
		traffic  network.Traffic
		want     map[network.ENIID]string // by interface: action or status, and port
	}{
		{string(v), network.TrafficAll, map[network.ENIID]string{a.ID: "ACCEPT1 ACCEPT2", b.ID: "ACCEPT1 REJECT2", idle.ID: "NODATA"}},
		{string(n), network.TrafficReject, map[network.ENIID]string{b.ID: "REJECT2", idle.ID: "NODATA"}},
		{string(b.ID), network.TrafficAccept, map[network.ENIID]string{b.ID: "ACCEPT1"}},
		{string(idle.ID), network.TrafficAccept, map[network.ENIID]string{idle.ID: "NODATA"}},
	} {
		s := NewSum(w.log(tc.resource, tc.traffic), at(0))
		s.Add(w.scene().Records(counts, at(0), at(10)))
		got := map[network.ENIID]string{}
		for _, r := range s.Close(w.scene(), at(60)) {
			word := r.Status.String()
			if r.Status == OK {
				word = fmt.Sprintf("%v%d", r.Action, r.DestPort)
			}
			got[r.Interface.ID] = strings.TrimSpace(got[r.Interface.ID] + " " + word)
		}
		if fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%v of %s: %v, want %v", tc.traffic, tc.resource, got, tc.want)
		}
	}
}

// What is not recorded is said, for the interfaces concerned and beside what is.
func TestWhatIsSkippedIsSaid(t *testing.T) {
	w := &site{T: t}
	v, n := w.vpc(home, "10.0.0.0/16")
	a, b := w.server(home, n, "10.0.0.10"), w.server(home, n, "10.0.0.20")
	s := NewSum(w.log(string(v), network.TrafficAll), at(0))
	s.Skip(b)
	records := s.Close(w.scene(), at(60))
	status := map[network.ENIID]Status{}
	for _, r := range records {
		status[r.Interface.ID] = r.Status
	}
	if len(records) != 2 || status[a.ID] != NoData || status[b.ID] != SkipData {
		t.Errorf("%v", status)
	}
	// There is room for two records only.
	s = NewSum(w.log(string(a.ID), network.TrafficAll), at(0))
	s.most = 2
	for port := range uint16(5) {
		s.Add(w.scene().Records([]Count{{Fate: Lost, From: a.ID, Source: a.Addrs[0], Dest: addr("192.0.2.1"), DestPort: port, Packets: 1}}, at(0), at(1)))
	}
	if got := s.Close(w.scene(), at(60)); len(got) != 3 || got[0].Status != SkipData && got[2].Status != SkipData {
		t.Errorf("%+v", got)
	}
	other := NewSum(w.log(string(a.ID), network.TrafficReject), at(0))
	other.Skip(b)
	if got := other.Close(w.scene(), at(60)); len(got) != 1 || got[0].Status != NoData {
		t.Errorf("another interface's loss is said: %+v", got)
	}
}

// However the counts are cut into readings, the sum is the same.
func TestNoPacketIsLostInAdding(t *testing.T) {
	w := &site{T: t}
	v, n := w.vpc(home, "10.0.0.0/16")
	a, b := w.server(home, n, "10.0.0.10"), w.server(home, n, "10.0.0.20")
	log := w.log(string(v), network.TrafficAll)
	rapid.Check(t, func(t *rapid.T) {
		s := NewSum(log, at(0))
		if !s.Start().Equal(at(0)) {
			t.Fatal(s.Start())
		}
		sent, entered, packets := uint64(0), uint64(0), uint64(0)
		for i := range rapid.IntRange(1, 30).Draw(t, "counts") {
			c := Count{Fate: Fate(rapid.IntRange(1, 4).Draw(t, "fate")), From: a.ID, To: b.ID, Source: a.Addrs[0], Dest: b.Addrs[0],
				Protocol: 6, DestPort: uint16(rapid.IntRange(1, 3).Draw(t, "port")), Flags: uint8(rapid.IntRange(0, 31).Draw(t, "flags")),
				Packets: rapid.Uint64Range(1, 1000).Draw(t, "packets")}
			sent += c.Packets
			if c.Fate == Passed || c.Fate == RefusedEntering {
				entered += c.Packets
			}
			s.Add(w.scene().Records([]Count{c}, at(i), at(i+1)))
		}
		for _, r := range s.Close(w.scene(), at(60)) {
			packets += r.Packets
			if r.Start.After(r.End) || r.Start.Before(at(0)) || r.End.After(at(60)) {
				t.Fatalf("%+v", r)
			}
		}
		if packets != sent+entered {
			t.Fatalf("%d packets recorded, %d were sent and %d came", packets, sent, entered)
		}
	})
}
