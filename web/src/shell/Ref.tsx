import type { ReactNode } from 'react';
import Link from '@cloudscape-design/components/link';

const pages: Record<string, string> = {
  vpc: 'vpcs',
  subnet: 'subnets',
  rtb: 'route-tables',
  pcx: 'peering-connections',
  igw: 'internet-gateways',
  sg: 'security-groups',
  acl: 'network-acls',
  i: 'instances',
  eni: 'network-interfaces',
  fl: 'flow-logs',
  key: 'key-pairs',
};

/** Where a thing's details are, or undefined when no page shows such things. */
export function placeOf(id: string): string | undefined {
  const page = pages[id.slice(0, id.lastIndexOf('-'))];
  return page && `#/${page}/${id}`;
}

/** A thing by its name and ID, leading to its details. */
export function Ref({ id, name = '' }: { id: string; name?: string }): ReactNode {
  if (id === '') return '–';
  const text = name !== '' && name !== id ? `${id} | ${name}` : id;
  const place = placeOf(id);
  return place ? <Link href={place}>{text}</Link> : text;
}
