package network

import (
	"iter"
	"slices"
	"strings"
)

// row is one thing of a State. A stored row is never changed: an op puts a new
// one, so that pointer equality of two rows means that nothing changed, which
// is what lets readers redo only what they must.
type row interface {
	comparable
	indexed
}

// indexed is what a row tells State's indexes.
type indexed interface {
	key() string
	// links names what this row belongs to or refers to, as "parent" strings;
	// State.refs answers "who links to this?" without a scan.
	links() []string
}

// table is the rows of one kind, in order of key.
type table[V row] struct{ tree[V] }

// refs is the reverse of every row's links.
type refs struct{ links }

// move takes away child's links to gone and adds those to come. A security
// group or a table has hundreds of links of which an op changes one, so what is
// in both is not touched.
func (r *refs) move(by *turn, child string, gone, come []string) {
	still := come
	// Most ops leave the order alone, so the lists have long ends in common.
	for len(gone) > 0 && len(come) > 0 && gone[0] == come[0] {
		gone, come = gone[1:], come[1:]
	}
	for len(gone) > 0 && len(come) > 0 && gone[len(gone)-1] == come[len(come)-1] {
		gone, come = gone[:len(gone)-1], come[:len(come)-1]
	}
	if len(gone)+len(come) == 0 {
		return
	}
	r.own(by)
	for _, parent := range gone {
		// Two routes may go to one target: the last of them takes the link away.
		if !slices.Contains(still, parent) {
			r.m.Delete(link{parent, child})
		}
	}
	for _, parent := range come {
		r.m.Set(link{parent, child})
	}
}

// children are the keys that link to parent and begin with prefix, in order.
func (r refs) children(parent, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for l := range r.from(link{parent, prefix}) {
			if l.parent != parent || !strings.HasPrefix(l.child, prefix) || !yield(l.child) {
				return
			}
		}
	}
}

// parents are what begins with prefix and is linked to, in order, from start on.
func (r refs) parents(start, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for l := range r.from(link{parent: start}) {
			if !strings.HasPrefix(l.parent, prefix) || !yield(l.parent) {
				return
			}
		}
	}
}

// first is the first child of parent with prefix, or "".
func (r refs) first(parent, prefix string) string {
	for c := range r.children(parent, prefix) {
		return c
	}
	return ""
}
