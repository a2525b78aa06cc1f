package session

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"tombolo/bucket"
	"tombolo/network"
	"tombolo/ssm/document"
	"tombolo/ssm/worker"
)

// TestMain is also what a port session runs: the tests' own binary is the worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "session-worker" {
		os.Exit(worker.Run(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

var (
	home     = network.Caller{Account: "123456789012", Region: "us-east-1"}
	stranger = network.Caller{Account: "210987654321", Region: "us-east-1"}
)

// patience bounds every wait of a test; nothing waits that long unless it fails.
const patience = 20 * time.Second

// site is a world for sessions: a network that a test changes, instances whose
// programs run on this machine, records in memory, a clock that a test turns.
type site struct {
	t     testing.TB
	a     *Sessions
	srv   *httptest.Server
	logs  *bucket.Buckets
	close func()

	mu      sync.Mutex
	state   network.State
	dice    uint64
	ahead   time.Duration // of the clock
	single  bool
	nobody  string // a user that instances do not have
	started []Program
	records map[string][]byte
	broken  error // of PutRecord
}

func newSite(t testing.TB) *site {
	s := &site{t: t, records: map[string][]byte{}}
	s.do(home, network.OpenWorld{Zones: []string{"us-east-1a"}})
	s.do(stranger, network.OpenWorld{Zones: []string{"us-east-1a"}})
	logs, err := bucket.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.logs = logs
	t.Cleanup(func() { _ = logs.Close() })
	s.open()
	return s
}

// open opens the sessions, as a daemon's start does; shut ends them, as its end does.
func (s *site) open() {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	s.a, err = Open(Config{Host: s, State: s.State, Records: s, Logs: s.logs, Now: s.now, Worker: []string{self, "session-worker"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.srv = httptest.NewServer(s.a)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.a.Run(ctx) }()
	s.close = sync.OnceFunc(func() {
		cancel()
		<-done
		s.srv.Close()
	})
	s.t.Cleanup(s.close)
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

func (s *site) State() network.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *site) launch(c network.Caller) network.InstanceID {
	s.t.Helper()
	id := network.InstanceID(s.do(c, network.RunInstances{Min: 1, Max: 1})[1])
	s.do(c, network.ReportStarted{Instance: id})
	return id
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// later turns the clock on and lets the sessions see it.
func (s *site) later(d time.Duration) {
	s.mu.Lock()
	s.ahead += d
	s.mu.Unlock()
	s.a.tick()
}

func (s *site) SingleUser() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.single
}

func (s *site) PutRecord(_ context.Context, kind, key string, doc []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.records[kind+"/"+key] = doc
	}
	return s.broken
}

func (s *site) DeleteRecord(_ context.Context, kind, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, kind+"/"+key)
	return nil
}

func (s *site) Records(_ context.Context, kind string) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string][]byte{}
	for k, doc := range s.records {
		if key, ok := strings.CutPrefix(k, kind+"/"); ok {
			found[key] = doc
		}
	}
	return found, nil
}

// programs are those that were started, in order.
func (s *site) programs() []Program {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Program{}, s.started...)
}

// Start runs a program on this machine, in place of an instance.
func (s *site) Start(_ context.Context, _ network.InstanceID, p Program) (*Process, error) {
	s.mu.Lock()
	s.started = append(s.started, p)
	nobody := s.nobody
	s.mu.Unlock()
	if nobody != "" && p.User == nobody {
		return nil, ErrNoUser
	}
	cmd := exec.Command(p.Args[0], p.Args[1:]...)
	cmd.Dir, cmd.Env = p.Dir, append([]string{"PATH=/usr/bin:/bin", "PS1=$ ", "HOME=/nonexistent", "LANG=C.UTF-8"}, p.Env...)
	if p.Terminal != nil {
		return startOnTerminal(cmd, *p.Terminal)
	}
	return startOnPipes(cmd, p.Joined)
}

func startOnTerminal(cmd *exec.Cmd, size Size) (*Process, error) {
	window := func(z Size) *pty.Winsize { return &pty.Winsize{Cols: uint16(z.Cols), Rows: uint16(z.Rows)} }
	blocking, err := pty.StartWithSize(cmd, window(size))
	if err != nil {
		return nil, err
	}
	// As instances do it, so that Close ends a write that waits.
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	_ = blocking.Close()
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	master := os.NewFile(uintptr(fd), "terminal")
	return &Process{Stdin: master, Stdout: master, Wait: wait(cmd), Signal: signalGroup(cmd),
		Resize: func(z Size) error { return pty.Setsize(master, window(z)) }, Close: func() { _ = master.Close() }}, nil
}

func startOnPipes(cmd *exec.Cmd, joined bool) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var ours, theirs []*os.File
	for i := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			r, w = w, r
		}
		ours, theirs = append(ours, r), append(theirs, w)
	}
	closeAll := func(files []*os.File) {
		for _, f := range files {
			_ = f.Close()
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	p := &Process{Stdin: ours[0], Stdout: ours[1], Stderr: ours[2], Wait: wait(cmd), Signal: signalGroup(cmd), Close: func() { closeAll(ours) }}
	if joined {
		cmd.Stderr, p.Stderr = theirs[1], nil
	}
	err := cmd.Start()
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		return nil, err
	}
	return p, nil
}

func wait(cmd *exec.Cmd) func() (Exit, error) {
	return func() (Exit, error) {
		err := cmd.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return Exit{}, err
		}
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if status.Signaled() {
			return Exit{Signal: status.Signal()}, nil
		}
		return Exit{Code: status.ExitStatus()}, nil
	}
}

func signalGroup(cmd *exec.Cmd) func(syscall.Signal) error {
	return func(n syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, n) }
}

// shellPlan is what a session without a document is.
func shellPlan() document.Plan {
	return document.Plan{Type: document.StandardStream, Preferences: document.Preferences{Idle: 20 * time.Minute}}
}

func spec(target network.InstanceID, plan document.Plan) Spec {
	return Spec{Caller: home, User: "root", OwnerARN: "arn:aws:iam::123456789012:root", Target: target, Document: document.RunShell, Plan: plan}
}

// begin starts a session and comes to it with a client.
func (s *site) begin(plan document.Plan) (Info, *client) {
	s.t.Helper()
	info, token := s.start(plan)
	return info, s.dial(info.ID, token, nil)
}

func (s *site) start(plan document.Plan) (Info, string) {
	s.t.Helper()
	info, token, err := s.a.Start(s.t.Context(), spec(s.launch(home), plan))
	if err != nil {
		s.t.Fatal(err)
	}
	return info, token
}

// info is what is listed of a session now.
func (s *site) info(id string) Info {
	s.t.Helper()
	for _, i := range s.a.List(home) {
		if i.ID == id {
			return i
		}
	}
	s.t.Fatalf("session %s is not listed", id)
	return Info{}
}

// await waits until a session has a status.
func (s *site) await(id string, want Status) Info {
	s.t.Helper()
	var i Info
	eventually(s.t, func() bool { i = s.info(id); return i.Status == want }, func() string { return "status " + string(i.Status) + ", want " + string(want) })
	return i
}

// eventually polls, on a ticker, for what no wake-up tells a test.
func eventually(t testing.TB, ok func() bool, why func() string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal(why())
		}
	}
}

func (s *site) log(bucket, key string) string {
	s.t.Helper()
	r, err := s.logs.Read(bucket, key)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(content)
}
