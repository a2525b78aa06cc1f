package wire

import (
	"cmp"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxParams bounds what one request may ask to have sorted and walked. AWS
// takes a thousand ids a call; a thousand rules of ten parameters each is the
// most that a real client has reason to send.
const maxParams = 20_000

// Form is the parameters of one request, sorted so that the members of one
// structure and the elements of one list stand together. Decoding is then one
// walk, whatever order they were sent in.
type Form struct {
	params []Param
}

// ParseForm reads one or more application/x-www-form-urlencoded texts (the query
// string and the body) as one form.
func ParseForm(texts ...string) (Form, *Problem) {
	var f Form
	for _, text := range texts {
		for text != "" {
			var pair string
			pair, text, _ = strings.Cut(text, "&")
			if pair == "" {
				continue
			}
			if len(f.params) == maxParams {
				return Form{}, &Problem{Kind: Malformed}
			}
			p, problem := parseParam(pair)
			if problem != nil {
				return Form{}, problem
			}
			f.params = append(f.params, p)
		}
	}
	slices.SortFunc(f.params, func(a, b Param) int { return compareKeys(a.Key, b.Key) })
	for i := 1; i < len(f.params); i++ {
		if f.params[i].Key == f.params[i-1].Key {
			return Form{}, &Problem{Kind: Malformed, Param: f.params[i].Key}
		}
	}
	return f, nil
}

func parseParam(pair string) (Param, *Problem) {
	key, value, _ := strings.Cut(pair, "=")
	k, err := url.QueryUnescape(key)
	if err != nil || k == "" {
		return Param{}, &Problem{Kind: Malformed}
	}
	v, err := url.QueryUnescape(value)
	if err != nil {
		return Param{}, &Problem{Kind: Malformed, Param: k}
	}
	if !legal(k) || !legal(v) {
		return Param{}, &Problem{Kind: Illegal, Param: strings.ToValidUTF8(k, "?")}
	}
	return Param{k, v}, nil
}

// legal says whether XML 1.0 can carry the text; what a client stores must be
// able to come back in an answer.
func legal(s string) bool {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !legalRune(r, n) {
			return false
		}
		i += n
	}
	return true
}

func legalRune(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size == 1:
		return false
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	}
	return r != 0xFFFE && r != 0xFFFF
}

// Get returns the value of exactly this key.
func (f Form) Get(key string) (string, bool) {
	i, ok := slices.BinarySearchFunc(f.params, key, func(p Param, key string) int { return compareKeys(p.Key, key) })
	if !ok {
		return "", false
	}
	return f.params[i].Value, true
}

// Without returns the form less the keys that belong to the protocol (Action,
// Version) or to the signature, and not to the operation.
func (f Form) Without(drop func(key string) bool) Form {
	kept := make([]Param, 0, len(f.params))
	for _, p := range f.params {
		if !drop(p.Key) {
			kept = append(kept, p)
		}
	}
	return Form{kept}
}

// Param is one parameter as it was sent.
type Param struct {
	Key, Value string
}

// Paths are the parameters in order, each with its key less the list indices:
// "TagSpecification.1.Tag.2.Key" is "TagSpecification.Tag.Key".
func (f Form) Paths() iter.Seq2[string, Param] {
	return func(yield func(string, Param) bool) {
		for _, p := range f.params {
			if !yield(path(p.Key), p) {
				return
			}
		}
	}
}

func path(key string) string {
	if strings.IndexByte(key, '.') < 0 {
		return key
	}
	var b strings.Builder
	for segment := range strings.SplitSeq(key, ".") {
		if _, ok := index(segment); ok {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(segment)
	}
	return b.String()
}

// index reads a list index. AWS counts from 1; gaps are allowed, a leading zero
// is not, or two spellings would name one element.
func index(segment string) (int, bool) {
	if segment == "" || segment[0] < '1' || segment[0] > '9' || len(segment) > 9 {
		return 0, false
	}
	n, err := strconv.ParseUint(segment, 10, 32)
	return int(n), err == nil
}

// compareKeys orders segment by segment, list indices by number and before
// names, so that "Tag.10" follows "Tag.9" and "Tag.1.Key" stays beside
// "Tag.1.Value" whatever else begins with "Tag".
func compareKeys(a, b string) int {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		if x != y {
			i, numA := index(x)
			j, numB := index(y)
			switch {
			case numA && numB:
				return cmp.Compare(i, j)
			case numA:
				return -1
			case numB:
				return 1
			}
			return strings.Compare(x, y)
		}
		if !moreA || !moreB {
			return compareBool(moreA, moreB)
		}
		a, b = restA, restB
	}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
