package command

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tombolo/network"
	"tombolo/ssm/document"
)

// one runs a script in a new instance to its end.
func one(t *testing.T, timeout time.Duration, script string) Result {
	t.Helper()
	s := newSite(t)
	id := s.launch(home, nil)
	c, _ := running(t, Config{Host: newMachine(), State: s.State, Platform: Platform{"Amazon Linux", "2023"}})
	sent := send(t, c, shell(timeout, script, id))
	i := end(t, c, sent.ID, id)
	r, ok := i.Step("")
	if !ok || i.Status != r.Status {
		t.Fatalf("invocation %s, steps %+v", i.Status, i.Steps)
	}
	return r
}

func TestScriptSucceeds(t *testing.T) {
	r := one(t, time.Minute, "echo out\necho err >&2\nread line || echo no input")
	if r.Status != Success || r.Code != 0 || r.Stdout != "out\nno input\n" || r.Stderr != "err\n" {
		t.Errorf("%s, code %d, stdout %q, stderr %q", r.Status, r.Code, r.Stdout, r.Stderr)
	}
	if r.Started.IsZero() || r.Ended.Before(r.Started) {
		t.Errorf("from %v to %v", r.Started, r.Ended)
	}
}

func TestScriptFails(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		code   int
		status Status
		stderr string
	}{
		"by an exit code":            {"exit 3", 3, Failed, "failed to run commands: exit status 3"},
		"after a line on stderr":     {"echo no >&2; exit 3", 3, Failed, "no\nfailed to run commands: exit status 3"},
		"after half a line":          {"printf no >&2; exit 3", 3, Failed, "no\nfailed to run commands: exit status 3"},
		"by a signal":                {"kill -TERM $PPID", -1, Failed, "failed to run commands: signal: terminated"},
		"by the agent's own code":    {"exit 137", 137, ExecutionTimedOut, ""},
		"by a reboot not to be had":  {"exit 194", 1, Failed, "failed to run commands: it asked for a reboot, which is not to be had here"},
		"by an interpreter's lack":   {"#!/nowhere/sh\necho no", 127, Failed, "exit status 127"},
		"by its last line, as usual": {"false\ntrue", 0, Success, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := one(t, time.Minute, c.script)
			if r.Status != c.status || r.Code != c.code || !strings.HasSuffix(r.Stderr, c.stderr) || c.stderr == "" && r.Stderr != "" {
				t.Errorf("%s, code %d, stderr %q", r.Status, r.Code, r.Stderr)
			}
		})
	}
}

func TestFirstLineChoosesTheInterpreter(t *testing.T) {
	if r := one(t, time.Minute, "#!/usr/bin/python3\nprint(6 * 7)"); r.Stdout != "42\n" || r.Status != Success {
		t.Errorf("%s, stdout %q, stderr %q", r.Status, r.Stdout, r.Stderr)
	}
	if r := one(t, time.Minute, "echo $0 $#"); !strings.HasSuffix(r.Stdout, "/awsrunShellScript/0.awsrunShellScript/_script.sh 0\n") {
		t.Errorf("without one, $0 and $# are %q", r.Stdout)
	}
}

func TestScriptOfAnySizeAndBytesArrives(t *testing.T) {
	long := strings.Repeat("# 0123456789 abcdef 'quoted' \"$(no)\" `no` \\ ö\n", 8000) // 370 KiB
	if r := one(t, time.Minute, long+"wc -c <\"$0\""); strings.TrimSpace(r.Stdout) != "376012" {
		t.Errorf("%s: it has %q bytes, stderr %q; sent %d", r.Status, r.Stdout, r.Stderr, len(long)+len("wc -c <\"$0\"\n"))
	}
}

func TestScriptHasTheAgentsEnvironment(t *testing.T) {
	s := newSite(t)
	id := s.launch(home, nil)
	c, _ := running(t, Config{Host: newMachine(), State: s.State, Platform: Platform{"Amazon Linux", "2023"}})
	sent := send(t, c, shell(time.Minute, "env | grep SSM_ | sort", id))
	want := strings.Join([]string{"AWS_SSM_INSTANCE_ID=" + string(id), "AWS_SSM_PLATFORM_NAME=Amazon Linux",
		"AWS_SSM_PLATFORM_VERSION=2023", "AWS_SSM_REGION_NAME=us-east-1", "SSM_COMMAND_ID=" + sent.ID, ""}, "\n")
	if diff := cmp.Diff(want, end(t, c, sent.ID, id).Steps[0].Stdout); diff != "" {
		t.Error(diff)
	}
}

func TestWorkingDirectory(t *testing.T) {
	s := newSite(t)
	id := s.launch(home, nil)
	dir := t.TempDir()
	c, _ := running(t, Config{Host: newMachine(), State: s.State, Dir: dir})
	for _, test := range []struct {
		dir, want string
		status    Status
	}{
		{"/usr", "/usr\n", Success},
		{"/no/such", "no such file or directory", Failed},
	} {
		spec := shell(time.Minute, "pwd", id)
		spec.Steps[0].Dir = test.dir
		r := end(t, c, send(t, c, spec).ID, id).Steps[0]
		if r.Status != test.status || !strings.HasSuffix(r.Stdout+r.Stderr, test.want) {
			t.Errorf("in %s: %s, stdout %q, stderr %q", test.dir, r.Status, r.Stdout, r.Stderr)
		}
	}
	// Without one it is the step's own: what is written there stays, the script does not.
	sent := send(t, c, shell(time.Minute, "echo kept >left; pwd", id))
	r := end(t, c, sent.ID, id).Steps[0]
	if want := filepath.Join(dir, string(id), "document/orchestration", sent.ID, "awsrunShellScript/0.awsrunShellScript"); r.Stdout != want+"\n" {
		t.Errorf("it ran in %q, want %s", r.Stdout, want)
	}
	var left []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, filepath.Base(path))
		}
		return err
	})
	if diff := cmp.Diff([]string{"left"}, left); diff != "" || err != nil {
		t.Errorf("left behind, %v (-want +got):\n%s", err, diff)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, string(id), "document/orchestration")); len(entries) != 1 {
		t.Errorf("the commands that left nothing left directories: %v, %v", entries, err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	r := one(t, time.Minute, "head -c 3000000 /dev/zero | tr '\\0' x\nhead -c 300000 /dev/zero | tr '\\0' y >&2\nexit 4")
	if r.Code != 4 || len(r.Stdout) != 24000 || len(r.Stderr) != 8000 {
		t.Fatalf("code %d, %d and %d bytes", r.Code, len(r.Stdout), len(r.Stderr))
	}
	if !strings.HasSuffix(r.Stdout, "x\n---Output truncated---") || !strings.HasSuffix(r.Stderr, "y\n---Error truncated----") {
		t.Errorf("they end with %q and %q", r.Stdout[23900:], r.Stderr[7900:])
	}
	if s := r.Summary(); len(s) != 2500 || strings.Count(s, "truncated") != 2 || !strings.Contains(s, "\n----------ERROR-------\n") {
		t.Errorf("the summary has %d bytes: %q", len(s), s)
	}
}

func TestSummaryLeavesTheRoomOfAShortStreamToTheOther(t *testing.T) {
	long, short := strings.Repeat("ö", 5000), "short"
	for _, c := range []struct {
		out, errs string
		has       string
	}{
		{short, short, "short\n----------ERROR-------\nshort"},
		{short, "", "short"},
		{long, "", "ö\n---Output truncated---"},
		{long, short, "\n---Output truncated---\n----------ERROR-------\nshort"},
		{short, long, "short\n----------ERROR-------\nö"},
	} {
		s := Result{Stdout: c.out, Stderr: c.errs}.Summary()
		if !strings.Contains(s, c.has) || len(s) > 2500 || len(c.out+c.errs) > 2500 && len(s) < 2490 {
			t.Errorf("%d bytes: …%q", len(s), s[max(0, len(s)-60):])
		}
		if strings.ContainsRune(s, '\uFFFD') {
			t.Errorf("it is cut within a character")
		}
	}
}

// TestBackgroundProgramDoesNotHoldTheCommand: what a script leaves behind has its
// pipes open, and the script has ended all the same.
func TestBackgroundProgramDoesNotHoldTheCommand(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	r := one(t, time.Minute, "sleep 1000 & echo $! >"+pidFile+"; echo started")
	if r.Status != Success || r.Stdout != "started\n" {
		t.Errorf("%s, stdout %q", r.Status, r.Stdout)
	}
	killFrom(t, pidFile)
}

func TestExecutionTimeoutKillsTheGroup(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	r := one(t, 2*time.Second, "echo before\n(echo $$ >"+pidFile+"; exec sleep 1000) | cat\necho after")
	if r.Status != ExecutionTimedOut || r.Code != 137 || r.Stdout != "before\n" || r.Stderr != "" {
		t.Errorf("%s, code %d, stdout %q, stderr %q", r.Status, r.Code, r.Stdout, r.Stderr)
	}
	gone(t, pidFile)
}

func TestCancelKillsTheGroup(t *testing.T) {
	s := newSite(t)
	id := s.launch(home, nil)
	c, _ := running(t, Config{Host: newMachine(), State: s.State})
	pidFile := filepath.Join(t.TempDir(), "pid")
	sent := send(t, c, shell(time.Minute, "sleep 1000 & echo $! >"+pidFile+".new; mv "+pidFile+".new "+pidFile+"; wait", id))
	until(t, "the script runs", func() bool { _, err := os.Stat(pidFile); return err == nil })
	if i := look(t, c, sent.ID, id); i.Status != InProgress || i.Steps[0].Status != InProgress || i.Steps[0].Code != -1 {
		t.Errorf("while it runs it is %s, its step %+v", i.Status, i.Steps[0])
	}
	if err := c.Cancel(t.Context(), home, sent.ID, nil); err != nil {
		t.Fatal(err)
	}
	i := end(t, c, sent.ID, id)
	if r := i.Steps[0]; i.Status != Cancelled || r.Status != Cancelled || r.Code != 137 || r.Stderr != "" {
		t.Errorf("%s, step %+v", i.Status, r)
	}
	until(t, "the command ends", func() bool { return only(t, c, sent.ID).Status == Cancelled })
	gone(t, pidFile)
}

// TestScriptReboots: exit code 194 reboots the instance and runs the script again.
func TestScriptReboots(t *testing.T) {
	s, m := newSite(t), newMachine()
	id := s.launch(home, nil)
	boots := 1
	var booting sync.WaitGroup
	reboot := func(_ context.Context, id network.InstanceID) error {
		boots++
		m.setDown(id, true)
		booting.Go(func() { m.kill(id); m.setDown(id, false) })
		return nil
	}
	c, _ := running(t, Config{Host: m, State: s.State, Reboot: reboot})
	flag := filepath.Join(t.TempDir(), "flag")
	sent := send(t, c, shell(time.Minute, "if [ ! -e "+flag+" ]; then touch "+flag+"; echo first; exit 194; fi; echo second", id))
	r := end(t, c, sent.ID, id).Steps[0]
	booting.Wait()
	if r.Status != Success || r.Code != 0 || r.Stdout != "first\nsecond\n" || boots != 2 {
		t.Errorf("%s, code %d, stdout %q, stderr %q, %d boots", r.Status, r.Code, r.Stdout, r.Stderr, boots)
	}
}

func TestScriptThatAlwaysRebootsTimesOut(t *testing.T) {
	s, m := newSite(t), newMachine()
	id := s.launch(home, nil)
	reboot := func(_ context.Context, id network.InstanceID) error { m.kill(id); return nil }
	c, _ := running(t, Config{Host: m, State: s.State, Reboot: reboot})
	r := end(t, c, send(t, c, shell(300*time.Millisecond, "exit 194", id)).ID, id).Steps[0]
	if r.Status != ExecutionTimedOut {
		t.Errorf("%s, stderr %q", r.Status, r.Stderr)
	}
}

func TestInstanceThatStopsFailsItsScript(t *testing.T) {
	s, m := newSite(t), newMachine()
	id := s.launch(home, nil)
	c, _ := running(t, Config{Host: m, State: s.State})
	flag := filepath.Join(t.TempDir(), "flag")
	sent := send(t, c, shell(time.Minute, "touch "+flag+"; sleep 1000", id))
	until(t, "the script runs", func() bool { _, err := os.Stat(flag); return err == nil })
	s.stop(id)
	m.setDown(id, true)
	m.kill(id)
	r := end(t, c, sent.ID, id).Steps[0]
	if r.Status != Failed || r.Stderr != "failed to run commands: signal: killed: the instance stopped" {
		t.Errorf("%s, stderr %q", r.Status, r.Stderr)
	}
}

func TestStepsFollowTheirDocument(t *testing.T) {
	step := func(name, script string) Step {
		return Step{Name: name, Path: []string{"awsrunShellScript", name}, Script: script, Timeout: time.Minute}
	}
	fails, exits, saved := step("fails", "exit 1"), step("exits", "exit 2"), step("saved", "exit 3")
	exits.OnFailure, saved.OnFailure = document.Exit, document.SuccessAndExit
	last := step("last", "echo last")
	last.Finally = true
	windows := step("windows", "")
	windows.Skip = true
	plain := step("plain", "echo plain")
	for name, c := range map[string]struct {
		steps  []Step
		want   string
		status Status
	}{
		"a failure does not stop the rest": {[]Step{fails, plain}, "fails Failed 1, plain Success 0", Failed},
		"onFailure exit does":              {[]Step{exits, plain, last}, "exits Failed 2, plain Success 0 skipped, last Success 0", Failed},
		"onFailure successAndExit":         {[]Step{saved, plain}, "saved Success 3, plain Success 0 skipped", Success},
		"another platform's":               {[]Step{windows, plain}, "windows Success 0 skipped, plain Success 0", Success},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			id := s.launch(home, nil)
			commands, _ := running(t, Config{Host: newMachine(), State: s.State})
			i := end(t, commands, send(t, commands, Spec{Caller: home, Document: "mine", Steps: c.steps, Instances: []network.InstanceID{id}}).ID, id)
			var got []string
			for _, r := range i.Steps {
				text := r.Name + " " + r.Status.Details() + " " + string(rune('0'+r.Code))
				if strings.HasPrefix(r.Stdout, "Step execution skipped") {
					text += " skipped"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" || i.Status != c.status {
				t.Errorf("%s, steps (-want +got):\n%s", i.Status, diff)
			}
			if _, ok := i.Step(""); ok {
				t.Error("of several steps one is found without a name")
			}
			if r, ok := i.Step("plain"); !ok || r.Name != "plain" {
				t.Errorf("by name %+v, %v", r, ok)
			}
		})
	}
}

// objects are what was uploaded.
type objects struct {
	mu   sync.Mutex
	all  map[string]string
	fail error
}

type object struct {
	of   *objects
	name string
	text strings.Builder
}

func (o *objects) Create(bucket, key string) (Object, error) {
	if o.fail != nil {
		return nil, o.fail
	}
	return &object{of: o, name: bucket + "/" + key}, nil
}

func (o *object) Write(p []byte) (int, error) { return o.text.Write(p) }
func (o *object) Abandon()                    {}
func (o *object) Close() error {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	o.of.all[o.name] = o.text.String()
	return nil
}

var _ io.WriteCloser = (*object)(nil)

func TestWholeOutputIsStoredInAWSsLayout(t *testing.T) {
	s := newSite(t)
	id := s.launch(home, nil)
	store := &objects{all: map[string]string{}}
	c, _ := running(t, Config{Host: newMachine(), State: s.State, Objects: store})
	spec := shell(time.Minute, "head -c 100000 /dev/zero | tr '\\0' x; exit 1", id)
	spec.Output = Output{Bucket: "logs", Prefix: "a/b/", Region: "us-east-1"}
	i := end(t, c, send(t, c, spec).ID, id)
	quiet := shell(time.Minute, "true", id)
	quiet.Output = Output{Bucket: "logs"}
	end(t, c, send(t, c, quiet).ID, id)
	at := "a/b/" + i.Command.ID + "/" + string(id) + "/awsrunShellScript/0.awsrunShellScript"
	want := map[string]string{
		"logs/" + at + "/stdout": strings.Repeat("x", 100000),
		"logs/" + at + "/stderr": "failed to run commands: exit status 1",
	}
	if diff := cmp.Diff(want, store.all); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if url := i.URL(i.Steps[0], "stdout"); url != "https://s3.us-east-1.amazonaws.com/logs/"+at+"/stdout" {
		t.Errorf("its URL is %s", url)
	}
	store.fail = errors.New("the disk is full")
	spec = shell(time.Minute, "echo hello", id)
	spec.Output.Bucket = "logs"
	if r := end(t, c, send(t, c, spec).ID, id).Steps[0]; r.Status != Success || r.Stdout != "hello\n" {
		t.Errorf("when nothing can be stored: %+v", r)
	}
}

func TestStepsOfDocuments(t *testing.T) {
	scripts := []document.Script{
		{Name: "aws:runShellScript", Commands: []string{"a", "b"}, Directory: "/tmp", Timeout: time.Minute},
		{Name: "aws:runShellScript2", Commands: []string{"c"}, Skip: true},
		{Name: "mine", Commands: []string{"d"}, Finally: true, OnFailure: document.Exit},
		{Name: "..", Commands: []string{"e"}},
	}
	want := []Step{
		{Name: "aws:runShellScript", Path: []string{"awsrunShellScript", "0.awsrunShellScript"}, Script: "a\nb\n", Dir: "/tmp", Timeout: time.Minute},
		{Name: "aws:runShellScript2", Path: []string{"awsrunShellScript", "1.awsrunShellScript"}, Script: "c\n", Skip: true},
		{Name: "mine", Path: []string{"awsrunShellScript", "mine"}, Script: "d\n", Finally: true, OnFailure: document.Exit},
		{Name: "..", Path: []string{"awsrunShellScript", "step4"}, Script: "e\n"},
	}
	if diff := cmp.Diff(want, Steps(scripts)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}
