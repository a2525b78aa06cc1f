package kernel

import (
	"fmt"
	"os"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tombolo/linux"
)

// What one message and one transaction may hold. An element list is one netlink
// attribute, whose length has 16 bits and silently wraps; and a transaction is
// one write to a socket, with an answer to each message, that must fit buffers
// which an ordinary user can't make larger than net.core.wmem_max and rmem_max,
// 208 KiB on most distributions. What is too large is weighed and split.
const (
	elementsPerMessage = 400
	socketBuffer       = 8 << 20
	bufferPerWeight    = 400 // bytes of buffer that an element takes
	weightOfMessage    = 5   // in elements
	weightOfRule       = 10  // a rule is answered twice
	mostWeight         = 10000
)

// nft is our tables of one network namespace.
type nft struct {
	ns      *os.File
	buffer  int // asked for
	current *nftables.Conn
	limit   int // of a transaction's weight
}

// use lends a connection. After an error it is not used again: it may hold
// acknowledgements that would be read as the next one's.
func (n *nft) use(f func(*nftables.Conn) error) error {
	if n.current == nil {
		// See handle for why the library is not told the namespace.
		err := inside(n.ns, func() (err error) {
			n.current, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(n.buffers))
			return err
		})
		if err != nil {
			n.current = nil
			return fmt.Errorf("open nftables: %w", err)
		}
	}
	err := f(n.current)
	if err != nil {
		n.close()
	}
	return err
}

func (n *nft) close() {
	if n.current != nil {
		_ = n.current.CloseLasting()
		n.current = nil
	}
}

// buffers makes the socket's buffers as large as is permitted.
func (n *nft) buffers(c *netlink.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	got := socketBuffer
	err = raw.Control(func(fd uintptr) {
		// The forced kind needs privileges over the machine.
		for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
			if n.buffer < socketBuffer || unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[0], n.buffer) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[1], n.buffer)
			}
			if size, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, o[1]); err == nil {
				got = min(got, size)
			}
		}
	})
	n.limit = min(got/bufferPerWeight, mostWeight)
	return err
}

func table(f linux.Family) *nftables.Table {
	family := map[linux.Family]nftables.TableFamily{
		linux.V4: nftables.TableFamilyIPv4, linux.V6: nftables.TableFamilyIPv6, linux.ARP: nftables.TableFamilyARP,
	}[f]
	return &nftables.Table{Name: linux.TableName, Family: family}
}

// makeTables makes our tables where they do not exist.
func (n *nft) makeTables() error {
	return n.transact(func(c *nftables.Conn) error {
		for _, f := range families {
			c.AddTable(table(f))
		}
		return nil
	})
}

var families = [...]linux.Family{linux.V4, linux.V6, linux.ARP}

// transact does what build puts together, all or nothing.
func (n *nft) transact(build func(*nftables.Conn) error) error {
	return n.use(func(c *nftables.Conn) error {
		if err := build(c); err != nil {
			return err
		}
		if err := c.Flush(); err != nil {
			return fmt.Errorf("change nftables: %w", err)
		}
		return nil
	})
}

// apply does a batch: in two transactions when it is small, else in several, of
// which those before and after the turn change nothing that packets meet.
func (n *nft) apply(b linux.Batch) error {
	if err := n.use(func(*nftables.Conn) error { return nil }); err != nil {
		return err
	}
	if weight(b.Ready)+weight(b.Turn)+weight(b.Seal)+weight(b.Clean) <= n.limit {
		if b.Seal.Len() == 0 {
			return n.change(b.Ready, b.Turn, b.Clean)
		}
		if err := n.change(b.Ready, b.Turn); err != nil {
			return err
		}
		return n.change(b.Seal, b.Clean)
	}
	for _, part := range []linux.NftChange{b.Ready, b.Turn, b.Seal, b.Clean} {
		for _, piece := range pieces(part, n.limit) {
			if err := n.change(piece); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *nft) change(changes ...linux.NftChange) error {
	return n.transact(func(c *nftables.Conn) error {
		for _, x := range changes {
			if err := put(c, x); err != nil {
				return err
			}
		}
		return nil
	})
}

func weight(c linux.NftChange) int {
	w := weightOfMessage * (len(c.NewCounters) + len(c.NewSets) + len(c.NewChains) + 2*len(c.OldChains) + len(c.OldSets) + len(c.OldCounters))
	for _, list := range [][]linux.Element{c.CutElements, c.Elements} {
		for i := range list {
			w += weightOfElement(list, i)
		}
	}
	for i := range c.Chains {
		w += weightOfChain(c.Chains, i)
	}
	return w
}

// weightOfElement counts the message that begins with each other set.
func weightOfElement(list []linux.Element, i int) int {
	if i > 0 && list[i-1].Set == list[i].Set && list[i-1].Family == list[i].Family {
		return 1
	}
	return 1 + weightOfMessage
}

func weightOfChain(list []linux.Chain, i int) int {
	return weightOfMessage + weightOfRule*len(list[i].Rules)
}

func weightOfAny[T any]([]T, int) int { return weightOfMessage }

// pieces splits a change that is too large for one transaction. What is taken
// away goes first; an interface's guards go before its
// gates and come after them, and a gate's old element goes with its new one. So
// between pieces nothing passes that neither the old nor the new policy lets pass.
func pieces(c linux.NftChange, limit int) []linux.NftChange {
	if weight(c) <= limit {
		return []linux.NftChange{c}
	}
	cut, add := byRole(c.CutElements), byRole(c.Elements)
	cuts := func(x *linux.NftChange, v []linux.Element) { x.CutElements = v }
	adds := func(x *linux.NftChange, v []linux.Element) { x.Elements = v }
	out := split(nil, c.NewCounters, limit, weightOfAny, func(x *linux.NftChange, v []linux.Counter) { x.NewCounters = v })
	out = split(out, c.NewSets, limit, weightOfAny, func(x *linux.NftChange, v []linux.Set) { x.NewSets = v })
	out = split(out, c.NewChains, limit, weightOfAny, func(x *linux.NftChange, v []linux.Chain) { x.NewChains = v })
	out = split(out, cut[linux.Guard], limit, weightOfElement, cuts)
	out = split(out, cut[linux.Plain], limit, weightOfElement, cuts)
	out = split(out, c.Chains, limit, weightOfChain, func(x *linux.NftChange, v []linux.Chain) { x.Chains = v })
	out = split(out, add[linux.Plain], limit, weightOfElement, adds)
	out = swapGates(out, cut[linux.Gate], add[linux.Gate], limit)
	out = split(out, add[linux.Guard], limit, weightOfElement, adds)
	// Rules hold sets and chains, and a map's elements hold chains.
	out = split(out, emptied(c.OldChains), limit, weightOfAny, func(x *linux.NftChange, v []linux.Chain) { x.Chains = v })
	out = split(out, c.OldSets, limit, weightOfAny, func(x *linux.NftChange, v []linux.Set) { x.OldSets = v })
	out = split(out, c.OldChains, limit/2, weightOfAny, func(x *linux.NftChange, v []linux.Chain) { x.OldChains = v })
	return split(out, c.OldCounters, limit, weightOfAny, func(x *linux.NftChange, v []linux.Counter) { x.OldCounters = v })
}

func byRole(list []linux.Element) map[linux.Role][]linux.Element {
	out := map[linux.Role][]linux.Element{}
	for _, e := range list {
		out[e.Role()] = append(out[e.Role()], e)
	}
	return out
}

// swapGates adds pieces in which every gate that is cut and added again is both
// in the same transaction.
func swapGates(out []linux.NftChange, cut, add []linux.Element, limit int) []linux.NftChange {
	old := map[[3]string]linux.Element{}
	for _, e := range cut {
		old[e.Place()] = e
	}
	var x linux.NftChange
	sum, set := 0, ""
	take := func(cut, add []linux.Element) {
		w := len(cut) + len(add)
		if s := append(slices.Clone(cut), add...)[0].Set; s != set {
			w, set = w+2*weightOfMessage, s
		}
		if sum > 0 && sum+w > limit {
			out, x, sum = append(out, x), linux.NftChange{}, 0
		}
		x.CutElements, x.Elements, sum = append(x.CutElements, cut...), append(x.Elements, add...), sum+w
	}
	for _, e := range add {
		if o, ok := old[e.Place()]; ok {
			delete(old, e.Place())
			take([]linux.Element{o}, []linux.Element{e})
			continue
		}
		take(nil, []linux.Element{e})
	}
	for _, e := range cut {
		if _, left := old[e.Place()]; left {
			take([]linux.Element{e}, nil)
		}
	}
	if sum > 0 {
		out = append(out, x)
	}
	return out
}

// split adds a list to changes, in parts that are not heavier than limit.
func split[T any](out []linux.NftChange, list []T, limit int, weigh func([]T, int) int, set func(*linux.NftChange, []T)) []linux.NftChange {
	for from := 0; from < len(list); {
		to := from
		for sum := 0; to < len(list); to++ {
			if sum += weigh(list, to); sum > limit && to > from {
				break
			}
		}
		var x linux.NftChange
		set(&x, list[from:to])
		out, from = append(out, x), to
	}
	return out
}

func emptied(in []linux.Chain) []linux.Chain {
	out := make([]linux.Chain, len(in))
	for i, c := range in {
		out[i] = linux.Chain{Family: c.Family, Name: c.Name, Hook: c.Hook}
	}
	return out
}

// put adds one change to a transaction.
func put(c *nftables.Conn, x linux.NftChange) error {
	for _, o := range x.NewCounters {
		c.AddObj(&nftables.NamedObj{Table: table(o.Family), Name: o.Name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}})
	}
	for _, s := range x.NewSets {
		if err := c.AddSet(set(s), nil); err != nil {
			return fmt.Errorf("add set %s: %w", s.Name, err)
		}
	}
	for _, ch := range x.NewChains {
		c.AddChain(chain(ch))
	}
	if err := putElements(x.CutElements, c.SetDeleteElements); err != nil {
		return err
	}
	for _, ch := range x.Chains {
		if err := putRules(c, ch); err != nil {
			return err
		}
	}
	if err := putElements(x.Elements, c.SetAddElements); err != nil {
		return err
	}
	for _, ch := range x.OldChains {
		c.FlushChain(chain(ch))
	}
	// A map's elements hold chains, and a chain's rules hold sets.
	for _, s := range x.OldSets {
		c.DelSet(set(s))
	}
	for _, ch := range x.OldChains {
		c.DelChain(chain(ch))
	}
	for _, o := range x.OldCounters {
		c.DeleteObject(&nftables.NamedObj{Table: table(o.Family), Name: o.Name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}})
	}
	return nil
}

func chain(ch linux.Chain) *nftables.Chain {
	out := &nftables.Chain{Name: ch.Name, Table: table(ch.Family)}
	if ch.Hook == nil {
		return out
	}
	hook := map[linux.HookPoint]*nftables.ChainHook{
		linux.Prerouting: nftables.ChainHookPrerouting, linux.Input: nftables.ChainHookInput,
		linux.Forward: nftables.ChainHookForward, linux.Output: nftables.ChainHookOutput,
	}[ch.Hook.Point]
	if ch.Family == linux.ARP {
		hook = nftables.ChainHookRef(0) // NF_ARP_IN
	}
	policy := nftables.ChainPolicyDrop
	out.Type, out.Hooknum, out.Priority, out.Policy = nftables.ChainTypeFilter, hook, nftables.ChainPriorityRef(nftables.ChainPriority(ch.Hook.Priority)), &policy
	return out
}

func putRules(c *nftables.Conn, ch linux.Chain) error {
	target := chain(ch)
	c.FlushChain(target)
	for _, r := range ch.Rules {
		x, err := expressions(ch.Family, r)
		if err != nil {
			return fmt.Errorf("rule %q: %w", r.Text, err)
		}
		c.AddRule(&nftables.Rule{Table: target.Table, Chain: target, Exprs: x,
			UserData: userdata.AppendString(nil, userdata.TypeComment, r.Tag)})
	}
	return nil
}

func dataType(t linux.Type) nftables.SetDatatype {
	return [...]nftables.SetDatatype{
		linux.PortType: nftables.TypeIFIndex, linux.MACType: nftables.TypeEtherAddr,
		linux.Addr4Type: nftables.TypeIPAddr, linux.Addr6Type: nftables.TypeIP6Addr, linux.ProtoType: nftables.TypeInetProto,
		linux.ServiceType: nftables.TypeInetService, linux.MarkType: nftables.TypeMark, linux.HopsType: nftables.TypeICMPCode,
	}[t]
}

func set(s linux.Set) *nftables.Set {
	out := &nftables.Set{Table: table(s.Family), Name: s.Name, Interval: s.Interval, Counter: s.Counted, IsMap: s.Data != linux.NoData}
	switch {
	case s.Room > 0:
		// A key of more fields than the kernel has names for: it is told the length.
		out.KeyType, out.Dynamic, out.Size = nftables.TypeInteger, true, uint32(s.Room)
		out.KeyType.Bytes = 0
		for _, t := range s.Fields {
			out.KeyType.Bytes += uint32(t.Bytes()+3) &^ 3
		}
	case len(s.Fields) == 1:
		out.KeyType = dataType(s.Fields[0])
	default:
		var types []nftables.SetDatatype
		for _, t := range s.Fields {
			types = append(types, dataType(t))
		}
		out.KeyType, out.Concatenation = nftables.MustConcatSetType(types...), true
	}
	switch s.Data {
	case linux.VerdictData:
		out.DataType = nftables.TypeVerdict
	case linux.MarkData:
		out.DataType = nftables.TypeMark
	case linux.HopsData:
		out.DataType = nftables.TypeICMPCode
	}
	return out
}

// putElements adds or deletes elements, set by set, in messages that are small
// enough. Deletion and addition have the same form.
func putElements(elements []linux.Element, do func(*nftables.Set, []nftables.SetElement) error) error {
	for from := 0; from < len(elements); {
		to := from
		for to < len(elements) && to-from < elementsPerMessage && elements[to].Set == elements[from].Set && elements[to].Family == elements[from].Family {
			to++
		}
		var list []nftables.SetElement
		for _, e := range elements[from:to] {
			list = append(list, element(e)...)
		}
		first := elements[from]
		target := &nftables.Set{Table: table(first.Family), Name: first.Set, IsMap: true}
		if err := do(target, list); err != nil {
			return fmt.Errorf("elements of %s: %w", first.Set, err)
		}
		from = to
	}
	return nil
}

// element is an element in the kernel's terms. An interval of a single field is
// two: where it begins, and the first that is not in it any more.
func element(e linux.Element) []nftables.SetElement {
	out := nftables.SetElement{Key: []byte(e.Lo), Comment: e.Note}
	switch {
	case e.Verdict != linux.Verdict{}:
		out.VerdictData = verdict(e.Verdict)
	case e.Set == "hops":
		out.Val = []byte{byte(e.Mark)}
	case e.Mark != 0:
		out.Val = native(e.Mark)
	}
	if e.Hi == "" {
		return []nftables.SetElement{out}
	}
	if !e.Single {
		out.KeyEnd = []byte(e.Hi)
		return []nftables.SetElement{out}
	}
	end := []byte(e.Hi)
	for i := len(end) - 1; i >= 0; i-- {
		end[i]++
		if end[i] != 0 {
			return []nftables.SetElement{out, {Key: end, IntervalEnd: true}}
		}
	}
	return []nftables.SetElement{out} // to the end of all addresses
}
