package network

import "time"

// How long AWS shows a thing that has ended, and how long a peering request waits
// (AWS: VPC peering connection lifecycle; Terminate instances).
const (
	peeringExpiry      = 7 * 24 * time.Hour
	peeringFailedShown = 2 * time.Hour
	peeringEndedShown  = 48 * time.Hour
	terminatedShown    = time.Hour
	tokenKept          = 24 * time.Hour
)

// Due is when the next Settle has something to do; the zero Time means never.
// A time in the past, or equal to the time of the last op, means at once.
func (s State) Due() time.Time {
	var due time.Time
	soonest := func(t time.Time) {
		if due.IsZero() || t.Before(due) {
			due = t
		}
	}
	for p := range s.Peerings() {
		soonest(p.due())
	}
	for i := range s.Instances() {
		if i.State == InstanceTerminated {
			soonest(i.Changed.Add(terminatedShown))
		}
	}
	for t := range s.tokens.all() {
		soonest(t.At.Add(tokenKept))
	}
	return due
}

// due is when the peering next changes by itself.
func (p *Peering) due() time.Time {
	switch p.Status {
	case PeeringPending:
		return p.Expires
	case PeeringActive:
		return farFuture
	case PeeringFailed:
		return p.Since.Add(peeringFailedShown)
	case PeeringRejected, PeeringExpired, PeeringDeleted:
		return p.Since.Add(peeringEndedShown)
	}
	return p.Since // initiating, provisioning and deleting last no time at all
}

var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
