package plugin

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// stream is what StartSession and ResumeSession answer.
type stream struct{ SessionId, TokenValue, StreamUrl string }

func (w *world) stream(args ...string) stream {
	w.t.Helper()
	var s stream
	// The plugin is not wanted: the API's own answer is.
	cmd := w.command("aws", append([]string{"--endpoint-url", w.url, "--output", "json"}, args...)...)
	cmd.Env = append(cmd.Env, "PATH="+w.mute())
	if err := json.Unmarshal([]byte(output(w.t, cmd)), &s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// mute is a PATH where session-manager-plugin prints what it was called with.
func (w *world) mute() string {
	w.t.Helper()
	dir, err := os.MkdirTemp(w.dir, "mute-")
	if err != nil {
		w.t.Fatal(err)
	}
	script := "#!/bin/sh\n[ \"$1\" = --version ] && echo 1.0.0.0 || echo \"$1\"\n"
	if err := os.WriteFile(dir+"/session-manager-plugin", []byte(script), 0o755); err != nil {
		w.t.Fatal(err)
	}
	return dir + ":/usr/bin:/bin"
}

// opens says whether the stream of one session accepts a token.
func (w *world) opens(s stream, token string) bool {
	w.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(s.StreamUrl, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.WriteJSON(map[string]string{"MessageSchemaVersion": "1.0", "RequestId": "00112233-4455-4677-8899-aabbccddeeff", "TokenValue": token,
		"ClientId": "00112233-4455-4677-8899-aabbccddeeff", "ClientVersion": "1.3.0.0"}); err != nil {
		w.t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	_, frame, err := conn.ReadMessage()
	return err == nil && len(frame) > 4 && string(frame[4:15]) == "output_stre"
}

func tokens(t *testing.T, w *world) {
	one := w.stream("ssm", "start-session", "--target", w.user)
	two := w.stream("ssm", "start-session", "--target", w.user)
	for what, token := range map[string]string{"another session's": two.TokenValue, "no": "", "a made-up": "AAAA" + one.TokenValue} {
		if w.opens(one, token) {
			t.Errorf("%s token opens a stream", what)
		}
	}
	if !w.opens(one, one.TokenValue) {
		t.Error("its own token does not open a stream")
	}
	again := w.stream("ssm", "resume-session", "--session-id", one.SessionId)
	if again.TokenValue == "" || w.opens(one, one.TokenValue) {
		t.Error("ResumeSession did not replace the token")
	}
	if !w.opens(one, again.TokenValue) {
		t.Error("the new token does not open the stream")
	}
	for _, s := range []stream{one, two} {
		w.aws("ssm", "terminate-session", "--session-id", s.SessionId)
	}
	if w.opens(one, again.TokenValue) || w.opens(two, two.TokenValue) {
		t.Error("a token outlives its session")
	}
	if ended := w.stream("ssm", "resume-session", "--session-id", one.SessionId); ended.TokenValue != "" {
		t.Error("an ended session was resumed")
	}
}
