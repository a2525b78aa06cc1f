package api

import (
	"iter"
	"slices"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// Listing is what a Describe needs to know of its noun; ids, filters, pages and
// DryRun then work alike everywhere.
type Listing[R any] struct {
	Kind    string                        // the prefix of its ids
	Key     func(R) string                // of a row: its id
	All     func(*Call) iter.Seq[R]       // the caller's, in order of id
	Get     func(*Call, string) (R, bool) // by id, if the caller may see it
	Tags    func(*Call, R) network.Tags   // nil when it has none
	Filters []Filter[R]
	Keep    func(R) bool // nil: all; what a Describe has as a parameter and not as a filter
	Pages   Pages
	Lenient bool // an id that names nothing is left out, and no error
}

// Query is the part of a Describe request that all of them have.
type Query struct {
	IDs        []string
	Filters    []wire.Filter
	MaxResults *int64
	NextToken  *string
}

// Rows finds what the query asks for, and the token for the next page.
func (l Listing[R]) Rows(c *Call, q Query) ([]R, *string, error) {
	want, err := matches(l.Filters, l.Tags, q.Filters)
	if err != nil {
		return nil, nil, err
	}
	if err := c.verdict(nil); err != nil {
		return nil, nil, err // AWS answers DryRun before it looks at the page size
	}
	size, err := l.Pages.size(q.IDs, q.MaxResults)
	if err != nil {
		return nil, nil, err
	}
	last, err := l.Pages.after(c.Action, q.NextToken)
	if err != nil {
		return nil, nil, err
	}
	candidates, err := l.candidates(c, q.IDs)
	if err != nil {
		return nil, nil, err
	}
	var rows []R
	for row := range candidates {
		if (l.Keep == nil || l.Keep(row)) && passesAll(c, row, want) {
			rows = append(rows, row)
		}
	}
	rows, token := page(c, rows, l.Key, size, last)
	return rows, token, nil
}

func passesAll[R any](c *Call, row R, want []match[R]) bool {
	for _, m := range want {
		if !m.passes(c, row) {
			return false
		}
	}
	return true
}

// candidates are the rows named by id, each once, or all.
func (l Listing[R]) candidates(c *Call, ids []string) (iter.Seq[R], error) {
	if len(ids) == 0 {
		return l.All(c), nil
	}
	var rows []R
	var unknown []string
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for _, id := range ids {
		if !network.WellFormed(id, l.Kind) {
			return nil, InvalidID(id, l.Kind)
		}
		row, ok := l.Get(c, id)
		if !ok {
			unknown = append(unknown, id)
			continue
		}
		rows = append(rows, row)
	}
	if len(unknown) > 0 && !l.Lenient {
		return nil, c.notFound(unknown)
	}
	return slices.Values(rows), nil
}

// FilterNames are the filters for the coverage table.
func (l Listing[R]) FilterNames() []string {
	var out []string
	for _, f := range l.Filters {
		out = append(out, f.Name)
	}
	if l.Tags != nil {
		out = append(out, "tag:<key>", "tag-key")
	}
	return out
}
