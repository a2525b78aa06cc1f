package session

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tombolo/ssm/channel"
)

// client is the other end of the protocol, as the plugin is one, with the faults
// that a test asks for.
type client struct {
	t       testing.TB
	site    *site
	id      string
	version string // that it says in the handshake

	mu      sync.Mutex
	line    *channel.Line
	conn    *websocket.Conn
	over    chan struct{} // closed when the present websocket is over
	changed chan struct{} // closed and replaced whenever something came
	wire    []string      // what came, in order
	out     strings.Builder
	errs    strings.Builder
	exits   []string
	flags   []channel.Flag
	request channel.HandshakeRequest
	shaken  bool

	work   signal
	ignore func(channel.Message) bool // a frame that came: neither processed nor acknowledged
	lose   func(channel.Message) bool // a frame to go: lost
	refuse bool                       // answer the handshake with a failure
	silent bool                       // do not answer the handshake
}

// dial comes to a session for the first time.
func (s *site) dial(id, token string, with func(*client)) *client {
	s.t.Helper()
	c := &client{t: s.t, site: s, id: id, version: "1.2.792.0", changed: make(chan struct{}), work: make(signal, 1),
		line: channel.New(channel.Config{Role: channel.Client, Seed: [16]byte(randomBytes(16))})}
	if with != nil {
		with(c)
	}
	c.come(token)
	s.t.Cleanup(c.leave)
	return c
}

// come opens a websocket with a token.
func (c *client) come(token string) {
	c.t.Helper()
	conn := connect(c.t, c.site, c.id)
	hello := channel.OpenDataChannel{MessageSchemaVersion: "1.0", RequestId: "r", TokenValue: token, ClientId: "c", ClientVersion: c.version}
	if err := conn.Write(c.t.Context(), websocket.MessageText, channel.Marshal(hello)); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.conn = conn
	over := make(chan struct{})
	c.over = over
	c.line.Attach(time.Now())
	c.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	written := make(chan struct{})
	go func() { defer close(written); c.write(ctx, conn) }()
	go func() {
		defer close(over)
		c.read(ctx, conn)
		cancel()
		_ = conn.CloseNow()
		<-written
	}()
}

func connect(t testing.TB, s *site, id string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.srv.URL, "http")+Path+id+"?role=publish_subscribe", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(channel.MaxFrame)
	return conn
}

// leave drops the websocket, as a cut wire does, and waits until it is gone.
func (c *client) leave() {
	c.mu.Lock()
	conn, over := c.conn, c.over
	c.mu.Unlock()
	_ = conn.CloseNow()
	<-over
}

func (c *client) read(ctx context.Context, conn *websocket.Conn) {
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return
		}
		m, err := channel.Decode(frame)
		if err != nil {
			c.t.Errorf("the server sent a frame that is none: %v", err)
			return
		}
		c.mu.Lock()
		if c.ignore == nil || !c.ignore(m) {
			c.wire = append(c.wire, describe(m))
			if err := c.line.Receive(time.Now(), frame); err != nil {
				c.t.Errorf("the server sent %s: %v", describe(m), err)
			}
			c.takeLocked()
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		c.work.wake()
	}
}

func describe(m channel.Message) string {
	if m.Type == channel.Acknowledge {
		var a channel.Acknowledgement
		_ = json.Unmarshal(m.Content, &a)
		return fmt.Sprintf("ack %d", a.AcknowledgedMessageSequenceNumber)
	}
	return fmt.Sprintf("%s %d type %d", m.Type, m.Sequence, m.Payload)
}

func (c *client) takeLocked() {
	for {
		m, ok := c.line.Take()
		if !ok {
			return
		}
		switch m.Payload {
		case channel.Request:
			if err := channel.Unmarshal(m.Content, &c.request); err != nil {
				c.t.Error(err)
			}
			if c.silent {
				continue
			}
			done := channel.ProcessedAction{ActionType: channel.SessionTypeAction, ActionStatus: channel.ActionSuccess}
			if c.refuse {
				done.ActionStatus, done.Error = channel.ActionFailed, "unknown session type"
			}
			c.line.Send(channel.Response, channel.Marshal(channel.HandshakeResponse{ClientVersion: c.version, ProcessedClientActions: []channel.ProcessedAction{done}}))
		case channel.Complete:
			c.shaken = true
			if c.request.RequestedClientActions[0].ActionParameters.SessionType != channel.Port {
				c.line.Send(channel.Resize, channel.Marshal(channel.Size{Cols: 100, Rows: 30}))
			}
		case channel.Bytes:
			c.out.Write(m.Content)
		case channel.StdErr:
			c.errs.Write(m.Content)
		case channel.ExitCode:
			c.exits = append(c.exits, string(m.Content))
		case channel.Control:
			f, err := channel.ReadFlag(m.Content)
			if err != nil {
				c.t.Error(err)
			}
			c.flags = append(c.flags, f)
		}
	}
}

func (c *client) write(ctx context.Context, conn *websocket.Conn) {
	for {
		c.mu.Lock()
		frame, again := c.line.Next(time.Now())
		lost := false
		if frame != nil && c.lose != nil {
			m, _ := channel.Decode(frame)
			lost = c.lose(m)
		}
		c.mu.Unlock()
		if lost {
			continue
		}
		if frame != nil {
			if conn.Write(ctx, websocket.MessageBinary, frame) != nil {
				return
			}
			continue
		}
		wait := time.Hour
		if !again.IsZero() {
			wait = max(time.Until(again), time.Millisecond)
		}
		timer := time.NewTimer(wait)
		select {
		case <-c.work:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// send gives the session bytes, as the plugin does: whole messages, in order.
func (c *client) send(p channel.PayloadType, content []byte) {
	c.t.Helper()
	c.until("the handshake's end", func() bool { return c.shaken })
	for len(content) > 0 {
		c.mu.Lock()
		n := c.line.Write(p, content)
		changed := c.changed
		c.mu.Unlock()
		c.work.wake()
		if content = content[n:]; len(content) == 0 {
			return
		}
		select {
		case <-changed:
		case <-time.After(patience):
			c.t.Fatalf("the window stays full: %d bytes are left", len(content))
		}
	}
}

func (c *client) types(text string) { c.t.Helper(); c.send(channel.Bytes, []byte(text)) }

// until waits until ok holds for what came.
func (c *client) until(what string, ok func() bool) {
	c.t.Helper()
	end := time.After(patience)
	for {
		c.mu.Lock()
		done, changed := ok(), c.changed
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-end:
			c.mu.Lock()
			defer c.mu.Unlock()
			out := c.out.String()
			c.t.Fatalf("%s did not come; output %q, wire %q", what, out[max(0, len(out)-500):], c.wire[max(0, len(c.wire)-12):])
		}
	}
}

// says waits for output.
func (c *client) says(want string) {
	c.t.Helper()
	c.until(fmt.Sprintf("%q", want), func() bool { return strings.Contains(c.out.String(), want) })
}

// end waits for channel_closed and gives its text.
func (c *client) end() string {
	c.t.Helper()
	var closure channel.Closure
	c.until("the end", func() (ok bool) { closure, ok = c.line.Closure(); return ok })
	return closure.Output
}

func (c *client) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}
