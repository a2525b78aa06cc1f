package control

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tombolo/network"
)

// Store outlives the process. Commit returns when changes and generation are
// durable, or with an error when nothing was changed; without changes it asks
// whether writing works. Clear does the same with every row gone.
type Store interface {
	Commit(ctx context.Context, changes []network.Change, generation uint64) error
	Clear(ctx context.Context, generation uint64) error
}

// Plane makes packets obey a State. Reconcile looks at what is there, so that it
// also repairs what somebody else broke, and returns when packets obey. After an
// error the interfaces concerned are closed; it is asked again until it succeeds.
type Plane interface {
	Reconcile(context.Context, network.State) error
}

// Guests are what interfaces are plugged into. Prepare and Run are called from
// two goroutines: neither may hold the other up.
type Guests interface {
	// Prepare makes what the plane needs of each instance: its place to plug
	// interfaces into. It must not wait for anything that runs inside.
	Prepare(context.Context, network.State) error
	// Run starts and stops what the State says and returns the requests, such as
	// network.ReportStarted, that tell how far it got. It waits for no guest: what
	// takes long goes on after it returns, and Control.Wake brings it back. It is
	// called when packets obey the State, or when they have not for too long: an
	// instance that Prepare failed for is then left alone, and interfaces that the
	// plane failed for are closed.
	Run(context.Context, network.State) ([]network.Request, error)
}

// Config is what a Control is made of. State, as loaded from Store, and Store
// must be given; the rest may be left out.
type Config struct {
	State  network.State
	Store  Store
	Plane  Plane               // nil: there are no packets, every State is obeyed at once
	Guests Guests              // nil: instances run nothing and change state at once
	Log    *slog.Logger        // nil: silence
	Clock  func() time.Time    // nil: time.Now
	Dice   func() network.Seed // nil: crypto/rand
	Bound  time.Duration       // how long a call waits for packets to obey; 0: 5 s
	Audit  time.Duration       // how often plane and guests are looked at unasked; 0: 30 s
}

const (
	defaultBound = 5 * time.Second
	defaultAudit = 30 * time.Second
)

// Control owns the State. Make it with New, then Run it.
type Control struct {
	Config
	state    atomic.Pointer[network.State]
	recent   recent
	queue    *queue
	progress *progress
	plane    wake // loop A
	guests   wake // loop B
}

// New makes a Control that shows c.State and waits for Run.
func New(c Config) *Control {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Dice == nil {
		c.Dice = roll
	}
	if c.Guests == nil {
		c.Guests = empty{}
	}
	if c.Bound == 0 {
		c.Bound = defaultBound
	}
	if c.Audit == 0 {
		c.Audit = defaultAudit
	}
	out := &Control{Config: c, queue: newQueue(), plane: newWake(), guests: newWake()}
	out.progress = newProgress(out.now)
	out.state.Store(&c.State)
	out.recent.since = c.State.Generation
	return out
}

// roll is randomness for one op.
func roll() network.Seed {
	var s network.Seed
	rand.Read(s[:]) //nolint:errcheck // documented never to fail
	return s
}

// now is the moment as AWS writes it, in whole milliseconds of UTC, so that a
// time is the same before and after it was stored.
func (c *Control) now() time.Time { return c.Clock().UTC().Truncate(time.Millisecond) }

// ErrStopping is the answer to what came while the Control was going down. The
// request was not carried out.
var ErrStopping = errors.New("the server is stopping")

// Run works until ctx ends and returns when everything it started has ended. A
// commit under way is finished and answered. It is called once.
func (c *Control) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { c.write(ctx) })
	all.Go(func() { c.follow(ctx, c.plane, c.reconcile) })
	all.Go(func() { c.follow(ctx, c.guests, c.attend) })
	<-ctx.Done()
	c.queue.close()
	all.Wait()
	c.progress.stop()
}

// State is what exists now, and is on disk. It may be called at any time from
// anywhere and never waits.
func (c *Control) State() network.State { return *c.state.Load() }

// Do carries out r on behalf of caller and returns the State that it made, with
// its Outcome. A token that is not empty makes a repetition have no further
// effect. When Do returns without error the change is durable, and packets
// obey it, unless Status says that something is wrong. An error is a
// *network.Error when a rule refused; any other means that nothing was done, or,
// when ctx ended, that nobody waited to see.
func (c *Control) Do(ctx context.Context, caller network.Caller, token string, r network.Request) (network.State, error) {
	j := newJob(caller, token, r)
	c.queue.put(j)
	select {
	case <-j.done:
	case <-ctx.Done():
		return c.State(), ctx.Err()
	}
	if j.err != nil {
		return c.State(), j.err
	}
	c.obey(ctx, j.visible)
	return j.state, nil
}

// Reset removes everything of every account, durably.
func (c *Control) Reset(ctx context.Context) error {
	j := newJob(network.Caller{}, "", nil)
	c.queue.put(j)
	select {
	case <-j.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if j.err != nil {
		return j.err
	}
	c.obey(ctx, j.visible)
	return nil
}

// Wait returns when packets obey generation, however long that takes.
func (c *Control) Wait(ctx context.Context, generation uint64) error {
	return c.progress.wait(ctx, generation, unconditionally)
}

// Wake has plane and guests looked at now: something happened to them that the
// State does not know of, for example that a guest went down by itself.
func (c *Control) Wake() {
	c.plane.up()
	c.guests.up()
}

// obey waits, bounded, until packets obey generation or the plane has refused it.
func (c *Control) obey(ctx context.Context, generation uint64) {
	bounded, cancel := context.WithTimeout(ctx, c.Bound)
	defer cancel()
	err := c.progress.wait(bounded, generation, unlessRefused)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		if c.progress.late(generation) {
			c.Log.Warn("packets do not obey yet", "generation", generation, "waited", c.Bound)
		}
	}
}
