package linux

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Step is one thing to be done to a kernel. The set is closed. Steps are done
// in order; each concerns interfaces, which are closed when it fails.
type Step interface {
	fmt.Stringer
	step()
}

// The steps.
type (
	// Plug makes an interface's link, or corrects it. Was is what it was before,
	// when that is known.
	Plug struct {
		Link Link
		Was  *Link
	}
	// Unplug removes an interface's link.
	Unplug struct{ Link Link }
	// PutRoute adds or replaces a route.
	PutRoute struct{ Route Route }
	// CutRoute removes a route.
	CutRoute struct{ Route Route }
	// PutNeighbour adds or replaces a neighbour.
	PutNeighbour struct{ Neighbour Neighbour }
	// CutNeighbour removes a neighbour.
	CutNeighbour struct{ Neighbour Neighbour }
	// PutPolicy adds an ip rule.
	PutPolicy struct{ Rule PolicyRule }
	// CutPolicy removes an ip rule.
	CutPolicy struct{ Rule PolicyRule }
	// Switch changes nftables.
	Switch struct {
		Batch
		concerns []concern
	}
	// Forget drops the conntrack entries of an address that an interface has
	// given up: whoever has it next shall not inherit its flows.
	Forget struct {
		Addr  netip.Addr
		Zones []uint16
	}
)

func (Plug) step()         {}
func (Unplug) step()       {}
func (PutRoute) step()     {}
func (CutRoute) step()     {}
func (PutNeighbour) step() {}
func (CutNeighbour) step() {}
func (PutPolicy) step()    {}
func (CutPolicy) step()    {}
func (Switch) step()       {}
func (Forget) step()       {}

func (s Plug) String() string         { return "plug " + s.Link.String() }
func (s Unplug) String() string       { return "unplug " + s.Link.String() }
func (s PutRoute) String() string     { return s.Route.String() }
func (s CutRoute) String() string     { return "not " + s.Route.String() }
func (s PutNeighbour) String() string { return s.Neighbour.String() }
func (s CutNeighbour) String() string { return "not " + s.Neighbour.String() }
func (s PutPolicy) String() string    { return s.Rule.String() }
func (s CutPolicy) String() string    { return "not " + s.Rule.String() }
func (s Forget) String() string {
	return fmt.Sprintf("forget flows of %s in zones %v", s.Addr, s.Zones)
}

// Batch is a change of nftables, in four parts that are done in order. The
// first adds what nothing refers to yet, the last removes what nothing refers
// to any more; Turn must be one transaction, and Seal, which begins the next epoch,
// a later one: since Linux 6.18 a transaction's new rules are in force a moment before
// its interval sets are, and what a packet meets then must not be remembered.
type Batch struct{ Ready, Turn, Seal, Clean NftChange }

// Len is the number of things in a batch.
func (b Batch) Len() int { return b.Ready.Len() + b.Turn.Len() + b.Seal.Len() + b.Clean.Len() }

// NftChange is done in the order of its fields.
type NftChange struct {
	NewCounters []Counter
	NewSets     []Set
	NewChains   []Chain // made empty; their rules come with Chains
	CutElements []Element
	Chains      []Chain // their rules are replaced
	Elements    []Element
	OldChains   []Chain
	OldSets     []Set
	OldCounters []Counter
}

// Len is the number of things in a change.
func (c NftChange) Len() int {
	return len(c.NewCounters) + len(c.NewSets) + len(c.NewChains) + len(c.CutElements) + len(c.Chains) +
		len(c.Elements) + len(c.OldChains) + len(c.OldSets) + len(c.OldCounters)
}

func (s Switch) String() string {
	return fmt.Sprintf("switch nftables: %d to prepare, %d to turn, %d to clean up", s.Ready.Len(), s.Turn.Len()+s.Seal.Len(), s.Clean.Len())
}

// Diff is what turns a kernel that holds have into one that holds want. The
// order matters: what a packet may meet is there before the policy that leads
// to it turns, and goes after it; and the new epoch, by which every flow is
// judged again, comes last of what decides. Diff of equal things is empty.
func Diff(have, want *Desired) []Step {
	gone, come := changed(have, want)
	var before, after []Step
	before, after = diffLinks(gone.Objects, come.Objects, before, after)
	policyOut, policyIn := compare(gone.Policy, come.Policy, identity)
	routesOut, routesIn := compare(gone.Routes, come.Routes, Route.key)
	neighboursOut, neighboursIn := compare(gone.Neighbours, come.Neighbours, Neighbour.key)
	if again := remade(gone.Links, come.Links); len(again) > 0 {
		routesIn, neighboursIn = want.hangingOn(again, routesIn, neighboursIn)
	}
	for _, n := range neighboursIn {
		before = append(before, PutNeighbour{n})
	}
	// A route's source must be an address of the fabric's already.
	slices.SortStableFunc(routesIn, func(a, b Route) int { return a.rank() - b.rank() })
	for _, r := range routesIn {
		before = append(before, PutRoute{r})
	}
	for _, p := range policyIn {
		before = append(before, PutPolicy{p})
	}
	for _, p := range policyOut {
		after = append(after, CutPolicy{p})
	}
	for _, r := range onlyGone(slices.Clone(routesOut), routesIn, Route.key) {
		after = append(after, CutRoute{r})
	}
	for _, n := range onlyGone(neighboursOut, neighboursIn, Neighbour.key) {
		after = append(after, CutNeighbour{n})
	}
	steps := before
	if batch := diffNft(gone.Objects, come.Objects); batch.Len() > 0 {
		steps = append(steps, Switch{batch, append(gone.concerns, come.concerns...)})
	}
	return append(append(steps, after...), want.forgotten(routesOut)...)
}

// forgotten are the addresses that routes no longer deliver to where they did.
func (d *Desired) forgotten(out []Route) []Step {
	var steps []Step
	for _, r := range out {
		v, ok := d.tables[r.Table]
		if ok && !r.Local && r.Dst.Bits() == r.Dst.Addr().BitLen() && len(d.zones[v]) > 0 {
			steps = append(steps, Forget{r.Dst.Addr(), d.zones[v]})
		}
	}
	return steps
}

// difference is one side of what differs between two Desireds.
type difference struct {
	Objects
	concerns []concern
}

func (d *difference) add(u *unit) {
	d.Objects.add(u.Objects)
	d.concerns = append(d.concerns, u.concern)
}

// changed gathers the units in which two Desireds differ.
func changed(have, want *Desired) (gone, come difference) {
	for _, name := range differing(have, want) {
		if u := have.units[name]; u != nil {
			gone.add(u)
		}
		if u := want.units[name]; u != nil {
			come.add(u)
		}
	}
	return gone, come
}

// differing names the units in which two Desireds differ.
func differing(have, want *Desired) []string {
	if want.base == have {
		return slices.Compact(slices.Sorted(slices.Values(want.delta)))
	}
	var names []string
	for name, u := range have.units {
		if want.units[name] != u {
			names = append(names, name)
		}
	}
	for name := range want.units {
		if _, ok := have.units[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// compare leaves out what is equal on both sides. A thing that is to be
// replaced is on both.
func compare[K, V comparable](gone, come []V, _ func(V) K) (out, in []V) {
	old := make(map[V]bool, len(gone))
	for _, v := range gone {
		old[v] = true
	}
	kept := make(map[V]bool)
	for _, v := range come {
		if old[v] {
			kept[v] = true
		} else {
			in = append(in, v)
		}
	}
	for _, v := range gone {
		if !kept[v] {
			out = append(out, v)
		}
	}
	return out, in
}

func identity[V any](v V) V { return v }

// onlyGone is what of out is not replaced by something of in.
func onlyGone[K, V comparable](out, in []V, key func(V) K) []V {
	stays := map[K]bool{}
	for _, v := range in {
		stays[key(v)] = true
	}
	return slices.DeleteFunc(out, func(v V) bool { return stays[key(v)] })
}

type routeKey struct {
	table int
	dst   string
}

func (r Route) key() routeKey { return routeKey{r.Table, r.Dst.String()} }

func (r Route) rank() int {
	if r.Local {
		return 0
	}
	return 1
}

type neighbourKey struct {
	port int
	addr string
}

func (n Neighbour) key() neighbourKey { return neighbourKey{n.Port, n.Addr.String()} }

// remade are the ports whose link must be made anew, because it is another
// interface's or another boot's.
func remade(gone, come []Link) map[int]bool {
	was := map[int]Link{}
	for _, l := range gone {
		was[l.Port] = l
	}
	out := map[int]bool{}
	for _, l := range come {
		old, ok := was[l.Port]
		if ok && (old.ENI != l.ENI || old.Instance != l.Instance || old.Boots != l.Boots || old.Device != l.Device || old.MAC != l.MAC) {
			out[l.Port] = true
		}
	}
	return out
}

// hangingOn adds the routes and neighbours of ports that are made anew: in the
// kernel they go with the old link.
func (d *Desired) hangingOn(ports map[int]bool, routes []Route, neighbours []Neighbour) ([]Route, []Neighbour) {
	all := d.objects()
	for _, r := range all.Routes {
		if ports[r.Port] && !slices.Contains(routes, r) {
			routes = append(routes, r)
		}
	}
	for _, n := range all.Neighbours {
		if ports[n.Port] && !slices.Contains(neighbours, n) {
			neighbours = append(neighbours, n)
		}
	}
	return routes, neighbours
}

// diffLinks plugs before the policy turns and unplugs after it.
func diffLinks(gone, come Objects, before, after []Step) (_, _ []Step) {
	was := map[int]Link{}
	for _, l := range gone.Links {
		was[l.Port] = l
	}
	for _, l := range come.Links {
		old, ok := was[l.Port]
		delete(was, l.Port)
		if ok && old.equal(l) {
			continue
		}
		p := Plug{Link: l}
		if ok {
			p.Was = &old
		}
		before = append(before, p)
	}
	for _, port := range slices.Sorted(maps.Keys(was)) {
		after = append(after, Unplug{was[port]})
	}
	return before, after
}

func (l Link) equal(x Link) bool {
	return slices.Equal(l.Addrs, x.Addrs) && l.ENI == x.ENI && l.Instance == x.Instance && l.Boots == x.Boots && l.Port == x.Port &&
		l.Device == x.Device && l.MAC == x.MAC && l.Router == x.Router && l.Default == x.Default
}

// diffNft sorts nftables' objects into the parts of a Batch.
func diffNft(gone, come Objects) Batch {
	var b Batch
	b.Clean.OldCounters, b.Ready.NewCounters = compare(gone.Counters, come.Counters, identity)
	oldSets, newSets := sets(gone.Sets), sets(come.Sets)
	fresh := map[setKey]bool{}
	for _, s := range come.Sets {
		if o, ok := oldSets[s.key()]; !ok || !o.equal(s) {
			b.Ready.NewSets = append(b.Ready.NewSets, s)
			fresh[s.key()] = true
		}
	}
	dead := map[setKey]bool{}
	for _, s := range gone.Sets {
		if n, ok := newSets[s.key()]; !ok || !n.equal(s) {
			b.Clean.OldSets = append(b.Clean.OldSets, s)
			dead[s.key()] = true
		}
	}
	out, in := compare(gone.Elements, come.Elements, identity)
	for _, e := range out {
		if !dead[setKey{e.Family, e.Set}] { // the others go with their set
			b.Turn.CutElements = append(b.Turn.CutElements, e)
		}
	}
	diffChains(&b, gone.Chains, come.Chains)
	for _, e := range in {
		if e.Set == EpochSet {
			b.Seal.Elements = append(b.Seal.Elements, e)
		} else if fresh[setKey{e.Family, e.Set}] {
			b.Ready.Elements = append(b.Ready.Elements, e)
		} else {
			b.Turn.Elements = append(b.Turn.Elements, e)
		}
	}
	return b
}

// diffChains puts new chains, which nothing leads to yet, into Ready.
func diffChains(b *Batch, gone, come []Chain) {
	old := map[chainKey]Chain{}
	for _, c := range gone {
		old[c.key()] = c
	}
	for _, c := range come {
		o, ok := old[c.key()]
		delete(old, c.key())
		switch {
		case ok && o.equal(c):
		case ok && c.seals():
			b.Seal.Chains = append(b.Seal.Chains, c)
		case ok:
			b.Turn.Chains = append(b.Turn.Chains, c)
		case c.Hook != nil:
			// A base chain takes part at once. Nothing passes one without rules.
			b.Turn.NewChains = append(b.Turn.NewChains, c)
			b.Seal.Chains = append(b.Seal.Chains, c)
		case c.seals():
			b.Ready.NewChains = append(b.Ready.NewChains, c)
			b.Seal.Chains = append(b.Seal.Chains, c)
		default:
			b.Ready.NewChains = append(b.Ready.NewChains, c)
			b.Ready.Chains = append(b.Ready.Chains, c)
		}
	}
	for _, c := range gone {
		if _, ok := old[c.key()]; ok {
			b.Clean.OldChains = append(b.Clean.OldChains, c)
		}
	}
}

type setKey struct {
	family Family
	name   string
}

type chainKey setKey

func (s Set) key() setKey     { return setKey{s.Family, s.Name} }
func (c Chain) key() chainKey { return chainKey{c.Family, c.Name} }

func sets(list []Set) map[setKey]Set {
	out := make(map[setKey]Set, len(list))
	for _, s := range list {
		out[s.key()] = s
	}
	return out
}

func (s Set) equal(x Set) bool {
	return s.Family == x.Family && s.Name == x.Name && s.Data == x.Data && s.Interval == x.Interval &&
		s.Counted == x.Counted && s.Room == x.Room && slices.Equal(s.Fields, x.Fields)
}

func (c Chain) equal(x Chain) bool {
	if (c.Hook == nil) != (x.Hook == nil) || c.Hook != nil && *c.Hook != *x.Hook {
		return false
	}
	return slices.EqualFunc(c.Rules, x.Rules, func(a, b Rule) bool { return a.Tag == b.Tag })
}
