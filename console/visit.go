package console

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"
)

const (
	ticketTime = 10 * time.Minute // for a person to open the address
	idleTime   = time.Hour        // without a call; an open terminal is not idle
	visitTime  = 12 * time.Hour
	// Bounds on what is kept; the oldest goes first.
	maxTickets = 16
	maxVisits  = 64
)

// digest is what is kept of a secret.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// secret is 256 random bits.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// visit is one login. Its context ends when it does.
type visit struct {
	ctx       context.Context
	end       context.CancelFunc
	begun     time.Time
	seen      time.Time // the last call
	terminals int       // that are open
}

// over reports whether a visit's time is up.
func (v *visit) over(now time.Time) bool {
	return now.Sub(v.begun) >= visitTime || v.terminals == 0 && now.Sub(v.seen) >= idleTime
}

// visits are those that last, and the tickets for new ones.
type visits struct {
	now func() time.Time

	mu      sync.Mutex
	closed  bool
	tickets map[digest]time.Time // when each was made
	all     map[digest]*visit
}

func newVisits(now func() time.Time) *visits {
	return &visits{now: now, tickets: map[digest]time.Time{}, all: map[digest]*visit{}}
}

// ticket makes one.
func (a *visits) ticket() string {
	text := secret()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	if len(a.tickets) >= maxTickets {
		delete(a.tickets, oldest(a.tickets, func(t time.Time) time.Time { return t }))
	}
	a.tickets[digestOf(text)] = a.now()
	return text
}

// begin takes a ticket for a new visit, and gives the secret of its cookie.
func (a *visits) begin(ticket string) (cookie string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	d := digestOf(ticket)
	if _, ok := a.tickets[d]; !ok || a.closed {
		return "", false
	}
	delete(a.tickets, d)
	if len(a.all) >= maxVisits {
		a.endLocked(oldest(a.all, func(v *visit) time.Time { return v.seen }))
	}
	v := &visit{begun: a.now(), seen: a.now()}
	v.ctx, v.end = context.WithCancel(context.Background())
	cookie = secret()
	a.all[digestOf(cookie)] = v
	return cookie, true
}

// find is the visit of a cookie, which is seen by this; nil when there is none.
func (a *visits) find(cookie string) *visit {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.all[digestOf(cookie)]
	if v == nil || v.over(a.now()) {
		return nil
	}
	v.seen = a.now()
	return v
}

// leave ends the visit of a cookie.
func (a *visits) leave(v *visit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for d, one := range a.all {
		if one == v {
			a.endLocked(d)
		}
	}
}

// terminal notes that one was opened, or with -1 that one was closed.
func (a *visits) terminal(v *visit, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v.terminals += n
	v.seen = a.now()
}

// sweep ends the visits and forgets the tickets whose time is up.
func (a *visits) sweep() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
}

func (a *visits) sweepLocked() {
	now := a.now()
	for d, made := range a.tickets {
		if now.Sub(made) >= ticketTime {
			delete(a.tickets, d)
		}
	}
	for d, v := range a.all {
		if v.over(now) {
			a.endLocked(d)
		}
	}
}

func (a *visits) endLocked(d digest) {
	a.all[d].end()
	delete(a.all, d)
}

// close ends every visit; none begins after it.
func (a *visits) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for d := range a.all {
		a.endLocked(d)
	}
}

// oldest is the key of what is oldest.
func oldest[V any](all map[digest]V, when func(V) time.Time) digest {
	var out digest
	var first time.Time
	for d, v := range all {
		if t := when(v); first.IsZero() || t.Before(first) {
			out, first = d, t
		}
	}
	return out
}

// cookieName is of this instance: a browser sends the cookies of 127.0.0.1 to every
// port of it.
func (s *Server) cookieName() string { return "tombolo_" + s.Port }

func (s *Server) cookie(r *http.Request, value string) *http.Cookie {
	return &http.Cookie{Name: s.cookieName(), Value: value, Path: Prefix, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode}
}

// login takes a ticket and gives a cookie.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Token string `json:"token"`
	}
	if err := decode(w, r, &ask); err != nil {
		refuse(w, err)
		return
	}
	value, ok := s.visits.begin(ask.Token)
	if !ok {
		refuse(w, &Problem{http.StatusUnauthorized, "BadToken", "This address was used already, or it is too old. Get a new one with: tombolo console"})
		return
	}
	http.SetCookie(w, s.cookie(r, value))
	w.WriteHeader(http.StatusNoContent)
}

// logout ends the visit.
func (s *Server) logout(w http.ResponseWriter, r *http.Request, v *visit) {
	s.visits.leave(v)
	gone := s.cookie(r, "")
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	w.WriteHeader(http.StatusNoContent)
}
