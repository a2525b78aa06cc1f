package channel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A frame is one binary websocket message: a header of 120 bytes, all integers
// big endian, and the content. AWS's session-manager-plugin calls it ClientMessage
// and its amazon-ssm-agent AgentMessage.
//
//	  0   4  header length: where the payload's length stands, 116
//	  4  32  message type, padded with spaces
//	 36   4  schema version, 1
//	 40   8  created, Unix milliseconds
//	 48   8  sequence number
//	 56   8  flags
//	 64  16  message id, its two halves swapped
//	 80  32  SHA-256 of the content
//	112   4  payload type
//	116   4  payload length
const (
	HeaderSize = 120
	// MaxContent bounds the content of a frame. AWS's own ends send at most 1,024
	// bytes of a stream and a few thousand of a handshake.
	MaxContent = 64 << 10
	// MaxFrame is what a websocket's read limit must allow.
	MaxFrame = HeaderSize + MaxContent

	atType, atSchema, atCreated, atSequence = 4, 36, 40, 48
	atFlags, atID, atDigest, atPayload      = 56, 64, 80, 112
	atLength                                = 116

	schemaVersion = 1
)

// Type is the message type of a frame.
type Type string

// The message types that the plugin and the service exchange. Input is what the
// client sends, Output what the server sends: both carry every kind of payload.
const (
	Input            Type = "input_stream_data"
	Output           Type = "output_stream_data"
	Acknowledge      Type = "acknowledge"
	ChannelClosed    Type = "channel_closed"
	StartPublication Type = "start_publication"
	PausePublication Type = "pause_publication"
)

// The flags of a frame. AWS's agent sets SYN on its first stream message, both on
// acknowledgements and channel_closed; nobody checks them.
const (
	FlagSYN uint64 = 1
	FlagFIN uint64 = 2
)

// ID is the UUID of a message, in the usual order of its bytes.
type ID [16]byte

func (id ID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// Message is a frame in parts.
type Message struct {
	Type     Type
	Sequence int64
	Flags    uint64
	ID       ID
	Created  int64 // Unix milliseconds
	Payload  PayloadType
	Content  []byte
}

// Why a frame was not accepted.
var (
	ErrShort    = errors.New("frame is shorter than its header")
	ErrHeader   = errors.New("frame header is malformed")
	ErrLength   = errors.New("payload length is not that of the frame")
	ErrTooLong  = errors.New("payload is too long")
	ErrDigest   = errors.New("payload does not match its digest")
	ErrType     = errors.New("message type has no place here")
	ErrContent  = errors.New("payload cannot be read")
	ErrSequence = errors.New("sequence number is out of the question")
)

// Decode takes a frame apart. The content is part of frame, not a copy.
func Decode(frame []byte) (Message, error) {
	if len(frame) < HeaderSize {
		return Message{}, ErrShort
	}
	be := binary.BigEndian
	content := frame[HeaderSize:]
	m := Message{
		Type:     Type(bytes.TrimRight(frame[atType:atSchema], " \x00")),
		Created:  int64(be.Uint64(frame[atCreated:])),
		Sequence: int64(be.Uint64(frame[atSequence:])),
		Flags:    be.Uint64(frame[atFlags:]),
		Payload:  PayloadType(be.Uint32(frame[atPayload:])),
		Content:  content,
	}
	copy(m.ID[8:], frame[atID:atID+8])
	copy(m.ID[:8], frame[atID+8:])
	switch {
	case be.Uint32(frame) != atLength, be.Uint32(frame[atSchema:]) != schemaVersion, m.Created <= 0, m.Type == "":
		return Message{}, ErrHeader
	case len(content) > MaxContent:
		return Message{}, ErrTooLong
	case uint64(be.Uint32(frame[atLength:])) != uint64(len(content)):
		return Message{}, ErrLength
	case m.Sequence < 0:
		return Message{}, ErrSequence
	}
	// The plugin looks at the digest only when there is content, so an empty
	// message's may be anything.
	if sum := sha256.Sum256(content); len(content) > 0 && !bytes.Equal(sum[:], frame[atDigest:atPayload]) {
		return Message{}, ErrDigest
	}
	return m, nil
}

// Append appends the message's frame to dst.
func (m Message) Append(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint32(dst, atLength)
	dst = append(dst, m.Type...)
	dst = append(dst, strings.Repeat(" ", max(0, atSchema-atType-len(m.Type)))...)
	dst = be.AppendUint32(dst, schemaVersion)
	dst = be.AppendUint64(dst, uint64(m.Created))
	dst = be.AppendUint64(dst, uint64(m.Sequence))
	dst = be.AppendUint64(dst, m.Flags)
	dst = append(dst, m.ID[8:]...)
	dst = append(dst, m.ID[:8]...)
	sum := sha256.Sum256(m.Content)
	dst = append(dst, sum[:]...)
	dst = be.AppendUint32(dst, uint32(m.Payload))
	dst = be.AppendUint32(dst, uint32(len(m.Content)))
	return append(dst, m.Content...)
}
