package kernel

import (
	"context"
	"fmt"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"tombolo/flowlog"
	"tombolo/linux"
	"tombolo/network"
)

// flows is what a Plane knows about the counts that it reads.
type flows struct {
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

// FlowRoom bounds how many counts the kernel keeps at a time, from the next
// Reconcile on.
func (p *Plane) FlowRoom(counts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compiler.Room(counts)
}

// Flows is what was counted since the last call. Packets go on being counted, into
// another set; the one before is read when no packet is in it any more, so that each
// is in exactly one reading.
func (p *Plane) Flows() (flowlog.Reading, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.flows.kept
	p.flows.kept = flowlog.Reading{}
	if p.have == nil || p.dirty {
		return out, nil // it is not known where packets are counted; they are
	}
	if _, on := p.have.Metered(); !on {
		return out, nil
	}
	err := p.nft.use(func(c *nftables.Conn) error { return p.alternate(c, &out) })
	if err != nil {
		p.dirty, p.flows.stale, out.Gap = true, true, true
		return out, fmt.Errorf("read flows: %w", err)
	}
	return out, nil
}

func (p *Plane) alternate(c *nftables.Conn, out *flowlog.Reading) error {
	full, _ := p.have.Metered()
	if p.flows.foreign {
		// The other process may have been about to read it.
		if err := p.read(c, p.have.OtherFlowSet(), out); err != nil {
			return err
		}
		p.flows.foreign, p.flows.stale, out.Gap = false, true, true
	}
	if p.flows.stale {
		if err := flush(c, p.have.OtherFlowSet()); err != nil {
			return err
		}
		p.flows.stale = false
	}
	want := p.compiler.Alternate()
	for _, s := range linux.Diff(p.have, want) {
		if s, ok := s.(linux.Switch); ok {
			if err := p.nft.apply(s.Batch); err != nil {
				return err
			}
		}
	}
	p.have = want
	settle()
	if err := p.read(c, full, out); err != nil {
		return err
	}
	if err := flush(c, full); err != nil {
		return err
	}
	p.flows.ports = p.have.Ports()
	return nil
}

// settle returns when every packet that was on its way through the chains has left
// them: each is judged inside of one RCU critical section.
func settle() {
	const global = 1 // MEMBARRIER_CMD_GLOBAL waits for a grace period
	if _, _, no := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0); no != 0 {
		time.Sleep(50 * time.Millisecond) // a machine that has cores without ticks
	}
}

func flush(c *nftables.Conn, set string) error {
	for _, f := range families[:2] {
		c.FlushSet(&nftables.Set{Table: table(f), Name: set})
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("empty %s: %w", set, err)
	}
	return nil
}

// read adds what a set holds to a reading, and what did not find room.
func (p *Plane) read(c *nftables.Conn, set string, out *flowlog.Reading) error {
	for _, f := range families[:2] {
		elements, err := c.GetSetElements(&nftables.Set{Table: table(f), Name: set})
		if err != nil {
			return fmt.Errorf("list elements of %s: %w", set, err)
		}
		for _, e := range elements {
			if x, ok := linux.FlowOf(f, e.Key); ok && e.Counter != nil {
				out.Counts = append(out.Counts, p.flowCount(x, e.Counter.Packets, e.Counter.Bytes))
			}
		}
	}
	return p.readSkips(c, out)
}

func (p *Plane) flowCount(x linux.Flow, packets, bytes uint64) flowlog.Count {
	n := flowlog.Count{Fate: x.Fate, From: p.flows.ports[x.In], To: p.flows.ports[x.Out], Source: x.Source, Dest: x.Dest, Protocol: x.Protocol,
		SourcePort: x.SourcePort, DestPort: x.Port, Flags: x.Flags, Packets: packets, Bytes: bytes}
	if x.Fate == flowlog.Lost {
		if cause, ok := p.book.CauseOfMark(x.Mark); ok {
			n.Cause = cause.String()
		}
	}
	return n
}

func (p *Plane) readSkips(c *nftables.Conn, out *flowlog.Reading) error {
	leaving, entering := linux.SkippedSets()
	for _, f := range families[:2] {
		for _, name := range []string{leaving, entering} {
			elements, err := c.GetSetElements(&nftables.Set{Table: table(f), Name: name})
			if err != nil {
				return fmt.Errorf("list elements of %s: %w", name, err)
			}
			key := f.String() + " " + name
			was, is := p.flows.skips[key], map[string]uint64{}
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
			p.flows.skips[key] = is
		}
	}
	return nil
}

// keep notes whose links are counted from now on, and, when nothing is to be counted
// any more, reads what there is before it goes.
func (p *Plane) keep(have, want *linux.Desired) {
	_, was := have.Metered()
	_, is := want.Metered()
	if !was && !is {
		return
	}
	if p.flows.ports == nil {
		p.flows.ports = map[int]network.ENIID{}
	}
	for port, id := range want.Ports() {
		p.flows.ports[port] = id
	}
	if !was || is {
		return
	}
	set, _ := have.Metered()
	if err := p.nft.use(func(c *nftables.Conn) error { return p.read(c, set, &p.flows.kept) }); err != nil {
		p.flows.kept.Gap = true
	}
	p.flows.skips = nil
}
