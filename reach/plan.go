package reach

import "tombolo/network"

// Plan is what would open a flow.
type Plan struct {
	Flow    Flow
	Changes []Change // to be made in this order; empty when nothing need or can be done
	// Obstacles are what no change of rules or routes can remove: then Changes is
	// empty, and these say what has to be redesigned.
	Obstacles []Obstacle
}

// Change is one request to make, on whose behalf, and why. Where it speaks of a
// peering that an earlier Change makes, the ID is NewPeering.
type Change struct {
	Caller  network.Caller
	Request network.Request
	Why     string // one sentence
}

// NewPeering stands for the ID of the peering that a Plan's RequestPeering makes.
const NewPeering network.PeeringID = "pcx-new"

// Obstacle is a reason why no change can open a flow.
type Obstacle struct {
	Cause    Explanation
	Redesign string // one sentence: what would have to be different
}

// Fix finds the smallest set of changes that opens f.
func Fix(s network.State, f Flow) Plan { return Plan{Flow: f} }
