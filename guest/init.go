package guest

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// machine is process 1 of an instance: it starts what it is told to, collects what
// has ended, and otherwise sleeps. It holds no right that the instance's root does
// not have, and nobody inside can look into it or stop it.
type machine struct {
	console *console
	singly  bool // there is one id: everybody is root

	mu      sync.Mutex
	ended   map[int]chan unix.WaitStatus // of the children that somebody waits for
	booted  bool
	closing bool
}

// initMain is process 1 of an instance.
func initMain() error {
	control := os.NewFile(fdControl, "control")
	for _, fd := range []int{fdControl, fdAgent, fdConsole} {
		unix.CloseOnExec(fd)
	}
	// Not dumpable: /proc/1 is closed to root inside, who cannot trace it either.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	m := &machine{console: newConsole(os.NewFile(fdConsole, "console")), singly: os.Args[2] == "one",
		ended: map[int]chan unix.WaitStatus{}}
	// Listening here, not in the daemon, makes the socket's credentials those of
	// this process, by which the daemon finds it again.
	if err := unix.Listen(fdAgent, 128); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	file := os.NewFile(fdAgent, "agent")
	listener, err := net.FileListener(file)
	if err != nil {
		return err
	}
	file.Close()
	chld := m.catchSignals()
	go m.console.copyPipe("/dev/console")
	if limit, _ := strconv.ParseInt(os.Args[3], 10, 64); limit > 0 {
		go guardMemory(limit)
	}
	go m.serve(listener)
	go m.serveSudo()
	if err := tell(control, "ready"); err != nil {
		return err
	}
	control.Close()
	debug.FreeOSMemory()
	for range chld {
		m.reap()
	}
	return nil
}

// catchSignals makes every signal that processes inside may send harmless. They
// are caught, not ignored: an ignored signal would be inherited by every program.
// Two mean something, as for other programs that are process 1: USR2 powers off, HUP
// boots again. Only root inside may send them.
func (m *machine) catchSignals() <-chan os.Signal {
	caught, power, chld := make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(power, unix.SIGUSR2, unix.SIGHUP)
	signal.Notify(chld, unix.SIGCHLD)
	var all []os.Signal
	for s := syscall.Signal(1); s < 65; s++ {
		// SIGURG is the Go scheduler's own.
		if s != unix.SIGKILL && s != unix.SIGSTOP && s != unix.SIGCHLD && s != unix.SIGURG {
			all = append(all, s)
		}
	}
	signal.Notify(caught, all...)
	go func() {
		if <-power == unix.SIGUSR2 {
			os.MkdirAll(cloudDir, 0o755)
			os.WriteFile(poweredOff, nil, 0o644)
		}
		m.stop(stopGrace)
	}()
	return chld
}

// start runs a program and returns where its end will be told. The lock keeps the
// reaper from collecting it before anyone knows its number.
func (m *machine) start(path string, args []string, attr *syscall.ProcAttr) (int, <-chan unix.WaitStatus, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return 0, nil, fmt.Errorf("the instance is shutting down")
	}
	pid, err := syscall.ForkExec(path, args, attr)
	if err != nil {
		return 0, nil, err
	}
	done := make(chan unix.WaitStatus, 1)
	m.ended[pid] = done
	return pid, done, nil
}

// reap collects every process that has ended, orphans included.
func (m *machine) reap() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if done, ok := m.ended[pid]; ok {
			delete(m.ended, pid)
			done <- status
		}
	}
}

// alone reports whether nothing but process 1 runs: every process inside descends
// from it, so without children there is none.
func (m *machine) alone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == unix.ECHILD
}
