package scenario

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tombolo/network"
)

// The patience of questions: see Flow.Patience.
const (
	patient   = 5 * time.Second
	impatient = 150 * time.Millisecond
)

// Report is what a run has seen.
type Report struct {
	Asked   int
	Skipped string // why the engine skipped the rest, or ""
	Passed  int
	Seen    []Seen
}

// Seen is the outcome of one question.
type Seen struct {
	Line Line
	Got  string
}

// Differs says whether the outcome is not the one that stands in the file.
func (s Seen) Differs() bool { return !agrees(s.Got, s.Line.Want) }

// agrees compares what both sides can know: an engine that cannot tell causes
// says none, never a wrong one.
func agrees(got, want string) bool {
	word, _, hasCause := strings.Cut(want, ":")
	return got == want || hasCause && got == word
}

// Run plays a scenario on an engine that nothing else uses meanwhile. An error
// says that the scenario or the engine is broken; an outcome that differs is in
// the Report.
func Run(f *File, e Engine) (Report, error) {
	w := newWorld()
	if n, ok := e.(Namer); ok {
		n.Names(w.nameOf)
	}
	var r Report
	stale := true
	for _, line := range f.Lines {
		fail := func(err error) (Report, error) {
			return r, fmt.Errorf("%s:%d: %s: %w", f.Name, line.Number, strings.Join(line.Words, " "), err)
		}
		if line.Words[0] == "skip" {
			reason, ok := strings.CutPrefix(strings.Join(line.Words[1:], " "), e.Name()+":")
			if ok {
				r.Skipped = strings.TrimSpace(reason)
				return r, nil
			}
			continue
		}
		if !line.asks() {
			if err := w.statement(line); err != nil {
				return fail(err)
			}
			stale = true
			continue
		}
		if stale {
			if err := w.settleMachines(); err != nil {
				return fail(err)
			}
			if err := e.Set(w.state); err != nil {
				return fail(err)
			}
			stale = false
		}
		flow, err := w.question(line)
		if err != nil {
			return fail(err)
		}
		out, err := e.Send(flow)
		if err != nil {
			return fail(err)
		}
		s := Seen{Line: line, Got: w.describe(flow, out)}
		r.Asked++
		if !s.Differs() {
			r.Passed++
		}
		r.Seen = append(r.Seen, s)
	}
	return r, nil
}

// question reads a line that asks.
func (w *world) question(line Line) (Flow, error) {
	words := &words{line.Words[1:]}
	expected := strings.HasPrefix(line.Want, "no reply") || strings.HasPrefix(line.Want, "dropped") || line.Want == "silent"
	f := Flow{Patience: patient}
	if expected {
		f.Patience = impatient
	}
	switch line.Words[0] {
	case "send":
		f.Kind = Ask
	case "packet":
		f.Kind = OneWay
	case "arp":
		f.Kind = Resolve
	case "flow":
		f.Kind, f.Name = Keep, words.next()
		if len(words.rest) == 0 {
			return w.again(f)
		}
	}
	if err := w.ends(&f, words); err != nil {
		return f, err
	}
	if err := options(&f, words); err != nil {
		return f, err
	}
	if f.Kind == Keep {
		w.flows[f.Name] = f
	}
	return f, words.end()
}

// again is the next question of a conversation that has been opened.
func (w *world) again(f Flow) (Flow, error) {
	opened, ok := w.flows[f.Name]
	if !ok {
		return f, fmt.Errorf("flow %s was never opened", f.Name)
	}
	opened.Patience = f.Patience
	if f.Patience == patient {
		// TCP comes back with its next retransmission, which may be seconds away.
		opened.Patience = 4 * patient
	}
	return opened, nil
}

// ends reads SRC, DST and PROTO.
func (w *world) ends(f *Flow, words *words) error {
	src, dst := words.next(), words.next()
	e, addr, err := w.endpoint(src)
	if err != nil {
		return err
	}
	f.From, f.Source = e.ID, addr
	if target, addr, err := w.endpoint(dst); err == nil {
		f.To, f.Target = addr, target.ID
	} else if f.To, err = netip.ParseAddr(dst); err != nil {
		return fmt.Errorf("send to whom? %q", dst)
	} else if owner := w.state.ENIWith(e.VPC, f.To); owner != nil {
		f.Target = owner.ID
	}
	if f.To.Is6() && f.Source.Is4() && len(e.Addrs6) > 0 {
		f.Source = e.Addrs6[0]
	}
	if f.Kind == Resolve {
		return nil
	}
	word := words.next()
	proto, ports, err := protocol(word)
	if err != nil {
		return err
	}
	f.Protocol = proto
	if proto == network.ICMP && f.To.Is6() {
		f.Protocol = network.ICMPv6
	}
	if proto == network.TCP || proto == network.UDP {
		if ports.From != ports.To {
			return fmt.Errorf("%q: to which port?", word)
		}
		f.Port = uint16(ports.From)
	}
	f.Closed = f.Target != "" && w.shut[shutKey(f.Target, word)]
	return nil
}

func options(f *Flow, words *words) error {
	for len(words.rest) > 0 {
		var err error
		switch {
		case words.accept("size"):
			f.Size, err = strconv.Atoi(words.next())
		case words.accept("ttl"):
			f.TTL, err = strconv.Atoi(words.next())
		case words.accept("sport"):
			var port uint64
			port, err = strconv.ParseUint(words.next(), 10, 16)
			f.FromPort = uint16(port)
		case words.accept("df"):
			f.DontFragment = true
		case words.accept("from"):
			f.Source, err = netip.ParseAddr(words.next())
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// describe is an outcome in the words of scenarios.
func (w *world) describe(f Flow, o Outcome) string {
	yes, no := "delivered", "no reply"
	switch f.Kind {
	case OneWay:
		yes, no = "arrived", "dropped"
	case Resolve:
		yes, no = "answered", "silent"
	}
	switch o.Result {
	case Delivered:
		if o.Seen.IsValid() && o.Seen != f.Source {
			yes += " seen as " + w.addrName(o.Seen)
		}
		if o.MTU > 0 {
			yes += " mtu " + strconv.Itoa(o.MTU)
		}
		return yes
	case Refused:
		return "refused"
	}
	if o.Cause.Word == "" {
		return no
	}
	return no + ": " + w.cause(f, o.Cause)
}

// cause names what dropped the packet, and, where that is a matter of routing,
// for which destination.
func (w *world) cause(f Flow, c Cause) string {
	s := c.Word
	if c.At != "" {
		s += " at " + w.nameOf(c.At)
	}
	if c.Direction != "" {
		s += " " + c.Direction
	}
	if c.Rule != "" {
		s += " rule " + c.Rule
	}
	switch c.Word {
	case "no-route", "blackhole", "not-in-peer-cidr":
		s += " for " + w.addrName(w.headingFor(f, c))
	}
	return s
}

// headingFor is the destination of the packet that a routing cause is about: that
// of the answer, when the table is one that only the answer meets.
func (w *world) headingFor(f Flow, c Cause) netip.Addr {
	if f.Target == "" {
		return f.To
	}
	tableOf := func(id network.ENIID) string {
		return string(w.state.TableOf(w.state.Subnet(w.state.ENI(id).Subnet)).ID)
	}
	if c.At == tableOf(f.Target) && c.At != tableOf(f.From) {
		return f.Source
	}
	return f.To
}
