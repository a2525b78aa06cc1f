package reach

import "tombolo/network"

// Trace follows one flow through a State. Several questions about one State are
// answered faster by one Index.
func Trace(s network.State, f Flow) Result { return NewIndex(s).Trace(f) }
