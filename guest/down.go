package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Down ends everything of the room of a state directory, whether its daemon lives
// or not: every process of every instance, the daemon, and with the last of them
// the namespaces, mounts and links. What is on disk stays. It may be called again,
// and when there is no room.
func Down(dir string) error {
	r, err := roomOf(dir)
	if err != nil {
		return err
	}
	if _, err := r.record(); os.IsNotExist(err) {
		return nil
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	rec, err := r.record()
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the room's record: %w", err)
	}
	if InRoom(dir) {
		return errors.New("this process is in the room itself")
	}
	if err := endHolder(rec); err != nil {
		return err
	}
	// The daemon is not below the holder, but its mount namespace is the room's.
	if rec.Boot == machineBoot() {
		if err := r.endAll(rec.Mount); err != nil {
			return err
		}
	}
	for _, cgroup := range r.recordedCgroups() {
		if err := removeCgroup(cgroup); err != nil {
			return err
		}
	}
	for _, name := range []string{"cgroups.json", "room.json"} {
		if err := os.Remove(r.run(name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := os.Remove(r.place()); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove the room's mount point: %w", err)
	}
	return nil
}

// downTimeout is how long the kernel may take to end all processes of a room.
const downTimeout = 30 * time.Second

// endHolder kills the first process of the room's PID namespace. The kernel reports
// its end only after every process below it has ended.
func endHolder(rec holderRecord) error {
	holder, err := openProcess(rec.PID)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer holder.Close()
	// Looked at after the opening, so that both mean the same process.
	if _, start, err := processStat(rec.PID); err != nil || start != rec.Start || rec.Boot != machineBoot() {
		return nil
	}
	if err := holder.kill(); err != nil {
		return fmt.Errorf("end the room: %w", err)
	}
	if !holder.await(context.Background(), downTimeout) {
		return fmt.Errorf("the room's first process, %d, does not end", rec.PID)
	}
	return nil
}

// endAll kills the processes whose mount namespace is the room's.
func (r room) endAll(mount string) error {
	for deadline := time.Now().Add(downTimeout); ; {
		left := r.processesIn(mount)
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v of the room do not end", left)
		}
		for _, pid := range left {
			p, err := openProcess(pid)
			if err != nil {
				continue
			}
			if r.isHome(pid, mount) {
				p.kill()
				p.await(context.Background(), time.Second)
			}
			p.Close()
		}
	}
}

// isHome reports whether a process is in the room's mount namespace. The number of
// a namespace is given to another as soon as it is gone, and that may be
// anybody's: what counts is that the room's own filesystem is mounted there.
func (r room) isHome(pid int, mount string) bool {
	at, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	if err != nil || at != mount {
		return false
	}
	for line := range strings.Lines(readString(fmt.Sprintf("/proc/%d/mountinfo", pid))) {
		if fields := strings.Fields(line); len(fields) > 4 && unescape(fields[4]) == r.place() {
			return true
		}
	}
	return false
}

// unescape undoes what proc(5) does to blanks in paths.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

func (r room) processesIn(mount string) []int {
	var out []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() && r.isHome(pid, mount) {
			out = append(out, pid)
		}
	}
	return out
}

// removeCgroup removes a cgroup and those in it. The kernel lets go of a cgroup a
// moment after its last process.
func removeCgroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeCgroup(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		err := os.Remove(dir)
		if err == nil || os.IsNotExist(err) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("remove the cgroup: %w", err)
		}
	}
}
