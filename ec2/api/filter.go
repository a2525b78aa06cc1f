package api

import (
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// Filter is one filter of a Describe: its name and what it compares of a row.
type Filter[R any] struct {
	Name   string
	Values func(*Call, R) []string
}

// maxFilterValues is how many values one call may name (AWS: List and filter
// your resources).
const maxFilterValues = 200

// match is one filter of a request: a row passes when any value that it gives
// fits any pattern. Filters of one request must all pass.
type match[R any] struct {
	values   func(*Call, R) []string
	patterns []pattern
}

func (m match[R]) passes(c *Call, row R) bool {
	for _, v := range m.values(c, row) {
		for _, p := range m.patterns {
			if p.matches(v) {
				return true
			}
		}
	}
	return false
}

// matches reads the filters of a request. tags may be nil for what has none.
func matches[R any](known []Filter[R], tags func(*Call, R) network.Tags, sent []wire.Filter) ([]match[R], error) {
	var out []match[R]
	count := 0
	for _, f := range sent {
		if f.Name == nil {
			return nil, &Error{Code: "InvalidParameterValue", Message: "The filter 'null' is invalid"}
		}
		values := valuesOf(known, tags, *f.Name)
		if values == nil {
			return nil, &Error{Code: "InvalidParameterValue", Message: "The filter '" + *f.Name + "' is invalid"}
		}
		if len(f.Values) == 0 {
			return nil, &Error{Code: "InvalidParameterValue", Message: "The filter '" + *f.Name + "' has no values"}
		}
		if count += len(f.Values); count > maxFilterValues {
			return nil, &Error{Code: "FilterLimitExceeded", Message: "The maximum number of filter values specified on a single call is 200"}
		}
		m := match[R]{values: values}
		for _, v := range f.Values {
			m.patterns = append(m.patterns, newPattern(v))
		}
		out = append(out, m)
	}
	return out, nil
}

// valuesOf finds a filter by name, the tag filters included.
func valuesOf[R any](known []Filter[R], tags func(*Call, R) network.Tags, name string) func(*Call, R) []string {
	for _, f := range known {
		if f.Name == name {
			return f.Values
		}
	}
	if tags == nil {
		return nil
	}
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return func(c *Call, row R) []string {
			if v, ok := tags(c, row)[key]; ok {
				return []string{v}
			}
			return nil
		}
	}
	switch name {
	case "tag-key":
		return func(c *Call, row R) []string { return tags(c, row).Keys() }
	case "tag-value":
		return func(c *Call, row R) []string {
			var out []string
			for _, v := range tags(c, row) {
				out = append(out, v)
			}
			return out
		}
	}
	return nil
}

// pattern is a filter value: * stands for any characters, ? for one or none,
// and \ takes the meaning from the character after it (AWS: List and filter your
// resources, wildcards). Case counts.
type pattern struct {
	exact string
	runes []rune // nil when exact; wildcards as the two constants below
}

const (
	anyRunes = -1
	oneRune  = -2
)

func newPattern(s string) pattern {
	if !strings.ContainsAny(s, `*?\`) {
		return pattern{exact: s}
	}
	runes := []rune{}
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
			continue
		case r == '*':
			r = anyRunes
		case r == '?':
			r = oneRune
		}
		runes = append(runes, r)
	}
	if escaped {
		runes = append(runes, '\\')
	}
	return pattern{runes: runes}
}

// matches walks the text once, keeping every position of the pattern that could
// have been reached; so no pattern can make it slow.
func (p pattern) matches(s string) bool {
	if p.runes == nil {
		return p.exact == s
	}
	at := make([]bool, len(p.runes)+1)
	next := make([]bool, len(p.runes)+1)
	at[0] = true
	p.skip(at)
	for _, r := range s {
		clear(next)
		for i, want := range p.runes {
			switch {
			case !at[i]:
			case want == anyRunes:
				next[i] = true
			case want == oneRune || want == r:
				next[i+1] = true
			}
		}
		p.skip(next)
		at, next = next, at
	}
	return at[len(p.runes)]
}

// skip adds the positions that are reached by letting a wildcard stand for nothing.
func (p pattern) skip(at []bool) {
	for i, want := range p.runes {
		if at[i] && want < 0 {
			at[i+1] = true
		}
	}
}

// Yes is a boolean as a filter compares it.
func Yes[B ~bool](b B) []string {
	if b {
		return []string{"true"}
	}
	return []string{"false"}
}

// One is the single value of most filters; an absent one ("") matches nothing.
func One[S ~string](s S) []string {
	if s == "" {
		return nil
	}
	return []string{string(s)}
}

// Absent are filters on what nothing here has.
func Absent[R any](names string) []Filter[R] {
	var out []Filter[R]
	for name := range strings.FieldsSeq(names) {
		out = append(out, Filter[R]{name, func(*Call, R) []string { return nil }})
	}
	return out
}

// By makes a filter.
func By[R any](name string, values func(*Call, R) []string) Filter[R] {
	return Filter[R]{Name: name, Values: values}
}
