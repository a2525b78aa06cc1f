import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { Confirm } from '../form/Confirm';
import { FormModal } from '../form/FormModal';
import { VpcSelect } from '../form/VpcSelect';
import { kinds } from '../model/network';
import { portsOf, protocolName, trafficOf } from '../model/protocol';
import type { SecurityGroup } from '../model/securityGroup';
import { useAll, useById } from '../model/use';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { EditRules } from './EditRules';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Rows } from './Rows';
import { Tags } from './Tags';

type Form = 'create' | 'delete' | 'ingress' | 'egress';

export default function SecurityGroups(): ReactNode {
  const [form, setForm] = useState<Form>();
  const [at, setAt] = useState<SecurityGroup>();
  const navigate = useNavigate();
  const vpcs = useById(kinds.vpcs);
  const rules = useAll(kinds.rules).data ?? [];
  const close = (): void => setForm(undefined);
  const open = (of: SecurityGroup | undefined, what: Form): void => {
    setAt(of);
    setForm(what);
  };
  const columns: Column<SecurityGroup>[] = [
    { id: 'group', header: 'Security group name', text: (g) => g.groupName, width: 190 },
    { id: 'vpc', header: 'VPC', text: (g) => vpcs.get(g.vpc)?.name || g.vpc, cell: (g) => <Ref id={g.vpc} name={vpcs.get(g.vpc)?.name ?? ''} />, width: 320 },
    { id: 'description', header: 'Description', text: (g) => g.description, width: 230 },
    { id: 'inbound', header: 'Inbound rules', text: (g) => String(rules.filter((r) => r.group === g.id && !r.egress).length), width: 130 },
    { id: 'outbound', header: 'Outbound rules', text: (g) => String(rules.filter((r) => r.group === g.id && r.egress).length), width: 130 },
  ];
  return (
    <>
      <Listing
        title="Security groups"
        singular="Security group"
        path="security-groups"
        kind={kinds.groups}
        columns={columns}
        description="What an interface lets in and out. Stateful: answers pass by themselves."
        empty="No security groups in this Region. Every VPC brings a default one."
        create={{ text: 'Create security group', onClick: () => setForm('create') }}
        actions={(selected) => (
          <>
            <Button disabled={!selected} onClick={() => open(selected, 'ingress')} data-testid="edit-inbound">
              Edit inbound rules
            </Button>
            <Button disabled={!selected} onClick={() => open(selected, 'egress')} data-testid="edit-outbound">
              Edit outbound rules
            </Button>
            <Button disabled={!selected || selected.groupName === 'default'} onClick={() => open(selected, 'delete')}>
              Delete
            </Button>
          </>
        )}
        details={(g) => <Details of={g} open={(what) => open(g, what)} />}
      />
      {form === 'create' && (
        <CreateGroup
          close={close}
          done={(id) => {
            close();
            void navigate(`/security-groups/${id}`);
          }}
        />
      )}
      {(form === 'ingress' || form === 'egress') && at && <EditRules of={at} egress={form === 'egress'} close={close} />}
      {form === 'delete' && at && <DeleteGroup of={at} close={close} />}
    </>
  );
}

function Details({ of, open }: { of: SecurityGroup; open: (what: Form) => void }): ReactNode {
  const rules = (useAll(kinds.rules).data ?? []).filter((r) => r.group === of.id);
  const enis = (useAll(kinds.interfaces).data ?? []).filter((e) => e.groups.some((g) => g.id === of.id));
  const vpcs = useById(kinds.vpcs);
  const table = (egress: boolean): ReactNode => (
    <Rows
      title={egress ? 'Outbound rules' : 'Inbound rules'}
      items={rules.filter((r) => r.egress === egress)}
      columns={[
        ['Type', (r) => trafficOf(r.protocol, r.from, r.to)],
        ['Protocol', (r) => (r.protocol === '-1' ? 'All' : protocolName(r.protocol).toUpperCase())],
        ['Port range', (r) => portsOf(r.protocol, r.from, r.to)],
        [egress ? 'Destination' : 'Source', (r) => (r.peer.startsWith('sg-') ? <Ref id={r.peer} /> : r.peer)],
        ['Description', (r) => r.description || '–'],
        ['Rule ID', (r) => r.id],
      ]}
      empty={egress ? 'No outbound rules: nothing leaves.' : 'No inbound rules: nothing comes in. Add one for what this group should let in.'}
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
          id: 'used',
          label: `Used by (${enis.length})`,
          content: (
            <Rows
              title="Network interfaces"
              items={enis}
              columns={[
                ['Interface', (e) => <Ref id={e.id} name={e.name} />],
                ['Instance', (e) => <Ref id={e.instance} />],
                ['Address', (e) => e.address],
              ]}
              empty="No interface is in this group."
            />
          ),
        },
        {
          id: 'details',
          label: 'Details',
          content: (
            <Facts
              of={[
                ['Security group name', of.groupName],
                ['Description', of.description],
                ['VPC', <Ref id={of.vpc} name={vpcs.get(of.vpc)?.name ?? ''} />],
                ['Owner', of.owner],
              ]}
            />
          ),
        },
        { id: 'tags', label: 'Tags', content: <Tags of={of} /> },
      ]}
    />
  );
}

function CreateGroup({ close, done }: { close: () => void; done: (id: string) => void }): ReactNode {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [vpc, setVpc] = useState('');
  return (
    <FormModal
      title="Create security group"
      submit="Create security group"
      calls={[{ action: 'CreateSecurityGroup', params: { GroupName: name.trim(), GroupDescription: description.trim(), VpcId: vpc } }]}
      problems={{
        name: name.trim() === '' ? 'Enter a name.' : name.startsWith('sg-') ? 'A name cannot begin with sg-.' : '',
        description: description.trim() === '' ? 'Enter a description: AWS wants one.' : '',
        vpc: vpc === '' ? 'Choose a VPC.' : '',
      }}
      onDismiss={close}
      onDone={(answer) => {
        notify('success', `${name} created. Add inbound rules for what it should let in.`);
        done(answer?.text('groupId') ?? '');
      }}
    >
      {(error) => (
        <SpaceBetween size="m">
          <FormField label="Security group name" errorText={error('name')}>
            <Input value={name} onChange={(e) => setName(e.detail.value)} placeholder="web" />
          </FormField>
          <FormField label="Description" errorText={error('description')}>
            <Input value={description} onChange={(e) => setDescription(e.detail.value)} />
          </FormField>
          <VpcSelect value={vpc} onChange={setVpc} error={error('vpc')} />
        </SpaceBetween>
      )}
    </FormModal>
  );
}

function DeleteGroup({ of, close }: { of: SecurityGroup; close: () => void }): ReactNode {
  const enis = (useAll(kinds.interfaces).data ?? []).filter((e) => e.groups.some((g) => g.id === of.id));
  const rules = (useAll(kinds.rules).data ?? []).filter((r) => r.peer === of.id && r.group !== of.id);
  return (
    <Confirm
      title={`Delete ${of.groupName}?`}
      verb="Delete"
      calls={[{ action: 'DeleteSecurityGroup', params: { GroupId: of.id } }]}
      dependents={[...enis.map((e) => ({ id: e.id, name: e.name, what: 'is in it; must leave first' })), ...rules.map((r) => ({ id: r.group, what: `its rule ${r.id} names it; must go first` }))]}
      onDismiss={close}
      onDone={() => {
        notify('success', `${of.groupName} deleted.`);
        close();
      }}
    >
      The group goes with its rules.
    </Confirm>
  );
}
