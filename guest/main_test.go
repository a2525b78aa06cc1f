package guest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The tests run this binary again inside a room; these say that it is so.
const (
	envRoom  = "GUEST_TEST_ROOM"  // the state directory
	envDrive = "GUEST_TEST_DRIVE" // the daemon that a test drives from outside
)

func TestMain(m *testing.M) {
	Reexec()
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "attack:") {
		attack(os.Args[1], os.Args[2:])
	}
	if len(os.Args) == 3 && (os.Args[1] == "remove" || os.Args[1] == "down") {
		end := map[string]func(string) error{"remove": Remove, "down": Down}[os.Args[1]]
		if err := end(os.Args[2]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(envRoom); dir != "" && !InRoom(dir) {
		fmt.Fprintln(os.Stderr, Enter(dir, os.Args))
		os.Exit(1)
	}
	if os.Getenv(envMany) != "" {
		many(1000)
	}
	if os.Getenv(envDrive) != "" {
		drive()
	}
	os.Exit(m.Run())
}

// TestInstances is everything that needs a room, in every mode that this user can
// have: it runs itself again inside, and asserts that nothing is left afterwards.
func TestInstances(t *testing.T) {
	if dir := os.Getenv(envRoom); dir != "" {
		inside(t, dir)
		return
	}
	for _, as := range modes(t) {
		t.Run(strings.ReplaceAll(as.mode.String(), " ", "-"), func(t *testing.T) {
			dir := as.home(t)
			output := new(bytes.Buffer)
			cmd := as.command(dir, "-test.run=^TestInstances$", "-test.v", "-test.timeout=300s")
			cmd.Env = append(cmd.Env, envRoom+"="+filepath.Join(dir, "state"))
			cmd.Stdout, cmd.Stderr = output, output
			err := cmd.Run()
			if err != nil || strings.Contains(output.String(), "testing: warning: no tests to run") {
				t.Errorf("inside: %v\n%s", err, output)
			} else if testing.Verbose() {
				t.Log(output)
			}
			downLeavesNothing(t, filepath.Join(dir, "state"))
			// Its owner can remove it all, whosever the files of instances are.
			if out, err := as.command(dir, "remove", filepath.Join(dir, "state")).CombinedOutput(); err != nil {
				t.Errorf("remove: %v: %s", err, out)
			}
			if _, err := os.Lstat(filepath.Join(dir, "state")); err == nil {
				t.Error("the state directory is left")
			}
		})
	}
}

// TestInstancesInAContainer has a state directory on an overlay, which cannot carry
// another, and root of a user namespace with one id as the user: what a container
// offers. The files of instances are in memory then.
func TestInstancesInAContainer(t *testing.T) {
	dir := testUser{uid: os.Getuid()}.home(t)
	for _, name := range []string{"lower", "upper", "work"} {
		check(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	script := `set -e; mount -t overlay overlay -o lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work,userxattr $1/state
		` + envRoom + `=$1/state $1/guest.test -test.v -test.timeout=200s -test.run='^TestInstances$/^(a_|users|stop|user_data)' || status=$?
		$1/guest.test down $1/state
		ls -A $1/state/run | grep -v room.lock || exit ${status:-0}`
	out, err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", dir).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "layers in memory: true") || !strings.HasSuffix(string(out), "PASS\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if all, err := filepath.Glob("/proc/[0-9]*/cmdline"); err == nil {
		for _, c := range all {
			if text := readString(c); strings.Contains(text, dir) {
				t.Errorf("a process is left: %q", text)
			}
		}
	}
}

// user is as whom a test runs.
type testUser struct {
	mode Mode
	uid  int
}

// The made-up user, and the subordinate ids that a private /etc/subuid gives it.
const madeUpUser, subordinateBase = 61234, 700000

// modes are those that the caller can have: root can be everybody.
func modes(t testing.TB) []testUser {
	if rootlike() {
		return []testUser{{Root, 0}, {Subids, madeUpUser}, {SingleUID, madeUpUser}}
	}
	mode := SingleUID
	if _, _, ok := subids(); ok {
		mode = Subids
	}
	t.Logf("as an ordinary user: only %v is tested", mode)
	return []testUser{{mode, os.Getuid()}}
}

// home is a directory of the user's with a copy of this binary: the one that go
// test made is closed to others.
func (as testUser) home(t testing.TB) string {
	dir, err := os.MkdirTemp("", "guest-")
	check(t, err)
	t.Cleanup(func() {
		check(t, Down(filepath.Join(dir, "state")))
		check(t, os.RemoveAll(dir))
	})
	check(t, os.Chmod(dir, 0o755))
	self, err := os.Open("/proc/self/exe")
	check(t, err)
	defer self.Close()
	check(t, copyFile(filepath.Join(dir, "guest.test"), self, 0o755))
	check(t, os.Mkdir(filepath.Join(dir, "state"), 0o700))
	if os.Getuid() == 0 {
		check(t, os.Chown(filepath.Join(dir, "state"), as.uid, as.uid))
		check(t, os.Chown(dir, as.uid, as.uid))
	}
	return dir
}

// command runs the binary in dir as the user. A user with subordinate ids gets a
// private mount namespace in which /etc says so.
func (as testUser) command(dir string, args ...string) *exec.Cmd {
	binary := filepath.Join(dir, "guest.test")
	cmd := exec.Command(binary, args...)
	if as.uid != os.Getuid() {
		id := strconv.Itoa(as.uid)
		run := []string{"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", binary}
		script := `d=$1; shift; set -e
			(cat /etc/passwd; echo "tombolo-test:x:` + id + `:` + id + `::/:/bin/sh") >$d/passwd
			mount --bind $d/passwd /etc/passwd
			: >$d/subuid
			if [ "$1" = sub ]; then echo "tombolo-test:` + strconv.Itoa(subordinateBase) + `:65536" >$d/subuid; fi
			shift
			touch /etc/subuid /etc/subgid
			mount --bind $d/subuid /etc/subuid; mount --bind $d/subuid /etc/subgid
			exec "$@"`
		which := "none"
		if as.mode == Subids {
			which = "sub"
		}
		cmd = exec.Command("unshare", append(append([]string{"--mount", "sh", "-c", script, "sh", dir, which}, run...), args...)...)
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/"}
	cmd.Dir = dir
	return cmd
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// downLeavesNothing ends a room and looks for what it may have left on the machine.
func downLeavesNothing(t *testing.T, dir string) {
	t.Helper()
	r, err := roomOf(dir)
	check(t, err)
	rec, err := r.record()
	check(t, err)
	if !rec.alive() {
		state, start, err := processStat(rec.PID)
		t.Errorf("the room did not outlive its daemon: %+v is %q %d %v at boot %s", rec, state, start, err, machineBoot())
	}
	groups := r.recordedCgroups()
	if all, err := Rooms(); err != nil || !slices.Contains(all, dir) {
		t.Errorf("the rooms are %v, %v", all, err)
	}
	check(t, Down(dir))
	check(t, Down(dir)) // again
	if left := r.processesIn(rec.Mount); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if _, _, err := processStat(rec.PID); err == nil && rec.alive() {
		t.Error("the holder is left")
	}
	for _, file := range []string{"/proc/self/mountinfo", "/proc/1/mountinfo"} {
		if strings.Contains(readString(file), dir) {
			t.Errorf("%s still names %s", file, dir)
		}
	}
	for _, g := range groups {
		if _, err := os.Stat(g); err == nil {
			t.Errorf("cgroup %s is left", g)
		}
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "run")); len(entries) != 1 || entries[0].Name() != "room.lock" {
		t.Errorf("%v is left in run", entries)
	}
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, c := range commands {
		if text := readString(c); strings.Contains(text, dir) {
			t.Errorf("a process is left: %q", text)
		}
	}
}

// eventually waits for something that another process or goroutine makes true.
func eventually(t testing.TB, what string, true func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !true() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: not after 20 s", what)
		}
	}
}
