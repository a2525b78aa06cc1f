package differ_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/linux/kernel"
	"tombolo/network"
)

// fabric is the kernel that carries the packets of a State, and its machines.
type fabric struct {
	host  *testnet.Host
	plane *kernel.Plane
	flush *netlink.Handle // forgets connections

	mu       sync.Mutex
	machines map[network.InstanceID]*machine
	spare    []*machine // of instances that are no more
	state    network.State
	at       map[network.ENIID]*machine // where an interface is plugged in, if that runs
}

func newFabric() (*fabric, error) {
	host, err := testnet.OpenHost()
	if err != nil {
		return nil, err
	}
	f := &fabric{host: host, machines: map[network.InstanceID]*machine{}}
	f.plane, err = kernel.Open(kernel.Config{Fabric: host.File(), InstanceNS: f.namespace})
	if err != nil {
		_ = host.Close()
		return nil, err
	}
	f.flush, err = testnet.In(host, func() (*netlink.Handle, error) { return netlink.NewHandle(unix.NETLINK_NETFILTER) })
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *fabric) close() {
	f.plane.Close()
	if f.flush != nil {
		f.flush.Close()
	}
	for _, m := range f.machines {
		m.close()
	}
	for _, m := range f.spare {
		m.close()
	}
	_ = f.host.Close()
}

// namespace is how the plane finds an instance.
func (f *fabric) namespace(id network.InstanceID) (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.machines[id]
	if m == nil {
		return nil, fmt.Errorf("%s: %w", id, os.ErrNotExist)
	}
	return dup(m.host.File(), string(id))
}

// set makes the kernel obey a State, and returns when its links carry packets.
func (f *fabric) set(s network.State) error {
	if err := f.boot(s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := f.plane.Reconcile(ctx, s); err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	f.retire(s)
	f.state, f.at = s, map[network.ENIID]*machine{}
	plugged := map[*machine][]*network.ENI{}
	for e := range s.ENIs() {
		if e.Attachment == nil || !s.Instance(e.Attachment.Instance).Runs() {
			continue
		}
		m := f.machines[e.Attachment.Instance]
		f.at[e.ID] = m
		plugged[m] = append(plugged[m], e)
	}
	for m, enis := range plugged {
		before := m.links
		if err := m.find(enis); err != nil {
			return err
		}
		if maps.Equal(before, m.links) {
			continue
		}
		if err := m.host.Ready(ctx); err != nil {
			return err
		}
	}
	return f.host.Ready(ctx)
}

// boot gives every running instance a machine.
func (f *fabric) boot(s network.State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range s.Instances() {
		if f.machines[i.ID] != nil || !i.Runs() {
			continue
		}
		if n := len(f.spare); n > 0 {
			f.machines[i.ID], f.spare = f.spare[n-1], f.spare[:n-1]
			continue
		}
		m, err := newMachine()
		if err != nil {
			return err
		}
		f.machines[i.ID] = m
	}
	return nil
}

// retire takes the machines back that nothing runs on. The plane has unplugged
// them.
func (f *fabric) retire(s network.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, m := range f.machines {
		if i := s.Instance(id); i == nil || !i.Runs() {
			delete(f.machines, id)
			m.links, m.enis = nil, nil
			f.spare = append(f.spare, m)
		}
	}
}

// forget forgets all connections, so that one volley knows nothing of another.
func (f *fabric) forget() error {
	if err := f.flush.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
		return fmt.Errorf("flush connections: %w", err)
	}
	return nil
}

// counted is what has been dropped since before.
func (f *fabric) counted(before map[linux.Cause]uint64) (map[linux.Cause]uint64, error) {
	after, err := f.plane.Counters()
	if err != nil {
		return nil, err
	}
	out := map[linux.Cause]uint64{}
	for c, n := range after {
		if n > before[c] {
			out[c] = n - before[c]
		}
	}
	return out, nil
}
