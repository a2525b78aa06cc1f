package guest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lack is something that this machine does not offer to instances, and how to get it.
type Lack struct {
	What  string // what does not work, or not as well
	Fix   string // what to do about it
	Fatal bool   // without it no instance runs at all
}

// Offer is what this machine offers to instances, for the caller as it is.
type Offer struct {
	Mode  Mode
	Lacks []Lack
}

// Probe looks at the machine and leaves it as it was. Call it outside the room, in a
// program whose main begins with Reexec.
func Probe() Offer {
	o := Offer{Mode: Root}
	if !rootlike() {
		o.Mode = SingleUID
		if _, _, ok := subids(); ok {
			o.Mode = Subids
		}
		o.subordinates()
	}
	for _, program := range []string{"nsenter", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			o.lack(program+" is missing", "install util-linux", true)
		}
	}
	o.try()
	o.cgroups()
	return o
}

func (o *Offer) lack(what, fix string, fatal bool) {
	o.Lacks = append(o.Lacks, Lack{what, fix, fatal})
}

func (o *Offer) subordinates() {
	if o.Mode == Subids {
		return
	}
	fix := "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER"
	if _, err := exec.LookPath("newuidmap"); err != nil {
		fix = "install uidmap (Debian) or shadow-utils, then " + fix
	}
	o.lack("no subordinate ids: everybody in an instance is root", fix, false)
}

// cgroups says which limits have to do without. The room does not exist yet, so the
// hierarchies are only looked at.
func (o *Offer) cgroups() {
	var processes, memory bool
	for _, m := range cgroupMounts() {
		writable := unix.Access(m.at(ownCgroup(m)), unix.W_OK) == nil
		if m.v2 {
			writable = delegatedAbove(m, ownCgroup(m)) != ""
		}
		processes = processes || writable && (m.v2 || m.has("pids"))
		memory = memory || writable && (m.v2 || m.has("memory"))
	}
	const fix = "run as root, or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes tombolo serve"
	if !processes {
		o.lack("no cgroup for the number of processes: it is limited per user of an instance instead", fix, false)
	}
	if !memory {
		o.lack("no cgroup for memory: it is limited per process, and watched for the sum", fix, false)
	}
}

// try makes, for a moment, what a room and an instance are made of: no setting tells
// as much about what is forbidden as doing it.
func (o *Offer) try() {
	cmd := exec.Command("/proc/self/exe", roleTry)
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	what := strings.TrimSpace(string(out))
	if what == "" {
		what = err.Error()
	}
	fix := userNamespaceLack()
	if fix == "" {
		fix = "in a container: run it with --privileged, or with --security-opt seccomp=unconfined --security-opt systempaths=unconfined; else run as root"
	}
	o.lack("namespaces cannot be made here ("+what+")", fix, true)
}

// tryMain runs in new namespaces of all kinds.
func tryMain() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("leave the mount table: %w", err)
	}
	if err := unix.Mount("tombolo", "/tmp", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	for _, dir := range []string{"/tmp/proc", "/tmp/upper", "/tmp/work", "/tmp/usr"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("proc", "/tmp/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Mount("overlay", "/tmp/usr", "overlay", 0, "lowerdir=/usr,upperdir=/tmp/upper,workdir=/tmp/work,userxattr"); err != nil {
		return fmt.Errorf("overlay /usr: %w", err)
	}
	return loopbackUp()
}
