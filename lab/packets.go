package lab

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// The exit statuses of `tombolo probe`.
const (
	answered = 0
	silent   = 1
	refused  = 10
)

func verdict(code int) string {
	switch code {
	case answered:
		return "answered"
	case silent:
		return "silent"
	case refused:
		return "refused"
	}
	return fmt.Sprintf("probe failed (exit %d)", code)
}

// silence is how long a probe waits before it says silent. Everything is on one
// machine: an answer takes well under a millisecond.
const silence = "700ms"

// flow is one kind of packet exchange between two servers.
type flow struct {
	label string
	args  []string
}

// flows are the ways in which one server tries another: ping and HTTP, IPv4 and IPv6.
func flows(to *department) []flow {
	v4, v6 := to.address, to.addr6
	out := []flow{
		{"ping " + v4, []string{"icmp", v4}},
		{"http://" + v4 + "/", []string{"http", "http://" + v4 + "/"}},
	}
	if v6 != "" { // a person who plays the lab need not do everything twice
		out = append(out, flow{"ping " + v6, []string{"icmp", v6}}, flow{"http://[" + v6 + "]/", []string{"http", "http://[" + v6 + "]/"}})
	}
	return out
}

// ways says which flows to a server are tried.
func ways(to *department) string {
	if to.addr6 == "" {
		return "ping and HTTP"
	}
	return "ping and HTTP, IPv4 and IPv6"
}

// tried is what came of one flow.
type tried struct {
	flow
	code int
	out  string
	err  error
}

// try sends every flow from one server, all at once.
func (p *play) try(ctx context.Context, from *department, fs []flow) []tried {
	out := make([]tried, len(fs))
	done := make(chan int)
	for i, f := range fs {
		go func() {
			var lines []string
			args := append([]string{"tombolo", "probe", "--timeout", silence}, f.args...)
			code, err := p.w.Run(ctx, from.server, func(l string) { lines = append(lines, l) }, args...)
			out[i] = tried{f, code, strings.Join(lines, "\n"), err}
			done <- i
		}()
	}
	for range fs {
		<-done
	}
	return out
}

// reachable checks that one server gets every answer from another.
func (p *play) reachable(ctx context.Context, from, to *department) {
	start := time.Now()
	var bad []string
	for _, t := range p.try(ctx, from, flows(to)) {
		switch {
		case t.err != nil:
			bad = append(bad, fmt.Sprintf("%s: %v", t.label, t.err))
		case t.code != answered:
			bad = append(bad, fmt.Sprintf("%s: %s", t.label, verdict(t.code)))
		}
	}
	must := fmt.Sprintf("%s gets answers from %s: %s", from.server, to.server, ways(to))
	n := len(flows(to))
	seen := fmt.Sprintf("%d of %d answered", n, n)
	if len(bad) > 0 {
		seen = strings.Join(bad, "; ")
	}
	p.note(Check{Must: must, Seen: seen, OK: len(bad) == 0, Took: time.Since(start)})
	p.agreed(p.ask(ctx, from, to), from, to)
}

// unreachable checks that nothing answers, that nothing refuses, that the
// component which dropped the packets is the expected one, and that the analyzer
// names it first of all that is in the way. It asks while the probes wait.
func (p *play) unreachable(ctx context.Context, c claim) error {
	start := time.Now()
	before, err := p.drops(ctx)
	if err != nil {
		return err
	}
	p.watch.Waiting("probes run into their time-out")
	var bad []string
	probes := make(chan []tried, 1)
	go func() { probes <- p.try(ctx, c.from, flows(c.to)) }()
	answers := p.ask(ctx, c.from, c.to)
	for _, t := range <-probes {
		switch {
		case t.err != nil:
			bad = append(bad, fmt.Sprintf("%s: %v", t.label, t.err))
		case t.code != silent:
			bad = append(bad, fmt.Sprintf("%s: %s", t.label, verdict(t.code)))
		}
	}
	after, err := p.drops(ctx)
	if err != nil {
		return err
	}
	must := fmt.Sprintf("%s hears nothing from %s, and no refusal: %s at %s", c.from.server, c.to.server, c.cause, strings.Join(c.at, " or "))
	news := newDrops(before, after)
	found := false
	var heard []string
	for _, n := range news {
		heard = append(heard, fmt.Sprintf("%s at %s", n.Cause, strings.TrimSpace(n.At+" "+n.Direction)))
		for _, a := range c.at {
			found = found || n.Cause == c.cause && strings.Contains(n.At, a)
		}
	}
	if !found {
		bad = append(bad, "dropped by "+strings.Join(heard, ", "))
	}
	n := len(flows(c.to))
	seen := fmt.Sprintf("%d of %d silent; ", n, n) + strings.Join(heard, ", ")
	if len(bad) > 0 {
		seen = strings.Join(bad, "; ")
	}
	p.note(Check{Must: must, Seen: seen, OK: len(bad) == 0, Took: time.Since(start)})
	p.explained(answers, c)
	return nil
}

func (p *play) drops(ctx context.Context) ([]Drop, error) {
	drops, err := p.w.Drops(ctx)
	if err != nil {
		return nil, fmt.Errorf("read drop counters: %w", err)
	}
	return drops, nil
}

// newDrops are the counters that grew.
func newDrops(before, after []Drop) []Drop {
	type key struct{ cause, at, direction string }
	old := map[key]uint64{}
	for _, d := range before {
		old[key{d.Cause, d.At, d.Direction}] += d.Packets
	}
	var out []Drop
	for _, d := range after {
		if n := old[key{d.Cause, d.At, d.Direction}]; d.Packets > n {
			d.Packets -= n
			out = append(out, d)
		}
	}
	return out
}

// conversation is one connection that is kept open and asked again and again.
type conversation struct {
	lines chan string
	stop  context.CancelFunc
	done  chan struct{}
}

// converse opens an HTTP connection from one server to another and keeps it.
func (p *play) converse(ctx context.Context, from, to *department) *conversation {
	ctx, cancel := context.WithCancel(ctx)
	c := &conversation{lines: make(chan string, 4096), stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		_, _ = p.w.Run(ctx, from.server, func(l string) { c.lines <- l },
			"tombolo", "probe", "--timeout", "150ms", "http", "http://"+to.address+"/", "--watch", "25ms")
	}()
	return c
}

func (c *conversation) close() {
	c.stop()
	<-c.done
}

// clear forgets the lines heard so far.
func (c *conversation) clear() {
	for {
		select {
		case <-c.lines:
		default:
			return
		}
	}
}

// wait is the time until a line that begins with word; ok is false after limit.
func (c *conversation) wait(word string, limit time.Duration) (took time.Duration, ok bool) {
	start := time.Now()
	deadline := time.After(limit)
	for {
		select {
		case l := <-c.lines:
			if strings.HasPrefix(l, word) {
				return time.Since(start), true
			}
		case <-deadline:
			return limit, false
		case <-c.done:
			return time.Since(start), false
		}
	}
}

// count drains the lines of a period and counts those that begin with word.
func (c *conversation) count(word string) (hits, total int) {
	for {
		select {
		case l := <-c.lines:
			total++
			if strings.HasPrefix(l, word) {
				hits++
			}
		default:
			return hits, total
		}
	}
}
