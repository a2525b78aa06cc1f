package flowlog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tombolo/network"
)

// The words are AWS's, and each has one: a forgotten one would be empty.
func TestTheWordsAreAWSs(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"OK": OK, "NODATA": NoData, "SKIPDATA": SkipData, "ingress": Ingress, "egress": Egress, "ACCEPT": Accept, "REJECT": Reject,
		"-": Path(0), "1": SameVPC, "4": SameRegion, "5": OtherRegion, "8": ToTheGateway,
		"passed": Passed, "refused leaving": RefusedLeaving, "lost": Lost, "refused entering": RefusedEntering,
	} {
		if got.String() != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// Every fate is one that a plane may count, and no other number is.
func TestNoFateIsForgotten(t *testing.T) {
	seen := map[string]bool{}
	for f := Passed; f <= RefusedEntering; f++ {
		if f.String() == "" || seen[f.String()] {
			t.Errorf("fate %d is called %q", f, f)
		}
		seen[f.String()] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d fates", len(seen))
	}
}

// FuzzParseFormat: what is accepted is written as it was read, and gives lines of as
// many words as fields.
func FuzzParseFormat(f *testing.F) {
	f.Add(DefaultFormat)
	f.Add("${version}  ${tcp-flags}")
	f.Add("${}")
	f.Add("$ {version}")
	r := Record{Interface: eni, Status: OK, Direction: Ingress, Action: Accept, Source: addr("10.0.0.1"), Dest: addr("10.0.0.2")}
	f.Fuzz(func(t *testing.T, text string) {
		format, err := ParseFormat(text)
		if err != nil {
			return
		}
		again, err := ParseFormat(format.String())
		if err != nil || again.String() != format.String() {
			t.Fatalf("%q is read as %q, then as %q: %v", text, format, again, err)
		}
		fields := strings.Count(format.String(), "${")
		if n := len(strings.Fields(format.Line(r))); n != fields {
			t.Fatalf("%q gives a line of %d words", text, n)
		}
		if n := len(strings.Fields(format.Header())); n != fields {
			t.Fatalf("%q gives a header of %d words", text, n)
		}
	})
}

// Records are in order of interface and time, whatever order the packets had, so
// that two writings of the same are the same.
func TestRecordsAreInOrder(t *testing.T) {
	w := &site{T: t}
	v, n := w.vpc(home, "10.0.0.0/16")
	a, b := w.server(home, n, "10.0.0.10"), w.server(home, n, "10.0.0.20")
	var counts []Count
	for port := range uint16(20) {
		counts = append(counts, Count{Fate: Passed, From: a.ID, To: b.ID, Source: a.Addrs[0], Dest: b.Addrs[0], Protocol: 17, DestPort: port, Packets: 1},
			Count{Fate: Passed, From: b.ID, To: a.ID, Source: b.Addrs[0], Dest: a.Addrs[0], Protocol: 17, SourcePort: port, Packets: 1})
	}
	log := w.log(string(v), network.TrafficAll)
	var first string
	for range 5 {
		s := NewSum(log, at(0))
		s.Add(w.scene().Records(counts, at(0), at(10)))
		records := s.Close(w.scene(), at(60))
		if len(records) != 80 || !slices.IsSortedFunc(records, func(x, y Record) int { return strings.Compare(string(x.Interface.ID), string(y.Interface.ID)) }) {
			t.Fatalf("%d records, or not by interface", len(records))
		}
		text := lines(t, records)
		if first == "" {
			first = text
		}
		if text != first {
			t.Fatal("another order")
		}
		slices.Reverse(counts)
	}
}

// The route with the longest prefix is the one that packets take.
func TestTheLongestPrefixIsTheWay(t *testing.T) {
	table := &network.RouteTable{Routes: []network.Route{
		{Dst: cidr("0.0.0.0/0"), To: network.ToGateway{Gateway: "igw-1"}},
		{Dst: cidr("10.0.0.0/8"), To: network.ToPeering{Peering: "pcx-1"}},
		{Dst: cidr("10.1.0.0/16"), To: network.ToLocal{}},
		{Dst: cidr("10.1.2.0/24"), To: network.ToENI{ENI: "eni-1"}},
	}}
	for a, want := range map[string]network.Target{
		"10.1.2.3": network.ToENI{ENI: "eni-1"}, "10.1.3.3": network.ToLocal{}, "10.2.0.1": network.ToPeering{Peering: "pcx-1"},
		"8.8.8.8": network.ToGateway{Gateway: "igw-1"}, "2001:db8::1": nil,
	} {
		if got := longest(table, addr(a)).To; got != want {
			t.Errorf("%s goes to %v, want %v", a, got, want)
		}
	}
	if longest(nil, addr("10.0.0.1")).To != nil {
		t.Error("no table has a route")
	}
}

// An interface that moved its record's path or was changed meanwhile is shown as it
// was when the last packet was counted.
func TestTheLastPacketSaysHowItWas(t *testing.T) {
	w := &site{T: t}
	v, n := w.vpc(home, "10.0.0.0/16")
	a := w.server(home, n, "10.0.0.10")
	c := Count{Fate: Lost, From: a.ID, Source: a.Addrs[0], Dest: addr("203.0.113.9"), Protocol: 17, Packets: 1}
	s := NewSum(w.log(string(v), network.TrafficAll), at(0))
	s.Add(w.scene().Records([]Count{c}, at(0), at(10)))
	w.do(network.CreateRoute{Table: w.VPC(v).MainTable, Dst: cidr("203.0.113.0/24"), To: network.ToENI{ENI: a.ID}})
	s.Add(w.scene().Records([]Count{c}, at(10), at(20)))
	got := s.Close(w.scene(), at(60))
	if len(got) != 1 || got[0].Path != SameVPC || got[0].Packets != 2 {
		t.Errorf("%+v", got)
	}
}
