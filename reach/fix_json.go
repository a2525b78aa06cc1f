package reach

import (
	"encoding/json"
	"fmt"

	"tombolo/network"
)

// planJSON is a plan for programs: AWS's actions and parameters by their own
// names, in the order in which to call them.
type planJSON struct {
	Changes   []changeJSON   `json:"changes"`
	Obstacles []obstacleJSON `json:"obstacles"`
}

type changeJSON struct {
	Account    network.Account `json:"account"`
	Region     network.Region  `json:"region"`
	Action     string          `json:"action"`
	Parameters map[string]any  `json:"parameters"`
	Makes      string          `json:"makes,omitempty"` // the ID that later changes call it by
	Why        string          `json:"why"`
	Command    string          `json:"command"`
}

type obstacleJSON struct {
	Code      Code   `json:"code"`
	Component string `json:"component"`
	Why       string `json:"why"`
	Redesign  string `json:"redesign"`
}

// MarshalJSON gives AWS's actions with their parameters, and the obstacles.
func (p Plan) MarshalJSON() ([]byte, error) {
	doc := planJSON{Changes: []changeJSON{}, Obstacles: []obstacleJSON{}}
	commands := p.Commands()
	for i, c := range p.Changes {
		j := changeJSON{Account: c.Caller.Account, Region: c.Caller.Region, Why: c.Why, Command: commands[i].String()}
		j.Action, j.Parameters = c.call()
		if _, ok := c.Request.(network.RequestPeering); ok {
			j.Makes = string(NewPeering)
		}
		doc.Changes = append(doc.Changes, j)
	}
	for _, o := range p.Obstacles {
		doc.Obstacles = append(doc.Obstacles, obstacleJSON{o.Cause.Code, o.Cause.Component, o.Cause.Sentence(), o.Redesign})
	}
	return json.Marshal(doc)
}

// call is a change as the EC2 API names it.
func (c Change) call() (action string, parameters map[string]any) {
	switch r := c.Request.(type) {
	case network.RequestPeering:
		m := map[string]any{"VpcId": r.VPC, "PeerVpcId": r.PeerVPC}
		if r.PeerOwner != "" {
			m["PeerOwnerId"] = r.PeerOwner
		}
		if r.PeerRegion != "" {
			m["PeerRegion"] = r.PeerRegion
		}
		return "CreateVpcPeeringConnection", m
	case network.AcceptPeering:
		return "AcceptVpcPeeringConnection", map[string]any{"VpcPeeringConnectionId": r.Peering}
	case network.CreateRoute:
		return "CreateRoute", routeParameters(r)
	case network.ReplaceRoute:
		return "ReplaceRoute", routeParameters(network.CreateRoute(r))
	case network.AuthorizeRules:
		return authorizeCall(r)
	case network.CreateACLEntry:
		return "CreateNetworkAclEntry", entryParameters(r)
	case network.SetENIAttribute:
		return "ModifyNetworkInterfaceAttribute", map[string]any{"NetworkInterfaceId": r.ENI, "SourceDestCheck": map[string]any{"Value": *r.SourceDestCheck}}
	case network.StartInstances:
		return "StartInstances", map[string]any{"InstanceIds": r.Instances}
	}
	panic(fmt.Sprintf("unreachable: no plan holds a %T", c.Request))
}

func routeParameters(r network.CreateRoute) map[string]any {
	m := map[string]any{"RouteTableId": r.Table, "VpcPeeringConnectionId": r.To.(network.ToPeering).Peering}
	if r.Dst.Addr().Is4() {
		m["DestinationCidrBlock"] = r.Dst.String()
	} else {
		m["DestinationIpv6CidrBlock"] = r.Dst.String()
	}
	return m
}

func authorizeCall(r network.AuthorizeRules) (string, map[string]any) {
	rule := r.Rules[0]
	p := map[string]any{"IpProtocol": ProtocolText(rule.Protocol)}
	if rule.Ports != network.AnyPort {
		p["FromPort"], p["ToPort"] = rule.Ports.From, rule.Ports.To
	}
	cidr := rule.Peer.(network.PeerCIDR).CIDR
	if cidr.Addr().Is4() {
		p["IpRanges"] = []any{map[string]any{"CidrIp": cidr.String()}}
	} else {
		p["Ipv6Ranges"] = []any{map[string]any{"CidrIpv6": cidr.String()}}
	}
	action := "AuthorizeSecurityGroupIngress"
	if r.Egress {
		action = "AuthorizeSecurityGroupEgress"
	}
	return action, map[string]any{"GroupId": r.Group, "IpPermissions": []any{p}}
}

func entryParameters(r network.CreateACLEntry) map[string]any {
	e := r.Entry
	m := map[string]any{"NetworkAclId": r.ACL, "RuleNumber": e.Number, "Egress": e.Egress, "Protocol": fmt.Sprint(int(e.Protocol)), "RuleAction": "allow"}
	if e.CIDR.Addr().Is4() {
		m["CidrBlock"] = e.CIDR.String()
	} else {
		m["Ipv6CidrBlock"] = e.CIDR.String()
	}
	switch {
	case ported(e.Protocol):
		m["PortRange"] = map[string]any{"From": e.Ports.From, "To": e.Ports.To}
	case e.Protocol == network.ICMP || e.Protocol == network.ICMPv6:
		m["IcmpTypeCode"] = map[string]any{"Type": e.Ports.From, "Code": e.Ports.To}
	}
	return m
}
