package document

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// ParameterType is the type of a parameter's value. Values always arrive as
// lists of strings; all types but StringList want exactly one.
type ParameterType string

// The types of parameters.
const (
	String     ParameterType = "String"
	StringList ParameterType = "StringList"
	Integer    ParameterType = "Integer"
	Boolean    ParameterType = "Boolean"
	StringMap  ParameterType = "StringMap"
	MapList    ParameterType = "MapList"
)

// Parameter is one parameter that a document declares.
type Parameter struct {
	Name        string
	Type        ParameterType
	Description string
	Default     []string // of a list all, of another type one; meaningless unless Optional
	Optional    bool     // it has a default

	allowed            []string
	pattern            string
	matches            *regexp.Regexp
	minChars, maxChars int // maxChars 0: no limit
	minItems, maxItems int
}

// DefaultText is the default as DescribeDocument shows it: a list as JSON.
func (p Parameter) DefaultText() string {
	if p.Type == StringList {
		text, _ := json.Marshal(p.Default)
		return string(text)
	}
	return strings.Join(p.Default, "")
}

// values joins what a caller gave with the defaults and checks it.
func (d *Document) values(given map[string][]string) (map[string][]string, error) {
	if len(d.Parameters) == 0 && len(given) > 0 {
		return nil, errorf(InvalidParameters, "The document does not support parameters.")
	}
	for _, name := range sortedKeys(given) {
		if !slices.ContainsFunc(d.Parameters, func(p Parameter) bool { return p.Name == name }) {
			return nil, errorf(InvalidParameters, "Parameter %q is not declared in the document.", name)
		}
	}
	out := map[string][]string{}
	for _, p := range d.Parameters {
		values, ok := given[p.Name]
		if !ok {
			if !p.Optional {
				return nil, errorf(InvalidParameters, "Parameter %q requires a value.", p.Name)
			}
			out[p.Name] = p.Default // checked when the document was read
			continue
		}
		if err := p.check(values); err != nil {
			return nil, err
		}
		out[p.Name] = values
	}
	return out, nil
}

// check holds a value to what the document allows.
func (p Parameter) check(values []string) error {
	if p.Type != StringList && len(values) != 1 {
		return errorf(InvalidParameters, "Parameter %q is of type %s and takes one value, not %d.", p.Name, p.Type, len(values))
	}
	if p.Type == StringList && (len(values) < p.minItems || p.maxItems > 0 && len(values) > p.maxItems) {
		return errorf(InvalidParameters, "Parameter %q has %d items; %s allowed.", p.Name, len(values), between(p.minItems, p.maxItems))
	}
	for _, v := range values {
		if err := p.checkOne(v); err != nil {
			return err
		}
	}
	return nil
}

func (p Parameter) checkOne(v string) error {
	switch n := utf8.RuneCountInString(v); {
	case strings.ContainsRune(v, 0):
		return errorf(InvalidParameters, "Parameter %q has a value with a NUL character.", p.Name)
	case strings.Contains(v, "{{ssm:"), strings.Contains(v, "{{ ssm:"):
		return errorf(InvalidParameters, "Parameter %q refers to the Parameter Store, which is not served here.", p.Name)
	case len(p.allowed) > 0 && !slices.Contains(p.allowed, v):
		return errorf(InvalidParameters, "Parameter %q has value %q not in [%s].", p.Name, v, strings.Join(p.allowed, ", "))
	case p.matches != nil && !p.matches.MatchString(v):
		// AWS quotes the pattern as it is, without escapes.
		return errorf(InvalidParameters, `Parameter "%s" has value "%s" not matching "%s".`, p.Name, v, p.pattern)
	case n < p.minChars || p.maxChars > 0 && n > p.maxChars:
		return errorf(InvalidParameters, "Parameter %q has a value of %d characters; %s allowed.", p.Name, n, between(p.minChars, p.maxChars))
	}
	return p.checkType(v)
}

var integerPattern = regexp.MustCompile(`^-?[0-9]{1,18}$`)

func (p Parameter) checkType(v string) error {
	ok := true
	switch p.Type {
	case Integer:
		ok = integerPattern.MatchString(v)
	case Boolean:
		ok = strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	case StringMap:
		var m map[string]any
		ok = json.Unmarshal([]byte(v), &m) == nil
	case MapList:
		var l []map[string]any
		ok = json.Unmarshal([]byte(v), &l) == nil
	}
	if !ok {
		return errorf(InvalidParameters, "Parameter %q has value %q, which is no %s.", p.Name, v, p.Type)
	}
	return nil
}
