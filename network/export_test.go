package network

import (
	"slices"
	"testing"
)

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

// Every kind that Rows knows is told of when it came, and nothing when nothing did.
func TestKindsSinceTellsWhatMayDiffer(t *testing.T) {
	w := furnished(t)
	want := []string{}
	for c := range w.Rows() {
		if !slices.Contains(want, c.Kind) {
			want = append(want, c.Kind)
		}
	}
	if got := w.KindsSince(State{}); !slices.Equal(got, want) {
		t.Errorf("since the beginning %v, want %v", got, want)
	}
	if got := w.KindsSince(w.State); len(got) != 0 {
		t.Errorf("since now: %v", got)
	}
	before := w.State
	w.do(ImportKeyPair{Name: "new", Type: "ed25519", Fingerprint: "f", Public: "p"})
	if got := w.KindsSince(before); !slices.Equal(got, []string{kindKeyPair}) {
		t.Errorf("since before a key pair: %v", got)
	}
}
