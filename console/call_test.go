package console

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"tombolo/flowlog"
	"tombolo/flowlog/delivery"
	"tombolo/network"
)

// A call reaches its service as a signed one does: nothing of the page, of its
// cookies and of the bridge's own address is left in it.
func TestTheBridgeCarriesTheCallAndNothingElse(t *testing.T) {
	s := newSite(t)
	c := s.visit()
	r := s.post("/console/api/ssm?region=eu-west-1&account=210987654321", `{"a":1}`, c)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonSSM.StartSession")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=…")
	_, body := s.do(r)
	var got struct {
		Service, Body, Account, Region, URL string
		Signed                              bool
		Headers                             http.Header
		ID                                  int
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err, body)
	}
	if got.Service != "ssm" || got.Body != `{"a":1}` || got.Account != "210987654321" || got.Region != "eu-west-1" || got.URL != "/" || !got.Signed || got.ID != 36 {
		t.Errorf("%+v", got)
	}
	if len(got.Headers) != 2 || got.Headers.Get("X-Amz-Target") != "AmazonSSM.StartSession" || got.Headers.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("headers %v", got.Headers)
	}
	_, body = s.do(s.post("/console/api/ec2", "Action=DescribeVpcs", c))
	if !strings.Contains(body, `"account":"123456789012"`) || !strings.Contains(body, `"region":"us-east-1"`) || !strings.Contains(body, `"service":"ec2"`) {
		t.Errorf("by default: %s", body)
	}
	for path, want := range map[string]int{"/console/api/ec2?account=999999999999": 400, "/console/api/ec2?account=": 400, "/console/api/sts": 404, "/console/api/": 405, "/console/api/ec2/x": 405} {
		if status := s.status(s.post(path, "", c)); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	if res, body := s.do(s.post("/console/api/ec2", strings.Repeat("x", 1<<20+1), c)); res.StatusCode != 413 {
		t.Errorf("a large body: %d %s", res.StatusCode, body)
	}
}

func TestQuestions(t *testing.T) {
	s := newSite(t)
	c := s.visit()
	for _, q := range []struct {
		path, body string
		status     int
		has        string
	}{
		{"/console/session", "", 200, `"regions":["us-east-1","eu-west-1"]`},
		{"/console/reach?account=210987654321", `{"source":"a","destination":"b","protocol":"tcp","port":80,"live":true}`, 200, `"for":"210987654321"`},
		{"/console/reach", `{"source":"a","port":80}`, 200, `"port":80`},
		{"/console/reach", `{}`, 404, `"code":"NotFound"`},
		{"/console/reach", `[`, 400, `"code":"BadRequest"`},
		{"/console/reach", strings.Repeat(" ", maxQuestion+1), 400, `"code":"BadRequest"`},
		{"/console/lab", `{"action":"check","step":3}`, 200, `{"action":"check","step":3}`},
		{"/console/events", `7`, 400, `"code":"BadRequest"`},
		{"/console/nothing", `{}`, 405, `"code":"MethodNotAllowed"`},
	} {
		res, body := s.do(s.post(q.path, q.body, c))
		if res.StatusCode != q.status || !strings.Contains(body, q.has) {
			t.Errorf("%s %.60s: %d %s", q.path, q.body, res.StatusCode, body)
		}
	}
}

// open begins a stream of events.
func (s *site) open(body string, c *http.Cookie) *lines {
	s.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(s.post("/console/events", body, c))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("events: %d %v", res.StatusCode, res.Header)
	}
	return readLines(res.Body)
}

// change makes a State of the next generation.
func (s *site) change(r network.Request) {
	s.t.Helper()
	next, err := s.state.Load().Apply(network.Op{Caller: network.Caller{Account: "123456789012", Region: "us-east-1"}, At: s.now, Request: r})
	if err != nil {
		s.t.Fatal(err)
	}
	s.state.Store(&next)
}

func TestEventsTellWhatChanges(t *testing.T) {
	s := newSite(t)
	e := s.open(`{}`, s.visit())
	e.await(t, "event: state\ndata: {\"generation\":0,\"kinds\":[]}\n\n")
	e.await(t, "event: plane\ndata: {\"enforced\":true,\"generation\":0,\"degraded\":\"\"}\n\n")
	s.change(network.OpenWorld{})
	e.await(t, "event: state\ndata: {\"generation\":1,\"kinds\":[\"world\"")
	e.await(t, "event: plane\ndata: {\"enforced\":true,\"generation\":1,\"degraded\":\"\"}\n\n")
	s.change(network.ImportKeyPair{Name: "k", Type: "ed25519", Fingerprint: "f", Public: "p"})
	e.await(t, "event: state\ndata: {\"generation\":2,\"kinds\":[\"key-pair\"]}\n\n")
	if strings.Contains(e.text.String(), "event: flows") {
		t.Error("nobody asked for flows")
	}
}

func TestFlowsAreCountedForWhoLooks(t *testing.T) {
	s := newSite(t)
	c := s.visit()
	e := s.open(`{"flows":true}`, c)
	record := flowlog.Record{Interface: &network.ENI{ID: "eni-1"}, Status: flowlog.OK, Direction: flowlog.Ingress, Action: flowlog.Reject,
		Source: netip.MustParseAddr("10.0.0.1"), Dest: netip.MustParseAddr("172.31.1.199"), Protocol: 6, SourcePort: 40000, DestPort: 80, Packets: 3, Bytes: 180}
	quiet := flowlog.Record{Interface: record.Interface, Status: flowlog.NoData}
	s.batches <- delivery.Batch{Records: []flowlog.Record{quiet, record}}
	e.await(t, `event: flows
data: {"flows":[{"eni":"eni-1","src":"10.0.0.1","dst":"172.31.1.199","sport":40000,"dport":80,"protocol":6,"action":"REJECT","direction":"ingress","packets":3,"bytes":180}],"more":false}

`)
	many := delivery.Batch{}
	for range shownFlows + 1 {
		many.Records = append(many.Records, record)
	}
	if got := flowsOf(many); len(got.Flows) != shownFlows || !got.More {
		t.Errorf("%d flows are shown, more %v", len(got.Flows), got.More)
	}
	// Who leaves counts no more.
	s.do(s.post("/console/logout", "", c))
	e.over(t)
	<-s.ended
}

func TestStreamsEndWithTheVisit(t *testing.T) {
	s := newSite(t)
	gone, idle := s.visit(), s.visit()
	out, late := s.open(`{}`, gone), s.open(`{}`, idle)
	out.await(t, "event: plane")
	late.await(t, "event: plane")
	s.do(s.post("/console/logout", "", gone))
	out.over(t)
	s.later(idleTime)
	late.over(t)
	last := s.open(`{}`, s.visit())
	s.console.visits.close()
	last.over(t)
}

// dial opens a websocket as a page would, and gives the answer's first line.
func (s *site) dial(origin string, c *http.Cookie) (net.Conn, *bufio.Reader, string) {
	s.t.Helper()
	host := s.http.Listener.Addr().String()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	text := "GET /console/stream/one-123 HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	if origin != "" {
		text += "Origin: " + origin + "\r\n"
	}
	if c != nil {
		text += "Cookie: " + c.Name + "=" + c.Value + "\r\n"
	}
	if _, err := io.WriteString(conn, text+"\r\n"); err != nil {
		s.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	status, err := in.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	return conn, in, strings.TrimSpace(status)
}

func TestTerminalsAreTheVisitorsAlone(t *testing.T) {
	s := newSite(t)
	c := s.visit()
	for name, origin := range map[string]string{"none": "", "another": "http://evil.example", "null": "null", "another port's": "http://127.0.0.1:1"} {
		if _, _, status := s.dial(origin, c); !strings.HasPrefix(status, "HTTP/1.1 403") {
			t.Errorf("Origin %s: %s", name, status)
		}
	}
	if _, _, status := s.dial(s.http.URL, nil); !strings.HasPrefix(status, "HTTP/1.1 401") {
		t.Errorf("no cookie: %s", status)
	}
	conn, in, status := s.dial(s.http.URL, c)
	if !strings.HasPrefix(status, "HTTP/1.1 101") {
		t.Fatalf("the page: %s", status)
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "X-Session: one-123\r\n" {
			status = "named"
		}
		if line == "\r\n" {
			break
		}
	}
	if status != "named" {
		t.Error("the stream is not told which session is meant")
	}
	if _, err := io.WriteString(conn, "typed\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := in.ReadString('\n'); line != "typed\n" {
		t.Fatal(line, err)
	}
	// A terminal that is open is not idle; it ends with the visit all the same.
	s.later(idleTime)
	if status := s.status(s.post("/console/session", "", c)); status != http.StatusOK {
		t.Errorf("while a terminal is open: %d", status)
	}
	s.do(s.post("/console/logout", "", c))
	if _, err := in.ReadByte(); err == nil {
		t.Error("the terminal goes on")
	}
}
