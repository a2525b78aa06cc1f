package control

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tombolo/network"
	"tombolo/store"
)

// fullDir, in the environment, makes the test binary fill a filesystem of its own.
const fullDir = "TOMBOLO_TEST_FULL_DIR"

// TestFullFilesystemRefusesChangesUntilThereIsRoom mounts a filesystem of half a
// megabyte in namespaces of a child's own and fills it.
func TestFullFilesystemRefusesChangesUntilThereIsRoom(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullDir+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// fill is the child: whatever it returns is what went wrong.
func fill(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		return fmt.Errorf("mount a small filesystem: %w", err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 128<<10), 0o600); err != nil {
		return fmt.Errorf("leave some room to give back: %w", err)
	}
	ctx := context.Background()
	d, err := store.OpenDir(filepath.Join(dir, "state"))
	if err != nil {
		return err
	}
	db, err := d.Database(ctx)
	if err != nil {
		return err
	}
	c, stop := run(Config{Store: db})

	made, refused := fillUp(c)
	fmt.Printf("%d VPCs until: %v\n", made, refused)
	if refused == nil || made == 0 {
		return errors.New("the filesystem is never full")
	}
	var rule *network.Error
	if errors.As(refused, &rule) {
		return errors.New("it looks as if a rule had refused")
	}
	if got := vpcs(c.State()); got != made {
		return fmt.Errorf("%d VPCs are shown of %d", got, made)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	again, _ := fillUp(c)
	fmt.Printf("%d more with some room\n", again)
	if again == 0 {
		return errors.New("it does not recover")
	}
	stop()
	if err := errors.Join(db.Close(), d.Close()); err != nil {
		return fmt.Errorf("close on a full filesystem: %w", err)
	}
	return reopened(filepath.Join(dir, "state"), made+again)
}

// fillUp makes VPCs until one is refused.
func fillUp(c *Control) (made int, err error) {
	for n := c.State().Generation; made < 10_000; n++ {
		caller := network.Caller{Account: network.Account(fmt.Sprintf("%012d", n)), Region: "us-east-1"}
		r := network.CreateVPC{CIDR: netip.MustParsePrefix("10.0.0.0/16"), Tags: network.Tags{"Name": strings.Repeat("x", 200)}}
		if _, err := c.Do(context.Background(), caller, "", r); err != nil {
			return made, err
		}
		made++
	}
	return made, nil
}

// reopened sees that all that was made is there.
func reopened(dir string, want int) error {
	db, err := store.OpenSQLite(context.Background(), filepath.Join(dir, "state.db"))
	if err != nil {
		return err
	}
	s, err := db.Load(context.Background())
	if err != nil {
		return err
	}
	if got := vpcs(s); got != want {
		return fmt.Errorf("%d VPCs are stored of %d", got, want)
	}
	return db.Close()
}
