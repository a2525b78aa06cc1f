import type { Scope, Ec2Call } from '../wire/ec2';
import { ec2 } from '../wire/ec2';
import type { Xml } from '../wire/xml';
import { flowLog } from './flowLog';
import { internetGateway } from './gateway';
import { instances } from './instance';
import { keyPair } from './keyPair';
import { networkAcl } from './networkAcl';
import { networkInterface } from './networkInterface';
import { peering } from './peering';
import { routeTable } from './routeTable';
import { securityGroup, securityGroupRule } from './securityGroup';
import { subnet } from './subnet';
import { vpc } from './vpc';

/** One describable kind of thing: the call that lists it, and how the answer is read. */
export interface Kind<T> {
  word: string;
  /** The rows of the daemon's state whose change changes the list. */
  rows: string[];
  call: Ec2Call;
  read: (answer: Xml) => T[];
}

function kind<T>(action: string, set: string, item: (x: Xml) => T, rows: string[]): Kind<T> {
  return { word: action, rows, call: { action, params: {} }, read: (answer) => answer.list(set).map(item) };
}

/** Everything that the console lists. */
export const kinds = {
  vpcs: kind('DescribeVpcs', 'vpcSet', vpc, ['vpc']),
  subnets: kind('DescribeSubnets', 'subnetSet', subnet, ['subnet', 'eni']),
  instances: { word: 'DescribeInstances', rows: ['instance', 'eni'], call: { action: 'DescribeInstances', params: {} }, read: instances },
  interfaces: kind('DescribeNetworkInterfaces', 'networkInterfaceSet', networkInterface, ['eni', 'instance']),
  // A route's state follows what it leads to.
  routeTables: kind('DescribeRouteTables', 'routeTableSet', routeTable, ['route-table', 'peering', 'subnet', 'vpc', 'eni', 'instance', 'internet-gateway']),
  peerings: kind('DescribeVpcPeeringConnections', 'vpcPeeringConnectionSet', peering, ['peering', 'vpc']),
  groups: kind('DescribeSecurityGroups', 'securityGroupInfo', securityGroup, ['security-group']),
  rules: kind('DescribeSecurityGroupRules', 'securityGroupRuleSet', securityGroupRule, ['security-group']),
  acls: kind('DescribeNetworkAcls', 'networkAclSet', networkAcl, ['network-acl', 'subnet']),
  gateways: kind('DescribeInternetGateways', 'internetGatewaySet', internetGateway, ['internet-gateway']),
  flowLogs: kind('DescribeFlowLogs', 'flowLogSet', flowLog, ['flow-log']),
  keyPairs: kind('DescribeKeyPairs', 'keySet', keyPair, ['key-pair']),
};

export async function list<T>(scope: Scope, k: Kind<T>, signal: AbortSignal): Promise<T[]> {
  return k.read(await ec2(scope, k.call, signal));
}
