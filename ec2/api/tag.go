package api

import (
	"slices"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// Tags reads the tag specifications of an operation that makes things of one type.
func (c *Call) Tags(specs []wire.TagSpecification, resourceType string) network.Tags {
	return c.TagsByType(specs, resourceType)[resourceType]
}

// TagsByType reads the tag specifications of an operation that makes things of
// several types.
func (c *Call) TagsByType(specs []wire.TagSpecification, types ...string) map[string]network.Tags {
	out := map[string]network.Tags{}
	for _, spec := range specs {
		t := Value(spec.ResourceType)
		switch _, twice := out[t]; {
		case spec.ResourceType == nil:
			c.Fail(&Error{Code: "InvalidParameterValue", Message: "Tag specification resource type must have a value"})
		case !slices.Contains(types, t):
			c.Fail(&Error{Code: wrongTypeCode(c.Action), Message: "'" + t + "' is not a valid taggable resource type for this operation."})
		case len(spec.Tags) == 0:
			c.Fail(&Error{Code: "InvalidParameterValue", Message: "Tag specification must have at least one tag"})
		case twice:
			c.Fail(&Error{Code: "InvalidParameterValue", Message: "The same resource type may not be specified more than once in tag specifications"})
		}
		out[t] = c.TagMap(spec.Tags)
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

// TagMap reads a list of tags. What a tag may be is the core's to say; a map
// could not tell it of a key that comes twice.
func (c *Call) TagMap(list []wire.Tag) network.Tags {
	if len(list) == 0 {
		return nil
	}
	out := network.Tags{}
	for _, t := range list {
		key := Value(t.Key)
		if _, twice := out[key]; twice {
			c.Fail(&Error{Code: "InvalidParameterValue", Message: "Duplicate tag key '" + key + "' specified."})
		}
		out[key] = Value(t.Value)
	}
	return out
}

// TagSet is the tags of a resource as the caller sees them, for a result. It is
// never nil: AWS writes an empty tagSet.
func (c *Call) TagSet(resource string) []wire.Tag {
	tags := c.State.Tags(c.Caller, resource)
	out := make([]wire.Tag, 0, len(tags))
	for _, key := range tags.Keys() {
		out = append(out, wire.Tag{Key: new(key), Value: new(tags[key])})
	}
	return out
}
