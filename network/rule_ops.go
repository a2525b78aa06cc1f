package network

import (
	"slices"
	"strconv"
)

// apply adds all of the rules or none (AWS: AuthorizeSecurityGroupIngress).
func (r AuthorizeRules) apply(e *edit) error {
	g, err := e.group(r.Group)
	if err != nil {
		return err
	}
	if len(r.Rules) == 0 {
		return fail(Missing, "ipPermissions")
	}
	have := g.identities()
	next := *g
	next.Rules = slices.Grow(slices.Clone(g.Rules), len(r.Rules))
	fresh := make(map[ruleIdentity]bool, len(r.Rules))
	for _, spec := range r.Rules {
		spec.Egress = r.Egress
		if spec, err = e.normal(g, spec); err != nil {
			return err
		}
		id := spec.identity()
		if fresh[id] {
			return fail(Repeated, spec.String())
		}
		if _, ok := have[id]; ok {
			return fail(Duplicate, spec.String())
		}
		fresh[id] = true
		next.Rules = append(next.Rules, e.newRule(spec))
	}
	if err := e.rulesFit(&next); err != nil {
		return err
	}
	e.putGroup(&next)
	for _, rule := range next.Rules[len(g.Rules):] {
		e.created(string(rule.ID))
		if err := e.setTags(string(rule.ID), r.Tags); err != nil {
			return err
		}
	}
	return nil
}

// rulesFit checks the quota, which holds for each direction and each family
// apart; a rule that names a group counts once in both families (AWS: Amazon VPC
// quotas, Inbound or outbound rules per security group). Decision 0037.
func (e *edit) rulesFit(g *SecurityGroup) error {
	var n [2][2]int // by direction and family
	for _, rule := range g.Rules {
		dir := 0
		if rule.Egress {
			dir = 1
		}
		cidr, ok := rule.Peer.(PeerCIDR)
		if !ok || cidr.CIDR.Addr().Is4() {
			n[dir][0]++
		}
		if !ok || !cidr.CIDR.Addr().Is4() {
			n[dir][1]++
		}
	}
	limit := e.Quota(e.op.Caller, QuotaRules)
	for _, families := range n {
		if max(families[0], families[1]) > limit {
			return failWith(LimitExceeded, g.ID, QuotaRules)
		}
	}
	return nil
}

// apply removes the rules named. A rule that isn't there is an error and nothing
// is removed, but in a default VPC it is only reported (AWS:
// RevokeSecurityGroupIngress).
func (r RevokeRules) apply(e *edit) error {
	g, err := e.group(r.Group)
	if err != nil {
		return err
	}
	if len(r.Rules) == 0 && len(r.IDs) == 0 {
		return fail(Missing, "ipPermissions")
	}
	revoked := map[RuleID]bool{}
	for _, id := range r.IDs {
		rule, err := ruleByID(g, id, r.Egress)
		if err != nil {
			return err
		}
		revoked[rule.ID] = true
	}
	have := g.identities()
	forgiving := e.VPC(g.VPC).Default
	for _, spec := range r.Rules {
		spec.Egress = r.Egress
		want, err := spec.shaped()
		if err != nil {
			return err
		}
		rule, ok := have[want.identity()]
		switch {
		case ok:
			revoked[rule.ID] = true
		case forgiving:
			e.outcome.Unknown = append(e.outcome.Unknown, want)
		default:
			return failWith(RuleNotFound, g.ID, want.String())
		}
	}
	if len(revoked) == 0 {
		return nil
	}
	next := *g
	next.Rules = make([]Rule, 0, len(g.Rules)-len(revoked))
	for _, rule := range g.Rules {
		if !revoked[rule.ID] {
			next.Rules = append(next.Rules, rule)
			continue
		}
		e.outcome.Revoked = append(e.outcome.Revoked, rule)
		e.dropTags(g.World(), string(rule.ID))
	}
	e.putGroup(&next)
	return nil
}

// ruleByID is a rule of a group and a direction. AWS has the same error for the
// rule of another group as for none.
func ruleByID(g *SecurityGroup, id RuleID, egress bool) (Rule, error) {
	if !WellFormed(string(id), "sgr") {
		return Rule{}, failWith(Malformed, id, "sgr")
	}
	rule, ok := g.Rule(id)
	if !ok || rule.Egress != egress {
		return Rule{}, fail(NotFound, id)
	}
	return rule, nil
}

// apply changes rules in place: each keeps its ID, direction and tags (AWS:
// ModifySecurityGroupRules).
func (r ModifyRules) apply(e *edit) error {
	g, err := e.group(r.Group)
	if err != nil {
		return err
	}
	if len(r.Rules) == 0 {
		return fail(Missing, "SecurityGroupRule")
	}
	next := *g
	next.Rules = slices.Clone(g.Rules)
	changed := map[RuleID]bool{}
	for _, rule := range r.Rules {
		old, err := ruleByID(g, rule.ID, rule.Egress)
		if err != nil {
			return err
		}
		spec, err := e.normal(g, rule.RuleSpec)
		if err != nil {
			return err
		}
		if changed[rule.ID] {
			return fail(Repeated, spec.String())
		}
		changed[rule.ID] = true
		at := slices.IndexFunc(next.Rules, func(r Rule) bool { return r.ID == old.ID })
		next.Rules[at].RuleSpec = spec
	}
	// Only the outcome counts: two rules may swap what they allow.
	seen := map[ruleIdentity]bool{}
	for _, rule := range next.Rules {
		if seen[rule.identity()] {
			return fail(Duplicate, rule.String())
		}
		seen[rule.identity()] = true
	}
	if err := e.rulesFit(&next); err != nil {
		return err
	}
	e.putGroup(&next)
	return nil
}

// apply changes descriptions and nothing else (AWS:
// UpdateSecurityGroupRuleDescriptionsIngress).
func (r DescribeRules) apply(e *edit) error {
	g, err := e.group(r.Group)
	if err != nil {
		return err
	}
	if len(r.ByID) == 0 && len(r.Rules) == 0 {
		return fail(Missing, "ipPermissions")
	}
	next := *g
	next.Rules = slices.Clone(g.Rules)
	describe := func(id RuleID, description string) {
		at := slices.IndexFunc(next.Rules, func(r Rule) bool { return r.ID == id })
		next.Rules[at].Description = description
	}
	for _, rule := range r.ByID {
		if _, err := ruleByID(g, rule.ID, r.Egress); err != nil {
			return err
		}
		if !groupText(rule.Description) {
			return failWith(GroupText, rule.Description, "description")
		}
		describe(rule.ID, rule.Description)
	}
	have := g.identities()
	for _, spec := range r.Rules {
		spec.Egress = r.Egress
		want, err := spec.shaped()
		if err != nil {
			return err
		}
		rule, ok := have[want.identity()]
		if !ok {
			return failWith(RuleNotFound, g.ID, want.String())
		}
		describe(rule.ID, spec.Description)
	}
	e.putGroup(&next)
	return nil
}

// ruleIdentity is what makes two rules the same: not the description (AWS:
// AuthorizeSecurityGroupIngress), and of a peer group only its ID.
type ruleIdentity struct {
	egress   bool
	protocol Protocol
	ports    PortRange
	peer     string
}

func (r RuleSpec) identity() ruleIdentity {
	id := ruleIdentity{r.Egress, r.Protocol, r.Ports, r.Peer.peer()}
	if cidr, ok := r.Peer.(PeerCIDR); ok {
		id.peer = cidr.CIDR.String()
	}
	return id
}

func (g *SecurityGroup) identities() map[ruleIdentity]Rule {
	out := make(map[ruleIdentity]Rule, len(g.Rules))
	for _, rule := range g.Rules {
		out[rule.identity()] = rule
	}
	return out
}

// normal is the stored form of a rule of group g: its shape and a peer that exists.
func (e *edit) normal(g *SecurityGroup, spec RuleSpec) (RuleSpec, error) {
	spec, err := spec.shaped()
	if err != nil {
		return spec, err
	}
	switch peer := spec.Peer.(type) {
	case PeerGroup:
		spec.Peer, err = e.peerGroup(g, peer)
	case PeerPrefixList:
		if !WellFormed(string(peer.List), "pl") {
			return spec, failWith(Malformed, peer.List, "pl")
		}
		err = fail(NotFound, peer.List)
	}
	return spec, err
}

// peerGroup resolves a reference: the group is in g's own VPC, or in one of the
// same Region that an active peering joins to it. AWS finds the owner itself
// (AWS: Update your security groups to reference peer groups). Decision 0036.
func (e *edit) peerGroup(g *SecurityGroup, peer PeerGroup) (Peer, error) {
	if !WellFormed(string(peer.Group), "sg") {
		return nil, failWith(Malformed, peer.Group, "sg")
	}
	other := e.SecurityGroup(peer.Group)
	if other == nil || other.Region != g.Region || peer.Owner != "" && peer.Owner != other.Owner {
		return nil, fail(NotFound, peer.Group)
	}
	out := PeerGroup{Group: other.ID, Owner: other.Owner}
	if other.VPC == g.VPC {
		return out, nil
	}
	p := e.ActivePeering(g.VPC, other.VPC)
	switch {
	case p != nil:
		out.VPC, out.Peering = other.VPC, p.ID
		return out, nil
	case other.Owner != e.op.Caller.Account:
		return nil, fail(NotFound, peer.Group) // a stranger's group gives nothing away
	}
	return nil, failWith(DifferentNetworks, g.ID, other.ID)
}

// shaped is the rule with its protocol and ports in the one form that stands for
// what they mean (AWS: AuthorizeSecurityGroupIngress, IpPermission).
func (r RuleSpec) shaped() (RuleSpec, error) {
	ports, err := shapedPorts(r.Protocol, r.Ports)
	if err != nil {
		return r, err
	}
	r.Ports = ports
	if !groupText(r.Description) {
		return r, failWith(GroupText, r.Description, "description")
	}
	switch peer := r.Peer.(type) {
	case nil:
		return r, fail(Missing, "source")
	case PeerCIDR:
		if !peer.CIDR.IsValid() {
			return r, failWith(InvalidCIDR, peer.CIDR.String(), "CidrIp")
		}
		r.Peer = PeerCIDR{peer.CIDR.Masked()}
	}
	return r, nil
}

// shapedPorts checks what a rule or an ACL entry says about ports: a range for
// TCP and UDP, a type and code for ICMP, and for every other protocol nothing,
// whatever was sent (AWS: IpPermission; NetworkAclEntry).
func shapedPorts(protocol Protocol, ports PortRange) (PortRange, error) {
	if protocol < AnyProtocol || protocol > 255 {
		return ports, fail(UnknownProtocol, strconv.Itoa(int(protocol)))
	}
	switch protocol {
	case TCP, UDP:
		switch {
		case ports.From < 0 || ports.From > 65535:
			return ports, failWith(PortOutOfRange, strconv.Itoa(ports.From), "from")
		case ports.To < 0 || ports.To > 65535:
			return ports, failWith(PortOutOfRange, strconv.Itoa(ports.To), "to")
		case ports.From > ports.To:
			return ports, fail(PortsReversed, strconv.Itoa(ports.From)+":"+strconv.Itoa(ports.To))
		}
		return ports, nil
	case ICMP, ICMPv6:
		switch {
		case ports.From < -1 || ports.From > 255:
			return ports, failWith(ICMPOutOfRange, strconv.Itoa(ports.From), "type")
		case ports.To < -1 || ports.To > 255:
			return ports, failWith(ICMPOutOfRange, strconv.Itoa(ports.To), "code")
		case ports.From == -1 && ports.To != -1:
			return ports, fail(ICMPCode, strconv.Itoa(ports.To))
		}
		return ports, nil
	}
	return AnyPort, nil
}

// String is the rule in the words in which AWS names one that exists already.
func (r RuleSpec) String() string {
	peer := r.Peer.peer()
	if cidr, ok := r.Peer.(PeerCIDR); ok {
		peer = cidr.CIDR.String()
	}
	return "peer: " + peer + ", " + r.traffic() + ", ALLOW"
}

func (r RuleSpec) traffic() string {
	number := func(n int) string {
		if n == -1 {
			return "ALL"
		}
		return strconv.Itoa(n)
	}
	switch r.Protocol {
	case AnyProtocol:
		return "ALL"
	case TCP:
		return "TCP, from port: " + strconv.Itoa(r.Ports.From) + ", to port: " + strconv.Itoa(r.Ports.To)
	case UDP:
		return "UDP, from port: " + strconv.Itoa(r.Ports.From) + ", to port: " + strconv.Itoa(r.Ports.To)
	case ICMP:
		return "ICMP, type: " + number(r.Ports.From) + ", code: " + number(r.Ports.To)
	case ICMPv6:
		return "ICMPv6, type: " + number(r.Ports.From) + ", code: " + number(r.Ports.To)
	}
	return "protocol: " + strconv.Itoa(int(r.Protocol))
}
