package guest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func unwrapErrno(err error) (syscall.Errno, bool) {
	var errno syscall.Errno
	ok := errors.As(err, &errno)
	return errno, ok
}

// whyNoNamespace adds to a refused clone what is known to forbid it, with the fix.
func whyNoNamespace(err error) error {
	errno, _ := unwrapErrno(err)
	if errno != unix.EPERM && errno != unix.EACCES && errno != unix.ENOSPC && errno != unix.EUSERS {
		return err
	}
	if lack := userNamespaceLack(); lack != "" {
		return fmt.Errorf("%w: %s", err, lack)
	}
	return err
}

// userNamespaceLack says which setting of the machine forbids user namespaces to
// ordinary users, or "".
func userNamespaceLack() string {
	for _, s := range []struct{ path, bad, fix string }{
		{"/proc/sys/user/max_user_namespaces", "0", "user namespaces are switched off: as root, sysctl -w user.max_user_namespaces=15000"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "user namespaces are for root only here: as root, sysctl -w kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor restricts user namespaces: as root, sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
	} {
		if text, err := os.ReadFile(s.path); err == nil && strings.TrimSpace(string(text)) == s.bad {
			return s.fix
		}
	}
	return ""
}
