package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"

	"github.com/spf13/cobra"

	"tombolo/console"
	"tombolo/ec2"
	"tombolo/flowlog/delivery"
	"tombolo/gate"
	"tombolo/lab"
	"tombolo/local"
	"tombolo/network"
	"tombolo/why"
)

func consoleCommand(s *site) *cobra.Command {
	var open bool
	var output string
	cmd := &cobra.Command{
		Use: "console", GroupID: "look", Args: cobra.NoArgs,
		Short: "Print the address of the web console",
		Long: `Console prints the address of the web console, with a token in it that lets one
browser in, once, within ten minutes. Run it again for another.

  tombolo console            print the address
  tombolo console --open     and open it in this machine's browser`,
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"table", "json", "yaml"}, output) {
				return failed(exitUsage, "-o %s: choose one of table, json, yaml", output)
			}
			var at consoleAddress
			if err := s.socket().Ask(c.Context(), "console", nil, &at); err != nil {
				return err
			}
			if output == "table" {
				fmt.Println(at.URL)
			} else if err := printDocument(at, output); err != nil {
				return err
			}
			if !open {
				return nil
			}
			if err := exec.CommandContext(c.Context(), "xdg-open", at.URL).Run(); err != nil {
				return failed(exitMachine, "no browser could be opened (xdg-open: %w); open the address yourself", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "open it in this machine's browser")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json, yaml")
	return cmd
}

// consoleAddress is where the console is, for one visit.
type consoleAddress struct {
	URL string `json:"url"`
}

// openConsole makes the console behind a door.
func (d *daemon) openConsole(door *gate.Gate, l net.Listener) *console.Server {
	guides := &guides{daemon: d, door: door, all: map[network.Caller]*lab.Guide{}}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	regions := []string{string(door.Region)}
	for _, r := range ec2.Regions() {
		if r != door.Region {
			regions = append(regions, string(r))
		}
	}
	return console.New(console.Config{Door: door, Port: port, Version: version, Regions: regions, Accounts: d.consoleAccounts,
		State: d.State, Fabric: d.consoleFabric, Flows: d.consoleFlows, Reach: d.consoleReach, Lab: guides.answer, Log: d.log,
		Stream: func(w http.ResponseWriter, r *http.Request, id string) { d.manager.sessions.Stream(w, r, id) }})
}

// consoleAccounts are those with a name, and those that have something.
func (d *daemon) consoleAccounts() []console.Account {
	out := []console.Account{}
	for _, a := range d.accounts.List() {
		out = append(out, console.Account{ID: a.ID, Name: a.Name})
	}
	for w := range d.State().Worlds() {
		if !slices.ContainsFunc(out, func(a console.Account) bool { return a.ID == w.Owner }) {
			out = append(out, console.Account{ID: w.Owner, Name: string(w.Owner)})
		}
	}
	return out
}

func (d *daemon) consoleFabric() console.Fabric {
	st := d.control.Status()
	out := console.Fabric{Enforced: d.fabric != nil && st.Ready && st.Obeyed >= st.Durable, Plane: d.status().Plane, Generation: st.Obeyed}
	if len(st.Reasons) > 0 {
		out.Degraded = st.Reasons[0].Part + ": " + st.Reasons[0].Text
	}
	return out
}

func (d *daemon) consoleFlows(ctx context.Context) (<-chan delivery.Batch, error) {
	if d.fabric == nil {
		return nil, noPackets()
	}
	return d.flows.Subscribe(ctx)
}

func noPackets() error {
	return &console.Problem{Status: http.StatusConflict, Code: "NoPackets", Message: "This server runs with --fabric none: there are no packets."}
}

// consoleProblem says what is wrong with a question in the console's form.
func consoleProblem(err error) error {
	var p *local.Problem
	var unclear *why.Unclear
	switch {
	case errors.As(err, &p) && p.Kind == local.NotFound, errors.Is(err, why.ErrUnknown):
		return &console.Problem{Status: http.StatusNotFound, Code: "NotFound", Message: err.Error()}
	case errors.As(err, &p) && p.Kind == local.NotRunning:
		return &console.Problem{Status: http.StatusConflict, Code: "NotRunning", Message: err.Error()}
	case errors.As(err, &p) && p.Kind == local.Unclear, errors.As(err, &unclear):
		return &console.Problem{Status: http.StatusBadRequest, Code: "BadQuestion", Message: err.Error()}
	}
	return err
}

// consoleURL is the console's address, with a ticket for one visit. The ticket is in
// the fragment, which a browser tells nobody.
func (d *daemon) consoleURL() string {
	return d.url + console.Prefix + "#token=" + d.console.Ticket()
}
