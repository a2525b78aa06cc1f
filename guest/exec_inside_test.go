package guest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func testExec(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	for _, c := range []struct {
		script, out string
		status      Status
	}{
		{"exit 7", "", Status{Code: 7}},
		{"kill -9 $$", "", Status{Signal: syscall.SIGKILL}},
		{"kill -TERM $$", "", Status{Signal: syscall.SIGTERM}},
		{"echo out; echo err >&2", "out\nerr\n", Status{}},
		{"pwd; echo $HOME $USER; tty", "/root\n/root root\nnot a tty\n", Status{Code: 1}},
		{"trap 'echo hup' HUP INT QUIT TERM; kill -INT $$", "hup\n", Status{}}, // no signal is ignored from the start
	} {
		if out, status := s.run(id, c.script); out != c.out || status != c.status {
			t.Errorf("%s: %q, %+v; want %q, %+v", c.script, out, status, c.out, c.status)
		}
	}
	out, _ := s.runCommand(id, Command{Args: []string{"env"}, Env: []string{"A=b c", "HOME=/tmp"}, Dir: "/usr"})
	for _, want := range []string{"A=b c\n", "PATH=" + defaultPath + "\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("env has no %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, envRoom) || strings.Contains(out, "GOGC") {
		t.Errorf("the daemon's or process 1's environment shows inside:\n%s", out)
	}
	long := strings.Repeat("long ", 20000) // more than one read of the socket
	if out, _ := s.runCommand(id, Command{Args: []string{"echo", "-n", long}}); out != long {
		t.Errorf("%d bytes of an argument of %d", len(out), len(long))
	}
	_, err := s.g.Start(context.Background(), id, Command{Args: []string{"no-such-program"}})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing program: %v", err)
	}
	_, err = s.g.Start(context.Background(), id, Command{Args: []string{"/etc/passwd"}})
	if !errors.Is(err, os.ErrPermission) {
		t.Errorf("a file that is no program: %v", err)
	}
	if _, err = s.g.Start(context.Background(), "i-0123", Command{Args: []string{"true"}}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("an instance that does not exist: %v", err)
	}
	if _, err = s.g.Start(context.Background(), "../../etc", Command{Args: []string{"true"}}); err == nil {
		t.Error("a path for an ID was accepted")
	}
}

func testStreams(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	inRead, inWrite, err := os.Pipe()
	check(t, err)
	outRead, outWrite, err := os.Pipe()
	check(t, err)
	p, err := s.g.Start(context.Background(), id, Command{Args: []string{"tr", "a-z", "A-Z"}, Stdin: inRead, Stdout: outWrite})
	check(t, err)
	inRead.Close()
	outWrite.Close()
	big := strings.Repeat("abc\n", 300000) // more than any buffer on the way
	go func() {
		io.WriteString(inWrite, big)
		inWrite.Close()
	}()
	got, err := io.ReadAll(outRead)
	check(t, err)
	if string(got) != strings.ToUpper(big) {
		t.Errorf("%d bytes came back of %d", len(got), len(big))
	}
	if status, err := p.Wait(); err != nil || status != (Status{}) {
		t.Errorf("tr: %+v %v", status, err)
	}
	file, err := os.Open("/etc/hostname")
	check(t, err)
	defer file.Close()
	if _, err := s.g.Start(context.Background(), id, Command{Args: []string{"cat"}, Stdin: file}); err == nil {
		t.Error("a file of the machine was passed in")
	}
}

func testSignals(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	read, write, err := os.Pipe()
	check(t, err)
	p, err := s.g.Start(context.Background(), id, Command{Args: []string{"sh", "-c", "trap 'echo got; exit 3' USR1; echo set; while :; do sleep 0.05; done"}, Stdout: write})
	check(t, err)
	write.Close()
	lines := bufio.NewScanner(read)
	lines.Scan()
	check(t, p.Signal(syscall.SIGUSR1))
	lines.Scan()
	if lines.Text() != "got" {
		t.Errorf("the program said %q", lines.Text())
	}
	if status, err := p.Wait(); err != nil || status.Code != 3 {
		t.Errorf("it ended with %+v, %v", status, err)
	}
	// A client that goes away takes its program along.
	p, err = s.g.Start(context.Background(), id, Command{Args: []string{"sleep", "1234"}})
	check(t, err)
	eventually(t, "the program runs", func() bool { out, _ := s.run(id, "pgrep -c -x sleep"); return out == "1\n" })
	check(t, p.Hangup())
	if status, err := p.Wait(); err != nil || status.Signal != unix.SIGHUP && status.Signal != unix.SIGKILL {
		t.Errorf("after the hangup: %+v, %v", status, err)
	}
	eventually(t, "the program ends", func() bool { out, _ := s.run(id, "pgrep -c -x sleep"); return out == "0\n" })
}

func testTerminal(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	p, err := s.g.Start(context.Background(), id, Command{Args: []string{"bash", "--norc"}, TTY: &Size{Cols: 100, Rows: 30}, Env: []string{"PS1=$ "}})
	check(t, err)
	defer p.Terminal.Close()
	var screen strings.Builder
	until := func(want string) {
		t.Helper()
		buf := make([]byte, 4096)
		stop := time.AfterFunc(20*time.Second, func() { p.Terminal.Close() })
		defer stop.Stop()
		for !strings.Contains(screen.String(), want) {
			n, err := p.Terminal.Read(buf)
			screen.Write(buf[:n])
			if err != nil {
				t.Fatalf("waiting for %q: %v in\n%s", want, err, screen.String())
			}
		}
	}
	type_ := func(text string) { _, err := p.Terminal.Write([]byte(text)); check(t, err) }
	type_("stty size; tty\n")
	until("30 100")
	until("/dev/pts/")
	check(t, p.Resize(Size{Cols: 133, Rows: 41}))
	eventually(t, "the terminal has the new size", func() bool {
		type_("stty size\n")
		buf := make([]byte, 4096)
		n, _ := p.Terminal.Read(buf)
		screen.Write(buf[:n])
		return strings.Contains(screen.String(), "41 133")
	})
	type_("sleep 100\n")
	eventually(t, "sleep runs", func() bool { out, _ := s.run(id, "pgrep -c -x sleep"); return out == "1\n" })
	type_("\x03") // Ctrl-C goes to the foreground job
	type_("echo rc=$?\n")
	until("rc=130")
	if s.g.Mode() == SingleUID {
		until(oneID)
	}
	type_("exit 5\n")
	_, err = io.Copy(io.Discard, p.Terminal)
	check(t, err)
	if status, err := p.Wait(); err != nil || status.Code != 5 {
		t.Errorf("the shell ended with %+v, %v", status, err)
	}
}

func testUsers(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	want := "1000 ec2-user /home/ec2-user\n"
	if s.g.Mode() == SingleUID {
		want = "0 root /home/ec2-user\n"
	}
	out, _ := s.runCommand(id, Command{Args: []string{"sh", "-c", "echo $(id -u) $(whoami) $HOME; touch mine"}, User: "ec2-user"})
	if out != want {
		t.Errorf("as ec2-user: %q", out)
	}
	// What root starts may become somebody else for good, as tcpdump and servers do.
	s.says(id, "chown www-data:www-data /tmp && setpriv --reuid=www-data --regid=www-data --clear-groups echo ok", "ok")
	if _, err := s.g.Start(context.Background(), id, Command{Args: []string{"true"}, User: "mallory"}); err == nil {
		t.Error("a user that does not exist was accepted")
	}
	if s.g.Mode() == SingleUID {
		return
	}
	_, status := s.runCommand(id, Command{Args: []string{"sh", "-c", "cat /etc/shadow || ip link add x type dummy || touch /root/x"}, User: "ec2-user"})
	if status.Code == 0 {
		t.Error("an ordinary user inside has root's rights")
	}
	// What root may do on a machine of its own: own files, become others, configure its network.
	s.says(id, `touch /tmp/f && chown ec2-user:ec2-user /tmp/f && stat -c %U /tmp/f && setpriv --reuid=1000 --regid=1000 --clear-groups id -u &&
		ip addr add 10.9.9.9/32 dev lo && ip route add 10.8.0.0/16 dev lo && echo 0 > /proc/sys/net/ipv4/conf/lo/forwarding && echo ok`, "ec2-user\n1000\nok")
}

func testSudo(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	as := func(user, script string) (string, Status) {
		return s.runCommand(id, Command{Args: []string{"sh", "-c", script}, User: user})
	}
	for _, c := range []struct {
		user, script, out string
		status            Status
	}{
		{"ec2-user", "sudo id -u", "0\n", Status{}},
		{"ec2-user", "cd /tmp; sudo sh -c 'pwd; echo $HOME; exit 7'", "/tmp\n/root\n", Status{Code: 7}},
		{"ssm-user", "echo in | sudo -n tr a-z A-Z", "IN\n", Status{}},
		{"ssm-user", "sudo A=b env | grep ^A=", "A=b\n", Status{}},
		{"ec2-user", "sudo -u www-data whoami", "www-data\n", Status{}},
		{"ec2-user", "sudo -i pwd", "/root\n", Status{}},
		{"ec2-user", "sudo sh -c 'kill -9 $$'", "", Status{Code: 137}},
		{"ec2-user", "sudo no-such-program", "sudo: find no-such-program: no such file or directory\n", Status{Code: 1}},
		{"ec2-user", "sudo su - ssm-user -c whoami", "ssm-user\n", Status{}},
		{"www-data", "sudo id -u", "sudo: www-data is in none of the groups wheel and sudo\n", Status{Code: 1}},
	} {
		if s.g.Mode() == SingleUID { // everybody is root
			switch c.user {
			case "www-data":
				c.out, c.status = "0\n", Status{}
			}
			c.out = strings.NewReplacer("www-data\n", "root\n", "ssm-user\n", "root\n").Replace(c.out)
		}
		if out, status := as(c.user, c.script); out != c.out || status != c.status {
			t.Errorf("%s: %s: %q, %+v; want %q, %+v", c.user, c.script, out, status, c.out, c.status)
		}
	}
	// On a terminal: a shell with job control, in a terminal of its own.
	p, err := s.g.Start(context.Background(), id, Command{Args: []string{"sudo", "bash", "--norc"}, TTY: &Size{Cols: 90, Rows: 20}, User: "ec2-user"})
	check(t, err)
	defer p.Terminal.Close()
	_, err = io.WriteString(p.Terminal, "id -u; stty size; set -o | grep monitor; exit 4\n")
	check(t, err)
	screen, err := io.ReadAll(p.Terminal)
	check(t, err)
	status, err := p.Wait()
	for _, want := range []string{"0\r\n", "20 90", "on\r\n"} {
		if !strings.Contains(string(screen), want) || strings.Contains(string(screen), "no job control") {
			t.Errorf("the shell on a terminal shows no %q:\n%s", want, screen)
		}
	}
	if err != nil || status.Code != 4 {
		t.Errorf("it ended with %+v, %v", status, err)
	}
}
