package document

import (
	"encoding/json"
	"regexp"
	"strings"
)

// AWS: "parameters" are put in place of {{ name }}, with or without the spaces.
var reference = regexp.MustCompile(`\{\{\s*([a-zA-Z0-9_.:-]+)\s*\}\}`)

// references checks that everything referred to is declared.
func (c *checker) references(d *Document) {
	declared := map[string]bool{}
	for _, p := range d.Parameters {
		declared[p.Name] = true
	}
	for _, text := range d.texts() {
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			switch name := m[1]; {
			case strings.HasPrefix(name, "ssm:"), strings.HasPrefix(name, "ssm-secure:"):
				c.fail("{{ %s }} refers to the Parameter Store, which is not served here.", name)
			case !declared[name]:
				c.fail("Parameter %q is not declared.", name)
			}
		}
	}
}

// texts are all strings of a document in which parameters may stand.
func (d *Document) texts() []string {
	var out []string
	if d.session != nil {
		for _, text := range d.session.properties {
			out = append(out, text)
		}
	}
	for _, s := range d.steps {
		out = append(append(out, s.commands...), s.directory, s.timeout)
	}
	return out
}

// fill puts values in their places. It goes over the text once: what a value
// brings is never taken for a reference.
func fill(text string, values map[string][]string, d *Document) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		name := reference.FindStringSubmatch(ref)[1]
		for _, p := range d.Parameters {
			if p.Name == name {
				return inText(p, values[name])
			}
		}
		return ref
	})
}

// inText is a value in the midst of a text: a list shows as JSON.
func inText(p Parameter, values []string) string {
	if p.Type == StringList {
		text, _ := json.Marshal(values)
		return string(text)
	}
	return strings.Join(values, "")
}

// fillList fills a list: an item that is a list's name and nothing else becomes
// that list's items.
func fillList(items []string, values map[string][]string, d *Document) []string {
	var out []string
	for _, item := range items {
		m := reference.FindStringSubmatch(item)
		if m != nil && m[0] == strings.TrimSpace(item) && d.isList(m[1]) {
			out = append(out, values[m[1]]...)
			continue
		}
		out = append(out, fill(item, values, d))
	}
	return out
}

func (d *Document) isList(name string) bool {
	for _, p := range d.Parameters {
		if p.Name == name {
			return p.Type == StringList
		}
	}
	return false
}
