package differ_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"

	"tombolo/internal/randnet"
	"tombolo/internal/testnet"
	"tombolo/network"
	"tombolo/reach"
)

// service is what a flow asks for.
type service struct {
	protocol network.Protocol
	six      bool
	ports    []uint16 // one of them
}

// services are asked for between every pair of interfaces.
var services = []service{
	{testnet.ProtoTCP, false, []uint16{80}},
	{testnet.ProtoUDP, false, []uint16{53}},
	{testnet.ProtoICMP, false, []uint16{0}},
	{testnet.ProtoTCP, false, []uint16{22, 79, 81, 1, 1023, 1024, 40000}},
	{testnet.ProtoTCP, true, []uint16{80}},
	{testnet.ProtoUDP, true, []uint16{53, 49, 50, 60999, 61000}},
	{testnet.ProtoICMPv6, true, []uint16{0}},
}

// clients are the ports that questions come from: such as hosts choose, and the
// ends of the ranges that rules speak of.
var clients = []uint16{32768, 40000, 40001, 50000, 60999, 61000, 1024, 1023, 65535}

// aim makes the shots for one network: every pair of interfaces that are in
// different machines, and some packets that nobody should send.
func (f *fabric) aim(n *randnet.Net, dice *rand.Rand) []*shot {
	var flows []reach.Flow
	met := map[conversation]bool{}
	for _, from := range n.ENIs() {
		if f.at[from] == nil {
			continue
		}
		for _, to := range n.ENIs() {
			a, b := f.state.ENI(from), f.state.ENI(to)
			if a.Attachment.Instance == b.Attachment.Instance {
				continue
			}
			flows = append(flows, between(a, b, dice)...)
		}
		flows = append(flows, f.odd(n, f.state.ENI(from), dice)...)
	}
	flows = slices.DeleteFunc(flows, func(flow reach.Flow) bool { return !meet(met, flow) })
	x := reach.NewIndex(f.state)
	shots := make([]*shot, len(flows))
	for i, flow := range flows {
		shots[i] = f.shot(x, flow)
		shots[i].net = n
	}
	return shots
}

// shot is a flow with what the analyzer says of it.
func (f *fabric) shot(x *reach.Index, flow reach.Flow) *shot {
	r := x.Trace(flow)
	s := &shot{flow: flow, result: r, oneWay: !f.state.ENI(flow.Source).Has(flow.SourceAddr)}
	if e, ok := r.First(); !ok || e.Way == reach.Request || !s.oneWay {
		s.expect = f.expect(x, flow, r)
	}
	return s
}

func between(a, b *network.ENI, dice *rand.Rand) []reach.Flow {
	var out []reach.Flow
	for i, s := range services {
		f := reach.Flow{Source: a.ID, Destination: b.ID, Protocol: s.protocol}
		var ok, too bool
		f.SourceAddr, ok = addressOf(a, dice, s.six)
		f.DestinationAddr, too = addressOf(b, dice, s.six)
		if !ok || !too || f.SourceAddr == f.DestinationAddr { // what is for oneself no network carries
			continue
		}
		dress(&f, s.ports[dice.IntN(len(s.ports))], clients[(dice.IntN(len(clients))+i)%len(clients)])
		out = append(out, f)
	}
	return append(out, reach.Flow{Source: a.ID, Destination: b.ID, Protocol: 47, SourceAddr: a.Addrs[0], DestinationAddr: b.Addrs[0]})
}

// conversation is what a flow is known by.
type conversation struct {
	protocol network.Protocol
	from, to netip.AddrPort
}

// meet notes a flow, and refuses one that is the way back of another: both at once
// would be question and answer.
func meet(met map[conversation]bool, f reach.Flow) bool {
	from, to := netip.AddrPortFrom(f.SourceAddr, f.SourcePort), netip.AddrPortFrom(f.DestinationAddr, f.Port)
	if f.Protocol == network.ICMP || f.Protocol == network.ICMPv6 {
		return true // each has an identifier of its own
	}
	if from.Addr() == to.Addr() || met[conversation{f.Protocol, from, to}] || met[conversation{f.Protocol, to, from}] {
		return false
	}
	met[conversation{f.Protocol, from, to}] = true
	return true
}

// dress gives a flow ports, or the type of an echo request.
func dress(f *reach.Flow, to, from uint16) {
	switch f.Protocol {
	case network.ICMP:
		f.ICMPType = 8
	case network.ICMPv6:
		f.ICMPType = 128
	default:
		f.Port, f.SourcePort = to, from
	}
}

// odd are packets with somebody else's source, and to addresses that nobody has.
func (f *fabric) odd(n *randnet.Net, from *network.ENI, dice *rand.Rand) []reach.Flow {
	stranger := f.state.ENI(n.ENIs()[dice.IntN(len(n.ENIs()))])
	other := f.state.ENI(n.ENIs()[dice.IntN(len(n.ENIs()))])
	var out []reach.Flow
	for _, p := range []network.Protocol{network.TCP, network.UDP} {
		to := outside[dice.IntN(len(outside))]
		flow := reach.Flow{Source: from.ID, SourceAddr: from.Addrs[0], DestinationAddr: to, Protocol: p}
		dress(&flow, 7, 7)
		out = append(out, flow)
	}
	if other.Attachment.Instance != from.Attachment.Instance && stranger.ID != from.ID && !other.Has(stranger.Addrs[0]) {
		flow := reach.Flow{Source: from.ID, SourceAddr: stranger.Addrs[0], Destination: other.ID, DestinationAddr: other.Addrs[0], Protocol: network.UDP}
		dress(&flow, 9, 9)
		out = append(out, flow)
	}
	return out
}

var outside = []netip.Addr{
	netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("10.0.1.250"), netip.MustParseAddr("10.1.2.251"), netip.MustParseAddr("10.0.7.7"),
	netip.MustParseAddr("192.168.1.200"), netip.MustParseAddr("172.31.99.1"), netip.MustParseAddr("100.64.0.77"), netip.MustParseAddr("10.9.9.9"),
}
