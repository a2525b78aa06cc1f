package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"tombolo/local"
)

func execCommand(s *site) *cobra.Command {
	var user, dir string
	var env []string
	var tty bool
	cmd := &cobra.Command{
		Use:     "exec INSTANCE -- COMMAND [ARGUMENT…]",
		GroupID: "look",
		Short:   "Run a command in an instance",
		Long: `Exec runs a command in a running instance, named by its ID or its Name tag, with
this process's standard streams. Its exit status is the command's; a command
that a signal ended gives 128 plus the signal's number; 125 means that tombolo
itself failed, 126 and 127 that the command could not be executed or found.

  tombolo exec web -- ip address
  tombolo exec web -- sh -c 'cat > /tmp/note' < note.txt`,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: s.completeInstances,
		RunE: func(c *cobra.Command, args []string) error {
			rest := args[1:]
			if rest[0] == "--" {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				return failed(exitUsage, "exec: no command given; see: tombolo exec --help")
			}
			return s.run(c.Context(), local.Command{Instance: args[0], Args: rest, User: user, Dir: dir, Env: env}, tty)
		},
	}
	cmd.Flags().StringVarP(&user, "user", "u", "", "run as this user of the instance instead of root")
	cmd.Flags().StringVarP(&dir, "workdir", "w", "", "run in this directory")
	cmd.Flags().StringArrayVarP(&env, "env", "e", nil, "set a variable, NAME=VALUE; may be repeated")
	cmd.Flags().BoolVarP(&tty, "tty", "t", false, "give the command a terminal")
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// run carries a command's streams and turns its end into an exit status.
func (s *site) run(ctx context.Context, command local.Command, tty bool) error {
	streams := local.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Signals: forwarded()}
	if tty {
		restore, sizes, err := rawTerminal(&command)
		if err != nil {
			return &exitError{exitInternal, err}
		}
		defer restore()
		streams.Sizes = sizes
	}
	// Interrupts belong to the command: only the daemon's end cuts it off.
	exit, err := s.socket().Run(context.WithoutCancel(ctx), command, streams)
	if err != nil {
		return runFailed(err)
	}
	if exit.Signal != "" {
		return &exitError{code: 128 + int(unix.SignalNum("SIG"+exit.Signal))}
	}
	if exit.Code != 0 {
		return &exitError{code: exit.Code}
	}
	return nil
}

// runFailed gives the reason why nothing ran the exit status that shells use for it.
func runFailed(err error) error {
	var p *local.Problem
	code := exitInternal
	if errors.As(err, &p) {
		switch p.Kind {
		case local.NoCommand:
			code = 127
		case local.NotAllowed:
			code = 126
		}
	}
	if errors.Is(err, local.ErrNoDaemon) {
		err = fmt.Errorf("%w; start one with: tombolo serve", err)
	}
	return &exitError{code, err}
}

// forwarded are the signals that go to the command instead of to us.
func forwarded() <-chan string {
	names := make(chan string, 8)
	raw := make(chan os.Signal, 8)
	signal.Notify(raw, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for sig := range raw {
			names <- unix.SignalName(sig.(syscall.Signal))[len("SIG"):]
		}
	}()
	return names
}

// rawTerminal passes every key on as it is typed and follows the terminal's size.
func rawTerminal(command *local.Command) (restore func(), sizes <-chan local.Size, err error) {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	restore = func() {}
	cols, rows, err := term.GetSize(out)
	if err != nil {
		cols, rows = 80, 24
	}
	command.Terminal = &local.Size{Cols: cols, Rows: rows}
	command.Env = append(command.Env, "TERM="+termName())
	if term.IsTerminal(in) {
		old, err := term.MakeRaw(in)
		if err != nil {
			return nil, nil, fmt.Errorf("set terminal to raw mode: %w", err)
		}
		restore = func() { _ = term.Restore(in, old) }
	}
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	ch := make(chan local.Size, 1)
	go func() {
		for range changed {
			if cols, rows, err := term.GetSize(out); err == nil {
				ch <- local.Size{Cols: cols, Rows: rows}
			}
		}
	}()
	return restore, ch, nil
}

func termName() string {
	if t := os.Getenv("TERM"); t != "" {
		return t
	}
	return "xterm-256color"
}
