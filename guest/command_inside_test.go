package guest

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tombolo/network"
	ssm "tombolo/ssm/command"
	"tombolo/store"
)

// commandHost is what wiring makes of Guests for Run Command.
type commandHost struct{ g *Guests }

// Start starts a program with pipes.
func (h commandHost) Start(ctx context.Context, id network.InstanceID, p ssm.Program) (*ssm.Process, error) {
	var ours, theirs [3]*os.File
	for n := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		ours[n], theirs[n] = r, w
		if n == 0 {
			ours[n], theirs[n] = w, r
		}
	}
	process, err := h.g.Start(ctx, id, Command{Args: p.Args, Env: p.Env, Dir: p.Dir, User: p.User, Stdin: theirs[0], Stdout: theirs[1], Stderr: theirs[2]})
	closeAll(theirs[:])
	if err != nil {
		closeAll(ours[:])
		return nil, err
	}
	return &ssm.Process{
		Stdin: ours[0], Stdout: ours[1], Stderr: ours[2],
		Close:  func() { closeAll(ours[:]) },
		Signal: func(s syscall.Signal) error { return process.Signal(s) },
		Wait: func() (ssm.Exit, error) {
			status, err := process.Wait()
			return ssm.Exit{Code: status.Code, Signal: status.Signal}, err
		},
	}, nil
}

// testRunCommand carries commands out in a real instance, a reboot included.
func testRunCommand(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	var mu sync.Mutex
	state := func() network.State {
		mu.Lock()
		defer mu.Unlock()
		return s.State
	}
	reboot := func(context.Context, network.InstanceID) error {
		mu.Lock()
		defer mu.Unlock()
		s.do(network.RebootInstances{Instances: []network.InstanceID{id}})
		s.settle()
		return nil
	}
	c, err := ssm.Open(t.Context(), ssm.Config{Host: commandHost{s.g}, State: state, Reboot: reboot, Records: new(store.Memory)})
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	defer func() { cancel(); check(t, <-done) }()
	run := func(script string, timeout time.Duration) ssm.Result {
		t.Helper()
		sent, err := c.Send(t.Context(), ssm.Spec{Caller: home, Document: "AWS-RunShellScript", Instances: []network.InstanceID{id},
			Steps: []ssm.Step{{Name: "aws:runShellScript", Path: []string{"awsrunShellScript", "0.awsrunShellScript"}, Script: script, Timeout: timeout}}})
		check(t, err)
		tick, limit := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
		defer tick.Stop()
		for {
			i, err := c.Invocation(home, sent.ID, id)
			check(t, err)
			if i.Status.Ended() {
				return i.Steps[0]
			}
			select {
			case <-tick.C:
			case <-limit:
				t.Fatalf("%s: still %s", script, i.Status)
			}
		}
	}
	for _, test := range []struct {
		script, stdout, stderr string
		status                 ssm.Status
		code                   int
	}{
		{"id -un; echo err >&2; read x || echo no input; tty", "root\nno input\nnot a tty\n", "err\nfailed to run commands: exit status 1", ssm.Failed, 1},
		{"#!/usr/bin/env bash\necho $((6 * 7)) ${BASH_VERSION:+bash}", "42 bash\n", "", ssm.Success, 0},
		{strings.Repeat("# filling\n", 20000) + "wc -c <$0", "200009\n", "", ssm.Success, 0},
		{"find /var/lib/amazon -name _script.sh | wc -l; echo $AWS_SSM_INSTANCE_ID", "1\n" + string(id) + "\n", "", ssm.Success, 0},
		{"if [ -e /root/rebooted ]; then echo second; else touch /root/rebooted; echo first; exit 194; fi", "first\nsecond\n", "", ssm.Success, 0},
	} {
		r := run(test.script, time.Minute)
		if r.Stdout != test.stdout || r.Stderr != test.stderr || r.Status != test.status || r.Code != test.code {
			t.Errorf("%.80s: %s, code %d, stdout %q, stderr %q", test.script, r.Status, r.Code, r.Stdout, r.Stderr)
		}
	}
	if r := run("echo begun; sleep 1000 | cat", time.Second); r.Status != ssm.ExecutionTimedOut || r.Stdout != "begun\n" {
		t.Errorf("a time-out: %s, stdout %q, stderr %q", r.Status, r.Stdout, r.Stderr)
	}
	if out, _ := s.run(id, "ps -e -o args | grep '[s]leep 1000'"); out != "" {
		t.Errorf("after the time-out there runs %q", out)
	}
	if _, err := c.Send(t.Context(), ssm.Spec{Caller: home, Instances: []network.InstanceID{"i-0123456789abcdef0"}}); !errors.As(err, new(*ssm.Error)) {
		t.Errorf("an instance that does not exist: %v", err)
	}
}
