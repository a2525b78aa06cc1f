package server

import (
	"net/http"
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
)

const (
	stsVersion   = "2011-06-15"
	stsNamespace = "https://sts.amazonaws.com/doc/" + stsVersion + "/"
)

// stsActions are the operations of AWS's STS, so that a wrong name and one that
// is only not served get different answers.
var stsActions = []string{
	"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot",
	"DecodeAuthorizationMessage", "GetAccessKeyInfo", "GetCallerIdentity", "GetDelegatedAccessToken",
	"GetFederationToken", "GetSessionToken", "GetWebIdentityToken",
}

// callSTS answers GetCallerIdentity: every client's way to ask "do my keys
// work?". The caller is the account itself, as with the keys of a root user.
func (s *Server) callSTS(q *request, b []byte) ([]byte, error) {
	switch {
	case q.action == "":
		return b, &api.Error{Code: "MissingAction", Message: "The request is missing an action or a required parameter."}
	case !slices.Contains(stsActions, q.action):
		return b, &api.Error{Code: "InvalidAction", Message: "Could not find operation " + q.action + " for version " + stsVersion}
	case q.action != "GetCallerIdentity":
		return b, &api.Error{Code: "UnsupportedOperation", Message: "The action " + q.action + " is not supported by this server."}
	}
	account := string(q.Caller.Account)
	b = append(b, xmlHead...)
	b = append(b, `<GetCallerIdentityResponse xmlns="`+stsNamespace+`"><GetCallerIdentityResult>`...)
	b = wire.AppendElement(b, "Arn", "arn:aws:iam::"+account+":root")
	b = wire.AppendElement(b, "UserId", account)
	b = wire.AppendElement(b, "Account", account)
	b = append(b, `</GetCallerIdentityResult><ResponseMetadata>`...)
	b = wire.AppendElement(b, "RequestId", q.ID)
	return append(b, `</ResponseMetadata></GetCallerIdentityResponse>`...), nil
}

// appendSTSError is the error of the query services that are not EC2.
func appendSTSError(b []byte, q *request, e *api.Error, status int) []byte {
	fault := "Sender"
	if status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	b = append(b, `<ErrorResponse xmlns="`+stsNamespace+`"><Error>`...)
	b = wire.AppendElement(b, "Type", fault)
	b = wire.AppendElement(b, "Code", e.Code)
	b = wire.AppendElement(b, "Message", e.Message)
	b = append(b, "</Error>"...)
	b = wire.AppendElement(b, "RequestId", q.ID)
	return append(b, "</ErrorResponse>"...)
}
