package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	connections = 10_000
	// maxCrowded is what the daemon may take for all of them, in MiB: a goroutine and
	// two buffers each.
	maxCrowded = 512
)

// TestTenThousandConnections opens ten thousand connections that send nothing, half
// a request, a body that never ends, or ask for much and read nothing. A caller
// among them is answered, the memory is bounded, and the daemon survives them all.
func TestTenThousandConnections(t *testing.T) {
	want := connections
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < connections+500 {
		want = int(limit.Max) - 500 // as many as this machine allows to one process
	}
	dir := t.TempDir()
	cmd := exec.Command(built, "serve", "--fabric", "none", "--auth", "off", "--state", dir, "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended, which the test has seen
		_ = cmd.Wait()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(strings.Fields(line)[3], "http://")
	before := resident(t, cmd.Process.Pid)
	head := "POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	types := "Action=DescribeInstanceTypes&Version=2016-11-15"
	kinds := []string{"", head, head + "Content-Length: 900000\r\n\r\nAction=",
		head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(types), types)}
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close() // the daemon may have closed it first
		}
	}()
	for i := range want {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		open = append(open, c)
		if _, err := io.WriteString(c, kinds[i%len(kinds)]); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	if answer := askOnce(t, host, head, "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16"); !strings.Contains(answer, "<vpcId>") {
		t.Errorf("among %d connections: %.300s", want, answer)
	}
	if after := resident(t, cmd.Process.Pid); after-before > maxCrowded {
		t.Errorf("%d connections take %d MiB, want at most %d", want, after-before, maxCrowded)
	} else {
		t.Logf("%d connections take %d MiB", want, after-before)
	}
	// More than a request may hold is refused, and read no further.
	if answer := askOnce(t, host, head, strings.Repeat("x", 2<<20)); !strings.Contains(answer, "413") {
		t.Errorf("a body of 2 MiB: %.300s", answer)
	}
	for _, c := range open {
		_ = c.Close()
	}
	if answer := askOnce(t, host, head, "Action=DescribeVpcs&Version=2016-11-15"); !strings.Contains(answer, "<vpcId>") {
		t.Errorf("afterwards: %.300s", answer)
	}
}

// askOnce posts a form on a connection of its own and gives what comes back. A
// server that refuses a body need not have read it all.
func askOnce(t *testing.T, host, head, form string) string {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(c, head+fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", len(form), form)) // see above
	}()
	answer, err := io.ReadAll(c)
	if len(answer) == 0 {
		t.Fatalf("no answer: %v", err)
	}
	return string(answer)
}

// resident is a process's memory in MiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			return kb >> 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
