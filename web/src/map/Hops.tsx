import type { ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { placeOf } from '../shell/Ref';
import Link from '@cloudscape-design/components/link';
import type { Hop } from './answer';
import { Sentence, useNames } from './Sentence';

const titles: Record<string, string> = {
  instance: 'Instance',
  'network-interface': 'Network interface',
  'security-group': 'Security group',
  'network-acl': 'Network ACL',
  'route-table': 'Route table',
  'vpc-peering-connection': 'Peering connection',
  'internet-gateway': 'Internet gateway',
  vpc: 'VPC router',
};

/** The components on the way, in the order in which a packet meets them. */
export function Hops({ hops, label }: { hops: Hop[]; label: string }): ReactNode {
  const name = useNames();
  return (
    <ol className="hops" aria-label={label}>
      {hops.map((h, i) => (
        <li key={`${i} ${h.component}`} className={h.blocked ? (h.beyond ? 'later' : 'bad') : h.beyond ? 'off' : 'good'} data-testid={`hop-${i + 1}`}>
          <StatusIndicator type={h.blocked ? (h.beyond ? 'warning' : 'error') : h.beyond ? 'stopped' : 'success'}>
            {titles[h.kind] ?? h.kind}
            {h.direction === undefined || h.direction === '' ? '' : h.direction === 'egress' ? ', outbound' : ', inbound'}
            {h.beyond && !h.blocked ? ' (not reached)' : ''}
          </StatusIndicator>
          <Box fontSize="body-s" color="text-body-secondary">
            {placeOf(h.component) ? <Link href={placeOf(h.component)!} fontSize="body-s">{name(h.component) || h.component}</Link> : h.component}
            : <Sentence text={h.sentence} />
          </Box>
        </li>
      ))}
    </ol>
  );
}
