package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// exec starts a program for the daemon and reports its end. When the connection
// breaks, the daemon or its client is gone: the program's session is hung up, as a
// broken line would.
func (m *machine) exec(conn *net.UnixConn, in *json.Decoder, req request, files []*os.File) {
	attr, note, err := m.attributes(req)
	if err != nil {
		send(conn, refusal(err), nil)
		return
	}
	var master *os.File
	if req.TTY != nil {
		master, files, err = openTerminal(*req.TTY, note)
		if err == nil {
			defer master.Close()
			attr.Sys.Setctty = true
		}
	} else if len(files) != 3 {
		err = fmt.Errorf("%d descriptors came with the request, not 3", len(files))
	}
	if err != nil {
		send(conn, refusal(err), nil)
		return
	}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	path, err := find(req.Args[0], attr.Env, attr.Dir)
	var pid int
	var done <-chan unix.WaitStatus
	if err == nil {
		pid, done, err = m.start(path, req.Args, attr)
	}
	if req.Kind == "sudo" && errors.Is(err, unix.EACCES) {
		attr.Dir = "/" // the caller's directory may be closed to the other user
		pid, done, err = m.start(path, req.Args, attr)
	}
	closeAll(files)
	if err != nil {
		send(conn, refusal(err), nil)
		return
	}
	var passed []*os.File
	if master != nil {
		passed = []*os.File{master}
	}
	if send(conn, reply{PID: pid}, passed) != nil {
		unix.Kill(-pid, unix.SIGHUP)
		return
	}
	gone := make(chan struct{})
	go obey(in, pid, master, gone)
	select {
	case status := <-done:
		end := reply{Done: true, Code: status.ExitStatus()}
		if status.Signaled() {
			end.Code, end.Signal = 0, status.Signal()
		}
		send(conn, end, nil)
	case <-gone:
		unix.Kill(-pid, unix.SIGHUP)
		unix.Kill(-pid, unix.SIGCONT)
		<-done
	}
}

// obey carries out what comes on the connection of a running program.
func obey(in *json.Decoder, pid int, master *os.File, gone chan<- struct{}) {
	defer close(gone)
	for {
		var c command
		if in.Decode(&c) != nil {
			return
		}
		if c.Signal != 0 {
			unix.Kill(-pid, c.Signal)
		}
		if c.Resize != nil && master != nil {
			resize(master, *c.Resize)
		}
	}
}

func resize(master *os.File, s Size) {
	pty.Setsize(master, &pty.Winsize{Cols: uint16(s.Cols), Rows: uint16(s.Rows)})
}

// openTerminal allocates a terminal of the instance's own. Its program gets the one
// end, the daemon the other; no terminal of the machine ever comes in.
func openTerminal(s Size, note string) (*os.File, []*os.File, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("open a terminal: %w", err)
	}
	resize(master, s)
	if note != "" {
		fmt.Fprintln(slave, note)
	}
	return master, []*os.File{slave, slave, slave}, nil
}

// oneID is what a shell says where there are no subordinate ids.
const oneID = "(this machine has no subordinate ids: everybody in this instance is root; see tombolo doctor)"

// attributes are with whose rights, where and with which environment a program runs.
func (m *machine) attributes(req request) (attr *syscall.ProcAttr, note string, err error) {
	if len(req.Args) == 0 {
		return nil, "", fmt.Errorf("no command")
	}
	name := req.User
	if name == "" {
		name = "root"
	}
	who, err := user.Lookup(name)
	if err != nil {
		if who, err = user.LookupId(name); err != nil {
			return nil, "", fmt.Errorf("there is no user %s in the instance", name)
		}
	}
	attr = &syscall.ProcAttr{Dir: req.Dir, Sys: &syscall.SysProcAttr{Setsid: true}}
	if m.singly {
		note = oneID
	} else if attr.Sys.Credential, err = credential(who); err != nil {
		return nil, "", err
	}
	if attr.Dir == "" {
		attr.Dir = who.HomeDir
		if info, err := os.Stat(attr.Dir); err != nil || !info.IsDir() {
			attr.Dir = "/"
		}
	}
	attr.Env = environment(who, req)
	return attr, note, nil
}

func credential(who *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	c := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	names, err := who.GroupIds()
	if err != nil {
		return c, nil
	}
	for _, name := range names {
		if id, err := strconv.ParseUint(name, 10, 32); err == nil && id != gid {
			c.Groups = append(c.Groups, uint32(id))
		}
	}
	return c, nil
}

// environment is what a login would set, then what the request asks for.
func environment(who *user.User, req request) []string {
	env := []string{"PATH=" + defaultPath, "HOME=" + who.HomeDir, "USER=" + who.Username, "LOGNAME=" + who.Username,
		"SHELL=/bin/bash", "LANG=C.UTF-8"}
	if req.TTY != nil {
		env = append(env, "TERM=xterm-256color")
	}
	return append(env, req.Env...)
}

// find looks a command up as a shell does: a name with a slash is a path, any other
// is looked for on the environment's PATH.
func find(name string, env []string, dir string) (string, error) {
	if strings.Contains(name, "/") {
		if filepath.IsAbs(name) {
			return name, nil
		}
		return filepath.Join(dir, name), nil
	}
	path := defaultPath
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, "PATH="); ok {
			path = value
		}
	}
	found := error(&os.PathError{Op: "find", Path: name, Err: unix.ENOENT})
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, name)
		info, err := os.Stat(candidate)
		if err != nil || info.IsDir() {
			continue
		}
		if info.Mode()&0o111 != 0 {
			return candidate, nil
		}
		found = &os.PathError{Op: "run", Path: candidate, Err: unix.EACCES}
	}
	return "", found
}
