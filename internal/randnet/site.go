package randnet

import (
	"encoding/binary"
	"fmt"
	"time"

	"tombolo/network"
)

// Site is one State that any number of random networks live in, each in accounts
// of its own.
type Site struct {
	State network.State
	nets  int
	seeds uint64
}

// When everything happens: any date will do, the model wants one.
var epoch = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

// try applies a request that the model may refuse, and then, as the daemon does,
// whatever is due. It returns the ops that changed something.
func (s *Site) try(who network.Caller, r network.Request) ([]network.Op, []string, error) {
	op, made, err := s.apply(who, r)
	if err != nil {
		return nil, nil, err
	}
	return append([]network.Op{op}, s.settle(who)...), made, nil
}

func (s *Site) settle(who network.Caller) []network.Op {
	var ops []network.Op
	for due := s.State.Due(); !due.IsZero() && !due.After(epoch); due = s.State.Due() {
		op, _, err := s.apply(who, network.Settle{})
		if err != nil {
			panic(fmt.Sprintf("unreachable: settle: %v", err))
		}
		ops = append(ops, op)
	}
	return ops
}

func (s *Site) apply(who network.Caller, r network.Request) (network.Op, []string, error) {
	s.seeds++
	op := network.Op{Caller: who, At: epoch, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], s.seeds)
	next, err := s.State.Apply(op)
	if err != nil {
		return op, nil, err
	}
	s.State = next
	return op, next.Outcome().Created, nil
}

// Replay is the State that ops make of nothing. What is refused, because an op
// that it needs has been left out, changes nothing; an op makes the same IDs
// whatever was left out before it.
func Replay(ops []network.Op) network.State {
	var s network.State
	for _, op := range ops {
		if next, err := s.Apply(op); err == nil {
			s = next
		}
	}
	return s
}
