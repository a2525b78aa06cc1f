package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Our sudo has no setuid bit, which has no effect in an instance: it asks process 1,
// which is root already, to run the command. sudoSocket is where.
const sudoSocket = "/run/tombolo-sudo"

// sudoGroups are the groups whose members may become anybody without a password, as
// ec2-user and ssm-user may on Amazon Linux (AWS: Manage system users on your Linux
// instance).
var sudoGroups = []string{"wheel", "sudo"}

// requestMost bounds what somebody inside can make process 1 read.
const requestMost = 1 << 20

// serveSudo answers sudo inside the instance.
func (m *machine) serveSudo() {
	os.Remove(sudoSocket)
	listener, err := net.Listen("unix", sudoSocket)
	if err != nil {
		m.console.say("sudo: %v", err)
		return
	}
	if err := os.Chmod(sudoSocket, 0o666); err != nil {
		m.console.say("sudo: %v", err)
		return
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go m.answerSudo(conn.(*net.UnixConn))
	}
}

func (m *machine) answerSudo(conn *net.UnixConn) {
	defer conn.Close()
	who, err := maySudo(conn)
	var req request
	in, files, err2 := receive(conn, &req)
	defer closeAll(files)
	if err = errors.Join(err, err2); err != nil {
		send(conn, refusal(err), nil)
		return
	}
	req.Env = append(req.Env, "SUDO_USER="+who.Username, "SUDO_UID="+who.Uid, "SUDO_GID="+who.Gid)
	m.exec(conn, in, req, files)
}

// maySudo says who asks, as the kernel knows, or that they may not.
func maySudo(conn *net.UnixConn) (*user.User, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var peer *unix.Ucred
	var e error
	if err := raw.Control(func(fd uintptr) { peer, e = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || e != nil {
		return nil, errors.Join(err, e)
	}
	who, err := user.LookupId(strconv.FormatUint(uint64(peer.Uid), 10))
	if err != nil {
		return nil, fmt.Errorf("there is no user with the id %d", peer.Uid)
	}
	if peer.Uid == 0 {
		return who, nil
	}
	ids, err := who.GroupIds()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if group, err := user.LookupGroupId(id); err == nil && slices.Contains(sudoGroups, group.Name) {
			return who, nil
		}
	}
	return nil, fmt.Errorf("%s is in none of the groups %s", who.Username, strings.Join(sudoGroups, " and "))
}

// sudoMain is the command sudo. Its status is the command's.
func sudoMain(args []string) error {
	req, err := sudoRequest(args)
	if err != nil {
		return err
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: sudoSocket, Net: "unix"})
	if err != nil {
		return err
	}
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	tty := term.IsTerminal(0) && term.IsTerminal(1)
	if tty {
		files = nil
		cols, rows, err := term.GetSize(0)
		if err != nil {
			return err
		}
		req.TTY = &Size{cols, rows}
	}
	if err := send(conn, req, files); err != nil {
		return err
	}
	var first reply
	in, passed, err := receive(conn, &first)
	if err == nil && first.Error != "" {
		err = errors.New(first.Error)
	}
	if err != nil {
		return err
	}
	restore, printed := func() {}, make(chan struct{})
	if tty && len(passed) == 1 {
		if restore, err = joinTerminal(passed[0], printed); err != nil {
			return err
		}
	} else {
		close(printed)
	}
	go forward(conn)
	var last reply
	err = in.Decode(&last)
	<-printed
	restore()
	if err != nil {
		return errors.New("the instance went down")
	}
	if last.Signal != 0 {
		os.Exit(128 + int(last.Signal))
	}
	os.Exit(last.Code)
	return nil
}

// joinTerminal connects the caller's terminal with the command's, which is one of its
// own: job control needs a terminal that a session controls.
func joinTerminal(master *os.File, printed chan<- struct{}) (restore func(), err error) {
	was, err := term.MakeRaw(0)
	if err != nil {
		return nil, err
	}
	terminal := newTerminal(master)
	go io.Copy(terminal, os.Stdin)
	go func() {
		io.Copy(os.Stdout, terminal)
		close(printed)
	}()
	return func() { term.Restore(0, was) }, nil
}

// forward sends the command what happens to sudo.
func forward(conn *net.UnixConn) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH)
	for s := range signals {
		c := command{Signal: s.(syscall.Signal)}
		if s == unix.SIGWINCH {
			cols, rows, err := term.GetSize(0)
			if err != nil {
				continue
			}
			c = command{Resize: &Size{cols, rows}}
		}
		if json.NewEncoder(conn).Encode(c) != nil {
			return
		}
	}
}

// sudoRequest reads the options that people use: -u USER, -i, -s, VAR=value; those
// about passwords mean nothing here.
func sudoRequest(args []string) (request, error) {
	req := request{Kind: "sudo", User: "root"}
	req.Dir, _ = os.Getwd()
	shell := ""
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && args[0] != "--" {
		option := args[0]
		args = args[1:]
		switch option {
		case "-u", "--user":
			if len(args) == 0 {
				return req, errors.New("-u needs a user")
			}
			req.User, args = args[0], args[1:]
		case "-i", "--login":
			shell, req.Dir = "-l", ""
		case "-s", "--shell":
			shell = "-i"
		case "-E", "-H", "-n", "-k", "-b", "-S", "--preserve-env", "--set-home", "--non-interactive":
		case "-v", "-l":
			args = []string{"true"}
		default:
			return req, fmt.Errorf("unknown option %s; usage: sudo [-u USER] [-i|-s] [VAR=VALUE] COMMAND…", option)
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	for len(args) > 0 && strings.Contains(args[0], "=") && !strings.HasPrefix(args[0], "/") {
		req.Env, args = append(req.Env, args[0]), args[1:]
	}
	for _, name := range []string{"TERM", "LANG", "DISPLAY"} {
		if value := os.Getenv(name); value != "" {
			req.Env = append(req.Env, name+"="+value)
		}
	}
	switch {
	case shell != "" && len(args) == 0:
		args = []string{"/bin/bash", shell}
	case shell != "":
		args = []string{"/bin/bash", "-lc", strings.Join(args, " ")}
	case len(args) == 0:
		return req, errors.New("usage: sudo [-u USER] [-i|-s] [VAR=VALUE] COMMAND…")
	}
	req.Args = args
	return req, nil
}
