package gate

import (
	"errors"
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
	now := g.now()
	who, secret, err := g.Keys.Lookup(claim.AccessKeyID, claim.Token, now)
	if errors.Is(err, ErrUnknownKey) {
		return refuse(UnknownKey, http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
	}
	if bad := claim.Verify(q.HTTP, q.Body, secret, now); bad != nil {
		return signatureRefusal(bad)
	}
	if err != nil { // told only to those who can sign
		return refuse(ExpiredToken, http.StatusBadRequest, "RequestExpired", "Request has expired.")
	}
	q.Signed = true
	q.Who = who
	q.Caller = network.Caller{Account: who.Account, Region: network.Region(claim.Region)}
	return nil
}

func (g *Gate) now() time.Time {
	if g.Now != nil {
		return g.Now()
	}
	return time.Now()
}

// believe is verification switched off: what can be read is taken, and for the
// rest there are defaults.
func (g *Gate) believe(q *Request, claim sigv4.Claim, bad *sigv4.Error) {
	q.Who = Root(g.Account)
	q.Caller.Region = g.Region
	if bad == nil {
		q.Signed = true
		q.Caller.Region = network.Region(claim.Region)
		if isAccount(claim.AccessKeyID) {
			q.Who = Root(network.Account(claim.AccessKeyID))
		} else if g.Known != nil {
			if who, _, err := g.Known.Lookup(claim.AccessKeyID, claim.Token, g.now()); err == nil {
				q.Who = who
			}
		}
	}
	q.Caller.Account = q.Who.Account
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
