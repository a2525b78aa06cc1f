package why

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tombolo/network"
	"tombolo/reach"
)

var home = network.Caller{Account: "123456789012", Region: "us-east-1"}

// town is a State with instances web, webserver and db in one subnet, and what is
// called how.
type town struct {
	network.State
	t    *testing.T
	seed byte
}

func (w *town) do(r network.Request) network.Outcome {
	w.t.Helper()
	w.seed++
	next, err := w.Apply(network.Op{Caller: home, At: time.Unix(1000, 0), Seed: network.Seed{w.seed}, Request: r})
	if err != nil {
		w.t.Fatalf("%T: %v", r, err)
	}
	w.State = next
	return next.Outcome()
}

func newTown(t *testing.T) *town {
	w := &town{t: t}
	w.do(network.OpenWorld{Zones: []string{"us-east-1a"}})
	for _, name := range []string{"web", "webserver", "db"} {
		made := w.do(network.RunInstances{Image: "ami-0123456789abcdef0", Type: "t3.micro", Min: 1, Max: 1,
			Tags: network.Tags{"Name": name}})
		for _, id := range made.Created {
			if strings.HasPrefix(id, "i-") {
				w.do(network.ReportStarted{Instance: network.InstanceID(id)})
			}
		}
	}
	return w
}

func (w *town) eni(name string) *network.ENI {
	w.t.Helper()
	e, err := Interface(w.State, home, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func TestEndsAreFoundByWhatPeopleCallThem(t *testing.T) {
	w := newTown(t)
	web, db := w.eni("web"), w.eni("db")
	for _, word := range []string{"web", "WEB", string(web.ID), string(web.Attachment.Instance)} {
		if got := w.eni(word); got.ID != web.ID {
			t.Errorf("%s is %s, want %s", word, got.ID, web.ID)
		}
	}
	if w.eni("webs").ID == web.ID {
		t.Error("a beginning that only webserver has is web")
	}
	f, err := Flow(w.State, home, Question{Source: web.Addrs[0].String(), Destination: "db", Port: 80})
	if err != nil || f.Source != web.ID || f.Destination != db.ID || f.Protocol != network.TCP || f.Port != 80 || f.DestinationAddr != db.Addrs[0] {
		t.Errorf("%+v, %v", f, err)
	}
	f, err = Flow(w.State, home, Question{Source: "web", Destination: "198.51.100.7"})
	if err != nil || f.Destination != "" || f.DestinationAddr != netip.MustParseAddr("198.51.100.7") || f.Protocol != network.ICMP || f.ICMPType != 8 {
		t.Errorf("outside: %+v, %v", f, err)
	}
}

func TestQuestionsThatCannotBeAskedSayWhatToDo(t *testing.T) {
	w := newTown(t)
	for text, q := range map[string]Question{
		"needs a port":         {Source: "web", Destination: "db", Protocol: "tcp"},
		"never leaves it":      {Source: "web", Destination: "web", Protocol: "tcp", Port: 80},
		"has no ports":         {Source: "web", Destination: "db", Protocol: "icmp", Port: 80},
		"write tcp, udp":       {Source: "web", Destination: "db", Protocol: "sctp?"},
		"from 1 to 65535":      {Source: "web", Destination: "db", Port: 70000},
		"has no IPv6 address":  {Source: "web", Destination: "2001:db8::1"},
		"different families":   {Source: w.eni("web").Addrs[0].String(), Destination: "2001:db8::1"},
		"has no IPv6":          {Source: "web", Destination: "db", IPv6: true},
		"instances are called": {Source: "we", Destination: "db"},
	} {
		_, err := Flow(w.State, home, q)
		var unclear *Unclear
		if !errors.As(err, &unclear) || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want %q", q, err, text)
		}
	}
	for _, q := range []Question{{Source: "nobody", Destination: "db"}, {Source: "web", Destination: "nobody"}, {Source: "203.0.113.1", Destination: "db"}} {
		if _, err := Flow(w.State, home, q); !errors.Is(err, ErrUnknown) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, err := Flow(w.State, network.Caller{Account: "210987654321", Region: "us-east-1"}, Question{Source: "web", Destination: "db"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("another account: %v", err)
	}
}

func TestADocumentSaysWhatTheAnalyzerFound(t *testing.T) {
	w := newTown(t)
	f, err := Flow(w.State, home, Question{Source: "web", Destination: "db", Port: 80})
	if err != nil {
		t.Fatal(err)
	}
	r := reach.Trace(w.State, f)
	a := Document(w.State, r)
	if !a.Reachable || a.Verdict != "reachable" || a.BlockedBy != nil || a.Source.Name != "web" || a.Destination.Name != "db" || a.Protocol != "tcp" || a.Port != 80 {
		t.Errorf("%+v", a)
	}
	if len(a.Forward) != len(r.Forward.Hops) || len(a.Return) != len(r.Return.Hops) || a.Forward[0].Sentence == "" {
		t.Errorf("hops: %+v", a.Forward)
	}
	f, err = Flow(w.State, home, Question{Source: "web", Destination: "198.51.100.7", Protocol: "47"})
	if err != nil {
		t.Fatal(err)
	}
	a = Document(w.State, reach.Trace(w.State, f))
	if a.Reachable || a.BlockedBy == nil || a.BlockedBy.Code != a.Causes[0].Code || a.Destination.Address != "198.51.100.7" || a.Protocol != "47" {
		t.Errorf("%+v", a)
	}
}

func TestPathsAndDifferencesNameTheirEnds(t *testing.T) {
	w := newTown(t)
	before := w.State
	paths := Paths(w.State, reach.PathsTo(w.State, w.eni("db").ID))
	if len(paths) != 2 || paths[0].Destination.Name != "db" || paths[0].Traffic != "everything" || len(paths[0].Flows) == 0 || paths[0].Witness == "" {
		t.Errorf("%+v", paths)
	}
	w.do(network.StopInstances{Instances: []network.InstanceID{w.eni("db").Attachment.Instance}})
	d := Differences(before, w.State, reach.Compare(before, w.State))
	if len(d) == 0 {
		t.Fatal("nothing changed")
	}
	for _, one := range d {
		if one.Opened != "" || one.Closed != "everything" || one.Source.Name != "db" && one.Destination.Name != "db" {
			t.Errorf("%+v", one)
		}
	}
}
