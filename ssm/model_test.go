package ssm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
)

// model is AWS's own description of the service, as Debian's botocore has it.
type model struct {
	Operations map[string]struct {
		Input struct{ Shape string }
	}
	Shapes map[string]modelShape
}

type modelShape struct {
	Type               string
	Members            map[string]struct{ Shape string }
	Required           []string
	Member, Key, Value struct{ Shape string }
	Min, Max           *int
	Pattern            string
	Enum               []string
}

const debianModel = "/usr/lib/python3/dist-packages/botocore/data/ssm/*/service-2.json"

func readModel(t *testing.T) model {
	t.Helper()
	files, err := filepath.Glob(debianModel)
	if err != nil || len(files) != 1 {
		t.Fatalf("AWS's model of the service is not at %s (Debian's package python3-botocore): %v %v", debianModel, files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var m model
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// younger is what Debian's model does not have yet.
var younger = []string{"DescribeInstanceProperties", "CreateDocument.Requires.RequireType", "CreateDocument.Requires.VersionName"}

// TestRequestsAreAWSs compares every request with AWS's model: no member may be
// missing and none may be made up.
func TestRequestsAreAWSs(t *testing.T) {
	m := readModel(t)
	for _, o := range operations() {
		at, ok := m.Operations[o.name]
		if !ok && !slices.Contains(younger, o.name) {
			t.Errorf("AWS has no %s", o.name)
		}
		if ok {
			m.compare(t, o.name, reflect.TypeOf(o.request), at.Input.Shape)
		}
	}
	for name := range m.Operations {
		if !slices.Contains(strings.Fields(everyOperation), name) {
			t.Errorf("everyOperation lacks %s", name)
		}
	}
}

func (m model) compare(t *testing.T, path string, rt reflect.Type, name string) {
	for rt.Kind() == reflect.Pointer || rt.Kind() == reflect.Slice {
		rt = rt.Elem()
	}
	s := m.Shapes[name]
	if s.Type == "list" {
		s = m.Shapes[s.Member.Shape]
	}
	if s.Type != "structure" || rt.Kind() != reflect.Struct {
		return
	}
	var have, want []string
	for f := range rt.Fields() {
		name, at := memberName(f), path+"."+memberName(f)
		member, ok := s.Members[name]
		if !ok && slices.Contains(younger, at) {
			continue
		}
		have = append(have, name)
		if _, required := shapeOf(f); required != slices.Contains(s.Required, name) {
			t.Errorf("%s: required %v, not so at AWS", at, required)
		}
		if ok {
			m.compareShape(t, at, strings.TrimPrefix(f.Tag.Get("shape"), "*"), member.Shape)
			m.compare(t, at, f.Type, member.Shape)
		}
	}
	for member := range s.Members {
		want = append(want, member)
	}
	sort.Strings(have)
	sort.Strings(want)
	if !slices.Equal(have, want) {
		t.Errorf("%s has %v, at AWS %v", path, have, want)
	}
}

// compareShape compares bounds. AWS widens them now and then: what Debian's model
// allows must be allowed here.
func (m model) compareShape(t *testing.T, path, ours, theirs string) {
	if ours == "" { // a structure or a boolean
		return
	}
	have, want := shapes[ours], m.Shapes[theirs]
	if want.Min != nil && have.min > *want.Min || want.Min == nil && have.min > 0 {
		t.Errorf("%s: the least is %d, at AWS %v", path, have.min, want.Min)
	}
	if have.max != none && (want.Max == nil || have.max < *want.Max) {
		t.Errorf("%s: the most is %d, at AWS %v", path, have.max, want.Max)
	}
	for _, value := range want.Enum {
		if !have.among(value) {
			t.Errorf("%s: the value %s is missing", path, value)
		}
	}
	if have.pattern != "" && want.Pattern == "" {
		t.Errorf("%s: AWS has no pattern", path)
	}
	if want.Type == "list" && have.item != "" {
		m.compareShape(t, path+"[]", have.item, want.Member.Shape)
	}
	if want.Type == "map" {
		m.compareShape(t, path+"{key}", have.key, want.Key.Shape)
		m.compareShape(t, path+"{}", have.item, want.Value.Shape)
	}
}
