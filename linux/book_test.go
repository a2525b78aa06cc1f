package linux

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tombolo/network"
)

// Names come and go, some are in use from one compilation to the next: no two
// have the same number at a time, one in use keeps its own, and one given up is
// given out again only after all others were.
func TestTheBookGivesEachNameItsOwnNumber(t *testing.T) {
	wrapped := 0
	rapid.Check(t, func(t *rapid.T) {
		b := NewBook()
		k := rapid.SampledFrom([]kind{tableKind, zoneKind, portKind, subnetKind, lostKind}).Draw(t, "kind")
		if rapid.Bool().Draw(t, "old") {
			b.last[k] = k.limit() - 5 // of a fabric that has seen much
		}
		given := map[uint32]string{}
		held := map[string]uint32{}
		for range rapid.IntRange(1, 12).Draw(t, "compilations") {
			high := b.last[k]
			b.begin()
			now := map[string]uint32{}
			for range rapid.IntRange(0, 5).Draw(t, "names") {
				name := fmt.Sprintf("n%d", rapid.IntRange(0, 7).Draw(t, "name"))
				n := b.number(k, name)
				if old, ok := held[name]; ok && old != n {
					t.Fatalf("%s had %d and now has %d", name, old, n)
				}
				if n == 0 || n > k.limit() || k == tableKind && n == sinkTable {
					t.Fatalf("%s has the number %d", name, n)
				}
				if _, kept := held[name]; !kept && n <= high && b.last[k] >= high && b.last[k] != n {
					t.Fatalf("%d was given to %s before and is given to %s", n, given[n], name)
				}
				given[n], now[name] = name, n
			}
			b.end()
			if b.last[k] < high {
				wrapped++
			}
			if held = now; len(slices.Compact(slices.Sorted(maps.Values(held)))) != len(held) {
				t.Fatalf("two names have one number: %v", held)
			}
		}
	})
	if wrapped < 5 {
		t.Errorf("numbers began again %d times only", wrapped)
	}
}

// When numbers have begun again, those in use are passed over, and for good.
func TestNumbersThatBeginAgainPassOverThoseInUse(t *testing.T) {
	b := NewBook()
	b.begin()
	for n := range 10 {
		b.number(tableKind, fmt.Sprintf("old %d", n)) // 2 to 11
	}
	b.last[tableKind] = tableKind.limit()
	for n := range 20 {
		if got, want := b.number(tableKind, fmt.Sprintf("new %d", n)), uint32(12+n); got != want {
			t.Fatalf("new name %d has the number %d, want %d", n, got, want)
		}
	}
}

func TestAFullBookGivesNoNumber(t *testing.T) {
	b := NewBook()
	seen := map[uint32]bool{}
	for n := range int(tableKind.limit()) - sinkTable {
		got := b.number(tableKind, fmt.Sprint(n))
		if got == 0 || seen[got] {
			t.Fatalf("name %d has the number %d", n, got)
		}
		seen[got] = true
	}
	if got := b.number(tableKind, "one too many"); got != 0 {
		t.Errorf("one too many has the number %d", got)
	}
	if got := b.number(tableKind, "0"); got != 2 {
		t.Errorf("the first has the number %d now", got)
	}
}

// What a kernel keeps of the book is the book: numbers stay with their names over
// a restart, and new names get others.
func TestTheBookSurvivesARestart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		old := NewCompiler(NewBook())
		d := compileAll(old, w.State)
		var kept []Element
		for _, e := range d.objects().Elements {
			if e.Set == BookSet().Name {
				kept = append(kept, e)
			}
		}
		b := NewBook()
		if err := b.Restore(rapid.Permutation(kept).Draw(t, "kept")); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(b.numbers, old.book.numbers) {
			t.Fatalf("restored are %v, want %v", b.numbers, old.book.numbers)
		}
		c := NewCompiler(b)
		if got := compileAll(c, w.State).String(); got != d.String() {
			t.Fatal(firstDifference(d.String(), got))
		}
		w.step()
		c.Compile(w.State, nil)
		for k := range kinds {
			taken := map[uint32]string{}
			for e, n := range c.book.numbers {
				if was, ok := taken[n]; ok && e.kind == k {
					t.Fatalf("%s and %s have the number %d", was, e.name, n)
				}
				if e.kind == k {
					taken[n] = e.name
				}
			}
		}
	})
}

func TestABadEntryOfTheBookIsRefused(t *testing.T) {
	entry := func(v uint32, note string) Element {
		return Element{Set: "book", Lo: string(key(nil).own(v)), Note: note}
	}
	for _, e := range []Element{
		entry(uint32(kinds)<<24|1, "vpc-1"),
		entry(uint32(tableKind)<<24, "vpc-1"),
		entry(uint32(tableKind)<<24|(tableKind.limit()+1), "vpc-1"),
		entry(uint32(zoneKind)<<24|1, ""),
	} {
		if err := NewBook().Restore([]Element{e}); err == nil || !strings.Contains(err.Error(), "bad entry") {
			t.Errorf("%x %q: %v", e.Lo, e.Note, err)
		}
	}
	b := NewBook()
	other := Element{Set: "lost", Lo: "\xff\xff\xff\xff"}
	if err := b.Restore([]Element{other, entry(uint32(zoneKind)<<24|7, "a b")}); err != nil || b.number(zoneKind, "a b") != 7 {
		t.Errorf("the book is %v, %v", b.numbers, err)
	}
}

// The largest number of each kind fits where the kernel keeps it.
func TestTheLargestNumbersSurviveARestart(t *testing.T) {
	for k := range kinds {
		b, again := NewBook(), NewBook()
		b.last[k] = k.limit() - 1
		n := b.number(k, "last")
		if err := again.Restore([]Element{entry{k, "last"}.element(n)}); err != nil || n != k.limit() || again.number(k, "last") != n {
			t.Errorf("kind %d: %d is %d after a restart: %v", k, n, again.number(k, "last"), err)
		}
	}
}

// Every number that the objects speak of is in the book at the end, and nothing
// else is: a name that is gone leaves its number.
func TestTheBookForgetsWhatIsGone(t *testing.T) {
	w := newSite(t)
	routesBothWays(w, twoVPCsActive(w))
	c := NewCompiler(NewBook())
	c.Compile(w.State, nil)
	names := func() string {
		var out []string
		for e := range c.book.numbers {
			out = append(out, fmt.Sprint(e.kind, " ", w.rename(e.name)))
		}
		slices.Sort(out)
		return strings.Join(out, "\n")
	}
	if !strings.Contains(names(), "0 eni-web") || !strings.Contains(names(), "2 vpc-a vpc-b") {
		t.Fatalf("the book has\n%s", names())
	}
	w.do(network.TerminateInstances{Instances: []network.InstanceID{w.instanceOf(network.ENIID(w.ids["eni-web"]))}})
	c.Compile(w.State, nil)
	for _, gone := range []string{"eni-web", "subnet-a1", "vpc-a vpc-a"} {
		if strings.Contains(names(), gone) {
			t.Errorf("%s is still in the book:\n%s", gone, names())
		}
	}
	if !strings.Contains(names(), "0 eni-db") {
		t.Errorf("db is not in the book:\n%s", names())
	}
}
