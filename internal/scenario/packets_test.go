package scenario_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tombolo/internal/scenario"
	"tombolo/internal/testnet"
	"tombolo/linux"
)

func TestMain(m *testing.M) { testnet.Main(m) }

// rewrite makes the scenarios say what was seen. Read the difference as you
// would read code.
var rewrite = flag.Bool("rewrite", false, "write what packets did into the scenarios")

// planes are the fast paths that work here, the slowest first.
func planes() []linux.FastPath {
	if testnet.Rootless() {
		return []linux.FastPath{linux.NoCache}
	}
	return []linux.FastPath{linux.NoCache, linux.EBPF}
}

// TestPackets plays every scenario on a real kernel with real packets, on every
// plane: what is cached behaves as what is judged.
func TestPackets(t *testing.T) {
	testnet.Leaks(t)
	testnet.WatchMachine(t, fabricPrefixes...)
	for _, p := range planes() {
		for _, f := range scenarios(t) {
			t.Run(string(p)+"/"+strings.TrimSuffix(f.Name, ".txt"), func(t *testing.T) {
				t.Parallel()
				playPackets(t, f, p)
			})
		}
	}
}

func playPackets(t *testing.T, f *scenario.File, p linux.FastPath) {
	e, err := newLinuxEngine(p)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r, err := scenario.Run(f, e)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := e.said(); err != nil || len(said) > 0 {
		t.Errorf("the network spoke: %v %v", said, err)
	}
	if r.Skipped != "" {
		t.Logf("skipped after %d questions: %s", r.Asked, r.Skipped)
	}
	for _, s := range r.Seen {
		if s.Differs() {
			t.Errorf("%s:%d: %s\n   want %s\n    got %s", f.Name, s.Line.Number, strings.Join(s.Line.Words, " "), s.Line.Want, s.Got)
		}
	}
	if *rewrite && p == linux.NoCache {
		write(t, f, r)
	}
}

// fabricPrefixes are where the VPCs of these tests have their addresses, and no
// more: the machine may have business of its own elsewhere in 10.0.0.0/8.
var fabricPrefixes = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/15"), netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("10.200.0.0/20"),
	netip.MustParsePrefix("172.16.0.0/16"), netip.MustParsePrefix("172.31.0.0/16"), netip.MustParsePrefix("192.168.0.0/20"),
	netip.MustParsePrefix("100.64.0.0/16"), netip.MustParsePrefix("2600:1f00::/24"),
}

// TestPacketsOfAnOrdinaryUser plays them again where nobody is root.
func TestPacketsOfAnOrdinaryUser(t *testing.T) {
	testnet.RunAsOrdinaryUser(t, "^TestPackets$")
}

func write(t *testing.T, f *scenario.File, r scenario.Report) {
	path := filepath.Join(dir, f.Name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, s := range r.Seen {
		lines[s.Line.Answer-1] = s.Got
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
