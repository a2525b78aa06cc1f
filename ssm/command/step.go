package command

import (
	"fmt"
	"strings"
	"time"

	"tombolo/ssm/document"
)

// action is the plugin that carries out every step that is served.
const action = "aws:runShellScript"

// Step is one script of a command.
type Step struct {
	Name    string   // of the step in the document; AWS-RunShellScript's is aws:runShellScript
	Path    []string // names its directory and its output
	Script  string
	Dir     string // where it runs; "" is the step's directory
	Timeout time.Duration
	Skip    bool // it is for other platforms
	Finally bool // it runs even if an earlier one ended the command
	// OnFailure is what follows when it fails.
	OnFailure document.OnFailure
}

// Steps are what a document's scripts are to a command.
func Steps(scripts []document.Script) []Step {
	out := make([]Step, len(scripts))
	for n, s := range scripts {
		out[n] = Step{
			Name: s.Name, Path: location(s.Name, n), Script: strings.Join(s.Commands, "\n") + "\n",
			Dir: s.Directory, Timeout: s.Timeout, Skip: s.Skip, Finally: s.Finally, OnFailure: s.OnFailure,
		}
	}
	return out
}

// location is where the agent keeps a step's script, and S3 its output: below the
// plugin's name without its colon, under the step's name. A step of schema 1.2 has
// no name of its own; one that a file can't have gets its number.
func location(name string, n int) []string {
	plugin := strings.ReplaceAll(action, ":", "")
	switch {
	case strings.HasPrefix(name, action):
		name = fmt.Sprintf("%d.%s", n, plugin)
	case name == "." || name == "..":
		name = fmt.Sprintf("step%d", n+1)
	}
	return []string{plugin, name}
}

// exits reports whether a step is the last one, and makes a success of a failure
// that its document calls one.
func (s Step) exits(r *Result) bool {
	if r.Status == Success {
		return false
	}
	if s.OnFailure == document.SuccessAndExit && r.Status == Failed {
		r.Status = Success
	}
	return s.OnFailure != document.Continue
}
