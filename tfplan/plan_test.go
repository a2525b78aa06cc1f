package tfplan

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
)

// clerk answers calls with IDs of its own and writes down what was asked.
type clerk struct {
	said   []string
	refuse string
}

func (c *clerk) call(query string) (string, error) {
	form, err := url.ParseQuery(query)
	if err != nil {
		return "", err
	}
	action := form.Get("Action")
	if action == c.refuse {
		return "", errors.New("InvalidParameterValue: no")
	}
	n := len(c.said)
	c.said = append(c.said, strings.ReplaceAll(query, "%2F", "/"))
	id := func(element, kind string) string { return fmt.Sprintf("<%s>%s-%d</%s>", element, kind, n, element) }
	switch action {
	case "DescribeNetworkAcls":
		if strings.Contains(query, "association.subnet-id") {
			subnet := form.Get("Filter.1.Value.1")
			return "<networkAclId>acl-old</networkAclId><associationSet><item><networkAclAssociationId>aclassoc-1</networkAclAssociationId><networkAclId>acl-old</networkAclId><subnetId>" + subnet + "</subnetId></item></associationSet>", nil
		}
		return id("networkAclId", "acl"), nil
	case "DescribeRouteTables", "CreateRouteTable":
		return id("routeTableId", "rtb"), nil
	}
	return id("vpcId", "vpc") + id("subnetId", "subnet") + id("groupId", "sg") + id("networkAclId", "acl") + id("vpcPeeringConnectionId", "pcx") +
		id("instanceId", "i") + id("networkInterfaceId", "eni") + id("associationId", "rtbassoc"), nil
}

func (c *clerk) has(t *testing.T, parts ...string) {
	t.Helper()
	for _, s := range c.said {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(s, p)
		}
		if all {
			return
		}
	}
	t.Errorf("no call has %q:\n%s", parts, strings.Join(c.said, "\n"))
}

func run(t *testing.T, doc string, c *clerk) error {
	t.Helper()
	p, err := Read([]byte(doc))
	if err != nil {
		return err
	}
	return p.Run(c.call)
}

// What is not known before is found by what it refers to, and made before.
func TestAPlanMakesWhatItRefersToFirst(t *testing.T) {
	doc, err := os.ReadFile("testdata/peer.json")
	if err != nil {
		t.Fatal(err)
	}
	c := &clerk{}
	if err := run(t, string(doc), c); err != nil {
		t.Fatal(err)
	}
	c.has(t, "Action=CreateVpcPeeringConnection", "VpcId=vpc-0", "PeerVpcId=vpc-4")
	c.has(t, "Action=AcceptVpcPeeringConnection", "pcx-")
	c.has(t, "Action=CreateRoute&", "DestinationCidrBlock=10.2.0.0/16", "VpcPeeringConnectionId=pcx-")
	c.has(t, "Action=CreateRoute&", "DestinationCidrBlock=10.1.0.0/16", "RouteTableId=rtb-5")
	c.has(t, "Action=AuthorizeSecurityGroupIngress", "FromPort=5432", "CidrIp=10.1.0.0/16")
	c.has(t, "Action=AuthorizeSecurityGroupEgress", "IpProtocol=-1")
	c.has(t, "Action=RunInstances", "PrivateIpAddress=10.2.1.10", "SecurityGroupId.1=sg-")
	c.has(t, "Action=ReplaceNetworkAclAssociation", "AssociationId=aclassoc-1")
	c.has(t, "Action=CreateNetworkAclEntry", "Egress=true", "Protocol=6", "PortRange.From=1024")
	for _, s := range c.said {
		if strings.Contains(s, "iam") || strings.Contains(s, "network_interface") {
			t.Errorf("asked %s", s)
		}
	}
}

// one is a plan of one change; parts are what was before, what is after, what is
// unknown, and the expressions.
func one(kind, actions string, parts ...string) string {
	before, after, unknown, expressions := parts[0], parts[1], parts[2], parts[3]
	return `{"resource_changes":[{"address":"` + kind + `.x","mode":"managed","type":"` + kind + `","name":"x","change":{"actions":` + actions + `,"before":` + before +
		`,"after":` + after + `,"after_unknown":` + unknown + `}}],"configuration":{"root_module":{"resources":[{"address":"` + kind + `.x","expressions":` + expressions + `}]}}}`
}

func TestChangesAndDeletions(t *testing.T) {
	for _, tc := range []struct {
		doc  string
		want []string
	}{
		{one("aws_route", `["delete"]`, `{"route_table_id":"rtb-1","destination_cidr_block":"10.0.0.0/8"}`, `null`, `{}`, `{}`), []string{"Action=DeleteRoute", "RouteTableId=rtb-1", "10.0.0.0/8"}},
		{one("aws_route", `["update"]`, `{}`, `{"route_table_id":"rtb-1","destination_cidr_block":"10.0.0.0/8","vpc_peering_connection_id":"pcx-1"}`, `{}`, `{}`), []string{"Action=ReplaceRoute", "pcx-1"}},
		{one("aws_route_table", `["update"]`, `{"id":"rtb-1","route":[{"cidr_block":"10.1.0.0/16","gateway_id":"igw-1"},{"cidr_block":"10.3.0.0/16","gateway_id":"igw-1"}]}`,
			`{"id":"rtb-1","route":[{"cidr_block":"10.3.0.0/16","gateway_id":"igw-1"}]}`, `{}`, `{}`), []string{"Action=DeleteRoute", "10.1.0.0/16"}},
		{one("aws_security_group", `["update"]`, `{"id":"sg-1","ingress":[{"protocol":"tcp","from_port":22,"to_port":22,"cidr_blocks":["10.0.0.0/8"]}]}`, `{"id":"sg-1","ingress":[]}`, `{}`, `{}`),
			[]string{"Action=RevokeSecurityGroupIngress", "GroupId=sg-1", "FromPort=22"}},
		{one("aws_network_acl", `["update"]`, `{"id":"acl-1","ingress":[]}`, `{"id":"acl-1","ingress":[{"rule_no":50,"action":"deny","protocol":"tcp","cidr_block":"10.0.0.0/8","from_port":80,"to_port":80}]}`, `{}`, `{}`),
			[]string{"Action=CreateNetworkAclEntry", "RuleNumber=50", "RuleAction=deny"}},
		{one("aws_vpc_security_group_ingress_rule", `["delete"]`, `{"id":"sgr-1","security_group_id":"sg-1"}`, `null`, `{}`, `{}`), []string{"Action=RevokeSecurityGroupIngress", "SecurityGroupRuleId.1=sgr-1"}},
		{one("aws_security_group_rule", `["delete"]`, `{"type":"egress","security_group_id":"sg-1","protocol":"-1","from_port":0,"to_port":0,"cidr_blocks":["0.0.0.0/0"]}`, `null`, `{}`, `{}`),
			[]string{"Action=RevokeSecurityGroupEgress", "IpProtocol=-1"}},
		{one("aws_network_acl_rule", `["delete"]`, `{"network_acl_id":"acl-1","rule_number":9,"egress":false}`, `null`, `{}`, `{}`), []string{"Action=DeleteNetworkAclEntry", "RuleNumber=9"}},
		{one("aws_vpc_peering_connection", `["delete"]`, `{"id":"pcx-1"}`, `null`, `{}`, `{}`), []string{"Action=DeleteVpcPeeringConnection", "pcx-1"}},
		{one("aws_route_table_association", `["update"]`, `{"id":"rtbassoc-1"}`, `{"route_table_id":"rtb-2"}`, `{}`, `{}`), []string{"Action=ReplaceRouteTableAssociation", "rtbassoc-1", "rtb-2"}},
		{one("aws_network_interface", `["create"]`, `null`, `{"subnet_id":"subnet-1","private_ip":"10.0.0.9","security_groups":["sg-1"],"source_dest_check":false}`, `{"id":true}`, `{}`),
			[]string{"Action=ModifyNetworkInterfaceAttribute", "SourceDestCheck.Value=false"}},
		{one("aws_vpc_peering_connection_accepter", `["create"]`, `null`, `{"vpc_peering_connection_id":"pcx-1","auto_accept":true}`, `{}`, `{}`), []string{"Action=AcceptVpcPeeringConnection", "pcx-1"}},
	} {
		c := &clerk{}
		if err := run(t, tc.doc, c); err != nil {
			t.Errorf("%s: %v", tc.doc, err)
			continue
		}
		c.has(t, tc.want...)
	}
}

func TestModulesReferToThemselves(t *testing.T) {
	c := &clerk{}
	doc := `{"resource_changes":[
	{"address":"module.m[0].aws_subnet.s","mode":"managed","type":"aws_subnet","name":"s","change":{"actions":["create"],"after":{"cidr_block":"10.0.0.0/24"},"after_unknown":{"vpc_id":true}}},
	{"address":"module.m.aws_subnet.s","mode":"managed","type":"aws_subnet","name":"s","change":{"actions":["create"],"after":{"cidr_block":"10.0.1.0/24"},"after_unknown":{"vpc_id":true}}},
	{"address":"module.m.aws_vpc.v","mode":"managed","type":"aws_vpc","name":"v","change":{"actions":["create"],"after":{"cidr_block":"10.0.0.0/16"},"after_unknown":{}}}],
	"configuration":{"root_module":{"module_calls":{"m":{"module":{"resources":[{"address":"aws_subnet.s","expressions":{"vpc_id":{"references":["aws_vpc.v.id","aws_vpc.v"]}}},{"address":"aws_vpc.v","expressions":{}}]}}}}}}`
	if err := run(t, doc, c); err != nil {
		t.Fatal(err)
	}
	c.has(t, "Action=CreateSubnet", "VpcId=vpc-0", "10.0.1.0/24")
}

// What can't be known, or is not understood, is said in one line: to leave it out
// would look as if nothing changed.
func TestWhatAPlanDoesNotSay(t *testing.T) {
	for _, tc := range []struct{ doc, want string }{
		{`{`, "read plan"},
		{`{"format_version":"1.2"}`, "there are no resource_changes"},
		{one("aws_nat_gateway", `["create"]`, `null`, `{}`, `{}`, `{}`), "aws_nat_gateway.x: plans that change a aws_nat_gateway are not understood yet"},
		{one("aws_route", `["create"]`, `null`, `{"destination_cidr_block":"10.0.0.0/8"}`, `{"route_table_id":true}`, `{"route_table_id":{"references":["data.aws_route_table.d.id","data.aws_route_table.d"]}}`),
			"aws_route.x: route_table_id is known only after the plan is applied, and what it refers to (data.aws_route_table.d.id)"},
		{one("aws_route_table", `["create"]`, `null`, `{"vpc_id":"vpc-1","route":[{"cidr_block":"10.0.0.0/8"},{"cidr_block":"11.0.0.0/8"}]}`, `{"route":[{"vpc_peering_connection_id":true},{"vpc_peering_connection_id":true}]}`,
			`{"route":[{},{}]}`), "aws_route_table.x: route.vpc_peering_connection_id is known only after"},
		{strings.Replace(one("aws_subnet", `["create"]`, `null`, `{"cidr_block":"10.0.0.0/24"}`, `{"vpc_id":true}`, `{}`), `"address":"aws_subnet.x","expressions"`, `"address":"aws_subnet.y","expressions"`, 1),
			"aws_subnet.x: vpc_id is known only after the plan is applied"},
		{one("aws_vpc_security_group_ingress_rule", `["update"]`, `{"id":"sgr-1","cidr_ipv4":"10.0.0.0/16","tags":null}`, `{"id":"sgr-1","cidr_ipv4":"0.0.0.0/0","tags":{"a":"b"}}`, `{}`, `{}`),
			"aws_vpc_security_group_ingress_rule.x: plans that change cidr_ipv4 of a aws_vpc_security_group_ingress_rule in place are not understood yet"},
		{one("aws_instance", `["update"]`, `{"id":"i-1","vpc_security_group_ids":["sg-1"]}`, `{"id":"i-1"}`, `{"vpc_security_group_ids":true}`, `{}`), "change vpc_security_group_ids of a aws_instance in place"},
		{one("aws_network_interface", `["update"]`, `{"source_dest_check":true}`, `{"source_dest_check":false}`, `{}`, `{}`), "change source_dest_check of a aws_network_interface in place"},
	} {
		if err := run(t, tc.doc, &clerk{}); err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:\n%v, want %s", tc.doc, err, tc.want)
		}
	}
	refused := run(t, one("aws_vpc", `["create"]`, `null`, `{"cidr_block":"10.0.0.0/8"}`, `{}`, `{}`), &clerk{refuse: "CreateVpc"})
	if refused == nil || refused.Error() != "aws_vpc.x: InvalidParameterValue: no" {
		t.Error(refused)
	}
}

// A new name, or more memory, is no change to packets.
func TestAChangeThatNoPacketMeetsIsNone(t *testing.T) {
	c := &clerk{}
	for _, doc := range []string{
		one("aws_vpc", `["update"]`, `{"id":"vpc-1","cidr_block":"10.0.0.0/16","tags":{}}`, `{"id":"vpc-1","cidr_block":"10.0.0.0/16","tags":{"Name":"new"}}`, `{"tags_all":true}`, `{}`),
		one("aws_instance", `["update"]`, `{"instance_type":"t3.micro"}`, `{"instance_type":"t3.large"}`, `{}`, `{}`),
	} {
		if err := run(t, doc, c); err != nil || len(c.said) > 0 {
			t.Errorf("%s: %v %v", doc, err, c.said)
		}
	}
}

// What is nothing of the network is left alone.
func TestWhatIsNotOfTheNetworkDoesNotMatter(t *testing.T) {
	for _, kind := range []string{"aws_s3_bucket", "aws_route53_record", "random_id"} {
		c := &clerk{}
		if err := run(t, one(kind, `["create"]`, `null`, `{}`, `{}`, `{}`), c); err != nil || len(c.said) > 0 {
			t.Errorf("%s: %v %v", kind, err, c.said)
		}
	}
}
