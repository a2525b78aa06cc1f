package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const host = "127.0.0.1:4566"

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// echo is a service that says what reached it, and by which name it was called.
type echo string

func (e echo) Serve(w http.ResponseWriter, r *Request) {
	if string(r.Body) == "panic" {
		panic("in a service")
	}
	fmt.Fprintf(w, "%s %s %s/%s %q", e, r.Service, r.Caller.Account, r.Caller.Region, r.Body)
}

func (e echo) Refuse(w http.ResponseWriter, _ *Request, why *Refusal) {
	w.WriteHeader(why.Status)
	fmt.Fprintf(w, "%s refuses %d %s", e, why.Reason, why.Code)
}

type keys map[string]string

// Lookup knows keys without a session token, and a token that has expired.
func (k keys) Lookup(id, token string, _ time.Time) (Identity, string, error) {
	secret, ok := k[id]
	switch {
	case !ok || token != "" && token != "stale":
		return Identity{}, "", ErrUnknownKey
	case token != "":
		return Identity{}, secret, ErrExpiredToken
	}
	return Root("210987654321"), secret, nil
}

func newGate() *Gate {
	return &Gate{Services: map[string]Service{"ec2": echo("E"), "ssm": echo("S")}, Keys: keys{"AKID": "secret"}, Hosts: []string{host},
		Account: "123456789012", Region: "us-east-1", Now: func() time.Time { return now }}
}

func post(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, "http://"+host+"/", strings.NewReader(body))
}

// signed is a request signed for a service in eu-west-1.
func signed(t *testing.T, body, service, key, secret string) *http.Request {
	t.Helper()
	return signedBy(t, body, service, aws.Credentials{AccessKeyID: key, SecretAccessKey: secret})
}

// signedWith is signed by AKID with a session token.
func signedWith(t *testing.T, body, service, token, secret string) *http.Request {
	t.Helper()
	return signedBy(t, body, service, aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret, SessionToken: token})
}

func signedBy(t *testing.T, body, service string, who aws.Credentials) *http.Request {
	t.Helper()
	r := post(body)
	sum := sha256.Sum256([]byte(body))
	err := v4.NewSigner().SignHTTP(context.Background(), who, r, hex.EncodeToString(sum[:]), service, "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (g *Gate) ask(r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestTheScopeNamesTheServiceAndTheKeyTheAccount(t *testing.T) {
	g := newGate()
	for service, want := range map[string]string{
		"ec2": `E ec2 210987654321/eu-west-1 "x"`,
		"ssm": `S ssm 210987654321/eu-west-1 "x"`,
	} {
		if status, got := g.ask(signed(t, "x", service, "AKID", "secret")); status != 200 || got != want {
			t.Errorf("%s: %d %s", service, status, got)
		}
	}
}

func TestEveryRefusalHasTheShapeOfTheServiceThatWasMeant(t *testing.T) {
	with := func(r *http.Request, name, value string) *http.Request {
		r.Header.Set(name, value)
		return r
	}
	elsewhere := post("x")
	elsewhere.Host = "evil.example"
	path := post("x")
	path.URL.Path = "/other"
	verb := post("x")
	verb.Method = http.MethodDelete
	cut := post("")
	cut.Body = io.NopCloser(io.MultiReader(strings.NewReader("ab"), broken{}))
	changed := signed(t, "x", "ssm", "AKID", "secret")
	changed.Body = io.NopCloser(strings.NewReader("y"))
	late := signed(t, "x", "ssm", "AKID", "secret")
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		want    string
	}{
		"another host":    {elsewhere, 403, "E refuses 1 Blocked"},
		"a page's origin": {with(post("x"), "Origin", "null"), 403, "E refuses 1 Blocked"},
		"a page's fetch":  {with(post("x"), "Sec-Fetch-Site", "same-origin"), 403, "E refuses 1 Blocked"},
		"cookies":         {with(post("x"), "Cookie", "a=b"), 403, "E refuses 1 Blocked"},
		"another path":    {path, 404, "E refuses 2 NotFound"},
		"another verb":    {verb, 405, "E refuses 3 UnsupportedHttpVerb"},
		"a large body":    {post(strings.Repeat("x", maxBody+1)), 413, "E refuses 4 RequestEntityTooLarge"},
		"a broken body":   {cut, 400, "E refuses 5 IncompleteBody"},
		"no signature":    {with(post("x"), "X-Amz-Target", "AmazonSSM.StartSession"), 403, "S refuses 6 MissingAuthenticationToken"},
		"half of one":     {with(post("x"), "Authorization", "AWS4-HMAC-SHA256 Credential=a"), 400, "E refuses 7 IncompleteSignature"},
		"another body":    {changed, 403, "S refuses 9 SignatureDoesNotMatch"},
		"an unknown key":  {signed(t, "x", "ssm", "AKIDNOBODY", "secret"), 401, "S refuses 10 AuthFailure"},
		"another's token": {signedWith(t, "x", "ssm", "forged", "secret"), 401, "S refuses 10 AuthFailure"},
		"a stale token":   {signedWith(t, "x", "ssm", "stale", "secret"), 400, "S refuses 11 RequestExpired"},
		"neither":         {signedWith(t, "x", "ssm", "stale", "wrong"), 403, "S refuses 9 SignatureDoesNotMatch"},
		"another service": {signed(t, "x", "s3", "AKID", "secret"), 400, "E refuses 12 UnsupportedOperation"},
	} {
		if status, got := newGate().ask(c.request); status != c.status || got != c.want {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
	g := newGate()
	g.Now = func() time.Time { return now.Add(time.Hour) }
	if status, got := g.ask(late); status != 400 || got != "S refuses 8 RequestExpired" {
		t.Errorf("late: %d %s", status, got)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the line broke") }

func TestAPanicIsAnInternalErrorOfOneCall(t *testing.T) {
	g := newGate()
	if status, got := g.ask(signed(t, "panic", "ssm", "AKID", "secret")); status != 500 || got != "S refuses 13 InternalError" {
		t.Errorf("%d %s", status, got)
	}
	if status, _ := g.ask(signed(t, "x", "ssm", "AKID", "secret")); status != 200 {
		t.Errorf("the next call: %d", status)
	}
}

func TestWithoutVerificationAKeyOfTwelveDigitsNamesTheAccount(t *testing.T) {
	g := newGate()
	g.Keys = nil
	for key, account := range map[string]string{"111122223333": "111122223333", "AKID": "123456789012", "11112222333": "123456789012"} {
		_, got := g.ask(signed(t, "x", "ssm", key, "any"))
		if want := "S ssm " + account + `/eu-west-1 "x"`; got != want {
			t.Errorf("key %s: %s", key, got)
		}
	}
	if _, got := g.ask(post("x")); got != `E ec2 123456789012/us-east-1 "x"` {
		t.Error(got)
	}
	g.Known = keys{"AKID": "secret"} // whose account is known without that anything is verified
	if _, got := g.ask(signed(t, "x", "ssm", "AKID", "wrong")); got != `S ssm 210987654321/eu-west-1 "x"` {
		t.Error(got)
	}
}

func TestAnUnsignedRequestShowsItsServiceByItsVersion(t *testing.T) {
	g := newGate()
	g.Keys, g.Services["sts"] = nil, echo("T")
	if _, got := g.ask(post("Action=GetCallerIdentity&Version=2011-06-15")); !strings.HasPrefix(got, "T sts ") {
		t.Error(got)
	}
	r := post("")
	r.URL.RawQuery = "Version=2011-06-15"
	if _, got := g.ask(r); !strings.HasPrefix(got, "T sts ") {
		t.Error(got)
	}
}

func TestRequestIDsAreDifferentUUIDs(t *testing.T) {
	a, b := requestID(), requestID()
	if a == b || len(a) != 36 || a[14] != '4' || !bytes.ContainsRune([]byte("89ab"), rune(a[19])) {
		t.Errorf("%s, %s", a, b)
	}
}
