package session

import (
	"fmt"
	"time"

	"tombolo/network"
)

// ending is why a session ends. The text is shown by the client after the
// session's id; with none it just says that the session ended. As a cause it
// comes from outside of the session, which then ends its program.
type ending struct {
	text   string
	failed bool // the session never came to be
}

func (e *ending) Error() string { return "session ended: " + e.text }

// AWS's agent says these, word for word.
const (
	sayHandshake = "Handshake timed out. Please ensure that you have the latest version of the session manager plugin."
	sayNoRunAs   = "failed to start pty since RunAs user %s does not exist"
	sayRunAsGap  = "please set the RunAs default user"
)

// The plugin shows these as they stand.
const (
	sayShutdown = "Tombolo was stopped."
	sayRestart  = "Tombolo was stopped while the session lasted."
	sayStalled  = "The session was ended because the program took no input for 5 minutes."
	sayUnknown  = "There is no such session."
)

func ended() *ending                 { return &ending{} }
func endedWith(text string) *ending  { return &ending{text: text} }
func failedWith(text string) *ending { return &ending{text: text, failed: true} }
func failedTo(err error) *ending     { return failedWith(err.Error()) }
func idle(limit time.Duration) string {
	return "Session timed out after " + minutes(limit) + " without activity."
}

func tooLong(limit time.Duration) string {
	return "Session reached its maximum duration of " + minutes(limit) + "."
}

func minutes(d time.Duration) string {
	if d == time.Minute {
		return "1 minute"
	}
	return fmt.Sprintf("%g minutes", d.Minutes())
}

// gone says why an instance carries no session any more, "" if it does. A session
// ends with the boot that it began in.
func gone(s network.State, id network.InstanceID, boot, reboots int) string {
	i := s.Instance(id)
	switch {
	case i == nil || i.State == network.InstanceTerminated || i.State == network.InstanceShuttingDown:
		return fmt.Sprintf("Instance %s was terminated.", id)
	case i.State != network.InstanceRunning, i.Boots != boot:
		return fmt.Sprintf("Instance %s was stopped.", id)
	case i.Reboots != reboots:
		return fmt.Sprintf("Instance %s was rebooted.", id)
	}
	return ""
}
