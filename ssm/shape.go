package ssm

import (
	"regexp"
	"slices"
	"strings"
)

// shape is what AWS allows a value to be: the constraints of one shape in the
// service's published model.
type shape struct {
	min, max int // of a text's or a list's length, or of a number; none is no bound
	pattern  string
	regexp   *regexp.Regexp
	enum     []string
	item     string // of a list: its items' shape; of a map: its values'
	key      string // of a map
}

const none = -1

func bounded(min, max int) shape { return shape{min: min, max: max} }

// matching is a text with a pattern, which AWS holds the whole text to.
func matching(min, max int, pattern string) shape {
	return shape{min: min, max: max, pattern: pattern, regexp: regexp.MustCompile(`^(?:` + pattern + `)$`)}
}

func oneOf(values string) shape { return shape{min: none, max: none, enum: strings.Fields(values)} }

func listOf(min, max int, item string) shape { return shape{min: min, max: max, item: item} }

func mapOf(key, value string) shape { return shape{min: none, max: none, key: key, item: value} }

func (s shape) among(v string) bool { return slices.Contains(s.enum, v) }

// shapes are the shapes of the requests, with AWS's names and AWS's bounds (AWS:
// Systems Manager API reference). Two patterns that only repeat their bounds are
// left out.
var shapes = map[string]shape{
	"":                                     bounded(none, none),
	"AlarmList":                            bounded(1, 1),
	"AlarmName":                            bounded(1, 255),
	"AttachmentIdentifier":                 matching(none, none, `^[a-zA-Z0-9_\-.]{3,128}$`),
	"AttachmentsSourceKey":                 oneOf("SourceUrl S3FileUrl AttachmentReference"),
	"AttachmentsSourceList":                bounded(0, 20),
	"AttachmentsSourceValue":               bounded(1, 1024),
	"AttachmentsSourceValues":              listOf(1, 1, "AttachmentsSourceValue"),
	"CloudWatchLogGroupName":               bounded(1, 512),
	"CommandFilterKey":                     oneOf("InvokedAfter InvokedBefore Status ExecutionStage DocumentName"),
	"CommandFilterList":                    bounded(1, 5),
	"CommandFilterValue":                   bounded(1, 128),
	"CommandId":                            bounded(36, 36),
	"CommandMaxResults":                    bounded(1, 50),
	"CommandPluginName":                    bounded(4, none),
	"Comment":                              bounded(none, 100),
	"DescribeInstancePropertiesMaxResults": bounded(5, 1000),
	"DocumentARN":                          matching(none, none, `^[a-zA-Z0-9_\-.:/]{3,128}$`),
	"DocumentContent":                      bounded(1, none),
	"DocumentDisplayName":                  matching(none, 1024, `^[\w\.\-\:\/ ]*$`),
	"DocumentFilterKey":                    oneOf("Name Owner PlatformTypes DocumentType"),
	"DocumentFilterList":                   bounded(1, none),
	"DocumentFilterValue":                  bounded(1, none),
	"DocumentFormat":                       oneOf("YAML JSON TEXT"),
	"DocumentHash":                         bounded(none, 256),
	"DocumentHashType":                     oneOf("Sha256 Sha1"),
	"DocumentKeyValuesFilterKey":           bounded(1, 128),
	"DocumentKeyValuesFilterList":          bounded(0, 6),
	"DocumentKeyValuesFilterValue":         bounded(1, 256),
	"DocumentKeyValuesFilterValues":        listOf(none, none, "DocumentKeyValuesFilterValue"),
	"DocumentName":                         matching(none, none, `^[a-zA-Z0-9_\-.]{3,128}$`),
	"DocumentPermissionMaxResults":         bounded(1, 200),
	"DocumentPermissionType":               oneOf("Share"),
	"DocumentRequiresList":                 bounded(1, none),
	"DocumentType":                         oneOf("Command Policy Automation Session Package ApplicationConfiguration ApplicationConfigurationSchema DeploymentStrategy ChangeCalendar Automation.ChangeTemplate ProblemAnalysis ProblemAnalysisTemplate CloudFormation ConformancePackTemplate QuickSetup ManualApprovalPolicy AutoApprovalPolicy"),
	"DocumentVersion":                      matching(none, none, `([$]LATEST|[$]DEFAULT|^[1-9][0-9]*$)`),
	"DocumentVersionName":                  matching(none, none, `^[a-zA-Z0-9_\-.]{1,128}$`),
	"DocumentVersionNumber":                matching(none, none, `(^[1-9][0-9]*$)`),
	"GetParametersByPathMaxResults":        bounded(1, 10),
	"InstanceId":                           matching(none, none, `(^i-(\w{8}|\w{17})$)|(^mi-\w{17}$)`),
	"InstanceIdList":                       listOf(0, 50, "InstanceId"),
	"InstanceInformationFilterKey":         oneOf("InstanceIds AgentVersion PingStatus PlatformTypes ActivationIds IamRole ResourceType AssociationStatus"),
	"InstanceInformationFilterList":        bounded(0, none),
	"InstanceInformationFilterValue":       bounded(1, none),
	"InstanceInformationFilterValueSet":    listOf(1, 100, "InstanceInformationFilterValue"),
	"InstanceInformationStringFilterKey":   bounded(1, none),
	"InstanceInformationStringFilterList":  bounded(0, none),
	"InstancePropertyFilterKey":            oneOf("InstanceIds AgentVersion PingStatus PlatformTypes DocumentName ActivationIds IamRole ResourceType AssociationStatus"),
	"InstancePropertyFilterList":           bounded(1, 40),
	"InstancePropertyFilterOperator":       oneOf("Equal NotEqual BeginWith LessThan GreaterThan"),
	"InstancePropertyFilterValue":          bounded(1, 100000),
	"InstancePropertyFilterValueSet":       listOf(1, 40, "InstancePropertyFilterValue"),
	"InstancePropertyStringFilterKey":      bounded(1, 100000),
	"InstancePropertyStringFilterList":     bounded(1, 40),
	"KeyList":                              listOf(none, none, "TagKey"),
	"MaxConcurrency":                       matching(1, 7, `^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$`),
	"MaxErrors":                            matching(1, 7, `^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$`),
	"MaxResults":                           bounded(1, 50),
	"MaxResultsEC2Compatible":              bounded(5, 50),
	"NextToken":                            bounded(none, none),
	"NotificationArn":                      bounded(none, none),
	"NotificationEvent":                    oneOf("All InProgress Success TimedOut Cancelled Failed"),
	"NotificationEventList":                listOf(none, none, "NotificationEvent"),
	"NotificationType":                     oneOf("Command Invocation"),
	"PSParameterName":                      bounded(1, 2048),
	"ParameterName":                        bounded(none, none),
	"ParameterNameList":                    listOf(1, 10, "PSParameterName"),
	"ParameterStringFilterKey":             matching(1, 132, `tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType`),
	"ParameterStringFilterList":            bounded(none, none),
	"ParameterStringFilterValue":           bounded(1, 1024),
	"ParameterStringFilterValueList":       listOf(1, 50, "ParameterStringFilterValue"),
	"ParameterStringQueryOption":           bounded(1, 10),
	"ParameterValue":                       bounded(none, none),
	"ParameterValueList":                   listOf(none, none, "ParameterValue"),
	"Parameters":                           mapOf("ParameterName", "ParameterValueList"),
	"RequireType":                          matching(none, 128, `^[a-zA-Z0-9_\-.]{1,128}$`),
	"ResourceId":                           bounded(none, none),
	"ResourceTypeForTagging":               oneOf("Document ManagedInstance MaintenanceWindow Parameter PatchBaseline OpsItem OpsMetadata Automation Association"),
	"S3BucketName":                         bounded(3, 63),
	"S3KeyPrefix":                          bounded(none, 500),
	"S3Region":                             bounded(3, 20),
	"ServiceRole":                          bounded(none, none),
	"SessionFilterKey":                     oneOf("InvokedAfter InvokedBefore Target Owner Status SessionId AccessType"),
	"SessionFilterList":                    bounded(1, 6),
	"SessionFilterValue":                   bounded(1, 400),
	"SessionId":                            bounded(1, 96),
	"SessionManagerParameterName":          bounded(1, 255),
	"SessionManagerParameterValue":         bounded(1, 65535),
	"SessionManagerParameterValueList":     listOf(none, none, "SessionManagerParameterValue"),
	"SessionManagerParameters":             mapOf("SessionManagerParameterName", "SessionManagerParameterValueList"),
	"SessionMaxResults":                    bounded(1, 200),
	"SessionReason":                        matching(1, 256, `^.{1,256}$`),
	"SessionState":                         oneOf("Active History"),
	"SessionTarget":                        bounded(1, 400),
	"TagKey":                               matching(1, 128, `^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`),
	"TagList":                              bounded(none, 1000),
	"TagValue":                             matching(0, 256, `^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`),
	"TargetKey":                            matching(1, 163, `^[\p{L}\p{Z}\p{N}_.:/=\-@]*$|resource-groups:ResourceTypeFilters|resource-groups:Name`),
	"TargetType":                           matching(none, 200, `^\/[\w\.\-\:\/]*$`),
	"TargetValue":                          bounded(none, none),
	"TargetValues":                         listOf(0, 50, "TargetValue"),
	"Targets":                              bounded(0, 5),
	"TimeoutSeconds":                       bounded(30, 2592000),
}
