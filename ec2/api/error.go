package api

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// Error is an answer in AWS's words.
type Error struct {
	Status  int // of HTTP; 0 means 400
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

var errDryRun = &Error{412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."}

// ErrInternal says nothing of what happened: that is in the log.
var ErrInternal = &Error{500, "InternalError", "An internal error has occurred"}

var errUnavailable = &Error{503, "Unavailable", "The server is overloaded and can't handle the request."}

// Missing is AWS's answer to a parameter that is not there.
func Missing(parameter string) *Error {
	return &Error{Code: "MissingParameter", Message: "The request must contain the parameter " + parameter}
}

// InvalidValue is the sentence that most of EC2 uses for a bad value; reason
// may be empty.
func InvalidValue(value, parameter, reason string) *Error {
	return &Error{Code: "InvalidParameterValue", Message: strings.TrimSpace("Value (" + value + ") for parameter " + parameter + " is invalid. " + reason)}
}

// Combination is AWS's answer to parameters that exclude each other.
func Combination(message string) *Error {
	return &Error{Code: "InvalidParameterCombination", Message: message}
}

// maxListed is how many values of an enum an error names before it is no help.
const maxListed = 20

// ProblemError words what the codec found.
func ProblemError(p *wire.Problem) *Error {
	switch p.Kind {
	case wire.Malformed:
		return &Error{Code: "MalformedQueryString", Message: strings.TrimSpace("The query string contains a syntax error. " + p.Param)}
	case wire.Illegal:
		return &Error{Code: "InvalidCharacter", Message: "The parameter " + p.Param + " contains an invalid character"}
	case wire.Unknown:
		return &Error{Code: "UnknownParameter", Message: "The parameter " + p.Param + " is not recognized"}
	case wire.Missing:
		return Missing(p.Param)
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
	return InvalidValue(p.Value, p.Param, reason)
}

// Words finds AWS's words for whatever a handler returned; ok is false for what
// is our own fault and belongs in the log.
func (c *Call) Words(err error) (e *Error, ok bool) {
	if errors.As(err, &e) {
		return e, true
	}
	var core *network.Error
	switch {
	case errors.As(err, &core):
		return c.coreWords(core)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return errUnavailable, true // too slow, or the client has gone: neither is a fault to look into
	}
	return ErrInternal, false
}

// coreWords looks the rule that was broken up in the tables of words.go.
func (c *Call) coreWords(err *network.Error) (*Error, bool) {
	var best wording
	rank := 0
	for _, w := range wordings {
		if n := w.fits(c.Action, err); n > rank {
			best, rank = w, n
		}
	}
	if rank == 0 {
		return ErrInternal, false
	}
	if err.Code == network.AddressOutside && keptBack(err) {
		best.message = "Address {subject} is in subnet's reserved address range"
	}
	n, known := nouns[network.Kind(err.Subject)]
	if !known {
		n = noun{"ID", "ID", "resource"}
	}
	if err.Code == network.Malformed {
		n = nouns[err.Detail]
	}
	from, to, _ := strings.Cut(err.Detail, " ")
	fill := strings.NewReplacer(
		"{subject}", err.Subject, "{detail}", err.Detail, "{from}", from, "{to}", to,
		"{noun}", n.name, "{Kind}", n.code, "{Bad}", n.bad,
		"{account}", string(c.Caller.Account), "{region}", string(c.Caller.Region),
		"{limit}", strconv.Itoa(c.State.Quota(c.Caller, network.Quota(err.Detail))))
	return &Error{Code: fill.Replace(best.code), Message: fill.Replace(best.message)}, true
}

// keptBack tells one of the addresses that a subnet keeps for itself from one
// outside of it; the core has one rule for both.
func keptBack(err *network.Error) bool {
	a, badAddr := netip.ParseAddr(err.Subject)
	p, badRange := netip.ParsePrefix(err.Detail)
	return badAddr == nil && badRange == nil && p.Contains(a)
}

// InvalidID is AWS's answer to an id that cannot be one of its kind.
func InvalidID(id, kind string) error {
	return &network.Error{Code: network.Malformed, Subject: id, Detail: kind}
}

// notFound is AWS's answer to ids that name nothing, in the plural when several do.
func (c *Call) notFound(ids []string) *Error {
	e, _ := c.coreWords(&network.Error{Code: network.NotFound, Subject: ids[0]})
	if len(ids) == 1 {
		return e
	}
	message := strings.Replace(e.Message, "'"+ids[0]+"'", "'"+strings.Join(ids, ", ")+"'", 1)
	message = strings.Replace(message, " ID '", " IDs '", 1)
	message = strings.Replace(message, "does not exist", "do not exist", 1)
	return &Error{Status: e.Status, Code: e.Code, Message: message}
}

// Gone answers a repetition whose first call made something that was deleted since.
func Gone(id string) error { return &network.Error{Code: network.NotFound, Subject: id} }
