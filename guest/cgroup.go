package guest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroups are where instances are limited, as far as this machine lets us: version
// 2 where both controllers are delegated, version 1 hierarchies one by one, or
// nothing. What is missing is replaced by limits of the kernel that need no cgroup.
type cgroups struct {
	pids, memory string // directories of this room; "" where there is none
	v2           bool
}

// roomName tells rooms apart in hierarchies that they share.
func (r room) roomName() string {
	sum := sha256.Sum256([]byte(r.dir))
	return fmt.Sprintf("tombolo-%x", sum[:6])
}

// openCgroups makes the room's cgroups and records them, so that Down finds them
// whatever cgroup it runs in.
func (r room) openCgroups() cgroups {
	c := r.findCgroups()
	recorded := r.recordedCgroups()
	for _, dir := range c.dirs() {
		if !slices.Contains(recorded, dir) {
			recorded = append(recorded, dir)
		}
	}
	if text, err := json.Marshal(recorded); err == nil && len(recorded) > 0 {
		os.WriteFile(r.run("cgroups.json"), text, 0o600)
	}
	return c
}

func (c cgroups) dirs() []string {
	var out []string
	for _, dir := range []string{c.pids, c.memory} {
		if dir != "" && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

func (r room) recordedCgroups() []string {
	var dirs []string
	if text, err := os.ReadFile(r.run("cgroups.json")); err == nil {
		json.Unmarshal(text, &dirs)
	}
	return dirs
}

func (r room) findCgroups() cgroups {
	var c cgroups
	for _, m := range cgroupMounts() {
		path := ownCgroup(m)
		if m.v2 {
			if dir := r.makeV2(m, path); dir != "" {
				return cgroups{pids: dir, memory: dir, v2: true}
			}
			continue
		}
		if !m.has("pids") && !m.has("memory") {
			continue
		}
		dir := filepath.Join(m.at(path), r.roomName())
		if os.Mkdir(dir, 0o755) != nil && !isDir(dir) {
			continue
		}
		if m.has("pids") {
			c.pids = dir
		}
		if m.has("memory") {
			c.memory = dir
		}
	}
	return c
}

// ownCgroup is this process's cgroup in the hierarchy m, as /proc/self/cgroup says.
func ownCgroup(m cgroupMount) string {
	for line := range strings.Lines(readString("/proc/self/cgroup")) {
		id, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		if m.v2 && id == "0" || !m.v2 && m.has(controllers) {
			return path
		}
	}
	return "/"
}

// makeV2 makes the room's cgroup where there is a place for it.
func (r room) makeV2(m cgroupMount, own string) string {
	found := delegatedAbove(m, own)
	if found == "" {
		return ""
	}
	dir := filepath.Join(found, r.roomName())
	if os.Mkdir(dir, 0o755) != nil && !isDir(dir) {
		return ""
	}
	if os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+pids +memory"), 0) != nil {
		os.Remove(dir)
		return ""
	}
	return dir
}

// delegatedAbove is the highest cgroup above our own that we may write and that
// hands out both controllers: our own has processes in it, and so may not.
func delegatedAbove(m cgroupMount, own string) string {
	var found string
	for dir := m.at(own); strings.HasPrefix(dir, m.point); dir = filepath.Dir(dir) {
		if unix.Access(dir, unix.W_OK) != nil || unix.Access(filepath.Join(dir, "cgroup.procs"), unix.W_OK) != nil {
			break
		}
		given := strings.Fields(readString(filepath.Join(dir, "cgroup.subtree_control")))
		if slices.Contains(given, "pids") && slices.Contains(given, "memory") {
			found = dir
		}
	}
	return found
}

// place puts an instance's first process, and so all that follow, under its limits.
// It says which limits hold.
func (c cgroups) place(id string, pid int, l Limits) (pids, memory bool) {
	set := func(dir, name string, value int64) bool {
		return os.WriteFile(filepath.Join(dir, name), []byte(strconv.FormatInt(value, 10)), 0) == nil
	}
	enter := func(dir string) bool { return set(dir, "cgroup.procs", int64(pid)) }
	if c.pids != "" {
		dir := filepath.Join(c.pids, id)
		os.Mkdir(dir, 0o755)
		pids = set(dir, "pids.max", int64(l.Processes)) && enter(dir)
	}
	if c.memory != "" {
		dir := filepath.Join(c.memory, id)
		os.Mkdir(dir, 0o755)
		name := "memory.limit_in_bytes"
		if c.v2 {
			name = "memory.max"
			set(dir, "memory.swap.max", 0)
		}
		memory = set(dir, name, l.Memory) && enter(dir)
	}
	return pids, memory
}

// remove forgets an instance whose processes have ended. What cannot be removed now
// goes with Down.
func (c cgroups) remove(id string) {
	for _, dir := range c.dirs() {
		removeCgroup(filepath.Join(dir, id))
	}
}

type cgroupMount struct {
	point, root string
	controllers []string
	v2          bool
}

// at is where a cgroup named as in /proc/self/cgroup is found.
func (m cgroupMount) at(path string) string {
	rel, err := filepath.Rel(m.root, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		rel = ""
	}
	return filepath.Join(m.point, rel)
}

func (m cgroupMount) has(controllers string) bool {
	for c := range strings.SplitSeq(controllers, ",") {
		if c != "" && slices.Contains(m.controllers, c) {
			return true
		}
	}
	return false
}

// cgroupMounts reads /proc/self/mountinfo (proc(5)).
func cgroupMounts() []cgroupMount {
	var out []cgroupMount
	for line := range strings.Lines(readString("/proc/self/mountinfo")) {
		before, after, _ := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) < 5 || len(right) < 3 || !strings.HasPrefix(right[0], "cgroup") {
			continue
		}
		out = append(out, cgroupMount{point: left[4], root: left[3], controllers: strings.Split(right[2], ","), v2: right[0] == "cgroup2"})
	}
	return out
}

func readString(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
