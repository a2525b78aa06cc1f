package console

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// daemon is one Tombolo of a test's own.
type daemon struct {
	t       *testing.T
	program string
	state   string
	log     bytes.Buffer
}

// readyLimit is how long a daemon may take to be ready.
const readyLimit = 60 * time.Second

// start runs `tombolo serve` and waits for its ready line.
func start(t *testing.T) *daemon {
	t.Helper()
	program, err := filepath.Abs("../../bin/tombolo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	state, err := os.MkdirTemp("", "tbc-")
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, program: program, state: filepath.Join(state, "state")}
	cmd := exec.Command(program, "serve", "--state", d.state, "--listen", "127.0.0.1:0")
	cmd.Stderr = &d.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(out)
		if lines.Scan() {
			close(ready)
		}
		for lines.Scan() {
		}
		_ = cmd.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		if text, err := exec.Command(program, "down", "--state", d.state).CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, text)
		}
		<-exited
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", d.log.String())
		}
		if err := os.RemoveAll(state); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case <-exited:
		t.Fatalf("the daemon ended:\n%s", d.log.String())
	case <-time.After(readyLimit):
		t.Fatalf("the daemon was not ready after %v", readyLimit)
	}
	return d
}

// scriptLimit bounds one script.
const scriptLimit = 20 * time.Minute

// run has Node run a script, which finds the command line in TOMBOLO and the state
// directory in TOMBOLO_STATE.
func (d *daemon) run(script string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), scriptLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Env = append(os.Environ(), "TOMBOLO="+d.program, "TOMBOLO_STATE="+d.state)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its browser
	cmd.WaitDelay = 10 * time.Second
	cmd.Stdout, cmd.Stderr = d.t.Output(), d.t.Output()
	if err := cmd.Run(); err != nil {
		d.t.Errorf("%s: %v; a screenshot and a trace are in e2e/console/out (npx playwright show-trace FILE)", script, err)
	}
}

// Every page shows what it must, is accessible, and asks nobody else for anything.
func TestPages(t *testing.T) { start(t).run("pages.mjs") }

// The whole lab, by mouse and keyboard, terminal included.
func TestLab(t *testing.T) { start(t).run("lab.mjs") }
