package vpc

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func securityGroupRuleOperations() []api.Operation {
	permissions := "IpPermissions.IpProtocol IpPermissions.FromPort IpPermissions.ToPort IpPermissions.IpRanges IpPermissions.Ipv6Ranges IpPermissions.Groups IpPermissions.PrefixListIds"
	ingress := "GroupId GroupName CidrIp FromPort IpProtocol ToPort SourceSecurityGroupName SourceSecurityGroupOwnerId " + permissions
	egress := "GroupId " + permissions
	flat := []api.Refuse{{Paths: "CidrIp FromPort IpProtocol ToPort SourceSecurityGroupName SourceSecurityGroupOwnerId",
		Why: "AWS has no flat form for egress; use IpPermissions"}}
	return []api.Operation{
		api.Op("AuthorizeSecurityGroupIngress", authorizeIngress, api.Params{Enforced: ingress + " TagSpecification"}),
		api.Op("AuthorizeSecurityGroupEgress", authorizeEgress, api.Params{Enforced: egress + " TagSpecification", Refused: flat}),
		api.Op("RevokeSecurityGroupIngress", revokeIngress, api.Params{Enforced: ingress + " SecurityGroupRuleId"}),
		api.Op("RevokeSecurityGroupEgress", revokeEgress, api.Params{Enforced: egress + " SecurityGroupRuleId", Refused: flat}),
		api.Op("ModifySecurityGroupRules", modifySecurityGroupRules, api.Params{Enforced: "GroupId SecurityGroupRule"}),
		api.Op("DescribeSecurityGroupRules", describeSecurityGroupRules, api.Params{
			Enforced: "SecurityGroupRuleId Filter MaxResults NextToken",
			Filters:  groupRules.FilterNames(),
		}),
		api.Op("UpdateSecurityGroupRuleDescriptionsIngress", updateDescriptionsIngress, api.Params{Enforced: "GroupId GroupName SecurityGroupRuleDescription " + permissions}),
		api.Op("UpdateSecurityGroupRuleDescriptionsEgress", updateDescriptionsEgress, api.Params{Enforced: "GroupId GroupName SecurityGroupRuleDescription " + permissions}),
	}
}

func authorizeIngress(c *api.Call, in *wire.AuthorizeSecurityGroupIngressRequest) (*wire.AuthorizeSecurityGroupIngressResult, error) {
	id := GroupID(c, in.GroupId, in.GroupName)
	flat := flatRule{in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName, in.SourceSecurityGroupOwnerId}
	rules, err := authorize(c, network.AuthorizeRules{Group: id, Rules: readPermissions(c, flat.merge(in.IpPermissions)),
		Tags: c.Tags(in.TagSpecifications, "security-group-rule")})
	if err != nil {
		return nil, err
	}
	return &wire.AuthorizeSecurityGroupIngressResult{Return: new(true), SecurityGroupRules: rules}, nil
}

func authorizeEgress(c *api.Call, in *wire.AuthorizeSecurityGroupEgressRequest) (*wire.AuthorizeSecurityGroupEgressResult, error) {
	rules, err := authorize(c, network.AuthorizeRules{Group: network.GroupID(*in.GroupId), Egress: true, Rules: readPermissions(c, in.IpPermissions),
		Tags: c.Tags(in.TagSpecifications, "security-group-rule")})
	if err != nil {
		return nil, err
	}
	return &wire.AuthorizeSecurityGroupEgressResult{Return: new(true), SecurityGroupRules: rules}, nil
}

func authorize(c *api.Call, r network.AuthorizeRules) ([]wire.SecurityGroupRule, error) {
	out, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	g := c.State.SecurityGroup(r.Group)
	rules := []wire.SecurityGroupRule{}
	for _, rule := range g.Rules {
		if slices.Contains(out.Created, string(rule.ID)) {
			rules = append(rules, showRule(c, groupRule{g, rule}))
		}
	}
	return rules, nil
}

func revokeIngress(c *api.Call, in *wire.RevokeSecurityGroupIngressRequest) (*wire.RevokeSecurityGroupIngressResult, error) {
	id := GroupID(c, in.GroupId, in.GroupName)
	flat := flatRule{in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName, in.SourceSecurityGroupOwnerId}
	revoked, unknown, err := revoke(c, network.RevokeRules{Group: id, Rules: readPermissions(c, flat.merge(in.IpPermissions)), IDs: api.IDs[network.RuleID](in.SecurityGroupRuleIds)})
	if err != nil {
		return nil, err
	}
	return &wire.RevokeSecurityGroupIngressResult{Return: new(true), RevokedSecurityGroupRules: revoked, UnknownIpPermissions: unknown}, nil
}

func revokeEgress(c *api.Call, in *wire.RevokeSecurityGroupEgressRequest) (*wire.RevokeSecurityGroupEgressResult, error) {
	revoked, unknown, err := revoke(c, network.RevokeRules{Group: network.GroupID(*in.GroupId), Egress: true,
		Rules: readPermissions(c, in.IpPermissions), IDs: api.IDs[network.RuleID](in.SecurityGroupRuleIds)})
	if err != nil {
		return nil, err
	}
	return &wire.RevokeSecurityGroupEgressResult{Return: new(true), RevokedSecurityGroupRules: revoked, UnknownIpPermissions: unknown}, nil
}

func revoke(c *api.Call, r network.RevokeRules) ([]wire.RevokedSecurityGroupRule, []wire.IpPermission, error) {
	out, err := c.Do(r)
	if err != nil {
		return nil, nil, err
	}
	show := func(rule network.Rule) wire.RevokedSecurityGroupRule {
		w := wire.RevokedSecurityGroupRule{SecurityGroupRuleId: api.Text(rule.ID), GroupId: api.Text(r.Group), IsEgress: new(r.Egress),
			IpProtocol: api.Text(protocolName(rule.Protocol)), FromPort: api.Long(rule.Ports.From), ToPort: api.Long(rule.Ports.To),
			CidrIpv4: ruleCIDR(rule, true), CidrIpv6: ruleCIDR(rule, false), Description: api.Text(rule.Description)}
		if peer, ok := rule.Peer.(network.PeerGroup); ok {
			w.ReferencedGroupId = api.Text(peer.Group)
		}
		return w
	}
	unknown := api.All(out.Unknown, func(spec network.RuleSpec) wire.IpPermission {
		p := emptyPermission(spec)
		addPeer(c, &p, spec)
		return p
	})
	return api.All(out.Revoked, show), unknown, nil
}

func updateDescriptionsIngress(c *api.Call, in *wire.UpdateSecurityGroupRuleDescriptionsIngressRequest) (*wire.UpdateSecurityGroupRuleDescriptionsIngressResult, error) {
	if err := describeRules(c, GroupID(c, in.GroupId, in.GroupName), false, in.IpPermissions, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &wire.UpdateSecurityGroupRuleDescriptionsIngressResult{Return: new(true)}, nil
}

func updateDescriptionsEgress(c *api.Call, in *wire.UpdateSecurityGroupRuleDescriptionsEgressRequest) (*wire.UpdateSecurityGroupRuleDescriptionsEgressResult, error) {
	if err := describeRules(c, GroupID(c, in.GroupId, in.GroupName), true, in.IpPermissions, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &wire.UpdateSecurityGroupRuleDescriptionsEgressResult{Return: new(true)}, nil
}

func describeRules(c *api.Call, id network.GroupID, egress bool, permissions []wire.IpPermission, byID []wire.SecurityGroupRuleDescription) error {
	r := network.DescribeRules{Group: id, Egress: egress, Rules: readPermissions(c, permissions)}
	for _, d := range byID {
		r.ByID = append(r.ByID, network.Rule{ID: network.RuleID(api.Value(d.SecurityGroupRuleId)), RuleSpec: network.RuleSpec{Description: api.Value(d.Description)}})
	}
	_, err := c.Do(r)
	return err
}

func modifySecurityGroupRules(c *api.Call, in *wire.ModifySecurityGroupRulesRequest) (*wire.ModifySecurityGroupRulesResult, error) {
	r := network.ModifyRules{Group: network.GroupID(*in.GroupId)}
	for _, update := range in.SecurityGroupRules {
		id := network.RuleID(api.Value(update.SecurityGroupRuleId))
		rule := network.Rule{ID: id, RuleSpec: readRule(c, api.Value(update.SecurityGroupRule))}
		// The direction stays: it is the stored rule's.
		if g := c.State.GroupOfRule(id); g != nil {
			i := slices.IndexFunc(g.Rules, func(r network.Rule) bool { return r.ID == id })
			rule.Egress = g.Rules[i].Egress
		}
		r.Rules = append(r.Rules, rule)
	}
	if _, err := c.Do(r); err != nil {
		return nil, err
	}
	return &wire.ModifySecurityGroupRulesResult{Return: new(true)}, nil
}

// readRule reads the new form of one rule, which has exactly one source.
func readRule(c *api.Call, in wire.SecurityGroupRuleRequest) network.RuleSpec {
	if in.IpProtocol == nil {
		c.Fail(&api.Error{Code: "InvalidParameterValue", Message: "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."})
	}
	protocol := readProtocol(c, in.IpProtocol)
	spec := network.RuleSpec{Protocol: protocol, Ports: readPorts(c, protocol, in.FromPort, in.ToPort), Description: api.Value(in.Description)}
	var peers []network.Peer
	if in.CidrIpv4 != nil {
		peers = append(peers, network.PeerCIDR{CIDR: readRuleCIDR(c, in.CidrIpv4, true)})
	}
	if in.CidrIpv6 != nil {
		peers = append(peers, network.PeerCIDR{CIDR: readRuleCIDR(c, in.CidrIpv6, false)})
	}
	if in.PrefixListId != nil {
		peers = append(peers, network.PeerPrefixList{List: network.PrefixListID(*in.PrefixListId)})
	}
	if in.ReferencedGroupId != nil {
		peers = append(peers, network.PeerGroup{Group: network.GroupID(*in.ReferencedGroupId)})
	}
	switch len(peers) {
	case 0:
		c.Fail(&api.Error{Code: "MissingParameter", Message: "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId"})
	case 1:
		spec.Peer = peers[0]
	default:
		c.Fail(api.Combination("Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified"))
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

// readPermissions makes a rule of every source of every permission.
func readPermissions(c *api.Call, permissions []wire.IpPermission) []network.RuleSpec {
	var out []network.RuleSpec
	for _, p := range permissions {
		if p.IpProtocol == nil {
			c.Fail(&api.Error{Code: "InvalidParameterValue", Message: "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."})
			continue
		}
		protocol := readProtocol(c, p.IpProtocol)
		spec := network.RuleSpec{Protocol: protocol, Ports: readPorts(c, protocol, p.FromPort, p.ToPort)}
		add := func(peer network.Peer, description *string) {
			spec.Peer, spec.Description = peer, api.Value(description)
			out = append(out, spec)
		}
		before := len(out)
		for _, r := range p.IpRanges {
			add(network.PeerCIDR{CIDR: readRuleCIDR(c, r.CidrIp, true)}, r.Description)
		}
		for _, r := range p.Ipv6Ranges {
			add(network.PeerCIDR{CIDR: readRuleCIDR(c, r.CidrIpv6, false)}, r.Description)
		}
		for _, g := range p.UserIdGroupPairs {
			add(readPeerGroup(c, g), g.Description)
		}
		for _, l := range p.PrefixListIds {
			add(network.PeerPrefixList{List: network.PrefixListID(api.Value(l.PrefixListId))}, l.Description)
		}
		if len(out) == before {
			add(nil, nil) // the core knows what to say
		}
	}
	return out
}

func readPeerGroup(c *api.Call, g wire.UserIdGroupPair) network.Peer {
	peer := network.PeerGroup{Group: network.GroupID(api.Value(g.GroupId)), Owner: network.Account(api.Value(g.UserId))}
	if g.GroupId == nil {
		peer.Group = GroupID(c, nil, g.GroupName)
	}
	return peer
}

// readProtocol reads a protocol's name or number; -1 is every protocol.
func readProtocol(c *api.Call, text *string) network.Protocol {
	for p, name := range protocolNames {
		if strings.EqualFold(api.Value(text), name) {
			return p
		}
	}
	n, err := strconv.ParseInt(api.Value(text), 10, 16)
	if err != nil || n < -1 || n > 255 {
		c.Fail(&network.Error{Code: network.UnknownProtocol, Subject: api.Value(text)})
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
	return api.Number(int(p))
}

// readPorts reads a range of ports, or type and code of ICMP, of which an absent one
// means any.
func readPorts(c *api.Call, p network.Protocol, from, to *int64) network.PortRange {
	if (p == network.TCP || p == network.UDP) && (from == nil || to == nil) {
		c.Fail(&api.Error{Code: "InvalidParameterValue", Message: "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."})
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

// readRuleCIDR reads the block of a rule.
func readRuleCIDR(c *api.Call, text *string, four bool) netip.Prefix {
	p, err := netip.ParsePrefix(api.Value(text))
	if err != nil || p.Addr().Is4() != four || p.Addr().Is4In6() {
		c.Fail(&api.Error{Code: "InvalidParameterValue", Message: "CIDR block " + api.Value(text) + " is malformed"})
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
var groupRules = api.Listing[groupRule]{
	Kind: "sgr",
	Key:  func(r groupRule) string { return string(r.rule.ID) },
	All: func(c *api.Call) iter.Seq[groupRule] {
		var rows []groupRule
		for g := range c.State.SecurityGroupsOf(c.Caller) {
			for _, r := range g.Rules {
				rows = append(rows, groupRule{g, r})
			}
		}
		slices.SortFunc(rows, func(a, b groupRule) int { return cmp.Compare(a.rule.ID, b.rule.ID) })
		return slices.Values(rows)
	},
	Get: func(c *api.Call, id string) (groupRule, bool) {
		g := c.State.GroupOfRule(network.RuleID(id))
		if g == nil || !g.In(c.Caller) {
			return groupRule{}, false
		}
		i := slices.IndexFunc(g.Rules, func(r network.Rule) bool { return string(r.ID) == id })
		return groupRule{g, g.Rules[i]}, true
	},
	Tags: func(c *api.Call, r groupRule) network.Tags { return c.State.Tags(c.Caller, string(r.rule.ID)) },
	Filters: []api.Filter[groupRule]{
		api.By("group-id", func(_ *api.Call, r groupRule) []string { return api.One(r.group.ID) }),
		api.By("security-group-rule-id", func(_ *api.Call, r groupRule) []string { return api.One(r.rule.ID) }),
	},
	Pages: api.RulePages(),
}

func describeSecurityGroupRules(c *api.Call, in *wire.DescribeSecurityGroupRulesRequest) (*wire.DescribeSecurityGroupRulesResult, error) {
	rows, next, err := groupRules.Rows(c, api.Query{IDs: in.SecurityGroupRuleIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeSecurityGroupRulesResult{SecurityGroupRules: api.Each(c, rows, showRule), NextToken: next}, nil
}

// showRule is a rule as Describe shows it.
func showRule(c *api.Call, r groupRule) wire.SecurityGroupRule {
	out := wire.SecurityGroupRule{
		SecurityGroupRuleId: api.Text(r.rule.ID), GroupId: api.Text(r.group.ID), GroupOwnerId: api.Text(r.group.Owner), IsEgress: new(r.rule.Egress),
		IpProtocol: api.Text(protocolName(r.rule.Protocol)), FromPort: api.Long(r.rule.Ports.From), ToPort: api.Long(r.rule.Ports.To),
		CidrIpv4: ruleCIDR(r.rule, true), CidrIpv6: ruleCIDR(r.rule, false), Description: api.Text(r.rule.Description),
		SecurityGroupRuleArn: api.ARN(r.group.Home, "security-group-rule", string(r.rule.ID)),
		Tags:                 c.TagSet(string(r.rule.ID)),
	}
	switch peer := r.rule.Peer.(type) {
	case network.PeerGroup:
		out.ReferencedGroupInfo = &wire.ReferencedSecurityGroup{GroupId: api.Text(peer.Group), UserId: api.Text(peer.Owner), VpcId: api.Text(peer.VPC),
			VpcPeeringConnectionId: api.Text(peer.Peering), PeeringStatus: api.Text(peeringStatus(c, peer))}
	case network.PeerPrefixList:
		out.PrefixListId = api.Text(peer.List)
	}
	return out
}
