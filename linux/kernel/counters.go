package kernel

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"tombolo/linux"
)

// Counters are the packets dropped, by cause; only causes that had some.
func (p *Plane) Counters() (map[linux.Cause]uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[linux.Cause]uint64{}
	err := p.nft.use(func(c *nftables.Conn) error { return p.count(c, out) })
	return out, err
}

func (p *Plane) count(c *nftables.Conn, out map[linux.Cause]uint64) error {
	for _, f := range families[:2] {
		objects, err := c.GetNamedObjects(table(f))
		if err != nil {
			return fmt.Errorf("list counters: %w", err)
		}
		for _, o := range objects {
			named, ok := o.(*nftables.NamedObj)
			if !ok {
				continue
			}
			count, ok := named.Obj.(*expr.Counter)
			if cause, known := linux.CauseOfCounter(named.Name); ok && known && count.Packets > 0 {
				out[cause] += count.Packets
			}
		}
	}
	for _, s := range linux.CountingSets() {
		elements, err := c.GetSetElements(&nftables.Set{Table: table(s.Family), Name: s.Name})
		if err != nil {
			return fmt.Errorf("list elements of %s: %w", s.Name, err)
		}
		for _, e := range elements {
			if e.Counter == nil || e.Counter.Packets == 0 {
				continue
			}
			if cause, ok := p.book.CauseOfElement(linux.Element{Set: s.Name, Lo: string(e.Key)}); ok {
				out[cause] += e.Counter.Packets
			}
		}
	}
	return nil
}

// restore reads the book that an earlier process has kept in the kernel.
func (n *nft) restore(b *linux.Book) error {
	return n.use(func(c *nftables.Conn) error {
		sets, err := c.GetSets(table(linux.BookSet().Family))
		if err != nil {
			return fmt.Errorf("list sets: %w", err)
		}
		for _, s := range sets {
			if s.Name != linux.BookSet().Name {
				continue
			}
			elements, err := readElements(c, linux.BookSet())
			if err != nil {
				return err
			}
			return b.Restore(elements)
		}
		return nil
	})
}

// removeTables removes ours; nothing passes without them.
func (n *nft) removeTables() error {
	return n.transact(func(c *nftables.Conn) error {
		for _, f := range families {
			c.DelTable(table(f))
		}
		return nil
	})
}
