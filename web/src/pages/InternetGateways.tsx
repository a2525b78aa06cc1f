import type { ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { InternetGateway } from '../model/gateway';
import { kinds } from '../model/network';
import { useById } from '../model/use';
import { Ref } from '../shell/Ref';
import { State } from '../shell/State';
import { Facts } from './Facts';
import { Listing, type Column } from './Listing';
import { Tags } from './Tags';

export default function InternetGateways(): ReactNode {
  const vpcs = useById(kinds.vpcs);
  const columns: Column<InternetGateway>[] = [
    { id: 'state', header: 'State', text: (g) => g.state, cell: (g) => <State of={g.state} />, width: 140 },
    { id: 'vpc', header: 'VPC', text: (g) => vpcs.get(g.vpc)?.name || g.vpc || '–', cell: (g) => <Ref id={g.vpc} name={vpcs.get(g.vpc)?.name ?? ''} />, width: 320 },
  ];
  return (
    <Listing
      title="Internet gateways"
      singular="Internet gateway"
      path="internet-gateways"
      kind={kinds.gateways}
      columns={columns}
      description="On AWS, the way to the internet. Nothing here leaves this machine: such a route is active and drops."
      empty="No internet gateways in this Region."
      details={(g) => (
        <SpaceBetween size="m">
          <Alert type="info">Routes to it are active, as on AWS, and drop: instances cannot reach the world outside.</Alert>
          <Facts
            of={[
              ['Internet gateway', g.id],
              ['State', <State of={g.state} />],
              ['VPC', <Ref id={g.vpc} name={vpcs.get(g.vpc)?.name ?? ''} />],
            ]}
          />
          <Tags of={g} />
        </SpaceBetween>
      )}
    />
  );
}
