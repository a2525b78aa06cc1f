package linux

import (
	"maps"
	"slices"
)

// The priorities of ip rules. The tree of marks comes first, because every
// packet of an instance has one; the kernel's own tables come last.
const (
	selfGate      = 500
	rootPriority  = 1000
	middlePrio    = 2000
	leafPriority  = 4000
	selfPriority  = 24000
	sinkPriority  = 29999
	localPriority = 30000
)

// compilePolicy leads marks to tables. A rule costs every packet about 10 ns,
// so that one rule per table in a row is too slow from a few dozen tables on:
// they are a tree of gotos with 16 branches, of which only the levels that are
// needed exist.
func (j *job) compilePolicy() {
	numbers := []uint32{}
	self := map[uint32]uint32{}
	for _, t := range j.tables {
		numbers = append(numbers, t.number)
		if t.back != 0 {
			self[t.number] = t.back
		}
	}
	slices.Sort(numbers)
	from := []any{}
	for _, n := range numbers {
		from = append(from, n, self[n])
	}
	j.unit("policy", from, func() *unit { return policyUnit(slices.Compact(numbers), self) })
}

func policyUnit(numbers []uint32, self map[uint32]uint32) *unit {
	u := &unit{}
	for _, f := range []Family{V4, V6} {
		// The sink is last: it is where the fewest packets go.
		sink := PolicyRule{Priority: sinkPriority, Mark: sinkTable << tableShift, Mask: tableMask, Table: fibBase + sinkTable}
		for _, p := range append(append(tree(numbers), reflected(self)...), sink) {
			p.Family = f
			u.Policy = append(u.Policy, p)
		}
	}
	return u
}

// block is how many priorities a goto leads to: a landing, 16 branches and the
// end. The kernel ignores a goto to a priority that no rule has, and a block's
// first branch need not exist, hence the landing; what it matches, the fabric's
// own packets, has no business in the tree.
const block = 18

func tree(numbers []uint32) []PolicyRule {
	var out []PolicyRule
	roots, middles := map[uint32]bool{}, map[uint32]bool{}
	for _, n := range numbers {
		roots[n>>8], middles[n>>4] = true, true
		out = append(out, PolicyRule{Priority: leafPriority + int(n>>4*block+n&15) + 1, Mark: n << tableShift, Mask: tableMask, Table: fibBase + int(n)})
	}
	end := func(priority uint32) {
		out = append(out, PolicyRule{Priority: int(priority), Goto: sinkPriority})
	}
	land := func(priority uint32) {
		out = append(out, PolicyRule{Priority: int(priority), FromSelf: true, Goto: sinkPriority})
	}
	for m := range middles {
		end(leafPriority + m*block + block - 1)
		if len(middles) > 1 {
			land(leafPriority + m*block)
			out = append(out, PolicyRule{Priority: int(middlePrio+m>>4*block+m&15) + 1, Mark: m << 4 << tableShift, Mask: 0x3ff0 << tableShift, Goto: int(leafPriority + m*block)})
		}
	}
	for r := range roots {
		if len(middles) > 1 {
			end(middlePrio + r*block + block - 1)
		}
		if len(roots) > 1 {
			land(middlePrio + r*block)
			out = append(out, PolicyRule{Priority: int(rootPriority + r), Mark: r << 8 << tableShift, Mask: 0x3f00 << tableShift, Goto: int(middlePrio + r*block)})
		}
	}
	if len(roots) > 1 {
		end(middlePrio - 1)
	}
	return out
}

// reflected leads packet-too-big, which the fabric sends with the mark of what
// was too big (net.ipv4.fwmark_reflect), back to the sender's table.
func reflected(self map[uint32]uint32) []PolicyRule {
	if len(self) == 0 {
		return nil
	}
	out := []PolicyRule{{Priority: selfGate, FromSelf: true, Goto: selfPriority}}
	for i, n := range slices.Sorted(maps.Keys(self)) {
		out = append(out, PolicyRule{Priority: selfPriority + i, FromSelf: true, Mark: n << tableShift, Mask: tableMask, Table: fibBase + int(self[n])})
	}
	return out
}
