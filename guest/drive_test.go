package guest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tombolo/network"
)

// TestKilledDaemon kills the daemon, and then the holder, and looks at what becomes
// of an instance with a busy TCP connection inside.
func TestKilledDaemon(t *testing.T) {
	for _, as := range modes(t) {
		t.Run(strings.ReplaceAll(as.mode.String(), " ", "-"), func(t *testing.T) {
			dir := as.home(t)
			state := filepath.Join(dir, "state")
			daemon := func(phase string) (line string, kill func()) {
				t.Helper()
				cmd := as.command(dir)
				cmd.Env = append(cmd.Env, envRoom+"="+state, envDrive+"="+phase)
				cmd.Stderr = os.Stderr
				out, err := cmd.StdoutPipe()
				check(t, err)
				check(t, cmd.Start())
				limit := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
				lines := bufio.NewScanner(out)
				lines.Scan()
				return lines.Text(), func() {
					limit.Stop()
					cmd.Process.Kill()
					cmd.Wait()
				}
			}
			for _, phase := range []string{"first", "second", "second"} {
				line, kill := daemon(phase)
				kill()
				if line != "ok" {
					t.Fatalf("the %s daemon: %s", phase, line)
				}
			}
			r, err := roomOf(state)
			check(t, err)
			rec, err := r.record()
			check(t, err)
			holder, err := openProcess(rec.PID)
			check(t, err)
			defer holder.Close()
			var instance pidfd
			for _, pid := range childrenOf(rec.PID) {
				instance, err = openProcess(pid)
				check(t, err)
				defer instance.Close()
			}
			if instance.File == nil {
				t.Fatal("the instance's first process is not below the holder")
			}
			check(t, holder.kill())
			if !instance.await(t.Context(), 10*time.Second) {
				t.Error("the instance outlives the holder")
			}
			line, kill := daemon("after")
			kill()
			if line != "ok" {
				t.Fatalf("the daemon after the holder's death: %s", line)
			}
			downLeavesNothing(t, state)
			// A living daemon learns that its room was lost, and Down ends it still.
			line, kill = daemon("lost")
			if line != "ok" {
				t.Errorf("the daemon whose holder dies: %s", line)
			}
			if rec, err = r.record(); err != nil || len(r.processesIn(rec.Mount)) != 1 {
				t.Errorf("the daemon is not in the lost room: %+v %v", rec, err)
			}
			check(t, Down(state))
			if left := r.processesIn(rec.Mount); len(left) > 0 {
				t.Errorf("processes %v are left in the lost room", left)
			}
			kill()
		})
	}
}

// TestKilledWhileBooting kills the daemon again and again while it starts instances.
// In the end each has one first process, and its user data has run once.
func TestKilledWhileBooting(t *testing.T) {
	for _, as := range modes(t) {
		t.Run(strings.ReplaceAll(as.mode.String(), " ", "-"), func(t *testing.T) {
			dir := as.home(t)
			state := filepath.Join(dir, "state")
			start := func() (*exec.Cmd, *bufio.Scanner) {
				cmd := as.command(dir)
				cmd.Env = append(cmd.Env, envRoom+"="+state, envDrive+"=storm")
				out, err := cmd.StdoutPipe()
				check(t, err)
				check(t, cmd.Start())
				return cmd, bufio.NewScanner(out)
			}
			for round := range 10 {
				cmd, _ := start()
				<-time.After(time.Duration(25+25*round) * time.Millisecond)
				check(t, cmd.Process.Kill())
				cmd.Wait()
			}
			cmd, lines := start()
			limit := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
			lines.Scan()
			limit.Stop()
			cmd.Process.Kill()
			cmd.Wait()
			if lines.Text() != "ok" {
				t.Errorf("the last daemon: %s", lines.Text())
			}
			r, err := roomOf(state)
			check(t, err)
			rec, err := r.record()
			check(t, err)
			if n := firstProcesses(rec.PID); n != storm {
				t.Errorf("%d first processes for %d instances", n, storm)
			}
			downLeavesNothing(t, state)
		})
	}
}

// firstProcesses counts the processes 1 of instances that are below a holder, with
// an unshare between that lost its daemon, or without.
func firstProcesses(holder int) int {
	room, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid_for_children", holder))
	if err != nil {
		return 0
	}
	n := 0
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		proc := filepath.Dir(path)
		// The number in the room is the second of NSpid, in the instance the third.
		if !strings.HasPrefix(readString(path), "init\x00"+roleInit) || !strings.Contains(readString(proc+"/status"), "\t1\n") {
			continue
		}
		if below(proc, room) {
			n++
		}
	}
	return n
}

// below reports whether a process descends from the room with this PID namespace.
func below(proc, room string) bool {
	for {
		if at, _ := os.Readlink(proc + "/ns/pid"); at == room {
			return true
		}
		var parent int
		for line := range strings.Lines(readString(proc + "/status")) {
			fmt.Sscanf(line, "PPid:\t%d", &parent)
		}
		if parent < 2 {
			return false
		}
		proc = fmt.Sprintf("/proc/%d", parent)
	}
}

// storm is how many instances TestKilledWhileBooting starts.
const storm = 6

func driveStorm(t testing.TB) {
	g, err := Open(Config{Dir: os.Getenv(envRoom), Limits: testLimits})
	check(t, err)
	s := newSite(t, g)
	s.dice = 9
	ids := s.launch(storm, "#!/bin/sh\necho ran >>/root/count\n")
	s.settle()
	for _, id := range ids {
		eventually(t, "the user data has run", func() bool { out, _ := s.run(id, "cat /root/count"); return out != "" })
		s.says(id, "cat /root/count; ls /root | wc -l", "ran\n1")
	}
	g.Close()
}

func childrenOf(pid int) []int {
	var out []int
	for word := range strings.FieldsSeq(readString(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))) {
		var child int
		fmt.Sscan(word, &child)
		out = append(out, child)
	}
	return out
}

// drive is the daemon of TestKilledDaemon: it says "ok" or what is wrong, and stays.
func drive() {
	t := &complaint{}
	func() {
		defer func() { recover() }()
		if phase := os.Getenv(envDrive); phase == "storm" {
			driveStorm(t)
		} else {
			drivePhase(t, phase)
		}
	}()
	if t.text == "" {
		t.text = "ok"
	}
	fmt.Println(strings.ReplaceAll(t.text, "\n", "; "))
	<-time.After(time.Minute)
}

// complaint is a testing.TB outside of a test.
type complaint struct {
	testing.TB
	text string
}

func (c *complaint) Helper()                      {}
func (c *complaint) Fatal(args ...any)            { c.text += fmt.Sprintln(args...); panic("stop") }
func (c *complaint) Fatalf(f string, args ...any) { c.Fatal(fmt.Sprintf(f, args...)) }
func (c *complaint) Errorf(f string, args ...any) { c.text += fmt.Sprintf(f, args...) }

const busy = "#!/bin/sh\necho ran >>/root/count\ntombolo attack:hold /root/alive >/dev/null 2>&1 &\n"

func drivePhase(t testing.TB, phase string) {
	g, err := Open(Config{Dir: os.Getenv(envRoom), Limits: testLimits})
	check(t, err)
	s := newSite(t, g)
	s.dice = 7 // every daemon knows the same instance
	id := s.launch(1, busy)[0]
	s.settle()
	if s.state(id) != "running" {
		t.Errorf("the instance is %s", s.state(id))
	}
	switch phase {
	case "first":
		eventually(t, "the connection is busy", func() bool { _, n := alive(s, id); return n > 3 })
		s.says(id, `printf '#!/bin/sh\necho local >>/root/count\n' >/etc/rc.local; chmod +x /etc/rc.local; echo ok`, "ok")
		_, err := g.Start(context.Background(), id, Command{Args: []string{"sleep", "4321"}})
		check(t, err)
	case "second":
		who, before := alive(s, id)
		eventually(t, "the connection is still busy", func() bool { same, n := alive(s, id); return same == who && n > before+3 })
		eventually(t, "what the dead daemon ran is hung up", func() bool { out, _ := s.run(id, "pgrep -c -x sleep"); return out == "0\n" })
		s.says(id, "cat /root/count", "ran")
	case "lost":
		holder, err := openProcess(g.holder.PID)
		check(t, err)
		check(t, holder.kill())
		eventually(t, "the daemon knows", func() bool {
			_, err := g.Run(context.Background(), s.State)
			return errors.Is(err, ErrRoomLost)
		})
		if _, err := g.Start(context.Background(), id, Command{Args: []string{"true"}}); err == nil {
			t.Errorf("a command started in a lost room")
		}
		if err := Enter(g.room.dir, []string{"true"}); !errors.Is(err, ErrRoomLost) {
			t.Errorf("a new room in a lost one: %v", err)
		}
	case "after":
		eventually(t, "rc.local ran, user data did not", func() bool { out, _ := s.run(id, "cat /root/count"); return out == "ran\nlocal\n" })
		s.says(id, "pgrep -c -f attack:hol[d]; true", "0")
	}
	g.Close()
}

// alive reads which process has which connection, and how far it has come.
func alive(s *site, id network.InstanceID) (who string, n int) {
	out, _ := s.run(id, "cat /root/alive 2>/dev/null")
	var pid, addr string
	fmt.Sscan(out, &pid, &addr, &n)
	return pid + " " + addr, n
}
