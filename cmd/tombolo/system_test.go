package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tombolo/client"
	"tombolo/local"
	"tombolo/store"
)

// built is the program under test, built once from this tree.
var built string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tombolo-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// An ordinary user runs it as well.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	built = filepath.Join(dir, "tombolo")
	build := exec.Command("go", "build", "-o", built, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// someone is a user of this machine that the tests run the program as.
type someone struct {
	name string
	attr *syscall.SysProcAttr // nil is whoever runs the tests
	uid  int
}

// nobody is the uid that stands for an ordinary user without subordinate ids.
const nobody = 65534

// everyone are the users to test as: whoever runs the tests and, when that is
// root, an ordinary user too.
func everyone() []someone {
	out := []someone{{name: "as uid " + strconv.Itoa(os.Getuid()), uid: os.Getuid()}}
	if os.Getuid() == 0 {
		out = append(out, someone{name: "as an ordinary user", uid: nobody,
			attr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}})
	}
	return out
}

// home is a directory that belongs to the user.
func (u someone) home(t *testing.T) string {
	dir, err := os.MkdirTemp("", "tb-")
	if err != nil {
		t.Fatal(err)
	}
	if u.attr != nil {
		if err := os.Chown(dir, u.uid, u.uid); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// command is the program, or another one, as this user.
func (u someone) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = u.attr
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + filepath.Dir(built) + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + dir, "TMPDIR=" + dir, "TOMBOLO_STATE=" + filepath.Join(dir, "state"), "PYTHONDONTWRITEBYTECODE=1"}
	return cmd
}

// installation is one daemon of a user, started by start and ended by the test's end.
type installation struct {
	t    *testing.T
	user someone
	dir  string
	proc *exec.Cmd
	out  *bytes.Buffer
	site *site
}

func install(t *testing.T, u someone) *installation {
	dir := u.home(t)
	i := &installation{t: t, user: u, dir: dir, site: &site{dir: filepath.Join(dir, "state")}}
	t.Cleanup(func() {
		if out, code := i.tombolo("down"); code != 0 {
			t.Errorf("down: exit %d\n%s", code, out)
		}
		if left := processesNaming(i.site.dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	i.start()
	return i
}

// start runs `tombolo serve` and waits until packets can flow.
func (i *installation) start(args ...string) {
	i.t.Helper()
	i.out = &bytes.Buffer{}
	i.proc = i.user.command(i.dir, built, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	i.proc.Stdout, i.proc.Stderr = i.out, i.out
	if err := i.proc.Start(); err != nil {
		i.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func(p *exec.Cmd) { _ = p.Wait(); close(exited) }(i.proc)
	i.eventually("packets can flow", 30*time.Second, func() bool {
		select {
		case <-exited:
			i.t.Fatalf("the daemon ended:\n%s", i.out)
		default:
		}
		st, err := i.site.status(i.t.Context())
		return err == nil && st.PID == i.proc.Process.Pid && st.Generation == st.Obeyed && len(st.Degraded) == 0
	})
}

// kill ends the daemon as a crash does.
func (i *installation) kill() {
	i.t.Helper()
	if err := i.proc.Process.Kill(); err != nil {
		i.t.Fatal(err)
	}
	i.eventually("the daemon is dead", 5*time.Second, func() bool {
		pid, err := store.Owner(i.site.dir)
		return err == nil && pid == 0
	})
}

// eventually waits for something to become true.
func (i *installation) eventually(what string, limit time.Duration, done func() bool) {
	i.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !done(); <-tick.C {
		if time.Now().After(deadline) {
			i.t.Fatalf("not within %v: %s\n%s", limit, what, i.out)
		}
	}
}

// tombolo runs the command line as this user.
func (i *installation) tombolo(args ...string) (string, int) {
	out, err := i.user.command(i.dir, built, args...).CombinedOutput()
	if err == nil {
		return string(out), 0
	}
	var exit *exec.ExitError
	if !asExit(err, &exit) {
		i.t.Fatal(err)
	}
	return string(out), exit.ExitCode()
}

func asExit(err error, to **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*to = e
	return ok
}

// call does an API call that must succeed.
func (i *installation) call(action string, params ...string) *client.Node {
	i.t.Helper()
	api, err := i.site.api(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	tree, err := api.Call(i.t.Context(), action, params...)
	if err != nil {
		i.t.Fatalf("%s: %v", action, err)
	}
	return tree
}

// pair makes one VPC with two running instances, web (answering HTTP) and user.
func (i *installation) pair() (address string) {
	vpc := i.call("CreateVpc", "CidrBlock", "10.0.0.0/16").Text("vpc.vpcId")
	subnet := i.call("CreateSubnet", "VpcId", vpc, "CidrBlock", "10.0.1.0/24").Text("subnet.subnetId")
	for _, name := range []string{"web", "user"} {
		// "#!/bin/sh\n/etc/rc.local" with rc.local starting the server, so that it
		// comes back at every boot.
		i.call("RunInstances", "ImageId", "ami-0123456789abcdef0", "InstanceType", "t3.micro", "MinCount", "1", "MaxCount", "1", "SubnetId", subnet,
			"UserData", "IyEvYmluL3NoCnByaW50ZiAnIyEvYmluL3NoXG5zZXRzaWQgdG9tYm9sbyBwcm9iZSBzZXJ2ZSBodHRwIDo4MCA+L2Rldi9udWxsIDI+JjEgJlxuJyA+IC9ldGMvcmMubG9jYWwKY2htb2QgK3ggL2V0Yy9yYy5sb2NhbAovZXRjL3JjLmxvY2FsCg==",
			"TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "Name", "TagSpecification.1.Tag.1.Value", name)
	}
	i.running(2)
	web := i.call("DescribeInstances", "Filter.1.Name", "tag:Name", "Filter.1.Value.1", "web").Items("reservationSet")[0].Items("instancesSet")[0]
	address = web.Text("privateIpAddress")
	i.eventually("web answers user", 10*time.Second, func() bool { return i.probe(address) == 0 })
	return address
}

func (i *installation) running(n int) {
	i.t.Helper()
	i.eventually("instances run", 20*time.Second, func() bool {
		return len(i.call("DescribeInstances", "Filter.1.Name", "instance-state-name", "Filter.1.Value.1", "running").Items("reservationSet")) == n
	})
}

// probe asks web from user and gives the exit status.
func (i *installation) probe(address string) int {
	_, code := i.tombolo("exec", "user", "--", "tombolo", "probe", "--timeout", "500ms", "http", "http://"+address+"/")
	return code
}

// processesNaming are the processes whose command line or environment names dir.
func processesNaming(dir string) []string {
	var out []string
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range found {
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(dir)) {
			out = append(out, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return out
}

func TestLabAgrees(t *testing.T) {
	for _, u := range everyone() {
		t.Run(u.name, func(t *testing.T) {
			dir := u.home(t)
			cmd := u.command(dir, built, "lab", "-o", "json")
			var errs bytes.Buffer
			cmd.Stderr = &errs
			out, err := cmd.Output()
			var report struct {
				OK    bool `json:"ok"`
				Steps []struct {
					Title  string `json:"title"`
					Checks []struct {
						Must, Seen string
						OK         bool
					} `json:"checks"`
				} `json:"steps"`
			}
			if jsonErr := json.Unmarshal(out, &report); jsonErr != nil {
				t.Fatalf("%v; %v\n%s", err, jsonErr, errs.String())
			}
			checks := 0
			for n, s := range report.Steps {
				for _, c := range s.Checks {
					checks++
					if !c.OK {
						t.Errorf("step %d, %s: must: %s; seen: %s", n+1, s.Title, c.Must, c.Seen)
					}
				}
			}
			if err != nil || !report.OK || len(report.Steps) != 10 || checks < 30 {
				t.Errorf("exit %v, ok %v, %d steps, %d checks\n%s", err, report.OK, len(report.Steps), checks, errs.String())
			}
			if left := processesNaming(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestRealClientsTypeTheLab(t *testing.T) {
	for _, script := range []struct{ name, program string }{{"lab.sh", "bash"}, {"lab.py", "python3"}} {
		t.Run(script.name, func(t *testing.T) {
			i := install(t, everyone()[0])
			path, err := filepath.Abs(filepath.Join("testdata", script.name))
			if err != nil {
				t.Fatal(err)
			}
			exports, _ := i.tombolo("env")
			cmd := i.user.command(i.dir, "bash", "-c", "eval \"$1\"; export AWS_PAGER=; exec $2 $3", "-", exports, script.program, path)
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), "WRONG") {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("%s", out)
		})
	}
}

func TestConnectionsOutliveTheDaemon(t *testing.T) {
	for _, u := range everyone() {
		t.Run(u.name, func(t *testing.T) {
			i := install(t, u)
			address := i.pair()
			// The conversation runs inside the instance, not below our exec: it must
			// not end with the daemon's connection to us.
			watch := "setsid tombolo probe --timeout 300ms http http://" + address + "/ --watch 20ms >/tmp/talk 2>&1 &"
			if out, code := i.tombolo("exec", "user", "--", "sh", "-c", watch); code != 0 {
				t.Fatal(out)
			}
			count := func(word string) int {
				out, _ := i.tombolo("exec", "user", "--", "sh", "-c", "grep -c "+word+" /tmp/talk")
				n, _ := strconv.Atoi(strings.TrimSpace(out))
				return n
			}
			i.eventually("the conversation runs", 5*time.Second, func() bool { return count("^answered") > 5 })
			for range 3 {
				i.kill()
				i.start()
			}
			before := count("^answered")
			i.eventually("the conversation goes on", 5*time.Second, func() bool { return count("^answered") > before+5 })
			if n := count("-v ^answered"); n != 0 {
				t.Errorf("%d of the answers were missing or late: the connection was interrupted", n)
			}
		})
	}
}

func TestDownLeavesNothingAndServeBootsAgain(t *testing.T) {
	for _, u := range everyone() {
		t.Run(u.name, func(t *testing.T) {
			i := install(t, u)
			address := i.pair()
			if out, code := i.tombolo("down"); code != 0 {
				t.Fatal(out)
			}
			if left := processesNaming(i.site.dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			mounts, err := os.ReadFile("/proc/self/mountinfo")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(mounts), i.dir) {
				t.Error("a mount is left behind")
			}
			i.start()
			i.running(2)
			i.eventually("web answers user again", 10*time.Second, func() bool { return i.probe(address) == 0 })
		})
	}
}

func TestSecondDaemonIsRefused(t *testing.T) {
	i := install(t, everyone()[0])
	out, code := i.tombolo("serve", "--listen", "127.0.0.1:0")
	if code != exitNo || !strings.Contains(out, strconv.Itoa(i.proc.Process.Pid)) {
		t.Errorf("exit %d, want %d and the process that holds the directory:\n%s", code, exitNo, out)
	}
}

func TestExecPassesStatusStreamsAndSignals(t *testing.T) {
	i := install(t, everyone()[0])
	i.pair()
	run := func(stdin string, args ...string) (string, int) {
		cmd := i.user.command(i.dir, built, append([]string{"exec"}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return out.String() + "|" + errs.String(), cmd.ProcessState.ExitCode()
	}
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for _, c := range []struct {
		stdin string
		args  []string
		out   string
		code  int
	}{
		{"", []string{"user", "--", "sh", "-c", "echo out; echo err >&2; exit 7"}, "out\n|err\n", 7},
		{"hello", []string{"user", "--", "cat"}, "hello|", 0},
		{big, []string{"user", "--", "cat"}, big + "|", 0},
		{"", []string{"user", "--", "sh", "-c", "kill -TERM $$"}, "|", 128 + 15},
		{"", []string{"-w", "/tmp", "-e", "A=b c", "user", "--", "sh", "-c", "pwd; echo $A"}, "/tmp\nb c\n|", 0},
	} {
		if out, code := run(c.stdin, c.args...); out != c.out || code != c.code {
			t.Errorf("exec %.60q: %.80q, exit %d; want %.80q, exit %d", c.args, out, code, c.out, c.code)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"user", "--", "no-such-command"}, 127, "no-such-command"},
		{[]string{"user", "--", "/etc/passwd"}, 126, "permission"},
		{[]string{"absent", "--", "true"}, exitInternal, "absent"},
	} {
		if out, code := run("", c.args...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("exec %q: exit %d, %q; want exit %d and %q", c.args, code, out, c.code, c.says)
		}
	}
	// A signal to the command line reaches the command.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	signals := make(chan string, 1)
	out := &lines{each: func(l string) { signals <- "INT" }}
	exit, err := i.site.socket().Run(ctx, local.Command{Instance: "user", Args: []string{"sh", "-c", "trap 'exit 42' INT; echo ready; while :; do sleep 0.05; done"}},
		local.Streams{Out: out, Err: out, Signals: signals})
	if err != nil || exit.Code != 42 {
		t.Errorf("after an interrupt: %+v, %v; want code 42", exit, err)
	}
}

// lines splits what is written to it into lines.
type lines struct {
	each func(string)
	rest []byte
}

func (l *lines) Write(b []byte) (int, error) {
	for _, c := range b {
		if c == '\n' {
			l.each(string(l.rest))
			l.rest = l.rest[:0]
			continue
		}
		l.rest = append(l.rest, c)
	}
	return len(b), nil
}
