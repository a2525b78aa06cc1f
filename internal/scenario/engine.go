package scenario

import (
	"net/netip"
	"time"

	"tombolo/network"
)

// Engine is anything that can be given a network and asked to carry a packet.
type Engine interface {
	// Name is the word for it in skip lines.
	Name() string
	// Set makes the network what the State says; it returns when packets obey.
	Set(network.State) error
	// Send asks one question.
	Send(Flow) (Outcome, error)
	// Close gives up whatever the engine has made.
	Close() error
}

// Namer is an engine that wants to know what a scenario calls the thing with an ID.
type Namer interface {
	Names(nameOf func(id string) string)
}

// Kind is which question a Flow asks.
type Kind uint8

// The questions.
const (
	_       Kind = iota
	Ask          // send a request and await the answer
	Keep         // the same, over the conversation of that Name, opened if need be
	OneWay       // a single packet, with a source address of its own choosing
	Resolve      // ARP or neighbour discovery for To
)

// Flow is one question to an engine.
type Flow struct {
	Kind         Kind
	Name         string        // of a conversation that is kept
	From         network.ENIID // which interface asks
	Source       netip.Addr    // with which address
	To           netip.Addr    // whom
	Target       network.ENIID // the interface that has To; "" when nobody the sender could mean has it
	Protocol     network.Protocol
	Port         uint16
	FromPort     uint16 // 0 is the sender's choice
	Closed       bool   // nothing shall listen there
	Size         int    // of the payload; 0 is a few bytes
	TTL          int    // 0 is the default
	DontFragment bool
	// Patience is how long an answer is awaited before it counts as silence. It
	// is long where an answer is expected and short where silence is, so that a
	// busy machine does not turn one into the other.
	Patience time.Duration
}

// Result is what became of a Flow.
type Result uint8

// The results. NoReply is also a packet that did not arrive and an ARP request
// that nobody answered.
const (
	_ Result = iota
	Delivered
	NoReply
	Refused
)

// Outcome is what an engine has seen.
type Outcome struct {
	Result Result
	Seen   netip.Addr // the source address as the answering side saw it, if it said
	MTU    int        // the path MTU that a router asked for on the way, or 0
	// Cause says what dropped the packet. The zero Cause is for engines that
	// never can tell; one that can, and has found nothing, says Uncounted.
	Cause Cause
}

// Uncounted is the cause of silence for which nothing in the network has dropped
// a packet: nobody was there to answer, or nothing was sent.
const Uncounted = "uncounted"

// Cause is why a packet was dropped.
type Cause struct {
	Word      string // sg-denied, acl-denied, no-route, blackhole, … or Uncounted
	At        string // the ID of the component that decided
	Direction string // ingress, egress or ""
	Rule      string // of a network ACL: the number of the entry, or *
}
