import { useState, type ReactNode } from 'react';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import FormField from '@cloudscape-design/components/form-field';
import Multiselect from '@cloudscape-design/components/multiselect';
import Tabs from '@cloudscape-design/components/tabs';
import { Confirm } from '../form/Confirm';
import { CreateInterface } from './CreateInterface';
import { FormModal } from '../form/FormModal';
import { kinds } from '../model/network';
import type { NetworkInterface } from '../model/networkInterface';
import { useAll, useById } from '../model/use';
import { Copy } from '../shell/Copy';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Rows } from './Rows';
import { Tags } from './Tags';

type Form = 'create' | 'delete' | 'groups' | 'check' | 'detach';

export default function NetworkInterfaces(): ReactNode {
  const [form, setForm] = useState<Form>();
  const [at, setAt] = useState<NetworkInterface>();
  const instances = useById(kinds.instances);
  const close = (): void => setForm(undefined);
  const columns: Column<NetworkInterface>[] = [
    { id: 'status', header: 'Status', text: (e) => e.status, cell: (e) => <State of={e.status} />, width: 120 },
    { id: 'address', header: 'Primary private IPv4', text: (e) => e.address, cell: (e) => <Copy text={e.address} />, width: 180 },
    { id: 'ipv6', header: 'IPv6 addresses', text: (e) => e.ipv6.join(', ') || '–', width: 240 },
    { id: 'instance', header: 'Instance', text: (e) => instances.get(e.instance)?.name || e.instance || '–', cell: (e) => <Ref id={e.instance} name={instances.get(e.instance)?.name ?? ''} />, width: 320 },
    { id: 'vpc', header: 'VPC', text: (e) => e.vpc, cell: (e) => <Ref id={e.vpc} />, width: 220 },
    { id: 'subnet', header: 'Subnet', text: (e) => e.subnet, cell: (e) => <Ref id={e.subnet} />, width: 240 },
    { id: 'groups', header: 'Security groups', text: (e) => e.groups.map((g) => g.name).join(', '), width: 180 },
    { id: 'check', header: 'Source/dest. check', text: (e) => (e.sourceDestCheck ? 'On' : 'Off'), width: 140 },
  ];
  return (
    <>
      <Listing
        title="Network interfaces"
        singular="Interface"
        path="network-interfaces"
        kind={kinds.interfaces}
        columns={columns}
        description="Where subnet, addresses and security groups meet."
        empty="No network interfaces. Each instance brings one."
        create={{ text: 'Create network interface', onClick: () => setForm('create') }}
        actions={(selected) => (
          <ButtonDropdown
            disabled={!selected}
            items={[
              { id: 'groups', text: 'Change security groups' },
              { id: 'check', text: 'Change source/dest. check' },
              { id: 'detach', text: 'Detach', disabled: !selected || selected.attachment === '' || selected.device === 0 },
              { id: 'delete', text: 'Delete', disabled: selected?.status !== 'available' },
            ]}
            onItemClick={(e) => {
              setAt(selected);
              setForm(e.detail.id as Form);
            }}
            data-testid="interface-actions"
          >
            Actions
          </ButtonDropdown>
        )}
        details={(e) => <Details of={e} />}
      />
      {form === 'create' && <CreateInterface close={close} />}
      {form === 'groups' && at && <ChangeGroups of={at} close={close} />}
      {form !== undefined && form !== 'groups' && form !== 'create' && at && <Ask of={at} what={form} close={close} />}
    </>
  );
}

function Details({ of }: { of: NetworkInterface }): ReactNode {
  const instances = useById(kinds.instances);
  return (
    <Tabs
      tabs={[
        {
          id: 'details',
          label: 'Details',
          content: (
            <Facts
              of={[
                ['Interface', <Copy text={of.id} />],
                ['Status', <State of={of.status} />],
                ['Instance', <Ref id={of.instance} name={instances.get(of.instance)?.name ?? ''} />],
                ['Device index', of.attachment === '' ? '' : of.device],
                ['Private IPv4 addresses', of.addresses.join(', ')],
                ['IPv6 addresses', of.ipv6.join(', ')],
                ['MAC address', of.mac],
                ['Source/dest. check', of.sourceDestCheck ? 'On' : 'Off'],
                ['VPC', <Ref id={of.vpc} />],
                ['Subnet', <Ref id={of.subnet} />],
                ['Availability Zone', of.zone],
                ['Description', of.description],
              ]}
            />
          ),
        },
        { id: 'groups', label: 'Security groups', content: <Rows title="Security groups" items={of.groups} columns={[['Security group', (g) => <Ref id={g.id} name={g.name} />]]} empty="None." /> },
        { id: 'tags', label: 'Tags', content: <Tags of={of} /> },
      ]}
    />
  );
}

function ChangeGroups({ of, close }: { of: NetworkInterface; close: () => void }): ReactNode {
  const groups = (useAll(kinds.groups).data ?? []).filter((g) => g.vpc === of.vpc);
  const options = groups.map((g) => ({ value: g.id, label: g.groupName, description: g.id }));
  const [chosen, setChosen] = useState<readonly string[]>(of.groups.map((g) => g.id));
  return (
    <FormModal
      title={`Security groups of ${of.name || of.id}`}
      submit="Save"
      calls={[{ action: 'ModifyNetworkInterfaceAttribute', params: { NetworkInterfaceId: of.id, SecurityGroupId: [...chosen] } }]}
      problems={{ groups: chosen.length === 0 ? 'Choose at least one group.' : '' }}
      onDismiss={close}
      onDone={() => {
        notify('success', `Security groups of ${of.id} saved.`);
        close();
      }}
    >
      {(error) => (
        <FormField label="Security groups" errorText={error('groups')}>
          <Multiselect selectedOptions={options.filter((o) => chosen.includes(o.value))} options={options} placeholder="Choose groups" deselectAriaLabel={(o) => `Remove ${o.label ?? ''}`} onChange={(e) => setChosen(e.detail.selectedOptions.map((o) => o.value ?? ''))} />
        </FormField>
      )}
    </FormModal>
  );
}

function Ask({ of, what, close }: { of: NetworkInterface; what: 'delete' | 'check' | 'detach'; close: () => void }): ReactNode {
  const asks = {
    delete: { title: `Delete ${of.name || of.id}?`, verb: 'Delete', call: { action: 'DeleteNetworkInterface', params: { NetworkInterfaceId: of.id } }, says: 'The interface goes, and its addresses are free again.' },
    detach: { title: `Detach ${of.name || of.id}?`, verb: 'Detach', call: { action: 'DetachNetworkInterface', params: { AttachmentId: of.attachment } }, says: 'The instance loses it at once.' },
    check: {
      title: `Turn the source/destination check ${of.sourceDestCheck ? 'off' : 'on'}?`,
      verb: of.sourceDestCheck ? 'Turn off' : 'Turn on',
      call: { action: 'ModifyNetworkInterfaceAttribute', params: { NetworkInterfaceId: of.id, SourceDestCheck: { Value: !of.sourceDestCheck } } },
      says: of.sourceDestCheck ? 'The interface may then carry packets that are neither from it nor for it, as a router does.' : 'The interface then carries only its own packets.',
    },
  };
  const a = asks[what];
  return (
    <Confirm
      title={a.title}
      verb={a.verb}
      calls={[a.call]}
      onDismiss={close}
      onDone={() => {
        notify('success', 'Done.');
        close();
      }}
    >
      {a.says}
    </Confirm>
  );
}
