package wire

import (
	"slices"
	"strings"
)

// Namespace is the XML namespace of every answer; Version the only version of
// the API there has been since 2016.
const (
	Version   = "2016-11-15"
	Namespace = "http://ec2.amazonaws.com/doc/" + Version + "/"
)

// Action is an operation that AWS's EC2 has.
type Action struct {
	Name  string
	Lists []string // a Describe call that needs no parameter: the lists of its answer
	Typed bool     // whether this package has its request and result
}

// LookupAction finds the operation, and says whether AWS has it at all.
func LookupAction(name string) (Action, bool) {
	i, ok := slices.BinarySearchFunc(actions, name, func(a Action, name string) int { return strings.Compare(a.Name, name) })
	if !ok {
		return Action{}, false
	}
	return actions[i], true
}

// Actions returns the names of all operations of AWS's EC2, sorted.
func Actions() []string {
	names := make([]string, len(actions))
	for i, a := range actions {
		names[i] = a.Name
	}
	return names
}

// AppendXML appends the lists of the action's answer, each empty.
func (a Action) AppendXML(b []byte) []byte {
	for _, name := range a.Lists {
		b = shut(open(b, name), name)
	}
	return b
}
