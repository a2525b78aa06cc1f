package document

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

const runShell = "aws:runShellScript"

// step is one step of a Command document, with references.
type step struct {
	name      string
	commands  []string
	directory string
	timeout   string
	skip      bool // its precondition leaves Linux out
	finally   bool
	onFailure OnFailure
}

// OnFailure says what follows when a script fails.
type OnFailure string

// The ways to go on. AWS: "Command document plugin reference", shared properties.
const (
	Continue       OnFailure = ""               // with the next script; the command has failed
	Exit           OnFailure = "exit"           // with the final one; the command has failed
	SuccessAndExit OnFailure = "successAndExit" // with the final one; the command has succeeded
)

// Script is one thing to run on an instance, as root, with the parameters in
// their places.
type Script struct {
	Name      string // PluginName of the answers
	Commands  []string
	Directory string        // "": the agent's own place for this run
	Timeout   time.Duration // 5 seconds to 48 hours
	Skip      bool          // not for Linux: counts as a success that did nothing
	Finally   bool          // runs whatever happened before; there is at most one, the last
	OnFailure OnFailure
}

// steps reads a Command document's mainSteps, or the runtimeConfig of schema 1.2.
func (c *checker) steps(top *part, schema string) []step {
	if schema == "1.2" {
		return c.runtimeConfig(top)
	}
	n, _ := top.take("mainSteps")
	list, _ := n.([]node)
	if c.err == nil && len(list) == 0 {
		c.fail("mainSteps is required in a document of type Command, as a list with at least one step.")
	}
	var out []step
	names := map[string]bool{}
	for i, item := range list {
		p := c.object(fmt.Sprintf("step %d", i+1), item)
		s := c.step(p, schema)
		if c.err == nil && names[s.name] {
			c.fail("Two steps have the name %q.", s.name)
		}
		if c.err == nil && s.finally && i < len(list)-1 {
			c.fail("finallyStep in step %d: only the last step can be the final one.", i+1)
		}
		names[s.name] = true
		out = append(out, s)
	}
	return out
}

var stepName = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{1,128}$`)

func (c *checker) step(p *part, schema string) step {
	var s step
	action := c.text(p, "action")
	if s.name = c.text(p, "name"); c.err == nil && !stepName.MatchString(s.name) {
		c.fail("name in %s is %q; a name has 1 to 128 letters, digits, '_', '-' or '.'.", p.name, s.name)
	}
	if pre := c.child(p, "precondition"); pre != nil {
		if schema == "2.0" {
			c.fail("precondition in %s needs schema version 2.2.", p.name)
		}
		s.skip = c.precondition(p, pre)
	}
	s.finally = c.flag(p, "finallyStep")
	switch v := c.text(p, "onFailure"); v {
	case "", "Continue", "continue":
	case string(Exit), string(SuccessAndExit):
		s.onFailure = OnFailure(v)
	default:
		c.fail("onFailure in %s is %q; valid values are exit and successAndExit.", p.name, v)
	}
	c.refuse(p, "onSuccess", "steps follow one another.")
	c.refuse(p, "isEnd", "steps follow one another.")
	p.ignore("description", "isCritical", "nextStep", "maxAttempts", "timeoutSeconds")
	for _, key := range []string{"nextStep", "maxAttempts", "isCritical", "timeoutSeconds"} {
		if _, there := p.o.values[key]; there {
			c.fail("%s in %s is of Automation documents and is not supported in one of type Command.", key, p.name)
		}
	}
	inputs := c.child(p, "inputs")
	if !s.skip {
		c.inputs(&s, action, inputs, p.name)
	}
	c.closed(p)
	return s
}

// precondition says whether a step is to be skipped on Linux: StringEquals of
// platformType and a platform, in either order.
func (c *checker) precondition(p, pre *part) (skip bool) {
	sides := c.list(pre, "StringEquals")
	c.closed(pre)
	if c.err != nil {
		return false
	}
	if len(sides) == 2 && sides[1] == "platformType" {
		sides[0], sides[1] = sides[1], sides[0]
	}
	if len(sides) != 2 || sides[0] != "platformType" {
		c.fail("The precondition of %s is not supported here: the only one is StringEquals of platformType and a platform.", p.name)
		return false
	}
	switch sides[1] {
	case "Linux":
		return false
	case "Windows", "MacOS":
		return true
	}
	c.fail("The precondition of %s names the platform %q; valid values are Linux, MacOS and Windows.", p.name, sides[1])
	return false
}

func (c *checker) inputs(s *step, action string, in *part, where string) {
	if c.err == nil && action != runShell {
		c.fail("action in %s is %q, which is not supported here: %s is.", where, action, runShell)
	}
	if in == nil {
		c.fail("inputs is required in %s.", where)
		return
	}
	in.ignore("id", "onFailure", "onSuccess")
	s.commands = c.list(in, "runCommand")
	s.directory, s.timeout = c.text(in, "workingDirectory"), c.text(in, "timeoutSeconds")
	if c.err == nil && len(s.commands) == 0 {
		c.fail("runCommand is required in the inputs of %s.", where)
	}
	c.closed(in)
}

// runtimeConfig reads the steps of schema 1.2, which are a plugin's properties.
func (c *checker) runtimeConfig(top *part) []step {
	config := c.child(top, "runtimeConfig")
	if config == nil {
		c.fail("runtimeConfig is required in a document of schema version 1.2.")
		return nil
	}
	plugin := c.child(config, runShell)
	if plugin == nil {
		c.fail("runtimeConfig has no %s, the only plugin that is supported here.", runShell)
		return nil
	}
	c.closed(config)
	n, _ := plugin.take("properties")
	c.closed(plugin)
	list, ok := n.([]node)
	if !ok {
		list = []node{n}
	}
	var out []step
	for i, item := range list {
		s := step{name: runShell}
		if i > 0 {
			s.name = fmt.Sprintf("%s%d", runShell, i+1)
		}
		c.inputs(&s, runShell, c.object("properties", item), runShell)
		out = append(out, s)
	}
	return out
}

// Scripts are what a Command document runs with a call's parameters.
func (d *Document) Scripts(parameters map[string][]string) ([]Script, error) {
	if d.Type != Command {
		return nil, errorf(InvalidDocument, "A command needs a document of type Command, not %s.", d.Type)
	}
	values, err := d.values(parameters)
	if err != nil {
		return nil, err
	}
	var out []Script
	for _, s := range d.steps {
		out = append(out, Script{
			Name:      s.name,
			Commands:  fillList(s.commands, values, d),
			Directory: fill(s.directory, values, d),
			Timeout:   timeout(fill(s.timeout, values, d)),
			Skip:      s.skip,
			Finally:   s.finally,
			OnFailure: s.onFailure,
		})
	}
	return out, nil
}

// timeout reads a script's time-out as the agent does: what is no number of
// seconds from 5 to 172800 is an hour.
func timeout(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil || n < 5 || n > 172800 {
		n = 3600
	}
	return time.Duration(n) * time.Second
}
