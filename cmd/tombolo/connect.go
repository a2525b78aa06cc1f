package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tombolo/client"
	"tombolo/client/session"
)

func connectCommand(s *site) *cobra.Command {
	var command string
	cmd := &cobra.Command{
		Use:     "connect INSTANCE",
		GroupID: "look",
		Short:   "Open a Session Manager shell in an instance",
		Long: `Connect opens a session in an instance, named by its ID or its Name tag, as
aws ssm start-session does, without the session-manager-plugin: a shell as
ssm-user, who may sudo. The account's session preferences hold (run-as user,
time-outs, logs), and tombolo aws ssm describe-sessions --state Active shows it.

  tombolo connect web
  tombolo connect web --command top`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.completeInstances,
		RunE: func(c *cobra.Command, args []string) error {
			if !term.IsTerminal(int(os.Stdin.Fd())) {
				return failed(exitInternal, "connect needs a terminal; for a script use: tombolo exec %s -- COMMAND", args[0])
			}
			api, err := s.api(c.Context())
			if err != nil {
				return err
			}
			id, err := instanceNamed(c.Context(), api, args[0])
			if err != nil {
				return err
			}
			request := session.Request{Target: id, Reason: "tombolo connect"}
			if command != "" {
				request.Document, request.Parameters = "AWS-StartInteractiveCommand", map[string][]string{"command": {command}}
			}
			return connect(context.WithoutCancel(c.Context()), api, request)
		},
	}
	cmd.Flags().StringVarP(&command, "command", "c", "", "run this command instead of a shell")
	return cmd
}

// connect joins this terminal to a session until it ends. Keys go through as they
// are typed: interrupts belong to what runs in the session.
func connect(ctx context.Context, api *client.Client, request session.Request) error {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	size := func() session.Size {
		cols, rows, err := term.GetSize(out)
		if err != nil {
			return session.Size{Cols: 80, Rows: 24}
		}
		return session.Size{Cols: cols, Rows: rows}
	}
	request.Size = size()
	request.Notice = func(text string) { fmt.Fprintln(os.Stderr, text) }
	one, err := session.Start(ctx, api, request)
	if err != nil {
		return notConnected(request.Target, err)
	}
	old, err := term.MakeRaw(in)
	if err != nil {
		return errors.Join(fmt.Errorf("set terminal to raw mode: %w", err), one.Close())
	}
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	go func() {
		for range changed {
			_ = one.Resize(size()) // a session that ended shows in its end
		}
	}()
	go func() { _, _ = io.Copy(one, os.Stdin) }()
	_, err = io.Copy(os.Stdout, one)
	signal.Stop(changed)
	err = errors.Join(err, one.Close(), term.Restore(in, old))
	if text := one.Farewell(); text != "" {
		fmt.Fprintln(os.Stderr, text)
	}
	return err
}

// notConnected says what to do about a target without a session.
func notConnected(id string, err error) error {
	var refusal *client.Error
	if errors.As(err, &refusal) && refusal.Code == "TargetNotConnected" {
		return failed(exitNotFound, "%w; is it running? tombolo ls instances; start it with: tombolo aws ec2 start-instances --instance-ids %s", err, id)
	}
	return err
}
