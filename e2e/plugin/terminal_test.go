package plugin

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a program under a pseudo-terminal and somebody who types and reads.
type terminal struct {
	t    testing.TB
	cmd  *exec.Cmd
	file *os.File

	mu      sync.Mutex
	seen    []byte        // everything that came
	changed chan struct{} // closed when more came
	paused  chan struct{} // while not nil, nothing is read
	read    int           // up to here it was expected
	ended   chan struct{}
}

// rows and cols are a size that nothing has by default.
const rows, cols = 33, 111

// limit is how long something may take that takes no time on a quiet machine.
const limit = 30 * time.Second

// open starts a program under a terminal.
func open(t testing.TB, cmd *exec.Cmd) *terminal {
	t.Helper()
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: cols})
	if err != nil {
		t.Fatalf("start %s: %v", cmd, err)
	}
	x := &terminal{t: t, cmd: cmd, file: file, changed: make(chan struct{}), ended: make(chan struct{})}
	done := make(chan struct{})
	go x.follow(done)
	go func() {
		<-done
		_ = cmd.Wait() // the exit status is looked at by ends
		close(x.ended)
	}()
	t.Cleanup(func() {
		x.resume()
		select {
		case <-x.ended:
		default:
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it is its session's leader
			<-x.ended
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd, tail(x.all(), 3000))
		}
		if err := file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return x
}

// follow reads until the terminal's other side is closed.
func (x *terminal) follow(done chan<- struct{}) {
	defer close(done)
	buf := make([]byte, 64<<10)
	for {
		x.mu.Lock()
		wait := x.paused
		x.mu.Unlock()
		if wait != nil {
			<-wait
		}
		n, err := x.file.Read(buf)
		x.mu.Lock()
		x.seen = append(x.seen, buf[:n]...)
		close(x.changed)
		x.changed = make(chan struct{})
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// pause makes the reader stop reading, as a terminal with Ctrl-S pressed does.
func (x *terminal) pause() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.paused == nil {
		x.paused = make(chan struct{})
	}
}

func (x *terminal) resume() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.paused != nil {
		close(x.paused)
		x.paused = nil
	}
}

// all is everything seen so far.
func (x *terminal) all() []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.seen
}

// expect waits until the pattern matches what was not expected before, and gives
// the match and its groups.
func (x *terminal) expect(pattern string) []string {
	x.t.Helper()
	return x.within(limit, pattern)
}

func (x *terminal) within(most time.Duration, pattern string) []string {
	x.t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	ended := x.ended
	for from := x.read; ; {
		x.mu.Lock()
		text, more := x.seen, x.changed
		x.mu.Unlock()
		if m := re.FindSubmatchIndex(text[from:]); m != nil {
			x.read = from + m[1]
			var out []string
			for i := 0; i < len(m); i += 2 {
				if m[i] < 0 {
					out = append(out, "")
					continue
				}
				out = append(out, string(text[from+m[i]:from+m[i+1]]))
			}
			return out
		}
		// A match may begin in what is there already; none is longer than this.
		from = max(x.read, len(text)-8192)
		if ended == nil {
			x.t.Fatalf("%q did not come before the program's end", pattern)
		}
		select {
		case <-more:
		case <-ended:
			ended = nil // look once more
		case <-deadline.C:
			x.t.Fatalf("%q did not come within %v; last:\n%s", pattern, most, tail(text[x.read:], 1500))
		}
	}
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// send types.
func (x *terminal) send(text string) {
	x.t.Helper()
	if _, err := x.file.WriteString(text); err != nil {
		x.t.Fatalf("type %q: %v", text, err)
	}
}

// line types a line and the Enter key.
func (x *terminal) line(text string) { x.t.Helper(); x.send(text + "\r") }

// run types a command to a shell and gives what it printed and its exit status.
func (x *terminal) run(command string) (string, int) {
	x.t.Helper()
	// What was typed may be shown twice, by the client's side and by the instance's.
	x.line(`echo be''gin; ` + command + `; echo "<<$?>>"`)
	x.expect(`begin[\r\n]+`)
	begin := x.read
	code, _ := strconv.Atoi(x.expect(`<<(\d+)>>[\r\n]+`)[1])
	end := bytes.LastIndex(x.all()[begin:x.read], []byte("<<"))
	text := strings.ReplaceAll(string(x.all()[begin:begin+end]), "\r", "")
	return strings.TrimSuffix(text, "\n"), code
}

// says runs a command that must print want and succeed.
func (x *terminal) says(want, command string) {
	x.t.Helper()
	if got, code := x.run(command); got != want || code != 0 {
		x.t.Fatalf("%s: %q, exit status %d; want %q", command, got, code, want)
	}
}

// resize changes the terminal's size as a window manager does.
func (x *terminal) resize(rows, cols uint16) {
	x.t.Helper()
	if err := pty.Setsize(x.file, &pty.Winsize{Rows: rows, Cols: cols}); err != nil {
		x.t.Fatal(err)
	}
}

// ends waits for the program's end and gives its exit status.
func (x *terminal) ends() int {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(limit):
		x.t.Fatalf("the program did not end within %v", limit)
	}
	return x.cmd.ProcessState.ExitCode()
}
