import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Tabs from '@cloudscape-design/components/tabs';
import { Confirm } from '../form/Confirm';
import { kinds } from '../model/network';
import type { Instance } from '../model/instance';
import { useById } from '../model/use';
import { Copy } from '../shell/Copy';
import { notify } from '../shell/notices';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { ConsoleOutput } from './ConsoleOutput';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Rows } from './Rows';
import { Tags } from './Tags';

const columns: Column<Instance>[] = [
  { id: 'state', header: 'Instance state', text: (i) => i.state, cell: (i) => <State of={i.state} />, width: 140 },
  { id: 'address', header: 'Private IPv4 address', text: (i) => i.address || '–', cell: (i) => <Copy text={i.address} />, width: 190 },
  { id: 'ipv6', header: 'IPv6 address', text: (i) => i.ipv6.join(', ') || '–', width: 240 },
  { id: 'type', header: 'Instance type', text: (i) => i.type, width: 130 },
  { id: 'vpc', header: 'VPC', text: (i) => i.vpc || '–', cell: (i) => <Ref id={i.vpc} />, width: 220 },
  { id: 'subnet', header: 'Subnet', text: (i) => i.subnet || '–', cell: (i) => <Ref id={i.subnet} />, width: 250 },
  { id: 'zone', header: 'Availability Zone', text: (i) => i.zone, width: 150 },
];

interface Act {
  text: string;
  action: string;
  from: string[];
  says: string;
}

const acts: Record<string, Act> = {
  start: { text: 'Start instance', action: 'StartInstances', from: ['stopped'], says: 'It boots with the same addresses.' },
  stop: { text: 'Stop instance', action: 'StopInstances', from: ['running', 'pending'], says: 'Its processes end; addresses and files stay.' },
  reboot: { text: 'Reboot instance', action: 'RebootInstances', from: ['running'], says: 'Its processes end and it boots again; files stay.' },
  terminate: { text: 'Terminate (delete) instance', action: 'TerminateInstances', from: ['running', 'pending', 'stopped', 'stopping'], says: 'It is gone for good, with its files.' },
};

export default function Instances(): ReactNode {
  const navigate = useNavigate();
  const [asked, setAsked] = useState<{ act: Act; of: Instance[] }>();
  const close = (): void => setAsked(undefined);
  return (
    <>
      <Listing
        title="Instances"
        singular="Instance"
        path="instances"
        kind={kinds.instances}
        columns={columns}
        description="Real processes in namespaces of their own, behind network interfaces."
        empty="No instances in this Region. Launch one into a subnet."
        create={{ text: 'Launch instance', onClick: () => void navigate('/launch') }}
        multi={(selected) => (
          <>
            <Button disabled={selected.length !== 1 || selected[0]?.state !== 'running'} onClick={() => void navigate(`/terminals/${selected[0]?.id ?? ''}`)} data-testid="connect">
              Connect
            </Button>
            <ButtonDropdown
              disabled={selected.length === 0}
              items={Object.entries(acts).map(([id, a]) => ({ id, text: a.text, disabled: !selected.every((i) => a.from.includes(i.state)) }))}
              onItemClick={(e) => {
                const act = acts[e.detail.id];
                if (act) setAsked({ act, of: selected });
              }}
              data-testid="instance-state"
            >
              Instance state
            </ButtonDropdown>
          </>
        )}
        details={(i) => <Details of={i} />}
      />
      {asked && (
        <Confirm
          title={`${asked.act.text}?`}
          verb={asked.act.text.split(' ')[0] ?? ''}
          calls={[{ action: asked.act.action, params: { InstanceId: asked.of.map((i) => i.id) } }]}
          onDismiss={close}
          onDone={() => {
            notify('success', `${asked.act.text}: ${asked.of.map((i) => i.name || i.id).join(', ')}.`);
            close();
          }}
        >
          <b>{asked.of.map((i) => i.name || i.id).join(', ')}</b>: {asked.act.says}
        </Confirm>
      )}
    </>
  );
}

function Details({ of }: { of: Instance }): ReactNode {
  const navigate = useNavigate();
  const enis = useById(kinds.interfaces);
  const vpcs = useById(kinds.vpcs);
  const subnets = useById(kinds.subnets);
  return (
    <Tabs
      actions={
        <Button disabled={of.state !== 'running'} onClick={() => void navigate(`/terminals/${of.id}`)}>
          Connect
        </Button>
      }
      tabs={[
        {
          id: 'details',
          label: 'Details',
          content: (
            <Facts
              of={[
                ['Instance ID', <Copy text={of.id} />],
                ['State', <State of={of.state} />],
                ['Private IPv4 address', <Copy text={of.address} />],
                ['IPv6 address', of.ipv6.length > 0 ? <Copy text={of.ipv6[0] ?? ''} /> : ''],
                ['VPC', <Ref id={of.vpc} name={vpcs.get(of.vpc)?.name ?? ''} />],
                ['Subnet', <Ref id={of.subnet} name={subnets.get(of.subnet)?.name ?? ''} />],
                ['Instance type', of.type],
                ['AMI ID', of.image],
                ['Key pair', of.key],
                ['Launch time', of.launched === '' ? '' : new Date(of.launched).toLocaleString('en')],
                ['Reason of the state', of.reason],
              ]}
            />
          ),
        },
        {
          id: 'security',
          label: 'Security',
          content: <Rows title="Security groups" items={of.groups} columns={[['Security group', (g) => <Ref id={g.id} name={g.name} />]]} empty="None." />,
        },
        {
          id: 'networking',
          label: 'Networking',
          content: (
            <Rows
              title="Network interfaces"
              items={of.interfaces.map((id) => enis.get(id)).filter((e) => e !== undefined)}
              columns={[
                ['Interface', (e) => <Ref id={e.id} name={e.name} />],
                ['Private IPv4 addresses', (e) => e.addresses.join(', ')],
                ['IPv6 addresses', (e) => e.ipv6.join(', ') || '–'],
                ['Source/destination check', (e) => (e.sourceDestCheck ? 'On' : 'Off')],
              ]}
              empty="None: the instance is gone."
            />
          ),
        },
        { id: 'output', label: 'System log', content: <ConsoleOutput instance={of.id} /> },
        { id: 'tags', label: 'Tags', content: <Tags of={of} /> },
      ]}
    />
  );
}
