package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/network"
)

// Command is a program to run in an instance.
type Command struct {
	Args []string
	Env  []string // beside what a login sets; the later of two wins
	Dir  string   // "" is the user's home
	User string   // "" is root
	TTY  *Size    // not nil: on a terminal of its own, and the streams below are not used

	// The streams must be pipes, nil is /dev/null: no file of the machine goes in.
	Stdin, Stdout, Stderr *os.File
}

// Process is a program running in an instance. When the daemon dies, it is hung up.
type Process struct {
	PID      int       // inside the instance
	Terminal *Terminal // with a TTY: what it prints and reads; the caller closes it

	conn *net.UnixConn
	in   *json.Decoder
	mu   sync.Mutex
}

// Status is how a program ended: with a code, or by a signal.
type Status struct {
	Code   int
	Signal syscall.Signal // 0 when it ended by itself
}

// Start runs a program in a running instance, whose process 1 it starts if this is
// the first. An error for which errors.Is(err, os.ErrNotExist) or os.ErrPermission
// holds means the program, not Tombolo.
func (g *Guests) Start(ctx context.Context, id network.InstanceID, c Command) (*Process, error) {
	files, done, err := c.streams()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := g.awaken(ctx, string(id)); err != nil {
		return nil, err
	}
	conn, err := g.dial(string(id))
	if err != nil {
		return nil, ErrNotRunning
	}
	req := request{Kind: "exec", Args: c.Args, Env: c.Env, Dir: c.Dir, User: c.User, TTY: c.TTY}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := send(conn, req, files); err != nil {
		conn.Close()
		return nil, fmt.Errorf("ask the instance: %w", err)
	}
	var first reply
	in, passed, err := receive(conn, &first)
	if err == nil && first.Error != "" {
		err = &StartError{first.Error, first.Errno}
	}
	if err == nil && c.TTY != nil && len(passed) != 1 {
		err = errors.New("the instance gave no terminal")
	}
	if err != nil {
		conn.Close()
		closeAll(passed)
		return nil, err
	}
	p := &Process{PID: first.PID, conn: conn, in: in}
	if c.TTY != nil {
		p.Terminal = newTerminal(passed[0])
	}
	return p, nil
}

// StartError is why a program did not start, in the instance's words.
type StartError struct {
	Text  string
	Errno syscall.Errno
}

func (e *StartError) Error() string { return e.Text }
func (e *StartError) Unwrap() error { return e.Errno }

// streams are the three descriptors that go in with the request.
func (c Command) streams() ([]*os.File, func(), error) {
	if c.TTY != nil {
		return nil, func() {}, nil
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	files := []*os.File{c.Stdin, c.Stdout, c.Stderr}
	for i, f := range files {
		if f == nil {
			files[i] = null
			continue
		}
		info, err := f.Stat()
		if err == nil && info.Mode()&os.ModeNamedPipe == 0 {
			err = fmt.Errorf("stream %d is not a pipe", i)
		}
		if err != nil {
			null.Close()
			return nil, nil, err
		}
	}
	return files, func() { null.Close() }, nil
}

// Wait waits for the program's end. It must be called once.
func (p *Process) Wait() (Status, error) {
	defer p.conn.Close()
	var last reply
	if err := p.in.Decode(&last); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) {
			// The instance ended, and everything in it by SIGKILL.
			return Status{Signal: unix.SIGKILL}, nil
		}
		return Status{}, fmt.Errorf("wait for the program: %w", err)
	}
	return Status{Code: last.Code, Signal: last.Signal}, nil
}

// Signal sends a signal to the program and those it started in its session's
// first process group.
func (p *Process) Signal(s syscall.Signal) error { return p.order(command{Signal: s}) }

// Resize tells the program's terminal its new size.
func (p *Process) Resize(s Size) error { return p.order(command{Resize: &s}) }

// Hangup ends the program as a broken line would. Wait then returns.
func (p *Process) Hangup() error { return p.conn.CloseWrite() }

func (p *Process) order(c command) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return send(p.conn, c, nil)
}

// awaken sees to it that a booted instance has a process 1.
func (g *Guests) awaken(ctx context.Context, id string) error {
	if !validID.MatchString(id) {
		return fmt.Errorf("%q is no instance", id)
	}
	defer g.lock(id)()
	record, booted := g.booted(id)
	if !booted {
		return ErrNotRunning
	}
	if record.Process && g.watch(id) {
		return nil
	}
	if record.Process {
		g.wake()
		return ErrNotRunning // it crashed; Run boots it again
	}
	if err := g.ensure(ctx, id, record.Host); err != nil {
		return err
	}
	record.Process = true
	if err := g.record(id, record); err != nil {
		return err
	}
	g.watch(id)
	return nil
}

// ensure starts an instance's process 1 unless it is there: an earlier daemon may
// have died right after starting it.
func (g *Guests) ensure(ctx context.Context, id string, host hostName) error {
	if g.lives(id) {
		return nil
	}
	g.mu.Lock()
	delete(g.dead, id)
	g.mu.Unlock()
	g.turns <- struct{}{} // several at a time only make each other slow
	defer func() { <-g.turns }()
	if err := g.launch(ctx, id, host); err != nil {
		g.cgroups.remove(id)
		return fmt.Errorf("start the instance: %w", err)
	}
	return nil
}

// lives reports whether an instance has a process 1. One that is too busy to take
// another connection lives, too.
func (g *Guests) lives(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead[id] {
		return false
	}
	conn, err := g.dial(id)
	if err == nil {
		conn.Close()
	}
	g.dead[id] = nobody(err)
	return !g.dead[id]
}

// nobody reports whether a failed connection means that no process 1 is there. Any
// other error (its queue is full, we are out of descriptors) says nothing of it.
func nobody(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT)
}

func (g *Guests) dial(id string) (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: g.agentName(id), Net: "unix"})
}

// tell asks process 1 for something and waits until it has begun.
func (g *Guests) tell(id string, req request) error {
	conn, err := g.dial(id)
	if err != nil {
		return fmt.Errorf("reach the instance: %w", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(launchTimeout))
	if err := send(conn, req, nil); err != nil {
		return err
	}
	var answer reply
	_, _, err = receive(conn, &answer)
	return err
}

// watch reports whether an instance's process 1 lives, and has Changed receive when
// it dies.
func (g *Guests) watch(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watched[id] {
		return true
	}
	conn, err := g.dial(id)
	if err != nil || g.ctx.Err() != nil {
		return !nobody(err)
	}
	g.watched[id] = true
	g.working.Go(func() {
		defer context.AfterFunc(g.ctx, func() { conn.Close() })()
		send(conn, request{Kind: "watch"}, nil)
		io.Copy(io.Discard, conn)
		conn.Close()
		g.mu.Lock()
		delete(g.watched, id)
		g.mu.Unlock()
		g.wake()
	})
	return true
}

// halt ends an instance's processes: it asks process 1, and kills that if it does
// not obey. Nothing of the instance runs afterwards.
func (g *Guests) halt(id string, grace time.Duration) error {
	conn, err := g.dial(id)
	if nobody(err) {
		g.cgroups.remove(id)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reach the instance's first process: %w", err)
	}
	defer conn.Close()
	first, err := processAt(conn)
	if err != nil {
		return fmt.Errorf("find the instance's first process: %w", err)
	}
	defer first.Close()
	if err := send(conn, request{Kind: "stop", Grace: grace}, nil); err == nil {
		first.await(g.ctx, grace+3*time.Second)
	}
	if g.ctx.Err() != nil {
		return g.ctx.Err() // process 1 goes on with it, and the next daemon looks again
	}
	if err := first.kill(); err != nil {
		return err
	}
	if !first.await(g.ctx, 10*time.Second) {
		return errors.New("the instance's first process does not end")
	}
	g.cgroups.remove(id)
	return nil
}
