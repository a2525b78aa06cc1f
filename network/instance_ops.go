package network

import (
	"maps"
	"slices"
	"time"
)

// Which state an instance may leave for which (AWS: Instance lifecycle). An op
// on several instances changes all or none.

// each applies change to every instance named, once, in the order named.
func (e *edit) each(ids []InstanceID, change func(*Instance) error) error {
	if len(ids) == 0 {
		return fail(Missing, "InstanceId")
	}
	for k, id := range ids {
		i, err := e.instance(id)
		if err != nil {
			return err
		}
		if slices.Contains(ids[:k], id) {
			continue
		}
		if err := change(i); err != nil {
			return err
		}
	}
	return nil
}

// became stores an instance in another state.
func (e *edit) became(i *Instance, state InstanceState, reason string) {
	next := *i
	next.State, next.Reason, next.Changed = state, reason, e.op.At
	e.putInstance(&next)
}

// byUser is AWS's StateTransitionReason when a call was the cause.
func (e *edit) byUser() string {
	return "User initiated (" + e.op.At.UTC().Format(time.DateTime) + " GMT)"
}

func wrongInstanceState(i *Instance, verb string) error {
	return failWith(WrongState, i.ID, i.State.String()+" "+verb)
}

// apply starts stopped instances; those that run already are left alone (AWS:
// StartInstances).
func (r StartInstances) apply(e *edit) error {
	return e.each(r.Instances, func(i *Instance) error {
		switch i.State {
		case InstancePending, InstanceRunning:
			return nil
		case InstanceStopped:
			next := *i
			next.Boots++
			next.Launched = e.op.At
			e.became(&next, InstancePending, "")
			return nil
		}
		return wrongInstanceState(i, "start")
	})
}

// apply stops instances; those that stop already are left alone. One that is
// pending for the first time can't be stopped, "as it has never reached the
// 'running' state" (AWS: StopInstances; Instance lifecycle).
func (r StopInstances) apply(e *edit) error {
	return e.each(r.Instances, func(i *Instance) error {
		switch {
		case i.State == InstanceStopping, i.State == InstanceStopped:
			return nil
		case i.State == InstancePending && i.Boots == 1:
			return fail(NeverRan, i.ID)
		case !i.Runs():
			return wrongInstanceState(i, "stop")
		case i.DisableStop:
			return fail(StopOff, i.ID)
		}
		e.became(i, InstanceStopping, e.byUser())
		return nil
	})
}

// apply asks for a reboot, which is no change of state (AWS: RebootInstances).
func (r RebootInstances) apply(e *edit) error {
	return e.each(r.Instances, func(i *Instance) error {
		if i.State != InstanceRunning {
			return wrongInstanceState(i, "reboot")
		}
		next := *i
		next.Reboots++
		e.putInstance(&next)
		return nil
	})
}

// apply is idempotent: what has ended can be ended again (AWS: TerminateInstances).
func (r TerminateInstances) apply(e *edit) error {
	return e.each(r.Instances, func(i *Instance) error {
		if i.State == InstanceShuttingDown || i.State == InstanceTerminated {
			return nil
		}
		if i.DisableTermination {
			return fail(TerminationOff, i.ID)
		}
		e.became(i, InstanceShuttingDown, e.byUser())
		return nil
	})
}

// apply changes the type and the user data of stopped instances only (AWS:
// ModifyInstanceAttribute), and groups and the source/destination check of those
// with one interface only.
func (r SetInstanceAttribute) apply(e *edit) error {
	i, err := e.instance(r.Instance)
	if err != nil {
		return err
	}
	if i.State == InstanceTerminated || i.State == InstanceShuttingDown {
		return wrongInstanceState(i, "modify")
	}
	if (r.Type != nil || r.UserData != nil) && i.State != InstanceStopped {
		return wrongInstanceState(i, "modify")
	}
	if r.UserData != nil && len(*r.UserData) > maxUserData {
		return failWith(TooLong, "userData", "16384")
	}
	if r.ShutdownBehavior != nil {
		if *r.ShutdownBehavior == "" {
			return failWith(InvalidValue, "", "instanceInitiatedShutdownBehavior")
		}
		if err := checkShutdown(*r.ShutdownBehavior); err != nil {
			return err
		}
	}
	if err := e.setOnlyInterface(i, r); err != nil {
		return err
	}
	next := *i
	set(&next.UserData, r.UserData)
	set(&next.ShutdownBehavior, r.ShutdownBehavior)
	set(&next.DisableTermination, r.DisableTermination)
	set(&next.DisableStop, r.DisableStop)
	if r.Metadata != nil {
		if err := r.Metadata.check(); err != nil {
			return err
		}
		next.Metadata = r.Metadata.or(i.Metadata)
	}
	if len(r.Stored) > 0 {
		next.Stored = maps.Clone(i.Stored)
		if next.Stored == nil {
			next.Stored = map[string]string{}
		}
		maps.Copy(next.Stored, r.Stored)
	}
	if r.Type != nil {
		next.Type, next.MaxInterfaces, next.MaxAddrs = *r.Type, r.MaxInterfaces, r.MaxAddrs
		if err := e.typeFits(&next); err != nil {
			return err
		}
	}
	e.putInstance(&next)
	return nil
}

// typeFits is an error if the instance has more interfaces or addresses than its
// type may have (AWS: Change the instance type, compatibility).
func (e *edit) typeFits(i *Instance) error {
	plugged := 0
	for eni := range e.ENIsAt(i.ID) {
		plugged++
		if err := fits(i, eni); err != nil {
			return err
		}
	}
	if i.MaxInterfaces > 0 && plugged > i.MaxInterfaces {
		return failWith(LimitExceeded, i.ID, QuotaInterfaces)
	}
	return nil
}

// setOnlyInterface passes on what is really an interface's (AWS:
// ModifyInstanceAttribute, "you can modify this attribute only if the instance
// has one interface").
func (e *edit) setOnlyInterface(i *Instance, r SetInstanceAttribute) error {
	if r.SourceDestCheck == nil && r.Groups == nil {
		return nil
	}
	enis := slices.Collect(e.ENIsAt(i.ID))
	if len(enis) != 1 {
		return fail(ManyInterfaces, i.ID)
	}
	return SetENIAttribute{ENI: enis[0].ID, SourceDestCheck: r.SourceDestCheck, Groups: r.Groups}.apply(e)
}

// reported is the instance that a report speaks of; nil when the report is out
// of date.
func (e *edit) reported(id InstanceID, boot int) *Instance {
	i := e.Instance(id)
	if i == nil || boot != 0 && boot != i.Boots {
		return nil
	}
	return i
}

func (r ReportStarted) apply(e *edit) error {
	if i := e.reported(r.Instance, r.Boot); i != nil && i.State == InstancePending {
		e.became(i, InstanceRunning, "")
	}
	return nil
}

// apply ends an instance that went down by itself if it shall terminate then
// (AWS: Instance initiated shutdown behavior).
func (r ReportStopped) apply(e *edit) error {
	i := e.reported(r.Instance, r.Boot)
	if i == nil {
		return nil
	}
	reason := r.Reason
	switch i.State {
	case InstanceStopping:
		if reason == "" {
			reason = i.Reason
		}
		e.became(i, InstanceStopped, reason)
	case InstancePending, InstanceRunning:
		if i.ShutdownBehavior == "terminate" {
			e.became(i, InstanceShuttingDown, reason)
		} else {
			e.became(i, InstanceStopped, reason)
		}
	}
	return nil
}

// apply frees the interfaces that shall outlive the instance and deletes the
// others, with their addresses (AWS: Terminate Amazon EC2 instances; Network
// interfaces, termination behavior).
func (r ReportEnded) apply(e *edit) error {
	i := e.reported(r.Instance, 0)
	if i == nil || i.State != InstanceShuttingDown {
		return nil
	}
	for eni := range e.ENIsAt(i.ID) {
		if eni.Attachment.DeleteOnTermination {
			drop(e, &e.enis, kindENI, eni.key())
			continue
		}
		next := *eni
		next.Attachment = nil
		e.putENI(&next)
	}
	e.became(i, InstanceTerminated, i.Reason)
	return nil
}
