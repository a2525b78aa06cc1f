package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// request is what the daemon asks of process 1 as the first document on a
// connection. Descriptors travel beside it.
type request struct {
	Kind string // exec, boot, stop or watch; sudo from inside

	Args []string `json:",omitempty"` // exec
	Env  []string `json:",omitempty"`
	Dir  string   `json:",omitempty"`
	User string   `json:",omitempty"`
	TTY  *Size    `json:",omitempty"`

	UserData []byte        `json:",omitempty"` // boot
	Grace    time.Duration `json:",omitempty"` // stop
}

// command is what follows on the connection of an exec.
type command struct {
	Signal syscall.Signal `json:",omitempty"`
	Resize *Size          `json:",omitempty"`
}

// reply is what process 1 answers: first that it has begun or why not, then, to an
// exec, how the program ended.
type reply struct {
	PID    int            `json:",omitempty"`
	Errno  syscall.Errno  `json:",omitempty"`
	Error  string         `json:",omitempty"`
	Done   bool           `json:",omitempty"`
	Code   int            `json:",omitempty"`
	Signal syscall.Signal `json:",omitempty"`
}

// Size is the size of a terminal in characters.
type Size struct{ Cols, Rows int }

// serve answers connections until the process ends.
func (m *machine) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go m.answer(conn.(*net.UnixConn))
	}
}

func (m *machine) answer(conn *net.UnixConn) {
	defer conn.Close()
	var req request
	in, files, err := receive(conn, &req)
	defer closeAll(files)
	if err != nil {
		return
	}
	switch req.Kind {
	case "exec":
		m.exec(conn, in, req, files)
	case "boot":
		m.boot(req.UserData)
		send(conn, reply{PID: 1}, nil)
	case "stop":
		m.stop(req.Grace)
	case "watch":
		io.Copy(io.Discard, conn) // until the daemon, or this process, is gone
	}
}

// stop ends every process, politely for as long as grace, and then this one: the
// kernel ends what is left of the PID namespace with it.
func (m *machine) stop(grace time.Duration) {
	m.mu.Lock()
	m.closing = true
	m.mu.Unlock()
	if grace > 0 {
		unix.Kill(-1, unix.SIGTERM)
		// Shells at a prompt ignore TERM, stopped processes hear nothing.
		unix.Kill(-1, unix.SIGHUP)
		unix.Kill(-1, unix.SIGCONT)
		for deadline := time.Now().Add(grace); time.Now().Before(deadline) && !m.alone(); {
			time.Sleep(5 * time.Millisecond)
		}
	}
	m.console.say("[ stopped ] %s", time.Now().UTC().Format(time.RFC1123))
	os.Exit(0)
}

// send writes one document, with descriptors on its first byte.
func send(conn *net.UnixConn, doc any, files []*os.File) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		n, _, err := conn.WriteMsgUnix(text, unix.UnixRights(fds...), nil)
		if err != nil {
			return err
		}
		if text = text[n:]; len(text) == 0 {
			return nil // writing nothing would still fail if the other end has answered and closed
		}
	}
	_, err = conn.Write(text)
	return err
}

// receive reads one document with its descriptors, and returns a decoder for what
// follows.
func receive(conn *net.UnixConn, doc any) (*json.Decoder, []*os.File, error) {
	buf, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(3*4))
	n, oobn, _, _, err := conn.ReadMsgUnix(buf, oob)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return nil, nil, err
	}
	files, err := filesIn(oob[:oobn])
	if err != nil {
		return nil, nil, err
	}
	// One document is bounded, what follows are small ones for as long as it takes.
	bounded := &io.LimitedReader{R: conn, N: requestMost}
	in := json.NewDecoder(io.MultiReader(bytes.NewReader(buf[:n]), bounded))
	err = in.Decode(doc)
	bounded.N = 1 << 62
	return in, files, err
}

func filesIn(oob []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, message := range messages {
		fds, err := unix.ParseUnixRights(&message)
		if err != nil {
			continue // credentials, not descriptors
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// refusal is the reply that says why a program did not start.
func refusal(err error) reply {
	errno, _ := unwrapErrno(err)
	if errors.Is(err, os.ErrNotExist) {
		errno = unix.ENOENT
	}
	return reply{Error: err.Error(), Errno: errno}
}
