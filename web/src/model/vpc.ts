import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface Vpc extends Tagged {
  cidrs: string[];
  ipv6Cidrs: string[];
  state: string;
  isDefault: boolean;
  owner: string;
  tenancy: string;
}

export function vpc(x: Xml): Vpc {
  const cidrs = x.list('cidrBlockAssociationSet').filter((c) => c.text('cidrBlockState.state') !== 'disassociated').map((c) => c.text('cidrBlock'));
  return {
    ...tagged(x, 'vpcId'),
    cidrs: cidrs.length > 0 ? cidrs : [x.text('cidrBlock')],
    ipv6Cidrs: x.list('ipv6CidrBlockAssociationSet').map((c) => c.text('ipv6CidrBlock')).filter((c) => c !== ''),
    state: x.text('state'),
    isDefault: x.flag('isDefault'),
    owner: x.text('ownerId'),
    tenancy: x.text('instanceTenancy'),
  };
}
