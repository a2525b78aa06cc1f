// Package scenario reads and runs scenarios: text files that say what a network
// looks like, which packets are sent and what becomes of them. They are the
// executable specification: the same file is played on every engine, and a
// network engineer who never saw the code can read it.
//
// A line is a statement; "#" begins a comment, and the file's first line is one
// that says which rule of AWS it shows. Statements change the network, in order,
// through the same requests as the EC2 API. Questions (send, flow, packet, arp)
// are asked of the network as it is then; a line "----" ends a run of questions,
// and below it stands one outcome for each, up to an empty line.
//
//	vpc NAME CIDR… [ipv6] [account NUMBER] [region NAME]
//	vpc NAME default                     the VPC that every account has
//	subnet NAME in VPC CIDR [ipv6]
//	table NAME in VPC [for SUBNET…]      a route table; VPC.main is there from the start
//	table NAME for SUBNET…               SUBNET then follows NAME, which may be VPC.main
//	route TABLE DST TARGET               TARGET: a peering, eni or instance, or local;
//	                                     the same DST again replaces the route
//	route TABLE DST deleted
//	peering NAME VPC VPC STATE           STATE: pending, active, rejected, expired, deleted, failed
//	peering NAME STATE
//	sg NAME [in VPC] [RULE]              without "in VPC" it is made wherever it is used
//	sg NAME RULE                         RULE: allow PROTO from|to PEER, or
//	                                     revoke PROTO from|to PEER
//	acl NAME in VPC [for SUBNET…]        VPC.acl, the default one, is there from the start
//	acl NAME for SUBNET…
//	acl NAME in|out NUMBER allow|deny PROTO CIDR
//	acl NAME in|out NUMBER deleted
//	eni NAME in SUBNET ADDR… [ipv6] [sg SG…] [unchecked] [detached]
//	eni NAME sg SG…                      these groups from now on
//	eni NAME check on|off                the source/destination check
//	eni NAME add ADDR…|ipv6              secondary addresses
//	eni NAME drop ADDR…|ipv6
//	instance NAME ENI…                   one machine with several interfaces
//	instance NAME stopped|started|terminated
//	close NAME PROTO                     nothing listens there
//
//	send SRC DST PROTO [OPTION…]                asks and awaits the answer
//	flow NAME SRC DST PROTO [OPTION…]           opens a conversation that is kept
//	flow NAME                                   the conversation goes on
//	packet SRC DST PROTO [from ADDR]            one packet, one way, from any source
//	arp SRC ADDR                                does anybody on SRC's wire own ADDR?
//	skip ENGINE: REASON                         the engine asks nothing more of this file
//	OPTION: size BYTES, df (don't fragment), ttl HOPS, sport PORT (the sender's)
//
// PROTO is any, tcp, udp, icmp, icmpv6 or a number, with ports or an ICMP type:
// tcp/80, udp/5000-5100, icmp/8. SRC and DST are the names of an eni; NAME/2 is its
// second address and NAME.ipv6 its IPv6 address. DST may be any address. Wherever
// a CIDR stands, VPC.ipv6, SUBNET.ipv6 and ENI.ipv6 may. An eni that no instance
// line names is a machine of its own. A machine with an unchecked eni forwards
// packets. Every machine answers on every port that is asked for and not closed.
//
// Outcomes: delivered [seen as ADDR] [mtu N], refused, no reply[: CAUSE]; of a
// packet arrived or dropped[: CAUSE]; of arp answered or silent. A CAUSE says
// what dropped which packet: "sg-denied at db ingress", "acl-denied at acl:web
// egress rule 100", "no-route at b.main for 10.0.1.10".
package scenario
