package document

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Record is one document with all its versions, as it is kept. It is a value:
// what changes it returns another.
type Record struct {
	Name     string
	Owner    string // an account, or Amazon
	Type     Type
	Created  time.Time
	Versions []Version         // by Number; deleted ones are gone
	Default  int               // the Number of the default version
	Tags     map[string]string `json:",omitempty"`
}

// Version is one version of a document.
type Version struct {
	Number      int
	Name        string `json:",omitempty"` // VersionName
	Format      Format
	Content     string
	DisplayName string `json:",omitempty"`
	TargetType  string `json:",omitempty"`
	Created     time.Time
}

// Hash is the version's content, hashed: DescribeDocument's Hash of type Sha256.
func (v Version) Hash() string {
	sum := sha256.Sum256([]byte(v.Content))
	return hex.EncodeToString(sum[:])
}

// maxVersions is AWS's quota of versions for one document.
const maxVersions = 1000

// NewRecord makes a document of its first version, which it numbers.
func NewRecord(name, owner string, t Type, first Version) (Record, error) {
	if _, err := Parse(t, first.Format, first.Content); err != nil {
		return Record{}, err
	}
	first.Number = 1
	return Record{Name: name, Owner: owner, Type: t, Created: first.Created, Versions: []Version{first}, Default: 1}, nil
}

// Update adds a version. The default stays what it was.
func (r Record) Update(next Version) (Record, error) {
	if len(r.Versions) >= maxVersions {
		return r, errorf(DocumentVersionLimitExceeded, "The document has %d versions, which is the most that it can have. Delete some first.", len(r.Versions))
	}
	if _, err := Parse(r.Type, next.Format, next.Content); err != nil {
		return r, err
	}
	latest := r.Latest()
	if latest.Content == next.Content && latest.Format == next.Format {
		return r, errorf(DuplicateDocumentContent, "The content of the association document matches another document. Change the content of the document and try again.")
	}
	for _, v := range r.Versions {
		if next.Name != "" && v.Name == next.Name {
			return r, errorf(DuplicateDocumentVersionName, "The version name %s is that of version %d already.", next.Name, v.Number)
		}
	}
	next.Number = latest.Number + 1
	r.Versions = append(slices.Clip(r.Versions), next)
	return r, nil
}

// Latest is the version with the highest number.
func (r Record) Latest() Version { return r.Versions[len(r.Versions)-1] }

var numberPattern = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)

// Find finds a version: by its number, $LATEST, $DEFAULT or "" (the default),
// or by its name, or by both when they agree.
func (r Record) Find(version, name string) (Version, error) {
	var out Version
	number := r.Default
	switch {
	case version == "" && name != "":
		number = 0
	case version == "$LATEST":
		number = r.Latest().Number
	case numberPattern.MatchString(version):
		number, _ = strconv.Atoi(version)
	case version != "" && version != "$DEFAULT":
		number = -1
	}
	for _, v := range r.Versions {
		if (number == 0 || v.Number == number) && (name == "" || v.Name == name) {
			out = v
		}
	}
	if out.Number == 0 {
		return out, noVersion(r.Name, version, name)
	}
	return out, nil
}

func noVersion(document, version, name string) error {
	if version == "" {
		return errorf(InvalidDocumentVersion, "The document %s has no version with the name %s.", document, name)
	}
	return errorf(InvalidDocumentVersion, "The document %s has no version %s%s.", document, version, named(name))
}

func named(name string) string {
	if name == "" {
		return ""
	}
	return " with the name " + name
}

// Resolve finds a version and parses it.
func (r Record) Resolve(version, name string) (*Document, error) {
	v, err := r.Find(version, name)
	if err != nil {
		return nil, err
	}
	return Parse(r.Type, v.Format, v.Content)
}

// SetDefault makes another version the default.
func (r Record) SetDefault(version string) (Record, error) {
	v, err := r.Find(version, "")
	if err != nil {
		return r, err
	}
	r.Default = v.Number
	return r, nil
}

// Without takes one version away, but never the default one.
func (r Record) Without(version, name string) (Record, error) {
	v, err := r.Find(version, name)
	if err != nil {
		return r, err
	}
	if v.Number == r.Default {
		return r, errorf(InvalidDocumentOperation, "Default version of the document can't be deleted.")
	}
	r.Versions = slices.DeleteFunc(slices.Clone(r.Versions), func(have Version) bool { return have.Number == v.Number })
	return r, nil
}
