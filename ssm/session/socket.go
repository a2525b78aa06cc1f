package session

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"tombolo/ssm/channel"
)

// Path is where the websocket of a session is: this and the session's id.
const Path = "/v1/data-channel/"

const (
	helloTime = 15 * time.Second // for a client to say its token
	writeTime = 30 * time.Second // for a client that reads nothing at all
	partTime  = 3 * time.Second  // for what was said before the end
	maxBroken = 64               // frames that are none, on one socket
)

// socket is one websocket of a session.
type socket struct {
	conn   *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc
	work   signal        // there may be something to write
	told   chan struct{} // closed when channel_closed was written
	over   chan struct{} // closed when nothing reads or writes any more
	token  [32]byte      // digest of the token that it came with
}

// ServeHTTP answers a dial to a session. Any dial is upgraded, as the plugin hangs
// without a word when one is refused; only web pages, which say an Origin, are not:
// neither the plugin nor any client of ours is one. Signatures are not asked for
// (older plugins send none): the token is the authority.
func (a *Sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		http.Error(w, "web pages may not open sessions", http.StatusForbidden)
		return
	}
	a.Stream(w, r, strings.TrimPrefix(r.URL.Path, Path))
}

// Stream answers a dial to a session with this id, of whoever another door has let
// in. An Origin, if there is one, must be of this server.
func (a *Sessions) Stream(w http.ResponseWriter, r *http.Request, id string) {
	a.mu.Lock()
	if a.closing {
		a.mu.Unlock()
		http.Error(w, ErrClosing.Error(), http.StatusServiceUnavailable)
		return
	}
	a.running.Add(1)
	a.mu.Unlock()
	defer a.running.Done()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		a.cfg.Log.Debug("upgrade to a websocket", "error", err)
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(channel.MaxFrame)
	text, err := hello(a.ctx, conn)
	if err != nil {
		return
	}
	a.mu.Lock()
	s, old := a.active[id], a.history[id]
	a.mu.Unlock()
	if s == nil {
		tellEnd(conn, id, farewell(old, text))
		return
	}
	k := s.attach(conn, text)
	if k == nil && s.isOver() { // since it was looked up
		a.mu.Lock()
		old = a.history[id]
		a.mu.Unlock()
		tellEnd(conn, id, farewell(old, text))
		return
	}
	if k == nil {
		_ = conn.Close(websocket.StatusPolicyViolation, "")
		return
	}
	k.serve(s)
}

// hello reads the text that a client says first.
func hello(ctx context.Context, conn *websocket.Conn) (token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	kind, frame, err := conn.Read(ctx)
	if err != nil {
		return "", err
	}
	var open channel.OpenDataChannel
	if kind != websocket.MessageText {
		return "", channel.ErrType
	}
	if err := channel.Unmarshal(frame, &open); err != nil {
		return "", err
	}
	return open.TokenValue, nil
}

// farewell is what a client learns of a session that is over. Why it ended is said
// to who had its token; of others it is nobody's business, not even whether it was.
func farewell(p past, token string) string {
	if p.ID != "" && p.token.is(token) {
		return p.Details
	}
	return sayUnknown
}

// tellEnd says channel_closed on a websocket that no session has.
func tellEnd(conn *websocket.Conn, id, text string) {
	l := channel.New(channel.Config{Role: channel.Server, Seed: [16]byte(randomBytes(16))})
	l.Attach(time.Now())
	l.Close(time.Now(), id, text)
	frame, _ := l.Next(time.Now())
	ctx, cancel := context.WithTimeout(context.Background(), partTime)
	defer cancel()
	if conn.Write(ctx, websocket.MessageBinary, frame) != nil {
		return
	}
	wait, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	for {
		if _, _, err := conn.Read(wait); err != nil {
			return
		}
	}
}

// attach gives the session a new websocket, if the token is right; the newest wins.
func (s *session) attach(conn *websocket.Conn, text string) *socket {
	k := &socket{conn: conn, work: make(signal, 1), told: make(chan struct{}), over: make(chan struct{})}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.all.cfg.Now()
	if !s.token.is(text) || !s.token.valid(now) || s.line == nil || s.ending != nil {
		k.cancel()
		return nil
	}
	k.token = s.token.digest
	if s.socket != nil {
		s.socket.cancel()
	}
	s.socket = k
	s.line.Attach(time.Now())
	if s.attached.IsZero() {
		s.attached = now
	}
	if s.info.Status == Connecting || s.info.Status == Disconnected {
		s.info.Status = Connected
	}
	s.room.wake()
	return k
}

// isOver says that the session has become history; it waits for the moment that
// this takes.
func (s *session) isOver() bool {
	s.mu.Lock()
	over := s.ending != nil
	s.mu.Unlock()
	if over {
		<-s.over
	}
	return over
}

// detach is called when a websocket is over; the program goes on.
func (s *session) detach(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != k {
		return
	}
	s.socket = nil
	if s.info.Status == Connected {
		s.info.Status = Disconnected
	}
	s.room.wake()
}

// serve reads and writes until the websocket is over.
func (k *socket) serve(s *session) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer k.cancel()
		k.write(s)
	}()
	k.read(s)
	k.cancel()
	<-written
	s.detach(k)
	close(k.over)
}

// read takes frames. It never waits for the program: acknowledgements would stop,
// and with them what the program says.
func (k *socket) read(s *session) {
	for broken := 0; broken < maxBroken; {
		kind, frame, err := k.conn.Read(k.ctx)
		if err != nil {
			return
		}
		if kind != websocket.MessageBinary {
			broken++
			continue
		}
		s.mu.Lock()
		if s.socket != k {
			s.mu.Unlock()
			return
		}
		err = s.line.Receive(time.Now(), frame)
		if err == nil && s.shaken && s.token.digest == k.token {
			s.token.spent = true
		}
		s.mu.Unlock()
		if err != nil {
			broken++
			s.all.cfg.Log.Debug("drop a frame", "session", s.info.ID, "error", err)
			continue
		}
		s.input.wake()
		s.room.wake()
		k.work.wake()
	}
}

// write writes what the line has to say, when it has to.
func (k *socket) write(s *session) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	told := false
	for {
		s.mu.Lock()
		if s.socket != k {
			s.mu.Unlock()
			return
		}
		frame, again := s.line.Next(time.Now())
		over := s.line.Ended()
		s.mu.Unlock()
		if frame != nil {
			if !k.put(frame) {
				return
			}
			continue
		}
		if over && !told {
			told = true
			close(k.told)
		}
		wait := time.Hour
		if !again.IsZero() {
			wait = max(time.Until(again), time.Millisecond)
		}
		timer.Reset(wait)
		select {
		case <-k.work:
		case <-timer.C:
		case <-k.ctx.Done():
			return
		}
	}
}

func (k *socket) put(frame []byte) bool {
	ctx, cancel := context.WithTimeout(k.ctx, writeTime)
	defer cancel()
	return k.conn.Write(ctx, websocket.MessageBinary, frame) == nil
}

// part lets a client that is told of the end hang up, and hangs up when it doesn't.
func (k *socket) part() {
	k.work.wake()
	select {
	case <-k.told:
	case <-k.over:
	case <-time.After(partTime):
	}
	select {
	case <-k.over:
	case <-time.After(closeTime):
	}
	k.cancel()
	<-k.over
}
