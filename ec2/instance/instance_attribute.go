package instance

import (
	"encoding/base64"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func instanceAttributeOperations() []api.Operation {
	return []api.Operation{
		api.Op("DescribeInstanceAttribute", describeInstanceAttribute, api.Params{Enforced: "InstanceId Attribute"}),
		api.Void("ModifyInstanceAttribute", modifyInstanceAttribute, api.Params{
			Enforced: "InstanceId SourceDestCheck DisableApiStop Attribute Value DisableApiTermination InstanceType UserData InstanceInitiatedShutdownBehavior GroupId",
			Stored:   "BlockDeviceMapping EbsOptimized EnaSupport SriovNetSupport",
			Refused: []api.Refuse{
				{Paths: "Kernel Ramdisk", Why: "instances run this machine's kernel"},
				{Paths: "EnclaveOptions.Enabled", Unless: "false", Why: "there are no enclaves"},
			},
		}),
		api.Void("ResetInstanceAttribute", resetInstanceAttribute, api.Params{Enforced: "InstanceId Attribute"}),
		api.Op("ModifyInstanceMetadataOptions", modifyInstanceMetadataOptions, api.Params{
			Enforced: "InstanceId",
			Stored:   "HttpTokens HttpPutResponseHopLimit HttpEndpoint HttpProtocolIpv6 InstanceMetadataTags", // there is no metadata service yet
		}),
		api.Op("MonitorInstances", monitorInstances, api.Params{Enforced: "InstanceId", Stored: "MetricCategoryId"}),
		api.Op("UnmonitorInstances", unmonitorInstances, api.Params{Enforced: "InstanceId", Stored: "MetricCategoryId"}),
	}
}

func describeInstanceAttribute(c *api.Call, in *wire.DescribeInstanceAttributeRequest) (*wire.InstanceAttribute, error) {
	rows, _, err := instances.Rows(c, api.Query{IDs: []string{*in.InstanceId}})
	if err != nil {
		return nil, err
	}
	i := rows[0]
	view, out := showInstance(c, i), &wire.InstanceAttribute{InstanceId: in.InstanceId}
	switch *in.Attribute {
	case "blockDeviceMapping":
		out.BlockDeviceMappings = view.BlockDeviceMappings
	case "disableApiStop":
		out.DisableApiStop = api.WrapBool(i.DisableStop)
	case "disableApiTermination":
		out.DisableApiTermination = api.WrapBool(i.DisableTermination)
	case "ebsOptimized":
		out.EbsOptimized = &wire.AttributeBooleanValue{Value: view.EbsOptimized}
	case "enaSupport":
		out.EnaSupport = &wire.AttributeBooleanValue{Value: view.EnaSupport}
	case "enclaveOptions":
		out.EnclaveOptions = view.EnclaveOptions
	case "groupSet":
		out.Groups = view.SecurityGroups
	case "instanceInitiatedShutdownBehavior":
		out.InstanceInitiatedShutdownBehavior = api.WrapText(i.ShutdownBehavior)
	case "instanceType":
		out.InstanceType = api.WrapText(i.Type)
	case "kernel":
		out.KernelId = &wire.AttributeValue{}
	case "productCodes":
		out.ProductCodes = view.ProductCodes
	case "ramdisk":
		out.RamdiskId = &wire.AttributeValue{}
	case "rootDeviceName":
		out.RootDeviceName = &wire.AttributeValue{Value: view.RootDeviceName}
	case "sourceDestCheck":
		if len(plugs(c, i)) > 1 {
			return nil, &network.Error{Code: network.ManyInterfaces, Subject: string(i.ID)}
		}
		out.SourceDestCheck = &wire.AttributeBooleanValue{Value: view.SourceDestCheck}
	case "sriovNetSupport":
		out.SriovNetSupport = &wire.AttributeValue{}
	case "userData":
		out.UserData = api.WrapText(encodeUserData(i))
	}
	return out, nil
}

func encodeUserData(i *network.Instance) string { return base64.StdEncoding.EncodeToString(i.UserData) }

// modifyInstanceAttribute takes an attribute under its own name, or by the older
// form of its name and value.
func modifyInstanceAttribute(c *api.Call, in *wire.ModifyInstanceAttributeRequest) error {
	r := network.SetInstanceAttribute{
		Instance: network.InstanceID(*in.InstanceId), SourceDestCheck: api.Setting(in.SourceDestCheck), DisableStop: api.Setting(in.DisableApiStop),
		DisableTermination: api.Setting(in.DisableApiTermination), Groups: api.IDs[network.GroupID](in.Groups),
	}
	if in.InstanceType != nil {
		setType(c, &r, api.Value(in.InstanceType.Value))
	}
	if in.InstanceInitiatedShutdownBehavior != nil {
		r.ShutdownBehavior = new(api.Value(in.InstanceInitiatedShutdownBehavior.Value))
	}
	if in.UserData != nil {
		r.UserData = &in.UserData.Value
	}
	if in.EbsOptimized != nil {
		r.Stored = map[string]string{storedOptimized: api.Yes(api.Value(in.EbsOptimized.Value))[0]}
	}
	if in.Attribute != nil {
		setNamed(c, &r, *in.Attribute, in.Value)
	}
	_, err := c.Do(r)
	return err
}

func setNamed(c *api.Call, r *network.SetInstanceAttribute, attribute string, sent *string) {
	if sent == nil {
		if attribute != "groupSet" && attribute != "blockDeviceMapping" {
			c.Fail(api.Missing("Value"))
		}
		return
	}
	flag := func() *bool {
		if *sent != "true" && *sent != "false" {
			c.Fail(api.InvalidValue(*sent, attribute, "It must be true or false."))
		}
		return new(*sent == "true")
	}
	switch attribute {
	case "instanceType":
		setType(c, r, *sent)
	case "userData":
		r.UserData = new(readUserData(c, sent))
	case "instanceInitiatedShutdownBehavior":
		r.ShutdownBehavior = sent
	case "disableApiTermination":
		r.DisableTermination = flag()
	case "disableApiStop":
		r.DisableStop = flag()
	case "sourceDestCheck":
		r.SourceDestCheck = flag()
	case "ebsOptimized":
		r.Stored = map[string]string{storedOptimized: api.Yes(*flag())[0]}
	default:
		c.Fail(&api.Error{Code: "UnsupportedOperation", Message: "The attribute " + attribute + " cannot be changed by its name."})
	}
}

func setType(c *api.Call, r *network.SetInstanceAttribute, name string) {
	t, listed := lookupType(name)
	if !listed && !wire.IsInstanceType(name) {
		c.Fail(&api.Error{Code: "InvalidParameterValue", Message: "Invalid value '" + name + "' for InstanceType."})
	}
	r.Type, r.MaxInterfaces, r.MaxAddrs = new(network.InstanceTypeKey(name)), t.interfaces, t.addrs
}

// resetInstanceAttribute: of the three attributes only one is not the machine's.
func resetInstanceAttribute(c *api.Call, in *wire.ResetInstanceAttributeRequest) error {
	if *in.Attribute != "sourceDestCheck" {
		return &api.Error{Code: "UnsupportedOperation", Message: "The attribute " + *in.Attribute + " cannot be reset: instances run this machine's kernel."}
	}
	_, err := c.Do(network.SetInstanceAttribute{Instance: network.InstanceID(*in.InstanceId), SourceDestCheck: new(true)})
	return err
}

func modifyInstanceMetadataOptions(c *api.Call, in *wire.ModifyInstanceMetadataOptionsRequest) (*wire.ModifyInstanceMetadataOptionsResult, error) {
	options := metadataOf(&wire.InstanceMetadataOptionsRequest{HttpTokens: in.HttpTokens, HttpPutResponseHopLimit: in.HttpPutResponseHopLimit,
		HttpEndpoint: in.HttpEndpoint, HttpProtocolIpv6: in.HttpProtocolIpv6, InstanceMetadataTags: in.InstanceMetadataTags})
	id := network.InstanceID(*in.InstanceId)
	if _, err := c.Do(network.SetInstanceAttribute{Instance: id, Metadata: &options}); err != nil {
		return nil, err
	}
	shown := metadataView(c.State.Instance(id))
	shown.State = new("pending") // AWS: so in this answer, and applied from then on
	return &wire.ModifyInstanceMetadataOptionsResult{InstanceId: in.InstanceId, InstanceMetadataOptions: shown}, nil
}

func monitorInstances(c *api.Call, in *wire.MonitorInstancesRequest) (*wire.MonitorInstancesResult, error) {
	out, err := monitor(c, in.InstanceIds, "enabled", "pending")
	return &wire.MonitorInstancesResult{InstanceMonitorings: out}, err
}

func unmonitorInstances(c *api.Call, in *wire.UnmonitorInstancesRequest) (*wire.UnmonitorInstancesResult, error) {
	out, err := monitor(c, in.InstanceIds, "disabled", "disabling")
	return &wire.UnmonitorInstancesResult{InstanceMonitorings: out}, err
}

// monitor notes what is asked for. All instances are looked up before the first
// is changed.
func monitor(c *api.Call, list []string, state, shown string) ([]wire.InstanceMonitoring, error) {
	var rows []*network.Instance
	for _, id := range list {
		i, ok := getInstance(c, id)
		switch {
		case !network.WellFormed(id, "i"):
			return nil, api.InvalidID(id, "i")
		case !ok:
			return nil, api.Gone(id)
		}
		rows = append(rows, i)
	}
	for _, i := range rows {
		if _, err := c.Do(network.SetInstanceAttribute{Instance: i.ID, Stored: map[string]string{storedMonitoring: state}}); err != nil {
			return nil, err
		}
	}
	return api.All(rows, func(i *network.Instance) wire.InstanceMonitoring {
		return wire.InstanceMonitoring{InstanceId: api.Text(i.ID), Monitoring: &wire.Monitoring{State: api.Text(shown)}}
	}), nil
}
