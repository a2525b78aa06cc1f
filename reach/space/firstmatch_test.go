package space

import (
	"testing"

	"pgregory.net/rapid"
)

// entry is a line of an ordered list in which the first that matches decides.
type entry struct {
	allow bool
	box   Box
}

var someEntry = rapid.Custom(func(t *rapid.T) entry {
	return entry{rapid.Bool().Draw(t, "allow"), someBox.Draw(t, "box")}
})

// An ordered list becomes a Set from its last line to its first: each overrides
// what stands behind it.
func TestOrderedListsBecomeSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfN(someEntry, 0, 8).Draw(t, "entries")
		var passes Set
		for i := len(entries) - 1; i >= 0; i-- {
			if entries[i].allow {
				passes = passes.Union(Of(entries[i].box))
			} else {
				passes = passes.Subtract(Of(entries[i].box))
			}
		}
		agree(t, "list", passes, func(p Packet) bool {
			for _, e := range entries {
				if has(e.box, p) {
					return e.allow
				}
			}
			return false
		})
	})
}

// What passes two lists in a row is what passes both, in any order.
func TestGatesInSeriesAreAnIntersection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := someBoxes.Draw(t, "a"), someBoxes.Draw(t, "b"), someBoxes.Draw(t, "c")
		inA, inB, inC := modelOf(a), modelOf(b), modelOf(c)
		agree(t, "series", Of(a...).Intersect(Of(b...)).Intersect(Of(c...)), func(p Packet) bool { return inA(p) && inB(p) && inC(p) })
		if !Of(c...).Intersect(Of(b...)).Intersect(Of(a...)).Equal(Of(a...).Intersect(Of(b...)).Intersect(Of(c...))) {
			t.Fatalf("the order of gates matters")
		}
	})
}
