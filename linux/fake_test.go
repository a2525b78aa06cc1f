package linux

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// fake is a kernel: maps of objects that steps change. It refuses what a kernel
// refuses, above all references to what is not there, and what a kernel would
// silently swallow.
type fake struct {
	links      map[int]Link
	routes     map[fakeRoute]Route
	neighbours map[neighbourKey]Neighbour
	policy     map[PolicyRule]bool
	counters   map[Counter]bool
	sets       map[setKey]Set
	elements   map[setKey]map[string]Element // by Lo and Hi
	chains     map[chainKey]Chain
	flows      map[tuple]*flow // conntrack, see interpret_test.go
	between    func(string)    // is called after every part of a step
}

type fakeRoute struct {
	family Family
	table  int
	dst    netip.Prefix
}

func newFake() *fake {
	return &fake{map[int]Link{}, map[fakeRoute]Route{}, map[neighbourKey]Neighbour{}, map[PolicyRule]bool{}, map[Counter]bool{},
		map[setKey]Set{}, map[setKey]map[string]Element{}, map[chainKey]Chain{}, map[tuple]*flow{}, func(string) {}}
}

// holding is a fake that holds a Desired, with no regard to how it came to.
func holding(d *Desired) *fake {
	k, o := newFake(), d.objects()
	for _, l := range o.Links {
		k.links[l.Port] = l
	}
	for _, r := range o.Routes {
		k.routes[fakeRoute{r.Family, r.Table, r.Dst}] = r
	}
	for _, n := range o.Neighbours {
		k.neighbours[n.key()] = n
	}
	for _, p := range o.Policy {
		k.policy[p] = true
	}
	for _, c := range o.Counters {
		k.counters[c] = true
	}
	for _, s := range o.Sets {
		k.sets[s.key()], k.elements[s.key()] = s, map[string]Element{}
	}
	for _, e := range o.Elements {
		k.elements[setKey{e.Family, e.Set}][e.Lo+e.Hi] = e
	}
	for _, c := range o.Chains {
		k.chains[c.key()] = c
	}
	return k
}

// do does steps in order; an error is the step that a kernel would refuse.
func (k *fake) do(steps []Step) error {
	for _, s := range steps {
		if err := k.step(s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		k.between(s.String())
	}
	return nil
}

// unhang: routes and neighbours go with their link.
func (k *fake) unhang(port int) {
	maps.DeleteFunc(k.routes, func(_ fakeRoute, r Route) bool { return r.Port == port && !r.Local })
	maps.DeleteFunc(k.neighbours, func(_ neighbourKey, n Neighbour) bool { return n.Port == port })
}

func (k *fake) step(s Step) error {
	switch s := s.(type) {
	case Plug:
		if old, ok := k.links[s.Link.Port]; ok != (s.Was != nil) || ok && !old.equal(*s.Was) {
			return fmt.Errorf("the link was %v", old)
		}
		if old := s.Was; old != nil && (old.ENI != s.Link.ENI || old.Boots != s.Link.Boots || old.Device != s.Link.Device) {
			// It is made anew; see Unplug.
			k.unhang(s.Link.Port)
		}
		k.links[s.Link.Port] = s.Link
	case Unplug:
		if _, ok := k.links[s.Link.Port]; !ok {
			return fmt.Errorf("no such link")
		}
		delete(k.links, s.Link.Port)
		k.unhang(s.Link.Port)
	case PutRoute:
		return k.putRoute(s.Route)
	case CutRoute:
		delete(k.routes, fakeRoute{s.Route.Family, s.Route.Table, s.Route.Dst})
	case PutNeighbour:
		if !k.hasLink(s.Neighbour.Port) {
			return fmt.Errorf("no such link")
		}
		k.neighbours[s.Neighbour.key()] = s.Neighbour
	case CutNeighbour:
		delete(k.neighbours, s.Neighbour.key())
	case PutPolicy:
		k.policy[s.Rule] = true
	case CutPolicy:
		if !k.policy[s.Rule] {
			return fmt.Errorf("no such rule")
		}
		delete(k.policy, s.Rule)
	case Forget:
		maps.DeleteFunc(k.flows, func(t tuple, f *flow) bool {
			return slices.Contains(s.Zones, f.zone) && (t.src == s.Addr || t.dst == s.Addr)
		})
	case Switch:
		return k.change(s.Batch)
	}
	return nil
}

func (k *fake) hasLink(port int) bool {
	_, ok := k.links[port]
	return ok || port == SinkPort
}

func (k *fake) putRoute(r Route) error {
	if !r.Local && !k.hasLink(r.Port) {
		return fmt.Errorf("no such link")
	}
	if r.Source.IsValid() {
		if l := k.routes[fakeRoute{r.Family, r.Table, netip.PrefixFrom(r.Source, 32)}]; !l.Local {
			return fmt.Errorf("the source is no address of the fabric's own")
		}
	}
	k.routes[fakeRoute{r.Family, r.Table, r.Dst}] = r
	return nil
}

// change does a batch part by part, and each part in the order of its fields.
func (k *fake) change(b Batch) error {
	for _, part := range []struct {
		name string
		NftChange
	}{{"ready", b.Ready}, {"turn", b.Turn}, {"seal", b.Seal}, {"clean", b.Clean}} {
		for _, f := range []struct {
			name string
			n    int
			do   func(NftChange) error
		}{
			{"new things", len(part.NewCounters) + len(part.NewSets) + len(part.NewChains), k.addThings},
			{"cut elements", len(part.CutElements), k.cutElements},
			{"chains", len(part.Chains), func(c NftChange) error { return k.putRules(c.Chains) }},
			{"elements", len(part.Elements), k.addElements},
			{"old things", len(part.OldChains) + len(part.OldSets) + len(part.OldCounters), k.removeThings},
		} {
			if f.n == 0 {
				continue
			}
			if err := f.do(part.NftChange); err != nil {
				return fmt.Errorf("%s, %s: %w", part.name, f.name, err)
			}
		}
		k.between(part.name)
	}
	return nil
}

func (k *fake) addThings(c NftChange) error {
	for _, x := range c.NewCounters {
		k.counters[x] = true
	}
	for _, s := range c.NewSets {
		if _, ok := k.sets[s.key()]; ok {
			return fmt.Errorf("set %s is there already", s.Name)
		}
		k.sets[s.key()], k.elements[s.key()] = s, map[string]Element{}
	}
	for _, x := range c.NewChains {
		if _, ok := k.chains[x.key()]; ok {
			return fmt.Errorf("chain %s is there already", x.Name)
		}
		k.chains[x.key()] = Chain{x.Family, x.Name, x.Hook, nil}
	}
	return nil
}

func (k *fake) cutElements(c NftChange) error {
	for _, e := range c.CutElements {
		in := k.elements[setKey{e.Family, e.Set}]
		if in[e.Lo+e.Hi] != e {
			return fmt.Errorf("element of %s is not there", e.Set)
		}
		delete(in, e.Lo+e.Hi)
	}
	return nil
}

func (k *fake) addElements(c NftChange) error {
	for _, e := range c.Elements {
		s, ok := k.sets[setKey{e.Family, e.Set}]
		if !ok {
			return fmt.Errorf("no set %s", e.Set)
		}
		if err := k.leads(e.Family, e.Verdict); s.Data == VerdictData && err != nil {
			return err
		}
		in := k.elements[s.key()]
		if _, ok := in[e.Lo+e.Hi]; ok {
			return fmt.Errorf("element %s is in %s already", e.text(s), s.Name)
		}
		in[e.Lo+e.Hi] = e
	}
	return nil
}

// leads is an error for a verdict that leads nowhere.
func (k *fake) leads(f Family, v Verdict) error {
	if _, ok := k.chains[chainKey{f, v.Chain}]; !ok && v.Chain != "" {
		return fmt.Errorf("no chain %s", v.Chain)
	}
	return nil
}

func (k *fake) putRules(chains []Chain) error {
	for _, c := range chains {
		if _, ok := k.chains[c.key()]; !ok {
			return fmt.Errorf("no chain %s", c.Name)
		}
		for _, r := range c.Rules {
			if err := k.refers(c.Family, r); err != nil {
				return fmt.Errorf("%s: %s: %w", c.Name, r.Text, err)
			}
		}
		k.chains[c.key()] = c
	}
	return nil
}

// refers is an error for a rule that refers to what is not there, or to what is
// of another shape.
func (k *fake) refers(f Family, r Rule) error {
	for _, s := range r.Statements {
		if v, ok := s.(Verdict); ok {
			if err := k.leads(f, v); err != nil {
				return err
			}
		}
		if c, ok := s.(Count); ok && !k.counters[Counter{f, c.Counter}] {
			return fmt.Errorf("no counter %s", c.Counter)
		}
		if name, fields, data := looksUp(s); name != "" {
			set, ok := k.sets[setKey{f, name}]
			if !ok || set.Data != data || len(set.Fields) != fields {
				return fmt.Errorf("no such set as %s", name)
			}
		}
	}
	return nil
}

// looksUp is the set that a statement looks something up in.
func looksUp(s Statement) (set string, fields int, data Data) {
	switch s := s.(type) {
	case In:
		return s.Set, len(s.Fields), NoData
	case Tally:
		return s.Set, 8, NoData
	case By:
		return s.Map, len(s.Fields), VerdictData
	case MarkBy:
		return s.Map, len(s.Fields), MarkData
	case SetHopsBy:
		return s.Map, 1, HopsData
	}
	return "", 0, NoData
}

// removeThings removes what nothing refers to; a kernel says that it is busy.
func (k *fake) removeThings(c NftChange) error {
	for _, x := range c.OldChains {
		k.chains[x.key()] = Chain{Family: x.Family, Name: x.Name}
	}
	for _, s := range c.OldSets {
		if _, ok := k.sets[s.key()]; !ok {
			return fmt.Errorf("no set %s", s.Name)
		}
		delete(k.sets, s.key())
		delete(k.elements, s.key())
	}
	for _, x := range c.OldChains {
		delete(k.chains, x.key())
	}
	for _, x := range c.OldCounters {
		delete(k.counters, x)
	}
	return k.whole()
}

// whole is an error if anything refers to what is not there.
func (k *fake) whole() error {
	for _, c := range k.chains {
		for _, r := range c.Rules {
			if err := k.refers(c.Family, r); err != nil {
				return fmt.Errorf("%s: %s: %w", c.Name, r.Text, err)
			}
		}
	}
	for key, in := range k.elements {
		for _, e := range in {
			if err := k.leads(key.family, e.Verdict); err != nil {
				return fmt.Errorf("%s: %w", key.name, err)
			}
		}
	}
	return nil
}

// text is everything that it holds, in order, to be compared.
func (k *fake) text() string {
	var o Objects
	o.Links = slices.Collect(maps.Values(k.links))
	o.Routes = slices.Collect(maps.Values(k.routes))
	o.Neighbours = slices.Collect(maps.Values(k.neighbours))
	o.Policy = slices.Collect(maps.Keys(k.policy))
	o.Counters = slices.Collect(maps.Keys(k.counters))
	o.Sets = slices.Collect(maps.Values(k.sets))
	o.Chains = slices.Collect(maps.Values(k.chains))
	for _, in := range k.elements {
		o.Elements = slices.AppendSeq(o.Elements, maps.Values(in))
	}
	var b strings.Builder
	o.writeLinks(&b)
	return b.String() + o.Nft()
}
