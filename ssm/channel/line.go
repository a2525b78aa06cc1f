package channel

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"
)

// Role says which end of the channel a Line is.
type Role uint8

// The two ends.
const (
	Server Role = iota + 1
	Client
)

// Config describes one end. The zero value of each number is its default.
type Config struct {
	Role Role
	Seed [16]byte // makes the message ids: a different one for every Line

	Window       int // messages sent and not acknowledged; 256
	Chunk        int // the longest content that Write makes; 1,024, as AWS's agent does
	ReceiveCount int // messages received and not taken; 4,096
	ReceiveBytes int // their contents together; 4 MiB

	// Forgive tells the server that its client drops a repeated message without
	// acknowledging it, as AWS's plugin does: see Attach. Zero means that it does
	// not. It asks for a row of messages in order, as a websocket is one.
	Forgive time.Duration
}

// The defaults of Config. The receive window must be large: the plugin sends on
// whether or not it is acknowledged (up to 10,000 messages), but repeats only its
// oldest message, ten times a second, so what falls out of the window comes back
// at a crawl.
const (
	defaultWindow       = 256
	defaultChunk        = 1024
	defaultReceiveCount = 4096
	defaultReceiveBytes = 4 << 20
)

// drainTime is how long the end of a session waits for the client to acknowledge
// what was said before; channel_closed overtakes what the client is not ready for.
const drainTime = 2 * time.Second

// Line is one end of a reliable channel over websockets that come and go.
type Line struct {
	cfg  Config
	ids  uint64 // message ids made
	send sender
	recv receiver
	end  ending
}

// New is an end of a channel on which nothing was said.
func New(cfg Config) *Line {
	def := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	def(&cfg.Window, defaultWindow)
	def(&cfg.Chunk, defaultChunk)
	def(&cfg.ReceiveCount, defaultReceiveCount)
	def(&cfg.ReceiveBytes, defaultReceiveBytes)
	cfg.Chunk = min(cfg.Chunk, MaxContent)
	return &Line{cfg: cfg, send: newSender(cfg), recv: newReceiver(cfg)}
}

// Send gives the channel one message to carry, whole. It says no when the window
// is full, when the content is too long for a frame, or after Close; the content is copied.
func (l *Line) Send(p PayloadType, content []byte) bool {
	if l.end.closing || l.Room() == 0 || len(content) > MaxContent {
		return false
	}
	l.send.push(p, content)
	return true
}

// Write gives the channel as much of a stream of bytes as the window has room for,
// in messages of at most Config.Chunk that do not cut a character of UTF-8 in two,
// and says how many bytes it took.
func (l *Line) Write(p PayloadType, stream []byte) int {
	n := 0
	for n < len(stream) {
		size := cut(stream[n:], l.cfg.Chunk)
		if !l.Send(p, stream[n:n+size]) {
			break
		}
		n += size
	}
	return n
}

// Room is how many messages Send would take now.
func (l *Line) Room() int { return l.cfg.Window - len(l.send.flying) }

// Drained says that everything sent was acknowledged.
func (l *Line) Drained() bool { return len(l.send.flying) == 0 }

// Receive takes a frame that arrived. An error says that it was no frame of the
// protocol and changed nothing: the other end is broken or hostile. A frame that there is
// no room for is no error: it is not acknowledged, and the other end sends it again.
func (l *Line) Receive(now time.Time, frame []byte) error {
	m, err := Decode(frame)
	if err != nil {
		return err
	}
	stream := Input
	if l.cfg.Role == Client {
		stream = Output
	}
	switch {
	case m.Type == stream:
		return l.recv.receive(m)
	case m.Type == Acknowledge:
		return l.acknowledged(now, m)
	case m.Type == ChannelClosed && l.cfg.Role == Client:
		return l.closed(m)
	case (m.Type == StartPublication || m.Type == PausePublication) && l.cfg.Role == Client:
		return nil // the plugin knows and ignores them
	}
	return ErrType
}

// Take is the next message in order for whoever listens, or false. What is not
// taken fills the window, and then the other end has to wait.
func (l *Line) Take() (Message, bool) { return l.recv.take() }

// Waiting says that Take has a message.
func (l *Line) Waiting() bool { return l.recv.waiting() }

// Attach says that a new websocket carries the channel from now on: everything
// that was not acknowledged is sent again, in order.
//
// The plugin says nothing when a message comes twice, so one whose acknowledgement
// was lost with the old websocket would be repeated for ever. With Config.Forgive
// set, a message first sent on an earlier websocket counts as delivered when it was
// repeated for that long on this one without an answer while a later message was
// acknowledged here. On its first websocket that never holds: a plugin that is not
// ready refuses a message and acknowledges the ones after it.
func (l *Line) Attach(now time.Time) {
	l.send.attach()
	l.end.attach(now)
}

// Close ends the channel from the server's side: as soon as everything sent was
// acknowledged, or after two seconds on a websocket, Next gives channel_closed with
// the text for the person ("" says that the session just ended). A client's Line
// has nothing to say at its end and must not call it. The first call counts.
func (l *Line) Close(now time.Time, sessionID, text string) {
	if l.cfg.Role == Server && !l.end.closing {
		l.end = ending{closing: true, since: now, closure: Closure{SessionId: sessionID, DestinationId: sessionID, Output: text}}
	}
}

// Ended says that channel_closed was sent on this websocket, or came.
func (l *Line) Ended() bool { return l.end.said }

// Closure is what the server said at the end; false until it has.
func (l *Line) Closure() (Closure, bool) {
	return l.end.closure, l.cfg.Role == Client && l.end.said
}

// Next is the frame to write to the websocket now: acknowledgements first, then
// what has to be repeated, then what is new. Without one it says when to ask again
// at the latest; the zero time means not before another method was called. The
// frame counts as sent from now on, and must not be changed.
func (l *Line) Next(now time.Time) (frame []byte, again time.Time) {
	if ack, ok := l.recv.ack(); ok {
		return l.frameAck(now, ack), time.Time{}
	}
	if l.end.closing && !l.end.said && (l.Drained() || !now.Before(l.end.since.Add(drainTime))) {
		return l.frameClosed(now), time.Time{}
	}
	if l.end.said {
		return nil, time.Time{}
	}
	f, again := l.send.next(now)
	if f == nil {
		if l.end.closing {
			again = earlier(again, l.end.since.Add(drainTime))
		}
		return nil, again
	}
	if f.frame == nil {
		m := Message{Type: l.outward(), Sequence: f.sequence, ID: l.newID(), Created: now.UnixMilli(), Payload: f.payload, Content: f.content}
		if l.cfg.Role == Server && f.sequence == 0 {
			m.Flags = FlagSYN
		}
		f.frame, f.content = m.Append(make([]byte, 0, HeaderSize+len(f.content))), nil
	}
	return f.frame, time.Time{}
}

func (l *Line) outward() Type {
	if l.cfg.Role == Client {
		return Input
	}
	return Output
}

func (l *Line) frameAck(now time.Time, ack ack) []byte {
	stream := Input
	if l.cfg.Role == Client {
		stream = Output
	}
	m := Message{Type: Acknowledge, Flags: FlagSYN | FlagFIN, ID: l.newID(), Created: now.UnixMilli(),
		Content: Marshal(Acknowledgement{
			AcknowledgedMessageType: stream, AcknowledgedMessageId: ack.id.String(),
			AcknowledgedMessageSequenceNumber: ack.sequence, IsSequentialMessage: true,
		})}
	return m.Append(nil)
}

func (l *Line) frameClosed(now time.Time) []byte {
	l.end.said = true
	m := Message{Type: ChannelClosed, Flags: FlagSYN | FlagFIN, ID: l.newID(), Created: now.UnixMilli()}
	c := l.end.closure
	c.MessageType, c.MessageId, c.SchemaVersion = ChannelClosed, m.ID.String(), schemaVersion
	c.CreatedDate = strconv.FormatInt(m.Created, 10)
	m.Content = Marshal(c)
	return m.Append(nil)
}

func (l *Line) acknowledged(now time.Time, m Message) error {
	var a struct{ AcknowledgedMessageSequenceNumber *int64 }
	if err := json.Unmarshal(m.Content, &a); err != nil || a.AcknowledgedMessageSequenceNumber == nil {
		return ErrContent
	}
	return l.send.acknowledged(now, *a.AcknowledgedMessageSequenceNumber)
}

func (l *Line) closed(m Message) error {
	var c Closure
	if err := Unmarshal(m.Content, &c); err != nil {
		return err
	}
	if !l.end.said {
		l.end = ending{said: true, closure: c}
	}
	return nil
}

// newID is a UUID of version 4 made of the seed and a count.
func (l *Line) newID() ID {
	l.ids++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(l.cfg.Seed[:], l.ids))
	id := ID(sum[:16])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ending is how far the end of a channel has come.
type ending struct {
	closing bool      // Close was called
	said    bool      // channel_closed was sent on this websocket (a client: came)
	since   time.Time // from when the two seconds count
	closure Closure
}

// attach: what was said on an old websocket may not have arrived.
func (e *ending) attach(now time.Time) {
	if e.closing {
		e.since, e.said = now, false
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
