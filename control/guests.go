package control

import (
	"context"
	"errors"
	"fmt"

	"tombolo/network"
)

// attend is a pass of loop B: it moves instances on. User data runs once, so an
// instance is not started before its packets can flow; but a plane that keeps
// failing, for other interfaces perhaps, must not keep instances from stopping.
func (c *Control) attend(ctx context.Context) error {
	s := c.State()
	bounded, cancel := context.WithTimeout(ctx, c.Bound)
	err := c.progress.wait(bounded, s.Generation, unconditionally)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s = c.State()
	}
	requests, err := c.Guests.Run(ctx, s)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.note(partGuests, s.Generation, err)
	return errors.Join(err, c.carryReports(s, requests))
}

// carryReports carries out what the guests report, as the account that each belongs
// to. What a rule refuses is old news: the instance has moved on since.
func (c *Control) carryReports(s network.State, requests []network.Request) error {
	jobs := make([]*job, len(requests))
	for i, r := range requests {
		jobs[i] = newJob(owner(s, r), "", r)
	}
	c.queue.put(jobs...)
	for _, j := range jobs {
		<-j.done
		var refused *network.Error
		if j.err != nil && !errors.As(j.err, &refused) {
			return fmt.Errorf("note what the guests report: %w", j.err)
		}
	}
	return nil
}

// owner is on whose behalf a guest's report is made.
func owner(s network.State, r network.Request) network.Caller {
	var id network.InstanceID
	switch r := r.(type) {
	case network.ReportStarted:
		id = r.Instance
	case network.ReportStopped:
		id = r.Instance
	case network.ReportEnded:
		id = r.Instance
	}
	i := s.Instance(id)
	if i == nil {
		return network.Caller{}
	}
	return network.Caller{Account: i.Owner, Region: i.Region}
}

// empty are the Guests of a program without any: instances that run nothing are
// where they should be at once.
type empty struct{}

func (empty) Prepare(context.Context, network.State) error { return nil }

func (empty) Run(_ context.Context, s network.State) ([]network.Request, error) {
	var out []network.Request
	for i := range s.Instances() {
		switch i.State {
		case network.InstancePending:
			out = append(out, network.ReportStarted{Instance: i.ID})
		case network.InstanceStopping:
			out = append(out, network.ReportStopped{Instance: i.ID})
		case network.InstanceShuttingDown:
			out = append(out, network.ReportEnded{Instance: i.ID})
		}
	}
	return out, nil
}
