package lab

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tombolo/client"
)

// financeBoot is FinanceServer's user data: a page and a server for it.
const financeBoot = `#!/bin/sh
# FinanceServer serves one page on port 80, IPv4 and IPv6.
mkdir -p /srv/www
echo "FinanceServer: the books are balanced" > /srv/www/index.html
if command -v python3 >/dev/null; then
  cd /srv/www && exec setsid python3 -m http.server 80 --bind :: --protocol HTTP/1.1 >/dev/null 2>&1 &
else
  exec setsid tombolo probe serve http :80 >/dev/null 2>&1 &
fi
echo "http server started"
`

// labImage is a name that every Region's catalogue has under its alias.
const labImageName = "al2023-ami-*-x86_64"

// build makes the three departments and looks at what came with them.
func (p *play) build(ctx context.Context) error {
	if err := p.raise(ctx); err != nil {
		return err
	}
	return p.inspect(ctx)
}

// raise makes the three departments.
func (p *play) raise(ctx context.Context) error {
	images, err := p.quiet(ctx, "describe-images", as("", "Filter.1.Name", "name", "Filter.1.Value.1", labImageName))
	if err != nil {
		return err
	}
	if len(images.Items("imagesSet")) == 0 {
		return fmt.Errorf("no image is named %s", labImageName)
	}
	image := images.Items("imagesSet")[0].Text("imageId")
	for _, d := range p.departments {
		if err := p.buildVPC(ctx, d); err != nil {
			return err
		}
		if err := p.buildServer(ctx, d, image); err != nil {
			return err
		}
	}
	for _, d := range p.departments {
		if err := p.awaitRunning(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) buildVPC(ctx context.Context, d *department) error {
	made, err := p.aws(ctx, "create-vpc", opt("cidr-block", d.cidr),
		as("--amazon-provided-ipv6-cidr-block", "AmazonProvidedIpv6CidrBlock", "true"), p.named("vpc", d.name))
	if err != nil {
		return err
	}
	d.vpc = made.Text("vpc.vpcId")
	if _, err := p.until(ctx, "the IPv6 block", 5*time.Second, func() (bool, error) {
		vpcs, err := p.quiet(ctx, "describe-vpcs", as("", "VpcId.1", d.vpc))
		if err != nil {
			return false, err
		}
		d.cidr6 = vpcs.Items("vpcSet")[0].Text("ipv6CidrBlockAssociationSet.item.ipv6CidrBlock")
		return d.cidr6 != "", nil
	}); err != nil {
		return err
	}
	whole, err := netip.ParsePrefix(d.cidr6)
	if err != nil {
		return fmt.Errorf("IPv6 block of %s: %w", d.name, err)
	}
	made, err = p.aws(ctx, "create-subnet", opt("vpc-id", d.vpc), opt("cidr-block", d.subnetCIDR),
		opt("ipv6-cidr-block", netip.PrefixFrom(whole.Addr(), 64).String()), p.named("subnet", d.name+"Subnet"))
	if err != nil {
		return err
	}
	d.subnet = made.Text("subnet.subnetId")
	made, err = p.aws(ctx, "create-security-group", opt("group-name", strings.ToLower(d.server)),
		as("--description '"+d.server+"'", "GroupDescription", d.server), opt("vpc-id", d.vpc))
	if err != nil {
		return err
	}
	d.group = made.Text("groupId")
	return nil
}

func (p *play) buildServer(ctx context.Context, d *department, image string) error {
	options := []option{opt("image-id", image), opt("instance-type", "t3.micro"), as("--count 1", "MinCount", "1", "MaxCount", "1"),
		opt("subnet-id", d.subnet), as("--security-group-ids "+d.group, "SecurityGroupId.1", d.group), opt("ipv6-address-count", "1")}
	if d.address != "" {
		options = append(options, opt("private-ip-address", d.address),
			as("--user-data file://finance.sh", "UserData", base64.StdEncoding.EncodeToString([]byte(financeBoot))))
	}
	made, err := p.aws(ctx, "run-instances", append(options, p.named("instance", d.server))...)
	if err != nil {
		return err
	}
	d.instance = made.Items("instancesSet")[0].Text("instanceId")
	return nil
}

// awaitRunning waits for a server to run and notes its addresses.
func (p *play) awaitRunning(ctx context.Context, d *department) error {
	start := time.Now()
	var found *client.Node
	ok, err := p.until(ctx, d.server+" boots", 30*time.Second, func() (bool, error) {
		tree, err := p.quiet(ctx, "describe-instances", as("", "InstanceId.1", d.instance))
		if err != nil {
			return false, err
		}
		found = tree.Items("reservationSet")[0].Items("instancesSet")[0]
		return found.Text("instanceState.name") == "running", nil
	})
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s is still %s after 30 s", d.server, found.Text("instanceState.name"))
	}
	d.address, d.eni = found.Text("privateIpAddress"), found.Text("networkInterfaceSet.item.networkInterfaceId")
	d.addr6 = found.Text("networkInterfaceSet.item.ipv6AddressesSet.item.ipv6Address")
	must := d.server + " runs"
	if d == p.finance {
		must = "FinanceServer runs at 172.31.1.199"
	}
	p.note(Check{Must: must, Seen: fmt.Sprintf("%s running at %s and %s", d.instance, d.address, d.addr6),
		OK: d.addr6 != "" && (d != p.finance || d.address == "172.31.1.199"), Took: time.Since(start)})
	return nil
}

// inspect looks at what every VPC must have of its own.
func (p *play) inspect(ctx context.Context) error {
	seen := map[string]bool{}
	for _, d := range p.departments {
		in := as("--filters Name=vpc-id,Values="+d.vpc, "Filter.1.Name", "vpc-id", "Filter.1.Value.1", d.vpc)
		tables, err := p.aws(ctx, "describe-route-tables", in)
		if err != nil {
			return err
		}
		acls, err := p.quiet(ctx, "describe-network-acls", in)
		if err != nil {
			return err
		}
		if len(tables.Items("routeTableSet")) != 1 || len(acls.Items("networkAclSet")) != 1 {
			return fmt.Errorf("%s has %d route tables and %d network ACLs, want one each", d.name,
				len(tables.Items("routeTableSet")), len(acls.Items("networkAclSet")))
		}
		d.table = tables.Items("routeTableSet")[0].Text("routeTableId")
		d.acl = acls.Items("networkAclSet")[0].Text("networkAclId")
		for _, id := range []string{d.vpc, d.subnet, d.table, d.group, d.acl} {
			seen[id] = true
		}
	}
	p.check("each VPC has a subnet, route table, security group and network ACL of its own", len(seen) == 15, "%d different ones", len(seen))
	vpcs, err := p.aws(ctx, "describe-vpcs")
	if err != nil {
		return err
	}
	standard := 0
	for _, v := range vpcs.Items("vpcSet") {
		if v.Text("isDefault") == "true" && v.Text("cidrBlock") == p.finance.cidr {
			standard++
		}
	}
	p.check("the default VPC, with Finance's CIDR, stands beside them", standard == 1 && len(vpcs.Items("vpcSet")) == 4,
		"%d VPCs, %d of them default with %s", len(vpcs.Items("vpcSet")), standard, p.finance.cidr)
	return p.awaitServer(ctx)
}

// awaitServer waits until FinanceServer's own HTTP server answers inside it, so
// that a silent probe later is the network's doing.
func (p *play) awaitServer(ctx context.Context) error {
	start := time.Now()
	ok, err := p.until(ctx, "FinanceServer's user data", 20*time.Second, func() (bool, error) {
		code, err := p.w.Run(ctx, p.finance.server, func(string) {}, "tombolo", "probe", "--timeout", "200ms", "http", "http://127.0.0.1/")
		return code == answered, err
	})
	if err != nil {
		return err
	}
	p.note(Check{Must: "FinanceServer's HTTP server, started by its user data, answers inside it", Seen: verdict(map[bool]int{true: answered, false: silent}[ok]), OK: ok, Took: time.Since(start)})
	return nil
}

// isolated: VPCs are isolated by default.
func (p *play) isolated(ctx context.Context) error {
	return p.claimed(ctx, 2)
}

// peer requests and accepts the first peering.
func (p *play) peer(ctx context.Context) error {
	id, err := p.makePeering(ctx, p.marketing)
	if err != nil {
		return err
	}
	p.marketPeer = id
	return p.claimed(ctx, 3)
}

// makePeering connects a department to Finance.
func (p *play) makePeering(ctx context.Context, d *department) (string, error) {
	made, err := p.aws(ctx, "create-vpc-peering-connection", opt("vpc-id", d.vpc), opt("peer-vpc-id", p.finance.vpc),
		p.named("vpc-peering-connection", d.name+"-Finance"))
	if err != nil {
		return "", err
	}
	id := made.Text("vpcPeeringConnection.vpcPeeringConnectionId")
	if err := p.status(ctx, id, "pending-acceptance"); err != nil {
		return "", err
	}
	if _, err := p.aws(ctx, "accept-vpc-peering-connection", opt("vpc-peering-connection-id", id)); err != nil {
		return "", err
	}
	return id, p.status(ctx, id, "active")
}

// status waits for a peering to come to a status and checks it.
func (p *play) status(ctx context.Context, id, want string) error {
	start, got := time.Now(), ""
	ok, err := p.until(ctx, "peering "+want, 5*time.Second, func() (bool, error) {
		tree, err := p.quiet(ctx, "describe-vpc-peering-connections", as("", "VpcPeeringConnectionId.1", id))
		if err != nil {
			return false, err
		}
		got = tree.Items("vpcPeeringConnectionSet")[0].Text("status.code")
		return got == want, nil
	})
	if err != nil {
		return err
	}
	p.note(Check{Must: "the peering is " + want, Seen: id + " " + got, OK: ok, Took: time.Since(start)})
	return nil
}

// route adds a route for both of a department's blocks.
func (p *play) route(ctx context.Context, from, to *department, peering string) error {
	for _, dst := range []option{opt("destination-cidr-block", to.cidr), opt("destination-ipv6-cidr-block", to.cidr6)} {
		if _, err := p.aws(ctx, "create-route", opt("route-table-id", from.table), dst, opt("vpc-peering-connection-id", peering)); err != nil {
			return err
		}
	}
	return nil
}

// routeThere: the request now gets as far as FinanceServer's security group.
func (p *play) routeThere(ctx context.Context) error {
	if err := p.route(ctx, p.marketing, p.finance, p.marketPeer); err != nil {
		return err
	}
	return p.claimed(ctx, 4)
}

// routeBack: one cause is left, the security group.
func (p *play) routeBack(ctx context.Context) error {
	if err := p.route(ctx, p.finance, p.marketing, p.marketPeer); err != nil {
		return err
	}
	return p.claimed(ctx, 5)
}

// allow: the rule is the last thing that was missing; it works at once.
func (p *play) allow(ctx context.Context) error {
	if err := p.authorize(ctx, p.marketing); err != nil {
		return err
	}
	return p.claimed(ctx, 6)
}

// authorize lets a department's TCP 80 and ping into FinanceServer's group.
func (p *play) authorize(ctx context.Context, d *department) error {
	rule := func(n, protocol, from, to, cidr, cidr6 string) (string, []string) {
		at := "IpPermissions." + n + "."
		params := []string{at + "IpProtocol", protocol, at + "FromPort", from, at + "ToPort", to}
		typed := fmt.Sprintf("IpProtocol=%s,FromPort=%s,ToPort=%s", protocol, from, to)
		if cidr != "" {
			typed += ",IpRanges=[{CidrIp=" + cidr + "}]"
			params = append(params, at+"IpRanges.1.CidrIp", cidr)
		}
		if cidr6 != "" {
			typed += ",Ipv6Ranges=[{CidrIpv6=" + cidr6 + "}]"
			params = append(params, at+"Ipv6Ranges.1.CidrIpv6", cidr6)
		}
		return "'" + typed + "'", params
	}
	web, webParams := rule("1", "tcp", "80", "80", d.cidr, d.cidr6)
	ping, pingParams := rule("2", "icmp", "8", "-1", d.cidr, "")
	ping6, ping6Params := rule("3", "icmpv6", "128", "0", "", d.cidr6)
	params := append(append(webParams, pingParams...), ping6Params...)
	_, err := p.aws(ctx, "authorize-security-group-ingress", opt("group-id", p.finance.group),
		as("--ip-permissions "+web+" "+ping+" "+ping6, params...))
	return err
}

// cut: a network ACL is stateless and cuts even an established connection.
func (p *play) cut(ctx context.Context) error {
	talk := p.converse(ctx, p.marketing, p.finance)
	defer talk.close()
	if took, ok := talk.wait("answered", 5*time.Second); !ok {
		return fmt.Errorf("no HTTP connection from MarketingServer to FinanceServer after %v", took)
	}
	for _, e := range []struct{ number, family, cidr string }{{"50", "cidr-block", p.marketing.cidr}, {"51", "ipv6-cidr-block", p.marketing.cidr6}} {
		if _, err := p.aws(ctx, "create-network-acl-entry", opt("network-acl-id", p.finance.acl), as("--ingress", "Egress", "false"),
			opt("rule-number", e.number), opt("protocol", "-1"), opt(e.family, e.cidr), opt("rule-action", "deny")); err != nil {
			return err
		}
	}
	talk.clear()
	took, ok := talk.wait("silent", 2*time.Second)
	p.note(Check{Must: "the established connection is cut at once", Seen: map[bool]string{true: "silent", false: "still answered"}[ok], OK: ok, Took: took})
	if err := p.claimed(ctx, 7); err != nil {
		return err
	}
	for _, number := range []string{"50", "51"} {
		if _, err := p.aws(ctx, "delete-network-acl-entry", opt("network-acl-id", p.finance.acl), as("--ingress", "Egress", "false"), opt("rule-number", number)); err != nil {
			return err
		}
	}
	talk.clear()
	took, ok = talk.wait("answered", 10*time.Second)
	p.note(Check{Must: "the same connection goes on when the entry is gone (TCP tries again by itself)", Seen: map[bool]string{true: "answered", false: "still silent"}[ok], OK: ok, Took: took})
	return p.claimed(ctx, 6)
}

// developerToo repeats steps 3 to 6 for the second department.
func (p *play) developerToo(ctx context.Context) error {
	if err := p.unreachable(ctx, claim{p.developer, p.finance, "no-route", []string{p.developer.table}, []string{noRoute + p.developer.table,
		onlyLocal + p.developer.table, apart + p.developer.vpc, mismatch + p.finance.eni, noRoute + p.finance.table}}); err != nil {
		return err
	}
	id, err := p.makePeering(ctx, p.developer)
	if err != nil {
		return err
	}
	p.developPeer = id
	if err := p.route(ctx, p.developer, p.finance, id); err != nil {
		return err
	}
	if err := p.route(ctx, p.finance, p.developer, id); err != nil {
		return err
	}
	if err := p.unreachable(ctx, claim{p.developer, p.finance, "sg-denied", []string{p.finance.eni, p.finance.group}, []string{mismatch + p.finance.eni}}); err != nil {
		return err
	}
	if err := p.authorize(ctx, p.developer); err != nil {
		return err
	}
	return p.claimed(ctx, 8)
}

// notTransitive: whatever routes are added, Marketing never reaches Developer.
func (p *play) notTransitive(ctx context.Context) error {
	if err := p.unreachable(ctx, claim{p.marketing, p.developer, "no-route", []string{p.marketing.table},
		[]string{noRoute + p.marketing.table, apart + p.marketing.vpc, noRules + p.developer.group, noRoute + p.developer.table}}); err != nil {
		return err
	}
	if err := p.route(ctx, p.marketing, p.developer, p.marketPeer); err != nil {
		return err
	}
	if err := p.route(ctx, p.developer, p.marketing, p.developPeer); err != nil {
		return err
	}
	if _, err := p.aws(ctx, "modify-network-interface-attribute", opt("network-interface-id", p.finance.eni),
		as("--no-source-dest-check", "SourceDestCheck.Value", "false")); err != nil {
		return err
	}
	if code, err := p.w.Run(ctx, p.finance.server, func(string) {}, "sudo", "/bin/sh", "-c",
		"echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"); err != nil || code != 0 {
		return errors.Join(fmt.Errorf("turn on forwarding in FinanceServer: exit %d", code), err)
	}
	return p.claimed(ctx, 9)
}

// unpeer deletes one peering and watches the other department go on undisturbed.
func (p *play) unpeer(ctx context.Context) error {
	talk := p.converse(ctx, p.developer, p.finance)
	defer talk.close()
	if took, ok := talk.wait("answered", 5*time.Second); !ok {
		return fmt.Errorf("no HTTP connection from DeveloperServer to FinanceServer after %v", took)
	}
	talk.clear()
	if _, err := p.aws(ctx, "delete-vpc-peering-connection", opt("vpc-peering-connection-id", p.marketPeer)); err != nil {
		return err
	}
	if err := p.claimed(ctx, 10); err != nil {
		return err
	}
	dead := 0
	for _, d := range []*department{p.marketing, p.finance} {
		tables, err := p.aws(ctx, "describe-route-tables", as("--route-table-ids "+d.table, "RouteTableId.1", d.table))
		if err != nil {
			return err
		}
		for _, r := range tables.Items("routeTableSet")[0].Items("routeSet") {
			if r.Text("vpcPeeringConnectionId") == p.marketPeer && r.Text("state") == "blackhole" {
				dead++
			}
		}
	}
	p.check("its routes are blackholes on both sides", dead == 6, "%d routes are blackhole", dead)
	hits, total := talk.count("answered")
	p.check("Developer's connection never noticed", total > 5 && hits == total, "%d of %d requests answered on one connection meanwhile", hits, total)
	p.reachable(ctx, p.developer, p.finance)
	return nil
}
