package ec2

import (
	"iter"
	"slices"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// listing is what a Describe needs to know of its noun; ids, filters, pages and
// DryRun then work alike everywhere.
type listing[R any] struct {
	kind    string                        // the prefix of its ids
	key     func(R) string                // of a row: its id
	all     func(*call) iter.Seq[R]       // the caller's, in order of id
	get     func(*call, string) (R, bool) // by id, if the caller may see it
	tags    func(*call, R) network.Tags   // nil when it has none
	filters []filter[R]
	pages   pages
}

// query is the part of a Describe request that all of them have.
type query struct {
	ids        []string
	filters    []wire.Filter
	maxResults *int64
	nextToken  *string
}

// rows finds what the query asks for, and the token for the next page.
func (l listing[R]) rows(c *call, q query) ([]R, *string, error) {
	want, err := matches(l.filters, l.tags, q.filters)
	if err != nil {
		return nil, nil, err
	}
	if err := c.verdict(nil); err != nil {
		return nil, nil, err // AWS answers DryRun before it looks at the page size
	}
	size, err := l.pages.size(q.ids, q.maxResults)
	if err != nil {
		return nil, nil, err
	}
	last, err := l.pages.after(c.action, q.nextToken)
	if err != nil {
		return nil, nil, err
	}
	candidates, err := l.candidates(c, q.ids)
	if err != nil {
		return nil, nil, err
	}
	var rows []R
	for row := range candidates {
		if passesAll(c, row, want) {
			rows = append(rows, row)
		}
	}
	rows, token := page(c, rows, l.key, size, last)
	return rows, token, nil
}

func passesAll[R any](c *call, row R, want []match[R]) bool {
	for _, m := range want {
		if !m.passes(c, row) {
			return false
		}
	}
	return true
}

// candidates are the rows named by id, each once, or all.
func (l listing[R]) candidates(c *call, ids []string) (iter.Seq[R], error) {
	if len(ids) == 0 {
		return l.all(c), nil
	}
	var rows []R
	var unknown []string
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for _, id := range ids {
		if !network.WellFormed(id, l.kind) {
			return nil, invalidID(id, l.kind)
		}
		row, ok := l.get(c, id)
		if !ok {
			unknown = append(unknown, id)
			continue
		}
		rows = append(rows, row)
	}
	if len(unknown) > 0 {
		return nil, c.notFound(unknown)
	}
	return slices.Values(rows), nil
}

// filterNames are the filters for the coverage table.
func (l listing[R]) filterNames() []string {
	var out []string
	for _, f := range l.filters {
		out = append(out, f.name)
	}
	if l.tags != nil {
		out = append(out, "tag:<key>", "tag-key")
	}
	return out
}
