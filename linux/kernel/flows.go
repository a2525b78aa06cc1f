package kernel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"tombolo/flowlog"
	"tombolo/linux"
	"tombolo/network"
)

// flows is what a Plane knows about the counts that it reads.
type flows struct {
	reading sync.Mutex                   // held by Flows, before the Plane's own
	ports   map[int]network.ENIID        // every link that may have been counted since the last reading
	skips   map[string]map[string]uint64 // what the counters of SkippedSets said last, by set and element
	kept    flowlog.Reading              // read before the counts went away
	stale   bool                         // the set that is not counted into may hold what was read
	foreign bool                         // another process has counted before
}

// Listen makes the kernel count the flows of all interfaces, or only of those that
// have flow logs. It returns when packets are counted so.
func (p *Plane) Listen(ctx context.Context, to flowlog.Audience) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compiler.Listen(to)
	if p.have == nil {
		return nil // the first Reconcile sees to it
	}
	return p.reconcile(ctx, p.state)
}

// Flows is what was counted since the last call. Packets go on being counted, into
// another set; the one before is read when no packet is in it any more, so that each
// is in exactly one reading. While it is read, the policy may change.
func (p *Plane) Flows() (flowlog.Reading, error) {
	p.flows.reading.Lock()
	defer p.flows.reading.Unlock()
	x, err := p.alternate()
	if err == nil && x.set != "" {
		settle()
		if err = x.read(p.config.Fabric, x.set); err == nil {
			err = p.emptied(&x)
		}
	}
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.dirty, p.flows.stale, x.out.Gap = true, true, true
		return x.out, fmt.Errorf("read flows: %w", err)
	}
	return x.out, nil
}

// reader turns elements of a set into counts.
type reader struct {
	set    string // that nothing is added to any more; "" when nothing is counted
	ports  map[int]network.ENIID
	causes func(mark uint32) string
	out    flowlog.Reading
}

// alternate has packets counted into the other set, and gives what it takes to read
// the one before.
func (p *Plane) alternate() (x reader, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.out, p.flows.kept = p.flows.kept, flowlog.Reading{}
	if p.have == nil || p.dirty {
		return x, nil // it is not known where packets are counted; they are
	}
	set, on := p.have.Metered()
	if !on {
		return x, nil
	}
	x.ports, x.causes = maps.Clone(p.flows.ports), p.book.Causes()
	if p.flows.foreign {
		// The other process may have been about to read it.
		if err := x.read(p.config.Fabric, p.have.OtherFlowSet()); err != nil {
			return x, err
		}
		p.flows.foreign, p.flows.stale, x.out.Gap = false, true, true
	}
	if p.flows.stale {
		if err := p.flush(p.have.OtherFlowSet()); err != nil {
			return x, err
		}
		p.flows.stale = false
	}
	want := p.compiler.Alternate()
	for _, s := range linux.Diff(p.have, want) {
		if s, ok := s.(linux.Switch); ok {
			if err := p.nft.apply(s.Batch); err != nil {
				return x, err
			}
		}
	}
	p.have, x.set = want, set
	if p.fast.cache != nil {
		if err := p.fast.cache.alternate(); err != nil {
			return x, err
		}
	}
	return x, nil
}

// emptied ends a reading: the set is empty for its next turn, and what found no room
// is known.
func (p *Plane) emptied(x *reader) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.have == nil || p.dirty {
		p.flows.stale = true
		return nil
	}
	if _, on := p.have.Metered(); !on {
		return nil // the sets are gone
	}
	if err := p.readCache(p.flows.ports, &x.out); err != nil {
		return err
	}
	if err := p.readSkips(&x.out); err != nil {
		return err
	}
	p.flows.ports = p.have.Ports()
	return p.flush(x.set)
}

// settle returns when every packet that was on its way through the chains has left
// them: each is judged inside of one RCU critical section.
func settle() {
	const global = 1 // MEMBARRIER_CMD_GLOBAL waits for a grace period
	if _, _, no := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0); no != 0 {
		time.Sleep(50 * time.Millisecond) // a machine that has cores without ticks
	}
}

func (p *Plane) flush(set string) error {
	return p.nft.transact(func(c *nftables.Conn) error {
		for _, f := range families[:2] {
			c.FlushSet(&nftables.Set{Table: table(f), Name: set})
		}
		return nil
	})
}

// read adds what a set holds.
func (x *reader) read(ns *os.File, set string) error {
	for _, f := range families[:2] {
		elements, err := dumpCounts(ns, f, set)
		if err != nil {
			return err
		}
		for _, e := range elements {
			if y, ok := linux.FlowOf(f, e.key); ok {
				x.out.Counts = append(x.out.Counts, x.count(y, e.packets, e.bytes))
			}
		}
	}
	return nil
}

func (x *reader) count(y linux.Flow, packets, bytes uint64) flowlog.Count {
	n := flowlog.Count{Fate: y.Fate, From: x.ports[y.In], To: x.ports[y.Out], Source: y.Source, Dest: y.Dest, Protocol: y.Protocol,
		SourcePort: y.SourcePort, DestPort: y.Port, Flags: y.Flags, Packets: packets, Bytes: bytes}
	if y.Fate == flowlog.Lost {
		n.Cause = x.causes(y.Mark)
	}
	return n
}

// readSkips adds what has found no room since the last time.
func (p *Plane) readSkips(out *flowlog.Reading) error {
	leaving, entering := linux.SkippedSets()
	for _, f := range families[:2] {
		for _, name := range []string{leaving, entering} {
			elements, err := p.nft.elements(f, name)
			if err != nil {
				return err
			}
			p.addSkips(f.String()+" "+name, elements, out)
		}
	}
	return nil
}

// addSkips compares a set's counters with what they said before.
func (p *Plane) addSkips(set string, elements []nftables.SetElement, out *flowlog.Reading) {
	was, is := p.flows.skips[set], map[string]uint64{}
	for _, e := range elements {
		if e.Counter == nil || e.Counter.Packets == 0 {
			continue
		}
		now := e.Counter.Packets
		is[string(e.Key)] = now
		if old := was[string(e.Key)]; old <= now {
			now -= old
		}
		if port, ok := linux.PortOfKey(e.Key); ok && now > 0 {
			out.Skip(p.flows.ports[port], now)
		}
	}
	if p.flows.skips == nil {
		p.flows.skips = map[string]map[string]uint64{}
	}
	p.flows.skips[set] = is
}

func (n *nft) elements(f linux.Family, set string) (out []nftables.SetElement, err error) {
	err = n.use(func(c *nftables.Conn) error {
		out, err = c.GetSetElements(&nftables.Set{Table: table(f), Name: set})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list elements of %s: %w", set, err)
	}
	return out, nil
}

// keep notes whose links are counted from now on, and, when nothing is to be counted
// any more, reads what there is before it goes; ends says that it is so.
func (p *Plane) keep(want *linux.Desired) (ends bool) {
	set, was := "", false
	if p.have != nil {
		set, was = p.have.Metered()
	}
	_, is := want.Metered()
	if !was && !is {
		return false
	}
	if p.flows.ports == nil {
		p.flows.ports = map[int]network.ENIID{}
	}
	maps.Copy(p.flows.ports, want.Ports())
	if !was || is {
		return false
	}
	x := reader{ports: p.flows.ports, causes: p.book.Causes(), out: p.flows.kept}
	err := x.read(p.config.Fabric, set)
	if err == nil {
		err = errors.Join(p.readSkips(&x.out), p.flush(set))
	}
	if err != nil {
		x.out.Gap = true
	}
	p.flows.kept, p.flows.skips = x.out, nil
	return true
}

// keepCache is the same for what the cache carried. It comes when nothing that is
// remembered is counted any more.
func (p *Plane) keepCache() {
	if p.fast.cache == nil {
		return
	}
	settle()
	for range 2 {
		if err := errors.Join(p.fast.cache.alternate(), p.readCache(p.flows.ports, &p.flows.kept)); err != nil {
			p.flows.kept.Gap = true
		}
	}
}
