package guest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// middle is the layer between the machine's /usr and that of an instance, the same
// for all of the room.
const middle = "middle"

// ours are the commands that instances have beside the machine's. A machine's own
// poweroff asks systemd, which does not run inside.
var ours = map[string]string{
	"local/sbin/poweroff": powerScript,
	"local/sbin/halt":     powerScript,
	"local/sbin/shutdown": powerScript,
	"local/sbin/reboot":   powerScript,
	"local/bin/sudo":      "#!/bin/sh\nexec " + binaryInside + " " + roleSudo + " \"$@\"\n",
}

const powerScript = `#!/bin/sh
# Asks process 1 of this instance to power off or to boot again.
signal=USR2
case "${0##*/} $*" in reboot*|*-r*) signal=HUP ;; esac
kill -$signal 1
`

// fillMiddle makes the middle layer: our commands, what must not be seen, and, where
// the machine's files belong to nobody (rootless), the directories in which people
// create files, because the overlay could not copy those up.
func (r room) fillMiddle(ids idRange) error {
	layer := r.place(middle)
	if err := os.Lchown(layer, ids.base, ids.base); err != nil {
		return err
	}
	for path, text := range ours {
		if err := mirrorParents("/usr", path, layer, ids); err != nil {
			return err
		}
		to := filepath.Join(layer, path)
		if err := os.WriteFile(to, []byte(text), 0o755); err != nil {
			return err
		}
		if err := os.Lchown(to, ids.base, ids.base); err != nil {
			return err
		}
	}
	if ids.base == rootBase {
		return hidePrivate("/usr", "local", layer, ids)
	}
	for _, dir := range []string{"bin", "sbin", "lib", "share", "local/bin", "local/lib", "local/share", "local/etc", "local/src"} {
		if info, err := os.Stat(filepath.Join("/usr", dir)); err != nil || !info.IsDir() {
			continue
		}
		if err := mirrorParents("/usr", filepath.Join(dir, "x"), layer, ids); err != nil {
			return err
		}
	}
	return nil
}

// hidePrivate fills layer, which lies between the machine's /usr and an instance's,
// with a whiteout for everything in tree that not everybody on the machine may
// read: with mapped ids, root inside could. What packages put into /usr is public;
// what an administrator keeps in /usr/local may not be.
func hidePrivate(usr, tree, layer string, ids idRange) error {
	return filepath.WalkDir(filepath.Join(usr, tree), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		needed := fs.FileMode(0o004)
		if d.IsDir() {
			needed = 0o005
		}
		if info.Mode()&needed == needed {
			return nil
		}
		rel := strings.TrimPrefix(path, usr+"/")
		if err := mirrorParents(usr, rel, layer, ids); err != nil {
			return err
		}
		// A character device 0:0 is overlayfs's mark for "not here", and may be made
		// by anybody.
		if err := unix.Mknod(filepath.Join(layer, rel), unix.S_IFCHR, 0); err != nil && err != unix.EEXIST {
			return &os.PathError{Op: "hide", Path: path, Err: err}
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

// mirrorParents makes the directories above rel in layer look as they do below it:
// the uppermost layer's owner and mode are what an instance sees.
func mirrorParents(usr, rel, layer string, ids idRange) error {
	var path string
	for part := range strings.SplitSeq(filepath.Dir(rel), "/") {
		path = filepath.Join(path, part)
		info, err := os.Stat(filepath.Join(usr, path))
		if err != nil {
			return err
		}
		here := filepath.Join(layer, path)
		if err := os.Mkdir(here, 0o755); os.IsExist(err) {
			continue
		} else if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t)
		if int(owner.Uid) < ids.size && int(owner.Gid) < ids.size {
			// What belongs to root outside belongs to root inside here, in every mode.
			if err := os.Lchown(here, ids.base+int(owner.Uid), ids.base+int(owner.Gid)); err != nil {
				return err
			}
		}
		if err := os.Chmod(here, info.Mode()); err != nil {
			return err
		}
	}
	return nil
}
