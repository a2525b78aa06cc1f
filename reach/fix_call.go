package reach

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"

	"tombolo/network"
)

// Call is a call of the EC2 API that makes one change, in the form of a query.
type Call struct {
	Caller network.Caller
	Action string
	Params map[string]string
	Makes  network.PeeringID // NewPeering when this makes what later calls name so, or ""
	Why    string
}

// Calls are the calls of the EC2 API that make a plan's changes, in order: what
// Commands would have the AWS CLI send.
func (p Plan) Calls() []Call {
	out := make([]Call, 0, len(p.Changes))
	for _, c := range p.Changes {
		call := Call{Caller: c.Caller, Params: map[string]string{}, Why: c.Why}
		action, parameters := c.call()
		call.Action = action
		flatten(call.Params, "", reflect.ValueOf(parameters))
		if _, ok := c.Request.(network.RequestPeering); ok {
			call.Makes = NewPeering
		}
		out = append(out, call)
	}
	return out
}

// queryNames are the parameters that a query calls otherwise than the SDKs do.
var queryNames = map[string]string{"InstanceIds": "InstanceId", "IcmpTypeCode": "Icmp"}

// flatten writes a parameter in the form of a query: A.B for a member, A.1 for an
// item (AWS: Query Requests).
func flatten(out map[string]string, at string, v reflect.Value) {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Map:
		if at != "" {
			at += "."
		}
		for _, k := range v.MapKeys() {
			name := k.String()
			flatten(out, at+cmp.Or(queryNames[name], name), v.MapIndex(k))
		}
	case reflect.Slice:
		for i := range v.Len() {
			flatten(out, at+"."+strconv.Itoa(i+1), v.Index(i))
		}
	default:
		out[at] = fmt.Sprint(v.Interface())
	}
}
