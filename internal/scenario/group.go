package scenario

import (
	"fmt"

	"tombolo/network"
)

// saySG makes a group, changes its rules, or both. A group without a VPC is
// kept as a list of rules until an interface uses it.
func (w *world) saySG(words *words) error {
	name := words.next()
	made := len(w.groupsNamed(name)) > 0 || w.common[name] != nil
	switch {
	case words.accept("in"):
		v, who, err := w.vpc(words.next())
		if err != nil {
			return err
		}
		if made {
			return fmt.Errorf("there is an sg %s already", name)
		}
		if _, err := w.make(who, "sg", name, network.CreateSecurityGroup{VPC: v.ID, Name: name, Description: name}); err != nil {
			return err
		}
	case !made:
		w.common[name] = &commonGroup{}
	}
	for len(words.rest) > 0 {
		if err := w.rule(name, words); err != nil {
			return err
		}
	}
	return nil
}

// groupsNamed are the groups that a name stands for: one, or, for a name without
// a VPC, one in each VPC that uses it.
func (w *world) groupsNamed(name string) []*network.SecurityGroup {
	var out []*network.SecurityGroup
	if id, err := w.id("sg", name); err == nil {
		out = append(out, w.state.SecurityGroup(network.GroupID(id)))
	}
	if w.common[name] == nil {
		return out
	}
	for v := range w.state.VPCs() {
		if id, err := w.id("sg", name+" in "+string(v.ID)); err == nil {
			out = append(out, w.state.SecurityGroup(network.GroupID(id)))
		}
	}
	return out
}

// group is the group of a name in a VPC, made there first if it is of the
// common kind.
func (w *world) group(name string, v *network.VPC) (network.GroupID, error) {
	if id, err := w.id("sg", name); err == nil {
		return network.GroupID(id), nil
	}
	common := w.common[name]
	if common == nil {
		return "", fmt.Errorf("no sg %q", name)
	}
	key := name + " in " + string(v.ID)
	if id, err := w.id("sg", key); err == nil {
		return network.GroupID(id), nil
	}
	who := callerOf(v.Home)
	id, err := w.make(who, "sg", key, network.CreateSecurityGroup{VPC: v.ID, Name: name, Description: name})
	if err != nil {
		return "", err
	}
	w.names[id] = "sg:" + name
	for _, rule := range common.rules {
		r := network.AuthorizeRules{Group: network.GroupID(id), Egress: rule.Egress, Rules: []network.RuleSpec{rule}}
		if _, err := w.do(who, r); err != nil {
			return "", err
		}
	}
	return network.GroupID(id), nil
}

// rule reads and applies "allow PROTO from PEER" or "revoke PROTO to PEER".
func (w *world) rule(name string, words *words) error {
	revoke := words.accept("revoke")
	if !revoke && !words.accept("allow") {
		return fmt.Errorf("sg %s: allow or revoke, not %q", name, words.next())
	}
	var spec network.RuleSpec
	var err error
	if spec.Protocol, spec.Ports, err = protocol(words.next()); err != nil {
		return err
	}
	spec.Egress = words.accept("to")
	if !spec.Egress && !words.accept("from") {
		return fmt.Errorf("sg %s: from or to whom?", name)
	}
	groups := w.groupsNamed(name)
	if spec.Peer, err = w.peer(words.next(), groups); err != nil {
		return err
	}
	if common := w.common[name]; common != nil && !revoke {
		common.rules = append(common.rules, spec)
	}
	for _, g := range groups {
		var r network.Request = network.AuthorizeRules{Group: g.ID, Egress: spec.Egress, Rules: []network.RuleSpec{spec}}
		if revoke {
			r = network.RevokeRules{Group: g.ID, Egress: spec.Egress, Rules: []network.RuleSpec{spec}}
		}
		if _, err := w.do(callerOf(g.Home), r); err != nil {
			return err
		}
	}
	return nil
}

// peer reads the other end of a rule: a CIDR or a group.
func (w *world) peer(word string, of []*network.SecurityGroup) (network.Peer, error) {
	id, err := w.id("sg", word)
	if err != nil {
		p, err := w.prefix(word)
		if err != nil {
			return nil, fmt.Errorf("%q is neither a CIDR nor an sg", word)
		}
		return network.PeerCIDR{CIDR: p}, nil
	}
	g := w.state.SecurityGroup(network.GroupID(id))
	peer := network.PeerGroup{Group: g.ID, Owner: g.Owner}
	if len(of) == 1 && of[0].VPC != g.VPC {
		peer.VPC = g.VPC
		if p := w.state.ActivePeering(of[0].VPC, g.VPC); p != nil {
			peer.Peering = p.ID
		}
	}
	return peer, nil
}
