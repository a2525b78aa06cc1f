package network

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDueIsTheSoonest(t *testing.T) {
	w := newSite(t)
	if !w.Due().IsZero() {
		t.Errorf("in an empty State something is due at %v", w.Due())
	}
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID})
	if got, want := w.Due(), dayOne.Add(7*24*time.Hour); got != want {
		t.Errorf("due %v, want when the request expires: %v", got, want)
	}
	w.State, _ = w.withToken(home, "tok", CreateACL{VPC: a.ID})
	if got, want := w.Due(), dayOne.Add(24*time.Hour); got != want {
		t.Errorf("due %v, want when the token is forgotten: %v", got, want)
	}
	i := w.newInstance(home, w.newSubnet(home, a.ID, "10.0.1.0/24").ID)
	w.do(TerminateInstances{[]InstanceID{i}})
	w.do(ReportEnded{i})
	if got, want := w.Due(), dayOne.Add(time.Hour); got != want {
		t.Errorf("due %v, want when the instance is forgotten: %v", got, want)
	}
	w.pass(time.Hour)
	if w.Instance(i) != nil {
		t.Error("the terminated instance is still there")
	}
	if got, want := w.Due(), dayOne.Add(24*time.Hour); got != want {
		t.Errorf("due %v, want %v", got, want)
	}
}

func TestSettleWithNothingDueChangesNothing(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID})
	generation := w.Generation
	w.as(home, Settle{})
	if w.Generation != generation || len(w.Changes()) != 0 {
		t.Errorf("changed %v", w.Changes())
	}
}

func TestSettleAfterALongSleepCatchesUp(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	id := PeeringID(w.as(home, RequestPeering{VPC: a.ID, PeerVPC: b.ID}).Created[0])
	w.now = w.now.Add(365 * 24 * time.Hour)
	w.as(home, Settle{})
	// It expires now, and is shown from now.
	w.wantStatus(id, PeeringExpired)
	w.pass(48*time.Hour - time.Second)
	w.wantStatus(id, PeeringExpired)
	w.pass(time.Second)
	if w.Peering(id) != nil {
		t.Error("never forgotten")
	}
}

// A State built from its stored rows must know what is due, what is used and who
// refers to whom, as the one they came from does.
func TestLoadedStateHasTheSameIndexes(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	w.do(SetQuota{QuotaTables, 3})
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID, Tags: Tags{"a": "b"}})
	g := w.newGroup(home, a.ID, "web")
	w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{fromGroup(g), tcp(22, "10.0.0.0/8")}})
	w.do(CreateRouteTable{VPC: a.ID})
	w.do(ImportKeyPair{Name: "ops"})
	w.State, _ = w.withToken(home, "tok", CreateACL{VPC: a.ID})
	n := w.newSubnet(home, a.ID, "10.0.1.0/24")
	w.newInstance(home, n.ID)
	loaded := reload(t, w.State)
	if got, want := loaded.Due(), w.Due(); !got.Equal(want) {
		t.Errorf("due %v, want %v", got, want)
	}
	w.State = loaded
	w.do(CreateRouteTable{VPC: a.ID})
	w.refuses(CreateRouteTable{VPC: a.ID}, LimitExceeded, string(a.ID), string(QuotaTables))
	w.refuses(ImportKeyPair{Name: "ops"}, KeyPairExists, "ops", "")
	w.refuses(CreateSecurityGroup{VPC: a.ID, Name: "WEB", Description: "d"}, GroupExists, "WEB", string(a.ID))
	again, err := w.withToken(home, "tok", CreateACL{VPC: a.ID})
	if err != nil || !again.Outcome().Replay {
		t.Errorf("the token is forgotten: %v", err)
	}
	w.pass(7 * 24 * time.Hour)
	for p := range w.Peerings() {
		w.wantStatus(p.ID, PeeringExpired)
	}
}

// reload stores every row of s and builds a State from them.
func reload(t testing.TB, s State) State {
	t.Helper()
	var l Loader
	for _, r := range allRows(s) {
		doc, err := Change{Kind: r.kind, Row: r.row}.Doc()
		if err == nil {
			err = l.Add(r.kind, doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return l.State(s.Generation)
}

// crowd is a State of about n resources: VPCs with groups and tables, peerings
// and tokens that are due one day.
func crowd(b testing.TB, n int) *site {
	w := newSite(b)
	w.do(OpenWorld{Zones: zones})
	for _, q := range []Quota{QuotaVPCs, QuotaGroups, QuotaPeeringRequests} {
		w.do(SetQuota{q, 1 << 30})
	}
	first := VPCID("")
	for i := 0; ; i++ {
		// A VPC is 4 resources (with its table, group and ACL); a peering and a
		// token wait at each.
		block := fmt.Sprintf("%d.%d.%d.0/24", 11+i>>16, i>>8&0xff, i&0xff)
		v := w.newVPC(home, block)
		if first == "" {
			first = v.ID
		}
		w.newGroup(home, v.ID, "web")
		w.do(RequestPeering{VPC: v.ID, PeerVPC: first})
		var err error
		if w.State, err = w.withToken(home, fmt.Sprint("tok", i), CreateACL{VPC: v.ID}); err != nil {
			b.Fatal(err)
		}
		if 7*(i+1) >= n {
			return w
		}
	}
}

// bench measures one op on a State of 100, 10,000 and 100,000 resources; the
// last may take three times as long as the first.
func bench(b *testing.B, make func(w *site) Request) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := crowd(b, n)
			op := w.op(home, make(w))
			b.ReportAllocs()
			for b.Loop() {
				op.Seed[15]++
				binary.BigEndian.PutUint32(op.Seed[8:], uint32(b.N))
				if _, err := w.Apply(op); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func (w *site) benchVPC() *VPC { return w.newVPC(home, "10.0.0.0/16") }

func BenchmarkCreateRoute(b *testing.B) {
	bench(b, func(w *site) Request {
		v, peer := w.benchVPC(), w.newVPC(home, "10.1.0.0/16")
		return CreateRoute{v.MainTable, cidr("10.1.0.0/16"), ToPeering{w.newPeering(home, v.ID, home, peer.ID)}}
	})
}

func BenchmarkAuthorizeRules(b *testing.B) {
	bench(b, func(w *site) Request {
		return AuthorizeRules{Group: w.newGroup(home, w.benchVPC().ID, "db"), Rules: []RuleSpec{tcp(22, "10.0.0.0/8")}}
	})
}

func BenchmarkAuthorizeRulesOfAFullGroup(b *testing.B) {
	bench(b, func(w *site) Request {
		g := w.newGroup(home, w.benchVPC().ID, "db")
		for i := range 59 {
			w.do(AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(i, "10.0.0.0/8")}})
		}
		return AuthorizeRules{Group: g, Rules: []RuleSpec{tcp(99, "10.0.0.0/8")}}
	})
}

func BenchmarkCreateSecurityGroup(b *testing.B) {
	bench(b, func(w *site) Request {
		return CreateSecurityGroup{VPC: w.benchVPC().ID, Name: "db", Description: "d"}
	})
}

func BenchmarkRequestPeering(b *testing.B) {
	bench(b, func(w *site) Request {
		return RequestPeering{VPC: w.benchVPC().ID, PeerVPC: w.newVPC(home, "10.1.0.0/16").ID}
	})
}

func BenchmarkDue(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := crowd(b, n)
			for b.Loop() {
				if w.Due().IsZero() {
					b.Fatal("nothing is due")
				}
			}
		})
	}
}

// The index of what is due gives the soonest, whatever was put in or taken out.
func TestTimersGiveTheSoonest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var index timers
		due := map[string]*Token{}
		for range rapid.IntRange(1, 30).Draw(rt, "ops") {
			name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "name")
			if old := due[name]; old != nil {
				index = index.without(old.key(), old.due())
				delete(due, name)
			}
			if rapid.Bool().Draw(rt, "put") {
				row := &Token{Token: name, At: dayOne.Add(tokenKept*-1).AddDate(0, 0, rapid.IntRange(0, 5).Draw(rt, "day"))}
				index = index.with(row.key(), row)
				due[name] = row
			}
			var want timed
			for _, row := range due {
				if want == nil || row.due().Before(want.due()) {
					want = row
				}
			}
			got := index.first()
			if (got == nil) != (want == nil) || got != nil && !got.due().Equal(want.due()) {
				rt.Fatalf("first is %v, want %v", got, want)
			}
		}
	})
}
