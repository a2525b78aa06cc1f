package session

import (
	"context"
	"io"
	"sync"
	"syscall"
	"time"

	"tombolo/ssm/channel"
)

// lull is how long the streams of a program that ended are at rest before they
// count as read: something that it left in the background may hold them open.
const lull = 200 * time.Millisecond

// program is what a session runs in its instance, and everything that goes on with
// it: it is over when nothing of that goes on any more.
type program struct {
	*Process
	s      *session
	ctx    context.Context // ends with the program
	cancel context.CancelFunc
	ended  chan struct{} // closed when the process has ended
	exit   Exit
	err    error
	feeds  sync.WaitGroup // client to program
	pumps  sync.WaitGroup // program to client
	rest   rest
}

// start starts a program for the session.
func (s *session) start(p Program) (*program, error) {
	ctx, stop := context.WithTimeout(s.ctx, startTime)
	defer stop()
	process, err := s.all.cfg.Host.Start(ctx, s.info.Target, p)
	if err != nil {
		return nil, err
	}
	own := *process
	own.Close = sync.OnceFunc(process.Close)
	process = &own
	r := &program{Process: process, s: s, ended: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(s.ctx)
	go func() {
		r.exit, r.err = process.Wait()
		close(r.ended)
	}()
	return r, nil
}

// feed runs a consumer of the client's messages; it must end with r.ctx.
func (r *program) feed(do func()) { r.feeds.Go(do) }

// pump carries one of the program's streams to the client, and to the log.
func (r *program) pump(from io.Reader, p channel.PayloadType, tee func([]byte) []byte) {
	r.pumps.Go(func() {
		r.s.pump(from, p, func(b []byte) []byte {
			if tee != nil {
				b = tee(b)
			}
			return b
		}, &r.rest)
	})
}

// await returns when the program has ended and what it said was sent, or when the
// session was ended, which ends the program.
func (r *program) await() {
	select {
	case <-r.ended:
		r.drain()
	case <-r.s.ctx.Done():
	}
	r.stop()
}

// stop hangs up: on the shell by its terminal, which takes its jobs with it but for
// those that were made to stay (nohup, setsid), as AWS's agent does. Who doesn't
// hear is killed.
func (r *program) stop() {
	r.cancel()
	select {
	case <-r.ended:
	default:
		hangUp(r.Process)
		r.Close()
		select {
		case <-r.ended:
		case <-time.After(stopGrace):
			_ = r.Signal(syscall.SIGKILL)
			<-r.ended
		}
	}
	r.Close()
	r.feeds.Wait()
	r.pumps.Wait()
}

// hangUp does what the end of a terminal does; a stopped process must wake to hear it.
func hangUp(p *Process) {
	_ = p.Signal(syscall.SIGHUP)
	_ = p.Signal(syscall.SIGCONT)
}

// drain waits until the streams of a program that ended are read to their end.
func (r *program) drain() {
	over := make(chan struct{})
	go func() { r.pumps.Wait(); close(over) }()
	r.rest.note(0)
	tick := time.NewTicker(lull / 4)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			if r.rest.since(lull) {
				return
			}
		case <-r.s.ctx.Done():
			return
		}
	}
}

// rest tells whether streams are at rest: nothing is being sent, and nothing came
// for a while.
type rest struct {
	mu      sync.Mutex
	sending int
	last    time.Time
}

func (r *rest) note(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sending += n
	r.last = time.Now()
}

func (r *rest) since(d time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sending == 0 && time.Since(r.last) >= d
}
