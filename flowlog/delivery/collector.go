package delivery

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"tombolo/flowlog"
	"tombolo/network"
)

// Meter is a plane that counts flows.
type Meter interface {
	// Flows is what was counted since the last call.
	Flows() (flowlog.Reading, error)
	// Listen makes it count for an audience, and returns when it does.
	Listen(context.Context, flowlog.Audience) error
}

// Files is where objects are written.
type Files interface {
	// Put writes an object: all of it, or none.
	Put(bucket, key string, content []byte) error
}

// Config is what a Collector works with.
type Config struct {
	Meter  Meter
	State  func() network.State
	Files  Files
	Report func(ctx context.Context, log *network.FlowLog, problem string) error // how a delivery went, when that has changed
	ZoneID func(zone string) string
}

// How often counts are read: what people see live is a second old, and what is
// written down says its times to ten seconds (AWS says up to a minute).
const (
	beat        = time.Second
	readEvery   = 10 * time.Second
	recentKept  = 1000
	batchesKept = 64
	// Nothing is read while a report waits for the plane to obey.
	reportWithin = 5 * time.Second
)

// Collector reads, adds up, writes and shows. Its methods may be called from
// several goroutines.
type Collector struct {
	config Config

	mu        sync.Mutex
	read      time.Time     // when counts were last read; zero before the first time
	before    network.State // at that time
	sums      map[network.FlowLogID]*work
	listeners map[*listener]bool
	recent    []flowlog.Record
	turn      sync.Mutex // one Listen at a time
}

// work is a flow log's present interval and what could not be written yet.
type work struct {
	log     *network.FlowLog
	sum     *flowlog.Sum
	unsent  []object
	problem string // that was reported last
}

// object is a file to be.
type object struct {
	key  string
	text []byte
}

// mostUnsent is how many intervals are kept for a bucket that can't be written to.
const mostUnsent = 10

// New makes a Collector that does nothing before Run.
func New(c Config) *Collector {
	return &Collector{config: c, sums: map[network.FlowLogID]*work{}, listeners: map[*listener]bool{}}
}

// Run reads and writes until ctx ends, and then writes down what was not complete.
// It gives the errors of its end: those on the way were reported.
func (c *Collector) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return c.finish(time.Now())
		case now := <-timer.C:
			c.tick(ctx, now)
			// At whole seconds: intervals end there.
			timer.Reset(time.Until(now.Truncate(beat).Add(beat)))
		}
	}
}

// tick does what is due.
func (c *Collector) tick(ctx context.Context, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.config.State()
	c.adopt(s, now)
	if len(c.sums) == 0 && len(c.listeners) == 0 {
		c.read = time.Time{}
		return
	}
	if c.due(s, now) {
		c.take(s, now)
	}
	for id, w := range c.sums {
		gone := s.FlowLog(id) == nil
		if end := now.Truncate(w.interval()); gone || w.sum.Start().Before(end) {
			if gone {
				end = now
			}
			complete := w.close(c.scene(s), end)
			w.sum = flowlog.NewSum(w.log, end)
			if !complete {
				w.skipAll(s)
			}
		}
		c.deliver(ctx, w)
		if gone {
			delete(c.sums, id)
		}
	}
}

func (w *work) interval() time.Duration { return time.Duration(w.log.Interval) * time.Second }

// adopt begins an interval for each new flow log, when it was made.
func (c *Collector) adopt(s network.State, now time.Time) {
	for f := range s.FlowLogs() {
		w := c.sums[f.ID]
		if w == nil {
			start := now.Truncate(time.Duration(f.Interval) * time.Second)
			if f.Created.After(start) {
				start = f.Created
			}
			w = &work{sum: flowlog.NewSum(f, start), problem: f.Problem}
			c.sums[f.ID] = w
		}
		w.log = f
	}
}

// due reports whether counts must be read now: somebody watches, it is time, an
// interval has ended, or a flow log.
func (c *Collector) due(s network.State, now time.Time) bool {
	if len(c.listeners) > 0 || now.Sub(c.read) >= readEvery {
		return true
	}
	for id, w := range c.sums {
		if s.FlowLog(id) == nil || w.sum.Start().Before(now.Truncate(w.interval())) {
			return true
		}
	}
	return false
}

func (c *Collector) scene(s network.State) flowlog.Scene {
	return flowlog.Scene{Now: s, Before: c.before, ZoneID: c.config.ZoneID}
}

// take reads the plane's counts and adds them up. What can't be read is a gap for
// everybody.
func (c *Collector) take(s network.State, now time.Time) {
	since := c.read
	if since.IsZero() || since.After(now) {
		since = now.Add(-beat)
	}
	reading, err := c.config.Meter.Flows()
	scene := c.scene(s)
	records := scene.Records(reading.Counts, since, now)
	for _, w := range c.sums {
		w.sum.Add(records)
		if err != nil || reading.Gap {
			w.skipAll(s)
		}
		for id := range reading.Skipped {
			if e := s.ENI(id); e != nil {
				w.sum.Skip(e)
			}
		}
	}
	c.show(Batch{Records: records, Incomplete: err != nil || reading.Gap || len(reading.Skipped) > 0})
	c.read, c.before = now, s
}

// skipAll notes that something is missing of every interface.
func (w *work) skipAll(s network.State) {
	for e := range s.ENIs() {
		w.sum.Skip(e)
	}
}

// close makes an object of the interval. It reports false when an older one had to
// go for it.
func (w *work) close(scene flowlog.Scene, end time.Time) bool {
	records := w.sum.Close(scene, end)
	if len(records) == 0 {
		return true
	}
	format, err := flowlog.ParseFormat(w.log.Format)
	if err != nil {
		format, _ = flowlog.ParseFormat("") // it was checked when the flow log was made
	}
	text := []byte(format.Header() + "\n")
	for _, r := range records {
		text = append(append(text, format.Line(r)...), '\n')
	}
	h := fnv.New32a()
	_, _ = h.Write(text)
	fmt.Fprintf(h, "%s %d", w.log.ID, end.UnixNano())
	complete := len(w.unsent) < mostUnsent
	if !complete {
		w.unsent = w.unsent[1:]
	}
	w.unsent = append(w.unsent, object{flowlog.ObjectKey(w.log, end, h.Sum32()), text})
	return complete
}

// deliver writes what is complete, and reports when that goes otherwise than before.
func (c *Collector) deliver(ctx context.Context, w *work) {
	problem := w.problem
	for len(w.unsent) > 0 {
		if err := c.put(w.log.Bucket, w.unsent[0]); err != nil {
			problem = "Access error" // AWS: DescribeFlowLogs, deliverLogsErrorMessage
			break
		}
		w.unsent, problem = w.unsent[1:], ""
	}
	if problem == w.problem {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reportWithin)
	defer cancel()
	if c.config.Report(ctx, w.log, problem) == nil {
		w.problem = problem
	}
}

func (c *Collector) put(bucket string, o object) error {
	content, err := compress(o.text)
	if err != nil {
		return err
	}
	return c.config.Files.Put(bucket, o.key, content)
}

// finish writes down what there is of intervals that have not ended.
func (c *Collector) finish(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.config.State()
	if len(c.sums) == 0 {
		return nil
	}
	c.take(s, now)
	var errs []error
	for _, w := range c.sums {
		_ = w.close(c.scene(s), now)
		for _, o := range w.unsent {
			errs = append(errs, c.put(w.log.Bucket, o))
		}
		w.unsent = nil
	}
	return errors.Join(errs...)
}
