// Package gate is the one door of every AWS API that this port serves: it keeps
// web pages out, reads the body, verifies who calls (sigv4), finds out which of
// AWS's services is meant, and hands over. A refusal at the door is worded here
// and shaped by the service that was meant, since each has clients that can read
// only its own form. Packages ec2 and ssm are services.
package gate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"tombolo/network"
	"tombolo/sigv4"
)

// Keys knows the secrets of access keys and whom they belong to.
type Keys interface {
	// Lookup finds an access key, with the session token that came with it, "" for
	// none. The error is ErrUnknownKey or ErrExpiredToken.
	Lookup(accessKeyID, token string, now time.Time) (who Identity, secret string, err error)
}

// What is wrong with an access key whose signature nobody has looked at yet.
var (
	ErrUnknownKey   = errors.New("there is no such access key, or its session token is not its own")
	ErrExpiredToken = errors.New("the session token has expired")
)

// Identity is who calls, as STS names it.
type Identity struct {
	Account network.Account
	ARN     string // arn:aws:iam::123456789012:root
	UserID  string
	Session bool // by temporary credentials
}

// Root is the account itself.
func Root(a network.Account) Identity {
	return Identity{Account: a, ARN: "arn:aws:iam::" + string(a) + ":root", UserID: string(a)}
}

// Service is one of AWS's services.
type Service interface {
	// Serve answers a request that has passed the door.
	Serve(w http.ResponseWriter, r *Request)
	// Refuse sends a refusal in the form that the service's clients read. The
	// request may lack whatever was not known when it was refused.
	Refuse(w http.ResponseWriter, r *Request, why *Refusal)
}

// Request is one request as far as it has been understood.
type Request struct {
	ID      string        // a random UUID, as AWS gives every request
	HTTP    *http.Request // with a deadline in its context
	Body    []byte
	Service string // of the signature's scope; without a signature it is guessed
	Signed  bool
	Caller  network.Caller
	Who     Identity // whose account is the Caller's
}

// Gate is an http.Handler for the path / of the port.
type Gate struct {
	// Services by the name that AWS gives them in a signature's scope. The one
	// named "ec2" is also meant when nothing else can be told.
	Services map[string]Service

	// Keys verifies signatures. Nil switches verification off: any key is taken,
	// and a request needs none. A key ID of twelve digits then names the account.
	Keys Keys

	// Known are keys that name their account although nothing is verified.
	Known Keys

	// Hosts are the Host headers that mean this server ("127.0.0.1:4566"). A name
	// that a web page made resolve to this machine is not among them.
	Hosts []string

	// Account and Region are those of unsigned requests.
	Account network.Account
	Region  network.Region

	Log *slog.Logger     // nil logs nothing
	Now func() time.Time // nil is time.Now
}

// Limits on one request.
const (
	maxBody     = 1 << 20 // a thousand rules with descriptions, or user data, with room to spare
	bodyTimeout = 30 * time.Second
	callTimeout = 60 * time.Second
)

// ServeHTTP answers one request.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	claim, bad := sigv4.Read(r)
	q := &Request{ID: requestID(), HTTP: r.WithContext(ctx), Service: claim.Service}
	if q.Service == "" {
		q.Service = guess(q)
	}
	service, known := g.service(q)
	defer func() { g.survive(w, q, service, recover()) }()
	why := g.Admit(r)
	if why == nil {
		why = read(w, q)
	}
	if claim.Service == "" && why == nil {
		q.Service = guess(q) // now by what is in it
		service, known = g.service(q)
	}
	if why == nil {
		why = g.identify(q, claim, bad)
	}
	if why == nil && !known {
		why = refuse(NotServed, http.StatusBadRequest, "UnsupportedOperation", "The service "+q.Service+" is not served here; "+g.names()+" are.")
	}
	if why != nil {
		service.Refuse(w, q, why)
		return
	}
	service.Serve(w, q)
}

// service is the one that was meant; EC2 words the refusal of what is not known.
func (g *Gate) service(q *Request) (s Service, known bool) {
	if s, known = g.Services[q.Service]; known {
		return s, true
	}
	return g.Services["ec2"], false
}

// survive makes a panic in a handler an internal error of this one call: the
// daemon keeps the other calls, and the network, up.
func (g *Gate) survive(w http.ResponseWriter, q *Request, s Service, p any) {
	if p != nil {
		if g.Log != nil {
			g.Log.Error("panic while answering", "service", q.Service, "request", q.ID, "panic", p, "stack", string(debug.Stack()))
		}
		s.Refuse(w, q, refuse(Internal, http.StatusInternalServerError, "InternalError", "An internal error has occurred"))
	}
}

// Admit keeps web pages out: a browser that was made to call this server shows
// it by its Host, its Origin, where it came from, or its cookies. No client of
// the APIs sends any of the last three.
func (g *Gate) Admit(r *http.Request) *Refusal {
	if why := g.Foreign(r); why != nil {
		return why
	}
	switch {
	case r.URL.Path != "/" && r.URL.Path != "":
		return refuse(NoSuchPath, http.StatusNotFound, "NotFound", "There is nothing at "+r.URL.Path+"; the API is at /.")
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		return refuse(BadMethod, http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The requested HTTP verb is not supported: "+r.Method)
	}
	return nil
}

// Foreign says why a request cannot be one of a client's on any path of the
// port, nil when it can.
func (g *Gate) Foreign(r *http.Request) *Refusal {
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case !g.Mine(r):
		return refuse(Blocked, http.StatusForbidden, "Blocked", "The Host "+r.Host+" is not this server's.")
	case len(r.Header.Values("Origin")) > 0, site != "" && site != "none":
		return refuse(Blocked, http.StatusForbidden, "Blocked", "Requests from web pages are refused.")
	case len(r.Header.Values("Cookie")) > 0:
		return refuse(Blocked, http.StatusForbidden, "Blocked", "Requests with cookies are refused.")
	}
	return nil
}

// read takes in the body.
func read(w http.ResponseWriter, q *Request) *Refusal {
	// The deadline ends with the body: one that passed while a handler works
	// would look like a client that went away. (Not every ResponseWriter has
	// deadlines; those of a real server do.)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, q.HTTP.Body, maxBody))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refuse(TooLarge, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is larger than 1 MiB.")
	case err != nil:
		return refuse(Unreadable, http.StatusBadRequest, "IncompleteBody", "The request body could not be read.")
	}
	q.Body = body
	return nil
}

// versions are those of the services that share a form, by which an unsigned
// request shows which one it means.
var versions = map[string]string{"Version=2011-06-15": "sts", "Version=2010-05-08": "iam"}

// guess tells the service of an unsigned request: those that speak JSON name
// themselves in a header.
func guess(q *Request) string {
	if strings.HasPrefix(q.HTTP.Header.Get("X-Amz-Target"), "AmazonSSM.") {
		return "ssm"
	}
	for _, form := range []string{q.HTTP.URL.RawQuery, string(q.Body)} {
		for part := range strings.SplitSeq(form, "&") {
			if service, ok := versions[part]; ok {
				return service
			}
		}
	}
	return "ec2"
}

func (g *Gate) names() string {
	names := []string{}
	for name := range g.Services {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// requestID is a random UUID.
func requestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], id[0:4])
	hex.Encode(out[9:13], id[4:6])
	hex.Encode(out[14:18], id[6:8])
	hex.Encode(out[19:23], id[8:10])
	hex.Encode(out[24:36], id[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
