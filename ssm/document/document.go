package document

import (
	"regexp"
	"strings"
)

// Type is what a document is for.
type Type string

// The types of documents that are served. AWS has more.
const (
	Session Type = "Session"
	Command Type = "Command"
)

// Format is the language that a document's content is written in.
type Format string

// The formats. AWS has TEXT too, which no Session or Command document may have.
const (
	JSON Format = "JSON"
	YAML Format = "YAML"
)

// SessionType says what kind of session a Session document starts. The data
// channel's handshake carries the same words.
type SessionType string

// The session types.
const (
	StandardStream         SessionType = "Standard_Stream"
	InteractiveCommands    SessionType = "InteractiveCommands"
	NonInteractiveCommands SessionType = "NonInteractiveCommands"
	Port                   SessionType = "Port"
)

// Names that callers need.
const (
	RunShell       = "SSM-SessionManagerRunShell" // the account's preferences, and the default document of a session
	RunShellScript = "AWS-RunShellScript"
	Amazon         = "Amazon" // the owner of the documents whose names begin with AWS-
)

// Document is a document's content, understood and checked.
type Document struct {
	Type          Type
	SchemaVersion string
	Description   string
	Parameters    []Parameter // in the content's order

	session *sessionPart
	steps   []step
}

// SessionType says what kind of session the document starts, "" when it is none
// of Session type.
func (d *Document) SessionType() SessionType {
	if d.session == nil {
		return ""
	}
	return d.session.kind
}

// maxContent is AWS's limit for the content of a document.
const maxContent = 64 << 10

// Parse reads content and checks it whole: what is not known, and what can't be
// done here, is refused with a sentence and never skipped over.
func Parse(t Type, f Format, content string) (*Document, error) {
	if len(content) > maxContent {
		return nil, errorf(MaxDocumentSizeExceeded, "The size limit of a document is 64 KB; this one has %d bytes.", len(content))
	}
	root, err := read(f, content)
	if err != nil {
		return nil, err
	}
	c := &checker{}
	d := &Document{Type: t}
	top := c.object("the document", root)
	d.SchemaVersion = c.text(top, "schemaVersion")
	d.Description = c.text(top, "description")
	if c.err == nil && !served(t, d.SchemaVersion) {
		return nil, errorf(InvalidDocumentSchemaVersion, "Schema version %q is not supported for a document of type %s: %s is.", d.SchemaVersion, t, versionsOf(t))
	}
	d.Parameters = c.parameters(top)
	if t == Session {
		d.session = c.sessionPart(top)
	} else {
		d.steps = c.steps(top, d.SchemaVersion)
	}
	c.closed(top)
	if c.err == nil {
		c.references(d)
	}
	if c.err != nil {
		return nil, c.err
	}
	return d, nil
}

func served(t Type, schema string) bool {
	switch t {
	case Session:
		return schema == "1.0"
	case Command:
		return schema == "1.2" || schema == "2.0" || schema == "2.2"
	}
	return false
}

func versionsOf(t Type) string {
	if t == Session {
		return "1.0"
	}
	return "1.2, 2.0 or 2.2"
}

// Platforms says which operating systems the document is for: a Session document
// for all, a Command document for those that its steps leave.
func (d *Document) Platforms() []string {
	if d.Type == Session {
		return []string{"Windows", "Linux", "MacOS"}
	}
	return []string{"Linux", "MacOS"}
}

// Names of documents, as AWS's API reference has them.
var (
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{3,128}$`)
	arnPattern  = regexp.MustCompile(`^arn:(aws[a-z-]*):ssm:([a-z0-9-]+):([0-9]{12})?:document/([a-zA-Z0-9_\-.]{3,128})$`)
)

// Name is a document's name as a caller gave it: bare, or as an ARN, which also
// says where.
type Name struct {
	Name    string
	Region  string // "" when the name was bare
	Account string // "" when the name was bare, or the ARN is of one of Amazon's
}

// ParseName reads a name or an ARN.
func ParseName(s string) (Name, error) {
	if !strings.HasPrefix(s, "arn:") {
		if !namePattern.MatchString(s) {
			return Name{}, notFound(s)
		}
		return Name{Name: s}, nil
	}
	m := arnPattern.FindStringSubmatch(s)
	if m == nil {
		return Name{}, notFound(s)
	}
	return Name{Name: m[4], Region: m[2], Account: m[3]}, nil
}

// Reserved says whether an account may not make a document of that name: AWS
// keeps some beginnings of names for itself.
func Reserved(name string) bool {
	lower := strings.ToLower(name)
	for _, prefix := range []string{"aws", "amazon", "amzn"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return false
}

// NotFound is the error of a name that nothing has.
func NotFound(name string) error { return notFound(name) }

func notFound(name string) error {
	return errorf(InvalidDocument, "Document with name %s does not exist.", name)
}
