// Command bench measures Tombolo as a user meets it: durable calls per second and
// latency over HTTP, start-up time, memory, instances per second, and the time
// from a change to its effect. It starts private daemons, prints a table and writes
// bench/out/api.json and a plot, api.svg. It asserts nothing. Packet rates are measured
// against a bare veth pair by a test of linux/kernel, which `make bench` runs too.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tombolo/client"
)

// row is one measured figure.
type row struct {
	Test    string  `json:"test"`
	Scale   int     `json:"scale"`             // VPCs, or instances, that existed at the start
	Clients int     `json:"clients,omitempty"` // that called at the same time
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	P50     float64 `json:"p50_ms,omitempty"`
	P99     float64 `json:"p99_ms,omitempty"`
}

// parts are what can be measured alone, by name: bench api fabric.
var parts = []struct {
	name    string
	measure func(context.Context) ([]row, error)
}{{"api", measureAPI}, {"yardstick", measureYardstick}, {"fabric", measureFabric}, {"sessions", measureSessions}}

func main() {
	ctx := context.Background()
	var rows []row
	for _, p := range parts {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], p.name) {
			continue
		}
		more, err := p.measure(ctx)
		rows = append(rows, more...)
		// What was measured is kept, whatever happens to the rest.
		if err := report(more, rows); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

// daemon is a private one.
type daemon struct {
	cmd  *exec.Cmd
	api  *client.Client
	took time.Duration
	busy float64 // processor time until it was ready, in ms
}

func start(dir, fabric string) (*daemon, error) {
	begin := time.Now()
	d := &daemon{cmd: exec.Command("bin/tombolo", "serve", "--fabric", fabric, "--state", dir, "--listen", "127.0.0.1:0")}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("daemon not ready: %w", err)
	}
	d.took, d.busy = time.Since(begin), d.work()
	var keys struct {
		Keys []struct {
			ID     string `json:"access_key_id"`
			Secret string `json:"secret_access_key"`
		} `json:"keys"`
	}
	doc, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(doc, &keys); err != nil {
		return nil, err
	}
	url := strings.Fields(line)[3]
	d.api = &client.Client{Endpoint: url, Region: "us-east-1", AccessKey: keys.Keys[0].ID, Secret: keys.Keys[0].Secret}
	return d, nil
}

func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	_ = d.cmd.Wait()
}

// down ends the daemon and everything that it made.
func (d *daemon) down(dir string) {
	if out, err := exec.Command("bin/tombolo", "down", "--state", dir).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: down: %v\n%s", err, out)
	}
	_ = d.cmd.Wait()
}

// work is the processor time that the daemon has used, in ms: unlike the time on
// the wall it is the same on a machine that has other things to do.
func (d *daemon) work() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// After the name, which may hold anything, user and system time are the 12th and
	// 13th field, in ticks of 10 ms (proc(5)).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system float64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0
	}
	return (user + system) * 10
}

// rss is the daemon's resident memory in MiB.
func (d *daemon) rss() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}

// report prints the rows that came last, and writes all.
func report(last, rows []row) error {
	fmt.Printf("%-42s %8s %8s %12s %-8s %9s %9s\n", "test", "scale", "clients", "value", "unit", "p50 ms", "p99 ms")
	for _, r := range last {
		fmt.Printf("%-42s %8d %8d %12.1f %-8s %9.2f %9.2f\n", r.Test, r.Scale, r.Clients, r.Value, r.Unit, r.P50, r.P99)
	}
	if err := os.MkdirAll("bench/out", 0o755); err != nil {
		return err
	}
	if err := plot("bench/out/api.svg", rows); err != nil {
		return err
	}
	doc, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile("bench/out/api.json", append(doc, '\n'), 0o644)
}
