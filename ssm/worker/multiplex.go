package worker

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/xtaci/smux"
)

// maxStreams bounds the connections of one session at a time: a browser makes a
// hundred at most, and an instance has no more descriptors than it needs.
const maxStreams = 512

// grace is how long the far side may still answer after the client has closed its
// stream. AWS's plugin closes both ways at once and throws away what comes then, so
// a far side that goes on sending must not be carried for ever.
const grace = 2 * time.Second

// stdio is the standard streams as smux wants them.
type stdio struct {
	io.Reader
	io.Writer
}

// Close ends a Read that waits, where the stream knows how.
func (s stdio) Close() error {
	if c, ok := s.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// serve is the server of AWS's multiplexed port forwarding: smux version 1 with the
// defaults of its buffers, and without keep-alive, which agents newer than
// 3.1.1511.0 don't do: it would keep an idle session from timing out.
func (t target) serve(ctx context.Context, stdin io.Reader, stdout io.Writer, says *lines) error {
	var forbidden errForbidden
	if _, err := t.addresses(ctx); errors.As(err, &forbidden) {
		return err // any other error may be gone by the time that somebody connects
	}
	cfg := smux.DefaultConfig()
	cfg.Version = 1
	cfg.KeepAliveDisabled = true
	mux, err := smux.Server(stdio{stdin, stdout}, cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var streams sync.WaitGroup
	defer streams.Wait()
	defer mux.Close()
	defer cancel()
	says.line(Ready, "")
	free := make(chan struct{}, maxStreams)
	for {
		stream, err := mux.AcceptStream()
		if errors.Is(err, smux.ErrInvalidProtocol) {
			return errors.New("the client does not speak the protocol of port forwarding")
		}
		if err != nil {
			return nil // the session ended
		}
		select {
		case free <- struct{}{}:
		default:
			says.line(Refused, "too many connections at once")
			_ = stream.Close()
			continue
		}
		streams.Go(func() {
			defer func() { <-free }()
			t.connect(ctx, stream, says)
		})
	}
}

// connect makes the connection that a stream stands for, and carries its bytes.
func (t target) connect(ctx context.Context, stream *smux.Stream, says *lines) {
	defer stream.Close()
	conn, err := t.dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			says.line(Refused, err.Error())
		}
		return
	}
	defer conn.Close()
	splice(stream, conn)
}

// splice copies both ways. The end of either direction is passed on as a half-close;
// after the client's the answer has a little time left. A broken direction ends both.
func splice(stream *smux.Stream, conn *net.TCPConn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := io.Copy(conn, stream)
		if err != nil {
			_ = conn.Close()
			return
		}
		_ = conn.CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(grace))
	}()
	if _, err := io.Copy(stream, conn); err != nil {
		_ = stream.Close()
		_ = conn.Close()
	} else {
		_ = stream.CloseWrite()
	}
	<-done
}
