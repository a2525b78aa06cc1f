import { expect, test } from 'vitest';
import { command, kebab, quote } from './command';

test('names are spelled as the AWS CLI spells them', () => {
  for (const [name, want] of [
    ['CreateVpcPeeringConnection', 'create-vpc-peering-connection'],
    ['DestinationIpv6CidrBlock', 'destination-ipv6-cidr-block'],
    ['AmazonProvidedIpv6CidrBlock', 'amazon-provided-ipv6-cidr-block'],
    ['Ipv6AddressCount', 'ipv6-address-count'],
    ['SourceDestCheck', 'source-dest-check'],
    ['PrivateIpAddress', 'private-ip-address'],
    ['CidrIpv6', 'cidr-ipv6'],
    ['AssignIpv6Addresses', 'assign-ipv6-addresses'],
  ]) {
    expect(kebab(name!)).toBe(want);
  }
});

test('plain parameters', () => {
  expect(
    command({ action: 'CreateRoute', params: { RouteTableId: 'rtb-1', DestinationCidrBlock: '172.31.0.0/16', VpcPeeringConnectionId: 'pcx-1', GatewayId: undefined } }),
  ).toBe('aws ec2 create-route --route-table-id rtb-1 --destination-cidr-block 172.31.0.0/16 --vpc-peering-connection-id pcx-1');
});

test('lists, tags and filters', () => {
  expect(command({ action: 'TerminateInstances', params: { InstanceId: ['i-1', 'i-2'] } })).toBe('aws ec2 terminate-instances --instance-ids i-1 i-2');
  expect(command({ action: 'CreateVpc', params: { CidrBlock: '10.0.0.0/16', TagSpecification: [{ ResourceType: 'vpc', Tag: [{ Key: 'Name', Value: 'Marketing HQ' }] }] } })).toBe(
    `aws ec2 create-vpc --cidr-block 10.0.0.0/16 --tag-specifications 'ResourceType=vpc,Tags=[{Key=Name,Value="Marketing HQ"}]'`,
  );
});

test('rules of a security group', () => {
  expect(
    command({
      action: 'AuthorizeSecurityGroupIngress',
      params: { GroupId: 'sg-1', IpPermissions: [{ IpProtocol: 'tcp', FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: '10.0.0.0/16' }] }] },
    }),
  ).toBe(`aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions 'IpProtocol=tcp,FromPort=80,ToPort=80,IpRanges=[{CidrIp=10.0.0.0/16}]'`);
});

test('yes and no', () => {
  expect(command({ action: 'CreateNetworkAclEntry', params: { NetworkAclId: 'acl-1', RuleNumber: 50, Protocol: '-1', RuleAction: 'deny', Egress: false, CidrBlock: '10.0.0.0/16' } })).toBe(
    'aws ec2 create-network-acl-entry --network-acl-id acl-1 --rule-number 50 --protocol -1 --rule-action deny --ingress --cidr-block 10.0.0.0/16',
  );
  expect(command({ action: 'ModifyNetworkInterfaceAttribute', params: { NetworkInterfaceId: 'eni-1', SourceDestCheck: { Value: false } } })).toBe(
    'aws ec2 modify-network-interface-attribute --network-interface-id eni-1 --no-source-dest-check',
  );
  expect(command({ action: 'RunInstances', params: { ImageId: 'ami-1', MinCount: 1, MaxCount: 1 } })).toBe('aws ec2 run-instances --image-id ami-1 --count 1');
});

test('a shell reads back what was quoted', () => {
  expect(quote('plain-1.2/3')).toBe('plain-1.2/3');
  expect(quote("it's")).toBe(`'it'\\''s'`);
});
