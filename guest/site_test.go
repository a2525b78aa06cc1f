package guest

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tombolo/network"
)

// site is a State with instances in it, and the Guests that run them.
type site struct {
	testing.TB
	network.State
	g    *Guests
	dice uint64
}

var home = network.Caller{Account: "123456789012", Region: "us-east-1"}

func newSite(t testing.TB, g *Guests) *site {
	s := &site{TB: t, g: g, dice: uint64(time.Now().UnixNano())}
	s.do(network.OpenWorld{Zones: []string{"us-east-1a", "us-east-1b"}})
	s.do(network.SetQuota{Quota: network.QuotaENIs, Limit: 100000})
	return s
}

func (s *site) do(r network.Request) []string {
	s.Helper()
	s.dice++
	op := network.Op{Caller: home, At: time.Now(), Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], s.dice)
	next, err := s.Apply(op)
	if err != nil {
		s.Fatalf("%T: %v", r, err)
	}
	s.State = next
	return next.Outcome().Created
}

// launch makes count instances with this user data; they are pending.
func (s *site) launch(count int, userData string) []network.InstanceID {
	s.Helper()
	var ids []network.InstanceID
	for _, id := range s.do(network.RunInstances{Min: count, Max: count, Image: "ami-0123456789abcdef0", Type: "t3.micro",
		MaxInterfaces: 2, MaxAddrs: 2, UserData: []byte(userData)}) {
		if strings.HasPrefix(id, "i-") {
			ids = append(ids, network.InstanceID(id))
		}
	}
	return ids
}

// settle does what wiring does: prepare, run, report, until nothing moves.
func (s *site) settle() {
	s.Helper()
	limit := time.After(40 * time.Second)
	for {
		check(s, s.g.Prepare(context.Background(), s.State))
		reports, err := s.g.Run(context.Background(), s.State)
		check(s, err)
		for _, r := range reports {
			s.do(r)
		}
		moving := len(reports) > 0
		for i := range s.Instances() {
			id := string(i.ID)
			moving = moving || s.g.isBusy(id) || i.State == network.InstancePending ||
				i.State == network.InstanceStopping || i.State == network.InstanceShuttingDown
		}
		if !moving {
			check(s, s.g.Prepare(context.Background(), s.State))
			return
		}
		if len(reports) > 0 {
			continue
		}
		select {
		case <-s.g.Changed():
		case <-limit:
			s.Fatal("instances did not settle within 40 s")
		}
	}
}

func (s *site) state(id network.InstanceID) string { return s.Instance(id).State.String() }

// run runs a shell script in an instance and gives what it printed.
func (s *site) run(id network.InstanceID, script string) (string, Status) {
	s.Helper()
	return s.runCommand(id, Command{Args: []string{"sh", "-c", script}})
}

func (s *site) runCommand(id network.InstanceID, c Command) (string, Status) {
	s.Helper()
	read, write, err := os.Pipe()
	check(s, err)
	defer read.Close()
	c.Stdout, c.Stderr = write, write
	p, err := s.g.Start(context.Background(), id, c)
	write.Close()
	check(s, err)
	out := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(read)
		out <- string(text)
	}()
	limit := time.AfterFunc(60*time.Second, func() { p.Signal(syscall.SIGKILL) })
	defer limit.Stop()
	status, err := p.Wait()
	check(s, err)
	select {
	case text := <-out:
		return text, status
	case <-time.After(10 * time.Second):
		read.Close() // something in the background holds the pipe
		return <-out, status
	}
}

// says runs a script that must succeed and print want.
func (s *site) says(id network.InstanceID, script, want string) {
	s.Helper()
	got, status := s.run(id, script)
	if strings.TrimSpace(got) != want || status != (Status{}) {
		s.Errorf("%s:\n got %q, %+v\nwant %q", script, got, status, want)
	}
}
