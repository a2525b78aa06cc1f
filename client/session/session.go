// Package session is a client of Session Manager: it starts a session by the signed
// API, as any AWS tool would, and speaks the protocol of its websocket, with the
// channel's promises kept over websockets that break. It is what AWS's
// session-manager-plugin is for the AWS CLI, for our own command line, the lab and
// the tests. It does not touch a terminal: a session is a stream of bytes.
package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"tombolo/client"
	"tombolo/ssm/channel"
)

// Request is a session that is asked for.
type Request struct {
	Target     string // an instance
	Document   string // "" is a shell
	Parameters map[string][]string
	Reason     string

	Size          Size         // of the terminal; the zero Size is not sent
	Stderr        io.Writer    // gets what the server tells apart; nil: Read gives both
	Notice        func(string) // is told what a person should know meanwhile
	ClientVersion string       // "" is DefaultVersion; before 1.1.70.0 ports are not multiplexed
}

// Size is a terminal's, in characters.
type Size struct{ Cols, Rows int }

// DefaultVersion is the version that a client says when it is not told another: a
// plugin's that knows everything that this package does.
const DefaultVersion = "1.2.792.0"

// What a person types to a program; they are bytes of the stream as any other. A
// command without a terminal gets the signal that the byte stands for.
const (
	Interrupt = "\x03" // Ctrl-C
	EndOfFile = "\x04" // Ctrl-D
	Quit      = "\x1c" // Ctrl-\
	Suspend   = "\x1a" // Ctrl-Z
)

// Why a session's stream ended other than by the server's word.
var (
	ErrTimedOut = errors.New("the session is over: it cannot be resumed")
	ErrLost     = errors.New("the connection to the server is lost")
	ErrClosed   = errors.New("the session was closed here")
)

// chunk and window: 2 MiB on their way, which the server keeps whole when the
// program does not read.
const (
	chunk  = 16 << 10
	window = 128
)

// Session is one session. Read gives what it prints, Write is what it reads.
type Session struct {
	api      *client.Client
	req      Request
	id       string
	url      string
	clientID string
	work     chan struct{} // there may be something to write to the websocket
	done     chan struct{} // closed when nothing of the session runs any more
	cancel   context.CancelFunc

	mu     sync.Mutex
	moved  *sync.Cond // something arrived, was acknowledged, or ended
	token  string
	line   *channel.Line
	kind   channel.SessionType
	rest   []byte // of a message that Read gave in part
	exit   *int
	ended  bool
	reason error // why, if the server did not say so
}

// Start starts a session and returns when the handshake is over. The context bounds
// the start alone. A refusal by the API is a *client.Error.
func Start(ctx context.Context, api *client.Client, req Request) (*Session, error) {
	if req.ClientVersion == "" {
		req.ClientVersion = DefaultVersion
	}
	opened, err := start(ctx, api, req)
	if err != nil {
		return nil, err
	}
	s := &Session{api: api, req: req, id: opened.SessionId, url: opened.StreamUrl, token: opened.TokenValue,
		clientID: newUUID(), work: make(chan struct{}, 1), done: make(chan struct{})}
	s.moved = sync.NewCond(&s.mu)
	seed := [16]byte{}
	_, _ = rand.Read(seed[:]) // never fails
	s.line = channel.New(channel.Config{Role: channel.Client, Seed: seed, Chunk: chunk, Window: window})
	// The session lives on after ctx, with its values.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	go s.run(life)
	if err := s.handshake(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("start session %s: %w", s.id, err)
	}
	return s, nil
}

// ID is the session's id.
func (s *Session) ID() string { return s.id }

// Type is the session's type and its properties, as the server said.
func (s *Session) Type() (name string, properties map[string]string) {
	return s.kind.SessionType, s.kind.Properties
}

// Done is closed when the session is over, also if not everything was read.
func (s *Session) Done() <-chan struct{} { return s.done }

// ExitCode is the program's, where the server tells it: for a command without a
// terminal whose outputs are told apart, once Read has come to the end.
func (s *Session) ExitCode() (code int, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exit == nil {
		return 0, false
	}
	return *s.exit, true
}

// Farewell is what the server said at the end; "" if the session just ended.
func (s *Session) Farewell() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _ := s.line.Closure()
	return c.Output
}

// Read gives what the session prints. It ends with io.EOF when the server says so,
// whatever the reason: see Farewell.
func (s *Session) Read(p []byte) (int, error) { return s.readUntil(context.Background(), p) }

// readUntil reads until ctx ends.
func (s *Session) readUntil(ctx context.Context, p []byte) (int, error) {
	for len(p) > 0 {
		s.mu.Lock()
		if len(s.rest) > 0 {
			n := copy(p, s.rest)
			s.rest = s.rest[n:]
			s.mu.Unlock()
			return n, nil
		}
		s.mu.Unlock()
		m, err := s.next(ctx)
		if err != nil {
			return 0, err
		}
		if err := s.hear(m); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// hear does what a message says.
func (s *Session) hear(m channel.Message) error {
	switch m.Payload {
	case channel.StdErr:
		if s.req.Stderr != nil {
			_, err := s.req.Stderr.Write(m.Content)
			return err
		}
		s.keep(m.Content)
	case channel.Bytes:
		s.keep(m.Content)
	case channel.ExitCode:
		code, err := channel.ReadExitText(m.Content)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.exit = &code
		s.mu.Unlock()
	case channel.Control:
		if flag, _ := channel.ReadFlag(m.Content); flag == channel.ConnectToPortError {
			s.notice("Connection to destination port failed.")
		}
	}
	return nil
}

func (s *Session) keep(content []byte) {
	s.mu.Lock()
	s.rest = append(s.rest, content...)
	s.mu.Unlock()
}

func (s *Session) notice(text string) {
	if s.req.Notice != nil && text != "" {
		s.req.Notice(text)
	}
}

// next is the next message in order. At the end of the session it is io.EOF or why.
func (s *Session) next(ctx context.Context) (channel.Message, error) {
	stop := context.AfterFunc(ctx, s.stir)
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if m, ok := s.line.Take(); ok {
			return m, nil
		}
		if err := s.overLocked(); err != nil {
			return channel.Message{}, err
		}
		if ctx.Err() != nil {
			return channel.Message{}, context.Cause(ctx)
		}
		s.moved.Wait()
	}
}

// overLocked is nil while the session lasts.
func (s *Session) overLocked() error {
	if _, said := s.line.Closure(); said {
		return io.EOF
	}
	if s.ended {
		return s.reason
	}
	return nil
}

// Write is what the session reads. It waits while the server is behind.
func (s *Session) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := 0; ; {
		if err := s.overLocked(); err != nil {
			return n, io.ErrClosedPipe
		}
		took := s.line.Write(channel.Bytes, p[n:])
		if took > 0 {
			s.wake()
		}
		if n += took; n == len(p) {
			return n, nil
		}
		s.moved.Wait()
	}
}

// Resize says that the terminal has another size.
func (s *Session) Resize(size Size) error {
	return s.send(channel.Resize, channel.Marshal(channel.Size{Cols: uint32(max(0, size.Cols)), Rows: uint32(max(0, size.Rows))}))
}

// send gives the channel one message, and waits while the server is behind.
func (s *Session) send(p channel.PayloadType, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if err := s.overLocked(); err != nil {
			return io.ErrClosedPipe
		}
		if s.line.Send(p, content) {
			s.wake()
			return nil
		}
		s.moved.Wait()
	}
}

// closeTime bounds what Close does.
const closeTime = 5 * time.Second

// Close ends the session, if the server has not, and waits until nothing of it runs.
func (s *Session) Close() error {
	var err error
	select {
	case <-s.done:
	default:
		s.mu.Lock()
		over := s.overLocked() != nil
		s.mu.Unlock()
		if !over {
			ctx, cancel := context.WithTimeout(context.Background(), closeTime)
			defer cancel()
			err = terminate(ctx, s.api, s.id)
		}
	}
	s.cancel()
	<-s.done
	return err
}

// stir wakes everything that waits, to look again.
func (s *Session) stir() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved.Broadcast()
}

func (s *Session) wake() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

func newUUID() string {
	var id channel.ID
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}
