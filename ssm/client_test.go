package ssm

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tombolo/ec2/instance"
	"tombolo/network"
)

// listening is a site on a real port, with signatures on and a real clock.
func listening(t *testing.T) (s *site, url string) {
	t.Helper()
	s = newSite(t)
	door := s.door(keys{"AKIDMARKETING": home.Account, "AKIDSALES": stranger.Account})
	h := httptest.NewUnstartedServer(door)
	door.Hosts = []string{h.Listener.Addr().String()}
	h.Start()
	t.Cleanup(h.Close)
	return s, h.URL
}

// debianAWS is the AWS CLI that Debian has: the oldest client we promise to serve.
const debianAWS = "/usr/bin/aws"

// awsCLI runs the AWS CLI as a person would.
func awsCLI(t *testing.T, url string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	args = append([]string{"--endpoint-url", url, "--region", "us-east-1", "--output", "json", "ssm"}, args...)
	cmd := exec.CommandContext(t.Context(), debianAWS, args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=AKIDMARKETING", "AWS_SECRET_ACCESS_KEY=akidmarketing"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatalf("run %s (Debian's package awscli): %v", debianAWS, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// answer runs the AWS CLI, which must succeed, and reads what it prints.
func answer[T any](t *testing.T, url string, args ...string) T {
	t.Helper()
	out, errs, status := awsCLI(t, url, args...)
	if status != 0 {
		t.Fatalf("aws ssm %v: exit %d\n%s", args, status, errs)
	}
	var v T
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return v
}

func TestTheAWSCLIRunsACommandAndWaitsForIt(t *testing.T) {
	s, url := listening(t)
	id := string(s.launch(home, network.Tags{"Name": "marketing"}))
	sent := answer[struct {
		Command struct{ CommandId, Status string }
	}](t, url, "send-command", "--document-name", "AWS-RunShellScript",
		"--targets", "Key=tag:Name,Values=marketing", "--parameters", `commands=["echo hello","exit 3"]`, "--comment", "try it")
	if sent.Command.Status != "Pending" {
		t.Errorf("%+v", sent)
	}
	_, errs, status := awsCLI(t, url, "wait", "command-executed", "--command-id", sent.Command.CommandId, "--instance-id", id)
	if status != 255 || !strings.Contains(errs, `"Failed"`) {
		t.Errorf("the waiter for a command that fails: exit %d %s", status, errs)
	}
	got := answer[struct {
		Status, StandardOutputContent string
		ResponseCode                  int
	}](t, url, "get-command-invocation", "--command-id", sent.Command.CommandId, "--instance-id", id)
	if got.Status != "Failed" || got.ResponseCode != 3 || got.StandardOutputContent != "hello\n" {
		t.Errorf("%+v", got)
	}
	_, errs, status = awsCLI(t, url, "get-command-invocation", "--command-id", "12345678-1234-4234-9234-123456789012", "--instance-id", id)
	if status != 254 || !strings.Contains(errs, "(InvocationDoesNotExist)") {
		t.Errorf("exit %d %s", status, errs)
	}
}

func TestTheAWSCLIStartsASession(t *testing.T) {
	s, url := listening(t)
	id := string(s.launch(home, nil))
	// Without the plugin the CLI starts the session, sees that it has no plugin,
	// and ends the session again.
	_, errs, status := awsCLI(t, url, "start-session", "--target", id)
	if status != 255 || !strings.Contains(errs, "SessionManagerPlugin is not found") {
		t.Errorf("exit %d %s", status, errs)
	}
	past := answer[struct {
		Sessions []struct{ Status, Owner string }
	}](t, url, "describe-sessions", "--state", "History")
	if len(past.Sessions) != 1 || past.Sessions[0].Status != "Terminated" || past.Sessions[0].Owner != "arn:aws:iam::123456789012:root" {
		t.Errorf("%+v", past)
	}
	_, errs, status = awsCLI(t, url, "start-session", "--target", "i-0123456789abcdef0")
	if status != 254 || !strings.Contains(errs, "An error occurred (TargetNotConnected) when calling the StartSession operation: i-0123456789abcdef0 is not connected.") {
		t.Errorf("exit %d %s", status, errs)
	}
}

// TestThePluginIsGivenWhatItNeeds puts a program in the plugin's place that writes
// down how it was called.
func TestThePluginIsGivenWhatItNeeds(t *testing.T) {
	s, url := listening(t)
	id := string(s.launch(home, nil))
	dir := t.TempDir()
	script := "#!/bin/sh\nfor a in \"$@\"; do echo \"$a\"; done > " + dir + "/args\n"
	if err := os.WriteFile(filepath.Join(dir, "session-manager-plugin"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), debianAWS, "--endpoint-url", url, "--region", "us-east-1", "ssm", "start-session", "--target", id,
		"--document-name", "AWS-StartPortForwardingSession", "--parameters", "portNumber=80,localPortNumber=8080")
	cmd.Env = []string{"HOME=" + dir, "PATH=" + dir + ":/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=AKIDMARKETING", "AWS_SECRET_ACCESS_KEY=akidmarketing"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(string(raw), "\n")
	var given access
	if err := json.Unmarshal([]byte(args[0]), &given); err != nil {
		t.Fatalf("%v in %s", err, args[0])
	}
	want := "ws://" + strings.TrimPrefix(url, "http://") + "/v1/data-channel/" + given.SessionId + "?role=publish_subscribe"
	if given.StreamUrl != want || given.TokenValue == "" || len(given.TokenValue) > 300 || !strings.HasPrefix(given.SessionId, "root-") {
		t.Errorf("%+v", given)
	}
	if len(args) < 6 || args[1] != "us-east-1" || args[2] != "StartSession" || !strings.Contains(args[4], id) || args[5] != url {
		t.Errorf("%q", args)
	}
}

// shown is a document as the CLI prints it, with times in its own form.
type shown struct {
	DocumentDescription struct {
		DocumentVersion, Description, HashType string
		LatestVersion, DefaultVersion          string
		Tags                                   []tag
	}
}

func TestTheAWSCLIKeepsDocuments(t *testing.T) {
	_, url := listening(t)
	file := filepath.Join(t.TempDir(), "greet.yaml")
	write := func(text string) {
		t.Helper()
		content := "schemaVersion: '2.2'\ndescription: " + text + "\nmainSteps:\n- action: aws:runShellScript\n  name: greet\n  inputs:\n    runCommand:\n    - echo hello\n"
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("One")
	made := answer[shown](t, url, "create-document", "--name", "Greet", "--document-type", "Command", "--document-format", "YAML",
		"--content", "file://"+file, "--tags", "Key=team,Value=web")
	if d := made.DocumentDescription; d.DocumentVersion != "1" || d.Description != "One" || len(d.Tags) != 1 || d.HashType != "Sha256" {
		t.Errorf("%+v", d)
	}
	write("Two")
	changed := answer[shown](t, url, "update-document", "--name", "Greet", "--document-format", "YAML", "--content", "file://"+file, "--document-version", "$LATEST")
	if d := changed.DocumentDescription; d.LatestVersion != "2" || d.DefaultVersion != "1" {
		t.Errorf("%+v", d)
	}
	answer[any](t, url, "update-document-default-version", "--name", "Greet", "--document-version", "2")
	// The CLI asks for page after page by itself.
	list := answer[struct{ DocumentIdentifiers []struct{ Name string } }](t, url, "list-documents", "--page-size", "2")
	if len(list.DocumentIdentifiers) != 8 {
		t.Errorf("%d documents: %+v", len(list.DocumentIdentifiers), list)
	}
	_, errs, status := awsCLI(t, url, "create-document", "--name", "Greet", "--content", "{}")
	if status != 254 || !strings.Contains(errs, "(InvalidDocumentSchemaVersion)") {
		t.Errorf("exit %d %s", status, errs)
	}
	if out, errs, status := awsCLI(t, url, "delete-document", "--name", "Greet"); status != 0 || out != "" {
		t.Errorf("exit %d %s %s", status, out, errs)
	}
}

// TestBoto3DoesTheRest runs testdata/boto.py: waiters and paginators.
func TestBoto3DoesTheRest(t *testing.T) {
	s, url := listening(t)
	id := string(s.launch(home, network.Tags{"Name": "marketing"}))
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/boto.py", url, id)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIDMARKETING", "AWS_SECRET_ACCESS_KEY=akidmarketing"}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "ok\n" {
		t.Errorf("boto.py (Debian's package python3-boto3): %v\n%s", err, out)
	}
}

// TestTheDoorsRefusalsAreInJSON: a client of this service reads nothing else.
func TestTheDoorsRefusalsAreInJSON(t *testing.T) {
	s := newSite(t)
	door := s.door(keys{"AKIDMARKETING": home.Account}, "127.0.0.1:4566")
	const credential = "AWS4-HMAC-SHA256 Credential="
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		status int
		kind   string
	}{
		{"no signature", func(*http.Request) {}, 400, "MissingAuthenticationTokenException"},
		{"half a signature", func(r *http.Request) { r.Header.Set("Authorization", credential+"AKIDMARKETING/x") }, 400, "IncompleteSignatureException"},
		{"an unknown key", func(r *http.Request) {
			r.Header.Set("X-Amz-Date", "20261122T210000Z")
			r.Header.Set("Authorization", credential+"AKIDNOBODY/20261122/us-east-1/ssm/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
		}, 400, "UnrecognizedClientException"},
		{"a web page", func(r *http.Request) { r.Header.Set("Origin", "https://example.com") }, 403, "AccessDeniedException"},
		{"another host", func(r *http.Request) { r.Host = "example.com" }, 403, "AccessDeniedException"},
		{"another path", func(r *http.Request) { r.URL.Path = "/x" }, 404, "UnknownOperationException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "http://127.0.0.1:4566/", strings.NewReader("{}"))
			r.Header.Set("X-Amz-Target", "AmazonSSM.ListCommands")
			tt.change(r)
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			var e apiError
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != tt.status || e.Type != tt.kind || e.Message == "" {
				t.Errorf("%d %s %v", w.Code, w.Body, err)
			}
			if got := w.Header().Get("Content-Type"); got != "application/x-amz-json-1.1" {
				t.Error(got)
			}
			if w.Header().Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

// TestAFaultOfOursSaysNothing: the text of an internal error is for the log.
func TestAFaultOfOursSaysNothing(t *testing.T) {
	s := newSite(t)
	s.service.library.records = broken{s.records}
	content := `{\"schemaVersion\": \"1.0\", \"sessionType\": \"Standard_Stream\", \"inputs\": {}}`
	status, body := s.call(home, "CreateDocument", `{"Name": "Mine", "DocumentType": "Session", "Content": "`+content+`"}`)
	if status != 500 || body != `{"__type":"InternalServerError","message":"An internal error occurred."}` {
		t.Errorf("%d %s", status, body)
	}
	if status, body := s.call(home, "GetDocument", `{"Name": "Mine"}`); status != 400 {
		t.Errorf("what was not stored is there: %s", body)
	}
}

// TestEveryPublicParameterNamesAnImage holds the parameters' table to the
// catalogue of EC2's API: whoever launches what a parameter says gets that image.
func TestEveryPublicParameterNamesAnImage(t *testing.T) {
	s := newSite(t)
	s.service.Images = instance.Images
	c := &call{Context: t.Context(), caller: home}
	got := s.service.parameters(c)
	if len(got) != len(publicParameters) {
		t.Errorf("%d of %d parameters have an image", len(got), len(publicParameters))
	}
	catalogue := slices.Collect(maps.Values(instance.Images(home.Region)))
	for _, p := range got {
		if !slices.Contains(catalogue, network.ImageID(p.Value)) {
			t.Errorf("%s is %s, which is no image", p.Name, p.Value)
		}
	}
}
