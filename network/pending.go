package network

func (r CreateENI) apply(e *edit) error       { return failWith(Unsupported, "CreateENI", "") }
func (r DeleteENI) apply(e *edit) error       { return failWith(Unsupported, "DeleteENI", "") }
func (r AttachENI) apply(e *edit) error       { return failWith(Unsupported, "AttachENI", "") }
func (r DetachENI) apply(e *edit) error       { return failWith(Unsupported, "DetachENI", "") }
func (r SetENIAttribute) apply(e *edit) error { return failWith(Unsupported, "SetENIAttribute", "") }
func (r AssignAddrs) apply(e *edit) error     { return failWith(Unsupported, "AssignAddrs", "") }
func (r UnassignAddrs) apply(e *edit) error   { return failWith(Unsupported, "UnassignAddrs", "") }
func (r AssignAddrs6) apply(e *edit) error    { return failWith(Unsupported, "AssignAddrs6", "") }
func (r UnassignAddrs6) apply(e *edit) error  { return failWith(Unsupported, "UnassignAddrs6", "") }
func (r RunInstances) apply(e *edit) error    { return failWith(Unsupported, "RunInstances", "") }
func (r StartInstances) apply(e *edit) error  { return failWith(Unsupported, "StartInstances", "") }
func (r StopInstances) apply(e *edit) error   { return failWith(Unsupported, "StopInstances", "") }
func (r RebootInstances) apply(e *edit) error { return failWith(Unsupported, "RebootInstances", "") }
func (r TerminateInstances) apply(e *edit) error {
	return failWith(Unsupported, "TerminateInstances", "")
}
func (r SetInstanceAttribute) apply(e *edit) error {
	return failWith(Unsupported, "SetInstanceAttribute", "")
}
func (r ReportStarted) apply(e *edit) error { return failWith(Unsupported, "ReportStarted", "") }
func (r ReportStopped) apply(e *edit) error { return failWith(Unsupported, "ReportStopped", "") }
func (r ReportEnded) apply(e *edit) error   { return failWith(Unsupported, "ReportEnded", "") }
