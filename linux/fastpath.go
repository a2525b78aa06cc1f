package linux

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"tombolo/flowlog"
)

// FastPath is what remembers verdicts in front of the slow path. The slow path
// decides about the first packet of a flow and about every one that is in any way
// special; a fast path carries those that follow, for as long as nothing changes.
type FastPath string

// The fast paths. Auto takes the fastest that this kernel and its permissions allow.
const (
	Auto    FastPath = "auto"
	EBPF    FastPath = "ebpf" // programs on the links; needs CAP_BPF
	NoCache FastPath = "off"
)

// FastPaths are all that can be asked for.
func FastPaths() []string {
	return []string{string(Auto), string(EBPF), string(NoCache)}
}

// Candidates are the fast paths to be tried for one that was asked for, in order;
// the first that works is taken, and when none does there is none. "" is Auto.
func (p FastPath) Candidates() ([]FastPath, error) {
	switch p {
	case Auto, "":
		return []FastPath{EBPF, NoCache}, nil
	case EBPF, NoCache:
		return []FastPath{p}, nil
	}
	return nil, fmt.Errorf("fast path %q is not known: choose auto, ebpf or off", p)
}

// Generation counts what was changed under a cache. A packet carries the lower part
// of the one in which it came in; 0 is in neither, because it stops a cache.
type Generation uint32

// Next is the generation after g.
func (g Generation) Next() Generation {
	g++
	if g.Stamp() == 0 {
		g++
	}
	return g
}

// Stamp is the generation as a part of a packet's mark.
func (g Generation) Stamp() uint32 { return uint32(g) << 2 & stampMask }

// CachedFlow reads the key by which the cache counts what it carries (struct counted
// of cache.c). It carries nothing but data of flows that pass.
func CachedFlow(raw []byte) (f Flow, ok bool) {
	if len(raw) != 48 {
		return f, false
	}
	own := func(at int) uint32 { return binary.NativeEndian.Uint32(raw[at:]) }
	protocol := own(44)
	f = Flow{Fate: flowlog.Passed, In: int(own(0)), Out: int(own(4)), Protocol: uint8(protocol),
		SourcePort: binary.BigEndian.Uint16(raw[40:]), Port: binary.BigEndian.Uint16(raw[42:])}
	if protocol&(1<<8) != 0 {
		f.Source, f.Dest = netip.AddrFrom16([16]byte(raw[8:24])), netip.AddrFrom16([16]byte(raw[24:40]))
	} else {
		f.Source, f.Dest = netip.AddrFrom4([4]byte(raw[8:12])), netip.AddrFrom4([4]byte(raw[24:28]))
	}
	if f.Protocol == 6 {
		f.Flags = tcpACK
	}
	return f, true
}

// tcpACK is the flag of TCP that every packet has which the cache carries; of those
// that flow logs speak of it has no other.
const tcpACK = 0x10
