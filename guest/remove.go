package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Remove takes a room down and removes its state directory with everything in it.
// With subordinate ids the files of instances belong to ids that only a user
// namespace lets their owner touch, so that they are removed from inside a room.
func Remove(dir string) error {
	if err := Down(dir); err != nil {
		return err
	}
	first := os.RemoveAll(dir)
	if first == nil {
		return nil
	}
	r, err := roomOf(dir)
	if err != nil {
		return err
	}
	if err := r.removeInside(); err != nil {
		return errors.Join(first, err)
	}
	if err := Down(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// removeInside makes a room once more, only to remove the instances' files in it.
func (r room) removeInside() error {
	if err := r.prepare(); err != nil {
		return err
	}
	rec, err := r.hold()
	if err != nil {
		return fmt.Errorf("make a room to clean up in: %w", err)
	}
	args, err := entering(rec)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(args[0], append(args[1:], self, roleRemove, r.dir)...)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("remove the files of instances: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// removeMain runs inside the room.
func removeMain(args []string) error {
	if len(args) != 1 || !InRoom(args[0]) {
		return errors.New("not in the room")
	}
	root, err := os.OpenRoot(filepath.Join(args[0], "instances"))
	if err != nil {
		return err
	}
	defer root.Close()
	entries, err := os.ReadDir(root.Name())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := root.RemoveAll(e.Name()); err != nil {
			return err
		}
	}
	return nil
}
