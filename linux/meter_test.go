package linux

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"tombolo/flowlog"
	"tombolo/network"
)

// recorded is two VPCs' servers, of which db's flows are recorded.
func recorded(w *site) {
	p := twoVPCs(w)
	routesBothWays(w, w.accept(p))
	w.do(network.CreateFlowLogs{Resources: []string{w.ids["eni-db"]}, FlowLogSpec: recording})
}

// A State with a flow log that was deleted compiles to what it compiled to before,
// and so does one whose flow logs are for interfaces that carry nothing: nothing is
// installed that nobody needs.
func TestNothingIsInstalledForNobody(t *testing.T) {
	w := newSite(t)
	p := twoVPCs(w)
	routesBothWays(w, w.accept(p))
	idle := w.do(network.CreateENI{ENISpec: network.ENISpec{Subnet: network.SubnetID(w.ids["subnet-a1"])}})
	c := NewCompiler(NewBook())
	text := func() string {
		d := c.Compile(w.State, nil)
		d.SetEpoch(V4, 1)
		d.SetEpoch(V6, 1)
		return d.String()
	}
	before := text()
	for _, word := range []string{watchedSet, "flows.", "skipped", "add @", "goto passed.count"} {
		if strings.Contains(before, word) {
			t.Errorf("%q is compiled though nobody records", word)
		}
	}
	w.do(network.CreateFlowLogs{Resources: []string{idle}, FlowLogSpec: recording})
	if after := text(); after != before {
		t.Errorf("a flow log for an interface that is plugged in nowhere changes:\n%s", firstDifference(before, after))
	}
	id := network.FlowLogID(w.do(network.CreateFlowLogs{Resources: []string{w.ids["vpc-a"]}, FlowLogSpec: recording}))
	if during := text(); !strings.Contains(during, "add @flows.0 {") {
		t.Error("nothing is counted though a flow log is there")
	}
	w.do(network.DeleteFlowLogs{FlowLogs: []network.FlowLogID{id}})
	if after := text(); after != before {
		t.Errorf("a deleted flow log leaves:\n%s", firstDifference(before, after))
	}
	c.Listen(flowlog.OfEverything)
	during := text()
	c.Listen(flowlog.OfFlowLogs)
	if after := text(); after != before || during == before {
		t.Errorf("whoever listened leaves:\n%s", firstDifference(before, after))
	}
}

// To record, and to read, judges no flow again.
func TestRecordingTurnsNoPolicy(t *testing.T) {
	w := newSite(t)
	p := twoVPCs(w)
	routesBothWays(w, w.accept(p))
	k := newKernel()
	k.obey(t, w.State, nil)
	w.do(network.CreateFlowLogs{Resources: []string{w.ids["vpc-a"], w.ids["vpc-b"]}, FlowLogSpec: recording})
	k.obey(t, w.State, nil)
	for range 3 {
		want := k.compiler.Alternate()
		steps := Diff(k.have, want)
		if len(steps) != 1 || want.base != k.have {
			t.Fatalf("%d steps to the other set, want one: %v", len(steps), steps)
		}
		batch := steps[0].(Switch)
		if n := batch.Ready.Len() + batch.Clean.Len() + len(batch.Turn.Elements) + batch.Seal.Len(); n > 0 {
			t.Errorf("more than rules is changed: %+v", batch)
		}
		if set, _ := want.Metered(); set == want.OtherFlowSet() {
			t.Errorf("counted into %s, and not into %s", set, want.OtherFlowSet())
		}
		if err := k.do(steps); err != nil {
			t.Fatal(err)
		}
		k.have = want
		if a, b := k.text(), want.String(); a != b {
			t.Fatalf("the steps lead elsewhere:\n%s", firstDifference(a, b))
		}
	}
	if k.epochs != [2]uint16{1, 1} {
		t.Errorf("epochs %v, want the first still", k.epochs)
	}
}

// With nobody recording there is no other set.
func TestNothingAlternatesForNobody(t *testing.T) {
	c := NewCompiler(NewBook())
	if c.Alternate() != nil {
		t.Error("there is something before anything was compiled")
	}
	w := newSite(t)
	twoVPCs(w)
	c.Compile(w.State, nil)
	if c.Alternate() != nil {
		t.Error("there is something though nobody records")
	}
}

// Whatever an ending has to count, it ends with its verdict.
func TestEveryEndingEnds(t *testing.T) {
	for _, m := range []meter{{}, {on: true, room: 8}, {on: true, side: 1, room: 8}} {
		u := m.unit()
		k := holding(&Desired{units: map[string]*unit{"endings": u}})
		for _, e := range endings {
			for _, f := range []Family{V4, V6} {
				for _, protocol := range []uint8{1, 6, 17, 47, 58} {
					for _, full := range []bool{false, true} {
						for _, in := range []bool{false, true} {
							j := &journey{fake: k, packet: packet{protocol: protocol}, f: f, in: PortBase + 1, out: PortBase + 2, full: full}
							clear(k.elements[setKey{f, watchedSet}])
							if in && m.on {
								own := string(key(nil).own(PortBase + 1))
								k.elements[setKey{f, watchedSet}][own] = Element{Family: f, Set: watchedSet, Lo: own}
							}
							v, done := j.run(e.chain, 0)
							counted := m.on && in && !full
							if !done || v != e.verdict.Kind || j.fault != nil || (len(j.tallies) == 1) != counted {
								t.Errorf("%+v %s %s of protocol %d: %v, counted as %v, fault %v", m, f, e.chain, protocol, v, j.tallies, j.fault)
							}
						}
					}
				}
			}
		}
	}
}

// The key of a count is read as it was written.
func TestWhatACountIsOf(t *testing.T) {
	mark := uint32(sinkTable<<tableShift | 7)
	for _, x := range []struct {
		f        Family
		src, dst string
		fate     uint32
		want     Flow
	}{
		{V4, "10.0.1.2", "10.1.2.3", uint32(flowlog.Passed), Flow{Fate: flowlog.Passed}},
		{V6, "2001:db8::1", "2001:db8::2", uint32(flowlog.RefusedEntering), Flow{Fate: flowlog.RefusedEntering}},
		{V4, "10.0.1.2", "8.8.8.8", mark, Flow{Fate: flowlog.Lost, Mark: mark}},
	} {
		k := key(nil).own(x.fate).own(PortBase + 3).own(SinkPort).addr(addr(x.src)).addr(addr(x.dst)).proto(6)
		k = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(k, 33000), 80)
		k = append(k, 0x12, 0, 0, 0)
		want := x.want
		want.In, want.Out, want.Source, want.Dest, want.Protocol, want.SourcePort, want.Port, want.Flags = PortBase+3, SinkPort, addr(x.src), addr(x.dst), 6, 33000, 80, 0x12
		if got, ok := FlowOf(x.f, k); !ok || got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if _, ok := FlowOf(x.f, k[1:]); ok {
			t.Error("a key that is too short is read")
		}
	}
}

// Ports and causes are found by what a count knows of them.
func TestWhoseCountsTheyAre(t *testing.T) {
	w := newSite(t)
	recorded(w)
	c := NewCompiler(NewBook())
	d := c.Compile(w.State, nil)
	ports := d.Ports()
	if len(ports) != 2 {
		t.Fatalf("ports are %v", ports)
	}
	for port, id := range ports {
		raw := binary.NativeEndian.AppendUint32(nil, uint32(port))
		if got, ok := PortOfKey(raw); !ok || got != port {
			t.Errorf("%d is read as %d", port, got)
		}
		watched := slices.ContainsFunc(d.objects().Elements, func(e Element) bool { return e.Set == watchedSet && e.Lo == string(raw) })
		if want := w.names[string(id)] == "eni-db"; watched != want {
			t.Errorf("%s is watched: %v", w.names[string(id)], watched)
		}
	}
	if _, ok := PortOfKey([]byte{1}); ok {
		t.Error("a key that is too short is read")
	}
	found := false
	for e, n := range c.book.numbers {
		if e.kind == lostKind && strings.HasPrefix(e.name, "no-route ") {
			why := c.book.Causes()
			text := why(sinkTable<<tableShift | n)
			found = strings.HasPrefix(text, "no-route at rtb-") && why(sinkTable<<tableShift|n) == text && why(1) == ""
		}
	}
	if !found {
		t.Error("no cause is found by its mark")
	}
	for _, name := range []string{"flows.0", "flows.1", "ports"} {
		if (Set{Name: name}).CountsFlows() != (name != "ports") {
			t.Errorf("%s counts flows?", name)
		}
	}
	leaving, entering := SkippedSets()
	for _, name := range []string{leaving, entering} {
		if s, ok := d.Set(V4, name); !ok || !s.Counted {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// Room is what the kernel is told.
func TestRoomForFlowsIsBounded(t *testing.T) {
	w := newSite(t)
	recorded(w)
	c := NewCompiler(NewBook())
	for _, n := range []int{flowRoom, 99} {
		c.Room(n)
		d := c.Compile(w.State, nil)
		for _, f := range []Family{V4, V6} {
			if s, ok := d.Set(f, "flows.1"); !ok || s.Room != n {
				t.Errorf("%+v, want room for %d", s, n)
			}
		}
	}
}
