package ssm

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"tombolo/network"
	"tombolo/ssm/document"
	"tombolo/ssm/session"
)

func sessionOperations() []operation {
	return []operation{
		on("StartSession", (*Service).startSession),
		on("ResumeSession", (*Service).resumeSession),
		on("TerminateSession", (*Service).terminateSession),
		on("DescribeSessions", (*Service).describeSessions),
		on("GetConnectionStatus", (*Service).getConnectionStatus),
	}
}

type startSessionRequest struct {
	Target       string              `shape:"*SessionTarget"`
	DocumentName string              `shape:"DocumentARN"`
	Reason       string              `shape:"SessionReason"`
	Parameters   map[string][]string `shape:"SessionManagerParameters"`
}

type resumeSessionRequest struct {
	SessionId string `shape:"*SessionId"`
}

type terminateSessionRequest struct {
	SessionId string `shape:"*SessionId"`
}

type describeSessionsRequest struct {
	State      string          `shape:"*SessionState"`
	MaxResults int             `shape:"SessionMaxResults"`
	NextToken  string          `shape:"NextToken"`
	Filters    []sessionFilter `shape:"SessionFilterList"`
}

type getConnectionStatusRequest struct {
	Target string `shape:"*SessionTarget"`
}

type sessionFilter struct {
	Key   string `json:"key" shape:"*SessionFilterKey"`
	Value string `json:"value" shape:"*SessionFilterValue"`
}

// access is what the plugin needs to open a session's websocket.
type access struct {
	SessionId  string
	TokenValue string `json:",omitempty"`
	StreamUrl  string `json:",omitempty"`
}

// streamURL is where a session's websocket is: on the port that the caller came
// through, under the name that the caller knows it by. It has no X-Amz
// parameters: the plugin would take it for signed and never resume.
func streamURL(c *call, id string) string {
	scheme := "ws"
	if c.http.TLS != nil {
		scheme = "wss"
	}
	return scheme + "://" + c.http.Host + "/v1/data-channel/" + id + "?role=publish_subscribe"
}

// The first keys are the account's own: everybody is the account's root.
const callerName = "root"

func callerARN(c network.Caller) string {
	return "arn:aws:iam::" + string(c.Account) + ":root"
}

func (s *Service) startSession(c *call, q *startSessionRequest) (any, error) {
	name := cmp.Or(q.DocumentName, document.RunShell)
	content, bare, err := s.sessionDocument(c.caller, name)
	if err != nil {
		return nil, err
	}
	preferences, err := s.Preferences(c.caller)
	if err != nil {
		return nil, err
	}
	plan, err := content.Plan(q.Parameters, preferences)
	if err != nil {
		return nil, named(err, bare)
	}
	info, token, err := s.Sessions.Start(c, session.Spec{
		Caller: c.caller, User: callerName, OwnerARN: callerARN(c.caller),
		Target: network.InstanceID(q.Target), Document: bare, Reason: q.Reason, Plan: plan,
	})
	if errors.Is(err, session.ErrNotConnected) {
		return nil, fail("TargetNotConnected", "%s is not connected.", q.Target)
	}
	if err != nil {
		return nil, err
	}
	return access{info.ID, token, streamURL(c, info.ID)}, nil
}

// sessionDocument finds the document of a session: its default version.
func (s *Service) sessionDocument(c network.Caller, name string) (*document.Document, string, error) {
	record, err := s.library.find(c, name)
	if err != nil {
		return nil, "", err
	}
	if record.Type != document.Session {
		return nil, "", fail(string(document.InvalidDocument), "Document %s is of type %s; a session needs one of type Session.", record.Name, record.Type)
	}
	content, err := record.Resolve("", "")
	return content, record.Name, err
}

// named puts the document's name where AWS's errors have it.
func named(err error, name string) error {
	var e *document.Error
	if errors.As(err, &e) {
		return fail(string(e.Code), "%s", strings.Replace(e.Message, "The document does not", "document "+name+" does not", 1))
	}
	return err
}

// Preferences are a caller's session preferences: the inputs of the account's
// SSM-SessionManagerRunShell.
func (s *Service) Preferences(c network.Caller) (document.Preferences, error) {
	record, err := s.library.find(c, document.RunShell)
	if err != nil {
		return document.Preferences{}, err
	}
	content, err := record.Resolve("", "")
	if err != nil {
		return document.Preferences{}, err
	}
	return content.Preferences(), nil
}

// resumeSession gives a session that has ended no token: the plugin then says
// that it timed out, where an error would leave it hanging.
func (s *Service) resumeSession(c *call, q *resumeSessionRequest) (any, error) {
	token, err := s.Sessions.Resume(c.caller, q.SessionId)
	if errors.Is(err, session.ErrUnknown) {
		return nil, fail("DoesNotExistException", "Session %s does not exist.", q.SessionId)
	}
	if err != nil {
		return nil, err
	}
	if token == "" {
		return access{SessionId: q.SessionId}, nil
	}
	return access{q.SessionId, token, streamURL(c, q.SessionId)}, nil
}

// terminateSession knows no wrong id: AWS's model has no error for one.
func (s *Service) terminateSession(c *call, q *terminateSessionRequest) (any, error) {
	if err := s.Sessions.Terminate(c.caller, q.SessionId); err != nil && !errors.Is(err, session.ErrUnknown) {
		s.Log.Warn("session ends slowly", "err", err) // it has been told to, which is what AWS's answer says too
	}
	return access{SessionId: q.SessionId}, nil
}

func (s *Service) getConnectionStatus(c *call, q *getConnectionStatusRequest) (any, error) {
	status := "notconnected"
	if s.Sessions.Connected(c.caller, network.InstanceID(q.Target)) {
		status = "connected"
	}
	return struct{ Target, Status string }{q.Target, status}, nil
}

// sessionView is a session as DescribeSessions shows it.
type sessionView struct {
	SessionId          string
	Target             string
	Status             string
	StartDate          json.Number
	EndDate            json.Number `json:",omitempty"`
	DocumentName       string
	Owner              string
	Reason             string `json:",omitempty"`
	Details            string `json:",omitempty"`
	OutputUrl          *outputURL
	MaxSessionDuration string `json:",omitempty"`
	AccessType         string
}

type outputURL struct {
	S3OutputUrl         string `json:",omitempty"`
	CloudWatchOutputUrl string `json:",omitempty"`
}

func viewSession(i session.Info) sessionView {
	v := sessionView{
		SessionId: i.ID, Target: string(i.Target), Status: string(i.Status), StartDate: when(i.Started),
		DocumentName: i.Document, Owner: i.OwnerARN, Reason: i.Reason, Details: i.Details, OutputUrl: &outputURL{}, AccessType: "Standard",
	}
	if !i.Ended.IsZero() {
		v.EndDate = when(i.Ended)
	}
	if i.Bucket != "" && i.Key != "" {
		v.OutputUrl.S3OutputUrl = "https://s3.amazonaws.com/" + i.Bucket + "/" + i.Key
	}
	if i.Longest > 0 {
		v.MaxSessionDuration = strconv.Itoa(int(i.Longest / time.Minute))
	}
	return v
}

func (s *Service) describeSessions(c *call, q *describeSessionsRequest) (any, error) {
	var passes []func(session.Info) bool
	for _, f := range q.Filters {
		pass, err := sessionPass(f)
		if err != nil {
			return nil, err
		}
		passes = append(passes, pass)
	}
	all := slices.DeleteFunc(s.Sessions.List(c.caller), func(i session.Info) bool {
		if i.Active() != (q.State == "Active") {
			return true
		}
		return slices.ContainsFunc(passes, func(pass func(session.Info) bool) bool { return !pass(i) })
	})
	// The newest first; a token counts on an order that rises.
	key := func(i session.Info) string { return newestFirst(i.Started) + i.ID }
	slices.SortFunc(all, func(a, b session.Info) int { return cmp.Compare(key(a), key(b)) })
	all, next, err := page(all, key, q.NextToken, cmp.Or(q.MaxResults, 200))
	if err != nil {
		return nil, err
	}
	list := []sessionView{}
	for _, i := range all {
		list = append(list, viewSession(i))
	}
	return struct {
		Sessions  []sessionView
		NextToken string `json:",omitempty"`
	}{list, next}, nil
}

// newestFirst is a text that is the smaller the later t is.
func newestFirst(t time.Time) string {
	const ever = 1 << 62
	return strconv.FormatInt(ever-t.UnixNano(), 36) + " "
}

// sessionPass is one filter. AWS: SessionFilter.
func sessionPass(f sessionFilter) (func(session.Info) bool, error) {
	switch f.Key {
	case "InvokedAfter", "InvokedBefore":
		at, err := time.Parse(time.RFC3339, f.Value)
		if err != nil {
			return nil, invalid("The value %s of filter %s is no time: one looks like 2018-08-29T00:00:00Z.", f.Value, f.Key)
		}
		if f.Key == "InvokedAfter" {
			return func(i session.Info) bool { return i.Started.After(at) }, nil
		}
		return func(i session.Info) bool { return i.Started.Before(at) }, nil
	case "Target":
		return func(i session.Info) bool { return string(i.Target) == f.Value }, nil
	case "Owner":
		return func(i session.Info) bool { return i.OwnerARN == f.Value }, nil
	case "SessionId":
		return func(i session.Info) bool { return i.ID == f.Value }, nil
	case "AccessType":
		return func(session.Info) bool { return f.Value == "Standard" }, nil
	}
	known := []string{"Connected", "Connecting", "Disconnected", "Terminated", "Terminating", "Failed"}
	if !slices.Contains(known, f.Value) {
		return nil, invalid("The value %s of filter Status is none of %s.", f.Value, strings.Join(known, ", "))
	}
	return func(i session.Info) bool { return string(i.Status) == f.Value }, nil
}
