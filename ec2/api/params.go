package api

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"tombolo/ec2/wire"
)

// Params says what becomes of every parameter that AWS's model gives an
// operation. A parameter is named by its path on the wire without list indices
// ("TagSpecification.Tag.Key"); a path speaks for everything below it that has
// no path of its own. What is in no class fails TestEveryParameterHasAClass, and
// docs/coverage.md is written from here. DryRun is enforced everywhere.
type Params struct {
	Enforced string   // paths, separated by spaces: obeyed as AWS obeys them
	Stored   string   // kept or ignored without effect; never what concerns the network
	Refused  []Refuse // answered with a sentence when sent
	Filters  []string // names of the filters that a Describe knows, for the coverage table
}

// Refuse is a class of parameters that would not do what they say.
type Refuse struct {
	Paths  string // separated by spaces
	Unless string // a value that asks for nothing ("false") and may pass
	Why    string // a sentence, without the parameter's name
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
	refuse Refuse
}

// rules is Params as a map, ready for requests.
type rules map[string]rule

func (p Params) rules() rules {
	r := rules{"DryRun": {class: enforced}}
	for path := range strings.FieldsSeq(p.Enforced) {
		r[path] = rule{class: enforced}
	}
	for path := range strings.FieldsSeq(p.Stored) {
		r[path] = rule{class: stored}
	}
	for _, no := range p.Refused {
		for path := range strings.FieldsSeq(no.Paths) {
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

// CheckValue answers the first refused parameter of a request that was not read from
// a form: in points to its structure.
func (p Params) CheckValue(in any) error { return p.rules().checkValue("", reflect.ValueOf(in)) }

func (r rules) checkValue(path string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return r.checkValue(path, v.Elem())
	case reflect.Slice:
		for k := range v.Len() {
			if err := r.checkValue(path, v.Index(k)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			break
		}
		for k := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(k).Tag.Get("ec2"), ",")
			if path != "" {
				name = path + "." + name
			}
			if err := r.checkValue(name, v.Field(k)); err != nil {
				return err
			}
		}
		return nil
	}
	if no := r.of(path); no.class == refused && (no.refuse.Unless == "" || fmt.Sprint(v.Interface()) != no.refuse.Unless) {
		return &Error{Code: "UnsupportedOperation", Message: "The parameter " + path + " is not supported: " + no.refuse.Why + "."}
	}
	return nil
}

// check answers the first refused parameter of the form.
func (r rules) check(f wire.Form) error {
	for path, p := range f.Paths() {
		if no := r.of(path); no.class == refused && (no.refuse.Unless == "" || p.Value != no.refuse.Unless) {
			return &Error{Code: "UnsupportedOperation", Message: "The parameter " + p.Key + " is not supported: " + no.refuse.Why + "."}
		}
	}
	return nil
}
