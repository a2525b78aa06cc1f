package control

import (
	"context"
	"errors"
	"time"
)

// follow runs pass whenever up is up, again soon when it failed, and now and
// then unasked. A wake-up carries no data: pass reads the newest State, so a
// burst of changes costs one pass and a lost wake-up one interval.
func (c *Control) follow(ctx context.Context, up wake, pass func(context.Context) error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	retry := backoff{limit: lastRetry}
	for {
		pause := c.Audit
		if err := pass(ctx); err != nil {
			pause = retry.next()
		} else {
			retry.reset()
		}
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return
		case <-up:
		case <-timer.C:
		}
	}
}

// reconcile is a pass of loop A: it makes packets obey the newest State. A guest
// that can't be prepared does not keep the plane from what it can do, such as
// closing what a revoked rule had opened.
func (c *Control) reconcile(ctx context.Context) error {
	s := c.recent.take(c.State)
	unprepared := c.Guests.Prepare(ctx, s)
	var refused error
	if c.Plane != nil {
		refused = c.Plane.Reconcile(ctx, s)
	}
	if ctx.Err() != nil {
		return ctx.Err() // what fails because we stop is no fault
	}
	c.note(partPlaces, s.Generation, unprepared)
	c.note(partPlane, s.Generation, refused)
	err := errors.Join(unprepared, refused)
	c.progress.report(s.Generation, err)
	return err
}
