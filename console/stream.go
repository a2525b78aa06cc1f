package console

import (
	"bufio"
	"context"
	"net"
	"net/http"
)

// stream hands a websocket to Session Manager, which speaks with the page as it does
// with AWS's plugin. The websocket ends with the visit; the session goes on, as on
// AWS, until it is ended or idle for too long.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if err := ours(r); err != nil {
		refuse(w, err)
		return
	}
	v := s.visitor(r)
	if v == nil {
		refuse(w, noVisit())
		return
	}
	s.visits.terminal(v, +1)
	defer s.visits.terminal(v, -1)
	s.Stream(&leash{w, v.ctx}, r, r.PathValue("session"))
}

// leash closes the connection that is taken over from HTTP when ctx ends.
type leash struct {
	http.ResponseWriter
	ctx context.Context
}

// Hijack takes the connection over.
func (l *leash) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(l.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	return &leashed{conn, stop}, buf, nil
}

// leashed forgets the leash when it is closed.
type leashed struct {
	net.Conn
	stop func() bool
}

func (c *leashed) Close() error {
	c.stop()
	return c.Conn.Close()
}
