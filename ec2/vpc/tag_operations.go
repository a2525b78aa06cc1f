package vpc

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func tagOperations() []api.Operation {
	return []api.Operation{
		api.Void("CreateTags", createTags, api.Params{Enforced: "ResourceId Tag"}),
		api.Void("DeleteTags", deleteTags, api.Params{Enforced: "ResourceId Tag"}),
		api.Op("DescribeTags", describeTags, api.Params{
			Enforced: "Filter MaxResults NextToken",
			Filters:  append(tagRows.FilterNames(), "tag:<key>"),
		}),
	}
}

// maxTagged is how many resources one call may tag (AWS: CreateTags).
const maxTagged = 1000

func createTags(c *api.Call, in *wire.CreateTagsRequest) error {
	if len(in.Resources) > maxTagged {
		return &api.Error{Code: "InvalidParameterValue", Message: "The number of resources exceeds the limit of 1000."}
	}
	_, err := c.Do(network.CreateTags{Resources: in.Resources, Tags: c.TagMap(in.Tags)})
	return err
}

// deleteTags: a tag without a value goes whatever its value; one with an empty
// value only if its value is empty (AWS: DeleteTags).
func deleteTags(c *api.Call, in *wire.DeleteTagsRequest) error {
	r := network.DeleteTags{Resources: in.Resources}
	for _, t := range in.Tags {
		if r.Keys == nil {
			r.Keys = map[string]*string{}
		}
		r.Keys[api.Value(t.Key)] = t.Value
	}
	_, err := c.Do(r)
	return err
}

// tagRow is one tag of one resource.
type tagRow struct{ resource, key, value string }

// tagRows is how tags are found and filtered.
var tagRows = api.Listing[tagRow]{
	Key: func(t tagRow) string { return t.resource + "\x00" + t.key },
	All: func(c *api.Call) iter.Seq[tagRow] {
		var rows []tagRow
		for set := range c.State.TagSetsOf(c.Caller) {
			for _, key := range set.Tags.Keys() {
				rows = append(rows, tagRow{set.Resource, key, set.Tags[key]})
			}
		}
		slices.SortStableFunc(rows, func(a, b tagRow) int {
			return cmp.Or(strings.Compare(a.resource, b.resource), strings.Compare(a.key, b.key))
		})
		return slices.Values(rows)
	},
	Filters: []api.Filter[tagRow]{
		api.By("key", func(_ *api.Call, t tagRow) []string { return []string{t.key} }),
		api.By("resource-id", func(_ *api.Call, t tagRow) []string { return []string{t.resource} }),
		api.By("resource-type", func(_ *api.Call, t tagRow) []string { return api.One(resourceType(t.resource)) }),
		api.By("value", func(_ *api.Call, t tagRow) []string { return []string{t.value} }),
	},
	Pages: api.PlainPages(5, 1000, ""),
}

func describeTags(c *api.Call, in *wire.DescribeTagsRequest) (*wire.DescribeTagsResult, error) {
	l := tagRows
	// tag:<key> names one tag here, not the tags of a row.
	l.Filters = slices.Clone(l.Filters)
	for _, f := range in.Filters {
		if key, ok := strings.CutPrefix(api.Value(f.Name), "tag:"); ok {
			l.Filters = append(l.Filters, api.By(*f.Name, func(_ *api.Call, t tagRow) []string {
				if t.key != key {
					return nil
				}
				return []string{t.value}
			}))
		}
	}
	rows, next, err := l.Rows(c, api.Query{Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(t tagRow) wire.TagDescription {
		return wire.TagDescription{ResourceId: api.Text(t.resource), ResourceType: api.Text(resourceType(t.resource)), Key: api.Text(t.key), Value: new(t.value)}
	}
	return &wire.DescribeTagsResult{Tags: api.All(rows, show), NextToken: next}, nil
}

// resourceTypes are by the prefix of the ID (AWS: TagSpecification, ResourceType).
var resourceTypes = map[string]string{
	"vpc": "vpc", "subnet": "subnet", "rtb": "route-table", "sg": "security-group", "sgr": "security-group-rule", "acl": "network-acl",
	"pcx": "vpc-peering-connection", "igw": "internet-gateway", "eni": "network-interface", "i": "instance", "dopt": "dhcp-options", "key": "key-pair", "fl": "vpc-flow-log", "lt": "launch-template",
	"nip": "network-insights-path", "nia": "network-insights-analysis", "nis": "network-insights-access-scope", "nisa": "network-insights-access-scope-analysis",
	"eigw": "egress-only-internet-gateway", "eipalloc": "elastic-ip",
}

func resourceType(id string) string { return resourceTypes[network.Kind(id)] }
