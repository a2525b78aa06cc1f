package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"tombolo/client"
	"tombolo/console"
	"tombolo/gate"
	"tombolo/lab"
	"tombolo/network"
	"tombolo/reach"
	"tombolo/why"
)

// guides are the guided labs, one for each account and Region in which somebody
// plays.
type guides struct {
	daemon *daemon
	door   *gate.Gate

	mu  sync.Mutex
	all map[network.Caller]*lab.Guide
}

// answer answers POST /console/lab.
func (g *guides) answer(ctx context.Context, c network.Caller, t console.Task) (any, error) {
	if g.daemon.fabric == nil {
		return nil, noPackets()
	}
	guide := g.of(c)
	var out any
	var err error
	switch t.Action {
	case "state":
		out, err = guide.State(ctx)
	case "setup":
		out, err = guide.Setup(ctx)
	case "check":
		out, err = guide.Check(ctx, t.Step)
	case "reset":
		out, err = guide.Reset(ctx)
	default:
		return nil, &console.Problem{Status: http.StatusBadRequest, Code: "BadQuestion", Message: "The lab knows the actions state, setup, check and reset."}
	}
	var refused *client.Error
	switch {
	case errors.Is(err, lab.ErrNoStep):
		err = &console.Problem{Status: http.StatusBadRequest, Code: "BadQuestion", Message: err.Error()}
	case errors.Is(err, lab.ErrNotBuilt):
		err = &console.Problem{Status: http.StatusConflict, Code: "NotBuilt", Message: err.Error()}
	case errors.As(err, &refused):
		err = &console.Problem{Status: http.StatusConflict, Code: refused.Code, Message: err.Error()}
	}
	return out, err
}

func (g *guides) of(c network.Caller) *lab.Guide {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all[c] == nil {
		g.all[c] = lab.NewGuide(lab.Ground{
			API: &client.Client{Endpoint: g.daemon.url, Region: string(c.Region), AccessKey: "console", Secret: "console", Via: inward{g.door, c}},
			Run: func(ctx context.Context, id string, line func(string), args ...string) (int, error) {
				return g.daemon.runLines(ctx, network.InstanceID(id), line, args)
			},
			Drops: func(context.Context) ([]lab.Drop, error) { return g.daemon.drops() },
			Why:   func(_ context.Context, from, to string) string { return g.daemon.whyNot(c, from, to) },
		})
	}
	return g.all[c]
}

// inward brings a client's requests to the services without the network: the
// visitor was let in by the console's door.
type inward struct {
	door   *gate.Gate
	caller network.Caller
}

// RoundTrip answers one request of the EC2 API.
func (v inward) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	v.door.Carry(w, r, "ec2", v.caller)
	return w.Result(), nil
}

// runLines runs a command in an instance and gives each line that it prints.
func (d *daemon) runLines(ctx context.Context, id network.InstanceID, line func(string), args []string) (int, error) {
	out, in := io.Pipe()
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			line(lines.Text())
		}
		_, _ = io.Copy(io.Discard, out) // a line that is too long ends the lines, not the command
	}()
	code, err := d.runInside(ctx, id, args, in)
	_ = in.Close()
	<-read
	return code, err
}

// whyNot is why an HTTP request between two instances gets no answer, "" when the
// network is not to blame.
func (d *daemon) whyNot(c network.Caller, from, to string) string {
	s := d.State()
	flow, err := why.Flow(s, c, why.Question{Source: from, Destination: to, Protocol: "tcp", Port: 80})
	if err != nil {
		return ""
	}
	if a := why.Document(s, reach.Trace(s, flow)); a.BlockedBy != nil {
		return a.BlockedBy.Sentence
	}
	return ""
}
