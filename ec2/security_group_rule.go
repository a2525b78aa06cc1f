package ec2

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func securityGroupRuleOperations() []operation {
	permissions := "IpPermissions.IpProtocol IpPermissions.FromPort IpPermissions.ToPort IpPermissions.IpRanges IpPermissions.Ipv6Ranges IpPermissions.Groups IpPermissions.PrefixListIds"
	ingress := "GroupId GroupName CidrIp FromPort IpProtocol ToPort SourceSecurityGroupName SourceSecurityGroupOwnerId " + permissions
	egress := "GroupId " + permissions
	flat := []refuse{{paths: "CidrIp FromPort IpProtocol ToPort SourceSecurityGroupName SourceSecurityGroupOwnerId",
		why: "AWS has no flat form for egress; use IpPermissions"}}
	return []operation{
		op("AuthorizeSecurityGroupIngress", authorizeIngress, params{enforced: ingress + " TagSpecification"}),
		op("AuthorizeSecurityGroupEgress", authorizeEgress, params{enforced: egress + " TagSpecification", refused: flat}),
		op("RevokeSecurityGroupIngress", revokeIngress, params{enforced: ingress + " SecurityGroupRuleId"}),
		op("RevokeSecurityGroupEgress", revokeEgress, params{enforced: egress + " SecurityGroupRuleId", refused: flat}),
		op("ModifySecurityGroupRules", modifySecurityGroupRules, params{enforced: "GroupId SecurityGroupRule"}),
		op("DescribeSecurityGroupRules", describeSecurityGroupRules, params{
			enforced: "SecurityGroupRuleId Filter MaxResults NextToken",
			filters:  groupRules.filterNames(),
		}),
		op("UpdateSecurityGroupRuleDescriptionsIngress", updateDescriptionsIngress, params{enforced: "GroupId GroupName SecurityGroupRuleDescription " + permissions}),
		op("UpdateSecurityGroupRuleDescriptionsEgress", updateDescriptionsEgress, params{enforced: "GroupId GroupName SecurityGroupRuleDescription " + permissions}),
	}
}

func authorizeIngress(c *call, in *wire.AuthorizeSecurityGroupIngressRequest) (*wire.AuthorizeSecurityGroupIngressResult, error) {
	id := c.groupID(in.GroupId, in.GroupName)
	flat := flatRule{in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName, in.SourceSecurityGroupOwnerId}
	rules, err := c.authorize(network.AuthorizeRules{Group: id, Rules: c.ruleSpecs(flat.merge(in.IpPermissions)),
		Tags: c.tags(in.TagSpecifications, "security-group-rule")})
	if err != nil {
		return nil, err
	}
	return &wire.AuthorizeSecurityGroupIngressResult{Return: new(true), SecurityGroupRules: rules}, nil
}

func authorizeEgress(c *call, in *wire.AuthorizeSecurityGroupEgressRequest) (*wire.AuthorizeSecurityGroupEgressResult, error) {
	rules, err := c.authorize(network.AuthorizeRules{Group: network.GroupID(*in.GroupId), Egress: true, Rules: c.ruleSpecs(in.IpPermissions),
		Tags: c.tags(in.TagSpecifications, "security-group-rule")})
	if err != nil {
		return nil, err
	}
	return &wire.AuthorizeSecurityGroupEgressResult{Return: new(true), SecurityGroupRules: rules}, nil
}

func (c *call) authorize(r network.AuthorizeRules) ([]wire.SecurityGroupRule, error) {
	out, err := c.do(r)
	if err != nil {
		return nil, err
	}
	g := c.state.SecurityGroup(r.Group)
	rules := []wire.SecurityGroupRule{}
	for _, rule := range g.Rules {
		if slices.Contains(out.Created, string(rule.ID)) {
			rules = append(rules, c.groupRule(groupRule{g, rule}))
		}
	}
	return rules, nil
}

func revokeIngress(c *call, in *wire.RevokeSecurityGroupIngressRequest) (*wire.RevokeSecurityGroupIngressResult, error) {
	id := c.groupID(in.GroupId, in.GroupName)
	flat := flatRule{in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName, in.SourceSecurityGroupOwnerId}
	revoked, unknown, err := c.revoke(network.RevokeRules{Group: id, Rules: c.ruleSpecs(flat.merge(in.IpPermissions)), IDs: ids[network.RuleID](in.SecurityGroupRuleIds)})
	if err != nil {
		return nil, err
	}
	return &wire.RevokeSecurityGroupIngressResult{Return: new(true), RevokedSecurityGroupRules: revoked, UnknownIpPermissions: unknown}, nil
}

func revokeEgress(c *call, in *wire.RevokeSecurityGroupEgressRequest) (*wire.RevokeSecurityGroupEgressResult, error) {
	revoked, unknown, err := c.revoke(network.RevokeRules{Group: network.GroupID(*in.GroupId), Egress: true,
		Rules: c.ruleSpecs(in.IpPermissions), IDs: ids[network.RuleID](in.SecurityGroupRuleIds)})
	if err != nil {
		return nil, err
	}
	return &wire.RevokeSecurityGroupEgressResult{Return: new(true), RevokedSecurityGroupRules: revoked, UnknownIpPermissions: unknown}, nil
}

func (c *call) revoke(r network.RevokeRules) ([]wire.RevokedSecurityGroupRule, []wire.IpPermission, error) {
	out, err := c.do(r)
	if err != nil {
		return nil, nil, err
	}
	show := func(rule network.Rule) wire.RevokedSecurityGroupRule {
		w := wire.RevokedSecurityGroupRule{SecurityGroupRuleId: text(rule.ID), GroupId: text(r.Group), IsEgress: new(r.Egress),
			IpProtocol: text(protocolName(rule.Protocol)), FromPort: long(rule.Ports.From), ToPort: long(rule.Ports.To),
			CidrIpv4: ruleCIDR(rule, true), CidrIpv6: ruleCIDR(rule, false), Description: text(rule.Description)}
		if peer, ok := rule.Peer.(network.PeerGroup); ok {
			w.ReferencedGroupId = text(peer.Group)
		}
		return w
	}
	unknown := all(out.Unknown, func(spec network.RuleSpec) wire.IpPermission {
		p := emptyPermission(spec)
		c.addPeer(&p, spec)
		return p
	})
	return all(out.Revoked, show), unknown, nil
}

func updateDescriptionsIngress(c *call, in *wire.UpdateSecurityGroupRuleDescriptionsIngressRequest) (*wire.UpdateSecurityGroupRuleDescriptionsIngressResult, error) {
	if err := c.describeRules(c.groupID(in.GroupId, in.GroupName), false, in.IpPermissions, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &wire.UpdateSecurityGroupRuleDescriptionsIngressResult{Return: new(true)}, nil
}

func updateDescriptionsEgress(c *call, in *wire.UpdateSecurityGroupRuleDescriptionsEgressRequest) (*wire.UpdateSecurityGroupRuleDescriptionsEgressResult, error) {
	if err := c.describeRules(c.groupID(in.GroupId, in.GroupName), true, in.IpPermissions, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &wire.UpdateSecurityGroupRuleDescriptionsEgressResult{Return: new(true)}, nil
}

func (c *call) describeRules(id network.GroupID, egress bool, permissions []wire.IpPermission, byID []wire.SecurityGroupRuleDescription) error {
	r := network.DescribeRules{Group: id, Egress: egress, Rules: c.ruleSpecs(permissions)}
	for _, d := range byID {
		r.ByID = append(r.ByID, network.Rule{ID: network.RuleID(value(d.SecurityGroupRuleId)), RuleSpec: network.RuleSpec{Description: value(d.Description)}})
	}
	_, err := c.do(r)
	return err
}

func modifySecurityGroupRules(c *call, in *wire.ModifySecurityGroupRulesRequest) (*wire.ModifySecurityGroupRulesResult, error) {
	r := network.ModifyRules{Group: network.GroupID(*in.GroupId)}
	for _, update := range in.SecurityGroupRules {
		id := network.RuleID(value(update.SecurityGroupRuleId))
		rule := network.Rule{ID: id, RuleSpec: c.ruleOfRequest(value(update.SecurityGroupRule))}
		// The direction stays: it is the stored rule's.
		if g := c.state.GroupOfRule(id); g != nil {
			i := slices.IndexFunc(g.Rules, func(r network.Rule) bool { return r.ID == id })
			rule.Egress = g.Rules[i].Egress
		}
		r.Rules = append(r.Rules, rule)
	}
	if _, err := c.do(r); err != nil {
		return nil, err
	}
	return &wire.ModifySecurityGroupRulesResult{Return: new(true)}, nil
}

// ruleOfRequest reads the new form of one rule, which has exactly one source.
func (c *call) ruleOfRequest(in wire.SecurityGroupRuleRequest) network.RuleSpec {
	if in.IpProtocol == nil {
		c.fail(&Error{Code: "InvalidParameterValue", Message: "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."})
	}
	protocol := c.protocol(in.IpProtocol)
	spec := network.RuleSpec{Protocol: protocol, Ports: c.ports(protocol, in.FromPort, in.ToPort), Description: value(in.Description)}
	var peers []network.Peer
	if in.CidrIpv4 != nil {
		peers = append(peers, network.PeerCIDR{CIDR: c.ruleCIDR(in.CidrIpv4, true)})
	}
	if in.CidrIpv6 != nil {
		peers = append(peers, network.PeerCIDR{CIDR: c.ruleCIDR(in.CidrIpv6, false)})
	}
	if in.PrefixListId != nil {
		peers = append(peers, network.PeerPrefixList{List: network.PrefixListID(*in.PrefixListId)})
	}
	if in.ReferencedGroupId != nil {
		peers = append(peers, network.PeerGroup{Group: network.GroupID(*in.ReferencedGroupId)})
	}
	switch len(peers) {
	case 0:
		c.fail(&Error{Code: "MissingParameter", Message: "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId"})
	case 1:
		spec.Peer = peers[0]
	default:
		c.fail(combination("Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified"))
	}
	return spec
}

// flatRule is the form of one ingress rule that is older than IpPermissions.
type flatRule struct {
	protocol         *string
	from, to         *int64
	cidr             *string
	group, groupUser *string
}

// merge adds the flat rule, if there is one, to the permissions.
func (f flatRule) merge(permissions []wire.IpPermission) []wire.IpPermission {
	if f == (flatRule{}) {
		return permissions
	}
	p := wire.IpPermission{IpProtocol: f.protocol, FromPort: f.from, ToPort: f.to}
	if f.protocol == nil && f.group != nil {
		p.IpProtocol = new("-1") // all traffic of the group's members
	}
	if f.cidr != nil {
		p.IpRanges = []wire.IpRange{{CidrIp: f.cidr}}
	}
	if f.group != nil {
		pair := wire.UserIdGroupPair{UserId: f.groupUser, GroupName: f.group}
		if network.WellFormed(*f.group, "sg") {
			pair.GroupId, pair.GroupName = f.group, nil
		}
		p.UserIdGroupPairs = []wire.UserIdGroupPair{pair}
	}
	return append(slices.Clone(permissions), p)
}

// ruleSpecs makes a rule of every source of every permission.
func (c *call) ruleSpecs(permissions []wire.IpPermission) []network.RuleSpec {
	var out []network.RuleSpec
	for _, p := range permissions {
		if p.IpProtocol == nil {
			c.fail(&Error{Code: "InvalidParameterValue", Message: "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."})
			continue
		}
		protocol := c.protocol(p.IpProtocol)
		spec := network.RuleSpec{Protocol: protocol, Ports: c.ports(protocol, p.FromPort, p.ToPort)}
		add := func(peer network.Peer, description *string) {
			spec.Peer, spec.Description = peer, value(description)
			out = append(out, spec)
		}
		before := len(out)
		for _, r := range p.IpRanges {
			add(network.PeerCIDR{CIDR: c.ruleCIDR(r.CidrIp, true)}, r.Description)
		}
		for _, r := range p.Ipv6Ranges {
			add(network.PeerCIDR{CIDR: c.ruleCIDR(r.CidrIpv6, false)}, r.Description)
		}
		for _, g := range p.UserIdGroupPairs {
			add(c.peerGroup(g), g.Description)
		}
		for _, l := range p.PrefixListIds {
			add(network.PeerPrefixList{List: network.PrefixListID(value(l.PrefixListId))}, l.Description)
		}
		if len(out) == before {
			add(nil, nil) // the core knows what to say
		}
	}
	return out
}

func (c *call) peerGroup(g wire.UserIdGroupPair) network.Peer {
	peer := network.PeerGroup{Group: network.GroupID(value(g.GroupId)), Owner: network.Account(value(g.UserId))}
	if g.GroupId == nil {
		peer.Group = c.groupID(nil, g.GroupName)
	}
	return peer
}

// protocol reads a protocol's name or number; -1 is every protocol.
func (c *call) protocol(text *string) network.Protocol {
	for p, name := range protocolNames {
		if strings.EqualFold(value(text), name) {
			return p
		}
	}
	n, err := strconv.ParseInt(value(text), 10, 16)
	if err != nil || n < -1 || n > 255 {
		c.fail(&network.Error{Code: network.UnknownProtocol, Subject: value(text)})
		return network.AnyProtocol
	}
	return network.Protocol(n)
}

var protocolNames = map[network.Protocol]string{network.TCP: "tcp", network.UDP: "udp", network.ICMP: "icmp", network.ICMPv6: "icmpv6"}

// protocolName is how AWS shows a protocol in rules of security groups.
func protocolName(p network.Protocol) string {
	if name, ok := protocolNames[p]; ok {
		return name
	}
	return number(int(p))
}

// ports reads a range of ports, or type and code of ICMP, of which an absent one
// means any.
func (c *call) ports(p network.Protocol, from, to *int64) network.PortRange {
	if (p == network.TCP || p == network.UDP) && (from == nil || to == nil) {
		c.fail(&Error{Code: "InvalidParameterValue", Message: "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."})
	}
	out := network.AnyPort
	if from != nil {
		out.From = int(*from)
	}
	if to != nil {
		out.To = int(*to)
	}
	return out
}

// ruleCIDR reads the block of a rule.
func (c *call) ruleCIDR(text *string, four bool) netip.Prefix {
	p, err := netip.ParsePrefix(value(text))
	if err != nil || p.Addr().Is4() != four || p.Addr().Is4In6() {
		c.fail(&Error{Code: "InvalidParameterValue", Message: "CIDR block " + value(text) + " is malformed"})
		return netip.Prefix{}
	}
	return p
}

// ruleCIDR is the block of a rule if it is of the family asked for.
func ruleCIDR(r network.Rule, four bool) *string {
	peer, ok := r.Peer.(network.PeerCIDR)
	if !ok || peer.CIDR.Addr().Is4() != four {
		return nil
	}
	return new(peer.CIDR.String())
}

// groupRule is a rule and the group it is in.
type groupRule struct {
	group *network.SecurityGroup
	rule  network.Rule
}

// groupRules is how rules are found and filtered.
var groupRules = listing[groupRule]{
	kind: "sgr",
	key:  func(r groupRule) string { return string(r.rule.ID) },
	all: func(c *call) iter.Seq[groupRule] {
		var rows []groupRule
		for g := range c.state.SecurityGroupsOf(c.caller) {
			for _, r := range g.Rules {
				rows = append(rows, groupRule{g, r})
			}
		}
		slices.SortFunc(rows, func(a, b groupRule) int { return cmp.Compare(a.rule.ID, b.rule.ID) })
		return slices.Values(rows)
	},
	get: func(c *call, id string) (groupRule, bool) {
		g := c.state.GroupOfRule(network.RuleID(id))
		if g == nil || !g.In(c.caller) {
			return groupRule{}, false
		}
		i := slices.IndexFunc(g.Rules, func(r network.Rule) bool { return string(r.ID) == id })
		return groupRule{g, g.Rules[i]}, true
	},
	tags: func(c *call, r groupRule) network.Tags { return c.state.Tags(c.caller, string(r.rule.ID)) },
	filters: []filter[groupRule]{
		{"group-id", func(_ *call, r groupRule) []string { return one(r.group.ID) }},
		{"security-group-rule-id", func(_ *call, r groupRule) []string { return one(r.rule.ID) }},
	},
	pages: rulePages(),
}

func describeSecurityGroupRules(c *call, in *wire.DescribeSecurityGroupRulesRequest) (*wire.DescribeSecurityGroupRulesResult, error) {
	rows, next, err := groupRules.rows(c, query{in.SecurityGroupRuleIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeSecurityGroupRulesResult{SecurityGroupRules: all(rows, c.groupRule), NextToken: next}, nil
}

// groupRule is a rule as Describe shows it.
func (c *call) groupRule(r groupRule) wire.SecurityGroupRule {
	out := wire.SecurityGroupRule{
		SecurityGroupRuleId: text(r.rule.ID), GroupId: text(r.group.ID), GroupOwnerId: text(r.group.Owner), IsEgress: new(r.rule.Egress),
		IpProtocol: text(protocolName(r.rule.Protocol)), FromPort: long(r.rule.Ports.From), ToPort: long(r.rule.Ports.To),
		CidrIpv4: ruleCIDR(r.rule, true), CidrIpv6: ruleCIDR(r.rule, false), Description: text(r.rule.Description),
		SecurityGroupRuleArn: arn(r.group.Home, "security-group-rule", string(r.rule.ID)),
		Tags:                 c.tagSet(string(r.rule.ID)),
	}
	switch peer := r.rule.Peer.(type) {
	case network.PeerGroup:
		out.ReferencedGroupInfo = &wire.ReferencedSecurityGroup{GroupId: text(peer.Group), UserId: text(peer.Owner), VpcId: text(peer.VPC),
			VpcPeeringConnectionId: text(peer.Peering), PeeringStatus: text(c.peeringStatus(peer))}
	case network.PeerPrefixList:
		out.PrefixListId = text(peer.List)
	}
	return out
}
