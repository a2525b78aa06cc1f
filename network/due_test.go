package network

import (
	"fmt"
	"slices"
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

// The index of what is due gives the soonest, whatever was put in or taken out.
func TestTimersGiveTheSoonest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var index timers
		by := new(turn)
		due := map[string]*Token{}
		for range rapid.IntRange(1, 30).Draw(rt, "ops") {
			name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "name")
			if old := due[name]; old != nil {
				index.remove(by, old.key(), old.due())
				delete(due, name)
			}
			if rapid.Bool().Draw(rt, "put") {
				row := &Token{Token: name, At: dayOne.Add(tokenKept*-1).AddDate(0, 0, rapid.IntRange(0, 5).Draw(rt, "day"))}
				index.add(by, row.key(), row)
				due[name] = row
			}
			var want timed
			for _, row := range due {
				if want == nil || row.due().Before(want.due()) {
					want = row
				}
			}
			got := index.next()
			if (got == nil) != (want == nil) || got != nil && !got.due().Equal(want.due()) {
				rt.Fatalf("first is %v, want %v", got, want)
			}
		}
	})
}

// One Settle does everything that is due, in the order of time, and leaves what is not.
func TestSettleDoesAllThatIsDueAndNothingElse(t *testing.T) {
	w := newSite(t)
	hub := w.newVPC(home, "10.0.0.0/16")
	var asked []PeeringID
	for k := range 5 {
		spoke := w.newVPC(home, fmt.Sprintf("10.%d.0.0/16", k+1))
		asked = append(asked, PeeringID(w.do(RequestPeering{VPC: hub.ID, PeerVPC: spoke.ID})))
		w.pass(time.Hour)
	}
	w.do(AcceptPeering{asked[4]})
	w.now = dayOne.Add(peeringExpiry + 2*time.Hour)
	w.as(home, Settle{})
	var ended []string
	for _, c := range w.Changes() {
		ended = append(ended, c.Key)
	}
	if want := []string{string(asked[0]), string(asked[1]), string(asked[2])}; !slices.Equal(ended, want) {
		t.Errorf("changed %v, want %v in the order in which they were asked", ended, want)
	}
	w.wantStatus(asked[2], PeeringExpired)
	w.wantStatus(asked[3], PeeringPending)
	w.wantStatus(asked[4], PeeringActive)
	if got, want := w.Due(), dayOne.Add(peeringExpiry+3*time.Hour); !got.Equal(want) {
		t.Errorf("due %v, want %v", got, want)
	}
	w.pass(time.Hour)
	w.pass(peeringEndedShown)
	if n := len(slices.Collect(w.Peerings())); n != 1 {
		t.Errorf("%d peerings are left, want the active one", n)
	}
	if !w.Due().IsZero() {
		t.Errorf("something is due at %v", w.Due())
	}
}
