package ssm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tombolo/network"
	"tombolo/ssm/command"
)

// A transcript in testdata is a conversation with the API. A directive is an
// operation, its lines are the request's body. IDs and what else is random have
// names: the first instance is i-1, the first session root-1. The answer is the
// response's body, or the status and the error.
//
// Directives beside the operations: "launch NAME [ACCOUNT REGION]" and "stop i-1"
// change the network, "caller ACCOUNT REGION" who asks, "advance 1h" the time,
// "wait" until no command runs, "restart" ends the daemon and starts it again.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		p := &party{site: newSite(t), caller: home, names: map[string]string{}, things: map[string]string{}, count: map[string]int{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			args := make([]string, len(d.CmdArgs))
			for i, a := range d.CmdArgs {
				args[i] = p.thing(a.Key)
			}
			switch d.Cmd {
			case "launch":
				c := p.caller
				if len(args) == 3 {
					c = network.Caller{Account: network.Account(args[1]), Region: network.Region(args[2])}
				}
				return p.named(string(p.site.launch(c, network.Tags{"Name": args[0]}))) + "\n"
			case "stop":
				p.site.stop(p.caller, network.InstanceID(args[0]))
				return ""
			case "caller":
				p.caller = network.Caller{Account: network.Account(args[0]), Region: network.Region(args[1])}
				return ""
			case "advance":
				by, err := time.ParseDuration(args[0])
				if err != nil {
					d.Fatalf(t, "%v", err)
				}
				p.site.advance(by)
				return ""
			case "wait":
				p.wait(t)
				return ""
			case "restart":
				p.site.open()
				return ""
			}
			return p.say(t, d.Cmd, d.Input)
		})
	})
}

// party is a client and a server that talk.
type party struct {
	site   *site
	caller network.Caller
	names  map[string]string // of what is random, by itself
	things map[string]string // the reverse
	count  map[string]int
}

// wait waits until no command runs.
func (p *party) wait(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		open := p.site.service.Commands.List(command.Filter{Caller: p.caller, Stage: "Executing"})
		if len(open) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-time.After(20 * time.Second):
			t.Fatalf("these commands do not end: %v", open)
		}
	}
}

func (p *party) say(t *testing.T, operation, body string) string {
	t.Helper()
	status, answer := p.site.call(p.caller, operation, p.thing(body))
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(answer), "", "  "); err != nil {
		t.Fatalf("%s answers %q: %v", operation, answer, err)
	}
	if status != 200 {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(answer), &e); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %s: %s\n", status, e.Type, p.named(e.Message))
	}
	return p.named(out.String()) + "\n"
}

// call makes one call past the signature.
func (s *site) call(c network.Caller, operation, body string) (int, string) {
	r := httptest.NewRequest("POST", "http://127.0.0.1:4566/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSSM."+operation)
	r.Header.Set("X-Amz-Date", "20261122T210000Z")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	// The door takes any key without Keys; twelve digits name the account.
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+string(c.Account)+"/20261122/"+string(c.Region)+"/ssm/aws4_request, SignedHeaders=host, Signature=00")
	w := httptest.NewRecorder()
	s.door(nil, "127.0.0.1:4566").ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// random is what differs from run to run.
var random = regexp.MustCompile(`\b(?:i|root)-[0-9a-f]{17}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b|"TokenValue": "[^"]+"|"NextToken": "[^"]+"|"IPAddress": "[^"]+"`)

// named replaces what is random by names.
func (p *party) named(s string) string {
	return random.ReplaceAllStringFunc(s, func(thing string) string {
		key, value, member := strings.Cut(thing, `": `)
		if member {
			return key + `": "` + p.name(strings.Trim(key, `"`), strings.Trim(value, `"`)) + `"`
		}
		if strings.Contains(thing, "0123456789abcdef") || strings.HasPrefix(thing, "12345678-") { // nobody's, from the transcript itself
			return thing
		}
		kind, _, _ := strings.Cut(thing, "-")
		if len(kind) == 8 {
			kind = "command"
		}
		return p.name(kind, thing)
	})
}

func (p *party) name(kind, thing string) string {
	if name, ok := p.names[thing]; ok {
		return name
	}
	p.count[kind]++
	name := fmt.Sprintf("%s-%d", kind, p.count[kind])
	p.names[thing], p.things[name] = name, thing
	return name
}

var namedThing = regexp.MustCompile(`\b[A-Za-z]+-\d+\b`)

// thing replaces names by what they stand for.
func (p *party) thing(s string) string {
	return namedThing.ReplaceAllStringFunc(s, func(name string) string {
		if thing, ok := p.things[name]; ok {
			return thing
		}
		return name
	})
}

// TestEveryOperationIsTalkedAbout wants of each operation an exchange that
// succeeds and one that is refused.
func TestEveryOperationIsTalkedAbout(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	exchange := regexp.MustCompile(`(?m)^([A-Z]\w+)\n(?:.*\n)??(?:.+\n)*?----\n(\d{3} )?`)
	answered, refused := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range exchange.FindAllStringSubmatch(string(raw), -1) {
			if m[2] == "" {
				answered[m[1]] = true
			} else {
				refused[m[1]] = true
			}
		}
	}
	for _, o := range operations() {
		if !answered[o.name] || !refused[o.name] {
			t.Errorf("%s: answered %v, refused %v in the transcripts", o.name, answered[o.name], refused[o.name])
		}
		if !slices.Contains(strings.Fields(everyOperation), o.name) {
			t.Errorf("AWS has no operation %s", o.name)
		}
	}
}
