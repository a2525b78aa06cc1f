package ec2

import (
	"encoding/base64"
	"slices"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func instanceOperations() []operation {
	several := params{enforced: "InstanceId"}
	return []operation{
		op("RunInstances", runInstances, runInstancesParams),
		op("StartInstances", startInstances, params{enforced: "InstanceId", stored: "AdditionalInfo"}),
		op("StopInstances", stopInstances, params{
			enforced: "InstanceId Force SkipOsShutdown",
			refused:  []refuse{{paths: "Hibernate", unless: "false", why: "instances cannot hibernate"}},
		}),
		void("RebootInstances", rebootInstances, several),
		op("TerminateInstances", terminateInstances, params{enforced: "InstanceId Force SkipOsShutdown"}),
	}
}

var runInstancesParams = params{
	enforced: `MinCount MaxCount ImageId InstanceType KeyName UserData SubnetId SecurityGroupId SecurityGroup PrivateIpAddress Ipv6AddressCount Ipv6Address
		Placement.AvailabilityZone Placement.AvailabilityZoneId InstanceInitiatedShutdownBehavior DisableApiTermination DisableApiStop ClientToken TagSpecification
		PrivateDnsNameOptions NetworkInterface.DeviceIndex NetworkInterface.NetworkInterfaceId NetworkInterface.SubnetId NetworkInterface.Description
		NetworkInterface.SecurityGroupId NetworkInterface.PrivateIpAddress NetworkInterface.PrivateIpAddresses NetworkInterface.SecondaryPrivateIpAddressCount
		NetworkInterface.Ipv6AddressCount NetworkInterface.Ipv6Addresses NetworkInterface.DeleteOnTermination`,
	stored: `BlockDeviceMapping Monitoring Placement.Tenancy CreditSpecification CpuOptions MetadataOptions MaintenanceOptions IamInstanceProfile EbsOptimized
		AdditionalInfo CapacityReservationSpecification.CapacityReservationPreference`,
	refused: []refuse{
		{paths: "NetworkInterface.AssociatePublicIpAddress NetworkInterface.AssociateCarrierIpAddress", unless: "false", why: "there are no public addresses yet"},
		{paths: "NetworkInterface.InterfaceType", unless: "interface", why: "there are no other kinds of interface"},
		{paths: "NetworkInterface.NetworkCardIndex", unless: "0", why: "an instance has one network card"},
		{paths: "NetworkInterface.Ipv4Prefix NetworkInterface.Ipv4PrefixCount NetworkInterface.Ipv6Prefix NetworkInterface.Ipv6PrefixCount", why: "there are no prefix delegations"},
		{paths: "NetworkInterface.PrimaryIpv6 EnablePrimaryIpv6 Ipv6Address.IsPrimaryIpv6 NetworkInterface.Ipv6Addresses.IsPrimaryIpv6", unless: "false", why: "there are no primary IPv6 addresses yet"},
		{paths: "NetworkInterface.EnaSrdSpecification NetworkInterface.EnaQueueCount", why: "the interface is no ENA adapter"},
		{paths: "NetworkInterface.ConnectionTrackingSpecification", why: "tracking timeouts cannot be changed yet"},
		{paths: "SecondaryInterface NetworkPerformanceOptions", why: "there are no secondary networks and no bandwidth weightings"},
		{paths: "Placement.Affinity Placement.GroupName Placement.PartitionNumber Placement.HostId Placement.SpreadDomain Placement.HostResourceGroupArn Placement.GroupId",
			why: "there are no placement groups and no dedicated hosts"},
		{paths: "KernelId RamdiskId", why: "instances run this machine's kernel"},
		{paths: "ElasticGpuSpecification ElasticInferenceAccelerator", why: "there are no accelerators"},
		{paths: "LaunchTemplate", why: "there are no launch templates yet"},
		{paths: "InstanceMarketOptions", why: "there is no spot market"},
		{paths: "CapacityReservationSpecification.CapacityReservationTarget", why: "there are no capacity reservations"},
		{paths: "HibernationOptions.Configured", unless: "false", why: "instances cannot hibernate"},
		{paths: "EnclaveOptions.Enabled", unless: "false", why: "there are no enclaves"},
		{paths: "LicenseSpecification", why: "there are no licenses"},
		{paths: "Operator", why: "there are no service providers"},
	},
}

func runInstances(c *call, in *wire.RunInstancesRequest) (*wire.Reservation, error) {
	made, err := c.launchImage(in)
	if err != nil {
		return nil, err
	}
	kind, err := launchType(in, made)
	if err != nil {
		return nil, err
	}
	tags := c.tagsByType(in.TagSpecifications, "instance", "volume", "network-interface")
	placement := value(in.Placement)
	r := network.RunInstances{
		Min: int(*in.MinCount), Max: int(*in.MaxCount),
		Image: made.id, Type: network.InstanceTypeKey(kind.name), MaxInterfaces: kind.interfaces, MaxAddrs: kind.addrs,
		KeyName: value(in.KeyName), UserData: c.userData(in.UserData),
		Interfaces:         c.launchInterfaces(in),
		Zone:               c.zone(placement.AvailabilityZone, placement.AvailabilityZoneId),
		ShutdownBehavior:   value(in.InstanceInitiatedShutdownBehavior),
		DisableTermination: value(in.DisableApiTermination), DisableStop: value(in.DisableApiStop),
		Metadata: launchMetadata(in.MetadataOptions, made),
		Stored:   launchExtras(in, tags["volume"]),
		Tags:     tags["instance"], InterfaceTags: tags["network-interface"],
	}
	if r.Zone != "" && !slices.Contains(zonesOf(c.caller.Region), r.Zone) {
		c.fail(&Error{Code: "InvalidParameterValue", Message: "Invalid availability zone: [" + r.Zone + "]"})
	}
	out, err := c.doOnce(in.ClientToken, r)
	if err != nil {
		return nil, err
	}
	var launched []*network.Instance
	for _, id := range out.Created[1:] {
		if i := c.state.Instance(network.InstanceID(id)); i != nil {
			launched = append(launched, i)
		}
	}
	if len(launched) == 0 {
		return nil, gone(out.Created[1])
	}
	return &wire.Reservation{ReservationId: text(out.Created[0]), OwnerId: text(c.caller.Account), Groups: []wire.GroupIdentifier{},
		Instances: all(launched, c.instance)}, nil
}

// launchImage is the image asked for.
func (c *call) launchImage(in *wire.RunInstancesRequest) (image, error) {
	if in.ImageId == nil {
		return image{}, missing("ImageId")
	}
	if !network.WellFormed(*in.ImageId, "ami") {
		return image{}, invalidID(*in.ImageId, "ami")
	}
	made, ok := c.image(network.ImageID(*in.ImageId))
	if !ok {
		return image{}, &network.Error{Code: network.NotFound, Subject: *in.ImageId}
	}
	return made, nil
}

// launchType is the type asked for, which must be able to run the image.
func launchType(in *wire.RunInstancesRequest, made image) (instanceType, error) {
	name := "m1.small" // AWS: RunInstances, InstanceType
	if in.InstanceType != nil {
		name = *in.InstanceType
	}
	kind, _ := lookupType(name)
	if made.made && made.arch != kind.family.arch {
		return kind, &Error{Code: "InvalidParameterValue", Message: "The architecture '" + kind.family.arch + "' of the specified instance type does not match the architecture '" + made.arch +
			"' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI."}
	}
	return kind, nil
}

// userData is sent in base64.
func (c *call) userData(sent *string) []byte {
	if sent == nil {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(*sent)
	if err != nil {
		c.fail(&Error{Code: "InvalidUserData.Malformed", Message: "Invalid BASE64 encoding of user data."})
	}
	return data
}

// launchInterfaces are the interfaces of the new instances: described one by one,
// or the only one by parameters of the instance.
func (c *call) launchInterfaces(in *wire.RunInstancesRequest) []network.InterfaceSpec {
	if len(in.NetworkInterfaces) == 0 {
		spec := network.ENISpec{Subnet: network.SubnetID(value(in.SubnetId)), Groups: c.launchGroups(in), Addrs: c.privateAddrs(in.PrivateIpAddress, nil),
			Addrs6: c.addrs6(in.Ipv6Addresses), Extra6: c.count("ipv6AddressCount", in.Ipv6AddressCount)}
		return []network.InterfaceSpec{{New: spec, DeleteOnTermination: true}}
	}
	clash := func(what string, sent bool) {
		if sent {
			c.fail(combination("Network interfaces and an instance-level " + what + " may not be specified on the same request"))
		}
	}
	clash("subnet ID", in.SubnetId != nil)
	clash("security groups", len(in.SecurityGroupIds)+len(in.SecurityGroups) > 0)
	clash("private address", in.PrivateIpAddress != nil)
	clash("IPv6 addresses", len(in.Ipv6Addresses) > 0 || in.Ipv6AddressCount != nil)
	return all(in.NetworkInterfaces, c.launchInterface)
}

func (c *call) launchInterface(in wire.InstanceNetworkInterfaceSpecification) network.InterfaceSpec {
	if in.DeviceIndex == nil {
		c.fail(&Error{Code: "MissingParameter", Message: "Each network interface requires a device index."})
	}
	out := network.InterfaceSpec{Device: int(value(in.DeviceIndex)), DeleteOnTermination: in.NetworkInterfaceId == nil}
	if in.DeleteOnTermination != nil {
		out.DeleteOnTermination = *in.DeleteOnTermination
	}
	if in.NetworkInterfaceId != nil {
		if in.SubnetId != nil || len(in.Groups) > 0 || in.PrivateIpAddress != nil || len(in.PrivateIpAddresses) > 0 || len(in.Ipv6Addresses) > 0 {
			c.fail(combination("A network interface may not specify both a network interface ID and a subnet, security groups or addresses"))
		}
		out.Existing = network.ENIID(*in.NetworkInterfaceId)
		return out
	}
	out.New = network.ENISpec{Subnet: network.SubnetID(value(in.SubnetId)), Description: value(in.Description), Groups: ids[network.GroupID](in.Groups),
		Addrs: c.privateAddrs(in.PrivateIpAddress, in.PrivateIpAddresses), Extra: c.count("secondaryPrivateIpAddressCount", in.SecondaryPrivateIpAddressCount),
		Addrs6: c.addrs6(in.Ipv6Addresses), Extra6: c.count("ipv6AddressCount", in.Ipv6AddressCount)}
	return out
}

// launchGroups are named by ID, or by name in the default VPC.
func (c *call) launchGroups(in *wire.RunInstancesRequest) []network.GroupID {
	out := ids[network.GroupID](in.SecurityGroupIds)
	for _, name := range in.SecurityGroups {
		out = append(out, c.groupID(nil, &name))
	}
	return out
}

func startInstances(c *call, in *wire.StartInstancesRequest) (*wire.StartInstancesResult, error) {
	changes, err := c.change(in.InstanceIds, network.StartInstances{Instances: ids[network.InstanceID](in.InstanceIds)})
	if err != nil {
		return nil, err
	}
	return &wire.StartInstancesResult{StartingInstances: changes}, nil
}

func stopInstances(c *call, in *wire.StopInstancesRequest) (*wire.StopInstancesResult, error) {
	force := value(in.Force) || value(in.SkipOsShutdown)
	changes, err := c.change(in.InstanceIds, network.StopInstances{Instances: ids[network.InstanceID](in.InstanceIds), Force: force})
	if err != nil {
		return nil, err
	}
	return &wire.StopInstancesResult{StoppingInstances: changes}, nil
}

func rebootInstances(c *call, in *wire.RebootInstancesRequest) error {
	_, err := c.do(network.RebootInstances{Instances: ids[network.InstanceID](in.InstanceIds)})
	return err
}

func terminateInstances(c *call, in *wire.TerminateInstancesRequest) (*wire.TerminateInstancesResult, error) {
	changes, err := c.change(in.InstanceIds, network.TerminateInstances{Instances: ids[network.InstanceID](in.InstanceIds)})
	if err != nil {
		return nil, err
	}
	return &wire.TerminateInstancesResult{TerminatingInstances: changes}, nil
}

// change does something to instances and shows their states before and after.
func (c *call) change(list []string, r network.Request) ([]wire.InstanceStateChange, error) {
	before := c.state
	if _, err := c.do(r); err != nil {
		return nil, err
	}
	var out []wire.InstanceStateChange
	for k, id := range list {
		was, is := before.Instance(network.InstanceID(id)), c.state.Instance(network.InstanceID(id))
		if slices.Contains(list[:k], id) || was == nil || is == nil {
			continue
		}
		out = append(out, wire.InstanceStateChange{InstanceId: text(id), PreviousState: instanceState(was.State), CurrentState: instanceState(is.State)})
	}
	return out, nil
}

func instanceState(s network.InstanceState) *wire.InstanceState {
	return &wire.InstanceState{Code: long(s.Code()), Name: text(s.String())}
}
