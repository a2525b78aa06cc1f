package console

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"tombolo/flowlog"
	"tombolo/flowlog/delivery"
	"tombolo/network"
)

const (
	lookEvery  = 100 * time.Millisecond // at the State: two loads of a pointer
	heartbeat  = 15 * time.Second
	eventTime  = 10 * time.Second // for a page to take one event
	shownFlows = 500              // of one second
)

// stateEvent says that something changed. The first one of a stream has no kinds:
// it says what the stream begins with.
type stateEvent struct {
	Generation uint64   `json:"generation"`
	Kinds      []string `json:"kinds"`
}

// planeEvent says how far packets obey.
type planeEvent struct {
	Enforced   bool   `json:"enforced"`
	Generation uint64 `json:"generation"`
	Degraded   string `json:"degraded"`
}

// flowsEvent is what passed in one second, as the kernel counted it.
type flowsEvent struct {
	Flows []flow `json:"flows"`
	More  bool   `json:"more"` // there were more than these
}

// flow is what one interface saw of one flow in one direction.
type flow struct {
	ENI       network.ENIID `json:"eni"`
	Source    string        `json:"src"`
	Dest      string        `json:"dst"`
	SPort     uint16        `json:"sport"`
	DPort     uint16        `json:"dport"`
	Protocol  uint8         `json:"protocol"`
	Action    string        `json:"action"`
	Direction string        `json:"direction"`
	Packets   uint64        `json:"packets"`
	Bytes     uint64        `json:"bytes"`
}

// events streams what happens until the page goes away or the visit ends.
func (s *Server) events(w http.ResponseWriter, r *http.Request, v *visit) {
	var ask struct {
		Flows bool `json:"flows"`
	}
	if err := decode(w, r, &ask); err != nil {
		refuse(w, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(v.ctx, cancel)()
	var batches <-chan delivery.Batch // nil is never ready
	if ask.Flows {
		var err error
		if batches, err = s.Flows(ctx); err != nil {
			refuse(w, err)
			return
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := &eventWriter{w: w, control: http.NewResponseController(w)}
	out.err = out.control.SetReadDeadline(time.Time{})
	s.follow(ctx, out, batches)
}

// follow writes events until ctx ends or nobody takes them.
func (s *Server) follow(ctx context.Context, out *eventWriter, batches <-chan delivery.Batch) {
	look, beat := time.NewTicker(lookEvery), time.NewTicker(heartbeat)
	defer look.Stop()
	defer beat.Stop()
	state, fabric := s.State(), s.Fabric()
	out.event("state", stateEvent{state.Generation, []string{}})
	out.event("plane", planeEvent{fabric.Enforced, fabric.Generation, fabric.Degraded})
	for out.err == nil {
		select {
		case <-look.C:
			if now := s.State(); now.Generation != state.Generation {
				out.event("state", stateEvent{now.Generation, now.KindsSince(state)})
				state = now
			}
			if now := s.Fabric(); now != fabric {
				out.event("plane", planeEvent{now.Enforced, now.Generation, now.Degraded})
				fabric = now
			}
		case b, ok := <-batches:
			if !ok {
				batches = nil
				continue
			}
			out.event("flows", flowsOf(b))
		case <-beat.C:
			out.write([]byte(": still here\n\n"))
		case <-ctx.Done():
			return
		}
	}
}

// flowsOf is a batch for the page. What carries nothing is not shown.
func flowsOf(b delivery.Batch) flowsEvent {
	out := flowsEvent{Flows: []flow{}, More: b.Incomplete || b.Missed > 0}
	for _, r := range b.Records {
		if r.Status != flowlog.OK {
			continue
		}
		if len(out.Flows) == shownFlows {
			out.More = true
			break
		}
		out.Flows = append(out.Flows, flow{r.Interface.ID, r.Source.String(), r.Dest.String(), r.SourcePort, r.DestPort,
			r.Protocol, r.Action.String(), r.Direction.String(), r.Packets, r.Bytes})
	}
	return out
}

// eventWriter writes server-sent events; it keeps the first error.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (e *eventWriter) event(name string, v any) {
	doc, err := json.Marshal(v)
	if err != nil {
		e.err = err
		return
	}
	var b bytes.Buffer
	b.WriteString("event: " + name + "\ndata: ")
	b.Write(doc)
	b.WriteString("\n\n")
	e.write(b.Bytes())
}

func (e *eventWriter) write(b []byte) {
	if e.err == nil {
		e.err = e.control.SetWriteDeadline(time.Now().Add(eventTime))
	}
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
	if e.err == nil {
		e.err = e.control.Flush()
	}
}
