// Package sigv4 verifies AWS Signature Version 4 on requests that have been
// read: in the Authorization header, or in the query of a presigned URL. It
// signs a copy of what was signed with AWS's own signer and compares; nothing of
// the canonical form is written here. Package ec2 drives it, and decides which
// keys exist and what a refusal is called.
package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	terminator = "aws4_request"
)

// MaxSkew is how far a signature's time may be from ours (AWS: Authenticating
// requests; beyond it the answer is RequestExpired).
const MaxSkew = 15 * time.Minute

// maxExpiry is the longest life of a presigned URL (AWS: seven days).
const maxExpiry = 7 * 24 * time.Hour

// Reason says why a signature was not accepted. The set is closed; the zero
// Reason is invalid.
type Reason uint8

// The reasons.
const (
	Absent     Reason = iota + 1 // the request carries no signature at all
	Incomplete                   // a part is missing or cannot be read
	Expired                      // signed too long ago, or in the future
	Mismatch                     // the signature is not that of this request and secret
)

// Error is why a signature was not accepted.
type Error struct {
	Reason Reason
	Detail string // for people
}

func (e *Error) Error() string { return fmt.Sprintf("signature: reason %d: %s", e.Reason, e.Detail) }

func fail(r Reason, format string, args ...any) *Error {
	return &Error{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// Claim is what a request says about who signed it. Nothing of it is to be
// believed before Verify.
type Claim struct {
	AccessKeyID string
	Region      string
	Service     string
	Time        time.Time
	Token       string // the session token of temporary credentials; "" without one

	date      string // of the scope
	headers   []string
	signature string
	expires   time.Duration // of a presigned URL; 0 when the header signs
}

// Read finds the claim of a request.
func Read(r *http.Request) (Claim, *Error) {
	if auth := r.Header.Values("Authorization"); len(auth) > 0 {
		if len(auth) > 1 {
			return Claim{}, fail(Incomplete, "more than one Authorization header.")
		}
		return readHeader(r, auth[0])
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-") {
		if q := r.URL.Query(); q.Has("X-Amz-Signature") || q.Has("X-Amz-Algorithm") {
			return readQuery(q)
		}
	}
	return Claim{}, fail(Absent, "no Authorization header and no X-Amz-Signature.")
}

func readHeader(r *http.Request, auth string) (Claim, *Error) {
	rest, ok := strings.CutPrefix(auth, algorithm+" ")
	if !ok {
		return Claim{}, fail(Incomplete, "the algorithm must be %s.", algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		key, val, _ := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := parts[key]; twice {
			return Claim{}, fail(Incomplete, "%s is given twice.", key)
		}
		parts[key] = val
	}
	when := r.Header.Values("X-Amz-Date")
	if len(when) != 1 {
		return Claim{}, fail(Incomplete, "one X-Amz-Date header is needed.")
	}
	c, bad := newClaim(parts["Credential"], parts["SignedHeaders"], parts["Signature"], when[0])
	// An empty one is none: a shell variable that is set to nothing is sent as that.
	c.Token = r.Header.Get("X-Amz-Security-Token")
	return c, bad
}

func readQuery(q url.Values) (Claim, *Error) {
	for _, key := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if len(q[key]) != 1 {
			return Claim{}, fail(Incomplete, "one %s is needed.", key)
		}
	}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return Claim{}, fail(Incomplete, "the algorithm must be %s.", algorithm)
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || seconds < 1 || seconds > int(maxExpiry/time.Second) {
		return Claim{}, fail(Incomplete, "X-Amz-Expires must be between 1 and 604800.")
	}
	c, bad := newClaim(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"), q.Get("X-Amz-Date"))
	c.expires = time.Duration(seconds) * time.Second
	c.Token = q.Get("X-Amz-Security-Token")
	return c, bad
}

func newClaim(credential, headers, signature, when string) (Claim, *Error) {
	if credential == "" || headers == "" || signature == "" {
		return Claim{}, fail(Incomplete, "Credential, SignedHeaders and Signature are needed.")
	}
	scope := strings.Split(credential, "/")
	if len(scope) != 5 || slices.Contains(scope, "") || scope[4] != terminator {
		return Claim{}, fail(Incomplete, "Credential must be KEY/DATE/REGION/SERVICE/%s.", terminator)
	}
	at, err := time.Parse(timeFormat, when)
	if err != nil {
		return Claim{}, fail(Incomplete, "the date must look like %s.", timeFormat)
	}
	if scope[1] != when[:8] {
		return Claim{}, fail(Incomplete, "the date of the credential is not that of the request.")
	}
	c := Claim{AccessKeyID: scope[0], Region: scope[2], Service: scope[3], Time: at,
		date: scope[1], headers: strings.Split(headers, ";"), signature: signature}
	if !slices.Contains(c.headers, "host") {
		return Claim{}, fail(Incomplete, "the host header must be signed.")
	}
	return c, nil
}

// Verify proves the claim: that the request, with this body, was signed with the
// secret, and recently.
func (c Claim) Verify(r *http.Request, body []byte, secret string, now time.Time) *Error {
	if bad := c.fresh(now); bad != nil {
		return bad
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	// A declared hash of the body is part of what was signed. It must be the
	// body's own: UNSIGNED-PAYLOAD would let anyone who sees a request change it.
	if declared := r.Header.Get("X-Amz-Content-Sha256"); declared != "" && declared != hash {
		return fail(Mismatch, "X-Amz-Content-Sha256 is not the hash of the body.")
	}
	want, bad := c.sign(r, len(body), hash, secret)
	if bad != nil {
		return bad
	}
	if !hmac.Equal([]byte(want), []byte(c.signature)) {
		return fail(Mismatch, "the signatures differ.")
	}
	return nil
}

func (c Claim) fresh(now time.Time) *Error {
	if c.expires > 0 {
		if now.After(c.Time.Add(c.expires)) || c.Time.Sub(now) > MaxSkew {
			return fail(Expired, "The URL was made at %s for %s; it is %s.", c.Time.Format(timeFormat), c.expires, now.UTC().Format(timeFormat))
		}
		return nil
	}
	if skew := now.Sub(c.Time); skew > MaxSkew || skew < -MaxSkew {
		return fail(Expired, "It was signed at %s; it is %s.", c.Time.Format(timeFormat), now.UTC().Format(timeFormat))
	}
	return nil
}

// sign computes the signature that the request should have.
func (c Claim) sign(r *http.Request, length int, hash, secret string) (string, *Error) {
	again := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{}, URL: &url.URL{
		// The signer asks for a scheme only to cut default ports off the host,
		// which a client may have signed or not: with none it cuts nothing.
		Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery,
	}}
	for _, name := range c.headers {
		switch key := http.CanonicalHeaderKey(name); key {
		case "Host":
		case "Content-Length":
			again.ContentLength = int64(length)
		default:
			values := r.Header.Values(key)
			if len(values) == 0 {
				return "", fail(Mismatch, "the signed header %s is missing.", name)
			}
			again.Header[key] = slices.Clone(values)
		}
	}
	key := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: secret}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableHeaderHoisting = true })
	if c.expires == 0 {
		if err := signer.SignHTTP(context.Background(), key, again, hash, c.Service, c.Region, c.Time); err != nil {
			return "", fail(Incomplete, "%v", err)
		}
		_, want, _ := strings.Cut(again.Header.Get("Authorization"), "Signature=")
		return want, nil
	}
	q := again.URL.Query()
	q.Del("X-Amz-Signature")
	again.URL.RawQuery = q.Encode()
	signed, _, err := signer.PresignHTTP(context.Background(), key, again, hash, c.Service, c.Region, c.Time)
	if err != nil {
		return "", fail(Incomplete, "%v", err)
	}
	_, want, _ := strings.Cut(signed, "X-Amz-Signature=")
	return want, nil
}
