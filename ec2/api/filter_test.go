package api

import (
	"strings"
	"testing"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func TestFilterPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern string
		fits    []string
		not     []string
	}{
		{"vpc", []string{"vpc"}, []string{"", "VPC", "vpcs", "avpc"}},
		{"*", []string{"", "a", "anything at all"}, nil},
		{"a*c", []string{"ac", "abc", "abcbc"}, []string{"a", "c", "acb", "bac"}},
		{"a?c", []string{"ac", "abc"}, []string{"abbc", "a", "c"}}, // ? may stand for nothing
		{"??", []string{"", "a", "ab", "é€"}, []string{"abc"}},
		{`a\*c`, []string{"a*c"}, []string{"abc", "ac", `a\*c`}},
		{`a\?`, []string{"a?"}, []string{"a", "ab"}},
		{`a\\*`, []string{`a\`, `a\b`}, []string{"a", "ab"}},
		{`a\`, []string{`a\`}, []string{"a"}},
		{"*é*", []string{"é", "caféx"}, []string{"e", ""}},
		{"", []string{""}, []string{"a"}},
		{"*a*a*a*a*a*a*a*a*a*b", nil, []string{strings.Repeat("a", 5000)}},
	} {
		p := newPattern(c.pattern)
		for _, s := range c.fits {
			if !p.matches(s) {
				t.Errorf("%q does not fit %q", c.pattern, s)
			}
		}
		for _, s := range c.not {
			if p.matches(s) {
				t.Errorf("%q fits %q", c.pattern, s)
			}
		}
	}
}

// row is something to filter.
type row struct {
	colours []string
	tags    network.Tags
}

var rowFilters = []Filter[row]{{"colour", func(_ *Call, r row) []string { return r.colours }}}

func rowTags(_ *Call, r row) network.Tags { return r.tags }

func TestFiltersAreAndedAndTheirValuesOred(t *testing.T) {
	both := row{[]string{"red", "blue"}, network.Tags{"Name": "db", "env": ""}}
	for _, c := range []struct {
		filters []wire.Filter
		want    bool
	}{
		{nil, true},
		{[]wire.Filter{{Name: new("colour"), Values: []string{"red"}}}, true},
		{[]wire.Filter{{Name: new("colour"), Values: []string{"green", "bl*"}}}, true},
		{[]wire.Filter{{Name: new("colour"), Values: []string{"green"}}}, false},
		{[]wire.Filter{{Name: new("colour"), Values: []string{"red"}}, {Name: new("colour"), Values: []string{"blue"}}}, true},
		{[]wire.Filter{{Name: new("colour"), Values: []string{"red"}}, {Name: new("tag:Name"), Values: []string{"web"}}}, false},
		{[]wire.Filter{{Name: new("tag:Name"), Values: []string{"db"}}}, true},
		{[]wire.Filter{{Name: new("tag:name"), Values: []string{"db"}}}, false},
		{[]wire.Filter{{Name: new("tag:env"), Values: []string{""}}}, true},
		{[]wire.Filter{{Name: new("tag:none"), Values: []string{""}}}, false},
		{[]wire.Filter{{Name: new("tag-key"), Values: []string{"env"}}}, true},
		{[]wire.Filter{{Name: new("tag-key"), Values: []string{"db"}}}, false},
		{[]wire.Filter{{Name: new("tag-value"), Values: []string{"db"}}}, true},
	} {
		m, err := matches(rowFilters, rowTags, c.filters)
		if err != nil {
			t.Fatal(err)
		}
		if got := passesAll(nil, both, m); got != c.want {
			t.Errorf("%+v: %v", c.filters, got)
		}
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	for want, filters := range map[string][]wire.Filter{
		"InvalidParameterValue: The filter 'shape' is invalid":     {{Name: new("shape"), Values: []string{"x"}}},
		"InvalidParameterValue: The filter 'Colour' is invalid":    {{Name: new("Colour"), Values: []string{"x"}}},
		"InvalidParameterValue: The filter 'null' is invalid":      {{Values: []string{"x"}}},
		"InvalidParameterValue: The filter 'colour' has no values": {{Name: new("colour")}},
		"FilterLimitExceeded: The maximum number of filter values specified on a single call is 200": {
			{Name: new("colour"), Values: make([]string, 150)}, {Name: new("tag:a"), Values: make([]string, 51)}},
	} {
		if _, err := matches(rowFilters, rowTags, filters); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := matches(rowFilters, nil, []wire.Filter{{Name: new("tag:a"), Values: []string{"x"}}}); err == nil {
		t.Error("a tag filter on what has no tags is accepted")
	}
}
