package scenario

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"tombolo/network"
)

// statement carries out one line that changes the network.
func (w *world) statement(line Line) error {
	words := &words{line.Words[1:]}
	var err error
	switch line.Words[0] {
	case "vpc":
		err = w.sayVPC(words)
	case "subnet":
		err = w.saySubnet(words)
	case "table":
		err = w.sayTable(words)
	case "route":
		err = w.sayRoute(words)
	case "peering":
		err = w.sayPeering(words)
	case "sg":
		err = w.saySG(words)
	case "acl":
		err = w.sayACL(words)
	case "eni":
		err = w.sayENI(words)
	case "instance":
		err = w.sayInstance(words)
	case "gateway":
		err = w.sayGateway(words)
	case "egress":
		err = w.sayEgress(words)
	case "address":
		err = w.sayAddress(words)
	case "close":
		err = w.sayClose(words)
	default:
		return fmt.Errorf("%q is no word of this language", line.Words[0])
	}
	if err != nil {
		return err
	}
	return words.end()
}

func (w *world) sayVPC(words *words) error {
	name, who, ipv6 := words.next(), home, false
	if words.accept("default") {
		return w.defaultVPC(name)
	}
	var blocks []netip.Prefix
	for len(words.rest) > 0 {
		switch {
		case words.accept("ipv6"):
			ipv6 = true
		case words.accept("account"):
			who.Account = network.Account(words.next())
		case words.accept("region"):
			who.Region = network.Region(words.next())
		default:
			p, err := w.prefix(words.next())
			if err != nil {
				return err
			}
			blocks = append(blocks, p)
		}
	}
	if len(blocks) == 0 {
		return fmt.Errorf("vpc %s needs a CIDR", name)
	}
	id, err := w.make(who, "vpc", name, network.CreateVPC{CIDR: blocks[0], Amazon6: ipv6})
	if err != nil {
		return err
	}
	for _, p := range blocks[1:] {
		if _, err := w.do(who, network.AssociateVPCBlock{VPC: network.VPCID(id), CIDR: p}); err != nil {
			return err
		}
	}
	w.nameDefaults(name, w.state.VPC(network.VPCID(id)))
	return nil
}

func (w *world) nameDefaults(name string, v *network.VPC) {
	w.name("table", name+".main", string(v.MainTable))
	w.name("acl", name+".acl", string(v.DefaultACL))
	w.name("sg", name+".default", string(v.DefaultGroup))
}

// defaultVPC names the VPC that an account has from the first day.
func (w *world) defaultVPC(name string) error {
	if _, err := w.do(home, network.OpenWorld{Zones: zones(home)}); err != nil {
		return err
	}
	v := w.state.DefaultVPC(home)
	w.name("vpc", name, string(v.ID))
	w.nameDefaults(name, v)
	for g := range w.state.GatewaysOf(home) {
		if g.VPC == v.ID {
			w.name("gateway", name+".igw", string(g.ID))
		}
	}
	return nil
}

func (w *world) saySubnet(words *words) error {
	name := words.next()
	if !words.accept("in") {
		return fmt.Errorf("subnet %s in which VPC?", name)
	}
	v, who, err := w.vpc(words.next())
	if err != nil {
		return err
	}
	p, err := w.prefix(words.next())
	if err != nil {
		return err
	}
	r := network.CreateSubnet{VPC: v.ID, CIDR: p, Zone: zones(who)[0], Zones: zones(who)}
	if words.accept("ipv6") {
		if len(v.Blocks6) == 0 {
			return fmt.Errorf("the VPC of subnet %s has no IPv6 block", name)
		}
		r.CIDR6 = w.nextSubnet6(v)
	}
	_, err = w.make(who, "subnet", name, r)
	return err
}

// nextSubnet6 is the first /64 of the VPC's IPv6 block that no subnet has.
func (w *world) nextSubnet6(v *network.VPC) netip.Prefix {
	b := v.Blocks6[0].CIDR.Addr().As16()
	for ; ; b[7]++ {
		p := netip.PrefixFrom(netip.AddrFrom16(b), 64)
		taken := false
		for n := range w.state.SubnetsIn(v.ID) {
			taken = taken || n.CIDR6() == p
		}
		if !taken {
			return p
		}
	}
}

func (w *world) sayTable(words *words) error {
	name := words.next()
	if words.accept("in") {
		v, who, err := w.vpc(words.next())
		if err != nil {
			return err
		}
		if _, err := w.make(who, "table", name, network.CreateRouteTable{VPC: v.ID}); err != nil {
			return err
		}
	}
	if !words.accept("for") {
		return nil
	}
	id, err := w.id("table", name)
	if err != nil {
		return err
	}
	for len(words.rest) > 0 {
		if err := w.follow(words.next(), network.RouteTableID(id)); err != nil {
			return err
		}
	}
	return nil
}

// follow makes a subnet follow a table. Following the main table means to have
// no association of its own.
func (w *world) follow(subnet string, table network.RouteTableID) error {
	n, who, err := w.subnet(subnet)
	if err != nil {
		return err
	}
	main := w.state.VPC(n.VPC).MainTable == table
	switch {
	case main && n.Table == "":
		return nil
	case main:
		_, err = w.do(who, network.DisassociateTable{Association: n.TableAssociation})
	case n.Table == "":
		_, err = w.do(who, network.AssociateTable{Table: table, Subnet: n.ID})
	default:
		_, err = w.do(who, network.ReplaceTableAssociation{Association: n.TableAssociation, Table: table})
	}
	return err
}

func (w *world) sayRoute(words *words) error {
	id, err := w.id("table", words.next())
	if err != nil {
		return err
	}
	dst, err := w.prefix(words.next())
	if err != nil {
		return err
	}
	table := w.state.RouteTable(network.RouteTableID(id))
	who := callerOf(table.Home)
	if words.accept("deleted") {
		_, err = w.do(who, network.DeleteRoute{Table: table.ID, Dst: dst})
		return err
	}
	to, err := w.target(words.next())
	if err != nil {
		return err
	}
	if _, exists := table.Route(dst.Masked()); exists {
		_, err = w.do(who, network.ReplaceRoute{Table: table.ID, Dst: dst, To: to})
	} else {
		_, err = w.do(who, network.CreateRoute{Table: table.ID, Dst: dst, To: to})
	}
	return err
}

func (w *world) target(name string) (network.Target, error) {
	if name == "local" {
		return network.ToLocal{}, nil
	}
	if id, err := w.id("peering", name); err == nil {
		return network.ToPeering{Peering: network.PeeringID(id)}, nil
	}
	if id, err := w.id("eni", name); err == nil {
		return network.ToENI{ENI: network.ENIID(id)}, w.settleMachines()
	}
	if id, err := w.id("gateway", name); err == nil {
		if network.Kind(id) == "eigw" {
			return network.ToEgress{Gateway: network.EgressGatewayID(id)}, nil
		}
		return network.ToGateway{Gateway: network.GatewayID(id)}, nil
	}
	if id, err := w.id("instance", name); err == nil {
		return network.ToENI{Instance: network.InstanceID(id)}, nil
	}
	return nil, fmt.Errorf("%q is no target of a route", name)
}

func (w *world) sayPeering(words *words) error {
	name := words.next()
	id, err := w.id("peering", name)
	if err != nil {
		a, who, err := w.vpc(words.next())
		if err != nil {
			return err
		}
		b, _, err := w.vpc(words.next())
		if err != nil {
			return err
		}
		id, err = w.make(who, "peering", name, network.RequestPeering{
			VPC: a.ID, PeerVPC: b.ID, PeerOwner: b.Owner, PeerRegion: b.Region,
		})
		if err != nil {
			return err
		}
	}
	state := words.next()
	if err := w.movePeering(network.PeeringID(id), state); err != nil {
		return err
	}
	if state == "pending" {
		state = "pending-acceptance"
	}
	if is := w.state.Peering(network.PeeringID(id)).Status.String(); is != state {
		return fmt.Errorf("peering %s is %s", name, is)
	}
	return nil
}

func (w *world) movePeering(id network.PeeringID, state string) error {
	p := w.state.Peering(id)
	requester, accepter := callerOf(p.Requester.Home), callerOf(p.Accepter.Home)
	var err error
	switch state {
	case "pending", "failed":
	case "active":
		_, err = w.do(accepter, network.AcceptPeering{Peering: id})
	case "rejected":
		_, err = w.do(accepter, network.RejectPeering{Peering: id})
	case "deleted":
		_, err = w.do(requester, network.DeletePeering{Peering: id})
	case "expired":
		// A request waits for seven days (AWS: VPC peering connection lifecycle).
		w.now = w.now.Add(7*24*time.Hour + time.Second)
		_, err = w.do(requester, network.Settle{})
	default:
		err = fmt.Errorf("%q is no state of a peering", state)
	}
	return err
}

func (w *world) sayACL(words *words) error {
	name := words.next()
	if _, err := w.id("acl", name); err != nil {
		if !words.accept("in") {
			return err
		}
		v, who, err := w.vpc(words.next())
		if err != nil {
			return err
		}
		if _, err := w.make(who, "acl", name, network.CreateACL{VPC: v.ID}); err != nil {
			return err
		}
	}
	id, err := w.id("acl", name)
	if err != nil {
		return err
	}
	acl := w.state.ACL(network.ACLID(id))
	who := callerOf(acl.Home)
	if words.accept("for") {
		for len(words.rest) > 0 {
			n, _, err := w.subnet(words.next())
			if err != nil {
				return err
			}
			if _, err := w.do(who, network.ReplaceACLAssociation{Association: n.ACLAssociation, ACL: acl.ID}); err != nil {
				return err
			}
		}
	}
	if len(words.rest) == 0 {
		return nil
	}
	return w.entry(words, acl, who)
}

func (w *world) entry(words *words, acl *network.ACL, who network.Caller) error {
	entry := network.ACLEntry{Egress: words.accept("out")}
	if !entry.Egress && !words.accept("in") {
		return fmt.Errorf("an ACL entry is in or out, not %q", words.next())
	}
	var err error
	if entry.Number, err = strconv.Atoi(words.next()); err != nil {
		return fmt.Errorf("an ACL entry needs a number")
	}
	if words.accept("deleted") {
		_, err = w.do(who, network.DeleteACLEntry{ACL: acl.ID, Number: entry.Number, Egress: entry.Egress})
		return err
	}
	entry.Allow = words.accept("allow")
	if !entry.Allow && !words.accept("deny") {
		return fmt.Errorf("an ACL entry allows or denies")
	}
	if entry.Protocol, entry.Ports, err = protocol(words.next()); err != nil {
		return err
	}
	if entry.CIDR, err = w.prefix(words.next()); err != nil {
		return err
	}
	if acl.Has(entry) {
		_, err = w.do(who, network.ReplaceACLEntry{ACL: acl.ID, Entry: entry})
	} else {
		_, err = w.do(who, network.CreateACLEntry{ACL: acl.ID, Entry: entry})
	}
	return err
}

// sayGateway makes an internet gateway, or parts it from its VPC, or joins it to one.
func (w *world) sayGateway(words *words) error {
	name := words.next()
	id, err := w.id("gateway", name)
	if words.accept("detached") {
		if err != nil {
			return err
		}
		g := w.state.Gateway(network.GatewayID(id))
		_, err = w.do(callerOf(g.Home), network.DetachGateway{Gateway: g.ID, VPC: g.VPC})
		return err
	}
	if !words.accept("in") {
		return fmt.Errorf("gateway %s in which VPC?", name)
	}
	v, who, errVPC := w.vpc(words.next())
	if errVPC != nil {
		return errVPC
	}
	if err != nil {
		if id, err = w.make(who, "gateway", name, network.CreateGateway{}); err != nil {
			return err
		}
	}
	_, err = w.do(who, network.AttachGateway{Gateway: network.GatewayID(id), VPC: v.ID})
	return err
}

// sayEgress makes an egress-only internet gateway.
func (w *world) sayEgress(words *words) error {
	name := words.next()
	if !words.accept("in") {
		return fmt.Errorf("egress-only gateway %s in which VPC?", name)
	}
	v, who, err := w.vpc(words.next())
	if err != nil {
		return err
	}
	_, err = w.make(who, "gateway", name, network.CreateEgressGateway{VPC: v.ID})
	return err
}

// sayAddress gives an interface an Elastic IP address.
func (w *world) sayAddress(words *words) error {
	name := words.next()
	if !words.accept("for") {
		return fmt.Errorf("address %s for which eni?", name)
	}
	e, who, err := w.eni(words.next())
	if err != nil {
		return err
	}
	id, err := w.make(who, "address", name, network.AllocateAddress{})
	if err != nil {
		return err
	}
	_, err = w.do(who, network.AssociateAddress{Allocation: network.AllocationID(id), ENI: e.ID})
	return err
}

func (w *world) sayClose(words *words) error {
	e, _, err := w.eni(words.next())
	if err != nil {
		return err
	}
	w.shut[shutKey(e.ID, words.next())] = true
	return nil
}

func shutKey(id network.ENIID, proto string) string { return string(id) + " " + proto }
