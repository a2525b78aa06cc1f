package console

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tombolo/flowlog/delivery"
	"tombolo/gate"
	"tombolo/network"
)

// site is a console before services that say what reached them.
type site struct {
	t       *testing.T
	console *Server
	http    *httptest.Server
	state   atomic.Pointer[network.State]
	batches chan delivery.Batch
	ended   chan struct{} // when the flows' subscription has

	mu  sync.Mutex
	now time.Time
}

// echo is a service that says what reached it.
type echo string

func (e echo) Serve(w http.ResponseWriter, r *gate.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{"service": e, "body": string(r.Body), "account": r.Caller.Account, "region": r.Caller.Region,
		"signed": r.Signed, "url": r.HTTP.URL.String(), "headers": r.HTTP.Header, "id": len(r.ID)})
}

func (e echo) Refuse(w http.ResponseWriter, _ *gate.Request, why *gate.Refusal) {
	http.Error(w, why.Code, why.Status)
}

func newSite(t *testing.T) *site {
	s := &site{t: t, now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), batches: make(chan delivery.Batch, 1), ended: make(chan struct{})}
	s.state.Store(&network.State{})
	s.http = httptest.NewUnstartedServer(nil)
	host := s.http.Listener.Addr().String()
	door := &gate.Gate{Services: map[string]gate.Service{"ec2": echo("ec2"), "ssm": echo("ssm")}, Hosts: []string{host}}
	_, port, _ := strings.Cut(host, ":")
	s.console = New(Config{Door: door, Port: port, Version: "test", Regions: []string{"us-east-1", "eu-west-1"},
		Accounts: func() []Account { return []Account{{"123456789012", "one"}, {"210987654321", "two"}} },
		State:    func() network.State { return *s.state.Load() },
		Fabric: func() Fabric {
			return Fabric{Enforced: true, Plane: "test", Generation: s.state.Load().Generation}
		},
		Flows: func(ctx context.Context) (<-chan delivery.Batch, error) {
			context.AfterFunc(ctx, func() { close(s.ended) })
			return s.batches, nil
		},
		Reach: func(_ context.Context, c network.Caller, q Question) (any, error) {
			if q.Source == "" {
				return nil, &Problem{http.StatusNotFound, "NotFound", "no source"}
			}
			return map[string]any{"asked": q, "for": c.Account}, nil
		},
		Lab: func(_ context.Context, _ network.Caller, task Task) (any, error) { return task, nil },
		Stream: func(w http.ResponseWriter, r *http.Request, id string) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Session: "+id+"\r\n\r\n")
			_, _ = io.Copy(conn, conn)
		},
		Now: func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }})
	s.http.Config.Handler = s.console
	s.http.Start()
	t.Cleanup(func() {
		s.console.visits.close()
		s.http.Close()
	})
	return s
}

// later moves the clock.
func (s *site) later(d time.Duration) {
	s.mu.Lock()
	s.now = s.now.Add(d)
	s.mu.Unlock()
	s.console.visits.sweep()
}

// post is a request as the console's own page makes it.
func (s *site) post(path, body string, cookies ...*http.Cookie) *http.Request {
	r, err := http.NewRequest(http.MethodPost, s.http.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Origin", s.http.URL)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set(header, "1")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// do sends a request and reads the whole answer.
func (s *site) do(r *http.Request) (*http.Response, string) {
	s.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(body)
}

func (s *site) status(r *http.Request) int {
	s.t.Helper()
	res, _ := s.do(r)
	return res.StatusCode
}

// visit logs in.
func (s *site) visit() *http.Cookie {
	s.t.Helper()
	res, body := s.do(s.post("/console/login", `{"token":"`+s.console.Ticket()+`"}`))
	if res.StatusCode != http.StatusNoContent || len(res.Cookies()) != 1 {
		s.t.Fatalf("login: %d %s", res.StatusCode, body)
	}
	return res.Cookies()[0]
}

// problem reads an error's code.
func problem(t *testing.T, body string) string {
	t.Helper()
	var p Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Message == "" {
		t.Fatalf("not an error of the console: %q", body)
	}
	return p.Code
}

// lines reads a stream and gives what was read of it when it ends.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
	end  chan struct{}
}

func readLines(r io.Reader) *lines {
	l := &lines{news: make(chan struct{}, 1), end: make(chan struct{})}
	go func() {
		defer close(l.end)
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			l.mu.Lock()
			l.text.Write(buf[:n])
			l.mu.Unlock()
			select {
			case l.news <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return l
}

// await waits until word was read.
func (l *lines) await(t *testing.T, word string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		l.mu.Lock()
		text := l.text.String()
		l.mu.Unlock()
		if strings.Contains(text, word) {
			return
		}
		select {
		case <-l.news:
		case <-limit:
			t.Fatalf("no %q in %q", word, text)
		}
	}
}

// over waits for the stream's end.
func (l *lines) over(t *testing.T) {
	t.Helper()
	select {
	case <-l.end:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream goes on")
	}
}
