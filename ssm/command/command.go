package command

import (
	"slices"
	"time"

	"tombolo/network"
)

// Spec is a command that somebody asks for. Package ssm has checked the form of
// every member; what the instances have to do with it is checked here.
type Spec struct {
	Caller          network.Caller
	Document        string // as it was asked for: a name or an ARN
	DocumentVersion string
	Steps           []Step
	Parameters      map[string][]string // as they were asked for
	Instances       []network.InstanceID
	Targets         []Target
	Comment         string
	Timeout         time.Duration // for delivery; 0 is an hour
	MaxConcurrency  string        // a number or a percentage; "" is 50
	MaxErrors       string        // a number or a percentage; "" is 0
	Output          Output
	Extra           map[string]string // what is stored and shown without effect
}

// Target selects instances.
type Target struct {
	Key    string // InstanceIds, tag:NAME or tag-key
	Values []string
}

// Output is where everything that was printed goes beside the answers' excerpts.
type Output struct {
	Bucket, Prefix, Region string // no Bucket: nowhere
}

// Command is one that was sent, as it is now.
type Command struct {
	ID string
	Spec
	Requested        time.Time
	Expires          time.Time // when the last step must have ended
	Status           Status
	Targeted         int // how many instances it is for
	Completed        int
	Errors           int
	DeliveryTimedOut int
}

// Invocation is a command in one instance, as it is now.
type Invocation struct {
	Command  *Command
	Instance network.InstanceID
	Name     string // the instance's own
	Status   Status
	Steps    []Result
}

// Result is what became of a step. Times are zero before they come.
type Result struct {
	Name           string // the step's
	Action         string // the plugin that carried it out
	Path           []string
	Status         Status
	Code           int // -1 before the end
	Started, Ended time.Time
	Stdout, Stderr string // bounded as AWS bounds them
}

// Step finds the result of a step by name; "" is that of the only one.
func (i Invocation) Step(name string) (Result, bool) {
	if name == "" && len(i.Steps) == 1 {
		return i.Steps[0], true
	}
	at := slices.IndexFunc(i.Steps, func(r Result) bool { return r.Name == name })
	if at < 0 {
		return Result{}, false
	}
	return i.Steps[at], true
}

// Error is a refusal in AWS's words.
type Error struct {
	Code    string // the name of the error's shape
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }
