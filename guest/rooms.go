package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Rooms are the state directories of this user whose rooms are held now.
func Rooms() ([]string, error) {
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var out []string
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		info, err := os.Stat(filepath.Dir(path))
		if err != nil || len(args) != 3 || args[1] != roleKeep {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) == os.Getuid() && !slices.Contains(out, args[2]) {
			out = append(out, args[2])
		}
	}
	slices.Sort(out)
	return out, nil
}
