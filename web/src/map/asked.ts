import type { Question } from './answer';

/** The question as it stands in the form. */
export interface Asked {
  source: string;
  destination: string;
  protocol: string;
  port: string;
}

/** The question, when the form says one. */
export function question(a: Asked): Question | undefined {
  if (a.source === '' || a.destination === '' || a.source === a.destination) return undefined;
  const port = a.protocol === 'icmp' ? 0 : Number(a.port);
  if (a.protocol !== 'icmp' && !(port >= 1 && port <= 65535)) return undefined;
  return { source: a.source, destination: a.destination, protocol: a.protocol, port, live: false };
}
