package network

import "testing"

func TestEveryCodeHasANameOfItsOwn(t *testing.T) {
	if len(codeNames) != int(codesEnd) {
		t.Fatalf("%d names for %d codes", len(codeNames), codesEnd)
	}
	seen := map[string]Code{}
	for c := range Codes() {
		other, twice := seen[c.String()]
		if c.String() == "" || twice {
			t.Errorf("code %d is named %q, as is %d", c, c, other)
		}
		seen[c.String()] = c
	}
}

func TestErrorTextNamesTheThingTheRuleAndTheOtherThing(t *testing.T) {
	for err, want := range map[error]string{
		fail(NotFound, "vpc-1"):              "vpc-1: not found",
		failWith(InUse, "vpc-1", "subnet-2"): "vpc-1: in use (subnet-2)",
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
