package network

import (
	"iter"
	"maps"
	"slices"
)

// Tags are a resource's key-value pairs.
type Tags map[string]string

// Keys are the tag keys in order.
func (t Tags) Keys() []string { return slices.Sorted(maps.Keys(t)) }

// TagSet is the tags of one resource as one account and Region set them: the
// two sides of a peering keep tags of their own.
type TagSet struct {
	Home
	Resource string
	Tags     Tags
}

func (t *TagSet) key() string     { return tagKey(t.World(), t.Resource) }
func (t *TagSet) links() []string { return nil }

func tagKey(world, resource string) string { return world + "/" + resource }

// Tags are what the caller's account and Region see on a resource.
func (s State) Tags(c Caller, resource string) Tags {
	set, ok := s.tags.get(tagKey(Home{c.Account, c.Region}.World(), resource))
	if !ok {
		return nil
	}
	return set.Tags
}

// TagSetsOf are the caller's tagged resources, in order of resource ID.
func (s State) TagSetsOf(c Caller) iter.Seq[*TagSet] {
	return s.tags.under(Home{c.Account, c.Region}.World() + "/")
}

// CreateTags adds or overwrites tags on resources, all or none.
type CreateTags struct {
	Resources []string
	Tags      Tags
}

// DeleteTags removes tags. A nil value of Keys matches any value; no Keys at
// all removes every tag of the user's.
type DeleteTags struct {
	Resources []string
	Keys      map[string]*string
}
