import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Tabs from '@cloudscape-design/components/tabs';
import { Confirm } from '../form/Confirm';
import { FormModal } from '../form/FormModal';
import { VpcSelect } from '../form/VpcSelect';
import { kinds } from '../model/network';
import { isLast, type AclEntry, type NetworkAcl } from '../model/networkAcl';
import { portsOf, protocolName } from '../model/protocol';
import { named } from '../model/tag';
import { useById } from '../model/use';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { EditEntries } from './EditEntries';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { MoveSubnets } from './MoveSubnets';
import { Rows } from './Rows';
import { Tags } from './Tags';

type Form = 'create' | 'delete' | 'ingress' | 'egress' | 'subnets';

export default function NetworkAcls(): ReactNode {
  const [form, setForm] = useState<Form>();
  const [at, setAt] = useState<NetworkAcl>();
  const navigate = useNavigate();
  const vpcs = useById(kinds.vpcs);
  const close = (): void => setForm(undefined);
  const open = (of: NetworkAcl | undefined, what: Form): void => {
    setAt(of);
    setForm(what);
  };
  const columns: Column<NetworkAcl>[] = [
    { id: 'vpc', header: 'VPC', text: (a) => vpcs.get(a.vpc)?.name || a.vpc, cell: (a) => <Ref id={a.vpc} name={vpcs.get(a.vpc)?.name ?? ''} />, width: 320 },
    { id: 'default', header: 'Default', text: (a) => (a.isDefault ? 'Yes' : 'No'), width: 100 },
    { id: 'subnets', header: 'Associated with', text: (a) => `${a.associations.length} ${a.associations.length === 1 ? 'subnet' : 'subnets'}`, width: 150 },
    { id: 'inbound', header: 'Inbound rules', text: (a) => String(a.entries.filter((e) => !e.egress).length), width: 130 },
    { id: 'outbound', header: 'Outbound rules', text: (a) => String(a.entries.filter((e) => e.egress).length), width: 130 },
  ];
  return (
    <>
      <Listing
        title="Network ACLs"
        singular="Network ACL"
        path="network-acls"
        kind={kinds.acls}
        columns={columns}
        description="Gates at a subnet’s edge. Stateless: both directions count, the lowest number that fits decides."
        empty="No network ACLs in this Region. Every VPC brings a default one."
        create={{ text: 'Create network ACL', onClick: () => setForm('create') }}
        actions={(selected) => (
          <>
            <Button disabled={!selected} onClick={() => open(selected, 'ingress')} data-testid="edit-inbound">
              Edit inbound rules
            </Button>
            <Button disabled={!selected} onClick={() => open(selected, 'egress')} data-testid="edit-outbound">
              Edit outbound rules
            </Button>
            <Button disabled={!selected} onClick={() => open(selected, 'subnets')}>
              Edit subnet associations
            </Button>
            <Button disabled={!selected || selected.isDefault} onClick={() => open(selected, 'delete')}>
              Delete
            </Button>
          </>
        )}
        details={(a) => <Details of={a} open={(what) => open(a, what)} />}
      />
      {form === 'create' && (
        <CreateAcl
          close={close}
          done={(id) => {
            close();
            void navigate(`/network-acls/${id}`);
          }}
        />
      )}
      {(form === 'ingress' || form === 'egress') && at && <EditEntries of={at} egress={form === 'egress'} close={close} />}
      {form === 'subnets' && at && <MoveSubnets of={at} close={close} />}
      {form === 'delete' && at && (
        <Confirm
          title={`Delete ${at.name || at.id}?`}
          verb="Delete"
          calls={[{ action: 'DeleteNetworkAcl', params: { NetworkAclId: at.id } }]}
          dependents={at.associations.map((s) => ({ id: s.subnet, what: 'uses it; must be given another first' }))}
          onDismiss={close}
          onDone={() => {
            notify('success', `${at.name || at.id} deleted.`);
            close();
          }}
        >
          The network ACL goes with its entries.
        </Confirm>
      )}
    </>
  );
}

function Details({ of, open }: { of: NetworkAcl; open: (what: Form) => void }): ReactNode {
  const subnets = useById(kinds.subnets);
  const vpcs = useById(kinds.vpcs);
  const table = (egress: boolean): ReactNode => (
    <Rows
      title={egress ? 'Outbound rules' : 'Inbound rules'}
      items={of.entries.filter((e) => e.egress === egress).sort((a, b) => a.number - b.number)}
      columns={[
        ['Rule number', (e) => (isLast(e) ? '*' : e.number)],
        ['Protocol', (e) => (e.protocol === '-1' ? 'All' : protocolName(e.protocol).toUpperCase())],
        ['Port range', entryPorts],
        [egress ? 'Destination' : 'Source', (e) => e.cidr],
        ['Allow/Deny', (e) => <StatusIndicator type={e.action === 'allow' ? 'success' : 'error'}>{e.action === 'allow' ? 'Allow' : 'Deny'}</StatusIndicator>],
      ]}
      empty="None."
      actions={
        <Button onClick={() => open(egress ? 'egress' : 'ingress')} data-testid={egress ? 'details-edit-outbound' : 'details-edit-inbound'}>
          {egress ? 'Edit outbound rules' : 'Edit inbound rules'}
        </Button>
      }
    />
  );
  return (
    <Tabs
      tabs={[
        { id: 'inbound', label: 'Inbound rules', content: table(false) },
        { id: 'outbound', label: 'Outbound rules', content: table(true) },
        {
          id: 'subnets',
          label: 'Subnet associations',
          content: (
            <Rows
              title="Subnets"
              items={of.associations}
              columns={[
                ['Subnet', (a) => <Ref id={a.subnet} name={subnets.get(a.subnet)?.name ?? ''} />],
                ['CIDR', (a) => subnets.get(a.subnet)?.cidr ?? '–'],
              ]}
              empty="No subnet uses this network ACL."
              actions={<Button onClick={() => open('subnets')}>Edit subnet associations</Button>}
            />
          ),
        },
        {
          id: 'details',
          label: 'Details',
          content: (
            <Facts
              of={[
                ['Network ACL', of.id],
                ['VPC', <Ref id={of.vpc} name={vpcs.get(of.vpc)?.name ?? ''} />],
                ['Default', of.isDefault ? 'Yes' : 'No'],
              ]}
            />
          ),
        },
        { id: 'tags', label: 'Tags', content: <Tags of={of} /> },
      ]}
    />
  );
}

/** The ports of an entry, or the types of ICMP that it is about. */
export function entryPorts(e: AclEntry): string {
  const icmp = e.protocol === '1' || e.protocol === '58';
  return icmp ? portsOf(e.protocol, e.icmpType, e.icmpCode) : portsOf(e.protocol, e.from, e.to);
}

function CreateAcl({ close, done }: { close: () => void; done: (id: string) => void }): ReactNode {
  const [name, setName] = useState('');
  const [vpc, setVpc] = useState('');
  return (
    <FormModal
      title="Create network ACL"
      submit="Create network ACL"
      calls={[{ action: 'CreateNetworkAcl', params: { VpcId: vpc, TagSpecification: named('network-acl', name) } }]}
      problems={{ vpc: vpc === '' ? 'Choose a VPC.' : '' }}
      onDismiss={close}
      onDone={(answer) => {
        const id = answer?.text('networkAcl.networkAclId') ?? '';
        notify('success', `${name || id} created. It denies everything until it has entries.`);
        done(id);
      }}
    >
      {(error) => (
        <SpaceBetween size="m">
          <FormField label="Name tag">
            <Input value={name} onChange={(e) => setName(e.detail.value)} />
          </FormField>
          <VpcSelect value={vpc} onChange={setVpc} error={error('vpc')} />
        </SpaceBetween>
      )}
    </FormModal>
  );
}
