package ec2

import (
	"slices"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// tags reads the tag specifications of an operation that makes things of one type.
func (c *call) tags(specs []wire.TagSpecification, resourceType string) network.Tags {
	return c.tagsByType(specs, resourceType)[resourceType]
}

// tagsByType reads the tag specifications of an operation that makes things of
// several types.
func (c *call) tagsByType(specs []wire.TagSpecification, types ...string) map[string]network.Tags {
	out := map[string]network.Tags{}
	for _, spec := range specs {
		t := value(spec.ResourceType)
		switch _, twice := out[t]; {
		case spec.ResourceType == nil:
			c.fail(&Error{Code: "InvalidParameterValue", Message: "Tag specification resource type must have a value"})
		case !slices.Contains(types, t):
			c.fail(&Error{Code: wrongTypeCode(c.action), Message: "'" + t + "' is not a valid taggable resource type for this operation."})
		case len(spec.Tags) == 0:
			c.fail(&Error{Code: "InvalidParameterValue", Message: "Tag specification must have at least one tag"})
		case twice:
			c.fail(&Error{Code: "InvalidParameterValue", Message: "The same resource type may not be specified more than once in tag specifications"})
		}
		out[t] = c.tagMap(spec.Tags)
	}
	return out
}

// wrongTypeCode follows AWS, whose older operations answer with another code.
func wrongTypeCode(action string) string {
	switch action {
	case "CreateVpc", "CreateSubnet", "CreateNetworkInterface", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress":
		return "InvalidParameter"
	}
	return "InvalidParameterValue"
}

// tagMap reads a list of tags. What a tag may be is the core's to say; a map
// could not tell it of a key that comes twice.
func (c *call) tagMap(list []wire.Tag) network.Tags {
	if len(list) == 0 {
		return nil
	}
	out := network.Tags{}
	for _, t := range list {
		key := value(t.Key)
		if _, twice := out[key]; twice {
			c.fail(&Error{Code: "InvalidParameterValue", Message: "Duplicate tag key '" + key + "' specified."})
		}
		out[key] = value(t.Value)
	}
	return out
}

// tagSet is the tags of a resource as the caller sees them, for a result. It is
// never nil: AWS writes an empty tagSet.
func (c *call) tagSet(resource string) []wire.Tag {
	tags := c.state.Tags(c.caller, resource)
	out := make([]wire.Tag, 0, len(tags))
	for _, key := range tags.Keys() {
		out = append(out, wire.Tag{Key: new(key), Value: new(tags[key])})
	}
	return out
}
