package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/control"
	"tombolo/guest"
	"tombolo/lab"
	"tombolo/linux"
	"tombolo/linux/kernel"
	"tombolo/local"
	"tombolo/network"
	"tombolo/ssm/document"
	"tombolo/ssm/session"
)

// fabric is what carries packets: instances and the plane between them.
type fabric struct {
	guests *guest.Guests
	plane  *kernel.Plane
}

// openFabric takes over what an earlier daemon left, or finds an empty room.
func openFabric(dir string, fast linux.FastPath) (*fabric, error) {
	guests, err := guest.Open(guest.Config{Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("open instances: %w", err)
	}
	ns, err := guests.FabricNS()
	if err != nil {
		guests.Close()
		return nil, fmt.Errorf("open fabric: %w", err)
	}
	plane, err := kernel.Open(kernel.Config{Fabric: ns, InstanceNS: guests.NetNS, FastPath: fast})
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

// Run starts a command in an instance for the command line. It is a session like
// any other, carried by the socket instead of a websocket.
func (d *daemon) Run(ctx context.Context, c local.Command) (*local.Session, error) {
	if d.fabric == nil {
		return nil, &local.Problem{Kind: local.NotRunning, Message: "--fabric none: instances run nothing"}
	}
	id, err := findInstance(d.control.State(), c.Instance)
	if err != nil {
		return nil, err
	}
	i := d.control.State().Instance(id)
	spec := session.Spec{Caller: network.Caller{Account: i.Owner, Region: i.Region}, User: "root",
		OwnerARN: "arn:aws:iam::" + string(i.Owner) + ":root", Target: id, Document: "AWS-StartNonInteractiveCommand",
		Plan: document.Plan{Type: document.NonInteractiveCommands, Command: strings.Join(c.Args, " ")}, Reason: "tombolo exec"}
	program := session.Program{Args: c.Args, Env: c.Env, Dir: c.Dir, User: c.User}
	if c.Terminal != nil {
		program.Terminal = &session.Size{Cols: c.Terminal.Cols, Rows: c.Terminal.Rows}
		spec.Document, spec.Plan.Type = "AWS-StartInteractiveCommand", document.InteractiveCommands
	}
	p, err := d.manager.sessions.Local(ctx, spec, program)
	if err != nil {
		return nil, problem(id, err)
	}
	return &local.Session{Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, Close: p.Close,
		Wait: func() (local.Exit, error) {
			e, err := p.Wait()
			exit := local.Exit{Code: e.Code}
			if e.Signal != 0 {
				exit.Signal = strings.TrimPrefix(unix.SignalName(e.Signal), "SIG")
			}
			return exit, err
		},
		Signal: func(name string) error { return p.Signal(unix.SignalNum("SIG" + name)) },
		Resize: func(size local.Size) error { return p.Resize(session.Size{Cols: size.Cols, Rows: size.Rows}) },
	}, nil
}

// problem says why a command did not start, in a form that the caller can act on.
func problem(id network.InstanceID, err error) error {
	out := &local.Problem{Kind: local.Failed, Message: err.Error()}
	switch {
	case errors.Is(err, guest.ErrNotRunning), errors.Is(err, session.ErrNotConnected):
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
