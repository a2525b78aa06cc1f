package kernel_test

import (
	"compress/gzip"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tombolo/bucket"
	"tombolo/flowlog"
	"tombolo/flowlog/delivery"
	"tombolo/internal/testnet"
	"tombolo/network"
)

// collect runs a Collector before this site's plane until the test ends, or stop.
func (w *site) collect(dir string) (c *delivery.Collector, stop func()) {
	w.Helper()
	b, err := bucket.Open(dir)
	if err != nil {
		w.Fatal(err)
	}
	c = delivery.New(delivery.Config{
		Meter: w.plane, State: func() network.State { return w.State }, Files: delivery.ToBuckets{Buckets: b},
		Report: func(context.Context, *network.FlowLog, string) error { return nil }, ZoneID: func(string) string { return "use1-az1" },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			w.Error(err)
		}
		if err := b.Close(); err != nil {
			w.Error(err)
		}
	}
	w.Cleanup(stop)
	return c, stop
}

// objects are the lines of all objects below a directory of buckets.
func objects(t testing.TB, dir string) (lines []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".log.gz") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(z)
		lines = append(lines, strings.Split(strings.TrimSpace(string(text)), "\n")[1:]...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// TestFlowLogsHaveWhatPassed goes all the way: packets, counts, records, files.
func TestFlowLogsHaveWhatPassed(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{From: 9, To: 9}, "0.0.0.0/0")
	a, b := w.server(n, "10.0.0.10", g), w.server(n, "10.0.0.20", g)
	w.do(network.CreateFlowLogs{Resources: []string{string(v)}, FlowLogSpec: network.FlowLogSpec{Traffic: network.TrafficAll, Bucket: "records", Prefix: "net",
		Format: "${srcaddr} ${dstaddr} ${dstport} ${protocol} ${packets} ${bytes} ${action} ${flow-direction} ${traffic-path} ${log-status}", Interval: 600}})
	w.obey()
	dir := t.TempDir()
	_, stop := w.collect(dir)
	a.shower(b.addr, 9, 50, 100)
	a.shower(b.addr, 10, 3, 0)
	w.quiet()
	stop()
	var got []string
	for _, line := range objects(t, dir) {
		if strings.Contains(line, " 17 ") {
			got = append(got, line)
		}
	}
	want := []string{
		"10.0.0.10 10.0.0.20 10 17 3 84 ACCEPT egress 1 OK", "10.0.0.10 10.0.0.20 10 17 3 84 REJECT ingress - OK",
		"10.0.0.10 10.0.0.20 9 17 50 6400 ACCEPT egress 1 OK", "10.0.0.10 10.0.0.20 9 17 50 6400 ACCEPT ingress - OK",
	}
	if !slices.Equal(got, want) {
		t.Errorf("written:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWhatPassesIsShownLive to whoever subscribes, without any flow log, and within
// moments.
func TestWhatPassesIsShownLive(t *testing.T) {
	w := newSite(t)
	v, n := w.vpc("10.0.0.0/16")
	g := w.group(v, "g")
	w.allow(g, network.UDP, network.PortRange{From: 9, To: 9}, "0.0.0.0/0")
	a, b := w.server(n, "", g), w.server(n, "", g)
	w.obey()
	before := w.ruleset()
	c, stop := w.collect(t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	live, err := c.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a.shower(b.addr, 9, 7, 1)
	sums := map[flowlog.Direction]uint64{}
	for batch := range live {
		for _, r := range batch.Records {
			if r.Protocol == 17 {
				sums[r.Direction] += r.Packets
			}
		}
		if sums[flowlog.Egress] >= 7 {
			cancel()
		}
	}
	if sums[flowlog.Egress] != 7 || sums[flowlog.Ingress] != 7 {
		t.Errorf("shown: %v, want 7 each way", sums)
	}
	stop()
	w.quiet()
	if after := w.ruleset(); after != before {
		t.Errorf("it left something behind:\n%s", after)
	}
}

// TestDeliveryAsOrdinaryUser does it without root.
func TestDeliveryAsOrdinaryUser(t *testing.T) {
	testnet.RunAsOrdinaryUser(t, "^(TestFlowLogsHaveWhatPassed|TestWhatPassesIsShownLive)$")
}
