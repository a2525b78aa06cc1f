package guest

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindNamespace keeps a namespace alive as a file.
func bindNamespace(from, to string) error {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_RDONLY, 0o444)
	if err != nil {
		return err
	}
	file.Close()
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		os.Remove(to)
		return fmt.Errorf("keep the namespace %s: %w", to, err)
	}
	return nil
}

// dropNamespace lets go of a namespace kept by bindNamespace. The kernel destroys
// it once no process and no open file uses it.
func dropNamespace(path string) error {
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
		return fmt.Errorf("let go of the namespace %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// isNamespace reports whether path still holds a namespace; a crash between making
// the file and binding leaves an empty one.
func isNamespace(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.NSFS_MAGIC
}

// pause is a process that holds a new user namespace for instances and whatever
// else was asked for.
type pause struct {
	cmd  *exec.Cmd
	hold *os.File
}

// startPause makes a user namespace whose ids are those of instances, together
// with the namespaces in flags. It works only inside the room.
func startPause(ids idRange, flags uintptr) (*pause, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd := exec.Command("/proc/self/exe", rolePause)
	cmd.Env, cmd.Stdin, cmd.Dir = []string{}, read, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:                 unix.CLONE_NEWUSER | flags,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: ids.base, Size: ids.size}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: ids.base, Size: ids.size}},
		GidMappingsEnableSetgroups: ids.size > 1,
	}
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, whyNoNamespace(err)
	}
	return &pause{cmd, write}, nil
}

func (p *pause) namespace(kind string) string {
	return fmt.Sprintf("/proc/%d/ns/%s", p.cmd.Process.Pid, kind)
}

func (p *pause) end() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
	p.hold.Close()
}

// makeNetNS makes the network namespace of one instance. It belongs to a user
// namespace of the instance's own, so that root inside may configure and capture,
// and nothing else of the room is reachable with those rights. The user namespace
// lives as long as the network namespace does.
func (r room) makeNetNS(ids idRange, name string) error {
	p, err := startPause(ids, unix.CLONE_NEWNET)
	if err != nil {
		return err
	}
	defer p.end()
	path := r.place("ns", name)
	if err := bindNamespace(p.namespace("net"), path); err != nil {
		return err
	}
	if err := onThread(func() error { return openNetNS(path, ids) }); err != nil {
		dropNamespace(path)
		return fmt.Errorf("open the namespace of %s: %w", name, err)
	}
	return nil
}

// openNetNS sets lo up and lets every group inside send ICMP echo requests, as
// Amazon Linux does, so that ping needs no capability.
func openNetNS(path string, ids idRange) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	// Where /proc/sys is read-only, inside another container, ping needs CAP_NET_RAW.
	groups := fmt.Sprintf("%d %d", ids.base, ids.base+ids.size-1)
	if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte(groups), 0); err != nil && !os.IsPermission(err) && !isReadOnly(err) {
		return fmt.Errorf("open ping_group_range: %w", err)
	}
	return nil
}

func isReadOnly(err error) bool {
	errno, ok := unwrapErrno(err)
	return ok && errno == unix.EROFS
}

// bindUsr puts the machine's /usr into the room. As root it is a mount on which
// the machine's ids appear as the same ids of an instance, so that files belong to
// root inside, can be changed there, and are copied up by the overlay; where the
// kernel or the filesystem cannot, and for ordinary users, they belong to nobody.
// The daemon does it, not the holder: /proc does not know the holder's children by
// the numbers that it knows them by.
func (r room) bindUsr(ids idRange) error {
	if isDir(r.place("usr", "bin")) {
		return nil // an earlier daemon has
	}
	if err := r.fillMiddle(ids); err != nil {
		return fmt.Errorf("fill the layer above /usr: %w", err)
	}
	if ids.base == rootBase && r.bindUsrMapped(ids) == nil {
		return nil
	}
	if err := unix.Mount("/usr", r.place("usr"), "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind /usr: %w", err)
	}
	return readOnly(r.place("usr"))
}

func (r room) bindUsrMapped(ids idRange) error {
	p, err := startPause(ids, 0)
	if err != nil {
		return err
	}
	defer p.end()
	users, err := os.Open(p.namespace("user"))
	if err != nil {
		return err
	}
	defer users.Close()
	tree, err := unix.OpenTree(unix.AT_FDCWD, "/usr", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open /usr: %w", err)
	}
	defer unix.Close(tree)
	attr := unix.MountAttr{
		Attr_set:  unix.MOUNT_ATTR_IDMAP | unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV,
		Userns_fd: uint64(users.Fd()),
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return fmt.Errorf("map the ids of /usr: %w", err)
	}
	return unix.MoveMount(tree, "", unix.AT_FDCWD, r.place("usr"), unix.MOVE_MOUNT_F_EMPTY_PATH)
}
