package network

import "strings"

const (
	defaultGroupName = "default"
	maxGroupText     = 255
)

func (e *edit) newRule(spec RuleSpec) Rule {
	return Rule{ID: RuleID(e.newID("sgr")), RuleSpec: spec}
}

func (e *edit) putGroup(g *SecurityGroup) { put(e, &e.groups, kindGroup, g) }

// apply checks the name as AWS does: at most 255 characters of a small set,
// unique in the VPC without regard to case, not "default" and not like an ID
// (AWS: CreateSecurityGroup).
func (r CreateSecurityGroup) apply(e *edit) error {
	name := strings.TrimSpace(r.Name)
	switch {
	case name == "":
		return fail(Missing, "GroupName")
	case r.Description == "":
		return fail(Missing, "GroupDescription")
	case strings.EqualFold(name, defaultGroupName):
		return fail(ReservedName, name)
	case strings.HasPrefix(strings.ToLower(name), "sg-"):
		return fail(GroupNameIsID, name)
	case !groupText(name):
		return failWith(GroupText, name, "GroupName")
	case !groupText(r.Description):
		return failWith(GroupText, r.Description, "GroupDescription")
	}
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	if e.SecurityGroupNamed(v.ID, name) != nil {
		return failWith(GroupExists, name, v.ID)
	}
	if err := e.room(v.World(), QuotaGroups); err != nil {
		return err
	}
	g := &SecurityGroup{
		ID: GroupID(e.newID("sg")), Home: v.Home, VPC: v.ID, Name: name, Description: r.Description,
		Rules: e.egressRules(v), Created: e.op.At,
	}
	e.putGroup(g)
	e.created(g.key())
	return e.setTags(g.key(), r.Tags)
}

// groupText reports whether AWS takes text as a name or a description: "a-z, A-Z,
// 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*" (AWS: CreateSecurityGroup).
func groupText(text string) bool {
	const marks = " ._-:/()#,@[]+=&;{}!$*"
	for _, c := range text {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune(marks, c) {
			return false
		}
	}
	return len(text) <= maxGroupText
}

// apply refuses a group that an interface has, or that a rule of another group of
// its VPC names. Rules in a peer VPC don't hold it: they go stale (AWS:
// DeleteSecurityGroup; Update your security groups to reference peer groups).
func (r DeleteSecurityGroup) apply(e *edit) error {
	g, err := e.group(r.Group)
	if err != nil {
		return err
	}
	if g.Default {
		return failWith(DefaultUndeletable, g.ID, g.Name)
	}
	for eni := range e.Members(g.ID) {
		return failWith(InUse, g.ID, eni.ID)
	}
	for other := range e.GroupsReferring(g.ID) {
		if other.ID != g.ID && other.VPC == g.VPC {
			return failWith(InUse, g.ID, other.ID)
		}
	}
	e.dropGroup(g)
	return nil
}

// dropGroup deletes a group and the tags of its rules.
func (e *edit) dropGroup(g *SecurityGroup) {
	for _, rule := range g.Rules {
		e.dropTags(g.World(), string(rule.ID))
	}
	drop(e, &e.groups, kindGroup, g.key())
}
