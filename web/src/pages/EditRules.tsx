import type { ReactNode } from 'react';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import { RowsForm } from '../form/RowsForm';
import { ruleSteps, type RuleRow } from '../form/ruleSteps';
import { kinds } from '../model/network';
import { portRange, portsOf, protocolName, trafficOf, traffics } from '../model/protocol';
import type { SecurityGroup, SecurityGroupRule } from '../model/securityGroup';
import { useAll } from '../model/use';
import { cidrProblem } from '../net/cidr';
import { notify } from '../shell/notices';

let fresh = 0;
const any = [
  { value: '0.0.0.0/0', description: 'Anywhere, IPv4' },
  { value: '::/0', description: 'Anywhere, IPv6' },
];

/** Edits a security group's rules of one direction. */
export function EditRules({ of, egress, close }: { of: SecurityGroup; egress: boolean; close: () => void }): ReactNode {
  const rules = (useAll(kinds.rules).data ?? []).filter((r) => r.group === of.id && r.egress === egress);
  const groups = useAll(kinds.groups).data ?? [];
  const vpcs = useAll(kinds.vpcs).data ?? [];
  const peers = [
    { label: 'Anywhere', options: any },
    { label: 'VPCs', options: vpcs.flatMap((v) => [...v.cidrs, ...v.ipv6Cidrs].map((c) => ({ value: c, description: v.name || v.id }))) },
    { label: 'Security groups', options: groups.map((g) => ({ value: g.id, description: g.groupName, tags: [g.groupName] })) },
  ];
  const what = egress ? 'Destination' : 'Source';
  return (
    <RowsForm
      title={`Edit ${egress ? 'outbound' : 'inbound'} rules of ${of.groupName}`}
      hint={egress ? 'What may leave. Answers to what came in pass by themselves.' : 'What may come in. Everything else is dropped in silence.'}
      rows={rules.map(row)}
      keyOf={(r) => r.key}
      fresh={() => ({ key: `new ${++fresh}`, label: 'HTTP', protocol: 'tcp', ports: '80', peer: '', description: '' })}
      add="Add rule"
      empty={egress ? 'No rules: nothing leaves.' : 'No rules: nothing comes in.'}
      problem={problem}
      blame={(r) => (!r.code.includes('Duplicate') && /port|icmp/i.test(r.message) ? 1 : 2)}
      steps={(base, now) => ruleSteps(of.id, egress, base, now)}
      columns={[
        {
          label: 'Type',
          control: (r, change, i) => (
            <Select
              selectedOption={{ value: r.label, label: r.label }}
              options={traffics.map((t) => ({ value: t.label, label: t.label }))}
              ariaLabel={`Type ${i + 1}`}
              onChange={(e) => {
                const t = traffics.find((x) => x.label === e.detail.selectedOption.value);
                if (t) change({ ...r, label: t.label, protocol: t.protocol, ports: t.ports ? '' : written(t.from, t.to) });
              }}
            />
          ),
        },
        {
          label: 'Port range',
          control: (r, change, i) => (
            <Input
              value={r.label.startsWith('Custom') ? r.ports : portsOf(r.protocol, ...pair(r.ports))}
              disabled={!/^Custom (TCP|UDP)/.test(r.label)}
              ariaLabel={`Port range ${i + 1}`}
              placeholder="8080"
              onChange={(e) => change({ ...r, ports: e.detail.value })}
            />
          ),
        },
        {
          label: what,
          control: (r, change, i) => (
            <Autosuggest value={r.peer} options={peers} ariaLabel={`${what} ${i + 1}`} placeholder="10.0.0.0/16 or sg-…" enteredTextLabel={(text) => `Use ${text}`} onChange={(e) => change({ ...r, peer: e.detail.value })} />
          ),
        },
        { label: 'Description', control: (r, change, i) => <Input value={r.description} ariaLabel={`Description ${i + 1}`} onChange={(e) => change({ ...r, description: e.detail.value })} /> },
      ]}
      onDismiss={close}
      onDone={() => {
        notify('success', `Rules of ${of.groupName} saved. Packets obey them now.`);
        close();
      }}
    />
  );
}

function row(r: SecurityGroupRule): RuleRow {
  return { key: r.id, label: trafficOf(r.protocol, r.from, r.to), protocol: protocolName(r.protocol), ports: written(r.from, r.to), peer: r.peer, description: r.description };
}

/** Two numbers as the text of a row: "80", "8000-8080", "8--1". */
function written(from: number | undefined, to: number | undefined): string {
  if (from === undefined) return '';
  return from === to || to === undefined ? String(from) : `${from}-${to}`;
}

function pair(ports: string): [number | undefined, number | undefined] {
  if (ports === '') return [undefined, undefined];
  const [from, to] = ports.split(/(?<=\d)-/).map(Number);
  return [from, to ?? from];
}

function problem(r: RuleRow, column: number): string {
  if (column === 1 && /^Custom (TCP|UDP)/.test(r.label)) {
    const range = portRange(r.ports);
    return typeof range === 'string' ? range : '';
  }
  if (column === 2) {
    if (/^(sg|pl)-[0-9a-f]+$/.test(r.peer.trim())) return '';
    return r.peer.trim() === '' ? 'Enter a CIDR block or choose a security group.' : cidrProblem(r.peer);
  }
  return '';
}
