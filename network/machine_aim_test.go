package network

import (
	"iter"
	"net/netip"
	"slices"
)

// aim gives most requests what they need and chance would hardly ever find.
func (m *machine) aim(r Request) Request {
	if m.oneIn(4) {
		return r
	}
	for _, aim := range []func(Request) Request{m.aimAtVPC, m.aimAtSubnet, m.aimAtENI, m.aimAtInstance, m.aimAtRules, m.aimAtPeering, m.aimAtGateway, m.aimAtAddress, m.aimAtTemplate} {
		if aimed := aim(r); aimed != nil {
			return aimed
		}
	}
	return r
}

// some is one of rows, or nil.
func some[V any](m *machine, rows iter.Seq[*V], fits func(*V) bool) *V {
	var fit []*V
	for v := range rows {
		if fits(v) {
			fit = append(fit, v)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return pick(m, fit)
}

func anyOne[V any](*V) bool { return true }

func (m *machine) aimAtVPC(r Request) Request {
	v := some(m, m.VPCsOf(m.caller), anyOne)
	if v == nil {
		return nil
	}
	block := pick(m, v.Blocks).CIDR
	switch r := r.(type) {
	case CreateSubnet:
		r.VPC, r.Native6, r.CIDR6 = v.ID, false, netip.Prefix{}
		bits := max(block.Bits(), 24+m.rand.IntN(5))
		r.CIDR = netip.PrefixFrom(nth(block, uint64(m.rand.IntN(4096))&lastPlace(block)), bits)
		if len(v.Blocks6) > 0 && m.oneIn(2) {
			r.CIDR6 = nth64(v.Blocks6[0].CIDR, m.rand.IntN(8))
			if m.oneIn(4) {
				r.Native6, r.CIDR = true, netip.Prefix{}
			}
		}
		return r
	case DisassociateVPCBlock:
		blocks := append(slices.Clone(v.Blocks), v.Blocks6...)
		return DisassociateVPCBlock{blocks[len(blocks)-1].Association}
	case ReplaceTableAssociation:
		return ReplaceTableAssociation{v.MainAssociation, some(m, m.RouteTablesIn(v.ID), anyOne).ID}
	case DeleteRoute:
		t := some(m, m.RouteTablesIn(v.ID), anyOne)
		return DeleteRoute{t.ID, pick(m, t.Routes).Dst}
	case ReplaceRoute:
		t := some(m, m.RouteTablesIn(v.ID), anyOne)
		if m.oneIn(2) {
			r.To = ToLocal{}
		}
		return ReplaceRoute{t.ID, pick(m, t.Routes).Dst, r.To}
	}
	return nil
}

// nth64 is the n-th /64 of a /56.
func nth64(p netip.Prefix, n int) netip.Prefix {
	b := p.Addr().As16()
	b[7] = byte(n)
	return netip.PrefixFrom(netip.AddrFrom16(b), subnetBits6)
}

func (m *machine) aimAtSubnet(r Request) Request {
	n := some(m, m.SubnetsOf(m.caller), anyOne)
	if n == nil {
		return nil
	}
	v := m.VPC(n.VPC)
	switch r := r.(type) {
	case CreateENI:
		return CreateENI{ENISpec: m.specFor(n, r.ENISpec), Tags: r.Tags}
	case RunInstances:
		r.KeyName, r.ShutdownBehavior, r.Zone, r.Min = "", "", "", 1
		r.Interfaces = []InterfaceSpec{{New: m.specFor(n, ENISpec{}), DeleteOnTermination: m.oneIn(2)}}
		return r
	case AssociateSubnetBlock:
		fits := func(n *Subnet) bool { return len(n.Blocks6) == 0 && len(m.VPC(n.VPC).Blocks6) > 0 }
		if n := some(m, m.SubnetsOf(m.caller), fits); n != nil {
			return AssociateSubnetBlock{n.ID, nth64(m.VPC(n.VPC).Blocks6[0].CIDR, m.rand.IntN(8))}
		}
	case DisassociateSubnetBlock:
		if len(n.Blocks6) > 0 {
			return DisassociateSubnetBlock{n.Blocks6[0].Association}
		}
	case AssociateTable:
		return AssociateTable{some(m, m.RouteTablesIn(v.ID), anyOne).ID, n.ID}
	case DisassociateTable:
		if n := some(m, m.SubnetsOf(m.caller), func(n *Subnet) bool { return n.Table != "" }); n != nil {
			return DisassociateTable{n.TableAssociation}
		}
	case ReplaceACLAssociation:
		return ReplaceACLAssociation{n.ACLAssociation, some(m, m.ACLsIn(v.ID), anyOne).ID}
	}
	return nil
}

// specFor is an interface that the subnet can have.
func (m *machine) specFor(n *Subnet, spec ENISpec) ENISpec {
	spec.Subnet, spec.Groups = n.ID, nil
	for g := range m.SecurityGroupsIn(n.VPC) {
		if len(spec.Groups) < 5 && m.oneIn(2) {
			spec.Groups = append(spec.Groups, g.ID)
		}
	}
	if n.Native6 {
		spec.Addrs, spec.Extra = nil, 0
	}
	if len(n.Blocks6) == 0 {
		spec.Addrs6, spec.Extra6 = nil, 0
	}
	return spec
}

func (m *machine) aimAtENI(r Request) Request {
	eni := some(m, m.ENIsOf(m.caller), anyOne)
	if eni == nil {
		return nil
	}
	n := m.Subnet(eni.Subnet)
	switch r := r.(type) {
	case AttachENI:
		free := some(m, m.ENIsOf(m.caller), func(eni *ENI) bool { return eni.Attachment == nil })
		i := some(m, m.InstancesOf(m.caller), func(i *Instance) bool { return i.State == InstanceRunning })
		if free != nil && i != nil {
			return AttachENI{free.ID, i.ID, r.Device + 1}
		}
	case DetachENI:
		eni := some(m, m.ENIsOf(m.caller), func(eni *ENI) bool { return eni.Attachment != nil && eni.Attachment.Device > 0 })
		if eni != nil {
			return DetachENI{Attachment: eni.Attachment.ID}
		}
	case SetENIAttribute:
		r.ENI, r.Groups = eni.ID, m.specFor(n, ENISpec{}).Groups
		if r.Attachment = ""; eni.Attachment != nil && r.DeleteOnTermination != nil {
			r.Attachment = eni.Attachment.ID
		}
		return r
	case AssignAddrs:
		r.ENI, r.Addrs, r.Count = eni.ID, nil, 1+m.rand.IntN(2)
		if !n.Native6 && m.oneIn(2) {
			r.Addrs, r.Count = []netip.Addr{nth(n.CIDR, uint64(3+m.rand.IntN(12)))}, 0
		}
		return r
	case AssignAddrs6:
		if n.CIDR6().IsValid() {
			return AssignAddrs6{ENI: eni.ID, Count: 1}
		}
	case UnassignAddrs:
		eni := some(m, m.ENIsOf(m.caller), func(eni *ENI) bool { return len(eni.Addrs) > 1 })
		if eni != nil {
			return UnassignAddrs{eni.ID, eni.Addrs[1:]}
		}
	case UnassignAddrs6:
		eni := some(m, m.ENIsOf(m.caller), func(eni *ENI) bool { return len(eni.Addrs6) > 0 })
		if eni != nil {
			return UnassignAddrs6{eni.ID, eni.Addrs6[:1]}
		}
	}
	return nil
}

func (m *machine) aimAtInstance(r Request) Request {
	i := some(m, m.InstancesOf(m.caller), anyOne)
	if i == nil {
		return nil
	}
	ids := []InstanceID{i.ID}
	switch r := r.(type) {
	case StartInstances:
		return StartInstances{ids}
	case StopInstances:
		return StopInstances{Instances: ids}
	case RebootInstances:
		return RebootInstances{ids}
	case TerminateInstances:
		return TerminateInstances{ids}
	case SetInstanceAttribute:
		r.Instance, r.Groups, r.ShutdownBehavior, r.Metadata = i.ID, nil, nil, nil
		if i.State != InstanceStopped {
			r.Type, r.UserData = nil, nil
		}
		return r
	case ReportStarted:
		return ReportStarted{i.ID, r.Boot}
	case ReportStopped:
		return ReportStopped{i.ID, r.Boot, r.Reason}
	case ReportEnded:
		return ReportEnded{i.ID}
	}
	return nil
}

func (m *machine) aimAtRules(r Request) Request {
	g := some(m, m.SecurityGroupsOf(m.caller), func(g *SecurityGroup) bool { return len(g.Rules) > 0 })
	if g == nil {
		return nil
	}
	one := pick(m, g.Rules)
	switch r.(type) {
	case DescribeRules:
		one.Description = "said"
		return DescribeRules{Group: g.ID, Egress: one.Egress, ByID: []Rule{one}}
	case ModifyRules:
		one.Protocol, one.Ports = TCP, PortRange{m.rand.IntN(9), 9}
		return ModifyRules{g.ID, []Rule{one}}
	case RevokeRules:
		return RevokeRules{Group: g.ID, Egress: one.Egress, IDs: []RuleID{one.ID}}
	case DeleteSecurityGroup:
		if g := some(m, m.SecurityGroupsOf(m.caller), func(g *SecurityGroup) bool { return !g.Default }); g != nil {
			return DeleteSecurityGroup{g.ID}
		}
	}
	return nil
}

// aimAtPeering lets the side do it that can.
func (m *machine) aimAtPeering(r Request) Request {
	status := PeeringPending
	if _, ok := r.(SetPeeringOptions); ok {
		status = PeeringActive
	}
	p := some(m, m.Peerings(), func(p *Peering) bool { return p.Status == status })
	if p == nil {
		return nil
	}
	accepter := Caller{p.Accepter.Owner, p.Accepter.Region}
	switch r := r.(type) {
	case AcceptPeering:
		m.caller = accepter
		return AcceptPeering{p.ID}
	case RejectPeering:
		m.caller = accepter
		return RejectPeering{p.ID}
	case SetPeeringOptions:
		m.caller = accepter
		r.Peering = p.ID
		return r
	}
	return nil
}

// aimAtGateway joins what is free and parts what is joined.
func (m *machine) aimAtGateway(r Request) Request {
	free := some(m, m.GatewaysOf(m.caller), func(g *InternetGateway) bool { return g.VPC == "" })
	joined := some(m, m.GatewaysOf(m.caller), func(g *InternetGateway) bool { return g.VPC != "" })
	v := some(m, m.VPCsOf(m.caller), func(v *VPC) bool { return m.GatewayOf(v.ID) == nil })
	switch r.(type) {
	case AttachGateway:
		if free != nil && v != nil {
			return AttachGateway{free.ID, v.ID}
		}
	case DetachGateway:
		if joined != nil {
			return DetachGateway{joined.ID, joined.VPC}
		}
	case DeleteGateway:
		if free != nil {
			return DeleteGateway{free.ID}
		}
	case AssociateDHCPOptions:
		d := some(m, m.DHCPOptionsOf(m.caller), func(*DHCPOptions) bool { return true })
		if v := some(m, m.VPCsOf(m.caller), anyOne); d != nil && v != nil {
			return AssociateDHCPOptions{d.ID, v.ID}
		}
	}
	return nil
}

// aimAtAddress gives addresses to interfaces in VPCs with a gateway.
func (m *machine) aimAtAddress(r Request) Request {
	a := some(m, m.AddressesOf(m.caller), func(a *Address) bool { return a.Association == "" })
	used := some(m, m.AddressesOf(m.caller), func(a *Address) bool { return a.Association != "" })
	switch r := r.(type) {
	case AllocateAddress:
		if m.oneIn(2) {
			r.Public = netip.Addr{}
		}
		return r
	case AssociateAddress:
		eni := some(m, m.ENIsOf(m.caller), func(eni *ENI) bool { return len(eni.Addrs) > 0 && m.GatewayOf(eni.VPC) != nil })
		if m.oneIn(4) {
			a = used
		}
		if a != nil && eni != nil {
			return AssociateAddress{Allocation: a.ID, ENI: eni.ID, Private: pick(m, eni.Addrs), Keep: r.Keep}
		}
	case DisassociateAddress:
		if used != nil {
			return DisassociateAddress{used.Association}
		}
	case ReleaseAddress:
		if a != nil {
			return ReleaseAddress{a.ID}
		}
	}
	return nil
}

// aimAtTemplate gives a template a name that it can have, and a version one that there is.
func (m *machine) aimAtTemplate(r Request) Request {
	if r, ok := r.(CreateLaunchTemplate); ok {
		r.Name = pick(m, []string{"web", "database", "lab/build"})
		return r
	}
	l := some(m, m.LaunchTemplatesOf(m.caller), anyOne)
	if l == nil {
		return nil
	}
	switch r := r.(type) {
	case SetDefaultVersion:
		r.Template, r.Version = l.ID, pick(m, l.Versions).Number
		return r
	case DeleteTemplateVersions:
		r.Template = l.ID
		return r
	}
	return nil
}
