package command

import (
	"fmt"
	"slices"
)

// Status is where a command, an invocation of it, or a step of that is in its
// life (AWS: Understanding command statuses).
type Status uint8

// The statuses.
const (
	_ Status = iota
	Pending
	InProgress
	Cancelling
	Success
	Cancelled
	Failed
	Terminated       // the system cancelled it: others exceeded the command's MaxErrors
	Undeliverable    // the instance is gone
	DeliveryTimedOut // the instance did not come in time
	ExecutionTimedOut
	Incomplete       // of a command: some invocations did not succeed, but not too many failed
	NoInstancesInTag // of a command: no instance has the tags
)

var statuses = [...]struct{ name, details string }{
	{}, {"Pending", "Pending"}, {"InProgress", "InProgress"}, {"Cancelling", "Cancelling"}, {"Success", "Success"},
	{"Cancelled", "Cancelled"}, {"Failed", "Failed"}, {"Cancelled", "Terminated"}, {"Failed", "Undeliverable"},
	{"TimedOut", "DeliveryTimedOut"}, {"TimedOut", "ExecutionTimedOut"}, {"Failed", "Incomplete"}, {"Success", "NoInstancesInTag"},
}

// Name is what AWS calls Status.
func (s Status) Name() string { return statuses[s].name }

// Details is what AWS calls StatusDetails; each status has its own.
func (s Status) Details() string { return statuses[s].details }

func (s Status) String() string { return s.Details() }

// Ended reports whether it is a status that never changes again.
func (s Status) Ended() bool { return s > Cancelling }

// MarshalText writes the details.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.Details()), nil }

// UnmarshalText reads the details.
func (s *Status) UnmarshalText(text []byte) error {
	for i := range statuses {
		if i > 0 && statuses[i].details == string(text) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("no status is called %q", text)
}

// counts are how many invocations are in each status.
type counts [len(statuses)]int

func (n *counts) of(s ...Status) int {
	sum := 0
	for _, s := range s {
		sum += n[s]
	}
	return sum
}

func (n *counts) total() int {
	sum := 0
	for _, c := range n {
		sum += c
	}
	return sum
}

// unfinished are the statuses that do change again.
func unfinished() []Status { return []Status{Pending, InProgress, Cancelling} }

// errors counts what counts against MaxErrors: neither what was not delivered
// nor what somebody cancelled (AWS: Understanding command statuses).
func (n *counts) errors() int { return n.of(Failed, ExecutionTimedOut) }

// status is a command's, made of those of its invocations. cancelled says that
// somebody asked for the end of all of them.
func (n *counts) status(cancelled bool, maxErrors int) Status {
	total := n.total()
	if total == 0 {
		return NoInstancesInTag
	}
	switch open := n.of(unfinished()...); {
	case open > 0 && cancelled:
		return Cancelling
	case open == total && n[Pending] == total:
		return Pending
	case open > 0:
		return InProgress
	case cancelled && n[Cancelled] > 0, n[Cancelled] == total:
		return Cancelled
	case n[ExecutionTimedOut] == total:
		return ExecutionTimedOut
	case n.errors() > maxErrors:
		return Failed
	case n[DeliveryTimedOut] > maxErrors:
		return DeliveryTimedOut
	case n[Undeliverable] == total:
		return Failed
	case n[Success]+n[Undeliverable] == total:
		return Success
	default:
		return Incomplete
	}
}

// among is a filter that lets everything pass when it is empty.
func (s Status) among(names []string) bool {
	return len(names) == 0 || slices.Contains(names, s.Name()) || slices.Contains(names, s.Details())
}
