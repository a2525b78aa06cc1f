package network

import (
	"strings"
	"testing"
	"time"
)

func (w *site) withToken(c Caller, token string, r Request) (State, error) {
	op := w.op(c, r)
	op.Token = token
	return w.Apply(op)
}

// AWS: Ensuring idempotency in Amazon EC2 API requests.
func TestTokenMakesARepetitionHarmless(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	ask := CreateRouteTable{VPC: v.ID, Tags: Tags{"a": "b"}}
	once, err := w.withToken(home, "tok", ask)
	if err != nil {
		t.Fatal(err)
	}
	w.State = once
	again, err := w.withToken(home, "tok", CreateRouteTable{VPC: v.ID, Tags: Tags{"a": "b"}})
	if err != nil || !again.Outcome().Replay || len(again.Changes()) != 0 || again.Generation != once.Generation {
		t.Errorf("repeated: %v, outcome %+v, changes %v", err, again.Outcome(), again.Changes())
	}
	if got, want := again.Outcome().Created[0], once.Outcome().Created[0]; got != want {
		t.Errorf("repeated: made %s, want %s again", got, want)
	}
	if _, err := w.withToken(home, "tok", CreateRouteTable{VPC: v.ID}); err == nil || err.(*Error).Code != Mismatch {
		t.Errorf("with other parameters: %v", err)
	}
	if _, err := w.withToken(home, "tok", CreateACL{VPC: v.ID, Tags: Tags{"a": "b"}}); err == nil || err.(*Error).Code != Mismatch {
		t.Errorf("with another action: %v", err)
	}
	// A token is its account's and Region's own.
	if _, err := w.withToken(stranger, "tok", ask); err == nil || err.(*Error).Code != NotFound {
		t.Errorf("another account: %v", err)
	}
	w.pass(24 * time.Hour)
	later, err := w.withToken(home, "tok", ask)
	if err != nil || later.Outcome().Replay {
		t.Errorf("a day later: %v, %+v", err, later.Outcome())
	}
}

func TestTokenOfAnExpiredDayIsNotReplayedBeforeSettle(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	w.State, _ = w.withToken(home, "tok", CreateACL{VPC: v.ID})
	w.now = w.now.Add(24 * time.Hour)
	next, err := w.withToken(home, "tok", CreateACL{VPC: v.ID})
	if err != nil || next.Outcome().Replay {
		t.Errorf("%v, %+v", err, next.Outcome())
	}
}

func TestFailedOpLeavesNoToken(t *testing.T) {
	w := newSite(t)
	if _, err := w.withToken(home, "tok", CreateACL{VPC: "vpc-0123456789abcdef0"}); err == nil {
		t.Fatal("no error")
	}
	v := w.newVPC(home, "10.0.0.0/16")
	if next, err := w.withToken(home, "tok", CreateACL{VPC: v.ID}); err != nil || next.Outcome().Replay {
		t.Errorf("%v", err)
	}
}

func TestTokenIsShortASCII(t *testing.T) {
	w := newSite(t)
	v := w.newVPC(home, "10.0.0.0/16")
	for _, token := range []string{strings.Repeat("t", 65), "töken"} {
		if _, err := w.withToken(home, token, CreateACL{VPC: v.ID}); err == nil || *err.(*Error) != (Error{InvalidValue, token, "clientToken"}) {
			t.Errorf("%q: %v", token, err)
		}
	}
	if _, err := w.withToken(home, strings.Repeat("t", 64), CreateACL{VPC: v.ID}); err != nil {
		t.Error(err)
	}
}

func TestRequestsAreComparedByValue(t *testing.T) {
	a := SetVPCAttribute{VPC: "vpc-1", DNSSupport: ptr(true)}
	b := SetVPCAttribute{VPC: "vpc-1", DNSSupport: ptr(true)}
	c := SetVPCAttribute{VPC: "vpc-1", DNSSupport: ptr(false)}
	if requestHash(a) != requestHash(b) || requestHash(a) == requestHash(c) {
		t.Error("pointers are compared, not what they point to")
	}
	if requestHash(DeleteVPC{"x"}) == requestHash(DeleteRouteTable{"x"}) {
		t.Error("two kinds of request look alike")
	}
}
