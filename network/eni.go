package network

import (
	"encoding/hex"
	"errors"
	"iter"
	"net"
	"net/netip"
	"time"
)

// MAC is an Ethernet address. Its text form is aa:bb:cc:dd:ee:ff.
type MAC [6]byte

func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

// MarshalText gives the colon form.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the colon form.
func (m *MAC) UnmarshalText(text []byte) error {
	if len(text) != 17 {
		return errors.New("a MAC address has 17 characters")
	}
	for i := range m {
		if _, err := hex.Decode(m[i:i+1], text[3*i:3*i+2]); err != nil {
			return err
		}
	}
	return nil
}

// ENI is an elastic network interface: the place where a subnet, addresses and
// security groups meet, and where an instance is plugged in.
type ENI struct {
	ID ENIID
	Home
	VPC             VPCID
	Subnet          SubnetID
	Description     string
	MAC             MAC
	Addrs           []netip.Addr // private IPv4; the first is the primary
	Addrs6          []netip.Addr
	Groups          []GroupID
	SourceDestCheck bool
	Attachment      *Attachment // nil when available
	Created         time.Time
}

// Attachment plugs an ENI into an instance as its interface number Device.
type Attachment struct {
	ID                  AttachmentID
	Instance            InstanceID
	Device              int
	DeleteOnTermination bool
	At                  time.Time
}

func (e *ENI) key() string { return string(e.ID) }

func (e *ENI) links() []string {
	out := []string{e.World(), string(e.VPC), string(e.Subnet)}
	for _, g := range e.Groups {
		out = append(out, string(g))
	}
	for _, a := range e.AllAddrs() {
		out = append(out, addressKey(e.VPC, a))
	}
	if e.Attachment != nil {
		out = append(out, string(e.Attachment.Instance), string(e.Attachment.ID))
	}
	return out
}

func (e *ENI) uses() []use { return []use{{e.World(), QuotaENIs}} }

// AllAddrs are the interface's addresses of both families, primary IPv4 first.
func (e *ENI) AllAddrs() []netip.Addr {
	return append(append(make([]netip.Addr, 0, len(e.Addrs)+len(e.Addrs6)), e.Addrs...), e.Addrs6...)
}

// Has reports whether addr is one of the interface's own.
func (e *ENI) Has(addr netip.Addr) bool {
	for _, a := range e.AllAddrs() {
		if a == addr {
			return true
		}
	}
	return false
}

// ENI finds one by ID; nil when there is none.
func (s State) ENI(id ENIID) *ENI { return lookup(s.enis, id) }

// ENIs are all interfaces of all accounts, in order of ID.
func (s State) ENIs() iter.Seq[*ENI] { return s.enis.all() }

// ENIsOf are the interfaces of the caller's account and Region.
func (s State) ENIsOf(c Caller) iter.Seq[*ENI] {
	return those(s, s.enis, Home{c.Account, c.Region}.World(), "eni-")
}

// ENIsIn are the interfaces of a VPC.
func (s State) ENIsIn(id VPCID) iter.Seq[*ENI] { return those(s, s.enis, string(id), "eni-") }

// ENIsInSubnet are the interfaces of a subnet.
func (s State) ENIsInSubnet(id SubnetID) iter.Seq[*ENI] {
	return those(s, s.enis, string(id), "eni-")
}

// Members are the interfaces that a security group is attached to.
func (s State) Members(id GroupID) iter.Seq[*ENI] { return those(s, s.enis, string(id), "eni-") }

// ENIsAt are the interfaces plugged into an instance, in order of ID.
func (s State) ENIsAt(id InstanceID) iter.Seq[*ENI] { return those(s, s.enis, string(id), "eni-") }

// ENIWith is the interface of a VPC that has addr; nil when none has.
func (s State) ENIWith(v VPCID, addr netip.Addr) *ENI {
	return lookup(s.enis, s.refs.first(addressKey(v, addr), "eni-"))
}

// ENIAttachedAs is the interface with this attachment; nil when none has it.
func (s State) ENIAttachedAs(id AttachmentID) *ENI {
	return lookup(s.enis, s.refs.first(string(id), "eni-"))
}

// ENISpec is what can be chosen about a new interface.
type ENISpec struct {
	Subnet      SubnetID
	Description string
	Addrs       []netip.Addr // the first is the primary; empty takes a free one
	Extra       int          // this many more secondary IPv4 addresses, any free ones
	Addrs6      []netip.Addr
	Extra6      int       // this many IPv6 addresses, any free ones
	Groups      []GroupID // empty means the VPC's default group
}

// CreateENI makes an interface that is attached to nothing. Created: the ENI.
type CreateENI struct {
	ENISpec
	Tags Tags
}

// DeleteENI deletes an interface that is attached to nothing.
type DeleteENI struct{ ENI ENIID }

// AttachENI plugs an interface into a running or stopped instance of its zone.
// Created: the attachment.
type AttachENI struct {
	ENI      ENIID
	Instance InstanceID
	Device   int // 1 or more
}

// DetachENI unplugs a secondary interface.
type DetachENI struct {
	Attachment AttachmentID
	Force      bool
}

// SetENIAttribute changes those attributes that are not nil. Groups replaces
// the whole set.
type SetENIAttribute struct {
	ENI                 ENIID
	Description         *string
	SourceDestCheck     *bool
	Groups              []GroupID
	Attachment          AttachmentID // whose DeleteOnTermination is changed
	DeleteOnTermination *bool
}

// AssignAddrs adds secondary IPv4 addresses: those named, or Count free ones.
// The outcome's Created holds the addresses.
type AssignAddrs struct {
	ENI      ENIID
	Addrs    []netip.Addr
	Count    int
	Reassign bool // take a secondary address away from another interface
}

// UnassignAddrs removes secondary IPv4 addresses.
type UnassignAddrs struct {
	ENI   ENIID
	Addrs []netip.Addr
}

// AssignAddrs6 adds IPv6 addresses: those named, or Count free ones. The
// outcome's Created holds the addresses.
type AssignAddrs6 struct {
	ENI   ENIID
	Addrs []netip.Addr
	Count int
}

// UnassignAddrs6 removes IPv6 addresses.
type UnassignAddrs6 struct {
	ENI   ENIID
	Addrs []netip.Addr
}
