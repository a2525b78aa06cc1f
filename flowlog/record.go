package flowlog

import (
	"net/netip"
	"strconv"
	"time"

	"tombolo/network"
)

// Record is what one interface has to say about a flow, in one direction, over some
// time (AWS: Flow log records).
type Record struct {
	Interface *network.ENI // as it was when the packets were counted
	ZoneID    string
	Status    Status

	// The rest is of OK records only, but for the times.

	Direction            Direction
	Action               Action
	Source, Dest         netip.Addr // as the packets have them
	Protocol             uint8
	SourcePort, DestPort uint16
	Flags                uint8 // AWS's sum of them
	Path                 Path
	Packets, Bytes       uint64
	Start, End           time.Time
	Cause                string // why packets that this interface let go were lost, for people
}

// Status says whether a record is one.
type Status uint8

// The statuses.
const (
	OK       Status = iota + 1
	NoData          // nothing passed the interface
	SkipData        // something passed that was not recorded
)

func (s Status) String() string { return [...]string{"", "OK", "NODATA", "SKIPDATA"}[s] }

// Direction is which way packets went through the interface.
type Direction uint8

// The directions.
const (
	Ingress Direction = iota + 1
	Egress
)

func (d Direction) String() string { return [...]string{"", "ingress", "egress"}[d] }

// Action is what the interface's security groups and its subnet's network ACL said.
type Action uint8

// The actions.
const (
	Accept Action = iota + 1
	Reject
)

func (a Action) String() string { return [...]string{"", "ACCEPT", "REJECT"}[a] }

// Path is the way that packets took out of the interface; 0 is none that AWS has a
// number for (AWS: Flow log records, traffic-path).
type Path uint8

// The paths. An internet gateway has another number for Nitro-based instances, which
// all of ours are.
const (
	SameVPC      Path = 1
	SameRegion   Path = 4 // over a peering
	OtherRegion  Path = 5 // over a peering
	ToTheGateway Path = 8
)

func (p Path) String() string {
	if p == 0 {
		return "-"
	}
	return strconv.Itoa(int(p))
}

// Instance is whose interface it is; "" when it is attached to nothing.
func (r Record) Instance() network.InstanceID {
	if r.Interface.Attachment == nil {
		return ""
	}
	return r.Interface.Attachment.Instance
}

// only is the text of what records without data do not have.
func (r Record) only(text string) string {
	if r.Status != OK {
		return "-"
	}
	return text
}

func (r Record) family() string {
	if r.Source.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// source and dest show the interface's own end as the interface's address: of IPv4
// always the primary one (AWS: Flow log records, srcaddr and dstaddr). What the
// packets have is in other fields.
func (r Record) source() netip.Addr {
	if r.Direction == Egress {
		return r.own(r.Source)
	}
	return r.Source
}

func (r Record) dest() netip.Addr {
	if r.Direction == Ingress {
		return r.own(r.Dest)
	}
	return r.Dest
}

func (r Record) own(a netip.Addr) netip.Addr {
	switch {
	case a.Is4() && len(r.Interface.Addrs) > 0:
		return r.Interface.Addrs[0]
	case !a.Is4() && len(r.Interface.Addrs6) > 0 && !r.Interface.Has(a):
		return r.Interface.Addrs6[0]
	}
	return a
}

// The flags of TCP's header that records speak of. An acknowledgement is said with
// SYN only: SYN-ACK is 18, FIN-ACK is 1 (AWS: Flow log records, tcp-flags).
const (
	fin = 1
	syn = 2
	rst = 4
	ack = 16
)

func shownFlags(header uint8) uint8 {
	if header&syn != 0 {
		return header & (fin | syn | rst | ack)
	}
	return header & (fin | rst)
}
