package session

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"strings"
	"sync"

	"tombolo/network"
	"tombolo/ssm/channel"
)

// What the worker says on its standard error; package worker has the other end.
const (
	workerReady   = "ready"
	workerRefused = "refused: "
	workerFatal   = "fatal: "
)

// multiplexing came with this version of the plugin.
const multiplexing = "1.1.70.0"

// properties are what the handshake tells a client of a port session; the plugin
// reads where to listen from here, not from its own command line.
func (s *session) properties() map[string]string {
	p := s.plan
	if p.PortNumber == "" {
		return nil
	}
	out := map[string]string{"portNumber": p.PortNumber}
	if p.PortType == "" {
		return out
	}
	out["type"] = p.PortType
	out["localPortNumber"] = p.LocalPort
	for name, value := range map[string]string{"host": p.Host, "localUnixSocket": p.LocalSocket, "localConnectionType": p.LocalType} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// port carries bytes between the client and what listens in, or is reached from,
// the instance.
func (s *session) port(client string) *ending {
	switch {
	case s.plan.PortType == "":
		return s.carry("ssh")
	case client != "" && !channel.VersionAtLeast(client, multiplexing):
		return s.basic()
	}
	return s.carry("port")
}

// worker starts the program that dials from inside the instance.
func (s *session) worker(mode string) (*porter, error) {
	host := s.plan.Host
	if host == "" {
		host = "localhost"
	}
	args := append([]string{}, s.all.cfg.Worker...)
	args = append(args, mode, host, s.plan.PortNumber, "--deny", strings.Join(forbidden(s.all.cfg.State(), s.info.Target), ","))
	user := defaultUser
	if s.all.cfg.Host.SingleUser() {
		user = "root"
	}
	r, err := s.start(Program{Args: args, Dir: "/", User: user})
	if err != nil {
		return nil, err
	}
	w := &porter{program: r, ready: make(chan struct{})}
	r.pumps.Go(w.listen)
	return w, nil
}

// porter is the worker of a port session.
type porter struct {
	*program
	ready chan struct{} // closed when it has said so
	mu    sync.Mutex
	fatal string
}

// listen hears what the worker says of itself.
func (w *porter) listen() {
	lines := bufio.NewScanner(w.Stderr)
	say := sync.OnceFunc(func() { close(w.ready) })
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == workerReady:
			say()
		case strings.HasPrefix(line, workerRefused):
			w.s.all.cfg.Log.Info("forward a connection", "session", w.s.info.ID, "error", line[len(workerRefused):])
			_ = w.s.sendWhole(channel.Control, channel.ConnectToPortError.Content())
		case strings.HasPrefix(line, workerFatal):
			w.mu.Lock()
			w.fatal = line[len(workerFatal):]
			w.mu.Unlock()
		}
	}
	_, _ = io.Copy(io.Discard, w.Stderr) // a line too long is none of ours
}

// why is how the worker says that it could not do its work, "" if it could.
func (w *porter) why() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fatal
}

// awaitReady waits until the worker can take bytes; false says that it ended instead.
func (w *porter) awaitReady() bool {
	select {
	case <-w.ready:
		return true
	case <-w.ended:
	case <-w.ctx.Done():
	}
	return false
}

// carry joins the channel to the streams of one worker until either ends.
func (s *session) carry(mode string) *ending {
	w, err := s.worker(mode)
	if err != nil {
		return s.failure(defaultUser, err)
	}
	w.pump(w.Stdout, channel.Bytes, nil)
	w.feed(func() {
		if !w.awaitReady() {
			return
		}
		for {
			m, err := s.next(w.ctx)
			if err != nil {
				return
			}
			switch m.Payload {
			case channel.Bytes:
				_, _ = w.Stdin.Write(m.Content) // a worker that takes nothing is about to end
			case channel.Control:
				s.flag(m)
			}
		}
	})
	w.await()
	if why := w.why(); why != "" {
		return failedWith(why)
	}
	return ended()
}

// basic is the protocol of old plugins: one connection at a time, made when the
// first bytes come, and again after the client's has ended.
func (s *session) basic() *ending {
	var w *porter
	hangUp := func() {
		if w != nil {
			w.stop()
			w = nil
		}
	}
	defer hangUp()
	for {
		m, err := s.next(s.ctx)
		if err != nil {
			return ended()
		}
		flag, _ := channel.ReadFlag(m.Content)
		switch {
		case m.Payload == channel.Control && flag == channel.DisconnectToPort:
			hangUp()
		case m.Payload == channel.Control && flag == channel.TerminateSession:
			return ended()
		case m.Payload == channel.Bytes:
			if w != nil && isClosed(w.ended) {
				hangUp()
			}
			if w == nil {
				if w, err = s.connect(); err != nil {
					_ = s.sendWhole(channel.Control, channel.ConnectToPortError.Content())
					continue
				}
			}
			stop := context.AfterFunc(s.ctx, w.Close) // a write that waits must not outlast the session
			_, _ = w.Stdin.Write(m.Content)
			stop()
		}
	}
}

// connect starts a worker with its connection made.
func (s *session) connect() (*porter, error) {
	w, err := s.worker("ssh")
	if err != nil {
		return nil, err
	}
	if !w.awaitReady() {
		w.stop()
		return nil, errors.New(w.why())
	}
	w.pump(w.Stdout, channel.Bytes, nil)
	return w, nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// always are addresses of AWS's own services beside an instance, to which AWS's
// agent forwards nothing.
var always = []string{"169.254.169.254", "169.254.169.253", "169.254.169.123", "169.254.169.250", "169.254.169.251",
	"fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::123", "fd00:ec2::240"}

// forbidden is where a session with an instance may not forward to: those, and what
// AWS reserves in the blocks of the VPC: the first four addresses and the last.
func forbidden(s network.State, id network.InstanceID) []string {
	out := append([]string{}, always...)
	i := s.Instance(id)
	if i == nil {
		return out
	}
	v := s.VPC(i.VPC)
	if v == nil {
		return out
	}
	for _, b := range v.Blocks {
		a := b.CIDR.Masked().Addr()
		for range 4 {
			out = append(out, a.String())
			a = a.Next()
		}
		out = append(out, last(b.CIDR).String())
	}
	return out
}

// last is the highest address of an IPv4 block.
func last(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	n := binary.BigEndian.Uint32(a[:]) | (1<<(32-p.Bits()) - 1)
	binary.BigEndian.PutUint32(a[:], n)
	return netip.AddrFrom4(a)
}
