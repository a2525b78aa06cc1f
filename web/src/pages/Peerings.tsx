import { useState, type ReactNode } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { Confirm } from '../form/Confirm';
import { FormModal } from '../form/FormModal';
import { VpcSelect } from '../form/VpcSelect';
import { kinds } from '../model/network';
import { ended, type Peering } from '../model/peering';
import { named } from '../model/tag';
import { useAll, useById } from '../model/use';
import { useHere } from '../session/session';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Tags } from './Tags';

type Form = 'create' | 'accept' | 'reject' | 'delete';

export default function Peerings(): ReactNode {
  const [query] = useSearchParams();
  const [form, setForm] = useState<Form | undefined>(query.has('create') ? 'create' : undefined);
  const [at, setAt] = useState<Peering>();
  const navigate = useNavigate();
  const vpcs = useById(kinds.vpcs);
  const close = (): void => setForm(undefined);
  const open = (of: Peering | undefined, what: Form): void => {
    setAt(of);
    setForm(what);
  };
  const end = (vpc: string): string => vpcs.get(vpc)?.name || vpc;
  const columns: Column<Peering>[] = [
    { id: 'status', header: 'Status', text: (p) => p.status, cell: (p) => <State of={p.status} />, width: 170 },
    { id: 'requester', header: 'Requester VPC', text: (p) => end(p.requester.vpc), cell: (p) => <Ref id={p.requester.vpc} name={vpcs.get(p.requester.vpc)?.name ?? ''} />, width: 320 },
    { id: 'accepter', header: 'Accepter VPC', text: (p) => end(p.accepter.vpc), cell: (p) => <Ref id={p.accepter.vpc} name={vpcs.get(p.accepter.vpc)?.name ?? ''} />, width: 320 },
    { id: 'cidrs', header: 'CIDRs', text: (p) => `${p.requester.cidrs.join(', ') || '–'} ↔ ${p.accepter.cidrs.join(', ') || '–'}`, width: 300 },
  ];
  const buttons = (of: Peering | undefined): ReactNode => (
    <>
      <Button disabled={of?.status !== 'pending-acceptance'} onClick={() => open(of, 'accept')} data-testid="accept">
        Accept request
      </Button>
      <Button disabled={of?.status !== 'pending-acceptance'} onClick={() => open(of, 'reject')}>
        Reject request
      </Button>
      <Button disabled={!of || ended(of.status)} onClick={() => open(of, 'delete')} data-testid="delete">
        Delete
      </Button>
    </>
  );
  return (
    <>
      <Listing
        title="Peering connections"
        singular="Peering connection"
        path="peering-connections"
        kind={kinds.peerings}
        columns={columns}
        description="Links between two VPCs. Each needs routes on both sides; none is a way through to a third."
        empty="No peering connections. Request one between two VPCs, accept it, then add routes on both sides."
        create={{ text: 'Create peering connection', onClick: () => setForm('create') }}
        actions={buttons}
        details={(p) => <Details of={p} accept={() => open(p, 'accept')} />}
      />
      {form === 'create' && (
        <CreatePeering
          close={close}
          done={(id) => {
            close();
            void navigate(`/peering-connections/${id}`);
          }}
        />
      )}
      {form !== undefined && form !== 'create' && at && <Answer of={at} what={form} close={close} />}
    </>
  );
}

function Details({ of, accept }: { of: Peering; accept: () => void }): ReactNode {
  const vpcs = useById(kinds.vpcs);
  return (
    <SpaceBetween size="m">
      {of.status === 'pending-acceptance' && (
        <Alert type="info" action={<Button onClick={accept}>Accept request</Button>} header="Waiting for the accepter">
          The owner of {vpcs.get(of.accepter.vpc)?.name || of.accepter.vpc} has to accept the request{of.expires === '' ? '' : ` until ${new Date(of.expires).toLocaleString('en')}`}.
        </Alert>
      )}
      {of.status === 'active' && <Alert type="info">Packets pass when both sides have a route to the other: see the route tables.</Alert>}
      <Tabs
        tabs={[
          {
            id: 'details',
            label: 'Details',
            content: (
              <Facts
                of={[
                  ['Status', <State of={of.status} />],
                  ['Message', of.message],
                  ['Requester VPC', <Ref id={of.requester.vpc} name={vpcs.get(of.requester.vpc)?.name ?? ''} />],
                  ['Requester CIDRs', of.requester.cidrs.join(', ')],
                  ['Accepter VPC', <Ref id={of.accepter.vpc} name={vpcs.get(of.accepter.vpc)?.name ?? ''} />],
                  ['Accepter CIDRs', of.accepter.cidrs.join(', ')],
                  ['Owners', `${of.requester.owner} → ${of.accepter.owner}`],
                  ['Regions', `${of.requester.region} → ${of.accepter.region}`],
                ]}
              />
            ),
          },
          { id: 'tags', label: 'Tags', content: <Tags of={of} /> },
        ]}
      />
    </SpaceBetween>
  );
}

function CreatePeering({ close, done }: { close: () => void; done: (id: string) => void }): ReactNode {
  const { session, scope } = useHere();
  const [name, setName] = useState('');
  const [vpc, setVpc] = useState('');
  const [peer, setPeer] = useState('');
  const [mine, setMine] = useState('mine');
  const [owner, setOwner] = useState('');
  const [region, setRegion] = useState(scope.region);
  const far = region !== scope.region || mine !== 'mine';
  return (
    <FormModal
      title="Create peering connection"
      submit="Create peering connection"
      calls={[
        {
          action: 'CreateVpcPeeringConnection',
          params: {
            VpcId: vpc,
            PeerVpcId: peer.trim(),
            PeerOwnerId: mine === 'mine' ? undefined : owner.trim(),
            PeerRegion: region === scope.region ? undefined : region,
            TagSpecification: named('vpc-peering-connection', name),
          },
        },
      ]}
      problems={{
        vpc: vpc === '' ? 'Choose the requester.' : '',
        peer: peer.trim() === '' ? 'Choose the accepter.' : '',
        owner: mine === 'mine' || /^\d{12}$/.test(owner.trim()) ? '' : 'Enter an account of 12 digits.',
      }}
      onDismiss={close}
      onDone={(answer) => {
        const id = answer?.text('vpcPeeringConnection.vpcPeeringConnectionId') ?? '';
        notify('success', `${name || id} requested. It must be accepted.`);
        done(id);
      }}
    >
      {(error) => (
        <SpaceBetween size="m">
          <FormField label="Name">
            <Input value={name} onChange={(e) => setName(e.detail.value)} placeholder="Marketing-Finance" />
          </FormField>
          <VpcSelect label="VPC ID (Requester)" value={vpc} onChange={setVpc} error={error('vpc')} />
          <FormField label="Account of the other VPC" errorText={error('owner')}>
            <SpaceBetween size="xs">
              <RadioGroup
                value={mine}
                onChange={(e) => setMine(e.detail.value)}
                items={[
                  { value: 'mine', label: 'My account' },
                  { value: 'other', label: 'Another account' },
                ]}
              />
              {mine !== 'mine' && <Input value={owner} ariaLabel="Account ID" placeholder="210987654321" onChange={(e) => setOwner(e.detail.value)} />}
            </SpaceBetween>
          </FormField>
          <FormField label="Region of the other VPC">
            <Select selectedOption={{ value: region, label: region }} options={session.regions.map((r) => ({ value: r, label: r }))} onChange={(e) => setRegion(e.detail.selectedOption.value ?? scope.region)} />
          </FormField>
          {far ? (
            <FormField label="VPC ID (Accepter)" errorText={error('peer')}>
              <Input value={peer} placeholder="vpc-…" onChange={(e) => setPeer(e.detail.value)} />
            </FormField>
          ) : (
            <VpcSelect label="VPC ID (Accepter)" value={peer} onChange={setPeer} error={error('peer')} without={vpc} />
          )}
        </SpaceBetween>
      )}
    </FormModal>
  );
}

const answers = {
  accept: { verb: 'Accept', action: 'AcceptVpcPeeringConnection', says: 'The two VPCs are connected. Packets pass once both sides have routes.', done: 'accepted' },
  reject: { verb: 'Reject', action: 'RejectVpcPeeringConnection', says: 'The request ends.', done: 'rejected' },
  delete: { verb: 'Delete', action: 'DeleteVpcPeeringConnection', says: 'Traffic over it stops at once.', done: 'deleted' },
};

function Answer({ of, what, close }: { of: Peering; what: Exclude<Form, 'create'>; close: () => void }): ReactNode {
  const a = answers[what];
  const tables = useAll(kinds.routeTables).data ?? [];
  const routes = what === 'delete' ? tables.flatMap((t) => t.routes.filter((r) => r.target === of.id).map((r) => ({ id: t.id, name: t.name, what: `the route ${r.destination} turns into a black hole` }))) : [];
  return (
    <Confirm
      title={`${a.verb} ${of.name || of.id}?`}
      verb={a.verb}
      calls={[{ action: a.action, params: { VpcPeeringConnectionId: of.id } }]}
      dependents={routes}
      onDismiss={close}
      onDone={() => {
        notify('success', `${of.name || of.id} ${a.done}.`);
        close();
      }}
    >
      {a.says}
    </Confirm>
  );
}
