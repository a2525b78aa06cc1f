import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface SecurityGroup extends Tagged {
  groupName: string;
  description: string;
  vpc: string;
  owner: string;
}

export function securityGroup(x: Xml): SecurityGroup {
  const t = tagged(x, 'groupId');
  return { ...t, name: t.name || x.text('groupName'), groupName: x.text('groupName'), description: x.text('groupDescription'), vpc: x.text('vpcId'), owner: x.text('ownerId') };
}

export interface SecurityGroupRule extends Tagged {
  group: string;
  egress: boolean;
  protocol: string;
  from: number | undefined;
  to: number | undefined;
  /** A block, a group, or a prefix list. */
  peer: string;
  description: string;
}

export function securityGroupRule(x: Xml): SecurityGroupRule {
  return {
    ...tagged(x, 'securityGroupRuleId'),
    group: x.text('groupId'),
    egress: x.flag('isEgress'),
    protocol: x.text('ipProtocol'),
    from: x.maybe('fromPort'),
    to: x.maybe('toPort'),
    peer: x.text('cidrIpv4') || x.text('cidrIpv6') || x.text('referencedGroupInfo.groupId') || x.text('prefixListId'),
    description: x.text('description'),
  };
}
