package ssm

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tombolo/gate"
	"tombolo/network"
	"tombolo/ssm/command"
	"tombolo/ssm/session"
	"tombolo/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	home     = network.Caller{Account: "123456789012", Region: "us-east-1"}
	stranger = network.Caller{Account: "210987654321", Region: "us-east-1"}
	began    = time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)
)

// site is an account with instances, and the API in front of it. Sessions and
// commands are the real ones; instances are this machine.
type site struct {
	t       testing.TB
	records *store.Memory
	service *Service

	mu    sync.Mutex
	state network.State
	dice  uint64
	at    time.Time
}

func newSite(t testing.TB) *site {
	s := &site{t: t, records: &store.Memory{}, at: began}
	for _, c := range []network.Caller{home, stranger, {Account: home.Account, Region: "eu-west-1"}} {
		s.do(c, network.OpenWorld{Zones: []string{string(c.Region) + "a"}})
	}
	s.open()
	return s
}

// open starts everything above the records, as a daemon does; it stops with the test.
func (s *site) open() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	sessions, err := session.Open(session.Config{Host: sessionHost{}, State: s.State, Records: s.records, Now: s.now})
	if err != nil {
		s.t.Fatal(err)
	}
	commands, err := command.Open(ctx, command.Config{Host: commandHost{}, State: s.State, Records: s.records, Now: s.now,
		Dir: s.t.TempDir(), Name: hostname, Platform: command.Platform{Name: "Amazon Linux", Version: "2023"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.service, err = Open(ctx, Config{Sessions: sessions, Commands: commands, State: s.State, Records: s.records, Now: s.now,
		Hostname: hostname, Platform: command.Platform{Name: "Amazon Linux", Version: "2023"}, Images: images})
	if err != nil {
		s.t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = sessions.Run(ctx) })
	running.Go(func() { _ = commands.Run(ctx) })
	s.t.Cleanup(func() { cancel(); running.Wait() })
}

func hostname(_ network.State, id network.InstanceID) string { return "host-of-" + string(id)[:3] }

func images(r network.Region) map[string]network.ImageID {
	return map[string]network.ImageID{
		"amzn2-ami-hvm-2.0.20251027.1-x86_64-gp2":                        "ami-00000000000000001",
		"amzn2-ami-hvm-2.0.20250101.0-x86_64-gp2":                        "ami-00000000000000002",
		"al2023-ami-2023.9.20251027.0-kernel-6.1-x86_64":                 "ami-00000000000000003",
		"debian-13-amd64-20251006-2257":                                  "ami-00000000000000004",
		"ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20251015": "ami-00000000000000005",
	}
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *site) advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(by)
}

// State is the network as it is now.
func (s *site) State() network.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *site) do(c network.Caller, r network.Request) []string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dice++
	op := network.Op{Caller: c, At: s.at, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], s.dice)
	next, err := s.state.Apply(op)
	if err != nil {
		s.t.Fatalf("%T: %v", r, err)
	}
	s.state = next
	return next.Outcome().Created
}

// launch makes a running instance.
func (s *site) launch(c network.Caller, tags network.Tags) network.InstanceID {
	s.t.Helper()
	id := network.InstanceID(s.do(c, network.RunInstances{Min: 1, Max: 1, Type: "t3.micro", Tags: tags})[1])
	s.do(c, network.ReportStarted{Instance: id})
	return id
}

func (s *site) stop(c network.Caller, id network.InstanceID) {
	s.t.Helper()
	s.do(c, network.StopInstances{Instances: []network.InstanceID{id}})
	s.do(c, network.ReportStopped{Instance: id})
}

// The two hosts run programs on this machine, without a terminal.

type sessionHost struct{}

func (sessionHost) SingleUser() bool { return true }

func (sessionHost) Start(_ context.Context, _ network.InstanceID, p session.Program) (*session.Process, error) {
	cmd, in, out, errs, err := start(p.Args, p.Env)
	if err != nil {
		return nil, err
	}
	return &session.Process{
		Stdin: in, Stdout: out, Stderr: errs, Resize: func(session.Size) error { return nil },
		Signal: func(s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) },
		Wait: func() (session.Exit, error) {
			_ = cmd.Wait()
			return session.Exit{Code: cmd.ProcessState.ExitCode()}, nil
		},
		Close: func() { in.Close(); out.Close(); errs.Close() },
	}, nil
}

type commandHost struct{}

func (commandHost) Start(_ context.Context, _ network.InstanceID, p command.Program) (*command.Process, error) {
	cmd, in, out, errs, err := start(p.Args, p.Env)
	if err != nil {
		return nil, err
	}
	return &command.Process{
		Stdin: in, Stdout: out, Stderr: errs,
		Signal: func(s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) },
		Wait: func() (command.Exit, error) {
			_ = cmd.Wait()
			if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
				return command.Exit{Signal: status.Signal()}, nil
			}
			return command.Exit{Code: cmd.ProcessState.ExitCode()}, nil
		},
		Close: func() { in.Close(); out.Close(); errs.Close() },
	}, nil
}

func start(args, env []string) (*exec.Cmd, io.WriteCloser, io.ReadCloser, io.ReadCloser, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var ours, theirs [3]*os.File
	for n := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, nil, nil, nil, err
		}
		ours[n], theirs[n] = r, w
		if n == 0 {
			ours[n], theirs[n] = w, r
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	err := cmd.Start()
	for _, f := range theirs {
		f.Close()
	}
	return cmd, ours[0], ours[1], ours[2], err
}

// keys are the access keys of the tests' accounts.
type keys map[string]network.Account

func (k keys) Lookup(id, token string, _ time.Time) (gate.Identity, string, error) {
	account, ok := k[id]
	if !ok || token != "" {
		return gate.Identity{}, "", gate.ErrUnknownKey
	}
	return gate.Root(account), strings.ToLower(id), nil
}

// door is a gate before the site, for hosts; nil keys take any.
func (s *site) door(k gate.Keys, hosts ...string) *gate.Gate {
	return &gate.Gate{
		Services: map[string]gate.Service{"ssm": s.service, "ec2": s.service},
		Keys:     k, Hosts: hosts, Account: home.Account, Region: home.Region, Now: time.Now,
	}
}

// broken are records on a disk that is full.
type broken struct{ *store.Memory }

func (broken) PutRecord(context.Context, string, string, []byte) error { return syscall.ENOSPC }
