package document

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestYAMLSaysWhatJSONSays: what means the same must be the same.
func TestYAMLSaysWhatJSONSays(t *testing.T) {
	asJSON := parse(t, Command, `{
  "schemaVersion": "2.2",
  "description": "Two lines\nof text",
  "parameters": {
    "word": {"type": "String", "default": "a: b", "maxChars": 5},
    "count": {"type": "Integer", "default": 3},
    "list": {"type": "StringList", "default": ["x", "1.0", "true"]}
  },
  "mainSteps": [
    {"action": "aws:runShellScript", "name": "one", "inputs": {"runCommand": ["echo '{{ word }}'", "# {{ count }}"], "timeoutSeconds": 30}}
  ]
}`)
	asYAML := parse(t, Command, `
# A comment says nothing.
schemaVersion: "2.2"
description: |-
  Two lines
  of text
parameters:
  word: {type: String, default: 'a: b', maxChars: 5}
  count:
    type: Integer
    default: 3
  list:
    type: StringList
    default:
      - x
      - 1.0
      - true
mainSteps:
  - action: aws:runShellScript
    name: one
    inputs:
      runCommand:
        - echo '{{ word }}'
        - "# {{ count }}"
      timeoutSeconds: 30
`)
	if !reflect.DeepEqual(asJSON, asYAML) {
		t.Errorf("JSON %+v\nYAML %+v", asJSON, asYAML)
	}
}

// TestASchemaVersionNeedsNoQuotes: 2.2 is a number in YAML, and 1.0 must not
// become 1.
func TestASchemaVersionNeedsNoQuotes(t *testing.T) {
	d := parse(t, Session, "schemaVersion: 1.0\nsessionType: Standard_Stream\ninputs: {}\n")
	if d.SchemaVersion != "1.0" {
		t.Error(d.SchemaVersion)
	}
}

func TestYAMLThatIsNoDocument(t *testing.T) {
	for name, content := range map[string]string{
		"nothing":            "",
		"a comment":          "# nothing\n",
		"two documents":      "a: b\n---\nc: d\n",
		"a tab":              "a:\n\t- b\n",
		"an open bracket":    "a: [b\n",
		"a key twice":        "a: b\na: c\n",
		"an alias":           "a: &x b\nc: *x\n",
		"a merge":            "a: &x {b: c}\nd:\n  <<: *x\n",
		"a tag":              "a: !!binary aGVsbG8=\n",
		"a key that is none": "[a]: b\n",
		"infinity":           "a: .inf\n",
	} {
		_, err := Parse(Session, YAML, content)
		e, ok := err.(*Error)
		if !ok || e.Code != InvalidDocumentContent && e.Code != InvalidDocumentSchemaVersion {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if e.Code == InvalidDocumentContent && !strings.HasPrefix(e.Message, "YAML not well-formed. (") && name != "infinity" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestALaughCostsNothing: ten lines of aliases would be a billion.
func TestALaughCostsNothing(t *testing.T) {
	content := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		before := string(rune(n[0] - 1))
		content += "a" + n + ": &a" + n + " [" + strings.Repeat("*a"+before+", ", 9) + "*a" + before + "]\n"
	}
	_, err := Parse(Session, YAML, content)
	wantError(t, err, InvalidDocumentContent, "YAML not well-formed. (Anchor is not supported in a document)")
}

// TestNoContentTakesLong: the parser was slow for some of these.
func TestNoContentTakesLong(t *testing.T) {
	for _, piece := range []string{"[", "{", "[a,", "{a: ", "- [", "a: [\n", "- ", "<<: ", "]"} {
		content := strings.Repeat(piece, 16<<10/len(piece))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = Parse(Command, YAML, content)
		}()
		select {
		case <-done:
		case <-ctx.Done():
			t.Fatalf("%q takes longer than 20 s", piece)
		}
		cancel()
	}
}

func TestConvert(t *testing.T) {
	const asJSON = `{
  "z": "first",
  "a": [
    1,
    "1",
    true,
    null
  ],
  "text": "a <b> & \"c\"",
  "empty": {}
}`
	text, err := Convert(asJSON, JSON, YAML)
	if err != nil {
		t.Fatal(err)
	}
	const asYAML = `z: first
a:
- 1
- "1"
- true
- null
text: a <b> & "c"
empty: {}
`
	if text != asYAML {
		t.Errorf("got\n%s", text)
	}
	back, err := Convert(text, YAML, JSON)
	if err != nil || back != asJSON {
		t.Errorf("got %v\n%s", err, back)
	}
	for _, f := range []Format{JSON, YAML} {
		same, err := Convert(" {} ", f, f)
		if err != nil || same != " {} " {
			t.Errorf("%s: %q %v", f, same, err)
		}
	}
	if _, err := Convert("{", JSON, YAML); err == nil {
		t.Error("what is no JSON was converted")
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	text, err := Convert(`{"n": 12345678901234567890, "f": 1.50}`, JSON, YAML)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Convert(text, YAML, JSON)
	if err != nil || !strings.Contains(back, "12345678901234567890") {
		t.Errorf("%s %v", back, err)
	}
}

// FuzzParse: whatever somebody uploads must be read or refused, and what was read
// must be readable in the other format and mean the same there.
func FuzzParse(f *testing.F) {
	for _, r := range everybodys() {
		f.Add(r.Versions[0].Content)
	}
	f.Add(logs)
	f.Add(deploy)
	f.Add("a: &x b\nc: *x\n")
	f.Add("{\"schemaVersion\": \"1.0\"")
	f.Fuzz(func(t *testing.T, content string) {
		for _, kind := range []Type{Session, Command} {
			for _, format := range []Format{JSON, YAML} {
				d, err := Parse(kind, format, content)
				if err != nil {
					if _, ok := err.(*Error); !ok {
						t.Fatalf("%T: %v", err, err)
					}
					continue
				}
				other := map[Format]Format{JSON: YAML, YAML: JSON}[format]
				text, err := Convert(content, format, other)
				if err != nil {
					t.Fatal(err)
				}
				again, err := Parse(kind, other, text)
				if err != nil {
					t.Fatalf("%v in %s of\n%s\nmade of\n%s", err, other, text, content)
				}
				if d.SchemaVersion != again.SchemaVersion || len(d.Parameters) != len(again.Parameters) || d.Type != again.Type {
					t.Errorf("%s means something else than\n%s", text, content)
				}
				_, _ = d.Plan(map[string][]string{"command": {content}}, DefaultPreferences())
				_, _ = d.Scripts(map[string][]string{"commands": {content}})
			}
		}
	})
}
