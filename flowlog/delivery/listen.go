package delivery

import (
	"context"

	"tombolo/flowlog"
)

// Batch is what was seen in one reading.
type Batch struct {
	Records    []flowlog.Record
	Incomplete bool // there was more than was counted
	Missed     int  // batches before this one that the subscriber was too slow for
}

// listener is one subscriber.
type listener struct {
	batches chan Batch
	missed  int
}

// Subscribe gives the records of all interfaces, of all accounts, as they are read,
// until ctx ends; the channel is closed then. From the first subscriber to the last
// the plane counts everything, without any flow log. Who is slow misses batches and
// is told so: nobody waits for a subscriber.
func (c *Collector) Subscribe(ctx context.Context) (<-chan Batch, error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	l := &listener{batches: make(chan Batch, batchesKept)}
	c.mu.Lock()
	first := len(c.listeners) == 0
	c.listeners[l] = true
	c.mu.Unlock()
	if first {
		if err := c.config.Meter.Listen(ctx, flowlog.OfEverything); err != nil {
			c.leave(l)
			return nil, err
		}
	}
	context.AfterFunc(ctx, func() { c.unsubscribe(l) })
	return l.batches, nil
}

// leave takes a subscriber away, and reports whether it was the last.
func (c *Collector) leave(l *listener) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.listeners, l)
	close(l.batches)
	return len(c.listeners) == 0
}

func (c *Collector) unsubscribe(l *listener) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.leave(l) {
		// The next change of anything sees to it when this fails.
		_ = c.config.Meter.Listen(context.Background(), flowlog.OfFlowLogs)
	}
}

// show gives a batch to all subscribers, and keeps the last records.
func (c *Collector) show(b Batch) {
	if len(b.Records) == 0 && !b.Incomplete {
		return
	}
	c.recent = append(c.recent, b.Records...)
	if n := len(c.recent); n > recentKept {
		c.recent = append([]flowlog.Record(nil), c.recent[n-recentKept:]...)
	}
	for l := range c.listeners {
		b.Missed = l.missed
		select {
		case l.batches <- b:
			l.missed = 0
		default:
			l.missed++
		}
	}
}

// Recent are the last records that were read, for flow logs or for a subscriber.
func (c *Collector) Recent() []flowlog.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]flowlog.Record(nil), c.recent...)
}
