package network

import (
	"fmt"
	"testing"
)

// AWS: Amazon VPC quotas; VPC peering connection quotas; Tag restrictions. The
// number of VPCs is ours: see defaultQuotas.
func TestQuotasAreAWSs(t *testing.T) {
	want := map[Quota]int{
		QuotaSubnets: 200, QuotaENIs: 5000, QuotaTables: 200, QuotaRoutes: 500, QuotaGroups: 2500, QuotaRules: 60,
		QuotaGroupsPerENI: 5, QuotaACLs: 200, QuotaEntries: 20, QuotaPeerings: 50, QuotaPeeringRequests: 25,
		QuotaBlocks: 5, QuotaBlocks6: 5, QuotaFlowLogs: 2, QuotaTags: 50,
		QuotaInsightsPaths: 1000, QuotaInsightsAnalyses: 10_000, QuotaAccessScopes: 1000, QuotaAccessScopeAnalyses: 10_000,
		QuotaRunningScopes: 25,
	}
	for q, n := range want {
		if got := (State{}).Quota(home, q); got != n {
			t.Errorf("%s is %d, want %d", q, got, n)
		}
	}
}

// AWS: Service Quotas: a quota belongs to an account and Region.
func TestAChangedQuotaIsItsWorldsOwn(t *testing.T) {
	w := newSite(t)
	for _, c := range []Caller{home, stranger, elsewhere} {
		w.doAs(c, OpenWorld{Zones: zones})
	}
	w.do(SetQuota{QuotaACLs, 1})
	w.do(SetQuota{QuotaRules, 7})
	w.do(SetQuota{QuotaRules, 8})
	for _, tc := range []struct {
		c           Caller
		acls, rules int
	}{{home, 1, 8}, {stranger, 200, 60}, {elsewhere, 200, 60}} {
		if acls, rules := w.Quota(tc.c, QuotaACLs), w.Quota(tc.c, QuotaRules); acls != tc.acls || rules != tc.rules {
			t.Errorf("%v has %d and %d, want %d and %d", tc.c, acls, rules, tc.acls, tc.rules)
		}
	}
	for _, bad := range []SetQuota{{QuotaTags, 60}, {"", 1}, {QuotaRules, -1}} {
		w.refuses(bad, InvalidValue, string(bad.Quota), "quota")
	}
}

// A quota lowered below what exists takes nothing away, and is full.
func TestALoweredQuotaOnlyStopsMore(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	v := w.newVPC(home, "10.0.0.0/16")
	for range 3 {
		w.newACL(v.ID)
	}
	w.do(SetQuota{QuotaACLs, 2})
	w.refuses(CreateACL{VPC: v.ID}, LimitExceeded, string(v.ID), string(QuotaACLs))
	for a := range w.ACLsIn(v.ID) {
		if !a.Default {
			w.do(DeleteACL{a.ID})
		}
	}
	w.newACL(v.ID)
	w.refuses(CreateACL{VPC: v.ID}, LimitExceeded, string(v.ID), string(QuotaACLs))
}

// Whatever is made and deleted gives its place back.
func TestDeletingGivesThePlaceBack(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	v, peer := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	w.do(SetQuota{QuotaTables, 2})
	w.do(SetQuota{QuotaACLs, 2})
	w.do(SetQuota{QuotaGroups, 4})
	w.do(SetQuota{QuotaPeeringRequests, 1})
	w.do(SetQuota{QuotaPeerings, 1})
	for k := range 3 {
		table := RouteTableID(w.do(CreateRouteTable{VPC: v.ID}))
		w.refuses(CreateRouteTable{VPC: v.ID}, LimitExceeded, string(v.ID), string(QuotaTables))
		acl := w.newACL(v.ID)
		group := w.newGroup(home, v.ID, fmt.Sprint("g", k))
		pcx := w.newPeering(home, v.ID, home, peer.ID)
		w.do(DeleteRouteTable{table})
		w.do(DeleteACL{acl})
		w.do(DeleteSecurityGroup{group})
		w.do(DeletePeering{pcx})
	}
}
