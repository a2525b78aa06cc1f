// Package reach says whether packets get from one interface to another, and why
// not. It walks the State component by component in the order in which AWS's
// Reachability Analyzer lists them (AWS: How Reachability Analyzer works), names
// every cause with AWS's explanation code, and finds the smallest change that
// would open the way. It sends no packets and knows no data plane: that both
// agree is evidence for both. Pure; one Index serves one goroutine.
package reach
