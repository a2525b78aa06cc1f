package ec2

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"tombolo/gate"
	"tombolo/network"
)

// world is a Backend whose packets obey at once: the real core, and a clock.
type world struct {
	mu    sync.Mutex
	state network.State
	seed  uint64
	fails error // what Do answers, when set
}

func (w *world) Do(_ context.Context, caller network.Caller, token string, r network.Request) (network.State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fails != nil {
		return network.State{}, w.fails
	}
	w.seed++
	ask := network.Op{Caller: caller, At: now, Token: token, Request: r}
	binary.BigEndian.PutUint64(ask.Seed[:], w.seed)
	next, err := w.state.Apply(ask)
	if err == nil {
		w.state = next
	}
	return next, err
}

func (w *world) State() network.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

func (w *world) Console(context.Context, network.InstanceID) ([]byte, time.Time, error) {
	return []byte("booted\n"), now, nil
}

var now = time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)

// Later does it at once.
func (w *world) Later(work func(context.Context) error) { _ = work(context.Background()) }

// keys are two accounts' access keys.
type keys struct{}

func (keys) Lookup(id, token string, _ time.Time) (gate.Identity, string, error) {
	switch {
	case token != "":
	case id == "AKIDMARKETING":
		return gate.Root("123456789012"), "marketing-secret", nil
	case id == "AKIDFINANCE":
		return gate.Root("210987654321"), "finance-secret", nil
	}
	return gate.Identity{}, "", gate.ErrUnknownKey
}
