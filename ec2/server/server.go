// Package server answers AWS's EC2 query API over HTTP: it keeps web pages out,
// verifies who calls (sigv4), and gives forms to the operations that it was made
// with. It also answers the one call of STS's that clients make to learn who they
// are.
package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

// Keys knows the secrets of access keys and the accounts that they belong to.
type Keys interface {
	Lookup(accessKeyID string) (secret string, account network.Account, ok bool)
}

// Config is what a Server is made of.
type Config struct {
	Backend    api.Backend
	Operations []api.Operation

	// Keys verifies signatures. Nil switches verification off: any key is taken,
	// and a request needs none. A key ID of twelve digits then names the account.
	Keys Keys

	// Hosts are the Host headers that mean this server ("127.0.0.1:4566"). A name
	// that a web page made resolve to this machine is not among them.
	Hosts []string

	// Account and Region are those of unsigned requests.
	Account network.Account
	Region  network.Region

	// StrictImages refuses image IDs that are not in the catalogue. Without it any
	// well-formed one runs the default image, since people's configurations name
	// real ones.
	StrictImages bool

	Log *slog.Logger
	Now func() time.Time // nil is time.Now
}

// Server answers the EC2 query API, and the one call of STS's that clients make
// to learn who they are, on one path of one port. It is an http.Handler.
type Server struct {
	Config
	operations map[string]api.Operation
	buffers    sync.Pool // of *[]byte: answers are large and short-lived
}

// New makes a Server.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{Config: c, operations: map[string]api.Operation{}}
	for _, o := range c.Operations {
		s.operations[o.Name] = o
	}
	s.buffers.New = func() any { return new([]byte) }
	return s
}

// Limits on one request.
const (
	maxBody     = 1 << 20 // a thousand rules with descriptions, or user data, with room to spare
	bodyTimeout = 30 * time.Second
	callTimeout = 60 * time.Second
)

// request is one HTTP request as far as it has been understood, and what its
// answer needs whatever becomes of it.
type request struct {
	id      string
	http    *http.Request
	body    []byte
	form    wire.Form
	problem *wire.Problem // with the form; answered only to who may call
	action  string
	caller  network.Caller
	sts     bool
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	q := &request{id: requestID(), http: r.WithContext(ctx)}
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	b, err := s.answer(w, q, (*buffer)[:0])
	if err != nil {
		s.refuse(w, q, err, b[:0])
		*buffer = b
		return
	}
	*buffer = b
	s.send(w, q, http.StatusOK, b)
}

// answer appends the whole answer to b. A panic in a handler is an internal
// error of this one call: the daemon keeps the other calls, and the network, up.
func (s *Server) answer(w http.ResponseWriter, q *request, b []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("panic while answering", "action", q.action, "request", q.id, "panic", p, "stack", string(debug.Stack()))
			out, err = b, api.ErrInternal
		}
	}()
	if err := s.admit(q.http); err != nil {
		return b, err
	}
	if err := s.read(w, q); err != nil {
		return b, err
	}
	if err := s.identify(q); err != nil {
		return b, err
	}
	if q.sts {
		return s.callSTS(q, b)
	}
	return s.callEC2(q, b)
}

// admit keeps web pages out: a browser that was made to call this server shows
// it by its Host, its Origin, where it came from, or its cookies. No client of
// the API sends any of the last three.
func (s *Server) admit(r *http.Request) error {
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case !slices.Contains(s.Hosts, strings.ToLower(r.Host)):
		return &api.Error{Status: http.StatusForbidden, Code: "Blocked", Message: "The Host " + r.Host + " is not this server's."}
	case len(r.Header.Values("Origin")) > 0, site != "" && site != "none":
		return &api.Error{Status: http.StatusForbidden, Code: "Blocked", Message: "Requests from web pages are refused."}
	case len(r.Header.Values("Cookie")) > 0:
		return &api.Error{Status: http.StatusForbidden, Code: "Blocked", Message: "Requests with cookies are refused."}
	case r.URL.Path != "/" && r.URL.Path != "":
		return &api.Error{Status: http.StatusNotFound, Code: "NotFound", Message: "There is nothing at " + r.URL.Path + "; the API is at /."}
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		return &api.Error{Status: http.StatusMethodNotAllowed, Code: "UnsupportedHttpVerb", Message: "The requested HTTP verb is not supported: " + r.Method}
	}
	return nil
}

// read takes in the body and the form.
func (s *Server) read(w http.ResponseWriter, q *request) error {
	// The deadline ends with the body: one that passed while a handler works
	// would look like a client that went away. (Not every ResponseWriter has
	// deadlines; those of a real server do.)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, q.http.Body, maxBody))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &api.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLarge", Message: "The request body is larger than 1 MiB."}
	case err != nil:
		return &api.Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "The request body could not be read."}
	}
	q.body = body
	// The other services of AWS's on this port speak JSON; of them the
	// signature's scope tells, which is read next.
	if len(body) > 0 && !isForm(q.http) {
		return nil
	}
	q.form, q.problem = wire.ParseForm(q.http.URL.RawQuery, string(body))
	q.action, _ = q.form.Get("Action")
	return nil
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}
