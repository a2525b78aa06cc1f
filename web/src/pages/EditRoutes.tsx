import type { ReactNode } from 'react';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Input from '@cloudscape-design/components/input';
import { RowsForm } from '../form/RowsForm';
import { routeSteps, type RouteRow } from '../form/routeSteps';
import { kinds } from '../model/network';
import { ended } from '../model/peering';
import type { RouteTable } from '../model/routeTable';
import { useAll, useById } from '../model/use';
import { cidrProblem } from '../net/cidr';
import { notify } from '../shell/notices';
import { State } from '../shell/State';

let fresh = 0;

/** Edits the routes of a table. */
export function EditRoutes({ of, close }: { of: RouteTable; close: () => void }): ReactNode {
  const targets = useTargets(of.vpc);
  const rows = of.routes.map((r): RouteRow => ({ ...r, key: r.destination }));
  return (
    <RowsForm
      title={`Edit routes of ${of.name || of.id}`}
      hint="A packet takes the route with the longest prefix that covers its destination. Local routes stay."
      rows={rows}
      keyOf={(r) => r.key}
      fresh={() => ({ key: `new ${++fresh}`, destination: '', target: '', state: '', origin: '' })}
      add="Add route"
      empty="No routes."
      fixed={(r) => r.target === 'local'}
      problem={(r, column, all) => {
        if (r.target === 'local') return '';
        if (column === 1) return r.target.trim() === '' ? 'Choose a target.' : '';
        if (column !== 0) return '';
        if (r.destination.startsWith('pl-')) return '';
        if (all.some((o) => o !== r && o.destination.trim() === r.destination.trim() && r.destination.trim() !== '')) return 'Another row has this destination.';
        return cidrProblem(r.destination);
      }}
      blame={(r) => (/RouteAlreadyExists|Destination|CIDR|cidr/.test(`${r.code} ${r.message}`) ? 0 : 1)}
      steps={(base, now) => routeSteps(of.id, base, now)}
      columns={[
        {
          label: 'Destination',
          control: (r, change, i, fixed) => (
            <Input value={r.destination} disabled={fixed} ariaLabel={`Destination ${i + 1}`} placeholder="172.31.0.0/16" onChange={(e) => change({ ...r, destination: e.detail.value })} />
          ),
        },
        {
          label: 'Target',
          control: (r, change, i, fixed) => (
            <Autosuggest
              value={r.target}
              options={targets}
              disabled={fixed}
              ariaLabel={`Target ${i + 1}`}
              placeholder="Peering, gateway, interface or instance"
              enteredTextLabel={(text) => `Use ${text}`}
              empty="Nothing to route to. Request a peering first."
              onChange={(e) => change({ ...r, target: e.detail.value })}
            />
          ),
        },
        { label: 'Status', control: (r) => (r.state === '' ? 'New' : <State of={r.state} />) },
      ]}
      onDismiss={close}
      onDone={() => {
        notify('success', `Routes of ${of.name || of.id} saved. Packets obey them now.`);
        close();
      }}
    />
  );
}

/** What a route of a VPC can lead to. */
function useTargets(vpc: string): { label: string; options: { value: string; description?: string; tags?: string[] }[] }[] {
  const vpcs = useById(kinds.vpcs);
  const peerings = (useAll(kinds.peerings).data ?? []).filter((p) => !ended(p.status) && (p.requester.vpc === vpc || p.accepter.vpc === vpc));
  const gateways = (useAll(kinds.gateways).data ?? []).filter((g) => g.vpc === vpc);
  const enis = (useAll(kinds.interfaces).data ?? []).filter((e) => e.vpc === vpc);
  const other = (p: (typeof peerings)[number]): string => {
    const far = p.requester.vpc === vpc ? p.accepter : p.requester;
    return `to ${vpcs.get(far.vpc)?.name || far.vpc} (${far.cidrs.join(', ')}), ${p.status}`;
  };
  return [
    { label: 'Peering connections', options: peerings.map((p) => ({ value: p.id, description: `${p.name} ${other(p)}`.trim(), tags: [p.name] })) },
    { label: 'Internet gateways', options: gateways.map((g) => ({ value: g.id, description: g.name })) },
    { label: 'Network interfaces', options: enis.map((e) => ({ value: e.id, description: `${e.name} ${e.address}`.trim() })) },
  ].filter((group) => group.options.length > 0);
}
