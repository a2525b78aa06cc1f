package network

import (
	"net/netip"
	"slices"
	"strconv"
)

func (r CreateENI) apply(e *edit) error {
	eni, err := e.newENI(r.ENISpec)
	if err != nil {
		return err
	}
	e.putENI(eni)
	e.created(eni.key())
	return e.setTags(eni.key(), r.Tags)
}

// newENI is an interface that is attached to nothing and not stored yet.
func (e *edit) newENI(spec ENISpec) (*ENI, error) {
	n, err := e.subnet(spec.Subnet)
	if err != nil {
		return nil, err
	}
	groups, err := e.groupsFor(n.VPC, spec.Groups)
	if err != nil {
		return nil, err
	}
	if err := e.room(n.World(), QuotaENIs); err != nil {
		return nil, err
	}
	eni := &ENI{
		ID: ENIID(e.newID("eni")), Home: n.Home, VPC: n.VPC, Subnet: n.ID, Description: spec.Description,
		MAC: e.mint.mac(), Groups: groups, SourceDestCheck: true, Created: e.op.At,
	}
	return eni, e.address(n, eni, spec)
}

func (e *edit) putENI(eni *ENI) { put(e, &e.enis, kindENI, eni) }

// maxAddrs is how many addresses of a family an interface of the largest instance
// types can have; nothing can have more, attached or not (AWS: IP addresses per
// network interface per instance type).
const maxAddrs = 50

// address gives a new interface its first addresses. Every interface has one of
// IPv4, but in an IPv6-only subnet, where it has one of IPv6; so it has in a
// subnet that assigns them on creation (AWS: CreateNetworkInterface;
// ModifySubnetAttribute, AssignIpv6AddressOnCreation).
func (e *edit) address(n *Subnet, eni *ENI, spec ENISpec) error {
	if spec.Extra < 0 {
		return failWith(InvalidValue, strconv.Itoa(spec.Extra), "secondaryPrivateIpAddressCount")
	}
	if spec.Extra6 < 0 {
		return failWith(InvalidValue, strconv.Itoa(spec.Extra6), "ipv6AddressCount")
	}
	want := len(spec.Addrs) + spec.Extra
	if len(spec.Addrs) == 0 && !n.Native6 {
		want++
	}
	if n.Native6 && want > 0 {
		return failWith(Combination, "privateIpAddress", "ipv6Native")
	}
	addrs, err := e.claim(n, true, spec.Addrs, want)
	if err != nil {
		return err
	}
	eni.Addrs = addrs
	want = len(spec.Addrs6) + spec.Extra6
	if want == 0 && (n.Assign6 || n.Native6) {
		want = 1
	}
	eni.Addrs6, err = e.claim(n, false, spec.Addrs6, want)
	return err
}

// groupsFor are the groups of an interface in v: those asked for, each once, or
// the default one; at most five, all of the interface's VPC (AWS: Amazon VPC
// quotas; CreateNetworkInterface).
func (e *edit) groupsFor(v VPCID, asked []GroupID) ([]GroupID, error) {
	if len(asked) == 0 {
		return []GroupID{e.VPC(v).DefaultGroup}, nil
	}
	var groups []GroupID
	for _, id := range asked {
		g, err := e.group(id)
		if err != nil {
			return nil, err
		}
		if g.VPC != v {
			return nil, failWith(DifferentNetworks, id, v)
		}
		if !slices.Contains(groups, id) {
			groups = append(groups, id)
		}
	}
	if len(groups) > e.Quota(e.op.Caller, QuotaGroupsPerENI) {
		return nil, failWith(LimitExceeded, groups[len(groups)-1], QuotaGroupsPerENI)
	}
	return groups, nil
}

// apply refuses an attached interface (AWS: DeleteNetworkInterface). Routes to it
// stay and become blackholes.
func (r DeleteENI) apply(e *edit) error {
	eni, err := e.eni(r.ENI)
	if err != nil {
		return err
	}
	if eni.Attachment != nil {
		return failWith(InUse, eni.ID, eni.Attachment.Instance)
	}
	drop(e, &e.enis, kindENI, eni.key())
	return nil
}

// apply plugs an available interface into a running or stopped instance of the
// same Availability Zone, at a free device index, within the limits of the
// instance type. It may be of another VPC of the account (AWS: Attach a network
// interface; Multi-VPC ENI attachments).
func (r AttachENI) apply(e *edit) error {
	eni, err := e.eni(r.ENI)
	if err != nil {
		return err
	}
	i, err := e.instance(r.Instance)
	if err != nil {
		return err
	}
	if r.Device < 0 {
		return failWith(InvalidValue, strconv.Itoa(r.Device), "deviceIndex")
	}
	if eni.Attachment != nil {
		return failWith(InUse, eni.ID, eni.Attachment.Instance)
	}
	if i.State != InstanceRunning && i.State != InstanceStopped {
		return wrongInstanceState(i, "attach")
	}
	if e.Subnet(eni.Subnet).Zone != i.Zone {
		return failWith(DifferentZones, eni.ID, i.ID)
	}
	plugged := 0
	for other := range e.ENIsAt(i.ID) {
		plugged++
		if other.Attachment.Device == r.Device {
			return failWith(DeviceTaken, i.ID, strconv.Itoa(r.Device))
		}
	}
	if i.MaxInterfaces > 0 && plugged >= i.MaxInterfaces {
		return failWith(LimitExceeded, i.ID, QuotaInterfaces)
	}
	if err := fits(i, eni); err != nil {
		return err
	}
	e.created(string(e.plug(eni, i.ID, r.Device, false).ID))
	return nil
}

// fits is an error if the interface has more addresses of a family than one of
// the instance's type, or of any if there is no instance, may have (AWS: IP addresses per network interface per
// instance type).
func fits(i *Instance, eni *ENI) error {
	most := maxAddrs
	if i != nil && i.MaxAddrs > 0 {
		most = i.MaxAddrs
	}
	if max(len(eni.Addrs), len(eni.Addrs6)) > most {
		return failWith(LimitExceeded, eni.ID, QuotaAddrs)
	}
	return nil
}

// plug attaches an available interface.
func (e *edit) plug(eni *ENI, i InstanceID, device int, deleteOnTermination bool) *Attachment {
	next := *eni
	next.Attachment = &Attachment{
		ID: AttachmentID(e.newID("eni-attach")), Instance: i, Device: device,
		DeleteOnTermination: deleteOnTermination, At: e.op.At,
	}
	e.putENI(&next)
	return next.Attachment
}

// apply refuses device 0, which an instance is never without (AWS: Detach a
// network interface).
func (r DetachENI) apply(e *edit) error {
	if !WellFormed(string(r.Attachment), "eni-attach") {
		return failWith(Malformed, r.Attachment, "eni-attach")
	}
	eni := e.ENIAttachedAs(r.Attachment)
	if eni == nil || !eni.In(e.op.Caller) {
		return fail(NotFound, r.Attachment)
	}
	if eni.Attachment.Device == 0 {
		return failWith(PrimaryInterface, r.Attachment, eni.ID)
	}
	next := *eni
	next.Attachment = nil
	e.putENI(&next)
	return nil
}

// apply follows AWS: ModifyNetworkInterfaceAttribute.
func (r SetENIAttribute) apply(e *edit) error {
	eni, err := e.eni(r.ENI)
	if err != nil {
		return err
	}
	next := *eni
	set(&next.Description, r.Description)
	set(&next.SourceDestCheck, r.SourceDestCheck)
	if r.Groups != nil {
		if len(r.Groups) == 0 {
			return fail(Missing, "groupId")
		}
		if next.Groups, err = e.groupsFor(eni.VPC, r.Groups); err != nil {
			return err
		}
	}
	if r.Attachment != "" || r.DeleteOnTermination != nil {
		if r.Attachment == "" {
			return fail(Missing, "attachmentId")
		}
		if eni.Attachment == nil || eni.Attachment.ID != r.Attachment {
			return fail(NotFound, r.Attachment)
		}
		attachment := *eni.Attachment
		set(&attachment.DeleteOnTermination, r.DeleteOnTermination)
		next.Attachment = &attachment
	}
	e.putENI(&next)
	return nil
}

// claim is want addresses of one family in the subnet: first those named, which
// must be usable and free, then any free ones.
func (e *edit) claim(n *Subnet, is4 bool, named []netip.Addr, want int) ([]netip.Addr, error) {
	if want == 0 {
		return nil, nil
	}
	if want > maxAddrs {
		return nil, failWith(LimitExceeded, n.ID, QuotaAddrs)
	}
	if !n.rangeOf(is4).IsValid() {
		return nil, fail(NoIPv6, n.ID)
	}
	out := make([]netip.Addr, 0, want)
	for _, a := range named {
		if a.Is4() != is4 || !n.Usable(a) {
			return nil, failWith(AddressOutside, a.String(), n.rangeOf(is4).String())
		}
		if slices.Contains(out, a) || e.ENIWith(n.VPC, a) != nil {
			return nil, failWith(AddressInUse, a.String(), n.ID)
		}
		out = append(out, a)
	}
	for len(out) < want {
		a, ok := e.freeAddr(n, is4, out)
		if !ok {
			return nil, fail(AddressesExhausted, n.ID)
		}
		out = append(out, a)
	}
	return out, nil
}
