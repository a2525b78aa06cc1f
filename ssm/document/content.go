package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A node is what a document's text says, whichever format it is in: nil, bool,
// json.Number, string, []node or *object.
type node any

// object keeps the order of its keys: DescribeDocument lists parameters in it,
// and a converted document should read like the one it was made of.
type object struct {
	keys   []string
	values map[string]node
}

func (o *object) set(key string, v node) bool {
	if _, there := o.values[key]; there {
		return false
	}
	o.keys, o.values[key] = append(o.keys, key), v
	return true
}

// maxDepth bounds how deep content may be nested: real documents need six.
const maxDepth = 20

// read makes a tree of content.
func read(f Format, content string) (node, error) {
	switch f {
	case JSON:
		return readJSON(content)
	case YAML:
		return readYAML(content)
	}
	return nil, errorf(InvalidDocumentContent, "Document format %s is not supported for documents of this type: JSON and YAML are.", f)
}

func readJSON(content string) (node, error) {
	d := json.NewDecoder(strings.NewReader(content))
	d.UseNumber()
	n, err := jsonValue(d, 0)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return n, nil
		}
		err = fmt.Errorf("more follows after the end")
	}
	line, column := position(content, d.InputOffset())
	return nil, errorf(InvalidDocumentContent, "JSON not well-formed. at Line: %d, Column: %d (%v)", line, column, err)
}

func position(content string, offset int64) (line, column int) {
	before := content[:min(int(offset), len(content))]
	return 1 + strings.Count(before, "\n"), len(before) - strings.LastIndexByte(before, '\n')
}

func jsonValue(d *json.Decoder, depth int) (node, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	switch {
	case !ok:
		return t, nil // nil, bool, json.Number or string
	case depth == maxDepth:
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	case delim == '[':
		list := []node{}
		for d.More() {
			n, err := jsonValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, n)
		}
		_, err := d.Token()
		return list, err
	}
	o := &object{values: map[string]node{}}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		n, err := jsonValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		if name, _ := key.(string); !o.set(name, n) {
			return nil, fmt.Errorf("%q is there twice", name)
		}
	}
	_, err = d.Token()
	return o, err
}

// maxOpen bounds the brackets that are open at once, those in texts included. The
// parser takes time by the square of them.
const maxOpen = 200

func manyOpen(content string) bool {
	open := 0
	for _, b := range []byte(content) {
		switch b {
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		}
		if open > maxOpen {
			return true
		}
	}
	return false
}

func readYAML(content string) (node, error) {
	if manyOpen(content) {
		return nil, notYAML(fmt.Sprintf("nested deeper than %d", maxDepth))
	}
	file, err := parser.ParseBytes([]byte(content), 0)
	if err != nil {
		return nil, notYAML(firstLine(err.Error()))
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, notYAML("one YAML document is wanted")
	}
	return yamlValue(file.Docs[0].Body, 0)
}

func notYAML(why string) error {
	return errorf(InvalidDocumentContent, "YAML not well-formed. (%s)", why)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// yamlValue takes the part of YAML that JSON can say. Anchors and aliases are
// not in it: a few lines of them unfold to gigabytes.
func yamlValue(n ast.Node, depth int) (node, error) {
	if depth == maxDepth {
		return nil, notYAML(fmt.Sprintf("nested deeper than %d", maxDepth))
	}
	switch n := n.(type) {
	case *ast.NullNode:
		return nil, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode:
		return json.Number(fmt.Sprint(n.Value)), nil
	case *ast.FloatNode:
		// As it is written where JSON writes it so: 1.0 is a schema's version and not 1.
		if json.Valid([]byte(n.Token.Value)) {
			return json.Number(n.Token.Value), nil
		}
		text, err := json.Marshal(n.Value)
		if err != nil {
			return nil, notYAML(n.Token.Value + " is no number for a document")
		}
		return json.Number(text), nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.MappingValueNode:
		o := &object{values: map[string]node{}}
		return o, yamlPair(o, n, depth)
	case *ast.MappingNode:
		o := &object{values: map[string]node{}}
		for _, pair := range n.Values {
			if err := yamlPair(o, pair, depth); err != nil {
				return nil, err
			}
		}
		return o, nil
	case *ast.SequenceNode:
		list := []node{}
		for _, item := range n.Values {
			v, err := yamlValue(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return nil, notYAML(fmt.Sprintf("%v is not supported in a document", n.Type()))
}

func yamlPair(o *object, pair *ast.MappingValueNode, depth int) error {
	key, ok := pair.Key.(*ast.StringNode)
	if !ok {
		return notYAML(fmt.Sprintf("%s is no key", pair.Key))
	}
	v, err := yamlValue(pair.Value, depth+1)
	if err != nil {
		return err
	}
	if !o.set(key.Value, v) {
		return notYAML(fmt.Sprintf("%q is there twice", key.Value))
	}
	return nil
}

// Convert writes content that Parse has taken in another format.
func Convert(content string, from, to Format) (string, error) {
	if from == to {
		return content, nil
	}
	n, err := read(from, content)
	if err != nil {
		return "", err
	}
	if to == YAML {
		out, err := yaml.Marshal(ordered(n))
		return string(out), err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, appendJSON(nil, n), "", "  "); err != nil {
		return "", err
	}
	return out.String(), nil
}

func ordered(n node) any {
	switch n := n.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
			return i
		}
		if i, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
			return i
		}
		if f, err := n.Float64(); err == nil {
			return f
		}
		return n.String() // larger than any number: a text means the same everywhere here
	case []node:
		out := make([]any, len(n))
		for i := range n {
			out[i] = ordered(n[i])
		}
		return out
	case *object:
		out := make(yaml.MapSlice, len(n.keys))
		for i, key := range n.keys {
			out[i] = yaml.MapItem{Key: key, Value: ordered(n.values[key])}
		}
		return out
	}
	return n
}

func appendJSON(b []byte, n node) []byte {
	switch n := n.(type) {
	case []node:
		b = append(b, '[')
		for i, item := range n {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case *object:
		b = append(b, '{')
		for i, key := range n.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSON(b, key), ':')
			b = appendJSON(b, n.values[key])
		}
		return append(b, '}')
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(n) // a string, a number as it was read, a bool or nothing
	return append(b, bytes.TrimSpace(out.Bytes())...)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
