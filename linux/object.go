package linux

import (
	"fmt"
	"net/netip"

	"tombolo/network"
)

// Set is an nftables set, or a map when Data says so.
type Set struct {
	Family   Family
	Name     string
	Fields   []Type // of the key
	Data     Data
	Interval bool
	Counted  bool // every element counts its hits
	Room     int  // packets add elements, with a count each, at most so many; 0 is none
}

// Data is what a map maps to.
type Data uint8

// The kinds of data.
const (
	NoData Data = iota // a set
	VerdictData
	MarkData
	HopsData
)

// Element is one element of a set: a key, or, in an interval set, from Lo to Hi
// in every field.
type Element struct {
	Family  Family
	Set     string
	Lo, Hi  string // encoded as nftables keeps it; Hi is "" in sets without intervals
	Single  bool   // an interval of a set with a single field, which nftables keeps in another way
	Verdict Verdict
	Mark    uint32
	Note    string // a comment
}

// Chain is an nftables chain.
type Chain struct {
	Family Family
	Name   string
	Hook   *Hook // of a base chain
	Rules  []Rule
}

// Hook is where a base chain sits. Its policy is drop.
type Hook struct {
	Point    HookPoint
	Priority int
}

// HookPoint is a netfilter hook.
type HookPoint uint8

// The hooks.
const (
	Prerouting HookPoint = iota
	Input
	Forward
	Output
)

// Counter is a named counter.
type Counter struct {
	Family Family
	Name   string
}

// Link is one interface of an instance: a veth pair between the fabric and the
// instance's namespace.
type Link struct {
	ENI      network.ENIID
	Instance network.InstanceID
	Boots    int // a new boot of the instance has a new namespace
	Port     int // the fabric end's index
	Device   int // the other end is eth<Device>
	MAC      network.MAC
	Addrs    []netip.Prefix // IPv4 with the subnet's length, IPv6 as /128
	Router   netip.Addr     // the IPv4 gateway
	Default  bool           // it has the instance's default routes
}

// Route is a route of the fabric. It is delivery only: what an AWS route table
// says is in nftables.
type Route struct {
	Family Family
	Table  int
	Dst    netip.Prefix
	Port   int        // out of this link
	Via    netip.Addr // through this neighbour; zero is on-link
	Source netip.Addr // of what the fabric itself sends there
	MTU    int        // locked; 0 is the link's
	Local  bool       // an address of the fabric's own
}

// Neighbour is a permanent entry of the fabric's neighbour table.
type Neighbour struct {
	Port int
	Addr netip.Addr
	MAC  network.MAC
}

// PolicyRule is an ip rule: packets whose mark matches are looked up in Table,
// or go on at the rule with priority Goto.
type PolicyRule struct {
	Family      Family
	Priority    int
	Mark, Mask  uint32
	Table, Goto int
	FromSelf    bool // only what the fabric itself sends
}

// Role is what an element does for an interface while a change is under way.
type Role uint8

// The roles. A packet that finds no Guard goes nowhere; one that finds no Gate
// goes on to the next, unjudged. So an interface's guards must go before its
// gates and come after them, and a gate that changes must change at once.
const (
	Plain Role = iota + 1
	Guard
	Gate
)

// Role is the element's.
func (e Element) Role() Role {
	switch e.Set {
	case "ports", "sources", "unchecked":
		return Guard
	case "leave.groups", "leave.acl", "enter.acl", "enter.groups":
		return Gate
	}
	return Plain
}

// Place is where in its family and set an element is; two with the same place
// can't be there at once.
func (e Element) Place() [3]string { return [3]string{fmt.Sprint(e.Family), e.Set, e.Lo} }
