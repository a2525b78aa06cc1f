package document

import (
	"errors"
	"strings"
	"testing"
)

// parse reads content that must be a document.
func parse(t *testing.T, kind Type, content string) *Document {
	t.Helper()
	d, err := Parse(kind, formatOf(content), content)
	if err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	return d
}

// formatOf tells a test's documents apart.
func formatOf(content string) Format {
	if strings.HasPrefix(strings.TrimSpace(content), "{") {
		return JSON
	}
	return YAML
}

// wantError holds an error to its code and its text.
func wantError(t *testing.T, err error, code Code, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || e.Message != text {
		t.Errorf("got  %v\nwant %s: %s", err, code, text)
	}
}

type badContent struct {
	name    string
	kind    Type
	content string
	code    Code
	text    string
}

func badContents() []badContent {
	return []badContent{
		{
			name:    "half a document",
			kind:    Session,
			content: `{"a": 1`,
			code:    InvalidDocumentContent,
			text:    `JSON not well-formed. at Line: 1, Column: 8 (EOF)`,
		},
		{
			name: "an error in a later line",
			kind: Session,
			content: `{
  "schemaVersion": "1.0",
  "sessionType": Port
}`,
			code: InvalidDocumentContent,
			text: `JSON not well-formed. at Line: 3, Column: 18 (invalid character 'P' looking for beginning of value)`,
		},
		{
			name:    "something after the end",
			kind:    Session,
			content: `{"schemaVersion": "1.0"} {}`,
			code:    InvalidDocumentContent,
			text:    `JSON not well-formed. at Line: 1, Column: 27 (more follows after the end)`,
		},
		{
			name:    "a key twice",
			kind:    Session,
			content: `{"schemaVersion": "1.0", "schemaVersion": "1.0"}`,
			code:    InvalidDocumentContent,
			text:    `JSON not well-formed. at Line: 1, Column: 48 ("schemaVersion" is there twice)`,
		},
		{
			name:    "no schema",
			kind:    Session,
			content: `{}`,
			code:    InvalidDocumentSchemaVersion,
			text:    `Schema version "" is not supported for a document of type Session: 1.0 is.`,
		},
		{
			name:    "a Command document's schema in a Session document",
			kind:    Session,
			content: `{"schemaVersion": "2.2"}`,
			code:    InvalidDocumentSchemaVersion,
			text:    `Schema version "2.2" is not supported for a document of type Session: 1.0 is.`,
		},
		{
			name:    "a Session document's schema in a Command document",
			kind:    Command,
			content: `{"schemaVersion": "1.0"}`,
			code:    InvalidDocumentSchemaVersion,
			text:    `Schema version "1.0" is not supported for a document of type Command: 1.2, 2.0 or 2.2 is.`,
		},
		{
			name:    "an Automation document's schema",
			kind:    Command,
			content: `{"schemaVersion": "0.3"}`,
			code:    InvalidDocumentSchemaVersion,
			text:    `Schema version "0.3" is not supported for a document of type Command: 1.2, 2.0 or 2.2 is.`,
		},
		{
			name:    "a description that is a list",
			kind:    Session,
			content: `{"schemaVersion": "1.0", "description": ["a"]}`,
			code:    InvalidDocumentContent,
			text:    `description in the document must be a string, not a list.`,
		},
		{
			name:    "no session type",
			kind:    Session,
			content: `{"schemaVersion": "1.0", "inputs": {}}`,
			code:    InvalidDocumentContent,
			text:    `sessionType in the document is ""; valid values are InteractiveCommands, NonInteractiveCommands, Port, Standard_Stream.`,
		},
		{
			name:    "an unknown element",
			kind:    Session,
			content: `{"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}, "colour": "red"}`,
			code:    InvalidDocumentContent,
			text:    `The document has an element "colour" that is unknown there.`,
		},
		{
			name:    "parameters that are a list",
			kind:    Session,
			content: `{"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}, "parameters": []}`,
			code:    InvalidDocumentContent,
			text:    `parameters must be a map, not a list.`,
		},
		{
			name:    "a document of a type that is not served",
			kind:    "Automation",
			content: `{"schemaVersion": "0.3"}`,
			code:    InvalidDocumentSchemaVersion,
			text:    `Schema version "0.3" is not supported for a document of type Automation: 1.2, 2.0 or 2.2 is.`,
		},
	}
}

// TestContentThatIsNoDocument goes through what authors get wrong at the head.
func TestContentThatIsNoDocument(t *testing.T) {
	for _, tt := range badContents() {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.kind, JSON, tt.content)
			wantError(t, err, tt.code, tt.text)
		})
	}
}

func TestADocumentOfMoreThan64KBIsTooLarge(t *testing.T) {
	content := `{"schemaVersion": "1.0", "description": "` + strings.Repeat("x", 64<<10) + `"}`
	_, err := Parse(Session, JSON, content)
	wantError(t, err, MaxDocumentSizeExceeded, "The size limit of a document is 64 KB; this one has 65579 bytes.")
}

func TestContentIsNotNestedWithoutEnd(t *testing.T) {
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, f := range []Format{JSON, YAML} {
		_, err := Parse(Session, f, deep)
		var e *Error
		if !errors.As(err, &e) || e.Code != InvalidDocumentContent || !strings.Contains(e.Message, "nested deeper than 20") {
			t.Errorf("%s: %.200v", f, err)
		}
	}
}

func TestATextDocumentIsRefused(t *testing.T) {
	_, err := Parse(Command, "TEXT", "echo")
	wantError(t, err, InvalidDocumentContent, "Document format TEXT is not supported for documents of this type: JSON and YAML are.")
}

func TestNamesAreBareOrARNs(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Name
	}{
		{
			text: "AWS-StartSSHSession",
			want: Name{Name: "AWS-StartSSHSession"},
		},
		{
			text: "my_own.Document-1",
			want: Name{Name: "my_own.Document-1"},
		},
		{
			text: "arn:aws:ssm:eu-west-1::document/AWS-StartSSHSession",
			want: Name{Name: "AWS-StartSSHSession", Region: "eu-west-1"},
		},
		{
			text: "arn:aws:ssm:us-east-1:123456789012:document/Mine",
			want: Name{Name: "Mine", Region: "us-east-1", Account: "123456789012"},
		},
		{
			text: "arn:aws-cn:ssm:cn-north-1:123456789012:document/Mine",
			want: Name{Name: "Mine", Region: "cn-north-1", Account: "123456789012"},
		},
	} {
		got, err := ParseName(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v %v", tt.text, got, err)
		}
	}
}

func TestWhatIsNoNameFindsNothing(t *testing.T) {
	for _, text := range []string{
		"",
		"ab",
		"a b c",
		"a/b/c",
		"../../etc/passwd",
		"arn:aws:ssm:us-east-1:123456789012:parameter/Mine",
		"arn:aws:ssm:us-east-1:12345:document/Mine",
		"arn:aws:ssm::123456789012:document/Mine",
		"arn:aws:ec2:us-east-1:123456789012:document/Mine",
		"arn:aws:ssm:us-east-1:123456789012:document/a/b",
		strings.Repeat("x", 129),
	} {
		_, err := ParseName(text)
		wantError(t, err, InvalidDocument, "Document with name "+text+" does not exist.")
	}
}

func TestSomeBeginningsOfNamesAreAWSs(t *testing.T) {
	for name, want := range map[string]bool{
		"AWS-Mine":                   true,
		"aws-mine":                   true,
		"Amazon-Mine":                true,
		"amznMine":                   true,
		"Mine":                       false,
		"My-AWS-Document":            false,
		"SSM-SessionManagerRunShell": false,
	} {
		if got := Reserved(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
