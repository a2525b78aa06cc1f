package reach_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tombolo/internal/scenario"
	"tombolo/network"
	"tombolo/reach"
)

var rewrite = flag.Bool("rewrite", false, "write what was found into testdata; read the difference as you would read code")

// asker is an engine for scenarios that answers with all causes: a question's
// outcome is "reachable", or the causes in order, each with its component. Those
// of the answer begin with "answer", details stand in parentheses.
type asker struct {
	state  network.State
	index  *reach.Index
	nameOf func(string) string
	seen   func(*asker, scenario.Flow, reach.Result)
}

func (a *asker) Name() string                   { return "asker" }
func (a *asker) Close() error                   { return nil }
func (a *asker) Names(f func(id string) string) { a.nameOf = f }
func (a *asker) Set(s network.State) error      { a.state, a.index = s, reach.NewIndex(s); return nil }
func (a *asker) Send(f scenario.Flow) (scenario.Outcome, error) {
	q := flowOf(f)
	r := a.index.Trace(q)
	if a.seen != nil {
		a.seen(a, f, r)
	}
	if r.Verdict == reach.Reachable {
		return scenario.Outcome{Result: scenario.Delivered}, nil
	}
	return scenario.Outcome{Result: scenario.NoReply, Cause: scenario.Cause{Word: a.text(r)}}, nil
}

// flowOf asks for the interface, where the scenario names one.
func flowOf(f scenario.Flow) reach.Flow {
	q := reach.Flow{Source: f.From, SourceAddr: f.Source, Destination: f.Target, DestinationAddr: f.To, Protocol: f.Protocol,
		Port: f.Port, SourcePort: f.FromPort}
	switch f.Protocol {
	case network.ICMP:
		q.ICMPType = 8
	case network.ICMPv6:
		q.ICMPType = 128
	}
	return q
}

func (a *asker) text(r reach.Result) string {
	var out []string
	for _, e := range r.Causes {
		s := string(e.Code) + " " + a.nameOf(e.Component)
		if e.Code == reach.SecurityGroupHasNoRules {
			s += " of " + a.nameOf(string(e.ENI))
		}
		if e.Direction != reach.NoDirection {
			s += " " + e.Direction.String()
		}
		if e.Code == reach.SubnetACLRestriction {
			s += " *"
			if e.Entry.Number > 0 {
				s = strings.TrimSuffix(s, "*") + strconv.Itoa(e.Entry.Number)
			}
		}
		if e.State != "" {
			s += " " + e.State
		}
		if e.Way == reach.Answer {
			s = "answer " + s
		}
		if e.Detail {
			s = "(" + s + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// files parses every file of a directory below testdata.
func files(t *testing.T, dir string) map[string]*scenario.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	all := map[string]*scenario.File{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if all[path], err = scenario.Parse(filepath.Base(path), string(text)); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestWhy plays the files of testdata/why: networks, questions and every cause.
func TestWhy(t *testing.T) {
	for path, f := range files(t, "testdata/why") {
		t.Run(strings.TrimSuffix(f.Name, ".txt"), func(t *testing.T) {
			r, err := scenario.Run(f, &asker{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range r.Seen {
				if s.Got != s.Line.Want {
					t.Errorf("%s:%d: %s\n   want %s\n    got %s", f.Name, s.Line.Number, strings.Join(s.Line.Words, " "), s.Line.Want, s.Got)
				}
			}
			if *rewrite {
				write(t, path, r)
			}
		})
	}
}

func write(t *testing.T, path string, r scenario.Report) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, s := range r.Seen {
		lines[s.Line.Answer-1] = s.Got
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEveryCodeIsProduced: a code that nothing produces is a promise that is not
// kept. Those that no scenario can show have a test of their own.
func TestEveryCodeIsProduced(t *testing.T) {
	produced := map[reach.Code]bool{}
	for _, r := range allResults(t) {
		for _, e := range r.Causes {
			produced[e.Code] = true
		}
	}
	for _, c := range reach.Codes() {
		if !produced[c] {
			t.Errorf("nothing produces %s", c)
		}
		delete(produced, c)
	}
	for c := range produced {
		t.Errorf("%s is not in the list of codes", c)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// allResults are those of all questions of testdata/why, and the odd ones.
func allResults(t *testing.T) []reach.Result {
	t.Helper()
	all := oddResults(t)
	for _, f := range files(t, "testdata/why") {
		note := func(_ *asker, _ scenario.Flow, r reach.Result) { all = append(all, r) }
		if _, err := scenario.Run(f, &asker{seen: note}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
