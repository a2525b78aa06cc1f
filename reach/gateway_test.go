package reach_test

import (
	"net/netip"
	"strings"
	"testing"

	"tombolo/network"
	"tombolo/reach"
)

// Whatever leads to the internet ends at its gateway, and the reason says that it is
// not supported yet where AWS's own conditions are met.
func TestTheInternetIsNotSupportedYet(t *testing.T) {
	s := build(t, `
vpc a 10.0.0.0/16 ipv6
subnet a1 in a 10.0.1.0/24 ipv6
sg open allow any from 0.0.0.0/0
sg open allow any from ::/0
eni plain in a1 10.0.1.10 ipv6 sg open
eni public in a1 10.0.1.20 sg open
gateway igw in a
egress out in a
address shown for public
route a.main 0.0.0.0/0 igw
route a.main ::/0 out
`)
	four, six := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::7")
	for _, tc := range []struct {
		from     string
		to       netip.Addr
		code     reach.Code
		sentence string
	}{
		{"plain", four, reach.GatewayNeedsPublicIP, "carries only packets from public addresses"},
		{"public", four, reach.NoPossibleDestination, "internet access is not supported yet: igw-"},
		{"plain", six, reach.NoPossibleDestination, "internet access is not supported yet: eigw-"},
	} {
		r := reach.Trace(s.State, reach.Flow{Source: s.eni(tc.from), DestinationAddr: tc.to, Protocol: network.TCP, Port: 443})
		if r.Verdict == reach.Reachable || len(r.Causes) == 0 || r.Causes[0].Code != tc.code || !strings.Contains(r.Causes[0].Sentence(), tc.sentence) {
			t.Errorf("%s to %v: %+v", tc.from, tc.to, r.Causes)
		}
	}
}
