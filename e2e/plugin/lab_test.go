package plugin

import (
	"os"
	"testing"
)

// TestLabFromSessions walks the founding lab: the network by the AWS CLI, and all
// that is tried is typed into a session with MarketingServer, under a terminal.
func TestLabFromSessions(t *testing.T) {
	t.Parallel()
	d := serve(t, os.Getuid())
	department := func(name, cidr, subnet string, options ...string) (vpc, table, group, acl string) {
		vpc = d.aws("ec2", "create-vpc", "--cidr-block", cidr, "--query", "Vpc.VpcId")
		s := d.aws("ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", subnet, "--query", "Subnet.SubnetId")
		table = d.aws("ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+vpc, "--query", "RouteTables[0].RouteTableId")
		acl = d.aws("ec2", "describe-network-acls", "--filters", "Name=vpc-id,Values="+vpc, "--query", "NetworkAcls[0].NetworkAclId")
		group = d.aws("ec2", "create-security-group", "--vpc-id", vpc, "--group-name", name, "--description", name, "--query", "GroupId")
		d.booted(d.run(s, group, name+"Server", options...))
		return vpc, table, group, acl
	}
	mvpc, mtable, _, _ := department("Marketing", "10.0.0.0/16", "10.0.1.0/24")
	fvpc, ftable, fgroup, facl := department("Finance", "172.31.0.0/16", "172.31.1.0/24", "--private-ip-address", "172.31.1.199")
	id := func(name string) string {
		return d.aws("ec2", "describe-instances", "--filters", "Name=tag:Name,Values="+name, "--query", "Reservations[0].Instances[0].InstanceId")
	}
	finance := d.session(t, id("FinanceServer"))
	// sudo gives the command a terminal of its own, whose end hangs up what is left on it.
	finance.says("", "sudo sh -c 'trap \"\" HUP; echo the books are balanced >/srv/index.html; cd /srv; python3 -m http.server 80 >/dev/null 2>&1 &'")
	finance.says("the books are balanced", "curl -sS --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1/ 2>/dev/null")
	finance.line("exit")
	finance.closes("")

	marketing := d.session(t, id("MarketingServer"))
	try := func(answered bool) {
		t.Helper()
		page, code := marketing.run("curl -sS -m 1 http://172.31.1.199/ 2>/dev/null")
		if answered && page != "the books are balanced" || !answered && code != 28 {
			t.Fatalf("curl: %q, exit status %d; want an answer: %v", page, code, answered)
		}
		text, code := marketing.run("ping -c 1 -W 1 172.31.1.199")
		if answered != (code == 0) || code > 1 {
			t.Fatalf("ping: exit status %d; want an answer: %v\n%s", code, answered, text)
		}
	}
	try(false)
	pcx := d.aws("ec2", "create-vpc-peering-connection", "--vpc-id", mvpc, "--peer-vpc-id", fvpc, "--query", "VpcPeeringConnection.VpcPeeringConnectionId")
	d.aws("ec2", "accept-vpc-peering-connection", "--vpc-peering-connection-id", pcx)
	d.aws("ec2", "create-route", "--route-table-id", mtable, "--destination-cidr-block", "172.31.0.0/16", "--vpc-peering-connection-id", pcx)
	try(false)
	d.aws("ec2", "create-route", "--route-table-id", ftable, "--destination-cidr-block", "10.0.0.0/16", "--vpc-peering-connection-id", pcx)
	try(false)
	d.aws("ec2", "authorize-security-group-ingress", "--group-id", fgroup, "--protocol", "tcp", "--port", "80", "--cidr", "10.0.0.0/16")
	d.aws("ec2", "authorize-security-group-ingress", "--group-id", fgroup, "--ip-permissions", "IpProtocol=icmp,FromPort=8,ToPort=-1,IpRanges=[{CidrIp=10.0.0.0/16}]")
	try(true)
	d.aws("ec2", "create-network-acl-entry", "--network-acl-id", facl, "--ingress", "--rule-number", "50", "--protocol", "-1", "--cidr-block", "10.0.0.0/16", "--rule-action", "deny")
	try(false)
	d.aws("ec2", "delete-network-acl-entry", "--network-acl-id", facl, "--ingress", "--rule-number", "50")
	try(true)
	d.aws("ec2", "delete-vpc-peering-connection", "--vpc-peering-connection-id", pcx)
	try(false)
	marketing.line("exit")
	marketing.closes("")
}
