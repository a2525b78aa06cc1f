package plugin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// daemon is one `tombolo serve` and the person who uses it.
type daemon struct {
	t     testing.TB
	uid   int // whom it runs as
	dir   string
	state string
	addr  string // of the API
	url   string
	keys  [2]string // the account's
	proc  *exec.Cmd
	dead  chan struct{}
}

func (d *daemon) logged() string {
	text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
	return string(text)
}

// serve starts a daemon, which ends with the test.
func serve(t testing.TB, uid int) *daemon {
	t.Helper()
	return serveOn(t, uid, "127.0.0.1:0")
}

func serveOn(t testing.TB, uid int, listen string) *daemon {
	t.Helper()
	// Not t.TempDir: the path of a unix socket must be short.
	dir, err := os.MkdirTemp("", "tb-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, uid: uid, dir: dir, state: filepath.Join(dir, "state")}
	t.Cleanup(func() {
		if out, err := d.command("tombolo", "down").CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
		if d.dead != nil {
			<-d.dead
		}
		if t.Failed() {
			t.Logf("the daemon logged:\n%s", tail([]byte(d.logged()), 4000))
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	d.start(listen)
	return d
}

// start runs the daemon and waits until packets can flow.
func (d *daemon) start(listen string) {
	d.t.Helper()
	d.proc = d.command("tombolo", "serve", "--listen", listen)
	d.proc.Env = append(d.proc.Env, "TOMBOLO_STATE="+d.state)
	// A file: a pipe would stay open as long as the daemon's children live.
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	d.proc.Stderr = log
	out, err := d.proc.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.proc.Start(); err != nil {
		d.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		d.t.Fatalf("not ready: %v\n%s", err, d.logged())
	}
	dead := make(chan struct{})
	d.dead = dead
	go func(p *exec.Cmd) { _ = p.Wait(); close(dead) }(d.proc)
	d.url = strings.Fields(line)[3]
	d.addr = strings.TrimPrefix(d.url, "http://")
	var file struct {
		Keys []struct {
			ID     string `json:"access_key_id"`
			Secret string `json:"secret_access_key"`
		} `json:"keys"`
	}
	doc, err := os.ReadFile(filepath.Join(d.state, "credentials.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := json.Unmarshal(doc, &file); err != nil {
		d.t.Fatal(err)
	}
	d.keys = [2]string{file.Keys[0].ID, file.Keys[0].Secret}
	eventually(d.t, "packets can flow", func() bool {
		answer, err := http.Get(d.url + "/healthz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// kill ends the daemon as a crash does.
func (d *daemon) kill() {
	d.t.Helper()
	if err := d.proc.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	<-d.dead
}

// command is a program on the daemon's side of the machine: as its user, with its keys.
func (d *daemon) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(here.dir, name), args...)
	if d.uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(d.uid), Gid: uint32(d.uid)}}
	}
	cmd.Dir = d.dir
	// Without AWS_EC2_METADATA_DISABLED a client that misses a key asks the network.
	cmd.Env = []string{"PATH=" + here.dir + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + d.dir, "TMPDIR=" + d.dir,
		"TERM=xterm-256color", "LANG=C.UTF-8", "TOMBOLO_STATE=" + d.state, "AWS_ACCESS_KEY_ID=" + d.keys[0], "AWS_SECRET_ACCESS_KEY=" + d.keys[1],
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL=" + d.url}
	return cmd
}

// cli is the AWS CLI with this daemon's endpoint.
func (d *daemon) cli(args ...string) *exec.Cmd {
	return d.command("aws", append([]string{"--endpoint-url", d.url, "--output", "text"}, args...)...)
}

// aws runs the AWS CLI, which must succeed, and gives what it printed.
func (d *daemon) aws(args ...string) string {
	d.t.Helper()
	return output(d.t, d.cli(args...))
}

// exec runs a command in an instance by `tombolo exec`.
func (d *daemon) exec(instance string, args ...string) (string, int) {
	d.t.Helper()
	cmd := d.command("tombolo", append([]string{"exec", instance, "--"}, args...)...)
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		d.t.Fatal(err)
	}
	return strings.TrimSuffix(string(out), "\n"), cmd.ProcessState.ExitCode()
}

// in runs a script in an instance, as root; it must succeed.
func (d *daemon) in(instance, script string) string {
	d.t.Helper()
	out, code := d.exec(instance, "sh", "-ec", script)
	if code != 0 {
		d.t.Fatalf("%s: %s: exit status %d\n%s", instance, script, code, out)
	}
	return out
}

func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, &errors)
	}
	return strings.TrimSpace(string(out))
}

// subnet makes a VPC with one subnet, and gives the subnet and the security group
// that the tests open doors in.
func (d *daemon) subnet(cidr string) (subnet, group string) {
	d.t.Helper()
	vpc := d.aws("ec2", "create-vpc", "--cidr-block", cidr+"/16", "--query", "Vpc.VpcId")
	subnet = d.aws("ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", cidr+"/24", "--query", "Subnet.SubnetId")
	group = d.aws("ec2", "create-security-group", "--vpc-id", vpc, "--group-name", "doors", "--description", "doors", "--query", "GroupId")
	return subnet, group
}

// run starts an instance with this Name tag and gives its id; booted waits for it.
func (d *daemon) run(subnet, group, name string, options ...string) string {
	d.t.Helper()
	return d.aws(append([]string{"ec2", "run-instances", "--image-id", "ami-0123456789abcdef0", "--instance-type", "t3.micro", "--subnet-id", subnet,
		"--security-group-ids", group, "--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value=" + name + "}]",
		"--query", "Instances[0].InstanceId"}, options...)...)
}

func (d *daemon) booted(ids ...string) {
	d.t.Helper()
	d.aws(append([]string{"ec2", "wait", "instance-running", "--instance-ids"}, ids...)...)
}

// session opens a shell in an instance as a person does and waits for the prompt.
func (d *daemon) session(t testing.TB, instance string, options ...string) *session {
	t.Helper()
	s := d.start1(t, append([]string{"--target", instance}, options...)...)
	s.expect(`[$#] $`)
	// The plugin prints before it has set the terminal up, and reads afterwards.
	s.says("ready", "echo ready")
	s.expect(`[$#] $`)
	return s
}

// session is a running `aws ssm start-session`.
type session struct {
	*terminal
	d  *daemon
	id string
}

// start1 runs aws ssm start-session and waits until it says which session it is.
func (d *daemon) start1(t testing.TB, options ...string) *session {
	t.Helper()
	x := open(t, d.cli(append([]string{"ssm", "start-session"}, options...)...))
	return &session{terminal: x, d: d, id: x.expect(`Starting session with SessionId: (\S+)`)[1]}
}

// closes checks that the client says goodbye as AWS's does, with a reason when
// there must be one.
func (s *session) closes(reason string) {
	s.t.Helper()
	if reason == "" {
		s.expect(`Exiting session with sessionId: ` + s.id + `\.`)
	} else {
		s.expect(`SessionId: ` + s.id + ` : ` + reason)
	}
	if code := s.ends(); code != 0 {
		s.t.Fatalf("exit status %d", code)
	}
}

// plugin is the process id of the session-manager-plugin that the AWS CLI started.
func (s *session) plugin() int {
	s.t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
	var pid int
	if _, scan := fmt.Sscan(string(children), &pid); err != nil || scan != nil {
		s.t.Fatalf("the plugin is not a child of aws: %q, %v", children, err)
	}
	return pid
}

// status is what DescribeSessions says of a session.
func (d *daemon) status(id string) string {
	d.t.Helper()
	for _, state := range []string{"Active", "History"} {
		if s := d.aws("ssm", "describe-sessions", "--state", state, "--filters", "key=SessionId,value="+id, "--query", "Sessions[0].Status"); s != "None" {
			return s
		}
	}
	return ""
}

// memory is the daemon's resident memory in KiB.
func (d *daemon) memory() int {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.proc.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); f[0] == "VmRSS:" {
			var n int
			fmt.Sscan(f[1], &n)
			return n
		}
	}
	d.t.Fatal("no VmRSS")
	return 0
}

// free is a port of this machine that nobody listens on.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
