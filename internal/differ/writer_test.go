package differ_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"tombolo/internal/randnet"
	"tombolo/internal/scenario"
	"tombolo/network"
	"tombolo/reach"
)

// analyst is an engine that answers as the analyzer does.
type analyst struct{ index *reach.Index }

func (*analyst) Name() string                { return "analyst" }
func (*analyst) Close() error                { return nil }
func (a *analyst) Set(s network.State) error { a.index = reach.NewIndex(s); return nil }
func (a *analyst) Send(f scenario.Flow) (scenario.Outcome, error) {
	q := reach.Flow{Source: f.From, SourceAddr: f.Source, Destination: f.Target, DestinationAddr: f.To, Protocol: f.Protocol, Port: f.Port, SourcePort: f.FromPort}
	if f.Kind == scenario.OneWay {
		q.SourcePort = 40000
	}
	dress(&q, f.Port, q.SourcePort)
	r := a.index.Trace(q)
	if r.Verdict == reach.Reachable || f.Kind == scenario.OneWay && r.Verdict == reach.Unanswered {
		return scenario.Outcome{Result: scenario.Delivered}, nil
	}
	c, ok := cause(r)
	if !ok {
		return scenario.Outcome{Result: scenario.NoReply}, nil
	}
	return scenario.Outcome{Result: scenario.NoReply, Cause: scenario.Cause{Word: c.Why, At: c.At, Direction: c.Direction, Rule: c.Entry}}, nil
}

// TestWrittenScenariosMeanTheSame writes random networks down as scenarios, reads
// them, and asks what stands in them: the answer must be the one that was written.
func TestWrittenScenariosMeanTheSame(t *testing.T) {
	asked, delivered := 0, 0
	for seed := range uint64(60) {
		n := randnet.New(seed)
		for range 4 {
			n.Change()
		}
		if strings.Contains(scenarioOf(n.State, question(n, rand.New(rand.NewPCG(seed, 0)))), "gateway") {
			continue // the language has no words for them
		}
		for i := range uint64(6) {
			q := question(n, rand.New(rand.NewPCG(seed, i)))
			text := scenarioOf(n.State, q)
			f, err := scenario.Parse("written", text)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, text)
			}
			r, err := scenario.Run(f, &analyst{})
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, text)
			}
			if len(r.Seen) != 1 || r.Seen[0].Differs() {
				t.Fatalf("seed %d: %+v\n%s", seed, r.Seen, text)
			}
			asked++
			if q.result.Verdict == reach.Reachable {
				delivered++
			}
		}
	}
	if asked < 60 || delivered == 0 || delivered == asked {
		t.Errorf("%d questions, %d delivered: that proves little", asked, delivered)
	}
}

// question is one of the flows between two running interfaces, without a fabric.
func question(n *randnet.Net, dice *rand.Rand) *shot {
	s := n.State
	x := reach.NewIndex(s)
	for {
		a, b := s.ENI(n.ENIs()[dice.IntN(len(n.ENIs()))]), s.ENI(n.ENIs()[dice.IntN(len(n.ENIs()))])
		if a.Attachment.Instance == b.Attachment.Instance || !s.Instance(a.Attachment.Instance).Runs() {
			continue
		}
		flows := between(a, b, dice)
		flow := flows[dice.IntN(len(flows))]
		r := x.Trace(flow)
		q := &shot{flow: flow, result: r}
		q.expect.cause, q.expect.ok = cause(r)
		return q
	}
}
