package guest

import (
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// denied are the system calls that answer EPERM in an instance: they act on what
// no namespace divides, undo the division, or have been the way out of containers
// too often. Every call that is neither here nor known to this list's table (one
// that a later kernel adds, one of another architecture) answers ENOSYS, so that a
// new kernel opens nothing by itself.
var denied = []string{
	// mounts and roots
	"mount", "umount2", "umount", "pivot_root", "move_mount", "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount",
	"fspick", "mount_setattr", "swapon", "swapoff", "quotactl", "quotactl_fd", "open_by_handle_at", "name_to_handle_at",
	// namespaces
	"setns",
	// the kernel itself
	"bpf", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
	"create_module", "get_kernel_syms", "query_module", "io_uring_setup", "io_uring_enter", "io_uring_register", "lookup_dcookie", "nfsservctl", "uselib",
	"_sysctl", "sysfs", "ustat", "vm86", "vm86old", "acct", "syslog", "reboot", "fanotify_init", "vhangup",
	// hardware
	"iopl", "ioperm", "modify_ldt", "pciconfig_read", "pciconfig_write", "pciconfig_iobase",
	// keys, which belong to users and not to namespaces
	"add_key", "request_key", "keyctl",
	// the clock
	"settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64", "adjtimex",
	// other processes' memory and descriptors, placement in memory
	"process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp", "move_pages", "migrate_pages",
	"mbind", "set_mempolicy", "set_mempolicy_home_node", "memfd_secret",
}

// namespaceFlags are the flags of clone and unshare that make namespaces, among
// them CLONE_NEWTIME, which shares a bit with clone's exit signal.
const namespaceFlags = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// verdict of the filter: run the call, or answer an errno instead.
type verdict uint32

const allow = verdict(unix.SECCOMP_RET_ALLOW)

func answer(e unix.Errno) verdict { return verdict(unix.SECCOMP_RET_ERRNO) | verdict(e) }

// condition decides a call by one argument. Only the lower half of the argument is
// looked at, because the kernel takes 32 bits of each of those used here: a filter
// that compared all 64 could be passed by with a set upper half.
type condition struct {
	argument uint32
	test     bpf.JumpTest // JumpEqual to any of values, or JumpBitsSet in any of them
	values   []uint32
	then     verdict
	other    verdict
}

// conditions are the calls that depend on an argument. ptrace is not among them:
// it reaches what has no more rights than the tracer and is in the same PID
// namespace, where process 1 is not dumpable; debuggers and strace need it.
func conditions() map[string]condition {
	eperm := answer(unix.EPERM)
	return map[string]condition{
		"clone":   {0, bpf.JumpBitsSet, []uint32{namespaceFlags}, eperm, allow},
		"unshare": {0, bpf.JumpBitsSet, []uint32{namespaceFlags | unix.CLONE_NEWTIME}, eperm, allow},
		// These two type into terminals.
		"ioctl": {1, bpf.JumpEqual, []uint32{unix.TIOCSTI, unix.TIOCLINUX}, eperm, allow},
		// Sockets of other families leave the network namespace (vsock reaches the
		// hypervisor) or are kernel surface for nothing (alg).
		"socket": {0, bpf.JumpEqual, []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_PACKET},
			allow, answer(unix.EAFNOSUPPORT)},
		"personality": {0, bpf.JumpEqual, []uint32{0, 8, 0x20000, 0x20008, 0x40000, 0xffffffff}, allow, eperm},
	}
}

// code is the block for one call; it always ends in a verdict, so that it may
// overwrite the register that holds the call's number.
func (c condition) code() []bpf.Instruction {
	// struct seccomp_data: nr, arch, instruction pointer, six 64-bit arguments. All
	// machines that the table of calls knows are little-endian.
	out := []bpf.Instruction{bpf.LoadAbsolute{Off: 16 + 8*c.argument, Size: 4}}
	for _, v := range c.values {
		out = append(out, bpf.JumpIf{Cond: c.test, Val: v, SkipFalse: 1}, bpf.RetConstant{Val: uint32(c.then)})
	}
	return append(out, bpf.RetConstant{Val: uint32(c.other)})
}

// x32 marks the calls of a third ABI on amd64, which passes as amd64 otherwise.
const x32 = 0x40000000

// filter is the program that decides every system call of an instance. Where it has
// one id, dropping supplementary groups is a lie: the kernel forbids it there, and
// programs that want to become somebody else would give up.
func filter(table *arch.Info, ids int) []bpf.Instruction {
	conditional := conditions()
	if ids == 1 {
		conditional["setgroups"] = condition{0, bpf.JumpEqual, nil, 0, answer(0)}
	}
	enosys := bpf.RetConstant{Val: uint32(answer(unix.ENOSYS))}
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 4, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(table.ID), SkipTrue: 1}, enosys,
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32, SkipFalse: 1}, enosys,
	}
	var allowed, refused []uint32
	for _, name := range slices.Sorted(maps.Keys(table.SyscallNames)) {
		number := uint32(table.SyscallNames[name])
		c, special := conditional[name]
		switch {
		case special:
			block := c.code()
			program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: number, SkipFalse: uint8(len(block))})
			program = append(program, block...)
		case name == "clone3":
			// A filter cannot look at its flags; at ENOSYS libraries fall back to clone.
		case slices.Contains(denied, name):
			refused = append(refused, number)
		default:
			allowed = append(allowed, number)
		}
	}
	program = append(program, ranges(allowed, allow)...)
	program = append(program, ranges(refused, answer(unix.EPERM))...)
	return append(program, enosys)
}

// ranges gives the same verdict to all numbers; neighbours share three instructions.
func ranges(numbers []uint32, v verdict) []bpf.Instruction {
	slices.Sort(numbers)
	var out []bpf.Instruction
	for i := 0; i < len(numbers); {
		first := i
		for i++; i < len(numbers) && numbers[i] == numbers[i-1]+1; i++ {
		}
		out = append(out,
			bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: numbers[i-1], SkipTrue: 2},
			bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: numbers[first], SkipFalse: 1},
			bpf.RetConstant{Val: uint32(v)})
	}
	return out
}

// loadFilter installs the filter on the calling thread of an instance with so many
// ids.
func loadFilter(ids int) error {
	table, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("find this machine's system calls: %w", err)
	}
	raw, err := bpf.Assemble(filter(table, ids))
	if err != nil {
		return fmt.Errorf("assemble the system call filter: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program))); e != 0 {
		return fmt.Errorf("load the system call filter: %w", e)
	}
	return nil
}
