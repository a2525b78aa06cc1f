package insight

import (
	"strconv"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
	"tombolo/reach"
)

// explanation writes one cause with what matters to its code.
func (w *writer) explanation(e reach.Explanation) wire.Explanation {
	out := wire.Explanation{
		ExplanationCode: api.Text(e.Code), Direction: api.Text(e.Direction.String()), Component: w.component(e.Component),
		Vpc: w.component(string(e.VPC)), SourceVpc: w.component(string(e.SourceVPC)), DestinationVpc: w.component(string(e.DestinationVPC)),
		Subnet: w.component(string(e.Subnet)), NetworkInterface: w.component(string(e.ENI)), SecurityGroup: w.component(string(e.Group)),
		Acl: w.component(string(e.ACL)), RouteTable: w.component(string(e.RouteTable)), VpcPeeringConnection: w.component(string(e.Peering)),
		InternetGateway: w.component(string(e.Gateway)), AttachedTo: w.component(string(e.Instance)),
		Address: addrText(e.Address), PacketField: api.Text(e.PacketField), State: api.Text(e.State),
	}
	for _, g := range e.Groups {
		out.SecurityGroups = append(out.SecurityGroups, *w.component(string(g)))
	}
	if e.Rule.ID != "" {
		out.SecurityGroupRule = rule(e.Rule.RuleSpec)
	}
	for _, p := range e.CIDRs {
		out.Cidrs = append(out.Cidrs, p.String())
	}
	if e.Route.To != nil {
		out.RouteTableRoute = route(e.Route, e.Code != reach.BadStateRoute)
	}
	switch e.Code {
	case reach.SubnetACLRestriction:
		out.AclRule = entry(e.Entry, e.Direction)
		if e.Entry.Number == 0 && e.Address.Is6() {
			out.AclRule.Cidr = new("::/0")
		}
		w.traffic(&out, e)
	case reach.SecurityGroupMismatch, reach.SecurityGroupHasNoRules:
		w.traffic(&out, e)
	case reach.NoSourceOrDestination:
		out.MissingComponent = new("destination")
		if e.Direction == reach.Egress {
			out.MissingComponent = new("source")
		}
	}
	return out
}

// traffic is the protocol and the ports that are not let through.
func (w *writer) traffic(out *wire.Explanation, e reach.Explanation) {
	out.Protocols = []string{strconv.Itoa(int(e.Protocol))}
	if e.Protocol != network.TCP && e.Protocol != network.UDP {
		return
	}
	out.PortRanges = ports(e.Ports)
	if e.Ports.From == e.Ports.To {
		out.Port = api.Long(e.Ports.From)
	}
}

// missing is an end that was there when the path was made.
func (w *writer) missing(which, id string) *wire.Explanation {
	return &wire.Explanation{ExplanationCode: api.Text(reach.NoSourceOrDestination), Component: w.component(id), MissingComponent: new(which)}
}

// filtered is a filter at the destination that no packet can meet which meets the
// one at the source.
func (w *writer) filtered(field string) *wire.Explanation {
	return &wire.Explanation{ExplanationCode: new("FILTER_AT_DESTINATION_" + field)}
}
