package network

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Token remembers what an idempotency token was used for, so that a repeated
// call has no further effect (AWS: Ensuring idempotency).
type Token struct {
	Home
	Token   string
	Hash    string // of the request's parameters
	Created []string
	At      time.Time
}

func (t *Token) key() string     { return t.World() + "/" + t.Token }
func (t *Token) links() []string { return nil }

// replay answers an op whose token was used before: done when the parameters
// are the same, Mismatch when they differ.
func (e *edit) replay() (done bool, err error) {
	if e.op.Token == "" {
		return false, nil
	}
	seen, ok := e.tokens.get(e.home().World() + "/" + e.op.Token)
	if !ok {
		return false, nil
	}
	if seen.Hash != requestHash(e.op.Request) {
		return false, fail(Mismatch, e.op.Token)
	}
	e.outcome = Outcome{Created: seen.Created, Replay: true}
	return true, nil
}

// remember keeps the token of an op that succeeded.
func (e *edit) remember() {
	if e.op.Token == "" {
		return
	}
	put(e, &e.tokens, "token", &Token{Home: e.home(), Token: e.op.Token, Hash: requestHash(e.op.Request),
		Created: e.outcome.Created, At: e.op.At})
}

func requestHash(r Request) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%T%+v", r, r))
	return hex.EncodeToString(sum[:])
}
