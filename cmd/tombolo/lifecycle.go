package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tombolo/guest"
	"tombolo/lab"
	"tombolo/local"
	"tombolo/store"
)

func downCommand(s *site) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "down", GroupID: "run", Args: cobra.NoArgs,
		Short: "Stop the daemon and remove everything it made; the state stays",
		Long: `Down stops the daemon and removes every namespace, link, mount and process that it
made, also when the daemon is dead already. The state stays: tombolo serve boots
again what should run. With --all it does so for every Tombolo of this user.`,
		RunE: func(c *cobra.Command, _ []string) error {
			dirs := []string{s.dir}
			if all {
				found, err := guest.Rooms()
				if err != nil {
					return err
				}
				dirs = append(dirs, found...)
			}
			var errs error
			for _, dir := range dirs {
				errs = errors.Join(errs, takeDown(c.Context(), &site{dir: dir}))
			}
			return errs
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every Tombolo of this user")
	return cmd
}

// patience is how long a daemon may take to end.
const patience = 15 * time.Second

// takeDown ends the daemon of a site, if one runs, and then everything of its room.
func takeDown(ctx context.Context, s *site) error {
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := s.socket().Shutdown(ctx); err != nil && !errors.Is(err, local.ErrNoDaemon) {
		return fmt.Errorf("stop daemon: %w", err)
	}
	for deadline := time.Now().Add(patience); ; {
		pid, err := store.Owner(s.dir)
		if err != nil {
			return err
		}
		if pid == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the daemon (process %d) does not end; end it with: kill %d", pid, pid)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := guest.Down(s.dir); err != nil {
		return fmt.Errorf("remove instances of %s: %w", s.dir, err)
	}
	return nil
}

func statusCommand(s *site) *cobra.Command {
	var output string
	var drops bool
	cmd := &cobra.Command{
		Use: "status", GroupID: "look", Args: cobra.NoArgs,
		Short: "Say what is enforced and by what, and how well",
		Long: `Status says what is enforced, by which plane, and what is wrong, if anything.
With --drops it lists the packets dropped so far by cause and component.
Exit status 1 means degraded.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if drops {
				return s.printDrops(c.Context(), output)
			}
			st, err := s.status(c.Context())
			if err != nil {
				return err
			}
			if output != "table" {
				err = printDocument(st, output)
			} else {
				printStatus(st)
			}
			if err == nil && len(st.Degraded) > 0 {
				err = &exitError{code: exitNo}
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json or yaml")
	cmd.Flags().BoolVar(&drops, "drops", false, "list dropped packets by cause")
	return cmd
}

func printStatus(st daemonStatus) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	health := "all is well"
	if len(st.Degraded) > 0 {
		health = "DEGRADED: the interfaces concerned are closed"
	}
	enforced := "isolation, routes, peering, security groups, network ACLs, source/dest check; IPv4 and IPv6"
	if st.Fabric == "none" {
		enforced = "nothing: there are no packets with --fabric none"
	}
	for _, row := range [][2]string{{"health", health}, {"api", st.Endpoint + " (auth " + st.Auth + ")"}, {"state", st.State},
		{"plane", st.Plane}, {"fast path", fastPathText(st)}, {"instances", st.Instances}, {"generation", fmt.Sprintf("%d, packets obey %d", st.Generation, st.Obeyed)},
		{"daemon", fmt.Sprintf("process %d, version %s", st.PID, st.Version)},
		{"enforced", enforced},
		{"not yet", "internet access (gateways and Elastic IPs exist, their packets drop), NAT, endpoints, DNS, instance metadata"}} {
		fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
	}
	for _, r := range st.Degraded {
		fmt.Fprintf(w, "wrong\t%s\n", r)
	}
}

func (s *site) printDrops(ctx context.Context, output string) error {
	drops := []lab.Drop{}
	if err := s.socket().Ask(ctx, "drops", nil, &drops); err != nil {
		return err
	}
	if output != "table" {
		return printDocument(drops, output)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "PACKETS\tCAUSE\tAT\tDIRECTION")
	for _, d := range drops {
		if d.Packets > 0 {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", d.Packets, d.Cause, d.At, d.Direction)
		}
	}
	return nil
}

func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", GroupID: "run", Args: cobra.NoArgs,
		Short: "Say what this machine lacks and how to get it",
		Long:  "Doctor says whether instances and packets work on this machine, and what would\nmake them work better. Exit status 5 means that they do not work.",
		RunE: func(c *cobra.Command, _ []string) error {
			r := guest.Probe()
			fmt.Println("mode:", r.Mode)
			for _, l := range r.Lacks {
				word := "could be better"
				if l.Fatal {
					word = "MISSING"
				}
				fmt.Printf("%s: %s\n  fix: %s\n", word, l.What, l.Fix)
			}
			for _, l := range r.Lacks {
				if l.Fatal {
					return &exitError{code: exitMachine}
				}
			}
			fmt.Println("instances and packets work here")
			return nil
		},
	}
}

// fastPathText says what remembers verdicts, and why nothing faster does.
func fastPathText(st daemonStatus) string {
	text := map[string]string{"": "none", "off": "off: every packet takes the slow path", "ebpf": "ebpf: programs on the links remember flows"}[st.FastPath]
	if st.FastPathWhy != "" {
		text += " (" + st.FastPathWhy + ")"
	}
	return text
}
