package network

import (
	"testing"
	"time"
)

// TestAWorldHasTheQuotasItIsGiven opens one with a quota, and gives it others later.
func TestAWorldHasTheQuotasItIsGiven(t *testing.T) {
	var s State
	do := func(r Request) error {
		next, err := s.Apply(Op{Caller: home, At: time.Unix(0, 0), Request: r})
		s = next
		return err
	}
	if err := do(OpenWorld{Zones: []string{"us-east-1a"}, Quotas: map[Quota]int{QuotaVPCs: 1}}); err != nil {
		t.Fatal(err)
	}
	if s.Quota(home, QuotaVPCs) != 1 || s.Quota(home, QuotaSubnets) != 200 {
		t.Errorf("%d VPCs, %d subnets", s.Quota(home, QuotaVPCs), s.Quota(home, QuotaSubnets))
	}
	if err := do(SetQuotas{map[Quota]int{QuotaSubnets: 7}}); err != nil || s.Quota(home, QuotaVPCs) != 10_000 || s.Quota(home, QuotaSubnets) != 7 {
		t.Errorf("%v: %d VPCs, %d subnets", err, s.Quota(home, QuotaVPCs), s.Quota(home, QuotaSubnets))
	}
	at := s.Generation
	if err := do(SetQuotas{map[Quota]int{QuotaSubnets: 7}}); err != nil || s.Generation != at {
		t.Errorf("the same again: %v, generation %d, was %d", err, s.Generation, at)
	}
	for _, bad := range []map[Quota]int{{"bananas": 1}, {QuotaTags: 60}, {QuotaVPCs: -1}} {
		if err := do(SetQuotas{bad}); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if _, ok := RaisableQuotas()[QuotaTags]; ok || len(RaisableQuotas()) < 10 {
		t.Error("the list of what can be raised is wrong")
	}
}
