package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tombolo/network"
)

// fabric is a Plane and Guests whose kernel is a list of what was asked of it.
// It can be told to fail or to hang.
type fabric struct {
	mu        sync.Mutex
	log       []string
	passes    int
	obeys     uint64
	refuse    error // of Reconcile
	unplaced  error // of Prepare
	unstarted error // of Run
	hang      chan struct{}
	runHangs  chan struct{}
	reports   []network.Request
}

func (f *fabric) note(what string, s network.State) {
	f.log = append(f.log, fmt.Sprintf("%s %d", what, s.Generation))
}

func (f *fabric) Prepare(_ context.Context, s network.State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("prepare", s)
	return f.unplaced
}

func (f *fabric) Reconcile(ctx context.Context, s network.State) error {
	f.mu.Lock()
	f.passes++
	f.note("reconcile", s)
	hang := f.hang
	f.mu.Unlock()
	if err := waitFor(ctx, hang); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse == nil {
		f.obeys = s.Generation
	}
	return f.refuse
}

func (f *fabric) Run(ctx context.Context, s network.State) ([]network.Request, error) {
	f.mu.Lock()
	f.note("run", s)
	hang := f.runHangs
	reports := f.reports
	f.reports = nil
	f.mu.Unlock()
	if err := waitFor(ctx, hang); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return reports, f.unstarted
}

func waitFor(ctx context.Context, hang chan struct{}) error {
	if hang == nil {
		return nil
	}
	select {
	case <-hang:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// with changes f, which another goroutine may be using.
func (f *fabric) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fabric) obeyed() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.obeys
}

func (f *fabric) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.passes
}

func (f *fabric) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

func TestCallReturnsWhenPacketsObey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fabric)
		c := start(t, Config{Plane: f, Guests: f})
		for i := range 3 {
			s := must(t, c, marketing, createVPC("10.0.0.0/16"))
			if f.obeyed() != s.Generation {
				t.Errorf("call %d returned at generation %d of %d", i, f.obeyed(), s.Generation)
			}
		}
		if s := c.Status(); !s.Ready || s.Obeyed != 3 || s.Degraded() {
			t.Errorf("status %+v", s)
		}
	})
}

func TestNotReadyBeforePacketsObeyedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fabric{hang: make(chan struct{})}
		c := start(t, Config{Plane: f})
		synctest.Wait()
		if c.Status().Ready {
			t.Error("ready although the first pass goes on")
		}
		waited := false
		go func() {
			if err := c.Wait(t.Context(), 0); err != nil {
				t.Error(err)
			}
			waited = true
		}()
		synctest.Wait()
		if waited {
			t.Error("Wait returned although the first pass goes on")
		}
		close(f.hang)
		synctest.Wait()
		if !c.Status().Ready || !waited {
			t.Errorf("after the first pass: ready %t, waited %t", c.Status().Ready, waited)
		}
	})
}

func TestCallSucceedsAfterTheBoundWhenThePlaneHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fabric)
		c := start(t, Config{Plane: f})
		must(t, c, marketing, createVPC("10.0.0.0/16"))
		hang := make(chan struct{})
		f.with(func() { f.hang = hang })
		begin := time.Now()
		must(t, c, marketing, createVPC("10.1.0.0/16"))
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("the call took %v, want 5s", took)
		}
		if got := reasons(c); got != "delay: packets do not obey the newest changes yet" {
			t.Errorf("reasons %q", got)
		}
		f.with(func() { f.hang = nil })
		close(hang)
		synctest.Wait()
		if got := reasons(c); got != "" || c.Status().Obeyed != 2 {
			t.Errorf("when it goes on: reasons %q, generation %d", got, c.Status().Obeyed)
		}
	})
}

func TestCallSucceedsAtOnceWhenThePlaneRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fabric)
		c := start(t, Config{Plane: f})
		must(t, c, marketing, createVPC("10.0.0.0/16"))
		f.with(func() { f.refuse = errors.Join(errors.New("add route: EINVAL"), errors.New("add link: EEXIST")) })
		begin := time.Now()
		must(t, c, marketing, createVPC("10.1.0.0/16"))
		if took := time.Since(begin); took != 0 {
			t.Errorf("the call took %v", took)
		}
		if got := reasons(c); got != "plane: add route: EINVAL\nplane: add link: EEXIST" {
			t.Errorf("reasons %q", got)
		}
		if s := c.Status(); s.Durable != 2 || s.Obeyed != 1 {
			t.Errorf("status %+v, want generation 2 durable and 1 obeyed", s)
		}
		f.with(func() { f.refuse = nil })
		pass(lastRetry)
		synctest.Wait()
		if s := c.Status(); s.Degraded() || s.Obeyed != 2 {
			t.Errorf("after it recovered: %+v", s)
		}
	})
}

func TestRefusingPlaneIsAskedAgainLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fabric{refuse: errors.New("no")}
		c := start(t, Config{Plane: f})
		pass(time.Second)
		synctest.Wait()
		if n := f.count(); n < 4 || n > 6 {
			t.Errorf("%d passes in the first second, want 5", n)
		}
		pass(time.Hour)
		synctest.Wait()
		if n := f.count(); n < 700 || n > 740 {
			t.Errorf("%d passes in an hour, want one in 5 s", n)
		}
		f.with(func() { f.refuse = nil })
		if err := c.Wait(t.Context(), 0); err != nil {
			t.Error(err)
		}
	})
}

func TestBurstOfChangesCostsOnePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fabric)
		c := start(t, Config{Plane: f})
		synctest.Wait()
		hang := make(chan struct{})
		f.with(func() { f.hang = hang })
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				caller := network.Caller{Account: network.Account(fmt.Sprintf("%012d", i)), Region: "us-east-1"}
				must(t, c, caller, createVPC("10.0.0.0/16"))
			})
			if i == 0 {
				synctest.Wait() // the plane is busy with this one
			}
		}
		synctest.Wait()
		before := f.count()
		f.with(func() { f.hang = nil })
		close(hang)
		all.Wait()
		if n := f.count() - before; n != 1 || f.obeyed() != 100 {
			t.Errorf("%d passes up to generation %d, want one up to 100", n, f.obeyed())
		}
	})
}

func TestPlaneIsAuditedUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fabric)
		c := start(t, Config{Plane: f})
		pass(10*time.Minute + time.Second)
		synctest.Wait()
		if n := f.count(); n != 21 {
			t.Errorf("%d passes in ten quiet minutes, want 21", n)
		}
		c.Wake()
		synctest.Wait()
		if n := f.count(); n != 22 {
			t.Errorf("%d passes after a wake-up, want 22", n)
		}
	})
}

func TestGuestsArePreparedBeforeThePlaneAndRunAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fabric)
		c := start(t, Config{Plane: f, Guests: f})
		synctest.Wait()
		f.with(func() { f.log = nil })
		must(t, c, marketing, createVPC("10.0.0.0/16"))
		synctest.Wait()
		if got := f.took(); !slices.Equal(got, []string{"prepare 1", "reconcile 1", "run 1"}) {
			t.Errorf("order %v", got)
		}
	})
}

func TestGuestThatCannotBePreparedDoesNotHoldThePlaneUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fabric{unplaced: errors.New("clone: ENOMEM")}
		c := start(t, Config{Plane: f, Guests: f})
		begin := time.Now()
		must(t, c, marketing, createVPC("10.0.0.0/16"))
		if took := time.Since(begin); took != 0 || f.obeyed() != 1 {
			t.Errorf("the call took %v, the plane is at generation %d", took, f.obeyed())
		}
		if got := reasons(c); got != "places: clone: ENOMEM" {
			t.Errorf("reasons %q", got)
		}
	})
}

func TestGuestsThatHangDoNotHoldThePlaneUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fabric{runHangs: make(chan struct{})}
		c := start(t, Config{Plane: f, Guests: f})
		for range 5 {
			begin := time.Now()
			must(t, c, marketing, createVPC("10.0.0.0/16"))
			if took := time.Since(begin); took != 0 {
				t.Errorf("the call took %v", took)
			}
		}
	})
}

func TestGuestsRunAfterTheBoundWhenThePlaneKeepsRefusing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fabric{refuse: errors.New("no")}
		c := start(t, Config{Plane: f, Guests: f})
		must(t, c, marketing, createVPC("10.0.0.0/16"))
		pass(4 * time.Second)
		synctest.Wait()
		if got := f.took(); slices.Contains(got, "run 0") || slices.Contains(got, "run 1") {
			t.Errorf("guests ran before packets obeyed: %v", got)
		}
		pass(6 * time.Second)
		synctest.Wait()
		if got := f.took(); !slices.Contains(got, "run 1") {
			t.Errorf("guests never ran: %v", got)
		}
	})
}

func TestGuestsThatFailAreRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fabric{unstarted: errors.New("exec: ENOENT")}
		c := start(t, Config{Plane: f, Guests: f})
		synctest.Wait()
		if got := reasons(c); got != "guests: exec: ENOENT" {
			t.Errorf("reasons %q", got)
		}
		f.with(func() { f.unstarted = nil })
		pass(firstRetry)
		synctest.Wait()
		if got := reasons(c); got != "" {
			t.Errorf("reasons %q", got)
		}
	})
}

// launch runs an instance in a subnet of a new VPC.
func launch(t *testing.T, c *Control) network.InstanceID {
	t.Helper()
	must(t, c, marketing, network.OpenWorld{Zones: []string{"us-east-1a"}})
	s := must(t, c, marketing, network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro"})
	for i := range s.Instances() {
		return i.ID
	}
	t.Fatal("no instance")
	return ""
}

func TestWithoutGuestsInstancesMoveOnByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		id := launch(t, c)
		is := func(want network.InstanceState) {
			t.Helper()
			synctest.Wait()
			if got := c.State().Instance(id).State; got != want {
				t.Errorf("the instance is %v, want %v", got, want)
			}
		}
		is(network.InstanceRunning)
		must(t, c, marketing, network.StopInstances{Instances: []network.InstanceID{id}})
		is(network.InstanceStopped)
		must(t, c, marketing, network.StartInstances{Instances: []network.InstanceID{id}})
		is(network.InstanceRunning)
		must(t, c, marketing, network.TerminateInstances{Instances: []network.InstanceID{id}})
		is(network.InstanceTerminated)
		pass(time.Hour + time.Second)
		synctest.Wait()
		if i := c.State().Instance(id); i != nil {
			t.Errorf("an hour later the instance is still shown, %v", i.State)
		}
	})
}

func TestReportsAreMadeForTheOwnerAndStaleOnesAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fabric)
		c := start(t, Config{Plane: f, Guests: f})
		id := launch(t, c)
		f.with(func() {
			f.reports = []network.Request{
				network.ReportEnded{Instance: "i-00000000000000000"},
				network.ReportStarted{Instance: id},
			}
		})
		c.Wake()
		synctest.Wait()
		if got := c.State().Instance(id).State; got != network.InstanceRunning {
			t.Errorf("the instance is %v", got)
		}
		if got := reasons(c); got != "" {
			t.Errorf("reasons %q", got)
		}
	})
}
