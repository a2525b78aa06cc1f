package network

import "iter"

// Rows are all rows of the State, as changes that would make it out of nothing: a
// Loader that is given them builds it again. The order is that of kinds, then of
// keys.
func (s State) Rows() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		_ = export(yield, kindWorld, s.worlds) && export(yield, kindVPC, s.vpcs) && export(yield, kindSubnet, s.subnets) &&
			export(yield, kindENI, s.enis) && export(yield, kindInstance, s.instances) && export(yield, kindRouteTable, s.routeTables) &&
			export(yield, kindPeering, s.peerings) && export(yield, kindGroup, s.groups) && export(yield, kindACL, s.acls) &&
			export(yield, kindGateway, s.gateways) && export(yield, kindEgress, s.egress) && export(yield, kindAddress, s.addresses) &&
			export(yield, kindDHCPOptions, s.optionSets) && export(yield, kindKeyPair, s.keyPairs) && export(yield, kindFlowLog, s.flowLogs) &&
			export(yield, kindTags, s.tags) && export(yield, kindToken, s.tokens)
	}
}

// KindsSince are the kinds of rows that may differ between an earlier State of the
// same history and s, in the order of Rows. It looks at no row.
func (s State) KindsSince(earlier State) []string {
	kinds := []string{}
	note := func(kind string, differs bool) {
		if differs {
			kinds = append(kinds, kind)
		}
	}
	note(kindWorld, s.worlds != earlier.worlds)
	note(kindVPC, s.vpcs != earlier.vpcs)
	note(kindSubnet, s.subnets != earlier.subnets)
	note(kindENI, s.enis != earlier.enis)
	note(kindInstance, s.instances != earlier.instances)
	note(kindRouteTable, s.routeTables != earlier.routeTables)
	note(kindPeering, s.peerings != earlier.peerings)
	note(kindGroup, s.groups != earlier.groups)
	note(kindACL, s.acls != earlier.acls)
	note(kindGateway, s.gateways != earlier.gateways)
	note(kindEgress, s.egress != earlier.egress)
	note(kindAddress, s.addresses != earlier.addresses)
	note(kindDHCPOptions, s.optionSets != earlier.optionSets)
	note(kindKeyPair, s.keyPairs != earlier.keyPairs)
	note(kindFlowLog, s.flowLogs != earlier.flowLogs)
	note(kindTags, s.tags != earlier.tags)
	note(kindToken, s.tokens != earlier.tokens)
	return kinds
}

func export[V row](yield func(Change) bool, kind string, t table[V]) bool {
	for v := range t.all() {
		if !yield(Change{Kind: kind, Key: v.key(), Row: v}) {
			return false
		}
	}
	return true
}
