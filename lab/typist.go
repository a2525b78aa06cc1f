package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// Typist tries things as a person does: it opens a shell in a server, types the
// command, and reads what is printed. Several commands at once in one server are
// typed into as many shells; a shell whose command has ended is used again.
type Typist struct {
	// Open opens a shell in the instance with this Name tag.
	Open func(ctx context.Context, instance string) (io.ReadWriteCloser, error)

	mu   sync.Mutex
	idle map[string][]*shell
	all  []*shell
}

// shell is one open shell.
type shell struct {
	line  io.ReadWriteCloser
	in    *bufio.Reader
	typed int // commands so far
}

// Run types a command into a shell of the instance and gives each line that it
// prints. When ctx ends first it types Ctrl-C. It has the form of World.Run.
func (t *Typist) Run(ctx context.Context, instance string, line func(string), args ...string) (int, error) {
	s, err := t.take(ctx, instance)
	if err != nil {
		return 0, err
	}
	interrupted := make(chan error, 1)
	s.typed++
	stop := context.AfterFunc(ctx, func() {
		// A shell whose command was interrupted forgets the rest of the line.
		_, err := io.WriteString(s.line, string(rune('C'&0x1f))+s.mark()+"\r")
		interrupted <- err
	})
	code, err := s.do(line, args)
	if !stop() {
		err = errors.Join(err, <-interrupted)
	}
	if err != nil {
		return 0, fmt.Errorf("type %q in %s: %w", strings.Join(args, " "), instance, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle[instance] = append(t.idle[instance], s)
	return code, nil
}

// take gives a shell that nobody types in.
func (t *Typist) take(ctx context.Context, instance string) (*shell, error) {
	t.mu.Lock()
	if free := t.idle[instance]; len(free) > 0 {
		s := free[len(free)-1]
		t.idle[instance] = free[:len(free)-1]
		t.mu.Unlock()
		return s, nil
	}
	t.mu.Unlock()
	// The shell stays when this command's context has ended.
	conn, err := t.Open(context.WithoutCancel(ctx), instance)
	if err != nil {
		return nil, fmt.Errorf("open a shell in %s: %w", instance, err)
	}
	s := &shell{line: conn, in: bufio.NewReader(conn)}
	t.mu.Lock()
	if t.idle == nil {
		t.idle = map[string][]*shell{}
	}
	t.all = append(t.all, s)
	t.mu.Unlock()
	// Without its echo and its prompts the terminal shows what commands print.
	for _, args := range [][]string{{"stty", "-echo"}, {"export", "PS1=", "PS2="}} {
		s.typed++
		if _, err := s.do(func(string) {}, args); err != nil {
			return nil, fmt.Errorf("begin to type in %s: %w", instance, err)
		}
	}
	return s, nil
}

// Close ends every shell.
func (t *Typist) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, s := range t.all {
		errs = append(errs, s.line.Close())
	}
	t.all, t.idle = nil, nil
	return errors.Join(errs...)
}

// mark is the command that marks the end of the one before it. It is typed in two
// parts, so that its echo is not taken for it.
func (s *shell) mark() string {
	return "printf '\\n%s-%s %d\\n' ended " + strconv.Itoa(s.typed) + " $?"
}

// do types one command and reads until it has ended.
func (s *shell) do(line func(string), args []string) (int, error) {
	if _, err := io.WriteString(s.line, quote(args)+"; "+s.mark()+"\r"); err != nil {
		return 0, err
	}
	mark := "ended-" + strconv.Itoa(s.typed) + " "
	held := "" // a line end before the mark belongs to the mark
	for first := true; ; first = false {
		text, err := s.in.ReadString('\n')
		text = strings.Trim(text, "\r\n")
		if rest, ok := strings.CutPrefix(text, mark); ok {
			if held != "" {
				line(held)
			}
			return strconv.Atoi(rest)
		}
		if err != nil {
			return 0, err
		}
		if strings.HasPrefix(text, "ended-") { // a second mark of an interrupted command
			continue
		}
		if !first {
			line(held)
		}
		held = text
	}
}

// quote writes a command so that a shell reads the same words.
func quote(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
