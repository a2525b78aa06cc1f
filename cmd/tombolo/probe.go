package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tombolo/probe"
	"tombolo/ssm/worker"
)

// The exit statuses of probe.
const (
	probeAnswered = 0
	probeSilent   = 1
	probeRefused  = 10
)

// workerCommand is what port sessions run inside instances.
func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "session-worker port|ssh HOST PORT", Hidden: true, DisableFlagParsing: true,
		Short: "Carry the bytes of a port session; the daemon runs it inside instances",
		RunE: func(_ *cobra.Command, args []string) error {
			if code := worker.Run(args, os.Stdin, os.Stdout, os.Stderr); code != 0 {
				return &exitError{code: code}
			}
			return nil
		},
	}
}

func probeCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     "probe",
		GroupID: "look",
		Short:   "Send one probe from where this runs: answered, silent or refused",
		Long: `Probe sends one packet exchange from where it runs and says what came of it.
It is on the PATH of every instance, so:

  tombolo exec web -- tombolo probe http http://172.31.1.199/

Exit status: 0 answered, 1 silent, 10 refused.`,
	}
	cmd.PersistentFlags().DurationVar(&timeout, "timeout", time.Second, "how long to wait before saying silent")
	one := func(use, short string, ask func(context.Context, string, probe.Options) (probe.Result, error)) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
			r, err := ask(c.Context(), args[0], probe.Options{Timeout: timeout})
			if err != nil {
				return failed(exitUsage, "probe %s: %w", args[0], err)
			}
			fmt.Println(r)
			return probeExit(r.Verdict)
		}}
	}
	cmd.AddCommand(one("tcp HOST:PORT", "Connect and say something", probe.TCP),
		one("udp HOST:PORT", "Send a datagram and wait for one", probe.UDP),
		one("icmp HOST", "Ping once", probe.ICMP), probeHTTPCommand(&timeout), probeServeCommand())
	return cmd
}

func probeExit(v probe.Verdict) error {
	switch v {
	case probe.Answered:
		return nil
	case probe.Refused:
		return &exitError{code: probeRefused}
	}
	return &exitError{code: probeSilent}
}

func probeHTTPCommand(timeout *time.Duration) *cobra.Command {
	var watch time.Duration
	cmd := &cobra.Command{
		Use: "http URL", Short: "Get a page", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if watch > 0 {
				return watchHTTP(c.Context(), args[0], *timeout, watch)
			}
			r, err := probe.HTTP(c.Context(), args[0], probe.Options{Timeout: *timeout})
			if err != nil {
				return failed(exitUsage, "probe %s: %w", args[0], err)
			}
			fmt.Println(r)
			return probeExit(r.Verdict)
		},
	}
	cmd.Flags().DurationVar(&watch, "watch", 0, "ask again and again on one connection, this often, a line each time")
	return cmd
}

// watchHTTP keeps one connection and asks on it until ctx ends. A request that
// has had no answer in time is said to be silent once, and waited for: whether
// this connection lives is the question, so no other is made.
func watchHTTP(ctx context.Context, rawURL string, timeout, every time.Duration) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		return failed(exitUsage, "probe %s: %w", rawURL, err)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	conn, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		fmt.Println("silent: no connection:", err)
		return &exitError{code: probeSilent}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	in := bufio.NewReader(conn)
	for tick := time.NewTicker(every); ; {
		start := time.Now()
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", u.RequestURI(), u.Host); err != nil {
			return watchEnd(ctx, err)
		}
		if err := awaitAnswer(conn, in, timeout); err != nil {
			return watchEnd(ctx, err)
		}
		fmt.Println("answered", time.Since(start).Round(10*time.Microsecond))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// awaitAnswer waits for one response, saying silent each time timeout passes.
func awaitAnswer(conn net.Conn, in *bufio.Reader, timeout time.Duration) error {
	for {
		if err := conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
		_, err := in.Peek(1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			fmt.Println("silent")
			continue
		}
		if err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		if _, err := bufio.NewReader(res.Body).WriteTo(discard{}); err != nil {
			return err
		}
		return res.Body.Close()
	}
}

// discard is an io.Writer to nowhere.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func watchEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	fmt.Println("broken:", err)
	return &exitError{code: probeRefused}
}

func probeServeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve tcp|udp|http [ADDRESS]:PORT", Short: "Answer probes until interrupted", Args: cobra.ExactArgs(2),
		ValidArgs: []string{"tcp", "udp", "http"},
		RunE: func(c *cobra.Command, args []string) error {
			var s *probe.Server
			var err error
			switch args[0] {
			case "tcp":
				s, err = probe.ListenTCP(args[1])
			case "udp":
				s, err = probe.ListenUDP(args[1])
			case "http":
				host, _ := os.Hostname()
				s, err = probe.ListenHTTP(args[1], "hello from "+host+"\n")
			default:
				return failed(exitUsage, "probe serve: %q is not tcp, udp or http", args[0])
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(os.Stderr, "answering", args[0], "on", s.Addr())
			return s.Run(c.Context())
		},
	}
}
