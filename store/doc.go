// Package store keeps the current State on disk: what is, not what happened.
// A commit is one transaction of the rows that changed and the generation they
// make; when it returns without error the rows survive a crash of the process
// and of the machine. It also owns the state directory: the lock that gives it
// to one process, and the access keys. It knows no rule of the model; control
// drives it. docs/format.md describes what is on disk.
package store
