package command

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// What is kept of the streams, in bytes, and what stands at the end of one that
// was cut: AWS's limits and the agent's words, with their three and four hyphens.
const (
	stdoutLimit  = 24_000
	stderrLimit  = 8_000
	summaryLimit = 2_500
	stdoutCut    = "\n---Output truncated---"
	stderrCut    = "\n---Error truncated----"
	stderrTitle  = "\n----------ERROR-------\n"
)

// Objects is where commands' whole output goes: what stands for S3.
type Objects interface {
	Create(bucket, key string) (Object, error)
}

// Object is one that is being written; it is there once it is closed.
type Object interface {
	io.WriteCloser
	Abandon()
}

// stream takes what a script prints on one of its outputs: the beginning is kept,
// all of it goes to an object when one is wanted. It never fails and never makes
// the script wait for more than the object.
type stream struct {
	limit   int
	cut     string
	kept    []byte
	create  func() (Object, error) // nil: no object is wanted
	object  Object
	log     *slog.Logger
	newline bool // the last byte was one, or there was none
}

func (s *stream) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.newline = p[len(p)-1] == '\n'
	if room := s.limit + utf8.UTFMax - len(s.kept); room > 0 {
		s.kept = append(s.kept, p[:min(room, len(p))]...)
	}
	s.upload(p)
	return len(p), nil
}

// upload begins the object with the first byte: a script that prints nothing
// leaves no object.
func (s *stream) upload(p []byte) {
	if s.create == nil {
		return
	}
	var err error
	if s.object == nil {
		s.object, err = s.create()
	}
	if err == nil {
		_, err = s.object.Write(p)
	}
	if err != nil {
		s.log.Warn("a command's output is not stored", "error", err)
		s.create = nil
		if s.object != nil {
			s.object.Abandon()
			s.object = nil
		}
	}
}

// note adds a line of the agent's.
func (s *stream) note(text string) {
	if len(s.kept) > 0 && !s.newline {
		text = "\n" + text
	}
	_, _ = s.Write([]byte(text)) // never fails
}

// close ends the object and returns what is kept.
func (s *stream) close() string {
	if s.object != nil {
		if err := s.object.Close(); err != nil {
			s.log.Warn("a command's output is not stored", "error", err)
		}
		s.object, s.create = nil, nil
	}
	return cut(string(s.kept), s.limit, s.cut)
}

// cut shortens text to limit bytes, suffix included, between two characters.
func cut(text string, limit int, suffix string) string {
	if len(text) <= limit {
		return text
	}
	n := max(0, limit-len(suffix))
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + suffix
}

// Summary is both streams in one, in at most 2,500 bytes, as ListCommandInvocations
// shows them: of two long ones each gets half, a short one leaves the rest to the other.
func (r Result) Summary() string {
	if r.Stderr == "" {
		return cut(r.Stdout, summaryLimit, stdoutCut)
	}
	room := summaryLimit - len(stderrTitle)
	if len(r.Stdout)+len(r.Stderr) <= room {
		return r.Stdout + stderrTitle + r.Stderr
	}
	half := room / 2
	out, errs := half, room-half
	switch {
	case len(r.Stdout) < half:
		out, errs = len(r.Stdout), room-len(r.Stdout)
	case len(r.Stderr) < half:
		out, errs = room-len(r.Stderr), len(r.Stderr)
	}
	return cut(r.Stdout, out, stdoutCut) + stderrTitle + cut(r.Stderr, errs, stderrCut)
}

// Key is where a step's output is stored, without the stream's name; "" when it is
// not. AWS: Understanding the output of Run Command.
func (i Invocation) Key(r Result) string {
	o := i.Command.Output
	if o.Bucket == "" {
		return ""
	}
	parts := []string{i.Command.ID, string(i.Instance)}
	if p := strings.Trim(o.Prefix, "/"); p != "" {
		parts = append([]string{p}, parts...)
	}
	return strings.Join(append(parts, r.Path...), "/")
}

// URL is how AWS names what is stored at Key; stream is stdout or stderr.
func (i Invocation) URL(r Result, stream string) string {
	key := i.Key(r)
	if key == "" {
		return ""
	}
	return fmt.Sprintf("https://s3.%s.amazonaws.com/%s/%s/%s", i.Command.Output.Region, i.Command.Output.Bucket, key, stream)
}
