package guest

import (
	"testing"
)

// inside are the tests that run in a room, in this order.
func inside(t *testing.T, dir string) {
	g, err := Open(Config{Dir: dir})
	check(t, err)
	t.Cleanup(g.Close)
	t.Logf("mode %v, ids %+v, cgroups %+v, layers in memory: %v", g.holder.Mode, g.ids, g.cgroups, g.volatile)
	for _, c := range []struct {
		name string
		test func(*testing.T, *site)
	}{
		{"a command runs", testCommand},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newSite(t, g)) })
	}
}

func testCommand(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	out, status := s.run(id, `id; hostname; cat /proc/self/status | grep -E "Cap|NoNewP|Seccomp"; ls -la / /dev /etc | head -80; mount; ps aux; ip a; ping -c1 127.0.0.1; cat /proc/self/cgroup; ls -la /root; touch /usr/bin/xx && rm /usr/bin/ls && echo hi>/usr/bin/ls; ls; cat /proc/1/environ; readlink /proc/1/exe; ulimit -a; whoami; python3 -c 'print(1)'; curl --version`)
	t.Log(out, status)
}

func attack(string, []string) {}
func drive()                  {}
