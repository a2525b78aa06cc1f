package flowlog

// Audience says whose packets a plane shall count.
type Audience uint8

// The audiences.
const (
	OfFlowLogs   Audience = iota // those of interfaces that have flow logs
	OfEverything                 // those of all interfaces
)
