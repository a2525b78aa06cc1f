package reach

import "tombolo/network"

// Index answers questions about one State. It keeps what it has looked up, so it
// serves one goroutine at a time.
type Index struct{ s network.State }

// NewIndex costs nothing: rows are looked up when a question needs them.
func NewIndex(s network.State) *Index { return &Index{s: s} }

// Trace follows one flow.
func (x *Index) Trace(f Flow) Result { return Result{Flow: f} }
