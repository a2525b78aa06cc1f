import { useState, type ReactNode } from 'react';
import Checkbox from '@cloudscape-design/components/checkbox';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { FormModal } from '../form/FormModal';
import { kinds } from '../model/network';
import type { NetworkAcl } from '../model/networkAcl';
import { useAll } from '../model/use';
import { notify } from '../shell/notices';

/** Moves subnets to a network ACL: every subnet has exactly one. */
export function MoveSubnets({ of, close }: { of: NetworkAcl; close: () => void }): ReactNode {
  const acls = (useAll(kinds.acls).data ?? []).filter((a) => a.vpc === of.vpc);
  const subnets = (useAll(kinds.subnets).data ?? []).filter((s) => s.vpc === of.vpc);
  const mine = new Set(of.associations.map((a) => a.subnet));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(mine);
  const moves = acls.filter((a) => a.id !== of.id).flatMap((a) => a.associations.filter((s) => chosen.has(s.subnet)));
  return (
    <FormModal
      title={`Subnets of ${of.name || of.id}`}
      submit="Save"
      calls={moves.map((a) => ({ action: 'ReplaceNetworkAclAssociation', params: { AssociationId: a.id, NetworkAclId: of.id } }))}
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
              disabled={mine.has(s.id)}
              description={mine.has(s.id) ? 'Here already. It leaves when it is given another network ACL.' : s.cidr}
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
