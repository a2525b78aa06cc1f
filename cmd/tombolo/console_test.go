package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tombolo/lab"
)

// browser is what a browser with the console's page does.
type browser struct {
	t      *testing.T
	base   string
	cookie *http.Cookie
}

// openBrowser goes to the address that the command line prints.
func openBrowser(i *installation) *browser {
	i.t.Helper()
	out, code := i.tombolo("console")
	if code != 0 {
		i.t.Fatalf("tombolo console: exit %d: %q", code, out)
	}
	return browserAt(i.t, out)
}

// browserAt goes to an address of the console and logs in.
func browserAt(t *testing.T, address string) *browser {
	t.Helper()
	at, err := url.Parse(strings.TrimSpace(address))
	if err != nil || at.Path != "/console/" || !strings.HasPrefix(at.Fragment, "token=") {
		t.Fatalf("no address of the console: %q", address)
	}
	b := &browser{t: t, base: at.Scheme + "://" + at.Host}
	res, body := b.post("/console/login", `{"token":"`+strings.TrimPrefix(at.Fragment, "token=")+`"}`)
	if res.StatusCode != http.StatusNoContent || len(res.Cookies()) != 1 {
		t.Fatalf("login: %d %s", res.StatusCode, body)
	}
	b.cookie = res.Cookies()[0]
	return b
}

// What `make demo` leaves can be looked at with what it prints, and ended with it.
func TestAKeptLabCanBeLookedAt(t *testing.T) {
	u := everyone()[0]
	dir := u.home(t)
	text, err := u.command(dir, built, "lab", "--keep").CombinedOutput()
	state := regexp.MustCompile(`tombolo down --state (\S+)`).FindSubmatch(text)
	if state == nil {
		t.Fatalf("%v: it does not say how to end it:\n%s", err, text)
	}
	t.Cleanup(func() {
		if out, err := u.command(dir, built, "down", "--state", string(state[1])).CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
		if left := processesNaming(string(state[1])); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	b := browserAt(t, lines[len(lines)-1])
	if vpcs := b.ec2("Action=DescribeVpcs"); err != nil || !strings.Contains(vpcs, "<value>Marketing</value>") {
		t.Errorf("%v: the lab's network is not there: %s", err, vpcs)
	}
}

func (b *browser) request(path, body string, headers ...string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Origin", b.base)
	r.Header.Set("X-Tombolo-Console", "1")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	return r
}

func (b *browser) post(path, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	return b.do(b.request(path, body, headers...))
}

func (b *browser) do(r *http.Request) (*http.Response, string) {
	b.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(body)
}

// ask asks what is the console's own and reads the answer.
func (b *browser) ask(path string, question, answer any) {
	b.t.Helper()
	doc, err := json.Marshal(question)
	if err != nil {
		b.t.Fatal(err)
	}
	res, body := b.post(path, string(doc))
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %d %s", path, doc, res.StatusCode, body)
	}
	if err := json.Unmarshal([]byte(body), answer); err != nil {
		b.t.Fatal(err, body)
	}
}

const formType, jsonType = "application/x-www-form-urlencoded", "application/x-amz-json-1.1"

// ec2 does a call through the bridge that must succeed.
func (b *browser) ec2(form string) string {
	b.t.Helper()
	res, body := b.post("/console/api/ec2?region=us-east-1", form+"&Version=2016-11-15", "Content-Type", formType)
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %d %s", form, res.StatusCode, body)
	}
	return body
}

// ids are what differs between two answers to the same question.
var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// What the bridge answers is what a signed request is answered, byte for byte.
func TestTheBridgeAnswersAsTheAPI(t *testing.T) {
	i := bare(t)
	i.call("DescribeVpcs")
	b := openBrowser(i)
	key, err := i.site.key()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ service, target, body string }{
		{"ec2", "", "Action=DescribeVpcs&Version=2016-11-15"},
		{"ec2", "", "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-0123456789abcdef0"},
		{"ec2", "", "Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-0123456789abcdef0"},
		{"ec2", "", "Action=CreateVpc&Version=2016-11-15&CidrBlock=nonsense"},
		{"ec2", "", "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16&DryRun=true"},
		{"ec2", "", "Action=NoSuchAction&Version=2016-11-15"},
		{"ec2", "", "Action=DescribeVpcs&Version=2000-01-01"},
		{"ec2", "", "Action=GetCallerIdentity&Version=2011-06-15"},
		{"ec2", "", "Action=Desc%zz"},
		{"ec2", "", ""},
		{"ssm", "AmazonSSM.DescribeInstanceInformation", "{}"},
		{"ssm", "AmazonSSM.StartSession", `{"Target":"i-0123456789abcdef0"}`},
		{"ssm", "AmazonSSM.StartSession", `{"Target":7}`},
		{"ssm", "AmazonSSM.NoSuchOperation", "{}"},
		{"ssm", "AmazonSSM.DescribeSessions", "no json"},
		{"ssm", "", "{}"},
	} {
		kind := map[string]string{"ec2": formType, "ssm": jsonType}[c.service]
		for _, region := range []string{"us-east-1", "eu-west-1", "xx-nowhere-1"} {
			signed, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			signed.Header.Set("Content-Type", kind)
			inside := b.request("/console/api/"+c.service+"?region="+region, c.body, "Content-Type", kind)
			if c.target != "" {
				signed.Header.Set("X-Amz-Target", c.target)
				inside.Header.Set("X-Amz-Target", c.target)
			}
			sum := sha256.Sum256([]byte(c.body))
			if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: string(key.Secret)}, signed, hex.EncodeToString(sum[:]), c.service, region, time.Now()); err != nil {
				t.Fatal(err)
			}
			want, wantBody := b.do(signed)
			got, gotBody := b.do(inside)
			if got.StatusCode != want.StatusCode || ids.ReplaceAllString(gotBody, "ID") != ids.ReplaceAllString(wantBody, "ID") || got.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
				t.Errorf("%s %s %s in %s:\n got %d %s\nwant %d %s", c.service, c.target, c.body, region, got.StatusCode, gotBody, want.StatusCode, wantBody)
			}
		}
	}
}

// The console's cookie opens nothing but the console.
func TestNoPageDrivesTheAPI(t *testing.T) {
	i := bare(t)
	b := openBrowser(i)
	const form = "Action=DescribeVpcs&Version=2016-11-15"
	for name, r := range map[string]*http.Request{
		"the console's page":            b.request("/", form, "Content-Type", formType),
		"its cookie alone":              b.request("/", form, "Content-Type", formType, "Origin", ""),
		"the stream":                    b.request("/v1/data-channel/x-0123456789abcdef0", ""),
		"the stream, its cookie":        b.request("/v1/data-channel/x-0123456789abcdef0", "", "Origin", ""),
		"a page of another origin":      b.request("/console/api/ec2", form, "Origin", "http://evil.example"),
		"another name of this address":  b.request("/console/api/ec2", form, "Origin", strings.Replace(b.base, "127.0.0.1", "localhost", 1)),
		"a name that resolves to here":  hostOf(b.request("/console/api/ec2", form), "evil.example"),
		"the same for the page's files": hostOf(b.request("/console/", ""), "evil.example"),
	} {
		if r.Header.Get("Origin") == "" {
			r.Header.Del("Origin")
		}
		if res, body := b.do(r); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	if out, code := i.tombolo("console", "-o", "json"); code != 0 || !strings.Contains(out, `"url": "http://127.0.0.1:`) {
		t.Errorf("console -o json: %d %s", code, out)
	}
	if out, code := i.tombolo("console", "-o", "nonsense"); code != exitUsage {
		t.Errorf("console -o nonsense: %d %s", code, out)
	}
	res, body := b.post("/console/lab", `{"action":"setup"}`)
	if res.StatusCode != http.StatusConflict || !strings.Contains(body, "NoPackets") {
		t.Errorf("the lab without packets: %d %s", res.StatusCode, body)
	}
}

func hostOf(r *http.Request, name string) *http.Request {
	r.Host = name
	return r
}

// walk is somebody who plays the guided lab with the console.
type walk struct {
	*browser
	tour   lab.Tour
	vpc    map[string]lab.Spot
	market string // peering
	dev    string
}

func (w *walk) check(step int) lab.Finding {
	w.t.Helper()
	var f lab.Finding
	w.ask("/console/lab?region=us-east-1", map[string]any{"action": "check", "step": step}, &f)
	if f.Step != step || len(f.Checks) == 0 || f.Agree != (f.Why == "") {
		w.t.Errorf("step %d: %+v", step, f)
	}
	return f
}

// must checks a step before and after it is done.
func (w *walk) must(step int, before, after bool, why string, do func()) {
	w.t.Helper()
	if f := w.check(step); f.Agree != before || !strings.Contains(f.Why, why) {
		w.t.Errorf("before step %d: %+v, want %v because %q", step, f, before, why)
	}
	do()
	if f := w.check(step); f.Agree != after {
		w.t.Errorf("after step %d: %+v, want %v", step, f, after)
	}
}

func (w *walk) peer(name string) string {
	w.t.Helper()
	answer := w.ec2("Action=CreateVpcPeeringConnection&VpcId=" + w.vpc[name].VPC + "&PeerVpcId=" + w.vpc["Finance"].VPC)
	id := regexp.MustCompile(`pcx-[0-9a-f]{17}`).FindString(answer)
	w.ec2("Action=AcceptVpcPeeringConnection&VpcPeeringConnectionId=" + id)
	return id
}

func (w *walk) route(from, to, by string) {
	w.t.Helper()
	w.ec2("Action=CreateRoute&RouteTableId=" + w.vpc[from].Table + "&DestinationCidrBlock=" + w.vpc[to].CIDR + "&VpcPeeringConnectionId=" + by)
}

func (w *walk) allow(from string) {
	w.t.Helper()
	for _, rule := range []string{"tcp&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=80", "icmp&IpPermissions.1.FromPort=8&IpPermissions.1.ToPort=-1"} {
		w.ec2("Action=AuthorizeSecurityGroupIngress&GroupId=" + w.vpc["Finance"].Group + "&IpPermissions.1.IpProtocol=" + rule + "&IpPermissions.1.IpRanges.1.CidrIp=" + w.vpc[from].CIDR)
	}
}

// The guided lab agrees when a step was made and not before, and says why.
func TestTheGuidedLab(t *testing.T) {
	i := install(t, everyone()[0])
	own := i.call("CreateVpc", "CidrBlock", "10.0.0.0/16").Text("vpc.vpcId") // somebody's own, of the same range
	w := &walk{browser: openBrowser(i), vpc: map[string]lab.Spot{}}
	w.ask("/console/lab", map[string]any{"action": "state"}, &w.tour)
	if w.tour.Built || len(w.tour.Steps) != 10 {
		t.Fatalf("before: %+v", w.tour)
	}
	if res, body := w.post("/console/lab", `{"action":"check","step":1}`); res.StatusCode != http.StatusConflict || !strings.Contains(body, "NotBuilt") {
		t.Errorf("a check of nothing: %d %s", res.StatusCode, body)
	}
	w.ask("/console/lab", map[string]any{"action": "setup"}, &w.tour)
	if !w.tour.Built || len(w.tour.VPCs) != 3 {
		t.Fatalf("after: %+v", w.tour)
	}
	for _, s := range w.tour.VPCs {
		w.vpc[s.Name] = s
	}
	finance := w.vpc["Finance"]
	if f := w.check(1); !f.Agree {
		t.Fatalf("step 1: %+v", f)
	}
	if f := w.check(2); !f.Agree {
		t.Errorf("step 2: %+v", f)
	}
	w.must(3, false, true, "", func() { w.market = w.peer("Marketing") })
	w.must(4, false, true, "route", func() { w.route("Marketing", "Finance", w.market) })
	w.must(5, false, true, "", func() { w.route("Finance", "Marketing", w.market) })
	w.must(6, false, true, finance.Group, func() { w.allow("Marketing") })
	entry := "Action=%sNetworkAclEntry&NetworkAclId=" + finance.ACL + "&Egress=false&RuleNumber=50"
	w.must(7, false, false, "", func() {
		w.ec2(fmt.Sprintf(entry, "Create") + "&Protocol=-1&RuleAction=deny&CidrBlock=10.0.0.0/16")
	})
	w.must(7, false, true, "Now remove the entry", func() { w.ec2(fmt.Sprintf(entry, "Delete")) })
	w.must(8, false, true, "", func() {
		w.dev = w.peer("Developer")
		w.route("Developer", "Finance", w.dev)
		w.route("Finance", "Developer", w.dev)
		w.allow("Developer")
	})
	w.must(9, true, true, "", func() {
		w.route("Marketing", "Developer", w.market)
		w.route("Developer", "Marketing", w.dev)
		w.ec2("Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=" + w.eni(finance.Instance) + "&SourceDestCheck.Value=false")
	})
	var reached consoleReached
	w.ask("/console/reach?region=us-east-1", map[string]any{"source": w.vpc["Marketing"].Instance, "destination": finance.Address, "protocol": "tcp", "port": 80, "live": true}, &reached)
	if !reached.Answer.Reachable || reached.Live == nil || reached.Live.Verdict != "answered" || len(reached.Fixes) != 0 {
		t.Errorf("what is open: %+v", reached)
	}
	w.must(10, false, true, "", func() { w.ec2("Action=DeleteVpcPeeringConnection&VpcPeeringConnectionId=" + w.market) })
	w.repair()
	w.shell(i)
	w.ask("/console/lab", map[string]any{"action": "reset"}, &w.tour)
	if w.tour.Built {
		t.Errorf("after reset: %+v", w.tour)
	}
	left := i.call("DescribeVpcs")
	if n := len(left.Items("vpcSet")); n != 2 || !strings.Contains(w.ec2("Action=DescribeVpcs"), own) {
		t.Errorf("%d VPCs are left, want the default one and somebody's own", n)
	}
}

func (w *walk) eni(instance string) string {
	w.t.Helper()
	return regexp.MustCompile(`eni-[0-9a-f]{17}`).FindString(w.ec2("Action=DescribeInstances&InstanceId.1=" + instance))
}

// repair makes the changes that the console offers for a blocked flow, and sees real
// packets pass.
func (w *walk) repair() {
	w.t.Helper()
	question := map[string]any{"source": w.vpc["Marketing"].Instance, "destination": w.vpc["Finance"].Instance, "protocol": "tcp", "port": 80, "live": true}
	var r consoleReached
	w.ask("/console/reach?region=us-east-1", question, &r)
	if r.Answer.Reachable || r.Live.Verdict != "silent" || len(r.Fixes) == 0 {
		w.t.Fatalf("what is closed: %+v", r)
	}
	made := ""
	for _, fix := range r.Fixes {
		for _, c := range fix.Calls {
			form := url.Values{"Action": {c.Action}}
			for name, value := range c.Params {
				if value == "pcx-new" {
					value = made
				}
				form.Set(name, value)
			}
			answer := w.ec2(form.Encode())
			if c.Makes != "" {
				made = regexp.MustCompile(`pcx-[0-9a-f]{17}`).FindString(answer)
			}
		}
	}
	w.ask("/console/reach?region=us-east-1", question, &r)
	if !r.Answer.Reachable || r.Live.Verdict != "answered" {
		w.t.Errorf("after what the console offered: %+v, packets %+v", r.Answer, r.Live)
	}
}

// shell opens Session Manager's stream through the console, which must be a
// websocket of the very session, and end when the visitor logs out.
func (w *walk) shell(i *installation) {
	w.t.Helper()
	other := openBrowser(i)
	res, body := other.post("/console/api/ssm?region=us-east-1", `{"Target":"`+w.vpc["Marketing"].Instance+`"}`, "Content-Type", jsonType, "X-Amz-Target", "AmazonSSM.StartSession")
	var session struct{ SessionId, TokenValue string }
	if err := json.Unmarshal([]byte(body), &session); err != nil || session.TokenValue == "" {
		w.t.Fatalf("StartSession: %d %s", res.StatusCode, body)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	dial := other.request("/console/stream/"+session.SessionId, "", "Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").WithContext(ctx)
	dial.Method = http.MethodGet
	up, err := http.DefaultTransport.RoundTrip(dial)
	if err != nil || up.StatusCode != http.StatusSwitchingProtocols {
		w.t.Fatalf("the stream: %v %v", up, err)
	}
	stream := up.Body.(io.ReadWriteCloser)
	defer stream.Close()
	hello := `{"MessageSchemaVersion":"1.0","RequestId":"3c0bf3c1-b9b4-4cd8-9df7-1d3a1b7e0a55","TokenValue":"` + session.TokenValue + `","ClientId":"3c0bf3c1-b9b4-4cd8-9df7-1d3a1b7e0a56","ClientVersion":"1.2.0.0"}`
	if _, err := stream.Write(frame(hello)); err != nil {
		w.t.Fatal(err)
	}
	in := bufio.NewReader(stream)
	head, err := in.Peek(150)
	if err != nil || head[0] != 0x82 || !strings.Contains(string(head), "output_stream_data") {
		w.t.Fatalf("no binary frame of the data channel: %q %v", head, err)
	}
	other.post("/console/logout", "")
	if _, err := io.Copy(io.Discard, in); ctx.Err() != nil {
		w.t.Errorf("the stream goes on after logout: %v", err)
	}
}

// frame is a websocket's text frame from a client, masked with zeros (RFC 6455).
func frame(text string) []byte {
	out := []byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0}
	return append(out, text...)
}
