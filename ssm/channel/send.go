package channel

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// How long to wait for an acknowledgement before sending again: the plugin's own
// formula, which is TCP's (RFC 6298) with other constants.
const (
	firstTimeout = 200 * time.Millisecond
	maxTimeout   = time.Second
	minVariance  = 10 * time.Millisecond
	firstRTT     = 100 * time.Millisecond
)

// slowRepeat bounds how much longer than the timeout the pauses between repeats
// grow: a client that will never answer should not keep both ends busy, and one
// that becomes ready should not wait long.
const slowRepeat = 200 * time.Millisecond

// handshakeRepeat is the least pause before a part of the handshake is repeated. The
// plugin's reader dies of a nil pointer when any frame finds it between
// HandshakeComplete and the multiplexer that it makes then.
const handshakeRepeat = 500 * time.Millisecond

// forgiveRepeats is how often a message was repeated, at least, before it can count
// as delivered unanswered: time alone says nothing about a writer that was stuck.
const forgiveRepeats = 8

// flight is a message that was not acknowledged.
type flight struct {
	sequence int64
	payload  PayloadType
	content  []byte // until the frame was made
	frame    []byte // nil until first sent
	acked    bool   // but an earlier one was not

	socket  int       // the websocket it was first sent on
	repeats int       // on the present websocket
	since   time.Time // first sent on the present websocket; zero: not yet
	sent    time.Time // last
}

// sender keeps what was not acknowledged. Only the oldest message is repeated, as
// both of AWS's ends do: the plugin keeps messages that arrive early.
type sender struct {
	forgive  time.Duration
	flying   []*flight // in order; the first is not acked
	unsent   int       // how many of the last were never sent
	sequence int64     // of the next message
	socket   int       // websockets so far
	heard    int64     // the highest sequence acknowledged on this websocket, -1
	resend   int       // index of the next message to repeat after Attach

	rtt, variance, timeout time.Duration
}

func newSender(cfg Config) sender {
	return sender{forgive: cfg.Forgive, rtt: firstRTT, timeout: firstTimeout, heard: -1}
}

func (s *sender) push(p PayloadType, content []byte) {
	s.flying = append(s.flying, &flight{sequence: s.sequence, payload: p, content: bytes.Clone(content)})
	s.sequence++
	s.unsent++
}

func (s *sender) attach() {
	s.socket++
	s.resend, s.heard = 0, -1
	for _, f := range s.flying {
		f.repeats, f.since = 0, time.Time{}
	}
}

// next is the message to send now, marked as sent, or when there may be one.
func (s *sender) next(now time.Time) (*flight, time.Time) {
	s.forget(now)
	// After Attach: everything once more, oldest first.
	for ; s.resend < len(s.flying)-s.unsent; s.resend++ {
		if f := s.flying[s.resend]; !f.acked && f.since.IsZero() {
			s.resend++
			return s.mark(f, now), time.Time{}
		}
	}
	sent := len(s.flying) - s.unsent
	var again time.Time
	if sent > 0 {
		head := s.flying[0]
		due := head.sent.Add(s.pause(head))
		if !now.Before(due) {
			head.repeats++
			return s.mark(head, now), time.Time{}
		}
		again = due
	}
	if s.unsent > 0 {
		f := s.flying[sent]
		f.socket = s.socket
		s.unsent--
		s.resend = sent + 1
		return s.mark(f, now), time.Time{}
	}
	return nil, again
}

func (s *sender) mark(f *flight, now time.Time) *flight {
	if f.since.IsZero() {
		f.since = now
	}
	f.sent = now
	return f
}

// pause is how long after its last sending a message is sent again.
func (s *sender) pause(f *flight) time.Duration {
	pause := min(s.timeout<<min(f.repeats, 10), max(s.timeout, slowRepeat))
	if f.payload == Request || f.payload == Complete {
		pause = max(pause, handshakeRepeat)
	}
	return pause
}

// acknowledged takes the other end's word that a message arrived.
func (s *sender) acknowledged(now time.Time, sequence int64) error {
	if sequence < 0 || sequence >= s.sequence-int64(s.unsent) {
		return ErrSequence // it was never sent
	}
	s.heard = max(s.heard, sequence)
	if len(s.flying) == 0 || sequence < s.flying[0].sequence {
		return nil // known
	}
	f := s.flying[sequence-s.flying[0].sequence]
	if !f.acked && f.repeats == 0 && f.socket == s.socket {
		s.measure(now.Sub(f.sent)) // sent once, so the answer is to that one
	}
	f.acked = true
	s.shift()
	return nil
}

func (s *sender) measure(rtt time.Duration) {
	rtt = max(rtt, 0)
	s.variance = s.variance*3/4 + (s.rtt-rtt).Abs()/4
	s.rtt = s.rtt*7/8 + rtt/8
	s.timeout = min(maxTimeout, s.rtt+max(minVariance, 4*s.variance))
}

// shift lets go of the acknowledged messages at the front.
func (s *sender) shift() {
	n := 0
	for n < len(s.flying) && s.flying[n].acked {
		s.flying[n] = nil
		n++
	}
	s.flying = s.flying[n:]
	s.resend = max(0, s.resend-n)
	if len(s.flying) == 0 {
		s.flying = nil // let the array go
	}
}

// forget counts messages as delivered as Attach describes. The handshake is never
// among them: a client that misses a part of it cannot go on.
func (s *sender) forget(now time.Time) {
	for s.forgive > 0 && len(s.flying) > s.unsent {
		f := s.flying[0]
		if f.socket == s.socket || f.since.IsZero() || f.payload == Request || f.payload == Complete ||
			f.repeats < forgiveRepeats || now.Sub(f.since) < s.forgive || s.heard <= f.sequence {
			return
		}
		f.acked = true
		s.shift()
	}
}

// cut is how many bytes of a stream go into one message: at most limit, and not
// the first part of a character whose rest is there too.
func cut(stream []byte, limit int) int {
	if len(stream) <= limit {
		return len(stream)
	}
	for back := range min(utf8.UTFMax, limit) {
		if n := limit - back; utf8.RuneStart(stream[n]) {
			return n
		}
	}
	return limit // no UTF-8
}
