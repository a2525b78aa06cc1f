package tfplan

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// work is one resource being made, changed or deleted. The first error ends it.
type work struct {
	plan   *Plan
	change *change
	of     object
	call   Caller
	err    error
}

// do makes a call, with parameters as name, value, name, value; those without a
// value are left out. It returns the answer.
func (w *work) do(action string, params ...string) string {
	if w.err != nil {
		return ""
	}
	form := url.Values{"Action": {action}}
	for i := 0; i < len(params); i += 2 {
		if params[i+1] != "" {
			form.Set(params[i], params[i+1])
		}
	}
	answer, err := w.call(form.Encode())
	if err != nil {
		w.err = err
	}
	return answer
}

// made notes an attribute of what was made.
func (w *work) made(attribute, value string) {
	if w.err != nil {
		return
	}
	known := w.plan.made[w.change.Address]
	if known == nil {
		known = map[string]string{}
		w.plan.made[w.change.Address] = known
	}
	known[attribute] = value
}

// between is the text of the first element of a name in an answer.
func between(answer, element string) string {
	_, rest, _ := strings.Cut(answer, "<"+element+">")
	text, _, _ := strings.Cut(rest, "</"+element+">")
	return text
}

// get is an attribute's value as text; "" when it has none.
func (w *work) get(attribute string) string {
	if w.err != nil {
		return ""
	}
	if v, ok := text(w.of[attribute]); ok {
		return v
	}
	if w.change.Change.Unknown[attribute] != true || w.computed(attribute) {
		return ""
	}
	found := w.refer(attribute, w.change.expressions[attribute])
	if len(found) != 1 {
		if w.err == nil {
			w.err = &unknown{attribute, strings.Join(references(w.change.expressions[attribute]), ", ")}
		}
		return ""
	}
	return found[0]
}

// computed is whether a value that is not known is the provider's to choose: the
// configuration says nothing of it.
func (w *work) computed(attribute string) bool {
	return w.change.expressions != nil && w.change.expressions[attribute] == nil
}

// list is an attribute's values. Of a list that is not known, what each reference
// gives.
func (w *work) list(attribute string) []string {
	if w.err != nil {
		return nil
	}
	var out []string
	if all, ok := w.of[attribute].([]any); ok {
		for _, one := range all {
			if v, ok := text(one); ok {
				out = append(out, v)
			}
		}
		if len(out) == len(all) && w.change.Change.Unknown[attribute] != true {
			return out
		}
	}
	switch u := w.change.Change.Unknown[attribute].(type) {
	case bool:
		if !u {
			return out
		}
	case nil:
		return out
	}
	if w.computed(attribute) {
		return out
	}
	return w.refer(attribute, w.change.expressions[attribute])
}

// text is a scalar as the API takes it.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, v != ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// references are what an expression of the configuration refers to, the longest
// form of each: aws_vpc.a.id stands before aws_vpc.a.
func references(expression any) []string {
	e, _ := expression.(map[string]any)
	all, _ := e["references"].([]any)
	var out []string
	for _, r := range all {
		s, _ := r.(string)
		if len(out) > 0 && strings.HasPrefix(out[len(out)-1], s) {
			continue
		}
		out = append(out, s)
	}
	return out
}

// refer is what the references of an expression give: what this plan has made, and
// what was there before and is known.
func (w *work) refer(attribute string, expression any) []string {
	var out []string
	for _, r := range references(expression) {
		dot := strings.LastIndexByte(r, '.')
		if dot < 0 {
			continue
		}
		address, wanted := r[:dot], r[dot+1:]
		if v := w.plan.made[w.change.module+address][wanted]; v != "" {
			out = append(out, v)
			continue
		}
		w.err = &unknown{attribute, r}
		return nil
	}
	if len(out) == 0 {
		w.err = &unknown{attribute, strings.Join(references(expression), ", ")}
	}
	return out
}

// blocks are the objects of an attribute that is a list of blocks. A value in one
// that is not known is found by the references of its own expression.
func (w *work) blocks(of object, attribute string) []object {
	all, _ := of[attribute].([]any)
	open, _ := w.change.Change.Unknown[attribute].([]any)
	var out []object
	for i, one := range all {
		fields, ok := one.(map[string]any)
		if !ok {
			continue
		}
		o := maps.Clone(object(fields))
		if i < len(open) {
			unknowns, _ := open[i].(map[string]any)
			for field, u := range unknowns {
				if some, isList := u.([]any); u == true || isList && slices.Contains(some, any(true)) {
					w.fill(o, attribute, field, len(all))
				}
			}
		}
		out = append(out, o)
	}
	if w.err != nil {
		return nil
	}
	return out
}

// fill finds a field of the only block of its kind: of several nobody can say which
// expression is whose, because plans have them in an order of their own.
func (w *work) fill(o object, attribute, field string, of int) {
	expressions, _ := w.change.expressions[attribute].([]any)
	if of != 1 || len(expressions) != 1 {
		w.err = &unknown{attribute + "." + field, ""}
		return
	}
	e, _ := expressions[0].(map[string]any)
	if e[field] == nil {
		return // the provider's to choose
	}
	found := w.refer(attribute+"."+field, e[field])
	if _, isList := o[field].([]any); isList || len(found) > 1 {
		o[field] = nil
		var values []any
		for _, v := range found {
			values = append(values, v)
		}
		o[field] = values
	} else if len(found) == 1 {
		o[field] = found[0]
	}
}

func (o object) get(attribute string) string {
	v, _ := text(o[attribute])
	return v
}

func (o object) list(attribute string) []string {
	all, _ := o[attribute].([]any)
	var out []string
	for _, one := range all {
		if v, ok := text(one); ok {
			out = append(out, v)
		}
	}
	return out
}

// named are the parameters that give what is made its Name.
func (w *work) named(kind string) []string {
	tags, _ := w.of["tags"].(map[string]any)
	name, _ := tags["Name"].(string)
	if name == "" {
		return nil
	}
	return []string{"TagSpecification.1.ResourceType", kind, "TagSpecification.1.Tag.1.Key", "Name", "TagSpecification.1.Tag.1.Value", name}
}

// numbered are parameters of a list: SubnetId.1, SubnetId.2, ….
func numbered(name string, values []string) []string {
	var out []string
	for i, v := range values {
		out = append(out, fmt.Sprintf("%s.%d", name, i+1), v)
	}
	return out
}

// associationOf finds how a subnet is tied to its network ACL.
func associationOf(answer, subnet string) string {
	m := regexp.MustCompile(`<networkAclAssociationId>([^<]+)</networkAclAssociationId><networkAclId>[^<]+</networkAclId><subnetId>` + regexp.QuoteMeta(subnet) + `</subnetId>`).FindStringSubmatch(answer)
	if m == nil {
		return ""
	}
	return m[1]
}
