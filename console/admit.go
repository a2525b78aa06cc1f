package console

import (
	"errors"
	"net/http"
	"slices"
)

// guard sets what every answer tells the browser. The policy lets the page load what
// is this server's and nothing else; nothing may frame it, read it from another
// origin, or be told where it came from.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "+
		"font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// header is the one that every call carries: a page of another origin cannot send it
// without asking first, and nobody here says yes.
const header = "X-Tombolo-Console"

// ours says why a request cannot be the console's own page's, nil when it can. A
// browser says the Origin with every POST and every websocket.
func ours(r *http.Request) error {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	if origin := r.Header.Values("Origin"); len(origin) != 1 || origin[0] != scheme+r.Host {
		return blocked("The request does not come from the console's own page.")
	}
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 && !slices.Equal(site, []string{"same-origin"}) {
		return blocked("The request does not come from the console's own page.")
	}
	return nil
}

// fromPage admits calls of the console's page.
func (s *Server) fromPage(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := ours(r)
		if err == nil && r.Header.Get(header) != "1" {
			err = blocked("The header " + header + ": 1 is missing.")
		}
		if err != nil {
			refuse(w, err)
			return
		}
		next(w, r)
	}
}

// fromVisitor admits calls of the console's page by somebody who has logged in.
func (s *Server) fromVisitor(next func(http.ResponseWriter, *http.Request, *visit)) http.HandlerFunc {
	return s.fromPage(func(w http.ResponseWriter, r *http.Request) {
		v := s.visitor(r)
		if v == nil {
			refuse(w, noVisit())
			return
		}
		next(w, r, v)
	})
}

// visitor is whose cookie came with a request, nil when there is none that is good.
func (s *Server) visitor(r *http.Request) *visit {
	for _, c := range r.CookiesNamed(s.cookieName()) {
		if v := s.visits.find(c.Value); v != nil {
			return v
		}
	}
	return nil
}

func noVisit() *Problem {
	return &Problem{http.StatusUnauthorized, "NoSession", "The console's session has ended or there was none. Get a new address with: tombolo console"}
}

func blocked(why string) *Problem { return &Problem{http.StatusForbidden, "Blocked", why} }

// refuse answers with an error, in the form {"code", "message"}.
func refuse(w http.ResponseWriter, err error) {
	p := &Problem{}
	if !errors.As(err, &p) {
		p = &Problem{http.StatusInternalServerError, "InternalError", err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.Status)
	answer(w, p)
}
