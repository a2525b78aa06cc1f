package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// echoDaemon runs one pretended command: it copies its input to its output,
// writes to its error stream, and ends with the number of the signals it got.
type echoDaemon struct{ down chan struct{} }

func (d *echoDaemon) Shutdown() { close(d.down) }

func (d *echoDaemon) Ask(_ context.Context, question string, details []byte) (any, error) {
	switch question {
	case "status":
		return map[string]int{"generation": 7}, nil
	case "details":
		return string(details), nil
	case "count":
		return Stream(func(_ context.Context, tell func(any) error) error {
			for i := range 3 {
				if err := tell(i); err != nil {
					return err
				}
			}
			return &Problem{Kind: NotFound, Message: "no four"}
		}), nil
	case "forever":
		return Stream(func(ctx context.Context, tell func(any) error) error {
			if err := tell("first"); err != nil {
				return err
			}
			<-ctx.Done()
			close(d.down)
			return ctx.Err()
		}), nil
	}
	return nil, errors.New("no plane")
}

func (d *echoDaemon) Run(_ context.Context, c Command) (*Session, error) {
	if c.Instance == "absent" {
		return nil, &Problem{Kind: NotFound, Message: "no instance absent"}
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	if c.Args[0] == "background" { // ends at once, but nobody ever closes its output
		go func() { _, _ = io.WriteString(outW, "started") }()
		return &Session{Stdin: inW, Stdout: outR, Wait: func() (Exit, error) { return Exit{}, nil },
			Signal: func(string) error { return nil }, Close: func() { _ = outR.Close(); _ = inR.Close() }}, nil
	}
	signals := make(chan string, 8)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(outW, inR)
		_ = outW.Close()
		close(ended)
	}()
	return &Session{Stdin: inW, Stdout: outR, Stderr: strings.NewReader("args " + strings.Join(c.Args, " ")),
		Wait: func() (Exit, error) {
			if c.Args[0] == "signalled" {
				name := <-signals
				<-ended
				return Exit{Code: -1, Signal: name}, nil
			}
			<-ended
			return Exit{Code: 3}, nil
		},
		Signal: func(name string) error { signals <- name; return nil },
		Close:  func() { _ = outR.Close() },
	}, nil
}

func start(t *testing.T) (Socket, *echoDaemon) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	d := &echoDaemon{down: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, d) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return Socket(path), d
}

func TestRunCarriesStreamsAndExitStatus(t *testing.T) {
	s, _ := start(t)
	in := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB: many frames
	var out, errs bytes.Buffer
	exit, err := s.Run(t.Context(), Command{Instance: "i", Args: []string{"cat", "x"}}, Streams{In: bytes.NewReader(in), Out: &out, Err: &errs})
	if err != nil {
		t.Fatal(err)
	}
	if exit != (Exit{Code: 3}) {
		t.Errorf("exit %+v, want code 3", exit)
	}
	if !bytes.Equal(out.Bytes(), in) {
		t.Errorf("%d bytes came back of %d, or other ones", out.Len(), len(in))
	}
	if errs.String() != "args cat x" {
		t.Errorf("standard error %q", errs.String())
	}
}

func TestRunPassesSignals(t *testing.T) {
	s, _ := start(t)
	signals := make(chan string, 1)
	signals <- "INT"
	exit, err := s.Run(t.Context(), Command{Instance: "i", Args: []string{"signalled"}}, Streams{Out: io.Discard, Err: io.Discard, Signals: signals})
	if err != nil {
		t.Fatal(err)
	}
	if exit != (Exit{Code: -1, Signal: "INT"}) {
		t.Errorf("exit %+v, want signal INT", exit)
	}
}

func TestRunSaysWhyACommandDidNotRun(t *testing.T) {
	s, _ := start(t)
	_, err := s.Run(t.Context(), Command{Instance: "absent"}, Streams{Out: io.Discard, Err: io.Discard})
	var problem *Problem
	if !errors.As(err, &problem) || problem.Kind != NotFound {
		t.Errorf("got %v, want a not-found Problem", err)
	}
}

func TestQuestionsAndShutdown(t *testing.T) {
	s, d := start(t)
	var status map[string]int
	if err := s.Ask(t.Context(), "status", nil, &status); err != nil || status["generation"] != 7 {
		t.Errorf("status %v, %v", status, err)
	}
	if err := s.Ask(t.Context(), "drops", nil, &status); err == nil || err.Error() != "no plane" {
		t.Errorf("drops gave %v, want the daemon's own words", err)
	}
	var details string
	if err := s.Ask(t.Context(), "details", []int{1, 2}, &details); err != nil || details != "[1,2]" {
		t.Errorf("details %q, %v", details, err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-d.down
}

func TestAStreamComesInPiecesAndSaysWhyItEnds(t *testing.T) {
	s, _ := start(t)
	heard := ""
	err := s.Follow(t.Context(), "count", nil, func(piece json.RawMessage) error {
		heard += string(piece)
		return nil
	})
	var problem *Problem
	if heard != "012" || !errors.As(err, &problem) || problem.Kind != NotFound {
		t.Errorf("heard %q, then %v", heard, err)
	}
}

func TestAStreamEndsWithItsListener(t *testing.T) {
	s, d := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Follow(ctx, "forever", nil, func(json.RawMessage) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	<-d.down // the daemon has noticed
}

func TestShutdownIsAnsweredBeforeTheEnd(t *testing.T) {
	for range 50 {
		path := filepath.Join(t.TempDir(), "s")
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, l, quitter{cancel}) }()
		if err := Socket(path).Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// quitter is a daemon that ends at once.
type quitter struct{ end func() }

func (quitter) Run(context.Context, Command) (*Session, error)   { return nil, nil }
func (quitter) Ask(context.Context, string, []byte) (any, error) { return nil, nil }
func (q quitter) Shutdown()                                      { q.end() }

func TestNoDaemonIsSaid(t *testing.T) {
	s := Socket(filepath.Join(t.TempDir(), "none"))
	if err := s.Ask(t.Context(), "status", nil, nil); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v, want ErrNoDaemon", err)
	}
}

func TestSocketIsItsOwnersAlone(t *testing.T) {
	s, _ := start(t)
	info, err := os.Stat(string(s))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("socket has mode %v", info.Mode())
	}
}

func TestFrameLongerThanTheLimitIsRefused(t *testing.T) {
	if _, _, err := receive(bytes.NewReader([]byte{1, 0xff, 0xff, 0xff, 0xff})); err == nil {
		t.Error("a frame of 4 GiB was believed")
	}
}

func TestRunEndsWhenSomethingInTheBackgroundKeepsTheStreams(t *testing.T) {
	s, _ := start(t)
	var out bytes.Buffer
	exit, err := s.Run(t.Context(), Command{Instance: "i", Args: []string{"background"}}, Streams{Out: &out, Err: io.Discard})
	if err != nil || exit != (Exit{Code: 0}) {
		t.Errorf("exit %+v, %v", exit, err)
	}
	if out.String() != "started" {
		t.Errorf("printed %q", out.String())
	}
}
