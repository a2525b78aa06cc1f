package guest

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// kept are the capabilities that root of an instance has, within its own user
// namespace: what root needs on a machine with a network of its own. Mounting,
// tracing strangers, clocks, modules, quotas, raw hardware and BPF are not in it.
var kept = []uintptr{
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_KILL,
	unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_SETPCAP, unix.CAP_NET_BIND_SERVICE,
	unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SYS_CHROOT,
}

// confine gives up, on the calling thread and for whatever it executes, all rights
// that an instance must not have. The order matters: dropping needs rights itself,
// and the filter forbids what the steps before it do.
func confine(s bootSpec) error {
	if err := limitResources(s); err != nil {
		return err
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	return loadFilter(s.IDs)
}

// dropCapabilities leaves only kept, in every set, the bounding set included.
func dropCapabilities() error {
	var mask uint64
	for _, c := range kept {
		mask |= 1 << c
	}
	for c := uintptr(0); c < 64; c++ {
		if mask&(1<<c) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL {
			break // past the last capability of this kernel
		} else if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for i := range data {
		word := uint32(mask >> (32 * i))
		data[i] = unix.CapUserData{Effective: word, Permitted: word}
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("set capabilities: %w", err)
	}
	return nil
}

// limitResources sets the limits that hold with or without cgroups. Root inside has
// no right to raise them again.
func limitResources(s bootSpec) error {
	limits := []struct {
		resource int
		max      uint64
	}{
		{unix.RLIMIT_NPROC, uint64(s.Processes)}, // counted per user of this user namespace
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 65536},
		{unix.RLIMIT_MEMLOCK, 8 << 20},
		{unix.RLIMIT_MSGQUEUE, 1 << 20},
		{unix.RLIMIT_SIGPENDING, 4096},
	}
	if s.Memory > 0 { // no memory cgroup: the writable memory of each process
		limits = append(limits, struct {
			resource int
			max      uint64
		}{unix.RLIMIT_DATA, uint64(s.Memory)})
	}
	for _, l := range limits {
		var was unix.Rlimit
		if err := unix.Getrlimit(l.resource, &was); err != nil {
			return err
		}
		hard := min(l.max, was.Max)
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: min(hard, softLimit(l.resource, hard)), Max: hard}); err != nil {
			return fmt.Errorf("limit resource %d: %w", l.resource, err)
		}
	}
	// Under pressure the machine's kernel should choose an instance first.
	os.WriteFile("/proc/self/oom_score_adj", []byte("300"), 0)
	return nil
}

// softLimit keeps the customary number of open files: programs that close every
// descriptor up to their limit are slow otherwise.
func softLimit(resource int, hard uint64) uint64 {
	if resource == unix.RLIMIT_NOFILE {
		return 1024
	}
	return hard
}
