import type { Department } from './course';

/** How a step is done in this console: places to go, things to copy, and why it is as it is. */
export interface Hint {
  why: string;
  places: { text: string; href: string }[];
  copy: { label: string; text: string }[];
  /** Whose way the map shows meanwhile. */
  path: [from: string, to: string];
}

/** The hints of a step, for the departments as they are. */
export function hint(step: number, all: Department[]): Hint {
  const of = (name: string): Department => all.find((d) => d.name === name) ?? { name, vpc: '', subnet: '', instance: '', address: '', table: '', group: '', acl: '' };
  const marketing = of('Marketing');
  const developer = of('Developer');
  const finance = of('Finance');
  const address = finance.address || '172.31.1.199';
  const peer = { text: 'Create a peering connection', href: '#/peering-connections?create' };
  const table = (d: Department): Hint['places'][number] => ({ text: `${d.name}’s route table`, href: `#/route-tables/${d.table}` });
  const group = { text: 'FinanceServer’s security group', href: `#/security-groups/${finance.group}` };
  const shell = (d: Department): Hint['places'][number] => ({ text: `Open a shell on ${d.name}Server`, href: `#/terminals/${d.instance}` });
  const tries = [
    { label: 'Ping', text: `ping -c 3 -W 1 ${address}` },
    { label: 'HTTP', text: `curl -m 3 http://${address}/` },
  ];
  const toFinance: Hint['path'] = [marketing.instance, finance.instance];
  const hints: Record<number, Hint> = {
    1: {
      why: 'Each VPC brings a route table, a security group and a network ACL of its own. Nothing connects the three.',
      places: [
        { text: 'Your VPCs', href: '#/vpcs' },
        { text: 'Instances', href: '#/instances' },
      ],
      copy: [{ label: 'FinanceServer’s address', text: address }],
      path: toFinance,
    },
    2: { why: 'It hangs until its own time-out: nothing answers, nothing is refused. VPCs are isolated by default.', places: [shell(marketing)], copy: tries, path: toFinance },
    3: { why: 'The other side has to accept. An active peering alone carries nothing: there is no route yet.', places: [peer], copy: [], path: toFinance },
    4: {
      why: 'The request now gets as far as FinanceServer’s security group. Two causes are left: the group, and the missing way back.',
      places: [table(marketing), shell(marketing)],
      copy: [{ label: 'Destination', text: '172.31.0.0/16' }],
      path: toFinance,
    },
    5: { why: 'Answers need a way back. One cause is left: FinanceServer’s security group has no rule for it.', places: [table(finance), shell(marketing)], copy: [{ label: 'Destination', text: '10.0.0.0/16' }], path: toFinance },
    6: {
      why: 'Security groups are stateful: one inbound rule, and the answers pass. It works at once; nothing is restarted.',
      places: [group, shell(marketing)],
      copy: [{ label: 'Source', text: '10.0.0.0/16' }, ...tries],
      path: toFinance,
    },
    7: {
      why: 'A network ACL is stateless and stands at the subnet’s edge: a deny cuts even an established connection, and its end lets it go on.',
      places: [{ text: 'Finance’s network ACL', href: `#/network-acls/${finance.acl}` }],
      copy: [{ label: 'Source', text: '10.0.0.0/16' }],
      path: toFinance,
    },
    8: {
      why: 'The same again for the second department: peering, routes on both sides, the rule.',
      places: [peer, table(developer), table(finance), group, shell(developer)],
      copy: [
        { label: 'In Developer’s table', text: '172.31.0.0/16' },
        { label: 'In Finance’s table and the group', text: '192.168.0.0/20' },
      ],
      path: [developer.instance, finance.instance],
    },
    9: {
      why: 'Peering is not transitive: source and destination must both belong to the two VPCs of the peering, whatever routes say.',
      places: [table(marketing), table(developer), shell(marketing)],
      copy: [
        { label: 'Developer’s address', text: developer.address },
        { label: 'Destination', text: '192.168.0.0/20' },
      ],
      path: [marketing.instance, developer.instance],
    },
    10: { why: 'Routes to it turn into black holes, traffic stops at once, and the other department never notices.', places: [{ text: 'Peering connections', href: '#/peering-connections' }], copy: [], path: toFinance },
  };
  return hints[step] ?? { why: '', places: [], copy: [], path: ['', ''] };
}
