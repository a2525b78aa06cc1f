package lab

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tombolo/client"
)

// option is one option of an AWS CLI command and the parameters it stands for.
type option struct {
	typed  string
	params []string // name, value, name, value…
}

// opt is an option of the common form: --vpc-id X is the parameter VpcId.
func opt(flag, value string) option {
	return option{typed: "--" + flag + " " + value, params: []string{camel(flag), value}}
}

// as is an option whose parameters do not follow from its name.
func as(typed string, params ...string) option { return option{typed: typed, params: params} }

// Mark is the tag, beside the Name, of what the guided lab makes.
const Mark = "tombolo:lab"

// named tags what a create command makes.
func (p *play) named(kind, name string) option {
	if p.mark != "" {
		at := "TagSpecification.1."
		return as(fmt.Sprintf("--tag-specifications 'ResourceType=%s,Tags=[{Key=Name,Value=%s},{Key=%s,Value=%s}]'", kind, name, Mark, p.mark),
			at+"ResourceType", kind, at+"Tag.1.Key", "Name", at+"Tag.1.Value", name, at+"Tag.2.Key", Mark, at+"Tag.2.Value", p.mark)
	}
	return as(fmt.Sprintf("--tag-specifications 'ResourceType=%s,Tags=[{Key=Name,Value=%s}]'", kind, name),
		"TagSpecification.1.ResourceType", kind, "TagSpecification.1.Tag.1.Key", "Name", "TagSpecification.1.Tag.1.Value", name)
}

// camel turns the AWS CLI's vpc-id into the API's VpcId.
func camel(flag string) string {
	var out strings.Builder
	for word := range strings.SplitSeq(flag, "-") {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

// aws does what the AWS CLI command `aws ec2 command options…` would, and
// shows the command.
func (p *play) aws(ctx context.Context, command string, options ...option) (*client.Node, error) {
	line := "aws ec2 " + command
	for _, o := range options {
		line += " " + o.typed
	}
	s := &p.steps[len(p.steps)-1]
	s.Commands = append(s.Commands, line)
	p.watch.Command(line)
	return p.quiet(ctx, command, options...)
}

// quiet is aws without showing the command: for looking, not for doing.
func (p *play) quiet(ctx context.Context, command string, options ...option) (*client.Node, error) {
	var params []string
	for _, o := range options {
		params = append(params, o.params...)
	}
	tree, err := p.w.API.Call(ctx, camel(command), params...)
	if err != nil {
		return nil, fmt.Errorf("aws ec2 %s: %w", command, err)
	}
	return tree, nil
}

// pollEvery is how often something that becomes true by itself is looked at.
const pollEvery = 20 * time.Millisecond

// until looks again and again until look says done, for at most limit.
func (p *play) until(ctx context.Context, what string, limit time.Duration, look func() (bool, error)) (bool, error) {
	deadline := time.Now().Add(limit)
	for told := false; ; {
		done, err := look()
		if done || err != nil {
			return done, err
		}
		if time.Now().After(deadline) {
			return false, nil
		}
		if !told {
			p.watch.Waiting(what)
			told = true
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}
