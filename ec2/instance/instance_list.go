package instance

import (
	"cmp"
	"iter"
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/vpc"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func instanceListOperations() []api.Operation {
	return []api.Operation{
		api.Op("DescribeInstances", describeInstances, api.Params{
			Enforced: "InstanceId Filter MaxResults NextToken",
			Stored:   "IncludeManagedResources", // there are none
			Filters:  instances.FilterNames(),
		}),
		api.Op("DescribeInstanceStatus", describeInstanceStatus, api.Params{
			Enforced: "InstanceId Filter MaxResults NextToken IncludeAllInstances",
			Stored:   "IncludeManagedResources",
			Filters:  statuses.FilterNames(),
		}),
		api.Op("DescribeInstanceCreditSpecifications", describeInstanceCreditSpecifications, api.Params{
			Enforced: "InstanceId Filter MaxResults NextToken",
			Filters:  credits.FilterNames(),
		}),
		api.Op("DescribeIamInstanceProfileAssociations", describeIamInstanceProfileAssociations, api.Params{
			Enforced: "AssociationId Filter MaxResults NextToken",
			Filters:  profiles.FilterNames(),
		}),
	}
}

// describeInstances gathers the instances into the reservations that they were
// launched in.
func describeInstances(c *api.Call, in *wire.DescribeInstancesRequest) (*wire.DescribeInstancesResult, error) {
	rows, next, err := instances.Rows(c, api.Query{IDs: in.InstanceIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
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
			out.Reservations = append(out.Reservations, wire.Reservation{ReservationId: api.Text(i.Reservation), OwnerId: api.Text(i.Owner), Groups: []wire.GroupIdentifier{}})
		}
		out.Reservations[k].Instances = append(out.Reservations[k].Instances, showInstance(c, i))
	}
	return out, nil
}

func getInstance(c *api.Call, id string) (*network.Instance, bool) {
	i := c.State.Instance(network.InstanceID(id))
	return i, i != nil && i.In(c.Caller)
}

func instanceKey(i *network.Instance) string { return string(i.ID) }

func instanceTags(c *api.Call, i *network.Instance) network.Tags {
	return c.State.Tags(c.Caller, string(i.ID))
}

// instances is how instances are found and filtered.
var instances = api.Listing[*network.Instance]{
	Kind: "i", Key: instanceKey, Get: getInstance, Tags: instanceTags,
	All:     func(c *api.Call) iter.Seq[*network.Instance] { return c.State.InstancesOf(c.Caller) },
	Filters: slices.Concat(instanceFilters, viewFilters, pluggedFilters()),
	Pages:   api.OldPages("instancesSet"),
}

// instanceFilters compare what is in the row.
var instanceFilters = []api.Filter[*network.Instance]{
	api.By("availability-zone", func(_ *api.Call, i *network.Instance) []string { return api.One(i.Zone) }),
	api.By("availability-zone-id", func(_ *api.Call, i *network.Instance) []string { return api.One(api.ZoneID(i.Zone)) }),
	api.By("client-token", func(_ *api.Call, i *network.Instance) []string { return api.One(i.Stored[storedToken]) }),
	api.By("image-id", func(_ *api.Call, i *network.Instance) []string { return api.One(i.Image) }),
	api.By("instance-id", func(_ *api.Call, i *network.Instance) []string { return api.One(i.ID) }),
	api.By("instance-state-code", func(_ *api.Call, i *network.Instance) []string { return api.One(api.Number(i.State.Code())) }),
	api.By("instance-state-name", func(_ *api.Call, i *network.Instance) []string { return api.One(i.State.String()) }),
	api.By("instance-type", func(_ *api.Call, i *network.Instance) []string { return api.One(i.Type) }),
	api.By("key-name", func(_ *api.Call, i *network.Instance) []string { return api.One(i.KeyName) }),
	api.By("launch-index", func(_ *api.Call, i *network.Instance) []string { return api.One(api.Number(i.LaunchIndex)) }),
	api.By("launch-time", func(_ *api.Call, i *network.Instance) []string {
		return api.One(i.Launched.UTC().Format("2006-01-02T15:04:05.000Z"))
	}),
	api.By("monitoring-state", func(_ *api.Call, i *network.Instance) []string { return api.One(*monitoring(i).State) }),
	api.By("owner-id", func(_ *api.Call, i *network.Instance) []string { return api.One(i.Owner) }),
	api.By("private-ip-address", func(c *api.Call, i *network.Instance) []string {
		for _, eni := range plugs(c, i) { // without the view: this is asked often
			if eni.Attachment.Device == 0 && len(eni.Addrs) > 0 {
				return api.One(eni.Addrs[0].String())
			}
		}
		return nil
	}),
	api.By("reason", func(_ *api.Call, i *network.Instance) []string { return api.One(i.Reason) }),
	api.By("reservation-id", func(_ *api.Call, i *network.Instance) []string { return api.One(i.Reservation) }),
	api.By("subnet-id", func(_ *api.Call, i *network.Instance) []string { return whileAlive(i, i.Subnet) }),
	api.By("tenancy", func(_ *api.Call, i *network.Instance) []string { return api.One(tenancy(i)) }),
	api.By("vpc-id", func(_ *api.Call, i *network.Instance) []string { return whileAlive(i, i.VPC) }),
}

func whileAlive[S ~string](i *network.Instance, v S) []string {
	if i.State == network.InstanceTerminated {
		return nil
	}
	return api.One(v)
}

// viewFilters compare what Describe shows.
var viewFilters = slices.Concat([]api.Filter[*network.Instance]{
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
	shown("iam-instance-profile.arn", func(i wire.Instance) *string { return api.Value(i.IamInstanceProfile).Arn }),
	shown("iam-instance-profile.id", func(i wire.Instance) *string { return api.Value(i.IamInstanceProfile).Id }),
	shown("ipv6-address", func(i wire.Instance) *string { return i.Ipv6Address }),
	shown("maintenance-options.auto-recovery", func(i wire.Instance) *string { return i.MaintenanceOptions.AutoRecovery }),
	shown("metadata-options.http-endpoint", func(i wire.Instance) *string { return i.MetadataOptions.HttpEndpoint }),
	shown("metadata-options.http-protocol-ipv4", func(wire.Instance) *string { return new("enabled") }),
	shown("metadata-options.http-protocol-ipv6", func(i wire.Instance) *string { return i.MetadataOptions.HttpProtocolIpv6 }),
	shown("metadata-options.http-put-response-hop-limit", func(i wire.Instance) *string {
		return new(api.Number(int(*i.MetadataOptions.HttpPutResponseHopLimit)))
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
	shown("root-device-name", func(i wire.Instance) *string { return i.RootDeviceName }),
	shown("root-device-type", func(i wire.Instance) *string { return i.RootDeviceType }),
	shown("source-dest-check", func(i wire.Instance) *string { return boolText(i.SourceDestCheck) }),
	shown("state-reason-code", func(i wire.Instance) *string { return api.Value(i.StateReason).Code }),
	shown("state-reason-message", func(i wire.Instance) *string { return api.Value(i.StateReason).Message }),
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
}, api.Absent[*network.Instance](`affinity capacity-reservation-id capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id
	capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn dns-name host-id instance-lifecycle ip-address
	kernel-id operator.principal outpost-arn placement-group-name placement-partition-number platform product-code product-code.type ramdisk-id requester-id
	spot-instance-request-id tpm-support`))

func boolText(b *bool) *string {
	if b == nil {
		return nil
	}
	return &api.Yes(*b)[0]
}

func shown(name string, get func(wire.Instance) *string) api.Filter[*network.Instance] {
	return api.By(name, func(c *api.Call, i *network.Instance) []string { return api.One(api.Value(get(showInstance(c, i)))) })
}

func ofGroups(name string, get func(wire.GroupIdentifier) *string) api.Filter[*network.Instance] {
	return api.By(name, func(c *api.Call, i *network.Instance) []string {
		return api.All(showInstance(c, i).SecurityGroups, func(g wire.GroupIdentifier) string { return api.Value(get(g)) })
	})
}

func ofDevices(name string, get func(wire.InstanceBlockDeviceMapping) *string) api.Filter[*network.Instance] {
	return api.By("block-device-mapping."+name, func(c *api.Call, i *network.Instance) []string {
		return api.All(showInstance(c, i).BlockDeviceMappings, func(d wire.InstanceBlockDeviceMapping) string { return api.Value(get(d)) })
	})
}

// pluggedFilters compare the interfaces of an instance by the filters that
// interfaces themselves have.
func pluggedFilters() []api.Filter[*network.Instance] {
	var out []api.Filter[*network.Instance]
	byInterface := func(name string, values func(*api.Call, *network.ENI) []string) {
		out = append(out, api.By("network-interface."+name, func(c *api.Call, i *network.Instance) []string {
			var found []string
			for eni := range c.State.ENIsAt(i.ID) {
				found = append(found, values(c, eni)...)
			}
			return found
		}))
	}
	for _, f := range vpc.Interfaces.Filters {
		byInterface(f.Name, f.Values)
	}
	byInterface("tag-key", func(c *api.Call, e *network.ENI) []string { return vpc.Interfaces.Tags(c, e).Keys() })
	byInterface("ipv6-address", func(_ *api.Call, e *network.ENI) []string { return api.AddrTexts(e.Addrs6) })
	return out
}

// statuses is how the health of instances is found and filtered.
var statuses = api.Listing[*network.Instance]{
	Kind: "i", Key: instanceKey, Get: getInstance, Tags: instanceTags,
	Filters: append([]api.Filter[*network.Instance]{
		api.By("availability-zone", func(_ *api.Call, i *network.Instance) []string { return api.One(i.Zone) }),
		api.By("availability-zone-id", func(_ *api.Call, i *network.Instance) []string { return api.One(api.ZoneID(i.Zone)) }),
		api.By("attached-ebs-status.status", func(_ *api.Call, i *network.Instance) []string { return api.One(checks(i).status) }),
		api.By("instance-state-code", func(_ *api.Call, i *network.Instance) []string { return api.One(api.Number(i.State.Code())) }),
		api.By("instance-state-name", func(_ *api.Call, i *network.Instance) []string { return api.One(i.State.String()) }),
		api.By("instance-status.reachability", func(_ *api.Call, i *network.Instance) []string { return api.One(checks(i).reachability) }),
		api.By("instance-status.status", func(_ *api.Call, i *network.Instance) []string { return api.One(checks(i).status) }),
		api.By("operator.managed", func(*api.Call, *network.Instance) []string { return api.Yes(false) }),
		api.By("system-status.reachability", func(_ *api.Call, i *network.Instance) []string { return api.One(checks(i).reachability) }),
		api.By("system-status.status", func(_ *api.Call, i *network.Instance) []string { return api.One(checks(i).status) }),
	}, api.Absent[*network.Instance]("event.code event.description event.instance-event-id event.not-after event.not-before event.not-before-deadline operator.principal")...),
	Pages: api.OldPages("instancesSet"),
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

func describeInstanceStatus(c *api.Call, in *wire.DescribeInstanceStatusRequest) (*wire.DescribeInstanceStatusResult, error) {
	l := statuses
	l.All = func(c *api.Call) iter.Seq[*network.Instance] { return c.State.InstancesOf(c.Caller) }
	if !api.Value(in.IncludeAllInstances) {
		l.Filters = append(slices.Clone(l.Filters), api.By("", func(_ *api.Call, i *network.Instance) []string { return api.One(i.State.String()) }))
		in.Filters = append(slices.Clone(in.Filters), wire.Filter{Name: new(""), Values: []string{network.InstanceRunning.String()}})
	}
	rows, next, err := l.Rows(c, api.Query{IDs: in.InstanceIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeInstanceStatusResult{InstanceStatuses: api.All(rows, instanceStatus), NextToken: next}, nil
}

func instanceStatus(i *network.Instance) wire.InstanceStatus {
	h := checks(i)
	summary := func() *wire.InstanceStatusSummary {
		s := &wire.InstanceStatusSummary{Status: api.Text(h.status)}
		if h.reachability != "" {
			s.Details = []wire.InstanceStatusDetails{{Name: new("reachability"), Status: api.Text(h.reachability)}}
		}
		return s
	}
	out := wire.InstanceStatus{InstanceId: api.Text(i.ID), AvailabilityZone: api.Text(i.Zone), AvailabilityZoneId: api.Text(api.ZoneID(i.Zone)),
		InstanceState: instanceState(i.State), InstanceStatus: summary(), SystemStatus: summary(), Operator: &wire.OperatorResponse{Managed: new(false)}}
	if h.reachability != "" {
		out.AttachedEbsStatus = &wire.EbsStatusSummary{Status: api.Text(h.status), Details: []wire.EbsStatusDetails{{Name: new("reachability"), Status: api.Text(h.reachability)}}}
	}
	return out
}

// credits is how the credit options of burstable instances are found.
var credits = api.Listing[*network.Instance]{
	Kind: "i", Key: instanceKey, Get: getInstance,
	All: func(c *api.Call) iter.Seq[*network.Instance] {
		return func(yield func(*network.Instance) bool) {
			for i := range c.State.InstancesOf(c.Caller) {
				if typeOf(i).family.burst && i.State != network.InstanceTerminated && !yield(i) {
					return
				}
			}
		}
	},
	Filters: []api.Filter[*network.Instance]{api.By("instance-id", func(_ *api.Call, i *network.Instance) []string { return api.One(i.ID) })},
	Pages:   api.OldPages("instancesSet"),
}

func describeInstanceCreditSpecifications(c *api.Call, in *wire.DescribeInstanceCreditSpecificationsRequest) (*wire.DescribeInstanceCreditSpecificationsResult, error) {
	rows, next, err := credits.Rows(c, api.Query{IDs: in.InstanceIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
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
		out.InstanceCreditSpecifications = append(out.InstanceCreditSpecifications, wire.InstanceCreditSpecification{InstanceId: api.Text(i.ID), CpuCredits: api.Text(asked)})
	}
	return out, nil
}

// profiles is how the instance profiles that were named at launch are found.
var profiles = api.Listing[*network.Instance]{
	Kind: "iip-assoc", Key: func(i *network.Instance) string { return profileAssociation(i) },
	Get: func(c *api.Call, id string) (*network.Instance, bool) {
		for i := range c.State.InstancesOf(c.Caller) {
			if i.Stored[storedProfile] != "" && profileAssociation(i) == id {
				return i, true
			}
		}
		return nil, false
	},
	All: func(c *api.Call) iter.Seq[*network.Instance] {
		var rows []*network.Instance
		for i := range c.State.InstancesOf(c.Caller) {
			if i.Stored[storedProfile] != "" && i.State != network.InstanceTerminated {
				rows = append(rows, i)
			}
		}
		return slices.Values(rows)
	},
	Filters: []api.Filter[*network.Instance]{
		api.By("instance-id", func(_ *api.Call, i *network.Instance) []string { return api.One(i.ID) }),
		api.By("state", func(*api.Call, *network.Instance) []string { return api.One("associated") }),
	},
	Pages: api.PlainPages(5, 1000, "AssociationIds"),
}

// profileAssociation is the instance's ID under another prefix, until the profile changes.
func profileAssociation(i *network.Instance) string {
	return cmp.Or(i.Stored[storedAssociation], "iip-assoc-"+string(i.ID[len("i-"):]))
}

func describeIamInstanceProfileAssociations(c *api.Call, in *wire.DescribeIamInstanceProfileAssociationsRequest) (*wire.DescribeIamInstanceProfileAssociationsResult, error) {
	rows, next, err := profiles.Rows(c, api.Query{IDs: in.AssociationIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(i *network.Instance) wire.IamInstanceProfileAssociation {
		return *showProfileAssociation(i, "associated")
	}
	return &wire.DescribeIamInstanceProfileAssociationsResult{IamInstanceProfileAssociations: api.All(rows, show), NextToken: next}, nil
}
