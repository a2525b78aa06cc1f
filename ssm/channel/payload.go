package channel

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// PayloadType says what the content of a stream message is. All payload types of
// one direction share one row of sequence numbers.
type PayloadType uint32

// The payload types of AWS's protocol.
const (
	Bytes             PayloadType = 1 // both ways: the session's bytes
	Failure           PayloadType = 2 // unused
	Resize            PayloadType = 3 // client to server: Size
	Parameter         PayloadType = 4 // unused
	Request           PayloadType = 5 // server to client: HandshakeRequest
	Response          PayloadType = 6 // client to server: HandshakeResponse
	Complete          PayloadType = 7 // server to client: HandshakeComplete
	ChallengeRequest  PayloadType = 8
	ChallengeResponse PayloadType = 9
	Control           PayloadType = 10 // both ways: a Flag
	StdErr            PayloadType = 11 // server to client: bytes of standard error
	ExitCode          PayloadType = 12 // server to client: ExitText
)

// Flag is the content of a Control payload, four bytes.
type Flag uint32

// The flags.
const (
	DisconnectToPort   Flag = 1 // client: its connection ended (basic port forwarding)
	TerminateSession   Flag = 2 // client: the person ended the session
	ConnectToPortError Flag = 3 // server: the connection to the port could not be made
)

// Content is the flag as it is sent.
func (f Flag) Content() []byte { return binary.BigEndian.AppendUint32(nil, uint32(f)) }

// ReadFlag reads the content of a Control payload.
func ReadFlag(content []byte) (Flag, error) {
	if len(content) != 4 {
		return 0, fmt.Errorf("read flag: %w", ErrContent)
	}
	return Flag(binary.BigEndian.Uint32(content)), nil
}

// Size is the client's terminal, in characters. A client without a terminal says
// 300 by 100; either may be 0.
type Size struct {
	Cols uint32 `json:"cols"`
	Rows uint32 `json:"rows"`
}

// OpenDataChannel is the first thing a client says on every websocket, as text:
// the token decides whether anything follows.
type OpenDataChannel struct {
	MessageSchemaVersion string
	RequestId            string
	TokenValue           string
	ClientId             string
	ClientVersion        string `json:",omitempty"`
}

// The types of a session, as a HandshakeRequest names them.
const (
	StandardStream         = "Standard_Stream"
	InteractiveCommands    = "InteractiveCommands"
	NonInteractiveCommands = "NonInteractiveCommands"
	Port                   = "Port"
)

// LocalPortForwarding is the property "type" of a Port session that forwards a
// local port; without it the client forwards its standard input and output.
const LocalPortForwarding = "LocalPortForwarding"

// HandshakeRequest is the server's first message: what it asks of the client.
type HandshakeRequest struct {
	AgentVersion           string
	RequestedClientActions []RequestedAction
}

// RequestedAction is one thing asked of the client; ours is always SessionType.
type RequestedAction struct {
	ActionType       string
	ActionParameters SessionType
}

// SessionTypeAction is the action that tells the client what kind of session it is.
const SessionTypeAction = "SessionType"

// SessionType are the parameters of the action SessionType. The plugin reads
// Properties into a struct of strings: any other JSON type leaves a field empty.
type SessionType struct {
	SessionType string
	Properties  map[string]string
}

// NewHandshakeRequest asks the client for a session of a type.
func NewHandshakeRequest(agentVersion string, t SessionType) HandshakeRequest {
	if t.Properties == nil {
		t.Properties = map[string]string{} // null is no object
	}
	return HandshakeRequest{AgentVersion: agentVersion,
		RequestedClientActions: []RequestedAction{{ActionType: SessionTypeAction, ActionParameters: t}}}
}

// HandshakeResponse is the client's first message: what it did.
type HandshakeResponse struct {
	ClientVersion          string
	ProcessedClientActions []ProcessedAction
	Errors                 []string
}

// ProcessedAction is what became of one requested action.
type ProcessedAction struct {
	ActionType   string
	ActionStatus ActionStatus
	ActionResult json.RawMessage
	Error        string
}

// ActionStatus says how an action ended. An action that the plugin does not know
// comes back with status 0.
type ActionStatus int

// The statuses.
const (
	ActionSuccess     ActionStatus = 1
	ActionFailed      ActionStatus = 2
	ActionUnsupported ActionStatus = 3
)

// Refusal is why the client cannot do what the handshake asked, or "".
func (r HandshakeResponse) Refusal() string {
	for _, a := range r.ProcessedClientActions {
		if a.ActionStatus != ActionSuccess {
			return strings.TrimSpace(a.ActionType + " " + a.Error)
		}
	}
	return strings.Join(r.Errors, "; ")
}

// HandshakeComplete is the server's second message. The time is in nanoseconds; a
// CustomerMessage is shown to the person.
type HandshakeComplete struct {
	HandshakeTimeToComplete int64
	CustomerMessage         string
}

// Acknowledgement is the content of an acknowledge message. Both of AWS's ends
// look at the sequence number only.
type Acknowledgement struct {
	AcknowledgedMessageType           Type
	AcknowledgedMessageId             string
	AcknowledgedMessageSequenceNumber int64
	IsSequentialMessage               bool
}

// Closure is the content of a channel_closed message. Output is shown to the
// person; when it is empty the session just ended.
type Closure struct {
	MessageType   Type
	MessageId     string
	CreatedDate   string
	DestinationId string
	SessionId     string
	SchemaVersion int
	Output        string
}

const exitPrefix = "EXIT_CODE: "

// ExitText is the content of an ExitCode payload.
func ExitText(code int) []byte { return []byte(exitPrefix + strconv.Itoa(code)) }

// ReadExitText reads the content of an ExitCode payload.
func ReadExitText(content []byte) (int, error) {
	text, ok := strings.CutPrefix(string(content), exitPrefix)
	code, err := strconv.Atoi(strings.TrimSpace(text))
	if !ok || err != nil {
		return 0, fmt.Errorf("read exit code: %w", ErrContent)
	}
	return code, nil
}

// Marshal is the content of a payload that is JSON: Size, HandshakeRequest and the
// like, whose encoding cannot go wrong.
func Marshal(v any) []byte {
	doc, err := json.Marshal(v)
	if err != nil {
		panic("unreachable: " + err.Error())
	}
	return doc
}

// Unmarshal reads a payload that is JSON.
func Unmarshal(content []byte, v any) error {
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("%w: %w", ErrContent, err)
	}
	return nil
}

// VersionAtLeast compares versions of agents and clients number by number, as
// 1.2.331.0; what is no such version is older than everything.
func VersionAtLeast(version, least string) bool {
	have, want := strings.Split(version, "."), strings.Split(least, ".")
	for i := range want {
		w, _ := strconv.Atoi(want[i])
		h := 0
		if i < len(have) {
			n, err := strconv.Atoi(have[i])
			if err != nil || n < 0 {
				return false
			}
			h = n
		}
		if h != w {
			return h > w
		}
	}
	return true
}
