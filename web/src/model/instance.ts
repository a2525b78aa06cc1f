import type { Xml } from '../wire/xml';
import { tagged, type Tagged } from './tag';

export interface Instance extends Tagged {
  state: string;
  type: string;
  image: string;
  vpc: string;
  subnet: string;
  zone: string;
  address: string;
  ipv6: string[];
  groups: { id: string; name: string }[];
  interfaces: string[];
  key: string;
  launched: string;
  reason: string;
}

/** The instances of a DescribeInstances answer. */
export function instances(answer: Xml): Instance[] {
  return answer.list('reservationSet').flatMap((r) => r.list('instancesSet')).map(instance);
}

function instance(x: Xml): Instance {
  const enis = x.list('networkInterfaceSet');
  return {
    ...tagged(x, 'instanceId'),
    state: x.text('instanceState.name'),
    type: x.text('instanceType'),
    image: x.text('imageId'),
    vpc: x.text('vpcId'),
    subnet: x.text('subnetId'),
    zone: x.text('placement.availabilityZone'),
    address: x.text('privateIpAddress'),
    ipv6: enis.flatMap((e) => e.list('ipv6AddressesSet').map((a) => a.text('ipv6Address'))),
    groups: x.list('groupSet').map((g) => ({ id: g.text('groupId'), name: g.text('groupName') })),
    interfaces: enis.map((e) => e.text('networkInterfaceId')),
    key: x.text('keyName'),
    launched: x.text('launchTime'),
    reason: x.text('stateReason.message'),
  };
}
