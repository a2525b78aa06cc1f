package server

import (
	"net/http"
	"strconv"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// callEC2 appends the answer of an EC2 action.
func (s *Server) callEC2(q *request, b []byte) ([]byte, error) {
	out, err := s.dispatch(q)
	if err != nil {
		return b, err
	}
	b = append(b, xmlHead...)
	b = append(b, '<')
	b = append(b, q.action...)
	b = append(b, `Response xmlns="`+wire.Namespace+`"><requestId>`...)
	b = append(b, q.ID...)
	b = append(b, `</requestId>`...)
	b = out.AppendXML(b)
	b = append(b, `</`...)
	b = append(b, q.action...)
	return append(b, `Response>`...), nil
}

// dispatch runs the action, if AWS has it and so do we.
func (s *Server) dispatch(q *request) (wire.Response, error) {
	if q.action == "" {
		return nil, &api.Error{Code: "MissingAction", Message: "The request is missing an action or a required parameter."}
	}
	action, ok := wire.LookupAction(q.action)
	if !ok {
		return nil, &api.Error{Code: "InvalidAction", Message: "The action " + q.action + " is not valid for this web service."}
	}
	if v, ok := q.form.Get("Version"); ok && v != wire.Version {
		return nil, &api.Error{Code: "NoSuchVersion", Message: "The API version " + v + " is not supported; " + wire.Version + " is."}
	}
	c := q.call(s)
	o, ok := s.operations[q.action]
	if !ok {
		return unserved(c, action)
	}
	return o.Run(c, q.form.Without(protocolParam))
}

// call is what a handler works with.
func (q *request) call(s *Server) *api.Call {
	dry, _ := q.form.Get("DryRun")
	return &api.Call{Ctx: q.HTTP.Context(), Backend: s.Backend, Caller: q.Caller, State: s.Backend.State(), Action: q.action,
		Dry: strings.EqualFold(dry, "true"), Now: s.Now(), StrictImages: s.StrictImages, Quotas: s.Quotas}
}

// unserved answers what AWS has and we do not. A Describe of things that we do
// not have is answered truly: there are none.
func unserved(c *api.Call, action wire.Action) (wire.Response, error) {
	if len(action.Lists) == 0 {
		return nil, &api.Error{Code: "UnsupportedOperation", Message: "The action " + action.Name + " is not supported by this server."}
	}
	if err := c.Nothing(); err != nil {
		return nil, err
	}
	return action, nil
}

// protocolParam names parameters that belong to the protocol or the signature
// and not to an operation.
func protocolParam(key string) bool {
	switch key {
	case "Action", "Version",
		"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token":
		return true
	}
	return false
}

// refuse sends an error in the form of the service that was asked.
func (s *Server) refuse(w http.ResponseWriter, q *request, err error, b []byte) {
	e, known := q.call(s).Words(err)
	if !known {
		s.Log.Error("internal error", "action", q.action, "request", q.ID, "err", err)
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	b = append(b, xmlHead...)
	b = append(b, "<Response><Errors><Error>"...)
	b = wire.AppendElement(b, "Code", e.Code)
	b = wire.AppendElement(b, "Message", e.Message)
	b = append(b, "</Error></Errors>"...)
	b = wire.AppendElement(b, "RequestID", q.ID)
	b = append(b, "</Response>"...)
	s.send(w, q, status, b)
}

func (s *Server) send(w http.ResponseWriter, q *request, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/xml;charset=UTF-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h["x-amzn-RequestId"] = []string{q.ID} // spelt as AWS spells it
	w.WriteHeader(status)
	// A client that has gone away is no concern of ours.
	_, _ = w.Write(body)
}
