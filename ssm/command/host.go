package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"tombolo/network"
)

// Host starts programs in instances. The context bounds the start alone.
type Host interface {
	Start(ctx context.Context, id network.InstanceID, p Program) (*Process, error)
}

// Program is what to start. It has pipes, no terminal.
type Program struct {
	Args, Env []string
	Dir, User string
}

// Process is a program that runs. Signal goes to its process group; Close lets go
// of the streams and is called once, last.
type Process struct {
	Stdin          io.WriteCloser
	Stdout, Stderr io.Reader
	Wait           func() (Exit, error)
	Signal         func(syscall.Signal) error
	Close          func()
}

// Exit is how a program ended: by itself with Code, or by Signal.
type Exit struct {
	Code   int
	Signal syscall.Signal
}

const (
	// drain is how long a program's output may outlive it: what it started in the
	// background can hold its pipes open for ever.
	drain = time.Second
	// reap is how long a killed program may take to end.
	reap = 10 * time.Second
)

var errUnkillable = errors.New("it did not end when it was killed")

// streams are what a program reads and where it prints to.
type streams struct {
	in        []byte
	out, errs io.Writer
}

// quiet are the streams of a program whose exit says everything.
func quiet() streams { return streams{out: io.Discard, errs: io.Discard} }

// run runs p until it ends, or ctx does: then its process group is killed.
func (c *Commands) run(ctx context.Context, id network.InstanceID, p Program, s streams) (Exit, error) {
	process, err := c.Host.Start(ctx, id, p)
	if err != nil {
		return Exit{}, err
	}
	var feeding, reading sync.WaitGroup
	feeding.Go(func() {
		_, _ = process.Stdin.Write(s.in) // a program may end without having read it
		_ = process.Stdin.Close()
	})
	reading.Go(func() { _, _ = io.Copy(s.out, process.Stdout) })
	reading.Go(func() { _, _ = io.Copy(s.errs, process.Stderr) })
	exit, err := await(ctx, process)
	read := make(chan struct{})
	go func() { reading.Wait(); close(read) }()
	grace := time.NewTimer(drain)
	defer grace.Stop()
	select {
	case <-read:
	case <-grace.C:
	}
	process.Close()
	<-read
	feeding.Wait()
	return exit, err
}

// await waits for the end of a program, which the end of ctx brings about.
func await(ctx context.Context, process *Process) (Exit, error) {
	type end struct {
		exit Exit
		err  error
	}
	ended := make(chan end, 1)
	go func() {
		exit, err := process.Wait()
		ended <- end{exit, err}
	}()
	select {
	case e := <-ended:
		return e.exit, e.err
	case <-ctx.Done():
	}
	killed := process.Signal(syscall.SIGKILL)
	late := time.NewTimer(reap)
	defer late.Stop()
	select {
	case e := <-ended:
		return e.exit, e.err
	case <-late.C:
		return Exit{}, errors.Join(errUnkillable, killed)
	}
}

// reboot reboots an instance and returns when programs run in it again. A program
// started before shows when the old machine is gone: it goes with it.
func (c *Commands) reboot(ctx context.Context, id network.InstanceID) error {
	if c.Reboot == nil {
		return errors.New("it asked for a reboot, which is not to be had here")
	}
	witness, err := c.Host.Start(ctx, id, Program{Args: []string{"cat"}, User: "root"})
	if err != nil {
		return fmt.Errorf("watch the instance reboot: %w", err)
	}
	err = c.Reboot(ctx, id)
	if err == nil {
		_, err = await(ctx, witness)
	} else {
		_ = witness.Signal(syscall.SIGKILL)
		_, _ = witness.Wait()
	}
	witness.Close()
	if err != nil {
		return fmt.Errorf("reboot the instance: %w", err)
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if _, err := c.run(ctx, id, Program{Args: []string{"true"}, User: "root"}, quiet()); err == nil {
			return ctx.Err()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
