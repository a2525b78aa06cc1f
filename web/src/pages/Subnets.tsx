import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery } from '@tanstack/react-query';
import { Confirm } from '../form/Confirm';
import { FormModal } from '../form/FormModal';
import { VpcSelect } from '../form/VpcSelect';
import { kinds } from '../model/network';
import type { Subnet } from '../model/subnet';
import { named } from '../model/tag';
import { useAll, useById } from '../model/use';
import { cidr as parse, cidrProblem, network } from '../net/cidr';
import { useHere } from '../session/session';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { ec2 } from '../wire/ec2';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Rows } from './Rows';
import { Tags } from './Tags';

const columns: Column<Subnet>[] = [
  { id: 'state', header: 'State', text: (s) => s.state, cell: (s) => <State of={s.state} />, width: 130 },
  { id: 'vpc', header: 'VPC', text: (s) => s.vpc, cell: (s) => <Ref id={s.vpc} />, width: 230 },
  { id: 'cidr', header: 'IPv4 CIDR', text: (s) => s.cidr || '–' },
  { id: 'ipv6', header: 'IPv6 CIDR', text: (s) => s.ipv6Cidrs.join(', ') || '–', width: 220 },
  { id: 'free', header: 'Available IPv4 addresses', text: (s) => String(s.free), width: 130 },
  { id: 'zone', header: 'Availability Zone', text: (s) => s.zone, width: 150 },
];

export default function Subnets(): ReactNode {
  const [form, setForm] = useState<'create' | 'delete'>();
  const [at, setAt] = useState<Subnet>();
  const navigate = useNavigate();
  const close = (): void => setForm(undefined);
  return (
    <>
      <Listing
        title="Subnets"
        singular="Subnet"
        path="subnets"
        kind={kinds.subnets}
        columns={columns}
        description="Ranges of a VPC’s addresses in one Availability Zone; instances stand in them."
        empty="No subnets in this Region. A VPC needs one before an instance can be launched in it."
        create={{ text: 'Create subnet', onClick: () => setForm('create') }}
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
        details={(s) => <Details of={s} />}
      />
      {form === 'create' && (
        <CreateSubnet
          close={close}
          done={(id) => {
            close();
            void navigate(`/subnets/${id}`);
          }}
        />
      )}
      {form === 'delete' && at && <DeleteSubnet of={at} close={close} />}
    </>
  );
}

function Details({ of }: { of: Subnet }): ReactNode {
  const tables = (useAll(kinds.routeTables).data ?? []).filter((t) => t.vpc === of.vpc);
  const table = tables.find((t) => t.associations.some((a) => a.subnet === of.id)) ?? tables.find((t) => t.main);
  const acl = (useAll(kinds.acls).data ?? []).find((a) => a.associations.some((s) => s.subnet === of.id));
  const enis = (useAll(kinds.interfaces).data ?? []).filter((e) => e.subnet === of.id);
  const vpc = useById(kinds.vpcs).get(of.vpc);
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
                ['VPC', <Ref id={of.vpc} name={vpc?.name ?? ''} />],
                ['IPv4 CIDR', of.cidr],
                ['IPv6 CIDR', of.ipv6Cidrs.join(', ')],
                ['Route table', <Ref id={table?.id ?? ''} name={table?.name ?? ''} />],
                ['Network ACL', <Ref id={acl?.id ?? ''} name={acl?.name ?? ''} />],
                ['Availability Zone', of.zone],
                ['Available IPv4 addresses', of.free],
              ]}
            />
          ),
        },
        {
          id: 'routes',
          label: 'Route table',
          content: (
            <Rows
              title={`Routes of ${table?.name || table?.id || 'no table'}`}
              items={table?.routes ?? []}
              columns={[
                ['Destination', (r) => r.destination],
                ['Target', (r) => <Ref id={r.target} />],
                ['Status', (r) => <State of={r.state} />],
              ]}
              empty="No routes."
            />
          ),
        },
        {
          id: 'interfaces',
          label: `Network interfaces (${enis.length})`,
          content: (
            <Rows
              title="Network interfaces"
              items={enis}
              columns={[
                ['Interface', (e) => <Ref id={e.id} name={e.name} />],
                ['Address', (e) => e.address],
                ['Instance', (e) => <Ref id={e.instance} />],
              ]}
              empty="Nothing stands in this subnet. Launch an instance into it."
            />
          ),
        },
        { id: 'tags', label: 'Tags', content: <Tags of={of} /> },
      ]}
    />
  );
}

function CreateSubnet({ close, done }: { close: () => void; done: (id: string) => void }): ReactNode {
  const { scope } = useHere();
  const [vpc, setVpc] = useState('');
  const [name, setName] = useState('');
  const [cidr, setCidr] = useState('');
  const [ipv6, setIpv6] = useState('');
  const [zone, setZone] = useState('');
  const of = useById(kinds.vpcs).get(vpc);
  const { data: zones } = useQuery({
    queryKey: ['zones', scope.account, scope.region],
    queryFn: async () => (await ec2(scope, { action: 'DescribeAvailabilityZones', params: {} })).list('availabilityZoneInfo').map((z) => z.text('zoneName')),
    staleTime: Infinity,
  });
  const block = of?.ipv6Cidrs[0] ? parse(of.ipv6Cidrs[0]) : undefined;
  const offered = block ? network({ ...block, length: 64 }) : '';
  return (
    <FormModal
      title="Create subnet"
      submit="Create subnet"
      calls={[
        {
          action: 'CreateSubnet',
          params: { VpcId: vpc, CidrBlock: cidr.trim(), Ipv6CidrBlock: ipv6.trim() || undefined, AvailabilityZone: zone || undefined, TagSpecification: named('subnet', name) },
        },
      ]}
      problems={{ vpc: vpc === '' ? 'Choose a VPC.' : '', cidr: cidrProblem(cidr, [4]), ipv6: ipv6.trim() === '' ? '' : cidrProblem(ipv6, [6]), zone: '' }}
      onDismiss={close}
      onDone={(answer) => {
        const id = answer?.text('subnet.subnetId') ?? '';
        notify('success', `${name || id} created.`);
        done(id);
      }}
    >
      {(error) => (
        <SpaceBetween size="m">
          <VpcSelect value={vpc} onChange={setVpc} error={error('vpc')} />
          <FormField label="Name tag">
            <Input value={name} onChange={(e) => setName(e.detail.value)} placeholder="MarketingSubnet" />
          </FormField>
          <FormField label="IPv4 CIDR block" constraintText={of ? `Inside ${of.cidrs.join(' or ')}.` : 'Inside the VPC’s.'} errorText={error('cidr')}>
            <Input value={cidr} onChange={(e) => setCidr(e.detail.value)} placeholder="10.0.1.0/24" />
          </FormField>
          {offered !== '' && (
            <FormField label="IPv6 CIDR block (optional)" constraintText={`A /64 inside ${of?.ipv6Cidrs[0] ?? ''}.`} errorText={error('ipv6')}>
              <Input value={ipv6} onChange={(e) => setIpv6(e.detail.value)} placeholder={offered} />
            </FormField>
          )}
          <FormField label="Availability Zone" errorText={error('zone')}>
            <Select
              selectedOption={{ value: zone, label: zone === '' ? 'No preference' : zone }}
              options={[{ value: '', label: 'No preference' }, ...(zones ?? []).map((z) => ({ value: z, label: z }))]}
              onChange={(e) => setZone(e.detail.selectedOption.value ?? '')}
            />
          </FormField>
        </SpaceBetween>
      )}
    </FormModal>
  );
}

function DeleteSubnet({ of, close }: { of: Subnet; close: () => void }): ReactNode {
  const enis = (useAll(kinds.interfaces).data ?? []).filter((e) => e.subnet === of.id);
  return (
    <Confirm
      title={`Delete ${of.name || of.id}?`}
      verb="Delete"
      calls={[{ action: 'DeleteSubnet', params: { SubnetId: of.id } }]}
      dependents={enis.map((e) => ({ id: e.id, name: e.name, what: 'stands in it; must go first' }))}
      onDismiss={close}
      onDone={() => {
        notify('success', `${of.name || of.id} deleted.`);
        close();
      }}
    >
      The subnet and its associations go.
    </Confirm>
  );
}
