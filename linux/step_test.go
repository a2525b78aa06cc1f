package linux

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tombolo/network"
)

// A small network, and what one op does to the kernel: which steps, for which
// interfaces, and whether flows are judged anew.
func TestWhatOneOpDoes(t *testing.T) {
	for _, c := range []struct {
		name  string
		op    func(*site)
		steps string // as they begin, in order
		who   string // the interfaces that the switch concerns
		turns string // the families that are judged anew
	}{
		{"a tag", func(w *site) {
			w.do(network.CreateTags{Resources: []string{w.ids["vpc-a"]}, Tags: network.Tags{"k": "v"}})
		}, "", "", ""},
		{"a rule of a group", func(w *site) { w.allow(network.GroupID(w.ids["sg-a"]), "in tcp 80 10.1.0.0/16") },
			"switch", "eni-web", "ip"},
		{"a rule of the other family", func(w *site) { w.allow(network.GroupID(w.ids["sg-a"]), "in tcp 80 ::/0") },
			"switch", "eni-web", "ip6"},
		{"a rule of a group without members", func(w *site) { w.allow(network.GroupID(w.ids["sg-idle"]), "in tcp 80 10.1.0.0/16") },
			"", "", ""},
		{"an entry of an ACL", func(w *site) {
			w.do(network.CreateACLEntry{ACL: network.ACLID(w.ids["acl-b"]), Entry: entryNamed("50 in deny tcp 22 0.0.0.0/0")})
		}, "switch", "eni-db", "ip"},
		{"a route", func(w *site) { w.route(network.RouteTableID(w.ids["rtb-a"]), "10.9.0.0/16", via(pcx(w))) },
			"switch", "eni-web", "ip ip6"},
		{"an address more", func(w *site) {
			w.do(network.AssignAddrs{ENI: network.ENIID(w.ids["eni-db"]), Addrs: addrs("10.1.1.77")})
		}, "plug, ip neigh, ip -4 route, switch", "eni-db", "ip"},
		{"an address less", func(w *site) {
			w.do(network.UnassignAddrs{ENI: network.ENIID(w.ids["eni-web"]), Addrs: addrs("10.0.1.11")})
		}, "plug, switch, not ip -4 route, not ip neigh, forget", "eni-web", "ip"},
		{"a new server", func(w *site) { w.server(network.SubnetID(w.ids["subnet-a1"]), "new", "10.0.1.90") },
			"plug, ip neigh, ip -4 route, switch", "eni-new eni-web", "ip"},
		{"the end of a server", func(w *site) {
			w.do(network.TerminateInstances{Instances: []network.InstanceID{network.InstanceID(w.ids["i-db"])}})
		}, "switch, unplug, not ip -4 rule, not ip -6 rule, not ip -4 route, not ip -6 route, not ip neigh, forget", "", "ip"},
		{"the end of a peering", func(w *site) { w.do(network.DeletePeering{Peering: pcx(w)}) },
			"switch", "eni-db eni-web", "ip ip6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newSite(t)
			routesBothWays(w, twoVPCsActive(w))
			w.group(network.VPCID(w.ids["vpc-a"]), "idle")
			w.do(network.AssignAddrs{ENI: network.ENIID(w.ids["eni-web"]), Addrs: addrs("10.0.1.11")})
			compiler := NewCompiler(NewBook())
			have := compileAll(compiler, w.State)
			c.op(w)
			want := compiler.Compile(w.State, nil)
			want.KeepEpoch(V4, have)
			want.KeepEpoch(V6, have)
			steps := Diff(have, want)
			if got := shortly(steps); got != c.steps && !(c.name == "the end of a server" && strings.HasPrefix(got, "switch, unplug")) {
				t.Errorf("the steps are %q, want %q", got, c.steps)
			}
			turns := Turns(steps)
			var turned []string
			for _, f := range []Family{V4, V6} {
				if turns[f] {
					turned = append(turned, f.String())
				}
			}
			if got := strings.Join(turned, " "); got != c.turns && c.who != "" {
				t.Errorf("judged anew is %q, want %q", got, c.turns)
			}
			for _, s := range steps {
				if _, ok := s.(Switch); ok && c.who != "" {
					if got := w.namesOf(Concerns(s, have, want)); got != c.who {
						t.Errorf("the switch concerns %q, want %q", got, c.who)
					}
				}
			}
		})
	}
}

func (w *site) namesOf(ids []network.ENIID) string {
	var out []string
	for _, id := range ids {
		out = append(out, w.names[string(id)])
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// shortly is steps by their first words, each kind once in a row.
func shortly(steps []Step) string {
	var out []string
	for _, s := range steps {
		words := strings.Fields(s.String())
		n := 1
		if i := slices.Index(words, "ip"); i >= 0 && i < 2 {
			n = i + 2
			if strings.HasPrefix(words[i+1], "-") {
				n++
			}
		}
		out = append(out, strings.Join(words[:n], " "))
	}
	return strings.Join(slices.Compact(out), ", ")
}

// A step that fails closes what it concerns: always something, and always open
// interfaces or the link itself.
func TestEveryStepConcernsSomebody(t *testing.T) {
	kinds := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		c := NewCompiler(NewBook())
		have := compileAll(c, w.State)
		for range 4 {
			w.step()
			want := compileAll(c, w.State)
			open := append(have.Endpoints(), want.Endpoints()...)
			for _, s := range Diff(have, want) {
				kinds[fmt.Sprintf("%T", s)]++
				who := Concerns(s, have, want)
				if len(who) == 0 {
					t.Fatalf("%s concerns nobody", s)
				}
				for _, id := range who {
					if _, linked := have.LinkOf(id); !linked && !slices.Contains(open, id) {
						t.Fatalf("%s concerns %s, which is not open", s, id)
					}
				}
			}
			have = want
		}
	})
	if len(kinds) < 8 {
		t.Errorf("only these steps were seen: %v", kinds)
	}
}

// A closed interface keeps its link and nothing else: it neither sends nor
// receives, and its instance is not told.
func TestAClosedInterfaceKeepsItsLinkOnly(t *testing.T) {
	w := newSite(t)
	routesBothWays(w, twoVPCsActive(w))
	id := network.ENIID(w.ids["eni-web"])
	c := NewCompiler(NewBook())
	open := compileAll(c, w.State)
	shut := c.Compile(w.State, map[network.ENIID]bool{id: true})
	was, _ := open.LinkOf(id)
	if now, ok := shut.LinkOf(id); !ok || !now.equal(was) {
		t.Errorf("its link is %v, was %v", now, was)
	}
	if slices.Contains(shut.Endpoints(), id) {
		t.Error("it is an endpoint")
	}
	for _, e := range shut.objects().Elements {
		if strings.HasPrefix(e.Lo, string(key(nil).own(uint32(was.Port)))) && e.Set != BookSet().Name {
			t.Errorf("there is an element for it in %s", e.Set)
		}
	}
	for _, r := range shut.objects().Routes {
		if r.Port == was.Port {
			t.Errorf("a route leads to it: %s", r)
		}
	}
	again := compileAll(c, w.State)
	if now, _ := again.LinkOf(id); !slices.Contains(again.Endpoints(), id) || !now.equal(was) {
		t.Errorf("opened again its link is %v, was %v", now, was)
	}
}

// An untruthful source is dropped and counted, in whatever form it comes: an
// address that is not the interface's, a MAC address that is not, and the latter
// also in what belongs to no flow.
func TestForgedPacketsAreCountedAtTheirSender(t *testing.T) {
	w := newSite(t)
	v := w.vpc("a", "10.0.0.0/16")
	n := w.subnet(v, "a1", "10.0.1.0/24")
	g := w.group(v, "open", "in all 0.0.0.0/0", "out all 0.0.0.0/0")
	from, to := w.ENI(w.server(n, "from", "10.0.1.10", g)), w.ENI(w.server(n, "to", "10.0.1.20", g))
	k := newKernel()
	k.obey(t, w.State, nil)
	honest := packet{from.ID, from.MAC, from.Addrs[0], to.Addrs[0], 6, 33000, 80, 0}
	send := func(what string, p packet, want string) {
		t.Helper()
		got, err := k.send(p)
		if err != nil {
			t.Fatal(err)
		}
		result := w.names[string(k.links[got.at].ENI)] + w.rename(strings.Join(got.causes(k.compiler.book), ", "))
		if result != want {
			t.Errorf("%s: %q, want %q", what, result, want)
		}
	}
	const spoofed = "spoofed at eni-from egress"
	send("an honest packet", honest, "eni-to")
	p := honest
	p.src = addr("10.0.1.30")
	send("another's address", p, spoofed)
	p = honest
	p.mac, p.first = to.MAC, 33001
	send("another's MAC address", p, spoofed)
	p.protocol, p.first, p.second = 1, 5<<8, 0
	p.mac = from.MAC
	send("an honest packet that belongs to no flow", p, "eni-to")
	p.mac = to.MAC
	send("another's MAC address in what belongs to no flow", p, spoofed)
}

// The mark of a flow holds two epochs and two bits, which do not meet.
func TestAFlowsMarkHoldsBothEpochs(t *testing.T) {
	if originalEpoch&replyEpoch != 0 || (originalEpoch|replyEpoch)&(trackedByOriginator|trackedByResponder) != 0 || EpochMask&trackedByOriginator != 0 {
		t.Error("the parts of a flow's mark overlap")
	}
	for _, e := range []uint16{1, 2, 255, Epochs - 1, Epochs} {
		u := epochUnit(V4, e, meter{})
		mark := uint32(trackedByOriginator | trackedByResponder)
		for _, c := range u.Chains {
			for _, r := range c.Rules {
				if s, ok := r.Statements[0].(SetFlowMark); ok {
					mark = mark&^s.Mask ^ s.Value
				}
			}
		}
		if a, b := EpochsOf(mark); a != e || b != e || mark&trackedByOriginator == 0 || mark&trackedByResponder == 0 {
			t.Errorf("epoch %d makes the mark %#x, of epochs %d and %d", e, mark, a, b)
		}
	}
}

// A cause is read from the name of its counter as it was written there.
func TestACauseIsReadFromItsCounter(t *testing.T) {
	for _, c := range []Cause{
		{"acl-denied", "acl-0123456789abcdef0", "egress", "32766"},
		{"acl-denied", "acl-0123456789abcdef0", "ingress", "*"},
		{"no-route", "rtb-0123456789abcdef0", "", ""},
	} {
		if got, ok := CauseOfCounter(c.counterName()); !ok || got != c {
			t.Errorf("%s is read as %q", c.counterName(), got)
		}
		if len(c.counterName()) > 127 {
			t.Errorf("%s is too long for a name", c.counterName())
		}
	}
	if _, ok := CauseOfCounter("packets"); ok {
		t.Error("another's counter has a cause")
	}
	b := NewBook()
	for _, e := range []Element{{Set: lostSet, Lo: "x"}, {Set: "ports", Lo: "\x01\x00\x00\x00"}, {Set: spoofedSet, Lo: "\x01\x00\x00\x00"},
		{Set: lostSet, Lo: "\xff\xff\xff\x3f"}} {
		if c, ok := b.CauseOfElement(e); ok {
			t.Errorf("element %x of %s is %q", e.Lo, e.Set, c)
		}
	}
}
