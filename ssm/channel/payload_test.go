package channel

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestPayloadsAreSpelledAsAWSSpellsThem(t *testing.T) {
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"request", NewHandshakeRequest("3.3.987.0", SessionType{SessionType: StandardStream}),
			`{"AgentVersion":"3.3.987.0","RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Standard_Stream","Properties":{}}}]}`},
		{"port", NewHandshakeRequest("3.3.987.0", SessionType{SessionType: Port, Properties: map[string]string{"type": LocalPortForwarding, "portNumber": "80"}}),
			`{"AgentVersion":"3.3.987.0","RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Port","Properties":{"portNumber":"80","type":"LocalPortForwarding"}}}]}`},
		{"response", HandshakeResponse{ClientVersion: "1.3.0.0", ProcessedClientActions: []ProcessedAction{{ActionType: SessionTypeAction, ActionStatus: ActionSuccess}}},
			`{"ClientVersion":"1.3.0.0","ProcessedClientActions":[{"ActionType":"SessionType","ActionStatus":1,"ActionResult":null,"Error":""}],"Errors":null}`},
		{"complete", HandshakeComplete{HandshakeTimeToComplete: 1234567}, `{"HandshakeTimeToComplete":1234567,"CustomerMessage":""}`},
		{"size", Size{Cols: 80, Rows: 24}, `{"cols":80,"rows":24}`},
		{"ack", Acknowledgement{AcknowledgedMessageType: Output, AcknowledgedMessageId: "u", AcknowledgedMessageSequenceNumber: 3, IsSequentialMessage: true},
			`{"AcknowledgedMessageType":"output_stream_data","AcknowledgedMessageId":"u","AcknowledgedMessageSequenceNumber":3,"IsSequentialMessage":true}`},
		{"closure", Closure{MessageType: ChannelClosed, MessageId: "u", CreatedDate: "1", DestinationId: "d", SessionId: "s", SchemaVersion: 1, Output: "o"},
			`{"MessageType":"channel_closed","MessageId":"u","CreatedDate":"1","DestinationId":"d","SessionId":"s","SchemaVersion":1,"Output":"o"}`},
		{"open", OpenDataChannel{MessageSchemaVersion: "1.0", RequestId: "r", TokenValue: "t", ClientId: "c"},
			`{"MessageSchemaVersion":"1.0","RequestId":"r","TokenValue":"t","ClientId":"c"}`},
	} {
		if got := string(Marshal(c.v)); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestAResponseSaysWhyTheClientCannot(t *testing.T) {
	ok := ProcessedAction{ActionType: SessionTypeAction, ActionStatus: ActionSuccess, ActionResult: json.RawMessage("null")}
	for _, c := range []struct {
		r    HandshakeResponse
		want string
	}{
		{HandshakeResponse{ProcessedClientActions: []ProcessedAction{ok}}, ""},
		{HandshakeResponse{ProcessedClientActions: []ProcessedAction{ok, {ActionType: "X"}}}, "X"},
		{HandshakeResponse{ProcessedClientActions: []ProcessedAction{{ActionType: SessionTypeAction, ActionStatus: ActionFailed, Error: "unknown session type"}}}, "SessionType unknown session type"},
		{HandshakeResponse{ProcessedClientActions: []ProcessedAction{ok}, Errors: []string{"a", "b"}}, "a; b"},
	} {
		if got := c.r.Refusal(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.r, got, c.want)
		}
	}
}

func TestFlagsAreFourBytes(t *testing.T) {
	if got := string(ConnectToPortError.Content()); got != "\x00\x00\x00\x03" {
		t.Errorf("%q", got)
	}
	if f, err := ReadFlag(TerminateSession.Content()); f != TerminateSession || err != nil {
		t.Errorf("%v, %v", f, err)
	}
	for _, bad := range []string{"", "\x00\x00\x02", "\x00\x00\x00\x00\x02"} {
		if _, err := ReadFlag([]byte(bad)); !errors.Is(err, ErrContent) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAnExitCodeIsText(t *testing.T) {
	if got := string(ExitText(3)); got != "EXIT_CODE: 3" {
		t.Errorf("%q", got)
	}
	if n, err := ReadExitText(ExitText(-1)); n != -1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, bad := range []string{"", "3", "EXIT_CODE: ", "EXIT_CODE: x"} {
		if _, err := ReadExitText([]byte(bad)); !errors.Is(err, ErrContent) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestVersionsCompareNumberByNumber(t *testing.T) {
	for _, c := range []struct {
		version, least string
		want           bool
	}{
		{"1.1.70", "1.1.70", true}, {"1.1.70.0", "1.1.70", true}, {"1.2.0.0", "1.1.70", true},
		{"1.1.69.9", "1.1.70", false}, {"1.1.9", "1.1.70", false}, {"2", "1.1.70", true},
		{"1.1", "1.1.70", false}, {"", "1.1.70", false}, {"new", "1.1.70", false}, {"1.-1.0", "1.1.70", false},
	} {
		if got := VersionAtLeast(c.version, c.least); got != c.want {
			t.Errorf("%q at least %q: %v", c.version, c.least, got)
		}
	}
}

func TestAPayloadThatIsNoJSONIsRefused(t *testing.T) {
	var s Size
	if err := Unmarshal([]byte(`{"cols":-1}`), &s); !errors.Is(err, ErrContent) {
		t.Errorf("%+v, %v", s, err)
	}
}
