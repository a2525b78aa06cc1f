package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// ErrNoDaemon means that nobody answers on the socket.
var ErrNoDaemon = errors.New("no daemon answers")

// Socket is the caller's end: the path of a daemon's socket.
type Socket string

func (s Socket) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", string(s))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDaemon, err)
	}
	return conn, nil
}

// Ask asks a question, with details as JSON unless they are nil, and reads the
// answer into v. A *Problem says why there is none.
func (s Socket) Ask(ctx context.Context, question string, details, v any) error {
	return s.call(ctx, "/ask/"+question, details, func(body io.Reader) error {
		return json.NewDecoder(body).Decode(v)
	})
}

// Follow asks a question whose answer comes in pieces and gives each to tell as
// it comes, until ctx ends, the daemon has told all, or tell fails.
func (s Socket) Follow(ctx context.Context, question string, details any, tell func(json.RawMessage) error) error {
	return s.call(ctx, "/ask/"+question, details, func(body io.Reader) error {
		in := json.NewDecoder(body)
		for {
			var line struct {
				Piece   json.RawMessage
				Problem *Problem
			}
			switch err := in.Decode(&line); {
			case errors.Is(err, io.EOF), ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				return err
			case line.Problem != nil:
				return line.Problem
			}
			if err := tell(line.Piece); err != nil {
				return err
			}
		}
	})
}

// Shutdown asks the daemon to end; it returns before the end.
func (s Socket) Shutdown(ctx context.Context) error {
	return s.call(ctx, "/shutdown", nil, func(io.Reader) error { return nil })
}

func (s Socket) call(ctx context.Context, path string, details any, read func(io.Reader) error) error {
	hc := &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx) },
		DisableKeepAlives: true,
	}}
	var body io.Reader
	if details != nil {
		doc, err := json.Marshal(details)
		if err != nil {
			return fmt.Errorf("ask daemon: %w", err)
		}
		body = bytes.NewReader(doc)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://tombolo"+path, body)
	if err != nil {
		return err
	}
	res, err := hc.Do(req)
	if err != nil {
		return fmt.Errorf("ask daemon: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		problem := &Problem{}
		if err := json.NewDecoder(res.Body).Decode(problem); err != nil {
			return fmt.Errorf("ask daemon: HTTP %d", res.StatusCode)
		}
		return problem
	}
	if err := read(res.Body); err != nil {
		return fmt.Errorf("read daemon's answer: %w", err)
	}
	return nil
}

// Streams are the caller's ends of a command. In may be nil.
type Streams struct {
	In      io.Reader
	Out     io.Writer
	Err     io.Writer
	Signals <-chan string // names without SIG
	Sizes   <-chan Size
}

// Run runs a command and carries its streams until it ends. A *Problem says that
// it did not run. Reading from In may go on after Run has returned.
func (s Socket) Run(ctx context.Context, c Command, io Streams) (Exit, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return Exit{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := conn.Write([]byte("POST /run HTTP/1.1\r\nHost: tombolo\r\nConnection: Upgrade\r\nUpgrade: tombolo-run\r\n\r\n")); err != nil {
		return Exit{}, fmt.Errorf("ask daemon to run: %w", err)
	}
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return Exit{}, fmt.Errorf("ask daemon to run: %w", err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return Exit{}, fmt.Errorf("ask daemon to run: HTTP %d", res.StatusCode)
	}
	out := &framer{w: conn}
	if err := out.sendJSON(kindStart, c); err != nil {
		return Exit{}, err
	}
	done := make(chan struct{})
	defer close(done)
	go sendInput(out, io)
	go sendEvents(out, io, done)
	return collect(in, io)
}

func sendInput(out *framer, io Streams) {
	if io.In != nil {
		_ = out.copy(kindStdin, io.In, nil)
	}
	_ = out.send(kindEOF, nil)
}

func sendEvents(out *framer, io Streams, done <-chan struct{}) {
	for {
		select {
		case name := <-io.Signals:
			_ = out.send(kindSignal, []byte(name))
		case size := <-io.Sizes:
			_ = out.sendJSON(kindSize, size)
		case <-done:
			return
		}
	}
}

// collect writes what the command prints and returns how it ended.
func collect(in io.Reader, io Streams) (Exit, error) {
	for {
		k, content, err := receive(in)
		if err != nil {
			return Exit{}, fmt.Errorf("the daemon went away: %w", err)
		}
		switch k {
		case kindStdout:
			_, _ = io.Out.Write(content) // a closed output must not stop the command
		case kindStderr:
			_, _ = io.Err.Write(content)
		case kindExit:
			var e Exit
			if err := json.Unmarshal(content, &e); err != nil {
				return Exit{}, fmt.Errorf("read exit: %w", err)
			}
			return e, nil
		case kindError:
			problem := &Problem{}
			if err := json.Unmarshal(content, problem); err != nil {
				return Exit{}, fmt.Errorf("read problem: %w", err)
			}
			return Exit{}, problem
		}
	}
}
