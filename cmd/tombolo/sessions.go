package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"tombolo/bucket"
	"tombolo/ec2"
	"tombolo/ec2/instance"
	"tombolo/flowlog/delivery"
	"tombolo/gate"
	"tombolo/guest"
	"tombolo/network"
	"tombolo/ssm"
	"tombolo/ssm/command"
	"tombolo/ssm/session"
	"tombolo/store"
)

// manager is Systems Manager: sessions, commands and the API in front of them.
type manager struct {
	buckets  *bucket.Buckets
	sessions *session.Sessions
	commands *command.Commands
	api      *ssm.Service
}

// openManager takes over the register that an earlier daemon left.
func (d *daemon) openManager(ctx context.Context, records store.Records) (*manager, error) {
	buckets, err := bucket.Open(filepath.Join(d.site.dir, "buckets"))
	if err != nil {
		return nil, err
	}
	m := &manager{buckets: buckets}
	h := host{d.fabric}
	m.sessions, err = session.Open(session.Config{Host: h, State: d.State, Records: records, Logs: buckets, Log: d.log})
	if err != nil {
		return nil, errors.Join(err, buckets.Close())
	}
	platform := command.Platform{Name: "Tombolo Linux", Version: version}
	m.commands, err = command.Open(ctx, command.Config{Host: commandHost{h}, State: d.State, Records: records, Objects: objects{buckets},
		Reboot: d.reboot, Name: hostname, Platform: platform, Log: d.log})
	if err != nil {
		return nil, errors.Join(err, buckets.Close())
	}
	m.api, err = ssm.Open(ctx, ssm.Config{Sessions: m.sessions, Commands: m.commands, State: d.State, Records: records,
		Platform: platform, Hostname: hostname, Images: instance.Images, Log: d.log})
	if err != nil {
		return nil, errors.Join(err, buckets.Close())
	}
	return m, nil
}

// run carries sessions and commands until ctx ends, then ends them.
func (m *manager) run(ctx context.Context, all *errgroup.Group) {
	all.Go(func() error { return m.sessions.Run(ctx) })
	all.Go(func() error { return m.commands.Run(ctx) })
}

// reset forgets everything that was made through the API.
func (m *manager) reset(ctx context.Context) error {
	return errors.Join(m.sessions.Reset(ctx), m.commands.Reset(ctx), m.api.Reset(ctx))
}

// streams answers the websockets of sessions. Web pages are kept out as from the API.
func (m *manager) streams(door *gate.Gate) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := door.Foreign(r); why != nil {
			http.Error(w, why.Message, why.Status)
			return
		}
		m.sessions.ServeHTTP(w, r)
	})
}

// collector makes flow logs of what the plane counts.
func (d *daemon) collector() *delivery.Collector {
	return delivery.New(delivery.Config{Meter: d.fabric.plane, State: d.State, Files: delivery.ToBuckets{Buckets: d.manager.buckets}, ZoneID: ec2.ZoneID,
		Report: func(ctx context.Context, log *network.FlowLog, problem string) error {
			_, err := d.Do(ctx, network.Caller{Account: log.Owner, Region: log.Region}, "", network.ReportDelivery{FlowLog: log.ID, Problem: problem})
			return err
		}})
}

func (d *daemon) reboot(ctx context.Context, id network.InstanceID) error {
	i := d.State().Instance(id)
	if i == nil {
		return guest.ErrNotRunning
	}
	_, err := d.Do(ctx, network.Caller{Account: i.Owner, Region: i.Region}, "", network.RebootInstances{Instances: []network.InstanceID{id}})
	return err
}

// hostname is what an instance calls itself: its private name, as on AWS.
func hostname(s network.State, id network.InstanceID) string {
	for e := range s.ENIsAt(id) {
		if e.Attachment.Device == 0 && len(e.Addrs) > 0 {
			return "ip-" + strings.ReplaceAll(e.Addrs[0].String(), ".", "-") + ".ec2.internal"
		}
	}
	return ""
}

// host starts programs in instances for sessions.
type host struct{ fabric *fabric }

// SingleUser says that everybody in an instance is root.
func (h host) SingleUser() bool {
	return h.fabric != nil && h.fabric.guests.Mode() == guest.SingleUID
}

// Start starts a program on a terminal or on pipes.
func (h host) Start(ctx context.Context, id network.InstanceID, p session.Program) (*session.Process, error) {
	if h.fabric == nil {
		return nil, errors.New("--fabric none: instances run nothing")
	}
	c := guest.Command{Args: p.Args, Env: p.Env, Dir: p.Dir, User: p.User}
	if p.Terminal != nil {
		c.TTY = &guest.Size{Cols: p.Terminal.Cols, Rows: p.Terminal.Rows}
		process, err := h.start(ctx, id, c)
		if err != nil {
			return nil, err
		}
		out := carried(process)
		out.Stdin, out.Stdout = keyboard{process.Terminal}, process.Terminal
		out.Resize = func(s session.Size) error { return process.Resize(guest.Size{Cols: s.Cols, Rows: s.Rows}) }
		out.Close = func() { _ = process.Terminal.Close() }
		return out, nil
	}
	in, stdin, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stdout, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), stdin.Close())
	}
	stderr, errs, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), stdin.Close(), stdout.Close(), out.Close())
	}
	c.Stdin, c.Stdout, c.Stderr = in, out, errs
	if p.Joined {
		c.Stderr = out
	}
	process, err := h.start(ctx, id, c)
	for _, f := range []*os.File{in, out, errs} {
		_ = f.Close()
	}
	ours := []*os.File{stdin, stdout, stderr}
	letGo := func() {
		for _, f := range ours {
			_ = f.Close()
		}
	}
	if err != nil {
		letGo()
		return nil, err
	}
	s := carried(process)
	s.Stdin, s.Stdout, s.Close = stdin, stdout, letGo
	if !p.Joined {
		s.Stderr = stderr
	}
	return s, nil
}

func (h host) start(ctx context.Context, id network.InstanceID, c guest.Command) (*guest.Process, error) {
	p, err := h.fabric.guests.Start(ctx, id, c)
	var why *guest.StartError
	if errors.As(err, &why) && strings.HasPrefix(why.Text, "there is no user ") {
		return nil, errors.Join(session.ErrNoUser, err)
	}
	return p, err
}

func carried(p *guest.Process) *session.Process {
	return &session.Process{
		Wait: func() (session.Exit, error) {
			st, err := p.Wait()
			return session.Exit{Code: st.Code, Signal: st.Signal}, err
		},
		Signal: func(s syscall.Signal) error { return p.Signal(s) },
		Resize: func(session.Size) error { return nil },
	}
}

// keyboard is a terminal's input: its end does not end what is printed.
type keyboard struct{ io.Writer }

func (keyboard) Close() error { return nil }

// commandHost starts programs in instances for Run Command.
type commandHost struct{ host }

func (h commandHost) Start(ctx context.Context, id network.InstanceID, p command.Program) (*command.Process, error) {
	s, err := h.host.Start(ctx, id, session.Program{Args: p.Args, Env: p.Env, Dir: p.Dir, User: p.User})
	if err != nil {
		return nil, err
	}
	return &command.Process{Stdin: s.Stdin, Stdout: s.Stdout, Stderr: s.Stderr, Signal: s.Signal, Close: s.Close,
		Wait: func() (command.Exit, error) {
			e, err := s.Wait()
			return command.Exit{Code: e.Code, Signal: e.Signal}, err
		}}, nil
}

// objects is where commands' output goes.
type objects struct{ *bucket.Buckets }

func (o objects) Create(name, key string) (command.Object, error) { return o.Buckets.Create(name, key) }
