package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"tombolo/network"
)

// Config is what Open needs.
type Config struct {
	Dir    string // the state directory, whose room this process is in
	Limits Limits // of each instance
}

// Guests are the instances of one state directory. Its methods may be called from
// any goroutine.
type Guests struct {
	room     room
	holder   holderRecord
	ids      idRange
	limits   Limits
	cgroups  cgroups
	volatile bool
	binary   string // relative to the room's place
	nsenter  string
	unshare  string

	instances *os.Root // their files on disk
	layerRoot *os.Root // their writable layers: on disk too, or in the room
	agents    *os.Root
	agentDir  *os.File

	changed chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	working sync.WaitGroup

	mu      sync.Mutex
	spaces  map[string]bool // the network namespaces there are
	busy    map[string]bool // the instances that a goroutine works on
	failed  map[string]failure
	watched map[string]bool       // the instances whose process 1 we would see die
	records map[string]bootRecord // of the instances that have booted in this room
	present map[string]bool       // the instances that have files
	dead    map[string]bool       // those certain to have no process 1
	locks   map[string]*sync.Mutex
	turns   chan struct{}
}

// ErrNotRunning is returned for an instance in which nothing can run now.
var ErrNotRunning = errors.New("the instance is not running")

// ErrRoomLost is returned when somebody killed the first process of the room, and so
// every instance. The daemon must leave and enter a new room.
var ErrRoomLost = errors.New("the first process of the room has died, and with it every instance")

// validID is what an instance's ID looks like; it becomes the name of files.
var validID = regexp.MustCompile(`^i-[0-9a-z]{1,32}$`)

// Open takes over the instances of a state directory, those that an earlier daemon
// left running included. The process must be in the directory's room.
func Open(c Config) (*Guests, error) {
	r, err := roomOf(c.Dir)
	if err != nil {
		return nil, err
	}
	if !InRoom(r.dir) {
		return nil, errors.New("not in the room of this state directory: call Enter first")
	}
	g := &Guests{room: r, limits: c.Limits.orDefault(), changed: make(chan struct{}, 1),
		spaces: map[string]bool{}, busy: map[string]bool{}, failed: map[string]failure{},
		watched: map[string]bool{}, records: map[string]bootRecord{}, present: map[string]bool{}, dead: map[string]bool{},
		locks: map[string]*sync.Mutex{}, turns: make(chan struct{}, 4)}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	if err := g.open(); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

func (g *Guests) open() (err error) {
	if g.holder, err = g.room.record(); err != nil {
		return err
	}
	if g.ids, err = instanceIDs(); err != nil {
		return err
	}
	if g.nsenter, err = exec.LookPath("nsenter"); err != nil {
		return errors.New("nsenter is missing: install util-linux")
	}
	if g.unshare, err = exec.LookPath("unshare"); err != nil {
		return errors.New("unshare is missing: install util-linux")
	}
	binary, err := g.room.copyBinary()
	if err != nil {
		return fmt.Errorf("copy this program into the room: %w", err)
	}
	if g.binary, err = filepath.Rel(g.room.place(), binary); err != nil {
		return err
	}
	if err := g.room.bindUsr(g.ids); err != nil {
		return err
	}
	if g.instances, err = os.OpenRoot(g.room.place("instances")); err != nil {
		return err
	}
	if g.agents, err = os.OpenRoot(g.room.place("agent")); err != nil {
		return err
	}
	if g.agentDir, err = os.Open(g.room.place("agent")); err != nil {
		return err
	}
	g.cgroups = g.room.openCgroups()
	if err := g.chooseLayers(); err != nil {
		return err
	}
	return errors.Join(g.findSpaces(), g.findRecords())
}

// Close ends what this daemon is doing with instances, and leaves them running.
func (g *Guests) Close() {
	g.cancel()
	g.working.Wait()
	for _, root := range []*os.Root{g.instances, g.agents} {
		if root != nil {
			root.Close()
		}
	}
	if g.layerRoot != nil && g.layerRoot != g.instances {
		g.layerRoot.Close()
	}
	if g.agentDir != nil {
		g.agentDir.Close()
	}
}

// Mode is with which rights the room was made; in a container that maps one id it is
// SingleUID for its root, too. Inside the room every user is id 0, so that nothing
// else tells.
func (g *Guests) Mode() Mode {
	if g.ids.size == 1 {
		return SingleUID
	}
	return g.holder.Mode
}

// Changed receives when Run may have something new to say.
func (g *Guests) Changed() <-chan struct{} { return g.changed }

// findSpaces lists the network namespaces that are there already.
func (g *Guests) findSpaces() error {
	entries, err := os.ReadDir(g.room.place("ns"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := g.room.place("ns", e.Name())
		switch {
		case isNamespace(path):
			g.spaces[e.Name()] = true
		default:
			os.Remove(path)
		}
	}
	return nil
}

// findRecords reads what earlier daemons left. From here on this one knows without
// looking: with a thousand instances a look at each would take its time at every
// change of the network.
func (g *Guests) findRecords() error {
	for _, dir := range []string{"boots", "instances", "volatile"} {
		entries, err := os.ReadDir(g.room.place(dir))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		for _, e := range entries {
			id := e.Name()
			if strings.HasPrefix(id, tryPrefix) { // left by a daemon that was killed
				os.RemoveAll(g.room.place(dir, id))
			}
			if !validID.MatchString(id) {
				continue
			}
			g.present[id] = true
			var record bootRecord
			if text, err := os.ReadFile(g.room.place("boots", id)); err == nil && json.Unmarshal(text, &record) == nil {
				g.records[id] = record
			}
		}
	}
	return nil
}

// chooseLayers decides where the writable layers of root filesystems are: on disk
// with the rest of the state, unless an overlay cannot write there (as in a
// container whose own root is an overlay), when they are in memory and last as long
// as the room.
func (g *Guests) chooseLayers() error {
	g.layerRoot = g.instances
	if g.tryLayer("instances") == nil {
		return nil
	}
	if err := os.MkdirAll(g.room.place("volatile"), 0o711); err != nil {
		return err
	}
	if err := g.tryLayer("volatile"); err != nil {
		return fmt.Errorf("this kernel has no overlay filesystem for instances: %w", err)
	}
	g.volatile = true
	var err error
	g.layerRoot, err = os.OpenRoot(g.room.place("volatile"))
	return err
}

// tryPrefix begins the names of tryLayer's directories.
const tryPrefix = ".try-"

// tryLayer lays an overlay as instances will have it. It works below the room's
// place, whatever commas and colons the path to it holds.
func (g *Guests) tryLayer(under string) error {
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return err
		}
		if err := unix.Chdir(g.room.place()); err != nil {
			return err
		}
		dir, err := os.MkdirTemp(under, tryPrefix)
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		for _, name := range []string{"upper", "work"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
				return err
			}
		}
		if err := mountOverlay("skeleton", dir, "try"); err != nil {
			return err
		}
		return unix.Unmount("try", unix.MNT_DETACH)
	})
}

// NetNS opens the network namespace of an instance, for the data plane to plug
// interfaces into. The namespace lives at least as long as the file is open.
func (g *Guests) NetNS(id network.InstanceID) (*os.File, error) {
	if !validID.MatchString(string(id)) {
		return nil, fmt.Errorf("%q is no instance", id)
	}
	return g.openSpace(string(id))
}

// FabricNS opens the network namespace in which the data plane forwards.
func (g *Guests) FabricNS() (*os.File, error) { return g.openSpace("fabric") }

func (g *Guests) openSpace(name string) (*os.File, error) {
	path := g.room.place("ns", name)
	if !isNamespace(path) {
		return nil, fmt.Errorf("%s has no network namespace: %w", name, os.ErrNotExist)
	}
	return os.Open(path)
}

// hostName derives an instance's name from its primary interface.
func (g *Guests) hostName(s network.State, i *network.Instance) hostName {
	var addr netip.Addr
	for e := range s.ENIsAt(i.ID) {
		if e.Attachment != nil && e.Attachment.Device == 0 && len(e.Addrs) > 0 {
			addr = e.Addrs[0]
		}
	}
	return nameFor(addr, string(i.Region))
}
