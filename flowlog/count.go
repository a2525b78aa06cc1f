package flowlog

import (
	"net/netip"

	"tombolo/network"
)

// Fate is what became of a packet, and with that where its way ended.
type Fate uint8

// The fates. Between RefusedLeaving and RefusedEntering lies all that is neither
// interface's own: routes and peerings.
const (
	Passed          Fate = iota + 1 // it reached the interface that it was for
	RefusedLeaving                  // by the security groups or the network ACL of its sender
	Lost                            // its sender's side let it go, and nothing led on
	RefusedEntering                 // by the network ACL or the security groups of its receiver
)

func (f Fate) String() string {
	return [...]string{"", "passed", "refused leaving", "lost", "refused entering"}[f]
}

// Count is a number of packets of one flow and direction that had the same fate.
// A plane counts every packet once, where it decides about it; both interfaces'
// records follow from that.
type Count struct {
	Fate     Fate
	From     network.ENIID // that sent it; "" when it is not known any more
	To       network.ENIID // that it was for; "" for what was refused before it had a way
	Source   netip.Addr
	Dest     netip.Addr
	Protocol uint8
	// Of TCP and UDP. Others have 0.
	SourcePort, DestPort uint16
	Flags                uint8  // of TCP's header, as it is there
	Cause                string // why a packet was lost, for people
	Packets, Bytes       uint64
}

// Reading is what a plane has counted since it was last asked.
type Reading struct {
	Counts []Count
	// Skipped is how many packets there was no room to count, by interface.
	Skipped map[network.ENIID]uint64
	// Gap says that the plane can't vouch for what was before: another process
	// counted, or the counts were found damaged.
	Gap bool
}

// Skip notes packets of an interface that were not counted.
func (r *Reading) Skip(id network.ENIID, packets uint64) {
	if r.Skipped == nil {
		r.Skipped = map[network.ENIID]uint64{}
	}
	r.Skipped[id] += packets
}
