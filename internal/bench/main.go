// Command bench measures Tombolo as a user meets it: durable calls per second and
// latency over HTTP, start-up time, memory, instances per second, and the time
// from a rule's change to its effect. It starts private daemons, prints a table
// and writes bench/out/api.json. It asserts nothing. Packet rates are measured
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
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tombolo/client"
)

// row is one measured figure.
type row struct {
	Test  string  `json:"test"`
	Scale int     `json:"scale"` // VPCs that existed at the start
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	P50   float64 `json:"p50_ms,omitempty"`
	P99   float64 `json:"p99_ms,omitempty"`
}

const (
	clients = 8
	period  = 3 * time.Second
)

func main() {
	rows, err := measure(context.Background())
	if err == nil {
		var more []row
		more, err = measureFabric(context.Background())
		rows = append(rows, more...)
	}
	if err == nil {
		var more []row
		more, err = measureSessions(context.Background())
		rows = append(rows, more...)
	}
	if err == nil {
		err = report(rows)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "tombolo-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	d, err := start(dir, "none")
	if err != nil {
		return nil, err
	}
	defer func() { d.stop() }()
	rows = append(rows, row{Test: "start-up, empty", Value: d.took.Seconds() * 1e3, Unit: "ms"}, row{Test: "memory, empty (RSS)", Value: d.rss(), Unit: "MiB"})
	for _, c := range []struct {
		name   string
		action string
		params []string
	}{
		{"CreateVpc", "CreateVpc", []string{"CidrBlock", "10.0.0.0/16"}},
		{"DescribeVpcs by id", "DescribeVpcs", []string{"VpcId.1", ""}},
	} {
		id, count, err := d.oneVPC(ctx)
		if err != nil {
			return nil, err
		}
		for i := range c.params {
			if c.params[i] == "" {
				c.params[i] = id
			}
		}
		r, err := d.load(ctx, c.action, c.params)
		if err != nil {
			return nil, err
		}
		r.Test, r.Scale = c.name, count
		rows = append(rows, r)
	}
	_, count, err := d.oneVPC(ctx)
	if err != nil {
		return nil, err
	}
	d.stop()
	if d, err = start(dir, "none"); err != nil {
		return nil, err
	}
	rows = append(rows, row{Test: "start-up", Scale: count, Value: d.took.Seconds() * 1e3, Unit: "ms"}, row{Test: "memory (RSS)", Scale: count, Value: d.rss(), Unit: "MiB"})
	return rows, nil
}

// daemon is a private one.
type daemon struct {
	cmd  *exec.Cmd
	api  *client.Client
	took time.Duration
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
	d.took = time.Since(begin)
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

// oneVPC is the ID of some VPC and how many there are.
func (d *daemon) oneVPC(ctx context.Context) (string, int, error) {
	tree, err := d.api.Call(ctx, "DescribeVpcs")
	if err != nil {
		return "", 0, err
	}
	vpcs := tree.Items("vpcSet")
	return vpcs[0].Text("vpcId"), len(vpcs), nil
}

// load calls one action from several clients at once for a while.
func (d *daemon) load(ctx context.Context, action string, params []string) (row, error) {
	var mu sync.Mutex
	var took []time.Duration
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	begin := time.Now()
	for range clients {
		all.Go(func() {
			var mine []time.Duration
			for time.Since(begin) < period {
				t := time.Now()
				if _, err := d.api.Call(ctx, action, params...); err != nil {
					failed.Store(&err)
					break
				}
				mine = append(mine, time.Since(t))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	all.Wait()
	elapsed := time.Since(begin)
	if err := failed.Load(); err != nil && len(took) == 0 {
		return row{}, *err
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s stopped early: %v\n", action, *err)
	}
	slices.Sort(took)
	ms := func(q float64) float64 { return took[int(q*float64(len(took)-1))].Seconds() * 1e3 }
	return row{Value: float64(len(took)) / elapsed.Seconds(), Unit: "calls/s", P50: ms(0.5), P99: ms(0.99)}, nil
}

func report(rows []row) error {
	fmt.Printf("%-24s %8s %12s %-8s %9s %9s\n", "test", "scale", "value", "unit", "p50 ms", "p99 ms")
	for _, r := range rows {
		fmt.Printf("%-24s %8d %12.1f %-8s %9.2f %9.2f\n", r.Test, r.Scale, r.Value, r.Unit, r.P50, r.P99)
	}
	if err := os.MkdirAll("bench/out", 0o755); err != nil {
		return err
	}
	doc, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile("bench/out/api.json", append(doc, '\n'), 0o644)
}
