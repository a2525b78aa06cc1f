// @vitest-environment jsdom
import { expect, test } from 'vitest';
import { Xml } from '../wire/xml';
import { instances } from './instance';
import { isLast, networkAcl } from './networkAcl';
import { portRange, portsOf, trafficOf } from './protocol';
import { destinationParameter, routeTable, targetParameter } from './routeTable';

test('a route table is read with its routes and associations', () => {
  const t = routeTable(
    Xml.parse(`<item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet>
    <item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>active</state><origin>CreateRouteTable</origin></item>
    <item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><state>blackhole</state></item>
    </routeSet><associationSet><item><routeTableAssociationId>rtbassoc-1</routeTableAssociationId><main>true</main></item></associationSet></item>`),
  );
  expect(t.main).toBe(true);
  expect(t.routes.map((r) => [r.destination, r.target, r.state])).toEqual([
    ['10.0.0.0/16', 'local', 'active'],
    ['::/0', 'pcx-1', 'blackhole'],
  ]);
});

test('instances of all reservations are one list', () => {
  const all = instances(
    Xml.parse(`<r><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>running</name></instanceState>
    <networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><ipv6AddressesSet><item><ipv6Address>::5</ipv6Address></item></ipv6AddressesSet></item></networkInterfaceSet></item></instancesSet></item>
    <item><instancesSet><item><instanceId>i-2</instanceId></item></instancesSet></item></reservationSet></r>`),
  );
  expect(all.map((i) => [i.id, i.state, i.ipv6])).toEqual([
    ['i-1', 'running', ['::5']],
    ['i-2', '', []],
  ]);
});

test('a route goes into the parameters of its kinds', () => {
  expect(targetParameter('pcx-1')).toBe('VpcPeeringConnectionId');
  expect(targetParameter('i-1')).toBe('InstanceId');
  expect(destinationParameter('::/0')).toBe('DestinationIpv6CidrBlock');
});

test('the entries at the end of a network ACL are known, those of IPv6 too', () => {
  const acl = networkAcl(
    Xml.parse(`<item><networkAclId>acl-1</networkAclId><entrySet>
    <item><ruleNumber>100</ruleNumber><protocol>6</protocol><portRange><from>80</from><to>81</to></portRange></item>
    <item><ruleNumber>32767</ruleNumber></item><item><ruleNumber>32768</ruleNumber><ipv6CidrBlock>::/0</ipv6CidrBlock></item></entrySet></item>`),
  );
  expect(acl.entries.map((e) => [e.number, isLast(e), e.from])).toEqual([
    [100, false, 80],
    [32767, true, undefined],
    [32768, true, undefined],
  ]);
});

test("rules in the console's words", () => {
  expect(trafficOf('tcp', 80, 80)).toBe('HTTP');
  expect(trafficOf('6', 8080, 8081)).toBe('Custom TCP');
  expect(trafficOf('-1', undefined, undefined)).toBe('All traffic');
  expect(trafficOf('icmp', 8, -1)).toBe('Echo request (ping) - IPv4');
  expect(portsOf('udp', 53, 53)).toBe('53');
  expect(portsOf('tcp', 0, 65535)).toBe('All');
  expect(portsOf('icmp', 3, 4)).toBe('type 3, code 4');
});

test('ports as one types them', () => {
  expect(portRange('80')).toEqual({ from: 80, to: 80 });
  expect(portRange(' 8000 - 8080 ')).toEqual({ from: 8000, to: 8080 });
  expect(portRange('9-8')).toContain('begins');
  expect(portRange('70000')).toContain('65535');
  expect(portRange('http')).toContain('such as');
});
