package network

import (
	"net/netip"
	"slices"
)

func (r CreateSubnet) apply(e *edit) error {
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	if err := wholeRequest(r); err != nil {
		return err
	}
	n := &Subnet{VPC: v.ID, Zone: r.Zone, Native6: r.Native6}
	if r.CIDR.IsValid() {
		if n.CIDR, err = e.subnetBlock(v, r.CIDR); err != nil {
			return err
		}
	}
	if r.CIDR6.IsValid() {
		cidr6, err := e.subnetBlock6(v, r.CIDR6)
		if err != nil {
			return err
		}
		n.Blocks6 = e.blocks("subnet-cidr-assoc", cidr6)
	}
	if n.Zone, err = e.zone(r.Zone, r.Zones); err != nil {
		return err
	}
	if err := e.makeSubnet(v, n); err != nil {
		return err
	}
	return e.setTags(n.key(), r.Tags)
}

// wholeRequest is about the two kinds of subnet (AWS: CreateSubnet, Ipv6Native).
func wholeRequest(r CreateSubnet) error {
	switch {
	case r.Native6 && r.CIDR.IsValid():
		return failWith(Combination, "cidrBlock", "ipv6Native")
	case r.Native6 && !r.CIDR6.IsValid():
		return fail(Missing, "ipv6CidrBlock")
	case !r.Native6 && !r.CIDR.IsValid():
		return fail(Missing, "cidrBlock")
	}
	return nil
}

// zone is where a new subnet goes: where it was asked for, or anywhere.
func (e *edit) zone(asked string, zones []string) (string, error) {
	if len(zones) == 0 {
		if w := e.World(e.op.Caller); w != nil {
			zones = w.Zones
		}
	}
	switch {
	case asked == "" && len(zones) > 0:
		return zones[e.mint.dice()%uint64(len(zones))], nil
	case len(zones) > 0 && !slices.Contains(zones, asked):
		return "", failWith(InvalidValue, asked, "availabilityZone")
	}
	return asked, nil
}

// subnetBlock is a subnet's IPv4 range in canonical form: /16 to /28, inside one
// block of the VPC, clear of the other subnets (AWS: Subnet CIDR blocks).
func (e *edit) subnetBlock(v *VPC, cidr netip.Prefix) (netip.Prefix, error) {
	if !cidr.Addr().Is4() {
		return cidr, failWith(InvalidCIDR, cidr.String(), "cidrBlock")
	}
	cidr = cidr.Masked()
	if cidr.Bits() < minBits || cidr.Bits() > maxBits {
		return cidr, fail(CIDRSize, cidr.String())
	}
	return cidr, e.clear(v, cidr)
}

// subnetBlock6 is a subnet's IPv6 range: a /64 of one of the VPC's.
func (e *edit) subnetBlock6(v *VPC, cidr netip.Prefix) (netip.Prefix, error) {
	if !cidr.Addr().Is6() || cidr.Addr().Is4In6() {
		return cidr, failWith(InvalidCIDR, cidr.String(), "ipv6CidrBlock")
	}
	cidr = cidr.Masked()
	if cidr.Bits() != subnetBits6 {
		return cidr, fail(CIDRSize, cidr.String())
	}
	return cidr, e.clear(v, cidr)
}

// clear is an error unless cidr lies in one block of the VPC and in no subnet.
func (e *edit) clear(v *VPC, cidr netip.Prefix) error {
	inside := func(b Block) bool { return within(cidr, b.CIDR) }
	if !slices.ContainsFunc(v.blocksOf(cidr.Addr().Is4()), inside) {
		return failWith(CIDROutside, cidr.String(), v.ID)
	}
	for n := range e.SubnetsIn(v.ID) {
		if p := n.rangeOf(cidr.Addr().Is4()); p.IsValid() && p.Overlaps(cidr) {
			return failWith(CIDRConflict, cidr.String(), n.ID)
		}
	}
	return nil
}

// makeSubnet gives a subnet what every one has from the start: an ID and the
// VPC's default network ACL (AWS: Network ACL basics).
func (e *edit) makeSubnet(v *VPC, n *Subnet) error {
	if err := e.room(v.key(), QuotaSubnets); err != nil {
		return err
	}
	n.ID, n.Home, n.VPC, n.Created = SubnetID(e.newID("subnet")), v.Home, v.ID, e.op.At
	n.ACL, n.ACLAssociation = v.DefaultACL, AssociationID(e.newID("aclassoc"))
	n.HostnameType = "ip-name"
	if n.Native6 {
		n.HostnameType, n.Assign6 = "resource-name", true
	}
	e.putSubnet(n)
	e.created(n.key())
	return nil
}

func (e *edit) putSubnet(n *Subnet) { put(e, &e.subnets, kindSubnet, n) }

// apply makes the default subnet of a zone that has none (AWS: Create a default
// subnet): one per zone, in a default VPC.
func (r CreateDefaultSubnet) apply(e *edit) error {
	v := e.DefaultVPC(e.op.Caller)
	if v == nil {
		return fail(NoDefaultVPC, e.home().World())
	}
	zone, err := e.zone(r.Zone, nil)
	if err != nil {
		return err
	}
	for n := range e.SubnetsIn(v.ID) {
		if n.DefaultForZone && n.Zone == zone {
			return failWith(AlreadyExists, n.ID, zone)
		}
	}
	if r.Native6 {
		return e.makeDefaultSubnet6(v, zone)
	}
	return e.makeDefaultSubnet(v, zone)
}

// makeDefaultSubnet takes the next free /20 of the default VPC.
func (e *edit) makeDefaultSubnet(v *VPC, zone string) error {
	block := v.Blocks[0].CIDR
	step := uint64(1) << (32 - defaultSubnetBits)
	for at := uint64(0); at < lastPlace(block); at += step {
		cidr := netip.PrefixFrom(nth(block, at), defaultSubnetBits)
		if e.clear(v, cidr) == nil {
			return e.makeSubnet(v, &Subnet{CIDR: cidr, Zone: zone, DefaultForZone: true, MapPublicIP: true})
		}
	}
	return fail(AddressesExhausted, v.ID)
}

// makeDefaultSubnet6 takes the next free /64 of the default VPC's IPv6 blocks.
func (e *edit) makeDefaultSubnet6(v *VPC, zone string) error {
	if len(v.Blocks6) == 0 {
		return fail(NoIPv6, v.ID)
	}
	for _, b := range v.Blocks6 {
		net := b.CIDR.Addr().As16()
		for i := range 1 << (subnetBits6 - vpcBits6) {
			net[7] = byte(i)
			cidr := netip.PrefixFrom(netip.AddrFrom16(net), subnetBits6)
			if e.clear(v, cidr) == nil {
				return e.makeSubnet(v, &Subnet{
					Blocks6: e.blocks("subnet-cidr-assoc", cidr), Native6: true, Zone: zone, DefaultForZone: true,
				})
			}
		}
	}
	return fail(AddressesExhausted, v.ID)
}

// apply refuses while an interface is in the subnet (AWS: DeleteSubnet).
func (r DeleteSubnet) apply(e *edit) error {
	n, err := e.subnet(r.Subnet)
	if err != nil {
		return err
	}
	if eni := e.refs.first(n.key(), "eni-"); eni != "" {
		return failWith(InUse, n.ID, eni)
	}
	drop(e, &e.subnets, kindSubnet, n.key())
	return nil
}

// apply follows AWS: ModifySubnetAttribute. What concerns a family that the
// subnet doesn't have is refused.
func (r SetSubnetAttribute) apply(e *edit) error {
	n, err := e.subnet(r.Subnet)
	if err != nil {
		return err
	}
	next := *n
	set(&next.MapPublicIP, r.MapPublicIP)
	set(&next.Assign6, r.Assign6)
	set(&next.DNS64, r.DNS64)
	set(&next.HostnameType, r.HostnameType)
	set(&next.NameA, r.NameA)
	set(&next.NameAAAA, r.NameAAAA)
	no6 := len(n.Blocks6) == 0
	switch {
	case no6 && (next.Assign6 || next.DNS64):
		return fail(NoIPv6, n.ID)
	case n.Native6 && next.MapPublicIP:
		return failWith(Combination, "mapPublicIpOnLaunch", "ipv6Native")
	case next.HostnameType != "ip-name" && next.HostnameType != "resource-name":
		return failWith(InvalidValue, next.HostnameType, "privateDnsHostnameTypeOnLaunch")
	case n.Native6 && next.HostnameType == "ip-name":
		return failWith(Combination, "privateDnsHostnameTypeOnLaunch", "ipv6Native")
	}
	e.putSubnet(&next)
	return nil
}

// apply gives at most one IPv6 block (AWS: AssociateSubnetCidrBlock).
func (r AssociateSubnetBlock) apply(e *edit) error {
	n, err := e.subnet(r.Subnet)
	if err != nil {
		return err
	}
	if !r.CIDR6.IsValid() {
		return fail(Missing, "ipv6CidrBlock")
	}
	if len(n.Blocks6) > 0 {
		return failWith(LimitExceeded, n.ID, QuotaSubnetBlocks6)
	}
	cidr6, err := e.subnetBlock6(e.VPC(n.VPC), r.CIDR6)
	if err != nil {
		return err
	}
	next := *n
	next.Blocks6 = e.blocks("subnet-cidr-assoc", cidr6)
	e.putSubnet(&next)
	e.created(string(next.Blocks6[0].Association))
	return nil
}

// apply refuses while an interface has an address of the block (AWS:
// DisassociateSubnetCidrBlock). An IPv6-only subnet has no other block.
func (r DisassociateSubnetBlock) apply(e *edit) error {
	if !WellFormed(string(r.Association), "subnet-cidr-assoc") {
		return failWith(Malformed, r.Association, "subnet-cidr-assoc")
	}
	n := lookup(e.subnets, e.refs.first(string(r.Association), "subnet-"))
	if n == nil || !n.In(e.op.Caller) {
		return fail(NotFound, r.Association)
	}
	if n.Native6 {
		return fail(PrimaryBlock, r.Association)
	}
	for eni := range e.ENIsInSubnet(n.ID) {
		if len(eni.Addrs6) > 0 {
			return failWith(InUse, r.Association, eni.ID)
		}
	}
	next := *n
	next.Blocks6, next.Assign6, next.DNS64 = nil, false, false
	e.putSubnet(&next)
	return nil
}
