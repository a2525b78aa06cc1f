package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tombolo/network"
)

// Status is where a session stands, in AWS's words.
type Status string

// The statuses of a session.
const (
	Connecting   Status = "Connecting"   // nobody has come to its websocket yet
	Connected    Status = "Connected"    // a client is there
	Disconnected Status = "Disconnected" // the client went away; the program goes on
	Terminating  Status = "Terminating"
	Terminated   Status = "Terminated"
	Failed       Status = "Failed"
)

func (s Status) over() bool { return s == Terminated || s == Failed }

// Info is what is known about a session, and what is kept of it.
type Info struct {
	ID       string
	Account  network.Account
	Region   network.Region
	Target   network.InstanceID
	Document string
	OwnerARN string // of who started it
	Reason   string
	Status   Status
	Started  time.Time
	Ended    time.Time     // zero while it lasts
	Longest  time.Duration // 0 has no limit
	Details  string        // why it ended, when it did not just end
	Bucket   string        // of its log, "" has none
	Key      string
}

// Active says that the session lasts; one that does not is history.
func (i Info) Active() bool { return !i.Status.over() }

func (i Info) belongs(c network.Caller) bool { return i.Account == c.Account && i.Region == c.Region }

// newestFirst is the order of every listing; it does not change while nothing does.
func newestFirst(list []Info) {
	slices.SortFunc(list, func(a, b Info) int {
		if c := b.Started.Compare(a.Started); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// recordKind is what the rows of sessions are kept under.
const recordKind = "session"

func (i Info) encode() []byte {
	doc, err := json.Marshal(i)
	if err != nil {
		panic("unreachable: " + err.Error())
	}
	return doc
}

func decodeInfo(doc []byte) (Info, error) {
	var i Info
	if err := json.Unmarshal(doc, &i); err != nil {
		return Info{}, fmt.Errorf("read session: %w", err)
	}
	return i, nil
}
