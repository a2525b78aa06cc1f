package guest

import (
	"os"
	"os/exec"
	"strings"

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

// Probe looks at the machine without changing it. Call it outside the room.
func Probe() Offer {
	o := Offer{Mode: Root}
	if !rootlike() {
		o.Mode = SingleUID
		if _, _, ok := subids(); ok {
			o.Mode = Subids
		}
		o.userNamespaces()
	}
	for _, program := range []string{"nsenter", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			o.lack(program+" is missing", "install util-linux", true)
		}
	}
	for _, need := range []struct{ path, what, fix string }{
		{"/proc/self/ns/user", "this kernel has no user namespaces", "use a kernel with CONFIG_USER_NS"},
		{"/proc/self/ns/net", "this kernel has no network namespaces", "use a kernel with CONFIG_NET_NS"},
	} {
		if _, err := os.Stat(need.path); err != nil {
			o.lack(need.what, need.fix, true)
		}
	}
	if !strings.Contains(readString("/proc/filesystems"), "overlay\n") && exec.Command("modinfo", "overlay").Run() != nil {
		o.lack("this kernel has no overlay filesystem, from which instances get theirs", "use a kernel with CONFIG_OVERLAY_FS", true)
	}
	o.cgroups()
	return o
}

func (o *Offer) lack(what, fix string, fatal bool) {
	o.Lacks = append(o.Lacks, Lack{what, fix, fatal})
}

func (o *Offer) userNamespaces() {
	if fix := userNamespaceLack(); fix != "" {
		o.lack("an ordinary user may not make user namespaces here", fix, true)
	}
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
