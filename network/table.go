package network

import (
	"iter"
	"slices"
	"strings"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
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

// table is a persistent map in key order: with and without give a new table and
// leave the old one as it was, in O(key length).
type table[V row] struct{ tree *iradix.Tree[V] }

func (t table[V]) get(key string) (V, bool) {
	if t.tree == nil {
		var zero V
		return zero, false
	}
	return t.tree.Get([]byte(key))
}

func (t table[V]) with(v V) table[V] {
	if t.tree == nil {
		t.tree = iradix.New[V]()
	}
	tree, _, _ := t.tree.Insert([]byte(v.key()), v)
	return table[V]{tree}
}

func (t table[V]) without(key string) table[V] {
	if t.tree == nil {
		return t
	}
	tree, _, _ := t.tree.Delete([]byte(key))
	return table[V]{tree}
}

func (t table[V]) len() int {
	if t.tree == nil {
		return 0
	}
	return t.tree.Len()
}

func (t table[V]) all() iter.Seq[V] {
	return func(yield func(V) bool) {
		if t.tree == nil {
			return
		}
		it := t.tree.Root().Iterator()
		for _, v, ok := it.Next(); ok; _, v, ok = it.Next() {
			if !yield(v) {
				return
			}
		}
	}
}

// refs is the reverse of every row's links: "parent>child" strings in order.
type refs struct{ tree *iradix.Tree[struct{}] }

const arrow = ">"

// moved takes away child's links to gone and adds those to come. A security
// group or a table has hundreds of links of which an op changes one, so what is
// in both is not touched.
func (r refs) moved(child string, gone, come []string) refs {
	if r.tree == nil {
		r.tree = iradix.New[struct{}]()
	}
	still := come
	// Most ops leave the order alone, so the lists have long ends in common.
	for len(gone) > 0 && len(come) > 0 && gone[0] == come[0] {
		gone, come = gone[1:], come[1:]
	}
	for len(gone) > 0 && len(come) > 0 && gone[len(gone)-1] == come[len(come)-1] {
		gone, come = gone[:len(gone)-1], come[:len(come)-1]
	}
	for _, parent := range gone {
		// Two routes may go to one target: the last of them takes the link away.
		if !slices.Contains(still, parent) {
			r.tree, _, _ = r.tree.Delete([]byte(parent + arrow + child))
		}
	}
	for _, parent := range come {
		r.tree, _, _ = r.tree.Insert([]byte(parent+arrow+child), struct{}{})
	}
	return r
}

// children are the keys that link to parent and begin with prefix, in order.
func (r refs) children(parent, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if r.tree == nil {
			return
		}
		it := r.tree.Root().Iterator()
		it.SeekPrefix([]byte(parent + arrow + prefix))
		for k, _, ok := it.Next(); ok; k, _, ok = it.Next() {
			if !yield(string(k[len(parent)+len(arrow):])) {
				return
			}
		}
	}
}

// from are the "parent>child" strings that begin with prefix, in order, from
// start on.
func (r refs) from(start, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if r.tree == nil {
			return
		}
		it := r.tree.Root().Iterator()
		it.SeekLowerBound([]byte(start))
		for k, _, ok := it.Next(); ok && strings.HasPrefix(string(k), prefix); k, _, ok = it.Next() {
			if !yield(string(k)) {
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
