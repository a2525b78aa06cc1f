package main

import (
	"context"
	"errors"
	"io"
	"time"

	"tombolo/console"
	"tombolo/local"
	"tombolo/network"
	"tombolo/reach"
	"tombolo/why"
)

// consoleReached is the answer to POST /console/reach.
type consoleReached struct {
	Answer   why.Answer   `json:"answer"`
	Live     *liveAnswer  `json:"live,omitempty"`
	Fixes    []consoleFix `json:"fixes"`              // to be made in this order
	Redesign string       `json:"redesign,omitempty"` // why there are none though it is blocked
}

// liveAnswer is what became of real packets.
type liveAnswer struct {
	Verdict string `json:"verdict,omitempty"` // answered, silent or refused
	TookMS  int64  `json:"took_ms"`
	Problem string `json:"problem,omitempty"` // why none were sent
}

// consoleFix is one change.
type consoleFix struct {
	Sentence string        `json:"sentence"`
	Commands []string      `json:"commands"` // of the AWS CLI
	Calls    []consoleCall `json:"calls"`
}

// consoleCall is one call for POST /console/api/ec2. A parameter that is "pcx-new"
// stands for the ID that the call which Makes it answered with.
type consoleCall struct {
	Account network.Account   `json:"account"`
	Region  network.Region    `json:"region"`
	Action  string            `json:"action"`
	Params  map[string]string `json:"params"`
	Makes   network.PeeringID `json:"makes,omitempty"`
}

// consoleReach asks the analyzer, and the packets too when they are asked for.
func (d *daemon) consoleReach(ctx context.Context, c network.Caller, q console.Question) (any, error) {
	s := d.State()
	flow, err := why.Flow(s, c, why.Question{Source: q.Source, Destination: q.Destination, Protocol: q.Protocol, Port: q.Port})
	if err != nil {
		return nil, consoleProblem(err)
	}
	out := consoleReached{Answer: why.Document(s, reach.Trace(s, flow)), Fixes: []consoleFix{}}
	plan := reach.Fix(s, flow)
	commands := plan.Commands()
	for i, call := range plan.Calls() {
		out.Fixes = append(out.Fixes, consoleFix{call.Why, []string{commands[i].String()},
			[]consoleCall{{call.Caller.Account, call.Caller.Region, call.Action, call.Params, call.Makes}}})
	}
	if len(plan.Obstacles) > 0 {
		out.Redesign = plan.Obstacles[0].Redesign
	}
	if q.Live {
		out.Live = d.probeLive(ctx, out.Answer)
	}
	return out, nil
}

// probeLive sends a flow's packets from inside its source.
func (d *daemon) probeLive(ctx context.Context, a why.Answer) *liveAnswer {
	if a.Source.Instance == "" {
		return &liveAnswer{Problem: a.Source.Interface + " is not plugged into an instance: nothing can be sent from it"}
	}
	args, err := probeArgs(a)
	if err != nil {
		return &liveAnswer{Problem: err.Error()}
	}
	start := time.Now()
	code, err := d.runInside(ctx, network.InstanceID(a.Source.Instance), args, io.Discard)
	out := &liveAnswer{TookMS: time.Since(start).Milliseconds()}
	if err == nil {
		out.Verdict, err = probeVerdict(code)
	}
	if err != nil {
		out.Problem = err.Error()
	}
	return out
}

// runInside runs a command in an instance, as a session like any other, and gives
// its exit status.
func (d *daemon) runInside(ctx context.Context, id network.InstanceID, args []string, out io.Writer) (int, error) {
	p, err := d.Run(ctx, local.Command{Instance: string(id), Args: args})
	if err != nil {
		return 0, err
	}
	defer p.Close()
	defer context.AfterFunc(ctx, func() { _ = p.Signal("TERM") })()
	_ = p.Stdin.Close() // it reads nothing
	read := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(out, p.Stdout); read <- struct{}{} }()
	go func() { _, _ = io.Copy(io.Discard, p.Stderr); read <- struct{}{} }()
	exit, err := p.Wait()
	<-read
	<-read
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && exit.Signal != "" {
		err = errors.New("ended by signal " + exit.Signal)
	}
	return exit.Code, err
}
