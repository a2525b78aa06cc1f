import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface PeeringEnd {
  vpc: string;
  owner: string;
  region: string;
  cidrs: string[];
}

export interface Peering extends Tagged {
  requester: PeeringEnd;
  accepter: PeeringEnd;
  status: string;
  message: string;
  expires: string;
}

export function peering(x: Xml): Peering {
  return {
    ...tagged(x, 'vpcPeeringConnectionId'),
    requester: end(x.at('requesterVpcInfo')),
    accepter: end(x.at('accepterVpcInfo')),
    status: x.text('status.code'),
    message: x.text('status.message'),
    expires: x.text('expirationTime'),
  };
}

function end(x: Xml): PeeringEnd {
  const cidrs = [...x.list('cidrBlockSet').map((c) => c.text('cidrBlock')), ...x.list('ipv6CidrBlockSet').map((c) => c.text('ipv6CidrBlock'))];
  return { vpc: x.text('vpcId'), owner: x.text('ownerId'), region: x.text('region'), cidrs: cidrs.length > 0 ? cidrs : [x.text('cidrBlock')].filter((c) => c !== '') };
}

/** Whether a peering is over: AWS shows it for a while. */
export function ended(status: string): boolean {
  return ['deleted', 'rejected', 'expired', 'failed', 'deleting'].includes(status);
}
