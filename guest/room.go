package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// room is the layout of one state directory. What is under place exists only in
// the room's mount namespace; the rest is on the machine's disk.
type room struct{ dir string }

// place is the mount point of the room's own filesystem.
func (r room) place(parts ...string) string {
	return filepath.Join(append([]string{r.dir, "room"}, parts...)...)
}

func (r room) run(name string) string { return filepath.Join(r.dir, "run", name) }

// prepare makes the directories that a room needs. Instances' root walks through
// `instances`, so that one directory may be passed, not listed, by others; its
// parents keep strangers out.
func (r room) prepare() error {
	for _, d := range []struct {
		path string
		mode fs.FileMode
	}{{r.dir, 0o700}, {r.run(""), 0o700}, {r.place(), 0o700}, {filepath.Join(r.dir, "instances"), 0o711}} {
		if err := os.MkdirAll(d.path, d.mode); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Join(r.dir, "instances"), 0o711)
}

// holderRecord says which process holds a room. A pid alone may be somebody
// else's by now: the start time and the boot make it unique.
type holderRecord struct {
	PID   int
	Start uint64 // in clock ticks after the machine's boot
	Boot  string // of the machine
	Mode  Mode
	Mount string // the room's mount namespace, as /proc/PID/ns/mnt reads
}

func (r room) record() (holderRecord, error) {
	var rec holderRecord
	text, err := os.ReadFile(r.run("room.json"))
	if err != nil {
		return rec, err
	}
	return rec, json.Unmarshal(text, &rec)
}

func (r room) write(rec holderRecord) error {
	text, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.run("room.json.new"), text, 0o600); err != nil {
		return err
	}
	return os.Rename(r.run("room.json.new"), r.run("room.json"))
}

// alive reports whether the recorded holder still runs. One that is dying has lost
// its namespaces already.
func (h holderRecord) alive() bool {
	if h.PID == 0 || h.Boot != machineBoot() {
		return false
	}
	state, start, err := processStat(h.PID)
	if err != nil || start != h.Start || state == "Z" || state == "X" {
		return false
	}
	mount, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", h.PID))
	return err == nil && mount == h.Mount
}

func machineBoot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(id))
}

// processStat reads the state and the start time of a process (proc(5)).
func processStat(pid int) (state string, start uint64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, err
	}
	// The second field is the program's name in parentheses, and may hold anything.
	end := strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 20 {
		return "", 0, fmt.Errorf("read process %d: unexpected stat", pid)
	}
	start, err = strconv.ParseUint(fields[19], 10, 64)
	return fields[0], start, err
}

// InRoom reports whether this process is inside the room of the state directory.
func InRoom(dir string) bool {
	r, err := roomOf(dir)
	if err != nil {
		return false
	}
	rec, err := r.record()
	if err != nil || !rec.alive() {
		return false
	}
	mount, err := os.Readlink("/proc/self/ns/mnt")
	return err == nil && mount == rec.Mount
}

func roomOf(dir string) (room, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return room{}, err
	}
	return room{abs}, nil
}

// Enter makes the room of a state directory, or finds the one that is there, and
// becomes argv inside it: this program again, with the machine's network
// namespace and everything else as it was. It returns only on an error. Joining a
// user namespace needs a process with one thread, which no Go program is, so the
// step is util-linux's nsenter.
func Enter(dir string, argv []string) error {
	r, err := roomOf(dir)
	if err != nil {
		return err
	}
	if isDir(r.place("ns")) && !InRoom(dir) {
		return ErrRoomLost
	}
	if err := r.prepare(); err != nil {
		return err
	}
	rec, err := r.hold()
	if err != nil {
		return fmt.Errorf("make the room: %w", err)
	}
	args, err := entering(rec)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "/"
	}
	args = append(append(args, self, roleEnter, cwd), argv...)
	return fmt.Errorf("run nsenter: %w", unix.Exec(args[0], args, os.Environ()))
}

// entering is the beginning of a command line that runs something in a room.
func entering(rec holderRecord) ([]string, error) {
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return nil, errors.New("nsenter is missing: install util-linux")
	}
	args := []string{nsenter, fmt.Sprintf("--mount=/proc/%d/ns/mnt", rec.PID)}
	if rec.Mode != Root {
		args = append(args, fmt.Sprintf("--user=/proc/%d/ns/user", rec.PID), "--preserve-credentials")
	}
	return append(args, "--"), nil
}

// lock keeps two callers from making, or ending, one room at a time.
func (r room) lock() (unlock func(), err error) {
	file, err := os.OpenFile(r.run("room.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		if err = unix.Flock(int(file.Fd()), unix.LOCK_EX); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return func() { file.Close() }, nil
}

// hold finds the living holder or starts one.
func (r room) hold() (holderRecord, error) {
	unlock, err := r.lock()
	if err != nil {
		return holderRecord{}, err
	}
	defer unlock()
	if rec, err := r.record(); err == nil && rec.alive() {
		return rec, nil
	}
	return r.startHolder()
}
