import { useState, type ReactNode } from 'react';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { FormModal } from '../form/FormModal';
import { GroupsSelect } from '../form/GroupsSelect';
import { SubnetSelect } from '../form/SubnetSelect';
import { kinds } from '../model/network';
import { named } from '../model/tag';
import { useById } from '../model/use';
import { address as parse } from '../net/cidr';
import { notify } from '../shell/notices';

/** Creates an interface that is in no instance yet. */
export function CreateInterface({ close }: { close: () => void }): ReactNode {
  const [name, setName] = useState('');
  const [subnet, setSubnet] = useState('');
  const [address, setAddress] = useState('');
  const [groups, setGroups] = useState<string[]>([]);
  const vpc = useById(kinds.subnets).get(subnet)?.vpc ?? '';
  return (
    <FormModal
      title="Create network interface"
      submit="Create network interface"
      calls={[{ action: 'CreateNetworkInterface', params: { SubnetId: subnet, PrivateIpAddress: address.trim() || undefined, SecurityGroupId: groups, TagSpecification: named('network-interface', name) } }]}
      problems={{ subnet: subnet === '' ? 'Choose a subnet.' : '', address: address.trim() === '' || parse(address.trim())?.family === 4 ? '' : 'This is no IPv4 address.', groups: '' }}
      onDismiss={close}
      onDone={() => {
        notify('success', `${name || 'The interface'} created.`);
        close();
      }}
    >
      {(error) => (
        <SpaceBetween size="m">
          <FormField label="Name tag">
            <Input value={name} onChange={(e) => setName(e.detail.value)} />
          </FormField>
          <SubnetSelect value={subnet} onChange={setSubnet} error={error('subnet')} />
          <FormField label="Private IPv4 address (optional)" errorText={error('address')}>
            <Input value={address} onChange={(e) => setAddress(e.detail.value)} placeholder="One is chosen" />
          </FormField>
          <GroupsSelect vpc={vpc} value={groups} onChange={setGroups} error={error('groups')} />
        </SpaceBetween>
      )}
    </FormModal>
  );
}
