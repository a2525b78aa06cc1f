package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/control"
	"tombolo/guest"
	"tombolo/lab"
	"tombolo/linux/kernel"
	"tombolo/local"
	"tombolo/network"
)

// fabric is what carries packets: instances and the plane between them.
type fabric struct {
	guests *guest.Guests
	plane  *kernel.Plane
}

// openFabric takes over what an earlier daemon left, or finds an empty room.
func openFabric(dir string) (*fabric, error) {
	guests, err := guest.Open(guest.Config{Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("open instances: %w", err)
	}
	ns, err := guests.FabricNS()
	if err != nil {
		guests.Close()
		return nil, fmt.Errorf("open fabric: %w", err)
	}
	plane, err := kernel.Open(kernel.Config{Fabric: ns, InstanceNS: guests.NetNS})
	if err != nil {
		guests.Close()
		return nil, fmt.Errorf("open data plane: %w", err)
	}
	return &fabric{guests, plane}, nil
}

// close lets go of everything and leaves it running.
func (f *fabric) close() {
	f.plane.Close()
	f.guests.Close()
}

// follow has control look again whenever an instance changed by itself.
func (f *fabric) follow(ctx context.Context, c *control.Control) {
	for {
		select {
		case <-f.guests.Changed():
			c.Wake()
		case <-ctx.Done():
			return
		}
	}
}

func (f *fabric) console(id network.InstanceID) ([]byte, time.Time, error) {
	text, err := f.guests.Console(id)
	return text, time.Now().UTC(), err
}

// drops are the packets that were dropped, by cause, the most frequent first.
func (d *daemon) drops() ([]lab.Drop, error) {
	if d.fabric == nil {
		return nil, errors.New("--fabric none: there are no packets")
	}
	counters, err := d.fabric.plane.Counters()
	if err != nil {
		return nil, err
	}
	out := []lab.Drop{}
	for cause, packets := range counters {
		out = append(out, lab.Drop{Cause: cause.Why, At: cause.At, Direction: strings.TrimSpace(cause.Direction + " " + cause.Entry), Packets: packets})
	}
	slices.SortFunc(out, func(a, b lab.Drop) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), strings.Compare(a.At, b.At), strings.Compare(a.Cause, b.Cause), strings.Compare(a.Direction, b.Direction))
	})
	return out, nil
}

// Run starts a command in an instance for the command line.
func (d *daemon) Run(ctx context.Context, c local.Command) (*local.Session, error) {
	if d.fabric == nil {
		return nil, &local.Problem{Kind: local.NotRunning, Message: "--fabric none: instances run nothing"}
	}
	id, err := findInstance(d.control.State(), c.Instance)
	if err != nil {
		return nil, err
	}
	command := guest.Command{Args: c.Args, Env: c.Env, Dir: c.Dir, User: c.User}
	if len(c.Args) == 0 {
		command.Args = []string{"/bin/sh", "-c", "if [ -x /bin/bash ]; then exec /bin/bash -l; fi; exec /bin/sh -l"}
	}
	if c.Terminal != nil {
		return d.runOnTerminal(ctx, id, command, *c.Terminal)
	}
	return d.runOnPipes(ctx, id, command)
}

func (d *daemon) runOnTerminal(ctx context.Context, id network.InstanceID, c guest.Command, size local.Size) (*local.Session, error) {
	c.TTY = &guest.Size{Cols: size.Cols, Rows: size.Rows}
	p, err := d.fabric.guests.Start(ctx, id, c)
	if err != nil {
		return nil, problem(id, err)
	}
	s := session(p)
	s.Stdin, s.Stdout = keyboard{p.Terminal}, p.Terminal
	s.Resize = func(size local.Size) error { return p.Resize(guest.Size{Cols: size.Cols, Rows: size.Rows}) }
	s.Close = func() { _ = p.Terminal.Close() }
	return s, nil
}

// keyboard is a terminal's input: its end does not end what is printed.
type keyboard struct{ io.Writer }

func (keyboard) Close() error { return nil }

func (d *daemon) runOnPipes(ctx context.Context, id network.InstanceID, c guest.Command) (*local.Session, error) {
	var ours, theirs [3]*os.File
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("make pipe: %w", err)
		}
		ours[i], theirs[i] = r, w
		if i == 0 {
			ours[i], theirs[i] = w, r
		}
	}
	c.Stdin, c.Stdout, c.Stderr = theirs[0], theirs[1], theirs[2]
	p, err := d.fabric.guests.Start(ctx, id, c)
	for _, f := range theirs {
		_ = f.Close()
	}
	if err != nil {
		for _, f := range ours {
			_ = f.Close()
		}
		return nil, problem(id, err)
	}
	s := session(p)
	s.Stdin, s.Stdout, s.Stderr = ours[0], ours[1], ours[2]
	s.Close = func() {
		for _, f := range ours {
			_ = f.Close()
		}
	}
	return s, nil
}

func session(p *guest.Process) *local.Session {
	return &local.Session{
		Wait: func() (local.Exit, error) {
			st, err := p.Wait()
			exit := local.Exit{Code: st.Code}
			if st.Signal != 0 {
				exit.Signal = strings.TrimPrefix(unix.SignalName(st.Signal), "SIG")
			}
			return exit, err
		},
		Signal: func(name string) error { return p.Signal(unix.SignalNum("SIG" + name)) },
	}
}

// problem says why a command did not start, in a form that the caller can act on.
func problem(id network.InstanceID, err error) error {
	out := &local.Problem{Kind: local.Failed, Message: err.Error()}
	switch {
	case errors.Is(err, guest.ErrNotRunning):
		out.Kind, out.Message = local.NotRunning, fmt.Sprintf("%s is not running; start it with: tombolo aws ec2 start-instances --instance-ids %s", id, id)
	case errors.Is(err, os.ErrNotExist):
		out.Kind = local.NoCommand
	case errors.Is(err, os.ErrPermission):
		out.Kind = local.NotAllowed
	}
	return out
}

// findInstance resolves an ID or a Name tag to a living instance.
func findInstance(s network.State, word string) (network.InstanceID, error) {
	if i := s.Instance(network.InstanceID(word)); i != nil {
		return i.ID, nil
	}
	var found []network.InstanceID
	for i := range s.Instances() {
		name := s.Tags(network.Caller{Account: i.Owner, Region: i.Region}, string(i.ID))["Name"]
		if name == word && i.State != network.InstanceTerminated {
			found = append(found, i.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", &local.Problem{Kind: local.NotFound, Message: fmt.Sprintf("no instance has the ID or the Name %q; see: tombolo ls instances", word)}
	}
	return "", &local.Problem{Kind: local.NotFound, Message: fmt.Sprintf("%d instances are named %q; use an ID: %v", len(found), word, found)}
}
