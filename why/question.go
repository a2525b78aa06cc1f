// Package why puts the analyzer's questions and answers into words: it finds the
// ends of a question by what a person calls them (a Name, an ID, an address), and
// writes what reach has found as a document that people and programs read. It
// decides nothing about packets. Pure.
package why

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tombolo/network"
	"tombolo/reach"
)

// Question is what a person asks.
type Question struct {
	Source      string `json:"source"`             // Name or ID of an instance, ID or address of an interface
	Destination string `json:"destination"`        // the same, or any address
	Protocol    string `json:"protocol,omitempty"` // tcp, udp, icmp, or a number; "" is tcp with a port and icmp without
	Port        int    `json:"port,omitempty"`     // the destination's
	SourcePort  int    `json:"source_port,omitempty"`
	IPv6        bool   `json:"ipv6,omitempty"` // between instances that have both families
}

// ErrUnknown means that nothing is called so.
var ErrUnknown = errors.New("there is no such thing")

// Unclear is a question that cannot be asked, in words for its asker.
type Unclear struct{ Text string }

func (e *Unclear) Error() string { return e.Text }

func unclear(format string, args ...any) error { return &Unclear{fmt.Sprintf(format, args...)} }

// Flow finds what the question is about. An error is ErrUnknown or an *Unclear.
func Flow(s network.State, who network.Caller, q Question) (reach.Flow, error) {
	from, fromAddr, err := end(s, who, q.Source)
	if err != nil {
		return reach.Flow{}, fmt.Errorf("source: %w", err)
	}
	if from == nil {
		return reach.Flow{}, fmt.Errorf("source: %w: no interface has the address %s", ErrUnknown, q.Source)
	}
	to, toAddr, err := end(s, who, q.Destination)
	if err != nil {
		return reach.Flow{}, fmt.Errorf("destination: %w", err)
	}
	f := reach.Flow{Source: from.ID, SourceAddr: fromAddr, DestinationAddr: toAddr}
	if to != nil && !toAddr.IsValid() {
		f.Destination = to.ID
	}
	if err := settle(&f, q, from, to); err != nil {
		return reach.Flow{}, err
	}
	if from.Has(f.DestinationAddr) {
		return reach.Flow{}, unclear("%s is the source's own address: what an instance sends to itself never leaves it", f.DestinationAddr)
	}
	return f, describe(&f, q)
}

// settle chooses the addresses' family.
func settle(f *reach.Flow, q Question, from, to *network.ENI) error {
	six := q.IPv6
	switch {
	case f.SourceAddr.IsValid():
		six = f.SourceAddr.Is6()
	case f.DestinationAddr.IsValid():
		six = f.DestinationAddr.Is6()
	case len(from.Addrs) == 0 || to != nil && len(to.Addrs) == 0:
		six = true
	}
	choose := func(e *network.ENI) (netip.Addr, error) {
		addrs := e.Addrs
		if six {
			addrs = e.Addrs6
		}
		if len(addrs) == 0 {
			return netip.Addr{}, unclear("%s has no IPv%s address", e.ID, map[bool]string{true: "6", false: "4"}[six])
		}
		return addrs[0], nil
	}
	var err error
	if !f.SourceAddr.IsValid() {
		if f.SourceAddr, err = choose(from); err != nil {
			return err
		}
	}
	if !f.DestinationAddr.IsValid() {
		if f.DestinationAddr, err = choose(to); err != nil {
			return err
		}
	}
	if f.SourceAddr.Is4() != f.DestinationAddr.Is4() {
		return unclear("%s and %s are of different families", f.SourceAddr, f.DestinationAddr)
	}
	return nil
}

// describe fills in protocol and ports.
func describe(f *reach.Flow, q Question) error {
	six := f.SourceAddr.Is6()
	word := strings.ToLower(q.Protocol)
	if word == "" {
		word = "icmp"
		if q.Port != 0 {
			word = "tcp"
		}
	}
	switch word {
	case "tcp":
		f.Protocol = network.TCP
	case "udp":
		f.Protocol = network.UDP
	case "icmp", "ping", "icmpv6":
		f.Protocol, f.ICMPType = network.ICMP, 8
		if six {
			f.Protocol, f.ICMPType = network.ICMPv6, 128
		}
	default:
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 || n > 255 {
			return unclear("protocol %q: write tcp, udp, icmp or a number from 0 to 255", q.Protocol)
		}
		f.Protocol = network.Protocol(n)
	}
	ports := f.Protocol == network.TCP || f.Protocol == network.UDP
	switch {
	case ports && q.Port == 0:
		return unclear("%s needs a port: give --port", word)
	case !ports && (q.Port != 0 || q.SourcePort != 0):
		return unclear("protocol %s has no ports: leave the port out", word)
	case q.Port < 0 || q.Port > 65535 || q.SourcePort < 0 || q.SourcePort > 65535:
		return unclear("a port is a number from 1 to 65535")
	}
	f.Port, f.SourcePort = uint16(q.Port), uint16(q.SourcePort)
	return nil
}

// end finds an end: an interface, an address, or both. An address that nothing
// has gives no interface.
func end(s network.State, who network.Caller, word string) (*network.ENI, netip.Addr, error) {
	if addr, err := netip.ParseAddr(word); err == nil {
		e, err := holder(s, who, addr)
		return e, addr, err
	}
	e, err := Interface(s, who, word)
	return e, netip.Addr{}, err
}

// holder is the caller's interface with an address, nil when there is none.
func holder(s network.State, who network.Caller, addr netip.Addr) (*network.ENI, error) {
	var found []*network.ENI
	for e := range s.ENIsOf(who) {
		if e.Has(addr) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, e := range found {
		ids[i] = string(e.ID) + " in " + string(e.VPC)
	}
	slices.Sort(ids)
	return nil, unclear("%d interfaces have the address %s; name one by its ID: %s", len(found), addr, strings.Join(ids, ", "))
}

// Interface finds an interface by its ID, or by an instance's ID or Name: then it
// is the instance's first one. An error is ErrUnknown or an *Unclear.
func Interface(s network.State, who network.Caller, word string) (*network.ENI, error) {
	if e := s.ENI(network.ENIID(word)); e != nil && e.Owner == who.Account && e.Region == who.Region {
		return e, nil
	}
	var found []*network.Instance
	for i := range s.InstancesOf(who) {
		switch {
		case string(i.ID) == word:
			return first(s, i)
		case i.State != network.InstanceTerminated && strings.EqualFold(s.Tags(who, string(i.ID))["Name"], word):
			found = append(found, i)
		}
	}
	// A server is often called by the beginning of its Name; an exact one wins.
	if len(found) == 0 {
		for i := range s.InstancesOf(who) {
			name := strings.ToLower(s.Tags(who, string(i.ID))["Name"])
			if word != "" && i.State != network.InstanceTerminated && strings.HasPrefix(name, strings.ToLower(word)) {
				found = append(found, i)
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: no instance or interface is called %q; see: tombolo ls", ErrUnknown, word)
	case 1:
		return first(s, found[0])
	}
	ids := make([]string, len(found))
	for i, one := range found {
		ids[i] = string(one.ID)
	}
	slices.Sort(ids)
	return nil, unclear("%d instances are called %q; use an ID: %s", len(found), word, strings.Join(ids, ", "))
}

// first is an instance's primary interface.
func first(s network.State, i *network.Instance) (*network.ENI, error) {
	all := slices.SortedFunc(s.ENIsAt(i.ID), func(a, b *network.ENI) int {
		return cmp.Compare(a.Attachment.Device, b.Attachment.Device)
	})
	if len(all) == 0 {
		return nil, unclear("%s has no network interface: it is %s", i.ID, i.State)
	}
	return all[0], nil
}
