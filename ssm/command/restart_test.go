package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tombolo/network"
	"tombolo/store"
)

func sqlite(t *testing.T, path string) *store.SQLite {
	t.Helper()
	s, err := store.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRestart: what had ended is known, what had not begun runs, what ran has
// failed and says why, what was cancelled stays so.
func TestRestart(t *testing.T) {
	for name, end := range map[string]struct {
		crash bool
		why   string
	}{
		"after an orderly end": {false, "failed to run commands: the daemon stopped while it ran"},
		"after a crash":        {true, "failed to run commands: the daemon ended while it ran"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := newSite(t), newMachine()
			up, down, other := s.launch(home, nil), s.launch(home, nil), s.launch(home, nil)
			s.stop(down)
			s.stop(other)
			path := filepath.Join(t.TempDir(), "state.db")
			records := sqlite(t, path)
			dir := t.TempDir()
			cut := &severed{disk: records}
			c, quit := running(t, Config{Host: m, State: s.State, Records: cut, Dir: dir})
			mark := filepath.Join(t.TempDir(), "mark")

			done := send(t, c, shell(time.Minute, "echo done", up))
			reach(t, c, done.ID, up, Success)
			runs := send(t, c, shell(time.Minute, "echo begun >>"+mark+"; echo some; exec sleep 1000", up))
			until(t, "the script runs", func() bool { text, _ := os.ReadFile(mark); return len(text) > 0 })
			waits := send(t, c, shell(time.Minute, "echo waited", down))
			cancelled := send(t, c, shell(time.Minute, "echo never", other))
			if err := c.Cancel(t.Context(), home, cancelled.ID, nil); err != nil {
				t.Fatal(err)
			}
			cut.off.Store(end.crash) // nothing reaches the disk any more
			quit()
			if err := records.Close(); err != nil {
				t.Fatal(err)
			}

			records = sqlite(t, path)
			defer records.Close()
			s.start(down)
			s.start(other)
			c, quit = running(t, Config{Host: m, State: s.State, Records: records, Dir: dir})
			defer quit()
			if i := look(t, c, done.ID, up); i.Status != Success || i.Steps[0].Stdout != "done\n" {
				t.Errorf("what had ended: %s, %+v", i.Status, i.Steps)
			}
			i := reach(t, c, runs.ID, up, Failed)
			if r := i.Steps[0]; r.Status != Failed || !strings.HasSuffix(r.Stderr, end.why) || r.Ended.IsZero() {
				t.Errorf("what ran: %+v", r)
			}
			if text, _ := os.ReadFile(mark); string(text) != "begun\n" {
				t.Errorf("what ran has run again: %q", text)
			}
			if i := reach(t, c, waits.ID, down, Success); i.Steps[0].Stdout != "waited\n" {
				t.Errorf("what had not begun: %+v", i.Steps)
			}
			if i := reach(t, c, cancelled.ID, other, Cancelled); i.Steps[0].Stdout != "" {
				t.Errorf("what was cancelled: %+v", i.Steps)
			}
		})
	}
}

// disk is another name of Records, so that embedding hides no method.
type disk = Records

// severed are Records that can be cut off, as by a crash.
type severed struct {
	disk
	off atomic.Bool
}

var errSevered = errors.New("the disk is gone")

func (s *severed) PutRecord(ctx context.Context, kind, key string, doc []byte) error {
	if s.off.Load() {
		return errSevered
	}
	return s.disk.PutRecord(ctx, kind, key, doc)
}

func TestNothingRunsThatIsNotOnDisk(t *testing.T) {
	s, m := newSite(t), newMachine()
	id := s.launch(home, nil)
	s.stop(id)
	records := &severed{disk: new(store.Memory)}
	c, _ := running(t, Config{Host: m, State: s.State, Records: records})
	mark := filepath.Join(t.TempDir(), "mark")
	sent := send(t, c, shell(time.Minute, "touch "+mark, id))
	records.off.Store(true)
	if _, err := c.Send(t.Context(), shell(time.Minute, "true", id)); !errors.Is(err, errSevered) {
		t.Errorf("Send is told %v", err)
	}
	if err := c.Cancel(t.Context(), home, sent.ID, nil); !errors.Is(err, errSevered) {
		t.Errorf("Cancel is told %v", err)
	}
	if n := len(c.List(Filter{Caller: home})); n != 1 {
		t.Errorf("%d commands are known", n)
	}
	s.start(id)
	tries := time.NewTimer(3 * poll)
	defer tries.Stop()
	<-tries.C
	if i := look(t, c, sent.ID, id); i.Status != Pending {
		t.Errorf("with no disk it is %s", i.Status)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("it ran")
	}
	records.off.Store(false)
	reach(t, c, sent.ID, id, Success)
}

func TestInstanceThatIsNotThereYetIsTriedAgain(t *testing.T) {
	s, m := newSite(t), newMachine()
	id := s.launch(home, nil)
	host := &leaving{machine: m, site: s, id: id}
	c, _ := running(t, Config{Host: host, State: s.State})
	sent := send(t, c, shell(time.Minute, "echo hello", id))
	until(t, "the instance refuses", host.refused.Load)
	reach(t, c, sent.ID, id, Pending)
	s.start(id)
	if i := reach(t, c, sent.ID, id, Success); i.Steps[0].Stdout != "hello\n" || i.Steps[0].Stderr != "" {
		t.Errorf("%+v", i.Steps)
	}
}

// leaving is a Host whose instance stops as the first program is started.
type leaving struct {
	*machine
	site    *site
	id      network.InstanceID
	refused atomic.Bool
}

// Start starts a program, but the first.
func (l *leaving) Start(ctx context.Context, id network.InstanceID, p Program) (*Process, error) {
	if !l.refused.Load() {
		l.site.stop(l.id)
		l.refused.Store(true)
		return nil, errDown
	}
	return l.machine.Start(ctx, id, p)
}

// TestHostThatCannotStart: an instance may be booting though it is said to run, but
// not for ever.
func TestHostThatCannotStart(t *testing.T) {
	staged(t, lasting(0), func(t *testing.T, s *site, c *Commands, host *stage) {
		id := s.launch(home, nil)
		host.refuse(errDown)
		late := send(t, c, shell(time.Minute, "", id))
		after(20 * time.Second)
		if i := look(t, c, late.ID, id); i.Status != Pending {
			t.Errorf("while it boots: %s", i.Status)
		}
		host.refuse(nil)
		after(time.Second)
		if i := look(t, c, late.ID, id); i.Status != Success {
			t.Errorf("once it is up: %s, %+v", i.Status, i.Steps)
		}
		host.refuse(errDown)
		never := send(t, c, shell(time.Minute, "", id))
		after(time.Minute)
		i := look(t, c, never.ID, id)
		if r := i.Steps[0]; i.Status != Failed || r.Code != 1 || !strings.HasSuffix(r.Stderr, errDown.Error()) {
			t.Errorf("when it never comes: %s, %+v", i.Status, r)
		}
	})
}

func TestScriptThatCannotBeWrittenFails(t *testing.T) {
	s := newSite(t)
	id := s.launch(home, nil)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := running(t, Config{Host: newMachine(), State: s.State, Dir: file})
	r := end(t, c, send(t, c, shell(time.Minute, "true", id)).ID, id).Steps[0]
	if r.Status != Failed || !strings.Contains(r.Stderr, "bring the script into the instance") || !strings.Contains(r.Stderr, "ot a directory") {
		t.Errorf("%+v", r)
	}
}

func TestResetForgetsAndEndsEverything(t *testing.T) {
	s, m := newSite(t), newMachine()
	id, stopped := s.launch(home, nil), s.launch(home, nil)
	s.stop(stopped)
	records := new(store.Memory)
	c, _ := running(t, Config{Host: m, State: s.State, Records: records})
	pidFile := filepath.Join(t.TempDir(), "pid")
	end(t, c, send(t, c, shell(time.Minute, "true", id)).ID, id)
	send(t, c, shell(time.Minute, "true", stopped))
	send(t, c, shell(time.Minute, "echo $$ >"+pidFile+".new; mv "+pidFile+".new "+pidFile+"; exec sleep 1000", id))
	until(t, "the script runs", func() bool { _, err := os.Stat(pidFile); return err == nil })
	if err := c.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone(t, pidFile)
	if n := len(c.List(Filter{Caller: home})); n != 0 {
		t.Errorf("%d commands are left", n)
	}
	for _, kind := range []string{kindCommand, kindInvocation} {
		if got, err := records.Records(t.Context(), kind); err != nil || len(got) != 0 {
			t.Errorf("records of kind %s: %d, %v", kind, len(got), err)
		}
	}
	if r := end(t, c, send(t, c, shell(time.Minute, "echo again", id)).ID, id).Steps[0]; r.Stdout != "again\n" {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestDamagedRecordsAreNamed(t *testing.T) {
	for _, r := range []struct{ kind, key, doc string }{
		{kindCommand, "abc", "{"},
		{kindCommand, "abc", `{"ID":"abc","MaxErrors":"many"}`},
		{kindCommand, "abc", `{"ID":"abd"}`},
		{kindCommand, "abc", `{"ID":"abc","On":["i-1"]}`},
		{kindInvocation, "abc/i-1", `{"Status":"Nothing"}`},
		{kindInvocation, "abc/i-1", `{"Status":"Success","Steps":null}`},
	} {
		records := new(store.Memory)
		put := func(kind, key, doc string) {
			if err := records.PutRecord(t.Context(), kind, key, []byte(doc)); err != nil {
				t.Fatal(err)
			}
		}
		put(kindCommand, "abc", `{"ID":"abc","On":["i-1"],"Names":[""],"Steps":[{"Name":"a"}]}`)
		put(r.kind, r.key, r.doc)
		if _, err := Open(t.Context(), Config{Records: records}); err == nil || !strings.Contains(err.Error(), r.key) {
			t.Errorf("%s %s %s: %v", r.kind, r.key, r.doc, err)
		}
	}
}

func TestInvocationsWithoutTheirCommandAreRemoved(t *testing.T) {
	records := new(store.Memory)
	if err := records.PutRecord(t.Context(), kindInvocation, "abc/i-1", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Records: records}); err != nil {
		t.Fatal(err)
	}
	if got, err := records.Records(t.Context(), kindInvocation); err != nil || len(got) != 0 {
		t.Errorf("%d records are left, %v", len(got), err)
	}
}
