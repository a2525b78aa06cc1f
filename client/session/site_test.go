package session_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/creack/pty"
	"go.uber.org/goleak"

	"tombolo/client"
	"tombolo/gate"
	"tombolo/network"
	"tombolo/ssm"
	"tombolo/ssm/channel"
	"tombolo/ssm/command"
	service "tombolo/ssm/session"
	"tombolo/ssm/worker"
	"tombolo/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var home = network.Caller{Account: "123456789012", Region: "us-east-1"}

// site is the real API and the real sessions, with one instance, which is this
// machine. Between the client and the sessions stands a weather.
type site struct {
	t        testing.TB
	api      *client.Client
	sessions *service.Sessions
	instance network.InstanceID
	weather  *weather
	state    network.State
	dice     uint64
}

func newSite(t testing.TB) *site {
	s := &site{t: t, weather: &weather{}}
	s.do(network.OpenWorld{Zones: []string{"us-east-1a"}})
	s.instance = network.InstanceID(s.do(network.RunInstances{Min: 1, Max: 1, Type: "t3.micro"})[1])
	s.do(network.ReportStarted{Instance: s.instance})
	ctx, cancel := context.WithCancel(context.Background())
	state := func() network.State { return s.state }
	records := &store.Memory{}
	var err error
	s.sessions, err = service.Open(service.Config{Host: host{}, State: state, Records: records, Worker: []string{"worker"}})
	if err != nil {
		t.Fatal(err)
	}
	commands, err := command.Open(ctx, command.Config{State: state, Records: records, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	api, err := ssm.Open(ctx, ssm.Config{Sessions: s.sessions, Commands: commands, State: state, Records: records})
	if err != nil {
		t.Fatal(err)
	}
	behind := httptest.NewServer(s.sessions)
	s.weather.behind = "ws" + strings.TrimPrefix(behind.URL, "http")
	door := &gate.Gate{Services: map[string]gate.Service{"ssm": api, "ec2": api}, Account: home.Account, Region: home.Region}
	mux := http.NewServeMux()
	mux.Handle("/", door)
	mux.Handle(service.Path, s.weather)
	front := httptest.NewServer(mux)
	door.Hosts = []string{front.Listener.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() { _ = s.sessions.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		s.weather.cut()
		front.Close()
		behind.Close()
		s.weather.streams.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	s.api = &client.Client{Endpoint: front.URL, Region: "us-east-1", AccessKey: string(home.Account), Secret: "x"}
	return s
}

func (s *site) do(r network.Request) []string {
	s.t.Helper()
	s.dice++
	op := network.Op{Caller: home, At: time.Now(), Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], s.dice)
	next, err := s.state.Apply(op)
	if err != nil {
		s.t.Fatalf("%T: %v", r, err)
	}
	s.state = next
	return next.Outcome().Created
}

// host runs programs on this machine.
type host struct{}

func (host) SingleUser() bool { return true }

func (host) Start(_ context.Context, _ network.InstanceID, p service.Program) (*service.Process, error) {
	if p.Args[0] == "worker" {
		return startWorker(p.Args[1:]), nil
	}
	cmd := exec.Command(p.Args[0], p.Args[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PS1=$ "}, p.Env...)
	q := &service.Process{
		Resize: func(service.Size) error { return nil },
		Signal: func(sig syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, sig) },
		Wait: func() (service.Exit, error) {
			_ = cmd.Wait()
			return service.Exit{Code: cmd.ProcessState.ExitCode()}, nil
		},
	}
	if p.Terminal != nil {
		f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(p.Terminal.Cols), Rows: uint16(p.Terminal.Rows)})
		if err != nil {
			return nil, err
		}
		q.Stdin, q.Stdout = f, f
		q.Resize = func(z service.Size) error {
			return pty.Setsize(f, &pty.Winsize{Cols: uint16(z.Cols), Rows: uint16(z.Rows)})
		}
		q.Close = func() { f.Close() }
		return q, nil
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var ours, theirs [3]*os.File
	for n := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		if ours[n], theirs[n] = r, w; n == 0 {
			ours[n], theirs[n] = w, r
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	q.Stdin, q.Stdout = ours[0], ours[1]
	if p.Joined {
		cmd.Stderr = theirs[1]
	} else {
		q.Stderr = ours[2]
	}
	err := cmd.Start()
	for _, f := range theirs {
		f.Close()
	}
	q.Close = func() {
		for _, f := range ours {
			f.Close()
		}
	}
	return q, err
}

// startWorker runs the worker of a port session here.
func startWorker(args []string) *service.Process {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	errR, errW := io.Pipe()
	code := make(chan int, 1)
	hangUp := func() { inR.Close(); inW.Close(); outR.Close(); errR.Close() }
	go func() {
		n := worker.Run(args, inR, outW, errW)
		inR.Close()
		outW.Close()
		errW.Close()
		code <- n
	}()
	return &service.Process{Stdin: inW, Stdout: outR, Stderr: errR,
		Resize: func(service.Size) error { return nil },
		Signal: func(syscall.Signal) error { hangUp(); return nil },
		Wait:   func() (service.Exit, error) { return service.Exit{Code: <-code}, nil },
		Close:  hangUp}
}

// weather is a proxy of websockets that loses, repeats, delays and reorders whole
// messages, in both directions, and cuts the connections when it is told.
type weather struct {
	behind  string
	streams sync.WaitGroup

	mu    sync.Mutex
	bad   int // of a hundred messages that something happens to
	dials int
	cuts  []context.CancelFunc
}

func (w *weather) turn(bad int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = bad
}

// cut ends every connection, without a word.
func (w *weather) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.cuts {
		c()
	}
	w.cuts = nil
}

func (w *weather) dialled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials
}

func (w *weather) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.streams.Add(1)
	defer w.streams.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	near, err := websocket.Accept(rw, r, nil)
	if err != nil {
		return
	}
	defer near.CloseNow()
	far, _, err := websocket.Dial(ctx, w.behind+r.URL.RequestURI(), nil)
	if err != nil {
		return
	}
	defer far.CloseNow()
	near.SetReadLimit(channel.MaxFrame)
	far.SetReadLimit(channel.MaxFrame)
	w.mu.Lock()
	w.dials++
	w.cuts = append(w.cuts, cancel)
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { defer cancel(); w.carry(ctx, near, far, 1) })
	both.Go(func() { defer cancel(); w.carry(ctx, far, near, 2) })
	both.Wait()
}

// delayed is a message that is held back until some others have passed.
type delayed struct {
	frame []byte
	after int
}

func (w *weather) carry(ctx context.Context, from, to *websocket.Conn, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 7))
	var late []delayed
	put := func(kind websocket.MessageType, frame []byte) bool { return to.Write(ctx, kind, frame) == nil }
	for {
		kind, frame, err := from.Read(ctx)
		if err != nil {
			return
		}
		w.mu.Lock()
		bad := w.bad
		w.mu.Unlock()
		m, _ := channel.Decode(frame)
		times := 1
		// The token and the end are said once.
		if kind == websocket.MessageBinary && m.Type != channel.ChannelClosed && dice.IntN(100) < bad {
			if times = dice.IntN(3); times == 1 {
				late, times = append(late, delayed{frame, 1 + dice.IntN(5)}), 0
			}
		}
		for range times {
			if !put(kind, frame) {
				return
			}
		}
		for i := 0; i < len(late); {
			if late[i].after--; late[i].after > 0 {
				i++
				continue
			}
			if !put(websocket.MessageBinary, late[i].frame) {
				return
			}
			late = append(late[:i], late[i+1:]...)
		}
	}
}

// isError says that err is the API's refusal with a code.
func isError(err error, code string) bool {
	var e *client.Error
	return errors.As(err, &e) && e.Code == code
}
