package console

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"tombolo/flowlog/delivery"
	"tombolo/network"
)

// Prefix is the path below which the console answers.
const Prefix = "/console/"

// Door is the API's door: it knows what this server is called, and leads to the
// services.
type Door interface {
	// Mine reports whether a request was sent to this server's name.
	Mine(r *http.Request) bool
	// Carry answers a request as if caller had signed it.
	Carry(w http.ResponseWriter, r *http.Request, service string, caller network.Caller)
}

// Account is one that a visitor may act for.
type Account struct {
	ID   network.Account `json:"id"`
	Name string          `json:"name"`
}

// Fabric is what becomes of packets.
type Fabric struct {
	Enforced   bool   `json:"enforced"` // packets obey the State of Generation
	Plane      string `json:"plane"`
	Generation uint64 `json:"generation"`
	Degraded   string `json:"degraded"` // what is wrong, "" when nothing is
}

// Question is what POST /console/reach asks.
type Question struct {
	Source      string `json:"source"`
	Destination string `json:"destination"`
	Protocol    string `json:"protocol"`
	Port        int    `json:"port"`
	Live        bool   `json:"live"` // also send packets
}

// Task is what POST /console/lab asks.
type Task struct {
	Action string `json:"action"` // state, setup, check or reset
	Step   int    `json:"step"`
}

// Problem is an answer that is no success.
type Problem struct {
	Status  int    `json:"-"` // of HTTP
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// Config is what the console needs of the daemon. Reach, Lab and Flows answer with a
// *Problem when there is nothing to answer with.
type Config struct {
	Door     Door
	Port     string // names the cookie: cookies of one host are shared by its ports
	Version  string
	Regions  []string
	Accounts func() []Account // the first is a visitor's own
	State    func() network.State
	Fabric   func() Fabric
	Flows    func(context.Context) (<-chan delivery.Batch, error)
	Stream   func(w http.ResponseWriter, r *http.Request, session string) // Session Manager's websocket
	Reach    func(context.Context, network.Caller, Question) (any, error)
	Lab      func(context.Context, network.Caller, Task) (any, error)
	Now      func() time.Time // nil is time.Now
	Log      *slog.Logger     // nil logs nothing
}

// Server answers everything below Prefix. Make it with New, and Run it.
type Server struct {
	Config
	visits *visits
	files  map[string]file
	mux    *http.ServeMux
}

// New makes a Server.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{Config: c, visits: newVisits(c.Now), files: embedded(), mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /console/", s.page)
	s.mux.HandleFunc("POST /console/login", s.fromPage(s.login))
	s.mux.HandleFunc("POST /console/logout", s.fromVisitor(s.logout))
	s.mux.HandleFunc("POST /console/session", s.fromVisitor(s.session))
	s.mux.HandleFunc("POST /console/api/{service}", s.fromVisitor(s.api))
	s.mux.HandleFunc("POST /console/events", s.fromVisitor(s.events))
	s.mux.HandleFunc("POST /console/reach", s.fromVisitor(s.reach))
	s.mux.HandleFunc("POST /console/lab", s.fromVisitor(s.lab))
	s.mux.HandleFunc("GET /console/stream/{session}", s.stream)
	s.mux.HandleFunc("/console/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &Problem{http.StatusMethodNotAllowed, "MethodNotAllowed", "The console answers to GET and POST, not to " + r.Method + "."})
	})
	return s
}

// Run ends visits whose time is up, and all of them when ctx ends.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.visits.sweep()
		case <-ctx.Done():
			s.visits.close()
			return nil
		}
	}
}

// Ticket is a token for POST /console/login, good once.
func (s *Server) Ticket() string { return s.visits.ticket() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			s.Log.Error("panic in the console", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			refuse(w, &Problem{http.StatusInternalServerError, "InternalError", "An internal error has occurred."})
		}
	}()
	guard(w.Header())
	if !s.Door.Mine(r) {
		refuse(w, blocked("The Host "+r.Host+" is not this server's."))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// session says who the visitor is and what there is.
func (s *Server) session(w http.ResponseWriter, _ *http.Request, _ *visit) {
	accounts := s.Accounts()
	answer(w, struct {
		Account  network.Account `json:"account"`
		Accounts []Account       `json:"accounts"`
		Region   string          `json:"region"`
		Regions  []string        `json:"regions"`
		Version  string          `json:"version"`
		Fabric   Fabric          `json:"fabric"`
	}{accounts[0].ID, accounts, s.Regions[0], s.Regions, s.Version, s.Fabric()})
}

// caller is who the visitor acts for in this call, and where.
func (s *Server) caller(r *http.Request) (network.Caller, error) {
	accounts := s.Accounts()
	out := network.Caller{Account: accounts[0].ID, Region: network.Region(s.Regions[0])}
	q := r.URL.Query()
	if q.Has("region") {
		out.Region = network.Region(q.Get("region"))
	}
	if q.Has("account") {
		out.Account = network.Account(q.Get("account"))
		if !slices.ContainsFunc(accounts, func(a Account) bool { return a.ID == out.Account }) {
			return out, &Problem{http.StatusBadRequest, "UnknownAccount", "There is no account " + string(out.Account) + " here."}
		}
	}
	return out, nil
}

// api carries a call to the service that the path names.
func (s *Server) api(w http.ResponseWriter, r *http.Request, _ *visit) {
	service := r.PathValue("service")
	if service != "ec2" && service != "ssm" {
		refuse(w, &Problem{http.StatusNotFound, "NotFound", "The console has no service " + service + "; ec2 and ssm are there."})
		return
	}
	caller, err := s.caller(r)
	if err != nil {
		refuse(w, err)
		return
	}
	s.Door.Carry(w, r, service, caller)
}

func (s *Server) reach(w http.ResponseWriter, r *http.Request, _ *visit) {
	var q Question
	s.ask(w, r, &q, func(c network.Caller) (any, error) { return s.Reach(r.Context(), c, q) })
}

func (s *Server) lab(w http.ResponseWriter, r *http.Request, _ *visit) {
	var t Task
	s.ask(w, r, &t, func(c network.Caller) (any, error) { return s.Lab(r.Context(), c, t) })
}

// ask reads a question as JSON and writes what answering it gives.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, question any, answering func(network.Caller) (any, error)) {
	caller, err := s.caller(r)
	if err == nil {
		err = decode(w, r, question)
	}
	var out any
	if err == nil {
		out, err = answering(caller)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, out)
}

// maxQuestion bounds the body of a call that is the console's own, in bytes.
const maxQuestion = 64 << 10

// decode reads a body; an empty one is the zero question.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		return &Problem{http.StatusBadRequest, "BadRequest", "The body is not the JSON that is expected here: " + err.Error()}
	}
	return nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the page may have gone; nothing to do about it
}
