package guest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"tombolo/network"
)

// Prepare makes a network namespace for every instance that is or will be running,
// and lets go of those of instances that have ended. It starts no process that
// stays: an instance which runs nothing costs its namespace and nothing else.
func (g *Guests) Prepare(ctx context.Context, s network.State) error {
	wanted := map[string]bool{"fabric": true}
	var missing []string
	g.mu.Lock()
	for i := range s.Instances() {
		id := string(i.ID)
		switch i.State {
		case network.InstancePending, network.InstanceRunning:
			wanted[id] = true
			if !g.spaces[id] {
				missing = append(missing, id)
			}
		case network.InstanceStopping, network.InstanceShuttingDown:
			wanted[id] = true // as long as its processes need it
		}
	}
	var surplus []string
	for name := range g.spaces {
		if !wanted[name] {
			surplus = append(surplus, name)
		}
	}
	g.mu.Unlock()
	return errors.Join(g.dropSpaces(surplus), g.makeSpaces(ctx, missing))
}

func (g *Guests) dropSpaces(names []string) error {
	var errs []error
	for _, name := range names {
		if err := dropNamespace(g.room.place("ns", name)); err != nil {
			errs = append(errs, err)
			continue
		}
		g.mu.Lock()
		delete(g.spaces, name)
		g.mu.Unlock()
	}
	return errors.Join(errs...)
}

// makeSpaces makes several namespaces at a time: the kernel works on each alone
// for a while.
func (g *Guests) makeSpaces(ctx context.Context, names []string) error {
	var errs []error
	var mu sync.Mutex
	var all sync.WaitGroup
	turns := make(chan struct{}, 2*runtime.NumCPU())
	for _, name := range names {
		turns <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-turns }()
			err := g.makeSpace(name)
			if err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

func (g *Guests) makeSpace(name string) error {
	if !validID.MatchString(name) {
		return fmt.Errorf("%q is no instance", name)
	}
	defer g.lock(name)()
	if !isNamespace(g.room.place("ns", name)) {
		if err := g.room.makeNetNS(g.ids, name); err != nil {
			return fmt.Errorf("make the network namespace of %s: %w", name, err)
		}
	}
	g.mu.Lock()
	g.spaces[name] = true
	g.mu.Unlock()
	return nil
}

// lock takes the lock of one instance, under which its processes and namespaces
// are made and ended, and returns its release.
func (g *Guests) lock(id string) func() {
	g.mu.Lock()
	l := g.locks[id]
	if l == nil {
		l = new(sync.Mutex)
		g.locks[id] = l
	}
	g.mu.Unlock()
	l.Lock()
	return l.Unlock
}
