package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	mdl "github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tombolo/linux"
)

// errForeign says that something in our tables has another shape than ours.
var errForeign = errors.New("our nftables tables hold something of another shape")

// observe reads what the fabric holds of the kinds of things that a Desired has.
// want says which shape sets have: the kernel does not tell all of it.
func (p *Plane) observe(want *linux.Desired) (*linux.Desired, error) {
	var o linux.Objects
	for _, read := range []func(*linux.Objects) error{p.readLinks, p.readRoutes, p.readNeighbours, p.readPolicy} {
		if err := read(&o); err != nil {
			return nil, err
		}
	}
	if err := p.nft.read(&o, want.Sets()); err != nil {
		return nil, err
	}
	return linux.Observed(o), nil
}

// readLinks reads the fabric's ends. A link that this process has plugged in and
// that carries packets is taken for what it was made: to look at the other end
// takes longer than all the rest, and what happens there is the instance's.
func (p *Plane) readLinks(o *linux.Objects) error {
	links, err := retry(p.rt.LinkList)
	if err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	for _, l := range links {
		if l.Attrs().Index <= linux.PortBase {
			continue
		}
		// One without a name of ours is removed by its port, as one of nobody's.
		x, _ := linkOf(l.Attrs().Index, l.Attrs().Alias)
		if made, ok := p.plugs[x.ENI]; ok && alias(made) == l.Attrs().Alias && made.Port == x.Port && l.Attrs().OperState == netlink.OperUp {
			x = made
		}
		o.Links = append(o.Links, x)
	}
	return nil
}

// retry repeats a dump that another change disturbed.
func retry[T any](list func() (T, error)) (T, error) {
	for range 8 {
		v, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return v, err
		}
	}
	return list()
}

func (p *Plane) readRoutes(o *linux.Objects) error {
	for _, f := range families[:2] {
		routes, err := retry(func() ([]netlink.Route, error) {
			return p.rt.RouteListFiltered(family(f), &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
		})
		if err != nil {
			return fmt.Errorf("list routes: %w", err)
		}
		for _, r := range routes {
			if r.Table < linux.TableBase {
				continue
			}
			x := linux.Route{Family: f, Table: r.Table, Dst: prefixOf(r.Dst), Port: r.LinkIndex, Via: addrOf(r.Gw), Source: addrOf(r.Src), MTU: r.MTU}
			if r.Type == unix.RTN_LOCAL {
				x = linux.Route{Family: f, Table: r.Table, Dst: prefixOf(r.Dst), Local: true}
			}
			o.Routes = append(o.Routes, x)
		}
	}
	return nil
}

func (p *Plane) readNeighbours(o *linux.Objects) error {
	for _, f := range families[:2] {
		list, err := retry(func() ([]netlink.Neigh, error) { return p.rt.NeighList(0, family(f)) })
		if err != nil {
			return fmt.Errorf("list neighbours: %w", err)
		}
		for _, n := range list {
			if n.State&netlink.NUD_PERMANENT == 0 || n.LinkIndex <= linux.PortBase || len(n.HardwareAddr) != 6 {
				continue
			}
			o.Neighbours = append(o.Neighbours, linux.Neighbour{Port: n.LinkIndex, Addr: addrOf(n.IP), MAC: [6]byte(n.HardwareAddr)})
		}
	}
	return nil
}

func (p *Plane) readPolicy(o *linux.Objects) error {
	for _, f := range families[:2] {
		rules, err := retry(func() ([]netlink.Rule, error) { return p.rt.RuleList(family(f)) })
		if err != nil {
			return fmt.Errorf("list rules: %w", err)
		}
		for _, r := range rules {
			x := linux.PolicyRule{Family: f, Priority: r.Priority, Table: r.Table, FromSelf: r.IifName == "lo"}
			if r.Mask != nil {
				x.Mark, x.Mask = r.Mark, *r.Mask
			}
			if r.Goto > 0 {
				x.Goto, x.Table = r.Goto, 0
			}
			o.Policy = append(o.Policy, x)
		}
	}
	return nil
}

// read reads our tables.
func (n *nft) read(o *linux.Objects, shapes []linux.Set) error {
	return n.use(func(c *nftables.Conn) error { return read(c, o, shapes) })
}

func read(c *nftables.Conn, o *linux.Objects, shapes []linux.Set) error {
	known := map[setName]linux.Set{}
	for _, s := range shapes {
		known[setName{s.Family, s.Name}] = s
	}
	for _, f := range families {
		if err := readSets(c, f, known, o); err != nil {
			return err
		}
		if err := readChains(c, f, o); err != nil {
			return err
		}
		counters, err := c.GetNamedObjects(table(f))
		if err != nil {
			return fmt.Errorf("list counters: %w", err)
		}
		for _, x := range counters {
			if named, ok := x.(*nftables.NamedObj); ok {
				o.Counters = append(o.Counters, linux.Counter{Family: f, Name: named.Name})
			}
		}
	}
	return nil
}

type setName struct {
	family linux.Family
	name   string
}

func readSets(c *nftables.Conn, f linux.Family, known map[setName]linux.Set, o *linux.Objects) error {
	sets, err := c.GetSets(table(f))
	if err != nil {
		return fmt.Errorf("list sets: %w", err)
	}
	for _, s := range sets {
		shape, ok := known[setName{f, s.Name}]
		if !ok {
			// It is to be removed, and then its shape does not matter.
			o.Sets = append(o.Sets, linux.Set{Family: f, Name: s.Name})
			continue
		}
		if s.IsMap != (shape.Data != linux.NoData) || s.Interval != shape.Interval || s.Concatenation != (len(shape.Fields) > 1 && shape.Room == 0) || s.Dynamic != (shape.Room > 0) {
			return fmt.Errorf("%w: set %s", errForeign, s.Name)
		}
		o.Sets = append(o.Sets, shape)
		if shape.Room > 0 {
			continue // its elements are packets'
		}
		elements, err := readElements(c, shape)
		if err != nil {
			return err
		}
		o.Elements = append(o.Elements, elements...)
	}
	return nil
}

func readElements(c *nftables.Conn, s linux.Set) ([]linux.Element, error) {
	raw, err := c.GetSetElements(&nftables.Set{Table: table(s.Family), Name: s.Name})
	if err != nil {
		return nil, fmt.Errorf("list elements of %s: %w", s.Name, err)
	}
	return decode(s, raw)
}

// decode turns the kernel's elements into ours.
func decode(s linux.Set, raw []nftables.SetElement) ([]linux.Element, error) {
	single := s.Interval && len(s.Fields) == 1
	if single {
		// Begin and end are elements of their own; where one interval ends and
		// the next begins they have the same key.
		slices.SortFunc(raw, func(a, b nftables.SetElement) int {
			if c := bytes.Compare(a.Key, b.Key); c != 0 {
				return c
			}
			if a.IntervalEnd == b.IntervalEnd {
				return 0
			}
			if a.IntervalEnd {
				return -1
			}
			return 1
		})
	}
	var out []linux.Element
	for i, r := range raw {
		if r.IntervalEnd {
			continue
		}
		e := linux.Element{Family: s.Family, Set: s.Name, Lo: string(r.Key), Hi: string(r.KeyEnd), Single: single, Note: r.Comment}
		if single {
			e.Hi = string(bytes.Repeat([]byte{255}, len(r.Key)))
			if i+1 < len(raw) {
				e.Hi = string(before(raw[i+1].Key))
			}
		} else if s.Interval && e.Hi == "" {
			e.Hi = e.Lo
		}
		switch s.Data {
		case linux.VerdictData:
			v, err := decodeVerdict(r.Val)
			if err != nil {
				return nil, fmt.Errorf("element of %s: %w", s.Name, err)
			}
			e.Verdict = v
		case linux.MarkData:
			e.Mark = binary.NativeEndian.Uint32(r.Val)
		case linux.HopsData:
			e.Mark = uint32(r.Val[0])
		}
		out = append(out, e)
	}
	return out, nil
}

// before is the key before k.
func before(k []byte) []byte {
	out := bytes.Clone(k)
	for i := len(out) - 1; i >= 0; i-- {
		out[i]--
		if out[i] != 255 {
			break
		}
	}
	return out
}

func decodeVerdict(raw []byte) (linux.Verdict, error) {
	d, err := mdl.NewAttributeDecoder(raw)
	if err != nil {
		return linux.Verdict{}, err
	}
	d.ByteOrder = binary.BigEndian
	var v linux.Verdict
	for d.Next() {
		switch d.Type() {
		case unix.NFTA_VERDICT_CODE:
			v.Kind = map[expr.VerdictKind]linux.VerdictKind{
				expr.VerdictAccept: linux.Accept, expr.VerdictDrop: linux.Drop, expr.VerdictReturn: linux.Return,
				expr.VerdictJump: linux.Jump, expr.VerdictGoto: linux.Goto,
			}[expr.VerdictKind(int32(d.Uint32()))]
		case unix.NFTA_VERDICT_CHAIN:
			v.Chain = d.String()
		}
	}
	return v, d.Err()
}

func readChains(c *nftables.Conn, f linux.Family, o *linux.Objects) error {
	t := table(f)
	chains, err := c.ListChainsOfTableFamily(t.Family)
	if err != nil {
		return fmt.Errorf("list chains: %w", err)
	}
	for _, ch := range chains {
		if ch.Table.Name != t.Name {
			continue
		}
		x := linux.Chain{Family: f, Name: ch.Name, Hook: hookOf(f, ch)}
		rules, err := c.GetRules(t, ch)
		if err != nil {
			return fmt.Errorf("list rules of %s: %w", ch.Name, err)
		}
		for _, r := range rules {
			tag, _ := userdata.GetString(r.UserData, userdata.TypeComment)
			x.Rules = append(x.Rules, linux.Rule{Tag: tag})
		}
		o.Chains = append(o.Chains, x)
	}
	return nil
}

func hookOf(f linux.Family, ch *nftables.Chain) *linux.Hook {
	if ch.Hooknum == nil || ch.Priority == nil {
		return nil
	}
	h := &linux.Hook{Priority: int(*ch.Priority)}
	switch {
	case f == linux.ARP:
		h.Point = linux.Input
	case *ch.Hooknum == *nftables.ChainHookPrerouting:
		h.Point = linux.Prerouting
	case *ch.Hooknum == *nftables.ChainHookForward:
		h.Point = linux.Forward
	case *ch.Hooknum == *nftables.ChainHookOutput:
		h.Point = linux.Output
	default:
		h.Point = linux.Input
	}
	return h
}

// verify reads back what a batch touched: the transport below has lost parts of
// large messages without saying so.
func (n *nft) verify(b linux.Batch, want *linux.Desired) error {
	return n.use(func(c *nftables.Conn) error {
		if err := verifyElements(c, b, want); err != nil {
			return err
		}
		return verifyChains(c, b)
	})
}

func verifyElements(c *nftables.Conn, b linux.Batch, want *linux.Desired) error {
	come, gone := map[linux.Element]bool{}, map[linux.Element]bool{}
	touched := map[setName]bool{}
	for _, part := range []linux.NftChange{b.Ready, b.Turn, b.Seal} {
		for _, e := range part.CutElements {
			gone[e] = true
			touched[setName{e.Family, e.Set}] = true
		}
		for _, e := range part.Elements {
			come[e] = true
			delete(gone, e)
			touched[setName{e.Family, e.Set}] = true
		}
	}
	missing := map[setName]int{}
	for e := range come {
		missing[setName{e.Family, e.Set}]++
	}
	for name := range touched {
		s, ok := want.Set(name.family, name.name)
		if !ok {
			continue // it went with the batch
		}
		if err := verifySet(c, s, come, gone, missing[name]); err != nil {
			return err
		}
	}
	for e := range come {
		return fmt.Errorf("%w: %s lacks %d elements", errLost, e.Set, len(come))
	}
	return nil
}

// looks is how often a set is read before an element counts as missing: the
// kernel's list of a hash table that it is enlarging meanwhile has holes.
const looks = 5

// verifySet takes what it finds out of come, where missing elements are of s.
func verifySet(c *nftables.Conn, s linux.Set, come, gone map[linux.Element]bool, missing int) error {
	for range looks {
		have, err := readElements(c, s)
		if err != nil {
			return err
		}
		for _, e := range have {
			if gone[e] {
				return fmt.Errorf("%w: %s still has an element", errLost, s.Name)
			}
			if come[e] {
				delete(come, e)
				missing--
			}
		}
		if missing == 0 {
			break
		}
	}
	return nil
}

var errLost = errors.New("nftables does not hold what was written")

func verifyChains(c *nftables.Conn, b linux.Batch) error {
	for _, part := range []linux.NftChange{b.Ready, b.Turn, b.Seal} {
		for _, ch := range part.Chains {
			rules, err := c.GetRules(table(ch.Family), &nftables.Chain{Name: ch.Name})
			if err != nil {
				return fmt.Errorf("list rules of %s: %w", ch.Name, err)
			}
			if len(rules) != len(ch.Rules) {
				return fmt.Errorf("%w: chain %s", errLost, ch.Name)
			}
			for i, r := range rules {
				if tag, _ := userdata.GetString(r.UserData, userdata.TypeComment); tag != ch.Rules[i].Tag {
					return fmt.Errorf("%w: chain %s", errLost, ch.Name)
				}
			}
		}
	}
	return nil
}
