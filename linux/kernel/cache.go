package kernel

import (
	"errors"
	"fmt"
	"os"

	"tombolo/flowlog"
	"tombolo/linux"
	"tombolo/network"
)

// cache is a fast path: see linux.FastPath.
type cache interface {
	// attach has a link take part, before packets come by it.
	attach(l linux.Link) error
	// turn makes all that is remembered void, and what was judged before with it;
	// generation 0 stops remembering.
	turn(g linux.Generation) error
	// alternate counts into the other of two sets from now on.
	alternate() error
	// harvest gives what the set holds that is not counted into, and empties it.
	harvest() ([]cachedCount, error)
	// close lets go of it; packets go on as they do.
	close()
}

// cachedCount is what the cache carried of one direction of a flow.
type cachedCount struct {
	flow           linux.Flow
	packets, bytes uint64
}

// fastPath is the cache of a Plane, and what the Plane knows about it.
type fastPath struct {
	kind       linux.FastPath
	refused    error // why it is not the fastest
	cache      cache // nil when there is none
	generation linux.Generation
	paused     int // traces that want every packet to take the slow path
}

// openCache takes the fastest path that works, and takes the others away: whatever
// an earlier process has left remembers nothing any more.
func openCache(c Config) (fastPath, error) {
	candidates, err := c.FastPath.Candidates()
	if err != nil {
		return fastPath{}, err
	}
	var f fastPath
	for _, f.kind = range candidates {
		f.cache, err = nil, nil
		if f.kind == linux.EBPF {
			f.cache, err = openEBPF(c.Fabric)
		}
		if err == nil {
			break
		}
		f.refused = errors.Join(f.refused, fmt.Errorf("fast path %s: %w", f.kind, err))
	}
	if err != nil {
		return fastPath{}, f.refused
	}
	if f.kind != linux.EBPF {
		err = clearEBPF(c.Fabric)
	}
	return f, err
}

// FastPath is what remembers verdicts, and why nothing faster does; nil when that
// was what was asked for.
func (p *Plane) FastPath() (linux.FastPath, error) { return p.fast.kind, p.fast.refused }

// outdate makes void what was remembered until now. It comes after every change and
// before that is acknowledged.
func (p *Plane) outdate() error {
	if p.fast.cache == nil {
		return nil
	}
	p.fast.generation = p.fast.generation.Next()
	g := p.fast.generation
	if p.fast.paused > 0 {
		g = 0
	}
	if err := p.fast.cache.turn(g); err != nil {
		return fmt.Errorf("make the flow cache forget: %w", err)
	}
	return nil
}

// pause has every packet take the slow path until resume is called.
func (p *Plane) pause() (resume func(), err error) {
	p.fast.paused++
	resume = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.fast.paused--
		if p.outdate() != nil {
			p.dirty = true
		}
	}
	if err := p.outdate(); err != nil {
		p.fast.paused--
		return nil, err
	}
	return resume, nil
}

// attach has a link take part in the fast path, where there is one.
func (p *Plane) attach(l linux.Link) error {
	if p.fast.cache == nil {
		return nil
	}
	return p.fast.cache.attach(l)
}

// readCache adds what the cache has carried to a reading.
func (p *Plane) readCache(ports map[int]network.ENIID, out *flowlog.Reading) error {
	if p.fast.cache == nil {
		return nil
	}
	counts, err := p.fast.cache.harvest()
	if err != nil {
		return err
	}
	// What the slow path has counted of the same flows is there already.
	at := make(map[flowlog.Count]int, len(out.Counts))
	for i, c := range out.Counts {
		c.Packets, c.Bytes = 0, 0
		at[c] = i
	}
	x := reader{ports: ports}
	for _, c := range counts {
		n := x.count(c.flow, 0, 0)
		i, known := at[n]
		if !known {
			i = len(out.Counts)
			at[n], out.Counts = i, append(out.Counts, n)
		}
		out.Counts[i].Packets += c.packets
		out.Counts[i].Bytes += c.bytes
	}
	return nil
}

// clearEBPF takes an earlier process's programs off the links.
func clearEBPF(fabric *os.File) error {
	t, err := openTC(fabric)
	if err != nil {
		return err
	}
	defer t.close()
	return errors.Join(t.unload(arriveBlock), t.unload(leaveBlock))
}
