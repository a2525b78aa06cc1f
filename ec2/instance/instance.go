package instance

import (
	"encoding/base64"
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/vpc"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func instanceOperations() []api.Operation {
	several := api.Params{Enforced: "InstanceId"}
	return []api.Operation{
		api.Op("RunInstances", runInstances, runInstancesParams),
		api.Op("StartInstances", startInstances, api.Params{Enforced: "InstanceId", Stored: "AdditionalInfo"}),
		api.Op("StopInstances", stopInstances, api.Params{
			Enforced: "InstanceId Force SkipOsShutdown",
			Refused:  []api.Refuse{{Paths: "Hibernate", Unless: "false", Why: "instances cannot hibernate"}},
		}),
		api.Void("RebootInstances", rebootInstances, several),
		api.Op("TerminateInstances", terminateInstances, api.Params{Enforced: "InstanceId Force SkipOsShutdown"}),
	}
}

var runInstancesParams = api.Params{
	Enforced: `MinCount MaxCount ImageId InstanceType KeyName UserData SubnetId SecurityGroupId SecurityGroup PrivateIpAddress Ipv6AddressCount Ipv6Address
		Placement.AvailabilityZone Placement.AvailabilityZoneId InstanceInitiatedShutdownBehavior DisableApiTermination DisableApiStop ClientToken TagSpecification LaunchTemplate
		PrivateDnsNameOptions NetworkInterface.DeviceIndex NetworkInterface.NetworkInterfaceId NetworkInterface.SubnetId NetworkInterface.Description
		NetworkInterface.SecurityGroupId NetworkInterface.PrivateIpAddress NetworkInterface.PrivateIpAddresses NetworkInterface.SecondaryPrivateIpAddressCount
		NetworkInterface.Ipv6AddressCount NetworkInterface.Ipv6Addresses NetworkInterface.DeleteOnTermination`,
	Stored: `BlockDeviceMapping Monitoring Placement.Tenancy CreditSpecification CpuOptions MetadataOptions MaintenanceOptions IamInstanceProfile EbsOptimized
		AdditionalInfo CapacityReservationSpecification.CapacityReservationPreference`,
	Refused: []api.Refuse{
		{Paths: "NetworkInterface.AssociatePublicIpAddress NetworkInterface.AssociateCarrierIpAddress", Unless: "false", Why: "there are no public addresses yet"},
		{Paths: "NetworkInterface.InterfaceType", Unless: "interface", Why: "there are no other kinds of interface"},
		{Paths: "NetworkInterface.NetworkCardIndex", Unless: "0", Why: "an instance has one network card"},
		{Paths: "NetworkInterface.Ipv4Prefix NetworkInterface.Ipv4PrefixCount NetworkInterface.Ipv6Prefix NetworkInterface.Ipv6PrefixCount", Why: "there are no prefix delegations"},
		{Paths: "NetworkInterface.PrimaryIpv6 EnablePrimaryIpv6 Ipv6Address.IsPrimaryIpv6 NetworkInterface.Ipv6Addresses.IsPrimaryIpv6", Unless: "false", Why: "there are no primary IPv6 addresses yet"},
		{Paths: "NetworkInterface.EnaSrdSpecification NetworkInterface.EnaQueueCount", Why: "the interface is no ENA adapter"},
		{Paths: "NetworkInterface.ConnectionTrackingSpecification", Why: "tracking timeouts cannot be changed yet"},
		{Paths: "SecondaryInterface NetworkPerformanceOptions", Why: "there are no secondary networks and no bandwidth weightings"},
		{Paths: "Placement.Affinity Placement.GroupName Placement.PartitionNumber Placement.HostId Placement.SpreadDomain Placement.HostResourceGroupArn Placement.GroupId",
			Why: "there are no placement groups and no dedicated hosts"},
		{Paths: "KernelId RamdiskId", Why: "instances run this machine's kernel"},
		{Paths: "ElasticGpuSpecification ElasticInferenceAccelerator", Why: "there are no accelerators"},
		{Paths: "InstanceMarketOptions", Why: "there is no spot market"},
		{Paths: "CapacityReservationSpecification.CapacityReservationTarget", Why: "there are no capacity reservations"},
		{Paths: "HibernationOptions.Configured", Unless: "false", Why: "instances cannot hibernate"},
		{Paths: "EnclaveOptions.Enabled", Unless: "false", Why: "there are no enclaves"},
		{Paths: "LicenseSpecification", Why: "there are no licenses"},
		{Paths: "Operator", Why: "there are no service providers"},
	},
}

func runInstances(c *api.Call, in *wire.RunInstancesRequest) (*wire.Reservation, error) {
	in, marks, err := fromTemplate(c, in)
	if err != nil {
		return nil, err
	}
	made, err := launchImage(c, in)
	if err != nil {
		return nil, err
	}
	kind, err := launchType(in, made)
	if err != nil {
		return nil, err
	}
	if *in.MinCount > mostAtOnce {
		return nil, &api.Error{Code: "InstanceLimitExceeded", Message: "You have requested more instances (" + api.Number(int(*in.MinCount)) + ") than your current instance limit of " + api.Number(mostAtOnce) + " allows for the specified instance type. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."}
	}
	tags := c.TagsByType(in.TagSpecifications, "instance", "volume", "network-interface")
	placement := api.Value(in.Placement)
	r := network.RunInstances{
		Min: int(*in.MinCount), Max: int(min(*in.MaxCount, max(*in.MinCount, mostAtOnce))),
		Image: made.id, Type: network.InstanceTypeKey(kind.name), MaxInterfaces: kind.interfaces, MaxAddrs: kind.addrs,
		KeyName: api.Value(in.KeyName), UserData: readUserData(c, in.UserData),
		Interfaces:         launchInterfaces(c, in),
		Zone:               c.Zone(placement.AvailabilityZone, placement.AvailabilityZoneId),
		ShutdownBehavior:   api.Value(in.InstanceInitiatedShutdownBehavior),
		DisableTermination: api.Value(in.DisableApiTermination), DisableStop: api.Value(in.DisableApiStop),
		Metadata: launchMetadata(in.MetadataOptions, made),
		Stored:   launchExtras(in, tags["volume"]),
		Tags:     tags["instance"], Marks: marks, InterfaceTags: tags["network-interface"],
	}
	if r.Zone != "" && !slices.Contains(api.ZonesOf(c.Caller.Region), r.Zone) {
		c.Fail(&api.Error{Code: "InvalidParameterValue", Message: "Invalid availability zone: [" + r.Zone + "]"})
	}
	out, err := c.DoOnce(in.ClientToken, r)
	if err != nil {
		return nil, err
	}
	var launched []*network.Instance
	for _, id := range out.Created[1:] {
		if i := c.State.Instance(network.InstanceID(id)); i != nil {
			launched = append(launched, i)
		}
	}
	if len(launched) == 0 {
		return nil, api.Gone(out.Created[1])
	}
	return &wire.Reservation{ReservationId: api.Text(out.Created[0]), OwnerId: api.Text(c.Caller.Account), Groups: []wire.GroupIdentifier{},
		Instances: api.Each(c, launched, showInstance)}, nil
}

// mostAtOnce bounds one launch. AWS bounds it by the account's vCPU quota; more
// than MinCount is launched as far as it goes.
const mostAtOnce = 1000

// launchImage is the image asked for.
func launchImage(c *api.Call, in *wire.RunInstancesRequest) (image, error) {
	if in.ImageId == nil {
		return image{}, api.Missing("ImageId")
	}
	if !network.WellFormed(*in.ImageId, "ami") {
		return image{}, api.InvalidID(*in.ImageId, "ami")
	}
	made, ok := findImage(c, network.ImageID(*in.ImageId))
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
		return kind, &api.Error{Code: "InvalidParameterValue", Message: "The architecture '" + kind.family.arch + "' of the specified instance type does not match the architecture '" + made.arch +
			"' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI."}
	}
	return kind, nil
}

// readUserData is sent in base64.
func readUserData(c *api.Call, sent *string) []byte {
	if sent == nil {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(*sent)
	if err != nil {
		c.Fail(&api.Error{Code: "InvalidUserData.Malformed", Message: "Invalid BASE64 encoding of user data."})
	}
	return data
}

// launchInterfaces are the interfaces of the new instances: described one by one,
// or the only one by parameters of the instance.
func launchInterfaces(c *api.Call, in *wire.RunInstancesRequest) []network.InterfaceSpec {
	if len(in.NetworkInterfaces) == 0 {
		spec := network.ENISpec{Subnet: network.SubnetID(api.Value(in.SubnetId)), Groups: launchGroups(c, in), Addrs: vpc.PrivateAddrs(c, in.PrivateIpAddress, nil),
			Addrs6: vpc.Addrs6(c, in.Ipv6Addresses), Extra6: vpc.Count(c, "ipv6AddressCount", in.Ipv6AddressCount)}
		return []network.InterfaceSpec{{New: spec, DeleteOnTermination: true}}
	}
	clash := func(what string, sent bool) {
		if sent {
			c.Fail(api.Combination("Network interfaces and an instance-level " + what + " may not be specified on the same request"))
		}
	}
	clash("subnet ID", in.SubnetId != nil)
	clash("security groups", len(in.SecurityGroupIds)+len(in.SecurityGroups) > 0)
	clash("private address", in.PrivateIpAddress != nil)
	clash("IPv6 addresses", len(in.Ipv6Addresses) > 0 || in.Ipv6AddressCount != nil)
	return api.Each(c, in.NetworkInterfaces, launchInterface)
}

func launchInterface(c *api.Call, in wire.InstanceNetworkInterfaceSpecification) network.InterfaceSpec {
	if in.DeviceIndex == nil {
		c.Fail(&api.Error{Code: "MissingParameter", Message: "Each network interface requires a device index."})
	}
	out := network.InterfaceSpec{Device: int(api.Value(in.DeviceIndex)), DeleteOnTermination: in.NetworkInterfaceId == nil}
	if in.DeleteOnTermination != nil {
		out.DeleteOnTermination = *in.DeleteOnTermination
	}
	if in.NetworkInterfaceId != nil {
		if in.SubnetId != nil || len(in.Groups) > 0 || in.PrivateIpAddress != nil || len(in.PrivateIpAddresses) > 0 || len(in.Ipv6Addresses) > 0 {
			c.Fail(api.Combination("A network interface may not specify both a network interface ID and a subnet, security groups or addresses"))
		}
		out.Existing = network.ENIID(*in.NetworkInterfaceId)
		return out
	}
	out.New = network.ENISpec{Subnet: network.SubnetID(api.Value(in.SubnetId)), Description: api.Value(in.Description), Groups: api.IDs[network.GroupID](in.Groups),
		Addrs: vpc.PrivateAddrs(c, in.PrivateIpAddress, in.PrivateIpAddresses), Extra: vpc.Count(c, "secondaryPrivateIpAddressCount", in.SecondaryPrivateIpAddressCount),
		Addrs6: vpc.Addrs6(c, in.Ipv6Addresses), Extra6: vpc.Count(c, "ipv6AddressCount", in.Ipv6AddressCount)}
	return out
}

// launchGroups are named by ID, or by name in the default VPC.
func launchGroups(c *api.Call, in *wire.RunInstancesRequest) []network.GroupID {
	out := api.IDs[network.GroupID](in.SecurityGroupIds)
	for _, name := range in.SecurityGroups {
		out = append(out, vpc.GroupID(c, nil, &name))
	}
	return out
}

func startInstances(c *api.Call, in *wire.StartInstancesRequest) (*wire.StartInstancesResult, error) {
	changes, err := change(c, in.InstanceIds, network.StartInstances{Instances: api.IDs[network.InstanceID](in.InstanceIds)})
	if err != nil {
		return nil, err
	}
	return &wire.StartInstancesResult{StartingInstances: changes}, nil
}

func stopInstances(c *api.Call, in *wire.StopInstancesRequest) (*wire.StopInstancesResult, error) {
	force := api.Value(in.Force) || api.Value(in.SkipOsShutdown)
	changes, err := change(c, in.InstanceIds, network.StopInstances{Instances: api.IDs[network.InstanceID](in.InstanceIds), Force: force})
	if err != nil {
		return nil, err
	}
	return &wire.StopInstancesResult{StoppingInstances: changes}, nil
}

func rebootInstances(c *api.Call, in *wire.RebootInstancesRequest) error {
	_, err := c.Do(network.RebootInstances{Instances: api.IDs[network.InstanceID](in.InstanceIds)})
	return err
}

func terminateInstances(c *api.Call, in *wire.TerminateInstancesRequest) (*wire.TerminateInstancesResult, error) {
	changes, err := change(c, in.InstanceIds, network.TerminateInstances{Instances: api.IDs[network.InstanceID](in.InstanceIds)})
	if err != nil {
		return nil, err
	}
	return &wire.TerminateInstancesResult{TerminatingInstances: changes}, nil
}

// change does something to instances and shows their states before and after.
func change(c *api.Call, list []string, r network.Request) ([]wire.InstanceStateChange, error) {
	before := c.State
	if _, err := c.Do(r); err != nil {
		return nil, err
	}
	var out []wire.InstanceStateChange
	for k, id := range list {
		was, is := before.Instance(network.InstanceID(id)), c.State.Instance(network.InstanceID(id))
		if slices.Contains(list[:k], id) || was == nil || is == nil {
			continue
		}
		out = append(out, wire.InstanceStateChange{InstanceId: api.Text(id), PreviousState: instanceState(was.State), CurrentState: instanceState(is.State)})
	}
	return out, nil
}

func instanceState(s network.InstanceState) *wire.InstanceState {
	return &wire.InstanceState{Code: api.Long(s.Code()), Name: api.Text(s.String())}
}
