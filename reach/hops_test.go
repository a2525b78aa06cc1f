package reach_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tombolo/network"
	"tombolo/reach"
)

// streets is one network in which every kind of component can be met.
const streets = `vpc a 10.0.0.0/16 ipv6
vpc b 10.1.0.0/16
vpc def default
subnet a1 in a 10.0.1.0/24 ipv6
subnet a2 in a 10.0.2.0/24 ipv6
subnet am in a 10.0.9.0/24
subnet b1 in b 10.1.1.0/24
subnet d1 in def 172.31.200.0/24
table viabox in a for a1
table back in a for a2
sg open allow any from 0.0.0.0/0 allow any from ::/0
sg shut in a revoke any to 0.0.0.0/0
eni client in a1 10.0.1.10 ipv6 sg open
eni mate in a1 10.0.1.20 ipv6 sg open
eni mute in a1 10.0.1.30 sg shut
eni server in a2 10.0.2.10 ipv6 sg open
eni box in am 10.0.9.9 sg open unchecked
eni across in b1 10.1.1.10 sg open
eni web in d1 172.31.200.10 sg open
peering ab a b active
route viabox 10.0.2.0/24 box
route back 10.0.1.0/24 box
route viabox 10.1.0.0/16 ab
route b.main 10.0.0.0/16 ab
`

func TestHopsOfEveryWay(t *testing.T) {
	s := build(t, streets)
	six := func(from, to string) reach.Flow {
		f := s.tcp(from, to, 80)
		f.DestinationAddr = s.ENI(s.eni(to)).Addrs6[0]
		return f
	}
	for _, c := range []struct {
		name          string
		flow          reach.Flow
		forward, back string
	}{
		{"neighbours meet no ACL and no route table", s.tcp("client", "mate", 80),
			"instance client; network-interface client egress; security-group open egress rule; " +
				"security-group open ingress rule; network-interface mate ingress; instance mate",
			"instance mate; network-interface mate egress; security-group open egress tracked; " +
				"security-group open ingress tracked; network-interface client ingress; instance client"},
		{"IPv6 goes by the local route where IPv4 goes by the box", six("client", "server"),
			"instance client; network-interface client egress; security-group open egress rule; network-acl a.acl egress 101; " +
				"route-table viabox V6; network-acl a.acl ingress 101; security-group open ingress rule; network-interface server ingress; instance server",
			"instance server; network-interface server egress; security-group open egress tracked; network-acl a.acl egress 101; " +
				"route-table back V6; network-acl a.acl ingress 101; security-group open ingress tracked; network-interface client ingress; instance client"},
		{"a middlebox is passed in and out", s.tcp("client", "server", 80),
			"instance client; network-interface client egress; security-group open egress rule; network-acl a.acl egress 100; route-table viabox 10.0.2.0/24; " +
				"network-acl a.acl ingress 100; security-group open ingress rule; network-interface box ingress; instance box; " +
				"network-interface box egress; security-group open egress rule; network-acl a.acl egress 100; route-table a.main 10.0.0.0/16; " +
				"network-acl a.acl ingress 100; security-group open ingress rule; network-interface server ingress; instance server",
			"instance server; network-interface server egress; security-group open egress tracked; network-acl a.acl egress 100; route-table back 10.0.1.0/24; " +
				"network-acl a.acl ingress 100; security-group open ingress tracked; network-interface box ingress; instance box; " +
				"network-interface box egress; security-group open egress tracked; network-acl a.acl egress 100; route-table a.main 10.0.0.0/16; " +
				"network-acl a.acl ingress 100; security-group open ingress tracked; network-interface client ingress; instance client"},
		{"what is blocked at the start is followed to the end", s.tcp("mute", "across", 80),
			"instance mute; network-interface mute egress; security-group shut egress BLOCKED; (network-acl a.acl egress 100); (route-table viabox 10.1.0.0/16); " +
				"(vpc-peering-connection ab); (network-acl b.acl ingress 100); (security-group open ingress rule); (network-interface across ingress); (instance across)",
			"(instance across); (network-interface across egress); (security-group open egress tracked); (network-acl b.acl egress 100); " +
				"(route-table b.main 10.0.0.0/16); (vpc-peering-connection ab); (network-acl a.acl ingress 100); (security-group shut ingress tracked); " +
				"(network-interface mute ingress); (instance mute)"},
		{"the internet gateway", reach.Flow{Source: s.eni("web"), DestinationAddr: netip.MustParseAddr("198.51.100.1"), Protocol: network.UDP, Port: 53},
			"instance web; network-interface web egress; security-group open egress rule; network-acl def.acl egress 100; route-table def.main 0.0.0.0/0; " +
				"internet-gateway def.igw egress BLOCKED", ""},
		{"nobody has the address", reach.Flow{Source: s.eni("across"), DestinationAddr: netip.MustParseAddr("10.0.2.99"), Protocol: network.UDP, Port: 53},
			"instance across; network-interface across egress; security-group open egress rule; network-acl b.acl egress 100; route-table b.main 10.0.0.0/16; " +
				"vpc-peering-connection ab; vpc a BLOCKED", ""},
		{"the peering leads elsewhere", reach.Flow{Source: s.eni("across"), DestinationAddr: netip.MustParseAddr("10.9.9.9"), Protocol: network.UDP, Port: 53},
			"instance across; network-interface across egress; security-group open egress rule; network-acl b.acl egress 100; route-table b.main BLOCKED", ""},
	} {
		r := reach.Trace(s.State, c.flow)
		clean := strings.NewReplacer("sg:", "", "acl:", "", s.State.VPC(network.VPCID(s.id("a"))).Prefixes()[1].String(), "V6").Replace
		if got := clean(s.hops(r.Forward)); got != c.forward {
			t.Errorf("%s, forward\n got %s\nwant %s", c.name, got, c.forward)
		}
		if got := clean(s.hops(r.Return)); got != c.back {
			t.Errorf("%s, back\n got %s\nwant %s", c.name, got, c.back)
		}
	}
}

func TestHopsSayWhatDecided(t *testing.T) {
	s := build(t, streets)
	r := reach.Trace(s.State, s.tcp("client", "across", 80))
	hop := map[reach.Kind]reach.Hop{}
	for _, h := range r.Forward.Hops {
		if h.Direction != reach.Ingress {
			hop[h.Kind] = h
		}
	}
	group := s.State.SecurityGroup(hop[reach.SecurityGroups].Group)
	if group == nil || !slices.Contains(group.Rules, hop[reach.SecurityGroups].Rule) {
		t.Errorf("groups: %+v", hop[reach.SecurityGroups])
	}
	acl := s.State.ACL(network.ACLID(hop[reach.NetworkACL].Component))
	if acl == nil || !slices.Contains(acl.Entries, hop[reach.NetworkACL].Entry) {
		t.Errorf("ACL: %+v", hop[reach.NetworkACL])
	}
	table := s.State.RouteTable(hop[reach.RouteTable].Table)
	if h := hop[reach.RouteTable]; table == nil || !slices.Contains(table.Routes, h.Route) || !h.Active {
		t.Errorf("route table: %+v", h)
	}
	if h := hop[reach.Peering]; h.FromVPC != s.ENI(s.eni("client")).VPC || h.ToVPC != s.ENI(s.eni("across")).VPC || h.Status != "active" {
		t.Errorf("peering: %+v", h)
	}
	if h := hop[reach.Interface]; h.ENI != s.eni("client") || h.Status != "in-use" || h.Subnet == "" {
		t.Errorf("interface: %+v", h)
	}
	if h := r.Forward.Hops[0]; h.Kind != reach.Instance || h.Status != "running" || h.ENI != s.eni("client") {
		t.Errorf("instance: %+v", h)
	}
	for _, h := range r.Return.Hops {
		if h.Way != reach.Answer {
			t.Errorf("%+v is on the way back", h)
		}
	}
	if h := r.Forward.Header; h.Source != r.Flow.SourceAddr || h.Destination != r.Flow.DestinationAddr || h.SourcePorts != reach.Ephemeral {
		t.Errorf("%+v", h)
	}
}

func TestSentencesOfHops(t *testing.T) {
	s := build(t, streets)
	said := map[string]bool{}
	hear := func(f reach.Flow) {
		r := reach.Trace(s.State, f)
		for _, h := range append(r.Forward.Hops, r.Return.Hops...) {
			said[anID.ReplaceAllStringFunc(h.Sentence(), s.nameOf)] = true
		}
	}
	hear(s.tcp("client", "server", 80))
	hear(s.tcp("mute", "across", 80))
	hear(reach.Flow{Source: s.eni("web"), DestinationAddr: netip.MustParseAddr("198.51.100.1"), Protocol: network.UDP, Port: 53})
	hear(reach.Flow{Source: s.eni("across"), DestinationAddr: netip.MustParseAddr("10.0.2.99"), Protocol: network.UDP, Port: 53})
	hear(reach.Flow{Source: s.eni("across"), DestinationAddr: netip.MustParseAddr("192.0.2.1"), Protocol: network.UDP, Port: 53})
	hear(reach.Flow{Source: s.eni("client"), SourceAddr: netip.MustParseAddr("10.0.1.20"), Destination: s.eni("server"), Protocol: network.UDP, Port: 53})
	for _, want := range []string{
		"the instance is running", "the interface sends it", "the interface takes it", "the interface drops it", "no rule allows it",
		"passes as the answer to what was let through", "entry 100 allows any 0.0.0.0/0", "route 10.0.2.0/24 to box", "route 10.0.0.0/16 to local",
		"route 10.1.0.0/16 to ab", "route 0.0.0.0/0 to def.igw", "the peering is active and leads to b", "the gateway does not carry it: internet access is not supported yet",
		"the VPC does not deliver it to whom it is meant for", "no route to the destination",
	} {
		if !said[want] {
			t.Errorf("nobody says %q", want)
		}
	}
	if t.Failed() {
		for text := range said {
			t.Log(text)
		}
	}
}

// TestExplanationsHaveWhatTheirCodesNeed: AWS's explanations carry the components
// that matter to the code; see the fields of its Explanation.
func TestExplanationsHaveWhatTheirCodesNeed(t *testing.T) {
	need := map[reach.Code]func(reach.Explanation) bool{
		reach.BadState:              func(e reach.Explanation) bool { return e.State != "" && (e.Instance != "" || e.Peering != "") },
		reach.BadStateAttachment:    func(e reach.Explanation) bool { return e.Gateway != "" && e.VPC != "" },
		reach.BadStateRoute:         func(e reach.Explanation) bool { return e.RouteTable != "" && e.Route.To != nil && e.Address.IsValid() },
		reach.CannotRoute:           func(e reach.Explanation) bool { return e.RouteTable != "" && !e.Route.Dst.Contains(e.Address) },
		reach.MoreSpecificRoute:     func(e reach.Explanation) bool { return e.RouteTable != "" && e.Route.Dst.Contains(e.Address) },
		reach.NoRouteToDestination:  func(e reach.Explanation) bool { return e.RouteTable != "" && e.Subnet != "" && e.Address.IsValid() },
		reach.LocalRouteRestriction: func(e reach.Explanation) bool { return e.RouteTable != "" && len(e.CIDRs) > 0 },
		reach.PeeringNeedsAddress: func(e reach.Explanation) bool {
			return e.Peering != "" && e.SourceVPC != e.DestinationVPC && len(e.CIDRs) > 0
		},
		reach.SecurityGroupHasNoRules: func(e reach.Explanation) bool { return e.ENI != "" && len(e.Groups) > 0 && e.Direction != 0 },
		reach.SecurityGroupMismatch:   func(e reach.Explanation) bool { return e.ENI != "" && len(e.Groups) > 0 && e.Direction != 0 },
		reach.UnknownPeeredGroups:     func(e reach.Explanation) bool { return e.Group != "" && e.Rule.ID != "" && e.Detail },
		reach.SubnetACLRestriction: func(e reach.Explanation) bool {
			return e.ACL != "" && e.Subnet != "" && e.Direction != 0 && !e.Entry.Allow
		},
		reach.ENIAddressRestriction: func(e reach.Explanation) bool { return e.ENI != "" && e.Address.IsValid() },
		reach.SourceDestCheck:       func(e reach.Explanation) bool { return e.ENI != "" && e.Address.IsValid() && e.Direction != 0 },
		reach.NoPossibleDestination: func(e reach.Explanation) bool { return e.Component != "" && e.Address.IsValid() },
		reach.GatewayRejectsSpoofed: func(e reach.Explanation) bool { return e.Gateway != "" && e.PacketField == "source-address" },
		reach.GatewayPrivateAddress: func(e reach.Explanation) bool { return e.Gateway != "" && len(e.CIDRs) == 3 },
		reach.GatewaySharedAddress:  func(e reach.Explanation) bool { return e.Gateway != "" && len(e.CIDRs) == 1 },
		reach.GatewayNeedsPublicIP:  func(e reach.Explanation) bool { return e.Gateway != "" && e.ENI != "" },
		reach.DisconnectedVPCs: func(e reach.Explanation) bool {
			return e.SourceVPC != "" && e.DestinationVPC != "" && e.SourceVPC != e.DestinationVPC
		},
		reach.NoPath:                func(e reach.Explanation) bool { return e.ENI != "" },
		reach.NoSourceOrDestination: func(e reach.Explanation) bool { return e.Component != "" && e.Direction != 0 },
		reach.UnassociatedComponent: func(e reach.Explanation) bool { return e.ENI != "" },
	}
	if len(need) != len(reach.Codes()) {
		t.Errorf("%d codes are looked at, there are %d", len(need), len(reach.Codes()))
	}
	texts := map[string]reach.Code{}
	for _, r := range allResults(t) {
		for _, e := range r.Causes {
			if e.Component == "" || e.Way == 0 || !need[e.Code](e) {
				t.Errorf("%s says too little: %+v", e.Code, e)
			}
			text := e.Sentence()
			if text == "" || strings.Contains(text, "%!") || strings.HasSuffix(text, " ") {
				t.Errorf("%s: %q", e.Code, text)
			}
			if (e.Way == reach.Answer) != strings.HasPrefix(text, "the answer is lost: ") {
				t.Errorf("%v: %q", e.Way, text)
			}
			texts[text] = e.Code
		}
	}
	if len(texts) < 60 {
		t.Errorf("only %d different sentences", len(texts))
	}
}
