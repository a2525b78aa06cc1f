package scenario_test

import (
	"context"
	"testing"
	"time"

	"tombolo/internal/scenario"
	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
)

// twins are two VPCs that are alike in every address.
const twins = `# Twins (AWS: VPC CIDR blocks).
vpc a 10.0.0.0/16
vpc b 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
subnet b1 in b 10.0.1.0/24
subnet b2 in b 10.0.2.0/24
sg open allow any from 0.0.0.0/0
eni clienta in a1 10.0.1.10 sg open
eni servera in a2 10.0.2.20 sg open
eni clientb in b1 10.0.1.10 sg open
eni serverb in b2 10.0.2.20 sg open

send clienta servera icmp
send clientb serverb icmp
----
delivered
delivered
`

// TestFragmentsOfTwoVPCsNeverMeet sends the first half of a datagram in one VPC
// and the second half, equal in all that fragments are matched by (RFC 791:
// addresses, protocol, identification), in the other. Nobody must receive one
// made of both. Sent in one VPC the halves do make a datagram.
func TestFragmentsOfTwoVPCsNeverMeet(t *testing.T) {
	testnet.Leaks(t)
	e, err := newLinuxEngine(linux.Auto)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	f, err := scenario.Parse("twins", twins)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := scenario.Run(f, e); err != nil || r.Passed != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	// Another port is another identification, so that no half waits for a later one.
	port := uint16(4000)
	arrives := func(first, second string) bool {
		t.Helper()
		port++
		arrived := false
		p := testnet.Packet{Src: e.named(t, "clienta").Addrs[0], Dst: e.named(t, "servera").Addrs[0], Proto: testnet.ProtoUDP,
			SrcPort: port, DstPort: 5000, Payload: make([]byte, 1600)}
		halves := p.Fragments(808)
		var captures []*testnet.Capture
		for _, server := range []string{"servera", "serverb"} {
			m, _, err := e.machineOf(e.named(t, server).ID)
			if err != nil {
				t.Fatal(err)
			}
			captures = append(captures, m.host.Capture(t, func(s testnet.Seen) bool { return !s.Outgoing && s.Proto == p.Proto }))
		}
		for i, from := range []string{first, second} {
			m, _, err := e.machineOf(e.named(t, from).ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.host.SendIP(p.Dst, halves[i]); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range captures {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			_, ok, err := c.Next(ctx)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			arrived = arrived || ok
		}
		return arrived
	}
	if !arrives("clienta", "clienta") || !arrives("clientb", "clientb") {
		t.Error("two halves sent in one VPC do not arrive")
	}
	if arrives("clienta", "clientb") || arrives("clientb", "clienta") {
		t.Error("halves sent in two VPCs were put together")
	}
}

// named is the interface that a scenario calls so.
func (e *linuxEngine) named(t *testing.T, name string) *network.ENI {
	t.Helper()
	for eni := range e.state.ENIs() {
		if eni.Description == name {
			return eni
		}
	}
	t.Fatalf("no interface is called %s", name)
	return nil
}
