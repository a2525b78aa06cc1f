package linux

import (
	"fmt"

	"tombolo/network"
)

// compileACLs makes the chains of each network ACL that guards an open port.
func (j *job) compileACLs() {
	for id := range j.acls {
		j.compileACL(id)
	}
}

func (j *job) compileACL(id network.ACLID) {
	a := j.s.ACL(id)
	j.unit(string(id), []any{a}, func() *unit { return aclUnit(id, a) })
}

func aclChain(id network.ACLID, egress bool) string { return string(id) + "." + direction(egress) }

func direction(egress bool) string {
	if egress {
		return "egress"
	}
	return "ingress"
}

// aclUnit is a network ACL: entries in order, the first that matches decides,
// the end denies (AWS: Network ACL rules). An ACL that does not exist denies.
func aclUnit(id network.ACLID, a *network.ACL) *unit {
	u := &unit{concern: concern{acl: id}}
	for _, f := range []Family{V4, V6} {
		for _, egress := range []bool{true, false} {
			var rules []Rule
			if a != nil {
				for _, e := range a.Entries {
					if e.Egress == egress && familyOf(e.CIDR.Addr()) == f {
						rules = append(rules, u.aclRule(f, id, e))
					}
				}
			}
			last := u.counter(f, Cause{Why: "acl-denied", At: string(id), Direction: direction(egress), Entry: "*"})
			u.chain(f, aclChain(id, egress), nil, append(rules, rule(f, last, toRefused(egress)))...)
		}
	}
	return u
}

func (u *unit) aclRule(f Family, id network.ACLID, e network.ACLEntry) Rule {
	field := Source
	if e.Egress {
		field = Destination
	}
	var s []Statement
	if e.CIDR.Bits() > 0 {
		s = append(s, OfPrefix{field, e.CIDR})
	}
	s = append(s, service(e.Protocol, e.Ports)...)
	if e.Allow {
		return rule(f, append(s, back)...)
	}
	count := u.counter(f, Cause{Why: "acl-denied", At: string(id), Direction: direction(e.Egress), Entry: fmt.Sprint(e.Number)})
	return rule(f, append(s, count, toRefused(e.Egress))...)
}

// service matches a protocol and its ports, or ICMP type and code.
func service(p network.Protocol, r network.PortRange) []Statement {
	if p == network.AnyProtocol {
		return nil
	}
	s := []Statement{OfProtocol{uint8(p)}}
	switch p {
	case network.TCP, network.UDP:
		if r != network.AnyPort && (r.From > 0 || r.To < 65535) {
			s = append(s, OfPorts{uint16(r.From), uint16(r.To)})
		}
	case network.ICMP, network.ICMPv6:
		if r.From >= 0 {
			s = append(s, OfICMP{From: uint8(r.From), To: uint8(r.From)})
		}
		if r.From >= 0 && r.To >= 0 {
			s = append(s, OfICMP{Code: true, From: uint8(r.To), To: uint8(r.To)})
		}
	}
	return s
}
