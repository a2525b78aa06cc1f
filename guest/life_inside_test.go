package guest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tombolo/network"
)

func testUserData(t *testing.T, s *site) {
	id := s.launch(1, "#!/bin/sh\necho hello from $(hostname); echo oops >&2; echo ran >>/root/count; echo direct >/dev/console\n")[0]
	plain := s.launch(1, "not a script")[0]
	s.settle()
	if s.state(id) != "running" || s.state(plain) != "running" {
		t.Fatalf("states %s, %s", s.state(id), s.state(plain))
	}
	var log string
	eventually(t, "the user data has run", func() bool {
		text, err := s.g.Console(id)
		check(t, err)
		log = string(text)
		return strings.Contains(log, "user data ended with status 0")
	})
	for _, want := range []string{"hello from ip-172-31-", "oops", "direct", string(id)} {
		if !strings.Contains(log, want) {
			t.Errorf("the console has no %q:\n%s", want, log)
		}
	}
	if !strings.Contains(readConsoleOf(s, plain), "not a script") {
		t.Errorf("the console does not say what became of it:\n%s", readConsoleOf(s, plain))
	}
	// rc.local at every boot, the user data never again.
	s.says(id, `printf '#!/bin/sh\necho local >>/root/count\nsleep 1000 &\n' >/etc/rc.local; chmod +x /etc/rc.local; echo ok`, "ok")
	restart(s, id)
	eventually(t, "rc.local has run", func() bool { out, _ := s.run(id, "cat /root/count"); return out == "ran\nlocal\n" })
	s.do(network.RebootInstances{Instances: []network.InstanceID{id}})
	s.settle()
	eventually(t, "rc.local has run again", func() bool { out, _ := s.run(id, "cat /root/count"); return out == "ran\nlocal\nlocal\n" })
	eventually(t, "what it left in the background runs", func() bool { out, _ := s.run(id, "pgrep -c -x sleep"); return out == "1\n" })
}

func readConsoleOf(s *site, id network.InstanceID) string {
	s.Helper()
	var text []byte
	eventually(s, "the user data was looked at", func() bool {
		text, _ = s.g.Console(id)
		return strings.Contains(string(text), "cloud-init")
	})
	return string(text)
}

func restart(s *site, id network.InstanceID) {
	s.Helper()
	s.do(network.StopInstances{Instances: []network.InstanceID{id}})
	s.settle()
	if s.state(id) != "stopped" {
		s.Fatalf("after the stop: %s", s.state(id))
	}
	s.do(network.StartInstances{Instances: []network.InstanceID{id}})
	s.settle()
	if s.state(id) != "running" {
		s.Fatalf("after the start: %s", s.state(id))
	}
}

func testLife(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	s.says(id, "echo kept >/root/file; echo prog >/usr/local/bin/x; rm /etc/services; sleep 1000 >/dev/null 2>&1 & echo ok", "ok")
	if !isNamespace(s.g.room.place("ns", string(id))) {
		t.Error("a running instance has no network namespace")
	}
	began := time.Now()
	s.do(network.StopInstances{Instances: []network.InstanceID{id}})
	s.settle()
	if took := time.Since(began); took > stopGrace {
		t.Errorf("stopping what obeys TERM took %v", took)
	}
	if isNamespace(s.g.room.place("ns", string(id))) {
		t.Error("a stopped instance keeps its network namespace")
	}
	if _, err := s.g.NetNS(id); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its namespace can be opened: %v", err)
	}
	s.do(network.StartInstances{Instances: []network.InstanceID{id}})
	s.settle()
	s.says(id, "cat /root/file /usr/local/bin/x; ls /etc/services 2>&1; pgrep -c -x sleep; true",
		"kept\nprog\nls: cannot access '/etc/services': No such file or directory\n0")
	// What ignores TERM is killed after the grace.
	s.says(id, `setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' >/dev/null 2>&1 & echo ok`, "ok")
	s.do(network.TerminateInstances{Instances: []network.InstanceID{id}})
	s.settle()
	if s.state(id) != "terminated" {
		t.Errorf("it is %s", s.state(id))
	}
	for _, left := range []string{s.g.room.place("instances", string(id)), s.g.room.place("boots", string(id)), s.g.room.place("ns", string(id))} {
		if _, err := os.Lstat(left); err == nil {
			t.Errorf("%s is left", left)
		}
	}
	for _, dir := range s.g.cgroups.dirs() {
		if _, err := os.Stat(filepath.Join(dir, string(id))); err == nil {
			t.Errorf("its cgroup in %s is left", dir)
		}
	}
}

func testCrash(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	s.says(id, "echo kept >/root/file; echo ok", "ok")
	conn, err := s.g.dial(string(id))
	check(t, err)
	first, err := processAt(conn)
	check(t, err)
	check(t, first.kill())
	first.await(t.Context(), 10*time.Second)
	first.Close()
	conn.Close()
	eventually(t, "the instance boots again", func() bool {
		s.settle()
		record, booted := s.g.booted(string(id))
		return booted && !record.Process
	})
	s.says(id, "cat /root/file", "kept")
	if s.state(id) != "running" {
		t.Errorf("it is %s", s.state(id))
	}
}

func testPower(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	s.says(id, "echo kept >/root/file; (sleep 0.1; poweroff) >/dev/null 2>&1 & echo ok", "ok")
	eventually(t, "it stops", func() bool { s.settle(); return s.state(id) == "stopped" })
	if reason := s.Instance(id).Reason; !strings.HasPrefix(reason, "Client.InstanceInitiatedShutdown") {
		t.Errorf("the reason is %q", reason)
	}
	s.do(network.StartInstances{Instances: []network.InstanceID{id}})
	s.settle()
	s.says(id, "cat /root/file; touch /run/here", "kept")
	s.says(id, "(sleep 0.1; reboot) >/dev/null 2>&1 & echo ok", "ok")
	eventually(t, "it has booted again", func() bool {
		s.settle()
		p, err := s.g.Start(context.Background(), id, Command{Args: []string{"test", "!", "-e", "/run/here"}})
		if err != nil {
			return false
		}
		status, err := p.Wait()
		return err == nil && status == (Status{})
	})
	if s.state(id) != "running" {
		t.Errorf("it is %s", s.state(id))
	}
	if s.g.Mode() != SingleUID {
		_, status := s.runCommand(id, Command{Args: []string{"/usr/local/sbin/poweroff"}, User: "ec2-user"})
		if status == (Status{}) {
			t.Error("an ordinary user inside powered it off")
		}
	}
}

// testIdle: instances that run nothing have no process, and are made fast.
func testIdle(t *testing.T, s *site) {
	const count = 50
	began := time.Now()
	ids := s.launch(count, "")
	s.settle()
	t.Logf("%d instances in %v", count, time.Since(began))
	for _, id := range ids {
		if s.state(id) != "running" {
			t.Fatalf("%s is %s", id, s.state(id))
		}
		if conn, err := s.g.dial(string(id)); err == nil {
			conn.Close()
			t.Fatalf("%s has a process", id)
		}
		file, err := s.g.NetNS(id)
		check(t, err)
		file.Close()
	}
	s.State = network.State{} // a reset: nothing of them stays
	check(t, s.g.Prepare(t.Context(), s.State))
	eventually(t, "their files are gone", func() bool {
		s.g.Run(t.Context(), s.State)
		left, _ := os.ReadDir(s.g.room.place("instances"))
		spaces, _ := os.ReadDir(s.g.room.place("ns"))
		return len(left) == 0 && len(spaces) == 1
	})
}
