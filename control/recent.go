package control

import (
	"sync"

	"tombolo/network"
)

// maxRecent bounds what is kept for a plane that is far behind: from there on it is
// cheaper for it to look at everything.
const maxRecent = 4096

// recent is what was changed since the plane took a State last: several
// transactions may go by while it works, and it shall still look only at what
// changed.
type recent struct {
	mu      sync.Mutex
	since   uint64
	changes []network.Change
}

// add notes what a draft changed, together with showing it.
func (r *recent) add(d draft, show func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.cleared || len(r.changes)+len(d.changes) > maxRecent {
		r.since, r.changes = d.state.Generation, nil
	} else {
		r.changes = append(r.changes, d.changes...)
	}
	show()
}

// take is the newest State, with all that was changed since take was called before.
func (r *recent) take(newest func() network.State) network.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := newest()
	out := s.After(r.since, r.changes)
	r.since, r.changes = s.Generation, nil
	return out
}
