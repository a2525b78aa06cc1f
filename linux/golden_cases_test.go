package linux

import (
	"net/netip"

	"tombolo/network"
)

// goldens are the behaviours whose compiled form is written down. Two servers,
// web in VPC a and db in VPC b, are in most of them.
var goldens = []golden{
	{"empty", "Nothing exists: what every fabric holds. A packet is judged in the order\narrive, source, (routes), forward, judge, edge.", nil, func(*site) {}},
	{"lab", "Two VPCs with an active peering and routes both ways: the whole of it,\nwithout what every fabric holds.",
		[]string{"vpc", "subnet", "eni", "sg", "acl", "list", "way", "cause", "policy", "book"},
		func(w *site) { p := twoVPCs(w); routesBothWays(w, w.accept(p)) }},
	{"isolated", "Two VPCs that nothing joins: each subnet leads to its own VPC's table, the rest is lost.",
		[]string{"subnet", "way", "cause"}, func(w *site) { twoVPCs(w) }},
	{"same-blocks", "Two VPCs with the same block: the same address in two tables and in two zones.",
		[]string{"vpc", "eni", "subnet", "way local"}, func(w *site) {
			for _, name := range []string{"a", "b"} {
				w.server(w.subnet(w.vpc(name, "10.0.0.0/16"), name+"1", "10.0.1.0/24"), "twin-"+name, "10.0.1.10")
			}
		}},
	{"flow-logs", "The flows of db's interface are recorded: every ending counts first, into\nthe first of two sets, and what passes goes there.",
		[]string{"endings", "eni-db", "epoch"}, recorded},
	{"peering-pending", "The peering is not accepted yet: its routes are black holes.",
		[]string{"subnet", "way", "cause"}, func(w *site) { routesBothWays(w, twoVPCs(w)) }},
	{"peering-active", "An active peering: each side's block leads to the other's table, in the zone of the pair.",
		[]string{"subnet", "way", "cause"}, func(w *site) { p := twoVPCs(w); routesBothWays(w, w.accept(p)) }},
	{"peering-deleted", "The peering was deleted: its routes stay and are black holes, in the zone\nthat the flows over it had, so that those end for this and nothing else.",
		[]string{"subnet", "way", "cause"}, func(w *site) {
			p := twoVPCs(w)
			routesBothWays(w, w.accept(p))
			w.do(network.DeletePeering{Peering: p})
		}},
	{"route-one-sided", "Only a has a route: what b answers is lost for want of a route, in the zone of the flow.",
		[]string{"subnet", "way", "cause"}, func(w *site) {
			w.route(w.main(firstVPC(w, twoVPCsActive(w))), "10.1.0.0/16", via(pcx(w)))
		}},
	{"route-longest-prefix", "A /24 through a deleted peering inside a /16 through a live one: the longer\nprefix wins and drops, it does not fall through.",
		[]string{"subnet-a1", "way lost"}, func(w *site) {
			a := firstVPC(w, twoVPCsActive(w))
			dead := w.accept(w.peering("dead", a, w.vpc("c", "10.2.0.0/16")))
			w.do(network.DeletePeering{Peering: dead})
			w.route(w.main(a), "10.1.0.0/16", via(pcx(w)))
			w.route(w.main(a), "10.1.7.0/24", via(dead))
		}},
	{"route-outside-peer", "A route to a peering for more than the peer's block: the rest is lost there,\nthough the next VPC along has that address.",
		[]string{"subnet-a1", "way lost", "cause"}, func(w *site) {
			a := firstVPC(w, twoVPCsActive(w))
			w.route(w.main(a), "10.0.0.0/8", via(pcx(w)))
		}},
	{"route-gateway", "The default VPC's route to its internet gateway: no packet passes one yet.",
		[]string{"subnet", "way lost.not", "cause"}, func(w *site) {
			v := network.VPCID(w.do(network.OpenWorld{Zones: zones}))
			w.call(string(v), "default")
			for n := range w.SubnetsIn(v) {
				w.call(string(n.ID), "default")
				w.server(n.ID, "web", "172.31.0.10")
			}
			r, _ := w.RouteTable(w.main(v)).Route(cidr("0.0.0.0/0"))
			w.call(string(r.To.(network.ToGateway).Gateway), "default")
			w.call(string(w.main(v)), "default")
		}},
	{"blocks-secondary", "A second block of the peer is as good as the first, if a route leads there.",
		[]string{"subnet-a1", "vpc-b"}, func(w *site) {
			a := firstVPC(w, twoVPCsActive(w))
			b := network.VPCID(w.ids["vpc-b"])
			w.do(network.AssociateVPCBlock{VPC: b, CIDR: cidr("10.8.0.0/16")})
			w.server(w.subnet(b, "b2", "10.8.1.0/24"), "db2", "10.8.1.20")
			w.route(w.main(a), "10.0.0.0/8", via(pcx(w)))
		}},
	{"ipv6", "The same in IPv6: the interface has one /128, no ARP, and the group's rules of that family.",
		[]string{"eni", "subnet", "vpc", "sg", "way"}, func(w *site) {
			a := w.vpc6("a", "10.0.0.0/16")
			g := w.group(a, "web", "in tcp 443 ::/0", "in icmpv6 128/0 fd00::/8", "out all ::/0", "in tcp 80 10.9.0.0/16")
			w.server(w.subnet(a, "a1", "10.0.1.0/24"), "web", "10.0.1.10", g)
		}},
	{"group-ports", "Overlapping rules of one group: cut at every port where one begins or ends, so that no two overlap.",
		[]string{"sg-web"}, func(w *site) {
			oneServer(w, "in tcp 80-90 10.0.0.0/8", "in tcp 85-100 10.1.0.0/16", "in tcp 443 0.0.0.0/0",
				"in udp 53 10.1.0.0/16", "in 47 10.2.0.0/16", "in all 10.9.9.9/32", "out tcp 1024-65535 10.0.0.0/8")
		}},
	{"group-icmp", "Types and codes of ICMP: one code, one type with all codes, everything.",
		[]string{"sg-web"}, func(w *site) {
			oneServer(w, "in icmp 8/0 10.0.0.0/16", "in icmp 3/-1 10.1.0.0/16", "in icmp -1/-1 10.2.0.0/16", "out icmp 0/0 10.0.0.0/8")
		}},
	{"group-reference", "A rule that names a group of the VPC: the private addresses of its members.",
		[]string{"sg-web"}, func(w *site) {
			g := oneServer(w)
			peer := w.group(w.SecurityGroup(g).VPC, "app")
			for _, a := range []string{"10.0.1.20", "10.0.1.21", "10.0.1.40"} {
				w.server(network.SubnetID(w.ids["subnet-a1"]), "app-"+a, a, peer)
			}
			w.allow(g, "in tcp 80 sg-app")
		}},
	{"group-reference-peer", "A rule that names a group of a peer VPC: its members' addresses there.",
		[]string{"sg-web"}, func(w *site) { referToPeer(w) }},
	{"group-reference-stale", "The peering of that reference was deleted: the rule stays and permits nothing.",
		[]string{"sg-web"}, func(w *site) {
			referToPeer(w)
			w.do(network.DeletePeering{Peering: pcx(w)})
		}},
	{"groups-several", "An interface with two groups: what either allows is allowed.",
		[]string{"list"}, func(w *site) {
			v := w.vpc("a", "10.0.0.0/16")
			one, two := w.group(v, "one", "in tcp 80 10.0.0.0/8"), w.group(v, "two", "in tcp 443 10.0.0.0/8")
			w.server(w.subnet(v, "a1", "10.0.1.0/24"), "web", "10.0.1.10", one, two)
		}},
	{"group-untracked", "Port 80 is open to the world and every answer may leave: such a flow is not tracked,\neach of its packets stands for itself.",
		[]string{"list"}, func(w *site) { oneServer(w, "in tcp 80 0.0.0.0/0", "in tcp 22 10.0.0.0/8", "out all 0.0.0.0/0") }},
	{"group-tracked", "Port 80 is open to the world, but not every answer may leave: the flow is tracked.",
		[]string{"list"}, func(w *site) { oneServer(w, "in tcp 80 0.0.0.0/0", "out tcp 1024-65535 0.0.0.0/0") }},
	{"acl-order", "Entries in order of their numbers, whatever order they were made in: the deny comes first.",
		[]string{"acl-strict"}, func(w *site) {
			v := w.vpc("a", "10.0.0.0/16")
			n := w.subnet(v, "a1", "10.0.1.0/24")
			w.acl(v, "strict", []string{"200 in allow all 0.0.0.0/0", "100 in deny tcp 22 10.1.0.0/16", "150 in allow icmp 8/-1 10.1.0.0/16",
				"160 in deny icmp 3/4 0.0.0.0/0", "100 out allow tcp 1024-65535 0.0.0.0/0", "110 out deny 47 10.0.0.0/8"}, n)
			w.server(n, "web", "10.0.1.10")
		}},
	{"acl-same-subnet", "Two subnets of a VPC: inside of one's own the mark says that no ACL is asked (same.),\ninto the other it is (local.).",
		[]string{"subnet", "way"}, func(w *site) {
			v := w.vpc("a", "10.0.0.0/16")
			w.server(w.subnet(v, "a1", "10.0.1.0/24"), "one", "10.0.1.10")
			w.server(w.subnet(v, "a2", "10.0.2.0/24"), "two", "10.0.2.10")
		}},
	{"source-check-off", "An interface without source/destination check may send in others' names, but over a peering\nonly in those of its VPC.",
		[]string{"eni-web", "unchecked", "way pcx"}, func(w *site) {
			p := twoVPCs(w)
			routesBothWays(w, w.accept(p))
			off(w, network.ENIID(w.ids["eni-web"]))
		}},
	{"middlebox", "A subnet's default route leads to an interface: a table of its own, a zone for each user,\nand a way back for what it forwards.",
		[]string{"subnet-a1", "via", "unchecked", "way via", "way back", "policy"}, func(w *site) { middleboxes(w) }},
	{"middlebox-checked", "The same with the check on: the interface takes only what is for itself.",
		[]string{"subnet-a1", "way lost", "cause"}, func(w *site) {
			box := middleboxes(w)
			yes := true
			w.do(network.SetENIAttribute{ENI: box, SourceDestCheck: &yes})
		}},
	{"interfaces-several", "An instance with two interfaces, the second with two addresses: one has the default route.",
		[]string{"eni"}, func(w *site) {
			v := w.vpc("a", "10.0.0.0/16")
			first := w.server(w.subnet(v, "a1", "10.0.1.0/24"), "web", "10.0.1.10")
			spec := network.ENISpec{Subnet: w.subnet(v, "a2", "10.0.2.0/24"), Addrs: []netip.Addr{addr("10.0.2.10"), addr("10.0.2.11")}}
			second := network.ENIID(w.call(w.do(network.CreateENI{ENISpec: spec}), "second"))
			w.do(network.AttachENI{ENI: second, Instance: w.instanceOf(first), Device: 1})
		}},
	{"peering-across-regions", "Across Regions packets of 8500 bytes pass: the far addresses are in a table of their own\nwith that MTU, and errors go back to the sender's table.",
		[]string{"eni", "policy", "way pcx"}, func(w *site) {
			a := w.vpc("a", "10.0.0.0/16")
			w.server(w.subnet(a, "a1", "10.0.1.0/24"), "web", "10.0.1.10")
			var b network.VPCID
			w.in(elsewhere, func() {
				b = w.vpc("b", "10.1.0.0/16")
				w.server(w.subnet(b, "b1", "10.1.1.0/24"), "db", "10.1.1.10")
			})
			p := w.accept(w.peering("ab", a, b))
			w.route(w.main(a), "10.1.0.0/16", via(p))
			w.in(elsewhere, func() { w.route(w.main(b), "10.0.0.0/16", via(p)) })
		}},
	{"stopped", "An instance that does not run has no link, and nothing leads to it.",
		nil, func(w *site) {
			e := network.ENIID("")
			e = w.server(w.subnet(w.vpc("a", "10.0.0.0/16"), "a1", "10.0.1.0/24"), "web", "10.0.1.10")
			i := w.instanceOf(e)
			w.do(network.StopInstances{Instances: []network.InstanceID{i}})
			w.do(network.ReportStopped{Instance: i, Boot: w.Instance(i).Boots})
		}},
}

// twoVPCs are a with web and b with db, and a peering that is not accepted.
func twoVPCs(w *site) network.PeeringID {
	a, b := w.vpc("a", "10.0.0.0/16"), w.vpc("b", "10.1.0.0/16")
	w.server(w.subnet(a, "a1", "10.0.1.0/24"), "web", "10.0.1.10")
	w.server(w.subnet(b, "b1", "10.1.1.0/24"), "db", "10.1.1.10")
	return w.peering("ab", a, b)
}

func twoVPCsActive(w *site) network.PeeringID { return w.accept(twoVPCs(w)) }

func firstVPC(w *site, p network.PeeringID) network.VPCID { return w.Peering(p).Requester.VPC }

func pcx(w *site) network.PeeringID { return network.PeeringID(w.ids["pcx-ab"]) }

func routesBothWays(w *site, p network.PeeringID) {
	q := w.Peering(p)
	w.route(w.main(q.Requester.VPC), "10.1.0.0/16", via(p))
	w.route(w.main(q.Accepter.VPC), "10.0.0.0/16", via(p))
}

// oneServer is a server whose only group has the given rules.
func oneServer(w *site, rules ...string) network.GroupID {
	v := w.vpc("a", "10.0.0.0/16")
	g := w.group(v, "web", rules...)
	w.server(w.subnet(v, "a1", "10.0.1.0/24"), "web", "10.0.1.10", g)
	return g
}

// referToPeer gives web a group that admits the group of db across the peering.
func referToPeer(w *site) {
	p := twoVPCsActive(w)
	routesBothWays(w, p)
	app := w.group(w.Peering(p).Accepter.VPC, "app")
	g := w.group(firstVPC(w, p), "web", "in tcp 80 sg-app")
	w.do(network.SetENIAttribute{ENI: network.ENIID(w.ids["eni-web"]), Groups: []network.GroupID{g}})
	w.do(network.SetENIAttribute{ENI: network.ENIID(w.ids["eni-db"]), Groups: []network.GroupID{app}})
}

func off(w *site, e network.ENIID) {
	no := false
	w.do(network.SetENIAttribute{ENI: e, SourceDestCheck: &no})
}

// middleboxes is a subnet whose default route leads to an interface of another.
func middleboxes(w *site) network.ENIID {
	v := w.vpc("a", "10.0.0.0/16")
	n := w.subnet(v, "a1", "10.0.1.0/24")
	w.server(n, "web", "10.0.1.10")
	box := w.server(w.subnet(v, "a2", "10.0.2.0/24"), "box", "10.0.2.10")
	off(w, box)
	t := network.RouteTableID(w.call(w.do(network.CreateRouteTable{VPC: v}), "to-box"))
	w.do(network.AssociateTable{Table: t, Subnet: n})
	w.route(t, "0.0.0.0/0", network.ToENI{ENI: box})
	return box
}
