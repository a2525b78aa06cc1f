package api

import (
	"reflect"

	"tombolo/ec2/wire"
)

// Operation is one action of the API as this server answers it.
type Operation struct {
	Name    string
	Params  Params
	Request reflect.Type // of the wire structure: read by tests and the coverage table only
	rules   rules
	run     func(*Call, wire.Form) (wire.Response, error)
}

// Covers reports whether a parameter, named by its path, has a class.
func (o Operation) Covers(path string) bool { return o.rules.of(path).class != unclassed }

// Run carries the operation out for a caller. Parameters that are refused are
// refused before anything else is looked at.
func (o Operation) Run(c *Call, f wire.Form) (wire.Response, error) {
	if err := o.rules.check(f); err != nil {
		return nil, err
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	return o.run(c, f)
}

// Op makes an operation of a handler that answers with a result of its own.
func Op[I, O any, PI wire.Request[I], PO interface {
	*O
	wire.Response
}](name string, handle func(*Call, *I) (*O, error), p Params) Operation {
	return Operation{Name: name, Params: p, rules: p.rules(), Request: reflect.TypeFor[I](),
		run: func(c *Call, f wire.Form) (wire.Response, error) {
			in, problem := wire.Decode[I, PI](f)
			if problem != nil {
				return nil, ProblemError(problem)
			}
			out, err := handle(c, in)
			if err = c.verdict(err); err != nil {
				return nil, err
			}
			return PO(out), nil
		}}
}

// Void makes an operation of a handler that only says yes or no.
func Void[I any, PI wire.Request[I]](name string, handle func(*Call, *I) error, p Params) Operation {
	return Operation{Name: name, Params: p, rules: p.rules(), Request: reflect.TypeFor[I](),
		run: func(c *Call, f wire.Form) (wire.Response, error) {
			in, problem := wire.Decode[I, PI](f)
			if problem != nil {
				return nil, ProblemError(problem)
			}
			if err := c.verdict(handle(c, in)); err != nil {
				return nil, err
			}
			return returnTrue{}, nil
		}}
}

// returnTrue is the answer of operations that AWS's model gives no result.
type returnTrue struct{}

func (returnTrue) AppendXML(b []byte) []byte { return append(b, "<return>true</return>"...) }
