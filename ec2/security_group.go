package ec2

import (
	"iter"
	"slices"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func securityGroupOperations() []operation {
	return []operation{
		op("CreateSecurityGroup", createSecurityGroup, params{enforced: "GroupName GroupDescription VpcId TagSpecification"}),
		op("DeleteSecurityGroup", deleteSecurityGroup, params{enforced: "GroupId GroupName"}),
		op("DescribeSecurityGroups", describeSecurityGroups, params{
			enforced: "GroupId GroupName Filter MaxResults NextToken",
			filters:  groups.filterNames(),
		}),
		op("DescribeSecurityGroupReferences", describeSecurityGroupReferences, params{enforced: "GroupId"}),
		op("DescribeStaleSecurityGroups", describeStaleSecurityGroups, params{enforced: "VpcId MaxResults NextToken"}),
		op("GetSecurityGroupsForVpc", getSecurityGroupsForVpc, params{
			enforced: "VpcId Filter MaxResults NextToken",
			filters:  groupsForVpc.filterNames(),
		}),
	}
}

func createSecurityGroup(c *call, in *wire.CreateSecurityGroupRequest) (*wire.CreateSecurityGroupResult, error) {
	vpc := network.VPCID(value(in.VpcId))
	if in.VpcId == nil {
		v := c.state.DefaultVPC(c.caller)
		if v == nil {
			return nil, &network.Error{Code: network.NoDefaultVPC, Subject: string(c.caller.Account)}
		}
		vpc = v.ID
	}
	out, err := c.do(network.CreateSecurityGroup{
		VPC: vpc, Name: *in.GroupName, Description: *in.Description, Tags: c.tags(in.TagSpecifications, "security-group"),
	})
	if err != nil {
		return nil, err
	}
	id := out.Created[0]
	g := c.state.SecurityGroup(network.GroupID(id))
	return &wire.CreateSecurityGroupResult{GroupId: text(id), SecurityGroupArn: arn(g.Home, "security-group", id), Tags: c.tagSet(id)}, nil
}

func deleteSecurityGroup(c *call, in *wire.DeleteSecurityGroupRequest) (*wire.DeleteSecurityGroupResult, error) {
	id := c.groupID(in.GroupId, in.GroupName)
	if _, err := c.do(network.DeleteSecurityGroup{Group: id}); err != nil {
		return nil, err
	}
	return &wire.DeleteSecurityGroupResult{Return: new(true), GroupId: text(id)}, nil
}

// groupID is the group that a request names: by ID, or by name in the default VPC
// (AWS: AuthorizeSecurityGroupIngress, GroupName).
func (c *call) groupID(id, name *string) network.GroupID {
	switch {
	case id != nil:
		return network.GroupID(*id)
	case name == nil:
		c.fail(&Error{Code: "MissingParameter", Message: "The request must contain the parameter groupName or groupId"})
		return ""
	}
	g, err := c.groupNamed(*name)
	if err != nil {
		c.fail(err)
		return ""
	}
	return g.ID
}

// groupNamed finds a group of the default VPC by its name.
func (c *call) groupNamed(name string) (*network.SecurityGroup, error) {
	v := c.state.DefaultVPC(c.caller)
	if v == nil {
		return nil, &Error{Code: "InvalidGroup.NotFound", Message: "The security group '" + name + "' does not exist"}
	}
	for g := range c.state.SecurityGroupsIn(v.ID) {
		if strings.EqualFold(g.Name, name) {
			return g, nil
		}
	}
	return nil, &Error{Code: "InvalidGroup.NotFound", Message: "The security group '" + name + "' does not exist in default VPC '" + string(v.ID) + "'"}
}

func describeSecurityGroups(c *call, in *wire.DescribeSecurityGroupsRequest) (*wire.DescribeSecurityGroupsResult, error) {
	named := slices.Clone(in.GroupIds)
	for _, name := range in.GroupNames {
		named = append(named, string(c.groupID(nil, &name)))
	}
	if c.err != nil {
		return nil, c.err
	}
	rows, next, err := groups.rows(c, query{named, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeSecurityGroupsResult{SecurityGroups: all(rows, c.group), NextToken: next}, nil
}

// groups is how security groups are found and filtered.
var groups = listing[*network.SecurityGroup]{
	kind: "sg",
	key:  func(g *network.SecurityGroup) string { return string(g.ID) },
	all:  func(c *call) iter.Seq[*network.SecurityGroup] { return c.state.SecurityGroupsOf(c.caller) },
	get: func(c *call, id string) (*network.SecurityGroup, bool) {
		g := c.state.SecurityGroup(network.GroupID(id))
		return g, g != nil && g.In(c.caller)
	},
	tags:    func(c *call, g *network.SecurityGroup) network.Tags { return c.state.Tags(c.caller, string(g.ID)) },
	filters: slices.Concat(groupFilters, permissionFilters("", false), permissionFilters("egress.", true)),
	pages:   oldPages("securityGroupIdSet"),
}

var groupFilters = []filter[*network.SecurityGroup]{
	{"description", func(_ *call, g *network.SecurityGroup) []string { return one(g.Description) }},
	{"group-id", func(_ *call, g *network.SecurityGroup) []string { return one(g.ID) }},
	{"group-name", func(_ *call, g *network.SecurityGroup) []string { return one(g.Name) }},
	{"owner-id", func(_ *call, g *network.SecurityGroup) []string { return one(g.Owner) }},
	{"vpc-id", func(_ *call, g *network.SecurityGroup) []string { return one(g.VPC) }},
}

// permissionFilters look at the rules of one direction; two of them may be
// satisfied by two different rules (AWS: DescribeSecurityGroups).
func permissionFilters(prefix string, egress bool) []filter[*network.SecurityGroup] {
	of := func(name string, get func(*call, network.Rule) string) filter[*network.SecurityGroup] {
		return filter[*network.SecurityGroup]{prefix + "ip-permission." + name, func(c *call, g *network.SecurityGroup) []string {
			var out []string
			for _, r := range g.Rules {
				if v := get(c, r); r.Egress == egress && v != "" {
					out = append(out, v)
				}
			}
			return out
		}}
	}
	peerGroup := func(r network.Rule) network.PeerGroup { p, _ := r.Peer.(network.PeerGroup); return p }
	return []filter[*network.SecurityGroup]{
		of("cidr", func(_ *call, r network.Rule) string { return value(ruleCIDR(r, true)) }),
		of("from-port", func(_ *call, r network.Rule) string { return portText(r, r.Ports.From) }),
		of("group-id", func(_ *call, r network.Rule) string { return string(peerGroup(r).Group) }),
		of("group-name", func(c *call, r network.Rule) string {
			if g := c.state.SecurityGroup(peerGroup(r).Group); g != nil {
				return g.Name
			}
			return ""
		}),
		of("ipv6-cidr", func(_ *call, r network.Rule) string { return value(ruleCIDR(r, false)) }),
		of("prefix-list-id", func(_ *call, r network.Rule) string {
			p, _ := r.Peer.(network.PeerPrefixList)
			return string(p.List)
		}),
		of("protocol", func(_ *call, r network.Rule) string { return protocolName(r.Protocol) }),
		of("to-port", func(_ *call, r network.Rule) string { return portText(r, r.Ports.To) }),
		of("user-id", func(_ *call, r network.Rule) string { return string(peerGroup(r).Owner) }),
	}
}

func portText(r network.Rule, port int) string {
	if !hasPorts(r.RuleSpec) {
		return ""
	}
	return number(port)
}

// group is a security group as Describe shows it.
func (c *call) group(g *network.SecurityGroup) wire.SecurityGroup {
	return wire.SecurityGroup{
		GroupId: text(g.ID), GroupName: text(g.Name), Description: text(g.Description), VpcId: text(g.VPC), OwnerId: text(g.Owner),
		SecurityGroupArn:    arn(g.Home, "security-group", string(g.ID)),
		IpPermissions:       c.permissionsOf(g.Rules, false),
		IpPermissionsEgress: c.permissionsOf(g.Rules, true),
		Tags:                c.tagSet(string(g.ID)),
	}
}

// permissionsOf merges the rules of one direction that have the same protocol and
// ports into one item, in the order in which they were made.
func (c *call) permissionsOf(rules []network.Rule, egress bool) []wire.IpPermission {
	type traffic struct {
		protocol network.Protocol
		ports    network.PortRange
	}
	out := []wire.IpPermission{}
	at := map[traffic]int{}
	for _, r := range rules {
		if r.Egress != egress {
			continue
		}
		k := traffic{r.Protocol, r.Ports}
		if _, ok := at[k]; !ok {
			at[k] = len(out)
			out = append(out, emptyPermission(r.RuleSpec))
		}
		c.addPeer(&out[at[k]], r.RuleSpec)
	}
	return out
}

// hasPorts reports whether a rule has ports, or a type and code. One for every
// protocol, or for one that has none, shows none (getmoto/moto#1612).
func hasPorts(r network.RuleSpec) bool {
	return protocolNames[r.Protocol] != ""
}

// emptyPermission is a permission without sources.
func emptyPermission(r network.RuleSpec) wire.IpPermission {
	p := wire.IpPermission{IpProtocol: text(protocolName(r.Protocol)), UserIdGroupPairs: []wire.UserIdGroupPair{},
		IpRanges: []wire.IpRange{}, Ipv6Ranges: []wire.Ipv6Range{}, PrefixListIds: []wire.PrefixListId{}}
	if hasPorts(r) {
		p.FromPort, p.ToPort = long(r.Ports.From), long(r.Ports.To)
	}
	return p
}

func (c *call) addPeer(p *wire.IpPermission, r network.RuleSpec) {
	switch peer := r.Peer.(type) {
	case network.PeerCIDR:
		if peer.CIDR.Addr().Is4() {
			p.IpRanges = append(p.IpRanges, wire.IpRange{CidrIp: new(peer.CIDR.String()), Description: text(r.Description)})
		} else {
			p.Ipv6Ranges = append(p.Ipv6Ranges, wire.Ipv6Range{CidrIpv6: new(peer.CIDR.String()), Description: text(r.Description)})
		}
	case network.PeerGroup:
		p.UserIdGroupPairs = append(p.UserIdGroupPairs, wire.UserIdGroupPair{GroupId: text(peer.Group), UserId: text(peer.Owner), VpcId: text(peer.VPC),
			VpcPeeringConnectionId: text(peer.Peering), PeeringStatus: text(c.peeringStatus(peer)), Description: text(r.Description)})
	case network.PeerPrefixList:
		p.PrefixListIds = append(p.PrefixListIds, wire.PrefixListId{PrefixListId: text(peer.List), Description: text(r.Description)})
	}
}

// peeringStatus is of the peering that a reference crosses; a peering that AWS no
// longer shows was deleted.
func (c *call) peeringStatus(peer network.PeerGroup) string {
	if peer.Peering == "" {
		return ""
	}
	if p := c.state.Peering(peer.Peering); p != nil {
		return p.Status.String()
	}
	return network.PeeringDeleted.String()
}

// describeSecurityGroupReferences lists the VPCs across a peering whose groups
// name one of the caller's (AWS: DescribeSecurityGroupReferences).
func describeSecurityGroupReferences(c *call, in *wire.DescribeSecurityGroupReferencesRequest) (*wire.DescribeSecurityGroupReferencesResult, error) {
	out := &wire.DescribeSecurityGroupReferencesResult{SecurityGroupReferenceSet: []wire.SecurityGroupReference{}}
	rows, _, err := groups.rows(c, query{ids: in.GroupId})
	if err != nil {
		return nil, err
	}
	for _, g := range rows {
		seen := map[network.VPCID]bool{}
		for other := range c.state.GroupsReferring(g.ID) {
			p := c.state.ActivePeering(g.VPC, other.VPC)
			if other.VPC == g.VPC || p == nil || seen[other.VPC] {
				continue
			}
			seen[other.VPC] = true
			out.SecurityGroupReferenceSet = append(out.SecurityGroupReferenceSet, wire.SecurityGroupReference{
				GroupId: text(g.ID), ReferencingVpcId: text(other.VPC), VpcPeeringConnectionId: text(p.ID)})
		}
	}
	return out, nil
}

// describeStaleSecurityGroups lists the groups of a VPC with rules that name a
// group that cannot be reached any more (AWS: Work with stale security group rules).
func describeStaleSecurityGroups(c *call, in *wire.DescribeStaleSecurityGroupsRequest) (*wire.DescribeStaleSecurityGroupsResult, error) {
	if _, _, err := vpcs.rows(c, query{ids: []string{*in.VpcId}}); err != nil {
		return nil, err
	}
	stale := listing[*network.SecurityGroup]{
		kind: "sg", key: groups.key, pages: plainPages(5, 255, ""),
		all: func(c *call) iter.Seq[*network.SecurityGroup] {
			return func(yield func(*network.SecurityGroup) bool) {
				for g := range c.state.SecurityGroupsIn(network.VPCID(*in.VpcId)) {
					if len(c.staleRules(g)) > 0 && !yield(g) {
						return
					}
				}
			}
		},
	}
	rows, next, err := stale.rows(c, query{maxResults: in.MaxResults, nextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeStaleSecurityGroupsResult{NextToken: next, StaleSecurityGroupSet: all(rows, c.staleGroup)}, nil
}

func (c *call) staleRules(g *network.SecurityGroup) []network.Rule {
	var out []network.Rule
	for _, r := range g.Rules {
		if peer, ok := r.Peer.(network.PeerGroup); ok && !c.state.PeerAlive(g, peer) {
			out = append(out, r)
		}
	}
	return out
}

func (c *call) staleGroup(g *network.SecurityGroup) wire.StaleSecurityGroup {
	rules := c.staleRules(g)
	stale := func(p wire.IpPermission) wire.StaleIpPermission {
		return wire.StaleIpPermission{IpProtocol: p.IpProtocol, FromPort: p.FromPort, ToPort: p.ToPort, UserIdGroupPairs: p.UserIdGroupPairs,
			IpRanges: []string{}, PrefixListIds: []string{}}
	}
	return wire.StaleSecurityGroup{GroupId: text(g.ID), GroupName: text(g.Name), Description: text(g.Description), VpcId: text(g.VPC),
		StaleIpPermissions:       all(c.permissionsOf(rules, false), stale),
		StaleIpPermissionsEgress: all(c.permissionsOf(rules, true), stale)}
}

// groupsForVpc is how the groups that interfaces of a VPC may have are filtered.
var groupsForVpc = listing[*network.SecurityGroup]{
	kind: "sg", key: groups.key, tags: groups.tags,
	filters: append(slices.Clone(groupFilters), filter[*network.SecurityGroup]{"primary-vpc-id",
		func(_ *call, g *network.SecurityGroup) []string { return one(g.VPC) }}),
	pages: plainPages(5, 1000, ""),
}

func getSecurityGroupsForVpc(c *call, in *wire.GetSecurityGroupsForVpcRequest) (*wire.GetSecurityGroupsForVpcResult, error) {
	if _, _, err := vpcs.rows(c, query{ids: []string{*in.VpcId}}); err != nil {
		return nil, err
	}
	l := groupsForVpc
	l.all = func(c *call) iter.Seq[*network.SecurityGroup] {
		return c.state.SecurityGroupsIn(network.VPCID(*in.VpcId))
	}
	rows, next, err := l.rows(c, query{filters: in.Filters, maxResults: in.MaxResults, nextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(g *network.SecurityGroup) wire.SecurityGroupForVpc {
		return wire.SecurityGroupForVpc{GroupId: text(g.ID), GroupName: text(g.Name), Description: text(g.Description), OwnerId: text(g.Owner),
			PrimaryVpcId: text(g.VPC), Tags: c.tagSet(string(g.ID))}
	}
	return &wire.GetSecurityGroupsForVpcResult{SecurityGroupForVpcs: all(rows, show), NextToken: next}, nil
}
