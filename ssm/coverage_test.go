package ssm

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/sessions-coverage.md instead of comparing with it")

const coverageFile = "../docs/sessions-coverage.md"

// members are the names of a request's members.
func members(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		out = append(out, memberName(f))
	}
	return out
}

func TestEveryNoteIsAboutAMember(t *testing.T) {
	for _, o := range operations() {
		have := members(reflect.TypeOf(o.request))
		seen := map[string]bool{}
		for _, n := range o.notes {
			if n.why == "" || strings.HasSuffix(n.why, ".") {
				t.Errorf("%s: the reason %q must be a sentence without its full stop", o.name, n.why)
			}
			for _, member := range strings.Fields(n.members) {
				if !slices.Contains(have, member) || seen[member] {
					t.Errorf("%s: %s is no member, or has two notes", o.name, member)
				}
				seen[member] = true
			}
		}
		if want := lowerFirst(o.name) + "Request"; reflect.TypeOf(o.request).Name() != want {
			t.Errorf("%s decodes a %s", o.name, reflect.TypeOf(o.request).Name())
		}
	}
}

// TestEveryShapeIsThere walks every request: a field whose shape is not in the
// table would panic when a client sends it.
func TestEveryShapeIsThere(t *testing.T) {
	used := map[string]bool{"": true}
	var walk func(t reflect.Type)
	walk = func(rt reflect.Type) {
		for rt.Kind() == reflect.Pointer || rt.Kind() == reflect.Slice {
			rt = rt.Elem()
		}
		if rt.Kind() != reflect.Struct {
			return
		}
		for f := range rt.Fields() {
			shapeOf(f)
			name := strings.TrimPrefix(f.Tag.Get("shape"), "*")
			for name != "" && !used[name] {
				used[name] = true
				used[shapes[name].key] = true
				name = shapes[name].item
			}
			walk(f.Type)
		}
	}
	for _, o := range operations() {
		walk(reflect.TypeOf(o.request))
	}
	for name, s := range shapes {
		if !used[name] {
			t.Errorf("no request has a %s", name)
		}
		for _, other := range []string{s.item, s.key} {
			if _, ok := shapes[other]; !ok {
				t.Errorf("%s is made of %s, which is not there", name, other)
			}
		}
	}
}

// TestCoverageTable holds docs/sessions-coverage.md to the registry, so that the
// table cannot promise what the server does not do.
func TestCoverageTable(t *testing.T) {
	want := coverageTable()
	if *update {
		if err := os.WriteFile(coverageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(coverageFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is out of date; run go generate ./ssm\n%s", coverageFile, diff)
	}
}

const coverageHead = `<!-- Written by go generate ./ssm from the registry of operations; do not edit. -->

# What the API of Systems Manager does with every member

AWS's Systems Manager has %d operations; %d are served. Each member of their
requests is in one of three classes:

- **enforced**: held to AWS's length, pattern, range and set of values, with AWS's
  words where it does not fit, and obeyed as AWS obeys it;
- **stored**: accepted, and returned where AWS returns it, without effect;
- **refused**: answered with ValidationException and a sentence, unless it is sent
  with a value that asks for nothing.

An operation that AWS does not have is answered with UnknownOperationException, one
that AWS has and this server does not with UnsupportedOperationException. What
documents and preferences may say is in [sessions.md](sessions.md).
`

func coverageTable() string {
	var b strings.Builder
	served := operations()
	fmt.Fprintf(&b, coverageHead, len(strings.Fields(everyOperation)), len(served))
	for _, o := range served {
		fmt.Fprintf(&b, "\n## %s\n\n", o.name)
		enforced := members(reflect.TypeOf(o.request))
		for _, n := range o.notes {
			enforced = slices.DeleteFunc(enforced, func(m string) bool { return slices.Contains(strings.Fields(n.members), m) })
		}
		line := func(what string, names []string) {
			if len(names) > 0 {
				fmt.Fprintf(&b, "- %s: `%s`\n", what, strings.Join(names, "` `"))
			}
		}
		line("enforced", enforced)
		for _, n := range o.notes {
			class := "stored"
			if n.refused {
				class = "refused"
			}
			line(class+" ("+n.why+")", strings.Fields(n.members))
		}
	}
	return b.String()
}
