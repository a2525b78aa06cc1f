// Package kernel carries linux's steps out on the running kernel, and looks at
// what it holds. It is the only user of netlink and nftables; it decides
// nothing but what to do when a step fails: then the interfaces concerned are
// closed, until a later Reconcile succeeds.
package kernel
