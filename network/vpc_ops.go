package network

import "net/netip"

// The sizes of IPv4 blocks of VPCs and subnets (AWS: VPC CIDR blocks; Subnet CIDR
// blocks), and of the IPv6 blocks that Amazon provides.
const (
	minBits     = 16
	maxBits     = 28
	vpcBits6    = 56
	subnetBits6 = 64
)

func (r CreateVPC) apply(e *edit) error {
	if !r.CIDR.IsValid() {
		return fail(Missing, "cidrBlock")
	}
	cidr, err := vpcBlock(r.CIDR)
	if err != nil {
		return err
	}
	tenancy := r.Tenancy
	switch tenancy {
	case "":
		tenancy = "default"
	case "default", "dedicated":
	default:
		return failWith(InvalidValue, tenancy, "instanceTenancy")
	}
	if err := e.room(e.home().World(), QuotaVPCs); err != nil {
		return err
	}
	v := &VPC{Blocks: e.blocks("vpc-cidr-assoc", cidr), Tenancy: tenancy}
	if r.Amazon6 {
		v.Blocks6 = e.blocks("vpc-cidr-assoc", e.amazonBlock())
	}
	v = e.makeVPC(v)
	e.created(v.key())
	return e.setTags(v.key(), r.Tags)
}

// blocks are new associations of CIDR blocks.
func (e *edit) blocks(prefix string, cidrs ...netip.Prefix) []Block {
	var out []Block
	for _, cidr := range cidrs {
		out = append(out, Block{Association: AssociationID(e.newID(prefix)), CIDR: cidr})
	}
	return out
}

// makeVPC makes what every VPC has from the start: an ID, a main route table, a
// default network ACL, a default security group and the Region's DHCP options
// (AWS: Create a VPC).
func (e *edit) makeVPC(v *VPC) *VPC {
	v.ID, v.Home, v.Created, v.DNSSupport = VPCID(e.newID("vpc")), e.home(), e.op.At, true
	if v.Tenancy == "" {
		v.Tenancy = "default"
	}
	v.DHCPOptions = e.defaultDHCPOptions()
	v.MainTable, v.MainAssociation = e.newTable(v).ID, AssociationID(e.newID("rtbassoc"))
	v.DefaultACL = e.newDefaultACL(v).ID
	v.DefaultGroup = e.newDefaultGroup(v).ID
	e.putVPC(v)
	return v
}

func (e *edit) putVPC(v *VPC) { put(e, &e.vpcs, kindVPC, v) }

// apply refuses while anything is left that was not made with the VPC (AWS:
// Delete your VPC; DeleteVpc, DependencyViolation).
func (r DeleteVPC) apply(e *edit) error {
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	for _, prefix := range []string{"subnet-", "eni-", "igw-", "eigw-"} {
		if id := e.refs.first(v.key(), prefix); id != "" {
			return failWith(InUse, v.ID, id)
		}
	}
	made := []string{string(v.MainTable), string(v.DefaultACL), string(v.DefaultGroup)}
	for i, prefix := range []string{"rtb-", "acl-", "sg-"} {
		for id := range e.refs.children(v.key(), prefix) {
			if id != made[i] {
				return failWith(InUse, v.ID, id)
			}
		}
	}
	if err := e.leavePeerings(v); err != nil {
		return err
	}
	drop(e, &e.routeTables, kindRouteTable, made[0])
	drop(e, &e.acls, kindACL, made[1])
	e.dropGroup(e.SecurityGroup(v.DefaultGroup))
	drop(e, &e.vpcs, kindVPC, v.key())
	return nil
}

// apply follows AWS: ModifyVpcAttribute ("You can only enable DNS hostnames if
// you've enabled DNS support") and ModifyVpcTenancy (only back to default).
func (r SetVPCAttribute) apply(e *edit) error {
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	next := *v
	set(&next.DNSSupport, r.DNSSupport)
	set(&next.DNSHostnames, r.DNSHostnames)
	set(&next.UsageMetrics, r.UsageMetrics)
	if next.DNSHostnames && !next.DNSSupport && r.DNSHostnames != nil {
		return failWith(Combination, "enableDnsHostnames", "enableDnsSupport")
	}
	if r.Tenancy != nil && *r.Tenancy != "default" {
		return failWith(InvalidValue, *r.Tenancy, "instanceTenancy")
	}
	set(&next.Tenancy, r.Tenancy)
	e.putVPC(&next)
	return nil
}

// set changes a field to an optional new value.
func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}
