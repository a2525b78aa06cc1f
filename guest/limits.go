package guest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits bound what one instance may take of the machine.
type Limits struct {
	Processes int   // threads count, as for the kernel; 0 means 512
	Memory    int64 // bytes; 0 means 1 GiB
}

func (l Limits) orDefault() Limits {
	if l.Processes == 0 {
		l.Processes = 512
	}
	if l.Memory == 0 {
		l.Memory = 1 << 30
	}
	return l
}

// guardMemory stands in for a memory cgroup where there is none: no single process
// can write to more than limit (RLIMIT_DATA), and when all of them together hold
// more, the largest is killed. It looks seldom while there is room.
func guardMemory(limit int64) {
	for {
		used, largest := memoryUsed()
		if used > limit && largest > 1 {
			unix.Kill(largest, unix.SIGKILL)
		}
		pause := 100 * time.Millisecond
		if used < limit/4 {
			pause = 500 * time.Millisecond
		}
		if used < limit/16 {
			pause = time.Second
		}
		time.Sleep(pause)
	}
}

// memoryUsed sums the memory of all processes but this one that is not a file's, and
// names the largest. Memory shared by several counts for each.
func memoryUsed() (used int64, largest int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, 0
	}
	var most int64
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == 1 {
			continue
		}
		var size int64
		for line := range strings.Lines(readString(filepath.Join("/proc", e.Name(), "status"))) {
			name, value, _ := strings.Cut(line, ":")
			if name == "RssAnon" || name == "RssShmem" {
				kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
				size += kib << 10
			}
		}
		used += size
		if size > most {
			most, largest = size, pid
		}
	}
	return used, largest
}
