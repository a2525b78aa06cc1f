package command

import (
	"context"
	"time"

	"tombolo/network"
)

// sweep is how often the history is looked through when nothing else happens.
const sweep = time.Hour

// Run carries commands out until ctx ends. What runs then is killed and has
// failed, what waits stays for the next Run. It returns when nothing runs any more.
func (c *Commands) Run(ctx context.Context) error {
	defer c.running.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-timer.C:
		}
		timer.Reset(c.pass(ctx))
		if err := c.retire(context.WithoutCancel(ctx)); err != nil {
			c.Log.Error("old commands are not forgotten", "error", err)
		}
	}
}

// due is something that pass found to do.
type due struct {
	e      *entry
	i      *invocation
	status Status // what it ends as; 0: it is started
}

// pass ends what can't be started any more and starts what can. It returns when
// to look again unasked.
func (c *Commands) pass(ctx context.Context) time.Duration {
	found, again := c.find(c.State(), c.now())
	for _, d := range found {
		if d.status != 0 {
			c.note(d.e, d.i, d.status, d.e.never(d.status, c.now()))
			c.release(d.e, d.i)
			continue
		}
		c.start(ctx, d.e, d.i)
	}
	return again
}

// never are the results of steps that were never begun.
func (e *entry) never(s Status, at time.Time) []Result {
	results := e.blank()
	for n := range results {
		results[n].Status = s
	}
	return results
}

// find claims what is to be done now, so that nothing else is done to it.
func (c *Commands) find(state network.State, now time.Time) (found []due, again time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	again = sweep
	busy := map[network.InstanceID]int{}
	for _, e := range c.open {
		for _, i := range e.invocations {
			if i.busy {
				busy[i.instance]++
			}
		}
	}
	for _, e := range c.open {
		active := 0
		for _, i := range e.invocations {
			if i.busy {
				active++
			}
		}
		n := e.counts()
		for _, i := range e.invocations {
			if i.busy || i.Status != Pending {
				continue
			}
			d := due{e: e, i: i, status: c.verdictOnPending(e, i, state, now)}
			may := active < e.maxConcurrency && busy[i.instance] < perInstance && c.busy < programLimit && !i.retry.After(now)
			instance := state.Instance(i.instance)
			switch {
			case d.status != 0:
			case n.errors() > e.maxErrors:
				d.status = Terminated
			case may && instance.State == network.InstanceRunning:
				active++
				busy[i.instance]++
			default:
				// A free place wakes us, an instance that begins to run need not.
				again = min(again, poll, e.Requested.Add(e.Timeout).Sub(now))
				continue
			}
			i.busy = true
			c.busy++
			found = append(found, d)
		}
	}
	return found, again
}

// verdictOnPending is what an invocation that has not begun has come to; 0 when
// it may still begin.
func (c *Commands) verdictOnPending(e *entry, i *invocation, state network.State, now time.Time) Status {
	instance := state.Instance(i.instance)
	switch {
	case i.cancelled:
		return Cancelled
	case instance == nil || !ours(instance, e.Caller) || !manageable(instance):
		return Undeliverable
	case !now.Before(e.Requested.Add(e.Timeout)):
		return DeliveryTimedOut
	}
	return 0
}

// start carries an invocation out, which find has claimed.
func (c *Commands) start(ctx context.Context, e *entry, i *invocation) {
	one, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	c.mu.Lock()
	i.stop = stop
	if i.cancelled {
		stop(errCancelled) // between find and here
	}
	c.mu.Unlock()
	c.running.Go(func() {
		defer stop(nil)
		defer context.AfterFunc(ctx, func() { stop(errStopping) })()
		c.carry(one, e, i)
	})
}

// release gives an invocation back after what find claimed it for. One that has
// not begun after all is tried again, not at once.
func (c *Commands) release(e *entry, i *invocation) {
	c.mu.Lock()
	i.busy, i.stop = false, nil
	if c.busy--; c.busy == 0 {
		c.idle.Broadcast()
	}
	if i.Status == Pending {
		i.retry = c.now().Add(poll)
	}
	c.mu.Unlock()
	c.Wake()
}
