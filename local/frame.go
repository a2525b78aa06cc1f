// Package local is the unix socket between the command line and the daemon of
// the same user: running commands in instances, asking for the daemon's status,
// ending it. It is guarded by the socket's file mode alone and never carries an
// AWS operation; those go to package ec2. Both ends are here.
package local

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// kind says what a frame carries. On the wire a frame is its kind (1 byte), its
// length (4 bytes, big endian) and that many bytes.
type kind byte

const (
	kindStart  kind = 1 + iota // to the daemon: Command as JSON, once, first
	kindStdin                  // to the daemon
	kindEOF                    // to the daemon: no more standard input
	kindSignal                 // to the daemon: a signal's name, without SIG
	kindSize                   // to the daemon: Size as JSON
	kindStdout                 // to the caller
	kindStderr                 // to the caller
	kindExit                   // to the caller: Exit as JSON, once, last
	kindError                  // to the caller: Problem as JSON, instead of kindExit
)

// frameLimit bounds one frame's content, in bytes.
const frameLimit = 64 << 10

// Command is what to run, and where.
type Command struct {
	Instance string   // ID or Name tag
	Args     []string // empty runs the user's login shell
	User     string   // "" is root
	Dir      string
	Env      []string
	Terminal *Size // nil runs without a terminal
}

// Size is a terminal's, in characters.
type Size struct{ Cols, Rows int }

// Exit is how a command ended: by itself with Code, or by Signal.
type Exit struct {
	Code   int
	Signal string // "" or for example KILL
}

// Problem is why a command could not be run. Kind is one of the constants below.
type Problem struct {
	Kind    string
	Message string
}

// The kinds of Problem.
const (
	NotFound   = "not-found"   // no such instance
	NotRunning = "not-running" // the instance does not run
	NoCommand  = "no-command"  // no such file in the instance
	NotAllowed = "not-allowed" // the file can't be executed
	Unclear    = "unclear"     // the question cannot be asked so
	Failed     = "failed"      // anything else
)

func (p *Problem) Error() string { return p.Message }

// framer writes whole frames; its methods may be called from several goroutines.
type framer struct {
	mu sync.Mutex
	w  io.Writer
}

func (f *framer) send(k kind, content []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := [5]byte{byte(k)}
	binary.BigEndian.PutUint32(head[1:], uint32(len(content)))
	if _, err := f.w.Write(append(head[:], content...)); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

func (f *framer) sendJSON(k kind, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return f.send(k, content)
}

// copy sends everything that r gives as frames of kind k, until its end.
func (f *framer) copy(k kind, r io.Reader, busy *activity) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			busy.begin()
			err := f.send(k, buf[:n])
			busy.end()
			if err != nil {
				return err
			}
		}
		if err != nil {
			return nil // a pty ends with EIO, a pipe with EOF: both are ends
		}
	}
}

// activity tells whether a stream is at rest: nothing is being sent, and nothing
// came for a while. A nil activity notes nothing.
type activity struct {
	mu      sync.Mutex
	sending int
	last    time.Time
}

func (a *activity) begin() { a.note(1) }
func (a *activity) end()   { a.note(-1) }

func (a *activity) note(n int) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sending += n
	a.last = time.Now()
}

// rest reports whether nothing has moved for d.
func (a *activity) rest(d time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sending == 0 && time.Since(a.last) >= d
}

// receive reads one frame.
func receive(r io.Reader) (kind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > frameLimit {
		return 0, nil, fmt.Errorf("frame of %d bytes exceeds %d", n, frameLimit)
	}
	content := make([]byte, n)
	if _, err := io.ReadFull(r, content); err != nil {
		return 0, nil, err
	}
	return kind(head[0]), content, nil
}
