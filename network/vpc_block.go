package network

import (
	"encoding/binary"
	"net/netip"
)

// Ranges that decide what a VPC may have (AWS: VPC CIDR blocks, IPv4 CIDR block
// association restrictions).
var (
	range10   = netip.MustParsePrefix("10.0.0.0/8")
	range172  = netip.MustParsePrefix("172.16.0.0/12")
	range192  = netip.MustParsePrefix("192.168.0.0/16")
	range198  = netip.MustParsePrefix("198.19.0.0/16")
	private   = []netip.Prefix{range10, range172, range192}
	range10a  = netip.MustParsePrefix("10.0.0.0/15")
	range10b  = netip.MustParsePrefix("10.0.0.0/16")
	notForVPC = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),      // RFC 1122: this network
		netip.MustParsePrefix("127.0.0.0/8"),    // RFC 1122: loopback
		netip.MustParsePrefix("169.254.0.0/16"), // RFC 3927: link-local
		netip.MustParsePrefix("224.0.0.0/3"),    // RFC 5771, RFC 1112: multicast, class E, broadcast
	}
)

// vpcBlock is an IPv4 block of a VPC in canonical form: AWS clears host bits and
// takes /16 to /28 (AWS: CreateVpc; VPC CIDR blocks).
func vpcBlock(cidr netip.Prefix) (netip.Prefix, error) {
	if !cidr.Addr().Is4() {
		return cidr, failWith(InvalidCIDR, cidr.String(), "cidrBlock")
	}
	cidr = cidr.Masked()
	if cidr.Bits() < minBits || cidr.Bits() > maxBits || overlap([]netip.Prefix{cidr}, notForVPC) {
		return cidr, fail(CIDRSize, cidr.String())
	}
	return cidr, nil
}

// amazonBlock is an IPv6 /56 that no VPC of any account has. AWS's are of
// 2600:1f00::/24; no packet to one leaves the fabric.
func (e *edit) amazonBlock() netip.Prefix {
	for {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], 0x26001f00<<32|e.mint.dice()&0xff_ffff_ffff&^0xff)
		block := netip.PrefixFrom(netip.AddrFrom16(b), vpcBits6)
		if e.refs.first(block.String(), "vpc-") == "" {
			return block
		}
	}
}

func (r AssociateVPCBlock) apply(e *edit) error {
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	cidr, err := e.newBlock(v, r.CIDR)
	if err != nil {
		return err
	}
	if err := e.widenPeerings(v, cidr); err != nil {
		return err
	}
	next, block := *v, e.blocks("vpc-cidr-assoc", cidr)[0]
	if cidr.Addr().Is4() {
		next.Blocks = appended(v.Blocks, block)
	} else {
		next.Blocks6 = appended(v.Blocks6, block)
	}
	e.putVPC(&next)
	if err := e.addLocalRoutes(&next, cidr); err != nil {
		return err
	}
	if len(v.Blocks6) == 0 && len(next.Blocks6) > 0 {
		e.openACL6(&next)
		e.openGroups6(&next)
	}
	e.created(string(block.Association))
	return nil
}

// newBlock is the block that was asked for, or one of Amazon's, if the VPC may
// have it.
func (e *edit) newBlock(v *VPC, asked netip.Prefix) (netip.Prefix, error) {
	if !asked.IsValid() {
		if len(v.Blocks6) >= e.Quota(e.op.Caller, QuotaBlocks6) {
			return asked, failWith(LimitExceeded, v.ID, QuotaBlocks6)
		}
		return e.amazonBlock(), nil
	}
	cidr, err := vpcBlock(asked)
	if err != nil {
		return cidr, err
	}
	if err := addable(v, cidr); err != nil {
		return cidr, err
	}
	if len(v.Blocks) >= e.Quota(e.op.Caller, QuotaBlocks) {
		return cidr, failWith(LimitExceeded, v.ID, QuotaBlocks)
	}
	return cidr, nil
}

// appended leaves the stored row's slice as it was.
func appended[T any](s []T, v ...T) []T { return append(s[:len(s):len(s)], v...) }

// addable applies the restriction table (AWS: VPC CIDR blocks, IPv4 CIDR block
// association restrictions): the primary block's family decides.
func addable(v *VPC, cidr netip.Prefix) error {
	for _, b := range v.Blocks {
		if b.CIDR.Overlaps(cidr) {
			return failWith(CIDRConflict, cidr.String(), v.ID)
		}
	}
	primary := v.Blocks[0].CIDR
	for _, family := range private {
		own := primary.Overlaps(family)
		if cidr.Overlaps(family) && !own {
			return failWith(CIDRRestricted, cidr.String(), v.ID)
		}
	}
	restricted := cidr.Overlaps(range198) && !primary.Overlaps(range198)
	if primary.Overlaps(range172) && cidr.Overlaps(defaultRange) {
		restricted = true
	}
	for _, b := range v.Blocks {
		if b.CIDR.Overlaps(range10a) && cidr.Overlaps(range10b) {
			restricted = true
		}
	}
	if restricted {
		return failWith(CIDRRestricted, cidr.String(), v.ID)
	}
	return nil
}

// apply refuses the primary block and one that a subnet lies in (AWS:
// DisassociateVpcCidrBlock).
func (r DisassociateVPCBlock) apply(e *edit) error {
	if !WellFormed(string(r.Association), "vpc-cidr-assoc") {
		return failWith(Malformed, r.Association, "vpc-cidr-assoc")
	}
	v := lookup(e.vpcs, e.refs.first(string(r.Association), "vpc-"))
	if v == nil || !v.In(e.op.Caller) {
		return fail(NotFound, r.Association)
	}
	if v.Blocks[0].Association == r.Association {
		return fail(PrimaryBlock, r.Association)
	}
	next := *v
	var gone netip.Prefix
	next.Blocks, next.Blocks6 = nil, nil
	for _, b := range v.Blocks {
		if b.Association != r.Association {
			next.Blocks = append(next.Blocks, b)
		} else {
			gone = b.CIDR
		}
	}
	for _, b := range v.Blocks6 {
		if b.Association != r.Association {
			next.Blocks6 = append(next.Blocks6, b)
		} else {
			gone = b.CIDR
		}
	}
	for n := range e.SubnetsIn(v.ID) {
		if p := n.rangeOf(gone.Addr().Is4()); p.IsValid() && gone.Overlaps(p) {
			return failWith(InUse, r.Association, n.ID)
		}
	}
	e.putVPC(&next)
	e.removeLocalRoutes(&next, gone)
	return nil
}
