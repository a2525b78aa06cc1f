package plugin

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// department is one VPC of the founding lab with its server.
type department struct {
	vpc, cidr, cidr6, table, group, acl string
	server, instance, addr, addr6       string
}

// department makes a VPC with IPv4 and IPv6 and a server in it.
func (d *daemon) department(name, cidr, subnet, addr string) *department {
	d.t.Helper()
	x := &department{cidr: cidr, server: name + "Server", addr: addr}
	x.vpc = d.aws("ec2", "create-vpc", "--cidr-block", cidr, "--amazon-provided-ipv6-cidr-block", "--query", "Vpc.VpcId")
	eventually(d.t, "the IPv6 block", func() bool {
		x.cidr6 = d.aws("ec2", "describe-vpcs", "--vpc-ids", x.vpc, "--query", "Vpcs[0].Ipv6CidrBlockAssociationSet[?Ipv6CidrBlockState.State=='associated'].Ipv6CidrBlock")
		return x.cidr6 != ""
	})
	s := d.aws("ec2", "create-subnet", "--vpc-id", x.vpc, "--cidr-block", subnet, "--ipv6-cidr-block", strings.TrimSuffix(x.cidr6, "56")+"64", "--query", "Subnet.SubnetId")
	x.table = d.aws("ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+x.vpc, "--query", "RouteTables[0].RouteTableId")
	x.acl = d.aws("ec2", "describe-network-acls", "--filters", "Name=vpc-id,Values="+x.vpc, "--query", "NetworkAcls[0].NetworkAclId")
	x.group = d.aws("ec2", "create-security-group", "--vpc-id", x.vpc, "--group-name", name, "--description", name, "--query", "GroupId")
	options := []string{"--ipv6-address-count", "1"}
	if addr != "" {
		options = append(options, "--private-ip-address", addr)
	}
	x.instance = d.run(s, x.group, x.server, options...)
	d.booted(x.instance)
	got := strings.Fields(d.aws("ec2", "describe-instances", "--instance-ids", x.instance,
		"--query", "Reservations[0].Instances[0].[PrivateIpAddress,NetworkInterfaces[0].Ipv6Addresses[0].Ipv6Address]"))
	x.addr, x.addr6 = got[0], got[1]
	return x
}

// peer asks for a peering and accepts it.
func (d *daemon) peer(a, b *department) string {
	d.t.Helper()
	pcx := d.aws("ec2", "create-vpc-peering-connection", "--vpc-id", a.vpc, "--peer-vpc-id", b.vpc, "--query", "VpcPeeringConnection.VpcPeeringConnectionId")
	d.aws("ec2", "accept-vpc-peering-connection", "--vpc-peering-connection-id", pcx)
	return pcx
}

// route leads from one department to another, in both families.
func (d *daemon) route(from, to *department, pcx string) {
	d.t.Helper()
	d.aws("ec2", "create-route", "--route-table-id", from.table, "--destination-cidr-block", to.cidr, "--vpc-peering-connection-id", pcx)
	d.aws("ec2", "create-route", "--route-table-id", from.table, "--destination-ipv6-cidr-block", to.cidr6, "--vpc-peering-connection-id", pcx)
}

// allow lets HTTP and ping from one department into another's group.
func (d *daemon) allow(to, from *department) {
	d.t.Helper()
	d.aws("ec2", "authorize-security-group-ingress", "--group-id", to.group, "--ip-permissions",
		fmt.Sprintf("IpProtocol=tcp,FromPort=80,ToPort=80,IpRanges=[{CidrIp=%s}],Ipv6Ranges=[{CidrIpv6=%s}]", from.cidr, from.cidr6),
		fmt.Sprintf("IpProtocol=icmp,FromPort=8,ToPort=-1,IpRanges=[{CidrIp=%s}]", from.cidr),
		fmt.Sprintf("IpProtocol=icmpv6,FromPort=128,ToPort=0,Ipv6Ranges=[{CidrIpv6=%s}]", from.cidr6))
}

// drops are the packets dropped so far, by cause.
func (d *daemon) drops() map[string]int {
	d.t.Helper()
	var list []struct {
		Cause   string
		Packets int
	}
	if err := json.Unmarshal([]byte(output(d.t, d.command("tombolo", "status", "--drops", "-o", "json"))), &list); err != nil {
		d.t.Fatal(err)
	}
	out := map[string]int{}
	for _, one := range list {
		out[one.Cause] += one.Packets
	}
	return out
}

// codes are the causes that the analyzer names, in order.
func (d *daemon) codes(from, to *department) []string {
	d.t.Helper()
	out, _ := d.command("tombolo", "reach", from.instance, to.instance, "--port", "80", "-o", "json").Output() // 1 when not reachable
	var answer struct {
		Causes []struct{ Code string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	var codes []string
	for _, c := range answer.Causes {
		codes = append(codes, c.Code)
	}
	return codes
}

// try types curl and ping into a session with from, to both addresses of to. Either
// all is answered (cause ""), or nothing is, nothing is refused, the plane counted
// packets for the cause, and the analyzer names the code first.
func (d *daemon) try(s *session, from, to *department, cause, code string) {
	s.t.Helper()
	before := d.drops()
	for _, c := range []struct {
		command string
		silent  int
	}{
		{"curl -sS -o /dev/null -m 1 http://" + to.addr + "/ 2>/dev/null", 28},
		{"curl -sS -o /dev/null -m 1 'http://[" + to.addr6 + "]/' 2>/dev/null", 28},
		{"ping -c 1 -W 1 " + to.addr + " >/dev/null", 1},
		{"ping -c 1 -W 1 " + to.addr6 + " >/dev/null", 1},
	} {
		want := 0
		if cause != "" {
			want = c.silent
		}
		if text, got := s.run(c.command); got != want {
			s.t.Errorf("%s: exit status %d, want %d (%s)\n%s", c.command, got, want, cause, text)
		}
	}
	if after := d.drops(); cause != "" && after[cause] < before[cause]+4 {
		s.t.Errorf("%s: dropped before %v, after %v", cause, before, after)
	}
	codes := d.codes(from, to)
	if cause == "" && len(codes) > 0 || cause != "" && (len(codes) == 0 || codes[0] != code) {
		s.t.Errorf("the analyzer says %v, want %q first", codes, code)
	}
}

// TestLabFromSessions walks the founding lab: the network by the AWS CLI, and all
// that is tried is typed into sessions, under a terminal, by AWS's own plugin.
func TestLabFromSessions(t *testing.T) {
	t.Parallel()
	d := serve(t, os.Getuid())
	m := d.department("Marketing", "10.0.0.0/16", "10.0.1.0/24", "")
	v := d.department("Developer", "192.168.0.0/20", "192.168.1.0/24", "")
	f := d.department("Finance", "172.31.0.0/16", "172.31.1.0/24", "172.31.1.199")
	finance := d.session(t, f.instance)
	// sudo gives the command a terminal of its own, whose end hangs up what is left on it.
	finance.says("", "sudo sh -c 'trap \"\" HUP; echo the books are balanced >/srv/index.html; cd /srv; python3 -m http.server 80 --bind :: >/dev/null 2>&1 &'")
	finance.says("the books are balanced", "curl -sS --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1/ 2>/dev/null")
	finance.line("exit")
	finance.closes("")

	marketing, developer := d.session(t, m.instance), d.session(t, v.instance)
	d.try(marketing, m, f, "no-route", "NO_ROUTE_TO_DESTINATION")
	mf := d.peer(m, f)
	d.try(marketing, m, f, "no-route", "NO_ROUTE_TO_DESTINATION")
	d.route(m, f, mf)
	d.try(marketing, m, f, "sg-denied", "SG_HAS_NO_RULES")
	if codes := d.codes(m, f); !slices.Contains(codes, "NO_ROUTE_TO_DESTINATION") {
		t.Errorf("two causes are left, the group and the way back; the analyzer says %v", codes)
	}
	d.route(f, m, mf)
	d.try(marketing, m, f, "sg-denied", "SG_HAS_NO_RULES")
	if codes := d.codes(m, f); len(codes) != 1 {
		t.Errorf("one cause is left; the analyzer says %v", codes)
	}
	d.allow(f, m)
	d.try(marketing, m, f, "", "")
	deny := []string{"--network-acl-id", f.acl, "--ingress", "--rule-number"}
	d.aws(append([]string{"ec2", "create-network-acl-entry", "--protocol", "-1", "--rule-action", "deny", "--cidr-block", m.cidr}, append(deny, "50")...)...)
	d.aws(append([]string{"ec2", "create-network-acl-entry", "--protocol", "-1", "--rule-action", "deny", "--ipv6-cidr-block", m.cidr6}, append(deny, "51")...)...)
	d.try(marketing, m, f, "acl-denied", "SUBNET_ACL_RESTRICTION")
	d.aws(append([]string{"ec2", "delete-network-acl-entry"}, append(deny, "50")...)...)
	d.aws(append([]string{"ec2", "delete-network-acl-entry"}, append(deny, "51")...)...)
	d.try(marketing, m, f, "", "")

	vf := d.peer(v, f)
	d.route(v, f, vf)
	d.try(developer, v, f, "sg-denied", "ENI_SG_RULES_MISMATCH")
	d.route(f, v, vf)
	d.allow(f, v)
	d.try(developer, v, f, "", "")
	// Peering is not transitive, whatever routes there are and whoever forwards.
	d.route(m, v, mf)
	d.route(v, m, vf)
	d.aws("ec2", "modify-network-interface-attribute", "--no-source-dest-check", "--network-interface-id",
		d.aws("ec2", "describe-instances", "--instance-ids", f.instance, "--query", "Reservations[0].Instances[0].NetworkInterfaces[0].NetworkInterfaceId"))
	d.try(marketing, m, v, "not-in-peer-cidr", "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR")
	d.aws("ec2", "delete-vpc-peering-connection", "--vpc-peering-connection-id", mf)
	d.try(marketing, m, f, "blackhole", "BAD_STATE_ROUTE")
	d.try(developer, v, f, "", "")
	for _, s := range []*session{marketing, developer} {
		s.line("exit")
		s.closes("")
	}
}
