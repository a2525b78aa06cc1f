package command

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tombolo/network"
	"tombolo/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	home     = network.Caller{Account: "123456789012", Region: "us-east-1"}
	stranger = network.Caller{Account: "210987654321", Region: "us-east-1"}
)

// site is a network that a test changes while commands look at it.
type site struct {
	t testing.TB

	mu    sync.Mutex
	state network.State
	dice  uint64
}

func newSite(t testing.TB) *site {
	s := &site{t: t}
	s.do(home, network.OpenWorld{Zones: []string{"us-east-1a"}})
	s.do(stranger, network.OpenWorld{Zones: []string{"us-east-1a"}})
	return s
}

func (s *site) do(c network.Caller, r network.Request) []string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dice++
	op := network.Op{Caller: c, At: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], s.dice)
	next, err := s.state.Apply(op)
	if err != nil {
		s.t.Fatalf("%T: %v", r, err)
	}
	s.state = next
	return next.Outcome().Created
}

// State is the network as it is now.
func (s *site) State() network.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// launch makes a running instance of c's.
func (s *site) launch(c network.Caller, tags network.Tags) network.InstanceID {
	s.t.Helper()
	id := network.InstanceID(s.do(c, network.RunInstances{Min: 1, Max: 1, Tags: tags})[1])
	s.do(c, network.ReportStarted{Instance: id})
	return id
}

func (s *site) stop(id network.InstanceID) {
	s.t.Helper()
	s.do(home, network.StopInstances{Instances: []network.InstanceID{id}})
	s.do(home, network.ReportStopped{Instance: id})
}

func (s *site) start(id network.InstanceID) {
	s.t.Helper()
	s.do(home, network.StartInstances{Instances: []network.InstanceID{id}})
	s.do(home, network.ReportStarted{Instance: id})
}

// machine is a Host whose instances are this machine: programs are real, only the
// agent's directory is a temporary one.
type machine struct {
	mu      sync.Mutex
	running map[network.InstanceID]map[*exec.Cmd]bool
	down    map[network.InstanceID]bool
}

func newMachine() *machine {
	return &machine{running: map[network.InstanceID]map[*exec.Cmd]bool{}, down: map[network.InstanceID]bool{}}
}

var errDown = errors.New("the instance is not running")

// Start starts a program.
func (m *machine) Start(ctx context.Context, id network.InstanceID, p Program) (*Process, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.down[id] {
		return nil, errDown
	}
	cmd := exec.Command(p.Args[0], p.Args[1:]...)
	cmd.Dir, cmd.Env = p.Dir, append([]string{"PATH=" + os.Getenv("PATH")}, p.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var ours, theirs [3]*os.File
	for n := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
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
	closeOurs := func() {
		for _, f := range ours {
			f.Close()
		}
	}
	if err != nil {
		closeOurs()
		return nil, err
	}
	if m.running[id] == nil {
		m.running[id] = map[*exec.Cmd]bool{}
	}
	m.running[id][cmd] = true
	return &Process{
		Stdin: ours[0], Stdout: ours[1], Stderr: ours[2], Close: closeOurs,
		Signal: func(s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) },
		Wait: func() (Exit, error) {
			_ = cmd.Wait()
			m.mu.Lock()
			delete(m.running[id], cmd)
			m.mu.Unlock()
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if status.Signaled() {
				return Exit{Signal: status.Signal()}, nil
			}
			return Exit{Code: status.ExitStatus()}, nil
		},
	}, nil
}

// kill ends everything in an instance.
func (m *machine) kill(id network.InstanceID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for cmd := range m.running[id] {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

func (m *machine) setDown(id network.InstanceID, down bool) {
	m.mu.Lock()
	m.down[id] = down
	m.mu.Unlock()
}

// stage is a Host without processes: each script is a function of the test's, for
// tests whose time is not the machine's.
type stage struct {
	script func(ctx context.Context, id network.InstanceID) (out string, exit Exit)

	mu      sync.Mutex
	begun   []network.InstanceID
	refusal error
}

// refuse makes Start fail; nil ends that.
func (s *stage) refuse(err error) {
	s.mu.Lock()
	s.refusal = err
	s.mu.Unlock()
}

// Start plays a program.
func (s *stage) Start(_ context.Context, id network.InstanceID, p Program) (*Process, error) {
	s.mu.Lock()
	err := s.refusal
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ctx, kill := context.WithCancel(context.Background())
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	ended := make(chan Exit, 1)
	go func() {
		_, _ = io.Copy(io.Discard, in)
		var exit Exit
		if p.Args[0] == "sh" {
			s.mu.Lock()
			s.begun = append(s.begun, id)
			s.mu.Unlock()
			var text string
			text, exit = s.script(ctx, id)
			_, _ = io.WriteString(out, text)
		}
		_ = out.Close()
		ended <- exit
	}()
	return &Process{
		Stdin: stdin, Stdout: stdout, Stderr: strings.NewReader(""),
		Wait:   func() (Exit, error) { return <-ended, nil },
		Signal: func(syscall.Signal) error { kill(); return nil },
		Close:  func() { kill(); _ = in.Close(); _ = stdout.Close() },
	}, nil
}

func (s *stage) order() []network.InstanceID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]network.InstanceID(nil), s.begun...)
}

// forever is a script that runs until it is killed.
func forever(ctx context.Context, _ network.InstanceID) (string, Exit) {
	<-ctx.Done()
	return "", Exit{Signal: syscall.SIGKILL}
}

// lasting is a script that takes a while.
func lasting(d time.Duration) func(context.Context, network.InstanceID) (string, Exit) {
	return func(ctx context.Context, _ network.InstanceID) (string, Exit) {
		select {
		case <-time.After(d):
			return "done\n", Exit{}
		case <-ctx.Done():
			return "", Exit{Signal: syscall.SIGKILL}
		}
	}
}

// running opens commands and runs them until the test ends or quit is called.
func running(t testing.TB, config Config) (c *Commands, quit func()) {
	t.Helper()
	if config.Records == nil {
		config.Records = new(store.Memory)
	}
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	c, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	quit = func() { cancel(); <-done }
	t.Cleanup(quit)
	return c, quit
}

// shell is a command of one step as AWS-RunShellScript makes it.
func shell(timeout time.Duration, script string, on ...network.InstanceID) Spec {
	return Spec{
		Caller: home, Document: "AWS-RunShellScript", DocumentVersion: "$DEFAULT", Instances: on,
		Parameters: map[string][]string{"commands": strings.Split(script, "\n")},
		Steps: []Step{{Name: "aws:runShellScript",
			Path: []string{"awsrunShellScript", "0.awsrunShellScript"}, Script: script + "\n", Timeout: timeout}},
	}
}

func send(t testing.TB, c *Commands, s Spec) Command {
	t.Helper()
	sent, err := c.Send(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

// until waits for ok, of something that no channel tells of.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(time.Hour)
	if deadline, has := t.(*testing.T).Deadline(); has {
		limit.Reset(time.Until(deadline) - 5*time.Second)
	}
	defer limit.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("it never came: %s", what)
		}
	}
}

// look is an invocation as it is now.
func look(t testing.TB, c *Commands, id string, on network.InstanceID) Invocation {
	t.Helper()
	i, err := c.Invocation(home, id, on)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// reach waits until an invocation is in a status.
func reach(t testing.TB, c *Commands, id string, on network.InstanceID, s Status) Invocation {
	t.Helper()
	until(t, fmt.Sprintf("%s on %s is %s", id, on, s), func() bool { return look(t, c, id, on).Status == s })
	return look(t, c, id, on)
}

// end waits for an invocation's end.
func end(t testing.TB, c *Commands, id string, on network.InstanceID) Invocation {
	t.Helper()
	until(t, id+" ends on "+string(on), func() bool { return look(t, c, id, on).Status.Ended() })
	return look(t, c, id, on)
}

func only(t testing.TB, c *Commands, id string) Command {
	t.Helper()
	found := c.List(Filter{Caller: home, ID: id})
	if len(found) != 1 {
		t.Fatalf("%d commands have the ID %s", len(found), id)
	}
	return found[0]
}
