package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tombolo/internal/randnet"
	"tombolo/network"
	"tombolo/reach/space"
)

// TestPathsFromIsPathsToTurnedRound: who asks whom does not depend on whose list
// one reads.
func TestPathsFromIsPathsToTurnedRound(t *testing.T) {
	for seed := range uint64(20) {
		s := randnet.New(seed).State
		to := map[[2]network.ENIID]Path{}
		for e := range s.ENIs() {
			list := PathsTo(s, e.ID)
			if !slices.IsSortedFunc(list, func(a, b Path) int { return strings.Compare(string(a.Source), string(b.Source)) }) {
				t.Fatalf("seed %d: paths to %s are not in order", seed, e.ID)
			}
			for _, p := range list {
				if p.Destination != e.ID {
					t.Fatalf("seed %d: a path to %s is among those to %s", seed, p.Destination, e.ID)
				}
				to[[2]network.ENIID{p.Source, p.Destination}] = p
			}
		}
		n := 0
		for e := range s.ENIs() {
			for _, p := range PathsFrom(s, e.ID) {
				n++
				was, ok := to[[2]network.ENIID{p.Source, p.Destination}]
				if !ok || p.Source != e.ID || !was.Flows.Equal(p.Flows) || was.Witness != p.Witness {
					t.Fatalf("seed %d: %s to %s is another path from here", seed, p.Source, p.Destination)
				}
			}
		}
		if n != len(to) {
			t.Errorf("seed %d: %d paths from, %d paths to", seed, n, len(to))
		}
	}
}

func TestPathsIntoAVPCAreThoseFromOutside(t *testing.T) {
	for seed := range uint64(20) {
		s := randnet.New(seed).State
		for v := range s.VPCs() {
			var want []string
			for e := range s.ENIsIn(v.ID) {
				for _, p := range PathsTo(s, e.ID) {
					if s.ENI(p.Source).VPC != v.ID {
						want = append(want, string(p.Destination+p.Source)+Words(p.Flows))
					}
				}
			}
			var got []string
			for _, p := range PathsInto(s, v.ID) {
				got = append(got, string(p.Destination+p.Source)+Words(p.Flows))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s:\n%v\nwant\n%v", seed, v.ID, got, want)
			}
		}
	}
}

func TestPathBetweenIsOneOfThePaths(t *testing.T) {
	s := randnet.New(11).State
	n := 0
	for e := range s.ENIs() {
		for other := range s.ENIs() {
			p, ok := PathBetween(s, e.ID, other.ID)
			list := PathsTo(s, other.ID)
			i := slices.IndexFunc(list, func(q Path) bool { return q.Source == e.ID })
			if ok != (i >= 0) || ok && !list[i].Flows.Equal(p.Flows) {
				t.Fatalf("%s to %s alone: %v, among all %v", e.ID, other.ID, ok, i >= 0)
			}
			if ok {
				n++
			}
		}
	}
	if n == 0 {
		t.Error("nobody reaches anybody: that proves nothing")
	}
}

// A client of which nothing is known is one that may have any ephemeral port: the
// set must then have them all.
func TestUnknownClientsNeedEveryEphemeralPort(t *testing.T) {
	all := space.Ports{From: uint16(Ephemeral.From), To: uint16(Ephemeral.To)}
	agreed := map[bool]int{}
	for seed := range uint64(25) {
		n := randnet.New(seed)
		x := NewIndex(n.State)
		for _, from := range n.ENIs() {
			for _, to := range n.ENIs() {
				a, b := n.State.ENI(from), n.State.ENI(to)
				if from == to {
					continue
				}
				for _, protocol := range []network.Protocol{network.TCP, network.UDP} {
					f := Flow{Source: from, Destination: to, SourceAddr: a.Addrs[0], DestinationAddr: b.Addrs[0], Protocol: protocol, Port: 80}
					need := space.Of(space.Box{Src: space.Only(f.SourceAddr), Dst: space.Only(f.DestinationAddr),
						Protocol: space.OnlyProtocol(uint8(protocol)), DstPort: space.OnlyPort(80), SrcPort: all})
					p, _ := PathBetween(n.State, from, to)
					got, want := p.Flows.Covers(need), x.Trace(f).Verdict == Reachable
					if got != want {
						t.Fatalf("seed %d: %+v: the path has every port: %v, trace says %v", seed, f, got, want)
					}
					agreed[got]++
				}
			}
		}
	}
	if agreed[true] == 0 || agreed[false] == 0 {
		t.Errorf("%v: that proves little", agreed)
	}
}

// ways describes where a packet goes, leg by leg, or that it does not arrive.
func ways(x *atlas, from, to *endpoint, p pair) string {
	legs, ok := x.way(nil, from, to, p)
	var out []string
	for _, l := range legs {
		out = append(out, fmt.Sprintf("%v-%v", l.from.Addrs[0], l.to.Addrs[0]))
	}
	if !ok {
		out = append(out, "lost")
	}
	return strings.Join(out, " ")
}

// town is a State of two peered VPCs, made row by row: a middlebox with two
// interfaces in the first, machines on both sides.
type town struct {
	t     *testing.T
	state network.State
	seed  byte
}

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func (w *town) do(r network.Request) []string {
	w.t.Helper()
	w.seed++
	next, err := w.state.Apply(network.Op{Caller: network.Caller{Account: "123456789012", Region: "us-east-1"}, At: noon, Seed: network.Seed{w.seed}, Request: r})
	if err != nil {
		w.t.Fatalf("%T: %v", r, err)
	}
	w.state = next
	made := next.Outcome().Created
	if _, settle := r.(network.Settle); !settle {
		for due := w.state.Due(); !due.IsZero() && !due.After(noon); due = w.state.Due() {
			w.do(network.Settle{})
		}
	}
	return made
}

func (w *town) vpc(cidr string) network.VPCID {
	return network.VPCID(w.do(network.CreateVPC{CIDR: netip.MustParsePrefix(cidr)})[0])
}

func (w *town) subnet(v network.VPCID, cidr string) network.SubnetID {
	return network.SubnetID(w.do(network.CreateSubnet{VPC: v, CIDR: netip.MustParsePrefix(cidr), Zone: "us-east-1a", Zones: []string{"us-east-1a"}})[0])
}

func (w *town) machine(unchecked bool, at map[network.SubnetID]string, order ...network.SubnetID) []network.ENIID {
	var specs []network.InterfaceSpec
	for i, n := range order {
		specs = append(specs, network.InterfaceSpec{Device: i, New: network.ENISpec{Subnet: n, Addrs: []netip.Addr{netip.MustParseAddr(at[n])}}})
	}
	made := w.do(network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", Interfaces: specs})
	w.do(network.ReportStarted{Instance: network.InstanceID(made[1])})
	enis := slices.SortedFunc(w.state.ENIsAt(network.InstanceID(made[1])), func(a, b *network.ENI) int { return a.Attachment.Device - b.Attachment.Device })
	var out []network.ENIID
	for _, e := range enis {
		check := !unchecked
		w.do(network.SetENIAttribute{ENI: e.ID, SourceDestCheck: &check})
		out = append(out, e.ID)
	}
	return out
}

func (w *town) table(n network.SubnetID) network.RouteTableID {
	id := network.RouteTableID(w.do(network.CreateRouteTable{VPC: w.state.Subnet(n).VPC})[0])
	w.do(network.AssociateTable{Table: id, Subnet: n})
	return id
}

func TestWaysFollowRoutesAndMiddleboxes(t *testing.T) {
	w := &town{t: t}
	w.do(network.OpenWorld{Zones: []string{"us-east-1a"}})
	a, b := w.vpc("10.0.0.0/16"), w.vpc("10.1.0.0/16")
	front, back, middle := w.subnet(a, "10.0.1.0/24"), w.subnet(a, "10.0.2.0/24"), w.subnet(a, "10.0.9.0/24")
	far := w.subnet(b, "10.1.1.0/24")
	client := w.machine(false, map[network.SubnetID]string{front: "10.0.1.10"}, front)[0]
	neighbour := w.machine(false, map[network.SubnetID]string{front: "10.0.1.11"}, front)[0]
	server := w.machine(false, map[network.SubnetID]string{back: "10.0.2.10"}, back)[0]
	box := w.machine(true, map[network.SubnetID]string{middle: "10.0.9.9", back: "10.0.2.99"}, middle, back)
	abroad := w.machine(false, map[network.SubnetID]string{far: "10.1.1.10"}, far)[0]
	p := network.PeeringID(w.do(network.RequestPeering{VPC: a, PeerVPC: b})[0])
	w.do(network.AcceptPeering{Peering: p})
	w.do(network.CreateRoute{Table: w.state.VPC(a).MainTable, Dst: netip.MustParsePrefix("10.1.0.0/16"), To: network.ToPeering{Peering: p}})
	table := w.table(front)

	check := func(name string, from, to network.ENIID, src, want string) {
		t.Helper()
		x := newAtlas(w.state)
		f, d := x.endpoint(w.state.ENI(from)), x.endpoint(w.state.ENI(to))
		q := pair{f.Addrs[0], d.Addrs[0]}
		if src != "" {
			q.src = netip.MustParseAddr(src)
		}
		if got := ways(x, f, d, q); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	check("inside a subnet", client, neighbour, "", "10.0.1.10-10.0.1.11")
	check("by the local route", client, server, "", "10.0.1.10-10.0.2.10")
	check("somebody else's source", client, server, "10.0.1.99", "lost")
	check("without a route", client, abroad, "", "lost")
	check("over the peering", server, abroad, "", "10.0.2.10-10.1.1.10")
	check("without a way back", abroad, server, "", "lost")
	check("a source from outside over the peering", box[0], abroad, "192.168.0.1", "lost")

	w.do(network.CreateRoute{Table: table, Dst: netip.MustParsePrefix("10.0.2.0/24"), To: network.ToENI{ENI: box[0]}})
	check("by a middlebox, out of its interface there", client, server, "", "10.0.1.10-10.0.9.9 10.0.2.99-10.0.2.10")
	check("to the middlebox itself", client, box[0], "", "10.0.1.10-10.0.9.9")
	w.do(network.CreateRoute{Table: table, Dst: netip.MustParsePrefix("10.1.0.0/16"), To: network.ToENI{ENI: box[0]}})
	check("by a middlebox over a peering", client, abroad, "", "10.0.1.10-10.0.9.9 10.0.9.9-10.1.1.10")
	w.do(network.ReplaceRoute{Table: table, Dst: netip.MustParsePrefix("10.1.0.0/16"), To: network.ToENI{ENI: server}})
	check("by one that takes only its own", client, abroad, "", "lost")
	w.do(network.ReplaceRoute{Table: table, Dst: netip.MustParsePrefix("10.1.0.0/16"), To: network.ToPeering{Peering: p}})
	w.do(network.CreateRoute{Table: table, Dst: netip.MustParsePrefix("10.1.1.10/32"), To: network.ToENI{ENI: client}})
	check("back to oneself", client, abroad, "", "lost")
	w.do(network.DeletePeering{Peering: p})
	check("over a dead peering", server, abroad, "", "lost")
}

func TestWaysInACircleEnd(t *testing.T) {
	w := &town{t: t}
	w.do(network.OpenWorld{Zones: []string{"us-east-1a"}})
	v := w.vpc("10.0.0.0/16")
	one, two, three := w.subnet(v, "10.0.1.0/24"), w.subnet(v, "10.0.2.0/24"), w.subnet(v, "10.0.3.0/24")
	client := w.machine(false, map[network.SubnetID]string{one: "10.0.1.10"}, one)[0]
	boxA := w.machine(true, map[network.SubnetID]string{one: "10.0.1.99"}, one)[0]
	boxB := w.machine(true, map[network.SubnetID]string{two: "10.0.2.99"}, two)[0]
	server := w.machine(false, map[network.SubnetID]string{three: "10.0.3.10"}, three)[0]
	dst := netip.MustParsePrefix("10.0.3.0/24")
	w.do(network.CreateRoute{Table: w.table(one), Dst: dst, To: network.ToENI{ENI: boxB}})
	w.do(network.CreateRoute{Table: w.table(two), Dst: dst, To: network.ToENI{ENI: boxA}})
	x := newAtlas(w.state)
	f, d := x.endpoint(w.state.ENI(client)), x.endpoint(w.state.ENI(server))
	if got, want := ways(x, f, d, pair{f.Addrs[0], d.Addrs[0]}), "10.0.1.10-10.0.2.99 10.0.2.99-10.0.1.99 10.0.1.99-10.0.2.99 lost"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, ok := PathBetween(w.state, client, server); ok {
		t.Error("there is a path in a circle")
	}
}
