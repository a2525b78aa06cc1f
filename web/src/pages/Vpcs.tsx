import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { Confirm } from '../form/Confirm';
import { FormModal } from '../form/FormModal';
import { kinds } from '../model/network';
import { named } from '../model/tag';
import { useAll } from '../model/use';
import type { Vpc } from '../model/vpc';
import { cidrProblem } from '../net/cidr';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Rows } from './Rows';
import { Tags } from './Tags';

const columns: Column<Vpc>[] = [
  { id: 'state', header: 'State', text: (v) => v.state, cell: (v) => <State of={v.state} />, width: 130 },
  { id: 'cidr', header: 'IPv4 CIDR', text: (v) => v.cidrs.join(', ') },
  { id: 'ipv6', header: 'IPv6 CIDR', text: (v) => v.ipv6Cidrs.join(', ') || '–', width: 220 },
  { id: 'default', header: 'Default VPC', text: (v) => (v.isDefault ? 'Yes' : 'No'), width: 120 },
  { id: 'owner', header: 'Owner', text: (v) => v.owner, width: 150 },
];

export default function Vpcs(): ReactNode {
  const [form, setForm] = useState<'create' | 'delete'>();
  const [at, setAt] = useState<Vpc>();
  const navigate = useNavigate();
  const close = (): void => setForm(undefined);
  return (
    <>
      <Listing
        title="Your VPCs"
        singular="VPC"
        path="vpcs"
        kind={kinds.vpcs}
        columns={columns}
        description="Networks of your own, isolated from each other until a peering connects them."
        empty="No VPCs in this Region. Create one, then give it a subnet."
        create={{ text: 'Create VPC', onClick: () => setForm('create') }}
        actions={(selected) => (
          <Button
            disabled={!selected}
            onClick={() => {
              setAt(selected);
              setForm('delete');
            }}
          >
            Delete
          </Button>
        )}
        details={(v) => <Details of={v} />}
      />
      {form === 'create' && (
        <CreateVpc
          close={close}
          done={(id) => {
            close();
            void navigate(`/vpcs/${id}`);
          }}
        />
      )}
      {form === 'delete' && at && <DeleteVpc of={at} close={close} />}
    </>
  );
}

function Details({ of }: { of: Vpc }): ReactNode {
  const subnets = (useAll(kinds.subnets).data ?? []).filter((s) => s.vpc === of.id);
  const tables = (useAll(kinds.routeTables).data ?? []).filter((t) => t.vpc === of.id);
  const acls = (useAll(kinds.acls).data ?? []).filter((a) => a.vpc === of.id);
  const groups = (useAll(kinds.groups).data ?? []).filter((g) => g.vpc === of.id);
  return (
    <Tabs
      tabs={[
        {
          id: 'details',
          label: 'Details',
          content: (
            <Facts
              of={[
                ['State', <State of={of.state} />],
                ['IPv4 CIDR', of.cidrs.join(', ')],
                ['IPv6 CIDR', of.ipv6Cidrs.join(', ')],
                ['Default VPC', of.isDefault ? 'Yes' : 'No'],
                ['Main route table', <Ref id={tables.find((t) => t.main)?.id ?? ''} />],
                ['Default network ACL', <Ref id={acls.find((a) => a.isDefault)?.id ?? ''} />],
                ['Default security group', <Ref id={groups.find((g) => g.groupName === 'default')?.id ?? ''} />],
                ['Owner', of.owner],
              ]}
            />
          ),
        },
        {
          id: 'subnets',
          label: `Subnets (${subnets.length})`,
          content: (
            <Rows
              title="Subnets"
              items={subnets}
              columns={[
                ['Subnet', (s) => <Ref id={s.id} name={s.name} />],
                ['IPv4 CIDR', (s) => s.cidr],
                ['Availability Zone', (s) => s.zone],
                ['Free addresses', (s) => s.free],
              ]}
              empty="No subnets yet. Instances need one: create it on the page Subnets."
            />
          ),
        },
        { id: 'tags', label: 'Tags', content: <Tags of={of} /> },
      ]}
    />
  );
}

function CreateVpc({ close, done }: { close: () => void; done: (id: string) => void }): ReactNode {
  const [name, setName] = useState('');
  const [cidr, setCidr] = useState('');
  const [ipv6, setIpv6] = useState(true);
  return (
    <FormModal
      title="Create VPC"
      submit="Create VPC"
      calls={[{ action: 'CreateVpc', params: { CidrBlock: cidr.trim(), AmazonProvidedIpv6CidrBlock: ipv6 || undefined, TagSpecification: named('vpc', name) } }]}
      problems={{ cidr: cidrProblem(cidr, [4]), tags: '' }}
      onDismiss={close}
      onDone={(answer) => {
        const id = answer?.text('vpc.vpcId') ?? '';
        notify('success', `${name || id} created. Its next need is a subnet.`);
        done(id);
      }}
    >
      {(error) => (
        <SpaceBetween size="m">
          <FormField label="Name tag" description="What lists and the map call it." errorText={error('tags')}>
            <Input value={name} onChange={(e) => setName(e.detail.value)} placeholder="Marketing" autoFocus />
          </FormField>
          <FormField label="IPv4 CIDR block" constraintText="From /16 to /28." errorText={error('cidr')}>
            <Input value={cidr} onChange={(e) => setCidr(e.detail.value)} placeholder="10.0.0.0/16" />
          </FormField>
          <Checkbox checked={ipv6} onChange={(e) => setIpv6(e.detail.checked)}>
            Amazon-provided IPv6 CIDR block
          </Checkbox>
        </SpaceBetween>
      )}
    </FormModal>
  );
}

function DeleteVpc({ of, close }: { of: Vpc; close: () => void }): ReactNode {
  const subnets = (useAll(kinds.subnets).data ?? []).filter((s) => s.vpc === of.id);
  const peerings = (useAll(kinds.peerings).data ?? []).filter((p) => (p.requester.vpc === of.id || p.accepter.vpc === of.id) && ['active', 'pending-acceptance', 'provisioning'].includes(p.status));
  const enis = (useAll(kinds.interfaces).data ?? []).filter((e) => e.vpc === of.id);
  return (
    <Confirm
      title={`Delete ${of.name || of.id}?`}
      verb="Delete"
      calls={[{ action: 'DeleteVpc', params: { VpcId: of.id } }]}
      dependents={[
        ...enis.map((e) => ({ id: e.id, name: e.name, what: 'in use; must go first' })),
        ...subnets.map((s) => ({ id: s.id, name: s.name, what: 'a subnet; must go first' })),
        ...peerings.map((p) => ({ id: p.id, name: p.name, what: 'ends; routes to it turn into black holes' })),
      ]}
      onDismiss={close}
      onDone={() => {
        notify('success', `${of.name || of.id} deleted.`);
        close();
      }}
    >
      The VPC goes with its main route table, default security group and default network ACL.
    </Confirm>
  );
}
