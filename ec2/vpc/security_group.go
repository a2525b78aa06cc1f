package vpc

import (
	"iter"
	"slices"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func securityGroupOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateSecurityGroup", createSecurityGroup, api.Params{Enforced: "GroupName GroupDescription VpcId TagSpecification"}),
		api.Op("DeleteSecurityGroup", deleteSecurityGroup, api.Params{Enforced: "GroupId GroupName"}),
		api.Op("DescribeSecurityGroups", describeSecurityGroups, api.Params{
			Enforced: "GroupId GroupName Filter MaxResults NextToken",
			Filters:  groups.FilterNames(),
		}),
		api.Op("DescribeSecurityGroupReferences", describeSecurityGroupReferences, api.Params{Enforced: "GroupId"}),
		api.Op("DescribeStaleSecurityGroups", describeStaleSecurityGroups, api.Params{Enforced: "VpcId MaxResults NextToken"}),
		api.Op("GetSecurityGroupsForVpc", getSecurityGroupsForVpc, api.Params{
			Enforced: "VpcId Filter MaxResults NextToken",
			Filters:  groupsForVpc.FilterNames(),
		}),
	}
}

func createSecurityGroup(c *api.Call, in *wire.CreateSecurityGroupRequest) (*wire.CreateSecurityGroupResult, error) {
	vpc := network.VPCID(api.Value(in.VpcId))
	if in.VpcId == nil {
		v := c.State.DefaultVPC(c.Caller)
		if v == nil {
			return nil, &network.Error{Code: network.NoDefaultVPC, Subject: string(c.Caller.Account)}
		}
		vpc = v.ID
	}
	out, err := c.Do(network.CreateSecurityGroup{
		VPC: vpc, Name: *in.GroupName, Description: *in.Description, Tags: c.Tags(in.TagSpecifications, "security-group"),
	})
	if err != nil {
		return nil, err
	}
	id := out.Created[0]
	g := c.State.SecurityGroup(network.GroupID(id))
	return &wire.CreateSecurityGroupResult{GroupId: api.Text(id), SecurityGroupArn: api.ARN(g.Home, "security-group", id), Tags: c.TagSet(id)}, nil
}

func deleteSecurityGroup(c *api.Call, in *wire.DeleteSecurityGroupRequest) (*wire.DeleteSecurityGroupResult, error) {
	id := GroupID(c, in.GroupId, in.GroupName)
	if _, err := c.Do(network.DeleteSecurityGroup{Group: id}); err != nil {
		return nil, err
	}
	return &wire.DeleteSecurityGroupResult{Return: new(true), GroupId: api.Text(id)}, nil
}

// GroupID is the group that a request names: by ID, or by name in the default VPC
// (AWS: AuthorizeSecurityGroupIngress, GroupName).
func GroupID(c *api.Call, id, name *string) network.GroupID {
	switch {
	case id != nil:
		return network.GroupID(*id)
	case name == nil:
		c.Fail(&api.Error{Code: "MissingParameter", Message: "The request must contain the parameter groupName or groupId"})
		return ""
	}
	g, err := groupNamed(c, *name)
	if err != nil {
		c.Fail(err)
		return ""
	}
	return g.ID
}

// groupNamed finds a group of the default VPC by its name.
func groupNamed(c *api.Call, name string) (*network.SecurityGroup, error) {
	v := c.State.DefaultVPC(c.Caller)
	if v == nil {
		return nil, &api.Error{Code: "InvalidGroup.NotFound", Message: "The security group '" + name + "' does not exist"}
	}
	for g := range c.State.SecurityGroupsIn(v.ID) {
		if strings.EqualFold(g.Name, name) {
			return g, nil
		}
	}
	return nil, &api.Error{Code: "InvalidGroup.NotFound", Message: "The security group '" + name + "' does not exist in default VPC '" + string(v.ID) + "'"}
}

func describeSecurityGroups(c *api.Call, in *wire.DescribeSecurityGroupsRequest) (*wire.DescribeSecurityGroupsResult, error) {
	named := slices.Clone(in.GroupIds)
	for _, name := range in.GroupNames {
		named = append(named, string(GroupID(c, nil, &name)))
	}
	if c.Err != nil {
		return nil, c.Err
	}
	rows, next, err := groups.Rows(c, api.Query{IDs: named, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeSecurityGroupsResult{SecurityGroups: api.Each(c, rows, showGroup), NextToken: next}, nil
}

// groups is how security groups are found and filtered.
var groups = api.Listing[*network.SecurityGroup]{
	Kind: "sg",
	Key:  func(g *network.SecurityGroup) string { return string(g.ID) },
	All:  func(c *api.Call) iter.Seq[*network.SecurityGroup] { return c.State.SecurityGroupsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.SecurityGroup, bool) {
		g := c.State.SecurityGroup(network.GroupID(id))
		return g, g != nil && g.In(c.Caller)
	},
	Tags:    func(c *api.Call, g *network.SecurityGroup) network.Tags { return c.State.Tags(c.Caller, string(g.ID)) },
	Filters: slices.Concat(groupFilters, permissionFilters("", false), permissionFilters("egress.", true)),
	Pages:   api.OldPages("securityGroupIdSet"),
}

var groupFilters = []api.Filter[*network.SecurityGroup]{
	api.By("description", func(_ *api.Call, g *network.SecurityGroup) []string { return api.One(g.Description) }),
	api.By("group-id", func(_ *api.Call, g *network.SecurityGroup) []string { return api.One(g.ID) }),
	api.By("group-name", func(_ *api.Call, g *network.SecurityGroup) []string { return api.One(g.Name) }),
	api.By("owner-id", func(_ *api.Call, g *network.SecurityGroup) []string { return api.One(g.Owner) }),
	api.By("vpc-id", func(_ *api.Call, g *network.SecurityGroup) []string { return api.One(g.VPC) }),
}

// permissionFilters look at the rules of one direction; two of them may be
// satisfied by two different rules (AWS: DescribeSecurityGroups).
func permissionFilters(prefix string, egress bool) []api.Filter[*network.SecurityGroup] {
	of := func(name string, get func(*api.Call, network.Rule) string) api.Filter[*network.SecurityGroup] {
		return api.By(prefix+"ip-permission."+name, func(c *api.Call, g *network.SecurityGroup) []string {
			var out []string
			for _, r := range g.Rules {
				if v := get(c, r); r.Egress == egress && v != "" {
					out = append(out, v)
				}
			}
			return out
		})
	}
	peerGroup := func(r network.Rule) network.PeerGroup { p, _ := r.Peer.(network.PeerGroup); return p }
	return []api.Filter[*network.SecurityGroup]{
		of("cidr", func(_ *api.Call, r network.Rule) string { return api.Value(ruleCIDR(r, true)) }),
		of("from-port", func(_ *api.Call, r network.Rule) string { return portText(r, r.Ports.From) }),
		of("group-id", func(_ *api.Call, r network.Rule) string { return string(peerGroup(r).Group) }),
		of("group-name", func(c *api.Call, r network.Rule) string {
			if g := c.State.SecurityGroup(peerGroup(r).Group); g != nil {
				return g.Name
			}
			return ""
		}),
		of("ipv6-cidr", func(_ *api.Call, r network.Rule) string { return api.Value(ruleCIDR(r, false)) }),
		of("prefix-list-id", func(_ *api.Call, r network.Rule) string {
			p, _ := r.Peer.(network.PeerPrefixList)
			return string(p.List)
		}),
		of("protocol", func(_ *api.Call, r network.Rule) string { return protocolName(r.Protocol) }),
		of("to-port", func(_ *api.Call, r network.Rule) string { return portText(r, r.Ports.To) }),
		of("user-id", func(_ *api.Call, r network.Rule) string { return string(peerGroup(r).Owner) }),
	}
}

func portText(r network.Rule, port int) string {
	if !hasPorts(r.RuleSpec) {
		return ""
	}
	return api.Number(port)
}

// showGroup is a security group as Describe shows it.
func showGroup(c *api.Call, g *network.SecurityGroup) wire.SecurityGroup {
	return wire.SecurityGroup{
		GroupId: api.Text(g.ID), GroupName: api.Text(g.Name), Description: api.Text(g.Description), VpcId: api.Text(g.VPC), OwnerId: api.Text(g.Owner),
		SecurityGroupArn:    api.ARN(g.Home, "security-group", string(g.ID)),
		IpPermissions:       showPermissions(c, g.Rules, false),
		IpPermissionsEgress: showPermissions(c, g.Rules, true),
		Tags:                c.TagSet(string(g.ID)),
	}
}

// showPermissions merges the rules of one direction that have the same protocol and
// ports into one item, in the order in which they were made.
func showPermissions(c *api.Call, rules []network.Rule, egress bool) []wire.IpPermission {
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
		addPeer(c, &out[at[k]], r.RuleSpec)
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
	p := wire.IpPermission{IpProtocol: api.Text(protocolName(r.Protocol)), UserIdGroupPairs: []wire.UserIdGroupPair{},
		IpRanges: []wire.IpRange{}, Ipv6Ranges: []wire.Ipv6Range{}, PrefixListIds: []wire.PrefixListId{}}
	if hasPorts(r) {
		p.FromPort, p.ToPort = api.Long(r.Ports.From), api.Long(r.Ports.To)
	}
	return p
}

func addPeer(c *api.Call, p *wire.IpPermission, r network.RuleSpec) {
	switch peer := r.Peer.(type) {
	case network.PeerCIDR:
		if peer.CIDR.Addr().Is4() {
			p.IpRanges = append(p.IpRanges, wire.IpRange{CidrIp: new(peer.CIDR.String()), Description: api.Text(r.Description)})
		} else {
			p.Ipv6Ranges = append(p.Ipv6Ranges, wire.Ipv6Range{CidrIpv6: new(peer.CIDR.String()), Description: api.Text(r.Description)})
		}
	case network.PeerGroup:
		p.UserIdGroupPairs = append(p.UserIdGroupPairs, wire.UserIdGroupPair{GroupId: api.Text(peer.Group), UserId: api.Text(peer.Owner), VpcId: api.Text(peer.VPC),
			VpcPeeringConnectionId: api.Text(peer.Peering), PeeringStatus: api.Text(peeringStatus(c, peer)), Description: api.Text(r.Description)})
	case network.PeerPrefixList:
		p.PrefixListIds = append(p.PrefixListIds, wire.PrefixListId{PrefixListId: api.Text(peer.List), Description: api.Text(r.Description)})
	}
}

// peeringStatus is of the peering that a reference crosses; a peering that AWS no
// longer shows was deleted.
func peeringStatus(c *api.Call, peer network.PeerGroup) string {
	if peer.Peering == "" {
		return ""
	}
	if p := c.State.Peering(peer.Peering); p != nil {
		return p.Status.String()
	}
	return network.PeeringDeleted.String()
}

// describeSecurityGroupReferences lists the VPCs across a peering whose groups
// name one of the caller's (AWS: DescribeSecurityGroupReferences).
func describeSecurityGroupReferences(c *api.Call, in *wire.DescribeSecurityGroupReferencesRequest) (*wire.DescribeSecurityGroupReferencesResult, error) {
	out := &wire.DescribeSecurityGroupReferencesResult{SecurityGroupReferenceSet: []wire.SecurityGroupReference{}}
	rows, _, err := groups.Rows(c, api.Query{IDs: in.GroupId})
	if err != nil {
		return nil, err
	}
	for _, g := range rows {
		seen := map[network.VPCID]bool{}
		for other := range c.State.GroupsReferring(g.ID) {
			p := c.State.ActivePeering(g.VPC, other.VPC)
			if other.VPC == g.VPC || p == nil || seen[other.VPC] {
				continue
			}
			seen[other.VPC] = true
			out.SecurityGroupReferenceSet = append(out.SecurityGroupReferenceSet, wire.SecurityGroupReference{
				GroupId: api.Text(g.ID), ReferencingVpcId: api.Text(other.VPC), VpcPeeringConnectionId: api.Text(p.ID)})
		}
	}
	return out, nil
}

// describeStaleSecurityGroups lists the groups of a VPC with rules that name a
// group that cannot be reached any more (AWS: Work with stale security group rules).
func describeStaleSecurityGroups(c *api.Call, in *wire.DescribeStaleSecurityGroupsRequest) (*wire.DescribeStaleSecurityGroupsResult, error) {
	if _, _, err := vpcs.Rows(c, api.Query{IDs: []string{*in.VpcId}}); err != nil {
		return nil, err
	}
	stale := api.Listing[*network.SecurityGroup]{
		Kind: "sg", Key: groups.Key, Pages: api.PlainPages(5, 255, ""),
		All: func(c *api.Call) iter.Seq[*network.SecurityGroup] {
			return func(yield func(*network.SecurityGroup) bool) {
				for g := range c.State.SecurityGroupsIn(network.VPCID(*in.VpcId)) {
					if len(staleRules(c, g)) > 0 && !yield(g) {
						return
					}
				}
			}
		},
	}
	rows, next, err := stale.Rows(c, api.Query{MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeStaleSecurityGroupsResult{NextToken: next, StaleSecurityGroupSet: api.Each(c, rows, showStale)}, nil
}

func staleRules(c *api.Call, g *network.SecurityGroup) []network.Rule {
	var out []network.Rule
	for _, r := range g.Rules {
		if peer, ok := r.Peer.(network.PeerGroup); ok && !c.State.PeerAlive(g, peer) {
			out = append(out, r)
		}
	}
	return out
}

func showStale(c *api.Call, g *network.SecurityGroup) wire.StaleSecurityGroup {
	rules := staleRules(c, g)
	stale := func(p wire.IpPermission) wire.StaleIpPermission {
		return wire.StaleIpPermission{IpProtocol: p.IpProtocol, FromPort: p.FromPort, ToPort: p.ToPort, UserIdGroupPairs: p.UserIdGroupPairs,
			IpRanges: []string{}, PrefixListIds: []string{}}
	}
	return wire.StaleSecurityGroup{GroupId: api.Text(g.ID), GroupName: api.Text(g.Name), Description: api.Text(g.Description), VpcId: api.Text(g.VPC),
		StaleIpPermissions:       api.All(showPermissions(c, rules, false), stale),
		StaleIpPermissionsEgress: api.All(showPermissions(c, rules, true), stale)}
}

// groupsForVpc is how the groups that interfaces of a VPC may have are filtered.
var groupsForVpc = api.Listing[*network.SecurityGroup]{
	Kind: "sg", Key: groups.Key, Tags: groups.Tags,
	Filters: append(slices.Clone(groupFilters), api.By("primary-vpc-id",
		func(_ *api.Call, g *network.SecurityGroup) []string { return api.One(g.VPC) })),
	Pages: api.PlainPages(5, 1000, ""),
}

func getSecurityGroupsForVpc(c *api.Call, in *wire.GetSecurityGroupsForVpcRequest) (*wire.GetSecurityGroupsForVpcResult, error) {
	if _, _, err := vpcs.Rows(c, api.Query{IDs: []string{*in.VpcId}}); err != nil {
		return nil, err
	}
	l := groupsForVpc
	l.All = func(c *api.Call) iter.Seq[*network.SecurityGroup] {
		return c.State.SecurityGroupsIn(network.VPCID(*in.VpcId))
	}
	rows, next, err := l.Rows(c, api.Query{Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(g *network.SecurityGroup) wire.SecurityGroupForVpc {
		return wire.SecurityGroupForVpc{GroupId: api.Text(g.ID), GroupName: api.Text(g.Name), Description: api.Text(g.Description), OwnerId: api.Text(g.Owner),
			PrimaryVpcId: api.Text(g.VPC), Tags: c.TagSet(string(g.ID))}
	}
	return &wire.GetSecurityGroupsForVpcResult{SecurityGroupForVpcs: api.All(rows, show), NextToken: next}, nil
}
