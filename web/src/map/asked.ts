import type { Question } from './answer';

/** The question as it stands in the form. */
export interface Asked {
  source: string;
  destination: string;
  protocol: string;
  port: string;
  /** Between the IPv6 addresses of the two ends. */
  ipv6: boolean;
}

/**
 * The question, when the form says one. For IPv6 the source is named by its address:
 * the analyzer takes the family from there.
 */
export function question(a: Asked, addressesOf: (id: string) => string[]): Question | undefined {
  if (a.source === '' || a.destination === '' || a.source === a.destination) return undefined;
  const port = a.protocol === 'icmp' ? 0 : Number(a.port);
  if (a.protocol !== 'icmp' && !(port >= 1 && port <= 65535)) return undefined;
  const source = a.ipv6 ? addressesOf(a.source).find((x) => x.includes(':')) : a.source;
  if (source === undefined) return undefined;
  return { source, destination: a.destination, protocol: a.protocol, port, live: false };
}
