package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tombolo/linux"
	"tombolo/network"
)

// Config is where a Plane works.
type Config struct {
	// Fabric is the network namespace that is the fabric. It must be used for
	// nothing else, and have no link that leads out of it. It stays the caller's.
	Fabric *os.File
	// InstanceNS opens the network namespace of a running instance; the Plane
	// closes it. An error that is fs.ErrNotExist says that it is not there yet.
	InstanceNS func(network.InstanceID) (*os.File, error)
	// FastPath is what shall remember verdicts; "" is the fastest that works here.
	FastPath linux.FastPath

	// In tests: fault makes a step fail, buffer is the size of socket buffers.
	fault  func(linux.Step) error
	buffer int
}

// auditEvery is how often a Reconcile of a State that has not changed looks
// whether the kernel has.
const auditEvery = 10 * time.Second

// Plane is a Linux kernel that is kept as a State says.
type Plane struct {
	config Config
	rt     *netlink.Handle
	nft    *nft

	mu       sync.Mutex
	book     *linux.Book
	compiler *linux.Compiler
	epochs   [2]epochs
	have     *linux.Desired // what the kernel holds, as far as known
	dirty    bool           // the kernel must be looked at first
	remade   bool           // a link was not there that should have been
	unsealed bool           // a change of policy began and its epoch may not be in force
	audited  time.Time
	down     map[network.ENIID]bool // interfaces that were closed by their link
	tried    *linux.Desired         // what was last attempted
	status   Status
	fresh    []freshLink
	plugs    map[network.ENIID]linux.Link // links that this process has made right
	state    network.State                // that was last to be obeyed
	flows    flows
	fast     fastPath
	traces   atomic.Uint64 // that were begun, for their names
}

// Status is how well the kernel obeys.
type Status struct {
	Generation uint64                   // of the State that is obeyed, but for what is closed
	Closed     map[network.ENIID]string // interfaces that carry nothing, and why
	Waiting    []network.ENIID          // those of them whose instance has no namespace yet
	Err        error                    // why the last Reconcile failed; nil when it did not
}

// Open takes a fabric over, whatever it holds: established flows go on.
// Nothing is changed before the first Reconcile but what every fabric has.
func Open(c Config) (*Plane, error) {
	rt, err := handle(c.Fabric, unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	p := &Plane{config: c, rt: rt, nft: &nft{ns: c.Fabric, buffer: cmp.Or(c.buffer, socketBuffer)}, dirty: true, plugs: map[network.ENIID]linux.Link{}, down: map[network.ENIID]bool{}}
	if err := p.prepare(); err != nil {
		rt.Close()
		return nil, err
	}
	return p, nil
}

func (p *Plane) prepare() error {
	lo, err := p.rt.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	// Without it the namespace has no table of its own addresses.
	if err := p.rt.LinkSetUp(lo); err != nil {
		return fmt.Errorf("set loopback up: %w", err)
	}
	if err := setAll(p.config.Fabric, fabricSettings); err != nil {
		return err
	}
	if err := p.nft.removeTraces(); err != nil {
		return err
	}
	if err := p.nft.makeTables(); err != nil {
		return err
	}
	if err := setAll(p.config.Fabric, conntrackSettings); err != nil {
		return err
	}
	if err := p.makeSink(); err != nil {
		return err
	}
	// Before anything changes: what an earlier process remembers must not outlive it.
	if p.fast, err = openCache(p.config); err != nil {
		return err
	}
	p.book = linux.NewBook()
	if err := p.nft.restore(p.book); err != nil {
		return err
	}
	p.compiler = linux.NewCompiler(p.book)
	return nil
}

// Close leaves the kernel as it is: packets go on.
func (p *Plane) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fast.cache != nil {
		p.fast.cache.close()
	}
	p.nft.close()
	p.rt.Close()
}

// Status is how well the kernel obeys the State last given to Reconcile.
func (p *Plane) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.status
	s.Closed, s.Waiting = maps.Clone(s.Closed), slices.Clone(s.Waiting)
	return s
}

// Reconcile makes the kernel obey s, from whatever it is in, and returns when
// packets do. An error lists what could not be done; the interfaces concerned
// are closed until a later Reconcile succeeds. An interface whose instance has
// no namespace yet is closed too, and no error.
func (p *Plane) Reconcile(ctx context.Context, s network.State) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reconcile(ctx, s)
}

func (p *Plane) reconcile(ctx context.Context, s network.State) error {
	p.state = s
	if p.have != nil && s.Generation == p.status.Generation && p.status.Err == nil && time.Since(p.audited) > auditEvery {
		p.dirty = true
	}
	r := &round{Plane: p, s: s, closed: maps.Clone(p.down), why: map[network.ENIID]string{}}
	err := r.run(ctx)
	p.status = Status{Generation: s.Generation, Closed: r.why, Waiting: r.waiting, Err: err}
	return err
}

// round is one Reconcile.
type round struct {
	*Plane
	s       network.State
	closed  map[network.ENIID]bool
	why     map[network.ENIID]string
	waiting []network.ENIID
	errs    []error
}

// rounds bounds how often a Reconcile starts over, having closed what failed.
const rounds = 4

func (r *round) run(ctx context.Context) error {
	for range rounds {
		if err := ctx.Err(); err != nil {
			r.dirty = true
			if len(r.errs) > 0 {
				r.shutAll(slices.Sorted(maps.Keys(r.closed))) // no time to do it in a gentler way
			}
			return errors.Join(append(r.errs, err)...)
		}
		failed, err := r.once()
		if err != nil {
			r.errs = append(r.errs, err)
		}
		switch {
		case len(failed) > 0 || err != nil:
			fresh := false
			for _, id := range failed {
				fresh = fresh || !r.closed[id]
				r.closed[id] = true
			}
			if !fresh {
				r.shutAll(failed)
				return errors.Join(r.errs...)
			}
		case r.dirty:
			// Something was not as it was thought to be: look, and go on.
		case len(r.down) > 0:
			// What was closed by its link is closed by nftables now.
			r.reopen()
		default:
			return errors.Join(r.errs...)
		}
	}
	r.shutAll(slices.Sorted(maps.Keys(r.closed)))
	return errors.Join(append(r.errs, errUnsettled)...)
}

var errUnsettled = errors.New("the kernel was not as it should be after several attempts")

// reopen sets links up that were the last resort, now that nothing passes them
// against the policy.
func (r *round) reopen() {
	for id := range r.down {
		if err := r.raise(id); err != nil {
			r.errs = append(r.errs, err)
			r.why[id] = err.Error()
			continue
		}
		delete(r.closed, id)
	}
	clear(r.down)
	// Routes and neighbours went with the link.
	r.dirty = true
}

func (r *round) shutAll(ids []network.ENIID) {
	for _, id := range ids {
		r.down[id] = true
		if err := r.shut(id); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	if err := r.outdate(); err != nil {
		r.errs = append(r.errs, err)
	}
	r.dirty = true
}

// once brings the kernel as near to the State as it can, and says which
// interfaces must be closed because of what failed.
func (r *round) once() ([]network.ENIID, error) {
	want := r.compiler.Compile(r.s, r.closed)
	have, err := r.known(want)
	if err != nil {
		r.dirty = true
		return want.Endpoints(), err
	}
	steps, err := r.plan(have, want)
	if err != nil {
		r.dirty = true
		return want.Endpoints(), err
	}
	r.tried = want
	ends := r.keep(want)
	failed, err := r.do(steps, have, want)
	if ends {
		r.keepCache()
	}
	if err != nil || len(failed) > 0 {
		r.dirty = true
		return failed, err
	}
	r.have, r.dirty, r.remade = want, r.remade, false
	return nil, nil
}

// known is what the kernel holds: remembered, or looked at.
func (r *round) known(want *linux.Desired) (*linux.Desired, error) {
	if r.have != nil && !r.dirty {
		return r.have, nil
	}
	if err := r.prepareAgain(); err != nil {
		return nil, err
	}
	have, err := r.observe(want)
	if r.have == nil && err == nil && slices.ContainsFunc(have.Sets(), linux.Set.CountsFlows) {
		r.flows.foreign = true
	}
	if errors.Is(err, errForeign) {
		// Another version's tables. Without them nothing passes.
		if err := r.nft.removeTables(); err != nil {
			return nil, err
		}
		if err := r.nft.makeTables(); err != nil {
			return nil, err
		}
		have, err = r.observe(want)
	}
	r.audited = time.Now()
	return have, err
}

// prepareAgain repairs what is not in a Desired.
func (r *round) prepareAgain() error {
	if err := setAll(r.config.Fabric, fabricSettings); err != nil {
		return err
	}
	if err := r.nft.makeTables(); err != nil {
		return err
	}
	return r.makeSink()
}

// plan is the steps from have to want. A change of policy begins a new epoch,
// and so does not knowing in which one the kernel is.
func (r *round) plan(have, want *linux.Desired) ([]linux.Step, error) {
	unknown := r.have == nil || r.unsealed
	for _, f := range families[:2] {
		if unknown {
			want.SetEpoch(f, 1)
		} else {
			want.KeepEpoch(f, r.have)
		}
	}
	steps := linux.Diff(have, want)
	turns := linux.Turns(steps)
	again := false
	for _, f := range families[:2] {
		if unknown || turns[f] {
			e, err := r.epochs[f].next(r.Plane, f)
			if err != nil {
				return nil, err
			}
			want.SetEpoch(f, e)
			again = true
		}
	}
	if again {
		steps = linux.Diff(have, want)
	}
	return steps, nil
}

// do carries steps out. What comes before the policy turns is tried to the end,
// so that all failures are known at once; the policy turns only if none failed.
func (r *round) do(steps []linux.Step, have, want *linux.Desired) ([]network.ENIID, error) {
	var failed []network.ENIID
	var errs []error
	blame := func(s linux.Step, err error) {
		concerned := linux.Concerns(s, have, want)
		for _, id := range concerned {
			r.why[id] = err.Error()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		failed = append(failed, concerned...)
	}
	unplugged := map[int]bool{}
	defer r.enliven()
	var forgets []linux.Forget
	for _, s := range steps {
		if _, turn := s.(linux.Switch); turn && len(failed) > 0 {
			break
		}
		if unplugged[linux.PortOf(s)] {
			continue // it would fail for the same reason
		}
		err := r.step(s, want)
		if f, ok := s.(linux.Forget); ok && err == nil {
			forgets = append(forgets, f) // they come last and are done together
		}
		if err == nil {
			continue
		}
		plug, ok := s.(linux.Plug)
		if ok {
			unplugged[plug.Link.Port] = true
			r.waits(plug.Link.ENI, err)
		}
		if ok && r.closed[plug.Link.ENI] {
			// It is closed already, and its link may stay away.
			want.WithoutLink(plug.Link.ENI)
			r.why[plug.Link.ENI] = err.Error()
			continue
		}
		blame(s, err)
	}
	if err := r.forget(forgets); err != nil {
		for _, f := range forgets {
			blame(f, err)
		}
	}
	if len(steps) > 0 {
		// Whatever became of them, and before anybody is told.
		if err := r.outdate(); err != nil {
			return want.Endpoints(), errors.Join(append(errs, err)...)
		}
	}
	return failed, errors.Join(errs...)
}

// waits notes an interface whose instance has no namespace yet.
func (r *round) waits(id network.ENIID, err error) {
	if errors.Is(err, fs.ErrNotExist) && !slices.Contains(r.waiting, id) {
		r.waiting = append(r.waiting, id)
	}
}

func (r *round) step(s linux.Step, want *linux.Desired) error {
	if r.config.fault != nil {
		if err := r.config.fault(s); err != nil {
			return err
		}
	}
	switch s := s.(type) {
	case linux.Plug:
		delete(r.plugs, s.Link.ENI)
		if err := r.plug(s); err != nil {
			return err
		}
		r.plugs[s.Link.ENI] = s.Link
		return nil
	case linux.Unplug:
		delete(r.plugs, s.Link.ENI)
		return r.unplug(s.Link)
	case linux.PutRoute:
		return r.putRoute(s.Route)
	case linux.CutRoute:
		return r.cutRoute(s.Route)
	case linux.PutNeighbour:
		return r.putNeighbour(s.Neighbour)
	case linux.CutNeighbour:
		return r.cutNeighbour(s.Neighbour)
	case linux.PutPolicy:
		return r.putPolicy(s.Rule)
	case linux.CutPolicy:
		return r.cutPolicy(s.Rule)
	case linux.Switch:
		r.unsealed = true
		if err := r.nft.apply(s.Batch); err != nil {
			return err
		}
		if err := r.nft.verify(s.Batch, want); err != nil {
			return err
		}
		r.unsealed = false
		return nil
	case linux.Forget:
		return nil // see do
	}
	return fmt.Errorf("step %T is not known", s)
}
