import type { Params, Value } from '../wire/form';
import type { Base, Step } from './rows';

/** A security group's rule as one edits it. */
export interface RuleRow {
  /** The rule's ID, or a name of its own until there is one. */
  key: string;
  label: string;
  protocol: string;
  ports: string;
  peer: string;
  description: string;
}

/** The calls that turn a group's rules of one direction into these. */
export function ruleSteps(group: string, egress: boolean, base: Base<RuleRow>, rows: RuleRow[]): Step<RuleRow>[] {
  const way = egress ? 'Egress' : 'Ingress';
  const out: Step<RuleRow>[] = [];
  for (const key of base.keys()) {
    if (rows.some((r) => r.key === key)) continue;
    out.push({ key, becomes: undefined, call: { action: `RevokeSecurityGroup${way}`, params: { GroupId: group, SecurityGroupRuleId: [key] } } });
  }
  for (const row of rows) {
    const was = base.get(row.key);
    if (was && JSON.stringify(was) === JSON.stringify(row)) continue;
    out.push({ key: row.key, becomes: row, call: was ? { action: 'ModifySecurityGroupRules', params: modify(group, row) } : { action: `AuthorizeSecurityGroup${way}`, params: authorize(group, row) } });
  }
  return out;
}

/** The ports of a row as AWS's two numbers; none for all traffic. */
export function numbers(row: RuleRow): { FromPort?: number; ToPort?: number } {
  if (row.protocol === '-1') return {};
  const [from, to] = row.ports.split(/(?<=\d)\s*-\s*/).map((n) => Number(n));
  return { FromPort: from ?? -1, ToPort: to ?? from ?? -1 };
}

function authorize(group: string, row: RuleRow): Params {
  const description = row.description.trim() || undefined;
  const peer = row.peer.trim();
  const range: Record<string, Value> = peer.startsWith('sg-')
    ? { Groups: [{ GroupId: peer, Description: description }] }
    : peer.startsWith('pl-')
      ? { PrefixListIds: [{ PrefixListId: peer, Description: description }] }
      : peer.includes(':')
        ? { Ipv6Ranges: [{ CidrIpv6: peer, Description: description }] }
        : { IpRanges: [{ CidrIp: peer, Description: description }] };
  return { GroupId: group, IpPermissions: [{ IpProtocol: row.protocol, ...numbers(row), ...range }] };
}

function modify(group: string, row: RuleRow): Params {
  const peer = row.peer.trim();
  const key = peer.startsWith('sg-') ? 'ReferencedGroupId' : peer.startsWith('pl-') ? 'PrefixListId' : peer.includes(':') ? 'CidrIpv6' : 'CidrIpv4';
  const rule: Record<string, Value> = { IpProtocol: row.protocol, ...numbers(row), [key]: peer, Description: row.description.trim() || undefined };
  return { GroupId: group, SecurityGroupRule: [{ SecurityGroupRuleId: row.key, SecurityGroupRule: rule }] };
}
