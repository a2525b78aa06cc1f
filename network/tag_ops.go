package network

import (
	"maps"
	"strings"
	"unicode/utf8"
)

// The restrictions on tags (AWS: Tag your Amazon EC2 resources, Tag restrictions).
const (
	reservedTagPrefix = "aws:"
	maxTagKey         = 128 // characters
	maxTagValue       = 256
)

// checkTags refuses what AWS refuses in a set of tags, in order of key.
func checkTags(tags Tags) error {
	for _, key := range tags.Keys() {
		if reserved(key) {
			return fail(ReservedTag, key)
		}
		if key == "" || utf8.RuneCountInString(key) > maxTagKey {
			return fail(TagKeyLength, key)
		}
		if utf8.RuneCountInString(tags[key]) > maxTagValue {
			return failWith(TagValueLength, tags[key], key)
		}
	}
	return nil
}

// setTags adds tags to a resource of the caller's, existing or just made.
func (e *edit) setTags(resource string, tags Tags) error {
	if len(tags) == 0 {
		return nil
	}
	if err := checkTags(tags); err != nil {
		return err
	}
	next := &TagSet{Home: e.home(), Resource: resource, Tags: Tags{}}
	old, _ := e.tags.get(next.key())
	if old != nil {
		maps.Copy(next.Tags, old.Tags)
	}
	maps.Copy(next.Tags, tags)
	if next.Tags.own() > defaultQuotas[QuotaTags] {
		return failWith(LimitExceeded, resource, QuotaTags)
	}
	if old == nil || !maps.Equal(old.Tags, next.Tags) {
		put(e, &e.tags, kindTags, next)
	}
	return nil
}

// mark adds tags of AWS's own, which begin with aws: and which no caller can set,
// change or delete.
func (e *edit) mark(resource string, tags Tags) {
	if len(tags) == 0 {
		return
	}
	next := &TagSet{Home: e.home(), Resource: resource, Tags: Tags{}}
	if old, ok := e.tags.get(next.key()); ok {
		maps.Copy(next.Tags, old.Tags)
	}
	maps.Copy(next.Tags, tags)
	put(e, &e.tags, kindTags, next)
}

// own counts the tags that are not AWS's (AWS: Tag restrictions, "tags with this
// prefix do not count against your tags per resource limit").
func (t Tags) own() int {
	n := 0
	for key := range t {
		if !reserved(key) {
			n++
		}
	}
	return n
}

func reserved(key string) bool { return strings.HasPrefix(strings.ToLower(key), reservedTagPrefix) }

// dropTags forgets the tags that a world set on a resource.
func (e *edit) dropTags(world, resource string) {
	drop(e, &e.tags, kindTags, tagKey(world, resource))
}

func (r CreateTags) apply(e *edit) error {
	for _, id := range r.Resources {
		if err := e.taggable(id); err != nil {
			return err
		}
		if err := e.setTags(id, r.Tags); err != nil {
			return err
		}
	}
	return nil
}

// apply deletes what matches; a tag or value that is not there is no error
// (AWS: DeleteTags).
func (r DeleteTags) apply(e *edit) error {
	for _, id := range r.Resources {
		if err := e.taggable(id); err != nil {
			return err
		}
		old, ok := e.tags.get(tagKey(e.home().World(), id))
		if !ok {
			continue
		}
		next := *old
		next.Tags = Tags{}
		for key, value := range old.Tags {
			if !r.matches(key, value) {
				next.Tags[key] = value
			}
		}
		switch len(next.Tags) {
		case len(old.Tags):
		case 0:
			e.dropTags(e.home().World(), id)
		default:
			put(e, &e.tags, kindTags, &next)
		}
	}
	return nil
}

func (r DeleteTags) matches(key, value string) bool {
	if reserved(key) {
		return false
	}
	if len(r.Keys) == 0 {
		return true
	}
	want, named := r.Keys[key]
	return named && (want == nil || *want == value)
}

// taggable is an error unless the caller sees a thing with this ID. It is the
// error of the thing's own kind (AWS: CreateTags).
func (e *edit) taggable(id string) error {
	var err error
	switch Kind(id) {
	case "vpc":
		_, err = e.vpc(VPCID(id))
	case "subnet":
		_, err = e.subnet(SubnetID(id))
	case "eni":
		_, err = e.eni(ENIID(id))
	case "i":
		_, err = e.instance(InstanceID(id))
	case "rtb":
		_, err = e.table(RouteTableID(id))
	case "pcx":
		_, err = e.peering(PeeringID(id))
	case "sg":
		_, err = e.group(GroupID(id))
	case "sgr":
		_, err = e.groupOfRule(RuleID(id))
	case "acl":
		_, err = e.acl(ACLID(id))
	case "igw":
		_, err = e.gateway(GatewayID(id))
	case "eigw":
		_, err = visible(e, e.egress, id, "eigw")
	case "eipalloc":
		_, err = e.allocation(AllocationID(id))
	case "key":
		_, err = visible(e, e.keyPairs, id, "key")
	case "lt":
		_, err = e.template(LaunchTemplateID(id))
	case "fl":
		_, err = visible(e, e.flowLogs, id, "fl")
	case "nip":
		_, err = visible(e, e.insightsPaths, id, "nip")
	case "nia":
		_, err = visible(e, e.insightsAnalyses, id, "nia")
	case "nis":
		_, err = visible(e, e.accessScopes, id, "nis")
	case "nisa":
		_, err = visible(e, e.scopeAnalyses, id, "nisa")
	case "dopt":
		_, err = e.dhcpOptions(DHCPOptionsID(id))
	default:
		err = fail(UnknownKind, id)
	}
	return err
}

// groupOfRule is the group that has a rule, if the caller sees it.
func (e *edit) groupOfRule(id RuleID) (*SecurityGroup, error) {
	if !WellFormed(string(id), "sgr") {
		return nil, failWith(Malformed, id, "sgr")
	}
	g := e.GroupOfRule(id)
	if g == nil || !g.In(e.op.Caller) {
		return nil, fail(NotFound, id)
	}
	return g, nil
}
