package network

import (
	"maps"
	"slices"
)

// Quota names a limit on how many things there may be (AWS: Amazon VPC quotas;
// VPC peering connection quotas). It is the Detail of a LimitExceeded error,
// whose Subject is the thing that is full.
type Quota string

// The quotas.
const (
	QuotaVPCs            Quota = "VPCs per Region"
	QuotaSubnets         Quota = "subnets per VPC"
	QuotaENIs            Quota = "network interfaces per Region"
	QuotaTables          Quota = "route tables per VPC"
	QuotaRoutes          Quota = "routes per route table" // IPv4 and IPv6 counted apart
	QuotaGateways        Quota = "internet gateways per Region"
	QuotaEgressGateways  Quota = "egress-only internet gateways per Region"
	QuotaAddresses       Quota = "Elastic IP addresses per Region"
	QuotaDHCPOptions     Quota = "DHCP option sets per Region"
	QuotaGroups          Quota = "security groups per Region"
	QuotaRules           Quota = "rules per security group" // each direction and family counted apart
	QuotaGroupsPerENI    Quota = "security groups per network interface"
	QuotaACLs            Quota = "network ACLs per VPC"
	QuotaEntries         Quota = "rules per network ACL" // each direction counted apart
	QuotaPeerings        Quota = "active VPC peering connections per VPC"
	QuotaPeeringRequests Quota = "outstanding VPC peering connection requests"
	QuotaBlocks          Quota = "IPv4 CIDR blocks per VPC"
	QuotaBlocks6         Quota = "IPv6 CIDR blocks per VPC"
	QuotaSubnetBlocks6   Quota = "IPv6 CIDR blocks per subnet"
	QuotaInterfaces      Quota = "network interfaces per instance" // the instance type's
	QuotaAddrs           Quota = "addresses per network interface" // the instance type's; each family counted apart
	QuotaFlowLogs        Quota = "flow logs per resource"
	QuotaTemplates       Quota = "launch templates per Region"
	QuotaTags            Quota = "tags per resource"

	QuotaInsightsPaths       Quota = "network insights paths per Region"
	QuotaInsightsAnalyses    Quota = "network insights analyses per Region"
	QuotaAccessScopes        Quota = "network access scopes per Region"
	QuotaAccessScopeAnalyses Quota = "network access scope analyses per Region"
	QuotaRunningScopes       Quota = "concurrent network access scope analyses"
)

// defaultQuotas are AWS's, but for the number of VPCs, and of the gateways that AWS
// raises with it: AWS's 5 protect a shared
// cloud, and would only hurt on a machine of one's own. All but the tags' can be
// raised on AWS on request, and here by SetQuota.
var defaultQuotas = map[Quota]int{
	QuotaVPCs: 10_000, QuotaSubnets: 200, QuotaENIs: 5000,
	QuotaTables: 200, QuotaRoutes: 500,
	QuotaGateways: 10_000, QuotaEgressGateways: 10_000, QuotaAddresses: 5, QuotaDHCPOptions: 100,
	QuotaGroups: 2500, QuotaRules: 60, QuotaGroupsPerENI: 5,
	QuotaACLs: 200, QuotaEntries: 20,
	QuotaPeerings: 50, QuotaPeeringRequests: 25,
	QuotaBlocks: 5, QuotaBlocks6: 5,
	QuotaFlowLogs: 2, QuotaTags: 50,
	QuotaInsightsPaths: 1000, QuotaInsightsAnalyses: 10_000, QuotaAccessScopes: 1000, QuotaAccessScopeAnalyses: 10_000,
	QuotaRunningScopes: 25,
	QuotaTemplates:     5000,
}

// Quota is the limit that holds for the caller's account and Region.
func (s State) Quota(c Caller, q Quota) int {
	if w := s.World(c); w != nil {
		if n, ok := w.Quotas[q]; ok {
			return n
		}
	}
	return defaultQuotas[q]
}

// SetQuota changes one of the caller's quotas, as AWS does on request (AWS:
// Service Quotas, Requesting a quota increase).
type SetQuota struct {
	Quota Quota
	Limit int
}

func (r SetQuota) apply(e *edit) error {
	if err := checkQuota(r.Quota, r.Limit); err != nil {
		return err
	}
	w := e.World(e.op.Caller)
	if w == nil {
		return fail(NotFound, e.home().World())
	}
	next := *w
	next.Quotas = map[Quota]int{r.Quota: r.Limit}
	for q, n := range w.Quotas {
		if q != r.Quota {
			next.Quotas[q] = n
		}
	}
	put(e, &e.worlds, kindWorld, &next)
	return nil
}

func checkQuota(q Quota, limit int) error {
	if _, ok := defaultQuotas[q]; !ok || q == QuotaTags || limit < 0 {
		return failWith(InvalidValue, q, "quota")
	}
	return nil
}

// SetQuotas makes the caller's quotas these, and AWS's defaults for all others.
type SetQuotas struct{ Quotas map[Quota]int }

func (r SetQuotas) apply(e *edit) error {
	for q, n := range r.Quotas {
		if err := checkQuota(q, n); err != nil {
			return err
		}
	}
	w := e.World(e.op.Caller)
	if w == nil {
		return fail(NotFound, e.home().World())
	}
	if maps.Equal(w.Quotas, r.Quotas) {
		return nil
	}
	next := *w
	next.Quotas = r.Quotas
	put(e, &e.worlds, kindWorld, &next)
	return nil
}

// RaisableQuotas are those that SetQuota may change, with AWS's defaults.
func RaisableQuotas() map[Quota]int {
	out := maps.Clone(defaultQuotas)
	delete(out, QuotaTags)
	return out
}

// use is one thing that counts against a quota of scope: a world or an ID.
type use struct {
	scope string
	quota Quota
}

func (u use) key() string { return u.scope + ">" + string(u.quota) }

// counted is a row that counts against quotas, so that no op has to count rows.
type counted interface{ uses() []use }

func usesOf(r indexed) []use {
	if row, ok := r.(counted); ok {
		return row.uses()
	}
	return nil
}

// tally is how much of each quota is used.
type tally struct{ tree[int] }

func (t tally) of(u use) int {
	n, _ := t.get(u.key())
	return n
}

// move counts what a row used no longer, and what it uses now.
func (t *tally) move(by *turn, was, is []use) {
	if slices.Equal(was, is) {
		return
	}
	for _, u := range was {
		t.add(by, u, -1)
	}
	for _, u := range is {
		t.add(by, u, +1)
	}
}

func (t *tally) add(by *turn, u use, n int) {
	if n += t.of(u); n == 0 {
		t.delete(by, u.key())
	} else {
		t.set(by, u.key(), n)
	}
}

// room is an error unless one more fits into a quota. Scope is what is full:
// the VPC, or the world for what is counted per Region.
func (e *edit) room(scope string, q Quota) error {
	if e.used.of(use{scope, q}) >= e.Quota(e.op.Caller, q) {
		return failWith(LimitExceeded, scope, q)
	}
	return nil
}
