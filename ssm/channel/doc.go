// Package channel is the protocol of Session Manager's data channel: frames, the
// payloads inside them, and Line, one end of the reliable channel that both a
// server and a client make of an unreliable row of websockets. It is no network
// code: a Line is told what arrived and what time it is, and says what to write
// and when to ask again. It never blocks, and every buffer in it is bounded.
//
// One owner drives a Line under its own lock (a Line is not safe for concurrent
// use): a reader calls Receive for every binary frame, a writer writes what Next
// gives, a consumer calls Take when it has room, a producer calls Send or Write.
// After any of these calls the others may find something to do.
package channel
