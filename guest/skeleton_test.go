package guest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mine are ids that an ordinary user may give files to: its own.
func mine() idRange { return idRange{os.Getuid(), 1} }

func TestSkeletonHoldsNothingPrivate(t *testing.T) {
	dir := t.TempDir()
	check(t, buildSkeleton(dir, mine()))
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		rel := strings.TrimPrefix(path, dir)
		info, err := d.Info()
		check(t, err)
		if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeDevice|fs.ModeSocket) != 0 {
			t.Errorf("%s has mode %v", rel, info.Mode())
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if _, generated := made[strings.TrimPrefix(rel, "/")]; generated {
			return nil
		}
		host, err := os.Stat(rel)
		check(t, err)
		if host.Mode()&0o004 == 0 {
			t.Errorf("%s is closed to others on the machine and was copied", rel)
		}
		return nil
	}))
	for _, absent := range []string{"etc/ssh", "etc/ssl/private", "etc/sudoers", "etc/machine-id", "etc/gshadow", "etc/hosts", "etc/hostname"} {
		if _, err := os.Lstat(filepath.Join(dir, absent)); err == nil {
			t.Errorf("%s is there", absent)
		}
	}
	if text := readString(filepath.Join(dir, "etc/shadow")); strings.Contains(text, "$") {
		t.Errorf("somebody has a password: %s", text)
	}
	for _, present := range []string{"tmp", "etc/passwd", "home/ec2-user", "bin"} {
		if _, err := os.Lstat(filepath.Join(dir, present)); err != nil {
			t.Errorf("%s is missing", present)
		}
	}
}

func TestCopyReadableLeavesOutWhatOthersMayNotRead(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	check(t, os.Chmod(from, 0o755))
	for name, mode := range map[string]fs.FileMode{"open": 0o644, "closed": 0o640, "run": 0o755} {
		check(t, os.WriteFile(filepath.Join(from, name), []byte(name), mode))
	}
	check(t, os.Mkdir(filepath.Join(from, "private"), 0o700))
	check(t, os.WriteFile(filepath.Join(from, "private/key"), []byte("key"), 0o644))
	check(t, os.Symlink("open", filepath.Join(from, "link")))
	check(t, os.Symlink(filepath.Join(from, "open"), filepath.Join(from, "far")))
	check(t, os.Symlink("/etc/shadow", filepath.Join(from, "shadow")))
	check(t, unix.Mkfifo(filepath.Join(from, "pipe"), 0o666))
	copyReadable(from, filepath.Join(to, "x"))
	var got []string
	entries, err := os.ReadDir(filepath.Join(to, "x"))
	check(t, err)
	for _, e := range entries {
		got = append(got, e.Name()+" "+e.Type().String())
	}
	if want := "far ----------, link L---------, open ----------, run ----------"; strings.Join(got, ", ") != want {
		t.Errorf("copied %q, want %q", strings.Join(got, ", "), want)
	}
}

func TestHidePrivateMarksWhatOthersMayNotRead(t *testing.T) {
	usr, layer := t.TempDir(), t.TempDir()
	for _, dir := range []string{"local", "local/etc", "local/bin", "local/vault"} {
		check(t, os.Mkdir(filepath.Join(usr, dir), 0o755))
	}
	check(t, os.Chmod(filepath.Join(usr, "local/vault"), 0o750))
	for name, mode := range map[string]fs.FileMode{"local/etc/public": 0o644, "local/etc/key": 0o600, "local/bin/tool": 0o755, "local/vault/open": 0o644} {
		check(t, os.WriteFile(filepath.Join(usr, name), nil, mode))
	}
	for range 2 { // a daemon that failed half way starts again
		check(t, hidePrivate(usr, "local", layer, mine()))
	}
	var got []string
	check(t, filepath.WalkDir(layer, func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		if info, err := d.Info(); err == nil && !d.IsDir() {
			got = append(got, strings.TrimPrefix(path, layer)+" "+info.Mode().Type().String())
		}
		return nil
	}))
	if want := "/local/etc/key Dc---------, /local/vault Dc---------"; strings.Join(got, ", ") != want {
		t.Errorf("hidden %q, want %q", strings.Join(got, ", "), want)
	}
}
