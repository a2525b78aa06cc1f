package ssm

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strings"

	"tombolo/network"
)

// call is one request on its way through an operation.
type call struct {
	context.Context
	caller network.Caller
	http   *http.Request
}

// operation is one of AWS's operations as it is served here.
type operation struct {
	name    string
	request any // the zero request
	serve   func(s *Service, c *call, body []byte) (any, error)
	notes   []note
}

// note says what becomes of members that are not obeyed. The rest is enforced.
type note struct {
	members string // names, with spaces between
	refused bool
	why     string
}

// stored members are accepted and returned where AWS returns them, without effect.
func stored(members, why string) note { return note{members, false, why} }

// refuses members: a request that asks for something by them is answered with the
// sentence.
func refuses(members, why string) note { return note{members, true, why} }

// on makes a row of operations.
func on[Q any](name string, serve func(*Service, *call, *Q) (any, error), notes ...note) operation {
	return operation{name: name, request: *new(Q), notes: notes, serve: func(s *Service, c *call, body []byte) (any, error) {
		q := new(Q)
		if err := decode(body, q); err != nil {
			return nil, err
		}
		for _, n := range notes {
			if err := n.check(reflect.ValueOf(q).Elem()); err != nil {
				return nil, err
			}
		}
		return serve(s, c, q)
	}}
}

func (n note) check(q reflect.Value) error {
	for _, member := range strings.Fields(n.members) {
		if n.refused && asks(q.FieldByName(member)) {
			return invalid("%s is not supported here: %s.", member, n.why)
		}
	}
	return nil
}

// asks says whether a value asks for anything: an empty list does not, nor does a
// structure of which every member is empty.
func asks(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && asks(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if asks(v.Field(i)) {
				return true
			}
		}
		return false
	case reflect.Slice, reflect.Map:
		return v.Len() > 0
	}
	return !v.IsZero()
}

// operations are all that are served.
func operations() []operation {
	all := slices.Concat(sessionOperations(), instanceOperations(), documentOperations(), tagOperations(), commandOperations(), parameterOperations())
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all
}

// unserved words the answer to what is not served. AWS's own operations are told
// from those that do not exist.
func unserved(name string) error {
	if slices.Contains(strings.Fields(everyOperation), name) {
		return fail("UnsupportedOperationException", "The operation %s is not served here.", name)
	}
	return fail("UnknownOperationException", "%s", fmt.Sprintf("There is no operation %q.", name))
}
