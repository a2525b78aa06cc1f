package ec2

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
)

var update = flag.Bool("update", false, "write docs/coverage.md instead of comparing with it")

const coverageFile = "../docs/coverage.md"

// paths are the parameters of a request structure, each the path of a leaf.
func paths(t reflect.Type, prefix string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return []string{prefix}
	}
	if prefix != "" {
		prefix += "."
	}
	var out []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("ec2"), ",")
		out = append(out, paths(f.Type, prefix+name)...)
	}
	return out
}

// declared are the paths that an operation gives a class.
func declared(o api.Operation) []string {
	out := strings.Fields(o.Params.Enforced + " " + o.Params.Stored)
	for _, no := range o.Params.Refused {
		out = append(out, strings.Fields(no.Paths)...)
	}
	return out
}

func TestEveryParameterHasAClass(t *testing.T) {
	for _, o := range operations() {
		leaves := paths(o.Request, "")
		for _, leaf := range leaves {
			if !o.Covers(leaf) {
				t.Errorf("%s: %s is neither enforced, stored nor refused", o.Name, leaf)
			}
		}
		for _, path := range declared(o) {
			if !slices.ContainsFunc(leaves, func(leaf string) bool { return leaf == path || strings.HasPrefix(leaf, path+".") }) {
				t.Errorf("%s: %s is no parameter of AWS's model", o.Name, path)
			}
		}
	}
}

func TestNoPathHasTwoClasses(t *testing.T) {
	for _, o := range operations() {
		seen := map[string]bool{}
		all := strings.Fields(o.Params.Enforced + " " + o.Params.Stored)
		for _, no := range o.Params.Refused {
			if no.Why == "" || strings.HasSuffix(no.Why, ".") {
				t.Errorf("%s: the reason %q for %s must be a sentence without its full stop", o.Name, no.Why, no.Paths)
			}
			all = append(all, strings.Fields(no.Paths)...)
		}
		for _, path := range all {
			if seen[path] {
				t.Errorf("%s: %s is in two classes", o.Name, path)
			}
			seen[path] = true
		}
	}
}

func TestEveryOperationIsOneOfAWSsAndRegisteredOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range operations() {
		if a, ok := wire.LookupAction(o.Name); !ok || !a.Typed {
			t.Errorf("%s is not in ec2/wire", o.Name)
		}
		if seen[o.Name] {
			t.Errorf("%s is registered twice", o.Name)
		}
		seen[o.Name] = true
		if want := o.Name + "Request"; o.Request.Name() != want {
			t.Errorf("%s decodes a %s", o.Name, o.Request.Name())
		}
	}
}

// TestCoverageTable holds docs/coverage.md to the registry, so that the table
// cannot promise what the server does not do.
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
		t.Errorf("docs/coverage.md is out of date; run go generate ./ec2\n%s", diff)
	}
}

const coverageHead = `<!-- Written by go generate ./ec2 from the registry of operations; do not edit. -->

# What the API does with every parameter

AWS's EC2 has %d operations; %d are served, and each of their parameters is in
one of three classes:

- **enforced**: obeyed as AWS obeys it;
- **stored**: accepted, and returned where AWS returns it, without effect. Nothing
  that concerns the network is ever in this class;
- **refused**: answered with UnsupportedOperation and a sentence, unless it is
  sent with a value that asks for nothing.

DryRun is enforced everywhere. A parameter that AWS does not have is answered with
UnknownParameter, an action that AWS does not have with InvalidAction, one that
AWS has and this server does not with UnsupportedOperation. %d Describe
operations of things that cannot exist here answer with an empty set.
`

func coverageTable() string {
	served := operations()
	slices.SortFunc(served, func(a, b api.Operation) int { return strings.Compare(a.Name, b.Name) })
	empty := 0
	for _, name := range wire.Actions() {
		a, _ := wire.LookupAction(name)
		here := slices.ContainsFunc(served, func(o api.Operation) bool { return o.Name == name })
		if len(a.Lists) > 0 && !here {
			empty++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, coverageHead, len(wire.Actions()), len(served), empty)
	for _, o := range served {
		fmt.Fprintf(&b, "\n## %s\n\n", o.Name)
		line := func(what string, names []string) {
			if len(names) > 0 {
				fmt.Fprintf(&b, "- %s: `%s`\n", what, strings.Join(names, "` `"))
			}
		}
		line("enforced", strings.Fields(o.Params.Enforced))
		line("stored", strings.Fields(o.Params.Stored))
		for _, no := range o.Params.Refused {
			what := "refused"
			if no.Unless != "" {
				what += " unless `" + no.Unless + "`"
			}
			line(what+" ("+no.Why+")", strings.Fields(no.Paths))
		}
		line("filters", o.Params.Filters)
		if len(declared(o)) == 0 {
			b.WriteString("- no parameters\n")
		}
	}
	return b.String()
}
