import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface NetworkInterface extends Tagged {
  vpc: string;
  subnet: string;
  zone: string;
  status: string;
  description: string;
  address: string;
  addresses: string[];
  ipv6: string[];
  mac: string;
  groups: { id: string; name: string }[];
  sourceDestCheck: boolean;
  instance: string;
  attachment: string;
  device: number;
}

export function networkInterface(x: Xml): NetworkInterface {
  return {
    ...tagged(x, 'networkInterfaceId'),
    vpc: x.text('vpcId'),
    subnet: x.text('subnetId'),
    zone: x.text('availabilityZone'),
    status: x.text('status'),
    description: x.text('description'),
    address: x.text('privateIpAddress'),
    addresses: x.list('privateIpAddressesSet').map((a) => a.text('privateIpAddress')),
    ipv6: x.list('ipv6AddressesSet').map((a) => a.text('ipv6Address')),
    mac: x.text('macAddress'),
    groups: x.list('groupSet').map((g) => ({ id: g.text('groupId'), name: g.text('groupName') })),
    sourceDestCheck: x.flag('sourceDestCheck'),
    instance: x.text('attachment.instanceId'),
    attachment: x.text('attachment.attachmentId'),
    device: x.number('attachment.deviceIndex'),
  };
}
