import { useState, type ReactNode } from 'react';
import Checkbox from '@cloudscape-design/components/checkbox';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { FormModal } from '../form/FormModal';
import { kinds } from '../model/network';
import type { RouteTable } from '../model/routeTable';
import { useAll } from '../model/use';
import { notify } from '../shell/notices';
import type { Ec2Call } from '../wire/ec2';

/** Chooses the subnets that use a route table. */
export function Associate({ of, close }: { of: RouteTable; close: () => void }): ReactNode {
  const subnets = (useAll(kinds.subnets).data ?? []).filter((s) => s.vpc === of.vpc);
  const tables = useAll(kinds.routeTables).data ?? [];
  const was = new Set(of.associations.map((a) => a.subnet).filter((s) => s !== ''));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(was);
  return (
    <FormModal
      title={`Subnets that use ${of.name || of.id}`}
      submit="Save"
      calls={associationCalls(of, tables, chosen)}
      problems={{ subnet: '' }}
      onDismiss={close}
      onDone={() => {
        notify('success', 'Associations saved.');
        close();
      }}
    >
      {() => (
        <SpaceBetween size="xs">
          {subnets.map((s) => (
            <Checkbox
              key={s.id}
              checked={chosen.has(s.id)}
              description={s.cidr}
              onChange={(e) => {
                const next = new Set(chosen);
                if (e.detail.checked) next.add(s.id);
                else next.delete(s.id);
                setChosen(next);
              }}
            >
              {s.name || s.id}
            </Checkbox>
          ))}
          {subnets.length === 0 && 'The VPC has no subnets yet.'}
        </SpaceBetween>
      )}
    </FormModal>
  );
}

/** Subnets that had another table of their own are moved, not detached in between. */
function associationCalls(of: RouteTable, tables: RouteTable[], chosen: ReadonlySet<string>): Ec2Call[] {
  const calls: Ec2Call[] = [];
  for (const a of of.associations) {
    if (a.subnet !== '' && !chosen.has(a.subnet)) calls.push({ action: 'DisassociateRouteTable', params: { AssociationId: a.id } });
  }
  for (const subnet of chosen) {
    if (of.associations.some((a) => a.subnet === subnet)) continue;
    const other = tables.flatMap((t) => t.associations).find((a) => a.subnet === subnet);
    calls.push(other ? { action: 'ReplaceRouteTableAssociation', params: { AssociationId: other.id, RouteTableId: of.id } } : { action: 'AssociateRouteTable', params: { RouteTableId: of.id, SubnetId: subnet } });
  }
  return calls;
}
