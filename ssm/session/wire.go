package session

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tombolo/ssm/channel"
)

// next is the client's next message; it waits for one until ctx, which is of the
// session, ends.
func (s *session) next(ctx context.Context) (channel.Message, error) {
	for {
		s.mu.Lock()
		m, ok := s.line.Take()
		s.busy = time.Time{}
		if ok {
			s.touched = s.all.cfg.Now()
			s.busy = s.touched
		}
		s.mu.Unlock()
		if ok {
			return m, nil
		}
		select {
		case <-s.input:
		case <-ctx.Done():
			return channel.Message{}, context.Cause(ctx)
		}
	}
}

// send gives the client a stream's bytes; it waits while the client is behind.
func (s *session) send(p channel.PayloadType, stream []byte) error {
	s.making.Lock()
	defer s.making.Unlock()
	for len(stream) > 0 {
		s.mu.Lock()
		n := s.line.Write(p, stream)
		if n > 0 {
			s.touched = s.all.cfg.Now()
		}
		k := s.socket
		s.mu.Unlock()
		if k != nil {
			k.work.wake()
		}
		if stream = stream[n:]; len(stream) == 0 {
			return nil
		}
		select {
		case <-s.room:
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
	return nil
}

// sendWhole gives the client one message that must not be cut.
func (s *session) sendWhole(p channel.PayloadType, content []byte) error {
	s.making.Lock()
	defer s.making.Unlock()
	for {
		s.mu.Lock()
		ok := s.line.Send(p, content)
		k := s.socket
		s.mu.Unlock()
		if k != nil {
			k.work.wake()
		}
		if ok {
			return nil
		}
		select {
		case <-s.room:
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
}

// handshake tells the client what kind of session this is and returns its version.
// The clock ends it when no answer comes.
func (s *session) handshake() (client string, why *ending) {
	request := channel.NewHandshakeRequest(AgentVersion, channel.SessionType{SessionType: string(s.plan.Type), Properties: s.properties()})
	if s.sendWhole(channel.Request, channel.Marshal(request)) != nil {
		return "", ended()
	}
	for {
		m, err := s.next(s.ctx)
		if err != nil {
			return "", ended()
		}
		if m.Payload != channel.Response {
			continue
		}
		var response channel.HandshakeResponse
		if err := channel.Unmarshal(m.Content, &response); err != nil {
			return "", failedTo(fmt.Errorf("read handshake response: %w", err))
		}
		if refusal := response.Refusal(); refusal != "" {
			return "", failedWith(refusal)
		}
		client = response.ClientVersion
		break
	}
	s.mu.Lock()
	took := s.all.cfg.Now().Sub(s.attached)
	s.shaken, s.token.spent = true, true
	s.mu.Unlock()
	// The acknowledgement of the response is owed since it came, and a Line writes
	// what it owes first: the plugin's reader does not survive anything that comes
	// between this message and the plugin's own next one.
	complete := channel.HandshakeComplete{HandshakeTimeToComplete: took.Nanoseconds()}
	if s.sendWhole(channel.Complete, channel.Marshal(complete)) != nil {
		return "", ended()
	}
	return client, nil
}

// pump sends what r gives until its end, every byte at once: what a program has
// said may be all that it says before an answer, and a port's bytes are no text.
// Everything goes through through, which may add to it.
func (s *session) pump(r io.Reader, p channel.PayloadType, through func([]byte) []byte, at *rest) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			at.note(1)
			sent := s.send(p, through(buf[:n]))
			at.note(-1)
			if sent != nil {
				return
			}
		}
		if err != nil {
			return // a pipe ends with EOF, a terminal with EIO: both are ends
		}
	}
}

// readSize reads a terminal's size. A client without a terminal says 300 by 100;
// 0 is what one says that does not know.
func readSize(content []byte) (Size, bool) {
	var z channel.Size
	if json.Unmarshal(content, &z) != nil || z.Cols > 0xffff || z.Rows > 0xffff {
		return Size{}, false
	}
	return Size{Cols: int(z.Cols), Rows: int(z.Rows)}, true
}
