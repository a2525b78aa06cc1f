package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"tombolo/ssm/channel"
	"tombolo/ssm/document"
)

const (
	// defaultUser is who AWS's sessions are, with sudo.
	defaultUser = "ssm-user"
	// agentDir is the working directory of AWS's agent, where its shells begin.
	agentDir = "/usr/bin"
	// sizeTime is how long a terminal waits for its size: the plugin says it as
	// soon as the handshake is complete.
	sizeTime = 300 * time.Millisecond
)

// user is who the program runs as. It never falls back to another one.
func (s *session) user() (string, *ending) {
	p, single := s.plan.Preferences, s.all.cfg.Host.SingleUser()
	name := strings.TrimSpace(p.RunAsUser)
	switch {
	case s.plan.Elevated:
		return "root", nil
	case p.RunAs && name == "":
		return "", failedWith(sayRunAsGap)
	case p.RunAs && single && name != "root":
		return "", failedWith(fmt.Sprintf("RunAs user %s can't be used: on this machine everybody in an instance is root, see tombolo doctor.", name))
	case p.RunAs:
		return name, nil
	case single:
		return "root", nil
	}
	return defaultUser, nil
}

// failure words why a program could not be started.
func (s *session) failure(user string, err error) *ending {
	if errors.Is(err, ErrNoUser) {
		return failedWith(fmt.Sprintf(sayNoRunAs, user))
	}
	return failedWith("Unable to start command: " + err.Error())
}

// shell runs a shell, or one command line, on a terminal until it ends.
func (s *session) shell() *ending {
	user, why := s.user()
	if why != nil {
		return why
	}
	log, why := s.openLog()
	if why != nil {
		return why
	}
	defer log.close()
	size, first := s.firstSize()
	// A plain shell with no profile, as AWS's: people type bash, or sudo su -.
	p := Program{Args: []string{"sh"}, Dir: agentDir, User: user, Terminal: &size}
	if s.plan.Type == document.InteractiveCommands {
		p.Args = []string{"sh", "-c", s.plan.Command}
	}
	r, err := s.start(p)
	if err != nil {
		return s.failure(user, err)
	}
	r.pump(r.Stdout, channel.Bytes, log.tee)
	r.feed(func() { s.types(r, first) })
	r.await()
	return ended()
}

// firstSize waits a moment for the size of the client's terminal, so that a program
// sees no other first. What came instead is returned.
func (s *session) firstSize() (Size, *channel.Message) {
	size := Size{Cols: 80, Rows: 24}
	ctx, cancel := context.WithTimeout(s.ctx, sizeTime)
	defer cancel()
	m, err := s.next(ctx)
	if err != nil {
		return size, nil
	}
	if m.Payload != channel.Resize {
		return size, &m
	}
	if z, ok := readSize(m.Content); ok {
		size = z
	}
	return size, nil
}

// types gives what the client types to the program.
func (s *session) types(r *program, first *channel.Message) {
	if profile := s.plan.Preferences.ShellProfile; profile != "" && s.plan.Type == document.StandardStream {
		// Typed, so that it shows, as AWS's agent does it.
		if _, err := r.Stdin.Write([]byte(profile + "\n")); err != nil {
			return
		}
	}
	for {
		m, err := channel.Message{}, error(nil)
		if first != nil {
			m, first = *first, nil
		} else if m, err = s.next(r.ctx); err != nil {
			return
		}
		switch m.Payload {
		case channel.Bytes:
			_, _ = r.Stdin.Write(m.Content) // a program that closed its terminal is about to end
		case channel.Resize:
			if z, ok := readSize(m.Content); ok {
				_ = r.Resize(z)
			}
		case channel.Control:
			s.flag(m)
		}
	}
}

// flag obeys the one flag that every session knows.
func (s *session) flag(m channel.Message) {
	if f, err := channel.ReadFlag(m.Content); err == nil && f == channel.TerminateSession {
		s.end(ended())
	}
}

// command runs a command without a terminal and without input until it ends.
func (s *session) command() *ending {
	user, why := s.user()
	if why != nil {
		return why
	}
	log, why := s.openLog()
	if why != nil {
		return why
	}
	defer log.close()
	args, err := split(s.plan.Command)
	if err == nil && len(args) == 0 {
		err = errors.New("there is no command")
	}
	var r *program
	if err == nil {
		r, err = s.start(Program{Args: args, Dir: agentDir, User: user, Joined: !s.plan.Separate})
	}
	if errors.Is(err, ErrNoUser) {
		return s.failure(user, err)
	}
	if err != nil {
		_ = s.send(channel.StdErr, []byte("Error occurred starting the command: "+err.Error()+"\n"))
		return &ending{failed: true}
	}
	_ = r.Stdin.Close()
	out, errs := &prefixer{prefix: s.plan.StdoutPrefix}, &prefixer{prefix: s.plan.StderrPrefix}
	r.pump(r.Stdout, channel.Bytes, func(b []byte) []byte { return log.tee(out.add(b)) })
	if r.Stderr != nil {
		r.pump(r.Stderr, channel.StdErr, func(b []byte) []byte { return log.tee(errs.add(b)) })
	}
	r.feed(func() { s.signals(r) })
	r.await()
	if s.plan.Separate && s.ctx.Err() == nil {
		code := r.exit.Code
		if r.exit.Signal != 0 {
			code = -1 // as Go, in which AWS's agent is written, says of a program that was killed
		}
		_ = s.sendWhole(channel.ExitCode, channel.ExitText(code))
	}
	return ended()
}

// signals makes signals of what a terminal would: there is none that does.
func (s *session) signals(r *program) {
	for {
		m, err := s.next(r.ctx)
		if err != nil {
			return
		}
		switch {
		case m.Payload == channel.Control:
			s.flag(m)
		case m.Payload != channel.Bytes:
		case bytes.IndexByte(m.Content, 0x03) >= 0:
			_ = r.Signal(syscall.SIGINT)
		case bytes.IndexByte(m.Content, 0x1c) >= 0:
			_ = r.Signal(syscall.SIGQUIT)
		case bytes.IndexByte(m.Content, 0x1a) >= 0:
			_ = r.Signal(syscall.SIGTSTP)
		}
	}
}

// prefixer puts a prefix at the beginning of every line.
type prefixer struct {
	prefix string
	inLine bool
}

func (p *prefixer) add(b []byte) []byte {
	if p.prefix == "" {
		return b
	}
	out := make([]byte, 0, len(b)+len(p.prefix))
	for line := range bytes.Lines(b) {
		if !p.inLine {
			out = append(out, p.prefix...)
		}
		out = append(out, line...)
		p.inLine = line[len(line)-1] != '\n'
	}
	return out
}
