package network

// An ID names a thing only to those who may see it: another account's, or
// another Region's, is as absent as one that never was (AWS: Error codes for the
// Amazon EC2 API, "does not exist" for both). A string that cannot be an ID of
// the kind is told apart, as Malformed.

func visible[V interface {
	row
	In(Caller) bool
}](e *edit, t table[V], id, prefix string) (V, error) {
	var none V
	if !WellFormed(id, prefix) {
		return none, failWith(Malformed, id, prefix)
	}
	v, ok := t.get(id)
	if !ok || !v.In(e.op.Caller) {
		return none, fail(NotFound, id)
	}
	return v, nil
}

func (e *edit) vpc(id VPCID) (*VPC, error) { return visible(e, e.vpcs, string(id), "vpc") }

func (e *edit) subnet(id SubnetID) (*Subnet, error) {
	return visible(e, e.subnets, string(id), "subnet")
}

func (e *edit) eni(id ENIID) (*ENI, error) { return visible(e, e.enis, string(id), "eni") }

func (e *edit) instance(id InstanceID) (*Instance, error) {
	return visible(e, e.instances, string(id), "i")
}

func (e *edit) table(id RouteTableID) (*RouteTable, error) {
	return visible(e, e.routeTables, string(id), "rtb")
}

func (e *edit) group(id GroupID) (*SecurityGroup, error) {
	return visible(e, e.groups, string(id), "sg")
}

func (e *edit) acl(id ACLID) (*ACL, error) { return visible(e, e.acls, string(id), "acl") }

func (e *edit) gateway(id GatewayID) (*InternetGateway, error) {
	return visible(e, e.gateways, string(id), "igw")
}

// peering sees from either side.
func (e *edit) peering(id PeeringID) (*Peering, error) {
	return visible(e, e.peerings, string(id), "pcx")
}

// newID mints an ID that nothing has, even when a seed comes twice.
func (e *edit) newID(prefix string) string {
	for {
		if id := e.mint.next(prefix); !e.taken(prefix, id) {
			return id
		}
	}
}

func (e *edit) taken(prefix, id string) bool {
	has := false
	switch prefix {
	case "vpc":
		_, has = e.vpcs.get(id)
	case "subnet":
		_, has = e.subnets.get(id)
	case "eni":
		_, has = e.enis.get(id)
	case "i":
		_, has = e.instances.get(id)
	case "rtb":
		_, has = e.routeTables.get(id)
	case "pcx":
		_, has = e.peerings.get(id)
	case "sg":
		_, has = e.groups.get(id)
	case "acl":
		_, has = e.acls.get(id)
	case "igw":
		_, has = e.gateways.get(id)
	case "eigw":
		_, has = e.egress.get(id)
	case "eipalloc":
		_, has = e.addresses.get(id)
	case "dopt":
		_, has = e.optionSets.get(id)
	case "key":
		_, has = e.keyPairs.get(id)
	case "fl":
		_, has = e.flowLogs.get(id)
	case "nip":
		_, has = e.insightsPaths.get(id)
	case "nia":
		_, has = e.insightsAnalyses.get(id)
	case "nis":
		_, has = e.accessScopes.get(id)
	case "nisa":
		_, has = e.scopeAnalyses.get(id)
	case "lt":
		_, has = e.templates.get(id)
	}
	// Associations, attachments, rules and reservations are no rows of their
	// own: the row that holds one links to it.
	return has || e.refs.first(id, "") != ""
}
