import type { ReactNode } from 'react';
import Link from '@cloudscape-design/components/link';
import { kinds } from '../model/network';
import { useById } from '../model/use';
import { placeOf } from '../shell/Ref';

const ids = /\b((?:vpc|subnet|rtb|pcx|igw|sg|acl|i|eni)-[0-9a-f]{8,17})\b/;

/** A sentence of the analyzer, with names beside IDs and links to what they stand for. */
export function Sentence({ text }: { text: string }): ReactNode {
  const name = useNames();
  return (
    <>
      {text.split(ids).map((part, i) => {
        const place = i % 2 === 1 ? placeOf(part) : undefined;
        if (!place) return part;
        const called = name(part);
        return (
          <Link key={i} href={place} fontSize="inherit">
            {called === '' ? part : `${called} (${part.slice(0, part.indexOf('-') + 6)}…)`}
          </Link>
        );
      })}
    </>
  );
}

/** What people call a thing, by its ID; '' without a name. What belongs to a VPC is called after it. */
export function useNames(): (id: string) => string {
  const vpcs = useById(kinds.vpcs);
  const tables = useById(kinds.routeTables);
  const acls = useById(kinds.acls);
  const instances = useById(kinds.instances);
  const interfaces = useById(kinds.interfaces);
  const others = [useById(kinds.subnets), useById(kinds.groups), useById(kinds.peerings)];
  const ofVpc = (vpc: string, what: string): string => {
    const name = vpcs.get(vpc)?.name ?? '';
    return name === '' ? '' : `${name}’s ${what}`;
  };
  return (id) => {
    const table = tables.get(id);
    const acl = acls.get(id);
    const e = interfaces.get(id);
    if (table) return table.name || ofVpc(table.vpc, table.main ? 'main route table' : 'route table');
    if (acl) return acl.name || ofVpc(acl.vpc, acl.isDefault ? 'default network ACL' : 'network ACL');
    if (e) return e.name || (instances.get(e.instance)?.name ?? '');
    const found = vpcs.get(id) ?? instances.get(id) ?? others.map((m) => m.get(id)).find((t) => t !== undefined);
    return found && found.name !== id ? found.name : '';
  };
}
