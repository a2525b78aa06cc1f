package space

// Witness is one packet of s, if there is any: always the same, and one that a
// person would have sent. Of addresses it is the first, of protocols TCP, UDP or
// an echo request before others, of source ports one that hosts choose.
func (s Set) Witness() (Packet, bool) {
	switch {
	case s.four != nil:
		return family4.witness(s.four), true
	case s.six != nil:
		return family6.witness(s.six), true
	}
	return Packet{}, false
}

// The values that a witness takes if it can, the best first.
var (
	likelyProtocols = []uint64{6, 17, 1, 58}
	likelyPorts     = []uint64{80, 443, 53, 22}
	// A port that all of Linux, Windows and the NAT gateway draw from
	// (AWS: Network ACLs, Ephemeral ports).
	likelySources = []uint64{49152, 32768}
)

func (f family) witness(n *node) Packet {
	var p Packet
	src, n := f.choose(n, fieldSrc, nil)
	dst, n := f.choose(n, fieldDst, nil)
	protocol, n := f.choose(n, fieldProtocol, likelyProtocols)
	ports := likelyPorts
	switch protocol.lo {
	case 1:
		ports = []uint64{uint64(ICMPPort(8, 0))}
	case 58:
		ports = []uint64{uint64(ICMPPort(128, 0))}
	}
	dstPort, n := f.choose(n, fieldDstPort, ports)
	srcPort, _ := f.choose(n, fieldSrcPort, likelySources)
	p.Src, p.Dst, p.Protocol = f.addr(src), f.addr(dst), uint8(protocol.lo)
	p.DstPort, p.SrcPort = uint16(dstPort.lo), uint16(srcPort.lo)
	return p
}

// choose is a value that a node allows, and what follows it.
func (f family) choose(n *node, field int, likely []uint64) (value, *node) {
	if n == full && len(likely) == 0 {
		return value{}, full
	}
	for _, v := range likely {
		if to := n.find(value{0, v}); to != nil {
			return value{0, v}, to
		}
	}
	if n == full {
		return value{}, full
	}
	e := n.edges[0]
	if field >= fieldDstPort && e.lo == (value{}) && e.hi != e.lo {
		return value{0, 1}, e.to // 0 is the port of nobody
	}
	return e.lo, e.to
}
