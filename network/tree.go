package network

import (
	"iter"
	"strings"

	"github.com/tidwall/btree"
)

// degree is half of what a node of a tree holds at most: a change copies one node
// a level. Decision 0120 has what others cost.
const degree = 12

// turn is one op at work. Trees that it has made its own it may write to until it
// is over; all others belong to some State, and a State never changes.
type turn struct {
	over    bool
	reading int // iterations under way: what they walk through must not be written to
}

// mayWrite reports whether a tree that belongs to by is t's to write to.
func (t *turn) mayWrite(by *turn) bool { return t != nil && t == by && !t.over && t.reading == 0 }

// read brackets an iteration over a tree of t's; done ends it. Once a turn is over
// its trees belong to States, which any number of goroutines read.
func (t *turn) read() (done func()) {
	if t == nil || t.over {
		return func() {}
	}
	t.reading++
	return func() { t.reading-- }
}

// tree is a persistent map in order of key. The zero tree is empty.
type tree[V any] struct {
	m  *btree.Map[string, V]
	by *turn // who may write to m
}

// own makes t one that by may write to.
func (t *tree[V]) own(by *turn) {
	switch {
	case t.m == nil:
		t.m = btree.NewMap[string, V](degree)
	case !by.mayWrite(t.by):
		// Copy gives both sides a new owner's number, that is, it writes to its
		// receiver, which a State's readers may be copying too. So it gets a receiver
		// that nobody else sees.
		unseen := *t.m
		t.m = unseen.Copy()
	}
	t.by = by
}

func (t *tree[V]) set(by *turn, key string, v V) {
	t.own(by)
	t.m.Set(key, v)
}

func (t *tree[V]) delete(by *turn, key string) {
	if t.m == nil {
		return
	}
	t.own(by)
	t.m.Delete(key)
}

func (t tree[V]) get(key string) (V, bool) {
	if t.m == nil {
		var none V
		return none, false
	}
	return t.m.Get(key)
}

func (t tree[V]) len() int {
	if t.m == nil {
		return 0
	}
	return t.m.Len()
}

// first is the value of the least key.
func (t tree[V]) first() (v V, ok bool) {
	if t.m == nil {
		return v, false
	}
	_, v, ok = t.m.Min()
	return v, ok
}

func (t tree[V]) all() iter.Seq[V] { return t.under("") }

// under are the values whose keys begin with prefix, in order of key.
func (t tree[V]) under(prefix string) iter.Seq[V] {
	return func(yield func(V) bool) {
		if t.m == nil {
			return
		}
		defer t.by.read()()
		t.m.Ascend(prefix, func(key string, v V) bool { return strings.HasPrefix(key, prefix) && yield(v) })
	}
}

// link says that child belongs to or refers to parent.
type link struct{ parent, child string }

func (l link) before(o link) bool {
	if c := strings.Compare(l.parent, o.parent); c != 0 {
		return c < 0
	}
	return l.child < o.child
}

// links is a persistent set of links, in order. The zero links are empty. The
// strings are those of rows, so that a link costs no more than its place.
type links struct {
	m  *btree.BTreeG[link]
	by *turn
}

// own is as tree's.
func (l *links) own(by *turn) {
	switch {
	case l.m == nil:
		l.m = btree.NewBTreeGOptions(link.before, btree.Options{Degree: degree, NoLocks: true})
	case !by.mayWrite(l.by):
		unseen := *l.m
		l.m = unseen.Copy()
	}
	l.by = by
}

// from are the links from start on.
func (l links) from(start link) iter.Seq[link] {
	return func(yield func(link) bool) {
		if l.m == nil {
			return
		}
		defer l.by.read()()
		l.m.Ascend(start, yield)
	}
}
