package wire

import "fmt"

// Kind says what is wrong with a request before anyone has looked at what it
// asks for.
type Kind uint8

// The kinds, in the order in which they are reported when there are several.
const (
	Malformed Kind = iota + 1 // not a form, or one key twice
	Illegal                   // a character that XML cannot carry
	Unknown                   // a parameter that the operation does not have
	BadValue                  // not a number, not a boolean, not one of the enum
	Missing                   // a required parameter that is not there
)

// Problem is one thing wrong with the parameters of a request.
type Problem struct {
	Kind  Kind
	Param string   // the key as sent, or as it should have been
	Value string   // of a BadValue
	Want  string   // of a BadValue: "boolean", "integer", "timestamp", "base64", "enum"
	Enum  []string // of a BadValue of an enum: what would have been right
}

// Error is for logs and tests; ec2 finds AWS's words.
func (p *Problem) Error() string {
	return fmt.Sprintf("problem %d with parameter %q, value %q", p.Kind, p.Param, p.Value)
}
