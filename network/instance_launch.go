package network

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxUserData is before encoding (AWS: Run commands when you launch an EC2
// instance with user data input).
const maxUserData = 16 << 10

// apply launches as many instances as find room, at least Min or none at all
// (AWS: RunInstances, MinCount and MaxCount). All share one reservation.
func (r RunInstances) apply(e *edit) error {
	if err := r.check(e); err != nil {
		return err
	}
	interfaces, err := e.interfaces(r)
	if err != nil {
		return err
	}
	reservation := ReservationID(e.newID("r"))
	e.created(string(reservation))
	for index := range r.Max {
		var before edit
		if index >= r.Min {
			before = e.savepoint()
		}
		err := e.launch(r, reservation, index, interfaces)
		if isFull(err) && index >= r.Min {
			*e = before
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isFull tells "no more of these" from "not like this".
func isFull(err error) bool {
	var refusal *Error
	if !errors.As(err, &refusal) {
		return false
	}
	return refusal.Code == AddressesExhausted || refusal.Code == LimitExceeded && refusal.Detail == string(QuotaENIs)
}

// check is about what has nothing to do with interfaces.
func (r RunInstances) check(e *edit) error {
	switch {
	case r.Min < 1:
		return failWith(InvalidValue, strconv.Itoa(r.Min), "minCount")
	case r.Max < r.Min:
		return failWith(InvalidValue, strconv.Itoa(r.Max), "maxCount")
	case len(r.UserData) > maxUserData:
		return failWith(TooLong, "userData", strconv.Itoa(maxUserData))
	case r.KeyName != "" && e.KeyPairNamed(e.op.Caller, r.KeyName) == nil:
		return failWith(NotFound, r.KeyName, "key")
	}
	if err := checkShutdown(r.ShutdownBehavior); err != nil {
		return err
	}
	return r.Metadata.check()
}

func checkShutdown(behavior string) error {
	if behavior != "" && behavior != "stop" && behavior != "terminate" {
		return failWith(InvalidValue, behavior, "instanceInitiatedShutdownBehavior")
	}
	return nil
}

// check refuses what AWS's enumerations don't have; "" is what is not asked for
// (AWS: ModifyInstanceMetadataOptions).
func (m MetadataOptions) check() error {
	for _, field := range []struct {
		name, value string
		legal       []string
	}{
		{"httpTokens", m.Tokens, []string{"optional", "required"}},
		{"httpEndpoint", m.Endpoint, []string{"enabled", "disabled"}},
		{"httpProtocolIpv6", m.IPv6, []string{"enabled", "disabled"}},
		{"instanceMetadataTags", m.Tags, []string{"enabled", "disabled"}},
	} {
		if field.value != "" && !slices.Contains(field.legal, field.value) {
			return failWith(InvalidValue, field.value, field.name)
		}
	}
	if m.Hops < 0 || m.Hops > 64 {
		return failWith(InvalidValue, strconv.Itoa(m.Hops), "httpPutResponseHopLimit")
	}
	return nil
}

// or is m with other's values where m has none.
func (m MetadataOptions) or(other MetadataOptions) MetadataOptions {
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	fill(&m.Tokens, other.Tokens)
	fill(&m.Endpoint, other.Endpoint)
	fill(&m.IPv6, other.IPv6)
	fill(&m.Tags, other.Tags)
	if m.Hops == 0 {
		m.Hops = other.Hops
	}
	return m
}

// The settings of an instance that asks for none (AWS: Configure the instance
// metadata options, the account's defaults being unset).
var defaultMetadata = MetadataOptions{Tokens: "optional", Endpoint: "enabled", IPv6: "disabled", Tags: "disabled", Hops: 1}

// defaults are what instances have that ask for nothing; w may be nil.
func (w *World) defaults() MetadataOptions {
	if w == nil {
		return defaultMetadata
	}
	return w.Metadata.or(defaultMetadata)
}

func (r SetMetadataDefaults) apply(e *edit) error {
	if err := r.Defaults.check(); err != nil {
		return err
	}
	w := e.World(e.op.Caller)
	if w == nil {
		return fail(NotFound, e.home().World())
	}
	if w.Metadata == r.Defaults {
		return nil
	}
	next := *w
	next.Metadata = r.Defaults
	put(e, &e.worlds, kindWorld, &next)
	return nil
}

// interfaces are the request's interfaces in the order of their device indexes,
// each with a subnet: device 0 must be there, all are in one VPC and zone, and
// what only one instance can have is asked for one only (AWS: RunInstances,
// InstanceNetworkInterfaceSpecification).
func (e *edit) interfaces(r RunInstances) ([]InterfaceSpec, error) {
	specs := slices.Clone(r.Interfaces)
	if len(specs) == 0 {
		specs = []InterfaceSpec{{DeleteOnTermination: true}}
	}
	slices.SortStableFunc(specs, func(a, b InterfaceSpec) int { return a.Device - b.Device })
	if r.MaxInterfaces > 0 && len(specs) > r.MaxInterfaces {
		return nil, failWith(LimitExceeded, r.Type, QuotaInterfaces)
	}
	if specs[0].Device != 0 {
		return nil, fail(Missing, "deviceIndex 0")
	}
	var first *Subnet
	for k := range specs {
		if k > 0 && specs[k].Device == specs[k-1].Device {
			return nil, failWith(DeviceTaken, r.Type, strconv.Itoa(specs[k].Device))
		}
		n, err := e.placed(r, &specs[k])
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = n
		}
		if n.VPC != first.VPC {
			return nil, failWith(DifferentNetworks, n.ID, first.ID)
		}
		if n.Zone != first.Zone {
			return nil, failWith(DifferentZones, n.ID, first.ID)
		}
	}
	return specs, nil
}

// placed is the subnet of an interface of a new instance.
func (e *edit) placed(r RunInstances, spec *InterfaceSpec) (*Subnet, error) {
	if spec.Existing != "" {
		eni, err := e.eni(spec.Existing)
		if err != nil {
			return nil, err
		}
		switch {
		case eni.Attachment != nil:
			return nil, failWith(InUse, eni.ID, eni.Attachment.Instance)
		case r.Max > 1:
			return nil, failWith(Combination, "networkInterfaceId", "maxCount")
		case r.Zone != "" && r.Zone != e.Subnet(eni.Subnet).Zone:
			return nil, failWith(Combination, "networkInterfaceId", "availabilityZone")
		}
		return e.Subnet(eni.Subnet), nil
	}
	if r.Max > 1 && len(spec.New.Addrs)+len(spec.New.Addrs6) > 0 {
		return nil, failWith(Combination, "privateIpAddress", "maxCount")
	}
	if spec.New.Subnet == "" {
		n, err := e.defaultSubnet(r.Zone)
		if err != nil {
			return nil, err
		}
		spec.New.Subnet = n.ID
	}
	n, err := e.subnet(spec.New.Subnet)
	if err != nil {
		return nil, err
	}
	if r.Zone != "" && r.Zone != n.Zone {
		return nil, failWith(Combination, "subnetId", "availabilityZone")
	}
	return n, nil
}

// defaultSubnet is where an instance goes that names no subnet: the zone's, or
// that of the first zone by name (AWS: Default subnets).
func (e *edit) defaultSubnet(zone string) (*Subnet, error) {
	v := e.DefaultVPC(e.op.Caller)
	if v == nil {
		return nil, fail(NoDefaultVPC, e.home().World())
	}
	var best *Subnet
	for n := range e.SubnetsIn(v.ID) {
		if n.DefaultForZone && (zone == "" || n.Zone == zone) && (best == nil || strings.Compare(n.Zone, best.Zone) < 0) {
			best = n
		}
	}
	if best == nil {
		return nil, failWith(NoDefaultSubnet, v.ID, zone)
	}
	return best, nil
}

// launch makes one instance and its interfaces.
func (e *edit) launch(r RunInstances, reservation ReservationID, index int, specs []InterfaceSpec) error {
	i := &Instance{
		ID: InstanceID(e.newID("i")), Home: e.home(), Reservation: reservation, LaunchIndex: index,
		State: InstancePending, Image: r.Image, Type: r.Type, KeyName: r.KeyName, UserData: r.UserData,
		MaxInterfaces: r.MaxInterfaces, MaxAddrs: r.MaxAddrs, Boots: 1,
		ShutdownBehavior: r.ShutdownBehavior, DisableTermination: r.DisableTermination, DisableStop: r.DisableStop,
		Metadata: r.Metadata.or(e.World(e.op.Caller).defaults()), Stored: maps.Clone(r.Stored),
		Launched: e.op.At, Changed: e.op.At, Created: e.op.At,
	}
	if i.ShutdownBehavior == "" {
		i.ShutdownBehavior = "stop"
	}
	for k, spec := range specs {
		eni, err := e.interfaceOf(spec, r.InterfaceTags)
		if err != nil {
			return err
		}
		if err := fits(i, eni); err != nil {
			return err
		}
		if k == 0 {
			i.VPC, i.Subnet, i.Zone = eni.VPC, eni.Subnet, e.Subnet(eni.Subnet).Zone
		}
		e.plug(eni, i.ID, spec.Device, spec.DeleteOnTermination)
	}
	e.putInstance(i)
	e.created(i.key())
	if err := e.setTags(i.key(), r.Tags); err != nil {
		return err
	}
	e.mark(i.key(), r.Marks)
	return nil
}

func (e *edit) putInstance(i *Instance) { put(e, &e.instances, kindInstance, i) }

// interfaceOf is the interface that a spec names, or the one that it describes,
// which is stored when it is plugged in.
func (e *edit) interfaceOf(spec InterfaceSpec, tags Tags) (*ENI, error) {
	if spec.Existing != "" {
		eni := e.ENI(spec.Existing)
		if eni.Attachment != nil { // named twice in one request
			return nil, failWith(InUse, eni.ID, eni.Attachment.Instance)
		}
		return eni, nil
	}
	eni, err := e.newENI(spec.New)
	if err != nil {
		return nil, err
	}
	return eni, e.setTags(eni.key(), tags)
}
