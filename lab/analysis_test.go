package lab

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// The lab must not agree with an analyzer that leaves a cause out, turns the order
// around, or says nothing.
func TestAnAnalyzerThatIsWrongIsSeen(t *testing.T) {
	want := []string{"NO_ROUTE_TO_DESTINATION rtb-1", "SG_HAS_NO_RULES sg-1"}
	right := func(a asked) bool { return !a.found && slices.Equal(a.causes, want) }
	good := asked{family: "IPv4", causes: want}
	if c := verdictOf("why", []asked{good, good}, right); !c.OK {
		t.Errorf("a right answer: %+v", c)
	}
	for _, bad := range []asked{
		{family: "IPv6", causes: want[:1]},
		{family: "IPv6", causes: []string{want[1], want[0]}},
		{family: "IPv6", found: true},
		{family: "IPv6", causes: want, err: errors.New("refused")},
	} {
		if c := verdictOf("why", []asked{good, bad}, right); c.OK || !strings.HasPrefix(c.Seen, "IPv6: ") {
			t.Errorf("%+v is taken for right: %+v", bad, c)
		}
	}
}
