package ec2

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
	"tombolo/sigv4"
)

// Error is an answer in AWS's words.
type Error struct {
	Status  int // of HTTP; 0 means 400
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

var errDryRun = &Error{http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."}

// errInternal says nothing of what happened: that is in the log.
var errInternal = &Error{http.StatusInternalServerError, "InternalError", "An internal error has occurred"}

func missing(parameter string) *Error {
	return &Error{Code: "MissingParameter", Message: "The request must contain the parameter " + parameter}
}

// invalidValue is the sentence that most of EC2 uses for a bad value; reason
// may be empty.
func invalidValue(value, parameter, reason string) *Error {
	return &Error{Code: "InvalidParameterValue", Message: strings.TrimSpace("Value (" + value + ") for parameter " + parameter + " is invalid. " + reason)}
}

func combination(message string) *Error {
	return &Error{Code: "InvalidParameterCombination", Message: message}
}

// maxListed is how many values of an enum an error names before it is no help.
const maxListed = 20

// problemError words what the codec found.
func problemError(p *wire.Problem) *Error {
	switch p.Kind {
	case wire.Malformed:
		return &Error{Code: "MalformedQueryString", Message: strings.TrimSpace("The query string contains a syntax error. " + p.Param)}
	case wire.Illegal:
		return &Error{Code: "InvalidCharacter", Message: "The parameter " + p.Param + " contains an invalid character"}
	case wire.Unknown:
		return &Error{Code: "UnknownParameter", Message: "The parameter " + p.Param + " is not recognized"}
	case wire.Missing:
		return missing(p.Param)
	case wire.BadValue:
		return badValue(p)
	}
	panic("unreachable: a problem of no kind")
}

func badValue(p *wire.Problem) *Error {
	if p.Param == "InstanceType" {
		return &Error{Code: "InvalidParameterValue", Message: "Invalid value '" + p.Value + "' for InstanceType."}
	}
	reason := "It must be of type " + p.Want + "."
	if p.Want == "enum" {
		reason = ""
		if len(p.Enum) <= maxListed {
			reason = "Valid values are: " + strings.Join(p.Enum, ", ") + "."
		}
	}
	return invalidValue(p.Value, p.Param, reason)
}

// authError words what is wrong with a signature (AWS: Error codes for the
// Amazon EC2 API, and the common errors of AWS's query services).
func authError(err *sigv4.Error) *Error {
	switch err.Reason {
	case sigv4.Absent:
		return &Error{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
	case sigv4.Incomplete:
		return &Error{http.StatusBadRequest, "IncompleteSignature", "The request signature does not conform to AWS standards: " + err.Detail}
	case sigv4.Expired:
		return &Error{http.StatusBadRequest, "RequestExpired", "Request has expired. " + err.Detail}
	case sigv4.Mismatch:
		return &Error{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
	}
	panic("unreachable: a signature error without a reason")
}

var errUnknownKey = &Error{http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"}

// awsError finds AWS's words for whatever a handler returned; ok is false for
// what is our own fault and belongs in the log.
func awsError(at scene, err error) (e *Error, ok bool) {
	if errors.As(err, &e) {
		return e, true
	}
	var core *network.Error
	if errors.As(err, &core) {
		return coreError(at, core)
	}
	return errInternal, false
}

// scene is where an error happened, as far as AWS's words speak of it.
type scene struct {
	action string
	caller network.Caller
	state  network.State
}

// coreError looks the rule that was broken up in the tables of words.go. The
// wording that says most about when it applies is taken.
func coreError(at scene, err *network.Error) (*Error, bool) {
	kind := network.Kind(err.Subject)
	best, rank := wording{}, 0
	for _, w := range wordings {
		if r := w.rank(at.action, kind, err); r > rank {
			best, rank = w, r
		}
	}
	if rank == 0 {
		return errInternal, false
	}
	n := nouns[kind]
	from, to, _ := strings.Cut(err.Detail, " ")
	fill := strings.NewReplacer("{subject}", err.Subject, "{detail}", err.Detail, "{noun}", n.name, "{Kind}", n.code, "{kind}", kind, "{Bad}", n.bad,
		"{from}", from, "{to}", to, "{account}", string(at.caller.Account), "{region}", string(at.caller.Region),
		"{limit}", strconv.Itoa(at.state.Quota(at.caller, network.Quota(err.Detail))))
	return &Error{Code: fill.Replace(best.code), Message: fill.Replace(best.message)}, true
}

// rank is how well the wording fits an error; 0 is not at all. A named action
// counts for more than a detail, and a detail for more than a kind of ID.
func (w wording) rank(action, kind string, err *network.Error) int {
	if w.rule != err.Code || w.kind != "" && w.kind != kind || w.detail != "" && w.detail != err.Detail ||
		w.actions != "" && !slices.Contains(strings.Fields(w.actions), action) {
		return 0
	}
	rank := 1
	if w.kind != "" {
		rank++
	}
	if w.detail != "" {
		rank += 2
	}
	if w.actions != "" {
		rank += 4
	}
	return rank
}
