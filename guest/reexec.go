package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The roles in which our own binary starts itself, as its first argument.
const (
	roleHolder = "guest:holder" // waits for its ids, then becomes roleRoom
	roleRoom   = "guest:room"   // furnishes the room, then becomes roleKeep
	roleKeep   = "guest:keep"   // the holder at rest
	roleEnter  = "guest:enter"  // inside the room, on the way to becoming the daemon
	rolePause  = "guest:pause"  // holds new namespaces until they are bound
	roleBoot   = "guest:boot"   // builds an instance's root filesystem, then becomes roleInit
	roleInit   = "guest:init"   // process 1 of an instance
	roleSudo   = "guest:sudo"   // inside an instance, the command sudo
	roleTry    = "guest:try"    // in new namespaces, sees whether they are any good
	roleRemove = "guest:remove" // inside the room, removes the files of instances
)

// Reexec runs the role that this process was started in by the package itself,
// and then never returns; in any other process it returns false at once. It must
// be the first thing that main (and TestMain) does.
func Reexec() bool {
	if len(os.Args) < 2 || !strings.HasPrefix(os.Args[1], "guest:") {
		return false
	}
	var err error
	switch role, args := os.Args[1], os.Args[2:]; role {
	case roleHolder:
		err = holderMain(args)
	case roleRoom:
		err = roomMain(args)
	case roleKeep:
		err = keepMain()
	case roleEnter:
		err = enterMain(args)
	case rolePause:
		err = pauseMain()
	case roleBoot:
		err = bootMain()
	case roleInit:
		err = initMain()
	case roleSudo:
		err = sudoMain(args)
	case roleTry:
		err = tryMain()
	case roleRemove:
		err = removeMain(args)
	default:
		err = fmt.Errorf("unknown role %s", role)
	}
	if err != nil {
		name := filepath.Base(os.Args[0])
		if os.Args[1] == roleSudo {
			name = "sudo"
		}
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
	os.Exit(0)
	return true
}

// enterMain is the last step of Enter: the working directory was lost with the
// old mount namespace.
func enterMain(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("nothing to run")
	}
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return unix.Exec(self, args[1:], os.Environ())
}

// pauseMain holds the namespaces that it was started in until it is killed or
// its maker is gone.
func pauseMain() error {
	_, err := os.Stdin.Read(make([]byte, 1))
	if err != nil {
		return nil // the maker is gone
	}
	return nil
}
