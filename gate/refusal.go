package gate

import (
	"net/http"

	"tombolo/sigv4"
)

// Reason says why a request was refused at the door. The set is closed; the
// zero Reason is invalid.
type Reason uint8

// The reasons.
const (
	Blocked Reason = iota + 1 // it comes from a web page, or for another host
	NoSuchPath
	BadMethod
	TooLarge
	Unreadable
	NoSignature
	BadSignature // a part is missing or cannot be read
	OldSignature
	WrongSignature
	UnknownKey   // or a session token that is not the key's
	ExpiredToken // of temporary credentials
	NotServed    // the service is not served here
	Internal
)

// Refusal is why a request was refused at the door, in the words of AWS's query
// services. Services with other words go by the Reason.
type Refusal struct {
	Reason  Reason
	Status  int // of HTTP
	Code    string
	Message string
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

func refuse(why Reason, status int, code, message string) *Refusal {
	return &Refusal{why, status, code, message}
}

// signatureRefusal words what is wrong with a signature (AWS: Error codes for the
// Amazon EC2 API, and the common errors of AWS's query services).
func signatureRefusal(err *sigv4.Error) *Refusal {
	switch err.Reason {
	case sigv4.Absent:
		return refuse(NoSignature, http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	case sigv4.Incomplete:
		return refuse(BadSignature, http.StatusBadRequest, "IncompleteSignature", "The request signature does not conform to AWS standards: "+err.Detail)
	case sigv4.Expired:
		return refuse(OldSignature, http.StatusBadRequest, "RequestExpired", "Request has expired. "+err.Detail)
	case sigv4.Mismatch:
		return refuse(WrongSignature, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	panic("unreachable: a signature error without a reason")
}
