package session

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xtaci/smux"

	"tombolo/network"
	"tombolo/ssm/channel"
	"tombolo/ssm/document"
)

func portPlan(addr string) document.Plan {
	host, port, _ := net.SplitHostPort(addr)
	return document.Plan{Type: document.Port, PortType: "LocalPortForwarding", Host: host, PortNumber: port, LocalPort: "0"}
}

// stream is the client's side of the channel as a stream of bytes.
type stream struct {
	*client
	at int
}

func (s *stream) Write(b []byte) (int, error) { s.send(channel.Bytes, b); return len(b), nil }
func (s *stream) Close() error                { return nil }

func (s *stream) Read(b []byte) (n int, err error) {
	for {
		s.mu.Lock()
		n = copy(b, s.out.String()[s.at:])
		s.at += n
		_, over := s.line.Closure()
		changed := s.changed
		s.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if over {
			return 0, io.EOF
		}
		select {
		case <-changed:
		case <-s.t.Context().Done():
			return 0, io.EOF
		}
	}
}

func (s *site) forward(addr string) (*client, *smux.Session, *http.Client) {
	_, c := s.begin(portPlan(addr))
	cfg := smux.DefaultConfig()
	cfg.KeepAliveDisabled = true
	mux, err := smux.Client(&stream{client: c}, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = mux.Close() })
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return mux.OpenStream() }}}
	return c, mux, hc
}

func TestAForwardedPortCarriesManyConnections(t *testing.T) {
	s := newSite(t)
	body := strings.Repeat("0123456789", 10_000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) }))
	defer srv.Close()
	c, _, hc := s.forward(srv.Listener.Addr().String())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			res, err := hc.Get("http://forwarded/")
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if got, err := io.ReadAll(res.Body); err != nil || string(got) != body {
				t.Errorf("%d bytes came, %v", len(got), err)
			}
		})
	}
	wg.Wait()
	c.send(channel.Control, channel.TerminateSession.Content())
	if text := c.end(); text != "" {
		t.Errorf("the end says %q", text)
	}
	p := c.request.RequestedClientActions[0].ActionParameters
	if p.SessionType != "Port" || p.Properties["type"] != "LocalPortForwarding" || p.Properties["localPortNumber"] != "0" || p.Properties["portNumber"] == "" || p.Properties["host"] != "127.0.0.1" {
		t.Errorf("the handshake asked for %+v", p)
	}
}

func closedAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestAPortThatRefusesIsFlagged(t *testing.T) {
	s := newSite(t)
	c, mux, _ := s.forward(closedAddr(t))
	st, err := mux.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c.until("the flag", func() bool { return slices.Contains(c.flags, channel.ConnectToPortError) })
	if i := s.info(c.id); i.Status != Connected {
		t.Errorf("the session is %v", i.Status)
	}
}

func TestForbiddenAddressesEndThePortSession(t *testing.T) {
	s := newSite(t)
	_, c := s.begin(portPlan("169.254.169.254:80"))
	if text := c.end(); text != "Forwarding to IP address 169.254.169.254 is forbidden." {
		t.Errorf("the end says %q", text)
	}
	id := s.launch(home)
	denied := forbidden(s.State(), id)
	for _, a := range []string{"172.31.0.0", "172.31.0.2", "172.31.0.3", "172.31.255.255", "fd00:ec2::254"} {
		if !slices.Contains(denied, a) {
			t.Errorf("%s is not among %q", a, denied)
		}
	}
	if slices.Contains(denied, "172.31.0.4") || forbidden(network.State{}, id) == nil {
		t.Errorf("denied %q", denied)
	}
}

// sshd says a banner and then answers in capitals.
func sshd(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				fmt.Fprint(conn, "SSH-2.0-test\r\n")
				b := make([]byte, 100)
				for {
					n, err := conn.Read(b)
					if err != nil || strings.HasPrefix(string(b[:n]), "bye") {
						return
					}
					fmt.Fprint(conn, strings.ToUpper(string(b[:n])))
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}

func TestAnSSHSessionIsOneConnection(t *testing.T) {
	s := newSite(t)
	plan := portPlan(sshd(t))
	plan.PortType = ""
	_, c := s.begin(plan)
	c.says("SSH-2.0-test\r\n")
	c.types("hello")
	c.says("HELLO")
	c.types("bye")
	if text := c.end(); text != "" {
		t.Errorf("the end says %q", text)
	}
	if _, ok := c.request.RequestedClientActions[0].ActionParameters.Properties["type"]; ok {
		t.Error("the handshake names a type, which makes the plugin listen on a port")
	}
	plan = portPlan(closedAddr(t))
	plan.PortType = ""
	_, c = s.begin(plan)
	if text := c.end(); !strings.HasPrefix(text, "Unable to connect to specified port: ") {
		t.Errorf("the end says %q", text)
	}
}

// The last byte before a pause may look like the beginning of a character; an ssh
// server's answer ends so every fourth time, and both ends then wait for ever.
func TestNoByteIsHeldBack(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, conn)
	}()
	plan := portPlan(l.Addr().String())
	plan.PortType = ""
	_, c := s.begin(plan)
	var sent string
	for b := range 256 {
		more := "x" + string([]byte{byte(b)})
		sent += more
		c.types(more)
		c.until(fmt.Sprintf("the byte %#x", b), func() bool { return c.out.String() == sent })
	}
	c.types("end")
	_, sh := s.begin(document.Plan{Type: document.InteractiveCommands, Command: `printf 'held:\303'; read x; echo`})
	sh.says("held:\xc3")
}

func TestAnOldClientForwardsOneConnectionAtATime(t *testing.T) {
	s := newSite(t)
	info, token := s.start(portPlan(sshd(t)))
	c := s.dial(info.ID, token, func(c *client) { c.version = "1.1.61.0" })
	for n := range 2 {
		c.types("hello")
		c.until("an answer", func() bool { return strings.Count(c.out.String(), "HELLO") == n+1 })
		c.send(channel.Control, channel.DisconnectToPort.Content())
	}
	c.send(channel.Control, channel.TerminateSession.Content())
	c.end()
	if n := strings.Count(c.output(), "SSH-2.0-test"); n != 2 {
		t.Errorf("%d connections were made, want 2", n)
	}
	info, token = s.start(portPlan(closedAddr(t)))
	c = s.dial(info.ID, token, func(c *client) { c.version = "1.1.61.0" })
	c.types("hello")
	c.until("the flag", func() bool { return slices.Contains(c.flags, channel.ConnectToPortError) })
}

func TestThirtyPortSessionsEachCarryARequest(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "yes") }))
	defer srv.Close()
	for range 30 {
		c, _, hc := s.forward(srv.Listener.Addr().String())
		hc.Timeout = 5 * time.Second
		res, err := hc.Get("http://forwarded/")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		c.send(channel.Control, channel.TerminateSession.Content())
		c.end()
	}
}
