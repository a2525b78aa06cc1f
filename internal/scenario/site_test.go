package scenario_test

import (
	"encoding/binary"
	"testing"
	"time"

	"tombolo/network"
)

// site builds a State op by op.
type site struct {
	*testing.T
	state network.State
	now   time.Time
	dice  uint64
}

func newSite(t *testing.T) *site {
	return &site{T: t, now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
}

// do applies one request and then, as the daemon does, whatever is due.
func (s *site) do(who network.Caller, r network.Request) []string {
	s.Helper()
	made := s.apply(who, r)
	for due := s.state.Due(); !due.IsZero() && !due.After(s.now); due = s.state.Due() {
		s.apply(who, network.Settle{})
	}
	return made
}

// apply does one op that the model must accept.
func (s *site) apply(who network.Caller, r network.Request) []string {
	s.Helper()
	if err := s.try(who, r); err != nil {
		s.Fatalf("%T: %v", r, err)
	}
	return s.state.Outcome().Created
}

// try does one op that the model may refuse.
func (s *site) try(who network.Caller, r network.Request) error {
	s.dice++
	op := network.Op{Caller: who, At: s.now, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], s.dice)
	next, err := s.state.Apply(op)
	if err == nil {
		s.state = next
	}
	return err
}
