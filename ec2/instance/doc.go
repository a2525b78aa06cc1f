// Package instance holds the EC2 actions about instances, and about what clients
// look up to make one or to look at one: images, instance types, key pairs,
// volumes, consoles. The rules are package network's; what runs in an instance is
// package guest's.
package instance
