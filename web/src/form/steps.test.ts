import { expect, test } from 'vitest';
import { command } from '../cli/command';
import { after, type Base, type Step } from './rows';
import { entrySteps, type EntryRow } from './entrySteps';
import { routeSteps, type RouteRow } from './routeSteps';
import { ruleSteps, type RuleRow } from './ruleSteps';

const route = (destination: string, target: string): RouteRow => ({ key: destination, destination, target, state: 'active', origin: 'CreateRoute' });
const base = <R extends { key: string }>(...rows: R[]): Base<R> => new Map(rows.map((r) => [r.key, r]));
const lines = <R>(steps: Step<R>[]): string[] => steps.map((s) => command(s.call));

test('routes: one call for what differs, the local route never', () => {
  const was = base(route('10.0.0.0/16', 'local'), route('1.0.0.0/8', 'pcx-1'), route('2.0.0.0/8', 'pcx-1'), route('3.0.0.0/8', 'pcx-1'));
  const now = [route('10.0.0.0/16', 'local'), route('1.0.0.0/8', 'pcx-2'), route('3.0.0.0/8', 'pcx-1'), { ...route('::/0', 'igw-1'), key: 'new' }];
  expect(lines(routeSteps('rtb-1', was, now))).toEqual([
    'aws ec2 delete-route --route-table-id rtb-1 --destination-cidr-block 2.0.0.0/8',
    'aws ec2 replace-route --route-table-id rtb-1 --destination-cidr-block 1.0.0.0/8 --vpc-peering-connection-id pcx-2',
    'aws ec2 create-route --route-table-id rtb-1 --destination-ipv6-cidr-block ::/0 --gateway-id igw-1',
  ]);
  expect(routeSteps('rtb-1', was, [...was.values()])).toEqual([]);
});

test('routes: another destination is another route', () => {
  const was = base(route('1.0.0.0/8', 'pcx-1'));
  const steps = routeSteps('rtb-1', was, [{ ...route('9.0.0.0/8', 'pcx-1'), key: '1.0.0.0/8' }]);
  expect(steps.map((s) => s.call.action)).toEqual(['DeleteRoute', 'CreateRoute']);
  expect(routeSteps('rtb-1', steps.reduce(after, was), [steps[1]!.becomes!])).toEqual([]);
});

test('rules: new, changed, gone', () => {
  const rule = (key: string, more: Partial<RuleRow> = {}): RuleRow => ({ key, label: 'HTTP', protocol: 'tcp', ports: '80', peer: '10.0.0.0/16', description: '', ...more });
  expect(lines(ruleSteps('sg-1', false, base(rule('sgr-1'), rule('sgr-2')), [rule('sgr-2', { peer: '::/0' }), rule('new', { protocol: 'icmp', ports: '8--1', description: 'ping' })]))).toEqual([
    'aws ec2 revoke-security-group-ingress --group-id sg-1 --security-group-rule-ids sgr-1',
    "aws ec2 modify-security-group-rules --group-id sg-1 --security-group-rules 'SecurityGroupRuleId=sgr-2,SecurityGroupRule={IpProtocol=tcp,FromPort=80,ToPort=80,CidrIpv6=::/0}'",
    "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions 'IpProtocol=icmp,FromPort=8,ToPort=-1,IpRanges=[{CidrIp=10.0.0.0/16,Description=ping}]'",
  ]);
});

test('entries of a network ACL: a number is what an entry is known by', () => {
  const entry = (number: string, more: Partial<EntryRow> = {}): EntryRow => ({ key: number, number, protocol: '-1', ports: 'All', cidr: '0.0.0.0/0', action: 'allow', ...more });
  const was = base(entry('100'), entry('200'));
  expect(lines(entrySteps('acl-1', false, was, [entry('100', { action: 'deny' }), { ...entry('50', { protocol: '6', ports: '80', action: 'deny' }), key: 'new' }]))).toEqual([
    'aws ec2 delete-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 200',
    'aws ec2 replace-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 100 --protocol -1 --rule-action deny --cidr-block 0.0.0.0/0',
    'aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 50 --protocol 6 --rule-action deny --cidr-block 0.0.0.0/0 --port-range From=80,To=80',
  ]);
});
