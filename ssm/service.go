package ssm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tombolo/gate"
	"tombolo/network"
	"tombolo/ssm/command"
	"tombolo/ssm/session"
)

// Records keep documents; package store has them.
type Records interface {
	PutRecord(ctx context.Context, kind, key string, doc []byte) error
	DeleteRecord(ctx context.Context, kind, key string) error
	Records(ctx context.Context, kind string) (map[string][]byte, error)
}

// Config is what the API needs.
type Config struct {
	Sessions *session.Sessions
	Commands *command.Commands
	State    func() network.State
	Records  Records
	Platform command.Platform                                // what instances say that they are
	Hostname func(network.State, network.InstanceID) string  // an instance's own name; nil: it has none
	Images   func(network.Region) map[string]network.ImageID // the catalogue, by name; nil: there is none
	Now      func() time.Time                                // nil: time.Now
	Log      *slog.Logger                                    // nil: nothing is logged
}

// Service answers the operations. It is a gate.Service.
type Service struct {
	Config
	library *library
	table   map[string]operation
}

// Open reads the documents that are on record.
func Open(ctx context.Context, c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Hostname == nil {
		c.Hostname = func(network.State, network.InstanceID) string { return "" }
	}
	if c.Images == nil {
		c.Images = func(network.Region) map[string]network.ImageID { return nil }
	}
	s := &Service{Config: c, library: newLibrary(c.Records), table: map[string]operation{}}
	for _, o := range operations() {
		s.table[o.name] = o
	}
	if err := s.library.load(ctx); err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return s, nil
}

// Serve answers one request.
func (s *Service) Serve(w http.ResponseWriter, r *gate.Request) {
	answer, err := s.answer(r)
	if err == nil {
		write(w, r.ID, http.StatusOK, answer)
		return
	}
	e := shaped(err)
	if e == nil {
		s.Log.Error("request failed", "request", r.ID, "target", r.HTTP.Header.Get("X-Amz-Target"), "err", err)
		e = internal()
	}
	write(w, r.ID, e.Status, e)
}

// Refuse words a refusal at the door.
func (s *Service) Refuse(w http.ResponseWriter, r *gate.Request, why *gate.Refusal) {
	e := refused(why)
	write(w, r.ID, e.Status, e)
}

func (s *Service) answer(r *gate.Request) (any, error) {
	target := r.HTTP.Header.Get("X-Amz-Target")
	name, ours := strings.CutPrefix(target, "AmazonSSM.")
	if !ours || r.HTTP.Method != http.MethodPost {
		return nil, fail("UnknownOperationException", "A request to this service is a POST with an X-Amz-Target that begins with AmazonSSM.")
	}
	o, ok := s.table[name]
	if !ok {
		return nil, unserved(name)
	}
	return o.serve(s, &call{Context: r.HTTP.Context(), caller: r.Caller, http: r.HTTP}, r.Body)
}

func write(w http.ResponseWriter, id string, status int, answer any) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	_ = e.Encode(answer) // maps, texts and numbers
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("X-Amzn-Requestid", id)
	w.WriteHeader(status)
	_, _ = w.Write(bytes.TrimSpace(body.Bytes()))
}

// empty is the answer of operations that say nothing.
type empty struct{}

// when is a time in AWS's form: seconds since 1970, with milliseconds.
func when(t time.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/1e6))
}
