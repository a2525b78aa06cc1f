package lab

import (
	"context"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// shellOnATerminal is a shell of this machine, as a session would give one.
func shellOnATerminal(t *testing.T, opened *int) func(context.Context, string) (io.ReadWriteCloser, error) {
	return func(context.Context, string) (io.ReadWriteCloser, error) {
		*opened++
		cmd := exec.Command("sh")
		cmd.Env = []string{"PATH=/usr/bin:/bin", "PS1=$ "}
		f, err := pty.Start(cmd)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() {
			_ = f.Close()
			_ = cmd.Wait()
		})
		return f, nil
	}
}

func TestTypedCommandsGiveTheirLinesAndStatus(t *testing.T) {
	opened := 0
	typist := &Typist{Open: shellOnATerminal(t, &opened)}
	for _, c := range []struct {
		args []string
		want []string
		code int
	}{
		{[]string{"echo", "one two"}, []string{"one two"}, 0},
		{[]string{"sh", "-c", "echo a; echo; echo 'b; ended-3 0'; exit 7"}, []string{"a", "", "b; ended-3 0"}, 7},
		{[]string{"printf", "no end of line"}, []string{"no end of line"}, 0},
		{[]string{"true"}, nil, 0},
		{[]string{"sh", "-c", "exit 10"}, nil, 10},
	} {
		var got []string
		code, err := typist.Run(t.Context(), "web", func(l string) { got = append(got, l) }, c.args...)
		if err != nil || code != c.code || strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%q: %d %q %v, want %d %q", c.args, code, got, err, c.code, c.want)
		}
	}
	if opened != 1 {
		t.Errorf("%d shells were opened, want one used again and again", opened)
	}
	if err := typist.Close(); err != nil {
		t.Error(err)
	}
}

func TestAnEndedContextInterruptsTheCommandAndKeepsTheShell(t *testing.T) {
	opened := 0
	typist := &Typist{Open: shellOnATerminal(t, &opened)}
	ctx, cancel := context.WithCancel(t.Context())
	var seen []string
	code, err := typist.Run(ctx, "web", func(l string) {
		seen = append(seen, l)
		cancel()
	}, "sh", "-c", "echo begun; echo again; exec sleep 600")
	if err != nil || code != 130 || !slices.Contains(seen, "begun") {
		t.Fatalf("%d %q %v", code, seen, err)
	}
	if code, err := typist.Run(t.Context(), "web", func(string) {}, "true"); err != nil || code != 0 || opened != 1 {
		t.Errorf("afterwards: %d %v, %d shells", code, err, opened)
	}
}
