package document

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRunShellScript(t *testing.T) {
	d := builtinDocument(t, RunShellScript)
	for _, tt := range []struct {
		name       string
		parameters map[string][]string
		want       Script
	}{
		{
			name:       "lines",
			parameters: map[string][]string{"commands": {"#!/bin/bash", "echo {{ commands }}", ""}},
			want: Script{
				Name:     "aws:runShellScript",
				Commands: []string{"#!/bin/bash", "echo {{ commands }}", ""},
				Timeout:  time.Hour,
			},
		},
		{
			name: "all",
			parameters: map[string][]string{
				"commands":         {"ls"},
				"workingDirectory": {"/tmp"},
				"executionTimeout": {"172800"},
			},
			want: Script{
				Name:      "aws:runShellScript",
				Commands:  []string{"ls"},
				Directory: "/tmp",
				Timeout:   48 * time.Hour,
			},
		},
		{
			name: "a time too short for the agent",
			parameters: map[string][]string{
				"commands":         {"ls"},
				"executionTimeout": {"4"},
			},
			want: Script{
				Name:     "aws:runShellScript",
				Commands: []string{"ls"},
				Timeout:  time.Hour,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := d.Scripts(tt.parameters)
			if err != nil || !reflect.DeepEqual(got, []Script{tt.want}) {
				t.Errorf("got  %+v %v\nwant %+v", got, err, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		name       string
		parameters map[string][]string
		text       string
	}{
		{"nothing", nil, `Parameter "commands" requires a value.`},
		{"no lines", map[string][]string{"commands": {}}, `Parameter "commands" has 0 items; at least 1 are allowed.`},
		{
			"too long a time",
			map[string][]string{"commands": {"ls"}, "executionTimeout": {"172801"}},
			`Parameter "executionTimeout" has value "172801" not matching "^([1-9][0-9]{0,4}|1[0-6][0-9]{4}|17[01][0-9]{3}|172[0-7][0-9]{2}|172800)$".`,
		},
		{
			"two directories",
			map[string][]string{"commands": {"ls"}, "workingDirectory": {"/a", "/b"}},
			`Parameter "workingDirectory" is of type String and takes one value, not 2.`,
		},
		{
			"a long directory",
			map[string][]string{"commands": {"ls"}, "workingDirectory": {strings.Repeat("x", 4097)}},
			`Parameter "workingDirectory" has a value of 4097 characters; 0 to 4096 are allowed.`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.Scripts(tt.parameters)
			wantError(t, err, InvalidParameters, tt.text)
		})
	}
}

// deploy is a document with several steps and everything that they may have.
const deploy = `
schemaVersion: '2.2'
description: Deploy a release
parameters:
  release:
    type: String
    allowedPattern: '[a-z0-9.]+'
  hosts:
    type: StringList
    default: [a, b]
    maxItems: 3
  dry:
    type: Boolean
    default: false
  labels:
    type: StringMap
    default: {tier: web}
mainSteps:
- action: aws:runShellScript
  name: fetch
  description: get it
  precondition:
    StringEquals: [platformType, Linux]
  onFailure: exit
  inputs:
    timeoutSeconds: '60'
    workingDirectory: '/srv/{{ release }}'
    runCommand:
    - set -e
    - 'fetch {{release}} # dry={{ dry }}'
    - '{{ hosts }}'
    - 'echo {{ hosts }} {{ labels }}'
- action: aws:runPowerShellScript
  name: windows
  precondition:
    StringEquals: [Windows, platformType]
  inputs:
    runCommand: [dir]
- action: aws:runShellScript
  name: clean-up
  finallyStep: true
  onFailure: successAndExit
  inputs:
    runCommand: rm -rf /tmp/release
`

func TestADocumentOfSeveralSteps(t *testing.T) {
	d := parse(t, Command, deploy)
	got, err := d.Scripts(map[string][]string{
		"release": {"v1.2"},
		"hosts":   {"x", "y z"},
		"dry":     {"TRUE"},
	})
	want := []Script{
		{
			Name:      "fetch",
			Commands:  []string{"set -e", "fetch v1.2 # dry=TRUE", "x", "y z", `echo ["x","y z"] {"tier":"web"}`},
			Directory: "/srv/v1.2",
			Timeout:   time.Minute,
			OnFailure: Exit,
		},
		{
			Name:    "windows",
			Timeout: time.Hour,
			Skip:    true,
		},
		{
			Name:      "clean-up",
			Commands:  []string{"rm -rf /tmp/release"},
			Timeout:   time.Hour,
			Finally:   true,
			OnFailure: SuccessAndExit,
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v %v\nwant %+v", got, err, want)
	}
	if platforms := d.Platforms(); !reflect.DeepEqual(platforms, []string{"Linux", "MacOS"}) {
		t.Errorf("%v", platforms)
	}
	for _, tt := range []struct {
		name       string
		parameters map[string][]string
		text       string
	}{
		{"half a match", map[string][]string{"release": {"v1;id"}}, `Parameter "release" has value "v1;id" not matching "[a-z0-9.]+".`},
		{"too many", map[string][]string{"release": {"v"}, "hosts": {"a", "b", "c", "d"}}, `Parameter "hosts" has 4 items; 0 to 3 are allowed.`},
		{"no flag", map[string][]string{"release": {"v"}, "dry": {"yes"}}, `Parameter "dry" has value "yes", which is no Boolean.`},
		{"no map", map[string][]string{"release": {"v"}, "labels": {"[1]"}}, `Parameter "labels" has value "[1]", which is no StringMap.`},
	} {
		_, err := d.Scripts(tt.parameters)
		wantError(t, err, InvalidParameters, tt.text)
	}
}

func TestAListOfMapsIsJSON(t *testing.T) {
	d := parse(t, Command, `
schemaVersion: '2.2'
parameters:
  disks: {type: MapList, default: [{size: 1}]}
mainSteps:
- {action: aws:runShellScript, name: a, inputs: {runCommand: ['echo {{ disks }}']}}
`)
	got, err := d.Scripts(nil)
	if err != nil || got[0].Commands[0] != `echo [{"size":1}]` {
		t.Errorf("%+v %v", got, err)
	}
	_, err = d.Scripts(map[string][]string{"disks": {"{}"}})
	wantError(t, err, InvalidParameters, `Parameter "disks" has value "{}", which is no MapList.`)
}

// TestWhatAValueBringsIsNoReference: else one parameter could read another, and a
// value could grow without end.
func TestWhatAValueBringsIsNoReference(t *testing.T) {
	d := parse(t, Command, `
schemaVersion: '2.2'
parameters:
  a: {type: String}
  b: {type: String, default: secret}
mainSteps:
- {action: aws:runShellScript, name: s, inputs: {runCommand: ['{{ a }} {{ b }}']}}
`)
	got, err := d.Scripts(map[string][]string{"a": {"{{ b }}{{ a }}$1"}})
	if err != nil || got[0].Commands[0] != "{{ b }}{{ a }}$1 secret" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestSeveralPropertiesOfSchema12AreSeveralScripts(t *testing.T) {
	d := parse(t, Command, `
schemaVersion: '1.2'
runtimeConfig:
  aws:runShellScript:
    properties:
    - {id: one, runCommand: [a], timeoutSeconds: 7}
    - {id: two, runCommand: [b], workingDirectory: /tmp}
`)
	got, err := d.Scripts(nil)
	want := []Script{
		{Name: "aws:runShellScript", Commands: []string{"a"}, Timeout: 7 * time.Second},
		{Name: "aws:runShellScript2", Commands: []string{"b"}, Directory: "/tmp", Timeout: time.Hour},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestPropertiesOfSchema12MayBeOne(t *testing.T) {
	d := parse(t, Command, `{
  "schemaVersion": "1.2",
  "runtimeConfig": {
    "aws:runShellScript": {
      "properties": {
        "runCommand": "uptime"
      }
    }
  }
}`)
	got, err := d.Scripts(nil)
	if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0].Commands, []string{"uptime"}) {
		t.Errorf("%+v %v", got, err)
	}
}

// oneStep is a document with one step of these elements.
func oneStep(elements string) string {
	return "schemaVersion: '2.2'\nmainSteps:\n- {" + elements + "}\n"
}

const (
	stepInputs = `inputs: {runCommand: [ls]}`
	shellStep  = `action: aws:runShellScript, name: a, `
)

type badCommand struct {
	name    string
	content string
	text    string
}

func badCommands() []badCommand {
	return []badCommand{
		{
			name:    "no steps",
			content: "schemaVersion: '2.2'\n",
			text:    `mainSteps is required in a document of type Command, as a list with at least one step.`,
		},
		{
			name:    "an empty list of steps",
			content: "schemaVersion: '2.2'\nmainSteps: []\n",
			text:    `mainSteps is required in a document of type Command, as a list with at least one step.`,
		},
		{
			name:    "a step that is a text",
			content: "schemaVersion: '2.2'\nmainSteps: [ls]\n",
			text:    `step 1 must be a map, not a string.`,
		},
		{
			name:    "a step without a name",
			content: oneStep(`action: aws:runShellScript, ` + stepInputs),
			text:    `name in step 1 is ""; a name has 1 to 128 letters, digits, '_', '-' or '.'.`,
		},
		{
			name:    "a name that is a path",
			content: oneStep(`action: aws:runShellScript, name: a/b, ` + stepInputs),
			text:    `name in step 1 is "a/b"; a name has 1 to 128 letters, digits, '_', '-' or '.'.`,
		},
		{
			name: "a name twice",
			content: `
schemaVersion: '2.2'
mainSteps:
- {action: aws:runShellScript, name: a, inputs: {runCommand: [ls]}}
- {action: aws:runShellScript, name: a, inputs: {runCommand: [ls]}}
`,
			text: `Two steps have the name "a".`,
		},
		{
			name: "a final step that is not the last",
			content: `
schemaVersion: '2.2'
mainSteps:
- {action: aws:runShellScript, name: a, finallyStep: true, inputs: {runCommand: [ls]}}
- {action: aws:runShellScript, name: b, inputs: {runCommand: [ls]}}
`,
			text: `finallyStep in step 1: only the last step can be the final one.`,
		},
		{
			name:    "another plugin",
			content: oneStep(`action: aws:downloadContent, name: a, ` + stepInputs),
			text:    `action in step 1 is "aws:downloadContent", which is not supported here: aws:runShellScript is.`,
		},
		{
			name:    "no inputs",
			content: oneStep(`action: aws:runShellScript, name: a`),
			text:    `inputs is required in step 1.`,
		},
		{
			name:    "nothing to run",
			content: oneStep(shellStep + `inputs: {workingDirectory: /}`),
			text:    `runCommand is required in the inputs of step 1.`,
		},
		{
			name:    "unknown inputs",
			content: oneStep(shellStep + `inputs: {runCommand: [ls], shell: bash}`),
			text:    `inputs has an element "shell" that is unknown there.`,
		},
		{
			name:    "a map to run",
			content: oneStep(shellStep + `inputs: {runCommand: [{a: b}]}`),
			text:    `runCommand in inputs must be a string, not a map.`,
		},
		{
			name:    "another condition",
			content: oneStep(shellStep + `precondition: {StringEquals: [osName, Ubuntu]}, ` + stepInputs),
			text:    `The precondition of step 1 is not supported here: the only one is StringEquals of platformType and a platform.`,
		},
		{
			name:    "an unknown platform",
			content: oneStep(shellStep + `precondition: {StringEquals: [platformType, BeOS]}, ` + stepInputs),
			text:    `The precondition of step 1 names the platform "BeOS"; valid values are Linux, MacOS and Windows.`,
		},
		{
			name:    "an unknown operator",
			content: oneStep(shellStep + `precondition: {StringLike: [platformType, Linux]}, ` + stepInputs),
			text:    `precondition has an element "StringLike" that is unknown there.`,
		},
		{
			name:    "a precondition before its time",
			content: strings.Replace(oneStep(shellStep+`precondition: {StringEquals: [platformType, Linux]}, `+stepInputs), "2.2", "2.0", 1),
			text:    `precondition in step 1 needs schema version 2.2.`,
		},
		{
			name:    "another way on",
			content: oneStep(shellStep + `onFailure: Abort, ` + stepInputs),
			text:    `onFailure in step 1 is "Abort"; valid values are exit and successAndExit.`,
		},
		{
			name:    "a way on after success",
			content: oneStep(shellStep + `onSuccess: exit, ` + stepInputs),
			text:    `onSuccess in step 1 is not supported here: steps follow one another.`,
		},
		{
			name:    "an Automation document's step",
			content: oneStep(shellStep + `maxAttempts: 3, ` + stepInputs),
			text:    `maxAttempts in step 1 is of Automation documents and is not supported in one of type Command.`,
		},
		{
			name:    "an unknown element",
			content: oneStep(shellStep + `colour: red, ` + stepInputs),
			text:    `step 1 has an element "colour" that is unknown there.`,
		},
		{
			name:    "no runtimeConfig",
			content: "schemaVersion: '1.2'\n",
			text:    `runtimeConfig is required in a document of schema version 1.2.`,
		},
		{
			name:    "another plugin of schema 1.2",
			content: "schemaVersion: '1.2'\nruntimeConfig:\n  aws:psModule: {properties: []}\n",
			text:    `runtimeConfig has no aws:runShellScript, the only plugin that is supported here.`,
		},
		{
			name:    "two plugins of schema 1.2",
			content: "schemaVersion: '1.2'\nruntimeConfig:\n  aws:runShellScript: {properties: [{runCommand: a}]}\n  aws:psModule: {}\n",
			text:    `runtimeConfig has an element "aws:psModule" that is unknown there.`,
		},
		{
			name:    "a Go template",
			content: oneStep(shellStep + `inputs: {runCommand: ['docker inspect -f "{{else}}" x']}`),
			text:    `Parameter "else" is not declared.`,
		},
	}
}

func TestCommandDocumentsThatAreRefused(t *testing.T) {
	for _, tt := range badCommands() {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(Command, YAML, tt.content)
			wantError(t, err, InvalidDocumentContent, tt.text)
		})
	}
}
