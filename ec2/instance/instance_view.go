package instance

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/vpc"
	"tombolo/ec2/wire"
	"tombolo/network"
)

// What every instance shows alike. Nobody writes to these.
var (
	xen, hvm, rootOnEBS = new("xen"), new("hvm"), new("ebs")
	platform, usage     = new("Linux/UNIX"), new("RunInstances")
	bios, uefi          = new("legacy-bios"), new("uefi-preferred")
	attached, inUse     = new("attached"), new("in-use")
	plain, applied      = new("interface"), new("applied")
	nothing             = new("")
	unmanaged           = &wire.OperatorResponse{Managed: api.Bool(false)}
	awake               = &wire.HibernationOptions{Configured: api.Bool(false)}
	noEnclave           = &wire.EnclaveOptions{Enabled: api.Bool(false)}
)

// showInstance is an instance as Describe shows it.
func showInstance(c *api.Call, i *network.Instance) wire.Instance {
	made, _ := findImage(c, i.Image)
	kind := typeOf(i)
	out := wire.Instance{
		InstanceId: api.Text(i.ID), ImageId: api.Text(i.Image), InstanceType: api.Text(i.Type), State: instanceState(i.State),
		StateReason: stateReason(i), StateTransitionReason: new(i.Reason), KeyName: api.Text(i.KeyName), AmiLaunchIndex: api.Long(i.LaunchIndex),
		LaunchTime: new(i.Launched), Architecture: api.Text(cmp.Or(kind.family.arch, made.arch)), ClientToken: new(i.Stored[storedToken]),
		RootDeviceName: api.Text(made.root), RootDeviceType: rootOnEBS, VirtualizationType: hvm, Hypervisor: xen,
		EbsOptimized: api.Bool(i.Stored[storedOptimized] == "true"), EnaSupport: api.Bool(true), PlatformDetails: platform, UsageOperation: usage,
		UsageOperationUpdateTime: new(i.Created), CurrentInstanceBootMode: bios, BootMode: uefi,
		Monitoring: monitoring(i), MetadataOptions: metadataView(i), IamInstanceProfile: profile(i), CpuOptions: cpuOptions(i, kind),
		Placement:             &wire.Placement{AvailabilityZone: api.Text(i.Zone), AvailabilityZoneId: api.Text(api.ZoneID(i.Zone)), GroupName: nothing, Tenancy: api.Text(tenancy(i))},
		HibernationOptions:    awake,
		EnclaveOptions:        noEnclave,
		MaintenanceOptions:    &wire.InstanceMaintenanceOptions{AutoRecovery: api.Text(cmp.Or(i.Stored[storedRecovery], "default"))},
		PrivateDnsNameOptions: showNameOptions(c, i),
		CapacityReservationSpecification: &wire.CapacityReservationSpecificationResponse{
			CapacityReservationPreference: api.Text(cmp.Or(i.Stored[storedReservation], "open"))},
		Operator: unmanaged, ProductCodes: []wire.ProductCode{}, PrivateDnsName: nothing, PublicDnsName: nothing,
		NetworkInterfaces: []wire.InstanceNetworkInterface{}, SecurityGroups: []wire.GroupIdentifier{}, BlockDeviceMappings: []wire.InstanceBlockDeviceMapping{},
		Tags: c.TagSet(string(i.ID)),
	}
	if i.State == network.InstanceTerminated {
		return out // it has neither addresses nor volumes any more
	}
	out.VpcId, out.SubnetId = api.Text(i.VPC), api.Text(i.Subnet)
	out.BlockDeviceMappings = api.All(devicesAt(c, i), func(d device) wire.InstanceBlockDeviceMapping { return deviceView(i, d) })
	for _, eni := range plugs(c, i) {
		shown := showInterface(c, eni)
		if eni.Attachment.Device == 0 {
			out.PrivateIpAddress, out.SourceDestCheck, out.SecurityGroups = shown.PrivateIpAddress, shown.SourceDestCheck, shown.Groups
			out.PrivateDnsName = api.Text(instanceName(c, i, eni))
			if shown.Association != nil {
				out.PublicIpAddress, out.PublicDnsName = shown.Association.PublicIp, shown.Association.PublicDnsName
			}
			if len(eni.Addrs6) > 0 {
				out.Ipv6Address = shown.Ipv6Addresses[0].Ipv6Address
			}
		}
		out.NetworkInterfaces = append(out.NetworkInterfaces, shown)
	}
	return out
}

func deviceView(i *network.Instance, d device) wire.InstanceBlockDeviceMapping {
	return wire.InstanceBlockDeviceMapping{DeviceName: api.Text(d.Name), Ebs: &wire.EbsInstanceBlockDevice{
		VolumeId: api.Text(volumeID(i, d.Name)), Status: attached, AttachTime: new(i.Created), DeleteOnTermination: api.Bool(!d.Keep)}}
}

func tenancy(i *network.Instance) string { return cmp.Or(i.Stored[storedTenancy], "default") }

func monitoring(i *network.Instance) *wire.Monitoring {
	return &wire.Monitoring{State: api.Text(cmp.Or(i.Stored[storedMonitoring], "disabled"))}
}

func metadataView(i *network.Instance) *wire.InstanceMetadataOptionsResponse {
	return &wire.InstanceMetadataOptionsResponse{State: applied, HttpTokens: api.Text(i.Metadata.Tokens), HttpEndpoint: api.Text(i.Metadata.Endpoint),
		HttpProtocolIpv6: api.Text(i.Metadata.IPv6), InstanceMetadataTags: api.Text(i.Metadata.Tags), HttpPutResponseHopLimit: api.Long(i.Metadata.Hops)}
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
	return &wire.CpuOptions{CoreCount: api.Long(cores), ThreadsPerCore: api.Long(threads)}
}

func showNameOptions(c *api.Call, i *network.Instance) *wire.PrivateDnsNameOptionsResponse {
	kind := "ip-name"
	if resourceNamed(c, i) {
		kind = "resource-name"
	}
	a, aaaa := i.Stored[storedNameA] == "true", i.Stored[storedNameAAAA] == "true"
	if n := c.State.Subnet(i.Subnet); n != nil {
		a, aaaa = a || i.Stored[storedNameA] == "" && n.NameA, aaaa || i.Stored[storedNameAAAA] == "" && n.NameAAAA
	}
	return &wire.PrivateDnsNameOptionsResponse{HostnameType: api.Text(kind), EnableResourceNameDnsARecord: api.Bool(a), EnableResourceNameDnsAAAARecord: api.Bool(aaaa)}
}

// instanceName is an instance's private name, whether the VPC resolves it or not.
func instanceName(c *api.Call, i *network.Instance, primary *network.ENI) string {
	if len(primary.Addrs) == 0 || resourceNamed(c, i) {
		return string(i.ID) + "." + api.Domain(i.Region)
	}
	return api.IPName(primary.Addrs[0], i.Region)
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

// showInterface is a network interface as DescribeInstances shows it.
func showInterface(c *api.Call, e *network.ENI) wire.InstanceNetworkInterface {
	a := e.Attachment
	out := wire.InstanceNetworkInterface{
		NetworkInterfaceId: api.Text(e.ID), SubnetId: api.Text(e.Subnet), VpcId: api.Text(e.VPC), OwnerId: api.Text(e.Owner), Description: new(e.Description),
		MacAddress: new(e.MAC.String()), InterfaceType: plain, Status: inUse, SourceDestCheck: api.Bool(e.SourceDestCheck),
		Groups: vpc.GroupNames(c, e.Groups), PrivateDnsName: vpc.PrivateName(c, e), Operator: unmanaged,
		PrivateIpAddresses: make([]wire.InstancePrivateIpAddress, 0, len(e.Addrs)), Ipv6Addresses: make([]wire.InstanceIpv6Address, 0, len(e.Addrs6)),
		Attachment: &wire.InstanceNetworkInterfaceAttachment{AttachmentId: api.Text(a.ID), AttachTime: new(a.At), DeviceIndex: api.Long(a.Device),
			NetworkCardIndex: api.Long(0), Status: attached, DeleteOnTermination: api.Bool(a.DeleteOnTermination)},
	}
	for k, addr := range e.Addrs {
		shown := new(addr.String())
		public := association(c, e, addr)
		if k == 0 {
			out.PrivateIpAddress, out.Association = shown, public
		}
		out.PrivateIpAddresses = append(out.PrivateIpAddresses, wire.InstancePrivateIpAddress{
			Primary: api.Bool(k == 0), PrivateIpAddress: shown, PrivateDnsName: vpc.AddrName(c, e, addr), Association: public})
	}
	for _, addr := range e.Addrs6 {
		out.Ipv6Addresses = append(out.Ipv6Addresses, wire.InstanceIpv6Address{Ipv6Address: new(addr.String()), IsPrimaryIpv6: api.Bool(false)})
	}
	return out
}

// association is the public address of an interface's private one, as
// DescribeInstances shows it; nil when it has none.
func association(c *api.Call, e *network.ENI, private netip.Addr) *wire.InstanceNetworkInterfaceAssociation {
	a := c.State.AddressFor(e.ID, private)
	if a == nil {
		return nil
	}
	return &wire.InstanceNetworkInterfaceAssociation{IpOwnerId: api.Text(a.Owner), PublicIp: new(a.Public.String()), PublicDnsName: vpc.PublicName(c, e, a.Public)}
}
