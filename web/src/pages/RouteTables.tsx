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
import type { RouteTable } from '../model/routeTable';
import { named } from '../model/tag';
import { useById } from '../model/use';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { Associate } from './Associate';
import { EditRoutes } from './EditRoutes';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Rows } from './Rows';
import { Tags } from './Tags';

type Form = 'create' | 'delete' | 'routes' | 'associations';

export default function RouteTables(): ReactNode {
  const [form, setForm] = useState<Form>();
  const [at, setAt] = useState<RouteTable>();
  const navigate = useNavigate();
  const vpcs = useById(kinds.vpcs);
  const close = (): void => setForm(undefined);
  const open = (of: RouteTable | undefined, what: Form): void => {
    setAt(of);
    setForm(what);
  };
  const columns: Column<RouteTable>[] = [
    { id: 'vpc', header: 'VPC', text: (t) => vpcs.get(t.vpc)?.name || t.vpc, cell: (t) => <Ref id={t.vpc} name={vpcs.get(t.vpc)?.name ?? ''} />, width: 320 },
    { id: 'main', header: 'Main', text: (t) => (t.main ? 'Yes' : 'No'), width: 90 },
    { id: 'subnets', header: 'Explicit subnet associations', text: (t) => t.associations.filter((a) => a.subnet !== '').map((a) => a.subnet).join(', ') || '–', width: 220 },
    { id: 'routes', header: 'Routes', text: (t) => t.routes.map((r) => `${r.destination} → ${r.target}`).join(', '), width: 380 },
    { id: 'blackholes', header: 'Black holes', text: (t) => String(t.routes.filter((r) => r.state === 'blackhole').length), cell: (t) => (t.routes.some((r) => r.state === 'blackhole') ? <State of="blackhole" /> : '–'), width: 130 },
  ];
  return (
    <>
      <Listing
        title="Route tables"
        singular="Route table"
        path="route-tables"
        kind={kinds.routeTables}
        columns={columns}
        description="Where a subnet’s packets go: the longest prefix decides."
        empty="No route tables in this Region. Every VPC brings one."
        create={{ text: 'Create route table', onClick: () => setForm('create') }}
        actions={(selected) => (
          <>
            <Button disabled={!selected} onClick={() => open(selected, 'routes')} data-testid="edit-routes">
              Edit routes
            </Button>
            <Button disabled={!selected} onClick={() => open(selected, 'associations')}>
              Edit subnet associations
            </Button>
            <Button disabled={!selected || selected.main} onClick={() => open(selected, 'delete')}>
              Delete
            </Button>
          </>
        )}
        details={(t) => <Details of={t} open={(what) => open(t, what)} />}
      />
      {form === 'create' && (
        <CreateTable
          close={close}
          done={(id) => {
            close();
            void navigate(`/route-tables/${id}`);
          }}
        />
      )}
      {form === 'routes' && at && <EditRoutes of={at} close={close} />}
      {form === 'associations' && at && <Associate of={at} close={close} />}
      {form === 'delete' && at && (
        <Confirm
          title={`Delete ${at.name || at.id}?`}
          verb="Delete"
          calls={[{ action: 'DeleteRouteTable', params: { RouteTableId: at.id } }]}
          dependents={at.associations.filter((a) => a.subnet !== '').map((a) => ({ id: a.subnet, what: 'uses it; must be associated with another first' }))}
          onDismiss={close}
          onDone={() => {
            notify('success', `${at.name || at.id} deleted.`);
            close();
          }}
        >
          The table goes with its {at.routes.length} routes.
        </Confirm>
      )}
    </>
  );
}

function Details({ of, open }: { of: RouteTable; open: (what: Form) => void }): ReactNode {
  const subnets = useById(kinds.subnets);
  const vpcs = useById(kinds.vpcs);
  return (
    <Tabs
      tabs={[
        {
          id: 'routes',
          label: 'Routes',
          content: (
            <Rows
              title="Routes"
              label={`Routes of ${of.id}`}
              items={of.routes}
              columns={[
                ['Destination', (r) => r.destination],
                ['Target', (r) => <Ref id={r.target} />],
                ['Status', (r) => <State of={r.state} />],
                ['Propagated', (r) => (r.origin === 'EnableVgwRoutePropagation' ? 'Yes' : 'No')],
              ]}
              empty="No routes."
              actions={
                <Button onClick={() => open('routes')} data-testid="details-edit-routes">
                  Edit routes
                </Button>
              }
            />
          ),
        },
        {
          id: 'associations',
          label: 'Subnet associations',
          content: (
            <Rows
              title="Explicit subnet associations"
              items={of.associations.filter((a) => a.subnet !== '')}
              columns={[
                ['Subnet', (a) => <Ref id={a.subnet} name={subnets.get(a.subnet)?.name ?? ''} />],
                ['CIDR', (a) => subnets.get(a.subnet)?.cidr ?? '–'],
                ['Association', (a) => a.id],
              ]}
              empty={of.main ? 'None. Subnets without a table of their own use this one: it is the main one.' : 'None: no subnet uses this table.'}
              actions={<Button onClick={() => open('associations')}>Edit subnet associations</Button>}
            />
          ),
        },
        {
          id: 'details',
          label: 'Details',
          content: (
            <Facts
              of={[
                ['Route table', of.id],
                ['VPC', <Ref id={of.vpc} name={vpcs.get(of.vpc)?.name ?? ''} />],
                ['Main', of.main ? 'Yes' : 'No'],
              ]}
            />
          ),
        },
        { id: 'tags', label: 'Tags', content: <Tags of={of} /> },
      ]}
    />
  );
}

function CreateTable({ close, done }: { close: () => void; done: (id: string) => void }): ReactNode {
  const [vpc, setVpc] = useState('');
  const [name, setName] = useState('');
  return (
    <FormModal
      title="Create route table"
      submit="Create route table"
      calls={[{ action: 'CreateRouteTable', params: { VpcId: vpc, TagSpecification: named('route-table', name) } }]}
      problems={{ vpc: vpc === '' ? 'Choose a VPC.' : '' }}
      onDismiss={close}
      onDone={(answer) => {
        const id = answer?.text('routeTable.routeTableId') ?? '';
        notify('success', `${name || id} created. Associate it with a subnet to use it.`);
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
