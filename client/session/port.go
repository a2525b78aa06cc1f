package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/xtaci/smux"

	"tombolo/ssm/channel"
)

// multiplexing is the client version from which servers multiplex forwarded ports.
const multiplexing = "1.1.70.0"

// Forwarding is a forwarded port. Every Dial is one connection, made from inside
// the instance.
type Forwarding struct {
	s    *Session
	mux  *smux.Session // nil: one connection at a time
	free chan struct{} // the one that the protocol of old clients has
}

// Forward makes a session of AWS-StartPortForwardingSession, or its like to a remote
// host, into a forwarded port. Nobody may read or write the session besides.
func Forward(s *Session) (*Forwarding, error) {
	name, properties := s.Type()
	if name != channel.Port || properties["type"] != channel.LocalPortForwarding {
		return nil, errors.New("the session forwards no port")
	}
	f := &Forwarding{s: s, free: make(chan struct{}, 1)}
	if !channel.VersionAtLeast(s.req.ClientVersion, multiplexing) {
		return f, nil
	}
	cfg := smux.DefaultConfig()
	cfg.Version, cfg.KeepAliveDisabled = 1, true
	mux, err := smux.Client(s, cfg)
	if err != nil {
		return nil, fmt.Errorf("multiplex the session: %w", err)
	}
	f.mux = mux
	return f, nil
}

// Dial is a new connection. When it cannot be made the session's Notice says so and
// the connection ends at once. Without multiplexing it waits for the last one's end.
func (f *Forwarding) Dial(ctx context.Context) (io.ReadWriteCloser, error) {
	if f.mux != nil {
		stream, err := f.mux.OpenStream()
		if err != nil {
			return nil, fmt.Errorf("open a stream: %w", err)
		}
		return stream, nil
	}
	select {
	case f.free <- struct{}{}:
		c := &single{Session: f.s, f: f}
		c.ctx, c.cancel = context.WithCancelCause(context.Background())
		return c, nil
	case <-f.s.done:
		return nil, io.ErrClosedPipe
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// single is the one connection of the old protocol.
type single struct {
	*Session
	f      *Forwarding
	ctx    context.Context // until Close
	cancel context.CancelCauseFunc
	once   sync.Once
}

func (c *single) Read(p []byte) (int, error) { return c.readUntil(c.ctx, p) }

// Close tells the server that this end of the connection is gone.
func (c *single) Close() (err error) {
	c.once.Do(func() {
		c.cancel(io.EOF)
		err = c.send(channel.Control, channel.DisconnectToPort.Content())
		<-c.f.free
	})
	return err
}

// Serve forwards every connection that a listener accepts, until ctx or the session
// ends. It closes the listener and the connections.
func (f *Forwarding) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() {
		select {
		case <-ctx.Done():
		case <-f.s.done:
			cancel()
		}
		_ = l.Close()
	})
	for {
		local, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept a connection: %w", err)
		}
		all.Go(func() {
			defer local.Close()
			remote, err := f.Dial(ctx)
			if err != nil {
				return
			}
			defer remote.Close()
			stop := context.AfterFunc(ctx, func() { _ = local.Close(); _ = remote.Close() })
			defer stop()
			splice(local, remote)
		})
	}
}

// splice copies both ways until both have ended. The end of one is passed on as far
// as the other end can be half closed.
func splice(local net.Conn, remote io.ReadWriteCloser) {
	var up sync.WaitGroup
	up.Go(func() {
		_, err := io.Copy(remote, local)
		if half, ok := remote.(interface{ CloseWrite() error }); ok && err == nil {
			_ = half.CloseWrite()
			return
		}
		_ = remote.Close()
	})
	_, _ = io.Copy(local, remote)
	_ = local.Close()
	up.Wait()
}

// Close ends the session and every connection through it.
func (f *Forwarding) Close() error {
	if f.mux != nil {
		return f.mux.Close() // which closes the session
	}
	return f.s.Close()
}
