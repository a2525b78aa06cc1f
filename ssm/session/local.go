package session

import (
	"context"
	"io"
	"syscall"
	"time"
)

// Ended says that a session that is carried in process was ended from outside:
// by TerminateSession, the clock, the instance's end or the daemon's.
type Ended struct{ Text string }

func (e *Ended) Error() string {
	if e.Text == "" {
		return "the session was terminated"
	}
	return e.Text
}

// Local runs a program as a session without a websocket: it is listed, terminated
// and timed out as any other, but its streams are the caller's. There is no idle
// time-out unless the plan has one: a long command may well be silent. The caller
// must call the process's Wait and Close; the context bounds the start alone.
func (a *Sessions) Local(ctx context.Context, spec Spec, p Program) (*Process, error) {
	s, err := a.begin(spec)
	if err != nil {
		return nil, err
	}
	process, err := a.cfg.Host.Start(ctx, spec.Target, p)
	if err != nil {
		a.drop(s)
		return nil, err
	}
	s.mu.Lock()
	s.line, s.info.Status = nil, Connected
	s.mu.Unlock()
	waited := make(chan struct{})
	go s.mind(process, waited)
	own := *process
	own.Stdin = noted{s, process.Stdin}
	own.Stdout = notedReader{s, process.Stdout}
	if process.Stderr != nil {
		own.Stderr = notedReader{s, process.Stderr}
	}
	own.Wait = func() (Exit, error) {
		exit, err := process.Wait()
		if why := s.cause(); why != nil { // before the end of the program is one too
			err = &Ended{why.text}
		}
		close(waited)
		return exit, err
	}
	return &own, nil
}

// mind ends the program with the session, and the session with the program.
func (s *session) mind(p *Process, waited <-chan struct{}) {
	defer s.all.running.Done()
	select {
	case <-waited:
	case <-s.ctx.Done():
		hangUp(p)
		select {
		case <-waited:
		case <-time.After(stopGrace):
			_ = p.Signal(syscall.SIGKILL)
			<-waited
		}
	}
	why := s.cause()
	if why == nil {
		why = ended()
	}
	s.conclude(why)
}

func (s *session) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched = s.all.cfg.Now()
}

// noted and notedReader keep a session from counting as idle while bytes flow.
type noted struct {
	s *session
	io.WriteCloser
}

func (n noted) Write(b []byte) (int, error) {
	n.s.touch()
	return n.WriteCloser.Write(b)
}

type notedReader struct {
	s *session
	io.Reader
}

func (n notedReader) Read(b []byte) (int, error) {
	count, err := n.Reader.Read(b)
	n.s.touch()
	return count, err
}
