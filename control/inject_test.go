package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file makes the writes and fsyncs of another process fail, below SQLite
// and below Go: the process hands the decision over each to this one (seccomp's
// user notification, Linux 5.19), which lets it go on or answers with an error.

// watched are the calls by which a database changes what is on disk.
var watched = []uint32{unix.SYS_PWRITE64, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE}

// handOver gives the decision over this process's watched calls to whoever has
// the other end of the socket. It can't be taken back.
func handOver(socket *os.File) error {
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the call's number
	for i, nr := range watched {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(watched) - i), K: nr})
	}
	program = append(program,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC |
		unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("install the filter: %w", errno)
	}
	defer unix.Close(int(fd))
	if err := unix.Sendmsg(int(socket.Fd()), []byte{0}, unix.UnixRights(int(fd)), nil, 0); err != nil {
		return fmt.Errorf("send the listener: %w", err)
	}
	return nil
}

// injector decides over another process's watched calls.
type injector struct {
	mu     sync.Mutex
	calls  int                               // seen since the last reset
	failed int                               // and made to fail
	errno  func(n int, nr uint32) unix.Errno // of the n-th call, from 1; 0 lets it go on
}

// decide sets what becomes of the calls from now on, and counts from the start.
func (i *injector) decide(errno func(n int, nr uint32) unix.Errno) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls, i.failed, i.errno = 0, 0, errno
}

func (i *injector) counted() (calls, failed int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls, i.failed
}

func (i *injector) next(nr uint32) unix.Errno {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls++
	if i.errno == nil {
		return 0
	}
	errno := i.errno(i.calls, nr)
	if errno != 0 {
		i.failed++
	}
	return errno
}

// notification and response are the kernel's seccomp_notif and seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	nr, arch   uint32
	rest       [7]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

const letItGoOn = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE

// serve answers until the other process ends.
func (i *injector) serve(listener int) error {
	for {
		poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return fmt.Errorf("wait for a call: %w", err)
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			return nil // the process is gone
		}
		var n notification
		if err := control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); gone(err) {
			continue
		} else if err != nil {
			return fmt.Errorf("receive a call: %w", err)
		}
		r := response{id: n.id, flags: letItGoOn}
		if errno := i.next(n.nr); errno != 0 {
			r = response{id: n.id, errno: -int32(errno)}
		}
		if err := control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r)); err != nil && !gone(err) {
			return fmt.Errorf("answer a call: %w", err)
		}
	}
}

func control(fd int, request uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

// gone means that the caller was killed, or interrupted before it was asked about.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR) }

// receive takes the listener that handOver sent.
func receive(socket *net.UnixConn) (listener int, err error) {
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := socket.ReadMsgUnix(make([]byte, 1), oob)
	if err != nil {
		return 0, fmt.Errorf("receive the listener: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("receive the listener: %d messages, %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, fmt.Errorf("receive the listener: %w", err)
	}
	return fds[0], nil
}
