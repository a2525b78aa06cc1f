package insight

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
	"tombolo/reach"
)

func scopeOperations() []api.Operation {
	noLists := api.Refuse{Why: "there are no prefix lists in the analyzer"}
	for _, path := range []string{"MatchPath", "ExcludePath"} {
		for _, end := range []string{"Source", "Destination"} {
			at := path + "." + end + ".PacketHeaderStatement."
			noLists.Paths += at + "SourcePrefixList " + at + "DestinationPrefixList "
		}
	}
	return []api.Operation{
		api.Op("CreateNetworkInsightsAccessScope", createScope, api.Params{
			Enforced: "MatchPath ExcludePath TagSpecification ClientToken", Refused: []api.Refuse{noLists}}),
		api.Op("DeleteNetworkInsightsAccessScope", deleteScope, api.Params{Enforced: "NetworkInsightsAccessScopeId"}),
		api.Op("DescribeNetworkInsightsAccessScopes", describeScopes, api.Params{
			Enforced: "NetworkInsightsAccessScopeId Filter MaxResults NextToken"}),
		api.Op("GetNetworkInsightsAccessScopeContent", getContent, api.Params{Enforced: "NetworkInsightsAccessScopeId"}),
	}
}

// content is what is kept of a scope: AWS's own shapes.
type content struct{ Match, Exclude []wire.AccessScopePath }

func createScope(c *api.Call, in *wire.CreateNetworkInsightsAccessScopeRequest) (*wire.CreateNetworkInsightsAccessScopeResult, error) {
	if len(in.MatchPaths) == 0 {
		return nil, api.Missing("MatchPaths")
	}
	kept := content{Match: api.All(in.MatchPaths, keepPath), Exclude: api.All(in.ExcludePaths, keepPath)}
	if _, err := kept.scope(); err != nil {
		return nil, err
	}
	doc, err := encode(kept)
	if err != nil {
		return nil, err
	}
	made, err := c.DoOnce(in.ClientToken, network.CreateAccessScope{Content: doc, Tags: c.Tags(in.TagSpecifications, "network-insights-access-scope")})
	if err != nil {
		return nil, err
	}
	a := c.State.AccessScope(network.AccessScopeID(made.Created[0]))
	if a == nil {
		return nil, api.Gone(made.Created[0])
	}
	text, err := showContent(a)
	if err != nil {
		return nil, err
	}
	return &wire.CreateNetworkInsightsAccessScopeResult{NetworkInsightsAccessScope: new(showScope(c, a)), NetworkInsightsAccessScopeContent: text}, nil
}

// keepPath is a path of a request as answers have it.
func keepPath(in wire.AccessScopePathRequest) wire.AccessScopePath {
	resources := func(r *wire.ResourceStatementRequest) *wire.ResourceStatement {
		if r == nil {
			return nil
		}
		return &wire.ResourceStatement{Resources: r.Resources, ResourceTypes: r.ResourceTypes}
	}
	end := func(s *wire.PathStatementRequest) *wire.PathStatement {
		if s == nil {
			return nil
		}
		out := &wire.PathStatement{ResourceStatement: resources(s.ResourceStatement)}
		if h := s.PacketHeaderStatement; h != nil {
			out.PacketHeaderStatement = &wire.PacketHeaderStatement{SourceAddresses: h.SourceAddresses, DestinationAddresses: h.DestinationAddresses,
				SourcePorts: h.SourcePorts, DestinationPorts: h.DestinationPorts, Protocols: lower(h.Protocols)}
		}
		return out
	}
	out := wire.AccessScopePath{Source: end(in.Source), Destination: end(in.Destination)}
	for _, t := range in.ThroughResources {
		out.ThroughResources = append(out.ThroughResources, wire.ThroughResourcesStatement{ResourceStatement: resources(t.ResourceStatement)})
	}
	return out
}

func lower(words []string) []string {
	out := slices.Clone(words)
	for i := range out {
		out[i] = strings.ToLower(out[i])
	}
	return out
}

// scope is the content as the analyzer takes it. The error is AWS's.
func (k content) scope() (reach.Scope, error) {
	match, err := scopePaths(k.Match)
	if err != nil {
		return reach.Scope{}, err
	}
	exclude, err := scopePaths(k.Exclude)
	return reach.Scope{Match: match, Exclude: exclude}, err
}

func scopePaths(in []wire.AccessScopePath) ([]reach.ScopePath, error) {
	var out []reach.ScopePath
	for _, p := range in {
		source, err := scopeEnd(p.Source)
		if err != nil {
			return nil, err
		}
		destination, err := scopeEnd(p.Destination)
		if err != nil {
			return nil, err
		}
		one := reach.ScopePath{Source: source, Destination: destination}
		for _, t := range p.ThroughResources {
			r, err := resources(t.ResourceStatement)
			if err != nil {
				return nil, err
			}
			if r != nil {
				one.Through = append(one.Through, *r)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

func scopeEnd(s *wire.PathStatement) (reach.ScopeEnd, error) {
	if s == nil {
		return reach.ScopeEnd{}, nil
	}
	r, err := resources(s.ResourceStatement)
	if err != nil {
		return reach.ScopeEnd{}, err
	}
	h, err := headers(s.PacketHeaderStatement)
	return reach.ScopeEnd{Headers: h, Resources: r}, err
}

// resources refuses types that paths here cannot have, because they would
// silently find nothing.
func resources(s *wire.ResourceStatement) (*reach.Resources, error) {
	if s == nil {
		return nil, nil
	}
	for _, t := range s.ResourceTypes {
		if !slices.Contains(reach.ResourceTypes(), t) {
			return nil, api.InvalidValue(t, "resourceType", "Valid values are: "+strings.Join(reach.ResourceTypes(), ", ")+".")
		}
	}
	for _, id := range s.Resources {
		if network.Kind(idOf(id)) == "" {
			return nil, api.InvalidValue(id, "resource", "It must be the ID or ARN of a resource.")
		}
	}
	return &reach.Resources{IDs: s.Resources, Types: s.ResourceTypes}, nil
}

func headers(s *wire.PacketHeaderStatement) (*reach.Headers, error) {
	if s == nil {
		return nil, nil
	}
	h := &reach.Headers{}
	for _, l := range []struct {
		name string
		in   []string
		out  *[]netip.Prefix
	}{{"sourceAddress", s.SourceAddresses, &h.Sources}, {"destinationAddress", s.DestinationAddresses, &h.Destinations}} {
		for _, text := range l.in {
			p, ok := block(text)
			if !ok {
				return nil, api.InvalidValue(text, l.name, "It must be an address or a CIDR block.")
			}
			*l.out = append(*l.out, p)
		}
	}
	for _, l := range []struct {
		name string
		in   []string
		out  *[]network.PortRange
	}{{"sourcePort", s.SourcePorts, &h.SourcePorts}, {"destinationPort", s.DestinationPorts, &h.DestinationPorts}} {
		for _, text := range l.in {
			r, ok := portRange(text)
			if !ok {
				return nil, api.InvalidValue(text, l.name, "It must be a port or a range of ports, such as 80 or 8000-8080.")
			}
			*l.out = append(*l.out, r)
		}
	}
	for _, p := range s.Protocols {
		h.Protocols = append(h.Protocols, map[string]network.Protocol{"tcp": network.TCP, "udp": network.UDP}[p])
	}
	return h, nil
}

func block(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), p.Addr().Zone() == ""
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

func portRange(text string) (network.PortRange, bool) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	a, errA := strconv.ParseUint(from, 10, 16)
	b, errB := strconv.ParseUint(to, 10, 16)
	return network.PortRange{From: int(a), To: int(b)}, errA == nil && errB == nil && a <= b
}

func deleteScope(c *api.Call, in *wire.DeleteNetworkInsightsAccessScopeRequest) (*wire.DeleteNetworkInsightsAccessScopeResult, error) {
	if _, err := c.Do(network.DeleteAccessScope{Scope: network.AccessScopeID(*in.NetworkInsightsAccessScopeId)}); err != nil {
		return nil, err
	}
	return &wire.DeleteNetworkInsightsAccessScopeResult{NetworkInsightsAccessScopeId: in.NetworkInsightsAccessScopeId}, nil
}

func describeScopes(c *api.Call, in *wire.DescribeNetworkInsightsAccessScopesRequest) (*wire.DescribeNetworkInsightsAccessScopesResult, error) {
	rows, next, err := scopes.Rows(c, api.Query{IDs: in.NetworkInsightsAccessScopeIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeNetworkInsightsAccessScopesResult{NetworkInsightsAccessScopes: api.Each(c, rows, showScope), NextToken: next}, nil
}

// scopes has no filters (AWS: DescribeNetworkInsightsAccessScopes).
var scopes = api.Listing[*network.AccessScope]{
	Kind: "nis",
	Key:  func(a *network.AccessScope) string { return string(a.ID) },
	All:  func(c *api.Call) iter.Seq[*network.AccessScope] { return c.State.AccessScopesOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.AccessScope, bool) {
		a := c.State.AccessScope(network.AccessScopeID(id))
		return a, a != nil && a.In(c.Caller)
	},
	Pages: api.ValidatedPages(1, 100),
}

func showScope(c *api.Call, a *network.AccessScope) wire.NetworkInsightsAccessScope {
	return wire.NetworkInsightsAccessScope{NetworkInsightsAccessScopeId: api.Text(a.ID), NetworkInsightsAccessScopeArn: arn(a.Home, string(a.ID)),
		CreatedDate: new(a.Created), UpdatedDate: new(a.Created), Tags: c.TagSet(string(a.ID))}
}

func showContent(a *network.AccessScope) (*wire.NetworkInsightsAccessScopeContent, error) {
	kept, err := decode[content](a.Content)
	if err != nil {
		return nil, err
	}
	return &wire.NetworkInsightsAccessScopeContent{NetworkInsightsAccessScopeId: api.Text(a.ID), MatchPaths: kept.Match, ExcludePaths: kept.Exclude}, nil
}

func getContent(c *api.Call, in *wire.GetNetworkInsightsAccessScopeContentRequest) (*wire.GetNetworkInsightsAccessScopeContentResult, error) {
	a, err := one(c, scopes, in.NetworkInsightsAccessScopeId)
	if err != nil {
		return nil, err
	}
	text, err := showContent(a)
	if err != nil {
		return nil, err
	}
	return &wire.GetNetworkInsightsAccessScopeContentResult{NetworkInsightsAccessScopeContent: text}, nil
}

// one is the row that a call names.
func one[R any](c *api.Call, l api.Listing[R], id *string) (R, error) {
	var none R
	if !network.WellFormed(*id, l.Kind) {
		return none, api.InvalidID(*id, l.Kind)
	}
	row, ok := l.Get(c, *id)
	if !ok {
		return none, api.Gone(*id)
	}
	return row, nil
}
