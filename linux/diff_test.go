package linux

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tombolo/network"
)

// From any State to any other: the steps are such as a kernel takes, they end
// with what was wanted, and doing them twice is doing them once.
func TestStepsLeadFromAnyStateToAnyOther(t *testing.T) {
	longest := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		k := newKernel()
		for range rapid.IntRange(1, 5).Draw(t, "rounds") {
			w.r = dice(t, "round")
			closed := map[network.ENIID]bool{}
			if w.oneIn(3) {
				closed[one(w, all(w.ENIs())).ID] = true
			}
			want, steps := k.plan(w.State, closed)
			longest = max(longest, len(steps))
			if err := k.do(steps); err != nil {
				t.Fatalf("a kernel refuses: %v", err)
			}
			if got, text := k.text(), want.String(); got != text {
				t.Fatalf("the steps do not end with what was wanted:\n%s", firstDifference(text, got))
			}
			if err := k.whole(); err != nil {
				t.Fatal(err)
			}
			k.have = want
			for _, same := range []*Desired{want, Observed(want.objects())} {
				if again := Diff(want, same); len(again) > 0 && same == want {
					t.Fatalf("Diff of equal things: %v", again)
				}
				for _, s := range Diff(same, want) {
					if _, ok := s.(Forget); !ok {
						t.Fatalf("what was observed as wanted differs: %s", s)
					}
				}
			}
			for range w.r.IntN(6) {
				w.step()
			}
		}
	})
	if longest < 40 {
		t.Errorf("at most %d steps: the worlds are too small", longest)
	}
}

// firstDifference is a few lines around where two texts part.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "-" + strings.Join(x[max(0, i-3):min(len(x), i+3)], "\n-") + "\n+" + strings.Join(y[max(0, i-3):min(len(y), i+3)], "\n+")
		}
	}
	return "one is longer"
}

// A kernel that holds anything at all, as after a crash between two steps, is led
// to what is wanted.
func TestAKernelInDisorderIsLedBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		a := compileAll(NewCompiler(NewBook()), w.State)
		for range 4 {
			w.step()
		}
		want := compileAll(NewCompiler(NewBook()), w.State)
		k := holding(a)
		steps := Diff(a, want)
		stop := rapid.IntRange(0, len(steps)).Draw(t, "stop")
		if err := k.do(steps[:stop]); err != nil {
			t.Fatal(err)
		}
		var seen Objects
		for _, l := range k.links {
			seen.Links = append(seen.Links, l)
		}
		for _, r := range k.routes {
			seen.Routes = append(seen.Routes, r)
		}
		for _, n := range k.neighbours {
			seen.Neighbours = append(seen.Neighbours, n)
		}
		for p := range k.policy {
			seen.Policy = append(seen.Policy, p)
		}
		for c := range k.counters {
			seen.Counters = append(seen.Counters, c)
		}
		for key, s := range k.sets {
			seen.Sets = append(seen.Sets, s)
			for _, e := range k.elements[key] {
				seen.Elements = append(seen.Elements, e)
			}
		}
		for _, c := range k.chains {
			seen.Chains = append(seen.Chains, c)
		}
		if err := k.do(Diff(Observed(seen), want)); err != nil {
			t.Fatalf("stopped after %d of %d steps: a kernel refuses: %v", stop, len(steps), err)
		}
		if got := k.text(); got != want.String() {
			t.Fatalf("stopped after %d of %d steps: %s", stop, len(steps), firstDifference(want.String(), got))
		}
	})
}

// However far the steps have come, nothing arrives that neither the old nor the
// new State lets arrive, and the policy turns with one part of one step.
func TestNoPrefixOfTheStepsLetsAForbiddenPacketPass(t *testing.T) {
	n := &tally{causes: map[string]int{}}
	prefixes := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		k := newKernel()
		k.obey(t, w.State, nil)
		for range 3 {
			packets := k.sample(w)
			old := k.arrivals(w, packets)
			w.step()
			want, steps := k.plan(w.State, nil)
			next := (&kernelAt{fake: holding(want)}).arrivals(w, packets)
			k.between = func(after string) {
				prefixes++
				for i, at := range k.arrivals(w, packets) {
					if at != "" && at != old[i] && at != next[i] {
						t.Fatalf("after %q of %v: %s\narrives at %s; before it was %q, afterwards it is %q", after, steps,
							w.rename(packets[i].String()), w.rename(string(at)), w.rename(string(old[i])), w.rename(string(next[i])))
					}
				}
			}
			if err := k.do(steps); err != nil {
				t.Fatal(err)
			}
			k.between = func(string) {}
			k.have = want
			for _, at := range next {
				n.count(verdict{at: at, cause: "dropped"})
			}
			if got := k.arrivals(w, packets); !slices.Equal(got, next) {
				t.Fatalf("in the end %v arrive, want %v", got, next)
			}
		}
	})
	n.enough(t)
	if prefixes < 300 {
		t.Errorf("only %d prefixes were looked at", prefixes)
	}
}

// sample is packets of which, if it can be had, every third arrives.
func (k *kernelAt) sample(w *world) []packet {
	var out []packet
	dropped := 0
	for range 200 {
		p := w.packet()
		switch arrives := k.arrivals(w, []packet{p})[0] != ""; {
		case arrives && len(out)-dropped < 12:
			out = append(out, p)
		case !arrives && dropped < 24:
			out, dropped = append(out, p), dropped+1
		}
	}
	return out
}

// arrivals are where first packets arrive, each with no memory of any other.
func (k *kernelAt) arrivals(w *world, packets []packet) []network.ENIID {
	var out []network.ENIID
	flows := k.flows
	for _, p := range packets {
		k.flows = map[tuple]*flow{}
		got, err := k.send(p)
		if err != nil && !strings.Contains(err.Error(), "nobody at") && !strings.Contains(err.Error(), "no table has") {
			w.Fatal(err)
		}
		id := network.ENIID("")
		if err == nil {
			id = k.links[got.at].ENI
		}
		out = append(out, id)
	}
	k.flows = flows
	return out
}
