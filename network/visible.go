package network

// What a caller cannot see does not exist for it: a resource of another account
// or Region gives the same NotFound as one that was never made (AWS: Error
// codes, Invalid…ID.NotFound "Ensure that you have indicated the Region").

// housed is a row that one account owns in one Region.
type housed interface {
	row
	In(Caller) bool
}

// visible is the row with id, if id is one of its kind and the caller sees it.
func visible[V housed, K ~string](e *edit, t table[V], prefix string, id K) (V, error) {
	var none V
	if !WellFormed(string(id), prefix) {
		return none, failWith(Malformed, id, prefix)
	}
	v, ok := t.get(string(id))
	if !ok || !v.In(e.op.Caller) {
		return none, fail(NotFound, id)
	}
	return v, nil
}

func (e *edit) vpc(id VPCID) (*VPC, error)                { return visible(e, e.vpcs, "vpc", id) }
func (e *edit) subnet(id SubnetID) (*Subnet, error)       { return visible(e, e.subnets, "subnet", id) }
func (e *edit) eni(id ENIID) (*ENI, error)                { return visible(e, e.enis, "eni", id) }
func (e *edit) instance(id InstanceID) (*Instance, error) { return visible(e, e.instances, "i", id) }
func (e *edit) table(id RouteTableID) (*RouteTable, error) {
	return visible(e, e.routeTables, "rtb", id)
}
func (e *edit) group(id GroupID) (*SecurityGroup, error) { return visible(e, e.groups, "sg", id) }
func (e *edit) acl(id ACLID) (*ACL, error)               { return visible(e, e.acls, "acl", id) }
func (e *edit) gateway(id GatewayID) (*InternetGateway, error) {
	return visible(e, e.gateways, "igw", id)
}

// peering is visible to either side, in that side's Region, for as long as AWS
// shows it to that side.
func (e *edit) peering(id PeeringID) (*Peering, error) {
	if !WellFormed(string(id), "pcx") {
		return nil, failWith(Malformed, id, "pcx")
	}
	p := e.Peering(id)
	if p == nil || !p.VisibleTo(e.op.Caller) {
		return nil, fail(NotFound, id)
	}
	return p, nil
}
