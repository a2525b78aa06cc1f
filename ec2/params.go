package ec2

import (
	"strings"

	"tombolo/ec2/wire"
)

// params says what becomes of every parameter that AWS's model gives an
// operation. A parameter is named by its path on the wire without list indices
// ("TagSpecification.Tag.Key"); a path speaks for everything below it that has
// no path of its own. What is in no class fails TestEveryParameterHasAClass, and
// docs/coverage.md is written from here. DryRun is enforced everywhere.
type params struct {
	enforced string   // paths, separated by spaces: obeyed as AWS obeys them
	stored   string   // kept or ignored without effect; never what concerns the network
	refused  []refuse // answered with a sentence when sent
	filters  []string // names of the filters that a Describe knows, for the coverage table
}

// refuse is a class of parameters that would not do what they say.
type refuse struct {
	paths  string // separated by spaces
	unless string // a value that asks for nothing ("false") and may pass
	why    string // a sentence, without the parameter's name
}

// class is what becomes of a parameter.
type class uint8

const (
	unclassed class = iota
	enforced
	stored
	refused
)

// rule is the class of one path.
type rule struct {
	class  class
	refuse refuse
}

// rules is params as a map, ready for requests.
type rules map[string]rule

func (p params) rules() rules {
	r := rules{"DryRun": {class: enforced}}
	for path := range strings.FieldsSeq(p.enforced) {
		r[path] = rule{class: enforced}
	}
	for path := range strings.FieldsSeq(p.stored) {
		r[path] = rule{class: stored}
	}
	for _, no := range p.refused {
		for path := range strings.FieldsSeq(no.paths) {
			r[path] = rule{class: refused, refuse: no}
		}
	}
	return r
}

// of finds the rule for a path: its own, or the nearest one above it.
func (r rules) of(path string) rule {
	for {
		if found, ok := r[path]; ok {
			return found
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return rule{}
		}
		path = path[:i]
	}
}

// check answers the first refused parameter of the form.
func (r rules) check(f wire.Form) error {
	for path, p := range f.Paths() {
		if no := r.of(path); no.class == refused && (no.refuse.unless == "" || p.Value != no.refuse.unless) {
			return &Error{Code: "UnsupportedOperation", Message: "The parameter " + p.Key + " is not supported: " + no.refuse.why + "."}
		}
	}
	return nil
}
