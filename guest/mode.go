package guest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Mode is with which rights a room is made. It decides who an instance's root is
// on the machine.
type Mode uint8

const (
	// Root: made by root; the ids of instances are a range that nobody else uses.
	Root Mode = iota + 1
	// Subids: made by an ordinary user who has subordinate ids (/etc/subuid).
	Subids
	// SingleUID: made by an ordinary user without any; everybody in an instance
	// is that user.
	SingleUID
)

func (m Mode) String() string {
	switch m {
	case Root:
		return "root"
	case Subids:
		return "rootless with subordinate ids"
	case SingleUID:
		return "rootless with one id"
	}
	return "unknown"
}

// idRange are ids of the room that instances may use: id n inside an instance is
// base+n in the room.
type idRange struct{ base, size int }

// rootBase is where root's instances get their ids: above systemd's container
// range and below the ids that break signed 32-bit programs, a stretch that
// systemd's table of UIDs calls unused. Decision 0022.
const rootBase, idCount = 0x70000000, 65536

// rootlike reports whether this process may make namespaces and mounts by itself.
func rootlike() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if os.Geteuid() != 0 || unix.Capget(&header, &data[0]) != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// subordinate is one line of /etc/subuid or /etc/subgid that is ours.
type subordinate struct{ start, count int }

// subids are the caller's subordinate ids; ok is false when there are none to use.
func subids() (uids, gids subordinate, ok bool) {
	for _, program := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(program); err != nil {
			return uids, gids, false
		}
	}
	uids, gids = firstSubordinate("/etc/subuid"), firstSubordinate("/etc/subgid")
	return uids, gids, uids.count > 1 && gids.count > 1
}

func firstSubordinate(path string) subordinate {
	file, err := os.Open(path)
	if err != nil {
		return subordinate{}
	}
	defer file.Close()
	names := []string{strconv.Itoa(os.Getuid())}
	if me, err := user.Current(); err == nil {
		names = append(names, me.Username)
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		owner, rest, _ := strings.Cut(lines.Text(), ":")
		start, count, _ := strings.Cut(rest, ":")
		s, err1 := strconv.Atoi(start)
		n, err2 := strconv.Atoi(count)
		for _, name := range names {
			if owner == name && err1 == nil && err2 == nil && s > 0 {
				return subordinate{s, min(n, idCount)}
			}
		}
	}
	return subordinate{}
}

// instanceIDs chooses, inside the room, the ids for instances: never id 0, which
// is the machine's root or the user. With nothing else mapped it is id 0 after
// all, and the mode is SingleUID.
func instanceIDs() (idRange, error) {
	uids, err := mapped("/proc/self/uid_map")
	if err != nil {
		return idRange{}, err
	}
	gids, err := mapped("/proc/self/gid_map")
	if err != nil {
		return idRange{}, err
	}
	best := idRange{0, 1}
	for _, u := range uids {
		for _, g := range gids {
			start, end := max(u.base, g.base, 1), min(u.base+u.size, g.base+g.size)
			if start <= rootBase && rootBase+idCount <= end {
				return idRange{rootBase, idCount}, nil
			}
			if size := min(end-start, idCount); size > best.size {
				best = idRange{start, size}
			}
		}
	}
	return best, nil
}

// mapped are the ranges of ids that exist in this process's user namespace.
func mapped(path string) ([]idRange, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []idRange
	for line := range strings.Lines(string(text)) {
		var r idRange
		var outside int
		if _, err := fmt.Sscan(line, &r.base, &outside, &r.size); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		out = append(out, r)
	}
	return out, nil
}
