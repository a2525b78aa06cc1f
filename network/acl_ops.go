package network

import (
	"cmp"
	"slices"
	"strconv"
)

// The numbers that entries can have, and those of the entries that deny the rest
// and that nobody can change (AWS: Network ACL rules; CreateNetworkAclEntry).
const (
	maxEntryNumber = 32766
	FinalEntry     = 32767 // of IPv4
	FinalEntry6    = 32768 // of IPv6
)

func (e *edit) putACL(a *ACL) { put(e, &e.acls, kindACL, a) }

// apply makes an ACL without entries, so that it denies all (AWS: Create a
// network ACL for your VPC).
func (r CreateACL) apply(e *edit) error {
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	if err := e.room(string(v.ID), QuotaACLs); err != nil {
		return err
	}
	a := &ACL{ID: ACLID(e.newID("acl")), Home: v.Home, VPC: v.ID, Created: e.op.At}
	e.putACL(a)
	e.created(a.key())
	return e.setTags(a.key(), r.Tags)
}

func (r DeleteACL) apply(e *edit) error {
	a, err := e.acl(r.ACL)
	if err != nil {
		return err
	}
	if a.Default {
		return fail(DefaultUndeletable, a.ID)
	}
	for n := range e.SubnetsUnder(a.ID) {
		return failWith(InUse, a.ID, n.ID)
	}
	drop(e, &e.acls, kindACL, a.key())
	return nil
}

// apply never overwrites: the number must be free in its direction (AWS:
// CreateNetworkAclEntry, NetworkAclEntryAlreadyExists).
func (r CreateACLEntry) apply(e *edit) error {
	a, err := e.acl(r.ACL)
	if err != nil {
		return err
	}
	entry, err := r.Entry.shaped()
	if err != nil {
		return err
	}
	if a.Has(entry) {
		return failWith(EntryExists, strconv.Itoa(entry.Number), a.ID)
	}
	next := *a
	next.Entries = append(slices.Clone(a.Entries), entry)
	return e.putEntries(&next)
}

func (r ReplaceACLEntry) apply(e *edit) error {
	a, err := e.acl(r.ACL)
	if err != nil {
		return err
	}
	entry, err := r.Entry.shaped()
	if err != nil {
		return err
	}
	at := a.index(entry.Number, entry.Egress)
	if at < 0 {
		return failWith(EntryNotFound, strconv.Itoa(entry.Number), a.ID)
	}
	next := *a
	next.Entries = slices.Clone(a.Entries)
	next.Entries[at] = entry
	return e.putEntries(&next)
}

func (r DeleteACLEntry) apply(e *edit) error {
	a, err := e.acl(r.ACL)
	if err != nil {
		return err
	}
	at := a.index(r.Number, r.Egress)
	if at < 0 {
		return failWith(EntryNotFound, strconv.Itoa(r.Number), a.ID)
	}
	next := *a
	next.Entries = slices.Delete(slices.Clone(a.Entries), at, at+1)
	e.putACL(&next)
	return nil
}

// index is where the entry with a number and direction is; negative when nowhere.
func (a *ACL) index(number int, egress bool) int {
	return slices.IndexFunc(a.Entries, func(e ACLEntry) bool { return e.Number == number && e.Egress == egress })
}

// putEntries puts the entries in order and stores them, if they fit. The quota
// holds for each direction and family apart and includes the final entry (AWS:
// Amazon VPC quotas, Rules per network ACL). Decision 0037.
func (e *edit) putEntries(a *ACL) error {
	slices.SortFunc(a.Entries, func(x, y ACLEntry) int {
		if x.Egress != y.Egress {
			if y.Egress {
				return -1
			}
			return +1
		}
		return cmp.Compare(x.Number, y.Number)
	})
	var n [2][2]int // by direction and family
	for _, entry := range a.Entries {
		dir, family := 0, 0
		if entry.Egress {
			dir = 1
		}
		if !entry.CIDR.Addr().Is4() {
			family = 1
		}
		if n[dir][family]++; n[dir][family]+1 > e.Quota(e.op.Caller, QuotaEntries) {
			return failWith(LimitExceeded, a.ID, QuotaEntries)
		}
	}
	e.putACL(a)
	return nil
}

// shaped is the entry in the one form that stands for what it means: the CIDR
// block without host bits; no ports where the protocol has none. ICMPv6 with an
// IPv4 block means all of its types (AWS: CreateNetworkAclEntry).
func (a ACLEntry) shaped() (ACLEntry, error) {
	if a.Number < 1 || a.Number > maxEntryNumber {
		return a, failWith(InvalidValue, strconv.Itoa(a.Number), "ruleNumber")
	}
	if !a.CIDR.IsValid() {
		return a, fail(Missing, "cidrBlock")
	}
	a.CIDR = a.CIDR.Masked()
	if a.Protocol == ICMPv6 && a.CIDR.Addr().Is4() {
		a.Ports = AnyPort
	}
	ports, err := shapedPorts(a.Protocol, a.Ports)
	a.Ports = ports
	return a, err
}

// apply puts the subnet under another ACL; the old association's ID is dead
// afterwards (AWS: ReplaceNetworkAclAssociation).
func (r ReplaceACLAssociation) apply(e *edit) error {
	if !WellFormed(string(r.Association), "aclassoc") {
		return failWith(Malformed, r.Association, "aclassoc")
	}
	n := e.SubnetAssociatedAs(r.Association)
	if n == nil || !n.In(e.op.Caller) {
		return fail(NotFound, r.Association)
	}
	a, err := e.acl(r.ACL)
	if err != nil {
		return err
	}
	if a.VPC != n.VPC {
		return failWith(DifferentNetworks, a.ID, n.ID)
	}
	next := *n
	next.ACL, next.ACLAssociation = a.ID, AssociationID(e.newID("aclassoc"))
	put(e, &e.subnets, kindSubnet, &next)
	e.created(string(next.ACLAssociation))
	return nil
}
