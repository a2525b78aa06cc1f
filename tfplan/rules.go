package tfplan

import (
	"cmp"
	"fmt"
	"slices"
)

// createGroup makes a group as Terraform does: without the rule that lets
// everything out.
func createGroup(w *work) {
	name := cmp.Or(w.of.get("name"), "terraform-"+w.change.Name)
	group := between(w.do("CreateSecurityGroup", append([]string{"GroupName", name, "GroupDescription", cmp.Or(w.of.get("description"), "Managed by Terraform"),
		"VpcId", w.get("vpc_id")}, w.named("security-group")...)...), "groupId")
	w.do("RevokeSecurityGroupEgress", "GroupId", group, "IpPermissions.1.IpProtocol", "-1", "IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0")
	if w.err == nil {
		// Where the VPC has no IPv6 there is no such rule.
		_, _ = w.call("Action=RevokeSecurityGroupEgress&GroupId=" + group + "&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::/0")
	}
	w.made("id", group)
	for _, way := range []string{"Ingress", "Egress"} {
		for _, r := range w.blocks(w.of, lowered(way)) {
			w.inlineRule("Authorize", way, group, r)
		}
	}
}

func updateGroup(w *work) {
	group := w.get("id")
	for _, way := range []string{"Ingress", "Egress"} {
		was, is := w.blocks(w.change.Change.Before, lowered(way)), w.blocks(w.of, lowered(way))
		for _, r := range was {
			if !slices.ContainsFunc(is, r.like) {
				w.inlineRule("Revoke", way, group, r)
			}
		}
		for _, r := range is {
			if !slices.ContainsFunc(was, r.like) {
				w.inlineRule("Authorize", way, group, r)
			}
		}
	}
}

func lowered(way string) string {
	return map[string]string{"Ingress": "ingress", "Egress": "egress"}[way]
}

// inlineRule is a block of a group, of which each peer is a rule.
func (w *work) inlineRule(verb, way, group string, r object) {
	peers := peersOf(r.list("cidr_blocks"), r.list("ipv6_cidr_blocks"), r.list("security_groups"))
	if r.get("self") == "true" {
		peers = append(peers, "Groups.1.GroupId", group)
	}
	w.permit(verb, way, group, []string{r.get("protocol"), r.get("from_port"), r.get("to_port")}, peers)
}

// peersOf are the parameters of peers, by their kind.
func peersOf(four, six, groups []string) []string {
	var out []string
	for i, c := range four {
		out = append(out, fmt.Sprintf("IpRanges.%d.CidrIp", i+1), c)
	}
	for i, c := range six {
		out = append(out, fmt.Sprintf("Ipv6Ranges.%d.CidrIpv6", i+1), c)
	}
	for i, g := range groups {
		out = append(out, fmt.Sprintf("Groups.%d.GroupId", i+2), g)
	}
	return out
}

// permit authorizes or revokes; traffic is protocol, first and last port.
func (w *work) permit(verb, way, group string, traffic, peers []string) {
	params := []string{"GroupId", group, "IpPermissions.1.IpProtocol", traffic[0]}
	if traffic[0] != "-1" {
		params = append(params, "IpPermissions.1.FromPort", traffic[1], "IpPermissions.1.ToPort", traffic[2])
	}
	for i := 0; i < len(peers); i += 2 {
		params = append(params, "IpPermissions.1."+peers[i], peers[i+1])
	}
	answer := w.do(verb+"SecurityGroup"+way, params...)
	if verb == "Authorize" {
		w.made("rule", between(answer, "securityGroupRuleId"))
	}
}

// ruleBy is an aws_security_group_rule.
func ruleBy(verb string) func(*work) {
	return func(w *work) {
		way := map[string]string{"ingress": "Ingress", "egress": "Egress"}[w.get("type")]
		group := w.get("security_group_id")
		peers := peersOf(w.list("cidr_blocks"), w.list("ipv6_cidr_blocks"), nil)
		if w.change.expressions["source_security_group_id"] != nil || w.of.get("source_security_group_id") != "" {
			peers = append(peers, "Groups.1.GroupId", w.get("source_security_group_id"))
		}
		if w.of.get("self") == "true" {
			peers = append(peers, "Groups.2.GroupId", group)
		}
		w.permit(verb, way, group, []string{w.get("protocol"), w.get("from_port"), w.get("to_port")}, peers)
	}
}

// oneRuleBy is an aws_vpc_security_group_ingress_rule or _egress_rule.
func oneRuleBy(verb, way string) func(*work) {
	return func(w *work) {
		var four, six []string
		if c := w.get("cidr_ipv4"); c != "" {
			four = []string{c}
		}
		if c := w.get("cidr_ipv6"); c != "" {
			six = []string{c}
		}
		peers := peersOf(four, six, nil)
		if g := w.get("referenced_security_group_id"); g != "" {
			peers = append(peers, "Groups.1.GroupId", g)
		}
		w.permit(verb, way, w.get("security_group_id"), []string{w.get("ip_protocol"), w.get("from_port"), w.get("to_port")}, peers)
	}
}

func revokeOne(way string) func(*work) {
	return func(w *work) {
		w.do("RevokeSecurityGroup"+way, "GroupId", w.get("security_group_id"), "SecurityGroupRuleId.1", w.get("id"))
	}
}
