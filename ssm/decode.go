package ssm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A request is a structure whose fields are AWS's members: the field's name is
// the member's (a json tag gives those that begin small), its shape tag names
// AWS's shape, with a * before it when the member is required.
//
// A zero value means that the member was not sent: AWS allows no zero where it
// would make a difference.

// decode reads a body into a request and checks every member against its shape.
func decode(body []byte, request any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var raw any
	err := d.Decode(&raw)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("more follows")
		}
	}
	if err != nil {
		return fail("SerializationException", "The request body is no JSON.")
	}
	members, ok := raw.(map[string]any)
	if !ok {
		return fail("SerializationException", "Start of structure expected")
	}
	var r reader
	r.structure(reflect.ValueOf(request).Elem(), members, "")
	return r.error()
}

// reader collects what is wrong, as AWS does: all of it, but what can't be read
// at all ends it.
type reader struct {
	problems []string
	unread   error
}

func (r *reader) error() error {
	switch n := len(r.problems); {
	case r.unread != nil:
		return r.unread
	case n == 1:
		return invalid("1 validation error detected: %s", r.problems[0])
	case n > 1:
		return invalid("%d validation errors detected: %s", n, strings.Join(r.problems, "; "))
	}
	return nil
}

func (r *reader) problem(value, path, constraint string) {
	r.problems = append(r.problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, path, constraint))
}

func (r *reader) wrongType(got any, want string) {
	if r.unread == nil {
		r.unread = fail("SerializationException", "%s can not be converted to %s", tokenOf(got), want)
	}
}

func tokenOf(v any) string {
	switch v.(type) {
	case string:
		return "STRING_VALUE"
	case json.Number:
		return "NUMBER_VALUE"
	case bool:
		return "BOOLEAN_VALUE"
	case []any:
		return "START_ARRAY"
	}
	return "START_OBJECT"
}

// memberName is what the API calls a field.
func memberName(f reflect.StructField) string {
	if name := f.Tag.Get("json"); name != "" {
		return name
	}
	return f.Name
}

// shapeOf is the shape of a field, and whether it is required.
func shapeOf(f reflect.StructField) (shape, bool) {
	name, required := strings.CutPrefix(f.Tag.Get("shape"), "*")
	s, ok := shapes[name]
	if !ok && name != "" {
		panic("no shape is called " + name)
	}
	return s, required
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func (r *reader) structure(into reflect.Value, members map[string]any, path string) {
	for f := range into.Type().Fields() {
		name := memberName(f)
		at := path + lowerFirst(name)
		s, required := shapeOf(f)
		v, there := members[name]
		if !there || v == nil {
			if required {
				r.problem("null", at, "Member must not be null")
			}
			continue
		}
		r.value(into.FieldByIndex(f.Index), v, s, at)
	}
}

func (r *reader) value(into reflect.Value, v any, s shape, path string) {
	switch into.Kind() {
	case reflect.String:
		text, ok := v.(string)
		if !ok {
			r.wrongType(v, "a String")
			return
		}
		into.SetString(text)
		for _, c := range s.text(text) {
			r.problem("'"+text+"'", path, c)
		}
	case reflect.Int:
		r.integer(into, v, s, path)
	case reflect.Bool:
		b, ok := v.(bool)
		if !ok {
			r.wrongType(v, "a Boolean")
			return
		}
		into.SetBool(b)
	case reflect.Slice:
		r.list(into, v, s, path)
	case reflect.Map:
		r.mapping(into, v, s, path)
	case reflect.Struct:
		members, ok := v.(map[string]any)
		if !ok {
			r.wrongType(v, "a structure")
			return
		}
		r.structure(into, members, path+".")
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		r.value(into.Elem(), v, s, path)
	default:
		panic("a request has a field of kind " + into.Kind().String())
	}
}

func (r *reader) integer(into reflect.Value, v any, s shape, path string) {
	number, ok := v.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 32)
	if !ok || err != nil {
		r.wrongType(v, "an Integer")
		return
	}
	into.SetInt(n)
	if s.max != none && int(n) > s.max {
		r.problem("'"+number.String()+"'", path, fmt.Sprintf("Member must have value less than or equal to %d", s.max))
	}
	if s.min != none && int(n) < s.min {
		r.problem("'"+number.String()+"'", path, fmt.Sprintf("Member must have value greater than or equal to %d", s.min))
	}
}

func (r *reader) list(into reflect.Value, v any, s shape, path string) {
	items, ok := v.([]any)
	if !ok {
		r.wrongType(v, "a list")
		return
	}
	for _, c := range s.size(len(items)) {
		r.problem("'"+show(v)+"'", path, c)
	}
	// A null is as good as nothing: AWS's clients send none.
	out := reflect.MakeSlice(into.Type(), len(items), len(items))
	into.Set(out)
	if out.Type().Elem().Kind() == reflect.Struct {
		for i, item := range items {
			r.value(out.Index(i), item, shape{}, fmt.Sprintf("%s.%d.member", path, i+1))
		}
		return
	}
	if bad := r.texts(out, items, shapes[s.item]); bad {
		r.problem("'"+show(v)+"'", path, shapes[s.item].all())
	}
}

// texts reads strings. AWS names a list with a bad item whole, with everything
// that its items must be.
func (r *reader) texts(out reflect.Value, items []any, s shape) (bad bool) {
	for i, item := range items {
		text, ok := item.(string)
		if !ok {
			r.wrongType(item, "a String")
			return false
		}
		out.Index(i).SetString(text)
		bad = bad || len(s.text(text)) > 0
	}
	return bad
}

// mapping reads a map of strings to lists of strings, the only kind there is.
func (r *reader) mapping(into reflect.Value, v any, s shape, path string) {
	members, ok := v.(map[string]any)
	if !ok {
		r.wrongType(v, "a map")
		return
	}
	out := map[string][]string{}
	badKey, badValue := false, false
	for key, value := range members {
		badKey = badKey || len(shapes[s.key].text(key)) > 0
		items, ok := value.([]any)
		if !ok {
			r.wrongType(value, "a list")
			return
		}
		list := reflect.MakeSlice(reflect.TypeFor[[]string](), len(items), len(items))
		badValue = r.texts(list, items, shapes[shapes[s.item].item]) || badValue
		out[key] = list.Interface().([]string)
	}
	into.Set(reflect.ValueOf(out))
	if badKey {
		r.problem("'"+show(v)+"'", path, "Map keys must satisfy constraint: "+shapes[s.key].list())
	}
	if badValue {
		r.problem("'"+show(v)+"'", path, "Map value must satisfy constraint: ["+shapes[shapes[s.item].item].all()+"]")
	}
}

// show is a value as AWS's errors print it.
func show(v any) string {
	switch v := v.(type) {
	case []any:
		out := make([]string, len(v))
		for i := range v {
			out[i] = show(v[i])
		}
		return "[" + strings.Join(out, ", ") + "]"
	case map[string]any:
		var out []string
		for _, key := range sortedKeys(v) {
			out = append(out, key+"="+show(v[key]))
		}
		return "{" + strings.Join(out, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// text says what of a shape a string fails.
func (s shape) text(v string) []string {
	var out []string
	n := utf8.RuneCountInString(v)
	for _, c := range s.constraints() {
		if c.fails(v, n) {
			out = append(out, c.text)
		}
	}
	return out
}

type constraint struct {
	text  string
	fails func(v string, n int) bool
}

// constraints are in AWS's order: the longest, the shortest, the pattern, the set.
func (s shape) constraints() []constraint {
	var out []constraint
	add := func(text string, fails func(v string, n int) bool) { out = append(out, constraint{text, fails}) }
	if s.max != none {
		add(fmt.Sprintf("Member must have length less than or equal to %d", s.max), func(_ string, n int) bool { return n > s.max })
	}
	if s.min != none {
		add(fmt.Sprintf("Member must have length greater than or equal to %d", s.min), func(_ string, n int) bool { return n < s.min })
	}
	if s.pattern != "" {
		add("Member must satisfy regular expression pattern: "+s.pattern, func(v string, _ int) bool { return !s.regexp.MatchString(v) })
	}
	if len(s.enum) > 0 {
		add("Member must satisfy enum value set: ["+strings.Join(s.enum, ", ")+"]", func(v string, _ int) bool { return !s.among(v) })
	}
	return out
}

func (s shape) list() string {
	var out []string
	for _, c := range s.constraints() {
		out = append(out, c.text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (s shape) all() string { return "Member must satisfy constraint: " + s.list() }

func (s shape) size(n int) []string {
	bounds := shape{min: s.min, max: s.max}
	var out []string
	for _, c := range bounds.constraints() {
		if c.fails("", n) {
			out = append(out, c.text)
		}
	}
	return out
}
