package api

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Pages is how one Describe pages: AWS gives each its own range and its own
// words. In the messages {n} is the number asked for, {token} the token.
type Pages struct {
	min, max  int64
	low, high answer
	withIDs   answer // ids and MaxResults together; the zero answer allows it
	token     answer
}

// answer is an error's code and message.
type answer struct{ code, message string }

func (a answer) error(placeholder, value string) *Error {
	return &Error{Code: a.code, Message: strings.ReplaceAll(a.message, placeholder, value)}
}

// PlainPages is how most of EC2 pages; ids is what the operation calls its list
// of ids in its own error, or "" where ids may be paged.
func PlainPages(min, max int64, ids string) Pages {
	lo, hi := strconv.FormatInt(min, 10), strconv.FormatInt(max, 10)
	p := Pages{
		min: min, max: max,
		low:   answer{"InvalidParameterValue", "Value ( {n} ) for parameter MaxResults is invalid. Expecting a value greater than or equal to " + lo + "."},
		high:  answer{"InvalidParameterValue", "Value ( {n} ) for parameter MaxResults is invalid. Expecting a value smaller than or equal to " + hi + "."},
		token: answer{"InvalidParameterValue", "Value ( {token} ) for parameter NextToken is invalid. The token is invalid."},
	}
	if ids != "" {
		p.withIDs = answer{"InvalidParameterCombination", "The parameter " + ids + " cannot be used with the parameter MaxResults"}
	}
	return p
}

// size checks MaxResults and returns the size of a page; 0 is everything.
func (p Pages) size(ids []string, maxResults *int64) (int, error) {
	if maxResults == nil {
		return 0, nil
	}
	n := *maxResults
	asked := strconv.FormatInt(n, 10)
	switch {
	case len(ids) > 0 && p.withIDs.code != "":
		return 0, p.withIDs.error("{n}", asked)
	case n < p.min:
		return 0, p.low.error("{n}", asked)
	case n > p.max:
		return 0, p.high.error("{n}", asked)
	}
	return int(n), nil
}

// A page's token names the last row given, not a count: rows that come or go
// between two pages make none appear twice or be missed.

func pageToken(action, last string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(action + " " + last)))
}

func (p Pages) after(action string, token *string) (last string, err error) {
	if Value(token) == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	made, last, ok := strings.Cut(string(raw), " ")
	if err != nil || !ok || made != action {
		return "", p.token.error("{token}", *token)
	}
	return last, nil
}

// page cuts the rows after last, at most size of them, and the token for more.
// The rows must be in order of key.
func page[R any](c *Call, rows []R, key func(R) string, size int, last string) ([]R, *string) {
	if last != "" {
		i, found := slices.BinarySearchFunc(rows, last, func(r R, last string) int { return strings.Compare(key(r), last) })
		if found {
			i++
		}
		rows = rows[i:]
	}
	if size == 0 || len(rows) <= size {
		return rows, nil
	}
	return rows[:size], pageToken(c.Action, key(rows[size-1]))
}

// OldPages is how DescribeInstances and DescribeSecurityGroups page: 5 to 1000,
// in words of their own. ids is their name for the list of ids.
func OldPages(ids string) Pages {
	return Pages{
		min: 5, max: 1000,
		low:     answer{"InvalidParameterValue", "Value ( {n} ) for parameter maxResults is invalid. Expecting a value greater than 5."},
		high:    answer{"InvalidParameterValue", "Value ( {n} ) for parameter maxResults is invalid. Expecting a value smaller than 1000."},
		withIDs: answer{"InvalidParameterCombination", "The parameter " + ids + " cannot be used with the parameter maxResults"},
		token:   answer{"InvalidParameterValue", "Value ( {token} ) for parameter nextToken is invalid. The token is invalid."},
	}
}

// RulePages is how DescribeSecurityGroupRules pages.
func RulePages() Pages {
	p := OldPages("")
	p.withIDs = answer{"InvalidParameterCombination", "The parameter 'securityGroupRuleIds' may not be used in combination with 'maxResults'."}
	p.token = answer{"InvalidPaginationToken", "Next token '{token}' is invalid"}
	return p
}

// ValidatedPages is how the younger operations page, DescribeNatGateways among
// them: a validator of AWS's own speaks, and ids may be paged.
func ValidatedPages(min, max int64) Pages {
	const failed = "1 validation error detected: Value '{n}' at 'maxResults' failed to satisfy constraint: Member must have value "
	p := PlainPages(min, max, "")
	p.low = answer{"InvalidParameter", failed + "greater than or equal to " + strconv.FormatInt(min, 10)}
	p.high = answer{"InvalidParameter", failed + "less than or equal to " + strconv.FormatInt(max, 10)}
	return p
}

// TypePages is how DescribeInstanceTypes pages: 5 to 100.
func TypePages() Pages {
	p := PlainPages(5, 100, "")
	p.low = answer{"InvalidMaxResults", "Value ( {n} ) for parameter maxResults is invalid. Expecting a value from ( 5 ) to  ( 100 )."}
	p.high = p.low
	return p
}
