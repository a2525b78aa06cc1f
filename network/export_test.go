package network

import "testing"

// What Rows gives is everything: a State is built from it again, of every kind.
func TestRowsAreTheWholeState(t *testing.T) {
	w := furnished(t)
	want := map[string]any{}
	for _, r := range allRows(w.State) {
		want[r.kind+" "+r.key] = r.row
	}
	seen := 0
	for c := range w.Rows() {
		seen++
		if want[c.Kind+" "+c.Key] != c.Row {
			t.Errorf("%s %s is not the State's row", c.Kind, c.Key)
		}
		if seen == len(want) {
			break
		}
	}
	for range w.Rows() {
		seen--
	}
	if seen != 0 || len(want) == 0 {
		t.Errorf("the number of rows differs by %d", seen)
	}
}
