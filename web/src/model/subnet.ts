import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface Subnet extends Tagged {
  vpc: string;
  cidr: string;
  ipv6Cidrs: string[];
  zone: string;
  state: string;
  free: number;
  isDefault: boolean;
  publicIp: boolean;
  assignIpv6: boolean;
}

export function subnet(x: Xml): Subnet {
  return {
    ...tagged(x, 'subnetId'),
    vpc: x.text('vpcId'),
    cidr: x.text('cidrBlock'),
    ipv6Cidrs: x.list('ipv6CidrBlockAssociationSet').map((c) => c.text('ipv6CidrBlock')),
    zone: x.text('availabilityZone'),
    state: x.text('state'),
    free: x.number('availableIpAddressCount'),
    isDefault: x.flag('defaultForAz'),
    publicIp: x.flag('mapPublicIpOnLaunch'),
    assignIpv6: x.flag('assignIpv6AddressOnCreation'),
  };
}
