import type { ReactNode } from 'react';
import Input from '@cloudscape-design/components/input';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import { entrySteps, type EntryRow } from '../form/entrySteps';
import { RowsForm } from '../form/RowsForm';
import { isLast, type AclEntry, type NetworkAcl } from '../model/networkAcl';
import { portRange } from '../model/protocol';
import { cidrProblem } from '../net/cidr';
import { notify } from '../shell/notices';
import { entryPorts } from './NetworkAcls';

let fresh = 0;
const protocols: SelectProps.Option[] = [
  { value: '-1', label: 'All traffic' },
  { value: '6', label: 'TCP' },
  { value: '17', label: 'UDP' },
  { value: '1', label: 'ICMP - IPv4' },
  { value: '58', label: 'ICMP - IPv6' },
];
const actions: SelectProps.Option[] = [
  { value: 'allow', label: 'Allow' },
  { value: 'deny', label: 'Deny' },
];

/** Edits a network ACL's entries of one direction. */
export function EditEntries({ of, egress, close }: { of: NetworkAcl; egress: boolean; close: () => void }): ReactNode {
  const rows = of.entries.filter((e) => e.egress === egress && !isLast(e)).sort((a, b) => a.number - b.number).map(row);
  const what = egress ? 'Destination' : 'Source';
  return (
    <RowsForm
      title={`Edit ${egress ? 'outbound' : 'inbound'} rules of ${of.name || of.id}`}
      hint="The lowest number that fits decides; what fits none is denied. Answers need a rule in the other direction."
      rows={rows}
      keyOf={(r) => r.key}
      fresh={() => ({ key: `new ${++fresh}`, number: '', protocol: '-1', ports: 'All', cidr: '', action: 'deny' })}
      add="Add rule"
      empty="No entries: everything is denied."
      problem={problem}
      blame={(r) => (/rule ?number|AlreadyExists/i.test(`${r.code} ${r.message}`) ? 0 : /port|icmp/i.test(r.message) ? 2 : 3)}
      steps={(base, now) => entrySteps(of.id, egress, base, now)}
      columns={[
        { label: 'Rule number', control: (r, change, i) => <Input value={r.number} inputMode="numeric" ariaLabel={`Rule number ${i + 1}`} placeholder="100" onChange={(e) => change({ ...r, number: e.detail.value })} /> },
        {
          label: 'Protocol',
          control: (r, change, i) => (
            <Select
              selectedOption={protocols.find((o) => o.value === r.protocol) ?? { value: r.protocol, label: `Protocol ${r.protocol}` }}
              options={protocols}
              ariaLabel={`Protocol ${i + 1}`}
              onChange={(e) => change({ ...r, protocol: e.detail.selectedOption.value ?? '-1', ports: 'All' })}
            />
          ),
        },
        {
          label: 'Port range',
          control: (r, change, i) => <Input value={r.ports} disabled={!ported(r)} ariaLabel={`Port range ${i + 1}`} placeholder="80" onChange={(e) => change({ ...r, ports: e.detail.value })} />,
        },
        { label: what, control: (r, change, i) => <Input value={r.cidr} ariaLabel={`${what} ${i + 1}`} placeholder="10.0.0.0/16" onChange={(e) => change({ ...r, cidr: e.detail.value })} /> },
        {
          label: 'Allow/Deny',
          control: (r, change, i) => <Select selectedOption={actions.find((o) => o.value === r.action) ?? null} options={actions} ariaLabel={`Allow or deny ${i + 1}`} onChange={(e) => change({ ...r, action: e.detail.selectedOption.value ?? 'deny' })} />,
        },
      ]}
      onDismiss={close}
      onDone={() => {
        notify('success', `Entries of ${of.name || of.id} saved. Packets obey them now.`);
        close();
      }}
    />
  );
}

function ported(r: EntryRow): boolean {
  return r.protocol === '6' || r.protocol === '17';
}

function row(e: AclEntry): EntryRow {
  const ports = e.icmpType !== undefined && e.icmpType !== -1 ? `${e.icmpType},${e.icmpCode ?? -1}` : entryPorts(e);
  return { key: String(e.number), number: String(e.number), protocol: e.protocol, ports, cidr: e.cidr, action: e.action };
}

function problem(r: EntryRow, column: number, all: EntryRow[]): string {
  switch (column) {
    case 0:
      if (r.number.trim() === '') return 'Enter a number.';
      if (!/^\d+$/.test(r.number.trim()) || Number(r.number) < 1 || Number(r.number) > 32766) return 'From 1 to 32766.';
      return all.some((o) => o !== r && o.number.trim() === r.number.trim()) ? 'Another row has this number.' : '';
    case 2: {
      if (!ported(r) || r.ports === 'All') return '';
      const range = portRange(r.ports);
      return typeof range === 'string' ? range : '';
    }
    case 3:
      return cidrProblem(r.cidr);
    default:
      return '';
  }
}
