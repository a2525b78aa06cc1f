package ssm

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tombolo/network"
	"tombolo/ssm/session"
)

func instanceOperations() []operation {
	return []operation{
		on("DescribeInstanceInformation", (*Service).describeInstanceInformation),
		on("DescribeInstanceProperties", (*Service).describeInstanceProperties),
	}
}

type describeInstanceInformationRequest struct {
	InstanceInformationFilterList []instanceInformationFilter       `shape:"InstanceInformationFilterList"`
	Filters                       []instanceInformationStringFilter `shape:"InstanceInformationStringFilterList"`
	MaxResults                    int                               `shape:"MaxResultsEC2Compatible"`
	NextToken                     string                            `shape:"NextToken"`
}

type describeInstancePropertiesRequest struct {
	InstancePropertyFilterList []instancePropertyFilter       `shape:"InstancePropertyFilterList"`
	FiltersWithOperator        []instancePropertyStringFilter `shape:"InstancePropertyStringFilterList"`
	MaxResults                 int                            `shape:"DescribeInstancePropertiesMaxResults"`
	NextToken                  string                         `shape:"NextToken"`
}

type instanceInformationFilter struct {
	Key      string   `json:"key" shape:"*InstanceInformationFilterKey"`
	ValueSet []string `json:"valueSet" shape:"*InstanceInformationFilterValueSet"`
}

type instanceInformationStringFilter struct {
	Key    string   `shape:"*InstanceInformationStringFilterKey"`
	Values []string `shape:"*InstanceInformationFilterValueSet"`
}

type instancePropertyFilter struct {
	Key      string   `json:"key" shape:"*InstancePropertyFilterKey"`
	ValueSet []string `json:"valueSet" shape:"*InstancePropertyFilterValueSet"`
}

type instancePropertyStringFilter struct {
	Key      string   `shape:"*InstancePropertyStringFilterKey"`
	Values   []string `shape:"*InstancePropertyFilterValueSet"`
	Operator string   `shape:"InstancePropertyFilterOperator"`
}

// instanceInformation is what Systems Manager knows of an instance: here every
// instance has an agent and a way to the service while it runs.
type instanceInformation struct {
	InstanceId       string
	PingStatus       string
	LastPingDateTime json.Number
	AgentVersion     string
	IsLatestVersion  bool
	PlatformType     string
	PlatformName     string
	PlatformVersion  string
	ResourceType     string
	IPAddress        string `json:",omitempty"`
	ComputerName     string `json:",omitempty"`
	SourceId         string
	SourceType       string
}

// managed are the caller's instances that Systems Manager shows, in order of ID:
// those that run, and those that stopped, which it calls lost.
func (s *Service) managed(c *call) []*network.Instance {
	var out []*network.Instance
	for i := range s.State().InstancesOf(c.caller) {
		switch i.State {
		case network.InstanceRunning, network.InstanceStopping, network.InstanceStopped:
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b *network.Instance) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (s *Service) information(i *network.Instance) instanceInformation {
	ping, last := "ConnectionLost", i.Changed
	if i.State == network.InstanceRunning {
		ping, last = "Online", s.Now().Truncate(time.Minute)
	}
	state := s.State()
	return instanceInformation{
		InstanceId: string(i.ID), PingStatus: ping, LastPingDateTime: when(last),
		AgentVersion: session.AgentVersion, IsLatestVersion: true,
		PlatformType: "Linux", PlatformName: s.Platform.Name, PlatformVersion: s.Platform.Version,
		ResourceType: "EC2Instance", IPAddress: address(state, i), ComputerName: s.Hostname(state, i.ID),
		SourceId: string(i.ID), SourceType: "AWS::EC2::Instance",
	}
}

// address is the instance's primary private address.
func address(state network.State, i *network.Instance) string {
	for e := range state.ENIsAt(i.ID) {
		if e.Attachment != nil && e.Attachment.Device == 0 && len(e.Addrs) > 0 {
			return e.Addrs[0].String()
		}
	}
	return ""
}

// filters is what both kinds of filters of both listings come to: a key, and
// values of which one must fit.
type filters map[string][]string

// add takes one filter over. Two of one key: both must fit, so what is left is
// what they share.
func (f filters) add(key string, values []string) {
	if have, there := f[key]; there {
		values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !slices.Contains(have, v) })
	}
	f[key] = values
}

// filterKeys are the keys that AWS has beside tag:NAME. The last four are of
// what nothing here can have: they find nothing.
var filterKeys = []string{"InstanceIds", "AgentVersion", "PingStatus", "PlatformTypes", "PlatformType", "ResourceType", "SourceIds", "SourceTypes", "tag-key",
	"ActivationIds", "IamRole", "AssociationStatus", "DocumentName"}

func (f filters) check() error {
	for _, key := range sortedKeys(f) {
		if !slices.Contains(filterKeys, key) && !strings.HasPrefix(key, "tag:") {
			return fail("InvalidFilterKey", "The specified key is not valid: %s", key)
		}
	}
	return nil
}

// values are what a filter looks at.
func (s *Service) values(info instanceInformation, tags network.Tags, key string) []string {
	if name, ok := strings.CutPrefix(key, "tag:"); ok {
		if v, has := tags[name]; has {
			return []string{v}
		}
		return nil
	}
	switch key {
	case "InstanceIds", "SourceIds":
		return []string{info.InstanceId}
	case "AgentVersion":
		return []string{info.AgentVersion}
	case "PingStatus":
		return []string{info.PingStatus}
	case "PlatformTypes", "PlatformType":
		return []string{info.PlatformType}
	case "ResourceType":
		return []string{info.ResourceType}
	case "SourceTypes":
		return []string{info.SourceType}
	case "tag-key":
		return sortedKeys(tags)
	}
	return nil
}

// find lists what all filters let pass, a page of it.
func (s *Service) find(c *call, f filters, token string, size int) ([]*network.Instance, string, error) {
	if err := f.check(); err != nil {
		return nil, "", err
	}
	var found []*network.Instance
	for _, i := range s.managed(c) {
		info, tags, passes := s.information(i), s.State().Tags(c.caller, string(i.ID)), true
		for key, wanted := range f {
			have := s.values(info, tags, key)
			passes = passes && slices.ContainsFunc(have, func(v string) bool { return slices.Contains(wanted, v) })
		}
		if passes {
			found = append(found, i)
		}
	}
	return page(found, func(i *network.Instance) string { return string(i.ID) }, token, size)
}

const bothFilters = "InstanceInformationFilterList and Filters can't be used in one request."

func (s *Service) describeInstanceInformation(c *call, q *describeInstanceInformationRequest) (any, error) {
	if len(q.InstanceInformationFilterList) > 0 && len(q.Filters) > 0 {
		return nil, invalid(bothFilters)
	}
	f := filters{}
	for _, one := range q.InstanceInformationFilterList {
		f.add(one.Key, one.ValueSet)
	}
	for _, one := range q.Filters {
		f.add(one.Key, one.Values)
	}
	found, next, err := s.find(c, f, q.NextToken, cmp.Or(q.MaxResults, 50))
	if err != nil {
		return nil, err
	}
	list := []instanceInformation{}
	for _, i := range found {
		list = append(list, s.information(i))
	}
	return struct {
		InstanceInformationList []instanceInformation
		NextToken               string `json:",omitempty"`
	}{list, next}, nil
}

// instanceProperty is the same with what EC2 knows beside it.
type instanceProperty struct {
	instanceInformation
	IsLatestVersion *bool  `json:",omitempty"` // AWS shows it in the other listing only
	InstanceType    string `json:",omitempty"`
	KeyName         string `json:",omitempty"`
	InstanceState   string
	Architecture    string
	LaunchTime      json.Number
}

func (s *Service) describeInstanceProperties(c *call, q *describeInstancePropertiesRequest) (any, error) {
	if len(q.InstancePropertyFilterList) > 0 && len(q.FiltersWithOperator) > 0 {
		return nil, invalid("InstancePropertyFilterList and FiltersWithOperator can't be used in one request.")
	}
	f := filters{}
	for _, one := range q.InstancePropertyFilterList {
		f.add(one.Key, one.ValueSet)
	}
	for _, one := range q.FiltersWithOperator {
		if one.Operator != "" && one.Operator != "Equal" {
			return nil, invalid("Operator %s in FiltersWithOperator is not supported here: Equal is.", one.Operator)
		}
		f.add(one.Key, one.Values)
	}
	found, next, err := s.find(c, f, q.NextToken, cmp.Or(q.MaxResults, 50))
	if err != nil {
		return nil, err
	}
	list := []instanceProperty{}
	for _, i := range found {
		list = append(list, instanceProperty{
			instanceInformation: s.information(i), InstanceType: string(i.Type), KeyName: i.KeyName,
			InstanceState: i.State.String(), Architecture: "x86_64", LaunchTime: when(i.Launched),
		})
	}
	return struct {
		InstanceProperties []instanceProperty
		NextToken          string `json:",omitempty"`
	}{list, next}, nil
}
