package ec2

import (
	"encoding/base64"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func instanceAttributeOperations() []operation {
	return []operation{
		op("DescribeInstanceAttribute", describeInstanceAttribute, params{enforced: "InstanceId Attribute"}),
		void("ModifyInstanceAttribute", modifyInstanceAttribute, params{
			enforced: "InstanceId SourceDestCheck DisableApiStop Attribute Value DisableApiTermination InstanceType UserData InstanceInitiatedShutdownBehavior GroupId",
			stored:   "BlockDeviceMapping EbsOptimized EnaSupport SriovNetSupport",
			refused: []refuse{
				{paths: "Kernel Ramdisk", why: "instances run this machine's kernel"},
				{paths: "EnclaveOptions.Enabled", unless: "false", why: "there are no enclaves"},
			},
		}),
		void("ResetInstanceAttribute", resetInstanceAttribute, params{enforced: "InstanceId Attribute"}),
		op("ModifyInstanceMetadataOptions", modifyInstanceMetadataOptions, params{
			enforced: "InstanceId",
			stored:   "HttpTokens HttpPutResponseHopLimit HttpEndpoint HttpProtocolIpv6 InstanceMetadataTags", // there is no metadata service yet
		}),
		op("MonitorInstances", monitorInstances, params{enforced: "InstanceId", stored: "MetricCategoryId"}),
		op("UnmonitorInstances", unmonitorInstances, params{enforced: "InstanceId", stored: "MetricCategoryId"}),
	}
}

func describeInstanceAttribute(c *call, in *wire.DescribeInstanceAttributeRequest) (*wire.InstanceAttribute, error) {
	rows, _, err := instances.rows(c, query{ids: []string{*in.InstanceId}})
	if err != nil {
		return nil, err
	}
	i := rows[0]
	view, out := c.instance(i), &wire.InstanceAttribute{InstanceId: in.InstanceId}
	switch *in.Attribute {
	case "blockDeviceMapping":
		out.BlockDeviceMappings = view.BlockDeviceMappings
	case "disableApiStop":
		out.DisableApiStop = wrapBool(i.DisableStop)
	case "disableApiTermination":
		out.DisableApiTermination = wrapBool(i.DisableTermination)
	case "ebsOptimized":
		out.EbsOptimized = &wire.AttributeBooleanValue{Value: view.EbsOptimized}
	case "enaSupport":
		out.EnaSupport = &wire.AttributeBooleanValue{Value: view.EnaSupport}
	case "enclaveOptions":
		out.EnclaveOptions = view.EnclaveOptions
	case "groupSet":
		out.Groups = view.SecurityGroups
	case "instanceInitiatedShutdownBehavior":
		out.InstanceInitiatedShutdownBehavior = wrapText(i.ShutdownBehavior)
	case "instanceType":
		out.InstanceType = wrapText(i.Type)
	case "kernel":
		out.KernelId = &wire.AttributeValue{}
	case "productCodes":
		out.ProductCodes = view.ProductCodes
	case "ramdisk":
		out.RamdiskId = &wire.AttributeValue{}
	case "rootDeviceName":
		out.RootDeviceName = &wire.AttributeValue{Value: view.RootDeviceName}
	case "sourceDestCheck":
		if len(c.plugs(i)) > 1 {
			return nil, &network.Error{Code: network.ManyInterfaces, Subject: string(i.ID)}
		}
		out.SourceDestCheck = &wire.AttributeBooleanValue{Value: view.SourceDestCheck}
	case "sriovNetSupport":
		out.SriovNetSupport = &wire.AttributeValue{}
	case "userData":
		out.UserData = wrapText(base64.StdEncoding.EncodeToString(i.UserData))
	}
	return out, nil
}

// modifyInstanceAttribute takes an attribute under its own name, or by the older
// form of its name and value.
func modifyInstanceAttribute(c *call, in *wire.ModifyInstanceAttributeRequest) error {
	r := network.SetInstanceAttribute{
		Instance: network.InstanceID(*in.InstanceId), SourceDestCheck: setting(in.SourceDestCheck), DisableStop: setting(in.DisableApiStop),
		DisableTermination: setting(in.DisableApiTermination), Groups: ids[network.GroupID](in.Groups),
	}
	if in.InstanceType != nil {
		c.setType(&r, value(in.InstanceType.Value))
	}
	if in.InstanceInitiatedShutdownBehavior != nil {
		r.ShutdownBehavior = new(value(in.InstanceInitiatedShutdownBehavior.Value))
	}
	if in.UserData != nil {
		r.UserData = &in.UserData.Value
	}
	if in.EbsOptimized != nil {
		r.Stored = map[string]string{storedOptimized: yes(value(in.EbsOptimized.Value))[0]}
	}
	if in.Attribute != nil {
		c.setNamed(&r, *in.Attribute, in.Value)
	}
	_, err := c.do(r)
	return err
}

func (c *call) setNamed(r *network.SetInstanceAttribute, attribute string, sent *string) {
	if sent == nil {
		if attribute != "groupSet" && attribute != "blockDeviceMapping" {
			c.fail(missing("Value"))
		}
		return
	}
	flag := func() *bool {
		if *sent != "true" && *sent != "false" {
			c.fail(invalidValue(*sent, attribute, "It must be true or false."))
		}
		return new(*sent == "true")
	}
	switch attribute {
	case "instanceType":
		c.setType(r, *sent)
	case "userData":
		r.UserData = new(c.userData(sent))
	case "instanceInitiatedShutdownBehavior":
		r.ShutdownBehavior = sent
	case "disableApiTermination":
		r.DisableTermination = flag()
	case "disableApiStop":
		r.DisableStop = flag()
	case "sourceDestCheck":
		r.SourceDestCheck = flag()
	case "ebsOptimized":
		r.Stored = map[string]string{storedOptimized: yes(*flag())[0]}
	default:
		c.fail(&Error{Code: "UnsupportedOperation", Message: "The attribute " + attribute + " cannot be changed by its name."})
	}
}

func (c *call) setType(r *network.SetInstanceAttribute, name string) {
	t, listed := lookupType(name)
	if !listed && !wire.IsInstanceType(name) {
		c.fail(&Error{Code: "InvalidParameterValue", Message: "Invalid value '" + name + "' for InstanceType."})
	}
	r.Type, r.MaxInterfaces, r.MaxAddrs = new(network.InstanceTypeKey(name)), t.interfaces, t.addrs
}

// resetInstanceAttribute: of the three attributes only one is not the machine's.
func resetInstanceAttribute(c *call, in *wire.ResetInstanceAttributeRequest) error {
	if *in.Attribute != "sourceDestCheck" {
		return &Error{Code: "UnsupportedOperation", Message: "The attribute " + *in.Attribute + " cannot be reset: instances run this machine's kernel."}
	}
	_, err := c.do(network.SetInstanceAttribute{Instance: network.InstanceID(*in.InstanceId), SourceDestCheck: new(true)})
	return err
}

func modifyInstanceMetadataOptions(c *call, in *wire.ModifyInstanceMetadataOptionsRequest) (*wire.ModifyInstanceMetadataOptionsResult, error) {
	options := metadataOf(&wire.InstanceMetadataOptionsRequest{HttpTokens: in.HttpTokens, HttpPutResponseHopLimit: in.HttpPutResponseHopLimit,
		HttpEndpoint: in.HttpEndpoint, HttpProtocolIpv6: in.HttpProtocolIpv6, InstanceMetadataTags: in.InstanceMetadataTags})
	id := network.InstanceID(*in.InstanceId)
	if _, err := c.do(network.SetInstanceAttribute{Instance: id, Metadata: &options}); err != nil {
		return nil, err
	}
	shown := metadataView(c.state.Instance(id))
	shown.State = new("pending") // AWS: so in this answer, and applied from then on
	return &wire.ModifyInstanceMetadataOptionsResult{InstanceId: in.InstanceId, InstanceMetadataOptions: shown}, nil
}

func monitorInstances(c *call, in *wire.MonitorInstancesRequest) (*wire.MonitorInstancesResult, error) {
	out, err := c.monitor(in.InstanceIds, "enabled", "pending")
	return &wire.MonitorInstancesResult{InstanceMonitorings: out}, err
}

func unmonitorInstances(c *call, in *wire.UnmonitorInstancesRequest) (*wire.UnmonitorInstancesResult, error) {
	out, err := c.monitor(in.InstanceIds, "disabled", "disabling")
	return &wire.UnmonitorInstancesResult{InstanceMonitorings: out}, err
}

// monitor notes what is asked for. All instances are looked up before the first
// is changed.
func (c *call) monitor(list []string, state, shown string) ([]wire.InstanceMonitoring, error) {
	rows, _, err := instances.rows(c, query{ids: list})
	if err != nil {
		return nil, err
	}
	for _, i := range rows {
		if _, err := c.do(network.SetInstanceAttribute{Instance: i.ID, Stored: map[string]string{storedMonitoring: state}}); err != nil {
			return nil, err
		}
	}
	return all(rows, func(i *network.Instance) wire.InstanceMonitoring {
		return wire.InstanceMonitoring{InstanceId: text(i.ID), Monitoring: &wire.Monitoring{State: text(shown)}}
	}), nil
}
