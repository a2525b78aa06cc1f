package ssm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tombolo/network"
	"tombolo/ssm/command"
)

// GetCommandInvocation gives times as texts, in the form of ISO 8601.

func stamped(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func elapsed(r command.Result) string {
	if r.Started.IsZero() || r.Ended.IsZero() {
		return ""
	}
	d := r.Ended.Sub(r.Started)
	out := "PT"
	if h := int(d.Hours()); h > 0 {
		out += fmt.Sprintf("%dH", h)
	}
	if m := int(d.Minutes()) % 60; m > 0 {
		out += fmt.Sprintf("%dM", m)
	}
	return out + fmt.Sprintf("%gS", float64(d.Milliseconds()%60_000)/1000)
}

type invocationView struct {
	CommandId              string
	InstanceId             network.InstanceID
	Comment                string
	DocumentName           string
	DocumentVersion        string
	PluginName             string
	ResponseCode           int
	ExecutionStartDateTime string
	ExecutionElapsedTime   string
	ExecutionEndDateTime   string
	Status                 string
	StatusDetails          string
	StandardOutputContent  string
	StandardOutputUrl      string
	StandardErrorContent   string
	StandardErrorUrl       string
	CloudWatchOutputConfig cloudWatchOutputConfig
}

func (s *Service) getCommandInvocation(c *call, q *getCommandInvocationRequest) (any, error) {
	i, err := s.Commands.Invocation(c.caller, q.CommandId, network.InstanceID(q.InstanceId))
	if err != nil {
		return nil, err
	}
	out := invocationView{
		CommandId: i.Command.ID, InstanceId: i.Instance, Comment: i.Command.Comment, DocumentName: i.Command.Document,
		DocumentVersion: cmp.Or(i.Command.DocumentVersion, "$DEFAULT"), ResponseCode: -1, Status: i.Status.Name(), StatusDetails: i.Status.Details(),
	}
	if q.PluginName == "" && len(i.Steps) != 1 {
		// AWS answers for a document of several steps only when one is named.
		return nil, fail("InvalidPluginName", "The document has %d steps: PluginName must name one of %s.", len(i.Steps), stepNames(i))
	}
	step, ok := i.Step(q.PluginName)
	if !ok {
		return nil, fail("InvalidPluginName", "The plugin name %s isn't valid: the steps are %s.", q.PluginName, stepNames(i))
	}
	out.PluginName, out.ResponseCode = step.Name, step.Code
	if q.PluginName != "" {
		out.Status, out.StatusDetails = step.Status.Name(), step.Status.Details()
	}
	out.ExecutionStartDateTime, out.ExecutionElapsedTime, out.ExecutionEndDateTime = stamped(step.Started), elapsed(step), stamped(step.Ended)
	out.StandardOutputContent, out.StandardErrorContent = step.Stdout, step.Stderr
	out.StandardOutputUrl, out.StandardErrorUrl = i.URL(step, "stdout"), i.URL(step, "stderr")
	return out, nil
}

func stepNames(i command.Invocation) string {
	var names []string
	for _, s := range i.Steps {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// commandFilterOf turns a request's filters into one of package command.
func commandFilterOf(c *call, id, instance string, of []commandFilter) (command.Filter, error) {
	f := command.Filter{Caller: c.caller, ID: id, Instance: network.InstanceID(instance)}
	for _, one := range of {
		switch one.Key {
		case "InvokedAfter", "InvokedBefore":
			at, err := time.Parse(time.RFC3339, one.Value)
			if err != nil {
				return f, invalid("The value %s of filter %s is no time: one looks like 2021-07-07T00:00:00Z.", one.Value, one.Key)
			}
			if one.Key == "InvokedAfter" {
				f.After = at
			} else {
				f.Before = at
			}
		case "Status":
			known := []string{"Pending", "InProgress", "Success", "Cancelled", "Failed", "TimedOut", "Cancelling", "AccessDenied",
				"DeliveryTimedOut", "ExecutionTimedOut", "Incomplete", "NoInstancesInTag", "LimitExceeded", "Undeliverable", "Terminated", "Delayed"}
			if !slices.Contains(known, one.Value) {
				return f, invalid("The value %s of filter Status is none of %s.", one.Value, strings.Join(known, ", "))
			}
			f.Statuses = []string{one.Value}
		case "DocumentName":
			f.Document = one.Value
		case "ExecutionStage":
			if one.Value != "Executing" && one.Value != "Complete" {
				return f, invalid("The value %s of filter ExecutionStage is none of Executing, Complete.", one.Value)
			}
			f.Stage = one.Value
		}
	}
	return f, nil
}

func (s *Service) listCommands(c *call, q *listCommandsRequest) (any, error) {
	f, err := commandFilterOf(c, q.CommandId, q.InstanceId, q.Filters)
	if err != nil {
		return nil, err
	}
	all := s.Commands.List(f)
	if q.CommandId != "" && len(all) == 0 && len(s.Commands.List(command.Filter{Caller: c.caller, ID: q.CommandId})) == 0 {
		return nil, fail("InvalidCommandId", "Command %s does not exist", q.CommandId)
	}
	key := func(v command.Command) string { return newestFirst(v.Requested) + v.ID }
	slices.SortFunc(all, func(a, b command.Command) int { return cmp.Compare(key(a), key(b)) })
	all, next, err := page(all, key, q.NextToken, cmp.Or(q.MaxResults, 50))
	if err != nil {
		return nil, err
	}
	list := []commandView{}
	for _, one := range all {
		list = append(list, viewCommand(one))
	}
	return struct {
		Commands  []commandView
		NextToken string `json:",omitempty"`
	}{list, next}, nil
}

// listedInvocation is an invocation in the listing.
type listedInvocation struct {
	CommandId              string
	InstanceId             network.InstanceID
	InstanceName           string
	Comment                string
	DocumentName           string
	DocumentVersion        string
	RequestedDateTime      json.Number
	Status                 string
	StatusDetails          string
	StandardOutputUrl      string
	StandardErrorUrl       string
	CommandPlugins         []pluginView
	ServiceRole            string
	NotificationConfig     notificationView
	CloudWatchOutputConfig cloudWatchOutputConfig
}

type pluginView struct {
	Name                   string
	Status                 string
	StatusDetails          string
	ResponseCode           int
	ResponseStartDateTime  json.Number `json:",omitempty"`
	ResponseFinishDateTime json.Number `json:",omitempty"`
	Output                 string
	StandardOutputUrl      string
	StandardErrorUrl       string
	OutputS3Region         string `json:",omitempty"`
	OutputS3BucketName     string
	OutputS3KeyPrefix      string
}

func (s *Service) listCommandInvocations(c *call, q *listCommandInvocationsRequest) (any, error) {
	f, err := commandFilterOf(c, q.CommandId, q.InstanceId, q.Filters)
	if err != nil {
		return nil, err
	}
	all := s.Commands.Invocations(f)
	key := func(v command.Invocation) string {
		return newestFirst(v.Command.Requested) + v.Command.ID + " " + string(v.Instance)
	}
	slices.SortFunc(all, func(a, b command.Invocation) int { return cmp.Compare(key(a), key(b)) })
	all, next, err := page(all, key, q.NextToken, cmp.Or(q.MaxResults, 50))
	if err != nil {
		return nil, err
	}
	list := []listedInvocation{}
	for _, i := range all {
		list = append(list, viewInvocation(i, q.Details))
	}
	return struct {
		CommandInvocations []listedInvocation
		NextToken          string `json:",omitempty"`
	}{list, next}, nil
}

func viewInvocation(i command.Invocation, details bool) listedInvocation {
	out := listedInvocation{
		CommandId: i.Command.ID, InstanceId: i.Instance, InstanceName: i.Name, Comment: i.Command.Comment,
		DocumentName: i.Command.Document, DocumentVersion: cmp.Or(i.Command.DocumentVersion, "$DEFAULT"), RequestedDateTime: when(i.Command.Requested),
		Status: i.Status.Name(), StatusDetails: i.Status.Details(), CommandPlugins: []pluginView{}, NotificationConfig: notificationView{NotificationEvents: []string{}},
	}
	if !details {
		return out
	}
	for _, step := range i.Steps {
		p := pluginView{
			Name: step.Name, Status: step.Status.Name(), StatusDetails: step.Status.Details(), ResponseCode: step.Code,
			Output: step.Summary(), OutputS3Region: i.Command.Output.Region, OutputS3BucketName: i.Command.Output.Bucket, OutputS3KeyPrefix: i.Command.Output.Prefix,
		}
		if !step.Started.IsZero() {
			p.ResponseStartDateTime = when(step.Started)
		}
		if !step.Ended.IsZero() {
			p.ResponseFinishDateTime = when(step.Ended)
		}
		p.StandardOutputUrl, p.StandardErrorUrl = i.URL(step, "stdout"), i.URL(step, "stderr")
		out.CommandPlugins = append(out.CommandPlugins, p)
	}
	return out
}
