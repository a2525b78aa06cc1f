package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tombolo/flowlog"
	"tombolo/linux"
	"tombolo/local"
	"tombolo/network"
	"tombolo/reach"
	"tombolo/why"
)

// asked is what comes with a question to the daemon.
type asked struct {
	Caller   network.Caller
	Question why.Question
	Fix      bool   // reach: say what would open it
	Apply    bool   // reach: and do it
	To, From string // paths: whose
	Before   []exported
	Plan     []string // diff: EC2 calls that are only thought, in the form of a query
	Follow   bool     // flowlogs
	Format   string   // flowlogs
	accountAsk
}

// exported is one row of a State in its stored form.
type exported struct {
	Kind string          `json:"kind"`
	Doc  json.RawMessage `json:"doc"`
}

// reached is the answer to "reach".
type reached struct {
	why.Answer
	Fix *fixed `json:"fix,omitempty"`
}

// fixed is what would open a flow.
type fixed struct {
	Commands  []string        `json:"commands"` // of the AWS CLI, in order
	Terraform string          `json:"terraform"`
	Plan      json.RawMessage `json:"plan"`
	Obstacles []string        `json:"obstacles"` // what no change of rules or routes can remove
	Applied   bool            `json:"applied"`
}

// Ask answers the questions of the command line.
func (d *daemon) Ask(ctx context.Context, question string, details []byte) (any, error) {
	var a asked
	if len(details) > 0 {
		if err := json.Unmarshal(details, &a); err != nil {
			return nil, fmt.Errorf("read question: %w", err)
		}
	}
	switch question {
	case "status":
		return d.status(), nil
	case "console":
		return consoleAddress{d.consoleURL()}, nil
	case "drops":
		return d.drops()
	case "reach":
		return d.reach(ctx, a)
	case "paths":
		return d.paths(a)
	case "export":
		return export(d.State())
	case "diff":
		return d.diff(ctx, a)
	case "flowlogs":
		return d.flowLogs(a)
	case "trace":
		return d.trace(a)
	case "account":
		return d.account(a.accountAsk)
	}
	return nil, &local.Problem{Kind: local.NotFound, Message: "this daemon does not know the question " + question + "; it may be of another version"}
}

// notAsked says what is wrong with a question in a form that the caller can act on.
func notAsked(err error) error {
	if errors.Is(err, why.ErrUnknown) {
		return &local.Problem{Kind: local.NotFound, Message: err.Error()}
	}
	var unclear *why.Unclear
	if errors.As(err, &unclear) {
		return &local.Problem{Kind: local.Unclear, Message: err.Error()}
	}
	return err
}

func (d *daemon) reach(ctx context.Context, a asked) (any, error) {
	s := d.State()
	flow, err := why.Flow(s, a.Caller, a.Question)
	if err != nil {
		return nil, notAsked(err)
	}
	out := reached{Answer: why.Document(s, reach.Trace(s, flow))}
	if !a.Fix && !a.Apply {
		return out, nil
	}
	plan := reach.Fix(s, flow)
	if out.Fix, err = fix(plan); err != nil || !a.Apply || len(plan.Changes) == 0 {
		return out, err
	}
	var made network.PeeringID
	for _, c := range plan.Changes {
		after, err := d.Do(ctx, c.Caller, "", c.With(made))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Why, err)
		}
		if _, ok := c.Request.(network.RequestPeering); ok {
			made = network.PeeringID(after.Outcome().Created[0])
		}
	}
	s = d.State()
	out.Answer, out.Fix.Applied = why.Document(s, reach.Trace(s, flow)), true
	return out, nil
}

func fix(p reach.Plan) (*fixed, error) {
	doc, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	f := &fixed{Commands: []string{}, Plan: doc, Obstacles: []string{}}
	if len(p.Changes) > 0 {
		f.Terraform = p.HCL()
	}
	for _, c := range p.Commands() {
		f.Commands = append(f.Commands, c.String())
	}
	for _, o := range p.Obstacles {
		f.Obstacles = append(f.Obstacles, o.Redesign)
	}
	return f, nil
}

func (d *daemon) paths(a asked) (any, error) {
	s := d.State()
	word := a.To
	if word == "" {
		word = a.From
	}
	e, err := why.Interface(s, a.Caller, word)
	if err != nil {
		return nil, notAsked(err)
	}
	if a.To != "" {
		return why.Paths(s, reach.PathsTo(s, e.ID)), nil
	}
	return why.Paths(s, reach.PathsFrom(s, e.ID)), nil
}

func export(s network.State) ([]exported, error) {
	out := []exported{}
	for c := range s.Rows() {
		doc, err := c.Doc()
		if err != nil {
			return nil, fmt.Errorf("write row %s: %w", c.Key, err)
		}
		out = append(out, exported{c.Kind, doc})
	}
	return out, nil
}

// diff compares a saved State with the present one, or the present one with what
// a plan would make of it.
func (d *daemon) diff(ctx context.Context, a asked) (any, error) {
	before, after := d.State(), d.State()
	if a.Before != nil {
		var l network.Loader
		for _, row := range a.Before {
			if err := l.Add(row.Kind, row.Doc); err != nil {
				return nil, &local.Problem{Kind: local.Unclear, Message: "the saved state cannot be read: " + err.Error()}
			}
		}
		before = l.State(0)
	}
	if len(a.Plan) > 0 {
		var err error
		if after, err = rehearse(ctx, after, a.Caller, a.Plan); err != nil {
			return nil, &local.Problem{Kind: local.Unclear, Message: err.Error()}
		}
	}
	return why.Differences(before, after, reach.Compare(before, after)), nil
}

func (d *daemon) flowLogs(a asked) (any, error) {
	if d.fabric == nil {
		return nil, errors.New("--fabric none: there are no packets")
	}
	format, err := flowlog.ParseFormat(a.Format)
	if err != nil {
		return nil, &local.Problem{Kind: local.Unclear, Message: err.Error()}
	}
	return local.Stream(func(ctx context.Context, tell func(any) error) error {
		if !a.Follow {
			for _, r := range d.flows.Recent() {
				if err := tell(format.Line(r)); err != nil {
					return err
				}
			}
			return nil
		}
		batches, err := d.flows.Subscribe(ctx)
		if err != nil {
			return err
		}
		for b := range batches {
			for _, r := range b.Records {
				if err := tell(format.Line(r)); err != nil {
					return err
				}
			}
			if b.Incomplete || b.Missed > 0 {
				if err := tell("# there was more than is shown here"); err != nil {
					return err
				}
			}
		}
		return nil
	}), nil
}

// trace tells what the kernel does with the packets of one flow; the first piece
// says that it listens.
func (d *daemon) trace(a asked) (any, error) {
	if d.fabric == nil {
		return nil, errors.New("--fabric none: there are no packets")
	}
	s := d.State()
	flow, err := why.Flow(s, a.Caller, a.Question)
	if err != nil {
		return nil, notAsked(err)
	}
	r := reach.Trace(s, flow)
	trail := linux.Trail{From: flow.Source, To: r.Destination, Source: r.Flow.SourceAddr, Dest: r.Flow.DestinationAddr,
		Protocol: uint8(flow.Protocol), Port: flow.Port}
	return local.Stream(func(ctx context.Context, tell func(any) error) error {
		steps, err := d.fabric.plane.Trace(ctx, trail)
		if err != nil {
			return err
		}
		if err := tell(traced{Ready: true, Answer: why.Document(s, r)}); err != nil {
			return err
		}
		for step := range steps {
			if err := tell(traced{Step: &step, End: step.End.String()}); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

// traced is one piece of a trace: the analyzer's answer first, then steps.
type traced struct {
	Ready  bool
	Answer why.Answer
	Step   *linux.TraceStep
	End    string
}
