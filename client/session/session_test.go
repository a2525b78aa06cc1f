package session_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"tombolo/client/session"
)

// limit is far more than anything here needs.
const limit = time.Minute

func (s *site) start(r session.Request) *session.Session {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r.Target = string(s.instance)
	x, err := session.Start(ctx, s.api, r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = x.Close() })
	// A test that waits for what never comes ends.
	stop := time.AfterFunc(limit, func() { _ = x.Close() })
	s.t.Cleanup(func() { stop.Stop() })
	return x
}

func say(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatalf("say %q: %v", text, err)
	}
}

// until reads until the text comes.
func until(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var seen strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(seen.String(), text) {
		n, err := r.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			t.Fatalf("waited for %q: %v; saw %q", text, err, seen.String())
		}
	}
	return seen.String()
}

func TestAShellFromThePromptToItsEnd(t *testing.T) {
	s := newSite(t)
	x := s.start(session.Request{Size: session.Size{Cols: 91, Rows: 17}})
	if name, _ := x.Type(); name != "Standard_Stream" || !strings.HasPrefix(x.ID(), "root-") {
		t.Errorf("%s is a %s", x.ID(), name)
	}
	say(t, x, "echo $((6*7))-ä; until [ \"$(stty size)\" = '17 91' ]; do :; done; echo si\"\"zed\n")
	until(t, x, "42-ä")
	until(t, x, "sized")
	if err := x.Resize(session.Size{Cols: 133, Rows: 41}); err != nil {
		t.Fatal(err)
	}
	say(t, x, "until [ \"$(stty size)\" = '41 133' ]; do :; done; echo re\"\"sized\n")
	until(t, x, "resized")
	say(t, x, "sh -c 'trap \"echo in\\\"\\\"terrupted; exit\" INT; echo be\"\"gun; while :; do sleep 0.01; done'\n")
	until(t, x, "begun")
	say(t, x, session.Interrupt)
	until(t, x, "interrupted")
	say(t, x, "exit\n")
	if _, err := io.ReadAll(x); err != nil {
		t.Fatal(err)
	}
	<-x.Done()
	if x.Farewell() != "" {
		t.Errorf("the server said %q", x.Farewell())
	}
	if _, err := x.Write([]byte("more")); err == nil {
		t.Error("wrote to a session that is over")
	}
}

func TestACommandsOutputsAndItsExitCode(t *testing.T) {
	s := newSite(t)
	var stderr bytes.Buffer
	x := s.start(session.Request{Document: "AWS-StartNonInteractiveCommand", Stderr: &stderr, Parameters: map[string][]string{
		"command": {`sh -c "echo out; echo err >&2; exit 3"`}, "separateOutputStream": {"True"}}})
	out, err := io.ReadAll(x)
	code, known := x.ExitCode()
	if err != nil || string(out) != "out\n" || stderr.String() != "err\n" || !known || code != 3 {
		t.Errorf("%q, %q, exit %d %v, %v", out, stderr.String(), code, known, err)
	}
}

func TestARefusalIsTheAPIs(t *testing.T) {
	s := newSite(t)
	_, err := session.Start(t.Context(), s.api, session.Request{Target: "i-0123456789abcdef0"})
	if !isError(err, "TargetNotConnected") {
		t.Errorf("%v", err)
	}
}

func TestAStartThatIsGivenUpLeavesNothing(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := session.Start(ctx, s.api, session.Request{Target: string(s.instance)}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestClosingEndsTheSessionOnTheServer(t *testing.T) {
	s := newSite(t)
	x := s.start(session.Request{})
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	for _, i := range s.sessions.List(home) {
		if i.Status != "Terminated" {
			t.Errorf("session is %s", i.Status)
		}
	}
	if _, err := x.Read(make([]byte, 10)); err == nil {
		t.Error("read from a session that was closed")
	}
}

func TestASessionEndedElsewhereEnds(t *testing.T) {
	s := newSite(t)
	x := s.start(session.Request{})
	if err := s.sessions.Terminate(home, x.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(x); err != nil {
		t.Error(err)
	}
}

func TestASessionThatIsOverMeanwhileCannotBeResumed(t *testing.T) {
	s := newSite(t)
	x := s.start(session.Request{})
	say(t, x, "exit\n")
	s.weather.cut()
	if _, err := io.ReadAll(x); err != nil && !errors.Is(err, session.ErrTimedOut) {
		t.Error(err)
	}
}

// count is a program that prints its numbers, and their sum of bytes.
const count = `awk 'BEGIN { for (i = 0; i < 20000; i++) print "line", i }'`

func counted() []byte {
	var b bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.Bytes()
}

func TestNoByteIsLostInBadWeather(t *testing.T) {
	s := newSite(t)
	for _, bad := range []int{0, 10, 30} {
		t.Run(fmt.Sprintf("%d%%", bad), func(t *testing.T) {
			s.weather.turn(bad)
			defer s.weather.turn(0)
			x := s.start(session.Request{Document: "AWS-StartInteractiveCommand", Parameters: map[string][]string{"command": {"stty -opost -echo; " + count}}})
			got, err := io.ReadAll(x)
			if err != nil || !bytes.Equal(got, counted()) {
				t.Errorf("%d bytes of %d, %v", len(got), len(counted()), err)
			}
		})
	}
}

func TestNoByteIsLostUpwardsInBadWeather(t *testing.T) {
	s := newSite(t)
	s.weather.turn(20)
	x := s.start(session.Request{Document: "AWS-StartInteractiveCommand", Parameters: map[string][]string{
		"command": {"stty raw -echo; echo ready; head -c 200000 | sha256sum"}}})
	until(t, x, "ready")
	data := bytes.Repeat([]byte("0123456789abcde\n"), 12500)
	for chunk := range 200 {
		say(t, x, string(data[chunk*1000:(chunk+1)*1000]))
	}
	want := fmt.Sprintf("%x", sha256.Sum256(data))
	if out, err := io.ReadAll(x); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%q, %v; want %s", out, err, want)
	}
}

func TestNoByteIsLostWhenTheWebsocketIsCut(t *testing.T) {
	s := newSite(t)
	x := s.start(session.Request{Document: "AWS-StartInteractiveCommand", Parameters: map[string][]string{
		"command": {"stty -opost -echo; " + count}}})
	var got bytes.Buffer
	buf := make([]byte, 1000)
	for cuts := 0; ; {
		n, err := x.Read(buf)
		got.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		// Not near the end: when all has arrived and only its end is lost, nothing is left to resume.
		if got.Len() > (cuts+1)*20_000 && got.Len() < len(counted())*2/3 {
			cuts++
			s.weather.cut()
		}
	}
	if !bytes.Equal(got.Bytes(), counted()) || s.weather.dialled() < 3 {
		t.Errorf("%d bytes of %d, %d websockets", got.Len(), len(counted()), s.weather.dialled())
	}
}

// echo is a server in the instance.
func echo(t *testing.T) (port string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer c.Close(); _, _ = io.Copy(c, c) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// talk sends bytes through a connection and wants them back.
func talk(c io.ReadWriter, data []byte) error {
	sent := make(chan error, 1)
	go func() { _, err := c.Write(data); sent <- err }()
	got := make([]byte, len(data))
	_, err := io.ReadFull(c, got)
	if err = errors.Join(err, <-sent); err != nil {
		return err
	}
	if !bytes.Equal(got, data) {
		return errors.New("other bytes came back")
	}
	return nil
}

func (s *site) forward(port, version string, notice func(string)) *session.Forwarding {
	s.t.Helper()
	x := s.start(session.Request{Document: "AWS-StartPortForwardingSession", ClientVersion: version, Notice: notice,
		Parameters: map[string][]string{"portNumber": {port}}})
	f, err := session.Forward(x)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestManyConnectionsThroughOneForwardedPort(t *testing.T) {
	s := newSite(t)
	for _, bad := range []int{0, 10} {
		s.weather.turn(bad)
		f := s.forward(echo(t), "", nil)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all, serving sync.WaitGroup
		serving.Go(func() {
			if err := f.Serve(ctx, l); err != nil {
				t.Error(err)
			}
		})
		for n := range 20 {
			all.Go(func() {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				if err := talk(c, bytes.Repeat([]byte{byte(n), 1, 2, 3}, 20_000)); err != nil {
					t.Errorf("connection %d: %v", n, err)
				}
			})
		}
		all.Wait()
		cancel()
		serving.Wait()
	}
}

func TestARefusedPortIsSaidAndTheSessionGoesOn(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	f := s.forward(port, "", nil)
	for range 2 {
		c, err := f.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("read %d bytes", n)
		}
		c.Close()
	}
}

func TestAnOldClientForwardsOneConnectionAfterTheOther(t *testing.T) {
	s := newSite(t)
	f := s.forward(echo(t), "1.1.69.0", nil)
	for n := range 3 {
		c, err := f.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			if _, err := f.Dial(soon); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a second connection at once: %v", err)
			}
			cancel()
		}
		if err := talk(c, bytes.Repeat([]byte{byte(n)}, 50_000)); err != nil {
			t.Errorf("connection %d: %v", n, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("read from a connection that was closed")
		}
	}
}

func TestAnSSHSessionIsTheConnection(t *testing.T) {
	s := newSite(t)
	x := s.start(session.Request{Document: "AWS-StartSSHSession", Parameters: map[string][]string{"portNumber": {echo(t)}}})
	if err := talk(x, bytes.Repeat([]byte("ssh\n"), 10_000)); err != nil {
		t.Error(err)
	}
	if _, err := session.Forward(x); err == nil {
		t.Error("an SSH session forwards no local port")
	}
}
