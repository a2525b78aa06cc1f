package session

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tombolo/ssm/channel"
	"tombolo/ssm/document"
)

func TestAShellFromThePromptToItsEnd(t *testing.T) {
	s := newSite(t)
	info, c := s.begin(shellPlan())
	c.says("$ ")
	c.types("echo hello-$((6*7)) grüße; stty size; tty; pwd\r")
	c.says("hello-42 grüße")
	c.says("30 100")
	c.says("/dev/pts/")
	c.says(agentDir)
	c.send(channel.Resize, channel.Marshal(channel.Size{Cols: 133, Rows: 41}))
	c.types("stty size\r")
	c.says("41 133")
	if i := s.info(info.ID); i.Status != Connected || !i.Active() {
		t.Errorf("while it lasts: %+v", i)
	}
	c.types("exit\r")
	if text := c.end(); text != "" {
		t.Errorf("the end says %q", text)
	}
	if i := s.info(info.ID); i.Status != Terminated || i.Ended.IsZero() || i.Details != "" || !strings.HasPrefix(i.ID, "root-") || len(i.ID) != len("root-")+17 {
		t.Errorf("afterwards: %+v", i)
	}
	if p := s.programs()[0]; p.User != "ssm-user" || p.Args[0] != "sh" || p.Terminal == nil || *p.Terminal != (Size{100, 30}) {
		t.Errorf("the shell was %+v", p)
	}
}

func TestKeysThatInterrupt(t *testing.T) {
	s := newSite(t)
	_, c := s.begin(shellPlan())
	c.types("sh -c 'echo re\"\"ady; exec sleep 60'\r")
	c.says("ready")
	c.types("\x03")
	c.types("echo rc=$?\r")
	c.says("rc=130")
	c.types("\x04")
	c.end()
}

func TestOutputComesWholeAndInOrder(t *testing.T) {
	s := newSite(t)
	_, c := s.begin(document.Plan{Type: document.InteractiveCommands, Command: "stty -onlcr; seq 200000"})
	c.end()
	var want strings.Builder
	for n := range 200000 {
		fmt.Fprintf(&want, "%d\n", n+1)
	}
	if got := c.output(); got != want.String() {
		t.Errorf("%d bytes came of %d, or other ones", len(got), want.Len())
	}
}

func TestInputComesWholeAndInOrder(t *testing.T) {
	s := newSite(t)
	_, c := s.begin(document.Plan{Type: document.InteractiveCommands, Command: "stty raw -echo; echo ready; head -c 1000000 | sha256sum"})
	c.says("ready")
	in := make([]byte, 1_000_000)
	dice := rand.NewChaCha8([32]byte{1})
	_, _ = dice.Read(in)
	c.send(channel.Bytes, in)
	c.says(fmt.Sprintf("%x", sha256.Sum256(in)))
	c.end()
}

func TestTheHandshakeResponseIsAcknowledgedBeforeItIsComplete(t *testing.T) {
	s := newSite(t)
	for _, plan := range []document.Plan{shellPlan(), {Type: document.Port, PortType: "LocalPortForwarding", PortNumber: "80", LocalPort: "0"}} {
		_, c := s.begin(plan)
		c.until("the handshake's end", func() bool { return slices.Contains(c.wire, "output_stream_data 1 type 7") })
		c.mu.Lock()
		got := append([]string{}, c.wire[:3]...)
		c.mu.Unlock()
		if want := []string{"output_stream_data 0 type 5", "ack 0", "output_stream_data 1 type 7"}; !slices.Equal(got, want) {
			t.Errorf("the wire said %q, want %q", got, want)
		}
	}
}

func TestAClientThatIsNotReadyLosesNothing(t *testing.T) {
	s := newSite(t)
	info, token := s.start(document.Plan{Type: document.InteractiveCommands, Command: "seq 5000; echo done"})
	ready := time.Now().Add(time.Second)
	c := s.dial(info.ID, token, func(c *client) {
		// As the plugin: between the handshake and its handlers it hears nothing.
		c.ignore = func(m channel.Message) bool { return m.Payload == channel.Bytes && time.Now().Before(ready) }
	})
	c.says("done")
	if text := c.end(); text != "" {
		t.Errorf("the end says %q", text)
	}
	if n := strings.Count(c.output(), "\n"); n != 5001 {
		t.Errorf("%d lines came of 5001", n)
	}
}

func TestAProfileIsTyped(t *testing.T) {
	s := newSite(t)
	plan := shellPlan()
	plan.Preferences.ShellProfile = "GREETING=hi; cd /\necho $GREETING-there"
	_, c := s.begin(plan)
	c.says("hi-there")
	c.types("echo at-$PWD-end\r")
	c.says("at-/-end")
}

func TestWhoASessionIs(t *testing.T) {
	runAs := func(name string) document.Plan {
		p := shellPlan()
		p.Preferences.RunAs, p.Preferences.RunAsUser = true, name
		return p
	}
	elevated := shellPlan()
	elevated.Elevated = true
	for name, v := range map[string]struct {
		plan   document.Plan
		single bool
		user   string
		text   string
	}{
		"as always":          {plan: shellPlan(), user: "ssm-user"},
		"run as":             {plan: runAs("alice"), user: "alice"},
		"elevated":           {plan: elevated, user: "root"},
		"one uid":            {plan: shellPlan(), single: true, user: "root"},
		"one uid, run as":    {plan: runAs("alice"), single: true, text: "RunAs user alice can't be used: on this machine everybody in an instance is root, see tombolo doctor."},
		"one uid, as root":   {plan: runAs("root"), single: true, user: "root"},
		"run as nobody":      {plan: runAs("absent"), user: "absent", text: "failed to start pty since RunAs user absent does not exist"},
		"run as, but not as": {plan: runAs(""), text: "please set the RunAs default user"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.single, s.nobody = v.single, "absent"
			info, c := s.begin(v.plan)
			if v.text == "" {
				c.types("exit\r")
			}
			if text := c.end(); text != v.text {
				t.Errorf("the end says %q, want %q", text, v.text)
			}
			if v.text != "" && s.info(info.ID).Status != Failed {
				t.Errorf("a session that never was is %v", s.info(info.ID).Status)
			}
			if p := s.programs(); v.user != "" && (len(p) != 1 || p[0].User != v.user) || v.user == "" && len(p) != 0 {
				t.Errorf("started %+v, want one as %q", p, v.user)
			}
		})
	}
}

func TestASessionIsLogged(t *testing.T) {
	s := newSite(t)
	plan := shellPlan()
	plan.Preferences.Bucket, plan.Preferences.KeyPrefix = "my-logs", "shells/"
	info, c := s.begin(plan)
	c.types("echo log''ged\r")
	c.says("logged")
	c.types("exit\r")
	c.end()
	if info.Bucket != "my-logs" || info.Key != "shells/"+info.ID+".log" {
		t.Errorf("the log is at %s/%s", info.Bucket, info.Key)
	}
	if got := s.log("my-logs", info.Key); got != c.output() {
		t.Errorf("logged %q, shown %q", got, c.output())
	}
}

func TestWithoutItsLogThereIsNoSession(t *testing.T) {
	s := newSite(t)
	plan := shellPlan()
	plan.Preferences.Bucket = "Not_A_Bucket"
	_, c := s.begin(plan)
	if text := c.end(); !strings.HasPrefix(text, "Couldn't start the session because its log can't be written") {
		t.Errorf("the end says %q", text)
	}
	if len(s.programs()) != 0 {
		t.Error("a program ran all the same")
	}
}

func TestACommandWithoutATerminal(t *testing.T) {
	s := newSite(t)
	run := func(p document.Plan) *client {
		p.Type = document.NonInteractiveCommands
		_, c := s.begin(p)
		if text := c.end(); text != "" {
			t.Errorf("%q: the end says %q", p.Command, text)
		}
		return c
	}
	script := `sh -c "echo to-out; echo 'to err' >&2; test -t 1 || echo no-tty; cat; exit 3"`
	c := run(document.Plan{Command: script})
	if got := c.output(); got != "to-out\nto err\nno-tty\n" || c.errs.Len() != 0 || c.exits != nil {
		t.Errorf("joined: %q, %q, %q", got, c.errs.String(), c.exits)
	}
	c = run(document.Plan{Command: script, Separate: true, StdoutPrefix: "O:", StderrPrefix: "E:"})
	if got := c.output(); got != "O:to-out\nO:no-tty\n" || c.errs.String() != "E:to err\n" || !slices.Equal(c.exits, []string{"EXIT_CODE: 3"}) {
		t.Errorf("apart: %q, %q, %q", got, c.errs.String(), c.exits)
	}
	if c = run(document.Plan{Command: "echo $HOME *"}); c.output() != "$HOME *\n" {
		t.Errorf("a shell had a look: %q", c.output())
	}
	_, c = s.begin(document.Plan{Type: document.NonInteractiveCommands, Command: "/nonexistent/program"})
	c.end()
	if got := c.errs.String(); !strings.HasPrefix(got, "Error occurred starting the command: ") {
		t.Errorf("a command that is none: %q", got)
	}
}

func TestKeysAreSignalsWithoutATerminal(t *testing.T) {
	s := newSite(t)
	_, c := s.begin(document.Plan{Type: document.NonInteractiveCommands, Separate: true, Command: `sh -c "trap 'echo int; exit 7' INT; echo ready; sleep 60 & wait"`})
	c.says("ready")
	c.types("\x03")
	c.end()
	if got := c.output(); got != "ready\nint\n" || !slices.Equal(c.exits, []string{"EXIT_CODE: 7"}) {
		t.Errorf("%q, %q", got, c.exits)
	}
}

func TestACommandThatLeavesSomethingBehindEnds(t *testing.T) {
	s := newSite(t)
	_, c := s.begin(document.Plan{Type: document.NonInteractiveCommands, Command: `sh -c "sleep 3 & echo started"`})
	began := time.Now()
	c.end()
	if c.output() != "started\n" || time.Since(began) > 2500*time.Millisecond {
		t.Errorf("%q after %v", c.output(), time.Since(began))
	}
}

func TestSplitTakesACommandApart(t *testing.T) {
	for line, want := range map[string][]string{
		"":                      nil,
		"  ls\t-l \n":           {"ls", "-l"},
		`a "b c" 'd "e'`:        {"a", "b c", `d "e`},
		`a\ b "c\"d\\e\f" '\x'`: {"a b", `c"d\e\f`, `\x`},
		`''  x""y`:              {"", "xy"},
		"$A `b` | c":            {"$A", "`b`", "|", "c"},
		"grüße 'ü ö'":           {"grüße", "ü ö"},
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q gave %q, %v; want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`'a`, `"a`, `a\`} {
		if got, err := split(line); err == nil {
			t.Errorf("%q gave %q", line, got)
		}
	}
}
