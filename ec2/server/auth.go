package server

import (
	"net/http"

	"tombolo/ec2/api"
	"tombolo/network"
	"tombolo/sigv4"
)

// identify finds out who calls, where, and which service, before anything of
// the request is looked at: a bad signature wins over every other error, as at
// AWS.
func (s *Server) identify(q *request) error {
	claim, bad := sigv4.Read(q.http)
	service := claim.Service
	if service == "" {
		service = unsignedService(q)
	}
	q.sts = service == "sts" // first, so that a refusal too has the shape that its client reads
	if s.Keys == nil {
		s.believe(q, claim, bad)
	} else if err := s.verify(q, claim, bad); err != nil {
		return err
	}
	if service != "ec2" && service != "sts" {
		return &api.Error{Status: http.StatusBadRequest, Code: "UnsupportedOperation", Message: "The service " + service + " is not served here; ec2 and sts are."}
	}
	if len(q.body) > 0 && !isForm(q.http) {
		return &api.Error{Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaType", Message: "The Content-Type must be application/x-www-form-urlencoded."}
	}
	if q.problem != nil {
		return api.ProblemError(q.problem)
	}
	// STS is called with whatever Region the client has; only EC2 makes things.
	if _, ok := api.LookupRegion(q.caller.Region); !ok && !q.sts {
		return &api.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValue", Message: "There is no Region " + string(q.caller.Region) + "."}
	}
	return nil
}

func (s *Server) verify(q *request, claim sigv4.Claim, bad *sigv4.Error) error {
	if bad != nil {
		return authError(bad)
	}
	secret, account, ok := s.Keys.Lookup(claim.AccessKeyID)
	if !ok {
		return errUnknownKey
	}
	if bad := claim.Verify(q.http, q.body, secret, s.Now()); bad != nil {
		return authError(bad)
	}
	q.caller = network.Caller{Account: account, Region: network.Region(claim.Region)}
	return nil
}

// believe is verify with verification off: what can be read is taken, and for
// the rest there are defaults.
func (s *Server) believe(q *request, claim sigv4.Claim, bad *sigv4.Error) {
	q.caller = network.Caller{Account: s.Account, Region: s.Region}
	if bad != nil {
		return
	}
	if api.IsAccount(claim.AccessKeyID) {
		q.caller.Account = network.Account(claim.AccessKeyID)
	}
	q.caller.Region = network.Region(claim.Region)
}

// unsignedService tells the service of an unsigned request by the API's version.
func unsignedService(q *request) string {
	if v, _ := q.form.Get("Version"); v == stsVersion {
		return "sts"
	}
	return "ec2"
}

// authError words what is wrong with a signature (AWS: Error codes for the
// Amazon EC2 API, and the common errors of AWS's query services).
func authError(err *sigv4.Error) *api.Error {
	switch err.Reason {
	case sigv4.Absent:
		return &api.Error{Status: http.StatusForbidden, Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token"}
	case sigv4.Incomplete:
		return &api.Error{Status: http.StatusBadRequest, Code: "IncompleteSignature", Message: "The request signature does not conform to AWS standards: " + err.Detail}
	case sigv4.Expired:
		return &api.Error{Status: http.StatusBadRequest, Code: "RequestExpired", Message: "Request has expired. " + err.Detail}
	case sigv4.Mismatch:
		return &api.Error{Status: http.StatusForbidden, Code: "SignatureDoesNotMatch", Message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
	}
	panic("unreachable: a signature error without a reason")
}

var errUnknownKey = &api.Error{Status: http.StatusUnauthorized, Code: "AuthFailure", Message: "AWS was not able to validate the provided access credentials"}
