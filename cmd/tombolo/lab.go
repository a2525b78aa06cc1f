package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tombolo/client"
	"tombolo/client/session"
	"tombolo/guest"
	"tombolo/lab"
)

func labCommand() *cobra.Command {
	var keep bool
	var output string
	cmd := &cobra.Command{
		Use:     "lab",
		GroupID: "run",
		Short:   "Play the founding lab: three VPCs, two peerings, real packets",
		Long: `Lab starts a private Tombolo of its own, plays ten steps through its EC2 API with
real packets from inside the instances, and says for each what must be seen and
what was seen. It ends with exit status 0 only if all agree. Nothing of it is
left behind, unless --keep is given: then the network stays to be looked at.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "table" && output != "json" {
				return failed(exitUsage, "lab: -o %s: choose table or json", output)
			}
			return playLab(c.Context(), output == "json", keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the lab's network running and say how to reach it, on the command line and in the web console")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

func playLab(ctx context.Context, asJSON, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "tombolo-lab-")
	if err != nil {
		return fmt.Errorf("make state directory: %w", err)
	}
	s := &site{dir: dir}
	daemon, err := startPrivate(ctx, s)
	if err != nil {
		return errors.Join(err, guest.Remove(dir))
	}
	if !keep {
		defer func() { err = errors.Join(err, daemon.stop(), guest.Remove(dir)) }()
	}
	api, err := s.api(ctx)
	if err != nil {
		return err
	}
	p := &labPrinter{w: os.Stdout, color: colored(os.Stdout), live: term.IsTerminal(int(os.Stdout.Fd()))}
	if asJSON {
		p.w = io.Discard
	}
	typist := &lab.Typist{Open: opener(api)}
	defer func() { err = errors.Join(err, typist.Close()) }()
	w := lab.World{API: api, Run: typist.Run, Drops: func(ctx context.Context) ([]lab.Drop, error) {
		var drops []lab.Drop
		err := s.socket().Ask(ctx, "drops", nil, &drops)
		return drops, err
	}}
	report := lab.Run(ctx, w, p)
	if asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(report); err != nil {
			return err
		}
	}
	p.end(report)
	if keep {
		if err := s.invite(ctx); err != nil {
			return err
		}
	}
	if !report.OK {
		return &exitError{code: exitNo}
	}
	return nil
}

// invite says how to look at a lab that stays, and how to end it.
func (s *site) invite(ctx context.Context) error {
	var at consoleAddress
	if err := s.socket().Ask(ctx, "console", nil, &at); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, `
The lab's network stays. Look around on the command line:
  export TOMBOLO_STATE=%[1]s
  eval "$(tombolo env)"
  tombolo ls; tombolo connect MarketingServer
End it with:
  tombolo down --state %[1]s
See it in the web console (once, within ten minutes; tombolo console prints another address):
`, s.dir)
	fmt.Fprintln(os.Stderr, "  "+at.URL)
	return nil
}

// opener opens shells as a person does: with Session Manager, by the instance's
// Name.
func opener(api *client.Client) func(context.Context, string) (io.ReadWriteCloser, error) {
	return func(ctx context.Context, name string) (io.ReadWriteCloser, error) {
		id, err := instanceNamed(ctx, api, name)
		if err != nil {
			return nil, err
		}
		return session.Start(ctx, api, session.Request{Target: id, Size: session.Size{Cols: 200, Rows: 50}, Reason: "tombolo lab"})
	}
}

// instanceNamed is the ID of a living instance, by its ID or its Name tag.
func instanceNamed(ctx context.Context, api *client.Client, word string) (string, error) {
	filter := []string{"Filter.1.Name", "tag:Name", "Filter.1.Value.1", word}
	if strings.HasPrefix(word, "i-") {
		filter = []string{"Filter.1.Name", "instance-id", "Filter.1.Value.1", word}
	}
	tree, err := api.Call(ctx, "DescribeInstances", filter...)
	if err != nil {
		return "", err
	}
	var found []string
	for _, r := range tree.Items("reservationSet") {
		for _, i := range r.Items("instancesSet") {
			if i.Text("instanceState.name") != "terminated" {
				found = append(found, i.Text("instanceId"))
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", failed(exitNotFound, "no instance has the ID or the Name %q; see: tombolo ls instances", word)
	}
	return "", failed(exitNotFound, "%d instances are named %q; use an ID: %v", len(found), word, found)
}

// private is a daemon of the lab's own.
type private struct {
	s      *site
	cmd    *exec.Cmd
	log    bytes.Buffer
	exited chan struct{}
}

// readyLimit is how long a daemon may take to say that it is ready.
const readyLimit = 20 * time.Second

// startPrivate starts a daemon on a free port and waits for its ready line.
func startPrivate(ctx context.Context, s *site) (*private, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &private{s: s, cmd: exec.Command(self, "serve", "--state", s.dir, "--listen", "127.0.0.1:0"), exited: make(chan struct{})}
	d.cmd.Stderr = &d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to handle
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start daemon: %w", err)
	}
	ready := make(chan struct{})
	go func() {
		in := bufio.NewScanner(out)
		if in.Scan() {
			close(ready)
		}
		for in.Scan() {
		}
		_ = d.cmd.Wait()
		close(d.exited)
	}()
	select {
	case <-ready:
		return d, nil
	case <-d.exited:
		return nil, &exitError{exitMachine, fmt.Errorf("the daemon did not start:\n%s", strings.TrimSpace(d.log.String()))}
	case <-time.After(readyLimit):
		err = fmt.Errorf("the daemon was not ready after %v", readyLimit)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, d.stop())
}

// stop ends the daemon and removes everything that it made.
func (d *private) stop() error {
	return takeDown(context.Background(), d.s)
}

// labPrinter shows a lab to a person as it happens.
type labPrinter struct {
	w       io.Writer
	color   bool
	live    bool
	waiting bool
}

func (p *labPrinter) paint(code, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// clear removes a waiting line before something else is printed.
func (p *labPrinter) clear() {
	if p.waiting {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.waiting = false
	}
}

func (p *labPrinter) Step(number int, title string) {
	p.clear()
	fmt.Fprintf(p.w, "\n%s\n", p.paint("1", fmt.Sprintf("%2d  %s", number, title)))
}

func (p *labPrinter) Command(line string) {
	p.clear()
	fmt.Fprintf(p.w, "    %s\n", p.paint("2", "$ "+line))
}

func (p *labPrinter) Waiting(what string) {
	if p.live {
		p.clear()
		fmt.Fprintf(p.w, "    … %s", what)
		p.waiting = true
	}
}

func (p *labPrinter) Checked(c lab.Check) {
	p.clear()
	mark := p.paint("32", "✓")
	if !c.OK {
		mark = p.paint("31", "✗")
	}
	took := ""
	if c.Took > 0 {
		took = p.paint("2", fmt.Sprintf(" (%v)", c.Took.Round(time.Millisecond)))
	}
	fmt.Fprintf(p.w, "    %s %s\n      seen: %s%s\n", mark, c.Must, c.Seen, took)
}

func (p *labPrinter) end(r lab.Report) {
	p.clear()
	good, all := 0, 0
	for _, s := range r.Steps {
		for _, c := range s.Checks {
			all++
			if c.OK {
				good++
			}
		}
	}
	fmt.Fprintf(p.w, "\n%s\n", p.paint("1", fmt.Sprintf("%d of %d checks agree, %d of 10 steps played, %v", good, all, len(r.Steps), r.Took.Round(10*time.Millisecond))))
	if r.Error != "" {
		fmt.Fprintln(os.Stderr, "tombolo: lab:", r.Error)
	}
}

// colored reports whether f is a terminal whose user has not said NO_COLOR.
func colored(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}
