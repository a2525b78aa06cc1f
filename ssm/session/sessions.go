package session

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"tombolo/network"
	"tombolo/ssm/document"
)

// Why a session could not be had.
var (
	// ErrUnknown means that no session of the caller's has that id.
	ErrUnknown = errors.New("no such session")
	// ErrNotConnected means that no session can be had with the target: there is no
	// such instance, or it does not run.
	ErrNotConnected = errors.New("not connected")
	// ErrTooMany means that no more sessions can be had at once.
	ErrTooMany = errors.New("too many sessions at once")
	// ErrClosing means that the daemon is about to end.
	ErrClosing = errors.New("sessions are closed")
)

// maxActive bounds the sessions at once: what one costs is bounded too.
const maxActive = 2000

// keep is how long AWS shows a session that ended (AWS: View session history).
const keep = 30 * 24 * time.Hour

// keepMost bounds the history whatever its age: every command of tombolo exec is one.
const keepMost = 10_000

// Spec is a session that is asked for.
type Spec struct {
	Caller   network.Caller
	User     string // the beginning of the session's id, as AWS's: the user or role session
	OwnerARN string // of who asks
	Target   network.InstanceID
	Document string // its name
	Plan     document.Plan
	Reason   string
}

// past is a session that ended.
type past struct {
	Info
	token token // the last, so that who had it learns why the session ended
}

// Sessions is the registry of sessions.
type Sessions struct {
	cfg     Config
	running sync.WaitGroup  // sessions and sockets
	ctx     context.Context // ends when the daemon is about to
	halt    context.CancelFunc

	mu      sync.Mutex
	closing bool
	active  map[string]*session
	history map[string]past
	pruned  time.Time
}

// Open reads the history. Sessions that lasted when the daemon ended are over:
// their programs ended with it.
func Open(cfg Config) (*Sessions, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Worker == nil {
		cfg.Worker = []string{"tombolo", "session-worker"}
	}
	a := &Sessions{cfg: cfg, active: map[string]*session{}, history: map[string]past{}}
	a.ctx, a.halt = context.WithCancel(context.Background())
	docs, err := cfg.Records.Records(context.Background(), recordKind)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	for _, doc := range docs {
		i, err := decodeInfo(doc)
		if err != nil {
			return nil, err
		}
		if !i.Status.over() {
			i.Status, i.Ended, i.Details = Terminated, cfg.Now(), sayRestart
			if err := cfg.Records.PutRecord(context.Background(), recordKind, i.ID, i.encode()); err != nil {
				return nil, fmt.Errorf("end session %s: %w", i.ID, err)
			}
		}
		a.history[i.ID] = past{Info: i}
	}
	return a, nil
}

// Run minds the clock until ctx ends; then it ends every session, clearly, and
// returns when all are over.
func (a *Sessions) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.tick()
		case <-ctx.Done():
			a.mu.Lock()
			a.closing = true
			a.mu.Unlock()
			a.halt() // who has dialled and said nothing is not waited for
			for _, s := range a.all() {
				s.end(endedWith(sayShutdown))
			}
			a.running.Wait()
			return nil
		}
	}
}

// tick ends the sessions whose time is up and forgets what is too old.
func (a *Sessions) tick() {
	now, state := a.cfg.Now(), a.cfg.State()
	for _, s := range a.all() {
		if why := s.due(now, state); why != nil {
			s.end(why)
		}
	}
	a.prune(now)
}

func (a *Sessions) all() []*session {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]*session, 0, len(a.active))
	for _, s := range a.active {
		out = append(out, s)
	}
	return out
}

// Start begins a session: its row is on disk when it returns. The program starts
// when a client has come with the token.
func (a *Sessions) Start(ctx context.Context, spec Spec) (Info, string, error) {
	s, err := a.begin(spec)
	if err != nil {
		return Info{}, "", err
	}
	info := s.snapshot()
	if err := a.cfg.Records.PutRecord(ctx, recordKind, info.ID, info.encode()); err != nil {
		a.drop(s)
		return Info{}, "", fmt.Errorf("record session: %w", err)
	}
	var text string
	s.token, text = newToken(a.cfg.Now())
	go s.run()
	return info, text, nil
}

// begin registers a session that does nothing yet; it must be run or dropped.
func (a *Sessions) begin(spec Spec) (*session, error) {
	state := a.cfg.State()
	i := state.Instance(spec.Target)
	if i == nil || !i.In(spec.Caller) || i.State != network.InstanceRunning {
		return nil, fmt.Errorf("%w: %s", ErrNotConnected, spec.Target)
	}
	s := newSession(a, spec, i)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return nil, ErrClosing
	}
	if len(a.active) >= maxActive {
		return nil, ErrTooMany
	}
	a.active[s.info.ID] = s
	a.running.Add(1)
	return s, nil
}

// drop forgets a session that was never run.
func (a *Sessions) drop(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.active, s.info.ID)
	a.running.Done()
}

// longestID is AWS's limit of a session id.
const longestID = 96

func newID(user string) string {
	suffix := hex.EncodeToString(randomBytes(9))[:17]
	user = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=,.@_-", r) {
			return r
		}
		return '-' // AWS: names of users have these characters only; the id is part of a URL and of a file name
	}, user)
	return strings.TrimLeft(user[:min(len(user), longestID-1-len(suffix))], ".") + "-" + suffix
}

// Resume gives a new token for a session, in place of the last. One that is over
// has none: the plugin then says that the session timed out.
func (a *Sessions) Resume(c network.Caller, id string) (token string, err error) {
	a.mu.Lock()
	s, old := a.active[id], a.history[id]
	a.mu.Unlock()
	switch {
	case s != nil && s.snapshot().belongs(c):
		return s.renew(), nil
	case old.ID != "" && old.belongs(c):
		return "", nil
	}
	return "", fmt.Errorf("%w: %s", ErrUnknown, id)
}

// terminateTime is how long Terminate waits for a program to end.
const terminateTime = 5 * time.Second

// Terminate ends a session and returns when it is over. ErrUnknown says that there
// was nothing to do.
func (a *Sessions) Terminate(c network.Caller, id string) error {
	a.mu.Lock()
	s := a.active[id]
	a.mu.Unlock()
	if s == nil || !s.snapshot().belongs(c) {
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	s.end(ended())
	select {
	case <-s.over:
		return nil
	case <-time.After(terminateTime):
		return fmt.Errorf("end session %s: it takes longer than %v", id, terminateTime)
	}
}

// List is every session of the caller's, active and history, newest first.
func (a *Sessions) List(c network.Caller) []Info {
	var found []Info
	a.mu.Lock()
	for _, p := range a.history {
		if p.belongs(c) {
			found = append(found, p.Info)
		}
	}
	active := make([]*session, 0, len(a.active))
	for _, s := range a.active {
		active = append(active, s)
	}
	a.mu.Unlock()
	for _, s := range active {
		if i := s.snapshot(); i.belongs(c) {
			found = append(found, i)
		}
	}
	newestFirst(found)
	return found
}

// Connected says whether a session with the target could be had.
func (a *Sessions) Connected(c network.Caller, target network.InstanceID) bool {
	i := a.cfg.State().Instance(target)
	return i != nil && i.In(c) && i.State == network.InstanceRunning
}

// retire makes history of a session.
func (a *Sessions) retire(i Info, last token) {
	if err := a.cfg.Records.PutRecord(context.Background(), recordKind, i.ID, i.encode()); err != nil {
		a.cfg.Log.Error("record the end of a session", "session", i.ID, "error", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.active, i.ID)
	a.history[i.ID] = past{i, last}
}

// prune forgets, once an hour, what AWS would not show any more.
func (a *Sessions) prune(now time.Time) {
	a.mu.Lock()
	if now.Sub(a.pruned) < time.Hour && len(a.history) <= keepMost {
		a.mu.Unlock()
		return
	}
	a.pruned = now
	var list []Info
	for _, p := range a.history {
		list = append(list, p.Info)
	}
	newestFirst(list)
	var old []string
	for n, i := range list {
		// A tenth less, so that the limit is not reached again at once.
		if now.Sub(i.Ended) > keep || len(list) > keepMost && n >= keepMost*9/10 {
			old = append(old, i.ID)
			delete(a.history, i.ID)
		}
	}
	a.mu.Unlock()
	for _, id := range old {
		if err := a.cfg.Records.DeleteRecord(context.Background(), recordKind, id); err != nil {
			a.cfg.Log.Error("forget a session", "session", id, "error", err)
		}
	}
}
