package store

import (
	"strings"
	"testing"

	"tombolo/network"
)

// kinds are all kinds of rows, as docs/format.md lists them.
var kinds = []string{"world", "vpc", "subnet", "eni", "instance", "route-table", "peering", "security-group",
	"network-acl", "internet-gateway", "key-pair", "tags", "token"}

// FuzzRow reads rows that nobody wrote: they are refused, or they are rows that
// are read the same when written again; nothing panics.
func FuzzRow(f *testing.F) {
	seen := map[string]bool{}
	for _, s := range history(f) {
		for _, c := range s.Changes() {
			doc, err := c.Doc()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(c.Kind, doc)
			seen[c.Kind] = seen[c.Kind] || doc != nil
		}
	}
	for _, kind := range kinds {
		f.Add(kind, []byte("null"))
		f.Add(kind, []byte("{}"))
		if !seen[kind] {
			f.Errorf("history has no row of kind %s", kind)
		}
	}
	f.Fuzz(func(t *testing.T, kind string, doc []byte) {
		var l network.Loader
		if err := l.Add(kind, doc); err != nil {
			return
		}
		s := l.State(1)
		_ = s.Due()
		text := rows(s)
		_, written, shown := strings.Cut(strings.TrimSuffix(text, "\n"), "\n")
		if !shown {
			return // a row that rows does not show
		}
		var again network.Loader
		if err := again.Add(kind, []byte(written)); err != nil {
			t.Fatalf("read, but written as %s it is not: %v", written, err)
		}
		if got := rows(again.State(1)); got != text {
			t.Errorf("read and written\n%s\nthen\n%s", text, got)
		}
	})
}
