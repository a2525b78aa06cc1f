package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tombolo/ec2/api"
	"tombolo/ec2/server"
	"tombolo/ec2/wire"
	"tombolo/gate"
	"tombolo/iam"
	"tombolo/network"
	"tombolo/store"
)

const host = "127.0.0.1:4566"

// port is the API behind its door, as a client meets it.
type port struct {
	gate.Gate
	api *Server
}

func newServer(w *world) *port {
	clock := func() time.Time { return now }
	s := NewServer(Config{Backend: w, Now: clock})
	accounts := iam.NewAccounts(store.Credentials{}, nil)
	return &port{
		Gate: gate.Gate{Services: map[string]gate.Service{"ec2": s, "sts": iam.NewSTS(accounts), "iam": iam.NewIAM(accounts)}, Keys: keys{}, Hosts: []string{host},
			Account: "123456789012", Region: "us-east-1", Now: clock},
		api: s,
	}
}

// openServer takes any key.
func openServer(w *world) *port {
	s := newServer(w)
	s.Keys = nil
	return s
}

func unsigned(form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://"+host+"/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

var marketing = aws.Credentials{AccessKeyID: "AKIDMARKETING", SecretAccessKey: "marketing-secret"}

func sign(t *testing.T, r *http.Request, who aws.Credentials, service string) *http.Request {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), who, r, hex.EncodeToString(sum[:]), service, "eu-west-1", now); err != nil {
		t.Fatal(err)
	}
	return r
}

func serve(s *port, r *http.Request) (status int, body string) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// ask calls an open server and returns the answer without its head and request id.
func ask(s *port, form string) (status int, body string) {
	r := unsigned(form)
	status, body = serve(s, r)
	return status, body
}

// code is the error code of an answer, or "".
func code(body string) string {
	_, rest, _ := strings.Cut(body, "<Code>")
	c, _, _ := strings.Cut(rest, "</Code>")
	return c
}

func message(body string) string {
	_, rest, _ := strings.Cut(body, "<Message>")
	m, _, _ := strings.Cut(rest, "</Message>")
	return strings.NewReplacer("&quot;", `"`, "&gt;", ">", "&lt;", "<", "&amp;", "&").Replace(m)
}

func TestABadSignatureWinsOverEveryOtherError(t *testing.T) {
	s := newServer(&world{})
	wrong := marketing
	wrong.SecretAccessKey = "x"
	stranger := marketing
	stranger.AccessKeyID = "AKIDNOBODY"
	for _, form := range []string{"", "Action=Nonsense", "Action=DeleteVpc", "a=1&a=1", "%zz"} {
		for name, c := range map[string]struct {
			request *http.Request
			status  int
			code    string
		}{
			"unsigned":     {unsigned(form), 403, "MissingAuthenticationToken"},
			"wrong secret": {sign(t, unsigned(form), wrong, "ec2"), 403, "SignatureDoesNotMatch"},
			"unknown key":  {sign(t, unsigned(form), stranger, "ec2"), 401, "AuthFailure"},
		} {
			if status, body := serve(s, c.request); status != c.status || code(body) != c.code {
				t.Errorf("%s, %q: %d %s", name, form, status, body)
			}
		}
	}
	late := newServer(&world{})
	late.Now = func() time.Time { return now.Add(16 * time.Minute) }
	if status, body := serve(late, sign(t, unsigned("Action=DescribeVpcs"), marketing, "ec2")); status != 400 || code(body) != "RequestExpired" {
		t.Errorf("late: %d %s", status, body)
	}
	half := unsigned("Action=DescribeVpcs")
	half.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a")
	if status, body := serve(s, half); status != 400 || code(body) != "IncompleteSignature" {
		t.Errorf("half: %d %s", status, body)
	}
}

func TestTheKeyNamesTheAccountAndTheScopeTheRegion(t *testing.T) {
	w := &world{}
	s := newServer(w)
	status, body := serve(s, sign(t, unsigned("Action=GetCallerIdentity&Version=2011-06-15"), marketing, "sts"))
	want := `<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId><Account>123456789012</Account></GetCallerIdentityResult>`
	if status != 200 || !strings.Contains(body, want) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := serve(s, sign(t, unsigned("Action=DescribeVpcs"), marketing, "ec2")); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if w.State().World(network.Caller{Account: "123456789012", Region: "eu-west-1"}) == nil {
		t.Error("the world of the key's account and the scope's Region was not opened")
	}
}

func TestOtherServicesAreToldSo(t *testing.T) {
	r := unsigned("")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if status, body := serve(newServer(&world{}), sign(t, r, marketing, "ssm")); status != 400 || !strings.Contains(message(body), "The service ssm is not served") {
		t.Errorf("%d %s", status, body)
	}
}

func TestWebPagesAreKeptOut(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"rebound name":  func(r *http.Request) { r.Host = "evil.example:4566" },
		"other port":    func(r *http.Request) { r.Host = "127.0.0.1:80" },
		"origin":        func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:4566") },
		"null origin":   func(r *http.Request) { r.Header.Set("Origin", "null") },
		"cross-site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-origin":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") },
		"cookie":        func(r *http.Request) { r.Header.Set("Cookie", "a=b") },
		"preflight":     func(r *http.Request) { r.Method = http.MethodOptions },
		"plain text":    func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"multipart":     func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") },
		"no type":       func(r *http.Request) { r.Header.Del("Content-Type") },
		"another path":  func(r *http.Request) { r.URL.Path = "/console/" },
		"path up":       func(r *http.Request) { r.URL.Path = "/../" },
		"strange verb":  func(r *http.Request) { r.Method = "DELETE" },
		"empty cookies": func(r *http.Request) { r.Header["Cookie"] = []string{""} },
	} {
		w := &world{}
		r := unsigned("Action=CreateVpc&CidrBlock=10.0.0.0/16")
		change(r)
		if status, body := serve(openServer(w), r); status < 400 || code(body) == "" {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if w.State().Generation != 0 {
			t.Errorf("%s: something happened", name)
		}
	}
}

func TestWithoutVerificationAKeyOfTwelveDigitsNamesTheAccount(t *testing.T) {
	w := &world{}
	s := openServer(w)
	r := sign(t, unsigned("Action=DescribeVpcs"), aws.Credentials{AccessKeyID: "000011112222", SecretAccessKey: "any"}, "ec2")
	if status, body := serve(s, r); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if w.State().World(network.Caller{Account: "000011112222", Region: "eu-west-1"}) == nil {
		t.Error("not the key's account and the scope's Region")
	}
	if status, _ := ask(s, "Action=DescribeVpcs"); status != 200 || w.State().World(network.Caller{Account: "123456789012", Region: "us-east-1"}) == nil {
		t.Error("an unsigned request is not the default account's")
	}
}

func TestAnUnknownRegionMakesNothing(t *testing.T) {
	w := &world{}
	s := openServer(w)
	s.Region = "mars-north-1"
	if status, body := ask(s, "Action=DescribeVpcs"); status != 400 || code(body) != "InvalidParameterValue" || w.State().Generation != 0 {
		t.Errorf("%d %s", status, body)
	}
}

func TestActionsAreKnownByName(t *testing.T) {
	s := openServer(&world{})
	for form, want := range map[string]string{
		"":                                       "MissingAction",
		"Action=":                                "MissingAction",
		"Action=CreateVpcs":                      "InvalidAction",
		"Action=createVpc":                       "InvalidAction",
		"Action=CreateTransitGateway":            "UnsupportedOperation",
		"Action=DescribeSnapshotAttribute":       "UnsupportedOperation",
		"Action=DescribeVpcs&Version=2010-01-01": "NoSuchVersion",
		"Action=DescribeTransitGateways&DryRun=true": "DryRunOperation",
	} {
		if _, body := ask(s, form); code(body) != want {
			t.Errorf("%s: %s", form, body)
		}
	}
	if _, body := ask(s, "Action=Foo"); message(body) != "The action Foo is not valid for this web service." {
		t.Error(body)
	}
}

func TestThereAreNoneOfWhatWeDoNotHave(t *testing.T) {
	status, body := ask(openServer(&world{}), "Action=DescribeTransitGateways&Version=2016-11-15&Filter.1.Name=state&Filter.1.Value.1=available")
	if status != 200 || !strings.Contains(body, "<transitGatewaySet></transitGatewaySet></DescribeTransitGatewaysResponse>") {
		t.Errorf("%d %s", status, body)
	}
	// That its shapes are generated does not make it served.
	status, body = ask(openServer(&world{}), "Action=DescribeNetworkInsightsPaths&Version=2016-11-15")
	if status != 200 || !strings.Contains(body, "<networkInsightsPathSet></networkInsightsPathSet>") {
		t.Errorf("%d %s", status, body)
	}
}

func TestAPanicIsAnInternalErrorOfOneCall(t *testing.T) {
	w := &world{}
	s := openServer(w)
	c := s.api.Config
	c.Operations = append(operations(), api.Op("DescribeVpcs", func(*api.Call, *wire.DescribeVpcsRequest) (*wire.DescribeVpcsResult, error) {
		panic("in a handler")
	}, api.Params{}))
	broken := server.New(c)
	s.Services = map[string]gate.Service{"ec2": broken}
	if status, body := ask(s, "Action=DescribeVpcs"); status != 500 || code(body) != "InternalError" {
		t.Errorf("%d %s", status, body)
	}
	w.fails = errors.New("the disk is full")
	if status, body := ask(s, "Action=CreateVpc&CidrBlock=10.0.0.0/16"); status != 500 || code(body) != "InternalError" || strings.Contains(body, "disk") {
		t.Errorf("%d %s", status, body)
	}
}

func TestACallThatTakesTooLongIsUnavailable(t *testing.T) {
	w := &world{fails: fmt.Errorf("wait for the turn: %w", context.DeadlineExceeded)}
	if status, body := ask(openServer(w), "Action=DescribeVpcs"); status != 503 || code(body) != "Unavailable" {
		t.Errorf("%d %s", status, body)
	}
}

func TestALargeBodyIsRefused(t *testing.T) {
	if status, body := ask(openServer(&world{}), "Action=DescribeVpcs&x="+strings.Repeat("a", 1<<20)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, body)
	}
}

func TestEveryAnswerCarriesItsRequestID(t *testing.T) {
	s := openServer(&world{})
	for _, form := range []string{"Action=DescribeVpcs", "Action=Nonsense"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, unsigned(form))
		var id []string
		for name, values := range w.Header() {
			if name == "x-amzn-RequestId" { // spelt as AWS spells it
				id = values
			}
		}
		if len(id) != 1 || len(id[0]) != 36 || strings.Count(w.Body.String(), id[0]) != 1 {
			t.Errorf("%s: header %q, body %s", form, id, w.Body)
		}
	}
}

func TestManyClientsAtOnceEachGetTheirOwnAnswer(t *testing.T) {
	s, _ := empty(t)
	var clients sync.WaitGroup
	for k := range 8 {
		clients.Go(func() {
			for i := range 20 {
				cidr := fmt.Sprintf("10.%d.%d.0/24", k, i)
				_, body := ask(s, "Action=CreateVpc&CidrBlock="+cidr)
				id := between(body, "<vpcId>", "</vpcId>")
				if _, body = ask(s, "Action=DescribeVpcs&VpcId.1="+id); strings.Count(body, "<vpcId>") != 1 || !strings.Contains(body, "<cidrBlock>"+cidr+"</cidrBlock>") {
					t.Errorf("%s %s: %s", id, cidr, body)
				}
			}
		})
	}
	clients.Wait()
}
