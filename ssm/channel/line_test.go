package channel

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func pair() (server, client *Line) {
	return New(Config{Role: Server, Seed: [16]byte{1}}), New(Config{Role: Client, Seed: [16]byte{2}})
}

// drain writes everything that a line has to say now.
func drain(l *Line, now time.Time) (frames [][]byte) {
	for {
		f, _ := l.Next(now)
		if f == nil {
			return frames
		}
		frames = append(frames, f)
	}
}

// give delivers frames in order.
func give(t *testing.T, l *Line, now time.Time, frames ...[]byte) {
	t.Helper()
	for _, f := range frames {
		if err := l.Receive(now, f); err != nil {
			t.Fatal(err)
		}
	}
}

// told is everything that a line has for its consumer.
func told(l *Line) string {
	var b strings.Builder
	for m, ok := l.Take(); ok; m, ok = l.Take() {
		b.Write(m.Content)
	}
	return b.String()
}

func decode(t *testing.T, frame []byte) Message {
	t.Helper()
	m, err := Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sequences(t *testing.T, frames [][]byte) (out []int64) {
	t.Helper()
	for _, f := range frames {
		out = append(out, decode(t, f).Sequence)
	}
	return out
}

func TestMessagesArriveInOrderAndAreAcknowledged(t *testing.T) {
	server, client := pair()
	server.Send(Request, []byte("a"))
	server.Send(Bytes, []byte("b"))
	frames := drain(server, start)
	if len(frames) != 2 || server.Drained() {
		t.Fatalf("%d frames, drained %v", len(frames), server.Drained())
	}
	first := decode(t, frames[0])
	if first.Type != Output || first.Flags != FlagSYN || first.Payload != Request || first.Created != start.UnixMilli() {
		t.Errorf("first frame is %+v", first)
	}
	give(t, client, start, frames...)
	if got := told(client); got != "ab" {
		t.Errorf("client was told %q", got)
	}
	acks := drain(client, start)
	if len(acks) != 2 {
		t.Fatalf("%d acknowledgements", len(acks))
	}
	ack := decode(t, acks[1])
	var a Acknowledgement
	if err := Unmarshal(ack.Content, &a); err != nil || ack.Type != Acknowledge || ack.Sequence != 0 || ack.Flags != 3 || ack.Payload != 0 ||
		a != (Acknowledgement{Output, decode(t, frames[1]).ID.String(), 1, true}) {
		t.Errorf("acknowledgement is %+v %+v, %v", ack, a, err)
	}
	give(t, server, start, acks...)
	if !server.Drained() {
		t.Error("acknowledged, and not drained")
	}
	if frame, again := server.Next(start); frame != nil || !again.IsZero() {
		t.Errorf("nothing is left to say: %x at %v", frame, again)
	}
}

func TestAnAcknowledgementIsWrittenBeforeAnythingNew(t *testing.T) {
	server, client := pair()
	client.Send(Response, nil)
	give(t, server, start, drain(client, start)...)
	server.Send(Complete, []byte("{}"))
	frames := drain(server, start)
	if len(frames) != 2 || decode(t, frames[0]).Type != Acknowledge || decode(t, frames[1]).Payload != Complete {
		t.Error("the plugin's reader dies when the acknowledgement of its response comes after HandshakeComplete")
	}
}

func TestARepeatedMessageIsAcknowledgedAgainAndDeliveredOnce(t *testing.T) {
	server, client := pair()
	client.Send(Bytes, []byte("once"))
	frames := drain(client, start)
	give(t, server, start, frames[0], frames[0])
	if got := told(server); got != "once" {
		t.Errorf("told %q", got)
	}
	give(t, server, start, frames[0])
	if got, acks := told(server), drain(server, start); got != "" || len(acks) != 3 {
		t.Errorf("told %q again, %d acknowledgements", got, len(acks))
	}
}

func TestEarlyMessagesWaitForTheOneBefore(t *testing.T) {
	server, client := pair()
	for _, s := range []string{"a", "b", "c"} {
		client.Send(Bytes, []byte(s))
	}
	frames := drain(client, start)
	give(t, server, start, frames[2], frames[1])
	if got := told(server); got != "" || server.Waiting() {
		t.Errorf("told %q before its time", got)
	}
	acks := drain(server, start)
	give(t, client, start, acks...)
	if len(acks) != 2 || client.Drained() {
		t.Errorf("%d acknowledgements of early messages", len(acks))
	}
	// Only the missing one is repeated.
	again := drain(client, start.Add(time.Second))
	if !slices.Equal(sequences(t, again), []int64{0}) {
		t.Errorf("repeated %v", sequences(t, again))
	}
	give(t, server, start, again...)
	if got := told(server); got != "abc" {
		t.Errorf("told %q", got)
	}
}

func TestWithoutRoomAMessageIsNotAcknowledged(t *testing.T) {
	client := New(Config{Role: Client})
	server := New(Config{Role: Server, ReceiveCount: 2})
	for _, s := range []string{"a", "b", "c"} {
		client.Send(Bytes, []byte(s))
	}
	give(t, server, start, drain(client, start)...)
	give(t, client, start, drain(server, start)...)
	if client.Drained() || client.Room() != defaultWindow-1 {
		t.Fatalf("room for %d", client.Room())
	}
	if got := told(server); got != "ab" {
		t.Errorf("told %q", got)
	}
	give(t, server, start, drain(client, start.Add(time.Second))...)
	give(t, client, start, drain(server, start)...)
	if got := told(server); got != "c" || !client.Drained() {
		t.Errorf("told %q, drained %v", got, client.Drained())
	}
}

func TestEarlyMessagesCannotLockOutTheOneThatIsMissing(t *testing.T) {
	client := New(Config{Role: Client})
	server := New(Config{Role: Server, ReceiveBytes: 10})
	for _, s := range []string{"missing", "123456", "7890", "more"} {
		client.Send(Bytes, []byte(s))
	}
	frames := drain(client, start)
	give(t, server, start, frames[1:]...)
	if acks := drain(server, start); len(acks) != 2 {
		t.Fatalf("%d early messages kept, the limit is ten bytes", len(acks))
	}
	give(t, server, start, frames[0])
	if got := told(server); got != "missing1234567890" {
		t.Errorf("told %q", got)
	}
}

func TestASenderWithoutAnswerStopsAtItsWindow(t *testing.T) {
	server := New(Config{Role: Server, Window: 4, Chunk: 10})
	stream := bytes.Repeat([]byte("x"), 1000)
	if n := server.Write(Bytes, stream); n != 40 || server.Room() != 0 {
		t.Errorf("took %d bytes, room for %d more messages", n, server.Room())
	}
	if server.Send(Bytes, nil) || server.Write(Bytes, stream) != 0 {
		t.Error("took more than its window")
	}
	if frames := drain(server, start); len(frames) != 4 {
		t.Errorf("%d frames", len(frames))
	}
}

func TestAStreamIsCutBetweenCharacters(t *testing.T) {
	for _, c := range []struct {
		in    string
		chunk int
		want  []string
	}{
		{"abcdef", 4, []string{"abcd", "ef"}},
		{"abcdef", 6, []string{"abcdef"}},
		{"abcé", 4, []string{"abc", "é"}},
		{"ab€x", 4, []string{"ab", "€x"}},
		{"😀😀", 7, []string{"😀", "😀"}},
		{"😀😀", 4, []string{"😀", "😀"}},
		{"€€", 2, []string{"\xe2\x82", "\xac", "€"[:2], "€"[2:]}}, // no room for a character
		{"\x80\x80\x80\x80\x80\x80", 5, []string{"\x80\x80\x80\x80\x80", "\x80"}},
		{"", 5, nil},
	} {
		l := New(Config{Role: Server, Chunk: c.chunk})
		if n := l.Write(Bytes, []byte(c.in)); n != len(c.in) {
			t.Errorf("%q: took %d", c.in, n)
		}
		var got []string
		for _, f := range drain(l, start) {
			got = append(got, string(decode(t, f).Content))
		}
		if strings.Join(got, "") != c.in || c.chunk != 2 && !slices.Equal(got, c.want) {
			t.Errorf("%q by %d: %q", c.in, c.chunk, got)
		}
	}
}

func TestAMessageThatFitsNoFrameIsNotTaken(t *testing.T) {
	l, _ := pair()
	if l.Send(Bytes, make([]byte, MaxContent+1)) || !l.Send(Bytes, make([]byte, MaxContent)) {
		t.Error("the limit is MaxContent")
	}
}

func TestTheContentIsCopied(t *testing.T) {
	server, client := pair()
	content := []byte("mine")
	server.Send(Bytes, content)
	copy(content, "your")
	frame, _ := server.Next(start)
	mine := bytes.Clone(frame)
	give(t, client, start, mine)
	clear(mine)
	if got := told(client); got != "mine" {
		t.Errorf("told %q", got)
	}
}

func TestOnlyTheOldestMessageIsRepeated(t *testing.T) {
	server, _ := pair()
	for range 3 {
		server.Send(Bytes, []byte("x"))
	}
	drain(server, start)
	frame, again := server.Next(start.Add(firstTimeout - 1))
	if frame != nil || !again.Equal(start.Add(firstTimeout)) {
		t.Errorf("said to ask again at %v", again)
	}
	var at []time.Duration
	for now := start; now.Before(start.Add(2 * time.Second)); now = now.Add(time.Millisecond) {
		for _, s := range sequences(t, drain(server, now)) {
			if s != 0 {
				t.Fatalf("repeated %d", s)
			}
			at = append(at, now.Sub(start))
		}
	}
	if len(at) != 9 || at[0] != firstTimeout {
		t.Errorf("repeated at %v", at)
	}
}

func TestAPartOfTheHandshakeIsRepeatedUnhurriedly(t *testing.T) {
	server, _ := pair()
	server.Send(Complete, []byte("{}"))
	drain(server, start)
	if _, again := server.Next(start); !again.Equal(start.Add(handshakeRepeat)) {
		t.Errorf("said to ask again at %v", again)
	}
}

func TestTheTimeoutFollowsTheAnswers(t *testing.T) {
	s := newSender(Config{})
	for range 200 {
		s.measure(time.Millisecond)
	}
	if s.timeout < minVariance || s.timeout > 12*time.Millisecond {
		t.Errorf("timeout is %v after quick answers", s.timeout)
	}
	s.measure(5 * time.Second)
	if s.timeout != maxTimeout {
		t.Errorf("timeout is %v after a slow answer", s.timeout)
	}
	s = newSender(Config{})
	s.measure(20 * time.Millisecond)
	if want := 90*time.Millisecond + 4*20*time.Millisecond; s.timeout != want {
		t.Errorf("timeout is %v after one answer, want %v", s.timeout, want)
	}
	s.measure(-time.Hour) // a clock that was set back
	if s.timeout < minVariance {
		t.Errorf("timeout is %v", s.timeout)
	}
}

func TestAnAnswerToARepeatedMessageMeasuresNothing(t *testing.T) {
	server, client := pair()
	server.Send(Bytes, []byte("x"))
	drain(server, start)
	again := drain(server, start.Add(time.Second))
	give(t, client, start, again...)
	give(t, server, start.Add(time.Second), drain(client, start)...)
	if server.send.timeout != firstTimeout || !server.Drained() {
		t.Errorf("timeout is %v, drained %v", server.send.timeout, server.Drained())
	}
}

func TestANewWebsocketCarriesEverythingOnceMoreInOrder(t *testing.T) {
	server, client := pair()
	server.Attach(start)
	for range 5 {
		server.Send(Bytes, []byte("x"))
	}
	frames := drain(server, start)
	give(t, client, start, frames[0], frames[2]) // 2 is early
	give(t, server, start, drain(client, start)...)
	server.Send(Bytes, []byte("new"))
	server.Attach(start.Add(time.Millisecond))
	if got := sequences(t, drain(server, start.Add(time.Millisecond))); !slices.Equal(got, []int64{1, 3, 4, 5}) {
		t.Errorf("the new websocket carries %v", got)
	}
	if got := drain(server, start.Add(2*time.Millisecond)); got != nil {
		t.Errorf("and again %v", sequences(t, got))
	}
}

func TestTheEndOvertakesNothing(t *testing.T) {
	server, client := pair()
	server.Send(Bytes, []byte("tail"))
	server.Close(start, "root-1", "")
	server.Close(start, "root-1", "too late")
	if server.Send(Bytes, []byte("more")) {
		t.Error("took a message after its end")
	}
	frames := drain(server, start)
	if len(frames) != 1 || server.Ended() {
		t.Fatalf("%d frames, ended %v", len(frames), server.Ended())
	}
	give(t, client, start, frames...)
	give(t, server, start, drain(client, start)...)
	end := drain(server, start)
	if len(end) != 1 || !server.Ended() {
		t.Fatalf("%d frames, ended %v", len(end), server.Ended())
	}
	if m := decode(t, end[0]); m.Type != ChannelClosed || m.Flags != 3 || m.Sequence != 0 {
		t.Errorf("the end is %+v", m)
	}
	if _, over := client.Closure(); over {
		t.Error("over before its end")
	}
	give(t, client, start, end...)
	c, over := client.Closure()
	if !over || c.SessionId != "root-1" || c.Output != "" || c.MessageType != ChannelClosed || c.SchemaVersion != 1 || c.CreatedDate != "1795392000000" || !client.Ended() {
		t.Errorf("closure is %+v, %v", c, over)
	}
	if got := told(client); got != "tail" {
		t.Errorf("told %q", got)
	}
}

func TestTheEndDoesNotWaitForEver(t *testing.T) {
	server, client := pair()
	server.Send(Bytes, []byte("unheard"))
	server.Close(start, "root-1", "instance stopped")
	var end [][]byte
	now := start
	for range 100 {
		frame, again := server.Next(now)
		if frame != nil {
			end = append(end, frame)
			continue
		}
		if again.IsZero() {
			break
		}
		now = again
	}
	if !now.Equal(start.Add(drainTime)) || !server.Ended() {
		t.Fatalf("ended %v after %v", server.Ended(), now.Sub(start))
	}
	give(t, client, now, end[len(end)-1])
	if c, _ := client.Closure(); c.Output != "instance stopped" {
		t.Errorf("closure is %+v", c)
	}
	// A client that comes back later gets another two seconds, and the end again.
	now = now.Add(time.Hour)
	server.Attach(now)
	if again := drain(server, now); len(again) != 1 || server.Ended() {
		t.Errorf("%d frames on the new websocket, ended %v", len(again), server.Ended())
	}
	again := drain(server, now.Add(drainTime))
	if len(again) == 0 || decode(t, again[len(again)-1]).Type != ChannelClosed {
		t.Errorf("%d frames at the end", len(again))
	}
}

func TestAClientHasNoEndToSay(t *testing.T) {
	_, client := pair()
	client.Close(start, "root-1", "x")
	if f := drain(client, start); f != nil || client.Ended() || !client.Send(Bytes, nil) {
		t.Error("a client closed the channel")
	}
}

func TestMessagesOfTheWrongDirectionAreRefused(t *testing.T) {
	server, client := pair()
	for _, c := range []struct {
		to   *Line
		m    Message
		want error
	}{
		{server, Message{Type: Output, Created: 1}, ErrType},
		{server, Message{Type: ChannelClosed, Created: 1, Content: []byte("{}")}, ErrType},
		{server, Message{Type: StartPublication, Created: 1}, ErrType},
		{server, Message{Type: "agent_session_state", Created: 1}, ErrType},
		{client, Message{Type: Input, Created: 1}, ErrType},
		{client, Message{Type: StartPublication, Created: 1}, nil},
		{client, Message{Type: PausePublication, Created: 1}, nil},
		{client, Message{Type: ChannelClosed, Created: 1, Content: []byte("[]")}, ErrContent},
		{client, Message{Type: Acknowledge, Created: 1, Content: []byte("x")}, ErrContent},
		{client, Message{Type: Acknowledge, Created: 1, Content: []byte("{}")}, ErrContent},
		{client, Message{Type: Acknowledge, Created: 1, Content: []byte(`{"AcknowledgedMessageSequenceNumber":1.5}`)}, ErrContent},
	} {
		if err := c.to.Receive(start, c.m.Append(nil)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.m.Type, err, c.want)
		}
	}
}

func TestWhatWasNeverSentCannotBeAcknowledged(t *testing.T) {
	server, _ := pair()
	server.Send(Bytes, []byte("a"))
	drain(server, start)
	server.Send(Bytes, []byte("b")) // not on any websocket yet
	for _, n := range []int64{1, 2, 1 << 62, -1} {
		m := Message{Type: Acknowledge, Created: 1, Content: Marshal(Acknowledgement{AcknowledgedMessageSequenceNumber: n})}
		if err := server.Receive(start, m.Append(nil)); !errors.Is(err, ErrSequence) {
			t.Errorf("%d: %v", n, err)
		}
	}
	if server.Room() != defaultWindow-2 {
		t.Errorf("room for %d", server.Room())
	}
}

func TestMessageIDsAreUUIDsThatDiffer(t *testing.T) {
	a, b := New(Config{Role: Server, Seed: [16]byte{1}}), New(Config{Role: Server, Seed: [16]byte{2}})
	seen := map[ID]bool{}
	for range 100 {
		for _, l := range []*Line{a, b} {
			id := l.newID()
			if seen[id] || id[6]>>4 != 4 || id[8]>>6 != 2 {
				t.Fatalf("id %s", id)
			}
			seen[id] = true
		}
	}
}
