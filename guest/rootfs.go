package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// newRoot is where a root filesystem is put together, seen from the room's own
// filesystem, which is the working directory until pivot. Everything on the way is
// named relative to it: the directories above are closed to an instance's root.
const newRoot = "root"

// masked are the files and directories of /proc that tell about the machine, or do
// something to it, and belong to no namespace.
var masked = []string{
	"kcore", "keys", "key-users", "timer_list", "timer_stats", "sched_debug", "kmsg", "kallsyms",
	"latency_stats", "sysrq-trigger", "cmdline", "config.gz", "kpagecount", "kpageflags", "kpagecgroup",
	"acpi", "scsi", "asound", "bus", "fs", "irq", "driver", "tty", "interrupts", "modules", "iomem", "ioports",
	"dynamic_debug", "sysvipc", "schedstat", "swaps", "partitions", "diskstats", "vmallocinfo", "slabinfo",
}

// mountRoot makes the root filesystem of an instance: the room's skeleton and the
// machine's /usr, each under a writable layer of the instance's own. An overlay
// over the whole root would be refused in a user namespace (EINVAL, because of the
// mounts below it).
func mountRoot(s bootSpec) error {
	layers := filepath.Join("instances", s.ID)
	if s.Volatile {
		layers = filepath.Join("volatile", s.ID)
	}
	if err := mountOverlay("skeleton", filepath.Join(layers, "root"), newRoot); err != nil {
		return err
	}
	if err := mountOverlay(middle+":usr", filepath.Join(layers, "usr"), filepath.Join(newRoot, "usr")); err != nil {
		return err
	}
	if err := mountTopLevel(); err != nil {
		return err
	}
	if err := mountBinary(s.Binary); err != nil {
		return err
	}
	if err := mountProc(filepath.Join(newRoot, "proc"), s); err != nil {
		return err
	}
	if err := mountDev(filepath.Join(newRoot, "dev"), s.IDs); err != nil {
		return err
	}
	run := filepath.Join(newRoot, "run")
	if err := unix.Mount("tmpfs", run, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=16m"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	return os.MkdirAll(filepath.Join(run, "lock"), 0o1777)
}

// mountOverlay lays the writable directory upper (beside its work directory) over
// lower.
func mountOverlay(lower, layer, on string) error {
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work,userxattr", lower, layer, layer)
	if err := unix.Mount("overlay", on, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("overlay %s: %w", lower, err)
	}
	return nil
}

// mountTopLevel binds /bin and the like where they are directories of the machine
// and not links into /usr.
func mountTopLevel() error {
	for _, name := range topLevel() {
		if info, err := os.Lstat("/" + name); err != nil || !info.IsDir() {
			continue
		}
		if err := bindReadOnly("/"+name, filepath.Join(newRoot, name)); err != nil {
			return err
		}
	}
	return nil
}

func bindReadOnly(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", from, err)
	}
	return readOnly(to)
}

// readOnly makes the mount at path read-only, repeating the flags it has: those
// that came from outside the user namespace are locked.
func readOnly(path string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return err
	}
	kept := uintptr(fs.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME)
	if uintptr(fs.Flags)&unix.ST_RELATIME != 0 {
		kept |= unix.MS_RELATIME
	}
	if err := unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|kept, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", path, err)
	}
	return nil
}

// binaryInside is our program on the PATH of every instance.
const binaryInside = "/usr/local/bin/tombolo"

func mountBinary(binary string) error {
	on := filepath.Join(newRoot, binaryInside)
	file, err := os.OpenFile(on, os.O_CREATE|os.O_WRONLY, 0o555)
	if err != nil {
		return err
	}
	file.Close()
	return bindReadOnly(binary, on)
}

// mountProc mounts the instance's own /proc: what is not about its processes or its
// network is hidden or read-only.
func mountProc(on string, s bootSpec) error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", on, "proc", flags, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	limitPIDs(filepath.Join(on, "sys/kernel/pid_max"), s.Processes)
	sys := filepath.Join(on, "sys")
	for _, path := range []string{sys, filepath.Join(sys, "net")} {
		if err := unix.Mount(path, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", path, err)
		}
	}
	// Only the mount of /proc/sys: /proc/sys/net above it is the instance's own.
	if err := unix.Mount("", sys, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|flags, ""); err != nil {
		return fmt.Errorf("make /proc/sys read-only: %w", err)
	}
	for _, name := range masked {
		if err := mask(filepath.Join(on, name)); err != nil {
			return err
		}
	}
	return nil
}

// mask hides a file behind /dev/null and a directory behind an empty one.
func mask(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // this kernel has no such file
	}
	if info.IsDir() {
		err = unix.Mount("tmpfs", path, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "size=0,mode=555")
	} else {
		err = unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
	}
	if err != nil {
		return fmt.Errorf("hide %s: %w", path, err)
	}
	return nil
}

// limitPIDs caps the processes of this PID namespace (Linux 6.14 and later; older
// kernels have one pid_max for the whole machine, which we may not write). Numbers
// below 300 are not given out again after the first round.
func limitPIDs(file string, processes int) {
	os.WriteFile(file, []byte(strconv.Itoa(processes+300)), 0)
}

// devices are those of the machine's that give away nothing.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// mountDev makes a /dev without any device of the machine but the harmless ones.
// /dev/console is a pipe whose reader is the console log.
func mountDev(on string, ids int) error {
	if err := unix.Mount("tmpfs", on, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=755,size=256k"); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	for _, name := range devices {
		path := filepath.Join(on, name)
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			return err
		}
		if err := unix.Mount("/dev/"+name, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind /dev/%s: %w", name, err)
		}
	}
	for _, dir := range []string{"pts", "shm"} {
		if err := os.Mkdir(filepath.Join(on, dir), 0o755); err != nil {
			return err
		}
	}
	options := "newinstance,ptmxmode=0666,mode=0620"
	if ids > 5 {
		options += ",gid=5"
	}
	if err := unix.Mount("devpts", filepath.Join(on, "pts"), "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, options); err != nil {
		return fmt.Errorf("mount /dev/pts: %w", err)
	}
	if err := unix.Mount("tmpfs", filepath.Join(on, "shm"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=64m"); err != nil {
		return fmt.Errorf("mount /dev/shm: %w", err)
	}
	for _, link := range [][2]string{{"pts/ptmx", "ptmx"}, {"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"}} {
		if err := os.Symlink(link[0], filepath.Join(on, link[1])); err != nil {
			return err
		}
	}
	return unix.Mkfifo(filepath.Join(on, "console"), 0o622)
}

// pivot makes the new root the only one there is: the machine's mounts are no
// longer reachable by any path.
func pivot() error {
	if err := unix.Chdir(newRoot); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the machine's root: %w", err)
	}
	return unix.Chdir("/")
}
