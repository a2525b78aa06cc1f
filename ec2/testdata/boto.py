"""What a boto3 program does with the API beside the lab: every operation family,
with waiters, paginators and resource objects. Run by TestBoto3DoesTheRest."""

import sys

import boto3
from botocore.exceptions import ClientError

url = sys.argv[1]
ec2 = boto3.client("ec2", endpoint_url=url)
res = boto3.resource("ec2", endpoint_url=url)


def refused(code, call, **params):
    try:
        call(**params)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response
    raise AssertionError(f"{call.__name__} was not refused with {code}")


# Who and where.
sts = boto3.client("sts", endpoint_url=url)
assert sts.get_caller_identity()["Account"] == "123456789012"
assert len(ec2.describe_regions()["Regions"]) > 20
zones = [z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]]
assert zones == ["eu-west-1a", "eu-west-1b", "eu-west-1c"], zones

# A VPC with subnets, by resources and waiters.
vpc = res.create_vpc(CidrBlock="10.20.0.0/16")
vpc.wait_until_available()
vpc.modify_attribute(EnableDnsHostnames={"Value": True})
assert vpc.describe_attribute(Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"] is True
vpc.create_tags(Tags=[{"Key": "Name", "Value": "boto"}])
vpc.reload()
assert vpc.tags == [{"Key": "Name", "Value": "boto"}] and vpc.state == "available"
subnets = [vpc.create_subnet(CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=zones[0]) for n in range(12)]
ec2.get_waiter("subnet_available").wait(SubnetIds=[s.id for s in subnets])
ec2.modify_subnet_attribute(SubnetId=subnets[0].id, MapPublicIpOnLaunch={"Value": True})
association = ec2.associate_vpc_cidr_block(VpcId=vpc.id, CidrBlock="10.21.0.0/16")["CidrBlockAssociation"]
ec2.disassociate_vpc_cidr_block(AssociationId=association["AssociationId"])

# Pages: each subnet once, in pages of five.
seen = []
for page in ec2.get_paginator("describe_subnets").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc.id]}], PaginationConfig={"PageSize": 5}):
    assert len(page["Subnets"]) <= 5
    seen += [s["SubnetId"] for s in page["Subnets"]]
assert sorted(seen) == sorted(s.id for s in subnets) and len(set(seen)) == 12

# Groups and rules.
group = vpc.create_security_group(GroupName="web", Description="web servers")
group.authorize_ingress(IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80,
                                        "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}],
                                        "UserIdGroupPairs": [{"GroupId": group.id}]}])
group.revoke_egress(IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
group.reload()
assert group.ip_permissions_egress == [] and len(group.ip_permissions) == 1
rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group.id]}])["SecurityGroupRules"]
assert len(rules) == 2
ec2.modify_security_group_rules(GroupId=group.id, SecurityGroupRules=[{
    "SecurityGroupRuleId": rules[0]["SecurityGroupRuleId"],
    "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "CidrIpv4": "10.0.0.0/8"}}])
ec2.revoke_security_group_ingress(GroupId=group.id, SecurityGroupRuleIds=[rules[1]["SecurityGroupRuleId"]])
refused("InvalidPermission.NotFound", ec2.revoke_security_group_ingress, GroupId=group.id, IpPermissions=[
    {"IpProtocol": "udp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "1.2.3.4/32"}]}])

# Route tables, ACLs.
table = vpc.create_route_table()
link = table.associate_with_subnet(SubnetId=subnets[0].id)
link = link.replace_subnet(RouteTableId=list(vpc.route_tables.filter(
    Filters=[{"Name": "association.main", "Values": ["true"]}]))[0].id)
link.delete()
table.delete()
acl = vpc.create_network_acl()
acl.create_entry(RuleNumber=100, Protocol="6", RuleAction="allow", Egress=False, CidrBlock="0.0.0.0/0",
                 PortRange={"From": 1024, "To": 65535})
mine = [a for n in vpc.network_acls.all() for a in n.associations if a["SubnetId"] == subnets[0].id]
acl.replace_association(AssociationId=mine[0]["NetworkAclAssociationId"])
acl.reload()
assert [e["RuleNumber"] for e in acl.entries if not e["Egress"]] == [100, 32767], acl.entries
refused("DependencyViolation", acl.delete)

# Interfaces.
eni = subnets[1].create_network_interface(PrivateIpAddress="10.20.1.10", Groups=[group.id], Description="spare")
ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[eni.id])
ec2.assign_private_ip_addresses(NetworkInterfaceId=eni.id, PrivateIpAddresses=["10.20.1.11"])
eni.reload()
assert [a["PrivateIpAddress"] for a in eni.private_ip_addresses] == ["10.20.1.10", "10.20.1.11"]
ec2.unassign_private_ip_addresses(NetworkInterfaceId=eni.id, PrivateIpAddresses=["10.20.1.11"])
eni.modify_attribute(SourceDestCheck={"Value": False})
assert eni.describe_attribute(Attribute="sourceDestCheck")["SourceDestCheck"]["Value"] is False

# Keys and instances.
for kind in ("rsa", "ed25519"):
    key = ec2.create_key_pair(KeyName=kind, KeyType=kind)
    assert "PRIVATE KEY" in key["KeyMaterial"]
ec2.get_waiter("key_pair_exists").wait(KeyNames=["rsa"])
refused("InvalidKeyPair.Duplicate", ec2.create_key_pair, KeyName="rsa")
image = max(ec2.describe_images(Owners=["136693071363"], Filters=[
    {"Name": "name", "Values": ["debian-12-amd64-*"]}])["Images"], key=lambda i: i["CreationDate"])
made = res.create_instances(
    ImageId=image["ImageId"], InstanceType="t3.small", MinCount=2, MaxCount=2, KeyName="ed25519",
    SubnetId=subnets[1].id, SecurityGroupIds=[group.id], UserData="#!/bin/sh\necho hi\n",
    BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 10, "DeleteOnTermination": True}}],
    MetadataOptions={"HttpTokens": "required"}, CreditSpecification={"CpuCredits": "standard"},
    TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "boto"}]}])
for i in made:
    i.wait_until_running()
ec2.get_waiter("instance_status_ok").wait(InstanceIds=[i.id for i in made])
first = made[0]
first.reload()
assert first.metadata_options["HttpTokens"] == "required" and first.private_dns_name.endswith(".eu-west-1.compute.internal")
assert [v.size for v in first.volumes.all()] == [10]
assert first.describe_attribute(Attribute="userData")["UserData"]["Value"] == "IyEvYmluL3NoCmVjaG8gaGkK"
attachment = eni.attach(InstanceId=first.id, DeviceIndex=1)["AttachmentId"]
refused("InvalidNetworkInterface.InUse", eni.attach, InstanceId=made[1].id, DeviceIndex=1)
ec2.detach_network_interface(AttachmentId=attachment)
eni.delete()
first.stop()
first.wait_until_stopped()
first.modify_attribute(InstanceType={"Value": "t3.micro"})
first.start()
first.wait_until_running()
first.reload()
assert first.instance_type == "t3.micro" and first.console_output()["Output"] == "booted\n"
dry = refused("DryRunOperation", first.terminate, DryRun=True)
assert dry["ResponseMetadata"]["HTTPStatusCode"] == 412
for i in made:
    i.terminate()
    i.wait_until_terminated()

# Peering between Regions.
west = boto3.resource("ec2", endpoint_url=url, region_name="us-west-2")
far = west.create_vpc(CidrBlock="10.99.0.0/16")
peering = vpc.request_vpc_peering_connection(PeerVpcId=far.id, PeerRegion="us-west-2")
peering.wait_until_exists()
refused("OperationNotPermitted", peering.accept)
west.VpcPeeringConnection(peering.id).accept()
peering.reload()
assert peering.status["Code"] == "active"
refused("DependencyViolation", far.delete)
peering.delete()

# Types.
names = [t["InstanceType"] for page in ec2.get_paginator("describe_instance_types").paginate(
    PaginationConfig={"PageSize": 50}) for t in page["InstanceTypes"]]
assert "m7g.large" in names and len(names) == len(set(names)) > 100

# And everything goes again.
ec2.replace_network_acl_association(
    AssociationId=[a for a in ec2.describe_network_acls(NetworkAclIds=[acl.id])["NetworkAcls"][0]["Associations"]][0][
        "NetworkAclAssociationId"],
    NetworkAclId=[n.id for n in vpc.network_acls.all() if n.is_default][0])
acl.delete()
group.delete()
for s in subnets:
    s.delete()
vpc.delete()
refused("InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=[vpc.id])
# Reachability Analyzer, by the calls that Terraform's aws_ec2_network_insights_path
# and _analysis make: create, read, start, poll until it is no longer running,
# read, delete in the only order that works.
office = res.create_vpc(CidrBlock="10.40.0.0/16")
desk = office.create_subnet(CidrBlock="10.40.1.0/24", AvailabilityZone=zones[0])
vault = office.create_subnet(CidrBlock="10.40.2.0/24", AvailabilityZone=zones[0])
pair = [n.create_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, InstanceType="t3.micro")[0] for n in (desk, vault)]
ec2.get_waiter("instance_running").wait(InstanceIds=[i.id for i in pair])
question = dict(Source=pair[0].id, Destination=pair[1].id, Protocol="tcp", DestinationPort=22, ClientToken="terraform-1",
                TagSpecifications=[{"ResourceType": "network-insights-path", "Tags": [{"Key": "Name", "Value": "ssh"}]}])
path = ec2.create_network_insights_path(**question)["NetworkInsightsPath"]
assert ec2.create_network_insights_path(**question)["NetworkInsightsPath"] == path
read = ec2.describe_network_insights_paths(NetworkInsightsPathIds=[path["NetworkInsightsPathId"]])["NetworkInsightsPaths"]
assert read == [path] and path["DestinationArn"].endswith(":123456789012:instance/" + pair[1].id), read


def analysed():
    began = ec2.start_network_insights_analysis(NetworkInsightsPathId=path["NetworkInsightsPathId"])["NetworkInsightsAnalysis"]
    assert began["Status"] == "running" and "NetworkPathFound" not in began, began
    for _ in range(100):
        a = ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=[began["NetworkInsightsAnalysisId"]])["NetworkInsightsAnalyses"][0]
        if a["Status"] != "running":
            return a
    raise AssertionError(a)


def kinds(components):
    return [c["Component"]["Id"].split("-")[0] for c in components]


way = ["i", "eni", "sg", "acl", "rtb", "acl", "sg", "eni", "i"]
groups = [i.security_groups[0]["GroupId"] for i in pair]
found = analysed()
assert found["Status"] == "succeeded" and found["NetworkPathFound"] is True, found
assert kinds(found["ForwardPathComponents"]) == way and kinds(found["ReturnPathComponents"]) == way, found
assert [c["SequenceNumber"] for c in found["ForwardPathComponents"]] == list(range(1, 10))
assert found["ForwardPathComponents"][0]["OutboundHeader"]["DestinationPortRanges"] == [{"From": 22, "To": 22}]
assert found["ForwardPathComponents"][-1]["InboundHeader"]["SourceAddresses"] == [pair[0].private_ip_address + "/32"]
assert found["ForwardPathComponents"][4]["RouteTableRoute"]["State"] == "active"
ec2.revoke_security_group_ingress(GroupId=groups[1], IpPermissions=res.SecurityGroup(groups[1]).ip_permissions)
cut = analysed()
assert cut["NetworkPathFound"] is False, cut
assert [(e["ExplanationCode"], e["Direction"]) for e in cut["Explanations"]] == [("SG_HAS_NO_RULES", "ingress")], cut
both = [found["NetworkInsightsAnalysisId"], cut["NetworkInsightsAnalysisId"]]
again = ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=both)["NetworkInsightsAnalyses"]
assert sorted(a["NetworkPathFound"] for a in again) == [False, True]  # the first still says what was true then
pages = list(ec2.get_paginator("describe_network_insights_analyses").paginate(PaginationConfig={"PageSize": 1}))
assert sorted(a["NetworkInsightsAnalysisId"] for p in pages for a in p["NetworkInsightsAnalyses"]) == sorted(both)
refused("AnalysisExistsForNetworkInsightsPath", ec2.delete_network_insights_path, NetworkInsightsPathId=path["NetworkInsightsPathId"])
for a in both:
    assert ec2.delete_network_insights_analysis(NetworkInsightsAnalysisId=a)["NetworkInsightsAnalysisId"] == a
refused("InvalidNetworkInsightsAnalysisId.NotFound", ec2.describe_network_insights_analyses, NetworkInsightsAnalysisIds=both[:1])
ec2.delete_network_insights_path(NetworkInsightsPathId=path["NetworkInsightsPathId"])
refused("InvalidNetworkInsightsPathId.NotFound", ec2.describe_network_insights_paths, NetworkInsightsPathIds=[path["NetworkInsightsPathId"]])

print("done")
