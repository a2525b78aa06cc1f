package network

import (
	"encoding/binary"
	"time"
)

// How long AWS shows a thing that has ended, and how long a peering request waits
// (AWS: VPC peering connection lifecycle; Terminate Amazon EC2 instances;
// Ensuring idempotency in Amazon EC2 API requests).
const (
	peeringExpiry      = 7 * 24 * time.Hour
	peeringFailedShown = 2 * time.Hour
	peeringEndedBrief  = 2 * time.Hour
	peeringEndedShown  = 48 * time.Hour
	terminatedShown    = time.Hour
	tokenKept          = 24 * time.Hour
)

// Due is when the next Settle has something to do; the zero Time means never.
// A time in the past, or equal to the time of the last op, means at once.
func (s State) Due() time.Time {
	if row := s.timers.next(); row != nil {
		return row.due()
	}
	return time.Time{}
}

// Settle moves on everything that is due at the op's time: a requested peering
// becomes pending or fails, a provisioning one active, a deleting one deleted,
// an old request expires, what AWS shows for a while after its end is
// forgotten. State.Due says when.
type Settle struct{}

// apply ends, because settle leaves a row due later than it was, or not at all.
func (r Settle) apply(e *edit) error {
	for row := e.timers.next(); row != nil && !row.due().After(e.op.At); row = e.timers.next() {
		row.settle(e)
	}
	return nil
}

// timed is a row that changes by itself when its time has come.
type timed interface {
	due() time.Time // the zero Time means never
	settle(*edit)
}

// timers are the timed rows in the order in which they are due.
type timers struct{ tree[timed] }

// timerKey sorts by time, then by key. Times before 1970 do not occur.
func timerKey(key string, due time.Time) string {
	return string(append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), uint64(due.UnixNano())), key...))
}

func (t *timers) add(by *turn, key string, row timed) {
	if due := row.due(); !due.IsZero() {
		t.set(by, timerKey(key, due), row)
	}
}

func (t *timers) remove(by *turn, key string, due time.Time) {
	if !due.IsZero() {
		t.delete(by, timerKey(key, due))
	}
}

// next is the row that is due first; nil when none ever is.
func (t timers) next() timed {
	row, _ := t.first()
	return row
}

// due is when AWS forgets a terminated instance.
func (i *Instance) due() time.Time {
	if i.State != InstanceTerminated {
		return time.Time{}
	}
	return i.Changed.Add(terminatedShown)
}

func (i *Instance) settle(e *edit) { drop(e, &e.instances, kindInstance, i.key()) }

func (t *Token) due() time.Time { return t.At.Add(tokenKept) }

func (t *Token) settle(e *edit) { drop(e, &e.tokens, kindToken, t.key()) }
