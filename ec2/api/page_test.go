package api

import (
	"slices"
	"strconv"
	"testing"
)

func TestEachDescribePagesInItsOwnWords(t *testing.T) {
	for _, c := range []struct {
		pages Pages
		ids   []string
		n     int64
		want  string
	}{
		{PlainPages(5, 1000, "VpcIds"), nil, 4, "InvalidParameterValue: Value ( 4 ) for parameter MaxResults is invalid. Expecting a value greater than or equal to 5."},
		{PlainPages(5, 100, ""), nil, 1000, "InvalidParameterValue: Value ( 1000 ) for parameter MaxResults is invalid. Expecting a value smaller than or equal to 100."},
		{PlainPages(5, 100, ""), []string{"x"}, 50, ""},
		{PlainPages(5, 1000, "VpcIds"), nil, -5, "InvalidParameterValue: Value ( -5 ) for parameter MaxResults is invalid. Expecting a value greater than or equal to 5."},
		{OldPages("instancesSet"), nil, 2, "InvalidParameterValue: Value ( 2 ) for parameter maxResults is invalid. Expecting a value greater than 5."},
		{OldPages("instancesSet"), []string{"i-1"}, 2, "InvalidParameterCombination: The parameter instancesSet cannot be used with the parameter maxResults"},
		{OldPages("securityGroupIdSet"), nil, 1001, "InvalidParameterValue: Value ( 1001 ) for parameter maxResults is invalid. Expecting a value smaller than 1000."},
		{RulePages(), []string{"sgr-1"}, 5, "InvalidParameterCombination: The parameter 'securityGroupRuleIds' may not be used in combination with 'maxResults'."},
		{ValidatedPages(5, 1000), nil, 4, "InvalidParameter: 1 validation error detected: Value '4' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 5"},
		{TypePages(), nil, 4, "InvalidMaxResults: Value ( 4 ) for parameter maxResults is invalid. Expecting a value from ( 5 ) to  ( 100 )."},
		{TypePages(), nil, 5, ""},
		{TypePages(), nil, 100, ""},
	} {
		size, err := c.pages.size(c.ids, &c.n)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want || err == nil && int64(size) != c.n {
			t.Errorf("%d: %q, want %q", c.n, got, c.want)
		}
	}
	if size, err := TypePages().size([]string{"x"}, nil); size != 0 || err != nil {
		t.Errorf("no MaxResults: %d, %v", size, err)
	}
}

func TestATokenIsGoodForItsOwnOperationOnly(t *testing.T) {
	token := pageToken("DescribeVpcs", "vpc-1")
	if last, err := PlainPages(5, 1000, "").after("DescribeVpcs", token); last != "vpc-1" || err != nil {
		t.Errorf("%q, %v", last, err)
	}
	for _, bad := range []string{*token, "garbage", "====", "RGVzY3JpYmVWcGNz"} {
		_, err := RulePages().after("DescribeSecurityGroupRules", &bad)
		if want := "InvalidPaginationToken: Next token '" + bad + "' is invalid"; err == nil || err.Error() != want {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if last, err := RulePages().after("DescribeSecurityGroupRules", new("")); last != "" || err != nil {
		t.Errorf("an empty token: %q, %v", last, err)
	}
}

func TestAPageBeginsAfterTheLastRowGivenEvenIfThatIsGone(t *testing.T) {
	rows := []int{10, 20, 30, 40}
	key := strconv.Itoa
	c := &Call{Action: "DescribeThings"}
	for _, p := range []struct {
		size int
		last string
		want []int
		more bool
	}{
		{0, "", []int{10, 20, 30, 40}, false},
		{2, "", []int{10, 20}, true},
		{2, "20", []int{30, 40}, false},
		{2, "15", []int{20, 30}, true},
		{5, "40", nil, false},
		{4, "", []int{10, 20, 30, 40}, false},
	} {
		got, token := page(c, rows, key, p.size, p.last)
		if !slices.Equal(got, p.want) || (token != nil) != p.more {
			t.Errorf("%+v: %v, %v", p, got, token)
		}
	}
}
