// Package differ holds the analyzer against packets. Its tests make random
// networks (internal/randnet), have the kernel obey them, send real packets
// between all pairs of interfaces, and compare what became of each with what
// package reach says: whether the request arrives and at which interface, whether
// its answer comes back, and which component drops it. Neither knows the other,
// so that where they agree both are right, or AWS's rules were misread twice in
// the same way.
//
// The machines' own stacks are silenced: requests are sent as frames, and answered
// and forwarded by the test, at once and without a host's own opinion about
// routes. All that remains is the network's.
//
// With TOMBOLO_SOAK=1h the comparison goes on for so long, on networks of its own,
// or on those from TOMBOLO_SEED=N on. A disagreement is made small and saved as a
// scenario (internal/scenario).
package differ
