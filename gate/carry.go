package gate

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tombolo/network"
)

// Mine reports whether the Host that a request was sent to is this server.
func (g *Gate) Mine(r *http.Request) bool {
	return slices.Contains(g.Hosts, strings.ToLower(r.Host))
}

// Carry answers a request of somebody whom another door has let in: the services
// see it as if it were signed by caller. Of r they see the method, the body and the
// headers that say what it is; its path, its query and its cookies were the other
// door's.
func (g *Gate) Carry(w http.ResponseWriter, r *http.Request, service string, caller network.Caller) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	inner := (&http.Request{Method: r.Method, URL: &url.URL{Path: "/"}, Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: http.Header{}, Body: r.Body, ContentLength: r.ContentLength, Host: r.Host, RemoteAddr: r.RemoteAddr, TLS: r.TLS}).WithContext(ctx)
	for _, name := range []string{"Content-Type", "X-Amz-Target"} {
		if v, ok := r.Header[name]; ok {
			inner.Header[name] = v
		}
	}
	q := &Request{ID: requestID(), HTTP: inner, Service: service, Signed: true, Caller: caller, Who: Root(caller.Account)}
	s := g.Services[service]
	defer func() { g.survive(w, q, s, recover()) }()
	if why := read(w, q); why != nil {
		s.Refuse(w, q, why)
		return
	}
	s.Serve(w, q)
}
