package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/creack/pty"

	"tombolo/client/session"
)

const (
	keystrokes = 300
	catSize    = 20 << 20
	manyOpen   = 100
)

// measureSessions measures Session Manager, without AWS's plugin, whose own speed
// is not ours: the time to the prompt, keystrokes, bytes and memory.
func measureSessions(ctx context.Context) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "tombolo-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	d, err := start(dir, "linux")
	if err != nil {
		return nil, err
	}
	defer func() { d.down(dir) }()
	f := &furnished{d: d}
	if err := f.furnish(ctx); err != nil {
		return nil, err
	}
	if _, err := f.launch(ctx, 0, 1); err != nil {
		return nil, err
	}
	id, err := d.onlyInstance(ctx)
	if err != nil {
		return nil, err
	}
	shell := func() (*session.Session, error) {
		return session.Start(ctx, d.api, session.Request{Target: id, Size: session.Size{Cols: 80, Rows: 24}})
	}
	var prompts []time.Duration
	for range 10 {
		begin := time.Now()
		s, err := shell()
		if err != nil {
			return nil, err
		}
		if err := until(s, "$ "); err != nil {
			return nil, err
		}
		prompts = append(prompts, time.Since(begin))
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
	rows = append(rows, times("session: start to prompt", prompts))
	s, err := shell()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := until(s, "$ "); err != nil {
		return nil, err
	}
	typed, err := echoes(s)
	if err != nil {
		return nil, err
	}
	rows = append(rows, times("session: keystroke and its echo", typed))
	line, stop, err := d.execTerminal(dir, id)
	if err != nil {
		return nil, err
	}
	typed, err = echoes(line)
	stop()
	if err != nil {
		return nil, err
	}
	rows = append(rows, times("tombolo exec -t: keystroke and its echo", typed))
	if typed, err = bareTerminal(); err != nil {
		return nil, err
	}
	rows = append(rows, times("bare pty: keystroke and its echo", typed))
	more, err := d.bytes(ctx, dir, id, s)
	if err != nil {
		return nil, err
	}
	rows = append(rows, more...)
	if more, err = d.forwarded(ctx, dir, id); err != nil {
		return nil, err
	}
	rows = append(rows, more...)
	before := d.rss()
	var open []*session.Session
	for range manyOpen {
		s, err := shell()
		if err != nil {
			return nil, err
		}
		if err := until(s, "$ "); err != nil {
			return nil, err
		}
		open = append(open, s)
	}
	rows = append(rows, row{Test: "session: memory of the daemon each", Scale: manyOpen, Value: (d.rss() - before) * 1024 / manyOpen, Unit: "KiB"})
	for _, s := range open {
		err = errors.Join(err, s.Close())
	}
	return rows, err
}

// until reads up to a word.
func until(r io.Reader, word string) error {
	var seen []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(seen, []byte(word)) {
		n, err := r.Read(buf)
		if err != nil {
			return fmt.Errorf("wait for %q: %w", word, err)
		}
		seen = append(seen, buf[:n]...)
	}
	return nil
}

// echoes types keys one by one, each when the last was echoed.
func echoes(s io.ReadWriter) ([]time.Duration, error) {
	if _, err := io.WriteString(s, "stty -icanon; cat\r"); err != nil {
		return nil, err
	}
	if err := until(s, "cat\r\n"); err != nil {
		return nil, err
	}
	var out []time.Duration
	for n := range keystrokes {
		key := string(rune('a' + n%20))
		begin := time.Now()
		if _, err := io.WriteString(s, key); err != nil {
			return nil, err
		}
		if err := until(s, key); err != nil {
			return nil, err
		}
		out = append(out, time.Since(begin))
	}
	_, err := io.WriteString(s, session.Interrupt)
	if err != nil {
		return nil, err
	}
	return out, until(s, "$ ")
}

func times(test string, all []time.Duration) row {
	slices.Sort(all)
	at := func(q float64) float64 { return all[int(q*float64(len(all)-1))].Seconds() * 1e3 }
	return row{Test: test, Value: at(0.5), Unit: "ms", P50: at(0.5), P99: at(0.99)}
}

// bytes carries a large file through a session and through exec, as a ratio.
func (d *daemon) bytes(ctx context.Context, dir, id string, s *session.Session) ([]row, error) {
	begin := time.Now()
	direct, err := exec.CommandContext(ctx, "bin/tombolo", "--state", dir, "exec", id, "--", "sh", "-c", fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x", catSize)).Output()
	if err != nil {
		return nil, err
	}
	exact := float64(len(direct)) / (1 << 20) / time.Since(begin).Seconds()
	begin = time.Now()
	if _, err := io.WriteString(s, fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x; echo; echo fin''ished\r", catSize)); err != nil {
		return nil, err
	}
	if err := drain(s, "finished"); err != nil {
		return nil, err
	}
	through := catSize / float64(1<<20) / time.Since(begin).Seconds()
	return []row{{Test: "session: bytes", Value: through, Unit: "MiB/s"}, {Test: "tombolo exec: bytes", Value: exact, Unit: "MiB/s"},
		{Test: "session : exec", Value: through / exact, Unit: "ratio"}}, nil
}

// bareTerminal is a shell on a terminal of this machine, with nothing in between.
func bareTerminal() ([]time.Duration, error) {
	cmd := exec.Command("sh")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PS1=$ "}
	f, err := pty.Start(cmd)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = f.Close()
		_ = cmd.Wait() // hung up
	}()
	if err := until(f, "$ "); err != nil {
		return nil, err
	}
	return echoes(f)
}

// forwarded fetches a large file through a forwarded port, and from inside the
// instance, as a ratio.
func (d *daemon) forwarded(ctx context.Context, dir, id string) ([]row, error) {
	inside := func(script string) (string, error) {
		out, err := exec.CommandContext(ctx, "bin/tombolo", "--state", dir, "exec", id, "--", "sh", "-c", script).Output()
		return string(out), err
	}
	_, err := inside(fmt.Sprintf(`mkdir -p /srv/b && cd /srv/b && head -c %d /dev/zero > f
setsid python3 -m http.server 8080 >/dev/null 2>&1 </dev/null &
for i in $(seq 50); do tombolo probe tcp 127.0.0.1:8080 >/dev/null && exit 0; sleep 0.1; done; exit 1`, catSize))
	if err != nil {
		return nil, fmt.Errorf("serve a file: %w", err)
	}
	text, err := inside("curl -s -o /dev/null -w '%{speed_download}' http://127.0.0.1:8080/f")
	if err != nil {
		return nil, fmt.Errorf("fetch it directly: %w", err)
	}
	var direct float64
	if _, err := fmt.Sscan(text, &direct); err != nil {
		return nil, fmt.Errorf("read curl's speed: %w", err)
	}
	s, err := session.Start(ctx, d.api, session.Request{Target: id, Document: "AWS-StartPortForwardingSession",
		Parameters: map[string][]string{"portNumber": {"8080"}}})
	if err != nil {
		return nil, err
	}
	port, err := session.Forward(s)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	defer port.Close()
	conn, err := port.Dial(ctx)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if _, err := io.WriteString(conn, "GET /f HTTP/1.0\r\n\r\n"); err != nil {
		return nil, err
	}
	n, err := io.Copy(io.Discard, conn)
	if err != nil || n < catSize {
		return nil, fmt.Errorf("%d bytes came through the port: %w", n, err)
	}
	through := float64(n) / time.Since(begin).Seconds()
	return []row{{Test: "forwarded port: bytes", Value: through / (1 << 20), Unit: "MiB/s"}, {Test: "direct connection: bytes", Value: direct / (1 << 20), Unit: "MiB/s"},
		{Test: "forwarded : direct", Value: through / direct, Unit: "ratio"}}, nil
}

// drain is until for much output: it keeps only its end.
func drain(r io.Reader, word string) error {
	var last []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if err != nil {
			return err
		}
		last = append(last, buf[:n]...)
		if bytes.Contains(last, []byte(word)) {
			return nil
		}
		last = last[max(0, len(last)-len(word)):]
	}
}

// onlyInstance is the ID of the one instance.
func (d *daemon) onlyInstance(ctx context.Context) (string, error) {
	tree, err := d.api.Call(ctx, "DescribeInstances")
	if err != nil {
		return "", err
	}
	for _, r := range tree.Items("reservationSet") {
		for _, i := range r.Items("instancesSet") {
			return i.Text("instanceId"), nil
		}
	}
	return "", errors.New("no instance")
}

// joined is both directions of a command's streams.
type joined struct {
	io.Reader
	io.Writer
}

// execTerminal is a shell by `tombolo exec -t`.
func (d *daemon) execTerminal(dir, id string) (io.ReadWriter, func(), error) {
	cmd := exec.Command("bin/tombolo", "--state", dir, "exec", "-t", id, "--", "env", "PS1=$ ", "sh")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	return joined{out, in}, func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, until(out, "$ ")
}
