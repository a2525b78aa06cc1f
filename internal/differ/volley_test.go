package differ_test

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/internal/randnet"
	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
	"tombolo/reach"
)

// shot is one flow: what is asked, what the analyzer says, and what became of the
// packets.
type shot struct {
	flow   reach.Flow
	result reach.Result
	expect expected
	net    *randnet.Net
	oneWay bool // with somebody else's source: the answer is nobody's here

	arrived  network.ENIID // where the request ended
	answered bool
	strayed  network.ENIID // where the answer ended, if not at the source
	handed   map[hand]bool
}

// hand is a middlebox that has handed on a packet.
type hand struct {
	box  network.ENIID
	kind byte
}

// packet is a packet of a shot.
func (s *shot) packet(n uint32, kind byte, ttl uint8) []byte {
	f := s.result.Flow
	p := testnet.Packet{Src: f.SourceAddr, Dst: f.DestinationAddr, Proto: uint8(f.Protocol), SrcPort: f.SourcePort, DstPort: f.Port,
		Type: f.ICMPType, Code: f.ICMPCode, ID: uint16(n), TTL: ttl, Seq: 1000, Flags: testnet.FlagSYN, Payload: payload(n, kind)}
	if kind == kindAnswer {
		p.Src, p.Dst, p.SrcPort, p.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
		p.Seq, p.Ack, p.Flags = 2000, 1001+uint32(len(p.Payload)), testnet.FlagSYN|testnet.FlagACK
		p.Type, p.Code = echoReply[p.Proto], 0
	}
	return p.Bytes()
}

var echoReply = map[uint8]uint8{testnet.ProtoICMP: 0, testnet.ProtoICMPv6: 129}

// want is the interface that the request must get to, and whether the answer
// must come back.
func (s *shot) want() (network.ENIID, bool) {
	return s.result.Forward.Arrived, s.result.Verdict == reach.Reachable && !s.oneWay
}

func (s *shot) agrees() bool {
	at, answered := s.want()
	return s.arrived == at && (s.answered == answered || s.expect.crooked)
}

func (s *shot) String() string {
	f := s.result.Flow
	at, answered := s.want()
	out := fmt.Sprintf("%s %v:%d to %s %v:%d protocol %d type %d: arrived at %q, answered %v; the analyzer says at %q, answered %v",
		f.Source, f.SourceAddr, f.SourcePort, f.Destination, f.DestinationAddr, f.Port, f.Protocol, f.ICMPType, s.arrived, s.answered, at, answered)
	if s.strayed != "" {
		out += fmt.Sprintf("; the answer went to %s", s.strayed)
	}
	if e, ok := s.result.First(); ok {
		out += fmt.Sprintf(", %s %s at %s %s", e.Way, e.Code, e.Component, e.Direction)
	}
	for _, leg := range []reach.Leg{s.result.Forward, s.result.Return} {
		out += "\n\t"
		for _, h := range leg.Hops {
			out += fmt.Sprintf(" %s %s", h.Direction, h.Component)
			if h.Blocked {
				out += "(!)"
			}
			if h.Kind == reach.RouteTable {
				out += fmt.Sprintf("[%v to %v]", h.Route.Dst, h.Route.To)
			}
		}
	}
	return out
}

// volley sends all shots at once and waits until what the analyzer says has come
// true, or nothing comes any more. Problems are what does not agree.
func (f *fabric) volley(shots []*shot) (problems []string, err error) {
	if err := f.forget(); err != nil {
		return nil, err
	}
	if err := f.collect(shots, nil); err != nil { // what is left of an earlier volley
		return nil, err
	}
	for _, s := range shots {
		s.arrived, s.answered, s.strayed, s.handed = "", false, "", nil
	}
	before, err := f.plane.Counters()
	if err != nil {
		return nil, err
	}
	for n, s := range shots {
		e := f.state.ENI(s.flow.Source)
		if err := f.at[e.ID].send(e, s.packet(uint32(n), kindRequest, 64)); err != nil {
			return nil, err
		}
		if n%64 == 63 { // before the sockets are full
			if err := f.collect(shots, f.respond); err != nil {
				return nil, err
			}
		}
	}
	if err := f.settle(shots); err != nil {
		return nil, err
	}
	got, err := f.counted(before)
	if err != nil {
		return nil, err
	}
	return compare(shots, got), nil
}

// patience is how long nothing must come before the rest counts as dropped.
const patience = 150 * time.Millisecond

// settle waits for what is expected; then once more for what is not.
func (f *fabric) settle(shots []*shot) error {
	deadline := time.Now().Add(patience)
	for {
		came := false
		err := f.collect(shots, func(s *shot, a arrival) error {
			came = true
			return f.respond(s, a)
		})
		if err != nil {
			return err
		}
		if !came && (time.Now().After(deadline) || !slices.ContainsFunc(shots, func(s *shot) bool { return !s.agrees() })) {
			return nil
		}
		if came {
			deadline = time.Now().Add(patience)
			continue
		}
		if err := f.await(10 * time.Millisecond); err != nil {
			return err
		}
	}
}

// await waits until a packet comes in anywhere.
func (f *fabric) await(timeout time.Duration) error {
	var fds []unix.PollFd
	for _, m := range f.machines {
		fds = append(fds, unix.PollFd{Fd: int32(m.fd), Events: unix.POLLIN})
	}
	if _, err := unix.Poll(fds, int(timeout.Milliseconds())); err != nil && err != unix.EINTR {
		return fmt.Errorf("await packets: %w", err)
	}
	return nil
}

// collect hands on what has come in.
func (f *fabric) collect(shots []*shot, each func(*shot, arrival) error) error {
	buf := make([]byte, 2048)
	var failed error
	for _, m := range f.machines {
		err := m.receive(buf, func(a arrival) {
			if each != nil && int(a.flow) < len(shots) && failed == nil {
				failed = each(shots[a.flow], a)
			}
		})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
	}
	return nil
}

// respond is what a machine does with a packet: one for itself it answers, by the
// interface that was asked; one for others it hands on if it is a middlebox.
func (f *fabric) respond(s *shot, a arrival) error {
	e := f.state.ENI(a.at)
	if !e.Has(a.dst) {
		return f.forward(s, a, e)
	}
	if a.kind == kindAnswer {
		if a.at == s.flow.Source {
			s.answered = true
		} else {
			s.strayed = a.at
		}
		return nil
	}
	s.arrived = a.at
	if s.oneWay || s.flow.Destination != "" && a.at != s.flow.Destination {
		return nil // somebody else has that address too
	}
	return f.at[a.at].send(e, s.packet(a.flow, kindAnswer, 64))
}

// forward hands a packet on as a router does, but not round and round: a packet's
// TTL would end that.
func (f *fabric) forward(s *shot, a arrival, box *network.ENI) error {
	h := hand{box.ID, a.kind}
	if s.handed[h] {
		return nil
	}
	if s.handed == nil {
		s.handed = map[hand]bool{}
	}
	s.handed[h] = true
	out := f.onward(box, a.dst)
	return f.at[out.ID].send(out, s.packet(a.flow, a.kind, 63))
}

// compare lists what is not as the analyzer says: shots one by one, and causes by
// how often each was counted.
func compare(shots []*shot, got map[linux.Cause]uint64) (problems []string) {
	want, most := map[linux.Cause]uint64{}, map[linux.Cause]uint64{}
	for _, s := range shots {
		if !s.agrees() {
			problems = append(problems, s.String())
		}
		if s.expect.ok {
			want[s.expect.cause]++
			most[s.expect.cause]++
		}
		for _, c := range s.expect.maybe {
			most[c]++
		}
	}
	all := maps.Clone(want)
	maps.Copy(all, got)
	for c := range all {
		if got[c] < want[c] || got[c] > most[c] {
			problems = append(problems, fmt.Sprintf("%d packets were dropped for %v, the analyzer says %d", got[c], c, want[c]))
		}
	}
	slices.Sort(problems)
	return problems
}

// single sends every shot alone, and returns those that do not agree: which of them
// is dropped for another cause than the analyzer says, a volley does not show.
func (f *fabric) single(shots []*shot) (wrong []*shot, problems []string, err error) {
	for _, s := range shots {
		p, err := f.volley([]*shot{s})
		if err != nil {
			return nil, nil, err
		}
		if len(p) > 0 {
			wrong, problems = append(wrong, s), append(problems, s.String())
			problems = append(problems, p...)
		}
		if len(wrong) == 5 {
			break
		}
	}
	return wrong, problems, nil
}

// addressOf is the address that a packet to or from an interface has.
func addressOf(e *network.ENI, dice interface{ IntN(int) int }, six bool) (netip.Addr, bool) {
	addrs := e.Addrs
	if six {
		addrs = e.Addrs6
	}
	if len(addrs) == 0 {
		return netip.Addr{}, false
	}
	return addrs[dice.IntN(len(addrs))], true
}
