// Package server answers AWS's EC2 query API: it gives forms that have passed the
// door (gate) to the operations that it was made with.
package server

import (
	"log/slog"
	"mime"
	"net/http"
	"sync"
	"time"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/gate"
	"tombolo/network"
)

// Config is what a Server is made of.
type Config struct {
	Backend    api.Backend
	Operations []api.Operation

	// StrictImages refuses image IDs that are not in the catalogue. Without it any
	// well-formed one runs the default image, since people's configurations name
	// real ones.
	StrictImages bool

	// Quotas are those of new worlds that differ from AWS's defaults.
	Quotas map[network.Quota]int

	Log *slog.Logger
	Now func() time.Time // nil is time.Now
}

// Server answers the EC2 query API. It is a gate.Service.
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

// request is one request as far as it has been understood, and what its answer
// needs whatever becomes of it.
type request struct {
	*gate.Request
	form    wire.Form
	problem *wire.Problem // with the form
	action  string
}

// understand reads the form.
func understand(r *gate.Request) *request {
	q := &request{Request: r}
	// Another content type is answered with an error of its own.
	if len(r.Body) == 0 || isForm(r.HTTP) {
		q.form, q.problem = wire.ParseForm(r.HTTP.URL.RawQuery, string(r.Body))
		q.action, _ = q.form.Get("Action")
	}
	return q
}

// Serve answers one request.
func (s *Server) Serve(w http.ResponseWriter, r *gate.Request) {
	q := understand(r)
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	b, err := s.answer(q, (*buffer)[:0])
	if err != nil {
		s.refuse(w, q, err, b[:0])
		*buffer = b
		return
	}
	*buffer = b
	s.send(w, q, http.StatusOK, b)
}

// Refuse answers a request that did not pass the door.
func (s *Server) Refuse(w http.ResponseWriter, r *gate.Request, why *gate.Refusal) {
	s.refuse(w, understand(r), &api.Error{Status: why.Status, Code: why.Code, Message: why.Message}, nil)
}

// answer appends the whole answer to b.
func (s *Server) answer(q *request, b []byte) (out []byte, err error) {
	if len(q.Body) > 0 && !isForm(q.HTTP) {
		return b, &api.Error{Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaType", Message: "The Content-Type must be application/x-www-form-urlencoded."}
	}
	if q.problem != nil {
		return b, api.ProblemError(q.problem)
	}
	if _, ok := api.LookupRegion(q.Caller.Region); !ok {
		return b, &api.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValue", Message: "There is no Region " + string(q.Caller.Region) + "."}
	}
	return s.callEC2(q, b)
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}
