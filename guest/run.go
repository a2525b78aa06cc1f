package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tombolo/network"
)

// How long processes may take to end after TERM, and how soon a transition that
// failed is tried again.
const (
	stopGrace = 5 * time.Second
	endGrace  = 2 * time.Second
	retry     = time.Second
)

// initiated is what AWS says of an instance that powered itself off (AWS:
// StateReason).
const initiated = "Client.InstanceInitiatedShutdown: Instance initiated shutdown"

// failure is why a transition did not happen, and when.
type failure struct {
	err error
	at  time.Time
}

// bootRecord is in the room for every instance that has booted in it, and so is
// gone after Down or a reboot of the machine: then the instance boots again.
type bootRecord struct {
	Reboots int  // asked for until then
	Process bool // there is a process 1
	Host    hostName
}

// Run compares what runs with what s says must run, sets going what is missing,
// and reports what has come true; called again it reports the same until s knows.
// It does not wait for anything: Changed receives when a transition has ended.
// The error joins what went wrong; Run tries those instances again.
func (g *Guests) Run(_ context.Context, s network.State) ([]network.Request, error) {
	if !g.holder.alive() {
		return nil, ErrRoomLost
	}
	var reports []network.Request
	known := map[string]bool{}
	for i := range s.Instances() {
		known[string(i.ID)] = true
		if report := g.advance(s, i); report != nil {
			reports = append(reports, report)
		}
	}
	g.eraseOthers(known)
	g.mu.Lock()
	defer g.mu.Unlock()
	var errs []error
	for id, f := range g.failed {
		errs = append(errs, fmt.Errorf("%s: %w", id, f.err))
	}
	return reports, errors.Join(errs...)
}

// advance takes an instance one step towards its state, or reports that it is there.
func (g *Guests) advance(s network.State, i *network.Instance) network.Request {
	id := string(i.ID)
	record, booted := g.booted(id)
	switch i.State {
	case network.InstancePending, network.InstanceRunning:
		if booted && record.Process && !g.watch(id) {
			if existsInside(g.layerRoot, id, poweredOff) {
				return network.ReportStopped{Instance: i.ID, Boot: i.Boots, Reason: initiated}
			}
			// Process 1 ended by itself, as in a crash of the machine: it boots again.
			g.work(id, func(context.Context) error { return g.stop(id, 0) })
			return nil
		}
		if !booted || record.Reboots != i.Reboots {
			return g.bring(s, i, booted)
		}
		if i.State == network.InstancePending {
			return network.ReportStarted{Instance: i.ID, Boot: i.Boots}
		}
	case network.InstanceStopping:
		if !booted && !g.isBusy(id) && !g.lives(id) {
			return network.ReportStopped{Instance: i.ID, Boot: i.Boots}
		}
		g.work(id, func(context.Context) error { return g.stop(id, stopGrace) })
	case network.InstanceStopped:
		if booted || g.lives(id) {
			g.work(id, func(context.Context) error { return g.stop(id, stopGrace) })
		}
	case network.InstanceShuttingDown, network.InstanceTerminated:
		if g.erased(id) && !g.isBusy(id) {
			if i.State == network.InstanceShuttingDown {
				return network.ReportEnded{Instance: i.ID}
			}
			return nil
		}
		g.work(id, func(context.Context) error { return g.erase(id) })
	}
	return nil
}

// bring boots an instance, or reboots it. One with nothing to run is up at once.
func (g *Guests) bring(s network.State, i *network.Instance, again bool) network.Request {
	id, host := string(i.ID), g.hostName(s, i)
	if !validID.MatchString(id) || g.isBusy(id) {
		return nil
	}
	if again || bootNeeds(g.layerRoot, id, i.UserData) {
		g.work(id, func(ctx context.Context) error {
			if again {
				if err := g.stop(id, stopGrace); err != nil {
					return err
				}
			}
			return g.boot(ctx, i, host)
		})
		return nil
	}
	if err := g.boot(g.ctx, i, host); err != nil {
		g.fail(id, err)
		return nil
	}
	if i.State == network.InstancePending {
		return network.ReportStarted{Instance: i.ID, Boot: i.Boots}
	}
	return nil
}

// boot starts an instance: its process, if it has anything to run, and its record.
func (g *Guests) boot(ctx context.Context, i *network.Instance, host hostName) error {
	id := string(i.ID)
	defer g.lock(id)()
	g.banner(id, host)
	needs := bootNeeds(g.layerRoot, id, i.UserData)
	if needs {
		if err := g.ensure(ctx, id, host); err != nil {
			return err
		}
		if err := g.tell(id, request{Kind: "boot", UserData: i.UserData}); err != nil {
			return err
		}
	}
	return g.record(id, bootRecord{i.Reboots, needs, host})
}

// stop ends an instance's processes and forgets that it booted.
func (g *Guests) stop(id string, grace time.Duration) error {
	defer g.lock(id)()
	if err := g.halt(id, grace); err != nil {
		return err
	}
	if err := os.Remove(g.room.place("boots", id)); err != nil && !os.IsNotExist(err) {
		return err
	}
	g.mu.Lock()
	delete(g.records, id)
	g.mu.Unlock()
	return nil
}

// erase ends an instance and removes its files.
func (g *Guests) erase(id string) error {
	if err := g.stop(id, endGrace); err != nil {
		return err
	}
	defer g.lock(id)()
	if err := g.layerRoot.RemoveAll(id); err != nil {
		return fmt.Errorf("remove the root filesystem: %w", err)
	}
	if err := g.instances.RemoveAll(id); err != nil {
		return err
	}
	g.mu.Lock()
	delete(g.present, id)
	delete(g.dead, id)
	g.mu.Unlock()
	return nil
}

// erased reports whether nothing is left of an instance.
func (g *Guests) erased(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, booted := g.records[id]
	return !booted && !g.present[id]
}

// eraseOthers removes what belongs to no instance of the state: it was terminated
// long ago, or the state was emptied.
func (g *Guests) eraseOthers(known map[string]bool) {
	var others []string
	g.mu.Lock()
	for id := range g.present {
		if !known[id] {
			others = append(others, id)
		}
	}
	g.mu.Unlock()
	for _, id := range others {
		g.work(id, func(context.Context) error { return g.erase(id) })
	}
}

// work runs do for an instance in the background, unless something does already or
// has just failed.
func (g *Guests) work(id string, do func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy[id] || g.ctx.Err() != nil || time.Since(g.failed[id].at) < retry {
		return
	}
	g.busy[id] = true
	g.working.Go(func() {
		err := do(g.ctx)
		g.mu.Lock()
		delete(g.busy, id)
		delete(g.failed, id)
		g.mu.Unlock()
		if err != nil && g.ctx.Err() == nil {
			g.fail(id, err)
		}
		g.wake()
	})
}

// fail remembers what went wrong and has Run called again.
func (g *Guests) fail(id string, err error) {
	g.mu.Lock()
	g.failed[id] = failure{err, time.Now()}
	g.mu.Unlock()
	time.AfterFunc(retry, g.wake)
}

func (g *Guests) isBusy(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.busy[id]
}

func (g *Guests) wake() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

func (g *Guests) booted(id string) (record bootRecord, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	record, ok = g.records[id]
	return record, ok
}

func (g *Guests) record(id string, record bootRecord) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	// Below the instance's lock nobody else writes; a half-written record is none.
	if err := os.WriteFile(g.room.place("boots", id), text, 0o600); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.records[id], g.present[id] = record, true
	return nil
}

// banner begins a boot in the console log, as a kernel would.
func (g *Guests) banner(id string, host hostName) {
	file, err := g.openConsole(id)
	if err != nil {
		return
	}
	defer file.Close()
	c := newConsole(file)
	c.say("[    0.000000] Tombolo instance %s, booting at %s", id, time.Now().UTC().Format(time.RFC1123))
	c.say("\r\n%s login: ", host.Short)
}

func (g *Guests) openConsole(id string) (*os.File, error) {
	if !validID.MatchString(id) {
		return nil, fmt.Errorf("%q is no instance", id)
	}
	g.mu.Lock()
	g.present[id] = true
	g.mu.Unlock()
	if err := mkdir(g.instances, id, 0o711); err != nil {
		return nil, err
	}
	return g.instances.OpenFile(filepath.Join(id, "console.log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
}

// Console is what the instance printed while booting, the latest 64 KB of it.
func (g *Guests) Console(id network.InstanceID) ([]byte, error) {
	if !validID.MatchString(string(id)) {
		return nil, fmt.Errorf("%q is no instance", id)
	}
	file, err := g.instances.Open(filepath.Join(string(id), "console.log"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readConsole(file)
}
