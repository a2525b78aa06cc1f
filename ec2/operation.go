package ec2

import (
	"reflect"

	"tombolo/ec2/wire"
)

// operation is one action of the API as this server answers it.
type operation struct {
	name    string
	params  params
	rules   rules
	request reflect.Type // of the wire structure: read by tests and the coverage table only
	run     func(*call, wire.Form) (wire.Response, error)
}

// op makes an operation of a handler that answers with a result of its own.
func op[I, O any, PI wire.Request[I], PO interface {
	*O
	wire.Response
}](name string, handle func(*call, *I) (*O, error), p params) operation {
	return operation{name: name, params: p, rules: p.rules(), request: reflect.TypeFor[I](),
		run: func(c *call, f wire.Form) (wire.Response, error) {
			in, problem := wire.Decode[I, PI](f)
			if problem != nil {
				return nil, problemError(problem)
			}
			out, err := handle(c, in)
			if err = c.verdict(err); err != nil {
				return nil, err
			}
			return PO(out), nil
		}}
}

// void makes an operation of a handler that only says yes or no.
func void[I any, PI wire.Request[I]](name string, handle func(*call, *I) error, p params) operation {
	return operation{name: name, params: p, rules: p.rules(), request: reflect.TypeFor[I](),
		run: func(c *call, f wire.Form) (wire.Response, error) {
			in, problem := wire.Decode[I, PI](f)
			if problem != nil {
				return nil, problemError(problem)
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
