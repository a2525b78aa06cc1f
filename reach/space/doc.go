// Package space is header space: sets of packets by source and destination
// address, protocol and ports, of IPv4 and IPv6, and the algebra on them. A Set
// says of all packets at once what a walk through the network could only say of
// one, so that "who can reach this, on which ports" is a calculation, not a
// search.
//
// A Set is a decision diagram: a tree that looks at one field after the other
// (source, destination, protocol, destination port, source port), each node a
// sorted list of disjoint ranges of its field with what remains to be asked
// below. It is canonical: two Sets with the same packets have the same diagram,
// however they were made. Parts are shared between Sets and never change.
//
// Package reach makes Sets of rules, entries and routes. Nothing here knows what
// those are.
package space
