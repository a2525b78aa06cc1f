import type { Params } from '../wire/form';
import { portRange } from '../model/protocol';
import type { Base, Step } from './rows';

/** An entry of a network ACL as one edits it. */
export interface EntryRow {
  key: string;
  number: string;
  protocol: string;
  ports: string;
  cidr: string;
  action: string;
}

/** The calls that turn an ACL's entries of one direction into these. */
export function entrySteps(acl: string, egress: boolean, base: Base<EntryRow>, rows: EntryRow[]): Step<EntryRow>[] {
  const out: Step<EntryRow>[] = [];
  for (const [key, was] of base) {
    const row = rows.find((r) => r.key === key);
    if (row && row.number.trim() === was.number) continue;
    out.push({ key, becomes: undefined, call: { action: 'DeleteNetworkAclEntry', params: { NetworkAclId: acl, Egress: egress, RuleNumber: Number(was.number) } } });
  }
  for (const row of rows) {
    const was = base.get(row.key);
    if (was && JSON.stringify(was) === JSON.stringify(row)) continue;
    const same = was?.number === row.number.trim();
    out.push({ key: row.key, becomes: row, call: { action: same ? 'ReplaceNetworkAclEntry' : 'CreateNetworkAclEntry', params: entry(acl, egress, row) } });
  }
  return out;
}

function entry(acl: string, egress: boolean, row: EntryRow): Params {
  const cidr = row.cidr.trim();
  const range = portRange(row.ports);
  const ported = row.protocol === '6' || row.protocol === '17';
  const icmp = row.protocol === '1' || row.protocol === '58';
  const [type, code] = row.ports.trim().toLowerCase() === 'all' ? [-1, -1] : row.ports.split(/(?<=\d)\s*[-,/]\s*/).map(Number);
  return {
    NetworkAclId: acl,
    Egress: egress,
    RuleNumber: Number(row.number),
    Protocol: row.protocol,
    RuleAction: row.action,
    [cidr.includes(':') ? 'Ipv6CidrBlock' : 'CidrBlock']: cidr,
    PortRange: ported ? (typeof range === 'string' ? { From: 0, To: 65535 } : { From: range.from, To: range.to }) : undefined,
    Icmp: icmp ? { Type: type ?? -1, Code: code ?? -1 } : undefined,
  };
}
