package insight

import (
	"iter"
	"net/netip"
	"strconv"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func pathOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateNetworkInsightsPath", createPath, api.Params{
			Enforced: "Source Destination SourceIp DestinationIp Protocol DestinationPort FilterAtSource FilterAtDestination TagSpecification ClientToken"}),
		api.Op("DeleteNetworkInsightsPath", deletePath, api.Params{Enforced: "NetworkInsightsPathId"}),
		api.Op("DescribeNetworkInsightsPaths", describePaths, api.Params{
			Enforced: "NetworkInsightsPathId Filter MaxResults NextToken", Filters: paths.FilterNames()}),
	}
}

// maxPort is the highest port; the lowest that a path may ask for is 0.
const maxPort = 65535

func createPath(c *api.Call, in *wire.CreateNetworkInsightsPathRequest) (*wire.CreateNetworkInsightsPathResult, error) {
	spec, err := readPath(c, in)
	if err != nil {
		return nil, err
	}
	made, err := c.DoOnce(in.ClientToken, network.CreateInsightsPath{InsightsPathSpec: spec, Tags: c.Tags(in.TagSpecifications, "network-insights-path")})
	if err != nil {
		return nil, err
	}
	p := c.State.InsightsPath(network.InsightsPathID(made.Created[0]))
	if p == nil {
		return nil, api.Gone(made.Created[0])
	}
	return &wire.CreateNetworkInsightsPathResult{NetworkInsightsPath: new(showPath(c, p))}, nil
}

func readPath(c *api.Call, in *wire.CreateNetworkInsightsPathRequest) (network.InsightsPathSpec, error) {
	spec := network.InsightsPathSpec{
		SourceIP: readAddr(c, "sourceIp", in.SourceIp), DestinationIP: readAddr(c, "destinationIp", in.DestinationIp),
		Protocol: map[string]network.Protocol{"tcp": network.TCP, "udp": network.UDP}[*in.Protocol],
		AtSource: readFilter(c, "filterAtSource", in.FilterAtSource), AtDestination: readFilter(c, "filterAtDestination", in.FilterAtDestination),
	}
	if in.DestinationPort != nil {
		if *in.DestinationPort < 0 || *in.DestinationPort > maxPort {
			return spec, api.InvalidValue(strconv.FormatInt(*in.DestinationPort, 10), "destinationPort", "A port is a number from 0 to 65535.")
		}
		spec.Port = new(int(*in.DestinationPort))
	}
	switch {
	case in.FilterAtSource != nil && (in.SourceIp != nil || in.DestinationPort != nil):
		return spec, api.Combination("The parameter FilterAtSource cannot be used with the parameters SourceIp and DestinationPort")
	case in.FilterAtDestination != nil && in.DestinationIp != nil:
		return spec, api.Combination("The parameter FilterAtDestination cannot be used with the parameter DestinationIp")
	case in.Destination == nil && !spec.AtSource.Destination.IsValid():
		// The words are AWS's own, DestinationIp or not.
		return spec, &api.Error{Code: "MissingParameter", Message: "The request must include either the Destination parameter or the FilterAtSource.DestinationAddress parameter. Add the required parameter and retry the request."}
	}
	var err error
	if spec.Source, err = readEnd(c, "source", *in.Source); err != nil {
		return spec, err
	}
	if in.Destination != nil {
		spec.Destination, err = readEnd(c, "destination", *in.Destination)
	}
	return spec, err
}

// readEnd takes an ID or an ARN of the caller's own, and gives the ID.
func readEnd(c *api.Call, which, text string) (string, error) {
	id := text
	if strings.HasPrefix(text, "arn:") {
		id = text[strings.LastIndexByte(text, '/')+1:]
		if own := arn(network.Home{Owner: c.Caller.Account, Region: c.Caller.Region}, id); own == nil || *own != text {
			return "", &network.Error{Code: network.EndNotFound, Subject: text, Detail: which}
		}
	}
	switch kind := network.Kind(id); {
	case kind == "igw" && which == "source":
		return "", &api.Error{Code: "UnsupportedOperation", Message: "An internet gateway is not supported as a source: ask from the interface that shall be reached."}
	case kind == "eni", kind == "i", kind == "igw":
		if !network.WellFormed(id, kind) {
			return "", api.InvalidID(id, kind)
		}
		return id, nil
	case kind == "pcx", kind == "vpce", kind == "vgw", kind == "tgw", kind == "tgw-attach":
		return "", &api.Error{Code: "UnsupportedOperation", Message: "The resource '" + text + "' is not supported as a " + which + ": name an instance or a network interface."}
	}
	return "", api.InvalidValue(text, which, "It must be the ID or ARN of an instance, a network interface or, as a destination, an internet gateway.")
}

// readAddr reads an address of either family. AWS's analyzer knows IPv4 alone;
// what differs is in docs/differences.md.
func readAddr(c *api.Call, parameter string, text *string) netip.Addr {
	if text != nil && strings.Contains(*text, ":") {
		return c.Addr6(parameter, text)
	}
	return c.Addr4(parameter, text)
}

func readFilter(c *api.Call, parameter string, in *wire.PathRequestFilter) network.PacketFilter {
	if in == nil {
		return network.PacketFilter{}
	}
	return network.PacketFilter{
		Source: readAddr(c, parameter+".sourceAddress", in.SourceAddress), Destination: readAddr(c, parameter+".destinationAddress", in.DestinationAddress),
		SourcePorts: readPorts(c, parameter+".sourcePortRange", in.SourcePortRange), DestinationPorts: readPorts(c, parameter+".destinationPortRange", in.DestinationPortRange),
	}
}

func readPorts(c *api.Call, parameter string, in *wire.RequestFilterPortRange) *network.PortRange {
	if in == nil {
		return nil
	}
	if in.FromPort == nil || in.ToPort == nil {
		c.Fail(api.Missing(parameter))
		return nil
	}
	from, to := *in.FromPort, *in.ToPort
	if from < 0 || to > maxPort || from > to {
		c.Fail(api.InvalidValue(strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(to, 10), parameter, "It must be a range of ports from 0 to 65535."))
		return nil
	}
	return &network.PortRange{From: int(from), To: int(to)}
}

// deletePath answers for a path that has analyses in the words of the wordings:
// only AWS's console deletes them together.
func deletePath(c *api.Call, in *wire.DeleteNetworkInsightsPathRequest) (*wire.DeleteNetworkInsightsPathResult, error) {
	if _, err := c.Do(network.DeleteInsightsPath{Path: network.InsightsPathID(*in.NetworkInsightsPathId)}); err != nil {
		return nil, err
	}
	return &wire.DeleteNetworkInsightsPathResult{NetworkInsightsPathId: in.NetworkInsightsPathId}, nil
}

func describePaths(c *api.Call, in *wire.DescribeNetworkInsightsPathsRequest) (*wire.DescribeNetworkInsightsPathsResult, error) {
	rows, next, err := paths.Rows(c, api.Query{IDs: in.NetworkInsightsPathIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeNetworkInsightsPathsResult{NetworkInsightsPaths: api.Each(c, rows, showPath), NextToken: next}, nil
}

// paths has the filters that AWS documents (AWS: DescribeNetworkInsightsPaths).
var paths = api.Listing[*network.InsightsPath]{
	Kind: "nip",
	Key:  func(p *network.InsightsPath) string { return string(p.ID) },
	All:  func(c *api.Call) iter.Seq[*network.InsightsPath] { return c.State.InsightsPathsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.InsightsPath, bool) {
		p := c.State.InsightsPath(network.InsightsPathID(id))
		return p, p != nil && p.In(c.Caller)
	},
	Tags: func(c *api.Call, p *network.InsightsPath) network.Tags { return c.State.Tags(c.Caller, string(p.ID)) },
	Filters: append([]api.Filter[*network.InsightsPath]{
		api.By("destination", func(_ *api.Call, p *network.InsightsPath) []string { return api.One(p.Destination) }),
		api.By("protocol", func(_ *api.Call, p *network.InsightsPath) []string { return api.One(protocolName(p.Protocol)) }),
		api.By("source", func(_ *api.Call, p *network.InsightsPath) []string { return api.One(p.Source) }),
	}, append(
		filterFilters("filter-at-source", func(p *network.InsightsPath) network.PacketFilter { return p.AtSource }),
		filterFilters("filter-at-destination", func(p *network.InsightsPath) network.PacketFilter { return p.AtDestination })...)...),
	Pages: api.ValidatedPages(1, 100),
}

// filterFilters are the filters on what packets look like at one end.
func filterFilters(end string, at func(*network.InsightsPath) network.PacketFilter) []api.Filter[*network.InsightsPath] {
	by := func(name string, value func(network.PacketFilter) *string) api.Filter[*network.InsightsPath] {
		return api.By(end+"."+name, func(_ *api.Call, p *network.InsightsPath) []string { return api.One(api.Value(value(at(p)))) })
	}
	ports := func(r *network.PortRange) *string {
		switch {
		case r == nil:
			return nil
		case r.From == r.To:
			return new(strconv.Itoa(r.From))
		}
		return new(strconv.Itoa(r.From) + "-" + strconv.Itoa(r.To))
	}
	return []api.Filter[*network.InsightsPath]{
		by("source-address", func(f network.PacketFilter) *string { return addrText(f.Source) }),
		by("source-port-range", func(f network.PacketFilter) *string { return ports(f.SourcePorts) }),
		by("destination-address", func(f network.PacketFilter) *string { return addrText(f.Destination) }),
		by("destination-port-range", func(f network.PacketFilter) *string { return ports(f.DestinationPorts) }),
	}
}

func showPath(c *api.Call, p *network.InsightsPath) wire.NetworkInsightsPath {
	out := wire.NetworkInsightsPath{
		NetworkInsightsPathId: api.Text(p.ID), NetworkInsightsPathArn: arn(p.Home, string(p.ID)), CreatedDate: new(p.Created),
		Source: api.Text(p.Source), SourceArn: arn(p.Home, p.Source), Destination: api.Text(p.Destination),
		SourceIp: addrText(p.SourceIP), DestinationIp: addrText(p.DestinationIP), Protocol: api.Text(protocolName(p.Protocol)),
		Tags: c.TagSet(string(p.ID)), FilterAtSource: showFilter(p.AtSource), FilterAtDestination: showFilter(p.AtDestination),
	}
	if p.Destination != "" {
		out.DestinationArn = arn(p.Home, p.Destination)
	}
	if p.Port != nil {
		out.DestinationPort = new(int64(*p.Port))
	}
	return out
}

func protocolName(p network.Protocol) string {
	return map[network.Protocol]string{network.TCP: "tcp", network.UDP: "udp"}[p]
}

func addrText(a netip.Addr) *string {
	if !a.IsValid() {
		return nil
	}
	return new(a.String())
}

func showFilter(f network.PacketFilter) *wire.PathFilter {
	if f == (network.PacketFilter{}) {
		return nil
	}
	ports := func(r *network.PortRange) *wire.FilterPortRange {
		if r == nil {
			return nil
		}
		return &wire.FilterPortRange{FromPort: new(int64(r.From)), ToPort: new(int64(r.To))}
	}
	return &wire.PathFilter{SourceAddress: addrText(f.Source), DestinationAddress: addrText(f.Destination),
		SourcePortRange: ports(f.SourcePorts), DestinationPortRange: ports(f.DestinationPorts)}
}

// resourceTypes are the words of ARNs, by the beginning of the ID (AWS: Resource
// types defined by Amazon EC2).
var resourceTypes = map[string]string{
	"eni": "network-interface", "i": "instance", "sg": "security-group", "acl": "network-acl", "rtb": "route-table",
	"pcx": "vpc-peering-connection", "igw": "internet-gateway", "vpc": "vpc", "subnet": "subnet", "pl": "prefix-list", "nat": "natgateway",
	"nip": "network-insights-path", "nia": "network-insights-analysis", "nis": "network-insights-access-scope",
	"nisa": "network-insights-access-scope-analysis",
}

// arn is nil for what has none.
func arn(h network.Home, id string) *string {
	kind, ok := resourceTypes[network.Kind(id)]
	if !ok {
		return nil
	}
	return api.ARN(h, kind, id)
}
