package console

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"tombolo/gate"
)

func TestATicketIsGoodOnceAndForMinutes(t *testing.T) {
	s := newSite(t)
	ticket := s.console.Ticket()
	login := func(token string) (int, string) {
		res, body := s.do(s.post("/console/login", `{"token":"`+token+`"}`))
		if res.StatusCode == http.StatusNoContent {
			return res.StatusCode, ""
		}
		if len(res.Cookies()) > 0 {
			t.Errorf("a refused login sets %v", res.Cookies())
		}
		return res.StatusCode, problem(t, body)
	}
	if status, _ := login(ticket); status != http.StatusNoContent {
		t.Fatalf("the first login: %d", status)
	}
	for name, token := range map[string]string{"used": ticket, "empty": "", "wrong": strings.Repeat("A", 43)} {
		if status, code := login(token); status != http.StatusUnauthorized || code != "BadToken" {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	late := s.console.Ticket()
	s.later(ticketTime)
	if status, code := login(late); status != http.StatusUnauthorized || code != "BadToken" {
		t.Errorf("too late: %d %s", status, code)
	}
	first := s.console.Ticket()
	for range maxTickets {
		s.later(time.Millisecond)
		s.console.Ticket()
	}
	if status, _ := login(first); status != http.StatusUnauthorized {
		t.Errorf("the oldest of too many: %d", status)
	}
	if res, body := s.do(s.post("/console/login", "no json")); res.StatusCode != http.StatusBadRequest || problem(t, body) != "BadRequest" {
		t.Errorf("no JSON: %d %s", res.StatusCode, body)
	}
}

func TestTheCookieIsTheBrowsersAlone(t *testing.T) {
	s := newSite(t)
	c := s.visit()
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != Prefix || c.Name != "tombolo_"+s.console.Port || c.Secure || c.Domain != "" || len(c.Value) != 43 {
		t.Errorf("%+v", c)
	}
	other := s.visit()
	if other.Value == c.Value {
		t.Error("two visits have one secret")
	}
	// Under TLS it never travels in the clear.
	safe := httptest.NewTLSServer(s.console)
	defer safe.Close()
	s.console.Door.(*gate.Gate).Hosts = []string{safe.Listener.Addr().String()}
	r, _ := http.NewRequest(http.MethodPost, safe.URL+"/console/login", strings.NewReader(`{"token":"`+s.console.Ticket()+`"}`))
	r.Header.Set("Origin", safe.URL)
	r.Header.Set(header, "1")
	res, err := safe.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Cookies(); len(got) != 1 || !got[0].Secure {
		t.Errorf("under TLS: %d %+v", res.StatusCode, got)
	}
}

// calls are all calls that need a visit.
var calls = []string{"/console/session", "/console/logout", "/console/api/ec2?region=us-east-1", "/console/api/ssm", "/console/events", "/console/reach", "/console/lab"}

func TestNoCallIsAnsweredWithoutAVisit(t *testing.T) {
	s := newSite(t)
	wrong := &http.Cookie{Name: s.console.cookieName(), Value: strings.Repeat("A", 43)}
	elsewhere := s.visit()
	elsewhere.Name = "tombolo_1"
	for _, path := range calls {
		for name, cookies := range map[string][]*http.Cookie{"none": nil, "a wrong one": {wrong}, "another port's": {elsewhere}} {
			if res, body := s.do(s.post(path, "{}", cookies...)); res.StatusCode != http.StatusUnauthorized || problem(t, body) != "NoSession" {
				t.Errorf("%s with cookie %s: %d %s", path, name, res.StatusCode, body)
			}
		}
	}
}

func TestOnlyTheConsolesOwnPageMayCall(t *testing.T) {
	s := newSite(t)
	c := s.visit()
	for name, change := range map[string]func(*http.Request){
		"no Origin":             func(r *http.Request) { r.Header.Del("Origin") },
		"another Origin":        func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
		"another port's Origin": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"another scheme":        func(r *http.Request) { r.Header.Set("Origin", "https://"+r.URL.Host) },
		"a null Origin":         func(r *http.Request) { r.Header.Set("Origin", "null") },
		"a longer Origin":       func(r *http.Request) { r.Header.Set("Origin", s.http.URL+".evil.example") },
		"two Origins":           func(r *http.Request) { r.Header.Add("Origin", s.http.URL) },
		"a site beside it":      func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another site":          func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a person's address":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") },
		"no header":             func(r *http.Request) { r.Header.Del(header) },
		"another header":        func(r *http.Request) { r.Header.Set(header, "true") },
		"another Host":          func(r *http.Request) { r.Host = "evil.example" },
		"a rebound Host": func(r *http.Request) {
			r.Host = "evil.example" + r.URL.Host[strings.Index(r.URL.Host, ":"):]
			r.Header.Set("Origin", "http://"+r.Host)
		},
	} {
		for _, path := range append([]string{"/console/login"}, calls...) {
			r := s.post(path, `{"token":"`+s.console.Ticket()+`"}`, c)
			change(r)
			if res, body := s.do(r); res.StatusCode != http.StatusForbidden || problem(t, body) != "Blocked" {
				t.Errorf("%s, %s: %d %s", name, path, res.StatusCode, body)
			}
		}
	}
	if status := s.status(s.post("/console/session", "", c)); status != http.StatusOK {
		t.Errorf("the page itself, afterwards: %d", status)
	}
	old := s.post("/console/session", "", c)
	old.Header.Del("Sec-Fetch-Site") // browsers before 2023 do not say
	if status := s.status(old); status != http.StatusOK {
		t.Errorf("an old browser: %d", status)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodHead} {
		r := s.post("/console/api/ec2", "", c)
		r.Method = method
		if res, _ := s.do(r); res.StatusCode == http.StatusOK && res.Header.Get("Content-Type") != kinds[".html"] {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
}

func TestVisitsEnd(t *testing.T) {
	s := newSite(t)
	ok := func(c *http.Cookie) bool { return s.status(s.post("/console/session", "", c)) == http.StatusOK }
	idle := s.visit()
	s.later(idleTime - time.Second)
	if !ok(idle) {
		t.Error("it ends too soon")
	}
	s.later(idleTime)
	if ok(idle) {
		t.Error("it is idle and goes on")
	}
	busy := s.visit()
	for range int(visitTime/idleTime)*2 - 1 {
		s.later(idleTime / 2)
		if !ok(busy) {
			t.Fatal("it was not idle")
		}
	}
	s.later(idleTime / 2)
	if ok(busy) {
		t.Error("it goes on for ever")
	}
	left, stays := s.visit(), s.visit()
	res, _ := s.do(s.post("/console/logout", "", left))
	if gone := res.Cookies(); res.StatusCode != http.StatusNoContent || len(gone) != 1 || gone[0].MaxAge >= 0 || gone[0].Path != Prefix {
		t.Errorf("logout: %d %+v", res.StatusCode, gone)
	}
	if ok(left) || !ok(stays) {
		t.Error("logging out must end that visit and no other")
	}
	for range maxVisits {
		s.later(time.Millisecond)
		s.visit()
	}
	if ok(stays) {
		t.Error("the oldest of too many goes on")
	}
	s.console.visits.close()
	if status := s.status(s.post("/console/login", `{"token":"`+s.console.Ticket()+`"}`)); status != http.StatusUnauthorized {
		t.Errorf("after the end: %d", status)
	}
}

func TestThePageLoadsWhatIsThisServersAndNothingElse(t *testing.T) {
	s := newSite(t)
	s.console.files["app-1.js"] = file{s.console.files[index].compressed, kinds[".js"]}
	get := func(path string) (*http.Response, string) {
		r, _ := http.NewRequest(http.MethodGet, s.http.URL+path, nil)
		return s.do(r)
	}
	_, page := get("/console/")
	if !strings.Contains(page, "<!doctype html>") || strings.Contains(page, "<script>") {
		t.Errorf("not a page without inline scripts: %q", page)
	}
	for path, want := range map[string][2]string{
		"/console/":                    {kinds[".html"], "no-cache"},
		"/console/vpcs/vpc-0123":       {kinds[".html"], "no-cache"},
		"/console/assets/app-1.js":     {kinds[".js"], "public, max-age=31536000, immutable"},
		"/console/assets/index.html":   {"application/json", "no-store"},
		"/console/assets/none.js":      {"application/json", "no-store"},
		"/console/favicon.ico":         {"application/json", "no-store"},
		"/console/assets/../../go.mod": {"", ""},
	} {
		res, _ := get(path)
		if want[0] == "" {
			if res.StatusCode == http.StatusOK && res.Header.Get("Content-Type") != kinds[".html"] {
				t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
			}
			continue
		}
		if (res.StatusCode == http.StatusOK) != (want[0] != "application/json") || res.Header.Get("Content-Type") != want[0] || res.Header.Get("Cache-Control") != want[1] {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
		policy := res.Header.Get("Content-Security-Policy")
		for _, must := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, must) {
				t.Errorf("%s: %s is not in %q", path, must, policy)
			}
		}
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY", "Access-Control-Allow-Origin": ""} {
			if res.Header.Get(name) != value {
				t.Errorf("%s: %s is %q", path, name, res.Header.Get(name))
			}
		}
	}
	elsewhere, _ := http.NewRequest(http.MethodGet, s.http.URL+"/console/", nil)
	elsewhere.Host = "evil.example"
	if status := s.status(elsewhere); status != http.StatusForbidden {
		t.Errorf("another Host: %d", status)
	}
}

func TestAssetsGoCompressedToWhoeverCanReadThem(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		accepts string
		gzip    bool
	}{{"gzip, deflate, br", true}, {"br;q=1, gzip;q=0.5", true}, {"identity", false}, {"gzip;q=0", false}, {"br, gzip; q=0.0", false}} {
		r, _ := http.NewRequest(http.MethodGet, s.http.URL+"/console/", nil)
		r.Header.Set("Accept-Encoding", c.accepts)
		res, body := s.do(r)
		if (res.Header.Get("Content-Encoding") == "gzip") != c.gzip || strings.HasPrefix(body, "\x1f\x8b") != c.gzip {
			t.Errorf("%q: %v", c.accepts, res.Header)
		}
		if n, _ := strconv.Atoi(res.Header.Get("Content-Length")); n != len(body) {
			t.Errorf("%q: %d bytes of %d", c.accepts, len(body), n)
		}
	}
}
