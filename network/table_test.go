package network

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever lists of links a row has had, refs holds exactly those of the last.
func TestRefsAreTheLinksOfTheLastRow(t *testing.T) {
	links := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		var r refs
		var is []string
		for _, next := range rapid.SliceOfN(links, 1, 8).Draw(t, "rows") {
			r.move(new(turn), "child", is, next)
			is = next
			var got []string
			for _, parent := range []string{"a", "b", "c", "d", "e"} {
				if r.first(parent, "") == "child" {
					got = append(got, parent)
				}
			}
			want := slices.Compact(slices.Sorted(slices.Values(is)))
			if !slices.Equal(got, want) {
				t.Fatalf("links are %v, want %v", got, want)
			}
		}
	})
}

// A table keeps its link to a peering as long as one of its routes goes there.
func TestLinkOutlivesOneOfTwoRoutes(t *testing.T) {
	r := newRouted(t)
	linked := func() bool { return r.refs.first(string(r.ab), "rtb-") != "" }
	r.do(r.to("10.1.0.0/17", ToPeering{r.ab}))
	r.do(r.to("10.1.128.0/17", ToPeering{r.ab}))
	r.do(DeleteRoute{r.table, cidr("10.1.0.0/17")})
	if !linked() {
		t.Error("no link though a route is left")
	}
	r.do(DeleteRoute{r.table, cidr("10.1.128.0/17")})
	if linked() {
		t.Error("a link though no route is left")
	}
}
