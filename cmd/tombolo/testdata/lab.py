# The founding lab with boto3, two peerings, IPv4 and IPv6. Any assertion that
# does not hold fails the test.
import os, subprocess, boto3
from botocore.exceptions import ClientError

ec2 = boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
sts = boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
assert sts.get_caller_identity()["Account"] == "123456789012"

BOOT = "#!/bin/sh\nexec setsid tombolo probe serve http :80 >/dev/null 2>&1 &\n"

def try_all(src, dst, want):
    """Ping and HTTP, IPv4 and IPv6, all at once: each must end with want."""
    probes = [["icmp", dst.v4], ["http", "http://%s/" % dst.v4], ["icmp", dst.v6], ["http", "http://[%s]/" % dst.v6]]
    running = [subprocess.Popen(["tombolo", "exec", src.name, "--", "tombolo", "probe", "--timeout", "500ms"] + p,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for p in probes]
    for probe, process in zip(probes, running):
        out = process.communicate()[0].decode()
        got = {0: "answered", 1: "silent", 10: "refused"}.get(process.returncode, "failed")
        assert got == want, "%s %s: %s, want %s: %s" % (src.name, probe, got, want, out)
    print("%s -> %s: %s" % (src.name, dst.name, want))

class Department:
    def __init__(self, name, cidr, subnet, **options):
        self.name, self.cidr = name + "Boto", cidr
        self.vpc = ec2.create_vpc(CidrBlock=cidr, AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
        ec2.get_waiter("vpc_available").wait(VpcIds=[self.vpc])
        self.cidr6 = ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock=subnet, Ipv6CidrBlock=self.cidr6.replace("/56", "/64"))["Subnet"]["SubnetId"]
        here = [{"Name": "vpc-id", "Values": [self.vpc]}]
        self.table = ec2.describe_route_tables(Filters=here)["RouteTables"][0]["RouteTableId"]
        self.acl = ec2.describe_network_acls(Filters=here)["NetworkAcls"][0]["NetworkAclId"]
        self.group = ec2.create_security_group(VpcId=self.vpc, GroupName=name, Description=name)["GroupId"]
        self.instance = ec2.run_instances(ImageId="ami-0123456789abcdef0", InstanceType="t3.micro", MinCount=1, MaxCount=1,
            SubnetId=subnet, SecurityGroupIds=[self.group], Ipv6AddressCount=1, UserData=BOOT,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": self.name}]}], **options)["Instances"][0]["InstanceId"]

    def wait(self):
        ec2.get_waiter("instance_running").wait(InstanceIds=[self.instance])
        eni = ec2.describe_instances(InstanceIds=[self.instance])["Reservations"][0]["Instances"][0]["NetworkInterfaces"][0]
        self.eni, self.v4, self.v6 = eni["NetworkInterfaceId"], eni["PrivateIpAddress"], eni["Ipv6Addresses"][0]["Ipv6Address"]

    def route(self, other, pcx):
        ec2.create_route(RouteTableId=self.table, DestinationCidrBlock=other.cidr, VpcPeeringConnectionId=pcx)
        ec2.create_route(RouteTableId=self.table, DestinationIpv6CidrBlock=other.cidr6, VpcPeeringConnectionId=pcx)

    def allow(self, other):
        ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": other.cidr}], "Ipv6Ranges": [{"CidrIpv6": other.cidr6}]},
            {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": other.cidr}]},
            {"IpProtocol": "icmpv6", "FromPort": 128, "ToPort": 0, "Ipv6Ranges": [{"CidrIpv6": other.cidr6}]}])

marketing = Department("Marketing", "10.0.0.0/16", "10.0.1.0/24")
developer = Department("Developer", "192.168.0.0/20", "192.168.1.0/24")
finance = Department("Finance", "172.31.0.0/16", "172.31.1.0/24", PrivateIpAddress="172.31.1.199")
for d in (marketing, developer, finance):
    d.wait()
assert finance.v4 == "172.31.1.199"

def peer(a):
    pcx = ec2.create_vpc_peering_connection(VpcId=a.vpc, PeerVpcId=finance.vpc)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.get_waiter("vpc_peering_connection_exists").wait(VpcPeeringConnectionIds=[pcx])
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=pcx)
    status = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[pcx])["VpcPeeringConnections"][0]["Status"]["Code"]
    assert status == "active", status
    return pcx

peerings = {}
for d in (marketing, developer):
    try_all(d, finance, "silent")
    peerings[d] = pcx = peer(d)
    try_all(d, finance, "silent")
    d.route(finance, pcx)
    try_all(d, finance, "silent")
    finance.route(d, pcx)
    try_all(d, finance, "silent")
    finance.allow(d)
    try_all(d, finance, "answered")

for entry in ({"CidrBlock": marketing.cidr, "RuleNumber": 50}, {"Ipv6CidrBlock": marketing.cidr6, "RuleNumber": 51}):
    ec2.create_network_acl_entry(NetworkAclId=finance.acl, Egress=False, Protocol="-1", RuleAction="deny", **entry)
try_all(marketing, finance, "silent")
try_all(developer, finance, "answered")
for number in (50, 51):
    ec2.delete_network_acl_entry(NetworkAclId=finance.acl, Egress=False, RuleNumber=number)
try_all(marketing, finance, "answered")

marketing.route(developer, peerings[marketing])
developer.route(marketing, peerings[developer])
ec2.modify_network_interface_attribute(NetworkInterfaceId=finance.eni, SourceDestCheck={"Value": False})
try_all(marketing, developer, "silent")

ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peerings[marketing])
routes = ec2.describe_route_tables(RouteTableIds=[marketing.table])["RouteTables"][0]["Routes"]
assert {r["State"] for r in routes if r.get("VpcPeeringConnectionId")} == {"blackhole"}, routes
try_all(marketing, finance, "silent")
try_all(developer, finance, "answered")

try:
    ec2.delete_vpc(VpcId=finance.vpc)
    raise AssertionError("a VPC in use was deleted")
except ClientError as e:
    assert e.response["Error"]["Code"] == "DependencyViolation", e
try:
    ec2.describe_vpcs(DryRun=True)
except ClientError as e:
    assert e.response["Error"]["Code"] == "DryRunOperation" and e.response["ResponseMetadata"]["HTTPStatusCode"] == 412, e
print("boto3 agrees")
