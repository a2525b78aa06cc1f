import type { ReactNode } from 'react';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Asked } from './asked';
import type { Scene } from './scene';

const protocols: SelectProps.Option[] = [
  { value: 'icmp', label: 'Ping' },
  { value: 'tcp', label: 'TCP' },
  { value: 'udp', label: 'UDP' },
];

/** From where to where, and what: the question of the analyzer. */
export function ReachForm({ scene, asked, set }: { scene: Scene; asked: Asked; set: (a: Asked) => void }): ReactNode {
  const ends = endsOf(scene);
  const end = (id: string): SelectProps.Option | null => ends.find((o) => o.value === id) ?? null;
  const six = (id: string): boolean => scene.chips.get(id)?.addresses.some((a) => a.includes(':')) ?? false;
  const select = (label: string, key: 'source' | 'destination', hint: string): ReactNode => (
    <FormField label={label}>
      <Select
        selectedOption={end(asked[key])}
        options={ends}
        filteringType="auto"
        filteringAriaLabel={`Find a ${label.toLowerCase()}`}
        placeholder={hint}
        empty="No interfaces. Launch an instance first."
        onChange={(e) => set({ ...asked, [key]: e.detail.selectedOption.value ?? '' })}
        data-testid={`reach-${key}`}
        selectedAriaLabel="Selected"
      />
    </FormField>
  );
  return (
    <SpaceBetween size="xs">
      {select('Source', 'source', 'Click one on the map, or choose')}
      {select('Destination', 'destination', 'And where to?')}
      <div className="flow-row">
        <FormField label="Protocol">
          <Select selectedOption={protocols.find((o) => o.value === asked.protocol) ?? null} options={protocols} onChange={(e) => set({ ...asked, protocol: e.detail.selectedOption.value ?? 'tcp' })} data-testid="reach-protocol" />
        </FormField>
        <FormField label="Port" errorText={portProblem(asked)}>
          <Input
            value={asked.protocol === 'icmp' ? '' : asked.port}
            disabled={asked.protocol === 'icmp'}
            inputMode="numeric"
            placeholder="80"
            onChange={(e) => set({ ...asked, port: e.detail.value })}
            data-testid="reach-port"
          />
        </FormField>
        <div className="swap">
          <Button iconName="arrow-right" ariaLabel="Swap source and destination" onClick={() => set({ ...asked, source: asked.destination, destination: asked.source })} />
        </div>
      </div>
      {(asked.ipv6 || (six(asked.source) && six(asked.destination))) && (
        <Checkbox checked={asked.ipv6} onChange={(e) => set({ ...asked, ipv6: e.detail.checked })} data-testid="reach-ipv6">
          Between their IPv6 addresses
        </Checkbox>
      )}
    </SpaceBetween>
  );
}

export function portProblem(a: Asked): string {
  if (a.protocol === 'icmp') return '';
  return /^\d{1,5}$/.test(a.port) && Number(a.port) >= 1 && Number(a.port) <= 65535 ? '' : 'From 1 to 65535.';
}

function endsOf(scene: Scene): SelectProps.Option[] {
  return [...scene.chips.values()].map((c) => ({ value: c.id, label: c.name, labelTag: c.address, description: `${scene.byId.get(c.vpc)?.name ?? c.vpc} · ${c.id}`, filteringTags: c.addresses }));
}
