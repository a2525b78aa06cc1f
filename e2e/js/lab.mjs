// The founding lab with AWS's SDK for JavaScript v3: made from nothing, proved with
// packets, and removed without residue. Run by TestJavaScriptMakesTheLab with the
// endpoint and keys in the environment and tombolo on the PATH.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as aws from "@aws-sdk/client-ec2";

const client = new aws.EC2Client({ endpoint: process.env.AWS_ENDPOINT_URL, region: "us-east-1" });
const call = (name, input = {}) => client.send(new aws[`${name}Command`](input));
const wait = async (name, input) => {
  const { state } = await aws[`waitUntil${name}`]({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 2 }, input);
  assert.equal(state, "SUCCESS", name);
};
const named = (type, name) => [{ ResourceType: type, Tags: [{ Key: "Name", Value: name }] }];

// probe sends one exchange from a server: answered, silent or refused.
const probe = (from, what) => new Promise((done, fail) => {
  execFile("tombolo", ["exec", from.name, "--", "tombolo", "probe", "--timeout", "500ms", ...what], (error, stdout, stderr) => {
    const got = { 0: "answered", 1: "silent", 10: "refused" }[error ? error.code : 0];
    got ? done(got) : fail(new Error(`${what}: ${stdout}${stderr}`));
  });
});
const tries = (from, to, want) => Promise.all([["icmp", to.v4], ["http", `http://${to.v4}/`], ["icmp", to.v6], ["http", `http://[${to.v6}]/`]].map(
  async (what) => assert.equal(await probe(from, what), want, `${from.name} ${what}`)));

const boot = Buffer.from("#!/bin/sh\nexec setsid tombolo probe serve http :80 >/dev/null 2>&1 &\n").toString("base64");

async function department(name, cidr, subnetCidr, options = {}) {
  const { Vpc: { VpcId: vpc } } = await call("CreateVpc", { CidrBlock: cidr, AmazonProvidedIpv6CidrBlock: true, TagSpecifications: named("vpc", name) });
  await wait("VpcAvailable", { VpcIds: [vpc] });
  const { Vpcs: [{ Ipv6CidrBlockAssociationSet: [{ Ipv6CidrBlock: cidr6 }] }] } = await call("DescribeVpcs", { VpcIds: [vpc] });
  const { Subnet: { SubnetId: subnet } } = await call("CreateSubnet", { VpcId: vpc, CidrBlock: subnetCidr, Ipv6CidrBlock: cidr6.replace("/56", "/64") });
  const { GroupId: group } = await call("CreateSecurityGroup", { VpcId: vpc, GroupName: name, Description: name });
  const { RouteTables: [{ RouteTableId: table }] } = await call("DescribeRouteTables", { Filters: [{ Name: "vpc-id", Values: [vpc] }] });
  const { Instances: [{ InstanceId: instance }] } = await call("RunInstances", { ImageId: "ami-0123456789abcdef0", InstanceType: "t3.micro", MinCount: 1, MaxCount: 1,
    SubnetId: subnet, SecurityGroupIds: [group], Ipv6AddressCount: 1, UserData: boot, TagSpecifications: named("instance", `${name}Server`), ...options });
  await wait("InstanceRunning", { InstanceIds: [instance] });
  const { Reservations: [{ Instances: [shown] }] } = await call("DescribeInstances", { InstanceIds: [instance] });
  return { name: `${name}Server`, cidr, cidr6, vpc, subnet, group, table, instance, v4: shown.PrivateIpAddress, v6: shown.Ipv6Address };
}

const route = async (from, to, pcx) => {
  await call("CreateRoute", { RouteTableId: from.table, DestinationCidrBlock: to.cidr, VpcPeeringConnectionId: pcx });
  await call("CreateRoute", { RouteTableId: from.table, DestinationIpv6CidrBlock: to.cidr6, VpcPeeringConnectionId: pcx });
};

const marketing = await department("Marketing", "10.0.0.0/16", "10.0.1.0/24");
const developer = await department("Developer", "192.168.0.0/20", "192.168.1.0/24");
const finance = await department("Finance", "172.31.0.0/16", "172.31.1.0/24", { PrivateIpAddress: "172.31.1.199" });
assert.equal(finance.v4, "172.31.1.199");
await assert.rejects(call("CreateVpc", { CidrBlock: "10.0.0.0/8" }), { name: "InvalidVpc.Range" });

const peerings = [];
for (const client of [marketing, developer]) {
  await tries(client, finance, "silent");
  const { VpcPeeringConnection: { VpcPeeringConnectionId: pcx } } = await call("CreateVpcPeeringConnection", { VpcId: client.vpc, PeerVpcId: finance.vpc });
  peerings.push(pcx);
  await wait("VpcPeeringConnectionExists", { VpcPeeringConnectionIds: [pcx] });
  await call("AcceptVpcPeeringConnection", { VpcPeeringConnectionId: pcx });
  await tries(client, finance, "silent"); // no route
  await route(client, finance, pcx);
  await route(finance, client, pcx);
  await tries(client, finance, "silent"); // no rule
  await call("AuthorizeSecurityGroupIngress", { GroupId: finance.group, IpPermissions: [
    { IpProtocol: "tcp", FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: client.cidr }], Ipv6Ranges: [{ CidrIpv6: client.cidr6 }] },
    { IpProtocol: "icmp", FromPort: 8, ToPort: -1, IpRanges: [{ CidrIp: client.cidr }] },
    { IpProtocol: "icmpv6", FromPort: 128, ToPort: 0, Ipv6Ranges: [{ CidrIpv6: client.cidr6 }] }] });
  await tries(client, finance, "answered");
}
await tries(marketing, developer, "silent"); // peering is not transitive

await call("DeleteVpcPeeringConnection", { VpcPeeringConnectionId: peerings[0] });
await tries(marketing, finance, "silent");
await tries(developer, finance, "answered");
const { RouteTables: [{ Routes }] } = await call("DescribeRouteTables", { RouteTableIds: [marketing.table] });
assert.deepEqual(Routes.filter((r) => r.VpcPeeringConnectionId).map((r) => r.State), ["blackhole", "blackhole"]);

// Everything goes, page by page.
await call("DeleteVpcPeeringConnection", { VpcPeeringConnectionId: peerings[1] });
const all = [marketing, developer, finance];
await call("TerminateInstances", { InstanceIds: all.map((d) => d.instance) });
await wait("InstanceTerminated", { InstanceIds: all.map((d) => d.instance) });
for (const d of all) {
  await call("DeleteSubnet", { SubnetId: d.subnet });
  await call("DeleteSecurityGroup", { GroupId: d.group });
  await call("DeleteVpc", { VpcId: d.vpc });
}
const left = [];
for await (const page of aws.paginateDescribeVpcs({ client, pageSize: 5 }, {})) left.push(...page.Vpcs);
assert.deepEqual(left.map((v) => v.IsDefault), [true]);
const { NetworkInterfaces } = await call("DescribeNetworkInterfaces");
assert.deepEqual(NetworkInterfaces, []);
console.log("ok");
