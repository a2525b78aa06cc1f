package linux

// How a flow's mark is made up: the policy epoch in which each direction was
// last judged, and at which ends a security group tracks the flow.
const (
	originalEpoch       = 0x3fff
	replyEpoch          = 0x3fff << 14
	replyShift          = 14
	trackedByOriginator = 1 << 28
	trackedByResponder  = 1 << 29
)

// Epochs is the number of epochs; the first is 1: a new flow's mark is 0.
const Epochs = 0x3fff

// EpochsOf are the epochs in which a flow with this mark was judged.
func EpochsOf(mark uint32) (original, reply uint16) {
	return uint16(mark & originalEpoch), uint16(mark & replyEpoch >> replyShift)
}

// EpochMask is the part of a flow's mark that holds epochs.
const EpochMask = originalEpoch | replyEpoch

// seals reports whether a chain holds the epoch.
func (c Chain) seals() bool {
	switch c.Name {
	case "forward", "remember.original", "remember.reply", "tracked.leaving", "tracked.entering":
		return true
	}
	return false
}

// EpochSet holds the epoch that is in force, and nothing else.
const EpochSet = "epoch"

// epochUnit is the entrance: a packet of a flow that was judged in this epoch,
// in its direction, passes at once. A change of policy replaces the epoch in
// the same transaction, and every direction of every flow is judged once more.
//
// While flows are recorded, what passes goes where it is counted.
func epochUnit(f Family, epoch uint16, m meter) *unit {
	u := &unit{}
	e := uint32(epoch)
	pass := accept
	if m.on {
		pass = toPassed
	}
	u.chain(f, "forward", &Hook{Forward, 0},
		rule(f, OfState{Invalid | Related | Untracked}, goTo("odd")),
		rule(f, OfDirection{}, OfFlowMark{Mask: originalEpoch, Value: e}, pass),
		rule(f, OfDirection{Reply: true}, OfFlowMark{Mask: replyEpoch, Value: e << replyShift}, pass),
		rule(f, goTo("judge")))
	u.chain(f, "remember.original", nil, rule(f, SetFlowMark{originalEpoch, e}, pass))
	u.chain(f, "remember.reply", nil, rule(f, SetFlowMark{replyEpoch, e << replyShift}, pass))
	// What a packet meets while a transaction comes into force is of the old rules and
	// of sets old and new: it may look tracked by neither policy. That lasts longer than
	// the policy, so that the flow is marked only if the rules are still in force.
	u.Elements = append(u.Elements, Element{Family: f, Set: EpochSet, Lo: string(key(nil).own(e))})
	u.chain(f, "tracked.leaving", nil,
		rule(f, OfDirection{}, InEpoch{e}, SetFlowMark{trackedByOriginator, trackedByOriginator}, back),
		rule(f, OfDirection{Reply: true}, InEpoch{e}, SetFlowMark{trackedByResponder, trackedByResponder}))
	u.chain(f, "tracked.entering", nil,
		rule(f, OfDirection{}, InEpoch{e}, SetFlowMark{trackedByResponder, trackedByResponder}, back),
		rule(f, OfDirection{Reply: true}, InEpoch{e}, SetFlowMark{trackedByOriginator, trackedByOriginator}))
	return u
}

// Epoch is the policy epoch of a family.
func (d *Desired) Epoch(f Family) uint16 { return d.epochs[f] }

// SetEpoch puts d into an epoch of a family. It is for whoever has just made d.
func (d *Desired) SetEpoch(f Family, epoch uint16) {
	d.put("epoch "+f.String(), epochUnit(f, epoch, d.meter))
	d.epochs[f] = epoch
}

// KeepEpoch puts d into the epoch that another is in.
func (d *Desired) KeepEpoch(f Family, from *Desired) {
	if name := "epoch " + f.String(); d.meter.on == from.meter.on {
		d.put(name, from.units[name])
		d.epochs[f] = from.epochs[f]
		return
	}
	d.SetEpoch(f, from.epochs[f])
}

// Turns reports for V4 and V6 whether steps change what a flow's judgement
// rests on, so that a new epoch must begin.
func Turns(steps []Step) (turns [2]bool) {
	for _, s := range steps {
		switch s := s.(type) {
		case PutRoute:
			turns[s.Route.Family] = true
		case CutRoute:
			turns[s.Route.Family] = true
		case Switch:
			for _, c := range []NftChange{s.Ready, s.Turn, s.Clean} {
				c.turns(&turns)
			}
		}
	}
	return turns
}

func (c NftChange) turns(turns *[2]bool) {
	mark := func(f Family) {
		if f != ARP {
			turns[f] = true
		}
	}
	for _, e := range append(append([]Element{}, c.CutElements...), c.Elements...) {
		if e.Set != bookSet.Name && e.Set != EpochSet && !e.counts() {
			mark(e.Family)
		}
	}
	for _, x := range append(append(append([]Chain{}, c.Chains...), c.NewChains...), c.OldChains...) {
		if !x.counts() {
			mark(x.Family)
		}
	}
}
