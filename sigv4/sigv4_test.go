package sigv4

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

var (
	at  = time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)
	key = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret}
)

const form = "Action=DescribeVpcs&Version=2016-11-15"

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// signed is a request as a server receives it.
func signed(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", "anything; it is not signed")
	if err := v4.NewSigner().SignHTTP(context.Background(), key, r, hashOf(body), "ec2", "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	return received(r, body)
}

func presigned(t testing.TB, target, expires string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, target+"&X-Amz-Expires="+expires, nil)
	if err != nil {
		t.Fatal(err)
	}
	url, _, err := v4.NewSigner().PresignHTTP(context.Background(), key, r, hashOf(""), "ec2", "eu-west-1", at)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = http.NewRequest(http.MethodGet, url, nil); err != nil {
		t.Fatal(err)
	}
	return received(r, "")
}

// received turns a client's request into a server's.
func received(r *http.Request, body string) *http.Request {
	got := httptest.NewRequest(r.Method, r.URL.RequestURI(), strings.NewReader(body))
	got.Host = r.URL.Host
	got.Header = r.Header
	return got
}

func verify(r *http.Request, body, secret string, now time.Time) *Error {
	claim, bad := Read(r)
	if bad != nil {
		return bad
	}
	return claim.Verify(r, []byte(body), secret, now)
}

func TestWhatTheSDKSignedIsAccepted(t *testing.T) {
	for _, target := range []string{"http://127.0.0.1:4566/", "http://localhost:4566/?b=2&a=1%20x&a=0", "http://localhost/a%2Fb/c d"} {
		r := signed(t, http.MethodPost, strings.ReplaceAll(target, " ", "%20"), form)
		if bad := verify(r, form, secret, at.Add(MaxSkew)); bad != nil {
			t.Errorf("%s: %v", target, bad)
		}
	}
	claim, bad := Read(signed(t, http.MethodPost, "http://x/", form))
	if bad != nil || claim.AccessKeyID != "AKIDEXAMPLE" || claim.Region != "eu-west-1" || claim.Service != "ec2" || !claim.Time.Equal(at) {
		t.Errorf("%+v, %v", claim, bad)
	}
}

func TestAPresignedURLIsAcceptedUntilItExpires(t *testing.T) {
	target := "http://127.0.0.1:4566/?" + form
	if bad := verify(presigned(t, target, "3600"), "", secret, at.Add(time.Hour)); bad != nil {
		t.Error(bad)
	}
	if bad := verify(presigned(t, target, "3600"), "", secret, at.Add(time.Hour+time.Second)); bad == nil || bad.Reason != Expired {
		t.Errorf("after its time: %v", bad)
	}
	if bad := verify(presigned(t, target, "3600"), "", secret, at.Add(-MaxSkew-time.Second)); bad == nil || bad.Reason != Expired {
		t.Errorf("before its time: %v", bad)
	}
	for _, expires := range []string{"0", "604801", "x", ""} {
		if bad := verify(presigned(t, target, expires), "", secret, at); bad == nil || bad.Reason != Incomplete {
			t.Errorf("X-Amz-Expires=%s: %v", expires, bad)
		}
	}
}

func TestWhatWasChangedAfterSigningIsRefused(t *testing.T) {
	changes := map[string]func(*http.Request){
		"method":         func(r *http.Request) { r.Method = http.MethodPut },
		"path":           func(r *http.Request) { r.URL.Path = "/other" },
		"query":          func(r *http.Request) { r.URL.RawQuery = "Action=DeleteVpc" },
		"host":           func(r *http.Request) { r.Host = "evil.example" },
		"signed header":  func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"dropped header": func(r *http.Request) { r.Header.Del("Content-Type") },
		"date":           func(r *http.Request) { r.Header.Set("X-Amz-Date", at.Add(time.Second).Format(timeFormat)) },
		"region":         func(r *http.Request) { swap(r, "eu-west-1", "us-east-1") },
		"service":        func(r *http.Request) { swap(r, "/ec2/", "/sts/") },
		"unsigned body":  func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") },
		"signature":      func(r *http.Request) { swap(r, "Signature=", "Signature=0") },
	}
	for name, change := range changes {
		r := signed(t, http.MethodPost, "http://127.0.0.1:4566/", form)
		change(r)
		if bad := verify(r, form, secret, at); bad == nil || bad.Reason != Mismatch {
			t.Errorf("%s: %v", name, bad)
		}
	}
	r := signed(t, http.MethodPost, "http://127.0.0.1:4566/", form)
	if bad := verify(r, form+"&DryRun=true", secret, at); bad == nil || bad.Reason != Mismatch {
		t.Errorf("body: %v", bad)
	}
	if bad := verify(r, form, secret+"x", at); bad == nil || bad.Reason != Mismatch {
		t.Errorf("secret: %v", bad)
	}
	p := presigned(t, "http://127.0.0.1:4566/?"+form, "60")
	p.URL.RawQuery = strings.Replace(p.URL.RawQuery, "X-Amz-Expires=60", "X-Amz-Expires=6000", 1)
	if bad := verify(p, "", secret, at); bad == nil || bad.Reason != Mismatch {
		t.Errorf("expiry: %v", bad)
	}
}

func swap(r *http.Request, old, with string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
}

func TestHeadersThatAreNotSignedDoNotMatter(t *testing.T) {
	r := signed(t, http.MethodPost, "http://127.0.0.1:4566/", form)
	r.Header.Set("Accept-Encoding", "identity")
	r.Header.Set("X-Forwarded-For", "10.0.0.1")
	r.Header.Set("User-Agent", "changed by a proxy")
	if bad := verify(r, form, secret, at); bad != nil {
		t.Error(bad)
	}
}

func TestOfASignedHeaderEveryValueCounts(t *testing.T) {
	r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:4566/", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header["X-Amz-Meta"] = []string{"one", " two  words "}
	r.Header.Set("X-Amz-Content-Sha256", hashOf(form))
	if err := v4.NewSigner().SignHTTP(context.Background(), key, r, hashOf(form), "ec2", "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	got := received(r, form)
	if bad := verify(got, form, secret, at); bad != nil {
		t.Error(bad)
	}
	got.Header.Add("X-Amz-Meta", "three")
	if bad := verify(got, form, secret, at); bad == nil || bad.Reason != Mismatch {
		t.Errorf("a third value: %v", bad)
	}
}

func TestTooOldAndTooNewAreExpired(t *testing.T) {
	for _, now := range []time.Time{at.Add(MaxSkew + time.Second), at.Add(-MaxSkew - time.Second)} {
		r := signed(t, http.MethodPost, "http://127.0.0.1:4566/", form)
		if bad := verify(r, form, secret, now); bad == nil || bad.Reason != Expired {
			t.Errorf("at %v: %v", now, bad)
		}
	}
}

func TestWhatIsNotSignedIsNotRead(t *testing.T) {
	good := signed(t, http.MethodPost, "http://127.0.0.1:4566/", form).Header.Get("Authorization")
	for auth, want := range map[string]Reason{
		"":                                    Absent,
		"Basic dXNlcjpwYXNz":                  Incomplete,
		"AWS4-HMAC-SHA256":                    Incomplete,
		"AWS4-HMAC-SHA256 ":                   Incomplete,
		"AWS4-ECDSA-P256-SHA256 Credential=a": Incomplete,
		strings.Replace(good, "/aws4_request", "", 1):               Incomplete,
		strings.Replace(good, "20261122", "20261121", 1):            Incomplete,
		strings.Replace(good, "AKIDEXAMPLE", "", 1):                 Incomplete,
		strings.Replace(good, ";host;", ";", 1):                     Incomplete,
		strings.Replace(good, "SignedHeaders", "SignedHeader", 1):   Incomplete,
		good + ", Credential=x/20261122/us-east-1/ec2/aws4_request": Incomplete,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		r.Header.Set("X-Amz-Date", at.Format(timeFormat))
		if _, bad := Read(r); bad == nil || bad.Reason != want {
			t.Errorf("%q: %v, want reason %d", auth, bad, want)
		}
	}
	r := signed(t, http.MethodPost, "http://127.0.0.1:4566/", form)
	r.Header.Del("X-Amz-Date")
	if _, bad := Read(r); bad == nil || bad.Reason != Incomplete {
		t.Errorf("without a date: %v", bad)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=a/20261122/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20261122T210000Z", "X-Amz-Signature=1")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20261122%2Fr%2Fec2%2Faws4_request&X-Amz-Date=20261122T210000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	f.Fuzz(func(t *testing.T, auth, date, query string) {
		r := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(strings.NewReader(""), 0))
		r.URL.RawQuery = query
		r.Header["Authorization"] = []string{auth}
		r.Header["X-Amz-Date"] = []string{date}
		if auth == "" {
			delete(r.Header, "Authorization")
		}
		claim, bad := Read(r)
		if bad != nil {
			return
		}
		if bad := claim.Verify(r, nil, secret, at); bad == nil {
			t.Errorf("accepted %q %q %q", auth, date, query)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	r := signed(b, http.MethodPost, "http://127.0.0.1:4566/", form)
	b.ReportAllocs()
	for b.Loop() {
		if bad := verify(r, form, secret, at); bad != nil {
			b.Fatal(bad)
		}
	}
}
