package gate

import (
	"net/http"
	"time"

	"tombolo/network"
	"tombolo/sigv4"
)

// identify finds out who calls and where, before anything of the request is
// looked at: a bad signature wins over every other error, as at AWS.
func (g *Gate) identify(q *Request, claim sigv4.Claim, bad *sigv4.Error) *Refusal {
	if g.Keys == nil {
		g.believe(q, claim, bad)
		return nil
	}
	if bad != nil {
		return signatureRefusal(bad)
	}
	secret, account, ok := g.Keys.Lookup(claim.AccessKeyID)
	if !ok {
		return refuse(UnknownKey, http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
	}
	now := time.Now
	if g.Now != nil {
		now = g.Now
	}
	if bad := claim.Verify(q.HTTP, q.Body, secret, now()); bad != nil {
		return signatureRefusal(bad)
	}
	q.Signed = true
	q.Caller = network.Caller{Account: account, Region: network.Region(claim.Region)}
	return nil
}

// believe is verification switched off: what can be read is taken, and for the
// rest there are defaults.
func (g *Gate) believe(q *Request, claim sigv4.Claim, bad *sigv4.Error) {
	q.Caller = network.Caller{Account: g.Account, Region: g.Region}
	if bad != nil {
		return
	}
	q.Signed = true
	if isAccount(claim.AccessKeyID) {
		q.Caller.Account = network.Account(claim.AccessKeyID)
	}
	q.Caller.Region = network.Region(claim.Region)
}

// isAccount reports whether s is an account's number: twelve digits.
func isAccount(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 12
}
