package ssm

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"tombolo/network"
	"tombolo/ssm/command"
	"tombolo/ssm/document"
)

const (
	noSNS        = "there is no Amazon SNS in this account"
	noCloudWatch = "there is no CloudWatch in this account"
)

func commandOperations() []operation {
	return []operation{
		on("SendCommand", (*Service).sendCommand, refuses("NotificationConfig", noSNS), refuses("CloudWatchOutputConfig AlarmConfiguration", noCloudWatch),
			refuses("ServiceRoleArn", noSNS+", which the role would be for")),
		on("GetCommandInvocation", (*Service).getCommandInvocation),
		on("ListCommands", (*Service).listCommands),
		on("ListCommandInvocations", (*Service).listCommandInvocations),
		on("CancelCommand", (*Service).cancelCommand),
	}
}

type sendCommandRequest struct {
	InstanceIds            []string            `shape:"InstanceIdList"`
	Targets                []target            `shape:"Targets"`
	DocumentName           string              `shape:"*DocumentARN"`
	DocumentVersion        string              `shape:"DocumentVersion"`
	DocumentHash           string              `shape:"DocumentHash"`
	DocumentHashType       string              `shape:"DocumentHashType"`
	TimeoutSeconds         int                 `shape:"TimeoutSeconds"`
	Comment                string              `shape:"Comment"`
	Parameters             map[string][]string `shape:"Parameters"`
	OutputS3Region         string              `shape:"S3Region"`
	OutputS3BucketName     string              `shape:"S3BucketName"`
	OutputS3KeyPrefix      string              `shape:"S3KeyPrefix"`
	MaxConcurrency         string              `shape:"MaxConcurrency"`
	MaxErrors              string              `shape:"MaxErrors"`
	ServiceRoleArn         string              `shape:"ServiceRole"`
	NotificationConfig     *notificationConfig
	CloudWatchOutputConfig *cloudWatchOutputConfig
	AlarmConfiguration     *alarmConfiguration
}

type getCommandInvocationRequest struct {
	CommandId  string `shape:"*CommandId"`
	InstanceId string `shape:"*InstanceId"`
	PluginName string `shape:"CommandPluginName"`
}

type listCommandsRequest struct {
	CommandId  string          `shape:"CommandId"`
	InstanceId string          `shape:"InstanceId"`
	MaxResults int             `shape:"CommandMaxResults"`
	NextToken  string          `shape:"NextToken"`
	Filters    []commandFilter `shape:"CommandFilterList"`
}

type listCommandInvocationsRequest struct {
	CommandId  string          `shape:"CommandId"`
	InstanceId string          `shape:"InstanceId"`
	MaxResults int             `shape:"CommandMaxResults"`
	NextToken  string          `shape:"NextToken"`
	Filters    []commandFilter `shape:"CommandFilterList"`
	Details    bool
}

type cancelCommandRequest struct {
	CommandId   string   `shape:"*CommandId"`
	InstanceIds []string `shape:"InstanceIdList"`
}

type target struct {
	Key    string   `shape:"TargetKey"`
	Values []string `shape:"TargetValues"`
}

type notificationConfig struct {
	NotificationArn    string   `shape:"NotificationArn"`
	NotificationEvents []string `shape:"NotificationEventList"`
	NotificationType   string   `shape:"NotificationType"`
}

type cloudWatchOutputConfig struct {
	CloudWatchLogGroupName  string `shape:"CloudWatchLogGroupName"`
	CloudWatchOutputEnabled bool
}

type alarmConfiguration struct {
	IgnorePollAlarmFailure bool
	Alarms                 []alarm `shape:"*AlarmList"`
}

type alarm struct {
	Name string `shape:"*AlarmName"`
}

type commandFilter struct {
	Key   string `json:"key" shape:"*CommandFilterKey"`
	Value string `json:"value" shape:"*CommandFilterValue"`
}

func (s *Service) sendCommand(c *call, q *sendCommandRequest) (any, error) {
	if len(q.InstanceIds) > 0 && len(q.Targets) > 0 {
		return nil, invalid("InstanceIds and Targets can't be used in one request.")
	}
	if len(q.InstanceIds) == 0 && len(q.Targets) == 0 {
		return nil, fail("InvalidInstanceId", "Neither InstanceIds nor Targets says where to run the command.")
	}
	record, err := s.library.find(c.caller, q.DocumentName)
	if err != nil {
		return nil, err
	}
	v, err := record.Find(q.DocumentVersion, "")
	if err != nil {
		return nil, err
	}
	if err := sameHash(v, q.DocumentHash, q.DocumentHashType); err != nil {
		return nil, err
	}
	content, err := record.Resolve(strconv.Itoa(v.Number), "")
	if err != nil {
		return nil, err
	}
	if record.Type != document.Command {
		return nil, fail(string(document.InvalidDocument), "Document %s is of type %s; a command needs one of type Command.", record.Name, record.Type)
	}
	scripts, err := content.Scripts(q.Parameters)
	if err != nil {
		return nil, named(err, record.Name)
	}
	if q.OutputS3BucketName != "" && !document.BucketName(q.OutputS3BucketName) {
		return nil, fail("InvalidOutputFolder", "The S3 bucket %s doesn't exist: the name is no bucket's.", q.OutputS3BucketName)
	}
	sent, err := s.Commands.Send(c, command.Spec{
		Caller: c.caller, Document: record.Name, DocumentVersion: q.DocumentVersion, Steps: command.Steps(scripts), Parameters: q.Parameters,
		Instances: instanceIDs(q.InstanceIds), Targets: targets(q.Targets), Comment: q.Comment,
		Timeout: time.Duration(q.TimeoutSeconds) * time.Second, MaxConcurrency: q.MaxConcurrency, MaxErrors: q.MaxErrors,
		Output: command.Output{Bucket: q.OutputS3BucketName, Prefix: q.OutputS3KeyPrefix, Region: cmp.Or(q.OutputS3Region, string(c.caller.Region))},
	})
	if err != nil {
		return nil, err
	}
	return struct{ Command commandView }{viewCommand(sent)}, nil
}

// sameHash checks that the document is the one that the caller has read.
func sameHash(v document.Version, hash, kind string) error {
	if hash == "" {
		return nil
	}
	if kind == "Sha1" {
		return invalid("DocumentHashType Sha1 is not supported here: AWS has given it up for Sha256.")
	}
	if !strings.EqualFold(hash, v.Hash()) {
		return fail(string(document.InvalidDocument), "The document's hash is %s, not %s.", v.Hash(), hash)
	}
	return nil
}

func instanceIDs(ids []string) []network.InstanceID {
	var out []network.InstanceID
	for _, id := range ids {
		out = append(out, network.InstanceID(id))
	}
	return out
}

func targets(of []target) []command.Target {
	var out []command.Target
	for _, t := range of {
		out = append(out, command.Target{Key: t.Key, Values: t.Values})
	}
	return out
}

// commandView is a command as it is shown.
type commandView struct {
	CommandId              string
	DocumentName           string
	DocumentVersion        string
	Comment                string
	ExpiresAfter           json.Number
	Parameters             map[string][]string
	InstanceIds            []network.InstanceID
	Targets                []target
	RequestedDateTime      json.Number
	Status                 string
	StatusDetails          string
	OutputS3Region         string `json:",omitempty"`
	OutputS3BucketName     string
	OutputS3KeyPrefix      string
	MaxConcurrency         string
	MaxErrors              string
	TargetCount            int
	CompletedCount         int
	ErrorCount             int
	DeliveryTimedOutCount  int
	ServiceRole            string
	NotificationConfig     notificationView
	CloudWatchOutputConfig cloudWatchOutputConfig
	TimeoutSeconds         int
}

// notificationView is what every command has: none.
type notificationView struct {
	NotificationArn    string
	NotificationEvents []string
	NotificationType   string
}

func viewCommand(c command.Command) commandView {
	out := commandView{
		CommandId: c.ID, DocumentName: c.Document, DocumentVersion: cmp.Or(c.DocumentVersion, "$DEFAULT"), Comment: c.Comment,
		ExpiresAfter: when(c.Expires), Parameters: c.Parameters, InstanceIds: append([]network.InstanceID{}, c.Instances...), Targets: []target{},
		RequestedDateTime: when(c.Requested), Status: c.Status.Name(), StatusDetails: c.Status.Details(),
		OutputS3Region: c.Output.Region, OutputS3BucketName: c.Output.Bucket, OutputS3KeyPrefix: c.Output.Prefix,
		MaxConcurrency: cmp.Or(c.MaxConcurrency, "50"), MaxErrors: cmp.Or(c.MaxErrors, "0"),
		TargetCount: c.Targeted, CompletedCount: c.Completed, ErrorCount: c.Errors, DeliveryTimedOutCount: c.DeliveryTimedOut,
		NotificationConfig: notificationView{NotificationEvents: []string{}}, TimeoutSeconds: int(c.Timeout / time.Second),
	}
	if out.Parameters == nil {
		out.Parameters = map[string][]string{}
	}
	for _, t := range c.Targets {
		out.Targets = append(out.Targets, target{t.Key, t.Values})
	}
	return out
}

func (s *Service) cancelCommand(c *call, q *cancelCommandRequest) (any, error) {
	return empty{}, s.Commands.Cancel(c, c.caller, q.CommandId, instanceIDs(q.InstanceIds))
}
