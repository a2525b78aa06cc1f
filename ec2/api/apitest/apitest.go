// Package apitest checks listings: what every filter of one sees, and that pages
// give every row once. Only tests use it.
package apitest

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

// named replaces what is random by names in order of their appearance.
func named(s string) string {
	random := regexp.MustCompile(`\b(?:[a-z]+(?:-[a-z]+)*)-[0-9a-f]{17}\b|\b0a(?::[0-9a-f]{2}){5}\b|\b2600:1f[0-9a-f:]+(?:/\d+)?`)
	names, count := map[string]string{}, map[string]int{}
	return random.ReplaceAllStringFunc(s, func(thing string) string {
		if _, ok := names[thing]; !ok && !strings.Contains(thing, "0123456789abcdef") {
			kind := network.Kind(thing)
			if kind == "" {
				kind = "random"
			}
			count[kind]++
			names[thing] = fmt.Sprintf("%s-%d", kind, count[kind])
		}
		if name, ok := names[thing]; ok {
			return name
		}
		return thing
	})
}

// Vocabulary writes down what every filter gives for all rows, in order; and
// checks that each value finds its row, and that pages give
// all rows once.
func Vocabulary[R any](t testing.TB, c *api.Call, out *strings.Builder, name string, l api.Listing[R]) {
	t.Helper()
	rows := slices.Collect(l.All(c))
	var keys []string
	for _, row := range rows {
		keys = append(keys, l.Key(row))
	}
	fmt.Fprintf(out, "# %s\n", name)
	for _, f := range l.Filters {
		all := map[string]bool{}
		for k, row := range rows {
			for _, v := range f.Values(c, row) {
				all[v] = true
				got, _, err := l.Rows(c, api.Query{Filters: []wire.Filter{{Name: &f.Name, Values: []string{strings.ReplaceAll(v, `*`, `\*`)}}}})
				if err != nil || !slices.ContainsFunc(got, func(r R) bool { return l.Key(r) == keys[k] }) {
					t.Errorf("%s: %s=%s does not find %s: %v", name, f.Name, v, keys[k], err)
				}
			}
		}
		values := make([]string, 0, len(all))
		for v := range all {
			values = append(values, named(v))
		}
		slices.Sort(values)
		fmt.Fprintf(out, "%s: %s\n", f.Name, strings.Join(slices.Compact(values), " | "))
	}
	var walked []string
	for q := (api.Query{MaxResults: new(int64(5))}); ; {
		page, next, err := l.Rows(c, q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, row := range page {
			walked = append(walked, l.Key(row))
		}
		if next == nil {
			break
		}
		q.NextToken = next
	}
	if !slices.Equal(walked, keys) || !slices.IsSorted(keys) {
		t.Errorf("%s: pages give %q, all rows are %q", name, walked, keys)
	}
}

// CompareFile compares text with a golden file, or with update writes it.
func CompareFile(t testing.TB, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is out of date; run UPDATE=1 go test\n%s", file, diff)
	}
}
