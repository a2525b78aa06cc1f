// Package guest makes instances: network namespaces, root filesystems and the
// processes in them, and the room that keeps them alive when the daemon dies.
//
// A room is a mount namespace (and, for an ordinary user, a user namespace) with
// a PID namespace whose first process, the holder, does nothing but exist. Every
// process of every instance lives below that PID namespace, so killing the holder
// is enough for the kernel to end them all; every network namespace is a file in
// the room's own mount namespace, so nothing shows on the machine.
//
// The package decides nothing about the network: it reads network.State to know
// which instances must run, and reports what happened as network requests. Package
// linux/kernel plugs interfaces into the namespaces; cmd/tombolo drives both.
package guest
