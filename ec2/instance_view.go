package ec2

import (
	"cmp"
	"strconv"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// instance is an instance as Describe shows it.
func (c *call) instance(i *network.Instance) wire.Instance {
	made, _ := c.image(i.Image)
	kind := typeOf(i)
	out := wire.Instance{
		InstanceId: text(i.ID), ImageId: text(i.Image), InstanceType: text(i.Type), State: instanceState(i.State),
		StateReason: stateReason(i), StateTransitionReason: new(i.Reason), KeyName: text(i.KeyName), AmiLaunchIndex: long(i.LaunchIndex),
		LaunchTime: new(i.Launched), Architecture: text(cmp.Or(kind.family.arch, made.arch)), ClientToken: new(i.Stored[storedToken]),
		RootDeviceName: text(made.root), RootDeviceType: new("ebs"), VirtualizationType: new("hvm"), Hypervisor: new("xen"),
		EbsOptimized: new(i.Stored[storedOptimized] == "true"), EnaSupport: new(true), PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"),
		UsageOperationUpdateTime: new(i.Created), CurrentInstanceBootMode: new("legacy-bios"), BootMode: new("uefi-preferred"),
		Monitoring: monitoring(i), MetadataOptions: metadataView(i), IamInstanceProfile: profile(i), CpuOptions: cpuOptions(i, kind),
		Placement:             &wire.Placement{AvailabilityZone: text(i.Zone), AvailabilityZoneId: text(zoneID(i.Region, i.Zone)), GroupName: new(""), Tenancy: text(tenancy(i))},
		HibernationOptions:    &wire.HibernationOptions{Configured: new(false)},
		EnclaveOptions:        &wire.EnclaveOptions{Enabled: new(false)},
		MaintenanceOptions:    &wire.InstanceMaintenanceOptions{AutoRecovery: text(cmp.Or(i.Stored[storedRecovery], "default"))},
		PrivateDnsNameOptions: c.nameOptions(i),
		CapacityReservationSpecification: &wire.CapacityReservationSpecificationResponse{
			CapacityReservationPreference: text(cmp.Or(i.Stored[storedReservation], "open"))},
		Operator: &wire.OperatorResponse{Managed: new(false)}, ProductCodes: []wire.ProductCode{}, PrivateDnsName: new(""), PublicDnsName: new(""),
		NetworkInterfaces: []wire.InstanceNetworkInterface{}, SecurityGroups: []wire.GroupIdentifier{}, BlockDeviceMappings: []wire.InstanceBlockDeviceMapping{},
		Tags: c.tagSet(string(i.ID)),
	}
	if i.State == network.InstanceTerminated {
		return out // it has neither addresses nor volumes any more
	}
	out.VpcId, out.SubnetId = text(i.VPC), text(i.Subnet)
	out.BlockDeviceMappings = all(c.devices(i), func(d device) wire.InstanceBlockDeviceMapping { return deviceView(i, d) })
	for _, eni := range c.plugs(i) {
		shown := c.instanceInterface(eni)
		if eni.Attachment.Device == 0 {
			out.PrivateIpAddress, out.SourceDestCheck, out.SecurityGroups = shown.PrivateIpAddress, shown.SourceDestCheck, shown.Groups
			out.PrivateDnsName = text(c.instanceName(i, eni))
			if len(eni.Addrs6) > 0 {
				out.Ipv6Address = shown.Ipv6Addresses[0].Ipv6Address
			}
		}
		out.NetworkInterfaces = append(out.NetworkInterfaces, shown)
	}
	return out
}

func deviceView(i *network.Instance, d device) wire.InstanceBlockDeviceMapping {
	return wire.InstanceBlockDeviceMapping{DeviceName: text(d.Name), Ebs: &wire.EbsInstanceBlockDevice{
		VolumeId: text(volumeID(i, d.Name)), Status: new("attached"), AttachTime: new(i.Created), DeleteOnTermination: new(!d.Keep)}}
}

func tenancy(i *network.Instance) string { return cmp.Or(i.Stored[storedTenancy], "default") }

func monitoring(i *network.Instance) *wire.Monitoring {
	return &wire.Monitoring{State: text(cmp.Or(i.Stored[storedMonitoring], "disabled"))}
}

func metadataView(i *network.Instance) *wire.InstanceMetadataOptionsResponse {
	return &wire.InstanceMetadataOptionsResponse{State: new("applied"), HttpTokens: text(i.Metadata.Tokens), HttpEndpoint: text(i.Metadata.Endpoint),
		HttpProtocolIpv6: text(i.Metadata.IPv6), InstanceMetadataTags: text(i.Metadata.Tags), HttpPutResponseHopLimit: long(i.Metadata.Hops)}
}

func cpuOptions(i *network.Instance, t instanceType) *wire.CpuOptions {
	threads := 2
	if t.family.arch == "arm64" || t.vcpus == 1 {
		threads = 1
	}
	if n, err := strconv.Atoi(i.Stored[storedThreads]); err == nil {
		threads = n
	}
	cores := max(1, t.vcpus/max(1, threads))
	if n, err := strconv.Atoi(i.Stored[storedCores]); err == nil {
		cores = n
	}
	return &wire.CpuOptions{CoreCount: long(cores), ThreadsPerCore: long(threads)}
}

func (c *call) nameOptions(i *network.Instance) *wire.PrivateDnsNameOptionsResponse {
	kind := "ip-name"
	if c.resourceNamed(i) {
		kind = "resource-name"
	}
	a, aaaa := i.Stored[storedNameA] == "true", i.Stored[storedNameAAAA] == "true"
	if n := c.state.Subnet(i.Subnet); n != nil {
		a, aaaa = a || i.Stored[storedNameA] == "" && n.NameA, aaaa || i.Stored[storedNameAAAA] == "" && n.NameAAAA
	}
	return &wire.PrivateDnsNameOptionsResponse{HostnameType: text(kind), EnableResourceNameDnsARecord: new(a), EnableResourceNameDnsAAAARecord: new(aaaa)}
}

// instanceName is an instance's private name, whether the VPC resolves it or not.
func (c *call) instanceName(i *network.Instance, primary *network.ENI) string {
	if len(primary.Addrs) == 0 || c.resourceNamed(i) {
		return string(i.ID) + "." + domain(i.Region)
	}
	return ipName(primary.Addrs[0], i.Region)
}

// stateReason is why the instance is not running (AWS: DescribeInstances, StateReason).
func stateReason(i *network.Instance) *wire.StateReason {
	switch {
	case i.State == network.InstancePending:
		return &wire.StateReason{Code: new("pending"), Message: new("pending")}
	case i.State == network.InstanceRunning:
		return nil
	case strings.HasPrefix(i.Reason, "User initiated"):
		return &wire.StateReason{Code: new("Client.UserInitiatedShutdown"), Message: new("Client.UserInitiatedShutdown: User initiated shutdown")}
	}
	return &wire.StateReason{Code: new("Client.InstanceInitiatedShutdown"), Message: new("Client.InstanceInitiatedShutdown: Instance initiated shutdown")}
}

// instanceInterface is a network interface as DescribeInstances shows it.
func (c *call) instanceInterface(e *network.ENI) wire.InstanceNetworkInterface {
	a := e.Attachment
	out := wire.InstanceNetworkInterface{
		NetworkInterfaceId: text(e.ID), SubnetId: text(e.Subnet), VpcId: text(e.VPC), OwnerId: text(e.Owner), Description: new(e.Description),
		MacAddress: new(e.MAC.String()), InterfaceType: new("interface"), Status: text(eniStatus(e)), SourceDestCheck: new(e.SourceDestCheck),
		Groups: c.groupNames(e.Groups), PrivateDnsName: c.privateName(e), Operator: &wire.OperatorResponse{Managed: new(false)},
		PrivateIpAddresses: make([]wire.InstancePrivateIpAddress, 0, len(e.Addrs)), Ipv6Addresses: make([]wire.InstanceIpv6Address, 0, len(e.Addrs6)),
		Attachment: &wire.InstanceNetworkInterfaceAttachment{AttachmentId: text(a.ID), AttachTime: new(a.At), DeviceIndex: long(a.Device),
			NetworkCardIndex: long(0), Status: new("attached"), DeleteOnTermination: new(a.DeleteOnTermination)},
	}
	for k, addr := range e.Addrs {
		shown := new(addr.String())
		if k == 0 {
			out.PrivateIpAddress = shown
		}
		out.PrivateIpAddresses = append(out.PrivateIpAddresses, wire.InstancePrivateIpAddress{
			Primary: new(k == 0), PrivateIpAddress: shown, PrivateDnsName: c.addrName(e, addr)})
	}
	for _, addr := range e.Addrs6 {
		out.Ipv6Addresses = append(out.Ipv6Addresses, wire.InstanceIpv6Address{Ipv6Address: new(addr.String()), IsPrimaryIpv6: new(false)})
	}
	return out
}
