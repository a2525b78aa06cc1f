package session

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// transcript is the log of a session, in a bucket; a zero one logs nothing.
type transcript struct {
	s  *session
	mu sync.Mutex
	to io.WriteCloser
}

// logKey is where AWS puts a session's log: below the prefix, named for the session.
func logKey(prefix, id string) string {
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return prefix + id + ".log"
}

// openLog opens the session's log, if preferences ask for one. Without the log
// there is no session: somebody relies on reading it.
func (s *session) openLog() (*transcript, *ending) {
	t := &transcript{s: s}
	if s.info.Bucket == "" {
		return t, nil
	}
	to, err := s.all.cfg.Logs.Append(s.info.Bucket, s.info.Key)
	if err != nil {
		return nil, failedWith(fmt.Sprintf("Couldn't start the session because its log can't be written: %v", err))
	}
	t.to = to
	return t, nil
}

// tee logs what is on its way to the client.
func (t *transcript) tee(b []byte) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to == nil {
		return b
	}
	if _, err := t.to.Write(b); err != nil {
		t.s.all.cfg.Log.Error("write session log", "session", t.s.info.ID, "error", err)
		_ = t.to.Close()
		t.to = nil
		// What nobody can read later must not go on.
		t.s.end(endedWith(fmt.Sprintf("The session was ended because its log can't be written: %v", err)))
	}
	return b
}

func (t *transcript) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to == nil {
		return
	}
	if err := t.to.Close(); err != nil {
		t.s.all.cfg.Log.Error("close session log", "session", t.s.info.ID, "error", err)
	}
	t.to = nil
}
