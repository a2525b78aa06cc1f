package network

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Token remembers what an idempotency token was used for, so that a repeated
// call has no further effect (AWS: Ensuring idempotency in Amazon EC2 API
// requests). A call that failed leaves none: it may be tried again.
type Token struct {
	Home
	Token   string
	Hash    string // of the request's parameters
	Created []string
	At      time.Time
}

// maxToken is in characters of ASCII.
const maxToken = 64

func (t *Token) key() string     { return t.World() + "/" + t.Token }
func (t *Token) links() []string { return nil }

// replay answers an op whose token was used before: done when the parameters
// are the same, Mismatch when they differ. What was made then may have been
// deleted since.
func (e *edit) replay() (done bool, err error) {
	if e.op.Token == "" {
		return false, nil
	}
	if len(e.op.Token) > maxToken || !ascii(e.op.Token) {
		return false, failWith(InvalidValue, e.op.Token, "clientToken")
	}
	seen, ok := e.tokens.get(e.home().World() + "/" + e.op.Token)
	if !ok || !seen.due().After(e.op.At) {
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
	put(e, &e.tokens, kindToken, &Token{Home: e.home(), Token: e.op.Token, Hash: requestHash(e.op.Request),
		Created: e.outcome.Created, At: e.op.At})
}

// requestHash is the same for equal requests of one kind. JSON looks through
// pointers and sorts maps.
func requestHash(r Request) string {
	doc, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("unreachable: a request is plain data: %v", err))
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%T%s", r, doc))
	return hex.EncodeToString(sum[:])
}
