package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"tombolo/network"
	"tombolo/ssm/channel"
	"tombolo/ssm/document"
)

// How long things may take. All but stopGrace are seen once a second.
const (
	defaultIdle   = 20 * time.Minute // AWS: Specify an idle session timeout value
	handshakeTime = 15 * time.Second // AWS's agent
	stallTime     = 5 * time.Minute  // input that nobody takes
	stopGrace     = time.Second      // for a program that was hung up on
	startTime     = 30 * time.Second // for an instance's first process
)

// session is one session that lasts. Its goroutine is run; the clock, the sockets
// and the API reach it by its methods.
type session struct {
	all     *Sessions
	plan    document.Plan
	boot    int // of the instance, when the session began
	reboots int

	ctx    context.Context // ends with the session; its cause may be an *ending
	cancel context.CancelCauseFunc
	over   chan struct{} // closed when the row says so

	input  signal     // a message may have come
	room   signal     // the window may have room, a socket may have come or gone
	making sync.Mutex // held by the one producer that waits for room

	mu       sync.Mutex
	info     Info
	line     *channel.Line // nil: in process, without a client
	socket   *socket       // the newest; nil: the client is away
	token    token
	attached time.Time // when the first client came
	shaken   bool      // the handshake is complete
	touched  time.Time // last traffic
	busy     time.Time // since when the consumer has been at its last message; zero: it waits
	ending   *ending   // once it is over
}

// signal is a wake-up that carries no data: whoever is woken looks for itself.
type signal chan struct{}

func (s signal) wake() {
	select {
	case s <- struct{}{}:
	default:
	}
}

func newSession(a *Sessions, spec Spec, i *network.Instance) *session {
	now := a.cfg.Now()
	s := &session{all: a, plan: spec.Plan, boot: i.Boots, reboots: i.Reboots,
		over: make(chan struct{}), input: make(signal, 1), room: make(signal, 1), touched: now,
		line: channel.New(channel.Config{Role: channel.Server, Seed: [16]byte(randomBytes(16)), Forgive: time.Second}),
		info: Info{ID: newID(spec.User), Account: spec.Caller.Account, Region: spec.Caller.Region, Target: spec.Target,
			Document: spec.Document, OwnerARN: spec.OwnerARN, Reason: spec.Reason, Status: Connecting, Started: now, Longest: spec.Plan.Preferences.Longest}}
	if p := s.plan.Preferences; p.Bucket != "" && s.plan.Type != document.Port {
		s.info.Bucket, s.info.Key = p.Bucket, logKey(p.KeyPrefix, s.info.ID)
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s
}

func (s *session) snapshot() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// end ends the session from outside; the first reason counts.
func (s *session) end(why *ending) {
	s.mu.Lock()
	if !s.info.Status.over() {
		s.info.Status = Terminating
	}
	s.mu.Unlock()
	s.cancel(why)
}

// due says why the session has to end now, or nil.
func (s *session) due(now time.Time, state network.State) *ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.plan.Preferences.Idle
	if limit == 0 && s.line != nil {
		limit = defaultIdle
	}
	switch why := gone(state, s.info.Target, s.boot, s.reboots); {
	case why != "":
		return endedWith(why)
	case s.info.Longest > 0 && now.Sub(s.info.Started) >= s.info.Longest:
		return endedWith(tooLong(s.info.Longest))
	case limit > 0 && now.Sub(s.touched) >= limit:
		return endedWith(idle(limit))
	case !s.busy.IsZero() && now.Sub(s.busy) >= stallTime:
		return endedWith(sayStalled)
	case !s.shaken && !s.attached.IsZero() && now.Sub(s.attached) >= handshakeTime:
		return failedWith(sayHandshake)
	}
	return nil
}

// renew replaces the token; there is none for a session that is about to end, or
// that has no websocket.
func (s *session) renew() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil || s.line == nil {
		return ""
	}
	var text string
	s.token, text = newToken(s.all.cfg.Now())
	return text
}

// run is the session's life.
func (s *session) run() {
	defer s.all.running.Done()
	why := s.live()
	if cause := s.cause(); cause != nil {
		why = cause
	} else {
		// The instance may have taken the program with it, before the clock saw it.
		if text := gone(s.all.cfg.State(), s.info.Target, s.boot, s.reboots); text != "" {
			why = endedWith(text)
		}
		why = s.flush(why)
	}
	s.conclude(why)
}

// cause is why the session was ended from outside, or nil.
func (s *session) cause() *ending {
	var why *ending
	if errors.As(context.Cause(s.ctx), &why) {
		return why
	}
	return nil
}

// live carries the session from the handshake to the end of its program.
func (s *session) live() *ending {
	client, why := s.handshake()
	if why != nil {
		return why
	}
	switch s.plan.Type {
	case document.StandardStream, document.InteractiveCommands:
		return s.shell()
	case document.NonInteractiveCommands:
		return s.command()
	case document.Port:
		return s.port(client)
	}
	return failedWith("There is no session type " + string(s.plan.Type) + ".")
}

// How long a program's last words may be on their way.
const (
	flushTime  = 2 * time.Second  // without any of them being acknowledged
	returnTime = 30 * time.Second // while the client is away
)

// flush waits until the client has what the program said: a slow one for as long
// as it takes anything, one that is away for as long as a plugin needs to resume.
func (s *session) flush(why *ending) *ending {
	room, away := -1, false
	limit := time.NewTimer(flushTime)
	defer limit.Stop()
	for {
		s.mu.Lock()
		now, here := s.line.Room(), s.socket != nil
		drained := s.line.Drained()
		s.mu.Unlock()
		if drained && here {
			return why
		}
		if now != room || away == here {
			room, away = now, !here
			limit.Reset(flushTime)
			if away {
				limit.Reset(returnTime)
			}
		}
		select {
		case <-s.room:
		case <-limit.C:
			return why
		case <-s.ctx.Done():
			return s.cause()
		}
	}
}

// closeTime is how long a client that was told of the end has to hang up itself:
// a socket that closes sooner looks like a fault to the plugin, and it resumes.
const closeTime = 500 * time.Millisecond

// conclude makes the session history and tells the client.
func (s *session) conclude(why *ending) {
	s.cancel(why)
	s.mu.Lock()
	s.info.Status, s.info.Ended, s.info.Details = Terminated, s.all.cfg.Now(), why.text
	if why.failed {
		s.info.Status = Failed
	}
	s.ending = why
	info, last := s.info, s.token
	s.mu.Unlock()
	s.all.retire(info, last)
	close(s.over)
	s.all.cfg.Log.Info("session ended", "session", info.ID, "target", info.Target, "status", info.Status, "why", why.text)
	s.mu.Lock()
	k := s.socket
	if s.line != nil {
		s.line.Close(time.Now(), info.ID, why.text)
	}
	s.mu.Unlock()
	if k != nil {
		k.part()
	}
}
