package guest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// attack is what a malicious program inside would do. It runs from the copy of this
// binary that every instance has, and outside as the positive control. It says what
// it did, with status 0, or what stopped it, with status 1.
func attack(name string, args []string) {
	do := attacks[name]
	if do == nil {
		fmt.Println("there is no", name)
		os.Exit(2)
	}
	if err := do(args); err != nil {
		fmt.Println("stopped:", err)
		os.Exit(1)
	}
	fmt.Println("done")
	os.Exit(0)
}

func call(number uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, e := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); e != 0 {
		return e
	}
	return nil
}

func cstring(s string) uintptr {
	p, _ := unix.BytePtrFromString(s)
	return uintptr(unsafe.Pointer(p))
}

var attacks = map[string]func([]string) error{
	"attack:read": func(a []string) error {
		file, err := os.OpenFile(a[0], os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		n, err := file.Read(make([]byte, 1))
		if n == 0 {
			return fmt.Errorf("empty: %v", err)
		}
		return nil
	},
	"attack:has": func(a []string) error { // file, word: has its contents
		text, err := os.ReadFile(a[0])
		if err == nil && !strings.Contains(string(text), a[1]) {
			err = errors.New("other contents")
		}
		return err
	},
	"attack:list": func(a []string) error {
		names, err := os.ReadDir(a[0])
		if err == nil && len(names) == 0 {
			err = errors.New("empty")
		}
		return err
	},
	"attack:dial": func(a []string) error {
		conn, err := net.DialTimeout(a[0], a[1], 2*time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	},
	"attack:write": func(a []string) error { return writeTo(a[0], os.O_WRONLY, a[1]) },
	"attack:truncate": func(a []string) error {
		return writeTo(a[0], os.O_WRONLY|os.O_TRUNC, "")
	},
	"attack:chmod":  func(a []string) error { return os.Chmod(a[0], 0o777) },
	"attack:remove": func(a []string) error { return os.Remove(a[0]) },
	"attack:replace": func(a []string) error {
		if err := os.WriteFile(a[0]+".new", []byte("x"), 0o755); err != nil {
			return err
		}
		return os.Rename(a[0]+".new", a[0])
	},
	"attack:device": func(a []string) error { // kind, major, minor
		major, _ := strconv.Atoi(a[1])
		minor, _ := strconv.Atoi(a[2])
		mode := uint32(unix.S_IFCHR)
		if a[0] == "block" {
			mode = unix.S_IFBLK
		}
		path := fmt.Sprintf("/tmp/device-%d", os.Getpid())
		if err := unix.Mknod(path, mode|0o666, int(unix.Mkdev(uint32(major), uint32(minor)))); err != nil {
			return err
		}
		defer os.Remove(path)
		file, err := os.Open(path)
		if err == nil {
			file.Close()
		}
		return err
	},
	"attack:mount":   func([]string) error { return unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "") },
	"attack:remount": func(a []string) error { return unix.Mount("", a[0], "", unix.MS_REMOUNT|unix.MS_BIND, "") },
	"attack:umount":  func(a []string) error { return unix.Unmount(a[0], unix.MNT_DETACH) },
	"attack:bind":    func([]string) error { return unix.Mount("/", "/mnt", "", unix.MS_BIND, "") },
	"attack:pivot":   func([]string) error { return unix.PivotRoot("/", "/mnt") },
	"attack:fsopen": func([]string) error {
		return call(unix.SYS_FSOPEN, cstring("tmpfs"), 0)
	},
	"attack:opentree": func([]string) error {
		_, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.AT_RECURSIVE)
		return err
	},
	"attack:unshare": func(a []string) error {
		flags, _ := strconv.ParseUint(a[0], 0, 32)
		runtime.LockOSThread()
		return unix.Unshare(int(flags))
	},
	"attack:clone": func(a []string) error {
		flags, _ := strconv.ParseUint(a[0], 0, 32)
		cmd := exec.Command("/bin/true")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(flags)}
		return cmd.Run()
	},
	"attack:clone3": func([]string) error {
		args := [11]uint64{unix.CLONE_NEWUSER | unix.CLONE_NEWNS, 0, 0, 0, uint64(unix.SIGCHLD)}
		pid, _, e := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
		if e != 0 {
			return e
		}
		if pid == 0 {
			unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
		}
		return nil
	},
	"attack:setns": func(a []string) error {
		file, err := os.Open(a[0])
		if err != nil {
			return err
		}
		runtime.LockOSThread()
		return unix.Setns(int(file.Fd()), 0)
	},
	"attack:bpf": func([]string) error {
		attr := [16]uint32{1, 4, 4, 1} // a hash of one element
		return call(unix.SYS_BPF, 0, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	},
	"attack:keyctl": func([]string) error {
		_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true)
		return err
	},
	"attack:addkey": func([]string) error {
		_, err := unix.AddKey("user", "tombolo-test", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
		return err
	},
	"attack:perf": func([]string) error {
		_, err := unix.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER1, Config: unix.PERF_COUNT_SW_CPU_CLOCK}, -1, 0, -1, 0)
		return err
	},
	"attack:userfaultfd": func([]string) error { return call(unix.SYS_USERFAULTFD, 1) },
	"attack:iouring": func([]string) error {
		var params [30]uint64
		return call(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)))
	},
	"attack:module":   func([]string) error { return unix.InitModule([]byte("\x7fELF"), "") },
	"attack:kexec":    func([]string) error { return call(unix.SYS_KEXEC_LOAD, 0, 0, 0, 0) },
	"attack:reboot":   func([]string) error { return unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) },
	"attack:swapon":   func([]string) error { return call(unix.SYS_SWAPON, cstring("/etc/passwd"), 0) },
	"attack:syslog":   func([]string) error { _, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_BUFFER, nil); return err },
	"attack:clock":    func([]string) error { return unix.ClockSettime(unix.CLOCK_REALTIME, &unix.Timespec{Sec: 1}) },
	"attack:hostname": func([]string) error { return unix.Sethostname([]byte("x")) },
	"attack:vsock":    func([]string) error { _, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0); return err },
	"attack:alg":      func([]string) error { _, err := unix.Socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0); return err },
	"attack:iopl": func([]string) error {
		table, err := arch.GetInfo("")
		if err != nil {
			return err
		}
		number, here := table.SyscallNames["iopl"]
		if !here {
			return unix.ENOSYS
		}
		return call(uintptr(number), 3)
	},
	"attack:handle":    byHandle,
	"attack:tiocsti":   typeInto,
	"attack:ptrace":    traceOther,
	"attack:processvm": readMemory,
	"attack:chroot":    leaveChroot,
	"attack:caps":      gainCapabilities,
	"attack:limits": func([]string) error {
		return unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20})
	},
	"attack:kill": func(a []string) error {
		pid, _ := strconv.Atoi(a[0])
		return unix.Kill(pid, unix.SIGKILL)
	},
	"attack:forks":  forks,
	"attack:memory": eatMemory,
	"attack:hold":   hold,
}

func writeTo(path string, flags int, text string) error {
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(text)
	return err
}

// byHandle opens a file by its number on the filesystem, past all directories.
func byHandle([]string) error {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "/etc", 0)
	if err != nil {
		handle = unix.NewFileHandle(1, []byte{2, 0, 0, 0, 0, 0, 0, 0}) // inode 2 of ext4 is its root
	}
	dir, err := unix.Open("/usr", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	_, err = unix.OpenByHandleAt(dir, handle, unix.O_RDONLY)
	return err
}

// typeInto puts a character into the terminal's input, as if somebody typed it.
func typeInto([]string) error {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	c := byte('x')
	// With a set upper half, which the kernel does not look at.
	err = call(unix.SYS_IOCTL, tty.Fd(), unix.TIOCSTI|1<<40, uintptr(unsafe.Pointer(&c)))
	if errors.Is(err, unix.EPERM) {
		return err
	}
	return nil // EIO: it came as far as the terminal
}

func traceOther(a []string) error {
	pid, _ := strconv.Atoi(a[0])
	if pid == 0 { // a child of one's own
		cmd := exec.Command("sleep", "10")
		if err := cmd.Start(); err != nil {
			return err
		}
		defer cmd.Process.Kill()
		pid = cmd.Process.Pid
	}
	runtime.LockOSThread()
	return unix.PtraceAttach(pid)
}

func readMemory(a []string) error {
	pid, _ := strconv.Atoi(a[0])
	buf := make([]byte, 8)
	_, err := unix.ProcessVMReadv(pid, []unix.Iovec{{Base: &buf[0], Len: 8}}, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
	if errors.Is(err, unix.EFAULT) {
		return nil
	}
	return err
}

// leaveChroot is the old way out of a chroot, and reports success when it sees a
// file of the machine.
func leaveChroot(a []string) error {
	if err := os.MkdirAll("/tmp/jail", 0o755); err != nil {
		return err
	}
	here, err := os.Open("/")
	if err != nil {
		return err
	}
	if err := unix.Chroot("/tmp/jail"); err != nil {
		return err
	}
	if err := here.Chdir(); err != nil {
		return err
	}
	for range 64 {
		if err := os.Chdir(".."); err != nil {
			return err
		}
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	_, err = os.Stat(a[0])
	return err
}

func gainCapabilities([]string) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[0].Effective |= 1 << unix.CAP_SYS_ADMIN
	data[0].Permitted |= 1 << unix.CAP_SYS_ADMIN
	return unix.Capset(&header, &data[0])
}

// forks starts processes that start processes, and says how many there were.
func forks(a []string) error {
	var live int
	for {
		cmd := exec.Command("sleep", a[0])
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("%d processes, then %w", live, err)
		}
		live++
		if live > 5000 {
			return nil
		}
	}
}

// eatMemory touches so many MiB in each of so many processes.
func eatMemory(a []string) error {
	size, _ := strconv.Atoi(a[0])
	processes, _ := strconv.Atoi(a[1])
	if processes > 1 {
		var failed error
		var all []*exec.Cmd
		for range processes {
			cmd := exec.Command("/usr/local/bin/tombolo", "attack:memory", a[0], "1")
			if err := cmd.Start(); err != nil {
				failed = err
			}
			all = append(all, cmd)
		}
		for _, cmd := range all {
			if err := cmd.Wait(); err != nil {
				failed = err
			}
		}
		return failed
	}
	for range size / 8 {
		block, err := unix.Mmap(-1, 0, 8<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		if err != nil {
			return err
		}
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
	}
	tick := time.NewTimer(2 * time.Second) // together with the others
	<-tick.C
	return nil
}

// hold keeps one TCP connection to itself busy and counts in a file.
func hold(a []string) error {
	signal.Ignore(syscall.SIGHUP)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		conn, err := listener.Accept()
		for buf := make([]byte, 1); err == nil; {
			if _, err = conn.Read(buf); err == nil {
				_, err = conn.Write(buf)
			}
		}
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	buf := make([]byte, 1)
	for n := 1; ; n++ {
		if _, err := conn.Write(buf); err != nil {
			return err
		}
		if _, err := conn.Read(buf); err != nil {
			return err
		}
		if err := os.WriteFile(a[0]+".new", fmt.Appendf(nil, "%d %s %d", os.Getpid(), conn.LocalAddr(), n), 0o644); err != nil {
			return err
		}
		os.Rename(a[0]+".new", a[0])
		<-time.After(5 * time.Millisecond)
	}
}
