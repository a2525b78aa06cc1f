package delivery

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tombolo/bucket"
	"tombolo/flowlog"
	"tombolo/network"
)

var (
	home   = network.Caller{Account: "123456789010", Region: "us-east-1"}
	dayOne = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
)

// site is a State with two servers, a plane that counts what it is told, and files
// in memory.
type site struct {
	*testing.T
	*Collector
	mu       sync.Mutex
	state    network.State
	dice     uint64
	now      time.Time
	a, b     *network.ENI
	next     flowlog.Reading
	readErr  error
	readings int
	heard    []flowlog.Audience
	deaf     error
	files    map[string]string
	broken   bool
	reports  []string
}

func newSite(t *testing.T) *site {
	w := &site{T: t, now: dayOne, files: map[string]string{}}
	w.Collector = New(Config{Meter: w, State: w.State, Files: w, Report: w.report, ZoneID: func(string) string { return "use1-az1" }})
	v := network.VPCID(w.do(network.CreateVPC{CIDR: netip.MustParsePrefix("10.0.0.0/16")}))
	n := network.SubnetID(w.do(network.CreateSubnet{VPC: v, CIDR: netip.MustParsePrefix("10.0.0.0/24"), Zone: "us-east-1a", Zones: []string{"us-east-1a"}}))
	w.a, w.b = w.server(n, "10.0.0.10"), w.server(n, "10.0.0.20")
	return w
}

func (w *site) do(r network.Request) string {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dice++
	op := network.Op{Caller: home, At: w.now, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], w.dice)
	next, err := w.state.Apply(op)
	if err != nil {
		w.Fatalf("%T: %v", r, err)
	}
	w.state = next
	if made := next.Outcome().Created; len(made) > 0 {
		return made[len(made)-1]
	}
	return ""
}

func (w *site) server(n network.SubnetID, address string) *network.ENI {
	w.Helper()
	a := netip.MustParseAddr(address)
	id := w.do(network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", MaxInterfaces: 4, MaxAddrs: 15,
		Interfaces: []network.InterfaceSpec{{New: network.ENISpec{Subnet: n, Addrs: []netip.Addr{a}}, DeleteOnTermination: true}}})
	w.do(network.ReportStarted{Instance: network.InstanceID(id)})
	return w.state.ENIWith(w.state.Subnet(n).VPC, a)
}

func (w *site) log(of string, interval int) network.FlowLogID {
	w.Helper()
	return network.FlowLogID(w.do(network.CreateFlowLogs{Resources: []string{of}, FlowLogSpec: network.FlowLogSpec{
		Traffic: network.TrafficAll, Bucket: "records", Prefix: "net", Format: "${interface-id} ${dstport} ${packets} ${start} ${end} ${action} ${log-status}", Interval: interval}}))
}

func (w *site) State() network.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

func (w *site) Flows() (flowlog.Reading, error) {
	out := w.next
	w.next = flowlog.Reading{}
	w.readings++
	return out, w.readErr
}

func (w *site) Listen(_ context.Context, to flowlog.Audience) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, to)
	return w.deaf
}

func (w *site) Put(name, key string, content []byte) error {
	if w.broken {
		return errors.New("disk full")
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(z)
	w.files[name+"/"+key] = string(text)
	return err
}

func (w *site) report(_ context.Context, f *network.FlowLog, problem string) error {
	w.reports = append(w.reports, problem)
	w.do(network.ReportDelivery{FlowLog: f.ID, Problem: problem})
	return nil
}

// pass is a number of packets from a to b.
func (w *site) pass(port uint16, packets uint64) {
	w.next.Counts = append(w.next.Counts, flowlog.Count{Fate: flowlog.Passed, From: w.a.ID, To: w.b.ID, Source: w.a.Addrs[0], Dest: w.b.Addrs[0],
		Protocol: 17, DestPort: port, Packets: packets, Bytes: packets * 28})
}

// until lets time pass, second by second.
func (w *site) until(seconds int) {
	w.Helper()
	for w.now.Before(dayOne.Add(time.Duration(seconds) * time.Second)) {
		w.now = w.now.Add(time.Second)
		w.tick(w.Context(), w.now)
	}
}

// written is all records on disk, without their times.
func (w *site) written() []string {
	names := map[network.ENIID]string{w.a.ID: "a", w.b.ID: "b"}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(w.files)) {
		for _, line := range strings.Split(strings.TrimSpace(w.files[key]), "\n")[1:] {
			f := strings.Fields(line)
			out = append(out, strings.Join([]string{names[network.ENIID(f[0])], f[1], f[2], f[5], f[6]}, " "))
		}
	}
	slices.Sort(out)
	return out
}

func (w *site) wrote(want ...string) {
	w.Helper()
	if got := w.written(); !slices.Equal(got, want) {
		w.Errorf("written:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNothingIsReadForNobody(t *testing.T) {
	w := newSite(t)
	w.until(30)
	if w.readings > 0 || len(w.files) > 0 {
		t.Errorf("%d readings, files %v", w.readings, w.files)
	}
}

func TestAnIntervalIsWrittenWhenItEnds(t *testing.T) {
	w := newSite(t)
	w.until(5)
	w.log(string(w.a.ID), 60)
	w.pass(80, 3)
	w.until(30)
	w.pass(80, 4)
	w.until(59)
	if len(w.files) > 0 {
		t.Errorf("written too early: %v", w.files)
	}
	w.pass(81, 1)
	w.until(61)
	w.wrote("a 80 7 ACCEPT OK", "a 81 1 ACCEPT OK")
	for key, text := range w.files {
		if dir := "records/net/AWSLogs/123456789010/vpcflowlogs/us-east-1/2026/12/01/123456789010_vpcflowlogs_us-east-1_fl-"; !strings.HasPrefix(key, dir) || !strings.Contains(key, "_20261201T0901Z_") {
			t.Errorf("key %s", key)
		}
		if !strings.HasPrefix(text, "interface-id dstport packets start end action log-status\n") {
			t.Errorf("header of %q", text)
		}
		for line := range strings.Lines(text[strings.Index(text, "\n")+1:]) {
			f := strings.Fields(line)
			from, to := fmt.Sprint(dayOne.Unix()), fmt.Sprint(dayOne.Add(time.Minute).Unix())
			if f[3] < from || f[4] > to || f[3] >= f[4] {
				t.Errorf("times of %q", line)
			}
		}
	}
	if w.readings > 9 {
		t.Errorf("%d readings in a minute", w.readings)
	}
	w.until(125)
	w.wrote("a - - - NODATA", "a 80 7 ACCEPT OK", "a 81 1 ACCEPT OK")
}

func TestTenMinutesAreTenMinutes(t *testing.T) {
	w := newSite(t)
	w.log(string(w.b.ID), 600)
	w.pass(80, 1)
	w.until(599)
	if len(w.files) > 0 {
		t.Error("written too early")
	}
	w.pass(80, 1)
	w.until(601)
	w.wrote("b 80 2 ACCEPT OK")
}

func TestADeletedFlowLogIsWrittenToTheEnd(t *testing.T) {
	w := newSite(t)
	id := w.log(string(w.a.Subnet), 60)
	w.until(10)
	w.pass(80, 2)
	w.do(network.DeleteFlowLogs{FlowLogs: []network.FlowLogID{id}})
	w.until(12)
	w.wrote("a 80 2 ACCEPT OK", "b 80 2 ACCEPT OK")
	before := w.readings
	w.until(60)
	if w.readings != before || len(w.sums) > 0 {
		t.Error("it goes on")
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	for name, miss := range map[string]func(w *site){
		"no room":       func(w *site) { w.next.Skip(w.a.ID, 5) },
		"another plane": func(w *site) { w.next.Gap = true },
		"unreadable":    func(w *site) { w.readErr = errors.New("no") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newSite(t)
			w.log(string(w.a.ID), 60)
			w.until(20)
			w.pass(80, 2)
			miss(w)
			w.until(31)
			w.readErr = nil
			w.until(61)
			w.wrote("a - - - SKIPDATA", "a 80 2 ACCEPT OK")
			w.until(121)
			w.wrote("a - - - NODATA", "a - - - SKIPDATA", "a 80 2 ACCEPT OK")
		})
	}
}

func TestAFailedDeliveryIsReportedAndTriedAgain(t *testing.T) {
	w := newSite(t)
	id := w.log(string(w.a.ID), 60)
	w.broken = true
	w.pass(80, 2)
	w.until(62)
	if got := w.State().FlowLog(id).Problem; got != "Access error" {
		t.Errorf("the problem is %q", got)
	}
	w.pass(81, 3)
	w.until(125)
	w.broken = false
	w.until(130)
	w.wrote("a 80 2 ACCEPT OK", "a 81 3 ACCEPT OK")
	if !slices.Equal(w.reports, []string{"Access error", ""}) || w.State().FlowLog(id).Problem != "" {
		t.Errorf("reported %q", w.reports)
	}
	// What can't be kept is said.
	w.broken = true
	w.until(60 * (mostUnsent + 5))
	w.broken = false
	w.until(60 * (mostUnsent + 6))
	if !slices.Contains(w.written(), "a - - - SKIPDATA") {
		t.Errorf("nothing is missing: %v", w.written())
	}
}

func TestTheEndWritesWhatThereIs(t *testing.T) {
	w := newSite(t)
	w.log(string(w.a.ID), 600)
	w.until(3)
	w.pass(80, 2)
	if err := w.finish(w.now); err != nil {
		t.Fatal(err)
	}
	w.wrote("a 80 2 ACCEPT OK")
	w.broken = true
	if err := w.finish(w.now.Add(time.Second)); err == nil {
		t.Error("nobody says that it failed")
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	w := newSite(t)
	w.now = time.Now().Add(-time.Second)
	w.log(string(w.a.ID), 600)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Collector.Run(ctx) }()
	ears, err := w.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for range ears {
	}
}

func TestWhoListensHearsAtOnce(t *testing.T) {
	w := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	one, err := w.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	two, err := w.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.pass(80, 1)
	w.until(1)
	for _, c := range []<-chan Batch{one, two} {
		b := <-c
		if len(b.Records) != 2 || b.Records[0].Interface != w.a || b.Records[1].Direction != flowlog.Ingress || b.Incomplete || b.Missed > 0 {
			t.Errorf("heard %+v", b)
		}
	}
	cancel()
	for range one {
	}
	// Who does not read is told what it missed.
	for i := range batchesKept + 3 {
		w.pass(81, 1)
		w.until(2 + i)
	}
	for range batchesKept {
		<-two
	}
	w.next.Gap = true
	w.until(batchesKept + 10)
	if b := <-two; b.Missed != 3 || !b.Incomplete {
		t.Errorf("missed %d, incomplete %v", b.Missed, b.Incomplete)
	}
	if got := w.Recent(); len(got) != 2*(batchesKept+4) || got[0].DestPort != 80 {
		t.Errorf("%d records are remembered", len(got))
	}
	if !slices.Equal(w.heard, []flowlog.Audience{flowlog.OfEverything}) {
		t.Errorf("the plane was told %v", w.heard)
	}
}

func TestTheLastListenerTurnsItOff(t *testing.T) {
	w := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	ears, err := w.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range ears {
	}
	w.turn.Lock() // the plane is told after the channel is closed
	defer w.turn.Unlock()
	if !slices.Equal(w.heard, []flowlog.Audience{flowlog.OfEverything, flowlog.OfFlowLogs}) {
		t.Errorf("the plane was told %v", w.heard)
	}
}

func TestAPlaneThatCannotListenIsAnError(t *testing.T) {
	w := newSite(t)
	w.deaf = errors.New("no")
	if _, err := w.Subscribe(t.Context()); !errors.Is(err, w.deaf) {
		t.Error(err)
	}
	w.until(3)
	if w.readings > 0 {
		t.Error("it is read for nobody")
	}
}

func TestOnlyTheLastRecordsAreRemembered(t *testing.T) {
	w := newSite(t)
	w.log(string(w.a.ID), 60)
	for port := range uint16(700) {
		w.pass(port, 1)
	}
	w.until(11)
	if got := w.Recent(); len(got) != recentKept || got[recentKept-1].DestPort != 699 {
		t.Errorf("%d are remembered", len(got))
	}
}

// Objects are complete files below the directory of buckets.
func TestObjectsAreFiles(t *testing.T) {
	dir := t.TempDir()
	b, err := bucket.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	files := ToBuckets{b}
	if err := files.Put("records", "a/b.log.gz", []byte("x")); err != nil {
		t.Fatal(err)
	}
	got, err := filepath.Glob(filepath.Join(dir, "records", "a", "*"))
	if err != nil || len(got) != 1 || filepath.Base(got[0]) != "b.log.gz" {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range [][2]string{{"..", "x"}, {"records", "../../x"}, {"Records", "x"}} {
		if err := files.Put(bad[0], bad[1], nil); err == nil {
			t.Errorf("%v is written", bad)
		}
	}
}
