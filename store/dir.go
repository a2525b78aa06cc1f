package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The names below a state directory that this package owns.
const (
	lockFile     = "lock"
	databaseFile = "state.db"
	keysFile     = "credentials.json"
)

// Dir is a state directory that this process owns until Close.
type Dir struct {
	path string
	root *os.Root
	lock *os.File
}

// Held means that another process owns the state directory.
type Held struct {
	Path string
	PID  int // 0 when unknown
}

// Error says who holds it and what to do.
func (h *Held) Error() string {
	who := "another process"
	if h.PID != 0 {
		who = "process " + strconv.Itoa(h.PID)
	}
	return fmt.Sprintf("the state directory %s is in use by %s: stop it, or name another directory", h.Path, who)
}

// OpenDir makes the state directory if need be and takes it for this process.
// The error is a *Held when another process has it.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open the state directory: %w", err)
	}
	lock, err := take(root, path)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &Dir{path: path, root: root, lock: lock}, nil
}

// Owner tells the process that owns the state directory at path; 0 when none does.
func Owner(path string) (int, error) {
	f, err := os.Open(filepath.Join(path, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for the owner of %s: %w", path, err)
	}
	defer f.Close()
	if err := flock(f, syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return 0, nil // closing f gives the lock back
	}
	return readPID(f), nil
}

// take locks the lock file and writes our process id into it. The kernel gives
// the lock back when the process ends, however it ends, so there is no stale
// lock; the number in the file only means something while the lock is held.
func take(root *os.Root, path string) (*os.File, error) {
	f, err := root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the state directory: %w", err)
	}
	// Owner holds the lock for a moment to see whether it is free: ask again
	// before believing that somebody lives here.
	for range 10 {
		if err = flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = &Held{Path: path, PID: readPID(f)}
	}
	if err == nil {
		err = writePID(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func writePID(f *os.File) error {
	text := strconv.Itoa(os.Getpid()) + "\n"
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	if err := f.Truncate(int64(len(text))); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

func readPID(f *os.File) int {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// Root is the directory, for those who keep files of their own in it.
func (d *Dir) Root() *os.Root { return d.root }

// Database opens the State that is kept here; it is closed before the Dir.
func (d *Dir) Database(ctx context.Context) (*SQLite, error) {
	// SQLite gives its other files the mode of this one.
	f, err := d.root.OpenFile(databaseFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the state file: %w", err)
	}
	if err := errors.Join(f.Close(), d.sync()); err != nil {
		return nil, fmt.Errorf("make the state file: %w", err)
	}
	return OpenSQLite(ctx, filepath.Join(d.path, databaseFile))
}

// sync makes the names of the files in the directory durable.
func (d *Dir) sync() error {
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close gives the directory back.
func (d *Dir) Close() error {
	return errors.Join(d.lock.Truncate(0), d.lock.Close(), d.root.Close())
}
