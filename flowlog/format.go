package flowlog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Format is the fields of a record and their order.
type Format struct{ fields []field }

// DefaultFormat is the format of a flow log for which none was chosen.
const DefaultFormat = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} " +
	"${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

// field is one that a record may have: since which version, and its text. What is
// not known, or does not apply, is a hyphen.
type field struct {
	name    string
	version int
	text    func(Record) string
}

// none is the text of what nothing here has: Outposts, AWS services' own addresses,
// ECS tasks, blocked public access.
func none(Record) string { return "-" }

// fields are all of AWS's for network interfaces (AWS: Flow log records, Available
// fields). Those of transit gateways are none of an interface's.
var fields = []field{
	{"version", 2, func(Record) string { return "" }}, // it is the format's: see Line
	{"account-id", 2, func(r Record) string { return string(r.Interface.Owner) }},
	{"interface-id", 2, func(r Record) string { return string(r.Interface.ID) }},
	{"srcaddr", 2, func(r Record) string { return r.only(r.source().String()) }},
	{"dstaddr", 2, func(r Record) string { return r.only(r.dest().String()) }},
	{"srcport", 2, func(r Record) string { return r.only(strconv.Itoa(int(r.SourcePort))) }},
	{"dstport", 2, func(r Record) string { return r.only(strconv.Itoa(int(r.DestPort))) }},
	{"protocol", 2, func(r Record) string { return r.only(strconv.Itoa(int(r.Protocol))) }},
	{"packets", 2, func(r Record) string { return r.only(strconv.FormatUint(r.Packets, 10)) }},
	{"bytes", 2, func(r Record) string { return r.only(strconv.FormatUint(r.Bytes, 10)) }},
	{"start", 2, func(r Record) string { return strconv.FormatInt(r.Start.Unix(), 10) }},
	{"end", 2, func(r Record) string { return strconv.FormatInt(r.End.Unix(), 10) }},
	{"action", 2, func(r Record) string { return r.only(r.Action.String()) }},
	{"log-status", 2, func(r Record) string { return r.Status.String() }},
	{"vpc-id", 3, func(r Record) string { return string(r.Interface.VPC) }},
	{"subnet-id", 3, func(r Record) string { return string(r.Interface.Subnet) }},
	{"instance-id", 3, func(r Record) string { return orNone(string(r.Instance())) }},
	{"tcp-flags", 3, func(r Record) string { return r.only(strconv.Itoa(int(r.Flags))) }},
	{"type", 3, func(r Record) string { return r.only(r.family()) }},
	{"pkt-srcaddr", 3, func(r Record) string { return r.only(r.Source.String()) }},
	{"pkt-dstaddr", 3, func(r Record) string { return r.only(r.Dest.String()) }},
	{"region", 4, func(r Record) string { return string(r.Interface.Region) }},
	{"az-id", 4, func(r Record) string { return orNone(r.ZoneID) }},
	{"sublocation-type", 4, none},
	{"sublocation-id", 4, none},
	{"pkt-src-aws-service", 5, none},
	{"pkt-dst-aws-service", 5, none},
	{"flow-direction", 5, func(r Record) string { return r.only(r.Direction.String()) }},
	{"traffic-path", 5, func(r Record) string { return r.only(r.Path.String()) }},
	{"ecs-cluster-arn", 7, none},
	{"ecs-cluster-name", 7, none},
	{"ecs-container-instance-arn", 7, none},
	{"ecs-container-instance-id", 7, none},
	{"ecs-container-id", 7, none},
	{"ecs-second-container-id", 7, none},
	{"ecs-service-name", 7, none},
	{"ecs-task-definition-arn", 7, none},
	{"ecs-task-arn", 7, none},
	{"ecs-task-id", 7, none},
	{"reject-reason", 8, none},
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// ParseFormat reads a format as AWS writes it: ${field} ${field}. The empty text is
// the default format.
func ParseFormat(text string) (Format, error) {
	if text == "" {
		text = DefaultFormat
	}
	var f Format
	for word := range strings.FieldsSeq(text) {
		name, opened := strings.CutPrefix(word, "${")
		name, closed := strings.CutSuffix(name, "}")
		i := slices.IndexFunc(fields, func(x field) bool { return x.name == name })
		if !opened || !closed || i < 0 {
			return Format{}, fmt.Errorf("no field of a flow log record: %s", word)
		}
		if slices.ContainsFunc(f.fields, func(x field) bool { return x.name == name }) {
			return Format{}, fmt.Errorf("field twice in a flow log record: %s", word)
		}
		f.fields = append(f.fields, fields[i])
	}
	if len(f.fields) == 0 {
		return Format{}, fmt.Errorf("flow log record without a field")
	}
	return f, nil
}

// String is the format as AWS writes it.
func (f Format) String() string {
	words := make([]string, len(f.fields))
	for i, x := range f.fields {
		words[i] = "${" + x.name + "}"
	}
	return strings.Join(words, " ")
}

// Header is the first line of a file: the names of the fields (AWS: Publish flow
// logs to Amazon S3, Flow log files).
func (f Format) Header() string {
	names := make([]string, len(f.fields))
	for i, x := range f.fields {
		names[i] = x.name
	}
	return strings.Join(names, " ")
}

// Line is a record in this format.
func (f Format) Line(r Record) string {
	words := make([]string, len(f.fields))
	for i, x := range f.fields {
		words[i] = x.text(r)
		if x.name == "version" {
			words[i] = strconv.Itoa(f.version())
		}
	}
	return strings.Join(words, " ")
}

// version is the highest of the fields' (AWS: Flow log records, version).
func (f Format) version() int {
	v := 2
	for _, x := range f.fields {
		v = max(v, x.version)
	}
	return v
}
