package ssm

import (
	"maps"
	"strings"

	"tombolo/ssm/document"
)

func tagOperations() []operation {
	return []operation{
		on("AddTagsToResource", (*Service).addTagsToResource),
		on("RemoveTagsFromResource", (*Service).removeTagsFromResource),
		on("ListTagsForResource", (*Service).listTagsForResource),
	}
}

type addTagsToResourceRequest struct {
	ResourceType string `shape:"*ResourceTypeForTagging"`
	ResourceId   string `shape:"*ResourceId"`
	Tags         []tag  `shape:"*TagList"`
}

type removeTagsFromResourceRequest struct {
	ResourceType string   `shape:"*ResourceTypeForTagging"`
	ResourceId   string   `shape:"*ResourceId"`
	TagKeys      []string `shape:"*KeyList"`
}

type listTagsForResourceRequest struct {
	ResourceType string `shape:"*ResourceTypeForTagging"`
	ResourceId   string `shape:"*ResourceId"`
}

type tag struct {
	Key   string `shape:"*TagKey"`
	Value string `shape:"*TagValue"`
}

// maxTags is AWS's limit of tags for one resource.
const maxTags = 50

// newTags joins tags, which are checked as all of AWS's are.
func newTags(have map[string]string, add []tag) (map[string]string, error) {
	out := maps.Clone(have)
	if out == nil {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range add {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalid("The tag key %s begins with aws:, which is reserved.", t.Key)
		}
		if seen[t.Key] {
			return nil, invalid("The tag key %s is there twice.", t.Key)
		}
		seen[t.Key] = true
		out[t.Key] = t.Value
	}
	if len(out) > maxTags {
		return nil, fail("TooManyTagsError", "A resource can have %d tags.", maxTags)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func tagList(tags map[string]string) []tag {
	out := []tag{}
	for _, key := range sortedKeys(tags) {
		out = append(out, tag{key, tags[key]})
	}
	return out
}

// tagged finds the document that is to be tagged. Nothing else can be: instances
// have EC2's tags.
func (s *Service) tagged(c *call, kind, id string) (document.Record, error) {
	if kind != "Document" {
		return document.Record{}, fail("InvalidResourceType", "The resource type is not valid here: only a Document has tags of Systems Manager.")
	}
	r, err := s.library.find(c.caller, id)
	if err != nil {
		return r, fail("InvalidResourceId", "The resource ID isn't valid: there is no document %s.", id)
	}
	if r.Owner == document.Amazon {
		return r, fail("InvalidResourceId", "The resource ID isn't valid: document %s is Amazon's.", id)
	}
	return r, nil
}

func (s *Service) addTagsToResource(c *call, q *addTagsToResourceRequest) (any, error) {
	r, err := s.tagged(c, q.ResourceType, q.ResourceId)
	if err != nil {
		return nil, err
	}
	_, err = s.library.change(c, c.caller, r.Name, func(r document.Record) (document.Record, error) {
		var err error
		r.Tags, err = newTags(r.Tags, q.Tags)
		return r, err
	})
	return empty{}, err
}

func (s *Service) removeTagsFromResource(c *call, q *removeTagsFromResourceRequest) (any, error) {
	r, err := s.tagged(c, q.ResourceType, q.ResourceId)
	if err != nil {
		return nil, err
	}
	_, err = s.library.change(c, c.caller, r.Name, func(r document.Record) (document.Record, error) {
		r.Tags = maps.Clone(r.Tags)
		for _, key := range q.TagKeys {
			delete(r.Tags, key)
		}
		return r, nil
	})
	return empty{}, err
}

func (s *Service) listTagsForResource(c *call, q *listTagsForResourceRequest) (any, error) {
	r, err := s.tagged(c, q.ResourceType, q.ResourceId)
	if err != nil {
		return nil, err
	}
	return struct{ TagList []tag }{tagList(r.Tags)}, nil
}
