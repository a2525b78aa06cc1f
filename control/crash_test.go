package control

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tombolo/network"
	"tombolo/store"
)

// crashDir, in the environment, makes the test binary the server that is killed.
const crashDir = "TOMBOLO_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	for name, serve := range map[string]func(string) error{crashDir: serveUntilKilled, faultDir: serveOrders, fullDir: fill} {
		dir := os.Getenv(name)
		if dir == "" {
			continue
		}
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	crashes = 200
	writers = 6
)

// serveUntilKilled keeps writers busy with a Control on the state in dir. What
// each is about to ask and what it was answered goes to standard output, one
// write per line, so that a line is there whole or not at all.
func serveUntilKilled(dir string) error {
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
	c := New(Config{State: s, Store: db, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	go c.Run(ctx)
	fmt.Println("serving")
	for w := range writers {
		go func() {
			for {
				writeSomething(c, account(w))
			}
		}()
	}
	select {}
}

func account(w int) network.Caller {
	return network.Caller{Account: network.Account(fmt.Sprintf("%012d", w)), Region: "us-east-1"}
}

// writeSomething grows the account's VPCs, each with a subnet, to a handful,
// then mostly deletes.
func writeSomething(c *Control, who network.Caller) {
	s := c.State()
	var all []*network.VPC
	for v := range s.VPCsOf(who) {
		all = append(all, v)
	}
	if len(all) < 4 && rand.IntN(2) == 0 {
		ask(c, who, "create", "", network.CreateVPC{CIDR: netip.MustParsePrefix("10.0.0.0/16"), Amazon6: rand.IntN(2) == 0, Tags: network.Tags{"Name": "crash"}})
		return
	}
	if len(all) == 0 {
		return
	}
	v := all[rand.IntN(len(all))]
	var in []*network.Subnet
	for n := range s.SubnetsIn(v.ID) {
		in = append(in, n)
	}
	switch {
	case len(in) == 0 && rand.IntN(2) == 0:
		ask(c, who, "create", "", network.CreateSubnet{VPC: v.ID, CIDR: netip.MustParsePrefix("10.0.1.0/24"), Zone: "us-east-1a", Zones: []string{"us-east-1a"}, Tags: network.Tags{"Name": "crash"}})
	case len(in) == 0:
		ask(c, who, "delete", string(v.ID), network.DeleteVPC{VPC: v.ID})
	default:
		ask(c, who, "delete", string(in[0].ID), network.DeleteSubnet{Subnet: in[0].ID})
	}
}

func ask(c *Control, who network.Caller, what, id string, r network.Request) {
	fmt.Printf("asked %s %s -\n", what, orDash(id))
	s, err := c.Do(context.Background(), who, "", r)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %T: %v\n", who.Account, r, err)
		os.Exit(1)
	}
	if id == "" {
		id = s.Outcome().Created[0]
	}
	fmt.Printf("answered %s %s %d\n", what, id, s.Generation)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// witness is what the server's callers know: what they were told exists, and
// what may have gone because nobody heard the answer to its deletion.
type witness struct {
	exists, unsure map[string]bool
	generation     uint64
	answers        int
}

// listen reads what the callers of one server said until it was killed.
func (w *witness) listen(t *testing.T, lines *bufio.Scanner) {
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 4 {
			t.Fatalf("a line of the server is %q", lines.Text())
		}
		id := f[2]
		switch f[0] + " " + f[1] {
		case "asked delete":
			w.unsure[id] = true
		case "answered delete":
			delete(w.exists, id)
			delete(w.unsure, id)
		case "answered create":
			w.exists[id] = true
		}
		if g, err := strconv.ParseUint(f[3], 10, 64); err == nil {
			w.generation = max(w.generation, g)
			w.answers++
		}
	}
}

// check holds the state on disk against what callers were told, and takes the
// outcome of what they were not told from it.
func (w *witness) check(t *testing.T, s network.State) {
	t.Helper()
	if s.Generation < w.generation {
		t.Errorf("generation %d was answered, %d is stored", w.generation, s.Generation)
	}
	stored := map[string]bool{}
	for v := range s.VPCs() {
		stored[string(v.ID)] = true
	}
	for n := range s.Subnets() {
		stored[string(n.ID)] = true
	}
	for id := range w.exists {
		if !stored[id] && !w.unsure[id] {
			t.Errorf("%s was answered and is lost", id)
		}
	}
	unheard := 0
	for id := range stored {
		if !w.exists[id] {
			unheard++
		}
	}
	if unheard > writers {
		t.Errorf("%d things exist that nobody was told of, more than the %d requests that could be under way", unheard, writers)
	}
	w.exists, w.unsure, w.generation = stored, map[string]bool{}, s.Generation
}

// whole fails the test where an op's rows are not all there or all gone.
func whole(t *testing.T, s network.State) {
	t.Helper()
	tables, groups, acls := map[network.VPCID]int{}, map[network.VPCID]int{}, map[network.VPCID]int{}
	for r := range s.RouteTables() {
		tables[r.VPC]++
	}
	for g := range s.SecurityGroups() {
		groups[g.VPC]++
	}
	for a := range s.ACLs() {
		acls[a.VPC]++
	}
	n := 0
	for v := range s.VPCs() {
		n++
		if tables[v.ID] != 1 || groups[v.ID] != 1 || acls[v.ID] != 1 {
			t.Errorf("%s has %d route tables, %d groups, %d ACLs; it was made with one of each", v.ID, tables[v.ID], groups[v.ID], acls[v.ID])
		}
		if s.RouteTable(v.MainTable) == nil || s.SecurityGroup(v.DefaultGroup) == nil || s.ACL(v.DefaultACL) == nil {
			t.Errorf("%s lacks what it was made with", v.ID)
		}
		if got := s.Tags(network.Caller{Account: v.Owner, Region: v.Region}, string(v.ID))["Name"]; got != "crash" {
			t.Errorf("%s has the name %q", v.ID, got)
		}
	}
	if len(tables) != n || len(groups) != n || len(acls) != n {
		t.Errorf("%d VPCs, but route tables of %d, groups of %d, ACLs of %d", n, len(tables), len(groups), len(acls))
	}
	tagged := n
	for v := range s.Subnets() {
		tagged++
		if s.VPC(v.VPC) == nil || s.ACL(v.ACL) == nil {
			t.Errorf("%s is in %s with %s, and one is not there", v.ID, v.VPC, v.ACL)
		}
	}
	for w := range writers {
		for range s.TagSetsOf(account(w)) {
			tagged--
		}
	}
	if tagged != 0 {
		t.Errorf("%d more things than tagged things; each was made with its tag", tagged)
	}
}

// With TOMBOLO_SOAK=1h it goes on for so long.
func TestNoAnsweredRequestIsLostByKill9(t *testing.T) {
	soak, _ := time.ParseDuration(os.Getenv("TOMBOLO_SOAK")) // unset or odd: crashes many
	dir := t.TempDir()
	w := witness{exists: map[string]bool{}, unsure: map[string]bool{}}
	begin := time.Now()
	kills := 0
	for ; kills < crashes || time.Since(begin) < soak; kills++ {
		killOnce(t, dir, &w)
		s := loadFrom(t, dir)
		w.check(t, s)
		whole(t, s)
		if t.Failed() {
			break
		}
	}
	t.Logf("%d kills in %.1f s, %d requests answered, generation %d", kills, time.Since(begin).Seconds(), w.answers, w.generation)
	if w.answers < kills {
		t.Errorf("only %d requests were answered: the servers hardly lived", w.answers)
	}
}

// killOnce starts a server and kills it while its writers write.
func killOnce(t *testing.T, dir string, w *witness) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill := func() { once.Do(func() { _ = cmd.Process.Kill() }) } // it may have ended by itself, which Wait tells
	defer kill()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "serving" {
		kill()
		_ = cmd.Wait()
		t.Fatalf("the server did not start: %q\n%s", lines.Text(), &complaints)
	}
	timer := time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, kill)
	defer timer.Stop()
	w.listen(t, lines)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the server ended before it was killed: %v\n%s", err, &complaints)
	}
}

func loadFrom(t *testing.T, dir string) network.State {
	t.Helper()
	d, err := store.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	db, err := d.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
