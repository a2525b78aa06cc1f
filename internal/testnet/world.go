// Package testnet gives tests a private world: namespaces that nobody else can
// see, hosts inside them, packets sent and captured there, and proof at the end
// that nothing was left behind and nothing leaked out.
//
// It is for tests only. A test that uses it never sends a packet outside of
// namespaces it made itself, and needs no privileges: what root does in a fresh
// network and mount namespace, an ordinary user does in a user namespace.
package testnet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// worldName is the argv[0] by which a test binary knows that it already runs in
// its private world. (Not an environment variable: those are inherited by every
// child, this is not.)
const worldName = "tombolo-testnet-world"

// Main runs a package's tests in a private world. Use it as the whole TestMain:
//
//	func TestMain(m *testing.M) { testnet.Main(m) }
//
// The test binary executes itself again in a fresh mount and network namespace,
// and in a user namespace where the caller is not root.
func Main(m *testing.M) {
	if os.Args[0] == worldName {
		os.Exit(runWorld(m))
	}
	status, err := reexec()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testnet:", err)
		status = 1
	}
	os.Exit(status)
}

// machineFD is where a world that root made finds the machine's own network
// namespace, for the leak capture. An ordinary user's world has none.
const machineFD = 3

func reexec() (int, error) {
	// The child must die with us, and the kernel ties that to the thread that
	// made it (PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{worldName}, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = worldAttr()
	if os.Geteuid() == 0 {
		machine, err := os.Open("/proc/self/ns/net")
		if err != nil {
			return 0, fmt.Errorf("open the machine's network namespace: %w", err)
		}
		defer machine.Close()
		cmd.ExtraFiles = []*os.File{machine}
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the tests in namespaces of their own (are user namespaces allowed here?): %w", err)
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

func worldAttr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

func runWorld(m *testing.M) int {
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "testnet:", err)
		return 1
	}
	return m.Run()
}

// furnish makes the world fit to live in: mounts stay inside, loopback is up.
func furnish() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	unix.CloseOnExec(machineFD)
	return prepareNamespace()
}

// Rootless reports whether this world was made by an ordinary user.
func Rootless() bool {
	uidMap, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	f := strings.Fields(string(uidMap))
	return len(f) == 3 && f[2] != "4294967295"
}

// nobody is the uid and gid that owns nothing, on every distribution.
const nobody = 65534

// RunAsOrdinaryUser runs the tests of this binary that match pattern once more,
// in a world that an ordinary user made, when the present one is root's.
// It reports those tests' failure as t's, and does nothing where the tests are
// an ordinary user's already.
func RunAsOrdinaryUser(t *testing.T, pattern string) {
	t.Helper()
	if Rootless() {
		return
	}
	args := []string{"-test.run=" + pattern, "-test.count=1"}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", args...)
	cmd.Args[0] = filepath.Base(os.Args[0]) // not worldName: it shall make its own
	if cmd.Args[0] == worldName {
		cmd.Args[0] = "tests-as-ordinary-user"
	}
	cmd.Env = append(os.Environ(), "HOME=/", "TMPDIR=/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: nobody, Gid: nobody},
		Pdeathsig:  syscall.SIGKILL,
	}
	cmd.WaitDelay = time.Second
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("tests %s as an ordinary user: %v\n%s", pattern, err, out)
	} else {
		t.Logf("tests %s as an ordinary user:\n%s", pattern, out)
	}
}
