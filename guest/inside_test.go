package guest

import (
	"testing"
)

// testLimits are small, so that a bomb is soon at its end.
var testLimits = Limits{Processes: 200, Memory: 256 << 20}

// inside are the tests that run in a room, in this order.
func inside(t *testing.T, dir string) {
	g, err := Open(Config{Dir: dir, Limits: testLimits})
	check(t, err)
	t.Cleanup(g.Close)
	t.Logf("mode %v, ids %+v, cgroups %+v, layers in memory: %v", g.holder.Mode, g.ids, g.cgroups, g.volatile)
	for _, c := range []struct {
		name string
		test func(*testing.T, *site)
	}{
		{"a command's end and output come back", testExec},
		{"streams are pipes and carry everything", testStreams},
		{"signals and hangups reach a program", testSignals},
		{"a terminal is the instance's own", testTerminal},
		{"users inside are who they seem", testUsers},
		{"sudo needs no setuid bit", testSudo},
		{"scripts of Run Command run, reboot and end", testRunCommand},
		{"user data runs once and rc.local at every boot", testUserData},
		{"stop keeps files and terminate removes them", testLife},
		{"an instance whose first process dies boots again", testCrash},
		{"an instance powers itself off and boots itself again", testPower},
		{"an idle instance has no process", testIdle},
		{"an instance reaches nothing of the machine", testReach},
		{"an instance gets nothing from the kernel that is not its own", testKernel},
		{"an instance sees no other", testNeighbours},
		{"a fork bomb stays inside", testForkBomb},
		{"a memory bomb stays inside", testMemoryBomb},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newSite(t, g)) })
	}
}
