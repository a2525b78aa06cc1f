package ec2

import (
	"iter"
	"slices"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func instanceListOperations() []operation {
	return []operation{
		op("DescribeInstances", describeInstances, params{
			enforced: "InstanceId Filter MaxResults NextToken",
			stored:   "IncludeManagedResources", // there are none
			filters:  instances.filterNames(),
		}),
		op("DescribeInstanceStatus", describeInstanceStatus, params{
			enforced: "InstanceId Filter MaxResults NextToken IncludeAllInstances",
			stored:   "IncludeManagedResources",
			filters:  statuses.filterNames(),
		}),
		op("DescribeInstanceCreditSpecifications", describeInstanceCreditSpecifications, params{
			enforced: "InstanceId Filter MaxResults NextToken",
			filters:  credits.filterNames(),
		}),
		op("DescribeIamInstanceProfileAssociations", describeIamInstanceProfileAssociations, params{
			enforced: "AssociationId Filter MaxResults NextToken",
			filters:  profiles.filterNames(),
		}),
	}
}

// describeInstances gathers the instances into the reservations that they were
// launched in.
func describeInstances(c *call, in *wire.DescribeInstancesRequest) (*wire.DescribeInstancesResult, error) {
	rows, next, err := instances.rows(c, query{in.InstanceIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeInstancesResult{Reservations: []wire.Reservation{}, NextToken: next}
	at := map[network.ReservationID]int{}
	for _, i := range rows {
		k, ok := at[i.Reservation]
		if !ok {
			k = len(out.Reservations)
			at[i.Reservation] = k
			out.Reservations = append(out.Reservations, wire.Reservation{ReservationId: text(i.Reservation), OwnerId: text(i.Owner), Groups: []wire.GroupIdentifier{}})
		}
		out.Reservations[k].Instances = append(out.Reservations[k].Instances, c.instance(i))
	}
	return out, nil
}

func getInstance(c *call, id string) (*network.Instance, bool) {
	i := c.state.Instance(network.InstanceID(id))
	return i, i != nil && i.In(c.caller)
}

func instanceKey(i *network.Instance) string { return string(i.ID) }

func instanceTags(c *call, i *network.Instance) network.Tags {
	return c.state.Tags(c.caller, string(i.ID))
}

// instances is how instances are found and filtered.
var instances = listing[*network.Instance]{
	kind: "i", key: instanceKey, get: getInstance, tags: instanceTags,
	all:     func(c *call) iter.Seq[*network.Instance] { return c.state.InstancesOf(c.caller) },
	filters: slices.Concat(instanceFilters, viewFilters, pluggedFilters()),
	pages:   oldPages("instancesSet"),
}

// instanceFilters compare what is in the row.
var instanceFilters = []filter[*network.Instance]{
	{"availability-zone", func(_ *call, i *network.Instance) []string { return one(i.Zone) }},
	{"availability-zone-id", func(_ *call, i *network.Instance) []string { return one(zoneID(i.Region, i.Zone)) }},
	{"client-token", func(_ *call, i *network.Instance) []string { return one(i.Stored[storedToken]) }},
	{"image-id", func(_ *call, i *network.Instance) []string { return one(i.Image) }},
	{"instance-id", func(_ *call, i *network.Instance) []string { return one(i.ID) }},
	{"instance-state-code", func(_ *call, i *network.Instance) []string { return one(number(i.State.Code())) }},
	{"instance-state-name", func(_ *call, i *network.Instance) []string { return one(i.State.String()) }},
	{"instance-type", func(_ *call, i *network.Instance) []string { return one(i.Type) }},
	{"key-name", func(_ *call, i *network.Instance) []string { return one(i.KeyName) }},
	{"launch-index", func(_ *call, i *network.Instance) []string { return one(number(i.LaunchIndex)) }},
	{"launch-time", func(_ *call, i *network.Instance) []string {
		return one(i.Launched.UTC().Format("2006-01-02T15:04:05.000Z"))
	}},
	{"monitoring-state", func(_ *call, i *network.Instance) []string { return one(*monitoring(i).State) }},
	{"owner-id", func(_ *call, i *network.Instance) []string { return one(i.Owner) }},
	{"reason", func(_ *call, i *network.Instance) []string { return one(i.Reason) }},
	{"reservation-id", func(_ *call, i *network.Instance) []string { return one(i.Reservation) }},
	{"subnet-id", func(_ *call, i *network.Instance) []string { return whileAlive(i, i.Subnet) }},
	{"tenancy", func(_ *call, i *network.Instance) []string { return one(tenancy(i)) }},
	{"vpc-id", func(_ *call, i *network.Instance) []string { return whileAlive(i, i.VPC) }},
}

func whileAlive[S ~string](i *network.Instance, v S) []string {
	if i.State == network.InstanceTerminated {
		return nil
	}
	return one(v)
}

// viewFilters compare what Describe shows.
var viewFilters = slices.Concat([]filter[*network.Instance]{
	shown("architecture", func(i wire.Instance) *string { return i.Architecture }),
	shown("boot-mode", func(i wire.Instance) *string { return i.BootMode }),
	shown("capacity-reservation-specification.capacity-reservation-preference", func(i wire.Instance) *string {
		return i.CapacityReservationSpecification.CapacityReservationPreference
	}),
	shown("current-instance-boot-mode", func(i wire.Instance) *string { return i.CurrentInstanceBootMode }),
	shown("ebs-optimized", func(i wire.Instance) *string { return boolText(i.EbsOptimized) }),
	shown("ena-support", func(i wire.Instance) *string { return boolText(i.EnaSupport) }),
	shown("enclave-options.enabled", func(i wire.Instance) *string { return boolText(i.EnclaveOptions.Enabled) }),
	shown("hibernation-options.configured", func(i wire.Instance) *string { return boolText(i.HibernationOptions.Configured) }),
	shown("hypervisor", func(i wire.Instance) *string { return i.Hypervisor }),
	shown("iam-instance-profile.arn", func(i wire.Instance) *string { return value(i.IamInstanceProfile).Arn }),
	shown("iam-instance-profile.id", func(i wire.Instance) *string { return value(i.IamInstanceProfile).Id }),
	shown("ipv6-address", func(i wire.Instance) *string { return i.Ipv6Address }),
	shown("maintenance-options.auto-recovery", func(i wire.Instance) *string { return i.MaintenanceOptions.AutoRecovery }),
	shown("metadata-options.http-endpoint", func(i wire.Instance) *string { return i.MetadataOptions.HttpEndpoint }),
	shown("metadata-options.http-protocol-ipv4", func(wire.Instance) *string { return new("enabled") }),
	shown("metadata-options.http-protocol-ipv6", func(i wire.Instance) *string { return i.MetadataOptions.HttpProtocolIpv6 }),
	shown("metadata-options.http-put-response-hop-limit", func(i wire.Instance) *string {
		return new(number(int(*i.MetadataOptions.HttpPutResponseHopLimit)))
	}),
	shown("metadata-options.http-tokens", func(i wire.Instance) *string { return i.MetadataOptions.HttpTokens }),
	shown("metadata-options.instance-metadata-tags", func(i wire.Instance) *string { return i.MetadataOptions.InstanceMetadataTags }),
	shown("metadata-options.state", func(i wire.Instance) *string { return i.MetadataOptions.State }),
	shown("operator.managed", func(i wire.Instance) *string { return boolText(i.Operator.Managed) }),
	shown("platform-details", func(i wire.Instance) *string { return i.PlatformDetails }),
	shown("private-dns-name", func(i wire.Instance) *string { return i.PrivateDnsName }),
	shown("private-dns-name-options.enable-resource-name-dns-a-record", func(i wire.Instance) *string {
		return boolText(i.PrivateDnsNameOptions.EnableResourceNameDnsARecord)
	}),
	shown("private-dns-name-options.enable-resource-name-dns-aaaa-record", func(i wire.Instance) *string {
		return boolText(i.PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord)
	}),
	shown("private-dns-name-options.hostname-type", func(i wire.Instance) *string { return i.PrivateDnsNameOptions.HostnameType }),
	shown("private-ip-address", func(i wire.Instance) *string { return i.PrivateIpAddress }),
	shown("root-device-name", func(i wire.Instance) *string { return i.RootDeviceName }),
	shown("root-device-type", func(i wire.Instance) *string { return i.RootDeviceType }),
	shown("source-dest-check", func(i wire.Instance) *string { return boolText(i.SourceDestCheck) }),
	shown("state-reason-code", func(i wire.Instance) *string { return value(i.StateReason).Code }),
	shown("state-reason-message", func(i wire.Instance) *string { return value(i.StateReason).Message }),
	shown("usage-operation", func(i wire.Instance) *string { return i.UsageOperation }),
	shown("virtualization-type", func(i wire.Instance) *string { return i.VirtualizationType }),
	ofGroups("instance.group-id", func(g wire.GroupIdentifier) *string { return g.GroupId }),
	ofGroups("instance.group-name", func(g wire.GroupIdentifier) *string { return g.GroupName }),
	ofDevices("attach-time", func(d wire.InstanceBlockDeviceMapping) *string {
		return new(d.Ebs.AttachTime.UTC().Format("2006-01-02T15:04:05.000Z"))
	}),
	ofDevices("delete-on-termination", func(d wire.InstanceBlockDeviceMapping) *string { return boolText(d.Ebs.DeleteOnTermination) }),
	ofDevices("device-name", func(d wire.InstanceBlockDeviceMapping) *string { return d.DeviceName }),
	ofDevices("status", func(d wire.InstanceBlockDeviceMapping) *string { return d.Ebs.Status }),
	ofDevices("volume-id", func(d wire.InstanceBlockDeviceMapping) *string { return d.Ebs.VolumeId }),
}, absent[*network.Instance](`affinity capacity-reservation-id capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id
	capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn dns-name host-id instance-lifecycle ip-address
	kernel-id operator.principal outpost-arn placement-group-name placement-partition-number platform product-code product-code.type ramdisk-id requester-id
	spot-instance-request-id tpm-support`))

func boolText(b *bool) *string {
	if b == nil {
		return nil
	}
	return &yes(*b)[0]
}

// absent are filters on what nothing here has.
func absent[R any](names string) []filter[R] {
	var out []filter[R]
	for name := range strings.FieldsSeq(names) {
		out = append(out, filter[R]{name, func(*call, R) []string { return nil }})
	}
	return out
}

func shown(name string, get func(wire.Instance) *string) filter[*network.Instance] {
	return filter[*network.Instance]{name, func(c *call, i *network.Instance) []string { return one(value(get(c.instance(i)))) }}
}

func ofGroups(name string, get func(wire.GroupIdentifier) *string) filter[*network.Instance] {
	return filter[*network.Instance]{name, func(c *call, i *network.Instance) []string {
		return all(c.instance(i).SecurityGroups, func(g wire.GroupIdentifier) string { return value(get(g)) })
	}}
}

func ofDevices(name string, get func(wire.InstanceBlockDeviceMapping) *string) filter[*network.Instance] {
	return filter[*network.Instance]{"block-device-mapping." + name, func(c *call, i *network.Instance) []string {
		return all(c.instance(i).BlockDeviceMappings, func(d wire.InstanceBlockDeviceMapping) string { return value(get(d)) })
	}}
}

// pluggedFilters compare the interfaces of an instance by the filters that
// interfaces themselves have.
func pluggedFilters() []filter[*network.Instance] {
	var out []filter[*network.Instance]
	byInterface := func(name string, values func(*call, *network.ENI) []string) {
		out = append(out, filter[*network.Instance]{"network-interface." + name, func(c *call, i *network.Instance) []string {
			var found []string
			for eni := range c.state.ENIsAt(i.ID) {
				found = append(found, values(c, eni)...)
			}
			return found
		}})
	}
	for _, f := range interfaces.filters {
		byInterface(f.name, f.values)
	}
	byInterface("tag-key", func(c *call, e *network.ENI) []string { return interfaces.tags(c, e).Keys() })
	byInterface("ipv6-address", func(_ *call, e *network.ENI) []string { return addrTexts(e.Addrs6) })
	return out
}

// statuses is how the health of instances is found and filtered.
var statuses = listing[*network.Instance]{
	kind: "i", key: instanceKey, get: getInstance, tags: instanceTags,
	filters: append([]filter[*network.Instance]{
		{"availability-zone", func(_ *call, i *network.Instance) []string { return one(i.Zone) }},
		{"availability-zone-id", func(_ *call, i *network.Instance) []string { return one(zoneID(i.Region, i.Zone)) }},
		{"attached-ebs-status.status", func(_ *call, i *network.Instance) []string { return one(checks(i).status) }},
		{"instance-state-code", func(_ *call, i *network.Instance) []string { return one(number(i.State.Code())) }},
		{"instance-state-name", func(_ *call, i *network.Instance) []string { return one(i.State.String()) }},
		{"instance-status.reachability", func(_ *call, i *network.Instance) []string { return one(checks(i).reachability) }},
		{"instance-status.status", func(_ *call, i *network.Instance) []string { return one(checks(i).status) }},
		{"operator.managed", func(*call, *network.Instance) []string { return yes(false) }},
		{"system-status.reachability", func(_ *call, i *network.Instance) []string { return one(checks(i).reachability) }},
		{"system-status.status", func(_ *call, i *network.Instance) []string { return one(checks(i).status) }},
	}, absent[*network.Instance]("event.code event.description event.instance-event-id event.not-after event.not-before event.not-before-deadline operator.principal")...),
	pages: oldPages("instancesSet"),
}

type health struct{ status, reachability string }

func checks(i *network.Instance) health {
	switch i.State {
	case network.InstanceRunning:
		return health{"ok", "passed"}
	case network.InstancePending:
		return health{"initializing", "initializing"}
	}
	return health{"not-applicable", ""}
}

func describeInstanceStatus(c *call, in *wire.DescribeInstanceStatusRequest) (*wire.DescribeInstanceStatusResult, error) {
	l := statuses
	l.all = func(c *call) iter.Seq[*network.Instance] { return c.state.InstancesOf(c.caller) }
	if !value(in.IncludeAllInstances) {
		l.filters = append(slices.Clone(l.filters), filter[*network.Instance]{"", func(_ *call, i *network.Instance) []string { return one(i.State.String()) }})
		in.Filters = append(slices.Clone(in.Filters), wire.Filter{Name: new(""), Values: []string{network.InstanceRunning.String()}})
	}
	rows, next, err := l.rows(c, query{in.InstanceIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeInstanceStatusResult{InstanceStatuses: all(rows, instanceStatus), NextToken: next}, nil
}

func instanceStatus(i *network.Instance) wire.InstanceStatus {
	h := checks(i)
	summary := func() *wire.InstanceStatusSummary {
		s := &wire.InstanceStatusSummary{Status: text(h.status)}
		if h.reachability != "" {
			s.Details = []wire.InstanceStatusDetails{{Name: new("reachability"), Status: text(h.reachability)}}
		}
		return s
	}
	out := wire.InstanceStatus{InstanceId: text(i.ID), AvailabilityZone: text(i.Zone), AvailabilityZoneId: text(zoneID(i.Region, i.Zone)),
		InstanceState: instanceState(i.State), InstanceStatus: summary(), SystemStatus: summary(), Operator: &wire.OperatorResponse{Managed: new(false)}}
	if h.reachability != "" {
		out.AttachedEbsStatus = &wire.EbsStatusSummary{Status: text(h.status), Details: []wire.EbsStatusDetails{{Name: new("reachability"), Status: text(h.reachability)}}}
	}
	return out
}

// credits is how the credit options of burstable instances are found.
var credits = listing[*network.Instance]{
	kind: "i", key: instanceKey, get: getInstance,
	all: func(c *call) iter.Seq[*network.Instance] {
		return func(yield func(*network.Instance) bool) {
			for i := range c.state.InstancesOf(c.caller) {
				if typeOf(i).family.burst && i.State != network.InstanceTerminated && !yield(i) {
					return
				}
			}
		}
	},
	filters: []filter[*network.Instance]{{"instance-id", func(_ *call, i *network.Instance) []string { return one(i.ID) }}},
	pages:   oldPages("instancesSet"),
}

func describeInstanceCreditSpecifications(c *call, in *wire.DescribeInstanceCreditSpecificationsRequest) (*wire.DescribeInstanceCreditSpecificationsResult, error) {
	rows, next, err := credits.rows(c, query{in.InstanceIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeInstanceCreditSpecificationsResult{InstanceCreditSpecifications: []wire.InstanceCreditSpecification{}, NextToken: next}
	for _, i := range rows {
		t := typeOf(i)
		if !t.family.burst {
			continue
		}
		asked := i.Stored[storedCredits]
		if asked == "" {
			asked = "unlimited"
			if t.family.name == "t2" {
				asked = "standard"
			}
		}
		out.InstanceCreditSpecifications = append(out.InstanceCreditSpecifications, wire.InstanceCreditSpecification{InstanceId: text(i.ID), CpuCredits: text(asked)})
	}
	return out, nil
}

// profiles is how the instance profiles that were named at launch are found.
var profiles = listing[*network.Instance]{
	kind: "iip-assoc", key: func(i *network.Instance) string { return profileAssociation(i) },
	get: func(c *call, id string) (*network.Instance, bool) {
		for i := range c.state.InstancesOf(c.caller) {
			if i.Stored[storedProfile] != "" && profileAssociation(i) == id {
				return i, true
			}
		}
		return nil, false
	},
	all: func(c *call) iter.Seq[*network.Instance] {
		var rows []*network.Instance
		for i := range c.state.InstancesOf(c.caller) {
			if i.Stored[storedProfile] != "" && i.State != network.InstanceTerminated {
				rows = append(rows, i)
			}
		}
		return slices.Values(rows)
	},
	filters: []filter[*network.Instance]{
		{"instance-id", func(_ *call, i *network.Instance) []string { return one(i.ID) }},
		{"state", func(*call, *network.Instance) []string { return one("associated") }},
	},
	pages: plainPages(5, 1000, "AssociationIds"),
}

// profileAssociation is the instance's ID under another prefix.
func profileAssociation(i *network.Instance) string { return "iip-assoc-" + string(i.ID[len("i-"):]) }

func describeIamInstanceProfileAssociations(c *call, in *wire.DescribeIamInstanceProfileAssociationsRequest) (*wire.DescribeIamInstanceProfileAssociationsResult, error) {
	rows, next, err := profiles.rows(c, query{in.AssociationIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(i *network.Instance) wire.IamInstanceProfileAssociation {
		return wire.IamInstanceProfileAssociation{AssociationId: text(profileAssociation(i)), InstanceId: text(i.ID), IamInstanceProfile: profile(i),
			State: new("associated"), Timestamp: new(i.Created)}
	}
	return &wire.DescribeIamInstanceProfileAssociationsResult{IamInstanceProfileAssociations: all(rows, show), NextToken: next}, nil
}
