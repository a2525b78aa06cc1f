package channel

import "bytes"

// ack is an acknowledgement that is owed.
type ack struct {
	sequence int64
	id       ID
}

// maxAcks bounds the acknowledgements owed while nothing can be written. One that
// finds no place is not lost: the other end repeats its message.
const maxAcks = 1024

// receiver puts messages in order and keeps those not taken, within a window.
type receiver struct {
	count, limit int               // of the window: messages, bytes
	next         int64             // sequence of the next message to take
	kept         map[int64]Message // from next on
	bytes        int               // contents of kept
	acks         []ack
}

func newReceiver(cfg Config) receiver {
	return receiver{count: cfg.ReceiveCount, limit: cfg.ReceiveBytes, kept: map[int64]Message{}}
}

// receive keeps a message that has room and acknowledges it; one that is known it
// only acknowledges, because the first acknowledgement may be lost.
func (r *receiver) receive(m Message) error {
	_, known := r.kept[m.Sequence]
	if !known && m.Sequence >= r.next {
		// The message that everything else waits for always has room: messages
		// that came early must not be able to lock it out.
		first := m.Sequence == r.next
		if m.Sequence-r.next >= int64(r.count) || !first && r.bytes+len(m.Content) > r.limit {
			return nil
		}
		m.Content = bytes.Clone(m.Content)
		r.kept[m.Sequence] = m
		r.bytes += len(m.Content)
	}
	if len(r.acks) < maxAcks {
		r.acks = append(r.acks, ack{m.Sequence, m.ID})
	}
	return nil
}

func (r *receiver) waiting() bool {
	_, ok := r.kept[r.next]
	return ok
}

func (r *receiver) take() (Message, bool) {
	m, ok := r.kept[r.next]
	if ok {
		delete(r.kept, r.next)
		r.bytes -= len(m.Content)
		r.next++
	}
	return m, ok
}

func (r *receiver) ack() (ack, bool) {
	if len(r.acks) == 0 {
		return ack{}, false
	}
	a := r.acks[0]
	if r.acks = r.acks[1:]; len(r.acks) == 0 {
		r.acks = nil
	}
	return a, true
}
