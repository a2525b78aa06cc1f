package network

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
)

// unsound says what is wrong with a State; "" when nothing is.
func unsound(s State) string {
	for _, check := range []func(State) string{
		idTwice, dangling, addressFault, blockFault, peeringFault, instanceFault, routeFault, gatewayFault, publicFault,
	} {
		if fault := check(s); fault != "" {
			return fault
		}
	}
	return ""
}

// staleIndex compares the indexes with those of a State made from the rows.
func staleIndex(s State) string {
	var fresh edit
	for _, r := range allRows(s) {
		fresh.reindex(r.key, nil, r.row.(indexed))
	}
	if got, want := dumpIndexes(s), dumpIndexes(fresh.State); got != want {
		return "an index is stale: got\n" + got + "want\n" + want
	}
	return ""
}

// idsIn are the IDs that a row gives to itself and its parts.
func idsIn(v reflect.Value) []reflect.Value {
	var out []reflect.Value
	switch v.Kind() {
	case reflect.Struct:
		for k := range v.NumField() {
			name := v.Type().Field(k).Name
			own := name == "ID" || strings.HasSuffix(name, "Association")
			if f := v.Field(k); own && f.Kind() == reflect.String {
				out = append(out, f)
			} else if v.Type().Field(k).IsExported() {
				out = append(out, idsIn(f)...)
			}
		}
	case reflect.Slice:
		for k := range v.Len() {
			out = append(out, idsIn(v.Index(k))...)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out = idsIn(v.Elem())
		}
	}
	return out
}

func idTwice(s State) string {
	seen := map[string]string{}
	for _, r := range allRows(s) {
		for _, id := range idsIn(reflect.ValueOf(r.row).Elem()) {
			if other := seen[id.String()]; id.String() != "" && other != "" {
				return fmt.Sprintf("%s is in %s and in %s", id, other, r.key)
			}
			seen[id.String()] = r.key
		}
	}
	return ""
}

// dangling finds references to what doesn't exist, or lies in another VPC. Those
// that may dangle are not looked at: routes become blackholes, rules go stale,
// ended peerings remember the VPCs they joined.
func dangling(s State) string {
	for n := range s.Subnets() {
		v, a := s.VPC(n.VPC), s.ACL(n.ACL)
		if v == nil || a == nil || a.VPC != v.ID || n.Home != v.Home {
			return fmt.Sprintf("%s refers to %s and %s", n.ID, n.VPC, n.ACL)
		}
		if t := s.TableOf(n); t == nil || t.VPC != v.ID {
			return fmt.Sprintf("%s has no table of its VPC", n.ID)
		}
	}
	for v := range s.VPCs() {
		t, a, g := s.RouteTable(v.MainTable), s.ACL(v.DefaultACL), s.SecurityGroup(v.DefaultGroup)
		if t == nil || a == nil || g == nil || t.VPC != v.ID || a.VPC != v.ID || g.VPC != v.ID {
			return fmt.Sprintf("%s lacks its own table, ACL or group", v.ID)
		}
	}
	for eni := range s.ENIs() {
		n := s.Subnet(eni.Subnet)
		if n == nil || n.VPC != eni.VPC || len(eni.Groups) == 0 || len(eni.Groups) > 5 {
			return fmt.Sprintf("%s is in %s of %s with groups %v", eni.ID, eni.Subnet, eni.VPC, eni.Groups)
		}
		for _, id := range eni.Groups {
			if g := s.SecurityGroup(id); g == nil || g.VPC != eni.VPC {
				return fmt.Sprintf("%s has %s", eni.ID, id)
			}
		}
	}
	for _, r := range allRows(s) {
		switch row := r.row.(type) {
		case *RouteTable:
			r.key = string(row.VPC)
		case *SecurityGroup:
			r.key = string(row.VPC)
		case *ACL:
			r.key = string(row.VPC)
		case *InternetGateway:
			r.key = string(row.VPC)
		case *TagSet:
			e := edit{State: s, op: Op{Caller: Caller{row.Owner, row.Region}}}
			if err := e.taggable(row.Resource); err != nil {
				return "tags of nothing: " + err.Error()
			}
			continue
		default:
			continue
		}
		if r.key != "" && s.VPC(VPCID(r.key)) == nil {
			return fmt.Sprintf("a %s is in %s", r.kind, r.key)
		}
	}
	return ""
}

func addressFault(s State) string {
	seen := map[string]ENIID{}
	for eni := range s.ENIs() {
		n := s.Subnet(eni.Subnet)
		if len(eni.AllAddrs()) == 0 || n.Native6 != (len(eni.Addrs) == 0) {
			return fmt.Sprintf("%s has addresses %v", eni.ID, eni.AllAddrs())
		}
		for _, a := range eni.AllAddrs() {
			if !n.Usable(a) {
				return fmt.Sprintf("%s has %v outside of %v or reserved", eni.ID, a, n.CIDR)
			}
			key := string(eni.VPC) + a.String()
			if other := seen[key]; other != "" {
				return fmt.Sprintf("%s and %s both have %v", eni.ID, other, a)
			}
			seen[key] = eni.ID
			if s.ENIWith(eni.VPC, a) != eni {
				return fmt.Sprintf("%v of %s is not found", a, eni.ID)
			}
		}
	}
	return ""
}

func blockFault(s State) string {
	amazon := map[netip.Prefix]VPCID{}
	defaults := map[string]VPCID{}
	for v := range s.VPCs() {
		blocks := v.Prefixes()
		for k, b := range blocks {
			if overlap(blocks[:k], []netip.Prefix{b}) || b != b.Masked() {
				return fmt.Sprintf("%s has blocks %v", v.ID, blocks)
			}
			if b.Addr().Is6() {
				if amazon[b] != "" {
					return fmt.Sprintf("%s and %s both have %v", v.ID, amazon[b], b)
				}
				amazon[b] = v.ID
			}
		}
		if v.Default {
			if defaults[v.World()] != "" {
				return "two default VPCs in " + v.World()
			}
			defaults[v.World()] = v.ID
		}
		var subnets []netip.Prefix
		for n := range s.SubnetsIn(v.ID) {
			for _, p := range []netip.Prefix{n.CIDR, n.CIDR6()} {
				if !p.IsValid() {
					continue
				}
				inside := false
				for _, b := range blocks {
					inside = inside || within(p, b)
				}
				if !inside || overlap(subnets, []netip.Prefix{p}) {
					return fmt.Sprintf("%s has %v in %v beside %v", n.ID, p, blocks, subnets)
				}
				subnets = append(subnets, p)
			}
		}
	}
	return ""
}

func peeringFault(s State) string {
	joined := map[[2]VPCID]PeeringID{}
	for p := range s.Peerings() {
		if p.Status != PeeringActive && p.Status != PeeringProvisioning {
			continue
		}
		a, b := s.VPC(p.Requester.VPC), s.VPC(p.Accepter.VPC)
		if a == nil || b == nil || overlap(a.Prefixes(), b.Prefixes()) {
			return fmt.Sprintf("%s is %v", p.ID, p.Status)
		}
		pair := [2]VPCID{min(a.ID, b.ID), max(a.ID, b.ID)}
		if joined[pair] != "" {
			return fmt.Sprintf("%s and %s join the same VPCs", p.ID, joined[pair])
		}
		joined[pair] = p.ID
	}
	return ""
}

func instanceFault(s State) string {
	for i := range s.Instances() {
		devices := map[int]bool{}
		for eni := range s.ENIsAt(i.ID) {
			if devices[eni.Attachment.Device] || s.Subnet(eni.Subnet).Zone != i.Zone {
				return fmt.Sprintf("%s is attached wrongly: %+v", eni.ID, eni.Attachment)
			}
			devices[eni.Attachment.Device] = true
		}
		if devices[0] == (i.State == InstanceTerminated) {
			return fmt.Sprintf("%s is %v and has devices %v", i.ID, i.State, devices)
		}
		if i.MaxInterfaces > 0 && len(devices) > i.MaxInterfaces {
			return fmt.Sprintf("%s has devices %v", i.ID, devices)
		}
	}
	for eni := range s.ENIs() {
		if at := eni.Attachment; at != nil && s.Instance(at.Instance) == nil {
			return fmt.Sprintf("%s is attached to %s", eni.ID, at.Instance)
		}
	}
	return ""
}

func routeFault(s State) string {
	for t := range s.RouteTables() {
		seen := map[netip.Prefix]bool{}
		var local []netip.Prefix
		for _, r := range t.Routes {
			if seen[r.Dst] || r.Dst != r.Dst.Masked() {
				return fmt.Sprintf("%s has routes %v", t.ID, t.Routes)
			}
			seen[r.Dst] = true
			if r.Origin == OriginTable {
				local = append(local, r.Dst)
			}
		}
		for _, b := range s.VPC(t.VPC).Prefixes() {
			if !seen[b] {
				return fmt.Sprintf("%s has no local route to %v", t.ID, b)
			}
		}
		if len(local) != len(s.VPC(t.VPC).Prefixes()) {
			return fmt.Sprintf("%s has local routes %v", t.ID, local)
		}
	}
	return ""
}

// gatewayFault finds a VPC with two internet gateways, and gateways and VPCs of
// different accounts.
func gatewayFault(s State) string {
	has := map[VPCID]GatewayID{}
	for g := range s.gateways.all() {
		if g.VPC == "" {
			continue
		}
		if v := s.VPC(g.VPC); v == nil || v.Home != g.Home || has[g.VPC] != "" {
			return fmt.Sprintf("%s and %s are attached to %s", g.ID, has[g.VPC], g.VPC)
		}
		has[g.VPC] = g.ID
	}
	for g := range s.egress.all() {
		if v := s.VPC(g.VPC); v == nil || v.Home != g.Home {
			return fmt.Sprintf("%s is of %s", g.ID, g.VPC)
		}
	}
	for v := range s.VPCs() {
		if id := v.DHCPOptions; id != "" && id != NoDHCPOptions && s.DHCPOptions(Caller{v.Owner, v.Region}, id) == nil {
			return fmt.Sprintf("%s has options %s, which are gone", v.ID, id)
		}
	}
	return ""
}

// publicFault finds public addresses that two have, or that are of a private one
// that is gone, of a VPC without a gateway, or of one that has another already.
func publicFault(s State) string {
	public, private := map[netip.Addr]bool{}, map[string]bool{}
	for a := range s.addresses.all() {
		if public[a.Public] || !publicRange.Contains(a.Public) {
			return fmt.Sprintf("%s is %v, which another has or nobody may", a.ID, a.Public)
		}
		public[a.Public] = true
		if a.Association == "" {
			if a.ENI != "" || a.Private.IsValid() {
				return fmt.Sprintf("%s is free and of %s", a.ID, a.ENI)
			}
			continue
		}
		eni := s.ENI(a.ENI)
		if eni == nil || eni.Home != a.Home || !eni.Has(a.Private) || s.GatewayOf(eni.VPC) == nil || private[privateKey(a.ENI, a.Private)] {
			return fmt.Sprintf("%s is of %v of %s", a.ID, a.Private, a.ENI)
		}
		private[privateKey(a.ENI, a.Private)] = true
		if s.AddressFor(a.ENI, a.Private) != a {
			return fmt.Sprintf("%s is not found", a.ID)
		}
	}
	return ""
}
