package session

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tombolo/network"
	"tombolo/ssm/channel"
	"tombolo/ssm/document"
)

func TestOnlyARunningInstanceOfTheCallersHasSessions(t *testing.T) {
	s := newSite(t)
	theirs, stopped, ours := s.launch(stranger), s.launch(home), s.launch(home)
	s.do(home, network.StopInstances{Instances: []network.InstanceID{stopped}})
	for _, id := range []network.InstanceID{theirs, stopped, "i-0123456789abcdef0"} {
		if _, _, err := s.a.Start(t.Context(), spec(id, shellPlan())); !errors.Is(err, ErrNotConnected) {
			t.Errorf("%s gave %v", id, err)
		}
		if s.a.Connected(home, id) {
			t.Errorf("%s is connected", id)
		}
	}
	if !s.a.Connected(home, ours) || s.a.Connected(stranger, ours) {
		t.Error("an instance is connected to its own account alone")
	}
	s.broken = errors.New("disk full")
	if _, _, err := s.a.Start(t.Context(), spec(ours, shellPlan())); err == nil || len(s.a.List(home)) != 0 {
		t.Errorf("a session that is not on disk: %v, %v", err, s.a.List(home))
	}
	s.broken = nil
}

func TestASessionEndsWithItsReason(t *testing.T) {
	bounded := shellPlan()
	bounded.Preferences.Longest = 5 * time.Minute
	for name, v := range map[string]struct {
		plan document.Plan
		do   func(*site, Info)
		want string
	}{
		"terminated": {shellPlan(), func(s *site, i Info) {
			if err := s.a.Terminate(home, i.ID); err != nil {
				s.t.Error(err)
			}
		}, ""},
		"idle":     {shellPlan(), func(s *site, i Info) { s.later(20 * time.Minute) }, "Session timed out after 20 minutes without activity."},
		"too long": {bounded, func(s *site, i Info) { s.later(5 * time.Minute) }, "Session reached its maximum duration of 5 minutes."},
		"stopped": {shellPlan(), func(s *site, i Info) {
			s.do(home, network.StopInstances{Instances: []network.InstanceID{i.Target}})
			s.a.tick()
		}, "Instance ID was stopped."},
		"rebooted": {shellPlan(), func(s *site, i Info) {
			s.do(home, network.RebootInstances{Instances: []network.InstanceID{i.Target}})
			s.a.tick()
		}, "Instance ID was rebooted."},
		"terminated instance": {shellPlan(), func(s *site, i Info) {
			s.do(home, network.TerminateInstances{Instances: []network.InstanceID{i.Target}})
			s.a.tick()
		}, "Instance ID was terminated."},
		"daemon's end": {shellPlan(), func(s *site, i Info) { s.close() }, "Tombolo was stopped."},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			info, c := s.begin(v.plan)
			c.says("$ ")
			v.do(s, info)
			if got, want := c.end(), strings.ReplaceAll(v.want, "ID", string(info.Target)); got != want {
				t.Errorf("the end says %q, want %q", got, want)
			}
			if i := s.info(info.ID); i.Status != Terminated || i.Active() {
				t.Errorf("afterwards it is %v", i.Status)
			}
			if token, err := s.a.Resume(home, info.ID); token != "" || err != nil {
				t.Errorf("resumed: %q, %v", token, err)
			}
		})
	}
}

func TestAShellThatStopsWithItsInstanceSaysSo(t *testing.T) {
	s := newSite(t)
	info, c := s.begin(shellPlan())
	c.says("$ ")
	s.do(home, network.StopInstances{Instances: []network.InstanceID{info.Target}})
	c.types("exit\r") // as its end by the instance's: nobody has looked at the clock yet
	if got := c.end(); got != "Instance "+string(info.Target)+" was stopped." {
		t.Errorf("the end says %q", got)
	}
}

func TestTrafficKeepsASessionAlive(t *testing.T) {
	s := newSite(t)
	info, c := s.begin(shellPlan())
	c.says("$ ")
	for _, word := range []string{"one", "two"} {
		s.later(19 * time.Minute)
		c.types("echo " + word + "-$((1+1))\r")
		c.says(word + "-2")
	}
	if i := s.info(info.ID); i.Status != Connected {
		t.Errorf("the session is %v", i.Status)
	}
}

func TestAClientThatDoesNotAnswerTheHandshake(t *testing.T) {
	s := newSite(t)
	info, token := s.start(shellPlan())
	c := s.dial(info.ID, token, func(c *client) { c.silent = true })
	c.until("the request", func() bool { return c.request.AgentVersion == AgentVersion })
	s.later(15 * time.Second)
	if got := c.end(); got != sayHandshake {
		t.Errorf("the end says %q", got)
	}
	info, token = s.start(shellPlan())
	c = s.dial(info.ID, token, func(c *client) { c.refuse = true })
	if got := c.end(); got != "SessionType unknown session type" || s.info(info.ID).Status != Failed {
		t.Errorf("the end says %q, %v", got, s.info(info.ID).Status)
	}
}

// refused says whether a dial with a token is closed without a message of the session.
func (s *site) refused(id, token string) bool {
	s.t.Helper()
	conn := connect(s.t, s, id)
	defer conn.CloseNow()
	if err := conn.Write(s.t.Context(), websocket.MessageText, channel.Marshal(channel.OpenDataChannel{TokenValue: token})); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	_, _, err := conn.Read(ctx)
	return websocket.CloseStatus(err) == websocket.StatusPolicyViolation
}

func TestATokenOpensItsOwnSessionInTime(t *testing.T) {
	s := newSite(t)
	one, tokenOne := s.start(shellPlan())
	two, tokenTwo := s.start(shellPlan())
	if !s.refused(one.ID, tokenTwo) || !s.refused(one.ID, "") || !s.refused(one.ID, tokenOne+"x") || !s.refused(one.ID, tokenOne[1:]) {
		t.Error("another session's token, or none, opened a session")
	}
	// Before the handshake the same token opens it again.
	heard, deaf := 0, true
	c := s.dial(one.ID, tokenOne, func(c *client) {
		c.ignore = func(channel.Message) bool { heard++; return deaf }
	})
	c.until("the request", func() bool { return heard > 0 })
	c.leave()
	c.mu.Lock()
	deaf = false
	c.mu.Unlock()
	c.come(tokenOne)
	c.says("$ ")
	if !s.refused(one.ID, tokenOne) {
		t.Error("a token opened its session after the handshake")
	}
	s.later(time.Minute)
	if !s.refused(two.ID, tokenTwo) {
		t.Error("a token opened its session after a minute")
	}
	if token, err := s.a.Resume(stranger, two.ID); !errors.Is(err, ErrUnknown) || token != "" {
		t.Errorf("a stranger resumed a session: %v", err)
	}
	if err := s.a.Terminate(stranger, two.ID); !errors.Is(err, ErrUnknown) || !s.info(two.ID).Active() {
		t.Errorf("a stranger ended a session: %v", err)
	}
	if len(s.a.List(stranger)) != 0 {
		t.Error("a stranger sees sessions")
	}
	first, err := s.a.Resume(home, two.ID)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.a.Resume(home, two.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !s.refused(two.ID, first) || !s.refused(two.ID, tokenTwo) {
		t.Error("a token that was replaced opened its session")
	}
	s.dial(two.ID, second, nil).says("$ ")
}

func TestADialToASessionThatIsOverIsTold(t *testing.T) {
	s := newSite(t)
	info, token := s.start(shellPlan())
	s.do(home, network.StopInstances{Instances: []network.InstanceID{info.Target}})
	s.a.tick()
	s.await(info.ID, Terminated)
	for _, v := range []struct{ id, token, want string }{
		{info.ID, token, "Instance " + string(info.Target) + " was stopped."},
		{info.ID, "other", sayUnknown},
		{"root-0123456789abcdef0", token, sayUnknown},
	} {
		if got := s.dial(v.id, v.token, nil).end(); got != v.want {
			t.Errorf("%s: told %q, want %q", v.id, got, v.want)
		}
	}
}

func TestAWebPageOpensNothing(t *testing.T) {
	s := newSite(t)
	info, _ := s.start(shellPlan())
	_, res, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.srv.URL, "http")+Path+info.ID, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {s.srv.URL}}})
	if err == nil || res == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a dial with an Origin gave %v, %v", res, err)
	}
}

func TestResumeLosesNothing(t *testing.T) {
	s := newSite(t)
	info, token := s.start(document.Plan{Type: document.InteractiveCommands, Command: "stty -onlcr; seq 30000; echo end"})
	n := 0
	c := s.dial(info.ID, token, func(c *client) {
		c.lose = func(m channel.Message) bool { n++; return m.Type == channel.Acknowledge && n > 20 && n%2 == 0 }
	})
	for range 5 {
		c.mu.Lock()
		had := c.out.Len()
		c.mu.Unlock()
		c.until("more", func() bool { return c.out.Len() > had+2000 || strings.HasSuffix(c.out.String(), "end\n") })
		c.leave()
		token, err := s.a.Resume(home, info.ID)
		if err != nil {
			t.Fatal(err)
		}
		if token == "" {
			break // all was said, and acknowledged
		}
		c.come(token)
	}
	c.until("the end", func() bool { return strings.HasSuffix(c.out.String(), "\nend\n") })
	if n := strings.Count(c.output(), "\n"); n != 30001 {
		t.Errorf("%d lines came of 30001", n)
	}
}

func TestTheNewestWebsocketWins(t *testing.T) {
	s := newSite(t)
	info, c := s.begin(shellPlan())
	c.says("$ ")
	c.mu.Lock()
	old := c.over
	c.mu.Unlock()
	token, err := s.a.Resume(home, info.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.come(token)
	select {
	case <-old:
	case <-time.After(patience):
		t.Fatal("the old websocket is still open")
	}
	c.types("echo still-h''ere\r")
	c.says("still-here")
}

func TestAClientThatWentAwayFindsItsProgram(t *testing.T) {
	s := newSite(t)
	info, c := s.begin(shellPlan())
	c.says("$ ")
	c.leave()
	s.await(info.ID, Disconnected)
	token, err := s.a.Resume(home, info.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.come(token)
	s.await(info.ID, Connected)
	c.types("exit\r")
	if text := c.end(); text != "" {
		t.Errorf("the end says %q", text)
	}
}

func TestAClientThatNeverAcknowledgesCostsBoundedMemory(t *testing.T) {
	s := newSite(t)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	info, token := s.start(document.Plan{Type: document.InteractiveCommands, Command: "yes"})
	before := heap()
	c := s.dial(info.ID, token, func(c *client) { c.ignore = func(m channel.Message) bool { return m.Payload == channel.Bytes } })
	s.a.mu.Lock()
	one := s.a.active[info.ID]
	s.a.mu.Unlock()
	full := func() bool { one.mu.Lock(); defer one.mu.Unlock(); return one.line.Room() == 0 }
	eventually(t, full, func() string { return "the window never filled" })
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d KiB for one client", grown>>10)
	}
	_ = c
	if err := s.a.Terminate(home, info.ID); err != nil {
		t.Error(err)
	}
}

func TestInputThatNobodyTakesEndsTheSession(t *testing.T) {
	s := newSite(t)
	info, c := s.begin(document.Plan{Type: document.InteractiveCommands, Command: "stty raw -echo; echo ready; sleep 600"})
	c.says("ready")
	c.types(strings.Repeat("x", 100_000)) // more than a terminal holds, less than the window
	s.a.mu.Lock()
	one := s.a.active[info.ID]
	s.a.mu.Unlock()
	stuck := func() bool {
		one.mu.Lock()
		defer one.mu.Unlock()
		return !one.busy.IsZero() && one.line.Waiting()
	}
	eventually(t, stuck, func() string { return "the terminal takes everything" })
	s.later(5 * time.Minute)
	if got := c.end(); got != sayStalled {
		t.Errorf("the end says %q", got)
	}
}

func TestHostileFramesDoNotDisturbASession(t *testing.T) {
	s := newSite(t)
	info, token := s.start(shellPlan())
	conn := connect(t, s, info.ID)
	defer conn.CloseNow()
	write := func(kind websocket.MessageType, b []byte) {
		_ = conn.Write(t.Context(), kind, b) // the server hangs up at some point
	}
	write(websocket.MessageText, channel.Marshal(channel.OpenDataChannel{TokenValue: token}))
	for range maxBroken {
		write(websocket.MessageBinary, []byte("no frame"))
	}
	for {
		if _, _, err := conn.Read(t.Context()); err != nil {
			break
		}
	}
	c := s.dial(info.ID, token, nil)
	c.says("$ ")
	c.mu.Lock()
	c.lose = nil
	c.mu.Unlock()
}

func TestAHundredSessionsAtOnce(t *testing.T) {
	s := newSite(t)
	target := s.launch(home)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			info, token, err := s.a.Start(t.Context(), spec(target, shellPlan()))
			if err != nil {
				t.Error(err)
				return
			}
			c := s.dial(info.ID, token, nil)
			c.says("$ ")
			c.types("echo I-am-$((" + "6*7))\r")
			c.says("I-am-42")
			c.types("exit\r")
			c.end()
		})
	}
	wg.Wait()
	for _, i := range s.a.List(home) {
		if i.Active() {
			t.Errorf("%s is %v", i.ID, i.Status)
		}
	}
}

func TestARestartMakesHistory(t *testing.T) {
	s := newSite(t)
	info, _ := s.start(shellPlan())
	// A daemon that died wrote no end.
	s.mu.Lock()
	row := s.records[recordKind+"/"+info.ID]
	s.mu.Unlock()
	s.close()
	s.mu.Lock()
	s.records[recordKind+"/"+info.ID] = row
	s.mu.Unlock()
	s.open()
	if i := s.info(info.ID); i.Status != Terminated || i.Details != sayRestart || i.Ended.IsZero() {
		t.Errorf("after the restart: %+v", i)
	}
	if token, err := s.a.Resume(home, info.ID); token != "" || err != nil {
		t.Errorf("resumed: %q, %v", token, err)
	}
	if got := s.dial(info.ID, "any", nil).end(); got != sayUnknown {
		t.Errorf("told %q", got)
	}
	s.later(31 * 24 * time.Hour)
	if list := s.a.List(home); len(list) != 0 || len(s.records) != 0 {
		t.Errorf("after a month there are %v, %v", list, s.records)
	}
	if _, err := s.a.Resume(home, info.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("resumed after a month: %v", err)
	}
}

func TestAListIsNewestFirst(t *testing.T) {
	s := newSite(t)
	var ids []string
	for range 3 {
		info, _ := s.start(shellPlan())
		ids = append([]string{info.ID}, ids...)
		s.later(time.Second)
	}
	if err := s.a.Terminate(home, ids[1]); err != nil {
		t.Fatal(err)
	}
	for n, i := range s.a.List(home) {
		if i.ID != ids[n] {
			t.Errorf("place %d is %s, want %s", n, i.ID, ids[n])
		}
	}
}

func TestAProgramOfThisProcessIsASession(t *testing.T) {
	s := newSite(t)
	target := s.launch(home)
	p, err := s.a.Local(t.Context(), spec(target, document.Plan{}), Program{Args: []string{"sh", "-c", "cat; echo err >&2; exit 7"}})
	if err != nil {
		t.Fatal(err)
	}
	id := s.a.List(home)[0].ID
	if i := s.info(id); i.Status != Connected || i.Target != target {
		t.Errorf("while it runs: %+v", i)
	}
	if token, err := s.a.Resume(home, id); token != "" || err != nil {
		t.Errorf("resumed: %q, %v", token, err)
	}
	_, _ = io.WriteString(p.Stdin, "input")
	_ = p.Stdin.Close()
	out, _ := io.ReadAll(p.Stdout)
	errs, _ := io.ReadAll(p.Stderr)
	exit, err := p.Wait()
	p.Close()
	if string(out) != "input" || string(errs) != "err\n" || exit != (Exit{Code: 7}) || err != nil {
		t.Errorf("%q, %q, %+v, %v", out, errs, exit, err)
	}
	s.await(id, Terminated)
}

func TestAProgramOfThisProcessEndsWithItsSession(t *testing.T) {
	s := newSite(t)
	target := s.launch(home)
	// It does not hear a hang-up.
	p, err := s.a.Local(t.Context(), spec(target, document.Plan{}), Program{Args: []string{"sh", "-c", "trap '' HUP; echo on; sleep 60"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := io.ReadFull(p.Stdout, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	s.later(time.Hour) // silence is no reason
	done := make(chan error, 1)
	go func() { done <- s.a.Terminate(home, s.a.List(home)[0].ID) }()
	_, err = p.Wait()
	var over *Ended
	if !errors.As(err, &over) {
		t.Errorf("it ended with %v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestADialThatSaysNothingDoesNotHoldUpTheEnd(t *testing.T) {
	s := newSite(t)
	info, _ := s.start(shellPlan())
	conn := connect(t, s, info.ID)
	defer conn.CloseNow()
	began := time.Now()
	s.close()
	if took := time.Since(began); took > helloTime/2 {
		t.Errorf("the end took %v", took)
	}
}
