package guest

import (
	"encoding/binary"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// decide runs the filter on one system call.
func decide(t *testing.T, vm *bpf.VM, number, auditArch uint32, args ...uint64) verdict {
	t.Helper()
	// The virtual machine reads big-endian, the kernel in the machine's order; the
	// halves of an argument are laid out as on a little-endian machine.
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data, number)
	binary.BigEndian.PutUint32(data[4:], auditArch)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[16+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[20+8*i:], uint32(a>>32))
	}
	got, err := vm.Run(data)
	check(t, err)
	return verdict(uint32(got))
}

func TestFilterDecidesEveryCall(t *testing.T) {
	for _, table := range []*arch.Info{arch.X86_64, arch.AARCH64} {
		program := filter(table, idCount)
		if len(program) > 4096 {
			t.Fatalf("%s: %d instructions, the kernel takes 4096", table.Name, len(program))
		}
		vm, err := bpf.NewVM(program)
		check(t, err)
		eperm, enosys := answer(unix.EPERM), answer(unix.ENOSYS)
		nr := func(name string) uint32 {
			number, ok := table.SyscallNames[name]
			if !ok {
				t.Fatalf("%s has no %s", table.Name, name)
			}
			return uint32(number)
		}
		for _, c := range []struct {
			name string
			args []uint64
			want verdict
		}{
			{"read", nil, allow}, {"write", nil, allow}, {"openat", nil, allow}, {"ptrace", nil, allow}, {"execve", nil, allow}, {"seccomp", nil, allow},
			{"mount", nil, eperm}, {"setns", nil, eperm}, {"bpf", nil, eperm}, {"keyctl", nil, eperm}, {"open_by_handle_at", nil, eperm}, {"fsopen", nil, eperm},
			{"clone3", nil, enosys},
			{"clone", []uint64{uint64(unix.SIGCHLD)}, allow}, {"clone", []uint64{unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND}, allow},
			{"clone", []uint64{unix.CLONE_NEWUSER}, eperm}, {"clone", []uint64{unix.CLONE_NEWNET | uint64(unix.SIGCHLD)}, eperm},
			{"clone", []uint64{1<<40 | unix.CLONE_NEWNS}, eperm},
			{"unshare", []uint64{unix.CLONE_FILES}, allow}, {"unshare", []uint64{unix.CLONE_NEWNS}, eperm}, {"unshare", []uint64{unix.CLONE_NEWTIME}, eperm},
			{"ioctl", []uint64{0, unix.TIOCGWINSZ}, allow}, {"ioctl", []uint64{0, unix.TIOCSTI}, eperm}, {"ioctl", []uint64{0, 7<<32 | unix.TIOCSTI}, eperm}, {"ioctl", []uint64{0, unix.TIOCLINUX}, eperm},
			{"socket", []uint64{unix.AF_INET}, allow}, {"socket", []uint64{unix.AF_PACKET}, allow}, {"socket", []uint64{unix.AF_VSOCK}, answer(unix.EAFNOSUPPORT)},
			{"socket", []uint64{unix.AF_ALG}, answer(unix.EAFNOSUPPORT)},
			{"personality", []uint64{0}, allow}, {"personality", []uint64{0x0400000}, eperm},
		} {
			if got := decide(t, vm, nr(c.name), uint32(table.ID), c.args...); got != c.want {
				t.Errorf("%s %s%x: %#x, want %#x", table.Name, c.name, c.args, got, c.want)
			}
		}
		single, err := bpf.NewVM(filter(table, 1))
		check(t, err)
		if got, with := decide(t, vm, nr("setgroups"), uint32(table.ID)), decide(t, single, nr("setgroups"), uint32(table.ID)); got != allow || with != answer(0) {
			t.Errorf("%s setgroups: %#x, with one id %#x", table.Name, got, with)
		}
		// Every call: denied ones are denied, unknown and foreign ones do not exist.
		for number := range uint32(1000) {
			name, known := table.SyscallNumbers[int(number)]
			got := decide(t, vm, number, uint32(table.ID))
			if !known && got != enosys {
				t.Errorf("%s: the unknown call %d gives %#x", table.Name, number, got)
			}
			if isDenied := contains(denied, name); known && isDenied != (got == eperm) && conditions()[name].values == nil && name != "clone3" {
				t.Errorf("%s: %s gives %#x, denied: %v", table.Name, name, got, isDenied)
			}
			if got := decide(t, vm, number, uint32(arch.I386.ID)); got != enosys {
				t.Errorf("%s: call %d of another architecture gives %#x", table.Name, number, got)
			}
			if got := decide(t, vm, number|x32, uint32(table.ID)); got != enosys {
				t.Errorf("%s: call %d of the x32 ABI gives %#x", table.Name, number, got)
			}
		}
	}
}

func contains(all []string, one string) bool {
	for _, a := range all {
		if a == one {
			return true
		}
	}
	return false
}

func TestDeniedCallsExist(t *testing.T) {
	for _, name := range denied {
		known := false
		for _, table := range []*arch.Info{arch.X86_64, arch.AARCH64, arch.ARM, arch.I386} {
			_, here := table.SyscallNames[name]
			known = known || here
		}
		// These are of architectures without a table, or newer than it.
		if !known && name != "pciconfig_iobase" && name != "open_tree_attr" {
			t.Errorf("%s is no system call: misspelt?", name)
		}
	}
}
