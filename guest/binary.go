package guest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// copyBinary puts a copy of this program on a filesystem of its own in the room
// and makes that filesystem read-only, whoever looks at it through whichever mount.
// Process 1 of every instance runs from it, so that /proc/1/exe is no way to a file
// of the machine. A daemon of another version adds its own copy.
func (r room) copyBinary() (string, error) {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", err
	}
	defer self.Close()
	info, err := self.Stat()
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())
	dir := r.place("bin", name)
	binary := filepath.Join(dir, "tombolo")
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0 {
		return binary, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := unix.Mount("tombolo", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return "", fmt.Errorf("mount the binary's place: %w", err)
	}
	if err := copyFile(binary, self, 0o555); err != nil {
		return "", err
	}
	// Kept, so that a copy of the copy has the same name.
	if err := os.Chtimes(binary, info.ModTime(), info.ModTime()); err != nil {
		return "", err
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return "", fmt.Errorf("seal the binary: %w", err)
	}
	return binary, nil
}

func copyFile(to string, from io.Reader, mode os.FileMode) error {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, from); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
