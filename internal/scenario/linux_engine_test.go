package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tombolo/internal/scenario"
	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/linux/kernel"
	"tombolo/network"
	"tombolo/probe"
)

// linuxEngine plays scenarios with real packets: a fabric and an instance's
// namespace for each machine, the kernel plane between them, and probes.
type linuxEngine struct {
	fabric *testnet.Host
	plane  *kernel.Plane

	mu       sync.Mutex
	machines map[network.InstanceID]*machine
	state    network.State
	flows    map[string]*probe.Flow
	// owned are all addresses that an interface has ever had.
	owned map[netip.Addr]bool
	// stalled are the causes of conversations that were cut: TCP goes on
	// retransmitting, and what is counted for that is nobody else's.
	stalled map[linux.Cause]bool
}

// machine is a running instance: a namespace and the servers in it.
type machine struct {
	host    *testnet.Host
	errors  *testnet.Capture // of ICMP errors that came in
	boots   int
	servers map[string]bool
	stop    context.CancelFunc
	ctx     context.Context
	done    sync.WaitGroup
}

func newLinuxEngine(fast linux.FastPath) (*linuxEngine, error) {
	fabric, err := testnet.OpenHost()
	if err != nil {
		return nil, err
	}
	e := &linuxEngine{
		fabric: fabric, machines: map[network.InstanceID]*machine{},
		flows: map[string]*probe.Flow{}, stalled: map[linux.Cause]bool{}, owned: map[netip.Addr]bool{},
	}
	e.plane, err = kernel.Open(kernel.Config{Fabric: fabric.File(), InstanceNS: e.namespace, FastPath: fast})
	if err != nil {
		fabric.Close()
		return nil, err
	}
	return e, nil
}

func (e *linuxEngine) Name() string { return "linux" }

// namespace is how the plane finds an instance. The plane closes what it gets.
func (e *linuxEngine) namespace(id network.InstanceID) (*os.File, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.machines[id]
	if m == nil {
		return nil, fmt.Errorf("%s: %w", id, os.ErrNotExist)
	}
	fd, err := unix.FcntlInt(m.host.File().Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), string(id)), nil
}

// Set starts and stops machines, has the plane obey, and waits until the links
// are alive.
func (e *linuxEngine) Set(s network.State) error {
	fresh, gone, err := e.boot(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = e.plane.Reconcile(ctx, s)
	for _, m := range gone {
		m.shutDown()
	}
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	e.state = s
	if len(fresh) == 0 {
		return nil
	}
	for _, m := range append(fresh, &machine{host: e.fabric}) {
		if err := m.host.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (e *linuxEngine) boot(s network.State) (fresh, gone []*machine, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range s.Instances() {
		m := e.machines[i.ID]
		if m != nil && (!i.Runs() || m.boots != i.Boots) {
			gone = append(gone, m)
			delete(e.machines, i.ID)
			m = nil
		}
		if m == nil && i.Runs() {
			if m, err = startMachine(i.Boots); err != nil {
				return nil, nil, err
			}
			e.machines[i.ID] = m
			fresh = append(fresh, m)
		}
	}
	for eni := range s.ENIs() {
		for _, a := range eni.AllAddrs() {
			e.owned[a] = true
		}
		if eni.SourceDestCheck || eni.Attachment == nil || e.machines[eni.Attachment.Instance] == nil {
			continue
		}
		if err := e.machines[eni.Attachment.Instance].forward(); err != nil {
			return nil, nil, err
		}
	}
	return fresh, gone, nil
}

func startMachine(boots int) (*machine, error) {
	host, err := testnet.OpenHost()
	if err != nil {
		return nil, err
	}
	m := &machine{host: host, boots: boots, servers: map[string]bool{}}
	if m.errors, err = host.Watch(isError); err != nil {
		return nil, err
	}
	m.ctx, m.stop = context.WithCancel(context.Background())
	// A handshake that the network has cut must not be counted again and again.
	return m, host.Do(func() error { return testnet.SetSysctl("net/ipv4/tcp_synack_retries", "0") })
}

// isError picks what routers say of packets that they do not carry, but for
// packet-too-big, which AWS sends (AWS: Path MTU Discovery).
func isError(s testnet.Seen) bool {
	switch {
	case s.Outgoing:
		return false
	case s.Proto == testnet.ProtoICMP:
		return s.Type == 3 && s.Code != 4 || s.Type == 5 || s.Type == 11 || s.Type == 12
	case s.Proto == testnet.ProtoICMPv6:
		return s.Type == 1 || s.Type == 3 || s.Type == 4 || s.Type == 137
	}
	return false
}

// said are the errors that machines have received from no machine: the network
// itself must never say a word.
func (e *linuxEngine) said() ([]testnet.Seen, error) {
	var all []testnet.Seen
	for _, m := range e.machines {
		errors, err := m.errors.Packets()
		if err != nil {
			return nil, err
		}
		for _, s := range errors {
			if !e.owned[s.Src] {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// forward makes a router of a machine.
func (m *machine) forward() error {
	return m.host.Do(func() error {
		return errors.Join(
			testnet.SetSysctl("net/ipv4/ip_forward", "1"),
			testnet.SetSysctl("net/ipv6/conf/all/forwarding", "1"),
			testnet.SetSysctl("net/ipv4/conf/all/send_redirects", "0"),
			testnet.SetSysctl("net/ipv4/conf/default/send_redirects", "0"),
			testnet.SetSysctl("net/ipv4/conf/all/rp_filter", "0"))
	})
}

func (m *machine) shutDown() {
	m.stop()
	m.done.Wait()
	m.errors.Close()
	m.host.Close()
}

// serve makes sure that something answers on a port of the machine.
func (m *machine) serve(p network.Protocol, port uint16) error {
	listen := probe.ListenTCP
	switch p {
	case network.TCP:
	case network.UDP:
		listen = probe.ListenUDP
	default:
		return nil // the kernel answers echo requests
	}
	key := fmt.Sprintf("%d/%d", p, port)
	if m.servers[key] {
		return nil
	}
	s, err := testnet.In(m.host, func() (*probe.Server, error) { return listen(":" + strconv.Itoa(int(port))) })
	if err != nil {
		return err
	}
	m.servers[key] = true
	m.done.Go(func() { _ = s.Run(m.ctx) })
	return nil
}

// machineOf is where an interface is plugged in, and under which name.
func (e *linuxEngine) machineOf(id network.ENIID) (*machine, string, error) {
	eni := e.state.ENI(id)
	if eni == nil || eni.Attachment == nil || e.machines[eni.Attachment.Instance] == nil {
		return nil, "", fmt.Errorf("%s is in no running machine", id)
	}
	return e.machines[eni.Attachment.Instance], "eth" + strconv.Itoa(eni.Attachment.Device), nil
}

// Send asks one question, and for the cause of silence compares the plane's
// counters before and after.
func (e *linuxEngine) Send(f scenario.Flow) (scenario.Outcome, error) {
	before, err := e.plane.Counters()
	if err != nil {
		return scenario.Outcome{}, err
	}
	out, err := e.ask(f)
	if err != nil || out.Result != scenario.NoReply {
		return out, err
	}
	if f.Kind == scenario.Resolve {
		return out, nil // ARP is answered or not; nothing drops it
	}
	cause, err := e.cause(before)
	if err != nil {
		return out, err
	}
	if f.Kind == scenario.Keep {
		e.stalled[cause] = true
	}
	out.Cause = scenario.Cause{Word: cause.Why, At: cause.At, Direction: cause.Direction, Rule: cause.Entry}
	return out, nil
}

// cause is what was counted since before. A busy machine may be late with it,
// and a list that is read while the kernel rearranges it may have holes.
func (e *linuxEngine) cause(before map[linux.Cause]uint64) (linux.Cause, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 10 {
		after, err := e.plane.Counters()
		if err != nil {
			return linux.Cause{}, err
		}
		if c, err := e.blame(before, after); err != nil || c.Why != scenario.Uncounted {
			return c, err
		}
		<-tick.C
	}
	return linux.Cause{Why: scenario.Uncounted}, nil
}

// blame finds the one cause that was counted.
func (e *linuxEngine) blame(before, after map[linux.Cause]uint64) (linux.Cause, error) {
	var grown, old []linux.Cause
	for c, n := range after {
		switch {
		case n <= before[c]:
		case e.stalled[c]:
			old = append(old, c)
		default:
			grown = append(grown, c)
		}
	}
	if len(grown) == 0 {
		grown = old
	}
	switch len(grown) {
	case 0:
		return linux.Cause{Why: scenario.Uncounted}, nil
	case 1:
		return grown[0], nil
	}
	return linux.Cause{}, fmt.Errorf("one packet was dropped for several causes: %v", grown)
}

func (e *linuxEngine) ask(f scenario.Flow) (scenario.Outcome, error) {
	from, device, err := e.machineOf(f.From)
	if err != nil {
		return scenario.Outcome{}, err
	}
	target, _, err := e.machineOf(f.Target)
	if err == nil && !f.Closed && f.Kind != scenario.OneWay {
		if err := target.serve(f.Protocol, f.Port); err != nil {
			return scenario.Outcome{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), f.Patience)
	defer cancel()
	switch f.Kind {
	case scenario.OneWay:
		return e.oneWay(ctx, f, from, target)
	case scenario.Resolve:
		_, ok, err := from.host.Resolve(ctx, device, f.Source, f.To)
		return scenario.Outcome{Result: either(ok)}, err
	case scenario.Keep:
		return e.keep(f, from)
	}
	r, err := testnet.In(from.host, func() (probe.Result, error) { return exchange(f) })
	return outcome(r), err
}

func either(yes bool) scenario.Result {
	if yes {
		return scenario.Delivered
	}
	return scenario.NoReply
}

// exchange asks with a payload, so that the answering side says whom it saw.
func exchange(f scenario.Flow) (probe.Result, error) {
	o := options(f)
	switch where := netip.AddrPortFrom(f.To, f.Port).String(); f.Protocol {
	case network.TCP:
		return probe.TCP(context.Background(), where, o)
	case network.UDP:
		return probe.UDP(context.Background(), where, o)
	case network.ICMP, network.ICMPv6:
		return probe.ICMP(context.Background(), f.To.String(), o)
	}
	return probe.Result{}, fmt.Errorf("protocol %d has no answers", f.Protocol)
}

func options(f scenario.Flow) probe.Options {
	o := probe.Options{Timeout: f.Patience, From: netip.AddrPortFrom(f.Source, f.FromPort), TTL: f.TTL, DontFragment: f.DontFragment}
	o.Payload = []byte("who am I?")
	for len(o.Payload) < f.Size {
		o.Payload = append(o.Payload, 'x')
	}
	return o
}

func outcome(r probe.Result) scenario.Outcome {
	results := map[probe.Verdict]scenario.Result{
		probe.Answered: scenario.Delivered, probe.Silent: scenario.NoReply, probe.Refused: scenario.Refused,
	}
	return scenario.Outcome{Result: results[r.Verdict], Seen: r.Seen.Addr(), MTU: r.MTU}
}

// keep goes on with a conversation, after opening it if need be.
func (e *linuxEngine) keep(f scenario.Flow, from *machine) (scenario.Outcome, error) {
	ctx := context.Background()
	talk := e.flows[f.Name]
	if talk == nil {
		var err error
		where := netip.AddrPortFrom(f.To, f.Port).String()
		talk, err = testnet.In(from.host, func() (*probe.Flow, error) {
			switch f.Protocol {
			case network.TCP:
				return probe.OpenTCP(ctx, where, options(f))
			case network.UDP:
				return probe.OpenUDP(ctx, where, options(f))
			}
			return probe.OpenICMP(ctx, f.To.String(), options(f))
		})
		if err != nil {
			return scenario.Outcome{}, err
		}
		e.flows[f.Name] = talk
	}
	r, err := talk.Ping(ctx, f.Patience)
	return outcome(r), err
}

// oneWay sends one packet with any source and watches for it at the target.
func (e *linuxEngine) oneWay(ctx context.Context, f scenario.Flow, from, target *machine) (scenario.Outcome, error) {
	if target == nil {
		return scenario.Outcome{}, fmt.Errorf("nobody has %v", f.To)
	}
	p := testnet.Packet{Src: f.Source, Dst: f.To, Proto: uint8(f.Protocol), SrcPort: 40000, DstPort: f.Port, Payload: []byte("one way")}
	switch f.Protocol {
	case network.TCP:
		p.Flags = testnet.FlagSYN
	case network.ICMP:
		p.Type, p.ID = 8, 7
	case network.ICMPv6:
		p.Type, p.ID = 128, 7
	}
	c, err := target.host.Watch(func(s testnet.Seen) bool {
		return !s.Outgoing && s.Src == p.Src && s.Dst == p.Dst && s.Proto == p.Proto && s.DstPort == p.DstPort
	})
	if err != nil {
		return scenario.Outcome{}, err
	}
	defer c.Close()
	if err := from.host.SendIP(p.Dst, p.Bytes()); err != nil {
		return scenario.Outcome{}, err
	}
	_, ok, err := c.Next(ctx)
	return scenario.Outcome{Result: either(ok)}, err
}

// Close ends all conversations and machines.
func (e *linuxEngine) Close() error {
	for _, f := range e.flows {
		_ = f.Close()
	}
	e.plane.Close()
	for _, m := range e.machines {
		m.shutDown()
	}
	return e.fabric.Close()
}
