package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// Status is how well the world follows the State.
type Status struct {
	Durable uint64   // the generation that is on disk, and shown
	Obeyed  uint64   // the generation that packets obey
	Ready   bool     // packets have obeyed some State since the start
	Reasons []Reason // why it is degraded; none when all is well
}

// Degraded reports whether something is wrong. Calls still succeed: what they
// changed is durable, and where packets don't obey, interfaces are closed.
func (s Status) Degraded() bool { return len(s.Reasons) > 0 }

// Reason is one thing that is wrong.
type Reason struct {
	Part  string    // "store", "places", "plane", "guests" or "delay"
	Text  string    // one line
	Since time.Time // when Part began to fail
}

// Status is how well the world follows the State now.
func (c *Control) Status() Status {
	p := c.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	out := Status{Durable: c.State().Generation, Obeyed: p.obeyed, Ready: p.ready}
	for _, part := range parts {
		f := p.faults[part]
		for _, line := range f.lines {
			out.Reasons = append(out.Reasons, Reason{part, line, f.since})
		}
	}
	return out
}

// The parts of the program that can fail while the rest goes on.
const (
	partStore  = "store"  // the disk does not take changes
	partPlaces = "places" // Guests.Prepare: an instance has nowhere to plug interfaces into
	partPlane  = "plane"  // the kernel refuses steps
	partGuests = "guests" // Guests.Run
	partDelay  = "delay"  // a call gave up waiting for packets to obey
)

// parts in the order in which Status names them.
var parts = []string{partStore, partPlaces, partPlane, partGuests, partDelay}

// maxReasons bounds how many lines one part may have: a plane can refuse the
// same step for a thousand interfaces.
const maxReasons = 20

// fault is what is wrong with one part.
type fault struct {
	lines []string
	since time.Time
}

// progress is how far the plane has come. Whoever waits for it waits on changed,
// which is closed and replaced with every change.
type progress struct {
	now func() time.Time

	mu      sync.Mutex
	changed chan struct{}
	obeyed  uint64 // packets obey this generation
	tried   uint64 // and this is the last that the plane was asked for
	ready   bool   // obeyed means something
	begun   bool   // tried means something
	behind  uint64 // a call gave up waiting for this generation
	stopped bool
	faults  map[string]fault
}

func newProgress(now func() time.Time) *progress {
	return &progress{now: now, changed: make(chan struct{}), faults: map[string]fault{}}
}

func (p *progress) tellLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// report notes the outcome of one pass of the plane.
func (p *progress) report(generation uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried, p.begun = max(p.tried, generation), true
	if err == nil {
		p.obeyed, p.ready = max(p.obeyed, generation), true
		if p.obeyed >= p.behind {
			delete(p.faults, partDelay)
		}
	}
	p.tellLocked()
}

// late notes that a call gave up waiting for generation, and says whether that
// is news.
func (p *progress) late(generation uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready && p.obeyed >= generation {
		return false // just now
	}
	_, known := p.faults[partDelay]
	p.behind = max(p.behind, generation)
	if !known {
		p.faults[partDelay] = fault{lines: []string{"packets do not obey the newest changes yet"}, since: p.now()}
	}
	return !known
}

// news is what a part's latest outcome tells.
type news int

const (
	nothingNew news = iota
	broken
	mended
)

// outcome notes whether a part works.
func (p *progress) outcome(part string, err error) news {
	p.mu.Lock()
	defer p.mu.Unlock()
	was, failing := p.faults[part]
	if err == nil {
		delete(p.faults, part)
		if failing {
			return mended
		}
		return nothingNew
	}
	f := fault{lines: lines(err), since: was.since}
	if !failing {
		f.since = p.now()
	}
	p.faults[part] = f
	if slices.Equal(f.lines, was.lines) {
		return nothingNew
	}
	return broken
}

// lines are the single reasons that err joins, each on one line.
func lines(err error) []string {
	var out []string
	for _, line := range strings.Split(err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		out = []string{"unknown"}
	}
	if len(out) > maxReasons {
		out = append(out[:maxReasons], "and more of the kind")
	}
	return out
}

// patience is when a wait ends before packets obey.
type patience int

const (
	unconditionally patience = iota // never
	unlessRefused                   // when the plane was asked for the generation and failed
)

var errStopped = errors.New("the server has stopped")

// wait returns nil when packets obey generation, or the plane refused it and
// patience ends there.
func (p *progress) wait(ctx context.Context, generation uint64, how patience) error {
	for {
		p.mu.Lock()
		obeyed := p.ready && p.obeyed >= generation
		refused := p.begun && p.tried >= generation && how == unlessRefused
		changed, stopped := p.changed, p.stopped
		p.mu.Unlock()
		if obeyed || refused {
			return nil
		}
		if stopped {
			return errStopped
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stop ends every wait.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.tellLocked()
}

// note keeps a part's outcome for Status and logs what is new about it.
func (c *Control) note(part string, generation uint64, err error) {
	switch c.progress.outcome(part, err) {
	case broken:
		c.Log.Error(part+" fails; it is tried again", "generation", generation, "error", err)
	case mended:
		c.Log.Info(part+" works again", "generation", generation)
	}
}
