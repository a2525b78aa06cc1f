package reach

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"tombolo/network"
)

func tcpTo(from, to int) Header {
	return Header{Source: netip.MustParseAddr("10.0.1.10"), Destination: netip.MustParseAddr("10.0.2.10"), Protocol: network.TCP,
		SourcePorts: Ephemeral, DestinationPorts: network.PortRange{From: from, To: to}}
}

func TestRulesCoverProtocolsAndPorts(t *testing.T) {
	ports := func(from, to int) network.PortRange { return network.PortRange{From: from, To: to} }
	tcp80, range8 := tcpTo(80, 80), tcpTo(8000, 8010)
	udp53 := tcp80
	udp53.Protocol, udp53.DestinationPorts = network.UDP, ports(53, 53)
	echo := Header{Protocol: network.ICMP, DestinationPorts: ports(8, 0)}
	tooBig := Header{Protocol: network.ICMP, DestinationPorts: ports(3, 4)}
	echo6 := Header{Protocol: network.ICMPv6, DestinationPorts: ports(128, 0)}
	gre := Header{Protocol: 47, DestinationPorts: network.AnyPort}
	for _, c := range []struct {
		name     string
		protocol network.Protocol
		ports    network.PortRange
		header   Header
		want     bool
	}{
		{"everything covers TCP", network.AnyProtocol, network.AnyPort, tcp80, true},
		{"everything covers other protocols", network.AnyProtocol, network.AnyPort, gre, true},
		{"the port itself", network.TCP, ports(80, 80), tcp80, true},
		{"a range around it", network.TCP, ports(1, 1024), tcp80, true},
		{"a range that ends at it", network.TCP, ports(1, 80), tcp80, true},
		{"a range that begins at it", network.TCP, ports(80, 90), tcp80, true},
		{"one below", network.TCP, ports(1, 79), tcp80, false},
		{"one above", network.TCP, ports(81, 90), tcp80, false},
		{"another protocol", network.UDP, ports(80, 80), tcp80, false},
		{"UDP", network.UDP, ports(53, 53), udp53, true},
		{"all ports of a range", network.TCP, ports(8000, 8010), range8, true},
		{"some ports of a range", network.TCP, ports(8001, 8010), range8, false},
		{"every type", network.ICMP, ports(-1, -1), echo, true},
		{"the type with every code", network.ICMP, ports(8, -1), echo, true},
		{"the type and the code", network.ICMP, ports(8, 0), echo, true},
		{"the type with another code", network.ICMP, ports(3, 3), tooBig, false},
		{"code 4 of type 3", network.ICMP, ports(3, 4), tooBig, true},
		{"another type", network.ICMP, ports(0, -1), echo, false},
		{"ICMP is not ICMPv6", network.ICMP, ports(-1, -1), echo6, false},
		{"ICMPv6", network.ICMPv6, ports(128, -1), echo6, true},
		{"other protocols have no ports", 47, network.AnyPort, gre, true},
		{"other protocols ignore ports", 47, ports(1, 2), gre, true},
		{"another other protocol", 50, network.AnyPort, gre, false},
	} {
		if got := covers(c.protocol, c.ports, &c.header); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestRangesAreCutInTwo(t *testing.T) {
	r := func(list ...int) []network.PortRange {
		var out []network.PortRange
		for i := 0; i < len(list); i += 2 {
			out = append(out, network.PortRange{From: list[i], To: list[i+1]})
		}
		return out
	}
	for _, c := range []struct {
		ranges          []network.PortRange
		by              network.PortRange
		inside, outside []network.PortRange
	}{
		{r(10, 20), network.PortRange{From: 12, To: 15}, r(12, 15), r(10, 11, 16, 20)},
		{r(10, 20), network.PortRange{From: 1, To: 100}, r(10, 20), nil},
		{r(10, 20), network.PortRange{From: 30, To: 40}, nil, r(10, 20)},
		{r(10, 20), network.PortRange{From: 20, To: 20}, r(20, 20), r(10, 19)},
		{r(10, 20), network.PortRange{From: 10, To: 10}, r(10, 10), r(11, 20)},
		{r(10, 20, 30, 40), network.PortRange{From: 15, To: 35}, r(15, 20, 30, 35), r(10, 14, 36, 40)},
		{nil, network.PortRange{From: 1, To: 2}, nil, nil},
	} {
		inside, outside := cut(c.ranges, c.by)
		if !slices.Equal(inside, c.inside) || !slices.Equal(outside, c.outside) {
			t.Errorf("%v by %v: %v and %v, want %v and %v", c.ranges, c.by, inside, outside, c.inside, c.outside)
		}
	}
}

// TestARangeIsAdmittedWhenEachOfItsPortsIs compares what an ACL says of many
// ports at once with what it says of each.
func TestARangeIsAdmittedWhenEachOfItsPortsIs(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	outcomes := map[bool]int{}
	for range 2000 {
		n := &subnet{}
		for i := range 1 + dice.IntN(6) {
			from := dice.IntN(40)
			e := network.ACLEntry{Number: 10 * (i + 1), Allow: dice.IntN(3) > 0, Protocol: network.TCP,
				CIDR:  netip.MustParsePrefix([]string{"10.0.0.0/16", "0.0.0.0/0", "10.0.1.10/32", "192.168.0.0/16"}[dice.IntN(4)]),
				Ports: network.PortRange{From: from, To: from + dice.IntN(40)}}
			switch dice.IntN(8) {
			case 0:
				e.Protocol, e.Ports = network.AnyProtocol, network.AnyPort
			case 1:
				e.Protocol = network.UDP
			}
			n.in = append(n.in, e)
		}
		from := dice.IntN(30)
		h := tcpTo(from, from+1+dice.IntN(30))
		entry, ports, ok := n.admit(Ingress, &h)
		outcomes[ok]++
		each := true
		for port := h.DestinationPorts.From; port <= h.DestinationPorts.To; port++ {
			one := tcpTo(port, port)
			by, _, admitted := n.admit(Ingress, &one)
			each = each && admitted
			if !ok && ports.From <= port && port <= ports.To && (admitted || by.Number != entry.Number) {
				t.Fatalf("%v: entry %d denies ports %v, but port %d is for entry %d: %v", n.in, entry.Number, ports, port, by.Number, admitted)
			}
		}
		if each != ok {
			t.Fatalf("%v: all of %v: %v, each: %v", n.in, h.DestinationPorts, ok, each)
		}
	}
	if outcomes[true] < 100 || outcomes[false] < 100 {
		t.Errorf("%v: the test is vacuous", outcomes)
	}
}

func TestTheLowestNumberThatMatchesDecides(t *testing.T) {
	entry := func(number int, allow bool, cidr string, from, to int) network.ACLEntry {
		return network.ACLEntry{Number: number, Allow: allow, Protocol: network.TCP, CIDR: netip.MustParsePrefix(cidr), Ports: network.PortRange{From: from, To: to}}
	}
	n := &subnet{in: []network.ACLEntry{
		entry(10, false, "10.0.1.0/24", 22, 22), entry(20, true, "10.0.0.0/16", 1, 100), entry(30, false, "0.0.0.0/0", 1, 65535),
	}}
	for _, c := range []struct {
		port, number int
		allow        bool
	}{{22, 10, false}, {80, 20, true}, {100, 20, true}, {101, 30, false}} {
		h := tcpTo(c.port, c.port)
		if e, _, ok := n.admit(Ingress, &h); e.Number != c.number || ok != c.allow {
			t.Errorf("port %d: entry %d, %v", c.port, e.Number, ok)
		}
	}
	h := tcpTo(80, 80)
	if e, _, ok := n.admit(Egress, &h); e.Number != 0 || !e.Egress || ok {
		t.Errorf("without entries: %+v, %v", e, ok)
	}
}

func TestNumbersAreFreeAndComeBeforeTheEntryThatDenies(t *testing.T) {
	acl := func(numbers ...int) *network.ACL {
		a := &network.ACL{}
		for _, n := range numbers {
			a.Entries = append(a.Entries, network.ACLEntry{Number: n})
		}
		return a
	}
	for _, c := range []struct {
		name    string
		acl     *network.ACL
		denying int
		want    int
	}{
		{"an empty list", acl(), 0, 100},
		{"after what is there", acl(100), 0, 110},
		{"after what is there, on tens", acl(100, 117), 0, 120},
		{"before the deny, with room", acl(90, 100), 90, 80},
		{"between two tens", acl(80, 100), 100, 90},
		{"where only ones are free", acl(90, 95), 95, 94},
		{"below a neighbour", acl(94, 95), 95, 93},
		{"at the very beginning", acl(5), 5, 4},
		{"the last number is taken", acl(32766), 0, 32765},
		{"hardly room", acl(32760), 0, 32766},
	} {
		got, ok := freeNumber(c.acl, c.denying, false)
		if got != c.want || !ok {
			t.Errorf("%s: %d, %v, want %d", c.name, got, ok, c.want)
		}
	}
	if n, ok := freeNumber(acl(1, 2, 3), 3, false); ok {
		t.Errorf("%d is free below 3", n)
	}
	if n, ok := freeNumber(acl(1, 2, 3), 3, true); !ok || n >= 3 {
		t.Errorf("the other direction: %d, %v", n, ok)
	}
}

func TestAnswersTurnHeadersRound(t *testing.T) {
	h := tcpTo(80, 80)
	back, ok := answer(h)
	if !ok || back.Source != h.Destination || back.Destination != h.Source || back.SourcePorts != h.DestinationPorts || back.DestinationPorts != Ephemeral {
		t.Errorf("%+v, %v", back, ok)
	}
	for _, c := range []struct {
		protocol   network.Protocol
		kind, back int
		ok         bool
	}{
		{network.ICMP, 8, 0, true}, {network.ICMP, 13, 14, true}, {network.ICMP, 17, 18, true},
		{network.ICMP, 0, 0, false}, {network.ICMP, 3, 0, false}, {network.ICMP, 11, 0, false},
		{network.ICMPv6, 128, 129, true}, {network.ICMPv6, 1, 0, false}, {network.ICMPv6, 129, 0, false},
	} {
		back, ok := answer(Header{Protocol: c.protocol, DestinationPorts: network.PortRange{From: c.kind, To: 4}})
		if ok != c.ok || ok && (back.DestinationPorts != network.PortRange{From: c.back, To: 0}) {
			t.Errorf("%s %d: %+v, %v", ProtocolText(c.protocol), c.kind, back.DestinationPorts, ok)
		}
	}
	if back, ok := answer(Header{Protocol: 47, DestinationPorts: network.AnyPort, SourcePorts: network.AnyPort}); !ok || back.DestinationPorts != network.AnyPort {
		t.Errorf("protocol 47: %+v, %v", back, ok)
	}
}

func TestHeadersHaveWhatGatesLookAt(t *testing.T) {
	for _, c := range []struct {
		flow Flow
		from network.PortRange
		to   network.PortRange
	}{
		{Flow{Protocol: network.TCP, Port: 80}, Ephemeral, network.PortRange{From: 80, To: 80}},
		{Flow{Protocol: network.UDP, Port: 53, SourcePort: 5353}, network.PortRange{From: 5353, To: 5353}, network.PortRange{From: 53, To: 53}},
		{Flow{Protocol: network.ICMP, ICMPType: 8, Port: 99}, network.AnyPort, network.PortRange{From: 8, To: 0}},
		{Flow{Protocol: network.ICMPv6, ICMPType: 1, ICMPCode: 4}, network.AnyPort, network.PortRange{From: 1, To: 4}},
		{Flow{Protocol: 47, Port: 99}, network.AnyPort, network.AnyPort},
	} {
		if h := header(c.flow); h.SourcePorts != c.from || h.DestinationPorts != c.to {
			t.Errorf("%+v: %v > %v", c.flow, h.SourcePorts, h.DestinationPorts)
		}
	}
}

func TestShellWordsAreQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"--vpc-id": "--vpc-id", "10.0.0.0/16": "10.0.0.0/16", "$PCX": `"$PCX"`, "From=80,To=80": "From=80,To=80",
		"IpRanges=[{CidrIp=10.0.0.1/32}]": "'IpRanges=[{CidrIp=10.0.0.1/32}]'", "$HOME": "'$HOME'", "it's": `'it'\''s'`, "a b": "'a b'",
	} {
		if got := quote(word); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}

func TestWordsOfTheEnumerations(t *testing.T) {
	if Reachable.String() != "reachable" || Unanswered.String() != "unanswered" || Unreachable.String() != "unreachable" {
		t.Error("verdicts")
	}
	if Egress.String() != "egress" || Ingress.String() != "ingress" || NoDirection.String() != "" {
		t.Error("directions")
	}
	if Request.String() != "request" || Answer.String() != "answer" {
		t.Error("ways")
	}
	seen := map[string]bool{}
	for k := Instance; k <= VPC; k++ {
		if seen[k.String()] || k.String() == "" {
			t.Errorf("kind %d is called %q", k, k)
		}
		seen[k.String()] = true
	}
	for p, want := range map[network.Protocol]string{network.TCP: "tcp", network.UDP: "udp", network.ICMP: "icmp", network.ICMPv6: "icmpv6", network.AnyProtocol: "any", 47: "47"} {
		if got := ProtocolText(p); got != want {
			t.Errorf("%d: %s", p, got)
		}
	}
}
