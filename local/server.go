package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Session is a command that runs in an instance, as its daemon sees it. With a
// terminal everything it prints is on Stdout and Stderr is nil.
type Session struct {
	Stdin  io.WriteCloser
	Stdout io.Reader
	Stderr io.Reader
	Wait   func() (Exit, error)
	Signal func(name string) error
	Resize func(Size) error
	Close  func() // lets go of the streams; called once, last
}

// Daemon is what the socket gives access to.
type Daemon interface {
	// Run starts a command; a *Problem says why it could not.
	Run(context.Context, Command) (*Session, error)
	// Ask answers one question, for example "status". The answer goes out as JSON;
	// a Stream goes out piece by piece, until the caller has heard enough. A
	// *Problem says why there is no answer.
	Ask(ctx context.Context, question string, details []byte) (any, error)
	// Shutdown begins the daemon's end; it must not wait for it.
	Shutdown()
}

// Stream is an answer in pieces. It ends when ctx does, and when tell fails.
type Stream func(ctx context.Context, tell func(piece any) error) error

// Listen makes the socket at path, for its owner only. A socket that a dead
// daemon left behind is replaced.
func Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("guard socket: %w", err), l.Close())
	}
	return l, nil
}

// Serve answers on l until ctx ends; sessions that still run are cut.
func Serve(ctx context.Context, l net.Listener, d Daemon) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ask/{question}", func(w http.ResponseWriter, r *http.Request) {
		serveQuestion(ctx, w, r, d)
	})
	mux.HandleFunc("POST /shutdown", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, nil)
		// The end of the daemon closes this connection: the answer goes first.
		_ = http.NewResponseController(w).Flush() // a caller that has gone needs none
		d.Shutdown()
	})
	var sessions sync.WaitGroup
	mux.HandleFunc("POST /run", func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			answer(w, nil, err)
			return
		}
		sessions.Go(func() { serveSession(ctx, conn, buf, d) })
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	err := srv.Serve(l)
	sessions.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// detailLimit bounds what may come with a question, in bytes: a saved State of
// 100,000 resources with room to spare.
const detailLimit = 256 << 20

func serveQuestion(ctx context.Context, w http.ResponseWriter, r *http.Request, d Daemon) {
	details, err := io.ReadAll(http.MaxBytesReader(w, r.Body, detailLimit))
	if err != nil {
		answer(w, nil, fmt.Errorf("read question: %w", err))
		return
	}
	v, err := d.Ask(r.Context(), r.PathValue("question"), details)
	stream, pieces := v.(Stream)
	if err != nil || !pieces {
		answer(w, v, err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	w.Header().Set("Content-Type", "application/x-ndjson")
	control, out := http.NewResponseController(w), json.NewEncoder(w)
	_ = control.Flush() // the caller learns that the stream has begun
	err = stream(ctx, func(piece any) error {
		if err := out.Encode(wrapped{Piece: piece}); err != nil {
			return err
		}
		return control.Flush()
	})
	if err != nil && ctx.Err() == nil {
		_ = out.Encode(wrapped{Problem: toProblem(err)})
	}
}

// wrapped is one line of a Stream: a piece, or why there are no more.
type wrapped struct {
	Piece   any      `json:",omitempty"`
	Problem *Problem `json:",omitempty"`
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		v = toProblem(err)
	}
	_ = json.NewEncoder(w).Encode(v) // the caller may have gone; nothing to do about it
}

func toProblem(err error) *Problem {
	problem := &Problem{Kind: Failed, Message: err.Error()}
	errors.As(err, &problem)
	return problem
}

// serveSession carries one command's streams over conn and closes it.
func serveSession(ctx context.Context, conn net.Conn, buf *bufio.ReadWriter, d Daemon) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tombolo-run\r\n\r\n"); err != nil {
		return
	}
	out := &framer{w: conn}
	exit, err := carry(ctx, buf, out, d)
	if err != nil {
		_ = out.sendJSON(kindError, toProblem(err))
		return
	}
	_ = out.sendJSON(kindExit, exit)
}

func carry(ctx context.Context, in io.Reader, out *framer, d Daemon) (Exit, error) {
	k, content, err := receive(in)
	if err != nil {
		return Exit{}, fmt.Errorf("read command: %w", err)
	}
	var c Command
	if k != kindStart {
		return Exit{}, errors.New("read command: the first frame is not a command")
	}
	if err := json.Unmarshal(content, &c); err != nil {
		return Exit{}, fmt.Errorf("read command: %w", err)
	}
	s, err := d.Run(ctx, c)
	if err != nil {
		return Exit{}, err
	}
	defer s.Close()
	streams := make(chan struct{}, 2)
	busy := &activity{}
	open := 1
	go func() { _ = out.copy(kindStdout, s.Stdout, busy); streams <- struct{}{} }()
	if s.Stderr != nil {
		open++
		go func() { _ = out.copy(kindStderr, s.Stderr, busy); streams <- struct{}{} }()
	}
	go feed(in, s) // ends with the connection, which serveSession closes
	exit, err := s.Wait()
	drain(ctx, streams, open, busy)
	return exit, err
}

// lull is how long a command's streams are at rest before they count as read,
// once the command has ended: something that it left in the background may hold
// them open for ever.
const lull = 200 * time.Millisecond

// drain waits until what the ended command printed has been sent.
func drain(ctx context.Context, streams <-chan struct{}, open int, busy *activity) {
	busy.note(0)
	tick := time.NewTicker(lull / 4)
	defer tick.Stop()
	for open > 0 {
		select {
		case <-streams:
			open--
		case <-tick.C:
			if busy.rest(lull) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// feed gives the caller's frames to the command. When the caller goes away the
// command is hung up on, as by a terminal that closes.
func feed(in io.Reader, s *Session) {
	for {
		k, content, err := receive(in)
		if err != nil {
			_ = s.Signal("HUP")
			_ = s.Stdin.Close()
			return
		}
		switch k {
		case kindStdin:
			_, _ = s.Stdin.Write(content) // a command that closed its input still runs
		case kindEOF:
			_ = s.Stdin.Close()
		case kindSignal:
			_ = s.Signal(string(content))
		case kindSize:
			var size Size
			if json.Unmarshal(content, &size) == nil && s.Resize != nil {
				_ = s.Resize(size)
			}
		}
	}
}
