package reach_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tombolo/network"
	"tombolo/reach"
	"tombolo/reach/space"
)

// text is paths as lines "from > to: what", in the order of names.
func (s site) text(paths []reach.Path) string {
	var out []string
	for _, p := range paths {
		out = append(out, s.nameOf(string(p.Source))+" > "+s.nameOf(string(p.Destination))+": "+reach.Words(p.Flows))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func (s site) check(what string, paths []reach.Path, want string) {
	s.t.Helper()
	if got := s.text(paths); got != strings.TrimSpace(want) {
		s.t.Errorf("%s:\n%s\nwant\n%s", what, got, strings.TrimSpace(want))
	}
	x := reach.NewIndex(s.State)
	for _, p := range paths {
		if r := x.Trace(p.Witness); r.Verdict != reach.Reachable {
			s.t.Errorf("%s: the witness %+v is %v", what, p.Witness, r.Verdict)
		}
	}
}

// departments are the founding lab at its end, with a port that is not for all.
const departments = `
vpc marketing 10.0.0.0/16
vpc development 192.168.0.0/20
vpc finance 172.31.0.0/16
subnet m in marketing 10.0.1.0/24
subnet d in development 192.168.1.0/24
subnet f in finance 172.31.1.0/24
peering mf marketing finance active
peering df development finance active
route marketing.main 172.31.0.0/16 mf
route finance.main 10.0.0.0/16 mf
route development.main 172.31.0.0/16 df
route finance.main 192.168.0.0/20 df
sg server in finance allow tcp/80 from 10.0.0.0/16 allow tcp/80 from 192.168.0.0/20 allow tcp/22 from 192.168.1.10/32 allow icmp from 10.0.0.0/16
eni market in m 10.0.1.10
eni market2 in m 10.0.1.11
eni dev in d 192.168.1.10
eni dev2 in d 192.168.1.11
eni ledger in f 172.31.1.199 sg server
eni clerk in f 172.31.1.20
`

func TestWhoCanReachTheServerOnWhichPorts(t *testing.T) {
	s := build(t, departments)
	s.check("to the ledger", reach.PathsTo(s.State, s.eni("ledger")), `
dev > ledger: tcp 22 and 80
dev2 > ledger: tcp 80
market > ledger: icmp, tcp 80
market2 > ledger: icmp, tcp 80`)
}

func TestWhatAnInterfaceCanReach(t *testing.T) {
	s := build(t, departments)
	s.check("from market", reach.PathsFrom(s.State, s.eni("market")), `
market > ledger: icmp, tcp 80
market > market2: everything`)
	s.check("from the clerk", reach.PathsFrom(s.State, s.eni("clerk")), "")
}

func TestWhatIsOpenToAnotherVPC(t *testing.T) {
	s := build(t, departments+"route finance.main 192.168.1.11/32 mf\n")
	// The answer to dev2 now goes astray, in spite of an open door.
	s.check("into finance", reach.PathsInto(s.State, network.VPCID(s.id("finance"))), `
dev > ledger: tcp 22 and 80
market > ledger: icmp, tcp 80
market2 > ledger: icmp, tcp 80`)
	s.check("into marketing", reach.PathsInto(s.State, network.VPCID(s.id("marketing"))), "")
}

func TestAnswersNeedTheirPorts(t *testing.T) {
	s := build(t, `
vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
acl edge in a for a2
acl edge in 10 allow tcp/80 0.0.0.0/0
acl edge in 20 allow udp/53 0.0.0.0/0
acl edge in 30 allow icmp/8 0.0.0.0/0
acl edge out 10 deny tcp/40000 0.0.0.0/0
acl edge out 20 allow tcp/1024-65535 0.0.0.0/0
acl edge out 30 allow icmp/0/0 0.0.0.0/0
sg open allow any from 0.0.0.0/0
eni client in a1 10.0.1.10 sg open
eni server in a2 10.0.2.10 sg open
`)
	// Nothing lets the answers of DNS out.
	s.check("to the server", reach.PathsTo(s.State, s.eni("server")), `
client > server: icmp echo, tcp 80 from client ports 1024-39999+40001-65535`)
	s.check("from the server", reach.PathsFrom(s.State, s.eni("server")), `
server > client: tcp 1024-39999 from client ports 80 and 40001-65535 from client ports 80`)
}

func TestPathsLeadThroughMiddleboxes(t *testing.T) {
	s := build(t, `
vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
subnet am in a 10.0.9.0/24
table there in a for a1
table back in a for a2
sg open allow any from 0.0.0.0/0
sg filter in a allow tcp/80 from 10.0.1.0/24 allow tcp/22 from 0.0.0.0/0
sg filter revoke any to 0.0.0.0/0
sg filter allow tcp/80-443 to 0.0.0.0/0
eni client in a1 10.0.1.10 sg open
eni server in a2 10.0.2.10 sg open
eni box in am 10.0.9.9 sg filter unchecked
route there 10.0.2.0/24 box
route back 10.0.1.0/24 box
`)
	// Both directions of the box's groups are asked; the answer is known there.
	s.check("to the server", reach.PathsTo(s.State, s.eni("server")), `
box > server: tcp 80-443
client > server: tcp 80`)
}

func TestAnswersThatOnlyTheAnswersBoxSees(t *testing.T) {
	text := `
vpc a 10.0.0.0/16
subnet a1 in a 10.0.1.0/24
subnet a2 in a 10.0.2.0/24
subnet am in a 10.0.9.0/24
table back in a for a2
sg open allow any from 0.0.0.0/0
sg filter in a allow tcp/1024-65535 from 10.0.2.0/24
eni client in a1 10.0.1.10 sg open
eni server in a2 10.0.2.10 sg open
eni box in am 10.0.9.9 sg filter unchecked
route back 10.0.1.0/24 box
`
	s := build(t, text)
	// The box has not seen the question: its groups take the answer for something new.
	s.check("to the server", reach.PathsTo(s.State, s.eni("server")), `
box > server: everything
client > server: tcp from client ports 1024-65535`)
}

func TestPathsToOneOfTwoWithTheSameAddress(t *testing.T) {
	s := build(t, `
vpc hub 172.16.0.0/16
vpc b 10.0.0.0/16
vpc c 10.0.0.0/16
subnet h1 in hub 172.16.1.0/24
subnet b1 in b 10.0.1.0/24
subnet c1 in c 10.0.1.0/24
sg open allow any from 0.0.0.0/0
eni server in h1 172.16.1.10 sg open
eni inb in b1 10.0.1.66 sg open
eni inc in c1 10.0.1.66 sg open
peering hb hub b active
peering hc hub c active
route b.main 172.16.0.0/16 hb
route c.main 172.16.0.0/16 hc
route hub.main 10.0.0.0/16 hb
`)
	s.check("to the server", reach.PathsTo(s.State, s.eni("server")), "inb > server: everything")
	s.check("from the server", reach.PathsFrom(s.State, s.eni("server")), "server > inb: everything")
}

func TestWhatIsDownReachesNothing(t *testing.T) {
	s := build(t, pair+"eni off in a2 10.0.2.77 sg open\ninstance off stopped\neni idle in a2 10.0.2.78 sg open detached\n")
	for _, name := range []string{"off", "idle"} {
		s.check("to "+name, reach.PathsTo(s.State, s.eni(name)), "")
		s.check("from "+name, reach.PathsFrom(s.State, s.eni(name)), "")
	}
	if got := reach.PathsTo(s.State, "eni-0123456789abcdef0"); got != nil {
		t.Errorf("to nobody: %v", got)
	}
	if got := reach.PathsFrom(s.State, "eni-0123456789abcdef0"); got != nil {
		t.Errorf("from nobody: %v", got)
	}
	if _, ok := reach.PathBetween(s.State, s.eni("client"), "eni-0123456789abcdef0"); ok {
		t.Error("there is a path to nobody")
	}
}

func TestAPathHasAllAddressesOfBothFamilies(t *testing.T) {
	s := build(t, pair+"eni server add 10.0.2.111\n")
	p, ok := reach.PathBetween(s.State, s.eni("client"), s.eni("server"))
	if !ok || reach.Words(p.Flows) != "everything" {
		t.Fatalf("client to server: %v %s", ok, reach.Words(p.Flows))
	}
	server := s.ENI(s.eni("server"))
	for _, dst := range server.AllAddrs() {
		src := s.ENI(s.eni("client")).Addrs[0]
		if dst.Is6() {
			src = s.ENI(s.eni("client")).Addrs6[0]
		}
		if !p.Flows.Contains(space.Packet{Src: src, Dst: dst, Protocol: 6, DstPort: 80, SrcPort: 40000}) {
			t.Errorf("%v to %v is not in the path", src, dst)
		}
	}
	if p.Flows.Contains(space.Packet{Src: netip.MustParseAddr("10.0.1.99"), Dst: server.Addrs[0], Protocol: 6}) {
		t.Error("a source that the client does not have is in the path")
	}
}

func TestAGroupStandsForItsMembersAddresses(t *testing.T) {
	s := build(t, `
vpc a 10.0.0.0/16
vpc b 10.1.0.0/16
subnet a1 in a 10.0.1.0/24
subnet b1 in b 10.1.1.0/24
peering ab a b active
route a.main 10.1.0.0/16 ab
route b.main 10.0.0.0/16 ab
sg friends in b
sg db in a allow tcp/5432 from friends
eni friend in b1 10.1.1.10 sg friends
eni other in b1 10.1.1.11
eni db in a1 10.0.1.10 sg db
`)
	s.check("to the database", reach.PathsTo(s.State, s.eni("db")), "friend > db: tcp 5432")
}

// Many peers make the gates calculate for all addresses at once: the answers must
// stay the same.
func TestManySourcesAreAskedAtOnce(t *testing.T) {
	text := departments
	want := []string{"dev > ledger: tcp 22 and 80", "dev2 > ledger: tcp 80", "market > ledger: icmp, tcp 80", "market2 > ledger: icmp, tcp 80"}
	for _, n := range []string{"30", "31", "32", "33", "34", "35", "36", "37", "38", "39"} {
		text += "eni m" + n + " in m 10.0.1." + n + "\n"
		want = append(want, "m"+n+" > ledger: icmp, tcp 80")
	}
	slices.Sort(want)
	s := build(t, text)
	s.check("to the ledger", reach.PathsTo(s.State, s.eni("ledger")), strings.Join(want, "\n"))
}

func TestWordsForServices(t *testing.T) {
	box := func(protocol, last uint8, to, from space.Ports) space.Box {
		return space.Box{Protocol: space.Protocols{From: protocol, To: last}, DstPort: to, SrcPort: from}
	}
	any := space.AnyPort
	for want, boxes := range map[string][]space.Box{
		"nothing":                             nil,
		"everything":                          {space.All},
		"tcp 80":                              {box(6, 6, space.OnlyPort(80), any)},
		"tcp":                                 {box(6, 6, any, any)},
		"tcp 22, 80 and 443":                  {box(6, 6, space.OnlyPort(22), any), box(6, 6, space.OnlyPort(80), any), box(6, 6, space.OnlyPort(443), any)},
		"udp 5000-5100":                       {box(17, 17, space.Ports{From: 5000, To: 5100}, any)},
		"protocol 47":                         {box(47, 47, any, any)},
		"protocols 50-51":                     {box(50, 51, any, any)},
		"icmp echo":                           {box(1, 1, space.Ports{From: 0x800, To: 0x8ff}, any)},
		"icmp type 13":                        {box(1, 1, space.Ports{From: 0xd00, To: 0xdff}, any)},
		"icmp type 3 code 4":                  {box(1, 1, space.OnlyPort(0x304), any)},
		"icmp type 3 codes 0-3":               {box(1, 1, space.Ports{From: 0x300, To: 0x303}, any)},
		"icmp types 1-2":                      {box(1, 1, space.Ports{From: 0x100, To: 0x2ff}, any)},
		"icmpv6 echo":                         {box(58, 58, space.Ports{From: 0x8000, To: 0x80ff}, any)},
		"tcp 80 from client ports 1024-65535": {box(6, 6, space.OnlyPort(80), space.Ports{From: 1024, To: 65535})},
		"everything but tcp 22":               {box(0, 5, any, any), box(6, 6, space.Ports{From: 0, To: 21}, any), box(6, 6, space.Ports{From: 23, To: 65535}, any), box(7, 255, any, any)},
	} {
		if got := reach.Words(space.Of(boxes...)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
