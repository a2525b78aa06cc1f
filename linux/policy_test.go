package linux

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// Whatever numbers tables have, the rules lead each mark to its table, and no
// mark to another's; what has no table ends in none.
func TestThePolicyLeadsEachMarkToItsTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := uint32(rapid.SampledFrom([]int{2, 2, 14, 250, 4090, 16300}).Draw(t, "from"))
		spread := rapid.SampledFrom([]int{1, 20, 300, 83}).Draw(t, "spread")
		seen := map[uint32]bool{}
		var numbers []uint32
		for range rapid.IntRange(0, 40).Draw(t, "tables") {
			n := from + uint32(rapid.IntRange(0, spread).Draw(t, "n"))
			if !seen[n] && n < 1<<14 {
				seen[n] = true
				numbers = append(numbers, n)
			}
		}
		self := map[uint32]uint32{}
		if len(numbers) > 1 && rapid.Bool().Draw(t, "regions") {
			self[numbers[0]] = numbers[1]
		}
		u := policyUnit(numbers, self)
		k := holding(&Desired{units: map[string]*unit{"policy": u}})
		priorities := map[[2]int]bool{}
		for _, p := range u.Policy {
			at := [2]int{int(p.Family), p.Priority}
			if priorities[at] {
				t.Fatalf("two rules have the priority %d", p.Priority)
			}
			priorities[at] = true
		}
		for _, p := range u.Policy {
			if p.Goto != 0 && !priorities[[2]int{int(p.Family), p.Goto}] && p.Goto != sinkPriority && p.Goto != selfPriority {
				t.Fatalf("%s leads to no rule", p)
			}
			if p.Goto != 0 && p.Goto <= p.Priority {
				t.Fatalf("%s leads back", p)
			}
		}
		whole, _ := everything(V4).prefix()
		for n := range uint32(1 << 14) {
			k.routes[fakeRoute{V4, fibBase + int(n), whole}] = Route{Family: V4, Table: fibBase + int(n), Dst: whole}
		}
		for _, n := range append([]uint32{sinkTable, 0, from + 1, from + 16, from + 256, 1<<14 - 1}, numbers...) {
			n &= 1<<14 - 1
			for _, rest := range []uint32{0, sameSubnet, 0xffff} {
				j := &journey{fake: k, packet: packet{dst: netip.MustParseAddr("10.0.0.1")}, mark: n<<tableShift | rest}
				r, ok := j.lookup()
				if want := seen[n] || n == sinkTable; ok != want || ok && r.Table != fibBase+int(n) {
					t.Fatalf("mark %#x goes to table %d (%v); tables are %v", j.mark, r.Table, ok, numbers)
				}
			}
		}
	})
}

// A rule costs every packet time: a thousand tables need a tree, not a list.
func TestAThousandTablesAreAFewRulesAway(t *testing.T) {
	var numbers []uint32
	for n := range uint32(1000) {
		numbers = append(numbers, n+2)
	}
	rules := tree(numbers)
	worst := 0
	for _, n := range numbers {
		looked, at := 0, 0
		for {
			next, found := nextRule(rules, at, n<<tableShift)
			looked += found
			if next.Goto == 0 || next.Goto == sinkPriority {
				break
			}
			at = next.Goto
		}
		worst = max(worst, looked)
	}
	if worst > 40 {
		t.Errorf("a packet looks at %d rules", worst)
	}
}

// nextRule is the first rule from a priority on that matches a packet of an
// instance, and how many were looked at.
func nextRule(rules []PolicyRule, from int, mark uint32) (best PolicyRule, looked int) {
	for _, r := range rules {
		if r.Priority >= from && !r.FromSelf && mark&r.Mask == r.Mark && (best.Priority == 0 || r.Priority < best.Priority) {
			best = r
		}
	}
	for _, r := range rules {
		if r.Priority >= from && r.Priority <= best.Priority {
			looked++
		}
	}
	return best, looked
}
