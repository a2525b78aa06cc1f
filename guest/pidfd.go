package guest

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pidfd is a process that cannot be mistaken for a later one with the same number.
type pidfd struct{ *os.File }

func openProcess(pid int) (pidfd, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return pidfd{}, fmt.Errorf("open process %d: %w", pid, err)
	}
	return pidfd{os.NewFile(uintptr(fd), "process")}, nil
}

// processAt is the process that listens at the other end of conn. It listens still,
// or the connection would have been refused, so the number is its own.
func processAt(conn *net.UnixConn) (pidfd, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return pidfd{}, err
	}
	var who *unix.Ucred
	var e error
	if err := raw.Control(func(fd uintptr) { who, e = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return pidfd{}, err
	}
	if e != nil {
		return pidfd{}, e
	}
	return openProcess(int(who.Pid))
}

func (p pidfd) kill() error {
	if err := unix.PidfdSendSignal(int(p.Fd()), unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return err
	}
	return nil
}

// await waits for the process's end, which for the first process of a PID namespace
// is the end of all in it. It reports whether that came in time and before ctx's end.
func (p pidfd) await(ctx context.Context, atMost time.Duration) bool {
	for deadline := time.Now().Add(atMost); ; {
		left := max(0, min(time.Until(deadline), 50*time.Millisecond))
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.Fd()), Events: unix.POLLIN}}, int(left.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return false
		}
		if n == 1 {
			return true
		}
		if ctx.Err() != nil || !time.Now().Before(deadline) {
			return false
		}
	}
}
