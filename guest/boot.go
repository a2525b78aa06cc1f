package guest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// The descriptors with which an instance's first process starts.
const (
	fdUsers   = 3 // the instance's user namespace; nsenter joins it
	fdNet     = 4 // its network namespace; likewise
	fdControl = 5 // to the daemon that starts it, until it is ready
	fdAgent   = 6 // the socket on which process 1 takes commands
	fdConsole = 7 // the console log, append only
)

// bootSpec is what the daemon tells a new instance about itself.
type bootSpec struct {
	ID        string
	Hostname  string
	Hosts     string // the text of /etc/hosts
	Binary    string // our program, relative to the room's place
	IDs       int    // how many ids there are inside
	Processes int
	Memory    int64 // per process and for the sum; 0 when a cgroup sees to it
	Volatile  bool  // the writable layers are in the room, not on disk
}

// bootMain runs as root of the instance's user namespace, in new mount, UTS, IPC
// and PID namespaces but still with the machine's files before it. It builds the
// root filesystem, moves in, gives up its rights and becomes process 1. It works on
// one locked thread, whose rights and filter are those of the program it executes.
func bootMain() error {
	runtime.LockOSThread()
	control := os.NewFile(fdControl, "control")
	unix.CloseOnExec(fdUsers)
	unix.CloseOnExec(fdNet)
	if err := tell(control, "hello"); err != nil {
		return err
	}
	// From here on the process is where its limits are.
	line, err := listen(control)
	if err != nil {
		return err
	}
	var s bootSpec
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		return err
	}
	err = settle(s)
	if err == nil {
		err = unix.Exec(binaryInside, initArgs(s), initEnv())
	}
	tell(control, err.Error())
	return err
}

// settle turns the namespaces into the instance s.
func settle(s bootSpec) error {
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil && err != unix.EINVAL {
		return fmt.Errorf("hide the cgroup: %w", err)
	}
	unix.Umask(0)
	if err := mountRoot(s); err != nil {
		return err
	}
	if err := pivot(); err != nil {
		return err
	}
	unix.Umask(0o022)
	if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	// Only what is not there: the instance's owner may have changed them.
	for path, text := range map[string]string{"/etc/hostname": s.Hostname + "\n", "/etc/hosts": s.Hosts} {
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return confine(s)
}

// initArgs make the process list of an instance begin as people expect it.
func initArgs(s bootSpec) []string {
	single := "many"
	if s.IDs == 1 {
		single = "one"
	}
	return []string{"init", roleInit, single, fmt.Sprint(s.Memory)}
}

// initEnv keeps process 1 small: it does next to nothing, for as long as the
// instance runs.
func initEnv() []string {
	return []string{"PATH=" + defaultPath, "GOMAXPROCS=1", "GOGC=25", "GOMEMLIMIT=8MiB"}
}

// layers makes the writable layers of an instance's root filesystem, owned by its
// root. The directory itself is the room's: an instance walks through, it does not
// list.
func layers(root *os.Root, id string, ids idRange) error {
	if err := mkdir(root, id, 0o711); err != nil {
		return err
	}
	for _, dir := range []string{"root", "root/upper", "root/work", "usr", "usr/upper", "usr/work"} {
		path := filepath.Join(id, dir)
		if _, err := root.Lstat(path); err == nil {
			continue
		}
		if err := mkdir(root, path, 0o755); err != nil {
			return err
		}
		if err := root.Lchown(path, ids.base, ids.base); err != nil {
			return err
		}
	}
	return nil
}

// mkdir makes a directory with exactly this mode, whatever the umask.
func mkdir(root *os.Root, path string, mode os.FileMode) error {
	if err := root.Mkdir(path, mode); err != nil && !os.IsExist(err) {
		return err
	}
	return root.Chmod(path, mode)
}
