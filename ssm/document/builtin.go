package document

import (
	"embed"
	"time"
)

//go:embed builtin/*.json
var builtinFiles embed.FS

// builtins are the documents that everybody has, and what AWS calls them.
var builtins = []struct {
	name, file string
	kind       Type
}{
	{RunShellScript, "run-shell-script.json", Command},
	{"AWS-StartInteractiveCommand", "interactive-command.json", Session},
	{"AWS-StartNonInteractiveCommand", "non-interactive-command.json", Session},
	{"AWS-StartPortForwardingSession", "port-forwarding.json", Session},
	{"AWS-StartPortForwardingSessionToRemoteHost", "port-forwarding-remote.json", Session},
	{"AWS-StartSSHSession", "ssh.json", Session},
}

// builtinDate is when they were made: AWS's dates differ per Region, and a date
// that moved with the daemon's start would be a difference between two answers.
var builtinDate = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// Builtin are the documents that Amazon owns, by name.
func Builtin() []Record {
	var out []Record
	for _, b := range builtins {
		out = append(out, builtin(b.name, Amazon, b.file, b.kind))
	}
	return out
}

// DefaultRunShell is SSM-SessionManagerRunShell as it is before the account has
// made its own: no logs, ssm-user, twenty minutes.
func DefaultRunShell(account string) Record {
	return builtin(RunShell, account, "run-shell.json", Session)
}

func builtin(name, owner, file string, kind Type) Record {
	content, err := builtinFiles.ReadFile("builtin/" + file)
	if err != nil {
		panic("a document that was built in is not there: " + err.Error())
	}
	r, err := NewRecord(name, owner, kind, Version{Format: JSON, Content: string(content), Created: builtinDate})
	if err != nil {
		panic("a document that was built in can't be read: " + err.Error())
	}
	return r
}
