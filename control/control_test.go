package control

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tombolo/network"
	"tombolo/store"
)

var (
	marketing = network.Caller{Account: "123456789012", Region: "us-east-1"}
	finance   = network.Caller{Account: "210987654321", Region: "us-east-1"}
)

func createVPC(cidr string) network.Request {
	return network.CreateVPC{CIDR: netip.MustParsePrefix(cidr)}
}

// disk is a Store in memory that can be told to fail or to take its time.
type disk struct {
	store.Memory
	mu      sync.Mutex
	fail    error
	hold    chan struct{} // when set, a commit waits until it is closed
	commits int
}

func (d *disk) Commit(ctx context.Context, changes []network.Change, generation uint64) error {
	d.mu.Lock()
	hold := d.hold
	d.mu.Unlock()
	if hold != nil {
		<-hold
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commits++
	if d.fail != nil {
		return d.fail
	}
	return d.Memory.Commit(ctx, changes, generation)
}

// count is how many commits were tried.
func (d *disk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.commits
}

func (d *disk) set(fail error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

func (d *disk) block() (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hold := make(chan struct{})
	d.hold = hold
	return func() {
		d.mu.Lock()
		d.hold = nil
		d.mu.Unlock()
		close(hold)
	}
}

var errFull = errors.New("disk full")

// start runs a Control until the test ends. What c lacks is made up for.
func start(t testing.TB, c Config) *Control {
	t.Helper()
	out, stop := run(c)
	t.Cleanup(stop)
	return out
}

// run runs a Control until stop, which waits for its end.
func run(c Config) (out *Control, stop func()) {
	if c.Store == nil {
		c.Store = new(disk)
	}
	out = New(c)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		out.Run(ctx)
		close(ended)
	}()
	return out, func() {
		cancel()
		<-ended
	}
}

// try is Do by marketing without a token.
func try(c *Control, r network.Request) (network.State, error) {
	return c.Do(context.Background(), marketing, "", r)
}

func must(t testing.TB, c *Control, caller network.Caller, r network.Request) network.State {
	t.Helper()
	s, err := c.Do(context.Background(), caller, "", r)
	if err != nil {
		t.Fatalf("%T: %v", r, err)
	}
	return s
}

func vpcs(s network.State) (n int) {
	for range s.VPCs() {
		n++
	}
	return n
}

// reasons is why c is degraded, as text.
func reasons(c *Control) string {
	var out []string
	for _, r := range c.Status().Reasons {
		out = append(out, r.Part+": "+r.Text)
	}
	return strings.Join(out, "\n")
}

// pass lets time go by; inside a bubble that takes none.
func pass(d time.Duration) { <-time.After(d) }

func TestDoReturnsTheStateThatItsRequestMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		s := must(t, c, marketing, createVPC("10.0.0.0/16"))
		id := s.Outcome().Created[0]
		if s.VPC(network.VPCID(id)) == nil || c.State().VPC(network.VPCID(id)) == nil {
			t.Errorf("%s is not there", id)
		}
		if got := c.Status(); got.Durable != s.Generation || got.Obeyed != s.Generation || got.Degraded() {
			t.Errorf("status %+v at generation %d", got, s.Generation)
		}
	})
}

func TestRefusedRequestChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		_, err := try(c, createVPC("10.0.0.0/8"))
		var refused *network.Error
		if !errors.As(err, &refused) {
			t.Errorf("error is %v, want a *network.Error", err)
		}
		if c.State().Generation != 0 || d.count() != 0 {
			t.Errorf("generation %d, %d commits; want none", c.State().Generation, d.count())
		}
	})
}

func TestNothingIsShownBeforeItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		release := d.block()
		answered := false
		go func() {
			must(t, c, marketing, createVPC("10.0.0.0/16"))
			answered = true
		}()
		synctest.Wait()
		if answered || vpcs(c.State()) != 0 {
			t.Errorf("answered %t, %d VPCs shown, while the commit is under way", answered, vpcs(c.State()))
		}
		release()
		synctest.Wait()
		if !answered || vpcs(c.State()) != 1 {
			t.Errorf("answered %t, %d VPCs shown, after the commit", answered, vpcs(c.State()))
		}
	})
}

// crowd asks for n VPCs and one impossible one while the first request is being
// stored, and returns what each was answered once outcome has let it be stored.
func crowd(t *testing.T, c *Control, d *disk, n int, outcome func()) []error {
	t.Helper()
	answers := make([]error, n+1)
	release := d.block()
	var all sync.WaitGroup
	all.Go(func() { _, answers[0] = try(c, createVPC("10.0.0.0/16")) })
	synctest.Wait() // the writer is in its commit
	for i := 1; i <= n; i++ {
		all.Go(func() {
			r := network.CreateVPC{CIDR: netip.MustParsePrefix("10.0.0.0/16")}
			if i == n {
				r.CIDR = netip.MustParsePrefix("10.0.0.0/8")
			}
			caller := network.Caller{Account: network.Account(fmt.Sprintf("%012d", i)), Region: "us-east-1"}
			_, answers[i] = c.Do(context.Background(), caller, "", r)
		})
	}
	synctest.Wait()
	outcome()
	release()
	all.Wait()
	return answers
}

func TestRequestsThatWaitShareATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		for i, err := range crowd(t, c, d, 50, func() {}) {
			if refused := i == 50; refused != (err != nil) {
				t.Errorf("request %d is answered %v", i, err)
			}
		}
		if d.count() != 2 || vpcs(c.State()) != 50 || c.State().Generation != 50 {
			t.Errorf("%d commits, %d VPCs, generation %d; want 2, 50, 50", d.count(), vpcs(c.State()), c.State().Generation)
		}
	})
}

// lazyDisk is a disk whose commits take 2 ms.
type lazyDisk struct{ disk }

func (d *lazyDisk) Commit(ctx context.Context, changes []network.Change, generation uint64) error {
	pass(2 * time.Millisecond)
	return d.disk.Commit(ctx, changes, generation)
}

func TestCallersThatComeBackAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(lazyDisk)
		c := start(t, Config{Store: d})
		const callers, each = 8, 20
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				for n := range each {
					caller := network.Caller{Account: network.Account(fmt.Sprintf("%012d", i*each+n)), Region: "us-east-1"}
					must(t, c, caller, createVPC("10.0.0.0/16"))
					pass(100 * time.Microsecond) // the caller reads the answer and asks again
				}
			})
		}
		all.Wait()
		if least := callers * each / callers; d.count() > least+5 {
			t.Errorf("%d transactions for %d requests of %d callers, want about %d", d.count(), callers*each, callers, least)
		}
	})
}

func TestCallerThatIsAloneNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{Store: new(lazyDisk)})
		begin := time.Now()
		for n := range 5 {
			caller := network.Caller{Account: network.Account(fmt.Sprintf("%012d", n)), Region: "us-east-1"}
			must(t, c, caller, createVPC("10.0.0.0/16"))
		}
		if took := time.Since(begin); took != 10*time.Millisecond {
			t.Errorf("five calls took %v, five transactions take 10ms", took)
		}
	})
}

func TestFailedCommitFailsEveryRequestOfItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		answers := crowd(t, c, d, 50, func() { d.set(errFull) })
		for i, err := range answers {
			if !errors.Is(err, errFull) {
				t.Errorf("request %d is answered %v", i, err)
			}
		}
		if vpcs(c.State()) != 0 || c.State().Generation != 0 {
			t.Errorf("%d VPCs, generation %d; want the State as before", vpcs(c.State()), c.State().Generation)
		}
		if got := reasons(c); got != "store: disk full" {
			t.Errorf("reasons %q", got)
		}
	})
}

func TestStoreRecoversWithoutBeingAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		must(t, c, marketing, createVPC("10.0.0.0/16"))
		d.set(errFull)
		since := time.Now()
		if _, err := try(c, createVPC("10.1.0.0/16")); err == nil {
			t.Fatal("a request succeeds on a full disk")
		}
		pass(time.Hour)
		if s := c.Status(); !s.Degraded() || !s.Reasons[0].Since.Equal(since.UTC().Truncate(time.Millisecond)) {
			t.Errorf("status %+v, want degraded since %v", s, since)
		}
		if tries := d.count(); tries < 3500 || tries > 3700 {
			t.Errorf("%d commits tried in an hour, want one a second or so", tries)
		}
		d.set(nil)
		pass(storeRetry)
		synctest.Wait()
		if got := reasons(c); got != "" {
			t.Errorf("still degraded: %s", got)
		}
		if s := must(t, c, marketing, createVPC("10.1.0.0/16")); s.Generation != 2 || vpcs(s) != 2 {
			t.Errorf("generation %d, %d VPCs; want 2, 2", s.Generation, vpcs(s))
		}
	})
}

func TestStoredStateEqualsTheOneShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		pass(1234567 * time.Nanosecond) // a moment that AWS's form of a time can't show
		c := start(t, Config{Store: d})
		s := must(t, c, marketing, createVPC("10.0.0.0/16"))
		loaded, err := d.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id := network.VPCID(s.Outcome().Created[0])
		if shown, stored := fmt.Sprint(*s.VPC(id)), fmt.Sprint(*loaded.VPC(id)); shown != stored {
			t.Errorf("shown  %s\nstored %s", shown, stored)
		}
	})
}

func TestRepeatedTokenHasNoFurtherEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		first, err := c.Do(t.Context(), marketing, "token", createVPC("10.0.0.0/16"))
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Do(t.Context(), marketing, "token", createVPC("10.0.0.0/16"))
		if err != nil {
			t.Fatal(err)
		}
		if o := second.Outcome(); !o.Replay || o.Created[0] != first.Outcome().Created[0] || vpcs(c.State()) != 1 {
			t.Errorf("outcome %+v, %d VPCs; want a replay of %v and one VPC", o, vpcs(c.State()), first.Outcome().Created)
		}
		if _, err := c.Do(t.Context(), marketing, "token", createVPC("10.1.0.0/16")); err == nil {
			t.Error("the token is taken for something else")
		}
	})
}

func TestRequestOfACallerThatLeftIsStillCarriedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		release := d.block()
		ctx, leave := context.WithCancel(t.Context())
		var err error
		go func() { _, err = c.Do(ctx, marketing, "", createVPC("10.0.0.0/16")) }()
		synctest.Wait()
		leave()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the caller is told %v", err)
		}
		release()
		synctest.Wait()
		if vpcs(c.State()) != 1 {
			t.Errorf("%d VPCs, want 1", vpcs(c.State()))
		}
	})
}

// bomb is a request whose rule panics.
type bomb struct{ network.Request }

func TestRuleThatPanicsFailsItsOwnRequestOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		must(t, c, marketing, createVPC("10.0.0.0/16"))
		if _, err := try(c, bomb{}); err == nil || !strings.Contains(err.Error(), "panicked") {
			t.Errorf("error is %v", err)
		}
		if s := must(t, c, marketing, createVPC("10.1.0.0/16")); vpcs(s) != 2 || s.Generation != 2 {
			t.Errorf("%d VPCs, generation %d; want 2, 2", vpcs(s), s.Generation)
		}
	})
}

func TestResetEmptiesEverythingAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		release := d.block()
		for range 3 {
			go try(c, createVPC("10.0.0.0/16"))
		}
		synctest.Wait()
		done := false
		go func() {
			if err := c.Reset(t.Context()); err != nil {
				t.Error(err)
			}
			done = true
		}()
		synctest.Wait()
		go try(c, createVPC("10.9.0.0/16"))
		synctest.Wait()
		release()
		synctest.Wait()
		if s := c.State(); !done || vpcs(s) != 1 || s.Generation != 5 {
			t.Errorf("done %t, %d VPCs, generation %d; want the one made after the reset, at 5", done, vpcs(s), s.Generation)
		}
		loaded, err := d.Load(t.Context())
		if err != nil || vpcs(loaded) != 1 || loaded.Generation != 5 {
			t.Errorf("stored: %d VPCs, generation %d, %v", vpcs(loaded), loaded.Generation, err)
		}
	})
}

func TestStoppingAnswersEverybodyAndEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := New(Config{Store: d})
		ctx, stop := context.WithCancel(t.Context())
		ended := false
		go func() {
			c.Run(ctx)
			ended = true
		}()
		release := d.block()
		var underWay, waiting error
		go func() { _, underWay = try(c, createVPC("10.0.0.0/16")) }()
		synctest.Wait()
		go func() { _, waiting = try(c, createVPC("10.1.0.0/16")) }()
		synctest.Wait()
		stop()
		synctest.Wait()
		if ended {
			t.Error("Run returned in the middle of a commit")
		}
		release()
		synctest.Wait()
		if !ended || underWay != nil || !errors.Is(waiting, ErrStopping) {
			t.Errorf("ended %t; the commit under way: %v; what waited: %v", ended, underWay, waiting)
		}
		if _, err := try(c, createVPC("10.2.0.0/16")); !errors.Is(err, ErrStopping) {
			t.Errorf("after the end: %v", err)
		}
		if err := c.Wait(t.Context(), 99); err == nil {
			t.Error("Wait returns nil for what never happened")
		}
	})
}
