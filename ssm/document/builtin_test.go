package document

import (
	"reflect"
	"testing"
	"time"
)

// everybody's are the documents that are built in, the account's preferences included.
func everybodys() map[string]Record {
	out := map[string]Record{}
	for _, r := range Builtin() {
		out[r.Name] = r
	}
	out[RunShell] = DefaultRunShell("123456789012")
	return out
}

func builtinDocument(t *testing.T, name string) *Document {
	t.Helper()
	r, ok := everybodys()[name]
	if !ok {
		t.Fatalf("%s is not built in", name)
	}
	d, err := r.Resolve("", "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type builtinRow struct {
	name       string
	owner      string
	kind       Type
	session    SessionType
	schema     string
	parameters []string // with =DEFAULT when there is one
}

func builtinRows() []builtinRow {
	return []builtinRow{
		{
			name:    RunShell,
			owner:   "123456789012",
			kind:    Session,
			session: StandardStream,
			schema:  "1.0",
		},
		{
			name:    "AWS-StartInteractiveCommand",
			owner:   Amazon,
			kind:    Session,
			session: InteractiveCommands,
			schema:  "1.0",
			parameters: []string{
				"command String",
			},
		},
		{
			name:    "AWS-StartNonInteractiveCommand",
			owner:   Amazon,
			kind:    Session,
			session: NonInteractiveCommands,
			schema:  "1.0",
			parameters: []string{
				"command String",
				"separateOutputStream String=False",
				"stdOutSeparatorPrefix String=",
				"stdErrSeparatorPrefix String=",
			},
		},
		{
			name:    "AWS-StartPortForwardingSession",
			owner:   Amazon,
			kind:    Session,
			session: Port,
			schema:  "1.0",
			parameters: []string{
				"portNumber String=80",
				"localPortNumber String=0",
				"localUnixSocket String=",
			},
		},
		{
			name:    "AWS-StartPortForwardingSessionToRemoteHost",
			owner:   Amazon,
			kind:    Session,
			session: Port,
			schema:  "1.0",
			parameters: []string{
				"host String",
				"portNumber String=80",
				"localPortNumber String=0",
			},
		},
		{
			name:    "AWS-StartSSHSession",
			owner:   Amazon,
			kind:    Session,
			session: Port,
			schema:  "1.0",
			parameters: []string{
				"portNumber String=22",
			},
		},
		{
			name:   RunShellScript,
			owner:  Amazon,
			kind:   Command,
			schema: "1.2",
			parameters: []string{
				"commands StringList",
				"workingDirectory String=",
				"executionTimeout String=3600",
			},
		},
	}
}

// TestBuiltinDocuments holds the documents to what AWS's are for: their types and
// their parameters, with those that need no value.
func TestBuiltinDocuments(t *testing.T) {
	for _, tt := range builtinRows() {
		t.Run(tt.name, func(t *testing.T) {
			r, d := everybodys()[tt.name], builtinDocument(t, tt.name)
			if r.Owner != tt.owner || r.Type != tt.kind || d.Type != tt.kind || d.SessionType() != tt.session || d.SchemaVersion != tt.schema {
				t.Errorf("%s is %s's, %s %s, schema %s", r.Name, r.Owner, r.Type, d.SessionType(), d.SchemaVersion)
			}
			if d.Description == "" {
				t.Error("no description")
			}
			var got []string
			for _, p := range d.Parameters {
				text := p.Name + " " + string(p.Type)
				if p.Optional {
					text += "=" + p.DefaultText()
				}
				got = append(got, text)
			}
			if !reflect.DeepEqual(got, tt.parameters) {
				t.Errorf("parameters %q, want %q", got, tt.parameters)
			}
		})
	}
	if n := len(everybodys()); n != 7 {
		t.Errorf("%d documents are built in", n)
	}
}

// TestEveryBuiltinCanBeMadeAgain holds ours to the rules that accounts' documents
// are held to, in both formats.
func TestEveryBuiltinCanBeMadeAgain(t *testing.T) {
	for name, r := range everybodys() {
		v, err := r.Find("$LATEST", "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := Convert(v.Content, JSON, YAML)
		if err != nil {
			t.Fatal(name, err)
		}
		again, err := Parse(r.Type, YAML, text)
		if err != nil {
			t.Errorf("%s: %v in\n%s", name, err, text)
			continue
		}
		if d := builtinDocument(t, name); !reflect.DeepEqual(plain(d), plain(again)) {
			t.Errorf("%s is another document in YAML:\n%s", name, text)
		}
	}
}

// plain is a document without its compiled patterns, which do not compare.
func plain(d *Document) Document {
	out := *d
	out.Parameters = nil
	for _, p := range d.Parameters {
		p.matches = nil
		out.Parameters = append(out.Parameters, p)
	}
	return out
}

// ourAccount is somebody's preferences.
var ourAccount = Preferences{Bucket: "logs", Idle: 7 * time.Minute, Longest: time.Hour, ShellProfile: "cd /tmp"}

type planRow struct {
	name       string
	document   string
	parameters map[string][]string
	want       Plan
}

func planRows() []planRow {
	return []planRow{
		{
			name:     "a shell",
			document: RunShell,
			want: Plan{
				Type:        StandardStream,
				Preferences: Preferences{Idle: 20 * time.Minute},
			},
		},
		{
			name:       "a command on a terminal",
			document:   "AWS-StartInteractiveCommand",
			parameters: map[string][]string{"command": {"top -d 1"}},
			want: Plan{
				Type:        InteractiveCommands,
				Preferences: ourAccount,
				Command:     "top -d 1",
			},
		},
		{
			name:       "a command without a terminal",
			document:   "AWS-StartNonInteractiveCommand",
			parameters: map[string][]string{"command": {"uname -a"}},
			want: Plan{
				Type:        NonInteractiveCommands,
				Preferences: ourAccount,
				Command:     "uname -a",
			},
		},
		{
			name:     "a command with its streams apart",
			document: "AWS-StartNonInteractiveCommand",
			parameters: map[string][]string{
				"command":               {"make"},
				"separateOutputStream":  {"True"},
				"stdOutSeparatorPrefix": {"OUT:"},
				"stdErrSeparatorPrefix": {"ERR:"},
			},
			want: Plan{
				Type:         NonInteractiveCommands,
				Preferences:  ourAccount,
				Command:      "make",
				Separate:     true,
				StdoutPrefix: "OUT:",
				StderrPrefix: "ERR:",
			},
		},
		{
			name:     "the default port",
			document: "AWS-StartPortForwardingSession",
			want: Plan{
				Type:        Port,
				Preferences: ourAccount,
				PortType:    "LocalPortForwarding",
				PortNumber:  "80",
				LocalPort:   "0",
			},
		},
		{
			name:     "both ports",
			document: "AWS-StartPortForwardingSession",
			parameters: map[string][]string{
				"portNumber":      {"65535"},
				"localPortNumber": {"1"},
			},
			want: Plan{
				Type:        Port,
				Preferences: ourAccount,
				PortType:    "LocalPortForwarding",
				PortNumber:  "65535",
				LocalPort:   "1",
			},
		},
		{
			name:       "a socket",
			document:   "AWS-StartPortForwardingSession",
			parameters: map[string][]string{"localUnixSocket": {"/tmp/web.sock"}},
			want: Plan{
				Type:        Port,
				Preferences: ourAccount,
				PortType:    "LocalPortForwarding",
				PortNumber:  "80",
				LocalPort:   "0",
				LocalSocket: "/tmp/web.sock",
				LocalType:   "unix",
			},
		},
		{
			name:     "another host",
			document: "AWS-StartPortForwardingSessionToRemoteHost",
			parameters: map[string][]string{
				"host":       {"172.31.1.199"},
				"portNumber": {"8080"},
			},
			want: Plan{
				Type:        Port,
				Preferences: ourAccount,
				PortType:    "LocalPortForwarding",
				Host:        "172.31.1.199",
				PortNumber:  "8080",
				LocalPort:   "0",
			},
		},
		{
			name:     "an address of IPv6",
			document: "AWS-StartPortForwardingSessionToRemoteHost",
			parameters: map[string][]string{
				"host": {"fd00:ec2::1"},
			},
			want: Plan{
				Type:        Port,
				Preferences: ourAccount,
				PortType:    "LocalPortForwarding",
				Host:        "fd00:ec2::1",
				PortNumber:  "80",
				LocalPort:   "0",
			},
		},
		{
			name:     "ssh",
			document: "AWS-StartSSHSession",
			want: Plan{
				Type:        Port,
				Preferences: ourAccount,
				PortNumber:  "22",
			},
		},
	}
}

func TestPlansOfBuiltinDocuments(t *testing.T) {
	for _, tt := range planRows() {
		t.Run(tt.name, func(t *testing.T) {
			got, err := builtinDocument(t, tt.document).Plan(tt.parameters, ourAccount)
			if err != nil || got != tt.want {
				t.Errorf("got  %+v %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

// The patterns of the built-in documents.
const (
	portPattern   = `([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])`
	prefixPattern = `^[0-9a-zA-Z\r\n_:-]{0,30}$`
)

type badParameters struct {
	name       string
	document   string
	parameters map[string][]string
	text       string
}

func badParameterRows() []badParameters {
	return []badParameters{
		{
			name:       "a shell takes none",
			document:   RunShell,
			parameters: map[string][]string{"command": {"ls"}},
			text:       `The document does not support parameters.`,
		},
		{
			name:     "a command is required",
			document: "AWS-StartInteractiveCommand",
			text:     `Parameter "command" requires a value.`,
		},
		{
			name:       "an empty command",
			document:   "AWS-StartInteractiveCommand",
			parameters: map[string][]string{"command": {""}},
			text:       `The command is empty.`,
		},
		{
			name:       "two commands",
			document:   "AWS-StartNonInteractiveCommand",
			parameters: map[string][]string{"command": {"a", "b"}},
			text:       `Parameter "command" is of type String and takes one value, not 2.`,
		},
		{
			name:       "no value",
			document:   "AWS-StartNonInteractiveCommand",
			parameters: map[string][]string{"command": {}},
			text:       `Parameter "command" is of type String and takes one value, not 0.`,
		},
		{
			name:     "a flag that is none",
			document: "AWS-StartNonInteractiveCommand",
			parameters: map[string][]string{
				"command":              {"a"},
				"separateOutputStream": {"maybe"},
			},
			text: `Parameter "separateOutputStream" has value "maybe" not in [True, False].`,
		},
		{
			name:     "a prefix with a space",
			document: "AWS-StartNonInteractiveCommand",
			parameters: map[string][]string{
				"command":               {"a"},
				"stdOutSeparatorPrefix": {"a b"},
			},
			text: `Parameter "stdOutSeparatorPrefix" has value "a b" not matching "` + prefixPattern + `".`,
		},
		{
			name:       "port 0",
			document:   "AWS-StartPortForwardingSession",
			parameters: map[string][]string{"portNumber": {"0"}},
			text:       `Parameter "portNumber" has value "0" not matching "^` + portPattern + `$".`,
		},
		{
			name:       "port 65536",
			document:   "AWS-StartPortForwardingSession",
			parameters: map[string][]string{"portNumber": {"65536"}},
			text:       `Parameter "portNumber" has value "65536" not matching "^` + portPattern + `$".`,
		},
		{
			name:       "a line behind the port",
			document:   "AWS-StartSSHSession",
			parameters: map[string][]string{"portNumber": {"22\n"}},
			text:       "Parameter \"portNumber\" has value \"22\n\" not matching \"^" + portPattern + "$\".",
		},
		{
			name:       "a local port that is none",
			document:   "AWS-StartPortForwardingSession",
			parameters: map[string][]string{"localPortNumber": {"-1"}},
			text:       `Parameter "localPortNumber" has value "-1" not matching "^(0|` + portPattern + `)$".`,
		},
		{
			name:       "an unknown one",
			document:   "AWS-StartSSHSession",
			parameters: map[string][]string{"host": {"a.b.c"}},
			text:       `Parameter "host" is not declared in the document.`,
		},
		{
			name:       "a host with a shell in it",
			document:   "AWS-StartPortForwardingSessionToRemoteHost",
			parameters: map[string][]string{"host": {"a.b;id"}},
			text:       `Parameter "host" has value "a.b;id" not matching "^[^,$^&\(\)!;'"<>\` + "`" + `{}\[\]\|#=]{3,}$".`,
		},
		{
			name:       "a NUL",
			document:   "AWS-StartInteractiveCommand",
			parameters: map[string][]string{"command": {"a\x00b"}},
			text:       `Parameter "command" has a value with a NUL character.`,
		},
		{
			name:       "the Parameter Store",
			document:   "AWS-StartInteractiveCommand",
			parameters: map[string][]string{"command": {"echo {{ssm:secret}}"}},
			text:       `Parameter "command" refers to the Parameter Store, which is not served here.`,
		},
	}
}

func TestParametersThatBuiltinDocumentsRefuse(t *testing.T) {
	for _, tt := range badParameterRows() {
		t.Run(tt.name, func(t *testing.T) {
			_, err := builtinDocument(t, tt.document).Plan(tt.parameters, DefaultPreferences())
			wantError(t, err, InvalidParameters, tt.text)
		})
	}
}

func TestASessionIsNoCommandAndACommandNoSession(t *testing.T) {
	_, err := builtinDocument(t, RunShellScript).Plan(nil, DefaultPreferences())
	wantError(t, err, InvalidDocument, "A session needs a document of type Session, not Command.")
	_, err = builtinDocument(t, RunShell).Scripts(nil)
	wantError(t, err, InvalidDocument, "A command needs a document of type Command, not Session.")
}

func TestTheDefaultPreferencesAreTheDefaultDocuments(t *testing.T) {
	if got, want := builtinDocument(t, RunShell).Preferences(), DefaultPreferences(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := builtinDocument(t, "AWS-StartSSHSession").Preferences(), DefaultPreferences(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
