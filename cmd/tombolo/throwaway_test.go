package main

import (
	"bufio"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Budgets of a daemon for test suites, on a machine that does nothing else. Others
// use this one too: what starting costs is counted in processor time, and of resets
// the best of several tries is held against the budget.
const (
	readyBudget = 100 * time.Millisecond
	resetBudget = 5 * time.Millisecond
	tries       = 10
)

// throwaway starts a daemon as a test suite does and says how much of the
// processor's time it had used when it was ready.
func throwaway(t *testing.T) (url string, pid int, used time.Duration) {
	t.Helper()
	cmd := exec.Command(built, "serve", "--fabric", "none", "--auth", "off", "--state", t.TempDir(), "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	t.Logf("ready after %v on the wall", time.Since(begin))
	used = processorTime(t, cmd.Process.Pid)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(line)[3], cmd.Process.Pid, used
}

// processorTime is what all threads of a process have used: the 14th and 15th field of
// /proc/PID/stat, in hundredths of a second (proc(5)).
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	var ticks int
	for _, field := range strings.Fields(rest)[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func post(t *testing.T, url, form string) string {
	t.Helper()
	res, err := http.Post(url, "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(res.Body).WriteTo(&b); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v %s", form, res.StatusCode, err, &b)
	}
	return b.String()
}

func TestAThrowawayDaemonIsReadyAtOnce(t *testing.T) {
	best := time.Hour
	for range tries {
		url, _, used := throwaway(t)
		best = min(best, used)
		post(t, url, "Action=DescribeVpcs")
		if best < readyBudget {
			return
		}
	}
	t.Errorf("ready after %v of the processor's time at best, want %v", best, readyBudget)
}

// TestAResetGivesAFreshWorldAtOnce fills three Regions and two accounts and finds
// what a new daemon has.
func TestAResetGivesAFreshWorldAtOnce(t *testing.T) {
	url, _, _ := throwaway(t)
	best := time.Hour
	for range tries {
		for n := range 5 {
			post(t, url, "Action=CreateVpc&CidrBlock=10."+strconv.Itoa(n)+".0.0/16")
		}
		post(t, url, "Action=RunInstances&ImageId=ami-0123456789abcdef0&InstanceType=t3.micro&MinCount=20&MaxCount=20")
		begin := time.Now()
		post(t, url+"/_tombolo/reset", "")
		best = min(best, time.Since(begin))
		for what, want := range map[string]int{"DescribeVpcs": 1, "DescribeSubnets": 6, "DescribeSecurityGroups": 1, "DescribeNetworkAcls": 1, "DescribeRouteTables": 1, "DescribeInternetGateways": 1, "DescribeInstances": 0} {
			if got := strings.Count(post(t, url, "Action="+what), "<ownerId>"); got != want {
				t.Errorf("%s after a reset: %d, want %d", what, got, want)
			}
		}
		if best < resetBudget {
			return
		}
	}
	t.Errorf("a reset takes %v at best, want %v", best, resetBudget)
}

// TestHundredsOfInstancesCostNoProcess launches them without packets.
func TestHundredsOfInstancesCostNoProcess(t *testing.T) {
	url, pid, _ := throwaway(t)
	body := post(t, url, "Action=RunInstances&ImageId=ami-0123456789abcdef0&InstanceType=t3.micro&MinCount=500&MaxCount=500")
	if n := strings.Count(body, "<instanceId>"); n != 500 {
		t.Fatalf("%d instances", n)
	}
	if n := strings.Count(post(t, url, "Action=DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=running"), "<name>running</name>"); n != 500 {
		t.Errorf("%d run", n)
	}
	if got := children(t, pid); got != "" {
		t.Errorf("processes were started: %s", got)
	}
}

// children are the processes that a process has started and that live.
func children(t *testing.T, pid int) string {
	t.Helper()
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	if err != nil || len(threads) == 0 {
		t.Fatalf("%v, %d threads", err, len(threads))
	}
	var out string
	for _, file := range threads {
		list, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		out += string(list)
	}
	return out
}
