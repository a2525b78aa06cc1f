package plugin

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// world is one daemon with instances that all tests use at once.
type world struct {
	*daemon
	user, web, doomed, gone string // instances
	group                   string // of web: nobody may come in, at first
}

const webAddress = "10.0.0.20"

// servers is the user data of instances that others connect to.
const servers = `#!/bin/sh
head -c 20000000 /dev/urandom >/srv/blob
setsid tombolo probe serve http :80 >/dev/null 2>&1 &
cd /srv; setsid python3 -m http.server 8000 >/dev/null 2>&1 &
`

// as is the world for one test of many that run at once.
func (w *world) as(t *testing.T) *world {
	d, c := *w.daemon, *w
	d.t, c.daemon = t, &d
	return &c
}

func TestPlugin(t *testing.T) {
	d := serve(t, os.Getuid())
	w := &world{daemon: d}
	subnet, group := d.subnet("10.0.0.0")
	vpc := d.aws("ec2", "describe-subnets", "--subnet-ids", subnet, "--query", "Subnets[0].VpcId")
	w.group = d.aws("ec2", "create-security-group", "--vpc-id", vpc, "--group-name", "web", "--description", "web", "--query", "GroupId")
	boot := filepath.Join(d.dir, "boot")
	if err := os.WriteFile(boot, []byte(servers), 0o600); err != nil {
		t.Fatal(err)
	}
	w.web = d.run(subnet, w.group, "web", "--private-ip-address", webAddress, "--user-data", "file://"+boot)
	w.user = d.run(subnet, group, "user", "--user-data", "file://"+boot)
	w.doomed, w.gone = d.run(subnet, group, "doomed"), d.run(subnet, group, "gone")
	d.booted(w.web, w.user, w.doomed, w.gone)
	for _, name := range []string{"web", "user"} {
		eventually(t, name+" has booted", func() bool {
			_, code := d.exec(name, "sh", "-c", "curl -sSf -o /dev/null http://127.0.0.1/ && curl -sSf -o /dev/null http://127.0.0.1:8000/blob")
			return code == 0
		})
	}
	for _, c := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"a shell of ssm-user who may become root", shell}, {"size and resize", size}, {"keys", keys}, {"end of file", endOfFile},
		{"UTF-8 and colours", letters}, {"ssh and scp", secureShell}, {"full screen", fullScreen}, {"megabytes", megabytes}, {"a stopped client", stopped},
		{"terminated from elsewhere", terminated}, {"the instance stops", instanceStops}, {"the instance terminates", instanceTerminates},
		{"interactive command", interactive}, {"non-interactive command", nonInteractive},
		{"twenty connections at once", multiplexed}, {"refused port", refusedPort}, {"unix socket", unixSocket}, {"thirty port sessions", portRace},
		{"remote host", remoteHost}, {"run command", runCommand}, {"errors", refusals}, {"tokens", tokens},
	} {
		t.Run(c.name, func(t *testing.T) { t.Parallel(); c.run(t, w.as(t)) })
	}
}

func shell(t *testing.T, w *world) {
	s := w.session(t, w.user)
	s.says("ssm-user", "whoami")
	s.says("root", "sudo whoami")
	s.says("xterm-256color", "echo $TERM")
	if tty, _ := s.run("tty"); !strings.HasPrefix(tty, "/dev/pts/") {
		t.Errorf("tty: %q", tty)
	}
	address := w.aws("ec2", "describe-instances", "--instance-ids", w.user, "--query", "Reservations[0].Instances[0].PrivateIpAddress")
	if got, _ := s.run("ip -4 -o address show scope global"); !strings.Contains(got, address+"/") {
		t.Errorf("not at %s: %s", address, got)
	}
	if got := w.status(s.id); got != "Connected" {
		t.Errorf("status %s", got)
	}
	s.line("exit")
	s.closes("")
	eventually(t, "the session is history", func() bool { return w.status(s.id) == "Terminated" })
}

func size(t *testing.T, w *world) {
	s := w.session(t, w.user)
	want := func(text string) {
		eventually(t, text, func() bool { got, _ := s.run("stty size"); return got == text })
	}
	want(fmt.Sprintf("%d %d", rows, cols))
	s.resize(41, 133)
	want("41 133")
}

func keys(t *testing.T, w *world) {
	s := w.session(t, w.user)
	begin := func(command string) {
		// Who says it is in the foreground already: a key that comes while the shell
		// starts a program is lost to both.
		s.line(`sh -c "echo be''gun; exec ` + command + `"`)
		s.expect("begun\r*\n")
	}
	for key, rc := range map[string]string{"\x03": "130", "\x1c": "131"} {
		begin("sleep 100")
		s.send(key)
		s.expect(`[$] $`)
		s.line("echo rc=$?")
		s.expect("rc=" + rc + `[\r\n]`)
		s.expect(`[$] $`)
	}
	begin("sleep 100")
	s.send("\x1a")
	s.expect(`Stopped|Suspended`)
	s.expect(`[$] $`)
	s.line("fg")
	s.expect(`fg\r*\n.*sleep 100"?\r*\n`)
	s.send("\x03")
	s.expect(`[$] $`)
	s.line("echo rc=$?")
	s.expect(`rc=130[\r\n]`)
	s.line("cat >/tmp/typed")
	s.line("one")
	s.send("\x04")
	s.says("one", "cat /tmp/typed")
}

func endOfFile(t *testing.T, w *world) {
	s := w.session(t, w.user)
	s.send("\x04")
	s.closes("")
}

func letters(t *testing.T, w *world) {
	s := w.session(t, w.user)
	s.says("é€ utf8", `printf '\303\251\342\202\254 %s\n' utf8`)
	s.says("žluťoučký 你好 🙂", "echo 'žluťoučký 你好 🙂'")
	s.says("\x1b[31mred\x1b[0m", `printf '\033[31mred\033[0m\n'`)
}

func fullScreen(t *testing.T, w *world) {
	s := w.session(t, w.user)
	s.line("vi /tmp/full")
	s.expect(fmt.Sprintf(`\x1b\[%d;1H`, rows)) // the last line
	s.send("ihello 你好\x1b:wq\r")
	s.expect(`written`)
	s.expect(`[$] $`)
	s.says("hello 你好", "cat /tmp/full")
	s.line("top")
	s.expect(`load average`)
	s.expect(`COMMAND`)
	s.send("q")
	s.expect(`[$] $`)
	s.says("ok", "echo ok")
}

// flood is what prints 10.9 MB, and what they are.
const floodLines = 1500000

func sum(each func(io.Writer)) string {
	h := sha256.New()
	each(h)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// counted checks that all numbers up to n came, in order, and nothing else.
func (s *session) counted(n int) {
	s.t.Helper()
	begin := s.read
	s.within(2*time.Minute, `the-end\r*\n`)
	got := strings.ReplaceAll(string(s.all()[begin:s.read]), "\r", "")
	got, _, _ = strings.Cut(got, "the-end\n")
	want := sum(func(h io.Writer) {
		for i := 1; i <= n; i++ {
			fmt.Fprintln(h, i)
		}
	})
	if sum(func(h io.Writer) { io.WriteString(h, got) }) != want {
		s.t.Fatalf("%d bytes are not the numbers to %d", len(got), n)
	}
}

func megabytes(t *testing.T, w *world) {
	s := w.session(t, w.user)
	s.line(fmt.Sprintf("seq 1 %d; echo the-'end'", floodLines))
	s.expect(`the-'end'\r*\n`)
	s.counted(floodLines)
	s.says("ok", "echo ok")
}

// stopped stops the client and sees that the program is held back, not the daemon filled.
func stopped(t *testing.T, w *world) {
	s := w.session(t, w.web)
	plugin := s.plugin()
	const n = 400000
	s.line(fmt.Sprintf(`i=0; while [ $i -lt %d ]; do i=$((i+1)); echo $i; [ $((i%%1000)) = 0 ] && echo $i >/tmp/progress; done; echo the-'end'`, n))
	s.expect(`the-'end'\r*\n`)
	begin := s.read
	s.expect("\n3000\r")
	if err := syscall.Kill(plugin, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(plugin, syscall.SIGCONT)
	last := ""
	eventually(t, "the program is held back", func() bool {
		got := w.in("web", "cat /tmp/progress")
		same := got == last
		last = got
		return same
	})
	if last == fmt.Sprint(n) {
		t.Error("the program was not held back")
	}
	if err := syscall.Kill(plugin, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.read = begin
	s.counted(n)
}

func terminated(t *testing.T, w *world) {
	s := w.session(t, w.user)
	s.line("echo be''gun; sleep 4242")
	s.expect("begun\r*\n")
	w.aws("ssm", "terminate-session", "--session-id", s.id)
	s.closes("")
	eventually(t, "its programs ended", func() bool { _, code := w.exec("user", "pgrep", "-f", "^sleep 4242$"); return code == 1 })
}

func instanceStops(t *testing.T, w *world) {
	s := w.session(t, w.doomed)
	w.aws("ec2", "stop-instances", "--instance-ids", w.doomed)
	s.closes("Instance " + w.doomed + ` was stopped\.`)
}

func instanceTerminates(t *testing.T, w *world) {
	s := w.session(t, w.gone)
	w.aws("ec2", "terminate-instances", "--instance-ids", w.gone)
	s.closes("Instance " + w.gone + ` was terminated\.`)
}

func interactive(t *testing.T, w *world) {
	s := w.start1(t, "--target", w.user, "--document-name", "AWS-StartInteractiveCommand", "--parameters", `{"command":["tty; read x; echo got $x; exit 3"]}`)
	s.expect("/dev/pts/")
	s.line("it")
	s.expect("got it\r*\n")
	s.closes("")
}

func nonInteractive(t *testing.T, w *world) {
	command := `sh -c 'echo out; echo err >&2; exit 3'`
	s := w.start1(t, "--target", w.user, "--document-name", "AWS-StartNonInteractiveCommand", "--parameters", fmt.Sprintf(`{"command":[%q]}`, command))
	s.expect("out\r*\nerr\r*\n")
	s.closes("")
	s = w.start1(t, "--target", w.user, "--document-name", "AWS-StartNonInteractiveCommand",
		"--parameters", fmt.Sprintf(`{"command":[%q],"separateOutputStream":["True"],"stdErrSeparatorPrefix":["E:"]}`, command))
	s.expect(`EXIT_CODE: 3`)
	if text := string(s.all()); !strings.Contains(text, "E:err") || !strings.Contains(text, "out") || strings.Contains(text, "E:out") {
		t.Errorf("streams are not apart: %q", text)
	}
	s.closes("")
}

// forward opens a port session to an instance and gives the local port.
func (w *world) forward(t *testing.T, target, parameters string) (*session, string) {
	t.Helper()
	document := "AWS-StartPortForwardingSession"
	if strings.Contains(parameters, "host") {
		document += "ToRemoteHost"
	}
	s := w.start1(t, "--target", target, "--document-name", document, "--parameters", parameters)
	port := s.expect(`Port (\d+) opened for sessionId ` + s.id)[1]
	s.expect(`Waiting for connections`)
	return s, "http://127.0.0.1:" + port
}

// get gets a page over a connection of its own.
func get(client *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Close = true
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

var patient = &http.Client{Timeout: time.Minute}

func multiplexed(t *testing.T, w *world) {
	_, url := w.forward(t, w.user, `{"portNumber":["80"],"localPortNumber":["0"]}`)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 5 {
				if body, err := get(patient, url); err != nil || len(body) == 0 {
					t.Errorf("%q, %v", body, err)
				}
			}
		})
	}
	all.Wait()
	cmd := w.command("ab", "-q", "-n", "200", "-c", "20", url+"/")
	cmd.Path, cmd.Err = "/usr/bin/ab", nil
	if out := output(t, cmd); !strings.Contains(out, "Failed requests:        0") {
		t.Errorf("ab: %s", out)
	}
	s, url := w.forward(t, w.user, `{"portNumber":["8000"],"localPortNumber":["`+free(t)+`"]}`)
	body, err := get(patient, url+"/blob")
	if want := strings.Fields(w.in("user", "sha256sum /srv/blob"))[0]; err != nil || fmt.Sprintf("%x", sha256.Sum256(body)) != want {
		t.Errorf("%d bytes differ, %v", len(body), err)
	}
	s.send("\x03")
	if code := s.ends(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	eventually(t, "Ctrl-C ends the session", func() bool { return w.status(s.id) == "Terminated" })
}

func refusedPort(t *testing.T, w *world) {
	s, url := w.forward(t, w.user, `{"portNumber":["81"],"localPortNumber":["0"]}`)
	if body, err := get(patient, url); err == nil {
		t.Errorf("something answered: %q", body)
	}
	s.expect(`Connection to destination port failed`)
}

func unixSocket(t *testing.T, w *world) {
	path := w.dir + "/forward.sock"
	s := w.start1(t, "--target", w.user, "--document-name", "AWS-StartPortForwardingSession", "--parameters", `{"portNumber":["80"],"localUnixSocket":["`+path+`"]}`)
	s.expect(`Waiting for connections`)
	if out := output(t, w.curl("--unix-socket", path, "http://instance/")); out == "" {
		t.Error("nothing came")
	}
}

func portRace(t *testing.T, w *world) {
	next := make(chan int)
	go func() {
		defer close(next)
		for i := range 30 {
			next <- i
		}
	}()
	var all sync.WaitGroup
	defer all.Wait()
	for range 2 {
		all.Go(func() {
			for i := range next {
				cmd := w.cli("ssm", "start-session", "--target", w.user, "--document-name", "AWS-StartPortForwardingSession", "--parameters", `{"portNumber":["80"],"localPortNumber":["0"]}`)
				if err := oneGet(cmd); err != nil {
					t.Errorf("port session %d: %v", i, err)
				}
			}
		})
	}
}

func remoteHost(t *testing.T, w *world) {
	_, url := w.forward(t, w.user, `{"host":["`+webAddress+`"],"portNumber":["80"],"localPortNumber":["0"]}`)
	hasty := &http.Client{Timeout: 2 * time.Second}
	try := func(want bool) {
		t.Helper()
		_, code := w.exec("user", "tombolo", "probe", "--timeout", "1s", "http", "http://"+webAddress+"/")
		_, err := get(hasty, url)
		if (code == 0) != want || (err == nil) != want {
			t.Errorf("probe: exit status %d, forwarded: %v; want an answer: %v", code, err, want)
		}
	}
	try(false)
	rule := []string{"--group-id", w.group, "--protocol", "tcp", "--port", "80", "--cidr", "10.0.0.0/16"}
	w.aws(append([]string{"ec2", "authorize-security-group-ingress"}, rule...)...)
	try(true)
	w.aws(append([]string{"ec2", "revoke-security-group-ingress"}, rule...)...)
	try(false)
}

func runCommand(t *testing.T, w *world) {
	send := func(commands string, to ...string) string {
		return w.aws(append([]string{"ssm", "send-command", "--document-name", "AWS-RunShellScript", "--parameters", commands, "--query", "Command.CommandId"}, to...)...)
	}
	id := send(`commands=["whoami","echo err >&2"]`, "--instance-ids", w.user)
	w.aws("ssm", "wait", "command-executed", "--command-id", id, "--instance-id", w.user)
	got := w.aws("ssm", "get-command-invocation", "--command-id", id, "--instance-id", w.user, "--query", "[Status,ResponseCode,StandardOutputContent]")
	if f := strings.Fields(got); len(f) != 3 || f[0] != "Success" || f[1] != "0" || f[2] != "root" {
		t.Errorf("%q", got)
	}
	id = send(`commands=["exit 3"]`, "--targets", "Key=tag:Name,Values=web")
	if err := w.cli("ssm", "wait", "command-executed", "--command-id", id, "--instance-id", w.web).Run(); err == nil {
		t.Error("a command that failed was waited for")
	}
	if got := w.aws("ssm", "list-command-invocations", "--command-id", id, "--query", "CommandInvocations[0].Status"); got != "Failed" {
		t.Errorf("status %s", got)
	}
}

func refusals(t *testing.T, w *world) {
	for want, args := range map[string][]string{
		"TargetNotConnected": {"start-session", "--target", "i-0123456789abcdef0"},
		"InvalidDocument":    {"start-session", "--target", w.user, "--document-name", "AWS-Nothing"},
		"InvalidInstanceId":  {"send-command", "--instance-ids", "i-0123456789abcdef0", "--document-name", "AWS-RunShellScript", "--parameters", "commands=true"},
		"DoesNotExist":       {"resume-session", "--session-id", "root-0123456789abcdef0"},
	} {
		out, err := w.cli(append([]string{"ssm"}, args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %s, %v; want %s", args, out, err, want)
		}
	}
}

// TestDaemonDies kills the daemon under a session: the client must end, and say why.
func TestDaemonDies(t *testing.T) {
	t.Parallel()
	d := serve(t, os.Getuid())
	subnet, group := d.subnet("10.0.0.0")
	i := d.run(subnet, group, "one")
	d.booted(i)
	s := d.session(t, i)
	d.kill()
	d.start(d.addr)
	s.expect(`Session: ` + s.id + ` timed out\.`)
	if code := s.ends(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if got := d.aws("ssm", "resume-session", "--session-id", s.id, "--query", "TokenValue"); got != "None" {
		t.Errorf("token %q", got)
	}
	s = d.session(t, i)
	s.says("ok", "echo ok")
	if err := d.proc.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.closes(`Tombolo was stopped\.`)
	<-d.dead
	d.start(d.addr)
}

// TestPluginOfAnOrdinaryUser opens a shell where instances have a single uid.
func TestPluginOfAnOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		return // then everything above is of an ordinary user
	}
	t.Parallel()
	d := serve(t, 65534)
	subnet, group := d.subnet("10.0.0.0")
	i := d.run(subnet, group, "one")
	d.booted(i)
	s := d.session(t, i)
	s.says("0", "id -u")
	s.line("exit")
	s.closes("")
}
