package iam

import (
	"encoding/base32"
	"encoding/xml"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tombolo/gate"
)

// upper32 writes the random part of AWS's unique IDs.
var upper32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// API is one of the two query services, STS or IAM. It is a gate.Service.
type API struct {
	Accounts *Accounts
	// Open is set when nothing is verified: every account is known and every role
	// may be assumed.
	Open bool
	Now  func() time.Time // nil is time.Now

	namespace, version string
	actions            map[string]func(*API, *call) (any, error)
	unserved           func(action string) error
}

// call is one request to either service.
type call struct {
	gate.Identity
	form url.Values
}

// fault is an error in AWS's words.
type fault struct {
	Status        int
	Code, Message string
}

func (f *fault) Error() string { return f.Code + ": " + f.Message }

// invalid is the answer of AWS's validator to one parameter.
func invalid(message string) error {
	return &fault{http.StatusBadRequest, "ValidationError", message}
}

func constraint(value, parameter, must string) error {
	return invalid("1 validation error detected: Value '" + value + "' at '" + parameter + "' failed to satisfy constraint: Member must " + must)
}

func denied(message string) error { return &fault{http.StatusForbidden, "AccessDenied", message} }

func unsupported(message string) error {
	return &fault{http.StatusBadRequest, "UnsupportedOperation", message}
}

// Serve answers one request.
func (a *API) Serve(w http.ResponseWriter, r *gate.Request) {
	out, action, err := a.answer(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	type metadata struct{ RequestId string }
	a.send(w, r, http.StatusOK, struct {
		XMLName  xml.Name
		Result   any
		Metadata metadata `xml:"ResponseMetadata"`
	}{xml.Name{Space: a.namespace, Local: action + "Response"}, named{action + "Result", out}, metadata{r.ID}})
}

// named is an element whose name is known at run time only.
type named struct {
	name    string
	content any
}

// MarshalXML writes the content under the name.
func (n named) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	start.Name.Local = n.name
	return e.EncodeElement(n.content, start)
}

func (a *API) answer(r *gate.Request) (out any, action string, err error) {
	form := r.HTTP.URL.Query()
	if len(r.Body) > 0 {
		kind, _, err := mime.ParseMediaType(r.HTTP.Header.Get("Content-Type"))
		if err != nil || kind != "application/x-www-form-urlencoded" {
			return nil, "", &fault{http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The Content-Type must be application/x-www-form-urlencoded."}
		}
		more, err := url.ParseQuery(string(r.Body))
		if err != nil {
			return nil, "", &fault{http.StatusBadRequest, "MalformedQueryString", "The query string contains a syntax error."}
		}
		for key, values := range more {
			form[key] = append(form[key], values...)
		}
	}
	action = form.Get("Action")
	if action == "" {
		return nil, "", &fault{http.StatusBadRequest, "MissingAction", "The request is missing an action or a required parameter."}
	}
	do, ok := a.actions[action]
	if !ok {
		return nil, "", a.unserved(action)
	}
	if v := form.Get("Version"); v != "" && v != a.version {
		return nil, "", &fault{http.StatusBadRequest, "NoSuchVersion", "The requested version (" + v + ") is not valid."}
	}
	out, err = do(a, &call{r.Who, form})
	return out, action, err
}

func (a *API) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// Refuse words a refusal at the door as these services do (AWS: STS and IAM, Common
// error types).
func (a *API) Refuse(w http.ResponseWriter, r *gate.Request, why *gate.Refusal) {
	f := &fault{why.Status, why.Code, why.Message}
	switch why.Reason {
	case gate.UnknownKey:
		f = &fault{http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."}
	case gate.ExpiredToken:
		f = &fault{http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"}
	case gate.OldSignature:
		f = &fault{http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired: " + why.Message}
	}
	a.fail(w, r, f)
}

func (a *API) fail(w http.ResponseWriter, r *gate.Request, err error) {
	f, ok := err.(*fault)
	if !ok {
		f = &fault{http.StatusInternalServerError, "InternalFailure", "An internal error has occurred"}
	}
	kind := "Sender"
	if f.Status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	type detail struct{ Type, Code, Message string }
	a.send(w, r, f.Status, struct {
		XMLName   xml.Name
		Error     detail
		RequestId string
	}{xml.Name{Space: a.namespace, Local: "ErrorResponse"}, detail{kind, f.Code, f.Message}, r.ID})
}

func (a *API) send(w http.ResponseWriter, r *gate.Request, status int, answer any) {
	body, err := xml.Marshal(answer)
	if err != nil {
		panic("unreachable: plain data: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "text/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h["x-amzn-RequestId"] = []string{r.ID} // spelt as AWS spells it
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone away is no concern of ours
}
