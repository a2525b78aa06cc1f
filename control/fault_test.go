package control

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/network"
	"tombolo/store"
)

// faultDir, in the environment, makes the test binary a server whose writes can
// be made to fail.
const faultDir = "TOMBOLO_TEST_FAULT_DIR"

// serveOrders does on the state in dir what standard input asks, one line each.
func serveOrders(dir string) error {
	ctx := context.Background()
	d, err := store.OpenDir(dir)
	if err != nil {
		return err
	}
	db, err := d.Database(ctx)
	if err != nil {
		return err
	}
	s, err := db.Load(ctx)
	if err != nil {
		return err
	}
	if err := handOver(os.NewFile(3, "socket")); err != nil {
		return err
	}
	c := New(Config{State: s, Store: db})
	go c.Run(ctx)
	fmt.Println("ready")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		fmt.Println(obeyOrder(c, orders.Text()))
	}
	return db.Close()
}

// obeyOrder answers in one line.
func obeyOrder(c *Control, order string) string {
	switch order {
	case "create":
		before := c.State()
		s, err := c.Do(context.Background(), account(0), "", network.CreateVPC{CIDR: netip.MustParsePrefix("10.0.0.0/16"), Tags: network.Tags{"Name": "crash"}})
		if err != nil {
			if after := c.State(); after.Generation != before.Generation || vpcs(after) != vpcs(before) {
				return fmt.Sprintf("torn: generation %d is %d, %d VPCs are %d", before.Generation, after.Generation, vpcs(before), vpcs(after))
			}
			return "failed " + strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		return "created " + s.Outcome().Created[0]
	case "delete":
		for v := range c.State().VPCs() {
			if _, err := c.Do(context.Background(), account(0), "", network.DeleteVPC{VPC: v.ID}); err != nil {
				return "failed " + strings.ReplaceAll(err.Error(), "\n", "; ")
			}
			return "deleted " + string(v.ID)
		}
		return "nothing to delete"
	case "list":
		ids := []string{"list"}
		for v := range c.State().VPCs() {
			ids = append(ids, string(v.ID))
		}
		return strings.Join(ids, " ")
	case "mend":
		for c.Status().Degraded() {
			<-time.After(time.Millisecond)
		}
		return "mended"
	case "status":
		return "status " + strings.ReplaceAll(reasons(c), "\n", "; ")
	}
	return "unknown order " + order
}

// server is a process that serveOrders runs in.
type server struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      *os.File
	out     *bufio.Scanner
	serving chan error
	injector
}

// serve starts a server on the state in dir.
func serve(t *testing.T, dir string) *server {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer theirs.Close()
	socket, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
	orders, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer orders.Close()
	s := &server{t: t, in: in, serving: make(chan error, 1), cmd: exec.Command(os.Args[0])}
	s.cmd.Env = append(os.Environ(), faultDir+"="+dir)
	s.cmd.ExtraFiles = []*os.File{theirs}
	s.cmd.Stdin, s.cmd.Stderr = orders, os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewScanner(out)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	listener, err := receive(socket.(*net.UnixConn))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		s.serving <- s.injector.serve(listener)
		unix.Close(listener)
	}()
	if got := s.answer(); got != "ready" {
		t.Fatalf("the server says %q", got)
	}
	return s
}

// order has something done and returns the answer.
func (s *server) order(what string) string {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.in, what); err != nil {
		s.t.Fatal(err)
	}
	return s.answer()
}

func (s *server) answer() string {
	s.t.Helper()
	if !s.out.Scan() {
		s.t.Fatalf("the server is gone: %v", s.out.Err())
	}
	return s.out.Text()
}

// kill ends the server at once; the second time it does nothing.
func (s *server) kill() {
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = s.in.Close()
	if err := <-s.serving; err != nil {
		s.t.Error(err)
	}
}

// TestEachWriteThatFailsInTurn makes the n-th write or fsync of a server fail,
// for every n that its work has, and kills it there or lets it go on.
func TestEachWriteThatFailsInTurn(t *testing.T) {
	for _, after := range []string{"killed", "going on"} {
		t.Run(after, func(t *testing.T) {
			dir := t.TempDir()
			told := map[string]bool{} // what was answered as created, and not as deleted
			noticed, n := 0, 1
			for ; !t.Failed(); n++ {
				s := serve(t, dir)
				s.decide(func(call int, nr uint32) unix.Errno {
					if call != n {
						return 0
					}
					if nr == unix.SYS_PWRITE64 {
						return unix.ENOSPC
					}
					return unix.EIO
				})
				failures := s.work(told, after == "killed")
				noticed += failures
				s.kill()
				if _, injected := s.counted(); injected == 0 {
					break
				}
				slack := 0
				if after == "killed" {
					slack = failures
				}
				compare(t, loadFrom(t, dir), told, slack)
			}
			t.Logf("%d calls failed, %d requests with them", n-1, noticed)
			if noticed < 20 {
				t.Errorf("only %d requests failed: the injector reached hardly any", noticed)
			}
		})
	}
}

// work creates and deletes VPCs, keeps told up to date and counts the failures.
// It stops at the first one, or waits for the server to mend and goes on.
func (s *server) work(told map[string]bool, stop bool) (failures int) {
	s.t.Helper()
	for _, order := range []string{"create", "create", "delete", "delete"} {
		switch word, id, _ := strings.Cut(s.order(order), " "); word {
		case "created":
			told[id] = true
		case "deleted":
			delete(told, id)
		case "failed":
			failures++
			if stop {
				return failures
			}
			if got := s.order("mend"); got != "mended" {
				s.t.Fatalf("the server says %q", got)
			}
		case "nothing": // left to delete, because a creation failed
		default:
			s.t.Fatalf("the server says %q", word+" "+id)
		}
	}
	return failures
}

// compare holds what is stored against what callers were told. When the server
// was killed right after a failure, that one request may have been stored after
// all: nobody was there to take it back.
func compare(t *testing.T, s network.State, told map[string]bool, slack int) {
	t.Helper()
	whole(t, s)
	stored, differ := map[string]bool{}, 0
	for v := range s.VPCs() {
		stored[string(v.ID)] = true
		if !told[string(v.ID)] {
			differ++
		}
	}
	for id := range told {
		if !stored[id] {
			differ++
		}
	}
	if differ > slack {
		t.Errorf("stored are %v, callers were told of %v", stored, told)
	}
	clear(told)
	maps.Copy(told, stored)
}

func TestServerLivesThroughAFailingDisk(t *testing.T) {
	for name, fails := range map[string]func(int, uint32) unix.Errno{
		"no space": func(_ int, nr uint32) unix.Errno { return when(nr == unix.SYS_PWRITE64, unix.ENOSPC) },
		"no fsync": func(_ int, nr uint32) unix.Errno {
			return when(nr == unix.SYS_FSYNC || nr == unix.SYS_FDATASYNC, unix.EIO)
		},
		"nothing":      func(int, uint32) unix.Errno { return unix.EIO },
		"now and then": func(n int, _ uint32) unix.Errno { return when(n%7 == 0, unix.EIO) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := serve(t, dir)
			told := map[string]bool{}
			s.work(told, false)
			before := s.order("list")
			s.decide(fails)
			failures := 0
			for range 10 {
				switch word, id, _ := strings.Cut(s.order("create"), " "); word {
				case "created":
					told[id] = true
				case "failed":
					failures++
				default:
					t.Fatalf("the server says %q", word+" "+id)
				}
				if len(told) > 3 {
					_, id, _ := strings.Cut(s.order("delete"), " ")
					delete(told, id)
				}
			}
			if got := s.order("list"); name != "now and then" && (got != before || failures != 10) {
				t.Errorf("%d of 10 requests failed; shown before %q, now %q", failures, before, got)
			}
			if got := s.order("status"); name != "now and then" && !strings.HasPrefix(got, "status store: ") {
				t.Errorf("the server says %q", got)
			}
			s.decide(nil)
			if got := s.order("mend"); got != "mended" {
				t.Errorf("the server says %q", got)
			}
			if failures := s.work(told, false); failures != 0 {
				t.Errorf("%d requests failed on the mended disk", failures)
			}
			s.kill()
			compare(t, loadFrom(t, dir), told, 0)
		})
	}
}

func when(is bool, errno unix.Errno) unix.Errno {
	if is {
		return errno
	}
	return 0
}
