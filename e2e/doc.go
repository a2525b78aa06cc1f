// Package e2e tests the built daemon with AWS's SDK for Go. It is a module of its
// own because compiling the SDK's EC2 client takes minutes and gigabytes, which
// nobody who only builds or tests Tombolo should pay for.
package e2e
