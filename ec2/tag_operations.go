package ec2

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func tagOperations() []operation {
	return []operation{
		void("CreateTags", createTags, params{enforced: "ResourceId Tag"}),
		void("DeleteTags", deleteTags, params{enforced: "ResourceId Tag"}),
		op("DescribeTags", describeTags, params{
			enforced: "Filter MaxResults NextToken",
			filters:  append(tagRows.filterNames(), "tag:<key>"),
		}),
	}
}

// maxTagged is how many resources one call may tag (AWS: CreateTags).
const maxTagged = 1000

func createTags(c *call, in *wire.CreateTagsRequest) error {
	if len(in.Resources) > maxTagged {
		return &Error{Code: "InvalidParameterValue", Message: "The number of resources exceeds the limit of 1000."}
	}
	_, err := c.do(network.CreateTags{Resources: in.Resources, Tags: c.tagMap(in.Tags)})
	return err
}

// deleteTags: a tag without a value goes whatever its value; one with an empty
// value only if its value is empty (AWS: DeleteTags).
func deleteTags(c *call, in *wire.DeleteTagsRequest) error {
	r := network.DeleteTags{Resources: in.Resources}
	for _, t := range in.Tags {
		if r.Keys == nil {
			r.Keys = map[string]*string{}
		}
		r.Keys[value(t.Key)] = t.Value
	}
	_, err := c.do(r)
	return err
}

// tagRow is one tag of one resource.
type tagRow struct{ resource, key, value string }

// tagRows is how tags are found and filtered.
var tagRows = listing[tagRow]{
	key: func(t tagRow) string { return t.resource + "\x00" + t.key },
	all: func(c *call) iter.Seq[tagRow] {
		var rows []tagRow
		for set := range c.state.TagSetsOf(c.caller) {
			for _, key := range set.Tags.Keys() {
				rows = append(rows, tagRow{set.Resource, key, set.Tags[key]})
			}
		}
		slices.SortStableFunc(rows, func(a, b tagRow) int {
			return cmp.Or(strings.Compare(a.resource, b.resource), strings.Compare(a.key, b.key))
		})
		return slices.Values(rows)
	},
	filters: []filter[tagRow]{
		{"key", func(_ *call, t tagRow) []string { return []string{t.key} }},
		{"resource-id", func(_ *call, t tagRow) []string { return []string{t.resource} }},
		{"resource-type", func(_ *call, t tagRow) []string { return one(resourceType(t.resource)) }},
		{"value", func(_ *call, t tagRow) []string { return []string{t.value} }},
	},
	pages: plainPages(5, 1000, ""),
}

func describeTags(c *call, in *wire.DescribeTagsRequest) (*wire.DescribeTagsResult, error) {
	l := tagRows
	// tag:<key> names one tag here, not the tags of a row.
	l.filters = slices.Clone(l.filters)
	for _, f := range in.Filters {
		if key, ok := strings.CutPrefix(value(f.Name), "tag:"); ok {
			l.filters = append(l.filters, filter[tagRow]{*f.Name, func(_ *call, t tagRow) []string {
				if t.key != key {
					return nil
				}
				return []string{t.value}
			}})
		}
	}
	rows, next, err := l.rows(c, query{nil, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(t tagRow) wire.TagDescription {
		return wire.TagDescription{ResourceId: text(t.resource), ResourceType: text(resourceType(t.resource)), Key: text(t.key), Value: new(t.value)}
	}
	return &wire.DescribeTagsResult{Tags: all(rows, show), NextToken: next}, nil
}

// resourceTypes are by the prefix of the ID (AWS: TagSpecification, ResourceType).
var resourceTypes = map[string]string{
	"vpc": "vpc", "subnet": "subnet", "rtb": "route-table", "sg": "security-group", "sgr": "security-group-rule", "acl": "network-acl",
	"pcx": "vpc-peering-connection", "igw": "internet-gateway", "eni": "network-interface", "i": "instance", "dopt": "dhcp-options", "key": "key-pair",
}

func resourceType(id string) string { return resourceTypes[network.Kind(id)] }
