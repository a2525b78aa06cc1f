import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface AclEntry {
  number: number;
  egress: boolean;
  protocol: string;
  action: string;
  cidr: string;
  from: number | undefined;
  to: number | undefined;
  icmpType: number | undefined;
  icmpCode: number | undefined;
}

export interface NetworkAcl extends Tagged {
  vpc: string;
  isDefault: boolean;
  entries: AclEntry[];
  associations: { id: string; subnet: string }[];
}

/**
 * Whether an entry is the one at the end that denies the rest and that nobody can
 * change, which AWS's console shows as "*": 32767, and 32768 for IPv6.
 */
export function isLast(e: AclEntry): boolean {
  return e.number > 32766;
}

export function networkAcl(x: Xml): NetworkAcl {
  return {
    ...tagged(x, 'networkAclId'),
    vpc: x.text('vpcId'),
    isDefault: x.flag('default'),
    entries: x.list('entrySet').map(entry),
    associations: x.list('associationSet').map((a) => ({ id: a.text('networkAclAssociationId'), subnet: a.text('subnetId') })),
  };
}

function entry(x: Xml): AclEntry {
  return {
    number: x.number('ruleNumber'),
    egress: x.flag('egress'),
    protocol: x.text('protocol'),
    action: x.text('ruleAction'),
    cidr: x.text('cidrBlock') || x.text('ipv6CidrBlock'),
    from: x.maybe('portRange.from'),
    to: x.maybe('portRange.to'),
    icmpType: x.maybe('icmpTypeCode.type'),
    icmpCode: x.maybe('icmpTypeCode.code'),
  };
}
