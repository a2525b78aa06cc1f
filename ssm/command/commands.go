package command

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tombolo/network"
)

// Config is what commands need of the world.
type Config struct {
	Host     Host
	State    func() network.State
	Records  Records
	Objects  Objects                                         // nil: output is not stored beside the answers
	Reboot   func(context.Context, network.InstanceID) error // nil: scripts can't reboot
	Name     func(network.State, network.InstanceID) string  // an instance's own name; nil: none has one
	Platform Platform
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: none
	Dir      string           // of the agent, in instances; "": /var/lib/amazon/ssm
}

// Platform is what instances say that they are.
type Platform struct{ Name, Version string }

// Commands are all commands that were sent. Its methods may be called from
// several goroutines.
type Commands struct {
	Config
	wake    chan struct{} // capacity 1: look again at what may start
	running sync.WaitGroup

	mu        sync.Mutex
	byID      map[string]*entry
	open      []*entry   // not ended, in the order of sending
	ended     []*entry   // in the order of sending
	size      int        // of what is kept of the ended ones, in bytes
	busy      int        // invocations that something is being done to
	idle      *sync.Cond // of mu: busy has become 0
	resetting bool

	cancelling sync.Mutex // held while the fact is written that a command is cancelled
}

// entry is one command with its invocations.
type entry struct {
	stored
	maxConcurrency, maxErrors int
	invocations               []*invocation
}

// invocation is a command in one instance.
type invocation struct {
	kept
	instance  network.InstanceID
	cancelled bool
	busy      bool                    // a goroutine carries it out
	stop      context.CancelCauseFunc // of that goroutine
	retry     time.Time               // not before
	tries     int                     // that ended before anything ran; its goroutine's
	size      int                     // of its record
}

// Bounds of what is kept and of what may wait and run.
const (
	history      = 30 * 24 * time.Hour // AWS: Run Command keeps the history of commands for 30 days
	sizeLimit    = 64 << 20            // what ended commands may take, in bytes; the oldest go first
	openLimit    = 1000                // commands that have not ended
	perInstance  = 5                   // at once; amazon-ssm-agent's CommandWorkersLimit
	programLimit = 100                 // invocations at once, over all
	poll         = 500 * time.Millisecond
	patience     = 60        // tries, one a poll, while an instance is said to run and lets nothing run: it may be booting
	delivery     = time.Hour // when no TimeoutSeconds is given
)

// Open reads the commands that are on record. Nothing runs before Run.
func Open(ctx context.Context, config Config) (*Commands, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Dir == "" {
		config.Dir = "/var/lib/amazon/ssm"
	}
	c := &Commands{Config: config, wake: make(chan struct{}, 1), byID: map[string]*entry{}}
	c.idle = sync.NewCond(&c.mu)
	if err := c.load(ctx); err != nil {
		return nil, fmt.Errorf("read commands: %w", err)
	}
	return c, nil
}

// now is a time as it is stored and shown.
func (c *Commands) now() time.Time { return c.Now().UTC().Truncate(time.Millisecond) }

// Send begins a command. It is on disk, and nothing has run, when Send returns.
func (c *Commands) Send(ctx context.Context, spec Spec) (Command, error) {
	if spec.Timeout == 0 {
		spec.Timeout = delivery
	}
	spec.Output.Region = cmp.Or(spec.Output.Region, string(spec.Caller.Region))
	state := c.State()
	instances, err := spec.targets(state)
	if err != nil {
		return Command{}, err
	}
	at := c.now()
	s := stored{ID: newID(), Spec: spec, On: instances, Requested: at, Expires: at.Add(spec.Timeout)}
	for _, step := range spec.Steps {
		s.Expires = s.Expires.Add(step.Timeout)
	}
	for _, id := range instances {
		name := ""
		if c.Name != nil {
			name = c.Name(state, id)
		}
		s.Names = append(s.Names, name)
	}
	e, err := newEntry(s)
	if err != nil {
		return Command{}, err
	}
	if err := c.admit(); err != nil {
		return Command{}, err
	}
	if err := c.putCommand(ctx, e.stored); err != nil {
		return Command{}, err
	}
	c.mu.Lock()
	c.byID[e.ID] = e
	c.open = append(c.open, e)
	sent := e.command()
	c.mu.Unlock()
	sent.Status = Pending // AWS notices later that there are no instances
	c.Wake()
	return sent, nil
}

// admit refuses a command when too many have not ended.
func (c *Commands) admit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resetting || len(c.open) >= openLimit {
		return &Error{"ThrottlingException", fmt.Sprintf("Rate exceeded: %d commands have not ended", len(c.open))}
	}
	return nil
}

// newEntry is a command of which no invocation has begun.
func newEntry(s stored) (*entry, error) {
	e := &entry{stored: s}
	var err error
	if e.maxConcurrency, err = rate(s.MaxConcurrency, len(s.On), 50); err != nil {
		return nil, err
	}
	e.maxConcurrency = max(1, e.maxConcurrency)
	if e.maxErrors, err = rate(s.MaxErrors, len(s.On), 0); err != nil {
		return nil, err
	}
	for _, id := range s.On {
		e.invocations = append(e.invocations, &invocation{instance: id, kept: kept{Status: Pending, Steps: s.blank()}})
	}
	return e, nil
}

// newID is a UUID, version 4.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // documented never to fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Wake makes commands look again at what may start: an instance may run now. It
// need not be called; without it that is noticed half a second later.
func (c *Commands) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Filter selects commands; what is empty selects all.
type Filter struct {
	Caller        network.Caller // is never all
	ID            string
	Instance      network.InstanceID
	After, Before time.Time // when it was asked for
	Statuses      []string  // names or details
	Document      string
	Stage         string // Executing or Complete
}

func (f Filter) command(e *entry) bool {
	return e.Caller == f.Caller && (f.ID == "" || f.ID == e.ID) &&
		(f.Instance == "" || slices.Contains(e.On, f.Instance)) &&
		(f.After.IsZero() || e.Requested.After(f.After)) && (f.Before.IsZero() || e.Requested.Before(f.Before)) &&
		(f.Document == "" || f.Document == e.Document)
}

func (f Filter) status(s Status) bool {
	return s.among(f.Statuses) && (f.Stage == "" || s.Ended() == (f.Stage == "Complete"))
}

// List are the commands that f selects, the newest first.
func (c *Commands) List(f Filter) []Command {
	var out []Command
	c.each(f, func(e *entry) {
		if v := e.command(); f.status(v.Status) {
			out = append(out, v)
		}
	})
	return out
}

// Invocations are those that f selects, of the newest command first; statuses are
// theirs.
func (c *Commands) Invocations(f Filter) []Invocation {
	var out []Invocation
	c.each(f, func(e *entry) {
		command := e.command()
		for n, i := range e.invocations {
			v := e.invocation(&command, n)
			if (f.Instance == "" || f.Instance == i.instance) && f.status(v.Status) {
				out = append(out, v)
			}
		}
	})
	return out
}

// each calls yield, while nothing changes, for the commands that f selects.
func (c *Commands) each(f Filter, yield func(*entry)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*entry
	if f.ID != "" {
		if e := c.byID[f.ID]; e != nil && f.command(e) {
			found = append(found, e)
		}
	} else {
		for _, e := range c.byID {
			if f.command(e) {
				found = append(found, e)
			}
		}
	}
	slices.SortFunc(found, func(a, b *entry) int {
		return cmp.Or(b.Requested.Compare(a.Requested), cmp.Compare(b.ID, a.ID))
	})
	for _, e := range found {
		yield(e)
	}
}

// Invocation is a command in one instance.
func (c *Commands) Invocation(caller network.Caller, id string, instance network.InstanceID) (Invocation, error) {
	found := c.Invocations(Filter{Caller: caller, ID: id, Instance: instance})
	if id == "" || instance == "" || len(found) == 0 {
		return Invocation{}, &Error{Code: "InvocationDoesNotExist"}
	}
	return found[0], nil
}

// command is what is to be seen of it.
func (e *entry) command() Command {
	n := e.counts()
	return Command{
		ID: e.ID, Spec: e.Spec, Requested: e.Requested, Expires: e.Expires,
		Status:   n.status(e.Cancelled, e.maxErrors),
		Targeted: len(e.invocations), Completed: n.total() - n.of(unfinished()...),
		Errors: n.errors(), DeliveryTimedOut: n[DeliveryTimedOut],
	}
}

func (e *entry) counts() (n counts) {
	for _, i := range e.invocations {
		n[i.status()]++
	}
	return n
}

// status is Cancelling between the asking and the end.
func (i *invocation) status() Status {
	if i.cancelled && !i.Status.Ended() {
		return Cancelling
	}
	return i.Status
}

func (e *entry) invocation(of *Command, n int) Invocation {
	i := e.invocations[n]
	return Invocation{Command: of, Instance: i.instance, Name: e.Names[n], Status: i.status(), Steps: slices.Clone(i.Steps)}
}

// view is an invocation as it is now.
func (c *Commands) view(e *entry, i *invocation) Invocation {
	c.mu.Lock()
	defer c.mu.Unlock()
	command := e.command()
	return e.invocation(&command, slices.Index(e.invocations, i))
}

// Cancel asks for the end of a command, in some of its instances or in all of
// them; what has ended stays as it is. It is on disk when Cancel returns.
func (c *Commands) Cancel(ctx context.Context, caller network.Caller, id string, instances []network.InstanceID) error {
	c.cancelling.Lock()
	defer c.cancelling.Unlock()
	c.mu.Lock()
	e := c.byID[id]
	c.mu.Unlock()
	if e == nil || e.Caller != caller {
		return &Error{"InvalidCommandId", fmt.Sprintf("Command %s does not exist", id)}
	}
	for n, i := range instances {
		if slices.Contains(instances[:n], i) {
			return &Error{"DuplicateInstanceId", fmt.Sprintf("Instance ID %s is specified more than once", i)}
		}
		if !slices.Contains(e.On, i) {
			return &Error{"InvalidInstanceId", fmt.Sprintf("Command %s was not sent to instance %s", id, i)}
		}
	}
	c.mu.Lock()
	next := e.stored
	ended := !slices.Contains(c.open, e)
	c.mu.Unlock()
	if ended {
		return nil
	}
	next.Cancelled = next.Cancelled || len(instances) == 0
	next.CancelledIn = append(slices.Clip(next.CancelledIn), instances...)
	if err := c.putCommand(ctx, next); err != nil {
		return err
	}
	c.mu.Lock()
	e.Cancelled, e.CancelledIn = next.Cancelled, next.CancelledIn
	e.applyCancel()
	c.mu.Unlock()
	c.Wake()
	return nil
}

// applyCancel tells the invocations that somebody asked for their end.
func (e *entry) applyCancel() {
	for _, i := range e.invocations {
		if i.Status.Ended() || !e.Cancelled && !slices.Contains(e.CancelledIn, i.instance) {
			continue
		}
		i.cancelled = true
		if i.stop != nil {
			i.stop(errCancelled)
		}
	}
}

// Reset forgets every command and ends what runs.
func (c *Commands) Reset(ctx context.Context) error {
	c.mu.Lock()
	c.resetting = true
	for _, e := range c.open {
		e.Cancelled = true
		e.applyCancel()
	}
	c.byID, c.open, c.ended, c.size = map[string]*entry{}, nil, nil, 0
	for c.busy > 0 { // or they would put their ends on record afterwards
		c.idle.Wait()
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.resetting = false
		c.mu.Unlock()
	}()
	return c.forgetAll(ctx)
}
