package guest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/network"
)

// control says what the same attack does outside, where this test runs with all
// rights that the room has.
type control uint8

const (
	succeeds  control = iota + 1 // outside it works, so inside something stops it
	asRoot                       // outside it works for root who has all capabilities
	pointless                    // it cannot be tried outside: it would harm, or means nothing
)

type attempt struct {
	name  string
	args  []string
	alone control
}

// outside runs an attack in the room, beside the daemon.
func outside(t *testing.T, a attempt) (string, bool) {
	t.Helper()
	out, err := exec.Command("/proc/self/exe", append([]string{"attack:" + a.name}, a.args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err == nil
}

// repel runs attacks inside, all of which must fail, and their controls.
func repel(t *testing.T, s *site, id network.InstanceID, attempts []attempt) {
	t.Helper()
	for _, a := range attempts {
		out, status := s.runCommand(id, Command{Args: append([]string{"tombolo", "attack:" + a.name}, a.args...)})
		if status.Code != 1 || !strings.HasPrefix(out, "stopped:") {
			t.Errorf("%s %v inside: %q, %+v", a.name, a.args, out, status)
		} else {
			t.Logf("%s %v %s", a.name, a.args, strings.TrimSpace(out))
		}
		if a.alone == succeeds || a.alone == asRoot && s.g.Mode() == Root && almighty() {
			if out, ok := outside(t, a); !ok {
				t.Errorf("the control of %s %v fails: %s", a.name, a.args, out)
			}
		}
	}
	s.says(id, "echo still here", "still here")
}

// almighty reports whether root here is what root usually is, and not in a container.
func almighty() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	have := uint64(data[0].Effective) | uint64(data[1].Effective)<<32
	for _, c := range []int{unix.CAP_SYS_ADMIN, unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYSLOG, unix.CAP_DAC_READ_SEARCH} {
		if have&(1<<c) == 0 {
			return false
		}
	}
	return true
}

// testReach: files, sockets, processes of the machine.
func testReach(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	dir := s.g.room.dir
	secret := filepath.Join(dir, "secret")
	check(t, os.WriteFile(secret, []byte("a secret of the machine"), 0o644))
	defer os.Remove(secret)
	unixSocket, err := net.Listen("unix", filepath.Join("/tmp", "guest-test-"+strconv.Itoa(os.Getpid())))
	check(t, err)
	defer unixSocket.Close()
	abstract, err := net.Listen("unix", "@guest-test-"+strconv.Itoa(os.Getpid()))
	check(t, err)
	defer abstract.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer tcp.Close()
	victim := exec.Command("sleep", "300")
	check(t, victim.Start())
	defer victim.Wait()
	defer victim.Process.Kill()
	pid := strconv.Itoa(victim.Process.Pid)

	attempts := []attempt{
		{"read", []string{secret}, succeeds},
		{"read", []string{dir + "/run/room.json"}, succeeds},
		{"list", []string{dir}, succeeds},
		{"list", []string{"/instances"}, pointless},
		{"list", []string{"/sys"}, succeeds},
		{"list", []string{"/root"}, pointless},
		{"has", []string{"/etc/passwd", hostUser(t)}, succeeds},
		{"has", []string{"/etc/hostname", strings.TrimSpace(readString("/etc/hostname"))}, pointless},
		{"read", []string{"/etc/machine-id"}, pointless},
		{"read", []string{"/proc/" + pid + "/environ"}, succeeds},
		{"read", []string{"/proc/1/environ"}, pointless},
		{"read", []string{"/proc/1/maps"}, pointless},
		{"read", []string{"/proc/1/mem"}, pointless},
		{"read", []string{"/proc/1/fd/" + strconv.Itoa(fdConsole)}, pointless},
		{"write", []string{"/proc/1/fd/" + strconv.Itoa(fdConsole), "x"}, pointless},
		{"list", []string{"/proc/1/root/"}, pointless},
		{"list", []string{"/proc/1/cwd/"}, pointless},
		{"dial", []string{"unix", unixSocket.Addr().String()}, succeeds},
		{"dial", []string{"unix", abstract.Addr().String()}, succeeds},
		{"dial", []string{"tcp", tcp.Addr().String()}, succeeds},
		{"kill", []string{pid}, pointless},
		{"ptrace", []string{"1"}, pointless},
		{"processvm", []string{"1"}, pointless},
		{"chroot", []string{secret}, pointless},
		{"handle", nil, asRoot},
		{"setns", []string{"/proc/1/ns/mnt"}, pointless},
		{"setns", []string{"/proc/self/ns/net"}, pointless},
		{"write", []string{"/proc/1/exe", "x"}, pointless},
		{"truncate", []string{"/proc/1/exe"}, pointless},
		{"write", []string{binaryInside, "x"}, pointless},
		{"truncate", []string{binaryInside}, pointless},
		{"write", []string{"/proc/self/exe", "x"}, pointless},
		{"chmod", []string{"/proc/self/exe"}, pointless},
		{"chmod", []string{binaryInside}, pointless},
		{"remove", []string{binaryInside}, pointless},
		{"replace", []string{binaryInside}, pointless},
		{"umount", []string{binaryInside}, pointless},
	}
	if line := firstLine("/etc/shadow"); line != "" {
		attempts = append(attempts, attempt{"has", []string{"/etc/shadow", line}, succeeds})
	}
	for _, name := range []string{"/dev/vda", "/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/var/run/docker.sock", "/.dockerenv", "/container_info.json"} {
		attempts = append(attempts, attempt{"read", []string{name}, pointless})
	}
	repel(t, s, id, attempts)
	if err := victim.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("the process outside is hurt: %v", err)
	}
	if out, ok := outside(t, attempt{"setns", []string{s.g.room.place("ns", "fabric")}, succeeds}); !ok {
		t.Errorf("the control of setns fails: %s", out)
	}
	// Inside one may trace one's own: the refusals above are about strangers.
	s.says(id, "tombolo attack:ptrace 0", "done")
	s.says(id, "tombolo attack:write /proc/sys/net/ipv4/conf/lo/log_martians 1", "done")
	// What is inside instead of the machine's.
	s.says(id, "ls /home; ls -A /root /srv /opt /mnt /media /run/systemd 2>/dev/null | grep -v : | grep .; pgrep -c -x guest.test; true", "ec2-user\nssm-user\n0")
	// Links that lead out lead nowhere, and removing them removes nothing.
	s.says(id, "ln -s "+dir+" /root/out; ln -s / /root/top; ls /root/out/ 2>&1 | tail -c 12; echo", "r directory")
	s.do(network.TerminateInstances{Instances: []network.InstanceID{id}})
	s.settle()
	if readString(secret) == "" {
		t.Error("removing the instance's files removed the machine's")
	}
}

// hostUser is a line of the machine's /etc/passwd that instances have not.
func hostUser(t *testing.T) string {
	for line := range strings.Lines(readString("/etc/passwd")) {
		if !strings.Contains(made["etc/passwd"], line) {
			return strings.TrimSpace(line)
		}
	}
	t.Fatal("the machine's /etc/passwd is that of instances")
	return ""
}

func firstLine(path string) string {
	line, _, _ := strings.Cut(readString(path), "\n")
	return line
}

// testKernel: system calls and knobs.
func testKernel(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	attempts := []attempt{
		{"device", []string{"block", "254", "0"}, pointless},
		{"device", []string{"char", "1", "1"}, pointless}, // /dev/mem
		{"device", []string{"char", "10", "200"}, pointless},
		{"mount", nil, pointless}, {"bind", nil, pointless}, {"pivot", nil, pointless},
		{"remount", []string{binaryInside}, pointless}, {"remount", []string{"/proc/sys"}, pointless},
		{"umount", []string{"/proc/sys"}, pointless}, {"umount", []string{"/usr"}, pointless},
		{"fsopen", nil, succeeds}, {"opentree", nil, succeeds},
		{"clone3", nil, succeeds},
		{"bpf", nil, asRoot}, {"keyctl", nil, succeeds}, {"addkey", nil, succeeds},
		{"perf", nil, asRoot}, {"userfaultfd", nil, succeeds}, {"iouring", nil, pointless},
		{"module", nil, pointless}, {"kexec", nil, pointless}, {"reboot", nil, pointless}, {"swapon", nil, pointless},
		{"syslog", nil, asRoot}, {"clock", nil, pointless}, {"hostname", nil, pointless},
		{"vsock", nil, pointless}, {"alg", nil, pointless}, {"iopl", nil, pointless},
		{"tiocsti", nil, pointless}, {"caps", nil, succeeds}, {"limits", nil, pointless},
	}
	for _, flag := range []uint{unix.CLONE_NEWUSER, unix.CLONE_NEWNS, unix.CLONE_NEWNET, unix.CLONE_NEWPID, unix.CLONE_NEWUTS, unix.CLONE_NEWIPC, unix.CLONE_NEWCGROUP} {
		can := succeeds
		if flag == unix.CLONE_NEWUSER {
			can = pointless // our program has many threads, for which the kernel refuses it anyway
		}
		attempts = append(attempts, attempt{"unshare", []string{fmt.Sprint(flag)}, can}, attempt{"clone", []string{fmt.Sprint(flag)}, succeeds})
	}
	for _, knob := range []string{"kernel/core_pattern", "kernel/hostname", "kernel/modprobe", "kernel/sysrq", "kernel/pid_max",
		"kernel/randomize_va_space", "kernel/yama/ptrace_scope", "vm/drop_caches", "vm/overcommit_memory", "fs/file-max", "user/max_user_namespaces", "net/core/bpf_jit_enable"} {
		attempts = append(attempts, attempt{"write", []string{"/proc/sys/" + knob, "1"}, pointless})
	}
	for _, file := range []string{"sysrq-trigger", "kcore", "kmsg", "keys", "timer_list", "kallsyms", "cmdline", "iomem", "config.gz", "bus/pci/devices"} {
		attempts = append(attempts, attempt{"read", []string{"/proc/" + file}, pointless})
	}
	attempts = append(attempts, attempt{"write", []string{"/proc/sysrq-trigger/", "h"}, pointless}, attempt{"write", []string{"/proc/self/uid_map", "0 0 1"}, pointless},
		attempt{"write", []string{"/proc/self/oom_score_adj", "-1000"}, pointless})
	repel(t, s, id, attempts)
	// An ordinary user inside has no more.
	out, status := s.runCommand(id, Command{Args: []string{"unshare", "-Ur", "true"}, User: "ec2-user"})
	if status.Code == 0 {
		t.Errorf("ec2-user made a user namespace: %s", out)
	}
	if out, err := exec.Command("unshare", "-Ur", "true").CombinedOutput(); err != nil {
		t.Errorf("the control of unshare fails: %v %s", err, out)
	}
}

// testNeighbours: two instances know nothing of one another.
func testNeighbours(t *testing.T, s *site) {
	ids := s.launch(2, "")
	s.settle()
	s.says(ids[0], "echo mine >/tmp/mine; chmod 777 /tmp/mine; sleep 777 >/dev/null 2>&1 & tombolo attack:hold /root/alive >/dev/null 2>&1 & echo ok", "ok")
	s.says(ids[1], "ls /tmp; pgrep -c -x sleep; grep -c . /proc/net/tcp; ls /dev/shm; ipcs -m | grep -c 0x; true", "0\n1\n0")
	namespaces := "for n in mnt pid net uts ipc user cgroup; do readlink /proc/self/ns/$n; done"
	a, _ := s.run(ids[0], namespaces)
	b, _ := s.run(ids[1], namespaces)
	ours, _ := exec.Command("sh", "-c", namespaces).Output()
	seen := map[string]bool{}
	for _, line := range strings.Fields(a + b + string(ours)) {
		if seen[line] {
			t.Errorf("namespace %s is shared", line)
		}
		seen[line] = true
	}
	if len(seen) != 21 {
		t.Errorf("%d namespaces", len(seen))
	}
}

func testForkBomb(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	mark := fmt.Sprintf("300.%d", os.Getpid()) // tells its processes from those of other tests
	out, status := s.runCommand(id, Command{Args: []string{"tombolo", "attack:forks", mark}})
	var count int
	if _, err := fmt.Sscanf(out, "stopped: %d processes", &count); err != nil || status.Code != 1 {
		t.Fatalf("the bomb: %q, %+v", out, status)
	}
	if count > testLimits.Processes {
		t.Errorf("%d processes, the limit is %d", count, testLimits.Processes)
	}
	t.Logf("it got to %d processes", count)
	// The machine can still start processes, and soon.
	began := time.Now()
	check(t, exec.Command("true").Run())
	if took := time.Since(began); took > time.Second {
		t.Errorf("starting a process outside took %v", took)
	}
	// So can another instance; and a stop cleans up.
	other := s.launch(1, "")[0]
	s.settle()
	s.says(other, "echo fine", "fine")
	s.do(network.TerminateInstances{Instances: []network.InstanceID{id}})
	s.settle()
	if out, _ := exec.Command("pgrep", "-c", "-x", "-f", "sleep "+mark).Output(); string(out) != "0\n" {
		t.Errorf("%s of the bomb's processes are left", out)
	}
}

func testMemoryBomb(t *testing.T, s *site) {
	id := s.launch(1, "")[0]
	s.settle()
	for _, processes := range []string{"1", "5"} {
		size := "2048"
		if processes != "1" {
			size = "128" // each within the limit, not all
		}
		out, status := s.runCommand(id, Command{Args: []string{"tombolo", "attack:memory", size, processes}})
		if status == (Status{}) {
			t.Errorf("%s processes of %s MiB did it: %q", processes, size, out)
		}
		t.Logf("%s processes of %s MiB: %+v %s", processes, size, status, out)
	}
	s.says(id, "tombolo attack:memory 64 1", "done")
	s.says(id, "echo still here", "still here")
}
