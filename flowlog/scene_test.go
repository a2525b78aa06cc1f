package flowlog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tombolo/network"
)

// what shows records in a few words.
func what(w *site, names map[network.ENIID]string, records []Record) string {
	var out []string
	for _, r := range records {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %v %v %v %s", names[r.Interface.ID], r.Direction, r.Action, r.Path, r.Cause)))
	}
	return strings.Join(out, "; ")
}

// AWS: Flow logs: the signature of every fate, at both interfaces (Flow log record
// examples, Security group and network ACL rules; Flow log records, traffic-path).
func TestWhatEachInterfaceHasToSay(t *testing.T) {
	w := &site{T: t}
	av, an := w.vpc(home, "10.0.0.0/16")
	bv, bn := w.vpc(home, "10.1.0.0/16")
	cv, cn := w.vpc(elsewhere, "10.2.0.0/16")
	a, near, b, c := w.server(home, an, "10.0.0.10"), w.server(home, an, "10.0.0.20"), w.server(home, bn, "10.1.0.10"), w.server(elsewhere, cn, "10.2.0.10")
	ab := network.PeeringID(w.do(network.RequestPeering{VPC: av, PeerVPC: bv}))
	ac := network.PeeringID(w.do(network.RequestPeering{VPC: av, PeerVPC: cv, PeerRegion: elsewhere.Region}))
	for _, r := range []struct {
		dst string
		to  network.Target
	}{{"10.1.0.0/16", network.ToPeering{Peering: ab}}, {"10.2.0.0/16", network.ToPeering{Peering: ac}}, {"192.0.2.0/24", network.ToENI{ENI: near.ID}}} {
		w.do(network.CreateRoute{Table: w.VPC(av).MainTable, Dst: cidr(r.dst), To: r.to})
	}
	names := map[network.ENIID]string{a.ID: "a", near.ID: "near", b.ID: "b", c.ID: "c"}
	for _, tc := range []struct {
		c    Count
		want string
	}{
		{Count{Fate: Passed, From: a.ID, To: near.ID, Dest: near.Addrs[0]}, "a egress ACCEPT 1; near ingress ACCEPT -"},
		{Count{Fate: Passed, From: a.ID, To: b.ID, Dest: b.Addrs[0]}, "a egress ACCEPT 4; b ingress ACCEPT -"},
		{Count{Fate: Passed, From: a.ID, To: c.ID, Dest: c.Addrs[0]}, "a egress ACCEPT 5; c ingress ACCEPT -"},
		{Count{Fate: RefusedEntering, From: a.ID, To: b.ID, Dest: b.Addrs[0]}, "a egress ACCEPT 4; b ingress REJECT -"},
		{Count{Fate: RefusedLeaving, From: a.ID, To: b.ID, Dest: b.Addrs[0]}, "a egress REJECT 4"},
		{Count{Fate: RefusedLeaving, From: a.ID, Dest: near.Addrs[0]}, "a egress REJECT 1"},
		{Count{Fate: RefusedLeaving, From: a.ID, Dest: near.Addrs6[0]}, "a egress REJECT 1"},
		{Count{Fate: Lost, From: a.ID, Dest: addr("10.0.9.9"), Cause: "no-such-address"}, "a egress ACCEPT 1 no-such-address"},
		{Count{Fate: Lost, From: a.ID, Dest: addr("10.1.9.9"), Cause: "no-such-address"}, "a egress ACCEPT 4 no-such-address"},
		{Count{Fate: Lost, From: a.ID, Dest: addr("10.2.9.9")}, "a egress ACCEPT 5"},
		{Count{Fate: Lost, From: a.ID, Dest: addr("192.0.2.9")}, "a egress ACCEPT 1"},
		{Count{Fate: Lost, From: a.ID, Dest: addr("203.0.113.9"), Cause: "no-route"}, "a egress ACCEPT - no-route"},
		{Count{Fate: Passed, From: "eni-gone", To: b.ID, Dest: b.Addrs[0]}, "b ingress ACCEPT -"},
		{Count{Fate: Passed, From: "eni-gone", To: "eni-lost"}, ""},
	} {
		tc.c.Source = a.Addrs[0]
		if got := what(w, names, w.scene().Records([]Count{tc.c}, dayOne, dayOne)); got != tc.want {
			t.Errorf("%v to %v: %s, want %s", tc.c.Fate, tc.c.Dest, got, tc.want)
		}
	}
	// An internet gateway's route is a way that AWS has a number for.
	world := network.VPCID(w.do(network.OpenWorld{Zones: []string{"us-east-1a"}}))
	for n := range w.SubnetsIn(world) {
		x := w.server(home, n.ID, "172.31.0.10")
		got := w.scene().Records([]Count{{Fate: Lost, From: x.ID, Source: x.Addrs[0], Dest: addr("8.8.8.8")}}, dayOne, dayOne)
		if len(got) != 1 || got[0].Path != ToTheGateway || got[0].ZoneID != "id-of-us-east-1a" {
			t.Errorf("to the internet: %+v", got)
		}
	}
}

// What has gone between two readings is known from the State before.
func TestWhatHasGoneIsRemembered(t *testing.T) {
	w := &site{T: t}
	_, n := w.vpc(home, "10.0.0.0/16")
	a := w.server(home, n, "10.0.0.10")
	before := w.State
	i := a.Attachment.Instance
	w.do(network.TerminateInstances{Instances: []network.InstanceID{i}})
	w.do(network.ReportEnded{Instance: i})
	if w.ENI(a.ID) != nil {
		t.Fatal("the interface is still there")
	}
	got := Scene{Now: w.State, Before: before}.Records([]Count{{Fate: Passed, From: a.ID, To: a.ID, Source: a.Addrs[0], Dest: a.Addrs[0]}}, dayOne, dayOne)
	if len(got) != 2 || got[0].Interface != a || got[0].Instance() != i {
		t.Errorf("%+v", got)
	}
}

// AWS: Flow log records, srcaddr, dstaddr, pkt-srcaddr, pkt-dstaddr: the interface's
// own end is its primary address; what the packet has is apart.
func TestAnInterfacesOwnEndIsItsPrimaryAddress(t *testing.T) {
	w := &site{T: t}
	_, n := w.vpc(home, "10.0.0.0/16")
	a, b := w.server(home, n, "10.0.0.10"), w.server(home, n, "10.0.0.20")
	f, err := ParseFormat("${srcaddr} ${pkt-srcaddr} ${dstaddr} ${pkt-dstaddr}")
	if err != nil {
		t.Fatal(err)
	}
	outside := addr("2001:db8::9")
	for _, tc := range []struct {
		c    Count
		want []string
	}{
		{Count{Source: a.Addrs[1], Dest: b.Addrs[1]}, []string{"10.0.0.10 10.0.0.11 10.0.0.21 10.0.0.21", "10.0.0.11 10.0.0.11 10.0.0.20 10.0.0.21"}},
		{Count{Source: addr("192.0.2.1"), Dest: addr("198.51.100.1")}, []string{"10.0.0.10 192.0.2.1 198.51.100.1 198.51.100.1", "192.0.2.1 192.0.2.1 10.0.0.20 198.51.100.1"}},
		{Count{Source: outside, Dest: b.Addrs6[0]}, []string{
			fmt.Sprintf("%v %v %v %v", a.Addrs6[0], outside, b.Addrs6[0], b.Addrs6[0]), fmt.Sprintf("%v %v %v %v", outside, outside, b.Addrs6[0], b.Addrs6[0])}},
	} {
		tc.c.Fate, tc.c.From, tc.c.To = Passed, a.ID, b.ID
		for i, r := range w.scene().Records([]Count{tc.c}, dayOne, dayOne.Add(time.Second)) {
			if got := f.Line(r); got != tc.want[i] {
				t.Errorf("%s, want %s", got, tc.want[i])
			}
		}
	}
}

// AWS: Flow log records, tcp-flags: FIN 1, SYN 2, RST 4, SYN-ACK 18; ACK and PSH
// alone are 0.
func TestFlagsAreAWSs(t *testing.T) {
	for header, want := range map[uint8]uint8{0x02: 2, 0x12: 18, 0x11: 1, 0x14: 4, 0x10: 0, 0x18: 0, 0x01: 1, 0x04: 4} {
		if got := shownFlags(header); got != want {
			t.Errorf("%#x is shown as %d, want %d", header, got, want)
		}
	}
}
