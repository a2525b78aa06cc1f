package reach_test

import (
	"testing"

	"tombolo/reach"
)

// TestPathsShareTheirWork holds Paths to what makes it fast: what many pairs have in
// common is calculated once. Time depends on the machine, allocations do not.
func TestPathsShareTheirWork(t *testing.T) {
	c := newCrowd(t, 20, 1000)
	hub := c.enis[0]
	for name, ask := range map[string]func() int{
		"to":   func() int { return len(reach.PathsTo(c.state, hub)) },
		"from": func() int { return len(reach.PathsFrom(c.state, hub)) },
	} {
		paths := ask()
		if paths < 900 {
			t.Fatalf("%s the hub: only %d paths", name, paths)
		}
		if n := testing.AllocsPerRun(3, func() { ask() }); n > 20*float64(paths) {
			t.Errorf("%s the hub: %v allocations for %d paths", name, n, paths)
		}
	}
	if n := testing.AllocsPerRun(3, func() { reach.Compare(c.state, c.state) }); n > 20*1000 {
		t.Errorf("%v allocations to see that nothing has changed among a thousand interfaces", n)
	}
}

// The crowd must be one in which the answers are not all alike, or its speed says
// nothing.
func TestTheCrowdIsMixed(t *testing.T) {
	c := newCrowd(t, 20, 1000)
	words := map[string]int{}
	for _, p := range reach.PathsTo(c.state, c.enis[0]) {
		words[reach.Words(p.Flows)]++
	}
	if len(words) < 3 {
		t.Errorf("all can reach the hub alike: %v", words)
	}
}
