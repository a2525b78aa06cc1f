package document

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checker takes a tree of content apart. It keeps the first thing wrong and
// answers zero values from then on, so that the readers need not look at errors.
type checker struct {
	err error
}

// part is one object of the content with a name for people. What has been taken
// from it is remembered: the rest is unknown, and refused by closed.
type part struct {
	name  string
	o     *object
	taken []string
}

func (c *checker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = errorf(InvalidDocumentContent, format, args...)
	}
}

func (c *checker) object(name string, n node) *part {
	o, ok := n.(*object)
	if !ok {
		if c.err == nil {
			c.fail("%s must be a map, not %s.", capital(name), kind(n))
		}
		o = &object{}
	}
	return &part{name: name, o: o}
}

func (p *part) take(key string) (node, bool) {
	p.taken = append(p.taken, key)
	n, ok := p.o.values[key]
	return n, ok && n != nil
}

// child is an object inside an object, nil when it is not there.
func (c *checker) child(p *part, key string) *part {
	n, ok := p.take(key)
	if !ok {
		return nil
	}
	return c.object(key, n)
}

// text is a string; a number or a boolean is taken as it is written, since YAML
// makes those of what is meant as text.
func (c *checker) text(p *part, key string) string {
	n, ok := p.take(key)
	if !ok {
		return ""
	}
	return c.scalar(p, key, n)
}

func (c *checker) scalar(p *part, key string, n node) string {
	switch n := n.(type) {
	case string:
		return n
	case json.Number:
		return n.String()
	case bool:
		return strconv.FormatBool(n)
	}
	c.fail("%s in %s must be a string, not %s.", capital(key), p.name, kind(n))
	return ""
}

// flag is a boolean; AWS's own documents also write "true".
func (c *checker) flag(p *part, key string) bool {
	n, ok := p.take(key)
	if !ok {
		return false
	}
	switch n := n.(type) {
	case bool:
		return n
	case string:
		if v, err := strconv.ParseBool(strings.ToLower(n)); err == nil {
			return v
		}
		if n == "" {
			return false
		}
	}
	c.fail("%s in %s must be true or false.", capital(key), p.name)
	return false
}

// number is a whole number between bounds, 0 when it is not there.
func (c *checker) number(p *part, key string, low, high int) int {
	n, ok := p.take(key)
	if !ok || n == "" {
		return 0
	}
	v, err := strconv.Atoi(c.scalar(p, key, n))
	if err != nil || v < low || v > high {
		if high == math.MaxInt {
			c.fail("%s in %s must be a whole number, at least %d.", capital(key), p.name, low)
		} else {
			c.fail("%s in %s must be a whole number from %d to %d.", capital(key), p.name, low, high)
		}
		return 0
	}
	return v
}

// list is a list of strings; one string counts as a list of one when it is asked for.
func (c *checker) list(p *part, key string) []string {
	n, ok := p.take(key)
	if !ok {
		return nil
	}
	items, ok := n.([]node)
	if !ok {
		return []string{c.scalar(p, key, n)}
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, c.scalar(p, key, item))
	}
	return out
}

// choice is a string out of several.
func (c *checker) choice(p *part, key string, from ...string) string {
	v := c.text(p, key)
	if c.err == nil && !slices.Contains(from, v) {
		c.fail("%s in %s is %q; valid values are %s.", capital(key), p.name, v, strings.Join(from, ", "))
	}
	return v
}

// refuse says no to a setting that has a meaning on AWS and none here. One that
// is empty, or false, asks for nothing.
func (c *checker) refuse(p *part, key, why string) {
	n, ok := p.take(key)
	if ok && n != "" && n != false && n != "false" {
		c.fail("%s in %s is not supported here: %s", capital(key), p.name, why)
	}
}

// ignore takes what has no effect on what is served here.
func (p *part) ignore(keys ...string) { p.taken = append(p.taken, keys...) }

// closed refuses what nobody took.
func (c *checker) closed(p *part) {
	for _, key := range p.o.keys {
		if !slices.Contains(p.taken, key) {
			c.fail("%s has an element %q that is unknown there.", capital(p.name), key)
			return
		}
	}
}

func kind(n node) string {
	switch n.(type) {
	case nil:
		return "nothing"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []node:
		return "a list"
	}
	return "a map"
}

func capital(s string) string {
	if name, ok := strings.CutPrefix(s, "the "); ok {
		return "The " + name
	}
	return s
}

func between(low, high int) string {
	if high == 0 {
		return fmt.Sprintf("at least %d are", low)
	}
	return fmt.Sprintf("%d to %d are", low, high)
}

var alphanumeric = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

// parameters reads the declarations.
func (c *checker) parameters(top *part) []Parameter {
	all := c.child(top, "parameters")
	if all == nil {
		return nil
	}
	var out []Parameter
	for _, name := range all.o.keys {
		if !alphanumeric.MatchString(name) {
			c.fail("Parameter name %q is not alpha-numeric.", name)
			return nil
		}
		out = append(out, c.parameter(name, c.object("parameter "+name, all.o.values[name])))
	}
	return out
}

func (c *checker) parameter(name string, p *part) Parameter {
	out := Parameter{Name: name}
	out.Type = ParameterType(c.choice(p, "type", string(String), string(StringList), string(Integer), string(Boolean), string(StringMap), string(MapList)))
	out.Description = c.text(p, "description")
	out.allowed = c.list(p, "allowedValues")
	out.pattern = c.text(p, "allowedPattern")
	out.minChars, out.maxChars = c.number(p, "minChars", 0, math.MaxInt), c.number(p, "maxChars", 1, math.MaxInt)
	out.minItems, out.maxItems = c.number(p, "minItems", 0, math.MaxInt), c.number(p, "maxItems", 1, math.MaxInt)
	p.ignore("displayType") // textfield or textarea, of AWS's console
	if v := c.text(p, "interpolationType"); v != "" && v != "ENV_VAR" {
		c.fail("interpolationType in parameter %s is %q; the only valid value is ENV_VAR.", name, v)
	} else if v != "" {
		c.fail("interpolationType in parameter %s is not supported here: parameters are always put in place as text.", name)
	}
	if out.pattern != "" {
		var err error
		// The whole value must match, as with allowed patterns elsewhere at AWS.
		if out.matches, err = regexp.Compile(`^(?:` + out.pattern + `)$`); err != nil {
			c.fail("allowedPattern in parameter %s can't be read: %v.", name, err)
		}
	}
	c.defaultOf(p, &out)
	c.closed(p)
	return out
}

// defaultOf reads a default, which must obey the declaration itself.
func (c *checker) defaultOf(p *part, out *Parameter) {
	n, ok := p.o.values["default"]
	p.ignore("default")
	if !ok || n == nil {
		return
	}
	out.Optional = true
	switch n.(type) {
	case []node:
		if out.Type == StringList {
			out.Default = c.list(p, "default")
			break
		}
		out.Default = []string{string(appendJSON(nil, n))}
	case *object:
		out.Default = []string{string(appendJSON(nil, n))}
	default:
		out.Default = []string{c.scalar(p, "default", n)}
	}
	// AWS's documents give "" as the default of what has a pattern: it means none.
	if c.err != nil || len(out.Default) == 1 && out.Default[0] == "" {
		return
	}
	if err := out.check(out.Default); err != nil {
		c.fail("The default of parameter %s is not allowed by its own declaration: %s", out.Name, err.(*Error).Message)
	}
}
