package linux

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tombolo/flowlog"
	"tombolo/network"
)

// copyOf is a book with the same numbers.
func copyOf(b *Book) *Book {
	c := *b
	c.numbers, c.pages = maps.Clone(b.numbers), maps.Clone(b.pages)
	return &c
}

// A Compiler that remembers gives what one that remembers nothing gives, with the
// same book, whatever happened in between and whatever is closed.
func TestARememberingCompilerGivesWhatAFreshOneGives(t *testing.T) {
	followed, whole := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		c := NewCompiler(NewBook())
		c.Compile(w.take(), nil)
		closed := map[network.ENIID]bool{}
		for range rapid.IntRange(1, 10).Draw(t, "rounds") {
			w.r = dice(t, "round")
			for range one(w, []int{1, 1, 1, 3}) {
				w.step()
			}
			if w.oneIn(4) {
				closed = map[network.ENIID]bool{one(w, all(w.ENIs())).ID: true}
			}
			if w.oneIn(6) {
				c.Listen(one(w, []flowlog.Audience{flowlog.OfFlowLogs, flowlog.OfEverything}))
			}
			if w.oneIn(6) {
				c.Alternate()
			}
			before := c.last.out
			got := c.Compile(w.take(), closed)
			if got.base == before && got != before {
				followed++
			} else {
				whole++
			}
			forgetful := NewCompiler(copyOf(c.book))
			forgetful.listening, forgetful.side = c.listening, c.side
			fresh := forgetful.Compile(w.State, closed)
			if a, b := fresh.String(), got.String(); a != b {
				t.Fatalf("a fresh compiler gives something else:\n%s", w.rename(firstDifference(a, b)))
			}
			if !slices.Equal(fresh.Endpoints(), got.Endpoints()) {
				t.Fatalf("open are %v, want %v", got.Endpoints(), fresh.Endpoints())
			}
			if a, b := zonesText(fresh), zonesText(got); !maps.EqualFunc(a, b, slices.Equal[[]uint16]) {
				t.Fatalf("zones are %v, want %v", b, a)
			}
		}
	})
	t.Logf("%d times from the change alone, %d times as a whole", followed, whole)
	if followed < 25 || whole < 25 {
		t.Error("one of the two ways was hardly taken")
	}
}

func zonesText(d *Desired) map[network.VPCID][]uint16 {
	out := map[network.VPCID][]uint16{}
	for v, zones := range d.zones {
		out[v] = slices.Sorted(slices.Values(zones))
	}
	return out
}

// Steps from a State to the next are the same whether the Compiler knows what
// changed or the two forms are compared as a whole.
func TestDiffOfAChangeIsDiffOfTheWhole(t *testing.T) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		c := NewCompiler(NewBook())
		have := compileAll(c, w.take())
		for range 3 {
			w.step()
			want := c.Compile(w.take(), nil)
			for _, f := range []Family{V4, V6} {
				want.KeepEpoch(f, have)
			}
			quick := Diff(have, want)
			forgetful := *want
			forgetful.base = nil
			a, b := holding(have), holding(have)
			if err := a.do(quick); err != nil {
				t.Fatal(err)
			}
			if err := b.do(Diff(have, &forgetful)); err != nil {
				t.Fatal(err)
			}
			if x, y := a.text(), b.text(); x != y || x != want.String() {
				t.Fatalf("what the change alone leads to is not what the whole leads to:\n%s", firstDifference(y, x))
			}
			if want.base != nil && len(quick) > 0 {
				seen++
			}
			have = want
		}
	})
	if seen < 15 {
		t.Errorf("only %d changes were followed", seen)
	}
}

// The order in which independent things are made does not matter but for the
// numbers that the book gives them, which come in order of ID.
func TestTheOrderOfOpsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		// Each of these is independent of the others.
		var ops []network.Request
		for a := range w.ACLs() {
			ops = append(ops, network.CreateACLEntry{ACL: a.ID, Entry: entryNamed("30 in deny tcp 25 10.0.0.0/8")},
				network.CreateACLEntry{ACL: a.ID, Entry: entryNamed("31 out allow all 10.0.0.0/8")})
		}
		for g := range w.SecurityGroups() {
			r := network.RuleSpec{Protocol: network.TCP, Ports: network.PortRange{From: 8080, To: 8090}, Peer: network.PeerCIDR{CIDR: cidr("10.0.0.0/8")}}
			q := network.RuleSpec{Protocol: network.TCP, Ports: network.PortRange{From: 8085, To: 8095}, Peer: network.PeerGroup{Group: g.ID}}
			ops = append(ops, network.AuthorizeRules{Group: g.ID, Rules: []network.RuleSpec{r}}, network.AuthorizeRules{Group: g.ID, Rules: []network.RuleSpec{q}})
		}
		for table := range w.RouteTables() {
			for p := range w.PeeringsWith(table.VPC) {
				for _, dst := range []string{"172.16.0.0/12", "172.16.5.0/24"} {
					if _, ok := table.Route(cidr(dst)); !ok {
						ops = append(ops, network.CreateRoute{Table: table.ID, Dst: cidr(dst), To: via(p.ID)})
					}
				}
				break
			}
		}
		var texts []string
		start := w.State
		for _, order := range [][]int{rapid.Permutation(indices(len(ops))).Draw(t, "one order"), rapid.Permutation(indices(len(ops))).Draw(t, "another")} {
			w.State = start
			for _, i := range order {
				if _, err := w.try(ops[i]); err != nil {
					w.in(elsewhere, func() { _, _ = w.try(ops[i]) })
				}
			}
			texts = append(texts, Compile(w.State).String())
		}
		if texts[0] != texts[1] {
			t.Fatal(w.rename(firstDifference(texts[0], texts[1])))
		}
		if len(ops) < 20 || texts[0] == Compile(start).String() {
			t.Fatalf("%d ops changed nothing", len(ops))
		}
	})
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// What the State says is what counts, not how it came to be: an op and its
// opposite leave what was there, numbers included.
func TestAnOpAndItsOppositeLeaveNoTrace(t *testing.T) {
	for name, op := range map[string]func(*site) (there, back func()){
		"a rule": func(w *site) (func(), func()) {
			g := network.GroupID(w.ids["sg-a"])
			spec := network.RuleSpec{Protocol: network.UDP, Ports: network.PortRange{From: 53, To: 53}, Peer: network.PeerCIDR{CIDR: cidr("10.1.0.0/16")}}
			return func() { w.do(network.AuthorizeRules{Group: g, Rules: []network.RuleSpec{spec}}) },
				func() { w.do(network.RevokeRules{Group: g, Rules: []network.RuleSpec{spec}}) }
		},
		"an entry": func(w *site) (func(), func()) {
			a := network.ACLID(w.ids["acl-b"])
			return func() { w.do(network.CreateACLEntry{ACL: a, Entry: entryNamed("50 in deny tcp 22 0.0.0.0/0")}) },
				func() { w.do(network.DeleteACLEntry{ACL: a, Number: 50}) }
		},
		"a route": func(w *site) (func(), func()) {
			table := network.RouteTableID(w.ids["rtb-a"])
			return func() { w.route(table, "10.9.7.0/24", via(pcx(w))) },
				func() { w.do(network.DeleteRoute{Table: table, Dst: cidr("10.9.7.0/24")}) }
		},
		"an address": func(w *site) (func(), func()) {
			e := network.ENIID(w.ids["eni-db"])
			return func() { w.do(network.AssignAddrs{ENI: e, Addrs: addrs("10.1.1.77")}) },
				func() { w.do(network.UnassignAddrs{ENI: e, Addrs: addrs("10.1.1.77")}) }
		},
		"a source check": func(w *site) (func(), func()) {
			e := network.ENIID(w.ids["eni-web"])
			yes := true
			return func() { off(w, e) }, func() { w.do(network.SetENIAttribute{ENI: e, SourceDestCheck: &yes}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSite(t)
			routesBothWays(w, twoVPCsActive(w))
			c := NewCompiler(NewBook())
			before := compileAll(c, w.State).String()
			there, back := op(w)
			there()
			if compileAll(c, w.State).String() == before {
				t.Error("it changes nothing")
			}
			back()
			if got := compileAll(c, w.State).String(); got != before {
				t.Errorf("a trace is left:\n%s", w.rename(firstDifference(before, got)))
			}
		})
	}
}
