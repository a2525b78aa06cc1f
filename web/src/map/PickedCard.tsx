import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { kinds } from '../model/network';
import { useById } from '../model/use';
import { Copy } from '../shell/Copy';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { Facts } from '../pages/Facts';
import { count } from './look';
import type { Network } from './useNetwork';

interface Props {
  id: string;
  network: Network;
  onSource: (id: string) => void;
  onDestination: (id: string) => void;
  onZoom: (id: string) => void;
}

/** What is selected on the map, and what one does with it. */
export function PickedCard(p: Props): ReactNode {
  const chip = p.network.scene.chips.get(p.id);
  const box = p.network.scene.byId.get(p.id);
  if (chip) return <ChipCard {...p} />;
  if (box) return <VpcCard {...p} />;
  if (p.id.startsWith('pcx-')) return <PeeringCard id={p.id} />;
  return <Ref id={p.id} />;
}

function ChipCard({ id, network, onSource, onDestination }: Props): ReactNode {
  const navigate = useNavigate();
  const chip = network.scene.chips.get(id)!;
  return (
    <Card title={chip.name} testid="picked-interface">
      <Facts
        columns={2}
        of={[
          ['State', <State of={chip.state} />],
          ['Private IPv4 address', <Copy text={chip.address} />],
          ['Interface', <Ref id={chip.id} />],
          ['Instance', <Ref id={chip.instance} />],
        ]}
      />
      <SpaceBetween direction="horizontal" size="xs">
        <Button onClick={() => onSource(id)} data-testid="from-here">
          From here
        </Button>
        <Button onClick={() => onDestination(id)} data-testid="to-here">
          To here
        </Button>
        <Button disabled={chip.state !== 'running' || chip.instance === ''} onClick={() => void navigate(`/terminals/${chip.instance}`)}>
          Connect
        </Button>
      </SpaceBetween>
    </Card>
  );
}

function VpcCard({ id, network, onZoom }: Props): ReactNode {
  const navigate = useNavigate();
  const box = network.scene.byId.get(id)!;
  return (
    <Card title={box.name} testid="picked-vpc">
      <Facts
        columns={2}
        of={[
          ['State', <State of={box.state} />],
          ['CIDR', box.cidr],
          ['VPC', <Ref id={box.id} />],
          ['Inside', `${count(box.counts.subnets, 'subnet')}, ${count(box.counts.chips, 'interface')}`],
        ]}
      />
      <SpaceBetween direction="horizontal" size="xs">
        <Button onClick={() => network.toggle(id)}>{box.collapsed ? 'Expand' : 'Collapse'}</Button>
        <Button onClick={() => onZoom(id)}>Zoom in</Button>
        <Button onClick={() => void navigate('/peering-connections?create')}>Peer it</Button>
      </SpaceBetween>
    </Card>
  );
}

function PeeringCard({ id }: { id: string }): ReactNode {
  const navigate = useNavigate();
  const peering = useById(kinds.peerings).get(id);
  const vpcs = useById(kinds.vpcs);
  if (!peering) return null;
  return (
    <Card title={peering.name || id} testid="picked-peering">
      <Facts
        columns={2}
        of={[
          ['Status', <State of={peering.status} />],
          ['Peering connection', <Ref id={id} />],
          ['Requester', <Ref id={peering.requester.vpc} name={vpcs.get(peering.requester.vpc)?.name ?? ''} />],
          ['Accepter', <Ref id={peering.accepter.vpc} name={vpcs.get(peering.accepter.vpc)?.name ?? ''} />],
        ]}
      />
      <Button onClick={() => void navigate(`/peering-connections/${id}`)}>{peering.status === 'pending-acceptance' ? 'Accept or reject' : 'Details'}</Button>
    </Card>
  );
}

function Card({ title, testid, children }: { title: string; testid: string; children: ReactNode }): ReactNode {
  return (
    <div className="card" data-testid={testid}>
      <SpaceBetween size="s">
        <Box variant="h3" padding="n">
          {title}
        </Box>
        {children}
      </SpaceBetween>
    </div>
  );
}
