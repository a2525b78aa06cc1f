package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"tombolo/client"
	"tombolo/ssm/channel"
)

// handshake does what the server asks at the beginning.
func (s *Session) handshake(ctx context.Context) error {
	for {
		m, err := s.next(ctx)
		if err != nil {
			if text := s.Farewell(); text != "" {
				return errors.New(text)
			}
			return err
		}
		switch m.Payload {
		case channel.Request:
			if err := s.answer(m); err != nil {
				return err
			}
		case channel.Complete:
			var c channel.HandshakeComplete
			if err := channel.Unmarshal(m.Content, &c); err != nil {
				return err
			}
			s.notice(c.CustomerMessage)
			if s.req.Size != (Size{}) && s.kind.SessionType != channel.Port {
				return s.Resize(s.req.Size)
			}
			return nil
		default:
			return fmt.Errorf("payload type %d came before the handshake: %w", m.Payload, channel.ErrType)
		}
	}
}

// answer answers a HandshakeRequest; what this client cannot do it says, and the
// server ends the session.
func (s *Session) answer(m channel.Message) error {
	var r channel.HandshakeRequest
	if err := channel.Unmarshal(m.Content, &r); err != nil {
		return err
	}
	out := channel.HandshakeResponse{ClientVersion: s.req.ClientVersion}
	for _, a := range r.RequestedClientActions {
		done := channel.ProcessedAction{ActionType: a.ActionType, ActionStatus: channel.ActionSuccess}
		switch t := a.ActionParameters; {
		case a.ActionType != channel.SessionTypeAction:
			done.ActionStatus, done.Error = channel.ActionUnsupported, "unsupported action"
		case t.SessionType != channel.StandardStream && t.SessionType != channel.InteractiveCommands &&
			t.SessionType != channel.NonInteractiveCommands && t.SessionType != channel.Port:
			done.ActionStatus, done.Error = channel.ActionFailed, "unknown session type "+t.SessionType
		default:
			s.kind = t
		}
		out.ProcessedClientActions = append(out.ProcessedClientActions, done)
	}
	return s.send(channel.Response, channel.Marshal(out))
}

// How a broken connection is taken up again.
const (
	dialTime   = 10 * time.Second
	patience   = 15 * time.Second // without any websocket; a daemon that starts again needs less
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
)

// run carries the channel until the session is over.
func (s *Session) run(ctx context.Context) {
	defer close(s.done)
	defer s.cancel()
	err := s.carry(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.reason = true, err
	s.moved.Broadcast()
}

// carry gives the channel one websocket after another. Its error is why it stopped;
// the server's own word, if there was one, counts for more.
func (s *Session) carry(ctx context.Context) error {
	pause, until := firstPause, time.Now().Add(patience)
	for {
		conn, err := s.dial(ctx)
		if err == nil {
			s.pump(ctx, conn)
			pause, until = firstPause, time.Now().Add(patience)
		}
		if s.closed() {
			return nil
		}
		// A new token: the old one was for the websocket that is gone.
		for {
			if ctx.Err() != nil {
				return ErrClosed
			}
			if time.Now().After(until) {
				return fmt.Errorf("%w: %w", ErrLost, err)
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ErrClosed
			}
			pause = min(2*pause, maxPause)
			var again opened
			if again, err = resume(ctx, s.api, s.id); err == nil {
				if again.TokenValue == "" {
					return ErrTimedOut
				}
				s.token = again.TokenValue
				break
			}
			if refused := (*client.Error)(nil); errors.As(err, &refused) && refused.Status < http.StatusInternalServerError {
				return fmt.Errorf("resume session: %w", err)
			}
		}
	}
}

func (s *Session) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, said := s.line.Closure()
	return said
}

// dial opens a websocket and says the token on it.
func (s *Session) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, s.url, nil)
	if err != nil {
		return nil, fmt.Errorf("dial the session: %w", err)
	}
	conn.SetReadLimit(channel.MaxFrame)
	open := channel.Marshal(channel.OpenDataChannel{MessageSchemaVersion: "1.0", RequestId: newUUID(), TokenValue: s.token,
		ClientId: s.clientID, ClientVersion: s.req.ClientVersion})
	if err := conn.Write(ctx, websocket.MessageText, open); err != nil {
		_ = conn.CloseNow()
		return nil, fmt.Errorf("say the token: %w", err)
	}
	return conn, nil
}

// pump reads and writes one websocket until it breaks or the session is over.
func (s *Session) pump(ctx context.Context, conn *websocket.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.line.Attach(time.Now())
	s.mu.Unlock()
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer cancel()
		s.write(ctx, conn)
	}()
	s.read(ctx, conn)
	cancel()
	<-written
	_ = conn.CloseNow()
}

// read takes frames. It never waits for who reads the session. A frame that is none
// is dropped, as the plugin does: if it was meant to be one, it comes again.
func (s *Session) read(ctx context.Context, conn *websocket.Conn) {
	for {
		kind, frame, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if kind != websocket.MessageBinary {
			continue
		}
		s.mu.Lock()
		_ = s.line.Receive(time.Now(), frame)
		_, said := s.line.Closure()
		s.moved.Broadcast()
		s.mu.Unlock()
		if said {
			return
		}
		s.wake()
	}
}

// write writes what the line has to say, when it has to.
func (s *Session) write(ctx context.Context, conn *websocket.Conn) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		frame, again := s.line.Next(time.Now())
		s.mu.Unlock()
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
		timer.Reset(wait)
		select {
		case <-s.work:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}
