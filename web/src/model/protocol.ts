/** What AWS's console calls the kinds of traffic, and how a rule says them. */
export interface Traffic {
  label: string;
  protocol: string;
  from: number | undefined;
  to: number | undefined;
  /** Whether the person gives the ports. */
  ports: boolean;
}

/** The kinds of traffic one chooses from. */
export const traffics: Traffic[] = [
  { label: 'HTTP', protocol: 'tcp', from: 80, to: 80, ports: false },
  { label: 'HTTPS', protocol: 'tcp', from: 443, to: 443, ports: false },
  { label: 'SSH', protocol: 'tcp', from: 22, to: 22, ports: false },
  { label: 'DNS (UDP)', protocol: 'udp', from: 53, to: 53, ports: false },
  { label: 'PostgreSQL', protocol: 'tcp', from: 5432, to: 5432, ports: false },
  { label: 'MySQL/Aurora', protocol: 'tcp', from: 3306, to: 3306, ports: false },
  { label: 'Echo request (ping) - IPv4', protocol: 'icmp', from: 8, to: -1, ports: false },
  { label: 'Echo request (ping) - IPv6', protocol: 'icmpv6', from: 128, to: 0, ports: false },
  { label: 'All traffic', protocol: '-1', from: undefined, to: undefined, ports: false },
  { label: 'All TCP', protocol: 'tcp', from: 0, to: 65535, ports: false },
  { label: 'All UDP', protocol: 'udp', from: 0, to: 65535, ports: false },
  { label: 'All ICMP - IPv4', protocol: 'icmp', from: -1, to: -1, ports: false },
  { label: 'All ICMP - IPv6', protocol: 'icmpv6', from: -1, to: -1, ports: false },
  { label: 'Custom TCP', protocol: 'tcp', from: undefined, to: undefined, ports: true },
  { label: 'Custom UDP', protocol: 'udp', from: undefined, to: undefined, ports: true },
];

const numbers: Record<string, string> = { '6': 'tcp', '17': 'udp', '1': 'icmp', '58': 'icmpv6' };

/** A protocol's name: rules say numbers or names. */
export function protocolName(protocol: string): string {
  return numbers[protocol] ?? protocol;
}

/** What a rule lets through, in the console's words. */
export function trafficOf(protocol: string, from: number | undefined, to: number | undefined): string {
  const name = protocolName(protocol);
  const exact = traffics.find((t) => !t.ports && t.protocol === name && t.from === from && t.to === to);
  if (exact) return exact.label;
  if (name === '-1') return 'All traffic';
  return { tcp: 'Custom TCP', udp: 'Custom UDP', icmp: 'Custom ICMP - IPv4', icmpv6: 'Custom ICMP - IPv6' }[name] ?? `Protocol ${name}`;
}

/** The ports of a rule as text. */
export function portsOf(protocol: string, from: number | undefined, to: number | undefined): string {
  const name = protocolName(protocol);
  if (name === '-1') return 'All';
  if (name === 'icmp' || name === 'icmpv6') {
    if (from === undefined || from === -1) return 'All';
    return to === undefined || to === -1 ? `type ${from}` : `type ${from}, code ${to}`;
  }
  if (from === undefined || (from === 0 && to === 65535)) return 'All';
  return from === to ? String(from) : `${from}-${to}`;
}

/** Reads "80" or "8000-8080"; a sentence when it is neither. */
export function portRange(text: string): { from: number; to: number } | string {
  const found = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(text);
  if (!found) return 'Enter a port, such as 80, or a range, such as 8000-8080.';
  const from = Number(found[1]);
  const to = Number(found[2] ?? found[1]);
  if (from > 65535 || to > 65535) return 'A port is at most 65535.';
  return from > to ? 'The range begins after its end.' : { from, to };
}
