package channel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// plugin is the receiving half of AWS's plugin, written from what it does: it keeps
// early messages, drops repeated ones without a word, and while it is not ready it
// neither takes nor acknowledges the message that it waits for.
type plugin struct {
	next  int64
	early map[int64][]byte
	ready bool
	heard bytes.Buffer
}

// receive is the acknowledgement that the plugin sends, or nil.
func (p *plugin) receive(t *testing.T, frame []byte) []byte {
	m := decode(t, frame)
	switch {
	case m.Sequence < p.next, m.Sequence == p.next && !p.ready:
		return nil
	case m.Sequence > p.next:
		p.early[m.Sequence] = m.Content
	default:
		p.heard.Write(m.Content)
		p.next++
		for c, ok := p.early[p.next]; ok; c, ok = p.early[p.next] {
			p.heard.Write(c)
			delete(p.early, p.next)
			p.next++
		}
	}
	return Message{Type: Acknowledge, Created: 1, Content: Marshal(Acknowledgement{AcknowledgedMessageSequenceNumber: m.Sequence})}.Append(nil)
}

// run lets time pass until the line has nothing to do, or the time is over.
func (p *plugin) run(t *testing.T, l *Line, now, until time.Time) time.Time {
	t.Helper()
	for !now.After(until) {
		frame, again := l.Next(now)
		switch {
		case frame != nil:
			if ack := p.receive(t, frame); ack != nil {
				give(t, l, now, ack)
			}
		case again.IsZero():
			return now
		default:
			now = again
		}
	}
	return until
}

func TestAnAcknowledgementLostWithItsWebsocketDoesNotHoldTheChannelUp(t *testing.T) {
	server := New(Config{Role: Server, Forgive: time.Second})
	p := &plugin{early: map[int64][]byte{}, ready: true}
	server.Attach(start)
	server.Write(Bytes, []byte("lost "))
	for _, f := range drain(server, start) {
		p.receive(t, f) // the answer goes nowhere
	}
	server.Attach(start.Add(time.Second))
	now := p.run(t, server, start.Add(time.Second), start.Add(time.Minute))
	if server.Drained() {
		t.Fatal("counts as delivered though nothing was ever acknowledged on this websocket")
	}
	server.Write(Bytes, []byte("found"))
	now = p.run(t, server, now, now.Add(time.Minute))
	if !server.Drained() || p.heard.String() != "lost found" {
		t.Errorf("drained %v, heard %q at %v", server.Drained(), p.heard.String(), now.Sub(start))
	}
}

func TestOnTheFirstWebsocketNothingIsForgiven(t *testing.T) {
	server := New(Config{Role: Server, Forgive: time.Second})
	p := &plugin{early: map[int64][]byte{}}
	server.Attach(start)
	server.Write(Bytes, []byte("first "))
	server.Write(Bytes, []byte("second"))
	now := p.run(t, server, start, start.Add(10*time.Second))
	if server.Drained() {
		t.Fatal("a plugin that is not ready lost a message")
	}
	p.ready = true
	p.run(t, server, now, now.Add(10*time.Second))
	if !server.Drained() || p.heard.String() != "first second" {
		t.Errorf("drained %v, heard %q", server.Drained(), p.heard.String())
	}
}

func TestTheHandshakeIsNeverForgiven(t *testing.T) {
	server := New(Config{Role: Server, Forgive: time.Second})
	p := &plugin{early: map[int64][]byte{}}
	server.Attach(start)
	server.Send(Request, []byte("request "))
	drain(server, start) // lost with the websocket
	server.Attach(start)
	server.Write(Bytes, []byte("and more"))
	now := p.run(t, server, start, start.Add(time.Minute))
	if server.Drained() {
		t.Fatal("the handshake counts as delivered")
	}
	p.ready = true
	p.run(t, server, now, now.Add(time.Minute))
	if p.heard.String() != "request and more" {
		t.Errorf("heard %q", p.heard.String())
	}
}

func TestACutEverySecondLosesNothingToThePlugin(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	server := New(Config{Role: Server, Forgive: time.Second, Window: 32})
	p := &plugin{early: map[int64][]byte{}, ready: true}
	var want bytes.Buffer
	now := start
	for i := range 60 {
		server.Attach(now)
		for end := now.Add(5 * time.Second); now.Before(end); now = now.Add(10 * time.Millisecond) {
			if line := fmt.Sprintf("%d:%d\n", i, now.UnixMilli()); server.Send(Bytes, []byte(line)) {
				want.WriteString(line)
			}
			// The websocket is cut after some of the frames, before all answers are back.
			for _, f := range drain(server, now) {
				if ack := p.receive(t, f); ack != nil && !(end.Sub(now) < 50*time.Millisecond && dice.IntN(2) == 0) {
					give(t, server, now, ack)
				}
			}
		}
	}
	p.run(t, server, now, now.Add(time.Minute))
	if !bytes.Equal(p.heard.Bytes(), want.Bytes()) {
		t.Errorf("heard %d bytes of %d", p.heard.Len(), want.Len())
	}
}

func TestAFloodOfMessagesCostsBoundedMemory(t *testing.T) {
	server := New(Config{Role: Server, ReceiveCount: 64, ReceiveBytes: 8 << 10})
	content := bytes.Repeat([]byte("x"), 1024)
	// Everything but the first message, repeatedly, in every direction, never an answer read.
	for seq := range int64(10_000) {
		m := Message{Type: Input, Created: 1, Sequence: 1 + seq%2000*7, Payload: Bytes, Content: content}
		give(t, server, start, m.Append(nil))
	}
	r := &server.recv
	if r.bytes > 8<<10 || len(r.kept) > 64 || len(r.acks) > maxAcks {
		t.Errorf("keeps %d bytes in %d messages, owes %d acknowledgements", r.bytes, len(r.kept), len(r.acks))
	}
	empty := Message{Type: Input, Created: 1, Payload: Bytes}
	for empty.Sequence = range int64(1000) {
		give(t, server, start, empty.Append(nil))
	}
	if len(r.kept) > 64 {
		t.Errorf("keeps %d empty messages", len(r.kept))
	}
}

func TestAClientThatNeverAcknowledgesCostsBoundedMemory(t *testing.T) {
	server := New(Config{Role: Server})
	stream := bytes.Repeat([]byte("x"), 1<<20)
	now, kept := start, 0
	for range 1000 {
		server.Write(Bytes, stream)
		drain(server, now)
		if now = now.Add(time.Second); now.Second()%10 == 0 {
			server.Attach(now)
		}
	}
	for _, f := range server.send.flying {
		kept += cap(f.content) + cap(f.frame)
	}
	if limit := defaultWindow * (defaultChunk + HeaderSize) * 5 / 4; kept > limit {
		t.Errorf("keeps %d bytes, limit %d", kept, limit)
	}
}

// network carries frames between two lines as a script of bytes says: it loses,
// repeats, reorders and delays them, and cuts the websocket.
type network struct {
	t    *testing.T
	now  time.Time
	ends [2]*Line
	air  [2][][]byte // on their way to each end
	said [2][]byte   // by each end
	told [2][]byte   // to each end
	next byte        // what is said next
}

const airLimit = 64

// step does what one byte of a script says to one end.
func (n *network) step(do byte) {
	who, arg := int(do>>3&1), int(do>>4)
	l, air := n.ends[who], &n.air[who]
	switch do & 7 {
	case 0, 1: // speak
		content := bytes.Repeat([]byte{n.next}, 1+arg*3)
		n.next++
		took := l.Write(Bytes, content)
		n.said[who] = append(n.said[who], content[:took]...)
	case 2: // write to the network
		for range 1 + arg {
			if frame, _ := l.Next(n.now); frame != nil && len(n.air[1-who]) < airLimit {
				n.air[1-who] = append(n.air[1-who], frame)
			}
		}
	case 3: // receive, in any order
		if len(*air) > 0 {
			i := arg % len(*air)
			n.give(l, (*air)[i])
			*air = append((*air)[:i:i], (*air)[i+1:]...)
		}
	case 4: // lose or repeat
		if len(*air) > 0 && arg < 8 {
			*air = (*air)[1:]
		} else if len(*air) > 0 && len(*air) < airLimit {
			*air = append(*air, (*air)[arg%len(*air)])
		}
	case 5: // time
		n.now = n.now.Add(time.Duration(1+arg) * 20 * time.Millisecond)
	case 6: // take
		n.take(who, 1+arg)
	case 7: // cut, and another websocket
		if arg < 4 {
			n.air = [2][][]byte{}
			n.ends[0].Attach(n.now)
			n.ends[1].Attach(n.now)
		}
	}
}

func (n *network) give(l *Line, frame []byte) {
	if err := l.Receive(n.now, frame); err != nil {
		n.t.Fatalf("an honest frame was refused: %v", err)
	}
	n.bounded(l)
}

func (n *network) take(who, most int) {
	for range most {
		m, ok := n.ends[who].Take()
		if !ok {
			return
		}
		n.told[who] = append(n.told[who], m.Content...)
	}
}

func (n *network) bounded(l *Line) {
	if len(l.send.flying) > l.cfg.Window || len(l.recv.kept) > l.cfg.ReceiveCount ||
		l.recv.bytes > l.cfg.ReceiveBytes+MaxContent || len(l.recv.acks) > maxAcks || l.send.unsent > len(l.send.flying) {
		n.t.Fatalf("out of bounds: %d flying, %d kept, %d bytes, %d acks", len(l.send.flying), len(l.recv.kept), l.recv.bytes, len(l.recv.acks))
	}
}

// settle is an honest network until everything is quiet.
func (n *network) settle() {
	for round := 0; ; round++ {
		if round > 10_000 {
			n.t.Fatal("the channel never comes to rest")
		}
		busy := false
		var again time.Time
		for who, l := range n.ends {
			for _, f := range n.air[who] {
				n.give(l, f)
				busy = true
			}
			n.air[who] = nil
			n.take(who, 1<<20)
			for {
				f, at := l.Next(n.now)
				if f == nil {
					if !at.IsZero() {
						again = earlier(again, at)
					}
					break
				}
				n.air[1-who] = append(n.air[1-who], f)
				busy = true
			}
		}
		if busy {
			continue
		}
		if again.IsZero() {
			return
		}
		n.now = again
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte("hello"), uint8(0))
	f.Add([]byte{0x00, 0xf2, 0xfb, 0x0b, 0x1a, 0x13, 0x77, 0x07, 0x05, 0xf5, 0xf2}, uint8(3))
	dice := rand.New(rand.NewPCG(3, 4))
	for i := range 30 {
		script := make([]byte, 500)
		for j := range script {
			script[j] = byte(dice.Uint32())
		}
		f.Add(script, uint8(i))
	}
	f.Fuzz(func(t *testing.T, script []byte, size uint8) {
		n := &network{t: t, now: start}
		for i, role := range []Role{Server, Client} {
			n.ends[i] = New(Config{Role: role, Seed: [16]byte{byte(i)}, Window: 1 + int(size&7), Chunk: 1 + int(size>>3&7)*4,
				ReceiveCount: 1 + int(size>>6)*3, ReceiveBytes: 1 + int(size>>5)*16})
		}
		for _, do := range script {
			n.step(do)
		}
		n.settle()
		for who, l := range n.ends {
			if !l.Drained() {
				t.Errorf("end %d is not drained", who)
			}
			if !bytes.Equal(n.told[1-who], n.said[who]) {
				t.Errorf("end %d said %q, the other was told %q", who, n.said[who], n.told[1-who])
			}
		}
	})
}
