package linux

import "tombolo/network"

// ledger counts what a Desired holds of things that are there only because others
// speak of them, so that following a change finds out in no time which of them
// nobody speaks of any more.
type ledger struct {
	units   map[string]int // ways and causes, by how many units lead to them
	entries map[entry]int  // zones and causes in the book, by how many units name them
	lists   map[string]int // by open interfaces
	groups  map[network.GroupID]int
}

// newLedger counts all of j.
func newLedger(j *job) *ledger {
	l := &ledger{map[string]int{}, map[entry]int{}, map[string]int{}, map[network.GroupID]int{}}
	for _, u := range j.out.units {
		l.count(u, 1)
	}
	for _, p := range j.ports {
		l.plug(p, 1)
	}
	return l
}

// count adds n times what a unit speaks of.
func (l *ledger) count(u *unit, n int) {
	if u == nil {
		return
	}
	for _, w := range u.ways {
		for _, name := range w.units() {
			l.units[name] += n
		}
	}
	for _, e := range u.numbers {
		if e.kind == zoneKind || e.kind == lostKind {
			l.entries[e] += n
		}
	}
}

// plug adds n times the groups of an open interface.
func (l *ledger) plug(p *port, n int) {
	l.lists[p.list] += n
	for _, g := range p.eni.Groups {
		l.groups[g] += n
	}
}

// units are the names of the units that make a way.
func (w way) units() []string {
	if w.cause.Why == "" {
		return []string{wayName(w)}
	}
	return []string{wayName(w), causeName(w)}
}

func wayName(w way) string   { return "way " + w.chain }
func causeName(w way) string { return "cause " + w.cause.lostName() }

// sweep takes out of j what nobody speaks of any more, after units were made anew
// or taken out. What a unit said is counted once however often it was made anew
// in between, because only the base's and the last one count.
func (j *job) sweep() {
	l := j.ledger
	done := map[string]bool{}
	var left []string
	var free []entry
	settle := func(name string) {
		if done[name] {
			return
		}
		done[name] = true
		was, is := j.out.base.units[name], j.out.units[name]
		l.count(is, 1)
		l.count(was, -1)
		if was == nil {
			return
		}
		for _, w := range was.ways {
			left = append(left, w.units()...)
		}
		free = append(free, was.numbers...)
	}
	for _, name := range j.out.delta {
		settle(name)
	}
	for _, name := range left {
		if l.units[name] == 0 {
			delete(l.units, name)
			j.remove(name)
			settle(name)
		}
	}
	for _, e := range free {
		if n, ok := l.entries[e]; ok && n == 0 {
			delete(l.entries, e)
			j.book.forget(e)
		}
	}
}

// remove takes a unit out.
func (j *job) remove(name string) {
	if _, ok := j.out.units[name]; !ok {
		return
	}
	delete(j.out.units, name)
	delete(j.fresh, name)
	j.out.delta = append(j.out.delta, name)
}
