package session

import (
	"context"
	"errors"

	"tombolo/client"
)

// opened is the answer to StartSession and ResumeSession. A resumed session that is
// over has no token.
type opened struct {
	SessionId, TokenValue, StreamUrl string
}

const service, operation = "ssm", "AmazonSSM."

func start(ctx context.Context, api *client.Client, req Request) (opened, error) {
	in := struct {
		Target       string
		DocumentName string              `json:",omitempty"`
		Reason       string              `json:",omitempty"`
		Parameters   map[string][]string `json:",omitempty"`
	}{req.Target, req.Document, req.Reason, req.Parameters}
	var out opened
	if err := api.CallJSON(ctx, service, operation+"StartSession", in, &out); err != nil {
		return opened{}, err
	}
	if out.SessionId == "" || out.TokenValue == "" || out.StreamUrl == "" {
		return opened{}, errors.New("start session: the answer lacks an id, a token or a URL")
	}
	return out, nil
}

type sessionID struct{ SessionId string }

func resume(ctx context.Context, api *client.Client, id string) (opened, error) {
	var out opened
	err := api.CallJSON(ctx, service, operation+"ResumeSession", sessionID{id}, &out)
	return out, err
}

func terminate(ctx context.Context, api *client.Client, id string) error {
	return api.CallJSON(ctx, service, operation+"TerminateSession", sessionID{id}, &sessionID{})
}
