package linux

import "fmt"

// Book remembers the numbers by which the kernel knows things that have names:
// links, routing tables, conntrack zones. Established flows depend on them, so
// a number stays with its name for as long as the name is in use, also over a
// restart: the book is itself kept in the kernel, as the set of that name.
// A number is not given out again soon after.
type Book struct {
	numbers map[entry]uint32
	last    [kinds]uint32
	used    map[entry]bool  // since the compilation began
	version uint64          // one more with every change
	pages   map[page]uint64 // the version in which each page changed last
	wrapped [kinds]bool     // numbers are given out a second time
}

// page is as much of the book as is compiled as one: a change of one number must
// not cost what all of them do.
type page struct {
	kind kind
	part uint32
}

func (p page) unit() string { return fmt.Sprintf("book %d.%d", p.kind, p.part) }

func pageOf(k kind, n uint32) page { return page{k, n / 64} }

// entry is a name of one kind.
type entry struct {
	kind kind
	name string
}

type kind uint8

const (
	portKind   kind = iota // an interface's link
	tableKind              // a table of the fabric's routes
	zoneKind               // a conntrack zone
	lostKind               // a cause for which packets are dropped
	subnetKind             // a subnet, to the ARP table
	kinds
)

// The most that there can be of each: ports fit a link index, tables and zones
// what is left for them in a mark and in conntrack.
func (k kind) limit() uint32 {
	return [...]uint32{1<<24 - 1, 1<<14 - 1, 1<<16 - 1, 1<<16 - 1, 1<<16 - 1}[k]
}

// sinkTable is the table of packets that go nowhere. See Desired.
const sinkTable = 1

// NewBook is an empty book.
func NewBook() *Book {
	b := &Book{numbers: map[entry]uint32{}, pages: map[page]uint64{}}
	b.last[tableKind] = sinkTable
	return b
}

// number is the number of a name, a new one when it has none.
func (b *Book) number(k kind, name string) uint32 {
	e := entry{k, name}
	n, ok := b.numbers[e]
	if !ok {
		if n = b.free(k); n == 0 {
			return 0
		}
		b.numbers[e] = n
		b.changed(k, n)
	}
	if b.used != nil {
		b.used[e] = true
	}
	return n
}

// free is the next number of a kind that is not taken; 0 when all are. What has
// the number 0 gets no packets: no table, no zone and no port has it.
func (b *Book) free(k kind) uint32 {
	first := uint32(1)
	if k == tableKind {
		first = sinkTable + 1
	}
	for range 2 {
		var taken map[uint32]bool
		if b.wrapped[k] {
			taken = b.taken(k)
		}
		for n := max(b.last[k]+1, first); n <= k.limit(); n++ {
			if !taken[n] {
				b.last[k] = n
				return n
			}
		}
		b.wrapped[k], b.last[k] = true, 0
	}
	return 0
}

// taken are the numbers of a kind that are in use.
func (b *Book) taken(k kind) map[uint32]bool {
	out := map[uint32]bool{}
	for e, n := range b.numbers {
		if e.kind == k {
			out[n] = true
		}
	}
	return out
}

// begin and end bracket a compilation: what was not asked for is forgotten.
func (b *Book) begin() { b.used = make(map[entry]bool, len(b.numbers)) }

func (b *Book) end() {
	for e := range b.numbers {
		if !b.used[e] {
			b.forget(e)
		}
	}
	b.used = nil
}

// forget takes a name out.
func (b *Book) forget(e entry) {
	if n, ok := b.numbers[e]; ok {
		delete(b.numbers, e)
		b.changed(e.kind, n)
	}
}

func (b *Book) changed(k kind, n uint32) {
	b.version++
	b.pages[pageOf(k, n)] = b.version
}

// bookSet is the set in which the kernel keeps the book.
var bookSet = Set{Family: V4, Name: "book", Fields: []Type{MarkType}}

// BookSet is the set in which the kernel keeps the book.
func BookSet() Set { return bookSet }

// compileBook makes the pages of the book that have changed.
func (j *job) compileBook() {
	stale := map[page][]Element{}
	for at, version := range j.book.pages {
		if old, ok := j.made(at.unit()); !ok || old.from[0] != any(version) {
			stale[at] = nil
		}
	}
	if len(stale) > 0 {
		for e, n := range j.book.numbers {
			at := pageOf(e.kind, n)
			if list, ok := stale[at]; ok {
				stale[at] = append(list, e.element(n))
			}
		}
	}
	for at, version := range j.book.pages {
		if list, ok := stale[at]; ok && len(list) == 0 {
			delete(j.book.pages, at)
			j.remove(at.unit())
			continue
		}
		j.unit(at.unit(), []any{version}, func() *unit { return &unit{Objects: Objects{Elements: stale[at]}} })
	}
}

// element is one entry as an element of bookSet.
func (e entry) element(n uint32) Element {
	return Element{Family: V4, Set: bookSet.Name, Lo: string(key(nil).own(uint32(e.kind)<<24 | n)), Note: e.name}
}

// Restore takes over the numbers in elements read from the kernel's book.
func (b *Book) Restore(elements []Element) error {
	for _, e := range elements {
		if e.Set != bookSet.Name || len(e.Lo) != 4 {
			continue
		}
		v := nativeUint32(e.Lo)
		k, n := kind(v>>24), v&0xffffff
		if k >= kinds || n == 0 || n > k.limit() || e.Note == "" {
			return fmt.Errorf("book has a bad entry %#x %q", v, e.Note)
		}
		b.numbers[entry{k, e.Note}] = n
		b.changed(k, n)
		b.last[k] = max(b.last[k], n)
	}
	return nil
}
