package scenario

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tombolo/network"
)

// The account and Region of a VPC that names no other.
var home = network.Caller{Account: "123456789012", Region: "us-east-1"}

// world is the network that a scenario builds, and the names that it gives to
// things. A name is unique among things of its kind.
type world struct {
	state  network.State
	now    time.Time
	dice   uint64
	ids    map[string]string // "vpc a" → vpc-0…
	names  map[string]string // vpc-0… → a
	open   map[network.Caller]bool
	common map[string]*commonGroup // groups that were named without a VPC
	alone  map[string]bool         // enis that no instance has taken yet
	shut   map[string]bool         // "eni-0… tcp/81": nothing listens there
	flows  map[string]Flow         // conversations, as they were opened
}

// commonGroup is a security group that is made in every VPC that uses it.
type commonGroup struct{ rules []network.RuleSpec }

func newWorld() *world {
	return &world{
		// Any date will do; the model wants one.
		now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC),
		ids: map[string]string{}, names: map[string]string{}, open: map[network.Caller]bool{},
		common: map[string]*commonGroup{}, alone: map[string]bool{}, shut: map[string]bool{}, flows: map[string]Flow{},
	}
}

// do applies one request and then, as the daemon does, whatever is due.
func (w *world) do(who network.Caller, r network.Request) ([]string, error) {
	if !w.open[who] {
		w.open[who] = true
		if _, err := w.do(who, network.OpenWorld{Zones: zones(who)}); err != nil {
			return nil, err
		}
	}
	made, err := w.apply(who, r)
	if err != nil {
		return nil, err
	}
	for due := w.state.Due(); !due.IsZero() && !due.After(w.now); due = w.state.Due() {
		if _, err := w.apply(who, network.Settle{}); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (w *world) apply(who network.Caller, r network.Request) ([]string, error) {
	w.dice++
	op := network.Op{Caller: who, At: w.now, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], w.dice)
	next, err := w.state.Apply(op)
	if err != nil {
		return nil, err
	}
	w.state = next
	return next.Outcome().Created, nil
}

// make applies a request that makes one thing, and names it.
func (w *world) make(who network.Caller, kind, name string, r network.Request) (string, error) {
	if _, taken := w.ids[kind+" "+name]; taken {
		return "", fmt.Errorf("there is a %s %s already", kind, name)
	}
	made, err := w.do(who, r)
	if err != nil {
		return "", err
	}
	w.name(kind, name, made[0])
	return made[0], nil
}

func (w *world) name(kind, name, id string) {
	w.ids[kind+" "+name] = id
	switch kind {
	case "sg", "acl":
		// These are the words of causes, where a group and an eni may share a
		// name. The default ACL's says what it is.
		if !strings.HasSuffix(name, ".acl") {
			name = kind + ":" + name
		}
	}
	w.names[id] = name
}

func zones(who network.Caller) []string {
	return []string{string(who.Region) + "a", string(who.Region) + "b"}
}

func (w *world) id(kind, name string) (string, error) {
	if id, ok := w.ids[kind+" "+name]; ok {
		return id, nil
	}
	return "", fmt.Errorf("no %s %q", kind, name)
}

func (w *world) vpc(name string) (*network.VPC, network.Caller, error) {
	id, err := w.id("vpc", name)
	if err != nil {
		return nil, network.Caller{}, err
	}
	v := w.state.VPC(network.VPCID(id))
	return v, callerOf(v.Home), nil
}

func callerOf(h network.Home) network.Caller {
	return network.Caller{Account: h.Owner, Region: h.Region}
}

func (w *world) subnet(name string) (*network.Subnet, network.Caller, error) {
	id, err := w.id("subnet", name)
	if err != nil {
		return nil, network.Caller{}, err
	}
	n := w.state.Subnet(network.SubnetID(id))
	return n, callerOf(n.Home), nil
}

func (w *world) eni(name string) (*network.ENI, network.Caller, error) {
	id, err := w.id("eni", name)
	if err != nil {
		return nil, network.Caller{}, err
	}
	e := w.state.ENI(network.ENIID(id))
	if e == nil {
		return nil, network.Caller{}, fmt.Errorf("eni %q is no more", name)
	}
	return e, callerOf(e.Home), nil
}

// prefix reads a CIDR, or the IPv6 block of something that has a name.
func (w *world) prefix(word string) (netip.Prefix, error) {
	if name, ok := strings.CutSuffix(word, ".ipv6"); ok {
		return w.block6(name)
	}
	p, err := netip.ParsePrefix(word)
	if err != nil {
		return p, fmt.Errorf("%q is no CIDR", word)
	}
	return p, nil
}

func (w *world) block6(name string) (netip.Prefix, error) {
	if v, _, err := w.vpc(name); err == nil && len(v.Blocks6) > 0 {
		return v.Blocks6[0].CIDR, nil
	}
	if n, _, err := w.subnet(name); err == nil && n.CIDR6().IsValid() {
		return n.CIDR6(), nil
	}
	if e, _, err := w.eni(name); err == nil && len(e.Addrs6) > 0 {
		return netip.PrefixFrom(e.Addrs6[0], 128), nil
	}
	return netip.Prefix{}, fmt.Errorf("%q has no IPv6 block", name)
}

// endpoint reads NAME, NAME/2 or NAME.ipv6.
func (w *world) endpoint(word string) (*network.ENI, netip.Addr, error) {
	name, is6 := strings.CutSuffix(word, ".ipv6")
	name, place, numbered := strings.Cut(name, "/")
	e, _, err := w.eni(name)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	n := 1
	if numbered {
		if n, err = strconv.Atoi(place); err != nil {
			return nil, netip.Addr{}, fmt.Errorf("%q: which address?", word)
		}
	}
	addrs := e.Addrs
	if is6 {
		addrs = e.Addrs6
	}
	if n < 1 || n > len(addrs) {
		return nil, netip.Addr{}, fmt.Errorf("%q has no such address", word)
	}
	return e, addrs[n-1], nil
}

// nameOf is how causes call the thing with an ID.
func (w *world) nameOf(id string) string {
	if name, ok := w.names[id]; ok {
		return name
	}
	return id
}

// addrName is an address as a scenario would write it: IPv6 addresses are
// Amazon's choice, so they go by the name of their owner.
func (w *world) addrName(a netip.Addr) string {
	if a.Is4() {
		return a.String()
	}
	for e := range w.state.ENIs() {
		for i, own := range e.Addrs6 {
			if own != a {
				continue
			}
			if i > 0 {
				return fmt.Sprintf("%s/%d.ipv6", w.nameOf(string(e.ID)), i+1)
			}
			return w.nameOf(string(e.ID)) + ".ipv6"
		}
	}
	return a.String()
}

// protocol reads PROTO.
func protocol(word string) (network.Protocol, network.PortRange, error) {
	name, detail, has := strings.Cut(word, "/")
	var p network.Protocol
	switch name {
	case "any":
		p = network.AnyProtocol
	case "tcp":
		p = network.TCP
	case "udp":
		p = network.UDP
	case "icmp":
		p = network.ICMP
	case "icmpv6":
		p = network.ICMPv6
	default:
		n, err := strconv.ParseUint(name, 10, 8)
		if err != nil {
			return 0, network.AnyPort, fmt.Errorf("%q is no protocol", word)
		}
		p = network.Protocol(n)
	}
	if !has {
		if p == network.TCP || p == network.UDP {
			return p, network.PortRange{From: 0, To: 65535}, nil
		}
		return p, network.AnyPort, nil
	}
	sep := "-"
	if p == network.ICMP || p == network.ICMPv6 {
		sep = "/"
	}
	first, second, two := strings.Cut(detail, sep)
	from, err := strconv.Atoi(first)
	to := from
	if sep == "/" {
		to = -1
	}
	if err == nil && two {
		to, err = strconv.Atoi(second)
	}
	if err != nil {
		return 0, network.AnyPort, fmt.Errorf("%q: which ports?", word)
	}
	return p, network.PortRange{From: from, To: to}, nil
}
