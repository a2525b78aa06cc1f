package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tombolo/local"
	"tombolo/network"
	"tombolo/tfplan"
	"tombolo/why"
)

// reachFlags are what `tombolo reach` can be told.
type reachFlags struct {
	question         why.Question
	to, from, output string
	live, fix, apply bool
}

func reachCommand(s *site) *cobra.Command {
	f := &reachFlags{}
	cmd := &cobra.Command{
		Use: "reach SRC DST", GroupID: "look", Args: cobra.MaximumNArgs(2),
		Short: "Say why a flow gets through, or why not, and what would open it",
		Long: `Reach follows one flow through the network as it is configured and names every
component on its way: interface, security group, network ACL, route table,
peering, and the answer's way back. It sends no packets, unless --live is given.

SRC and DST are instances (ID, Name or its beginning), interfaces or addresses.
Without a port it asks about a ping.

  tombolo reach marketing finance
  tombolo reach marketing finance --port 80 --fix
  tombolo reach marketing 172.31.1.199 --protocol tcp --port 80 --live
  tombolo reach --to finance             who can reach it, and how
  tombolo reach --from marketing         what it can reach

The exit status is 0 when it is reachable and 1 when it is not.`,
		ValidArgsFunction: s.completeInstances,
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{"table", "json", "yaml", "terraform"}, f.output) {
				return failed(exitUsage, "-o %s: choose one of table, json, yaml, terraform", f.output)
			}
			if f.to != "" || f.from != "" {
				if len(args) > 0 || f.to != "" && f.from != "" {
					return failed(exitUsage, "reach: give --to INSTANCE or --from INSTANCE alone")
				}
				return s.reachAll(c.Context(), f)
			}
			if len(args) != 2 {
				return failed(exitUsage, "reach: two ends are needed, for example: tombolo reach marketing finance; or --to or --from; see: tombolo reach --help")
			}
			f.question.Source, f.question.Destination = args[0], args[1]
			return s.reachOne(c.Context(), f)
		},
	}
	questionFlags(cmd, &f.question)
	cmd.Flags().BoolVar(&f.live, "live", false, "also send real packets from the source")
	cmd.Flags().BoolVar(&f.fix, "fix", false, "print the smallest changes that would open it (AWS CLI; -o terraform, -o json)")
	cmd.Flags().BoolVar(&f.apply, "apply", false, "make those changes")
	cmd.Flags().StringVar(&f.to, "to", "", "list who can reach this instance or interface")
	cmd.Flags().StringVar(&f.from, "from", "", "list what this instance or interface can reach")
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "table, json, yaml, terraform")
	return cmd
}

// questionFlags are those that say which flow is meant.
func questionFlags(cmd *cobra.Command, q *why.Question) {
	cmd.Flags().StringVar(&q.Protocol, "protocol", "", "tcp, udp, icmp or a number (default tcp with a port, icmp without)")
	cmd.Flags().IntVar(&q.Port, "port", 0, "the destination's port")
	cmd.Flags().IntVar(&q.SourcePort, "source-port", 0, "the source's port (default: any that a client may have)")
	cmd.Flags().BoolVarP(&q.IPv6, "ipv6", "6", false, "between their IPv6 addresses")
}

// caller is who asks: the account of the first key, in the Region of the command line.
func (s *site) caller() (network.Caller, error) {
	k, err := s.key()
	if err != nil {
		return network.Caller{}, err
	}
	return network.Caller{Account: k.Account, Region: network.Region(region())}, nil
}

// question asks the daemon about the network.
func (s *site) question(ctx context.Context, name string, a asked, answer any) error {
	var err error
	if a.Caller, err = s.caller(); err != nil {
		return err
	}
	return answered(s.socket().Ask(ctx, name, a, answer))
}

// answered gives a problem with a question its exit status.
func answered(err error) error {
	var p *local.Problem
	if errors.As(err, &p) {
		switch p.Kind {
		case local.NotFound:
			return failed(exitNotFound, "%w", err)
		case local.Unclear:
			return failed(exitUsage, "%w", err)
		}
	}
	return err
}

func (s *site) reachOne(ctx context.Context, f *reachFlags) error {
	var r reached
	if err := s.question(ctx, "reach", asked{Question: f.question, Fix: f.fix || f.output == "terraform", Apply: f.apply}, &r); err != nil {
		return err
	}
	live := ""
	if f.live {
		var err error
		if live, err = s.probe(ctx, r.Answer); err != nil {
			return err
		}
	}
	switch f.output {
	case "table":
		(&reachPrinter{w: os.Stdout, p: &labPrinter{color: colored(os.Stdout)}}).print(r, live)
	case "terraform":
		fmt.Print(r.Fix.Terraform)
	default:
		doc := struct {
			reached
			Live string `json:"live,omitempty"`
		}{r, live}
		if err := printDocument(doc, f.output); err != nil {
			return err
		}
	}
	if !r.Reachable {
		return &exitError{code: exitNo}
	}
	return nil
}

// probe sends the flow as real packets from inside the source and says what came of it.
func (s *site) probe(ctx context.Context, a why.Answer) (string, error) {
	if a.Source.Instance == "" {
		return "", failed(exitNo, "%s is not plugged into an instance: nothing can be sent from it", a.Source.Interface)
	}
	args, err := probeArgs(a)
	if err != nil {
		return "", err
	}
	exit, err := s.socket().Run(ctx, local.Command{Instance: a.Source.Instance, Args: args}, local.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard})
	if err != nil {
		return "", err
	}
	return probeVerdict(exit.Code)
}

// probeArgs is the command that sends a flow's packets.
func probeArgs(a why.Answer) ([]string, error) {
	args := []string{"tombolo", "probe", "--timeout", "1s"}
	switch a.Protocol {
	case "tcp", "udp":
		return append(args, a.Protocol, net.JoinHostPort(a.Destination.Address, strconv.Itoa(a.Port))), nil
	case "icmp":
		return append(args, "icmp", a.Destination.Address), nil
	}
	return nil, failed(exitUsage, "real packets can be sent of tcp, udp and icmp, not of protocol %s", a.Protocol)
}

// probeVerdict is what a probe's exit status says.
func probeVerdict(code int) (string, error) {
	switch code {
	case 0:
		return "answered", nil
	case 1:
		return "silent", nil
	case 10:
		return "refused", nil
	}
	return "", fmt.Errorf("the probe ended with status %d", code)
}

func (s *site) reachAll(ctx context.Context, f *reachFlags) error {
	var paths []why.Path
	if err := s.question(ctx, "paths", asked{To: f.to, From: f.from}, &paths); err != nil {
		return err
	}
	if f.output != "table" {
		return printDocument(paths, f.output)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tDESTINATION\tTRAFFIC\tFOR EXAMPLE")
	for _, p := range paths {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", endText(p.Source), endText(p.Destination), p.Traffic, p.Witness)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(paths) == 0 {
		return failed(exitNo, "nothing: no interface gets an answer")
	}
	return nil
}

func endText(e why.End) string {
	for _, name := range []string{e.Name, e.Instance, e.Interface} {
		if name != "" {
			return name + " (" + e.Address + ")"
		}
	}
	return e.Address
}

// reachPrinter shows an answer to a person.
type reachPrinter struct {
	w io.Writer
	p *labPrinter
}

func (r *reachPrinter) print(a reached, live string) {
	fmt.Fprintf(r.w, "%s → %s  %s\n", endText(a.Source), endText(a.Destination), protocolText(a.Answer))
	r.leg("there", a.Forward)
	r.leg("and back", a.Return)
	if a.Reachable {
		fmt.Fprintln(r.w, r.p.paint("32", "reachable"))
	} else {
		fmt.Fprintln(r.w, r.p.paint("31", a.Verdict)+" because:")
		n := 0
		for _, c := range a.Causes {
			mark := "   "
			if !c.Detail {
				n++
				mark = fmt.Sprintf("%2d.", n)
			}
			fmt.Fprintf(r.w, "  %s %s (%s)\n", mark, c.Sentence, c.Code)
		}
	}
	if live != "" {
		fmt.Fprintln(r.w, "real packets:", live)
	}
	if a.Fix != nil {
		r.fix(a.Fix)
	}
}

func protocolText(a why.Answer) string {
	if a.Port != 0 {
		return a.Protocol + " port " + strconv.Itoa(a.Port)
	}
	if _, err := strconv.Atoi(a.Protocol); err == nil {
		return "protocol " + a.Protocol
	}
	return a.Protocol
}

func (r *reachPrinter) leg(title string, hops []why.Hop) {
	if len(hops) == 0 {
		return
	}
	fmt.Fprintln(r.w, r.p.paint("2", " "+title))
	for _, h := range hops {
		mark, color := "✓", "32"
		switch {
		case h.Blocked:
			mark, color = "✗", "31"
		case h.Beyond:
			mark, color = "·", "2"
		}
		at := strings.TrimSpace(h.Kind + " " + h.Direction)
		fmt.Fprintf(r.w, "  %s %-26s %-24s %s\n", r.p.paint(color, mark), at, h.Component, r.p.paint(color, h.Sentence))
	}
}

func (r *reachPrinter) fix(f *fixed) {
	switch {
	case len(f.Obstacles) > 0:
		fmt.Fprintln(r.w, "no change of rules or routes opens it:")
		for _, o := range f.Obstacles {
			fmt.Fprintln(r.w, "  "+o)
		}
	case f.Applied:
		fmt.Fprintln(r.w, "these changes were made:")
	case len(f.Commands) > 0:
		fmt.Fprintln(r.w, "this would open it:")
	}
	for _, c := range f.Commands {
		fmt.Fprintln(r.w, "  "+c)
	}
}

func diffCommand(s *site) *cobra.Command {
	var save, plan, output string
	cmd := &cobra.Command{
		Use: "diff [SAVED]", GroupID: "look", Args: cobra.MaximumNArgs(1),
		Short: "Say which flows a change opened and closed",
		Long: `Diff compares what can reach what now with what could in a saved state, or with
what could after a plan: what terraform or tofu show -json prints of one, or EC2
calls, one query a line. A plan is carried out on a copy. It exits with 0 when nothing differs and with 1 when something does.

  tombolo diff --save before.json
  tombolo diff before.json
  terraform plan -out new && terraform show -json new | tombolo diff --plan -
  echo 'Action=DeleteRoute&RouteTableId=rtb-…&DestinationCidrBlock=10.0.0.0/16' | tombolo diff --plan -`,
		RunE: func(c *cobra.Command, args []string) error {
			if output != "table" && output != "json" && output != "yaml" {
				return failed(exitUsage, "-o %s: choose one of table, json, yaml", output)
			}
			if save != "" {
				return s.saveState(c.Context(), save)
			}
			var a asked
			var err error
			switch {
			case len(args) == 1 && plan == "":
				a.Before, err = readState(args[0])
			case len(args) == 0 && plan != "":
				a.Plan, err = readPlan(plan)
			default:
				return failed(exitUsage, "diff: give a saved state or --plan FILE; see: tombolo diff --help")
			}
			if err != nil {
				return err
			}
			var found []why.Difference
			if err := s.question(c.Context(), "diff", a, &found); err != nil {
				return err
			}
			return printDifferences(found, output)
		},
	}
	cmd.Flags().StringVar(&save, "save", "", "save the present state in this file")
	cmd.Flags().StringVar(&plan, "plan", "", "compare with what this plan of Terraform's (show -json) or these EC2 calls would do; - reads standard input")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json, yaml")
	return cmd
}

func (s *site) saveState(ctx context.Context, path string) error {
	var rows []exported
	if err := s.question(ctx, "export", asked{}, &rows); err != nil {
		return err
	}
	doc, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(doc, '\n'), 0o600)
}

func readState(path string) ([]exported, error) {
	doc, err := os.ReadFile(path)
	if err != nil {
		return nil, failed(exitUsage, "diff: %w", err)
	}
	rows := []exported{}
	if err := json.Unmarshal(doc, &rows); err != nil {
		return nil, failed(exitUsage, "diff: %s was not made by tombolo diff --save: %w", path, err)
	}
	return rows, nil
}

// maxPlan is more than the largest plan that makes sense, in bytes.
const maxPlan = 64 << 20

func readPlan(path string) ([]string, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, failed(exitUsage, "diff: %w", err)
		}
		defer f.Close()
		in = f
	}
	doc, err := io.ReadAll(io.LimitReader(in, maxPlan))
	if err != nil {
		return nil, failed(exitUsage, "diff: %w", err)
	}
	if tfplan.Is(string(doc)) {
		return []string{string(doc)}, nil
	}
	var calls []string
	scan := bufio.NewScanner(bytes.NewReader(doc))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		if line := strings.TrimSpace(scan.Text()); line != "" && line[0] != '#' {
			calls = append(calls, line)
		}
	}
	if len(calls) == 0 {
		return nil, failed(exitUsage, "diff: the plan is empty")
	}
	return calls, scan.Err()
}

func printDifferences(found []why.Difference, output string) error {
	if output != "table" {
		if err := printDocument(found, output); err != nil {
			return err
		}
	}
	for _, d := range found {
		if output != "table" {
			break
		}
		if d.Opened != "" {
			fmt.Printf("+ %s → %s  %s\n", endText(d.Source), endText(d.Destination), d.Opened)
		}
		if d.Closed != "" {
			fmt.Printf("- %s → %s  %s\n", endText(d.Source), endText(d.Destination), d.Closed)
		}
	}
	if len(found) > 0 {
		return &exitError{code: exitNo}
	}
	return nil
}

func flowLogsCommand(s *site) *cobra.Command {
	a := asked{}
	cmd := &cobra.Command{
		Use: "flowlogs", GroupID: "look", Args: cobra.NoArgs,
		Short: "Show flow log records of the packets that pass",
		Long: `Flowlogs prints what the kernel accepted and rejected, in the format of VPC flow
logs: with --follow everything as it passes, on all interfaces and without any
flow log; else what was seen last. Flow logs that you create
(aws ec2 create-flow-logs) are written below STATE/buckets.`,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if a.Caller, err = s.caller(); err != nil {
				return err
			}
			err = s.socket().Follow(c.Context(), "flowlogs", a, func(piece json.RawMessage) error {
				var line string
				if err := json.Unmarshal(piece, &line); err != nil {
					return err
				}
				_, err := fmt.Println(line)
				return err
			})
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return answered(err)
		},
	}
	cmd.Flags().BoolVarP(&a.Follow, "follow", "f", false, "show records as packets pass, until interrupted")
	cmd.Flags().StringVar(&a.Format, "format", "", "fields, as in create-flow-logs --log-format (default: AWS's default)")
	return cmd
}

func traceCommand(s *site) *cobra.Command {
	q := why.Question{}
	cmd := &cobra.Command{
		Use: "trace SRC DST", GroupID: "look", Args: cobra.ExactArgs(2),
		Short: "Send one real probe and show what the kernel did with it, step by step",
		Long: `Trace sends one probe from SRC to DST and shows what the kernel did with it and
with its answer, next to what the analyzer (tombolo reach) says.

  tombolo trace marketing finance --port 80`,
		ValidArgsFunction: s.completeInstances,
		RunE: func(c *cobra.Command, args []string) error {
			q.Source, q.Destination = args[0], args[1]
			return s.trace(c.Context(), q)
		},
	}
	questionFlags(cmd, &q)
	return cmd
}

// settleTime is how long the kernel's last words may take after a probe.
const settleTime = 300 * time.Millisecond

func (s *site) trace(ctx context.Context, q why.Question) error {
	who, err := s.caller()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &labPrinter{color: colored(os.Stdout)}
	probed := make(chan error, 1)
	var answer why.Answer
	live := ""
	err = s.socket().Follow(ctx, "trace", asked{Caller: who, Question: q}, func(piece json.RawMessage) error {
		var t traced
		if err := json.Unmarshal(piece, &t); err != nil {
			return err
		}
		if t.Ready {
			answer = t.Answer
			go func() {
				var err error
				live, err = s.probe(ctx, answer)
				time.AfterFunc(settleTime, func() { probed <- err; cancel() })
			}()
			return nil
		}
		way := "→"
		if t.Step.Answer {
			way = "←"
		}
		end := ""
		if t.End != "" {
			end = "  " + p.paint("1", t.End)
		}
		fmt.Printf("%s %d  %-24s %s%s\n", way, t.Step.Packet, t.Step.At, t.Step.Says, end)
		return nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return answered(err)
	}
	select {
	case err := <-probed:
		if err != nil {
			return err
		}
	default:
		return err // interrupted
	}
	fmt.Println("the probe:", live)
	fmt.Println("the analyzer:", answer.Verdict)
	if answer.BlockedBy != nil {
		fmt.Printf("  %s (%s)\n", answer.BlockedBy.Sentence, answer.BlockedBy.Code)
	}
	if live == "silent" {
		return &exitError{code: exitNo}
	}
	return nil
}
