package differ_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"tombolo/internal/randnet"
	"tombolo/internal/testnet"
	"tombolo/reach"
)

// How the comparison goes on: so many networks at once in one fabric; after so
// many changes of each, new ones.
const (
	networks = 8
	changes  = 9
)

// TestPacketsAgreeWithTrace compares, for random networks that change at random,
// packets with the analyzer. With TOMBOLO_SOAK=1h it goes on for so long, with
// networks that nobody has seen before; TOMBOLO_SEED=N says with which to begin.
func TestPacketsAgreeWithTrace(t *testing.T) {
	testnet.Leaks(t)
	soak, _ := time.ParseDuration(os.Getenv("TOMBOLO_SOAK")) // unset or odd: 200 states
	began := time.Now()
	f, err := newFabric()
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	var sum tally
	for seed := firstSeed(t, soak); !t.Failed() && (sum.states < 200 || time.Since(began) < soak); seed += networks {
		thousands := sum.states / 1000
		f.play(t, seed, &sum)
		if sum.states/1000 > thousands {
			t.Logf("%v: seed %d, %d states, %d flows", time.Since(began).Round(time.Second), seed, sum.states, sum.flows)
		}
	}
	t.Log(sum.String())
	sum.check(t)
}

// firstSeed is always the same, but for a soak.
func firstSeed(t *testing.T, soak time.Duration) uint64 {
	seed, err := strconv.ParseUint(os.Getenv("TOMBOLO_SEED"), 10, 64)
	switch {
	case err == nil:
	case soak > 0:
		seed = uint64(time.Now().Unix())
	default:
		seed = 1
	}
	t.Logf("first seed %d", seed)
	return seed
}

// play takes new networks through all their changes.
func (f *fabric) play(t *testing.T, seed uint64, sum *tally) {
	t.Helper()
	site := new(randnet.Site)
	var nets []*randnet.Net
	for i := range uint64(networks) {
		nets = append(nets, site.Add(seed+i))
	}
	dice := rand.New(rand.NewPCG(seed, 2))
	for change := range changes {
		if err := f.set(site.State); err != nil {
			t.Fatalf("seed %d after %d changes: %v", seed, change, err)
		}
		var shots []*shot
		for _, n := range nets {
			shots = append(shots, f.aim(n, dice)...)
		}
		if !f.fire(t, shots) {
			t.Errorf("seed %d after %d changes", seed, change)
			return
		}
		sum.add(shots)
		for _, n := range nets {
			n.Change()
		}
	}
}

// tries is how often a volley that disagrees is fired. A plane that is wrong is
// wrong each time; a machine that stood still for a while is not.
const tries = 3

func (f *fabric) fire(t *testing.T, shots []*shot) bool {
	t.Helper()
	var problems []string
	for range tries {
		var err error
		if problems, err = f.volley(shots); err != nil {
			t.Fatal(err)
		}
		if len(problems) == 0 {
			return true
		}
	}
	wrong, alone, err := f.single(shots)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(alone, problems...)[:min(len(alone)+len(problems), 20)] {
		t.Error(p)
	}
	if len(wrong) > 0 {
		f.save(t, wrong[0].net, wrong[0])
	}
	return false
}

// tally is what has been compared.
type tally struct {
	states, flows, reachable, unanswered int
	loose                                int // flows that the plane may see otherwise than AWS
	codes                                map[reach.Code]int
	words                                map[string]int
}

func (y *tally) add(shots []*shot) {
	y.states += networks
	y.flows += len(shots)
	if y.codes == nil {
		y.codes, y.words = map[reach.Code]int{}, map[string]int{}
	}
	for _, s := range shots {
		if s.expect.crooked || s.expect.maybe != nil {
			y.loose++
		}
		switch s.result.Verdict {
		case reach.Reachable:
			y.reachable++
		case reach.Unanswered:
			y.unanswered++
		}
		if e, ok := s.result.First(); ok {
			y.codes[e.Code]++
		}
		if s.expect.ok {
			y.words[s.expect.cause.Why]++
		}
	}
}

func (y *tally) check(t *testing.T) {
	t.Helper()
	if denied := y.flows - y.reachable; 4*y.reachable < y.flows || 4*denied < y.flows {
		t.Errorf("%d of %d flows were reachable: such networks prove little", y.reachable, y.flows)
	}
	if 20*y.loose > y.flows {
		t.Errorf("%d of %d flows are where a difference is allowed: too many", y.loose, y.flows)
	}
	for _, why := range []string{"sg-denied", "acl-denied", "no-route", "blackhole", "not-in-peer-cidr", "source-not-in-vpc",
		"spoofed", "dest-check", "no-such-address", "not-supported"} {
		if y.words[why] == 0 {
			t.Errorf("no packet was dropped for %s", why)
		}
	}
}

func (y *tally) String() string {
	out := fmt.Sprintf("%d states, %d flows: %d reachable, %d unanswered, %d with leave to differ (docs/differences.md);", y.states, y.flows, y.reachable, y.unanswered, y.loose)
	for _, w := range slices.Sorted(maps.Keys(y.words)) {
		out += fmt.Sprintf(" %s %d", w, y.words[w])
	}
	for _, c := range slices.Sorted(maps.Keys(y.codes)) {
		out += fmt.Sprintf(" %s %d", c, y.codes[c])
	}
	return out
}
