package vpc

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/flowlog"
	"tombolo/network"
)

func flowLogOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateFlowLogs", createFlowLogs, api.Params{
			Enforced: "ResourceId ResourceType TrafficType LogDestinationType LogDestination LogGroupName LogFormat MaxAggregationInterval " +
				"DeliverLogsPermissionArn DestinationOptions.HiveCompatiblePartitions DestinationOptions.PerHourPartition TagSpecification ClientToken",
			Refused: []api.Refuse{
				{Paths: "DestinationOptions.FileFormat", Unless: "plain-text", Why: "records are written as plain text"},
				{Paths: "DeliverCrossAccountRole", Why: "there are no roles here, and every bucket is on this machine"},
				{Paths: "TagFieldSpecification", Why: "records have no fields for tags"},
			},
		}),
		api.Op("DeleteFlowLogs", deleteFlowLogs, api.Params{Enforced: "FlowLogId"}),
		api.Op("DescribeFlowLogs", describeFlowLogs, api.Params{
			Enforced: "FlowLogId Filter MaxResults NextToken",
			Filters:  flowLogs.FilterNames(),
		}),
	}
}

// The kinds of destination, of which only s3 has somewhere to go here.
const (
	toLogGroup = "cloud-watch-logs"
	toS3       = "s3"
)

func invalidParameter(message string) *api.Error {
	return &api.Error{Code: "InvalidParameter", Message: message}
}

// createFlowLogs answers a bucket that can't be as AWS answers one that is not
// there: for each resource, and with success otherwise (AWS: CreateFlowLogs,
// unsuccessful).
func createFlowLogs(c *api.Call, in *wire.CreateFlowLogsRequest) (*wire.CreateFlowLogsResult, error) {
	if err := checkRecordable(in); err != nil {
		return nil, err
	}
	if err := checkDestination(in); err != nil {
		return nil, err
	}
	format, err := flowlog.ParseFormat(api.Value(in.LogFormat))
	if err != nil {
		return nil, invalidParameter("Invalid LogFormat: " + err.Error())
	}
	spec := network.FlowLogSpec{Format: format.String(), Interval: 600, Traffic: trafficNamed(api.Value(in.TrafficType))}
	if in.MaxAggregationInterval != nil {
		spec.Interval = int(*in.MaxAggregationInterval)
	}
	if o := in.DestinationOptions; o != nil {
		spec.Hive, spec.Hourly = api.Value(o.HiveCompatiblePartitions), api.Value(o.PerHourPartition)
	}
	place, ok := api.ReadPlace(*in.LogDestination)
	if !ok {
		return nil, api.InvalidValue(*in.LogDestination, "logDestination", "It must be the ARN of an S3 bucket.")
	}
	spec.Bucket, spec.Prefix = place.Bucket, place.Prefix
	out := &wire.CreateFlowLogsResult{ClientToken: in.ClientToken, FlowLogIds: []string{}, Unsuccessful: []wire.UnsuccessfulItem{}}
	if why := unusable(place); why != "" {
		for _, id := range in.ResourceIds {
			out.Unsuccessful = append(out.Unsuccessful, wire.UnsuccessfulItem{ResourceId: new(id),
				Error: &wire.UnsuccessfulItemError{Code: new("400"), Message: new("LogDestination: " + place.String() + why)}})
		}
		return out, c.Nothing()
	}
	made, err := c.DoOnce(in.ClientToken, network.CreateFlowLogs{Resources: in.ResourceIds, FlowLogSpec: spec, Tags: c.Tags(in.TagSpecifications, "vpc-flow-log")})
	if err != nil {
		return nil, err
	}
	out.FlowLogIds = made.Created
	return out, nil
}

// unusable says what is wrong with a bucket and prefix: "" when nothing is. Of a
// name that no bucket can have it is what AWS says of one that is not there.
func unusable(p api.Place) string {
	switch {
	case !p.IsBucket():
		return " does not exist"
	case slices.Contains(strings.Split(p.Prefix, "/"), "AWSLogs"):
		// AWS: Publish flow logs to Amazon S3: it is a reserved term.
		return " has AWSLogs in its prefix, which is reserved"
	case !p.Takes():
		return " has a prefix that no object can have"
	}
	return ""
}

// checkRecordable refuses what has no packets here, and ids of another type.
func checkRecordable(in *wire.CreateFlowLogsRequest) error {
	kind, ok := map[string]string{"VPC": "vpc", "Subnet": "subnet", "NetworkInterface": "eni"}[*in.ResourceType]
	if !ok {
		return &api.Error{Code: "UnsupportedOperation", Message: "The resource type " + *in.ResourceType + " is not supported: there are none of these here."}
	}
	for _, id := range in.ResourceIds {
		if !network.WellFormed(id, kind) {
			return api.InvalidID(id, kind)
		}
	}
	if len(in.ResourceIds) > maxRecorded {
		return api.InvalidValue(strconv.Itoa(len(in.ResourceIds)), "resourceIds", "There can be no more than 300.")
	}
	return nil
}

// maxRecorded is how many resources one call may name (AWS: CreateFlowLogs).
const maxRecorded = 300

// checkDestination says what AWS says about the parameters for a destination, and
// refuses those that do not exist here.
func checkDestination(in *wire.CreateFlowLogsRequest) error {
	kind := toLogGroup
	if in.LogDestinationType != nil {
		kind = *in.LogDestinationType
	}
	switch {
	case in.LogGroupName != nil && in.LogDestination != nil:
		return invalidParameter("Please only provide LogGroupName or only provide LogDestination.")
	case in.LogGroupName != nil && kind != toLogGroup:
		return invalidParameter("LogDestination type must be cloud-watch-logs if LogGroupName is provided.")
	case in.LogGroupName == nil && api.Value(in.LogDestination) == "":
		return invalidParameter("LogDestination can't be empty if LogGroupName is not provided.")
	case kind != toS3:
		return &api.Error{Code: "UnsupportedOperation", Message: "The log destination type " + kind + " is not supported: records are delivered to a bucket of this machine, with LogDestinationType s3."}
	case in.DeliverLogsPermissionArn != nil:
		return invalidParameter("DeliverLogsPermissionArn is not applicable for s3 delivery")
	}
	return nil
}

func trafficNamed(name string) network.Traffic {
	return map[string]network.Traffic{"ACCEPT": network.TrafficAccept, "REJECT": network.TrafficReject, "ALL": network.TrafficAll}[name]
}

// deleteFlowLogs names all that are not there in one error, as AWS does.
func deleteFlowLogs(c *api.Call, in *wire.DeleteFlowLogsRequest) (*wire.DeleteFlowLogsResult, error) {
	if err := knownFlowLogs(c, in.FlowLogIds); err != nil {
		return nil, err
	}
	if _, err := c.Do(network.DeleteFlowLogs{FlowLogs: api.IDs[network.FlowLogID](in.FlowLogIds)}); err != nil {
		return nil, err
	}
	return &wire.DeleteFlowLogsResult{Unsuccessful: []wire.UnsuccessfulItem{}}, nil
}

func knownFlowLogs(c *api.Call, ids []string) error {
	var unknown []string
	for _, id := range ids {
		if !network.WellFormed(id, "fl") {
			return api.InvalidID(id, "fl")
		}
		if f := c.State.FlowLog(network.FlowLogID(id)); f == nil || !f.In(c.Caller) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return &api.Error{Code: "InvalidFlowLogId.NotFound", Message: "These flow log ids in the input list are not found: [TotalCount: " +
		strconv.Itoa(len(unknown)) + "] " + strings.Join(unknown, " ")}
}

func describeFlowLogs(c *api.Call, in *wire.DescribeFlowLogsRequest) (*wire.DescribeFlowLogsResult, error) {
	if err := knownFlowLogs(c, in.FlowLogIds); err != nil {
		return nil, err
	}
	rows, next, err := flowLogs.Rows(c, api.Query{IDs: in.FlowLogIds, Filters: in.Filter, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeFlowLogsResult{FlowLogs: api.Each(c, rows, showFlowLog), NextToken: next}, nil
}

var flowLogs = api.Listing[*network.FlowLog]{
	Kind: "fl",
	Key:  func(f *network.FlowLog) string { return string(f.ID) },
	All:  func(c *api.Call) iter.Seq[*network.FlowLog] { return c.State.FlowLogsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.FlowLog, bool) {
		f := c.State.FlowLog(network.FlowLogID(id))
		return f, f != nil && f.In(c.Caller)
	},
	Tags: func(c *api.Call, f *network.FlowLog) network.Tags { return c.State.Tags(c.Caller, string(f.ID)) },
	Filters: []api.Filter[*network.FlowLog]{
		api.By("deliver-log-status", func(_ *api.Call, f *network.FlowLog) []string { return api.One(deliveryStatus(f)) }),
		api.By("log-destination-type", func(*api.Call, *network.FlowLog) []string { return api.One(toS3) }),
		api.By("flow-log-id", func(_ *api.Call, f *network.FlowLog) []string { return api.One(f.ID) }),
		api.By("log-group-name", func(*api.Call, *network.FlowLog) []string { return nil }),
		api.By("resource-id", func(_ *api.Call, f *network.FlowLog) []string { return api.One(f.Resource) }),
		api.By("traffic-type", func(_ *api.Call, f *network.FlowLog) []string { return api.One(f.Traffic.String()) }),
	},
	Pages: api.PlainPages(1, 1000, ""),
}

func deliveryStatus(f *network.FlowLog) string {
	if f.Problem != "" {
		return "FAILED"
	}
	return "SUCCESS"
}

// showFlowLog is a flow log as Describe shows it. There is no state but ACTIVE.
func showFlowLog(c *api.Call, f *network.FlowLog) wire.FlowLog {
	return wire.FlowLog{
		FlowLogId: api.Text(f.ID), ResourceId: api.Text(f.Resource), TrafficType: api.Text(f.Traffic.String()), CreationTime: new(f.Created),
		FlowLogStatus: new("ACTIVE"), DeliverLogsStatus: api.Text(deliveryStatus(f)), DeliverLogsErrorMessage: api.Text(f.Problem),
		LogDestinationType: new(toS3), LogDestination: api.Text(api.Place{Bucket: f.Bucket, Prefix: f.Prefix}.ARN()), LogFormat: api.Text(f.Format),
		MaxAggregationInterval: new(int64(f.Interval)), Tags: c.TagSet(string(f.ID)),
		DestinationOptions: &wire.DestinationOptionsResponse{FileFormat: new("plain-text"), HiveCompatiblePartitions: new(f.Hive), PerHourPartition: new(f.Hourly)},
	}
}
