package network

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// version is a tree as it was once, and what must be in it for ever.
type version struct {
	tree tree[int]
	want map[string]int
}

// check compares all that a tree can be asked with the map.
func (v version) check(t *rapid.T, prefixes []string) {
	if v.tree.len() != len(v.want) {
		t.Fatalf("%d values, want %d", v.tree.len(), len(v.want))
	}
	for _, prefix := range prefixes {
		var want []int
		for _, key := range slices.Sorted(maps.Keys(v.want)) {
			if strings.HasPrefix(key, prefix) {
				want = append(want, v.want[key])
			}
		}
		if got := slices.Collect(v.tree.under(prefix)); !slices.Equal(got, want) {
			t.Fatalf("under %q: %v, want %v", prefix, got, want)
		}
		if n, ok := v.tree.get(prefix); ok != (v.want[prefix] != 0) || n != v.want[prefix] {
			t.Fatalf("%q is %d, %v; want %d", prefix, n, ok, v.want[prefix])
		}
	}
}

// A tree holds what a map would hold, and whatever is done to one that another
// was made of, by the same turn or by others, the other never changes.
func TestTreesAreMapsThatNeverChange(t *testing.T) {
	keys := rapid.StringMatching(`[ab]{0,3}[a-z]?`)
	rapid.Check(t, func(t *rapid.T) {
		versions := []version{{want: map[string]int{}}}
		size := rapid.SampledFrom([]int{3, 30, 300}).Draw(t, "ops in a turn")
		for range rapid.IntRange(1, 12).Draw(t, "turns") {
			from := rapid.SampledFrom(versions).Draw(t, "of")
			next := version{from.tree, maps.Clone(from.want)}
			by := rapid.SampledFrom([]*turn{new(turn), nil}).Draw(t, "by")
			for i := range size {
				key := keys.Draw(t, "key")
				if rapid.IntRange(0, 2).Draw(t, "op") == 0 {
					next.tree.delete(by, key)
					delete(next.want, key)
				} else {
					next.tree.set(by, key, len(versions)*1000+i+1)
					next.want[key] = len(versions)*1000 + i + 1
				}
			}
			if by != nil {
				by.over = true
			}
			versions = append(versions, next)
		}
		for _, v := range versions {
			v.check(t, []string{"", "a", "ab", "abb", "b", "bq", "zz"})
		}
	})
}

// Who walks through a tree sees what was there when he began, whatever the same op
// writes on the way.
func TestAWalkSeesNothingOfWhatIsWrittenOnTheWay(t *testing.T) {
	by := new(turn)
	var rows tree[int]
	var refs refs
	for i := range 100 {
		rows.set(by, fmt.Sprintf("%03d", i), i)
		refs.move(by, fmt.Sprintf("%03d", i), nil, []string{"p"})
	}
	seen := 0
	for v := range rows.all() {
		if v != seen {
			t.Fatalf("saw %d, want %d", v, seen)
		}
		rows.delete(by, fmt.Sprintf("%03d", (seen*37+1)%100))
		rows.set(by, fmt.Sprintf("%03d+", seen), -1)
		seen++
	}
	for child := range refs.children("p", "") {
		refs.move(by, child, []string{"p"}, []string{"o", "q"})
		seen++
	}
	if seen != 200 || len(slices.Collect(refs.children("q", ""))) != 100 {
		t.Errorf("saw %d of 200, and moved %d links", seen, len(slices.Collect(refs.children("q", ""))))
	}
}

// Links are a set in order that never changes either.
func TestRefsNeverChange(t *testing.T) {
	lists := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "aa", "ab", "b", "c>d", "e"}), 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			refs refs
			rows map[string][]string
		}
		versions := []version{{rows: map[string][]string{}}}
		for range rapid.IntRange(1, 12).Draw(t, "turns") {
			from := rapid.SampledFrom(versions).Draw(t, "of")
			next, by := version{from.refs, maps.Clone(from.rows)}, new(turn)
			for range 40 {
				child := fmt.Sprint("row-", rapid.IntRange(0, 99).Draw(t, "child"))
				come := lists.Draw(t, "links")
				next.refs.move(by, child, next.rows[child], come)
				next.rows[child] = come
			}
			versions = append(versions, next)
		}
		for _, v := range versions {
			for _, parent := range []string{"a", "aa", "b", "c>d", "x"} {
				var want []string
				for child, parents := range v.rows {
					if slices.Contains(parents, parent) && strings.HasPrefix(child, "row-1") {
						want = append(want, child)
					}
				}
				slices.Sort(want)
				if got := slices.Collect(v.refs.children(parent, "row-1")); !slices.Equal(got, want) {
					t.Fatalf("children of %q: %v, want %v", parent, got, want)
				}
			}
		}
	})
}

// Any number of dry runs may start from one State at the same time; run with -race.
func TestOpsOnOneStateAtTheSameTime(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	before := dump(w.State)
	var all sync.WaitGroup
	for i := range 8 {
		op := w.op(home, CreateSubnet{VPC: v.ID, CIDR: cidr(fmt.Sprintf("10.0.%d.0/24", i)), Zones: zones})
		all.Go(func() {
			for range 50 {
				s, err := w.Apply(op)
				if err != nil {
					t.Error(err)
					return
				}
				if n := len(slices.Collect(s.SubnetsIn(v.ID))); n != 1 {
					t.Errorf("%d subnets in a State of its own, want 1", n)
				}
			}
		})
	}
	all.Wait()
	if dump(w.State) != before {
		t.Error("the State that all ops began with has changed")
	}
}

// A State that a Loader gave stays as it is when the Loader goes on.
func TestALoaderMayGoOn(t *testing.T) {
	w := newSite(t)
	w.newVPC(home, "10.0.0.0/16")
	var l Loader
	add := func(s State) {
		for c := range s.Rows() {
			doc, err := c.Doc()
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Add(c.Kind, doc); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(w.State)
	first := l.State(1)
	before := dump(first)
	w.newVPC(home, "10.1.0.0/16")
	add(w.State)
	if dump(first) != before {
		t.Error("the first State has changed")
	}
	if got := dump(l.State(2)); got != dump(w.State) {
		t.Error("the second State is not the whole")
	}
}
