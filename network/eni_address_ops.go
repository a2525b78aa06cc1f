package network

import (
	"net/netip"
	"slices"
)

// apply adds secondary addresses. One that is another interface's secondary can
// be taken over, in the same subnet (AWS: AssignPrivateIpAddresses,
// AllowReassignment).
func (r AssignAddrs) apply(e *edit) error {
	eni, n, err := e.assignee(r.ENI, r.Addrs, r.Count)
	if err != nil {
		return err
	}
	if n.Native6 {
		return failWith(Combination, "privateIpAddress", "ipv6Native")
	}
	if r.Reassign {
		eni, err = e.takeOver(eni, r.Addrs)
		if err != nil {
			return err
		}
	}
	addrs, err := e.claim(n, true, r.Addrs, len(r.Addrs)+r.Count)
	if err != nil {
		return err
	}
	next := *eni
	next.Addrs = appended(eni.Addrs, addrs...)
	return e.assign(&next, addrs)
}

// takeOver frees those of addrs that are secondary addresses, the interface's own
// included, which it then gets again.
func (e *edit) takeOver(eni *ENI, addrs []netip.Addr) (*ENI, error) {
	for _, a := range addrs {
		old := e.ENIWith(eni.VPC, a)
		if old == nil || old.Subnet != eni.Subnet {
			continue
		}
		if old.Addrs[0] == a {
			return nil, failWith(AddressInUse, a.String(), eni.Subnet)
		}
		next := *old
		next.Addrs = without(old.Addrs, []netip.Addr{a})
		e.putENI(&next)
		e.moveAddress(old.ID, eni.ID, a)
	}
	return e.ENI(eni.ID), nil
}

// apply adds IPv6 addresses (AWS: AssignIpv6Addresses).
func (r AssignAddrs6) apply(e *edit) error {
	eni, n, err := e.assignee(r.ENI, r.Addrs, r.Count)
	if err != nil {
		return err
	}
	addrs, err := e.claim(n, false, r.Addrs, len(r.Addrs)+r.Count)
	if err != nil {
		return err
	}
	next := *eni
	next.Addrs6 = appended(eni.Addrs6, addrs...)
	return e.assign(&next, addrs)
}

// assignee is the interface that shall have addresses: either named or counted.
func (e *edit) assignee(id ENIID, named []netip.Addr, count int) (*ENI, *Subnet, error) {
	eni, err := e.eni(id)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(named) > 0 && count > 0:
		return nil, nil, failWith(Combination, "addresses", "addressCount")
	case len(named) == 0 && count <= 0:
		return nil, nil, fail(Missing, "addresses")
	}
	return eni, e.Subnet(eni.Subnet), nil
}

// assign stores an interface with more addresses, if its instance's type allows.
func (e *edit) assign(eni *ENI, addrs []netip.Addr) error {
	var at *Instance
	if eni.Attachment != nil {
		at = e.Instance(eni.Attachment.Instance)
	}
	if err := fits(at, eni); err != nil {
		return err
	}
	e.putENI(eni)
	for _, a := range addrs {
		e.created(a.String())
	}
	return nil
}

// apply refuses the primary address, which an interface keeps for life (AWS:
// UnassignPrivateIpAddresses).
func (r UnassignAddrs) apply(e *edit) error {
	eni, err := e.eni(r.ENI)
	if err != nil {
		return err
	}
	if err := assigned(eni, eni.Addrs, r.Addrs); err != nil {
		return err
	}
	if slices.Contains(r.Addrs, eni.Addrs[0]) {
		return failWith(PrimaryAddress, eni.Addrs[0].String(), eni.ID)
	}
	next := *eni
	next.Addrs = without(eni.Addrs, r.Addrs)
	e.putENI(&next)
	e.leaveAddresses(eni.ID, func(a netip.Addr) bool { return slices.Contains(r.Addrs, a) })
	return nil
}

// apply leaves an interface in an IPv6-only subnet its last address (AWS:
// UnassignIpv6Addresses).
func (r UnassignAddrs6) apply(e *edit) error {
	eni, err := e.eni(r.ENI)
	if err != nil {
		return err
	}
	if err := assigned(eni, eni.Addrs6, r.Addrs); err != nil {
		return err
	}
	next := *eni
	next.Addrs6 = without(eni.Addrs6, r.Addrs)
	if len(next.AllAddrs()) == 0 {
		return failWith(PrimaryAddress, eni.Addrs6[0].String(), eni.ID)
	}
	e.putENI(&next)
	return nil
}

// assigned is an error unless the interface has all of addrs.
func assigned(eni *ENI, has, addrs []netip.Addr) error {
	if len(addrs) == 0 {
		return fail(Missing, "addresses")
	}
	for _, a := range addrs {
		if !slices.Contains(has, a) {
			return failWith(AddressNotAssigned, a.String(), eni.ID)
		}
	}
	return nil
}

// without keeps the order of the rest. It is nil when none is left, as a row
// that never had one has it.
func without(addrs, gone []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if !slices.Contains(gone, a) {
			out = append(out, a)
		}
	}
	return out
}
