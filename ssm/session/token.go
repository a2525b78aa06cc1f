package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"
)

// tokenLife is how long a token may be presented. The plugin dials at once, and
// five times again within seconds.
const tokenLife = time.Minute

// token is the right to a session's stream. Only its digest is kept.
type token struct {
	digest [sha256.Size]byte
	until  time.Time
	spent  bool // the client that it brought has spoken: it needs no second dial
}

// newToken makes one and the text that is presented for it.
func newToken(now time.Time) (token, string) {
	text := base64.RawURLEncoding.EncodeToString(randomBytes(48))
	return token{digest: sha256.Sum256([]byte(text)), until: now.Add(tokenLife)}, text
}

// is says that text is this token, in a time that tells nothing about either.
func (t token) is(text string) bool {
	digest := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(digest[:], t.digest[:]) == 1
}

func (t token) valid(now time.Time) bool { return !t.spent && now.Before(t.until) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
