package guest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// holderControl is the descriptor on which a new holder and its maker talk:
// "go" (your ids are mapped), "ready" or an error, "keep" (you are on record). If
// the maker dies in between, the holder reads the end of the stream and exits, so
// that no unrecorded room is left.
const holderControl = 3

// startHolder starts the first process of a new room and records it.
func (r room) startHolder() (rec holderRecord, err error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return rec, err
	}
	defer ours.Close()
	defer theirs.Close()
	mode, uids, gids := Root, subordinate{}, subordinate{}
	cmd := exec.Command("/proc/self/exe", roleHolder, r.dir)
	cmd.Args[0] = "tombolo-room"
	cmd.Dir, cmd.Env, cmd.ExtraFiles = "/", []string{"PATH=" + defaultPath}, []*os.File{theirs}
	attr := &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID}
	if !rootlike() {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		var ok bool
		mode = Subids
		if uids, gids, ok = subids(); !ok {
			mode = SingleUID
			attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
			attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
		}
	}
	cmd.SysProcAttr = attr
	if err := cmd.Start(); err != nil {
		return rec, whyNoNamespace(err)
	}
	theirs.Close()
	defer func() {
		if err != nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	}()
	if mode == Subids {
		if err := mapIDs(cmd.Process.Pid, uids, gids); err != nil {
			return rec, err
		}
	}
	if err := converse(ours, "go"); err != nil {
		if lack := userNamespaceLack(); mode != Root && lack != "" {
			err = fmt.Errorf("%w: %s", err, lack)
		}
		return rec, err
	}
	if rec, err = describe(cmd.Process.Pid, mode); err != nil {
		return rec, err
	}
	if err := r.write(rec); err != nil {
		return rec, err
	}
	return rec, tell(ours, "keep")
}

// describe makes the record of a living holder.
func describe(pid int, mode Mode) (holderRecord, error) {
	_, start, err := processStat(pid)
	if err != nil {
		return holderRecord{}, err
	}
	mount, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	return holderRecord{PID: pid, Start: start, Boot: machineBoot(), Mode: mode, Mount: mount}, err
}

// mapIDs gives a new user namespace the caller as id 0 and the subordinate ids as
// 1 and up, through the two programs that are allowed to.
func mapIDs(pid int, uids, gids subordinate) error {
	for _, m := range []struct {
		program string
		id      int
		sub     subordinate
	}{{"newuidmap", os.Geteuid(), uids}, {"newgidmap", os.Getegid(), gids}} {
		args := []int{pid, 0, m.id, 1, 1, m.sub.start, m.sub.count}
		words := make([]string, len(args))
		for i, a := range args {
			words[i] = strconv.Itoa(a)
		}
		if out, err := exec.Command(m.program, words...).CombinedOutput(); err != nil {
			return fmt.Errorf("run %s: %w: %s", m.program, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// holderMain runs in the new namespaces before the ids are mapped, and so without
// capabilities: becoming itself again as id 0 brings them back.
func holderMain(args []string) error {
	control := os.NewFile(holderControl, "control")
	if word, err := listen(control); err != nil || word != "go" {
		return errors.New("the maker of this room is gone")
	}
	return unix.Exec("/proc/self/exe", append([]string{"tombolo-room", roleRoom}, args...), os.Environ())
}

// roomMain furnishes the room. Its last step is to run on from the room's own
// copy of the binary, so that the file it was started from can be replaced.
func roomMain(args []string) error {
	r := room{args[0]}
	binary, err := r.furnish()
	if err == nil {
		err = unix.Exec(binary, []string{"tombolo-room", roleKeep, r.dir},
			[]string{"GOMAXPROCS=1", "GOGC=10", "GOMEMLIMIT=4MiB"})
	}
	tell(os.NewFile(holderControl, "control"), err.Error())
	return err
}

// keepMain is process 1 of the room: it collects orphans and is otherwise there.
// It catches every signal that can be caught, because its death is the death of
// every instance; Down uses SIGKILL. It says that it is ready only now: while a
// program with several threads executes another, its number names nobody.
func keepMain() error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals)
	control := os.NewFile(holderControl, "control")
	if err := tell(control, "ready"); err != nil {
		return err
	}
	if word, err := listen(control); err != nil || word != "keep" {
		return errors.New("the maker of this room is gone")
	}
	control.Close()
	debug.FreeOSMemory()
	for {
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err == nil && pid > 0 || err == unix.EINTR {
				continue
			}
			break
		}
		<-signals
	}
}

// furnish mounts what the room consists of and returns the path of the room's
// copy of the binary.
func (r room) furnish() (binary string, err error) {
	// What the machine mounts later shows in the room; nothing goes the other way.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return "", fmt.Errorf("leave the machine's mount table: %w", err)
	}
	if err := unix.Mount("tombolo", r.place(), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return "", fmt.Errorf("mount the room: %w", err)
	}
	if err := unix.Mount("", r.place(), "", unix.MS_PRIVATE, ""); err != nil {
		return "", err
	}
	for _, name := range []string{"ns", "agent", "boots", "skeleton", "usr", middle, "bin", "instances", "root", "try"} {
		if err := os.Mkdir(r.place(name), 0o755); err != nil {
			return "", err
		}
	}
	if err := unix.Mount(r.dir+"/instances", r.place("instances"), "", unix.MS_BIND, ""); err != nil {
		return "", fmt.Errorf("bind the instances' files: %w", err)
	}
	ids, err := instanceIDs()
	if err != nil {
		return "", err
	}
	if err := buildSkeleton(r.place("skeleton"), ids); err != nil {
		return "", fmt.Errorf("build the skeleton: %w", err)
	}
	if err := r.makeFabric(); err != nil {
		return "", fmt.Errorf("make the fabric's namespace: %w", err)
	}
	return r.copyBinary()
}

// makeFabric makes the network namespace in which all interfaces of the fabric
// end. It belongs to the room's user namespace and has no link but lo.
func (r room) makeFabric() error {
	return onThread(func() error {
		// /proc is the machine's and numbers threads otherwise than this namespace.
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		if err := loopbackUp(); err != nil {
			return err
		}
		return bindNamespace("/proc/thread-self/ns/net", r.place("ns", "fabric"))
	})
}

// onThread runs do on a thread of its own, which ends afterwards: whatever
// namespaces it joined go with it.
func onThread(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread must not be used again
		done <- do()
	}()
	return <-done
}

// socketPair is a pair of connected stream sockets, closed on exec.
func socketPair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control"), nil
}

// tell sends one word; listen receives one. A word ends with a newline.
func tell(w io.Writer, word string) error {
	_, err := io.WriteString(w, strings.ReplaceAll(word, "\n", "; ")+"\n")
	return err
}

func listen(r io.Reader) (string, error) {
	var word []byte
	for one := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, one); err != nil {
			return "", err
		}
		if one[0] == '\n' {
			return string(word), nil
		}
		word = append(word, one[0])
	}
}

// converse tells a word and expects "ready"; anything else is the other's error.
func converse(f *os.File, word string) error {
	if err := tell(f, word); err != nil {
		return err
	}
	answer, err := listen(f)
	if err != nil {
		return fmt.Errorf("the holder died: %w", err)
	}
	if answer != "ready" {
		return errors.New(answer)
	}
	return nil
}

// loopbackUp sets lo up in the calling thread's network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(uint16(net.FlagUp))
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}
