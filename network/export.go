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
			export(yield, kindGateway, s.gateways) && export(yield, kindKeyPair, s.keyPairs) && export(yield, kindFlowLog, s.flowLogs) &&
			export(yield, kindTags, s.tags) && export(yield, kindToken, s.tokens)
	}
}

func export[V row](yield func(Change) bool, kind string, t table[V]) bool {
	for v := range t.all() {
		if !yield(Change{Kind: kind, Key: v.key(), Row: v}) {
			return false
		}
	}
	return true
}
