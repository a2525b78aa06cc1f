package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Rooms are the state directories whose rooms are held now and are this user's.
func Rooms() ([]string, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var dirs []string
	for _, e := range entries {
		args := strings.Split(strings.TrimSuffix(readString(filepath.Join("/proc", e.Name(), "cmdline")), "\x00"), "\x00")
		if len(args) != 3 || args[1] != roleKeep {
			continue
		}
		// Any program can be called so: the record in the directory decides, and only
		// the room's owner can read it.
		rec, err := (room{args[2]}).record()
		if err == nil && strconv.Itoa(rec.PID) == e.Name() && rec.alive() {
			dirs = append(dirs, args[2])
		}
	}
	slices.Sort(dirs)
	return dirs, nil
}
