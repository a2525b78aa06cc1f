package guest

import (
	"bytes"
	"compress/gzip"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestHostNameIsAWSsPrivateName(t *testing.T) {
	for _, c := range []struct{ addr, region, short, full string }{
		{"10.0.1.5", "us-east-1", "ip-10-0-1-5", "ip-10-0-1-5.ec2.internal"},
		{"172.31.1.199", "eu-west-1", "ip-172-31-1-199", "ip-172-31-1-199.eu-west-1.compute.internal"},
	} {
		got := nameFor(netip.MustParseAddr(c.addr), c.region)
		if got.Short != c.short || !strings.Contains(got.Hosts, c.addr+" "+c.full+" "+c.short+"\n") {
			t.Errorf("%s: %+v", c.addr, got)
		}
	}
	if got := nameFor(netip.Addr{}, "us-east-1"); got.Short != "localhost" {
		t.Errorf("without an address: %+v", got)
	}
}

func TestSubordinateIDsAreFoundByNameAndNumber(t *testing.T) {
	me, err := user.Current()
	if err != nil { // a user without a line in /etc/passwd
		me = &user.User{Uid: strconv.Itoa(os.Getuid()), Username: strconv.Itoa(os.Getuid())}
	}
	for text, want := range map[string]subordinate{
		"":                                     {},
		"somebody:100000:65536\n":              {},
		me.Username + ":200000:65536\n":        {200000, 65536},
		me.Uid + ":300000:1000\n":              {300000, 1000},
		"x:1:2\n" + me.Uid + ":400000:99999\n": {400000, idCount},
		me.Uid + ":zero:65536\n":               {},
		me.Uid + ":0:65536\n":                  {}, // never the machine's root
		"garbage\n::\n":                        {},
	} {
		path := filepath.Join(t.TempDir(), "subuid")
		check(t, os.WriteFile(path, []byte(text), 0o644))
		if got := firstSubordinate(path); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

func TestConsoleKeepsTheEnd(t *testing.T) {
	file, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	check(t, err)
	defer file.Close()
	c := newConsole(file)
	line := strings.Repeat("x", 1023) + "\n"
	for range 1000 {
		c.Write([]byte(line))
	}
	c.say("the end")
	info, err := file.Stat()
	check(t, err)
	if info.Size() > consoleMax+2048 {
		t.Errorf("the log has %d bytes", info.Size())
	}
	got, err := readConsole(file)
	check(t, err)
	if len(got) > consoleKept || len(got) < consoleKept-2048 || !strings.HasSuffix(string(got), "the end\r\n") {
		t.Errorf("%d bytes, ending with %q", len(got), got[max(0, len(got)-20):])
	}
}

func TestUserDataMayBeCompressed(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte("#!/bin/sh\n"))
	check(t, w.Close())
	for _, data := range [][]byte{packed.Bytes(), []byte("#!/bin/sh\n")} {
		if got := string(unpack(data)); got != "#!/bin/sh\n" {
			t.Errorf("%q", got)
		}
	}
	if broken := packed.Bytes()[:15]; !bytes.Equal(unpack(broken), broken) {
		t.Error("broken data is not left as it is")
	}
}

func TestBootNeeds(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	check(t, err)
	defer root.Close()
	if bootNeeds(root, "i-1", nil) {
		t.Error("an instance without anything to run needs a process")
	}
	if !bootNeeds(root, "i-1", []byte("#!")) {
		t.Error("user data needs none")
	}
	mark := filepath.Join(dir, "i-1/root/upper", userDataRan)
	check(t, os.MkdirAll(filepath.Dir(mark), 0o755))
	check(t, os.WriteFile(mark, nil, 0o644))
	if bootNeeds(root, "i-1", []byte("#!")) {
		t.Error("user data that has run needs a process again")
	}
	check(t, os.MkdirAll(filepath.Join(dir, "i-1/root/upper/etc"), 0o755))
	check(t, os.Symlink("/root/script", filepath.Join(dir, "i-1/root/upper/etc/rc.local")))
	if !bootNeeds(root, "i-1", nil) {
		t.Error("rc.local needs none")
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "tool"), nil, 0o755))
	check(t, os.WriteFile(filepath.Join(dir, "data"), nil, 0o644))
	env := []string{"PATH=/nowhere", "PATH=/nowhere:" + dir}
	for _, c := range []struct {
		name, want string
		errno      error
	}{
		{"tool", filepath.Join(dir, "tool"), nil}, {"data", "", unix.EACCES}, {"none", "", unix.ENOENT},
		{"/bin/sh", "/bin/sh", nil}, {"./x", "/work/x", nil},
	} {
		got, err := find(c.name, env, "/work")
		if errno, _ := unwrapErrno(err); got != c.want || (c.errno != nil && errno != c.errno) || (c.errno == nil) != (err == nil) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestRoomNamesAndRecords(t *testing.T) {
	r := room{t.TempDir()}
	if (room{"/a"}).roomName() == (room{"/b"}).roomName() {
		t.Error("two rooms have one name")
	}
	check(t, r.prepare())
	check(t, r.prepare())
	if _, err := r.record(); !os.IsNotExist(err) {
		t.Errorf("a room that never was: %v", err)
	}
	if InRoom(r.dir) {
		t.Error("we are in a room that never was")
	}
	check(t, Down(r.dir))
	self, err := describe(os.Getpid(), Root)
	check(t, err)
	if !self.alive() {
		t.Error("this process is not alive")
	}
	for what, change := range map[string]func(*holderRecord){
		"another start": func(h *holderRecord) { h.Start++ },
		"another boot":  func(h *holderRecord) { h.Boot = "x" },
		"another place": func(h *holderRecord) { h.Mount = "mnt:[1]" },
		"no process":    func(h *holderRecord) { h.PID = 1 << 30 },
	} {
		other := self
		change(&other)
		if other.alive() {
			t.Errorf("%s: taken for the same process", what)
		}
	}
	// A stale record of a process that is another by now harms nobody.
	stale := self
	stale.Start++
	check(t, r.write(stale))
	check(t, Down(r.dir))
}

func TestUnescape(t *testing.T) {
	if got := unescape(`/a\040b\134c`); got != `/a b\c` {
		t.Errorf("%q", got)
	}
}

func TestProbeNamesAFixForEveryLack(t *testing.T) {
	offer := Probe()
	if offer.Mode.String() == "unknown" {
		t.Errorf("mode %d", offer.Mode)
	}
	for _, l := range offer.Lacks {
		t.Logf("%+v", l)
		if l.What == "" || l.Fix == "" {
			t.Errorf("%+v", l)
		}
		if l.Fatal { // the other tests of this package run instances
			t.Errorf("a machine that works is said not to: %+v", l)
		}
	}
}
