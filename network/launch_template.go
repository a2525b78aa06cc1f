package network

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// LaunchTemplate is a named sequence of versions, each of which says how to launch
// an instance (AWS: Launch an instance from a launch template). What a version says
// is a document to this package: RunInstances is given what was made of it.
type LaunchTemplate struct {
	ID LaunchTemplateID
	Home
	Name     string
	By       string // ARN of who made it
	Created  time.Time
	Default  int // the version that is meant when none is named
	Latest   int // the newest number that was ever given
	Versions []TemplateVersion
}

// TemplateVersion never changes.
type TemplateVersion struct {
	Number      int
	Description string
	By          string
	Created     time.Time
	Data        string
}

// LaunchTemplateID is lt-….
type LaunchTemplateID string

func (l *LaunchTemplate) key() string { return string(l.ID) }
func (l *LaunchTemplate) links() []string {
	return []string{l.World(), templateName(l.Home, l.Name)}
}
func (l *LaunchTemplate) uses() []use { return []use{{l.World(), QuotaTemplates}} }

func templateName(h Home, name string) string { return h.World() + "/launch-template/" + name }

// Version finds one by number.
func (l *LaunchTemplate) Version(number int) (TemplateVersion, bool) {
	for _, v := range l.Versions {
		if v.Number == number {
			return v, true
		}
	}
	return TemplateVersion{}, false
}

// LaunchTemplate finds one by ID; nil when there is none.
func (s State) LaunchTemplate(id LaunchTemplateID) *LaunchTemplate { return lookup(s.templates, id) }

// LaunchTemplateNamed finds one of the caller's by name; nil when there is none.
func (s State) LaunchTemplateNamed(c Caller, name string) *LaunchTemplate {
	return lookup(s.templates, s.refs.first(templateName(Home{c.Account, c.Region}, name), "lt-"))
}

// LaunchTemplatesOf are those of the caller's account and Region.
func (s State) LaunchTemplatesOf(c Caller) iter.Seq[*LaunchTemplate] {
	return those(s, s.templates, Home{c.Account, c.Region}.World(), "lt-")
}

// CreateLaunchTemplate makes one with a first version, the default. Created: it.
type CreateLaunchTemplate struct {
	Name, Description string
	By                string
	Data              string
	Tags              Tags
}

// CreateTemplateVersion adds a version. Created: its number.
type CreateTemplateVersion struct {
	Template    LaunchTemplateID
	Description string
	By          string
	Data        string
}

// SetDefaultVersion changes which version is meant when none is named.
type SetDefaultVersion struct {
	Template LaunchTemplateID
	Version  int
}

// DeleteLaunchTemplate deletes one with all versions.
type DeleteLaunchTemplate struct{ Template LaunchTemplateID }

// DeleteTemplateVersions deletes those versions that there are, but not the default.
// Created: the numbers of those deleted.
type DeleteTemplateVersions struct {
	Template LaunchTemplateID
	Versions []int
}

// usableTemplateName is AWS's pattern (AWS: CreateLaunchTemplate, LaunchTemplateName).
var usableTemplateName = regexp.MustCompile(`^[a-zA-Z0-9().\-/_]{3,128}$`)

// maxVersions is how many versions there may be (AWS: Launch template limits).
const maxVersions = 10_000

func (e *edit) template(id LaunchTemplateID) (*LaunchTemplate, error) {
	return visible(e, e.templates, string(id), "lt")
}

func (e *edit) putTemplate(l *LaunchTemplate) { put(e, &e.templates, kindTemplate, l) }

func (r CreateLaunchTemplate) apply(e *edit) error {
	if !usableTemplateName.MatchString(r.Name) {
		return fail(TemplateName, r.Name)
	}
	if e.LaunchTemplateNamed(e.op.Caller, r.Name) != nil {
		return fail(TemplateExists, r.Name)
	}
	if err := e.room(e.home().World(), QuotaTemplates); err != nil {
		return err
	}
	l := &LaunchTemplate{ID: LaunchTemplateID(e.newID("lt")), Home: e.home(), Name: r.Name, By: r.By, Created: e.op.At, Default: 1, Latest: 1,
		Versions: []TemplateVersion{{Number: 1, Description: r.Description, By: r.By, Created: e.op.At, Data: r.Data}}}
	e.putTemplate(l)
	e.created(l.key())
	return e.setTags(l.key(), r.Tags)
}

func (r CreateTemplateVersion) apply(e *edit) error {
	l, err := e.template(r.Template)
	if err != nil {
		return err
	}
	if len(l.Versions) >= maxVersions {
		return failWith(LimitExceeded, l.ID, QuotaTemplates)
	}
	next := *l
	next.Latest++
	next.Versions = append(slices.Clone(l.Versions), TemplateVersion{Number: next.Latest, Description: r.Description, By: r.By, Created: e.op.At, Data: r.Data})
	e.putTemplate(&next)
	e.created(strconv.Itoa(next.Latest))
	return nil
}

func (r SetDefaultVersion) apply(e *edit) error {
	l, err := e.template(r.Template)
	if err != nil {
		return err
	}
	if _, ok := l.Version(r.Version); !ok {
		return failWith(VersionNotFound, l.ID, strconv.Itoa(r.Version))
	}
	if l.Default == r.Version {
		return nil
	}
	next := *l
	next.Default = r.Version
	e.putTemplate(&next)
	return nil
}

func (r DeleteLaunchTemplate) apply(e *edit) error {
	l, err := e.template(r.Template)
	if err != nil {
		return err
	}
	drop(e, &e.templates, kindTemplate, l.key())
	return nil
}

// apply keeps the default version (AWS: DeleteLaunchTemplateVersions, "You can't
// delete the default version").
func (r DeleteTemplateVersions) apply(e *edit) error {
	l, err := e.template(r.Template)
	if err != nil {
		return err
	}
	next := *l
	next.Versions = slices.DeleteFunc(slices.Clone(l.Versions), func(v TemplateVersion) bool {
		gone := v.Number != l.Default && slices.Contains(r.Versions, v.Number)
		if gone {
			e.created(strconv.Itoa(v.Number))
		}
		return gone
	})
	if len(next.Versions) < len(l.Versions) {
		e.putTemplate(&next)
	}
	return nil
}
