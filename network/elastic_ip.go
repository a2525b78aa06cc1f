package network

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"
	"time"
)

// Address is an Elastic IP address: a public IPv4 address that an account keeps and
// gives to a private one of an interface. No packet to or from it passes yet.
type Address struct {
	ID AllocationID
	Home
	Public      netip.Addr
	Association AssociationID // "" while it is nobody's
	ENI         ENIID
	Private     netip.Addr // of the interface
	PTR         string     // the reverse DNS name that was asked for, or ""
	Created     time.Time
}

func (a *Address) key() string { return string(a.ID) }

func (a *Address) links() []string {
	out := []string{a.World(), publicKey(a.Public)}
	if a.Association != "" {
		out = append(out, string(a.Association), string(a.ENI), privateKey(a.ENI, a.Private))
	}
	return out
}

func (a *Address) uses() []use { return []use{{a.World(), QuotaAddresses}} }

func publicKey(a netip.Addr) string             { return "public/" + a.String() }
func privateKey(eni ENIID, a netip.Addr) string { return string(eni) + "/" + a.String() }
func allocation(s State, parent string) *Address {
	return lookup(s.addresses, s.refs.first(parent, "eipalloc-"))
}

// publicRange is where Elastic IP addresses come from: no network of the world uses
// it (RFC 2544, RFC 6890), so that one of them never is a stranger's. Decision 0130.
var publicRange = netip.MustParsePrefix("198.18.0.0/15")

// Address finds an Elastic IP address by its allocation's ID; nil when there is none.
func (s State) Address(id AllocationID) *Address { return lookup(s.addresses, id) }

// AddressesOf are those of the caller's account and Region.
func (s State) AddressesOf(c Caller) iter.Seq[*Address] {
	return those(s, s.addresses, Home{c.Account, c.Region}.World(), "eipalloc-")
}

// AddressesAt are the Elastic IP addresses of an interface.
func (s State) AddressesAt(id ENIID) iter.Seq[*Address] {
	return those(s, s.addresses, string(id), "eipalloc-")
}

// AddressFor is the Elastic IP address of an interface's private one; nil when it
// has none.
func (s State) AddressFor(id ENIID, private netip.Addr) *Address {
	return allocation(s, privateKey(id, private))
}

// AddressAt is the caller's Elastic IP address with this public address; nil when
// it has none.
func (s State) AddressAt(c Caller, public netip.Addr) *Address {
	if a := allocation(s, publicKey(public)); a != nil && a.In(c) {
		return a
	}
	return nil
}

// AllocateAddress gets a public address: that one, which was the account's before,
// or any. Created: the allocation.
type AllocateAddress struct {
	Public netip.Addr // the zero Addr takes any
	Tags   Tags
}

// AssociateAddress gives an Elastic IP address to a private address of an interface:
// of the instance's one, or of the one named. Created: the association.
type AssociateAddress struct {
	Allocation AllocationID
	Instance   InstanceID
	ENI        ENIID
	Private    netip.Addr // the zero Addr is the interface's primary one
	Keep       bool       // refuse when it is associated already (AllowReassociation=false)
}

// DisassociateAddress takes it away again.
type DisassociateAddress struct{ Association AssociationID }

// ReleaseAddress gives a public address back that is nobody's.
type ReleaseAddress struct{ Allocation AllocationID }

// SetAddressAttribute changes the reverse DNS name; "" takes it away.
type SetAddressAttribute struct {
	Allocation AllocationID
	PTR        string
}

func (e *edit) putAddress(a *Address) { put(e, &e.addresses, kindAddress, a) }

func (e *edit) allocation(id AllocationID) (*Address, error) {
	return visible(e, e.addresses, string(id), "eipalloc")
}

func (r AllocateAddress) apply(e *edit) error {
	public := r.Public
	switch {
	case !public.IsValid():
		public = e.freePublic()
	case !publicRange.Contains(public):
		return failWith(NotFound, public.String(), "public")
	case allocation(e.State, publicKey(public)) != nil:
		return failWith(AddressInUse, public.String(), "public")
	}
	if err := e.room(e.home().World(), QuotaAddresses); err != nil {
		return err
	}
	a := &Address{ID: AllocationID(e.newID("eipalloc")), Home: e.home(), Public: public, Created: e.op.At}
	e.putAddress(a)
	e.created(a.key())
	return e.setTags(a.key(), r.Tags)
}

// freePublic throws until it hits an address that nobody has: of 131,072, few are
// ever used.
func (e *edit) freePublic() netip.Addr {
	for {
		var b [4]byte
		base := publicRange.Addr().As4()
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(base[:])|uint32(e.mint.dice()&0x1ffff))
		if a := netip.AddrFrom4(b); b[3] != 0 && b[3] != 255 && allocation(e.State, publicKey(a)) == nil {
			return a
		}
	}
}

// apply moves an address to a private one, of which each has at most one, in a VPC
// with an internet gateway (AWS: AssociateAddress). To where it is already it is a
// repetition, with the same association.
func (r AssociateAddress) apply(e *edit) error {
	a, err := e.allocation(r.Allocation)
	if err != nil {
		return err
	}
	eni, private, err := e.privateFor(r)
	if err != nil {
		return err
	}
	if e.GatewayOf(eni.VPC) == nil {
		return failWith(GatewayNotAttached, eni.VPC, a.ID)
	}
	if a.ENI == eni.ID && a.Private == private {
		e.created(string(a.Association))
		return nil
	}
	if a.Association != "" && r.Keep {
		return failWith(AddressAssociated, a.ID, a.Association)
	}
	if old := e.AddressFor(eni.ID, private); old != nil {
		if r.Keep {
			return failWith(AddressAssociated, eni.ID, old.Association)
		}
		e.putAddress(old.free())
	}
	next := *a
	next.Association, next.ENI, next.Private = AssociationID(e.newID("eipassoc")), eni.ID, private
	e.putAddress(&next)
	e.created(string(next.Association))
	return nil
}

// privateFor is the private address that a request means.
func (e *edit) privateFor(r AssociateAddress) (*ENI, netip.Addr, error) {
	var none netip.Addr
	eni, err := e.interfaceFor(r)
	switch {
	case err != nil:
		return nil, none, err
	case len(eni.Addrs) == 0:
		return nil, none, failWith(NotFound, eni.ID, "private")
	case !r.Private.IsValid():
		return eni, eni.Addrs[0], nil
	}
	for _, a := range eni.Addrs {
		if a == r.Private {
			return eni, a, nil
		}
	}
	return nil, none, failWith(AddressNotAssigned, r.Private.String(), eni.ID)
}

// interfaceFor is the interface named, or the only one of a running or stopped
// instance (AWS: AssociateAddress, InstanceId: "The instance must have exactly one
// attached network interface").
func (e *edit) interfaceFor(r AssociateAddress) (*ENI, error) {
	switch {
	case r.ENI != "":
		return e.eni(r.ENI)
	case r.Instance == "":
		return nil, fail(Missing, "instanceId")
	}
	i, err := e.instance(r.Instance)
	if err != nil {
		return nil, err
	}
	if i.State != InstanceRunning && i.State != InstanceStopped && i.State != InstancePending {
		return nil, wrongInstanceState(i, "associate")
	}
	var only *ENI
	for eni := range e.ENIsAt(i.ID) {
		if only != nil {
			return nil, fail(ManyInterfaces, i.ID)
		}
		only = eni
	}
	if only == nil {
		return nil, fail(ManyInterfaces, i.ID)
	}
	return only, nil
}

// free is the address when it is nobody's.
func (a *Address) free() *Address {
	next := *a
	next.Association, next.ENI, next.Private = "", "", netip.Addr{}
	return &next
}

func (r DisassociateAddress) apply(e *edit) error {
	a := allocation(e.State, string(r.Association))
	if a == nil || !a.In(e.op.Caller) {
		return failWith(NotFound, r.Association, "eipassoc")
	}
	e.putAddress(a.free())
	return nil
}

// apply refuses one that is associated (AWS: ReleaseAddress).
func (r ReleaseAddress) apply(e *edit) error {
	a, err := e.allocation(r.Allocation)
	if err != nil {
		return err
	}
	if a.Association != "" {
		return failWith(AddressInUse, a.Public.String(), a.Association)
	}
	drop(e, &e.addresses, kindAddress, a.key())
	return nil
}

func (r SetAddressAttribute) apply(e *edit) error {
	a, err := e.allocation(r.Allocation)
	if err != nil {
		return err
	}
	next := *a
	next.PTR = r.PTR
	e.putAddress(&next)
	return nil
}

// leaveAddresses frees the Elastic IP addresses of an interface that goes, or of
// those private addresses that it loses.
func (e *edit) leaveAddresses(id ENIID, gone func(netip.Addr) bool) {
	for _, a := range slices.Collect(e.AddressesAt(id)) { // freeing one changes what is iterated over
		if gone(a.Private) {
			e.putAddress(a.free())
		}
	}
}

// moveAddress lets an Elastic IP address follow its private one to another interface
// (AWS: AssignPrivateIpAddresses, "any Elastic IP address that is associated with the
// IP address is also moved").
func (e *edit) moveAddress(from, to ENIID, private netip.Addr) {
	if a := e.AddressFor(from, private); a != nil {
		next := *a
		next.ENI = to
		e.putAddress(&next)
	}
}
