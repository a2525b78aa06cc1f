package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"tombolo/ec2"
	"tombolo/gate"
	"tombolo/network"
	"tombolo/tfplan"
)

// stage is a State that calls change and nothing else sees.
type stage struct{ state network.State }

func (t *stage) State() network.State { return t.state }

func (t *stage) Do(_ context.Context, c network.Caller, token string, r network.Request) (network.State, error) {
	var seed network.Seed
	_, _ = rand.Read(seed[:]) // never fails since Go 1.24
	next, err := t.state.Apply(network.Op{Caller: c, At: time.Now().UTC(), Seed: seed, Token: token, Request: r})
	if err == nil {
		t.state = next
		t.settle()
	}
	return next, err
}

// settle lets happen what happens by itself: peerings come about, instances start
// and end.
func (t *stage) settle() {
	follow := []network.Request{network.Settle{}}
	for i := range t.state.Instances() {
		switch i.State {
		case network.InstancePending:
			follow = append(follow, network.ReportStarted{Instance: i.ID})
		case network.InstanceStopping:
			follow = append(follow, network.ReportStopped{Instance: i.ID})
		case network.InstanceShuttingDown:
			follow = append(follow, network.ReportEnded{Instance: i.ID})
		}
	}
	for _, r := range follow {
		if next, err := t.state.Apply(network.Op{At: time.Now().UTC(), Request: r}); err == nil {
			t.state = next
		}
	}
}

func (t *stage) Console(context.Context, network.InstanceID) ([]byte, time.Time, error) {
	return nil, time.Time{}, nil
}

func (t *stage) Later(func(context.Context) error) {} // what is found later is not seen here

// rehearse carries out EC2 calls on a copy of a State. A call is a query, for
// example Action=CreateRoute&RouteTableId=rtb-…&…; or the only one is a plan of
// Terraform's or OpenTofu's as JSON.
func rehearse(ctx context.Context, s network.State, who network.Caller, calls []string) (network.State, error) {
	t := &stage{s}
	api := ec2.NewServer(ec2.Config{Backend: t})
	do := func(call string) (string, error) {
		if !strings.Contains(call, "Version=") {
			call += "&Version=2016-11-15"
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(call))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		api.Serve(w, &gate.Request{ID: "plan", HTTP: r, Body: []byte(call), Service: "ec2", Signed: true, Caller: who})
		if w.Code != http.StatusOK {
			return "", errors.New(refusal(w.Body.String()))
		}
		return w.Body.String(), nil
	}
	if tfplan.Is(calls[0]) {
		plan, err := tfplan.Read([]byte(calls[0]))
		if err == nil {
			err = plan.Run(do)
		}
		return t.state, err
	}
	for n, call := range calls {
		if _, err := do(call); err != nil {
			return s, fmt.Errorf("line %d of the plan: %w", n+1, err)
		}
	}
	return t.state, nil
}

// refusal is the code and the message of an error in EC2's XML.
func refusal(body string) string {
	between := func(a, b string) string {
		_, rest, _ := strings.Cut(body, a)
		text, _, _ := strings.Cut(rest, b)
		return text
	}
	return between("<Code>", "</Code>") + ": " + between("<Message>", "</Message>")
}
