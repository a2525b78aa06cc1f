package document

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"time"
)

var at = time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)

// describedAs is a small document that differs from others in its description.
func describedAs(text string) string {
	return `{"schemaVersion": "1.0", "description": ` + strconv.Quote(text) + `, "sessionType": "Standard_Stream", "inputs": {}}`
}

// three is a document with three versions, the second of which is the default.
func three(t *testing.T) Record {
	t.Helper()
	r, err := NewRecord("Mine", "123456789012", Session, Version{Name: "one", Format: JSON, Content: describedAs("1"), Created: at})
	for _, n := range []string{"2", "3"} {
		if err == nil {
			r, err = r.Update(Version{Format: JSON, Content: describedAs(n), Created: at.Add(time.Hour)})
		}
	}
	if err == nil {
		r, err = r.SetDefault("2")
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVersionsAreFound(t *testing.T) {
	r := three(t)
	for _, tt := range []struct {
		version, name string
		want          int
	}{
		{"", "", 2},
		{"$DEFAULT", "", 2},
		{"$LATEST", "", 3},
		{"1", "", 1},
		{"3", "", 3},
		{"", "one", 1},
		{"1", "one", 1},
	} {
		v, err := r.Find(tt.version, tt.name)
		if err != nil || v.Number != tt.want {
			t.Errorf("%q %q: %+v %v", tt.version, tt.name, v, err)
		}
		d, err := r.Resolve(tt.version, tt.name)
		if err != nil || d.Description != strconv.Itoa(tt.want) {
			t.Errorf("%q %q: %+v %v", tt.version, tt.name, d, err)
		}
	}
	for _, tt := range []struct {
		version, name, text string
	}{
		{"4", "", "The document Mine has no version 4."},
		{"0", "", "The document Mine has no version 0."},
		{"01", "", "The document Mine has no version 01."},
		{"99999999999999999999", "", "The document Mine has no version 99999999999999999999."},
		{"$NEWEST", "", "The document Mine has no version $NEWEST."},
		{"", "two", "The document Mine has no version with the name two."},
		{"2", "one", "The document Mine has no version 2 with the name one."},
		{"$LATEST", "one", "The document Mine has no version $LATEST with the name one."},
	} {
		_, err := r.Find(tt.version, tt.name)
		wantError(t, err, InvalidDocumentVersion, tt.text)
		_, err = r.Resolve(tt.version, tt.name)
		wantError(t, err, InvalidDocumentVersion, tt.text)
	}
}

func TestARecordIsAValue(t *testing.T) {
	r := three(t)
	before, _ := json.Marshal(r)
	for name, change := range map[string]func() (Record, error){
		"update":  func() (Record, error) { return r.Update(Version{Format: JSON, Content: describedAs("4")}) },
		"another": func() (Record, error) { return r.Update(Version{Format: JSON, Content: describedAs("5")}) },
		"default": func() (Record, error) { return r.SetDefault("3") },
		"without": func() (Record, error) { return r.Without("1", "") },
	} {
		next, err := change()
		if err != nil || reflect.DeepEqual(next, r) {
			t.Errorf("%s: %+v %v", name, next, err)
		}
		if after, _ := json.Marshal(r); string(after) != string(before) {
			t.Errorf("%s changed the record that it was asked of", name)
		}
	}
	// Two updates of one record know nothing of each other.
	one, _ := r.Update(Version{Format: JSON, Content: describedAs("4")})
	two, _ := r.Update(Version{Format: JSON, Content: describedAs("5")})
	if one.Latest().Content != describedAs("4") || two.Latest().Content != describedAs("5") {
		t.Error("two updates share memory")
	}
}

func TestARecordSurvivesItsStoring(t *testing.T) {
	r := three(t)
	r.Tags = map[string]string{"team": "web"}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again Record
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%+v %v", again, err)
	}
}

func TestUpdatesThatAreRefused(t *testing.T) {
	r := three(t)
	for _, tt := range []struct {
		name string
		next Version
		code Code
		text string
	}{
		{
			name: "no document",
			next: Version{Format: JSON, Content: "{"},
			code: InvalidDocumentContent,
			text: "JSON not well-formed. at Line: 1, Column: 2 (EOF)",
		},
		{
			name: "the same again",
			next: Version{Format: JSON, Content: describedAs("3")},
			code: DuplicateDocumentContent,
			text: "The content of the association document matches another document. Change the content of the document and try again.",
		},
		{
			name: "a name that another version has",
			next: Version{Name: "one", Format: JSON, Content: describedAs("4")},
			code: DuplicateDocumentVersionName,
			text: "The version name one is that of version 1 already.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			same, err := r.Update(tt.next)
			wantError(t, err, tt.code, tt.text)
			if !reflect.DeepEqual(same, r) {
				t.Error("the record is another one")
			}
		})
	}
}

func TestAnEarlierContentMayComeBack(t *testing.T) {
	r, err := three(t).Update(Version{Format: JSON, Content: describedAs("1")})
	if err != nil || r.Latest().Number != 4 {
		t.Errorf("%+v %v", r.Latest(), err)
	}
}

func TestADocumentHasAThousandVersions(t *testing.T) {
	r := three(t)
	for len(r.Versions) < 1000 {
		v := r.Latest()
		v.Number++
		r.Versions = append(r.Versions, v)
	}
	_, err := r.Update(Version{Format: JSON, Content: describedAs("4")})
	wantError(t, err, DocumentVersionLimitExceeded, "The document has 1000 versions, which is the most that it can have. Delete some first.")
}

func TestOnlyTheDefaultVersionCannotGo(t *testing.T) {
	r := three(t)
	for _, v := range []string{"2", "$DEFAULT", ""} {
		_, err := r.Without(v, "")
		wantError(t, err, InvalidDocumentOperation, "Default version of the document can't be deleted.")
	}
	r, err := r.Without("", "one")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Without("1", "")
	wantError(t, err, InvalidDocumentVersion, "The document Mine has no version 1.")
	r, err = r.Without("$LATEST", "")
	if err != nil || len(r.Versions) != 1 || r.Latest().Number != 2 {
		t.Errorf("%+v %v", r, err)
	}
	_, err = r.SetDefault("3")
	wantError(t, err, InvalidDocumentVersion, "The document Mine has no version 3.")
}

func TestAHashIsTheContents(t *testing.T) {
	v := Version{Content: "abc"}
	if got := v.Hash(); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error(got)
	}
}
