package network

import (
	"slices"
	"strconv"
	"testing"
)

// TestVersionsOfALaunchTemplate makes, deletes and chooses versions: numbers are
// never given twice, and the default stays.
func TestVersionsOfALaunchTemplate(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	id := LaunchTemplateID(w.as(home, CreateLaunchTemplate{Name: "web", Data: "one"}).Created[0])
	for n := 2; n <= 4; n++ {
		if got := w.as(home, CreateTemplateVersion{Template: id, Data: "more"}).Created; !slices.Equal(got, []string{strconv.Itoa(n)}) {
			t.Errorf("version %d is %v", n, got)
		}
	}
	w.as(home, SetDefaultVersion{id, 2})
	if gone := w.as(home, DeleteTemplateVersions{id, []int{1, 2, 4, 9}}).Created; !slices.Equal(gone, []string{"1", "4"}) {
		t.Errorf("deleted %v", gone)
	}
	if got := w.as(home, CreateTemplateVersion{Template: id, Data: "five"}).Created; got[0] != "5" {
		t.Errorf("after 4 was deleted the next is %v", got)
	}
	l := w.LaunchTemplateNamed(home, "web")
	if l == nil || l.ID != id || l.Default != 2 || l.Latest != 5 || len(l.Versions) != 3 {
		t.Fatalf("%+v", l)
	}
	if w.LaunchTemplateNamed(stranger, "web") != nil || w.LaunchTemplateNamed(elsewhere, "web") != nil {
		t.Error("another account or Region sees it")
	}
	for name, c := range map[string]struct {
		r    Request
		code Code
	}{
		"a name twice":      {CreateLaunchTemplate{Name: "web", Data: "x"}, TemplateExists},
		"a bad name":        {CreateLaunchTemplate{Name: "we b", Data: "x"}, TemplateName},
		"a default gone":    {SetDefaultVersion{id, 1}, VersionNotFound},
		"no template":       {DeleteLaunchTemplate{"lt-0123456789abcdef0"}, NotFound},
		"no ID":             {DeleteLaunchTemplate{"x"}, Malformed},
		"a version of none": {CreateTemplateVersion{Template: "lt-0123456789abcdef0"}, NotFound},
	} {
		_, err := w.Apply(w.op(home, c.r))
		if e, ok := err.(*Error); !ok || e.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.as(home, DeleteLaunchTemplate{id})
	if w.LaunchTemplateNamed(home, "web") != nil {
		t.Error("it is still found by name")
	}
	w.as(home, CreateLaunchTemplate{Name: "web", Data: "again"})
}

// TestMarksAreNobodysToChange launches with tags of AWS's own.
func TestMarksAreNobodysToChange(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	id := w.as(home, RunInstances{Min: 1, Max: 1, Image: "ami-0", Type: "t3.micro", Marks: Tags{"aws:made-by": "x"}}).Created[1]
	full := Tags{}
	for n := range 50 {
		full["k"+strconv.Itoa(n)] = ""
	}
	w.as(home, CreateTags{Resources: []string{id}, Tags: full}) // the mark does not count
	w.as(home, DeleteTags{Resources: []string{id}})
	w.as(home, DeleteTags{Resources: []string{id}, Keys: map[string]*string{"aws:made-by": nil}})
	if got := w.Tags(home, id); len(got) != 1 || got["aws:made-by"] != "x" {
		t.Errorf("%v", got)
	}
}

// TestMetadataDefaultsAreOfInstancesThatAskForNothing sets and unsets them.
func TestMetadataDefaultsAreOfInstancesThatAskForNothing(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	launch := func(m MetadataOptions) MetadataOptions {
		return w.Instance(InstanceID(w.as(home, RunInstances{Min: 1, Max: 1, Image: "ami-0", Type: "t3.micro", Metadata: m}).Created[1])).Metadata
	}
	w.as(home, SetMetadataDefaults{MetadataOptions{Tokens: "required", Hops: 3}})
	if got := launch(MetadataOptions{Hops: 1}); got.Tokens != "required" || got.Hops != 1 || got.Endpoint != "enabled" {
		t.Errorf("%+v", got)
	}
	if _, err := w.Apply(w.op(home, SetMetadataDefaults{MetadataOptions{Tokens: "perhaps"}})); err == nil {
		t.Error("nonsense is taken")
	}
	w.as(home, SetMetadataDefaults{})
	if got := launch(MetadataOptions{}); got != defaultMetadata {
		t.Errorf("%+v", got)
	}
}
