package control

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"tombolo/network"
)

// maxBatch bounds how much one transaction holds, and so how long its first
// request waits for its last.
const maxBatch = 512

// maxPatience bounds how long a request waits for company.
const maxPatience = time.Millisecond

// maxPause bounds how long the writer sleeps. Timers stand still while the
// machine is suspended; the clock on the wall, which Due means, does not.
const maxPause = time.Minute

// write is the one writer: it takes all that waits, applies it, stores it in one
// transaction, shows it and answers. Decision 0050.
func (c *Control) write(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	retry := backoff{limit: storeRetry}
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.queue.wake:
		case <-timer.C:
		}
		pause, last := time.Duration(0), company{}
		for ctx.Err() == nil {
			c.queue.gather(ctx, last)
			jobs := c.queue.take(maxBatch)
			begin := time.Now()
			if err := c.turn(jobs, retry.failing()); err != nil {
				pause = retry.next()
			} else {
				retry.reset()
				pause = c.untilDue()
			}
			last = company{len(jobs), min(time.Since(begin)/2, maxPatience)}
			if len(jobs) == 0 {
				break
			}
		}
		timer.Reset(pause)
	}
}

// untilDue is how long until something falls due by itself.
func (c *Control) untilDue() time.Duration {
	due := c.State().Due()
	if due.IsZero() {
		return maxPause
	}
	wait := due.Sub(c.now())
	if wait <= 0 {
		// It was settled and is due again already, which no rule should do: don't
		// let it keep the writer busy.
		wait = time.Second
	}
	return min(wait, maxPause)
}

// draft is a State that is not on disk yet, and what was written to make it.
type draft struct {
	state   network.State
	changes []network.Change
	cleared bool
}

// turn carries jobs out, and what is due. The error is the store's; whoever
// waits has been told. With probe it asks the store even if nothing changed.
func (c *Control) turn(jobs []*job, probe bool) error {
	before := c.State()
	d := draft{state: before}
	for _, j := range jobs {
		c.carryOut(&d, j)
	}
	c.settle(&d)
	if d.state.Generation == before.Generation && !probe {
		answer(jobs, before.Generation)
		return nil
	}
	if err := c.commit(d); err != nil {
		// Even a refusal may rest on what another request of the batch did and
		// the disk did not take: nobody is told anything but that.
		refuse(jobs, err)
		return err
	}
	c.publish(d)
	answer(jobs, d.state.Generation)
	return nil
}

func answer(jobs []*job, visible uint64) {
	for _, j := range jobs {
		j.visible = visible
		close(j.done)
	}
}

// carryOut applies one job to the draft.
func (c *Control) carryOut(d *draft, j *job) {
	if j.request == nil {
		*d = draft{state: network.State{Generation: d.state.Generation + 1}, cleared: true}
		return
	}
	op := network.Op{Caller: j.caller, At: c.now(), Seed: c.Dice(), Token: j.token, Request: j.request}
	j.state, j.err = c.apply(d, op)
	if j.err != nil {
		c.Log.Debug("refused", "request", fmt.Sprintf("%T", j.request), "account", j.caller.Account, "region", j.caller.Region, "why", j.err)
		return
	}
	c.Log.Debug("applied", "generation", j.state.Generation, "request", fmt.Sprintf("%T", j.request), "account", j.caller.Account, "region", j.caller.Region)
}

// apply makes the draft the State that op makes of it. A rule that panics has
// changed nothing, because a State never changes: the one request fails and all
// others go on.
func (c *Control) apply(d *draft, op network.Op) (next network.State, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.Error("a rule panicked", "generation", d.state.Generation, "request", fmt.Sprintf("%T", op.Request), "panic", p, "stack", string(debug.Stack()))
			next, err = d.state, fmt.Errorf("carry out %T: a rule panicked: %v", op.Request, p)
		}
	}()
	next, err = d.state.Apply(op)
	if err != nil {
		return next, err
	}
	d.changes = append(d.changes, next.Changes()...)
	d.state = next
	return next, nil
}

// settle applies what is due by now, so that nobody ever sees a State in which
// something is overdue.
func (c *Control) settle(d *draft) {
	now := c.now()
	due := d.state.Due()
	if due.IsZero() || due.After(now) {
		return
	}
	if _, err := c.apply(d, network.Op{At: now, Seed: c.Dice(), Request: network.Settle{}}); err != nil {
		c.Log.Error("settle what is due", "generation", d.state.Generation, "error", err)
	}
}

// commit stores the draft. It takes no context: a transaction once begun is
// waited for, so that nobody must guess whether it happened.
func (c *Control) commit(d draft) (err error) {
	if d.cleared {
		err = c.Store.Clear(context.Background(), d.state.Generation)
	} else {
		err = c.Store.Commit(context.Background(), d.changes, d.state.Generation)
	}
	c.note(partStore, d.state.Generation, err)
	return err
}

// publish shows a State that is on disk.
func (c *Control) publish(d draft) {
	c.recent.add(d, func() { c.state.Store(&d.state) })
	if c.Plane == nil {
		c.progress.report(d.state.Generation, nil)
	}
	c.plane.up()
	c.guests.up()
}

// backoff spaces the repetitions of what fails: 50 ms, doubling, up to limit.
type backoff struct{ wait, limit time.Duration }

const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second // of plane and guests
	storeRetry = time.Second     // of the store: until it works nothing can be changed
)

func (b *backoff) failing() bool { return b.wait > 0 }

func (b *backoff) next() time.Duration {
	b.wait = min(max(2*b.wait, firstRetry), b.limit)
	return b.wait
}

func (b *backoff) reset() { b.wait = 0 }
