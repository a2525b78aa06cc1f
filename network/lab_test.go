package network

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
)

// department is one of the three VPCs of the lab, with a server in it.
type department struct {
	vpc    *VPC
	subnet *Subnet
	server InstanceID
	eni    *ENI
}

func (w *site) newDepartment(block, subnet, addr string) department {
	w.Helper()
	d := department{vpc: w.newVPC(home, block)}
	d.subnet = w.newSubnet(home, d.vpc.ID, subnet)
	spec := ENISpec{Subnet: d.subnet.ID, Addrs: []netip.Addr{netip.MustParseAddr(addr)}}
	out := w.as(home, RunInstances{
		Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", MaxInterfaces: 4, MaxAddrs: 15,
		Interfaces: []InterfaceSpec{{New: spec, DeleteOnTermination: true}},
	})
	d.server = InstanceID(out.Created[1])
	w.do(ReportStarted{Instance: d.server})
	for eni := range w.ENIsAt(d.server) {
		d.eni = eni
	}
	return d
}

// way says how the route tables take a packet from one server to another: "none",
// "blackhole", "local", or the peering that it crosses. Each of the lab's steps
// that concerns routes is visible in it.
func (w *site) way(from, to department) string {
	route, ok := w.TableOf(w.Subnet(from.subnet.ID)).Lookup(to.eni.Addrs[0])
	switch {
	case !ok:
		return "none"
	case !w.RouteActive(from.vpc.ID, route):
		return "blackhole"
	}
	if _, local := route.To.(ToLocal); local {
		return "local"
	}
	return route.To.target()
}

// The lab, as far as the model goes: three departments, Finance peered with both
// others, which never reach each other.
func TestTheLabInTheModel(t *testing.T) {
	w := newSite(t)
	marketing := w.newDepartment("10.0.0.0/16", "10.0.1.0/24", "10.0.1.10")
	developer := w.newDepartment("192.168.0.0/20", "192.168.1.0/24", "192.168.1.10")
	finance := w.newDepartment("172.31.0.0/16", "172.31.1.0/24", "172.31.1.199")
	ways := func(step, toFinance, back string) {
		t.Helper()
		if got := w.way(marketing, finance); got != toFinance {
			t.Errorf("%s: Marketing to Finance is %s, want %s", step, got, toFinance)
		}
		if got := w.way(finance, marketing); got != back {
			t.Errorf("%s: Finance to Marketing is %s, want %s", step, got, back)
		}
		if got := w.way(marketing, developer); got != "none" {
			t.Errorf("%s: Marketing to Developer is %s", step, got)
		}
	}
	ways("alone", "none", "none")
	pcx := PeeringID(w.do(RequestPeering{VPC: marketing.vpc.ID, PeerVPC: finance.vpc.ID}))
	w.do(CreateRoute{marketing.vpc.MainTable, finance.vpc.Blocks[0].CIDR, ToPeering{pcx}})
	ways("pending", "blackhole", "none")
	w.do(AcceptPeering{pcx})
	ways("one-sided", string(pcx), "none")
	w.do(CreateRoute{finance.vpc.MainTable, marketing.vpc.Blocks[0].CIDR, ToPeering{pcx}})
	ways("both ways", string(pcx), string(pcx))
	web := RuleSpec{Protocol: TCP, Ports: PortRange{80, 80}, Peer: PeerCIDR{marketing.vpc.Blocks[0].CIDR}}
	w.do(AuthorizeRules{Group: finance.vpc.DefaultGroup, Rules: []RuleSpec{web}})
	other := w.newPeering(home, developer.vpc.ID, home, finance.vpc.ID)
	w.do(CreateRoute{developer.vpc.MainTable, finance.vpc.Blocks[0].CIDR, ToPeering{other}})
	w.do(CreateRoute{finance.vpc.MainTable, developer.vpc.Blocks[0].CIDR, ToPeering{other}})
	// Transit: the routes are accepted, and lead to a VPC that Developer isn't in.
	w.do(CreateRoute{marketing.vpc.MainTable, developer.vpc.Blocks[0].CIDR, ToPeering{pcx}})
	if got := w.Peering(pcx).Other(marketing.vpc.ID); w.VPC(got).Contains(developer.eni.Addrs[0]) {
		t.Error("the peering with Finance leads to Developer")
	}
	w.do(DeleteRoute{marketing.vpc.MainTable, developer.vpc.Blocks[0].CIDR})
	w.do(DeletePeering{pcx})
	ways("deleted", "blackhole", "blackhole")
	if got := w.way(developer, finance); got != string(other) {
		t.Errorf("Developer to Finance was disturbed: %s", got)
	}
}

// The same in the default VPC's range: an equal block elsewhere changes nothing.
func TestEqualBlocksSideBySideDoNotMeet(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	one := w.newDepartment("172.31.0.0/16", "172.31.1.0/24", "172.31.1.199")
	two := w.newDepartment("172.31.0.0/16", "172.31.1.0/24", "172.31.1.199")
	if got := w.ENIWith(one.vpc.ID, one.eni.Addrs[0]); got.ID != one.eni.ID {
		t.Errorf("%s has the address in the first VPC", got.ID)
	}
	if got := w.ENIWith(two.vpc.ID, two.eni.Addrs[0]); got.ID != two.eni.ID {
		t.Errorf("%s has the address in the second VPC", got.ID)
	}
	if got := w.way(one, two); got != "local" {
		t.Errorf("the way from one to the other's address is %s: it must stay in the VPC", got)
	}
	for id := range w.RouteTablesIn(one.vpc.ID) {
		for _, r := range id.Routes {
			if r.To != (ToLocal{}) {
				t.Errorf("a table of the first VPC has %+v", r)
			}
		}
	}
}

// Readers hold a State while the writer goes on from it, without a lock. The race
// detector and the equality of what is read twice are the proof.
func TestAStateCanBeReadWhileTheNextIsMade(t *testing.T) {
	w := furnished(t)
	kept := w.State
	before := dump(kept)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for p := range kept.Peerings() {
					_ = kept.RouteActive(p.Requester.VPC, Route{To: ToPeering{p.ID}})
				}
				for g := range kept.SecurityGroups() {
					for range kept.Members(g.ID) {
					}
				}
				_ = kept.Due()
			}
		})
	}
	v := w.newVPC(home, "10.77.0.0/16")
	for i := range 100 {
		w.do(CreateTags{[]string{string(v.ID)}, Tags{"n": fmt.Sprint(i)}})
		w.newGroup(home, v.ID, fmt.Sprint("g", i))
	}
	close(stop)
	readers.Wait()
	if dump(kept) != before {
		t.Error("the State that was read has changed")
	}
}
