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
func (r CreateSubnet) apply(e *edit) error   { return failWith(Unsupported, "CreateSubnet", "") }
func (r CreateDefaultSubnet) apply(e *edit) error {
	return failWith(Unsupported, "CreateDefaultSubnet", "")
}
func (r DeleteSubnet) apply(e *edit) error { return failWith(Unsupported, "DeleteSubnet", "") }
func (r SetSubnetAttribute) apply(e *edit) error {
	return failWith(Unsupported, "SetSubnetAttribute", "")
}
func (r AssociateSubnetBlock) apply(e *edit) error {
	return failWith(Unsupported, "AssociateSubnetBlock", "")
}
func (r DisassociateSubnetBlock) apply(e *edit) error {
	return failWith(Unsupported, "DisassociateSubnetBlock", "")
}
func (r OpenWorld) apply(e *edit) error        { return failWith(Unsupported, "OpenWorld", "") }
func (r CreateVPC) apply(e *edit) error        { return failWith(Unsupported, "CreateVPC", "") }
func (r CreateDefaultVPC) apply(e *edit) error { return failWith(Unsupported, "CreateDefaultVPC", "") }
func (r DeleteVPC) apply(e *edit) error        { return failWith(Unsupported, "DeleteVPC", "") }
func (r SetVPCAttribute) apply(e *edit) error  { return failWith(Unsupported, "SetVPCAttribute", "") }
func (r AssociateVPCBlock) apply(e *edit) error {
	return failWith(Unsupported, "AssociateVPCBlock", "")
}
func (r DisassociateVPCBlock) apply(e *edit) error {
	return failWith(Unsupported, "DisassociateVPCBlock", "")
}
