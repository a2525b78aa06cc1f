package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"tombolo/network"
)

// TestManyChangesLeaveTheKernelAsCompiled makes one random change after another,
// each on top of what the kernel holds, and looks now and then: nothing must be
// missing, left over or different. Packets pass at the end as they did first.
func TestManyChangesLeaveTheKernelAsCompiled(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newTown(t)
			w.obey()
			d := &drift{town: w, r: rand.New(rand.NewPCG(seed, 1))}
			for n := range 60 {
				d.change()
				w.obey()
				if n%6 != 5 {
					continue
				}
				w.done = nil
				w.plane.Audit()
				w.obey()
				if len(w.done) > 0 {
					t.Fatalf("after change %d, %s, the kernel was put right: %v", n, d.last, w.done)
				}
			}
			w.m.reaches(w.f, 80)
		})
	}
}

// drift changes a town at random, but not what its two servers need.
type drift struct {
	*town
	r      *rand.Rand
	last   string
	n      int
	extra  []*server
	routes []netip.Prefix
	acls   []int
	rules  []network.RuleSpec
}

func (d *drift) change() {
	d.n++
	moves := []struct {
		name string
		do   func()
	}{
		{"a route more", d.addRoute}, {"a route less", d.dropRoute},
		{"a rule more", d.addRule}, {"a rule less", d.dropRule},
		{"an entry more", d.addEntry}, {"an entry less", d.dropEntry},
		{"an instance more", d.addServer}, {"an instance less", d.dropServer}, {"an instance started again", d.restart},
		{"an address more", d.addAddress}, {"an address less", d.dropAddress},
		{"a group of its own", d.ownGroup}, {"a peering more", d.addPeering}, {"a check", d.toggleCheck},
		{"a subnet more", d.addSubnet},
	}
	m := moves[d.r.IntN(len(moves))]
	d.last = m.name
	m.do()
}

func (d *drift) block() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(16 + d.r.IntN(4)), byte(d.r.IntN(4) * 64), 0}), 16+d.r.IntN(3)*3).Masked()
}

func (d *drift) addRoute() {
	dst := d.block()
	if d.r.IntN(2) == 0 {
		dst = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(d.r.IntN(256)), 0}), 24)
	}
	if _, ok := d.RouteTable(d.VPC(d.a).MainTable).Route(dst); ok {
		return
	}
	var to network.Target = network.ToPeering{Peering: d.p}
	if len(d.extra) > 0 && d.r.IntN(2) == 0 && dst.Addr().As4()[0] == 172 {
		if e := d.ENI(d.extra[d.r.IntN(len(d.extra))].eni); e.VPC == d.a {
			to = network.ToENI{ENI: e.ID}
		}
	}
	d.route(d.a, dst, to)
	d.routes = append(d.routes, dst)
}

func (d *drift) dropRoute() {
	if dst, ok := pop(d.r, &d.routes); ok {
		d.do(network.DeleteRoute{Table: d.VPC(d.a).MainTable, Dst: dst})
	}
}

func (d *drift) addRule() {
	from := d.r.IntN(1000)
	rule := network.RuleSpec{Protocol: network.TCP, Ports: network.PortRange{From: from, To: from + d.r.IntN(500)}, Peer: network.PeerCIDR{CIDR: d.block()}}
	for _, r := range d.SecurityGroup(d.bg).Rules {
		if r.Ports == rule.Ports && r.Peer == rule.Peer {
			return
		}
	}
	d.do(network.AuthorizeRules{Group: d.bg, Rules: []network.RuleSpec{rule}})
	d.rules = append(d.rules, rule)
}

func (d *drift) dropRule() {
	if r, ok := pop(d.r, &d.rules); ok {
		d.do(network.RevokeRules{Group: d.bg, Rules: []network.RuleSpec{r}})
	}
}

func (d *drift) addEntry() {
	if len(d.acls) >= 15 {
		return
	}
	d.do(network.CreateACLEntry{ACL: d.VPC(d.b).DefaultACL, Entry: network.ACLEntry{Number: d.n, Protocol: network.UDP,
		CIDR: d.block(), Ports: network.PortRange{From: d.n, To: d.n + 100}}})
	d.acls = append(d.acls, d.n)
}

func (d *drift) dropEntry() {
	if n, ok := pop(d.r, &d.acls); ok {
		d.do(network.DeleteACLEntry{ACL: d.VPC(d.b).DefaultACL, Number: n})
	}
}

func (d *drift) addServer() {
	if len(d.extra) < 5 {
		d.extra = append(d.extra, d.server(d.an, "", d.ag))
	}
}

func (d *drift) dropServer() {
	if s, ok := pop(d.r, &d.extra); ok {
		d.do(network.TerminateInstances{Instances: []network.InstanceID{s.id}})
		d.do(network.ReportEnded{Instance: s.id})
	}
}

// restart leaves the plane no State in which the instance was stopped.
func (d *drift) restart() {
	if len(d.extra) == 0 {
		return
	}
	id := d.extra[d.r.IntN(len(d.extra))].id
	d.do(network.StopInstances{Instances: []network.InstanceID{id}})
	d.do(network.ReportStopped{Instance: id})
	d.do(network.StartInstances{Instances: []network.InstanceID{id}})
}

func (d *drift) addAddress() {
	if len(d.ENI(d.f.eni).Addrs) < 5 {
		d.do(network.AssignAddrs{ENI: d.f.eni, Count: 1})
	}
}

func (d *drift) dropAddress() {
	if a := d.ENI(d.f.eni).Addrs; len(a) > 1 {
		d.do(network.UnassignAddrs{ENI: d.f.eni, Addrs: a[len(a)-1:]})
	}
}

func (d *drift) ownGroup() {
	if len(d.extra) == 0 {
		return
	}
	e := d.ENI(d.extra[0].eni)
	g := d.group(e.VPC, fmt.Sprint("group ", d.n))
	d.allow(g, network.UDP, network.PortRange{From: 53, To: 53}, "0.0.0.0/0")
	d.do(network.SetENIAttribute{ENI: e.ID, Groups: []network.GroupID{g, e.Groups[0]}})
}

func (d *drift) addPeering() {
	if d.n < 40 {
		d.peer(d.a, network.VPCID(d.do(network.CreateVPC{CIDR: cidr(fmt.Sprintf("192.168.%d.0/24", d.n)), Amazon6: true})))
	}
}

func (d *drift) toggleCheck() {
	if len(d.extra) > 0 {
		e := d.ENI(d.extra[0].eni)
		on := !e.SourceDestCheck
		d.do(network.SetENIAttribute{ENI: e.ID, SourceDestCheck: &on})
	}
}

func (d *drift) addSubnet() {
	if len(d.extra) < 5 {
		if v := d.VPC(d.b); len(v.Blocks) < 4 {
			block := fmt.Sprintf("10.%d.0.0/16", 100+d.n)
			d.do(network.AssociateVPCBlock{VPC: d.b, CIDR: cidr(block)})
			d.extra = append(d.extra, d.server(d.subnet(d.b, block), "", d.bg))
		}
	}
}

// pop takes one of a list away.
func pop[T any](r *rand.Rand, list *[]T) (v T, ok bool) {
	if len(*list) == 0 {
		return v, false
	}
	i := r.IntN(len(*list))
	v = (*list)[i]
	*list = append((*list)[:i], (*list)[i+1:]...)
	return v, true
}
