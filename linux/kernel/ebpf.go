package kernel

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"tombolo/linux"
)

//go:generate bpf/build

// cacheObject is bpf/cache.c, compiled.
//
//go:embed bpf/cache.o
var cacheObject []byte

// ebpfCache is the flow cache as programs on every link: see bpf/cache.c.
type ebpfCache struct {
	tc     *tc
	all    *ebpf.Collection
	counts [2]*ebpf.Map
	side   uint32
	// What an earlier process's programs have counted and nobody has read.
	inherited []cachedCount
}

// openEBPF loads the programs and puts them into the place of whatever an earlier
// process has left there.
func openEBPF(fabric *os.File) (cache, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(cacheObject))
	if err != nil {
		return nil, err
	}
	c := &ebpfCache{}
	if c.all, err = ebpf.NewCollection(spec); err != nil {
		return nil, err
	}
	c.counts = [2]*ebpf.Map{c.all.Maps["counts0"], c.all.Maps["counts1"]}
	if c.tc, err = openTC(fabric); err != nil {
		c.all.Close()
		return nil, err
	}
	old, err := c.tc.older()
	if err != nil {
		c.close()
		return nil, err
	}
	defer old.close()
	// A block exists while a link takes part in it: the sink always does.
	err = c.tc.attach(linux.SinkPort)
	if err == nil {
		err = c.tc.load(leaveBlock, c.all.Programs["leave"].FD(), "tombolo-leave")
	}
	if err == nil {
		err = c.tc.load(arriveBlock, c.all.Programs["arrive"].FD(), "tombolo-arrive")
	}
	if err != nil {
		c.close()
		return nil, err
	}
	c.inherited = old.read()
	return c, nil
}

// older are the counts of the programs that are on the links already. Where an
// account may load programs and not look at others', they are nobody's: the reading
// that follows is marked as one with a gap.
type older []*ebpf.Map

func (t *tc) older() (older, error) {
	id, err := t.loaded(arriveBlock)
	if err != nil || id == 0 {
		return nil, err
	}
	program, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil, nil
	}
	defer program.Close()
	info, err := program.Info()
	if err != nil {
		return nil, nil
	}
	var out older
	maps, _ := info.MapIDs()
	for _, id := range maps {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue
		}
		if x, err := m.Info(); err != nil || x.Name != "counts0" && x.Name != "counts1" {
			m.Close()
			continue
		}
		out = append(out, m)
	}
	return out, nil
}

func (o older) close() {
	for _, m := range o {
		m.Close()
	}
}

// read comes when the programs that counted have gone.
func (o older) read() (out []cachedCount) {
	if len(o) > 0 {
		settle()
	}
	for _, m := range o {
		counts, _, _ := readCounts(m)
		out = append(out, counts...)
	}
	return out
}

func (c *ebpfCache) close() {
	c.tc.close()
	c.all.Close()
}

func (c *ebpfCache) attach(l linux.Link) error {
	if err := c.all.Maps["macs"].Put(uint32(l.Port), append(l.MAC[:], 0, 0)); err != nil {
		return fmt.Errorf("note %s in the flow cache: %w", l.ENI, err)
	}
	return c.tc.attach(l.Port)
}

func (c *ebpfCache) turn(g linux.Generation) error {
	return c.all.Variables["generation"].Set(uint32(g))
}

func (c *ebpfCache) alternate() error {
	c.side ^= 1
	return c.all.Variables["side"].Set(c.side)
}

func (c *ebpfCache) harvest() ([]cachedCount, error) {
	m := c.counts[c.side^1]
	out, keys, err := readCounts(m)
	if err != nil {
		return nil, fmt.Errorf("read counts of the flow cache: %w", err)
	}
	for _, k := range keys {
		if err := m.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil, fmt.Errorf("empty counts of the flow cache: %w", err)
		}
	}
	out, c.inherited = append(out, c.inherited...), nil
	return out, nil
}

// readCounts lists a map that nothing is added to.
func readCounts(m *ebpf.Map) (out []cachedCount, keys [][]byte, err error) {
	var key []byte
	var n struct{ Packets, Bytes uint64 }
	all := m.Iterate()
	for all.Next(&key, &n) {
		keys = append(keys, bytes.Clone(key))
		if f, ok := linux.CachedFlow(key); ok {
			out = append(out, cachedCount{f, n.Packets, n.Bytes})
		}
	}
	return out, keys, all.Err()
}
