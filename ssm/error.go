package ssm

import (
	"errors"
	"fmt"
	"net/http"

	"tombolo/gate"
	"tombolo/ssm/command"
	"tombolo/ssm/document"
	"tombolo/ssm/session"
)

// apiError is an error in AWS's form.
type apiError struct {
	Status  int    `json:"-"`
	Type    string `json:"__type"`
	Message string `json:"message,omitempty"`
}

func (e *apiError) Error() string { return e.Type + ": " + e.Message }

func fail(kind, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, kind, fmt.Sprintf(format, args...)}
}

// invalid is the exception of what a request's form does not allow.
func invalid(format string, args ...any) error {
	return fail("ValidationException", format, args...)
}

// shaped gives an error of the packages below the form of the API. What is not
// known is the server's fault, and its text may not be for everybody.
func shaped(err error) *apiError {
	var api *apiError
	var doc *document.Error
	var cmd *command.Error
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &doc):
		return &apiError{http.StatusBadRequest, string(doc.Code), doc.Message}
	case errors.As(err, &cmd):
		return &apiError{http.StatusBadRequest, cmd.Code, cmd.Message}
	case errors.Is(err, session.ErrTooMany), errors.Is(err, session.ErrClosing):
		return &apiError{http.StatusBadRequest, "ThrottlingException", "Rate exceeded: " + err.Error()}
	}
	return nil
}

// internal is AWS's answer to its own faults.
func internal() *apiError {
	return &apiError{http.StatusInternalServerError, "InternalServerError", "An internal error occurred."}
}

// refused words a refusal at the door as services with AWS JSON do (AWS: Common
// error types of the Systems Manager API).
func refused(why *gate.Refusal) *apiError {
	kind := "ValidationException"
	switch why.Reason {
	case gate.Internal:
		return internal()
	case gate.Blocked:
		kind = "AccessDeniedException"
	case gate.NoSignature:
		kind = "MissingAuthenticationTokenException"
	case gate.BadSignature:
		kind = "IncompleteSignatureException"
	case gate.OldSignature, gate.WrongSignature:
		kind = "InvalidSignatureException"
	case gate.UnknownKey:
		kind = "UnrecognizedClientException"
	case gate.ExpiredToken:
		kind = "ExpiredTokenException"
	case gate.NotServed, gate.NoSuchPath, gate.BadMethod:
		kind = "UnknownOperationException"
	}
	status := http.StatusBadRequest
	if why.Reason == gate.Blocked || why.Reason == gate.NoSuchPath || why.Reason == gate.BadMethod || why.Reason == gate.TooLarge {
		status = why.Status
	}
	message := why.Message
	if why.Reason == gate.UnknownKey {
		message = "The security token included in the request is invalid."
	}
	if why.Reason == gate.ExpiredToken {
		message = "The security token included in the request is expired"
	}
	return &apiError{status, kind, message}
}
