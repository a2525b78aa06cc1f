package document

import (
	"testing"
	"time"
)

// logs is a document as AWS's page "Session document schema" has one: a command
// with a parameter that may be only a few things.
const logs = `
schemaVersion: '1.0'
description: Follow one of our logs
sessionType: InteractiveCommands
parameters:
  logpath:
    type: String
    description: The log's path
    default: /var/log/syslog
    allowedPattern: '^[a-zA-Z0-9/_-]+(\.log)?$'
  lines:
    type: Integer
    default: 10
properties:
  linux:
    commands: tail -n {{ lines }} -f {{logpath}}
    runAsElevated: true
  windows:
    commands: Get-Content {{ logpath }}
`

func TestADocumentOfOnesOwnRunsItsCommand(t *testing.T) {
	d := parse(t, Session, logs)
	account := Preferences{Idle: time.Minute, Bucket: "logs"}
	plan, err := d.Plan(nil, account)
	want := Plan{
		Type:        InteractiveCommands,
		Preferences: account,
		Command:     "tail -n 10 -f /var/log/syslog",
		Elevated:    true,
	}
	if err != nil || plan != want {
		t.Errorf("%+v %v", plan, err)
	}
	plan, err = d.Plan(map[string][]string{"logpath": {"/var/log/auth.log"}, "lines": {"-1"}}, account)
	want.Command = "tail -n -1 -f /var/log/auth.log"
	if err != nil || plan != want {
		t.Errorf("%+v %v", plan, err)
	}
	_, err = d.Plan(map[string][]string{"logpath": {"/etc/passwd; id"}}, account)
	wantError(t, err, InvalidParameters, `Parameter "logpath" has value "/etc/passwd; id" not matching "^[a-zA-Z0-9/_-]+(\.log)?$".`)
	_, err = d.Plan(map[string][]string{"lines": {"ten"}}, account)
	wantError(t, err, InvalidParameters, `Parameter "lines" has value "ten", which is no Integer.`)
}

func TestADocumentsOwnInputsHoldForItsSessions(t *testing.T) {
	d := parse(t, Session, logs+`
inputs:
  idleSessionTimeout: 3
  runAsEnabled: true
  runAsDefaultUser: auditor
`)
	plan, err := d.Plan(nil, Preferences{Idle: time.Minute, Bucket: "logs"})
	want := Preferences{Idle: 3 * time.Minute, RunAs: true, RunAsUser: "auditor"}
	if err != nil || plan.Preferences != want {
		t.Errorf("%+v %v", plan.Preferences, err)
	}
}

func TestAPortDocumentOfOnesOwn(t *testing.T) {
	d := parse(t, Session, `
schemaVersion: '1.0'
sessionType: Port
parameters:
  database:
    type: String
    allowedValues: [orders, stock]
  port:
    type: String
    default: '5432'
properties:
  host: '{{ database }}.internal'
  portNumber: '{{ port }}'
  localPortNumber: '15432'
  type: LocalPortForwarding
`)
	plan, err := d.Plan(map[string][]string{"database": {"stock"}}, DefaultPreferences())
	want := Plan{
		Type:        Port,
		Preferences: DefaultPreferences(),
		PortType:    "LocalPortForwarding",
		Host:        "stock.internal",
		PortNumber:  "5432",
		LocalPort:   "15432",
	}
	if err != nil || plan != want {
		t.Errorf("%+v %v", plan, err)
	}
	_, err = d.Plan(map[string][]string{"database": {"wages"}}, DefaultPreferences())
	wantError(t, err, InvalidParameters, `Parameter "database" has value "wages" not in [orders, stock].`)
	// Its port has no pattern, but a port it must be.
	for _, port := range []string{"0", "65536", "http", "", "8 0", "-1"} {
		_, err = d.Plan(map[string][]string{"database": {"stock"}, "port": {port}}, DefaultPreferences())
		wantError(t, err, InvalidParameters, `portNumber is "`+port+`", which is no port.`)
	}
}

func TestALocalPortIsLookedAtToo(t *testing.T) {
	d := parse(t, Session, `
schemaVersion: '1.0'
sessionType: Port
parameters:
  here: {type: String}
properties: {portNumber: 80, localPortNumber: '{{ here }}'}
`)
	for _, port := range []string{"65536", "any", "-1"} {
		_, err := d.Plan(map[string][]string{"here": {port}}, DefaultPreferences())
		wantError(t, err, InvalidParameters, `localPortNumber is "`+port+`", which is no port.`)
	}
	plan, err := d.Plan(map[string][]string{"here": {"0"}}, DefaultPreferences())
	if err != nil || plan.PortType != "" || plan.PortNumber != "80" || plan.LocalPort != "0" {
		t.Errorf("%+v %v", plan, err)
	}
}

func TestSeparateStreamsAreASwitch(t *testing.T) {
	d := parse(t, Session, `
schemaVersion: '1.0'
sessionType: NonInteractiveCommands
parameters:
  apart: {type: String, default: ''}
properties:
  linux:
    commands: ls
    separateOutputStream: '{{ apart }}'
    stdOutSeparatorPrefix: 'out:'
`)
	for text, want := range map[string]bool{"": false, "true": true, "True": true, "false": false, "False": false} {
		plan, err := d.Plan(map[string][]string{"apart": {text}}, DefaultPreferences())
		if err != nil || plan.Separate != want || plan.StdoutPrefix != "out:" {
			t.Errorf("%q: %+v %v", text, plan, err)
		}
	}
	_, err := d.Plan(map[string][]string{"apart": {"perhaps"}}, DefaultPreferences())
	wantError(t, err, InvalidParameters, `separateOutputStream is "perhaps", which is neither true nor false.`)
}

func TestADocumentForOtherSystemsStartsNothingHere(t *testing.T) {
	d := parse(t, Session, `
schemaVersion: '1.0'
sessionType: InteractiveCommands
properties:
  windows: {commands: dir}
`)
	_, err := d.Plan(nil, DefaultPreferences())
	wantError(t, err, InvalidDocument, "The document has no commands for Linux.")
}

type badSession struct {
	name    string
	content string
	text    string
}

func badSessions() []badSession {
	return []badSession{
		{
			name: "a shell without inputs",
			content: `
schemaVersion: '1.0'
sessionType: Standard_Stream
`,
			text: `inputs is required in a document whose sessionType is Standard_Stream.`,
		},
		{
			name: "a shell with properties",
			content: `
schemaVersion: '1.0'
sessionType: Standard_Stream
inputs: {}
properties:
  linux: {commands: bash}
`,
			text: `properties has an element "linux" that is unknown there.`,
		},
		{
			name: "a command without properties",
			content: `
schemaVersion: '1.0'
sessionType: InteractiveCommands
`,
			text: `properties is required in a document whose sessionType is InteractiveCommands.`,
		},
		{
			name: "a command without commands",
			content: `
schemaVersion: '1.0'
sessionType: NonInteractiveCommands
properties:
  linux: {runAsElevated: true}
`,
			text: `commands is required in the properties of a document whose sessionType is NonInteractiveCommands.`,
		},
		{
			name: "streams apart on a terminal",
			content: `
schemaVersion: '1.0'
sessionType: InteractiveCommands
properties:
  linux: {commands: ls, separateOutputStream: true}
`,
			text: `linux has an element "separateOutputStream" that is unknown there.`,
		},
		{
			name: "commands for a system that does not exist",
			content: `
schemaVersion: '1.0'
sessionType: InteractiveCommands
properties:
  beos: {commands: ls}
`,
			text: `properties has an element "beos" that is unknown there.`,
		},
		{
			name: "a port without a number",
			content: `
schemaVersion: '1.0'
sessionType: Port
properties: {type: LocalPortForwarding}
`,
			text: `portNumber is required in the properties of a document whose sessionType is Port.`,
		},
		{
			name: "a port of another type",
			content: `
schemaVersion: '1.0'
sessionType: Port
properties: {portNumber: '80', type: RemotePortForwarding}
`,
			text: `type in properties is "RemotePortForwarding"; the only valid value is LocalPortForwarding.`,
		},
		{
			name: "properties that are a text",
			content: `
schemaVersion: '1.0'
sessionType: Port
properties: '80'
`,
			text: `properties must be a map, not a string.`,
		},
		{
			name: "a reference to what is not declared",
			content: `
schemaVersion: '1.0'
sessionType: Port
properties: {portNumber: '{{ port }}'}
`,
			text: `Parameter "port" is not declared.`,
		},
		{
			name: "a reference to the Parameter Store",
			content: `
schemaVersion: '1.0'
sessionType: Port
properties: {portNumber: '{{ ssm:port }}'}
`,
			text: `{{ ssm:port }} refers to the Parameter Store, which is not served here.`,
		},
	}
}

func TestSessionDocumentsThatAreRefused(t *testing.T) {
	for _, tt := range badSessions() {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(Session, YAML, tt.content)
			wantError(t, err, InvalidDocumentContent, tt.text)
		})
	}
}

func TestDeclarationsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name        string
		declaration string
		text        string
	}{
		{"a name with an underscore", `event_type: {type: String}`, `Parameter name "event_type" is not alpha-numeric.`},
		{"an empty name", `'': {type: String}`, `Parameter name "" is not alpha-numeric.`},
		{"no type", `p: {default: x}`, `type in parameter p is ""; valid values are String, StringList, Integer, Boolean, StringMap, MapList.`},
		{"a type that does not exist", `p: {type: Text}`, `type in parameter p is "Text"; valid values are String, StringList, Integer, Boolean, StringMap, MapList.`},
		{"a declaration that is a text", `p: String`, `parameter p must be a map, not a string.`},
		{"an unknown element", `p: {type: String, required: true}`, `parameter p has an element "required" that is unknown there.`},
		{"a pattern that is none", `p: {type: String, allowedPattern: '['}`, "allowedPattern in parameter p can't be read: error parsing regexp: missing closing ]: `[)$`."},
		{"a default against the pattern", `p: {type: String, allowedPattern: '^a$', default: b}`, `The default of parameter p is not allowed by its own declaration: Parameter "p" has value "b" not matching "^a$".`},
		{"a default against the values", `p: {type: String, allowedValues: [a], default: b}`, `The default of parameter p is not allowed by its own declaration: Parameter "p" has value "b" not in [a].`},
		{"a default of another type", `p: {type: Integer, default: many}`, `The default of parameter p is not allowed by its own declaration: Parameter "p" has value "many", which is no Integer.`},
		{"a default that is too long", `p: {type: String, maxChars: 2, default: abc}`, `The default of parameter p is not allowed by its own declaration: Parameter "p" has a value of 3 characters; 0 to 2 are allowed.`},
		{"a bound that is none", `p: {type: String, maxChars: few}`, `maxChars in parameter p must be a whole number, at least 1.`},
		{"the environment", `p: {type: String, interpolationType: ENV_VAR}`, `interpolationType in parameter p is not supported here: parameters are always put in place as text.`},
		{"another way to put it", `p: {type: String, interpolationType: MAGIC}`, `interpolationType in parameter p is "MAGIC"; the only valid value is ENV_VAR.`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(Session, YAML, "schemaVersion: '1.0'\nsessionType: Standard_Stream\ninputs: {}\nparameters:\n  "+tt.declaration+"\n")
			wantError(t, err, InvalidDocumentContent, tt.text)
		})
	}
}
