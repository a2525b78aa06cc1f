package ec2

import (
	"context"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tombolo/network"
)

// A transcript in testdata is a conversation with the API. A directive is an
// action; its lines are parameters, "&" between several on one line. IDs, and
// what else is random, have names: the first VPC is vpc-1. The answer is the
// response's elements as an indented list, or the status, code and message of an
// error. "caller ACCOUNT REGION" changes who asks, "advance" what time it is.
//
// Of every exchange the test itself checks that a refused call changes nothing,
// and that with DryRun it is refused alike or says that it would have succeeded.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		p := newParty(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			p.t = t
			switch d.Cmd {
			case "caller":
				p.account, p.region = d.CmdArgs[0].Key, d.CmdArgs[1].Key
				return ""
			case "advance":
				by, err := time.ParseDuration(d.CmdArgs[0].Key)
				if err != nil {
					d.Fatalf(t, "%v", err)
				}
				p.w.ahead += by
				p.w.settle()
				return ""
			}
			return p.say(d.Cmd, d.Input)
		})
	})
}

// party is a client and a server that talk.
type party struct {
	t               *testing.T
	w               *clockwork
	s               *port
	account, region string
	names           map[string]string // of what is random, by itself
	things          map[string]string // the reverse
	count           map[string]int
}

// clockwork is a world in which time passes and guests start and stop at once.
type clockwork struct {
	world
	ahead time.Duration
}

func newParty(t *testing.T) *party {
	p := &party{t: t, w: &clockwork{}, account: "123456789012", region: "us-east-1",
		names: map[string]string{}, things: map[string]string{}, count: map[string]int{}}
	p.s = openServer(&p.w.world)
	p.s.api.Backend, p.s.Now = p.w, p.w.now
	return p
}

func (w *clockwork) now() time.Time { return now.Add(w.ahead) }

// Do is the world's, at the time that it is here.
func (w *clockwork) Do(_ context.Context, caller network.Caller, token string, r network.Request) (network.State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seed++
	ask := network.Op{Caller: caller, At: w.now(), Token: token, Request: r}
	binary.BigEndian.PutUint64(ask.Seed[:], w.seed)
	next, err := w.state.Apply(ask)
	if err == nil {
		w.state = next
	}
	return next, err
}

// settle lets everything happen that happens by itself.
func (w *clockwork) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.apply(network.Settle{})
	for i := range w.state.Instances() {
		switch i.State {
		case network.InstancePending:
			w.apply(network.ReportStarted{Instance: i.ID})
		case network.InstanceStopping:
			w.apply(network.ReportStopped{Instance: i.ID})
		case network.InstanceShuttingDown:
			w.apply(network.ReportEnded{Instance: i.ID})
		}
	}
}

func (w *clockwork) apply(r network.Request) {
	next, err := w.state.Apply(network.Op{At: w.now(), Request: r})
	if err != nil {
		panic(err)
	}
	w.state = next
}

// settling is a clockwork that settles after every request, as the daemon does,
// and answers with what was before.
type settling struct{ clockwork }

func (w *settling) Do(ctx context.Context, caller network.Caller, token string, r network.Request) (network.State, error) {
	made, err := w.clockwork.Do(ctx, caller, token, r)
	if err == nil {
		w.settle()
	}
	return made, err
}

// say makes one call and gives its answer.
func (p *party) say(action, params string) string {
	form := "Action=" + action
	for line := range strings.Lines(params) {
		for param := range strings.SplitSeq(strings.TrimRight(line, "\n"), " & ") {
			key, val, _ := strings.Cut(strings.TrimSpace(param), "=")
			form += "&" + key + "=" + url.QueryEscape(p.thing(val))
		}
	}
	dryStatus, dryBody := 0, ""
	before := p.w.State().Generation
	if p.dries(action) && !strings.Contains(form, "DryRun") {
		p.call("Action=DescribeRegions") // opens the world, which is a change
		before = p.w.State().Generation
		dryStatus, dryBody = p.call(form + "&DryRun=true")
		if p.w.State().Generation != before {
			p.t.Errorf("%s with DryRun changed something", action)
		}
	}
	status, body := p.call(form)
	defer p.w.settle()
	if status != 200 {
		if p.w.State().Generation != before {
			p.t.Errorf("%s was refused and changed something", form)
		}
		// What reads answers DryRun before it looks at pages and ids.
		reads := strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Get")
		if dryStatus != 0 && !reads && (dryStatus != status || code(dryBody) != code(body)) {
			p.t.Errorf("%s is refused with %s, with DryRun it is %s", form, body, dryBody)
		}
		return fmt.Sprintf("%d %s: %s\n", status, code(body), p.named(message(body)))
	}
	if dryStatus != 0 && (dryStatus != 412 || code(dryBody) != "DryRunOperation") {
		p.t.Errorf("%s succeeds, with DryRun it is %s", form, dryBody)
	}
	return p.named(outline(p.t, body))
}

// dries reports whether the action has DryRun.
func (p *party) dries(action string) bool {
	for _, o := range operations() {
		if o.Name == action {
			_, has := o.Request.FieldByName("DryRun")
			return has
		}
	}
	return false
}

func (p *party) call(form string) (int, string) {
	r := unsigned(form)
	r.Header.Set("X-Amz-Date", "20261122T210000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+p.account+"/20261122/"+p.region+"/ec2/aws4_request, SignedHeaders=host, Signature=00")
	return serve(p.s, r)
}

// random is what differs from run to run, or says nothing to a reader.
var random = regexp.MustCompile(`\b(?:[a-z]+(?:-[a-z]+)*)-[0-9a-f]{17}\b|\b0a(?::[0-9a-f]{2}){5}\b|\b2600:1f[0-9a-f:]+(?:/\d+)?|\bAIPA[0-9A-F]{17}\b|\b198\.1[89]\.\d+\.\d+\b`)

// named replaces what is random by names.
func (p *party) named(s string) string {
	return random.ReplaceAllStringFunc(s, func(thing string) string {
		if name, ok := p.names[thing]; ok {
			return name
		}
		if strings.Contains(thing, "0123456789abcdef") { // a stranger's, from the transcript itself
			return thing
		}
		kind := network.Kind(thing)
		switch {
		case strings.HasPrefix(thing, "0a:"):
			kind = "mac"
		case strings.Contains(thing, "/"):
			kind = "block"
		case strings.HasPrefix(thing, "2600:"):
			kind = "addr"
		case strings.HasPrefix(thing, "198."):
			kind = "public"
		case kind == "":
			kind = "profile"
		}
		p.count[kind]++
		name := fmt.Sprintf("%s-%d", kind, p.count[kind])
		p.names[thing], p.things[name] = name, thing
		return name
	})
}

var namedThing = regexp.MustCompile(`\b[a-z]+(?:-[a-z]+)*-\d+\b`)

// inBlock is an address or a block of an IPv6 block that has a name: in(block-1,5)
// is its sixth address, in(block-1,0)/64 its first subnet.
var inBlock = regexp.MustCompile(`in\((block-\d+),(\d+)\)`)

// thing replaces names by what they stand for.
func (p *party) thing(s string) string {
	s = inBlock.ReplaceAllStringFunc(s, func(text string) string {
		parts := inBlock.FindStringSubmatch(text)
		a := netip.MustParsePrefix(p.things[parts[1]]).Addr()
		n, err := strconv.Atoi(parts[2])
		if err != nil {
			p.t.Fatal(err)
		}
		for range n {
			a = a.Next()
		}
		return a.String()
	})
	return namedThing.ReplaceAllStringFunc(s, func(name string) string {
		if thing, ok := p.things[name]; ok {
			return thing
		}
		return name
	})
}

// outline is a response as an indented list, without its head.
func outline(t *testing.T, body string) string {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(body))
	var out strings.Builder
	var text string
	open, leaf := 0, false
	for {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open++
			leaf, text = true, ""
			if open > 1 && token.Name.Local != "requestId" {
				out.WriteString("\n" + strings.Repeat("  ", open-2) + token.Name.Local)
			}
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			if leaf && open > 1 && token.Name.Local != "requestId" && text != "" {
				out.WriteString(" " + strings.ReplaceAll(text, "\n", "\\n"))
			}
			open--
			leaf = false
		}
	}
	return strings.TrimLeft(out.String(), "\n") + "\n"
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
	// It gives a private key, another one each time; boto3 takes one in lab_test.go.
	answered["CreateKeyPair"] = true
	// No default VPC can be deleted before its internet gateway can be detached.
	answered["CreateDefaultVpc"] = true
	// It answers an image's owner alone, and nobody here is Amazon.
	answered["DescribeImageAttribute"] = true
	for _, o := range operations() {
		if !answered[o.Name] || !refused[o.Name] {
			t.Errorf("%s: answered %v, refused %v", o.Name, answered[o.Name], refused[o.Name])
		}
	}
}
