package linux

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tombolo/network"
)

// Objects are things that a kernel holds.
type Objects struct {
	Links      []Link
	Routes     []Route
	Neighbours []Neighbour
	Policy     []PolicyRule
	Counters   []Counter
	Sets       []Set
	Elements   []Element
	Chains     []Chain
}

// unit is the objects that follow from a few rows of the State, and whose
// packets they concern. Units are never changed: equal pointers are equal units.
type unit struct {
	Objects
	concern concern
	numbers []entry // of the book, that the objects speak of
	ways    []way   // chains that the objects lead to
}

// concern names interfaces by what they have in common.
type concern struct {
	eni    network.ENIID
	vpcs   []network.VPCID
	subnet network.SubnetID
	acl    network.ACLID
	group  network.GroupID
	list   string
	all    bool
}

// Desired is everything that the kernel shall hold for a State.
type Desired struct {
	units  map[string]*unit
	epochs [2]uint16 // of V4 and V6, see epoch.go
	meter  meter
	ports  map[network.ENIID]*port
	zones  map[network.VPCID][]uint16
	tables map[int]network.VPCID // the kernel's tables in which a VPC's addresses are

	// When base is not nil, d differs from it in the units named in delta.
	base  *Desired
	delta []string
}

// put makes a unit a part of d.
func (d *Desired) put(name string, u *unit) {
	if d.base != nil && d.units[name] != u {
		d.delta = append(d.delta, name)
	}
	d.units[name] = u
}

// Observed is a Desired that describes what a kernel holds.
func Observed(o Objects) *Desired {
	return &Desired{units: map[string]*unit{"observed": {Objects: o, concern: concern{all: true}}}}
}

// LinkOf is an interface's link, open or closed.
func (d *Desired) LinkOf(id network.ENIID) (Link, bool) {
	for _, name := range []string{string(id), closedName(id)} {
		if u := d.units[name]; u != nil && len(u.Links) == 1 {
			return u.Links[0], true
		}
	}
	return Link{}, false
}

// WithoutLink takes a closed interface's link out of d, which describes what
// there is once its plugging has failed. It is for whoever has just made d.
func (d *Desired) WithoutLink(id network.ENIID) { delete(d.units, closedName(id)) }

// Sets are the sets of all units.
func (d *Desired) Sets() []Set {
	var out []Set
	for _, u := range d.units {
		out = append(out, u.Sets...)
	}
	return out
}

// Set finds one set.
func (d *Desired) Set(f Family, name string) (Set, bool) {
	// Nearly all are in units of their own name.
	for _, unit := range []string{strings.TrimSuffix(strings.TrimSuffix(name, ".ingress"), ".egress"), "base"} {
		if u := d.units[unit]; u != nil {
			for _, s := range u.Sets {
				if s.Family == f && s.Name == name {
					return s, true
				}
			}
		}
	}
	for _, s := range d.Sets() {
		if s.Family == f && s.Name == name {
			return s, true
		}
	}
	return Set{}, false
}

// objects are all objects of all units.
func (d *Desired) objects() Objects {
	var o Objects
	for _, name := range slices.Sorted(maps.Keys(d.units)) {
		o.add(d.units[name].Objects)
	}
	return o
}

func (o *Objects) add(x Objects) {
	o.Links = append(o.Links, x.Links...)
	o.Routes = append(o.Routes, x.Routes...)
	o.Neighbours = append(o.Neighbours, x.Neighbours...)
	o.Policy = append(o.Policy, x.Policy...)
	o.Counters = append(o.Counters, x.Counters...)
	o.Sets = append(o.Sets, x.Sets...)
	o.Elements = append(o.Elements, x.Elements...)
	o.Chains = append(o.Chains, x.Chains...)
}

// String is the whole of d in the syntax of ip and nft.
func (d *Desired) String() string {
	o := d.objects()
	var b strings.Builder
	o.writeLinks(&b)
	b.WriteString(o.Nft())
	return b.String()
}

// writeLinks writes what is not nftables, as commands of iproute2.
func (o Objects) writeLinks(b *strings.Builder) {
	slices.SortFunc(o.Links, func(x, y Link) int { return x.Port - y.Port })
	for _, l := range o.Links {
		fmt.Fprintf(b, "# %s\n", l)
	}
	var lines []string
	for _, p := range o.Policy {
		lines = append(lines, p.String())
	}
	for _, r := range o.Routes {
		lines = append(lines, r.String())
	}
	for _, n := range o.Neighbours {
		lines = append(lines, n.String())
	}
	slices.Sort(lines)
	for _, l := range lines {
		fmt.Fprintf(b, "# %s\n", l)
	}
}

// Nft is the objects' nftables part, in nft's syntax.
func (o Objects) Nft() string {
	var b strings.Builder
	slices.SortFunc(o.Counters, func(x, y Counter) int { return strings.Compare(x.Name, y.Name) })
	slices.SortFunc(o.Sets, func(x, y Set) int { return strings.Compare(x.Name, y.Name) })
	slices.SortFunc(o.Chains, func(x, y Chain) int {
		return cmp.Or(y.order()-x.order(), strings.Compare(x.Name, y.Name))
	})
	type place struct {
		f   Family
		set string
	}
	members := map[place][]Element{}
	for _, e := range o.Elements {
		members[place{e.Family, e.Set}] = append(members[place{e.Family, e.Set}], e)
	}
	for _, f := range []Family{V4, V6, ARP} {
		fmt.Fprintf(&b, "table %s %s {\n", f, TableName)
		for _, c := range o.Counters {
			if c.Family == f {
				fmt.Fprintf(&b, "\tcounter %s { }\n", c.Name)
			}
		}
		for _, s := range o.Sets {
			if s.Family == f {
				s.write(&b, members[place{f, s.Name}])
			}
		}
		for _, c := range o.Chains {
			if c.Family == f {
				c.write(&b)
			}
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// TableName is the name of our nftables tables, one per family.
const TableName = "tombolo"

// order puts base chains first, in the order in which a packet meets them.
func (c Chain) order() int {
	if c.Hook == nil {
		return 0
	}
	return 10 - int(c.Hook.Point)
}

func (c Chain) write(b *strings.Builder) {
	fmt.Fprintf(b, "\tchain %s {\n", c.Name)
	if h := c.Hook; h != nil {
		point := [...]string{"prerouting", "input", "forward", "output"}[h.Point]
		fmt.Fprintf(b, "\t\ttype filter hook %s priority %d; policy drop;\n", point, h.Priority)
	}
	for _, r := range c.Rules {
		fmt.Fprintf(b, "\t\t%s\n", r.Text)
	}
	b.WriteString("\t}\n")
}

func (s Set) write(b *strings.Builder, elements []Element) {
	word := "map"
	if s.Data == NoData {
		word = "set"
	}
	var types []string
	for _, t := range s.Fields {
		types = append(types, t.String())
	}
	kind := "type " + strings.Join(types, " . ")
	switch s.Data {
	case VerdictData:
		kind += " : verdict"
	case MarkData:
		kind += " : mark"
	case HopsData:
		// The name of a type of eight bits without a meaning can't be written.
		kind = "typeof " + Hops.text(s.Family) + " : " + Hops.text(s.Family)
	}
	fmt.Fprintf(b, "\t%s %s {\n\t\t%s\n", word, s.Name, kind)
	if s.Interval {
		b.WriteString("\t\tflags interval\n")
	}
	if s.Counted {
		b.WriteString("\t\tcounter\n")
	}
	if s.Room > 0 {
		fmt.Fprintf(b, "\t\tsize %d\n\t\tflags dynamic\n", s.Room)
	}
	slices.SortFunc(elements, func(x, y Element) int {
		return cmp.Or(strings.Compare(x.Lo, y.Lo), strings.Compare(x.Hi, y.Hi))
	})
	for i, e := range elements {
		lead := "\t\telements = { "
		if i > 0 {
			lead = ",\n\t\t\t"
		}
		b.WriteString(lead + e.text(s))
	}
	if len(elements) > 0 {
		b.WriteString(" }\n")
	}
	b.WriteString("\t}\n")
}

func (l Link) String() string {
	var addrs []string
	for _, a := range l.Addrs {
		addrs = append(addrs, a.String())
	}
	text := fmt.Sprintf("link %d %s in %s boot %d as eth%d %s %s", l.Port, l.ENI, l.Instance, l.Boots, l.Device, l.MAC, strings.Join(addrs, " "))
	if l.Router.IsValid() {
		text += " router " + l.Router.String()
	}
	if l.Default {
		text += " default"
	}
	return text
}

func (r Route) String() string {
	text := fmt.Sprintf("ip -%d route add ", map[Family]int{V4: 4, V6: 6}[r.Family])
	if r.Local {
		return text + fmt.Sprintf("local %s dev lo table %d", r.Dst, r.Table)
	}
	text += fmt.Sprintf("%s dev %d table %d", r.Dst, r.Port, r.Table)
	if r.Via.IsValid() {
		text += " via " + r.Via.String() + " onlink"
	}
	if r.Source.IsValid() {
		text += " src " + r.Source.String()
	}
	if r.MTU != 0 {
		text += fmt.Sprintf(" mtu lock %d", r.MTU)
	}
	return text
}

func (n Neighbour) String() string {
	return fmt.Sprintf("ip neigh add %s lladdr %s dev %d nud permanent", n.Addr, n.MAC, n.Port)
}

func (p PolicyRule) String() string {
	text := fmt.Sprintf("ip -%d rule add priority %5d", map[Family]int{V4: 4, V6: 6}[p.Family], p.Priority)
	if p.FromSelf {
		text += " iif lo"
	}
	if p.Mask != 0 {
		text += fmt.Sprintf(" fwmark %#x/%#x", p.Mark, p.Mask)
	}
	if p.Goto != 0 {
		return text + fmt.Sprintf(" goto %d", p.Goto)
	}
	return text + fmt.Sprintf(" lookup %d", p.Table)
}
