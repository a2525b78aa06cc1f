// Package linux says what a Linux kernel must hold so that packets obey a
// network.State: Compile turns a State into a Desired, a set of named objects
// (links, routes, nftables sets and chains) with a text form that a networker
// can read; Diff turns two of them into Steps. It is pure: linux/kernel looks at
// the kernel and carries the steps out, and decides nothing.
//
// The plane is one network namespace, the fabric, without an uplink. Every
// interface of a running instance is a veth pair with one end in it.
package linux
