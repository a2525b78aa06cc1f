package network

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func (w *site) wantStatus(id PeeringID, want PeeringStatus) {
	w.Helper()
	p := w.Peering(id)
	if p == nil {
		w.Fatalf("%s is forgotten, want %v", id, want)
	}
	if p.Status != want {
		w.Fatalf("%s is %v, want %v", id, p.Status, want)
	}
}

func (w *site) visible(c Caller, id PeeringID) bool {
	for p := range w.PeeringsOf(c) {
		if p.ID == id {
			return true
		}
	}
	return false
}

// AWS: VPC peering connection lifecycle.
func TestPeeringGoesThroughEveryStatusOfItsLife(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	id := PeeringID(w.as(home, RequestPeering{VPC: a.ID, PeerVPC: b.ID}).Created[0])
	w.wantStatus(id, PeeringInitiating)
	w.settle()
	w.wantStatus(id, PeeringPending)
	if got, want := w.Peering(id).Expires, dayOne.Add(7*24*time.Hour); got != want {
		t.Errorf("expires %v, want %v", got, want)
	}
	w.as(home, AcceptPeering{id})
	w.wantStatus(id, PeeringProvisioning)
	w.settle()
	w.wantStatus(id, PeeringActive)
	w.as(home, DeletePeering{id})
	w.wantStatus(id, PeeringDeleting)
	w.settle()
	w.wantStatus(id, PeeringDeleted)
	if got := w.Peering(id).By; got != home.Account {
		t.Errorf("deleted by %q", got)
	}
	w.pass(2 * time.Hour)
	if w.Peering(id) != nil {
		t.Errorf("still there after AWS's two hours: %+v", w.Peering(id))
	}
	if !w.Due().IsZero() {
		t.Errorf("something is due at %v though nothing is left to do", w.Due())
	}
}

// AWS: VPC peering limitations; Troubleshoot a VPC peering connection.
func TestPeeringThatCannotBeFailsAndOnlyTheRequesterSeesIt(t *testing.T) {
	w := newSite(t)
	mine := w.newVPC(home, "10.0.0.0/16")
	same := w.newVPC(home, "10.0.0.0/16")
	inside := w.newVPC(home, "10.0.128.0/20")
	secondary := w.newVPC(home, "100.64.0.0/16")
	w.do(AssociateVPCBlock{VPC: secondary.ID, CIDR: cidr("100.65.0.0/16")})
	other := w.newVPC(home, "100.65.4.0/24")
	theirs := w.newVPC(stranger, "10.9.0.0/16")
	away := w.newVPC(elsewhere, "10.8.0.0/16")
	for _, tc := range []struct {
		name string
		r    RequestPeering
	}{
		{"equal blocks", RequestPeering{VPC: mine.ID, PeerVPC: same.ID}},
		{"a block inside the other", RequestPeering{VPC: mine.ID, PeerVPC: inside.ID}},
		{"a secondary block", RequestPeering{VPC: other.ID, PeerVPC: secondary.ID}},
		{"the VPC itself", RequestPeering{VPC: mine.ID, PeerVPC: mine.ID}},
		{"no such VPC", RequestPeering{VPC: mine.ID, PeerVPC: "vpc-0123456789abcdef0"}},
		{"another account's VPC named as one's own", RequestPeering{VPC: mine.ID, PeerVPC: theirs.ID}},
		{"the wrong account", RequestPeering{VPC: mine.ID, PeerVPC: away.ID, PeerOwner: "999999999999", PeerRegion: "eu-west-1"}},
		{"the wrong Region", RequestPeering{VPC: mine.ID, PeerVPC: away.ID}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := *w
			w.TB = t
			id := PeeringID(w.as(home, tc.r).Created[0])
			w.wantStatus(id, PeeringInitiating)
			w.settle()
			w.wantStatus(id, PeeringFailed)
			for _, c := range []Caller{stranger, elsewhere} {
				if w.visible(c, id) {
					t.Errorf("%v sees it", c)
				}
			}
			for _, act := range []Request{AcceptPeering{id}, RejectPeering{id}, DeletePeering{id}} {
				if _, err := w.Apply(w.op(home, act)); err == nil {
					t.Errorf("%T works on a failed peering", act)
				}
			}
			w.refuses(DeletePeering{id}, WrongState, string(id), "failed deleting")
			w.pass(2 * time.Hour)
			if w.Peering(id) != nil {
				t.Error("still there after AWS's two hours")
			}
		})
	}
}

// AWS: VPC peering limitations, "If the VPCs have IPv6 CIDR blocks that overlap".
// Amazon's blocks never do; a block of IPv4 is enough to fail.
func TestPeeringOfVPCsWithIPv6IsPossible(t *testing.T) {
	w := newSite(t)
	a := w.do(CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})
	b := w.do(CreateVPC{CIDR: cidr("10.1.0.0/16"), Amazon6: true})
	w.newPeering(home, VPCID(a), home, VPCID(b))
}

func TestPeeringNeedsARequesterVPCOfTheCaller(t *testing.T) {
	w := newSite(t)
	mine, theirs := w.newVPC(home, "10.0.0.0/16"), w.newVPC(stranger, "10.1.0.0/16")
	w.refuses(RequestPeering{VPC: theirs.ID, PeerVPC: mine.ID}, NotFound, string(theirs.ID), "")
	w.refuses(RequestPeering{VPC: "vpc-1", PeerVPC: mine.ID}, Malformed, "vpc-1", "vpc")
	w.refuses(RequestPeering{VPC: mine.ID, PeerVPC: ""}, Malformed, "", "vpc")
}

// hashicorp/terraform-provider-aws#27750: the same pcx comes back.
func TestRequestingALivePeeringAgainGivesTheSameOne(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	ask := RequestPeering{VPC: a.ID, PeerVPC: b.ID}
	id := w.do(ask)
	if again := w.do(ask); again != id {
		t.Errorf("while pending: %s, want %s", again, id)
	}
	w.do(AcceptPeering{PeeringID(id)})
	if again := w.do(ask); again != id {
		t.Errorf("while active: %s, want %s", again, id)
	}
	w.do(DeletePeering{PeeringID(id)})
	if again := w.do(ask); again == id {
		t.Errorf("a deleted peering came back")
	}
}

// hashicorp/terraform-provider-aws#44315.
func TestReverseRequestIsANewPeeringThatCannotBeAccepted(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	there := w.newPeering(home, a.ID, home, b.ID)
	back := PeeringID(w.do(RequestPeering{VPC: b.ID, PeerVPC: a.ID}))
	if back == there {
		t.Fatal("the reverse request gave the peering that exists")
	}
	w.wantStatus(back, PeeringPending)
	w.refuses(AcceptPeering{back}, PeeringExists, string(there), "")
	w.do(DeletePeering{there})
	w.do(AcceptPeering{back})
	w.wantStatus(back, PeeringActive)
}

// AWS: Accept or reject a VPC peering connection; Delete a VPC peering
// connection: who may do what, where, and in which status.
func TestPeeringIsAnsweredByItsAccepterInItsRegion(t *testing.T) {
	away := Caller{stranger.Account, "eu-west-1"}
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(away, "10.1.0.0/16")
	id := PeeringID(w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID, PeerOwner: away.Account, PeerRegion: away.Region}))
	s := string(id)
	w.refuses(AcceptPeering{id}, NotPermitted, s, "accept")
	w.refuses(RejectPeering{id}, NotPermitted, s, "reject")
	w.refusesTo(stranger, AcceptPeering{id}, NotFound, s, "")
	w.refusesTo(elsewhere, DeletePeering{id}, NotFound, s, "")
	w.refusesTo(away, DeletePeering{id}, WrongState, s, "pending-acceptance deleting")
	w.doAs(away, AcceptPeering{id})
	w.wantStatus(id, PeeringActive)
	w.refusesTo(away, AcceptPeering{id}, WrongState, s, "active active")
	w.refusesTo(away, RejectPeering{id}, WrongState, s, "active rejected")
	w.doAs(away, DeletePeering{id})
	w.wantStatus(id, PeeringDeleted)
	w.refuses(DeletePeering{id}, WrongState, s, "deleted deleting")
}

// AWS: Accept a VPC peering connection, "you must accept it in the Region of the
// accepter VPC".
func TestOwnPeeringAcrossRegionsIsAnsweredInTheAcceptersRegion(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(elsewhere, "10.1.0.0/16")
	id := PeeringID(w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID, PeerRegion: elsewhere.Region}))
	w.refuses(AcceptPeering{id}, AcceptElsewhere, string(id), "eu-west-1")
	w.refuses(RejectPeering{id}, RejectElsewhere, string(id), "eu-west-1")
	w.doAs(elsewhere, RejectPeering{id})
	w.wantStatus(id, PeeringRejected)
}

func TestRequesterMayWithdrawItsRequest(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(stranger, "10.1.0.0/16")
	id := PeeringID(w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID, PeerOwner: stranger.Account}))
	w.do(DeletePeering{id})
	w.wantStatus(id, PeeringDeleted)
}

// AWS: VPC peering connection lifecycle: how long each side sees an ended peering.
func TestEndedPeeringIsShownAsLongAsAWSShowsIt(t *testing.T) {
	const never = 0
	for _, tc := range []struct {
		end                 string
		requester, accepter time.Duration
		to                  Caller
	}{
		{"rejected", 48 * time.Hour, 2 * time.Hour, stranger},
		{"rejected", 2 * time.Hour, 2 * time.Hour, elsewhere},
		{"deleted by the requester", 2 * time.Hour, 48 * time.Hour, stranger},
		{"deleted by the accepter", 48 * time.Hour, 2 * time.Hour, stranger},
		{"deleted by the accepter", 2 * time.Hour, 2 * time.Hour, elsewhere},
		{"expired", 48 * time.Hour, 48 * time.Hour, stranger},
		{"failed", 2 * time.Hour, never, stranger},
	} {
		t.Run(fmt.Sprintf("%s, %s", tc.end, tc.to.Account), func(t *testing.T) {
			w := newSite(t)
			a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(tc.to, "10.1.0.0/16")
			ask := RequestPeering{VPC: a.ID, PeerVPC: b.ID, PeerOwner: tc.to.Account, PeerRegion: tc.to.Region,
				Tags: Tags{"side": "requester"}}
			if tc.end == "failed" {
				ask.PeerVPC = w.newVPC(tc.to, "10.0.0.0/16").ID
			}
			id := PeeringID(w.do(ask))
			switch tc.end {
			case "rejected":
				w.doAs(tc.to, RejectPeering{id})
			case "deleted by the requester":
				w.doAs(tc.to, AcceptPeering{id})
				w.do(DeletePeering{id})
			case "deleted by the accepter":
				w.doAs(tc.to, AcceptPeering{id})
				w.doAs(tc.to, DeletePeering{id})
			case "expired":
				w.pass(7 * 24 * time.Hour)
			}
			ended := w.now
			for _, side := range []struct {
				c     Caller
				shown time.Duration
			}{{home, tc.requester}, {tc.to, tc.accepter}} {
				w := *w
				w.TB = t
				if side.shown != never {
					w.pass(ended.Add(side.shown).Sub(w.now) - time.Second)
					if !w.visible(side.c, id) {
						t.Errorf("%v: hidden before %v", side.c, side.shown)
					}
					w.pass(time.Second)
				}
				if w.visible(side.c, id) {
					t.Errorf("%v: shown after %v", side.c, side.shown)
				}
				w.refusesTo(side.c, DeletePeering{id}, NotFound, string(id), "")
			}
			w.pass(48 * time.Hour)
			if w.Peering(id) != nil || w.Tags(home, string(id)) != nil {
				t.Errorf("never forgotten: %+v, tags %v", w.Peering(id), w.Tags(home, string(id)))
			}
		})
	}
}

// AWS: ModifyVpcPeeringConnectionOptions; Enable DNS resolution for a VPC
// peering connection.
func TestPeeringOptionsAreEachSidesOwn(t *testing.T) {
	w := newSite(t)
	yes := ptr(true)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16")
	c, d := w.newVPC(stranger, "10.2.0.0/16"), w.newVPC(elsewhere, "10.3.0.0/16")
	own := PeeringID(w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID}))
	w.refuses(SetPeeringOptions{Peering: own, RequesterRemoteDNS: yes}, NotActive, string(own), "")
	w.do(AcceptPeering{own})
	w.refuses(SetPeeringOptions{Peering: own}, Missing, "RequesterPeeringConnectionOptions", "")
	w.refuses(SetPeeringOptions{Peering: own, RequesterRemoteDNS: yes}, DNSHostnamesOff, string(a.ID), "")
	for _, v := range []VPCID{a.ID, b.ID} {
		w.do(SetVPCAttribute{VPC: v, DNSHostnames: yes})
	}
	w.doAs(stranger, SetVPCAttribute{VPC: c.ID, DNSHostnames: yes})
	w.doAs(elsewhere, SetVPCAttribute{VPC: d.ID, DNSHostnames: yes})
	w.do(SetPeeringOptions{Peering: own, RequesterRemoteDNS: yes, AccepterRemoteDNS: yes})
	if p := w.Peering(own); !p.Requester.RemoteDNS || !p.Accepter.RemoteDNS {
		t.Errorf("one call did not set both sides: %+v", p)
	}
	w.do(SetPeeringOptions{Peering: own, AccepterRemoteDNS: ptr(false)})
	if p := w.Peering(own); !p.Requester.RemoteDNS || p.Accepter.RemoteDNS {
		t.Errorf("a side that was not named changed: %+v", p)
	}
	foreign := w.newPeering(home, a.ID, stranger, c.ID)
	w.refuses(SetPeeringOptions{Peering: foreign, AccepterRemoteDNS: yes}, OptionsForeign, string(foreign), "accepter")
	w.refusesTo(stranger, SetPeeringOptions{Peering: foreign, RequesterRemoteDNS: yes}, OptionsForeign, string(foreign), "requester")
	w.doAs(stranger, SetPeeringOptions{Peering: foreign, AccepterRemoteDNS: yes})
	far := w.newPeering(home, a.ID, elsewhere, d.ID)
	w.refuses(SetPeeringOptions{Peering: far, AccepterRemoteDNS: yes}, OptionsElsewhere, string(far), "accepter")
	w.refusesTo(elsewhere, SetPeeringOptions{Peering: far, RequesterRemoteDNS: yes}, OptionsElsewhere, string(far), "requester")
	w.doAs(elsewhere, SetPeeringOptions{Peering: far, AccepterRemoteDNS: yes})
}

// AWS: VPC peering connection quotas.
func TestPeeringQuotas(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	a := w.newVPC(home, "10.0.0.0/16")
	for range 25 {
		w.do(RequestPeering{VPC: a.ID, PeerVPC: w.newVPC(home, "10.1.0.0/16").ID})
	}
	late := w.newVPC(home, "10.1.0.0/16")
	w.refuses(RequestPeering{VPC: a.ID, PeerVPC: late.ID}, LimitExceeded, "123456789012/us-east-1", string(QuotaPeeringRequests))
	w.do(SetQuota{QuotaPeerings, 2})
	n := 0
	for p := range w.PeeringsWith(a.ID) {
		if n++; n > 2 {
			w.refuses(AcceptPeering{p.ID}, LimitExceeded, string(a.ID), string(QuotaPeerings))
			break
		}
		w.do(AcceptPeering{p.ID})
	}
	w.refuses(RequestPeering{VPC: a.ID, PeerVPC: late.ID}, LimitExceeded, string(a.ID), string(QuotaPeerings))
	w.do(DeletePeering{w.ActivePeering(a.ID, slices.Collect(w.PeeringsWith(a.ID))[0].Accepter.VPC).ID})
	w.do(RequestPeering{VPC: a.ID, PeerVPC: late.ID})
}

// AWS: VPC CIDR blocks, IPv4 CIDR block association restrictions.
func TestAddingABlockHeedsPeerings(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.2.0.0/16")
	id := PeeringID(w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID}))
	w.refuses(AssociateVPCBlock{VPC: a.ID, CIDR: cidr("10.4.0.0/16")}, CIDRConflict, "10.4.0.0/16", string(id))
	w.do(AssociateVPCBlock{VPC: b.ID, CIDR: cidr("10.3.0.0/16")})
	w.wantStatus(id, PeeringPending)
	w.do(AcceptPeering{id})
	w.do(AssociateVPCBlock{VPC: a.ID, CIDR: cidr("10.4.0.0/16")})
	w.refuses(AssociateVPCBlock{VPC: a.ID, CIDR: cidr("10.3.8.0/24")}, CIDRConflict, "10.3.8.0/24", string(id))
	c := w.newVPC(home, "10.8.0.0/16")
	waits := PeeringID(w.do(RequestPeering{VPC: a.ID, PeerVPC: c.ID}))
	w.do(AssociateVPCBlock{VPC: c.ID, CIDR: cidr("10.4.128.0/24")})
	w.wantStatus(waits, PeeringFailed)
}

// hashicorp/terraform-provider-aws#3118: an active peering holds the VPC.
func TestDeletingAVPCHeedsPeerings(t *testing.T) {
	w := newSite(t)
	a, b, c := w.newVPC(home, "10.0.0.0/16"), w.newVPC(home, "10.1.0.0/16"), w.newVPC(home, "10.2.0.0/16")
	active := w.newPeering(home, a.ID, home, b.ID)
	asked := PeeringID(w.do(RequestPeering{VPC: a.ID, PeerVPC: c.ID}))
	asking := PeeringID(w.do(RequestPeering{VPC: c.ID, PeerVPC: b.ID}))
	w.refuses(DeleteVPC{a.ID}, InUse, string(a.ID), string(active))
	w.do(DeleteVPC{c.ID})
	w.wantStatus(asked, PeeringFailed)
	w.wantStatus(asking, PeeringDeleted)
	if got := w.Peering(asked).Accepter.Blocks; !slices.Equal(got, c.Prefixes()) {
		t.Errorf("the range of a VPC that is gone is %v, want %v", got, c.Prefixes())
	}
	w.do(DeletePeering{active})
	w.do(DeleteVPC{a.ID})
	if w.visible(home, active) != true {
		t.Error("the deleted peering is hidden with its VPC")
	}
	w.pass(3 * time.Hour)
}

func TestPeeringTagsAreEachSidesOwn(t *testing.T) {
	w := newSite(t)
	a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(stranger, "10.1.0.0/16")
	id := w.do(RequestPeering{VPC: a.ID, PeerVPC: b.ID, PeerOwner: stranger.Account, Tags: Tags{"Name": "mine"}})
	w.doAs(stranger, CreateTags{Resources: []string{id}, Tags: Tags{"Name": "theirs"}})
	if got := w.Tags(home, id)["Name"]; got != "mine" {
		t.Errorf("the requester sees %q", got)
	}
	if got := w.Tags(stranger, id)["Name"]; got != "theirs" {
		t.Errorf("the accepter sees %q", got)
	}
}

// peeringMoves are AWS's (AWS: VPC peering connection lifecycle): from which
// status a side may do what, and where that leads. Nothing else is possible.
var peeringMoves = map[string]PeeringStatus{
	"pending-acceptance accepter AcceptPeering":  PeeringActive,
	"pending-acceptance accepter RejectPeering":  PeeringRejected,
	"pending-acceptance requester DeletePeering": PeeringDeleted,
	"active requester DeletePeering":             PeeringDeleted,
	"active accepter DeletePeering":              PeeringDeleted,
}

func TestPeeringMovesOnlyAsItsLifecycleSays(t *testing.T) {
	met := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := newSite(t)
		a, b := w.newVPC(home, "10.0.0.0/16"), w.newVPC(stranger, "10.1.0.0/16")
		ask := RequestPeering{VPC: a.ID, PeerVPC: b.ID, PeerOwner: stranger.Account}
		id := PeeringID(w.do(ask))
		// Half of the walks begin at an active peering, which few would reach.
		if rapid.Bool().Draw(rt, "accepted") {
			w.doAs(stranger, AcceptPeering{id})
			w.settle()
			met["pending-acceptance accepter AcceptPeering"]++
		}
		for range rapid.IntRange(3, 9).Draw(rt, "moves") {
			from := w.Peering(id).Status
			side := rapid.SampledFrom([]string{"requester", "accepter", "nobody"}).Draw(rt, "side")
			caller := map[string]Caller{"requester": home, "accepter": stranger, "nobody": elsewhere}[side]
			r := rapid.SampledFrom([]Request{AcceptPeering{id}, RejectPeering{id}, DeletePeering{id}}).Draw(rt, "move")
			move := fmt.Sprintf("%v %s %s", from, side, fmt.Sprintf("%T", r)[len("network."):])
			to, legal := peeringMoves[move]
			next, err := w.Apply(w.op(caller, r))
			if legal != (err == nil) {
				rt.Fatalf("%s: %v", move, err)
			}
			if err != nil {
				var refusal *Error
				if errors.As(err, &refusal) && side == "nobody" && refusal.Code != NotFound {
					rt.Fatalf("%s: %v", move, err)
				}
				continue
			}
			met[move]++
			w.State = next
			w.settle()
			if got := w.Peering(id).Status; got != to {
				rt.Fatalf("%s: now %v, want %v", move, got, to)
			}
			// It is one of its pair only while it lives.
			if again := PeeringID(w.do(ask)); (again == id) != to.Live() {
				rt.Fatalf("%s: asked again gives %s", move, again)
			} else if again != id {
				w.do(DeletePeering{again})
			}
		}
	})
	if len(met) != len(peeringMoves) {
		t.Errorf("only these moves were met: %v", met)
	}
}

// AWS: VPC peering connection quotas: an active peering takes a place at both of
// its VPCs, a request one of the requester's account until it is answered.
func TestPeeringTakesAPlaceAtBothSides(t *testing.T) {
	w := newSite(t)
	for _, c := range []Caller{home, stranger} {
		w.doAs(c, OpenWorld{Zones: zones})
		w.doAs(c, SetQuota{QuotaPeerings, 1})
		w.doAs(c, SetQuota{QuotaPeeringRequests, 1})
	}
	hub := w.newVPC(stranger, "10.0.0.0/16")
	asks := func(block string) PeeringID {
		t.Helper()
		v := w.newVPC(home, block)
		return PeeringID(w.do(RequestPeering{VPC: v.ID, PeerVPC: hub.ID, PeerOwner: stranger.Account}))
	}
	first := asks("10.1.0.0/16")
	late := w.newVPC(home, "10.2.0.0/16")
	again := RequestPeering{VPC: late.ID, PeerVPC: hub.ID, PeerOwner: stranger.Account}
	w.refuses(again, LimitExceeded, "123456789012/us-east-1", string(QuotaPeeringRequests))
	w.doAs(stranger, AcceptPeering{first})
	second := PeeringID(w.do(again))
	w.refusesTo(stranger, AcceptPeering{second}, LimitExceeded, string(hub.ID), string(QuotaPeerings))
	w.doAs(stranger, RejectPeering{second})
	third := asks("10.3.0.0/16")
	w.do(DeletePeering{first})
	w.doAs(stranger, AcceptPeering{third})
	w.wantStatus(third, PeeringActive)
}
